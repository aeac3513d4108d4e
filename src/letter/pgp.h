/* SPDX-License-Identifier: ISC */
/*
 * Inside letter: the border to openpgp. Whole objects in memory for reading
 * (nothing is handed on before it is proven), a stream for writing.
 */
#ifndef LETTER_PGP_H
#define LETTER_PGP_H

#include "letter/open.h"
#include "letter/seal.h"
#include "openpgp/sig/data_sig.h"

/* What became of the signatures of one layer, with the certificates that they were checked with. */
struct letter_pgp_signatures {
	struct pgp_certs certs;
	struct pgp_verifier *verifier; /* NULL: there were none */
};

void letter_pgp_signatures_done(struct letter_pgp_signatures *s);

/*
 * Decrypts an OpenPGP message (armored or binary). plain gets the literal data
 * only when all of it is proven; signatures inside are judged. ERR_NO_KEY,
 * ERR_INTEGRITY, ERR_SYNTAX, ERR_LIMIT and so on, each with a sentence; plain is
 * then empty.
 */
int letter_pgp_decrypt(struct slice message, const struct letter_open_spec *spec, struct buf *plain,
    struct letter_pgp_signatures *signatures, struct error *e);

/*
 * Judges detached signatures (armored or binary) over data, whose line ends are
 * made CR LF (RFC 3156 section 5). ERR_SYNTAX when there is no signature.
 */
int letter_pgp_verify(struct slice signature, struct slice data, const struct letter_open_spec *spec,
    struct letter_pgp_signatures *signatures, struct error *e);

/* ---- writing ---- */

/* The sender's signing key, or ERR_NO_KEY. */
int letter_pgp_signer(const struct letter_seal_spec *spec, struct pgp_signer *out, struct error *e);

struct letter_pgp_sealer;

/* An armored message, signed and encrypted, with CR LF, goes to out as octets are put in. */
int letter_pgp_sealer_new(
    const struct letter_seal_spec *spec, struct mime_sink out, struct letter_pgp_sealer **sealer_out, struct error *e);
int letter_pgp_sealer_put(struct letter_pgp_sealer *s, struct slice data, struct error *e);
int letter_pgp_sealer_end(struct letter_pgp_sealer *s, struct error *e);
void letter_pgp_sealer_free(struct letter_pgp_sealer *s);

/* Appends signature packets in armor with CR LF. */
int letter_pgp_armor_signature(struct slice packets, struct buf *out, struct error *e);

#endif
