/* SPDX-License-Identifier: ISC */
#include "crypto/sign.h"

#include <openssl/evp.h>

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

int
sign_verify(enum sign_id id, struct slice public_key, struct slice message, struct slice signature, struct error *e)
{
	EVP_MD_CTX *ctx;
	EVP_PKEY *key;
	int rc = 0;

	if (public_key.len != rows[id].key || signature.len != rows[id].signature)
		return error_set(e, ERR_SYNTAX, "an %s key has %zu octets and its signature %zu, not %zu and %zu",
		    rows[id].name, rows[id].key, rows[id].signature, public_key.len, signature.len);
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
