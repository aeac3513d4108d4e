/* SPDX-License-Identifier: ISC */
/* HMAC (RFC 2104) in one call. */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include "crypto/hash.h"

/* Writes hash_size(id) octets to out. ERR_CRYPTO. */
int hmac_once(enum hash_id id, struct slice key, struct slice in, uint8_t *out, struct error *e);

#endif
