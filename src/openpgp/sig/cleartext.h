/* SPDX-License-Identifier: ISC */
/*
 * The cleartext signature framework (RFC 9580 section 7), written and read as a
 * stream.
 *
 * What is signed is the text without spaces and tabs at the ends of its lines,
 * with CR LF line ends, and without the line end in front of the signatures.
 * Only that ever comes out of the reader: with the line ends that it came with,
 * never anything from outside the block, never a header.
 *
 * The writer puts a line end of its own behind the text, so that a text that
 * ends with one keeps it. Where a signer's key is of version 4 it writes the
 * Hash header that older programs look for (section 6.2.2.3); for version 6
 * alone there is none. Lines that begin with "-" or "From " are escaped.
 *
 * The reader learns which hashes and salts there are only behind the text. It
 * reads its input twice when the caller can begin it again, in constant memory;
 * otherwise it keeps the text, up to PGP_CLEARTEXT_HELD_MAX. Refused as
 * ERR_SYNTAX, so that nothing is shown as signed: any header but well-formed
 * Hash headers (NotDashEscaped, Charset and Comment included), a header line
 * that is something else, an armor line of any kind within the text, a second
 * signed text, and armor that holds anything but signatures. What the Hash
 * headers say is not used: the signatures decide.
 *
 * Limits: PGP_CLEARTEXT_* in limits.h.
 */
#ifndef OPENPGP_CLEARTEXT_H
#define OPENPGP_CLEARTEXT_H

#include "openpgp/message/decrypt.h"

/* ---- writing ---- */

struct pgp_cleartext_writer;

/*
 * Writes the beginning. maker signs as text (PGP_SIG_TEXT), is fed by the
 * writer, and stays the caller's. ERR_USAGE (a maker of another type),
 * ERR_NOMEM, or the sink's error.
 */
int pgp_cleartext_writer_new(
    struct pgp_maker *maker, struct pgp_sink out, struct pgp_cleartext_writer **writer_out, struct error *e);
/*
 * A piece of the text, of any size. ERR_USAGE for a carriage return without a
 * line feed: readers disagree whether it ends a line. ERR_LIMIT for more than
 * PGP_CLEARTEXT_BLANKS_MAX spaces and tabs in a row.
 */
int pgp_cleartext_writer_put(struct pgp_cleartext_writer *w, struct slice text, struct error *e);
/* The signatures. What was written before an error is no message. */
int pgp_cleartext_writer_end(struct pgp_cleartext_writer *w, struct error *e);
void pgp_cleartext_writer_free(struct pgp_cleartext_writer *w); /* NULL is permitted */

/* ---- reading ---- */

/* A source that may begin again. */
struct pgp_reread {
	struct pgp_source source;
	int (*again)(void *ctx, struct error *e); /* the source's next piece is its first again; NULL: it cannot */
	void *ctx;
};

struct pgp_cleartext_result {
	uint64_t length;        /* octets of text that came out */
	size_t signature_count; /* signature packets */
	bool before, after;     /* there is text in front of or behind the block, which nobody signed */
	size_t unescaped;       /* lines that begin with a dash which is not escaped (section 7.2: worth a warning) */
};

/*
 * Reads one signed text: its signatures are expected by verifier, its text is
 * fed to it and written to plain, `held` until commit. Finishing the verifier
 * stays the caller's, who may do it within commit in order to release nothing
 * that is not signed. ERR_SYNTAX, ERR_TRUNCATED, ERR_LIMIT, ERR_NOMEM, or the
 * error of the source or the sink; then abort was called.
 */
int pgp_cleartext_read(struct pgp_reread in, struct pgp_verifier *verifier, struct pgp_plain plain,
    struct pgp_cleartext_result *result, struct error *e);

#endif
