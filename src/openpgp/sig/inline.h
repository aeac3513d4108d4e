/* SPDX-License-Identifier: ISC */
/*
 * Messages that carry their signatures within (RFC 9580 sections 7 and 10.3):
 * a signed message, armored or binary, with one-pass packets or in the old
 * form, perhaps compressed as a whole, or a text in the cleartext framework.
 * Which it is, is found out by its beginning.
 *
 * Encrypted messages are refused (ERR_POLICY): they are decrypt.h's, and its
 * rules for releasing plaintext are others. Detached signatures are refused as
 * well: a file of signatures is no signed message, nor the other way round.
 *
 * Signing inline needs nothing of its own: pgp_encryptor_new() with
 * PGP_CONTAINER_NONE and a maker writes a signed message,
 * pgp_cleartext_writer_new() a text.
 */
#ifndef OPENPGP_INLINE_H
#define OPENPGP_INLINE_H

#include "openpgp/sig/cleartext.h"

struct pgp_inline_result {
	bool cleartext;                        /* the cleartext framework; else a message */
	uint64_t length;                       /* octets of data */
	size_t signature_count;                /* signature packets, good or not */
	struct pgp_literal literal;            /* of a message */
	struct pgp_cleartext_result framework; /* of a text */
};

/*
 * Gives the data to plain, and to the verifier; its verdicts are there after
 * return, pgp_verifier_finish() has been called. Data is held until commit, and
 * commit comes only when at least one signature is good; else abort and
 * ERR_SIGNATURE, whose sentence is that of the first verdict. ERR_SYNTAX,
 * ERR_TRUNCATED (the message is cut, or an announced signature is missing),
 * ERR_POLICY, ERR_LIMIT, ERR_NOMEM, the source's or the sink's error.
 */
int pgp_inline_verify(struct pgp_reread in, struct pgp_verifier *verifier, struct pgp_plain plain,
    struct pgp_inline_result *result, struct error *e);

/*
 * Takes a signed message apart without judging it: data to plain, signature
 * packets appended to signatures_out as a file of detached signatures. ERR_SYNTAX
 * also when there is no signature, or one that counts only in its message
 * (LibrePGP's version 5 covers the literal packet's own fields).
 */
int pgp_inline_detach(struct pgp_reread in, struct pgp_plain plain, struct buf *signatures_out,
    struct pgp_inline_result *result, struct error *e);

#endif
