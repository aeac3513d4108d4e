/* SPDX-License-Identifier: ISC */
/*
 * ASCII armor (RFC 9580 section 6), written and read as a stream with large
 * buffers. The cleartext framework (section 7) is not here.
 *
 * Written: lines of 64, no headers, and the checksum only where it is asked
 * for: gpg 2.2 misreads armor without one, and an object that ends in version 6
 * packets or SEIPDv2 must not have one (section 6.1).
 *
 * Read: tolerant of text before and behind the block (which is never part of
 * what comes out), a byte order mark, CR LF, spaces and tabs around lines and
 * in them, header lines of any name or none, a missing blank line, lines of any
 * length; the checksum is never a reason to refuse (section 6.1). Strict about
 * what it covers: octets in the base64 that are neither alphabet nor white
 * space, wrong padding, another tail line than the head line's, and a second
 * block in a stream that is read as one object are refused; so is one part of a
 * message in several (RFC 4880's PART lines).
 */
#ifndef OPENPGP_ARMOR_H
#define OPENPGP_ARMOR_H

#include "base/base64.h"
#include "openpgp/frame/stream.h"

enum pgp_armor_kind {
	PGP_ARMOR_NONE, /* binary */
	PGP_ARMOR_MESSAGE,
	PGP_ARMOR_PUBLIC_KEY,
	PGP_ARMOR_PRIVATE_KEY,
	PGP_ARMOR_SIGNATURE,
	PGP_ARMOR_COUNT
};

/* ---- writing ---- */

struct pgp_armor_writer {
	struct pgp_sink out;
	enum pgp_armor_kind kind;
	bool checksum;
	uint32_t crc;
	struct base64_encoder encoder;
	struct buf text; /* characters on their way */
};

/* Writes the header line. kind is not PGP_ARMOR_NONE. Afterwards put, end, and done in any case. */
int pgp_armor_writer_init(
    struct pgp_armor_writer *w, enum pgp_armor_kind kind, bool checksum, struct pgp_sink out, struct error *e);
int pgp_armor_writer_put(struct pgp_armor_writer *w, struct slice data, struct error *e);
/* The last line, the checksum and the tail line. */
int pgp_armor_writer_end(struct pgp_armor_writer *w, struct error *e);
void pgp_armor_writer_done(struct pgp_armor_writer *w);
/* What is written to it goes through pgp_armor_writer_put(). */
struct pgp_sink pgp_armor_writer_sink(struct pgp_armor_writer *w);

/* The whole of a short object. */
int pgp_armor_write(enum pgp_armor_kind kind, bool checksum, struct slice data, struct buf *out, struct error *e);

/* Which kind an object of binary packets is by its first packet; PGP_ARMOR_MESSAGE when it is nothing else. */
enum pgp_armor_kind pgp_armor_kind_of(struct slice packets);

/* ---- reading ---- */

struct pgp_armor_reader;

/*
 * Reads from in, armored or binary, whichever it is: an OpenPGP packet begins
 * with an octet over 127, armor never does. ERR_NOMEM.
 */
int pgp_armor_reader_new(struct pgp_source in, struct pgp_armor_reader **out, struct error *e);
void pgp_armor_reader_free(struct pgp_armor_reader *r); /* NULL is permitted */
/*
 * The binary object. Errors: ERR_SYNTAX (neither armor nor OpenPGP; damage; a
 * second block), ERR_TRUNCATED (no tail line), with the offset in the input.
 */
struct pgp_source pgp_armor_reader_source(struct pgp_armor_reader *r);
/* Known after the first piece. */
enum pgp_armor_kind pgp_armor_reader_kind(const struct pgp_armor_reader *r);

/*
 * The next block of armored text in memory, for keyrings of several: appends
 * its octets to out and moves *at behind it. 1 when there was one, 0 when no
 * further block begins; ERR_SYNTAX, ERR_TRUNCATED, out's own error.
 */
int pgp_armor_parse(struct slice text, size_t *at, enum pgp_armor_kind *kind_out, struct buf *out, struct error *e);

/* Whether it is armor rather than binary packets, by its first octet that is not white space. */
bool pgp_armor_looks_armored(struct slice in);

#endif
