/* SPDX-License-Identifier: ISC */
/*
 * The legacy provider is a file that libcrypto loads. It goes into a library
 * context of its own, once a process and only when an old cipher is asked for:
 * the rest of the program, TLS above all, never sees what is in it. It stays
 * until the process ends.
 */
#include "crypto/cipher_legacy.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

static struct {
	CRYPTO_ONCE once;
	OSSL_LIB_CTX *lib;
	EVP_CIPHER *cast5_ecb, *cast5_cbc, *blowfish_ecb, *blowfish_cbc;
} legacy = { .once = CRYPTO_ONCE_STATIC_INIT };

static void
load(void)
{
	legacy.lib = OSSL_LIB_CTX_new();
	if (legacy.lib == NULL || OSSL_PROVIDER_load(legacy.lib, "legacy") == NULL) {
		ERR_clear_error();
		return;
	}
	legacy.cast5_ecb = EVP_CIPHER_fetch(legacy.lib, "CAST5-ECB", NULL);
	legacy.cast5_cbc = EVP_CIPHER_fetch(legacy.lib, "CAST5-CBC", NULL);
	legacy.blowfish_ecb = EVP_CIPHER_fetch(legacy.lib, "BF-ECB", NULL);
	legacy.blowfish_cbc = EVP_CIPHER_fetch(legacy.lib, "BF-CBC", NULL);
	ERR_clear_error();
}

static void
need(void)
{
	(void)CRYPTO_THREAD_run_once(&legacy.once, load);
}

const EVP_CIPHER *
cipher_cast5_ecb(void)
{
	need();
	return legacy.cast5_ecb;
}

const EVP_CIPHER *
cipher_cast5_cbc(void)
{
	need();
	return legacy.cast5_cbc;
}

const EVP_CIPHER *
cipher_blowfish_ecb(void)
{
	need();
	return legacy.blowfish_ecb;
}

const EVP_CIPHER *
cipher_blowfish_cbc(void)
{
	need();
	return legacy.blowfish_cbc;
}
