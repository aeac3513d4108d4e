/* SPDX-License-Identifier: ISC */
/* AES key wrap with its default initial value (RFC 3394). */
#ifndef CRYPTO_KEYWRAP_H
#define CRYPTO_KEYWRAP_H

#include "base/buf.h"
#include "crypto/secret.h"

#define KEYWRAP_EXTRA 8u /* octets that wrapping adds */
#define KEYWRAP_MAX 256u /* octets of a wrapped key that we take */

/* kek: 16, 24 or 32 octets; key: a multiple of 8, at least 16. Appends key.len + 8 octets. ERR_USAGE, ERR_CRYPTO. */
int keywrap_wrap(struct slice kek, struct slice key, struct buf *out, struct error *e);
/* ERR_SYNTAX for a wrong length, ERR_INTEGRITY when the check value is wrong (another key wrapped it). */
int keywrap_unwrap(struct slice kek, struct slice wrapped, struct secret *key_out, struct error *e);

#endif
