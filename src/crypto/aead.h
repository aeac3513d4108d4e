/* SPDX-License-Identifier: ISC */
/*
 * Authenticated encryption with associated data: OCB (RFC 7253), GCM
 * (SP 800-38D) and EAX over AES, with 16-octet tags. One context serves many
 * messages under one key, each with its own nonce.
 *
 * A nonce must never come twice under one key.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "crypto/cipher.h"

enum aead_id { AEAD_EAX, AEAD_OCB, AEAD_GCM, AEAD_COUNT };

#define AEAD_TAG 16u
#define AEAD_NONCE_MAX 16u

/* Octets of the nonce as OpenPGP uses it: EAX 16, OCB 15, GCM 12. */
size_t aead_nonce_size(enum aead_id id);
const char *aead_name(enum aead_id id);

struct aead;

/* way: one direction a context. ERR_USAGE for a wrong key length, ERR_NOMEM, ERR_CRYPTO. */
int aead_new(
    enum aead_id id, enum cipher_id cipher, enum cipher_way way, struct slice key, struct aead **out, struct error *e);
/* OCB and GCM with nonces of another length than OpenPGP's: 1 to 15 octets. ERR_USAGE also for EAX. */
int aead_new_with_nonce(enum aead_id id, size_t nonce_size, enum cipher_id cipher, enum cipher_way way,
    struct slice key, struct aead **out, struct error *e);
/* in and out may be the same. Writes len octets to out and AEAD_TAG to tag. ERR_USAGE (nonce length), ERR_CRYPTO. */
int aead_seal(struct aead *a, struct slice nonce, struct slice ad, const uint8_t *in, size_t len, uint8_t *out,
    uint8_t *tag, struct error *e);
/* ERR_INTEGRITY when the tag does not match; out is then overwritten with zeros. */
int aead_open(struct aead *a, struct slice nonce, struct slice ad, const uint8_t *in, size_t len, uint8_t *out,
    const uint8_t *tag, struct error *e);
void aead_free(struct aead *a); /* NULL is permitted; wipes */

#endif
