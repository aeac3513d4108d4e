/* SPDX-License-Identifier: ISC */
/*
 * Key agreement over X25519 and X448 (RFC 7748). Keys are plain octets, 32 and
 * 56. A result that is all zero (a point of small order) is refused.
 */
#ifndef CRYPTO_AGREE_H
#define CRYPTO_AGREE_H

#include "crypto/secret.h"

enum agree_id { AGREE_X25519, AGREE_X448, AGREE_COUNT };

#define AGREE_KEY_MAX 56u

size_t agree_key_size(enum agree_id id); /* of secret, public and shared */

/* A new key: *secret_out is made, agree_key_size() octets go to public_out. ERR_NOMEM, ERR_CRYPTO. */
int agree_generate(enum agree_id id, struct secret *secret_out, uint8_t *public_out, struct error *e);
int agree_public(enum agree_id id, struct slice secret, uint8_t *public_out, struct error *e);
/* ERR_SYNTAX for wrong lengths and for a public key that gives zero. */
int agree_derive(
    enum agree_id id, struct slice secret, struct slice public_key, struct secret *shared_out, struct error *e);

#endif
