/* SPDX-License-Identifier: ISC */
/* DSA (FIPS 186-4), to check old signatures: nothing new is signed with it. Numbers are big-endian octets. */
#ifndef CRYPTO_DSA_H
#define CRYPTO_DSA_H

#include "base/error.h"
#include "base/slice.h"

struct dsa_public {
	struct slice p, q, g, y;
};

#define DSA_BITS_MIN 1024u
#define DSA_BITS_MAX 8192u /* libcrypto itself stops at 10000; gpg makes 3072 at most */

/*
 * digest: of any length, its leftmost bits count, as many as q has.
 * ERR_SIGNATURE, ERR_UNSUPPORTED for sizes out of bounds, ERR_SYNTAX for
 * numbers that are no key.
 */
int dsa_verify(const struct dsa_public *key, struct slice digest, struct slice r, struct slice s, struct error *e);

/* Whether y is g^x modulo p. ERR_INTEGRITY when not, ERR_CRYPTO. For ElGamal keys too, which have no q. */
int dsa_matches(struct slice p, struct slice g, struct slice y, struct slice x, struct error *e);

#endif
