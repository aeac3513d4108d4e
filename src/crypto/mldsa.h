/* SPDX-License-Identifier: ISC */
/*
 * ML-DSA (FIPS 204), signatures that a quantum computer does not forge, as
 * libcrypto has them from OpenSSL 3.5 on. It is looked for at run time: with
 * an older one every call but the sizes is refused with ERR_UNSUPPORTED and a
 * sentence that says so.
 *
 * The pure and hedged variant with an empty context. A secret key is its seed,
 * xi (FIPS 204 section 3.6.3).
 *
 *              seed   public   signature   octets
 *   ML-DSA-65    32     1952        3309
 *   ML-DSA-87    32     2592        4627
 */
#ifndef CRYPTO_MLDSA_H
#define CRYPTO_MLDSA_H

#include "crypto/secret.h"

enum mldsa_id { MLDSA_65, MLDSA_87, MLDSA_COUNT };

#define MLDSA_SEED 32u
#define MLDSA_PUBLIC_MAX 2592u
#define MLDSA_SIGNATURE_MAX 4627u

size_t mldsa_public_size(enum mldsa_id id);
size_t mldsa_signature_size(enum mldsa_id id);

/* 0 when libcrypto has it, else ERR_UNSUPPORTED. */
int mldsa_available(enum mldsa_id id, struct error *e);
/* A new key: *seed_out is made, mldsa_public_size() octets go to public_out. ERR_NOMEM, ERR_CRYPTO. */
int mldsa_generate(enum mldsa_id id, struct secret *seed_out, uint8_t *public_out, struct error *e);
/* The public key that belongs to a seed. ERR_SYNTAX for a wrong length. */
int mldsa_public(enum mldsa_id id, struct slice seed, uint8_t *public_out, struct error *e);
/* Writes mldsa_signature_size() octets. */
int mldsa_sign(enum mldsa_id id, struct slice seed, struct slice message, uint8_t *signature_out, struct error *e);
/* 0 when the signature is right; ERR_SIGNATURE when it is not, ERR_SYNTAX for wrong lengths or no such key. */
int
mldsa_verify(enum mldsa_id id, struct slice public_key, struct slice message, struct slice signature, struct error *e);

#endif
