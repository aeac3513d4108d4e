/* SPDX-License-Identifier: ISC */
#include "crypto/agree.h"

#include <openssl/evp.h>

#include "crypto/compare.h"
#include "crypto/fail.h"

static const struct agree_row {
	const char *name;
	int type;
	size_t key;
} rows[AGREE_COUNT] = {
	[AGREE_X25519] = { "X25519", EVP_PKEY_X25519, 32 },
	[AGREE_X448] = { "X448", EVP_PKEY_X448, 56 },
};

size_t
agree_key_size(enum agree_id id)
{
	return rows[id].key;
}

int
agree_generate(enum agree_id id, struct secret *secret_out, uint8_t *public_out, struct error *e)
{
	struct secret s;
	int rc = secret_random(&s, rows[id].key, e);

	if (rc != 0)
		return rc;
	if (id == AGREE_X25519) {
		/* RFC 7748 section 5; libcrypto clamps too, but what OpenPGP stores for v4 should be clamped already. */
		s.data[0] &= 248;
		s.data[31] = (uint8_t)((s.data[31] & 127) | 64);
	}
	rc = agree_public(id, secret_slice(&s), public_out, e);
	if (rc != 0)
		secret_done(&s);
	else
		*secret_out = s;
	return rc;
}

static int
load_secret(enum agree_id id, struct slice secret, EVP_PKEY **out, struct error *e)
{
	if (secret.len != rows[id].key)
		return error_set(
		    e, ERR_SYNTAX, "a secret %s key has %zu octets, not %zu", rows[id].name, rows[id].key, secret.len);
	*out = EVP_PKEY_new_raw_private_key(rows[id].type, NULL, secret.data, secret.len);
	return *out == NULL ? crypto_fail(e, "a key for agreement") : 0;
}

int
agree_public(enum agree_id id, struct slice secret, uint8_t *public_out, struct error *e)
{
	size_t len = rows[id].key;
	EVP_PKEY *key;
	int rc = load_secret(id, secret, &key, e);

	if (rc != 0)
		return rc;
	if (EVP_PKEY_get_raw_public_key(key, public_out, &len) != 1 || len != rows[id].key)
		rc = crypto_fail(e, "a public key");
	EVP_PKEY_free(key);
	return rc;
}

/* libcrypto itself fails when the result is zero; the check here does not depend on that. */
static int
derive(EVP_PKEY *mine, EVP_PKEY *theirs, struct secret *shared, struct error *e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
	size_t len = shared->len;
	int rc = 0;

	if (ctx == NULL)
		return error_nomem(e);
	if (EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, theirs) != 1)
		rc = crypto_fail(e, "a key agreement");
	else if (EVP_PKEY_derive(ctx, shared->data, &len) != 1 || len != shared->len ||
	    compare_zero(secret_slice(shared)))
		rc = crypto_refuse(
		    e, ERR_SYNTAX, "the other side's key is a point of small order and agrees on nothing secret");
	EVP_PKEY_CTX_free(ctx);
	return rc;
}

int
agree_derive(enum agree_id id, struct slice secret, struct slice public_key, struct secret *shared_out, struct error *e)
{
	EVP_PKEY *mine, *theirs;
	struct secret shared;
	int rc;

	if (public_key.len != rows[id].key)
		return error_set(e, ERR_SYNTAX, "a public %s key has %zu octets, not %zu", rows[id].name, rows[id].key,
		    public_key.len);
	rc = load_secret(id, secret, &mine, e);
	if (rc != 0)
		return rc;
	theirs = EVP_PKEY_new_raw_public_key(rows[id].type, NULL, public_key.data, public_key.len);
	rc = theirs == NULL ? crypto_fail(e, "a public key") : secret_new(&shared, rows[id].key, e);
	if (rc == 0) {
		rc = derive(mine, theirs, &shared, e);
		if (rc != 0)
			secret_done(&shared);
		else
			*shared_out = shared;
	}
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(mine);
	return rc;
}
