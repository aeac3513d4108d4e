/* SPDX-License-Identifier: ISC */
#include "crypto/compare.h"

#include <openssl/crypto.h>

bool
compare_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

bool
compare_zero(struct slice a)
{
	uint8_t any = 0;

	for (size_t i = 0; i < a.len; i++)
		any = (uint8_t)(any | a.data[i]);
	return any == 0;
}
