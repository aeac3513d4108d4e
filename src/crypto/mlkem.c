/* SPDX-License-Identifier: ISC */
#include "crypto/mlkem.h"

#include "crypto/fail.h"
#include "crypto/seeded.h"

static const struct mlkem_row {
	struct seeded_row key;
	size_t ciphertext;
} rows[MLKEM_COUNT] = {
	[MLKEM_768] = { { "ML-KEM-768", MLKEM_SEED, 1184 }, 1088 },
	[MLKEM_1024] = { { "ML-KEM-1024", MLKEM_SEED, 1568 }, 1568 },
};

size_t
mlkem_public_size(enum mlkem_id id)
{
	return rows[id].key.public;
}

size_t
mlkem_ciphertext_size(enum mlkem_id id)
{
	return rows[id].ciphertext;
}

int
mlkem_available(enum mlkem_id id, struct error *e)
{
	return seeded_available(&rows[id].key, e);
}

int
mlkem_generate(enum mlkem_id id, struct secret *seed_out, uint8_t *public_out, struct error *e)
{
	return seeded_generate(&rows[id].key, seed_out, public_out, e);
}

int
mlkem_public(enum mlkem_id id, struct slice seed, uint8_t *public_out, struct error *e)
{
	return seeded_public(&rows[id].key, seed, public_out, e);
}

int
mlkem_encapsulate(
    enum mlkem_id id, struct slice public_key, uint8_t *ciphertext_out, struct secret *shared_out, struct error *e)
{
	size_t len = rows[id].ciphertext, shared_len = MLKEM_SHARED;
	struct secret shared SECRET_OWNED = SECRET_EMPTY;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key;
	int rc = seeded_load_public(&rows[id].key, public_key, &key, e);

	if (rc != 0)
		return rc;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	rc = ctx == NULL ? error_nomem(e) : secret_new(&shared, MLKEM_SHARED, e);
	if (rc == 0 &&
	    (EVP_PKEY_encapsulate_init(ctx, NULL) != 1 ||
		EVP_PKEY_encapsulate(ctx, ciphertext_out, &len, shared.data, &shared_len) != 1 ||
		len != rows[id].ciphertext || shared_len != MLKEM_SHARED))
		rc = crypto_fail(e, "an encapsulated key");
	if (rc == 0)
		*shared_out = secret_take(&shared);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}

int
mlkem_decapsulate(
    enum mlkem_id id, struct slice seed, struct slice ciphertext, struct secret *shared_out, struct error *e)
{
	struct secret shared SECRET_OWNED = SECRET_EMPTY;
	size_t shared_len = MLKEM_SHARED;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key;
	int rc;

	if (ciphertext.len != rows[id].ciphertext)
		return error_set(e, ERR_SYNTAX, "a ciphertext of %s has %zu octets, not %zu", rows[id].key.name,
		    rows[id].ciphertext, ciphertext.len);
	rc = seeded_load(&rows[id].key, seed, &key, e);
	if (rc != 0)
		return rc;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	rc = ctx == NULL ? error_nomem(e) : secret_new(&shared, MLKEM_SHARED, e);
	if (rc == 0 &&
	    (EVP_PKEY_decapsulate_init(ctx, NULL) != 1 ||
		EVP_PKEY_decapsulate(ctx, shared.data, &shared_len, ciphertext.data, ciphertext.len) != 1 ||
		shared_len != MLKEM_SHARED))
		rc = crypto_fail(e, "a decapsulated key");
	if (rc == 0)
		*shared_out = secret_take(&shared);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}
