/* SPDX-License-Identifier: ISC */
#include "crypto/start.h"

#include <openssl/crypto.h>

void
crypto_start_brief(void)
{
	(void)OPENSSL_init_crypto(
	    OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
}
