/* SPDX-License-Identifier: ISC */
#include "crypto/hmac.h"

#include <limits.h>

#include <openssl/hmac.h>

#include "crypto/fail.h"
#include "crypto/hash_table.h"

int
hmac_once(enum hash_id id, struct slice key, struct slice in, uint8_t *out, struct error *e)
{
	if (key.len > INT_MAX)
		return error_set(e, ERR_USAGE, "the HMAC key is too long");
	if (HMAC(hash_md(id), key.len == 0 ? (const uint8_t *)"" : key.data, (int)key.len, in.data, in.len, out,
		NULL) == NULL)
		return crypto_fail(e, "an HMAC");
	return 0;
}
