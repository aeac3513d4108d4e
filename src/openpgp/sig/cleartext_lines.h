/* SPDX-License-Identifier: ISC */
/*
 * What both sides of the cleartext framework need (RFC 9580 section 7.1): a
 * text in lines of any length, in constant memory, and its lines without the
 * blanks at their ends.
 */
#ifndef OPENPGP_CLEARTEXT_LINES_H
#define OPENPGP_CLEARTEXT_LINES_H

#include "openpgp/limits.h"
#include "openpgp/frame/stream.h"

#define CLEARTEXT_HEAD 256u /* octets of a line that its first part has at least, when the line has them */

#define CLEARTEXT_SIGNED "-----BEGIN PGP SIGNED MESSAGE-----"
#define CLEARTEXT_SIGNATURE "-----BEGIN PGP SIGNATURE-----"

/* ---- a source, cut into parts of lines ---- */

struct cleartext_part {
	struct slice data; /* without the line feed */
	bool first;        /* begins a line */
	bool last;         /* ends it */
	bool lf;           /* with a line feed; else with the end of the input */
};

struct cleartext_source {
	struct pgp_source in;
	struct slice piece; /* what is left of the source's last piece */
	bool inside;        /* of a line */
	bool ended;
	uint64_t offset;
	uint8_t carry[CLEARTEXT_HEAD];
};

void cleartext_source_init(struct cleartext_source *s, struct pgp_source in);
/* 1 with a part, valid until the next call; 0 at the end; the source's error. */
int cleartext_source_next(struct cleartext_source *s, struct cleartext_part *out, struct error *e);
/* Whether a line is this border, but for blanks behind it. */
bool cleartext_is_border(struct slice line, const char *border);

/* ---- blanks at the ends of lines ---- */

/*
 * Spaces, tabs and carriage returns wait until something follows them in the
 * same line. Given parts of lines, it says what goes on.
 */
struct cleartext_blanks {
	struct buf held;
	bool strict; /* ERR_USAGE for a carriage return without a line feed */
};

void cleartext_blanks_init(struct cleartext_blanks *b, bool strict);
void cleartext_blanks_done(struct cleartext_blanks *b);
/* Appends what is certain of a part. ERR_LIMIT over PGP_CLEARTEXT_BLANKS_MAX in a row, ERR_NOMEM. */
int cleartext_blanks_put(struct cleartext_blanks *b, struct slice part, struct buf *out, struct error *e);
/* The line's end: appends what is left of it but blanks. *crlf_out: it ended with CR LF, given that it ended with LF. */
int cleartext_blanks_end(struct cleartext_blanks *b, bool lf, bool *crlf_out, struct buf *out, struct error *e);

#endif
