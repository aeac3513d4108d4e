/* SPDX-License-Identifier: ISC */
#include "crypto/mldsa.h"

#include "crypto/fail.h"
#include "crypto/seeded.h"

static const struct mldsa_row {
	struct seeded_row key;
	size_t signature;
} rows[MLDSA_COUNT] = {
	[MLDSA_65] = { { "ML-DSA-65", MLDSA_SEED, 1952 }, 3309 },
	[MLDSA_87] = { { "ML-DSA-87", MLDSA_SEED, 2592 }, 4627 },
};

size_t
mldsa_public_size(enum mldsa_id id)
{
	return rows[id].key.public;
}

size_t
mldsa_signature_size(enum mldsa_id id)
{
	return rows[id].signature;
}

int
mldsa_available(enum mldsa_id id, struct error *e)
{
	return seeded_available(&rows[id].key, e);
}

int
mldsa_generate(enum mldsa_id id, struct secret *seed_out, uint8_t *public_out, struct error *e)
{
	return seeded_generate(&rows[id].key, seed_out, public_out, e);
}

int
mldsa_public(enum mldsa_id id, struct slice seed, uint8_t *public_out, struct error *e)
{
	return seeded_public(&rows[id].key, seed, public_out, e);
}

int
mldsa_sign(enum mldsa_id id, struct slice seed, struct slice message, uint8_t *signature_out, struct error *e)
{
	size_t len = rows[id].signature;
	EVP_MD_CTX *ctx;
	EVP_PKEY *key;
	int rc = seeded_load(&rows[id].key, seed, &key, e);

	if (rc != 0)
		return rc;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		rc = error_nomem(e);
	else if (EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) != 1 ||
	    EVP_DigestSign(ctx, signature_out, &len, message.data, message.len) != 1 || len != rows[id].signature)
		rc = crypto_fail(e, "a signature");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}

int
mldsa_verify(enum mldsa_id id, struct slice public_key, struct slice message, struct slice signature, struct error *e)
{
	EVP_MD_CTX *ctx;
	EVP_PKEY *key;
	int rc;

	if (signature.len != rows[id].signature)
		return error_set(e, ERR_SYNTAX, "an %s signature has %zu octets, not %zu", rows[id].key.name,
		    rows[id].signature, signature.len);
	rc = seeded_load_public(&rows[id].key, public_key, &key, e);
	if (rc != 0)
		return rc;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		rc = error_nomem(e);
	else if (EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) != 1)
		rc = crypto_fail(e, "a verification key");
	else if (EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) != 1)
		rc = crypto_refuse(e, ERR_SIGNATURE, "the signature is not right for this data and key");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}
