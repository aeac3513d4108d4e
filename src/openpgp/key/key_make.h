/* SPDX-License-Identifier: ISC */
/*
 * A fresh key: the public part of its packet and its secret. What makes a
 * certificate of it (user IDs, bindings, flags) is generate.h's.
 *
 * Which algorithm goes with which version (RFC 9580 sections 9.1, 9.2, 12.4):
 *
 *   RSA            4, 6   bits: 3072 (default) to 16384; smaller must not be made
 *   EdDSALegacy    4      curve Ed25519Legacy
 *   ECDH           4      curve Curve25519Legacy (default)
 *   ECDSA, ECDH    4, 6   NIST P-256 (default of ECDSA), P-384, P-521, Brainpool 256, 384, 512
 *   Ed25519, X25519, Ed448, X448    4, 6
 *
 * DSA, ElGamal and the RSA kinds 2 and 3 are read, never made.
 */
#ifndef OPENPGP_KEY_MAKE_H
#define OPENPGP_KEY_MAKE_H

#include "crypto/secret.h"
#include "openpgp/key/key.h"

#define PGP_RSA_BITS_DEFAULT 3072u
#define PGP_RSA_BITS_MIN 3072u /* of keys that we make (section 12.4) */

struct pgp_key_spec {
	uint8_t version;   /* 4 or 6 */
	uint8_t algorithm; /* enum pgp_algorithm */
	uint8_t curve;     /* enum pgp_curve; PGP_CURVE_NONE: the default one */
	bool subkey;       /* only decides the packet type */
	unsigned bits;     /* RSA; 0: the default */
	uint32_t created;  /* unix seconds */
};

struct pgp_fresh_key {
	struct pgp_key key;   /* a public key over body */
	struct buf body;      /* its packet's body: the public part */
	struct secret secret; /* unlocked, as pgp_key_unlock() gives it */
};

/*
 * out: overwritten; done with pgp_fresh_key_done(), which a failed call has
 * done itself. ERR_USAGE a combination that is not in the table above,
 * ERR_UNSUPPORTED when libcrypto does not have it, ERR_CRYPTO, ERR_NOMEM.
 */
int pgp_key_make(const struct pgp_key_spec *spec, struct pgp_fresh_key *out, struct error *e);
/* Wipes and frees; may be called twice, and on one that is all zeros. */
void pgp_fresh_key_done(struct pgp_fresh_key *f);

#endif
