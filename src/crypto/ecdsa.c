/* SPDX-License-Identifier: ISC */
#include "crypto/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "crypto/fail.h"

static const struct curve_row {
	const char *name;
	size_t size; /* octets of a coordinate */
} rows[ECDSA_CURVE_COUNT] = {
	[ECDSA_P256] = { "P-256", 32 },
	[ECDSA_P384] = { "P-384", 48 },
	[ECDSA_P521] = { "P-521", 66 },
};

#define DER_MAX 160

static EVP_PKEY *
load_point(enum ecdsa_curve curve, struct slice point)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[3] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)rows[curve].name, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.data, point.len),
		OSSL_PARAM_construct_end(),
	};

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* The DER form of two numbers; 0 when they are too long. */
static size_t
write_der(struct slice r, struct slice s, uint8_t out[DER_MAX])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *rn = BN_bin2bn(r.data, (int)r.len, NULL), *sn = BN_bin2bn(s.data, (int)s.len, NULL);
	int len = 0;

	if (sig != NULL && rn != NULL && sn != NULL && ECDSA_SIG_set0(sig, rn, sn) == 1) {
		uint8_t *p = out;

		rn = NULL;
		sn = NULL;
		len = i2d_ECDSA_SIG(sig, &p);
	}
	BN_free(rn);
	BN_free(sn);
	ECDSA_SIG_free(sig);
	return len < 0 ? 0 : (size_t)len;
}

int
ecdsa_verify(
    enum ecdsa_curve curve, struct slice point, struct slice digest, struct slice r, struct slice s, struct error *e)
{
	size_t size = rows[curve].size, len;
	uint8_t der[DER_MAX];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key;
	int rc = 0;

	if (point.len != 1 + 2 * size || point.data[0] != 4 || r.len > size || s.len > size)
		return error_set(
		    e, ERR_SYNTAX, "a point of %s has %zu octets, not %zu", rows[curve].name, 1 + 2 * size, point.len);
	key = load_point(curve, point);
	if (key == NULL)
		return crypto_refuse(e, ERR_SYNTAX, "the public key is no point of its curve");
	ctx = EVP_PKEY_CTX_new(key, NULL);
	len = write_der(r, s, der);
	if (ctx == NULL || len == 0 || EVP_PKEY_verify_init(ctx) != 1)
		rc = crypto_fail(e, "an ECDSA verification");
	else if (EVP_PKEY_verify(ctx, der, len, digest.data, digest.len) != 1)
		rc = crypto_refuse(e, ERR_SIGNATURE, "the signature is not right for this data and key");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}
