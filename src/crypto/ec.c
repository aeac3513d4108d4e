/* SPDX-License-Identifier: ISC */
#include "crypto/ec.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/compare.h"
#include "crypto/fail.h"
#include "crypto/number.h"

static const struct curve_row {
	const char *name;
	int nid;
	size_t size; /* octets of a coordinate */
} rows[EC_CURVE_COUNT] = {
	[EC_P256] = { "P-256", NID_X9_62_prime256v1, 32 },
	[EC_P384] = { "P-384", NID_secp384r1, 48 },
	[EC_P521] = { "P-521", NID_secp521r1, 66 },
	[EC_BRAINPOOL256] = { "brainpoolP256r1", NID_brainpoolP256r1, 32 },
	[EC_BRAINPOOL384] = { "brainpoolP384r1", NID_brainpoolP384r1, 48 },
	[EC_BRAINPOOL512] = { "brainpoolP512r1", NID_brainpoolP512r1, 64 },
};

#define DER_MAX 160

size_t
ec_size(enum ec_curve curve)
{
	return rows[curve].size;
}

size_t
ec_point_size(enum ec_curve curve)
{
	return 1 + 2 * rows[curve].size;
}

static int
check_point(enum ec_curve curve, struct slice point, struct error *e)
{
	if (point.len != ec_point_size(curve) || point.data[0] != 4)
		return error_set(e, ERR_SYNTAX, "a point of %s has 04 in front and %zu octets in all, not %zu",
		    rows[curve].name, ec_point_size(curve), point.len);
	return 0;
}

/* ---- keys for libcrypto ---- */

static EVP_PKEY *
from_params(OSSL_PARAM_BLD *bld, int selection)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = params == NULL ? NULL : EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

/* scalar: NULL for a public key; point: empty when it is not known. libcrypto checks that the point is on the curve. */
static EVP_PKEY *
load(enum ec_curve curve, struct slice point, const BIGNUM *scalar)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (bld != NULL && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, rows[curve].name, 0) == 1 &&
	    (point.len == 0 ||
		OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) == 1) &&
	    (scalar == NULL || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1))
		key = from_params(bld, scalar == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

/* A scalar from 1 to the order less 1. */
static int
load_scalar(enum ec_curve curve, struct slice scalar, BIGNUM **out, struct error *e)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(rows[curve].nid);
	BIGNUM *d = number_new_secret(scalar);
	int rc = 0;

	if (group == NULL || d == NULL)
		rc = crypto_fail(e, "a secret number");
	else if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0)
		rc = error_set(e, ERR_SYNTAX, "the secret number is out of the range of %s", rows[curve].name);
	if (rc == 0)
		*out = d;
	else
		BN_clear_free(d);
	EC_GROUP_free(group);
	return rc;
}

/* ---- keys ---- */

static int
multiply(enum ec_curve curve, const BIGNUM *d, uint8_t *point_out, struct error *e)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(rows[curve].nid);
	EC_POINT *q = group == NULL ? NULL : EC_POINT_new(group);
	BN_CTX *ctx = BN_CTX_secure_new();
	size_t len = ec_point_size(curve);
	int rc = 0;

	if (q == NULL || ctx == NULL || EC_POINT_mul(group, q, d, NULL, NULL, ctx) != 1 ||
	    EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, point_out, len, ctx) != len)
		rc = crypto_fail(e, "a point");
	BN_CTX_free(ctx);
	EC_POINT_free(q);
	EC_GROUP_free(group);
	return rc;
}

int
ec_public(enum ec_curve curve, struct slice scalar, uint8_t *point_out, struct error *e)
{
	BIGNUM *d = NULL;
	int rc = load_scalar(curve, scalar, &d, e);

	if (rc == 0)
		rc = multiply(curve, d, point_out, e);
	BN_clear_free(d);
	return rc;
}

int
ec_generate(enum ec_curve curve, struct secret *scalar_out, uint8_t *point_out, struct error *e)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(rows[curve].nid);
	BIGNUM *d = BN_secure_new();
	struct secret s = SECRET_EMPTY;
	int size = (int)rows[curve].size, rc = secret_new(&s, rows[curve].size, e);

	if (rc == 0 &&
	    (group == NULL || d == NULL || BN_priv_rand_range(d, EC_GROUP_get0_order(group)) != 1 || BN_is_zero(d) ||
		BN_bn2binpad(d, s.data, size) != size))
		rc = crypto_fail(e, "a random number");
	if (rc == 0)
		rc = multiply(curve, d, point_out, e);
	if (rc == 0)
		*scalar_out = secret_take(&s);
	secret_done(&s);
	BN_clear_free(d);
	EC_GROUP_free(group);
	return rc;
}

/* ---- Diffie-Hellman ---- */

static int
derive(EVP_PKEY *mine, EVP_PKEY *theirs, struct secret *x, struct error *e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
	size_t len = x->len;
	int rc = 0;

	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, theirs) != 1 ||
	    EVP_PKEY_derive(ctx, x->data, &len) != 1 || len != x->len)
		rc = crypto_fail(e, "a key agreement");
	else if (compare_zero(secret_slice(x)))
		rc = error_set(e, ERR_SYNTAX, "the other side's key agrees on nothing secret");
	EVP_PKEY_CTX_free(ctx);
	return rc;
}

int
ec_derive(enum ec_curve curve, struct slice scalar, struct slice point, struct secret *x_out, struct error *e)
{
	struct secret x = SECRET_EMPTY;
	EVP_PKEY *mine = NULL, *theirs = NULL;
	BIGNUM *d = NULL;
	int rc = check_point(curve, point, e);

	if (rc == 0)
		rc = load_scalar(curve, scalar, &d, e);
	if (rc != 0)
		return rc;
	theirs = load(curve, point, NULL);
	mine = load(curve, SLICE_EMPTY, d);
	if (theirs == NULL)
		rc = crypto_refuse(e, ERR_SYNTAX, "the other side's key is no point of its curve");
	else if (mine == NULL)
		rc = crypto_fail(e, "a key for agreement");
	if (rc == 0)
		rc = secret_new(&x, rows[curve].size, e);
	if (rc == 0)
		rc = derive(mine, theirs, &x, e);
	if (rc == 0)
		*x_out = secret_take(&x);
	secret_done(&x);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(mine);
	BN_clear_free(d);
	return rc;
}

/* ---- ECDSA ---- */

/* The DER form of two numbers; 0 when it cannot be made. */
static size_t
write_der(struct slice r, struct slice s, uint8_t out[DER_MAX])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *rn = number_new(r), *sn = number_new(s);
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

static bool
read_der(const uint8_t *der, size_t len, uint8_t *r_out, uint8_t *s_out, int size)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool good = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), r_out, size) == size &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), s_out, size) == size;

	ECDSA_SIG_free(sig);
	return good;
}

int
ec_verify(enum ec_curve curve, struct slice point, struct slice digest, struct slice r, struct slice s, struct error *e)
{
	uint8_t der[DER_MAX];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key;
	size_t len;
	int rc = check_point(curve, point, e);

	if (rc != 0)
		return rc;
	/* Before the small buffer; libcrypto checks that both are from 1 to the order less 1. */
	if (number_bits(r) > rows[curve].size * 8 || number_bits(s) > rows[curve].size * 8)
		return error_set(e, ERR_SIGNATURE, "the signature's numbers are larger than its curve");
	key = load(curve, point, NULL);
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

static int
sign(EVP_PKEY *key, struct slice digest, uint8_t *r_out, uint8_t *s_out, size_t size, struct error *e)
{
	EVP_PKEY_CTX *ctx = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
	uint8_t der[DER_MAX];
	size_t len = sizeof der;
	int rc = 0;

	if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &len, digest.data, digest.len) != 1 || !read_der(der, len, r_out, s_out, (int)size))
		rc = crypto_fail(e, "an ECDSA signature");
	EVP_PKEY_CTX_free(ctx);
	return rc;
}

int
ec_sign(enum ec_curve curve, struct slice scalar, struct slice point, struct slice digest, uint8_t *r_out,
    uint8_t *s_out, struct error *e)
{
	size_t size = rows[curve].size;
	BIGNUM *d = NULL;
	EVP_PKEY *key;
	int rc = load_scalar(curve, scalar, &d, e);

	if (rc != 0)
		return rc;
	key = load(curve, SLICE_EMPTY, d);
	rc = sign(key, digest, r_out, s_out, size, e);
	EVP_PKEY_free(key);
	BN_clear_free(d);
	/* A fault while signing could give the key away, and a changed public key must not go unnoticed. */
	return rc != 0 ? rc : ec_verify(curve, point, digest, slice_of(r_out, size), slice_of(s_out, size), e);
}
