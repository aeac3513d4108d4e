/* SPDX-License-Identifier: ISC */
/* For crypto/cipher.c: the ciphers of libcrypto's legacy provider. NULL when it is not there. */
#ifndef CRYPTO_CIPHER_LEGACY_H
#define CRYPTO_CIPHER_LEGACY_H

#include <openssl/evp.h>

const EVP_CIPHER *cipher_cast5_ecb(void);
const EVP_CIPHER *cipher_cast5_cbc(void);
const EVP_CIPHER *cipher_blowfish_ecb(void);
const EVP_CIPHER *cipher_blowfish_cbc(void);

#endif
