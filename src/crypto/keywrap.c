/* SPDX-License-Identifier: ISC */
#include "crypto/keywrap.h"

#include <string.h>

#include "crypto/cipher_table.h"
#include "crypto/fail.h"

static const struct cipher_row *
row_of(size_t kek_len)
{
	for (int i = 0; i < CIPHER_COUNT; i++) {
		if (cipher_row((enum cipher_id)i)->key_size == kek_len && cipher_row((enum cipher_id)i)->wrap != NULL)
			return cipher_row((enum cipher_id)i);
	}
	return NULL;
}

/* 1 when it worked, 0 when not (for unwrapping: the check value). */
static int
run(struct slice kek, struct slice in, uint8_t *out, size_t out_len, int enc)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0, ok;
	uint8_t none[16];

	if (ctx == NULL)
		return 0;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_CipherInit_ex(ctx, row_of(kek.len)->wrap(), NULL, kek.data, NULL, enc) == 1 &&
	    EVP_CipherUpdate(ctx, out, &n, in.data, (int)in.len) == 1 && EVP_CipherFinal_ex(ctx, none, &last) == 1 &&
	    (size_t)n == out_len;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

int
keywrap_wrap(struct slice kek, struct slice key, struct buf *out, struct error *e)
{
	uint8_t wrapped[KEYWRAP_MAX];

	if (row_of(kek.len) == NULL || key.len % 8 != 0 || key.len < 16 || key.len > KEYWRAP_MAX - KEYWRAP_EXTRA)
		return error_set(
		    e, ERR_USAGE, "AES key wrap takes no key of %zu octets under one of %zu", key.len, kek.len);
	if (!run(kek, key, wrapped, key.len + KEYWRAP_EXTRA, 1))
		return crypto_fail(e, "a wrapped key");
	if (buf_put(out, wrapped, key.len + KEYWRAP_EXTRA) != 0)
		return error_set(e, out->err, "there is no room for a wrapped key");
	return 0;
}

int
keywrap_unwrap(struct slice kek, struct slice wrapped, struct secret *key_out, struct error *e)
{
	struct secret key;
	int rc;

	if (row_of(kek.len) == NULL)
		return error_set(e, ERR_USAGE, "AES key wrap takes no key of %zu octets", kek.len);
	if (wrapped.len % 8 != 0 || wrapped.len < 24 || wrapped.len > KEYWRAP_MAX)
		return error_set(e, ERR_SYNTAX, "a wrapped key has a multiple of 8 octets, from 24 to %u, not %zu",
		    KEYWRAP_MAX, wrapped.len);
	rc = secret_new(&key, wrapped.len, e); /* libcrypto writes up to the wrapped length */
	if (rc != 0)
		return rc;
	if (!run(kek, wrapped, key.data, wrapped.len - KEYWRAP_EXTRA, 0)) {
		secret_done(&key);
		return crypto_refuse(e, ERR_INTEGRITY, "the wrapped key does not open with this key");
	}
	secret_cut(&key, wrapped.len - KEYWRAP_EXTRA);
	*key_out = key;
	return 0;
}
