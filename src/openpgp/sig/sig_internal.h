/* SPDX-License-Identifier: ISC */
/* Shared by the files behind sig.h, keyops.h and key.h; nobody else includes it. */
#ifndef OPENPGP_SIG_INTERNAL_H
#define OPENPGP_SIG_INTERNAL_H

#include "crypto/hash.h"
#include "openpgp/sig/sig.h"

/* ERR_UNSUPPORTED for an unknown number. */
int pgp_hash_crypto_id(uint8_t hash, enum hash_id *out, struct error *e);

/* Hashes what a signature of this type is over. ERR_SYNTAX when the target lacks it. */
int pgp_hash_target(struct pgp_hash *h, uint8_t type, uint8_t version, const struct pgp_sig_target *t, struct error *e);

/* Notations that may be critical. */
struct pgp_knowing {
	const struct slice *notations;
	size_t count;
};
/* Reads one subpacket area into *s, or sets its `invalid`. */
void pgp_sig_take_area(struct pgp_sig *s, struct slice area, bool is_hashed, const struct pgp_knowing *knowing);

void pgp_hash_free_pointer(struct pgp_hash **h);
#define PGP_HASH_OWNED __attribute__((cleanup(pgp_hash_free_pointer)))

#endif
