/* SPDX-License-Identifier: ISC */
/*
 * ElGamal decryption with PKCS#1 v1.5 padding (RFC 9580 section 5.1.4), to read
 * old mail: nothing new is encrypted with it. libcrypto has no ElGamal; this is
 * its constant-time exponentiation, blinded.
 */
#ifndef CRYPTO_ELGAMAL_H
#define CRYPTO_ELGAMAL_H

#include "crypto/secret.h"

#define ELGAMAL_BITS_MIN 1024u
#define ELGAMAL_BITS_MAX 16384u

struct elgamal_secret {
	struct slice p, g, y, x; /* big-endian octets */
};

/*
 * a, b: g^k and m*y^k. lengths and what comes out: as rsa_decrypt().
 * ERR_SYNTAX for numbers that no encryption makes (zero, not below p),
 * ERR_UNSUPPORTED for sizes out of bounds, ERR_NOMEM, ERR_CRYPTO.
 */
int elgamal_decrypt(const struct elgamal_secret *key, struct slice a, struct slice b, const size_t *lengths,
    size_t length_count, struct secret *out, struct error *e);

#endif
