/* SPDX-License-Identifier: ISC */
/*
 * RSA with PKCS#1 v1.5 paddings (RFC 8017 sections 7.2 and 8.2), as OpenPGP and
 * DKIM use it. Numbers are big-endian octets, with or without leading zeros.
 */
#ifndef CRYPTO_RSA_H
#define CRYPTO_RSA_H

#include "base/buf.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

#define RSA_BITS_MIN 1024u  /* policy asks for more; below this nothing is even tried */
#define RSA_BITS_MAX 16384u /* larger ones cost seconds and exist only to cost seconds */
#define RSA_OCTETS_MAX (RSA_BITS_MAX / 8u)

struct rsa_public {
	struct slice n, e;
};

/* OpenPGP's form: u is the inverse of p modulo q. */
struct rsa_secret {
	struct rsa_public public_key;
	struct slice d, p, q, u;
};

/* A new key: OpenPGP's numbers, big-endian; p < q. */
struct rsa_fresh {
	struct secret n, e, d, p, q, u;
};

#define RSA_GENERATE_BITS_MIN 2048u

/* Takes seconds from 4096 bits on. ERR_USAGE for a number of bits out of bounds, ERR_NOMEM, ERR_CRYPTO. */
int rsa_generate(size_t bits, struct rsa_fresh *out, struct error *e);
void rsa_fresh_done(struct rsa_fresh *f); /* wipes and frees */

/* Bits of the modulus. */
size_t rsa_bits(const struct rsa_public *key);
/* digest: hash_size(id) octets. ERR_SIGNATURE, ERR_UNSUPPORTED for sizes out of bounds. */
int
rsa_verify(const struct rsa_public *key, enum hash_id id, struct slice digest, struct slice signature, struct error *e);
/* Appends as many octets as the modulus has. */
int rsa_sign(
    const struct rsa_secret *key, enum hash_id id, struct slice digest, struct buf *signature_out, struct error *e);
/* Appends as many octets as the modulus has. in: at most that less 11. */
int rsa_encrypt(const struct rsa_public *key, struct slice in, struct buf *out, struct error *e);
/*
 * lengths: which lengths the message may have (a session key's, by algorithm).
 * One of them comes out whatever the padding says: a wrong padding or another
 * length gives random octets and 0, in the same time as far as we can
 * (Bleichenbacher, Marvin). The caller finds out by what the octets are for.
 */
int rsa_decrypt(const struct rsa_secret *key, struct slice in, const size_t *lengths, size_t length_count,
    struct secret *out, struct error *e);

#endif
