/* SPDX-License-Identifier: ISC */
#include "crypto/dsa.h"

#include <openssl/core_names.h>
#include <openssl/dsa.h>

#include "crypto/fail.h"
#include "crypto/number.h"

#define DER_MAX 160

/* The DER form of two numbers; 0 when it cannot be made. */
static size_t
write_der(struct slice r, struct slice s, uint8_t out[DER_MAX])
{
	DSA_SIG *sig = DSA_SIG_new();
	BIGNUM *rn = number_new(r), *sn = number_new(s);
	int len = 0;

	if (sig != NULL && rn != NULL && sn != NULL && DSA_SIG_set0(sig, rn, sn) == 1) {
		uint8_t *p = out;

		rn = NULL;
		sn = NULL;
		len = i2d_DSA_SIG(sig, &p);
	}
	BN_free(rn);
	BN_free(sn);
	DSA_SIG_free(sig);
	return len < 0 ? 0 : (size_t)len;
}

static EVP_PKEY *
load(const struct dsa_public *key)
{
	struct numbers n;
	EVP_PKEY *out;

	numbers_init(&n);
	numbers_add(&n, OSSL_PKEY_PARAM_FFC_P, number_new(key->p));
	numbers_add(&n, OSSL_PKEY_PARAM_FFC_Q, number_new(key->q));
	numbers_add(&n, OSSL_PKEY_PARAM_FFC_G, number_new(key->g));
	numbers_add(&n, OSSL_PKEY_PARAM_PUB_KEY, number_new(key->y));
	out = numbers_key(&n, "DSA", EVP_PKEY_PUBLIC_KEY);
	numbers_done(&n);
	return out;
}

static int
check_size(const struct dsa_public *key, struct error *e)
{
	size_t p = number_bits(key->p), q = number_bits(key->q);

	if (p < DSA_BITS_MIN || p > DSA_BITS_MAX || (q != 160 && q != 224 && q != 256))
		return error_set(e, ERR_UNSUPPORTED,
		    "DSA keys have %u to %u bits with a group of 160, 224 or 256 here; this one has %zu and %zu",
		    DSA_BITS_MIN, DSA_BITS_MAX, p, q);
	/* An even modulus is no prime, and costs libcrypto's arithmetic more than it should. */
	if ((key->p.data[key->p.len - 1] & 1) == 0)
		return error_set(e, ERR_SYNTAX, "the DSA key's modulus is even");
	return 0;
}

int
dsa_verify(const struct dsa_public *key, struct slice digest, struct slice r, struct slice s, struct error *e)
{
	uint8_t der[DER_MAX];
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *pkey;
	size_t len;
	int rc = check_size(key, e);

	if (rc != 0)
		return rc;
	/* Longer than the group can be: refused before the small buffer (libcrypto checks the range itself). */
	if (number_bits(r) > 256 || number_bits(s) > 256)
		return error_set(e, ERR_SIGNATURE, "the signature's numbers are larger than the key's group");
	pkey = load(key);
	ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
	len = write_der(r, s, der);
	if (ctx == NULL || len == 0 || EVP_PKEY_verify_init(ctx) != 1)
		rc = crypto_fail(e, "a DSA verification");
	else if (EVP_PKEY_verify(ctx, der, len, digest.data, digest.len) != 1)
		rc = crypto_refuse(e, ERR_SIGNATURE, "the signature is not right for this data and key");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return rc;
}

int
dsa_matches(struct slice p, struct slice g, struct slice y, struct slice x, struct error *e)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *pn = number_new(p), *gn = number_new(g), *yn = number_new(y), *xn = number_new_secret(x);
	BIGNUM *made = BN_secure_new();
	int rc = 0;

	if (ctx == NULL || pn == NULL || gn == NULL || yn == NULL || xn == NULL || made == NULL)
		rc = crypto_fail(e, "the numbers of a key");
	else if (!BN_is_odd(pn) || BN_is_zero(xn) || BN_cmp(gn, pn) >= 0 ||
	    BN_mod_exp_mont_consttime(made, gn, xn, pn, ctx, NULL) != 1 || BN_cmp(made, yn) != 0)
		rc = crypto_refuse(e, ERR_INTEGRITY, "the secret number is not the public one's");
	BN_free(pn);
	BN_free(gn);
	BN_free(yn);
	BN_clear_free(xn);
	BN_clear_free(made);
	BN_CTX_free(ctx);
	return rc;
}
