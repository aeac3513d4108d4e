/* SPDX-License-Identifier: ISC */
/*
 * Header fields (RFC 5322 sections 2.2 and 3.6.8, with the obsolete form that
 * has spaces before the colon). A header block is all lines up to and with the
 * first empty one. It also ends, without an empty line, before the first line
 * that can be neither a field nor a continuation (mail without the blank line).
 * Lines end with CRLF or LF; a CR alone is a character. A first line "From "
 * (mbox) is passed over. Values are kept as they came: folded and encoded.
 */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mime/limits.h"

struct mime_field {
	struct slice name;  /* as written, without spaces before the colon */
	struct slice value; /* all after the colon but the last line end; folding inside */
	struct slice whole; /* the field with its line end */
};

struct mime_header {
	const struct mime_field *fields;
	size_t count;
	size_t length; /* octets of the block, the empty line included */
	bool no_blank; /* the block ended without an empty line */
	bool cut;      /* over MIME_HEADER_MAX or MIME_FIELDS_MAX: some fields are missing here */
};

/*
 * Parses the block at the front of in (in may go on with the body). Slices
 * point into in, the table lives in the arena. ERR_NOMEM, ERR_LIMIT of the
 * arena; nothing else fails.
 */
int mime_header_parse(struct slice in, struct arena *a, struct mime_header *out, struct error *e);

/* The same block's length, without a table: where the body begins. in.len when there is no body. */
size_t mime_header_length(struct slice in);

/* The first field of that name (any case), or NULL; then the next one after `after`. */
const struct mime_field *mime_header_find(const struct mime_header *h, const char *name);
const struct mime_field *
mime_header_next(const struct mime_header *h, const struct mime_field *after, const char *name);
/* How many fields of that name there are. */
size_t mime_header_count(const struct mime_header *h, const char *name);
/* The first field's value, trimmed, still folded and encoded; empty when there is none. */
struct slice mime_header_value(const struct mime_header *h, const char *name);

/* Appends the value on one line: line ends go, the space after them stays (RFC 5322 2.2.3). Trimmed at both ends. */
int mime_unfold(struct slice value, struct buf *out);
/* The same in the arena; empty when there is no memory (a->err). */
struct slice mime_unfold_copy(struct slice value, struct arena *a);

/*
 * Appends those fields of the block whose names are listed (or, with exclude,
 * the others), whole and in their order, and an empty line CRLF: what IMAP's
 * HEADER.FIELDS and HEADER.FIELDS.NOT give (RFC 3501 6.4.5). Returns out's
 * sticky error.
 */
int mime_header_select(struct slice block, const struct slice *names, size_t count, bool exclude, struct buf *out);

/*
 * A header block that comes in pieces. feed returns how many octets of in
 * belong to the block or were needed to see its end; done says that the end
 * was seen, length is then the block's. At the end of input without done the
 * length is all that was fed.
 */
struct mime_header_scan {
	uint64_t length; /* octets of whole lines that belong to the block */
	uint64_t line;   /* octets of the open line */
	uint8_t state;   /* inside: what the open line is so far */
	uint8_t from;    /* inside: octets of "From" that the name matched */
	bool any;        /* inside: a field was seen, so continuations are possible */
	bool later;      /* inside: not the first line */
	bool done;
};

void mime_header_scan_init(struct mime_header_scan *s);
size_t mime_header_scan_feed(struct mime_header_scan *s, struct slice in);
/* The input ended: sets length and done. */
void mime_header_scan_end(struct mime_header_scan *s);

#endif
