/* SPDX-License-Identifier: ISC */
#include "crypto/seeded.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "crypto/fail.h"

#define PARAM_SEED "seed" /* OSSL_PKEY_PARAM_ML_KEM_SEED and ..._ML_DSA_SEED of 3.5's headers */

int
seeded_available(const struct seeded_row *row, struct error *e)
{
	EVP_KEYMGMT *found = EVP_KEYMGMT_fetch(NULL, row->name, NULL);
	bool nomem = found == NULL && ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;

	EVP_KEYMGMT_free(found);
	if (found != NULL)
		return 0;
	ERR_clear_error();
	if (nomem)
		return error_nomem(e);
	return error_set(e, ERR_UNSUPPORTED, "%s is not in the OpenSSL %s that runs here: it needs 3.5 or later",
	    row->name, OpenSSL_version(OPENSSL_VERSION_STRING));
}

int
seeded_load(const struct seeded_row *row, struct slice seed, EVP_PKEY **out, struct error *e)
{
	struct secret copy SECRET_OWNED = SECRET_EMPTY; /* a parameter may not be const */
	EVP_PKEY_CTX *ctx = NULL;
	OSSL_PARAM params[2];
	int rc;

	if (seed.len != row->seed)
		return error_set(
		    e, ERR_SYNTAX, "a secret %s key has %zu octets, not %zu", row->name, row->seed, seed.len);
	rc = seeded_available(row, e);
	if (rc == 0)
		rc = secret_copy(&copy, seed, e);
	if (rc != 0)
		return rc;
	params[0] = OSSL_PARAM_construct_octet_string(PARAM_SEED, copy.data, copy.len);
	params[1] = OSSL_PARAM_construct_end();
	*out = NULL;
	ctx = EVP_PKEY_CTX_new_from_name(NULL, row->name, NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, out, EVP_PKEY_KEYPAIR, params) != 1)
		rc = crypto_fail(e, "a key from its seed");
	EVP_PKEY_CTX_free(ctx);
	return rc;
}

int
seeded_load_public(const struct seeded_row *row, struct slice public_key, EVP_PKEY **out, struct error *e)
{
	int rc;

	if (public_key.len != row->public)
		return error_set(
		    e, ERR_SYNTAX, "a public %s key has %zu octets, not %zu", row->name, row->public, public_key.len);
	rc = seeded_available(row, e);
	if (rc != 0)
		return rc;
	*out = EVP_PKEY_new_raw_public_key_ex(NULL, row->name, NULL, public_key.data, public_key.len);
	if (*out == NULL) /* FIPS 203 section 7.2: a coefficient that is no number modulo q */
		return crypto_refuse(e, ERR_SYNTAX, "these octets are no public key of their algorithm");
	return 0;
}

int
seeded_public(const struct seeded_row *row, struct slice seed, uint8_t *public_out, struct error *e)
{
	size_t len = row->public;
	EVP_PKEY *key;
	int rc = seeded_load(row, seed, &key, e);

	if (rc != 0)
		return rc;
	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, public_out, len, &len) != 1 ||
	    len != row->public)
		rc = crypto_fail(e, "a public key");
	EVP_PKEY_free(key);
	return rc;
}

int
seeded_generate(const struct seeded_row *row, struct secret *seed_out, uint8_t *public_out, struct error *e)
{
	struct secret s;
	int rc = seeded_available(row, e);

	if (rc == 0)
		rc = secret_random(&s, row->seed, e); /* FIPS 203 and 204: the seed is random octets */
	if (rc != 0)
		return rc;
	rc = seeded_public(row, secret_slice(&s), public_out, e);
	if (rc != 0)
		secret_done(&s);
	else
		*seed_out = s;
	return rc;
}
