/* SPDX-License-Identifier: ISC */
/*
 * ML-KEM (FIPS 203), a key encapsulation that a quantum computer does not
 * break, as libcrypto has it from OpenSSL 3.5 on. It is looked for at run
 * time: with an older one every call but the sizes is refused with
 * ERR_UNSUPPORTED and a sentence that says so.
 *
 * A secret key is its seed, d || z (FIPS 203 section 3.3); a public key is the
 * encapsulation key.
 *
 *               seed   public   ciphertext   shared   octets
 *   ML-KEM-768    64     1184         1088       32
 *   ML-KEM-1024   64     1568         1568       32
 */
#ifndef CRYPTO_MLKEM_H
#define CRYPTO_MLKEM_H

#include "crypto/secret.h"

enum mlkem_id { MLKEM_768, MLKEM_1024, MLKEM_COUNT };

#define MLKEM_SEED 64u
#define MLKEM_SHARED 32u
#define MLKEM_PUBLIC_MAX 1568u
#define MLKEM_CIPHERTEXT_MAX 1568u

size_t mlkem_public_size(enum mlkem_id id);
size_t mlkem_ciphertext_size(enum mlkem_id id);

/* 0 when libcrypto has it, else ERR_UNSUPPORTED. */
int mlkem_available(enum mlkem_id id, struct error *e);
/* A new key: *seed_out is made, mlkem_public_size() octets go to public_out. ERR_NOMEM, ERR_CRYPTO. */
int mlkem_generate(enum mlkem_id id, struct secret *seed_out, uint8_t *public_out, struct error *e);
/* The public key that belongs to a seed. ERR_SYNTAX for a wrong length. */
int mlkem_public(enum mlkem_id id, struct slice seed, uint8_t *public_out, struct error *e);
/* Writes mlkem_ciphertext_size() octets and makes *shared_out. ERR_SYNTAX when public_key is none. */
int mlkem_encapsulate(
    enum mlkem_id id, struct slice public_key, uint8_t *ciphertext_out, struct secret *shared_out, struct error *e);
/*
 * A ciphertext of the right length always gives something: one that was not
 * made for this key gives octets that nobody knows (FIPS 203 section 6.3).
 * ERR_SYNTAX for wrong lengths.
 */
int mlkem_decapsulate(
    enum mlkem_id id, struct slice seed, struct slice ciphertext, struct secret *shared_out, struct error *e);

#endif
