/* SPDX-License-Identifier: ISC */
/* For crypto's own files: libcrypto's name of a hash function. */
#ifndef CRYPTO_HASH_TABLE_H
#define CRYPTO_HASH_TABLE_H

#include <openssl/evp.h>

#include "crypto/hash.h"

const EVP_MD *hash_md(enum hash_id id); /* a static object, never NULL */

#endif
