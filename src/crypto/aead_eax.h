/* SPDX-License-Identifier: ISC */
/* For crypto/aead.c: EAX (Bellare, Rogaway, Wagner 2004) from CMAC and CTR. Calls as in aead.h. */
#ifndef CRYPTO_AEAD_EAX_H
#define CRYPTO_AEAD_EAX_H

#include "crypto/cipher.h"

struct eax;

int eax_new(enum cipher_id cipher, struct slice key, struct eax **out, struct error *e);
int eax_seal(struct eax *x, struct slice nonce, struct slice ad, const uint8_t *in, size_t len, uint8_t *out,
    uint8_t *tag, struct error *e);
int eax_open(struct eax *x, struct slice nonce, struct slice ad, const uint8_t *in, size_t len, uint8_t *out,
    const uint8_t *tag, struct error *e);
void eax_free(struct eax *x); /* NULL is permitted */

#endif
