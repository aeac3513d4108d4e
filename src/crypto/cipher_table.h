/* SPDX-License-Identifier: ISC */
/* For crypto's own files: libcrypto's names of the modes. */
#ifndef CRYPTO_CIPHER_TABLE_H
#define CRYPTO_CIPHER_TABLE_H

#include <openssl/evp.h>

#include "crypto/cipher.h"

/* A mode that is NULL is not there for this cipher; a function gives NULL when libcrypto does not have it. */
struct cipher_row {
	const char *name;
	size_t key_size, block_size;
	const EVP_CIPHER *(*ecb)(void);
	const EVP_CIPHER *(*cbc)(void);
	const EVP_CIPHER *(*ctr)(void);
	const EVP_CIPHER *(*ocb)(void);
	const EVP_CIPHER *(*gcm)(void);
	const EVP_CIPHER *(*wrap)(void);
};

const struct cipher_row *cipher_row(enum cipher_id id);

#endif
