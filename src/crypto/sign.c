/* SPDX-License-Identifier: ISC */
#include "crypto/sign.h"

#include <openssl/evp.h>
#include <string.h>

#include "crypto/fail.h"

static const struct sign_row {
	const char *name;
	int type;
	size_t key, signature;
} rows[SIGN_COUNT] = {
	[SIGN_ED25519] = { "Ed25519", EVP_PKEY_ED25519, 32, 64 },
	[SIGN_ED448] = { "Ed448", EVP_PKEY_ED448, 57, 114 },
};

size_t
sign_key_size(enum sign_id id)
{
	return rows[id].key;
}

size_t
sign_signature_size(enum sign_id id)
{
	return rows[id].signature;
}

int
sign_generate(enum sign_id id, struct secret *secret_out, uint8_t *public_out, struct error *e)
{
	struct secret s;
	int rc = secret_random(&s, rows[id].key, e); /* RFC 8032 5.1.5, 5.2.5: the secret key is random octets */

	if (rc != 0)
		return rc;
	rc = sign_public(id, secret_slice(&s), public_out, e);
	if (rc != 0)
		secret_done(&s);
	else
		*secret_out = s;
	return rc;
}

static int
load_secret(enum sign_id id, struct slice secret, EVP_PKEY **out, struct error *e)
{
	if (secret.len != rows[id].key)
		return error_set(
		    e, ERR_SYNTAX, "a secret %s key has %zu octets, not %zu", rows[id].name, rows[id].key, secret.len);
	*out = EVP_PKEY_new_raw_private_key(rows[id].type, NULL, secret.data, secret.len);
	return *out == NULL ? crypto_fail(e, "a signing key") : 0;
}

int
sign_public(enum sign_id id, struct slice secret, uint8_t *public_out, struct error *e)
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

int
sign_make(enum sign_id id, struct slice secret, struct slice message, uint8_t *signature_out, struct error *e)
{
	size_t len = rows[id].signature;
	EVP_MD_CTX *ctx;
	EVP_PKEY *key;
	int rc = load_secret(id, secret, &key, e);

	if (rc != 0)
		return rc;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		rc = error_nomem(e);
	else if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, signature_out, &len, message.data, message.len) != 1 || len != rows[id].signature)
		rc = crypto_fail(e, "a signature");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}

/*
 * The points of order 1, 2, 4 and 8, with the numbers over the prime that stand for the same ones: under such a key one
 * signature is right for much, or for all. libcrypto takes them. x is one bit, which makes no difference.
 */
static bool
is_small_order(struct slice key)
{
	static const uint8_t points[][32] = {
		{ 0 },
		{ 1 },
		{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
		    0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
		{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
		    0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
	};
	uint8_t y[32];
	bool ones = true;

	memcpy(y, key.data, sizeof y);
	y[31] &= 0x7f;
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
		if (memcmp(y, points[i], sizeof y) == 0)
			return true;
	/* one below the prime 2^255 - 19, the prime, and one above */
	for (size_t i = 1; i < 31; i++)
		ones = ones && y[i] == 0xff;
	return ones && y[31] == 0x7f && y[0] >= 0xec && y[0] <= 0xee;
}

int
sign_verify(enum sign_id id, struct slice public_key, struct slice message, struct slice signature, struct error *e)
{
	EVP_MD_CTX *ctx;
	EVP_PKEY *key;
	int rc = 0;

	if (public_key.len != rows[id].key || signature.len != rows[id].signature)
		return error_set(e, ERR_SYNTAX, "an %s key has %zu octets and its signature %zu, not %zu and %zu",
		    rows[id].name, rows[id].key, rows[id].signature, public_key.len, signature.len);
	if (id == SIGN_ED25519 && is_small_order(public_key))
		return crypto_refuse(e, ERR_SIGNATURE, "under this key anything is signed");
	key = EVP_PKEY_new_raw_public_key(rows[id].type, NULL, public_key.data, public_key.len);
	ctx = EVP_MD_CTX_new();
	if (key == NULL || ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1)
		rc = crypto_fail(e, "a verification key");
	else if (EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) != 1)
		rc = crypto_refuse(e, ERR_SIGNATURE, "the signature is not right for this data and key");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}
