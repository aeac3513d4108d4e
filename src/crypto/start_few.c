/* SPDX-License-Identifier: ISC */
/*
 * libcrypto with the algorithms that we use, and no others.
 *
 * At the first look-up of a cipher libcrypto makes an object of every cipher that its provider has (some 130), and
 * likewise for digests; for one line of text that costs more than all of its cryptography. Here the default provider
 * stands behind one of our own, built in, which shows only the rows of its tables that we ask for; everything else of
 * it is the same, its functions too. For libcrypto 3.0, Debian 12's.
 */
#include "crypto/start_few.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#define ROWS_MAX 64u

static OSSL_PROVIDER *whole; /* the default provider; for the life of the process */
static OSSL_ALGORITHM ciphers[ROWS_MAX + 1], digests[ROWS_MAX + 1];

/* The first of the names of a row; what crypto/'s files name, and no more. */
static const char *const ciphers_used[] = { "AES-128-CBC", "AES-128-CTR", "AES-128-ECB", "AES-128-GCM", "AES-128-OCB",
	"AES-128-WRAP", "AES-192-CBC", "AES-192-CTR", "AES-192-ECB", "AES-192-GCM", "AES-192-OCB", "AES-192-WRAP",
	"AES-256-CBC", "AES-256-CTR", "AES-256-ECB", "AES-256-GCM", "AES-256-OCB", "AES-256-WRAP", "CAMELLIA-128-CBC",
	"CAMELLIA-128-ECB", "CAMELLIA-192-CBC", "CAMELLIA-192-ECB", "CAMELLIA-256-CBC", "CAMELLIA-256-ECB",
	"DES-EDE3-CBC", "DES-EDE3-ECB", NULL };
static const char *const digests_used[] = { "MD5", "SHA1", "RIPEMD-160", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512",
	"SHA3-256", "SHA3-512", "SHAKE-256", NULL };

/* names: "AES-256-CBC:AES256:2.16.840…" */
static bool
is_used(const char *names, const char *const *used)
{
	const char *colon = strchr(names, ':');
	size_t len = colon != NULL ? (size_t)(colon - names) : strlen(names);

	for (; *used != NULL; used++)
		if (strlen(*used) == len && strncmp(names, *used, len) == 0)
			return true;
	return false;
}

static const OSSL_ALGORITHM *
only(const OSSL_ALGORITHM *all, const char *const *used, OSSL_ALGORITHM *out)
{
	size_t n = 0;

	for (; all != NULL && all->algorithm_names != NULL && n < ROWS_MAX; all++)
		if (is_used(all->algorithm_names, used))
			out[n++] = *all;
	out[n] = (OSSL_ALGORITHM){ .algorithm_names = NULL };
	return out;
}

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *no_store)
{
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole, operation, no_store);

	(void)provider;
	if (operation == OSSL_OP_CIPHER)
		return only(all, ciphers_used, ciphers);
	if (operation == OSSL_OP_DIGEST)
		return only(all, digests_used, digests);
	return all;
}

static int
begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider)
{
	static const OSSL_DISPATCH table[] = { { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
		{ 0, NULL } };

	(void)handle;
	(void)in;
	*out = table;
	*provider = OSSL_PROVIDER_get0_provider_ctx(whole);
	return 1;
}

void
crypto_start_few(void)
{
	static OSSL_LIB_CTX *ours;

	/* Newer ones start otherwise, and their post-quantum keys do not bear it. */
	if (OPENSSL_version_major() != 3 || OPENSSL_version_minor() != 0)
		return;
	whole = OSSL_PROVIDER_load(NULL, "default");
	ours = OSSL_LIB_CTX_new();
	/* Whatever does not work leaves libcrypto as it is: slower to start, and no less good. */
	if (whole == NULL || ours == NULL || OSSL_PROVIDER_add_builtin(ours, "letterlock", begin) != 1 ||
	    OSSL_PROVIDER_load(ours, "letterlock") == NULL)
		return;
	/* libcrypto's own choice is AES in counter mode, for which it would make all ciphers after all. */
	(void)RAND_set_DRBG_type(ours, "HASH-DRBG", NULL, NULL, "SHA2-256");
	(void)OSSL_LIB_CTX_set0_default(ours);
}
