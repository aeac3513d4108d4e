/* SPDX-License-Identifier: ISC */
/* For crypto's own files: big numbers, and keys made of them, on their way into libcrypto. */
#ifndef CRYPTO_NUMBER_H
#define CRYPTO_NUMBER_H

#include <stdbool.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/slice.h"

#define NUMBER_OCTETS_MAX 2048u /* 16384 bits: what any key here may have */
#define NUMBERS_MAX 8

/* NULL when it is too long or there is no memory. Wiped by whoever owns it when it is secret: BN_clear_free(). */
BIGNUM *number_new(struct slice s);
/* The same in libcrypto's secure heap, with the flag that makes operations take constant time. */
BIGNUM *number_new_secret(struct slice s);
/* Bits without leading zeros. */
size_t number_bits(struct slice s);

/* The numbers of one key; begun with numbers_init(). One that could not be made marks the whole as failed. */
struct numbers {
	OSSL_PARAM_BLD *bld;
	BIGNUM *bn[NUMBERS_MAX];
	size_t count;
	bool failed;
};

void numbers_init(struct numbers *n);
/* Takes bn, which may be NULL: failed. */
void numbers_add(struct numbers *n, const char *name, BIGNUM *bn);
/* NULL when anything failed. type: "RSA"; selection: EVP_PKEY_PUBLIC_KEY or EVP_PKEY_KEYPAIR. */
EVP_PKEY *numbers_key(struct numbers *n, const char *type, int selection);
void numbers_done(struct numbers *n);

#endif
