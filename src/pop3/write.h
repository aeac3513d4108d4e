/* SPDX-License-Identifier: ISC */
/*
 * The answers of a POP3 server (RFC 1939 section 3, RFC 2449 section 3).
 *
 * Status lines have text for people in ASCII, and response codes (RFC 2449,
 * 3206, 6856) in brackets in front of it.
 *
 * The lines of a multi-line answer go through a struct pop3_lines, in pieces
 * of any size: a dot that begins a line is doubled, and the end is put behind
 * a whole line whatever the last octets were. A line begins, for this, behind
 * every CR and every LF, also one that stands alone: a client that takes such
 * an octet for the end of a line must not find the end of the answer, or an
 * answer of somebody else's making, in a message.
 */
#ifndef POP3_WRITE_H
#define POP3_WRITE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/* "+OK text". Returns out's sticky error, as all of these do. */
int pop3_write_ok(struct buf *out, const char *text);
/* "-ERR [code] text"; code NULL: none. Control characters and '[' in text become '?', what is too long is cut. */
int pop3_write_err(struct buf *out, const char *code, const char *text);

/* What CAPA announces (RFC 2449 section 6). */
struct pop3_capabilities {
	bool authorization; /* in that state */
	bool tls;
	bool can_start_tls;
	struct slice mechanisms; /* SASL: names, separated by spaces; empty: none */
	struct slice name;       /* IMPLEMENTATION: one word */
};

/* The whole answer. */
int pop3_write_capabilities(struct buf *out, const struct pop3_capabilities *c);
/* The whole answer to LANG (RFC 6856 section 3): there is English. */
int pop3_write_language(struct buf *out, struct slice range);

struct pop3_lines {
	uint8_t before, last; /* the two octets that came last; at first CR LF */
};

/* Behind the status line. */
void pop3_lines_init(struct pop3_lines *l);
/* Appends octets of the lines; at most twice as many as there are. */
int pop3_lines_put(struct pop3_lines *l, struct slice octets, struct buf *out);
/* Ends the last line if it is not, and the answer. */
int pop3_lines_end(struct pop3_lines *l, struct buf *out);

/*
 * What of a body TOP shows (RFC 1939 section 7): octets of its first lines, *left of them; counts *left down. Lines end
 * with LF.
 */
struct slice pop3_first_lines(struct slice body, uint32_t *left);

#endif
