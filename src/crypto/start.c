/* SPDX-License-Identifier: ISC */
#include "crypto/start.h"

#include "crypto/start_few.h"

#include <openssl/crypto.h>

/* Under AddressSanitizer libcrypto tidies up at the end, or its own objects would be reported as leaks. */
#if defined(__SANITIZE_ADDRESS__)
#define AT_EXIT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AT_EXIT 0
#endif
#endif
#ifndef AT_EXIT
#define AT_EXIT OPENSSL_INIT_NO_ATEXIT
#endif

void
crypto_start_brief(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | AT_EXIT | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
}

void
crypto_start_alone(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | AT_EXIT | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
		OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
	    NULL);
	/* A second context is more than libcrypto can tidy up. */
	if (AT_EXIT != 0)
		crypto_start_few();
}

void
crypto_start(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS | AT_EXIT, NULL);
}

const char *
crypto_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}
