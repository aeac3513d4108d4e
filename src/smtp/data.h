/* SPDX-License-Identifier: ISC */
/*
 * The text of a message as it crosses after DATA (RFC 5321 section 4.5.2): it
 * ends with CR LF "." CR LF and with nothing else; a dot that begins a line is
 * taken off when more follows. CR without LF, LF without CR and NUL are faults
 * (2.3.8; SMTP smuggling, CVE-2023-51764 and its kin): the text is read to its
 * one true end, and then refused.
 */
#ifndef SMTP_DATA_H
#define SMTP_DATA_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

enum smtp_data_what {
	SMTP_DATA_MORE,  /* *used_out octets are done; more are needed to say anything */
	SMTP_DATA_CHUNK, /* *chunk_out is text of the message */
	SMTP_DATA_END,   /* the end was read; what follows it is the next command */
};

/* Bits. */
enum smtp_data_fault {
	SMTP_DATA_BARE_CR = 1,
	SMTP_DATA_BARE_LF = 2,
	SMTP_DATA_NUL = 4,
};

struct smtp_data {
	bool in_line;    /* the next octet does not begin a line */
	bool cr;         /* BDAT: the last octet was CR */
	unsigned faults; /* enum smtp_data_fault bits so far */
};

/*
 * Reads from the front of in and says how many octets are done with. At most
 * four octets at the end of in wait for what follows them. Start with a zeroed
 * struct.
 */
enum smtp_data_what smtp_data_next(struct smtp_data *d, struct slice in, struct slice *chunk_out, size_t *used_out);

/*
 * Text that comes by BDAT (RFC 3030): a number ends it, and no dot was doubled.
 * Notes the same faults; a line's end may be cut by the end of a chunk.
 */
void smtp_data_check(struct smtp_data *d, struct slice in);
/* No more comes. */
void smtp_data_check_end(struct smtp_data *d);

/* The other way: a message made ready to be sent. Start with a zeroed struct. */
struct smtp_stuffer {
	bool plain;   /* for BDAT: dots stay as they are, and the end has no dot */
	bool in_line; /* the next octet does not begin a line */
	bool cr;      /* the last octet was CR, whose line end is written already */
};

/*
 * Appends the message's next octets ready to be sent: dots doubled, every CR,
 * LF or CR LF made CR LF (never a bare one goes out; a dot behind a bare CR is
 * doubled too). Returns out's sticky error.
 */
int smtp_stuffer_put(struct smtp_stuffer *s, struct slice in, struct buf *out);
/* The end: CR LF when the text does not end with one, "." CR LF (not when plain). */
int smtp_stuffer_end(struct smtp_stuffer *s, struct buf *out);

#endif
