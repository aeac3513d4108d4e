/* SPDX-License-Identifier: ISC */
#include "crypto/pem_public.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

typedef int each_fn(void *ctx, const struct pem_public *key, struct error *e);

/* 0: it is not there, or too long. */
static size_t
number_of(const EVP_PKEY *key, const char *name, uint8_t *out, size_t max)
{
	BIGNUM *n = NULL;
	size_t len = 0;

	if (EVP_PKEY_get_bn_param(key, name, &n) == 1 && BN_num_bytes(n) <= (int)max)
		len = (size_t)BN_bn2bin(n, out);
	BN_free(n);
	return len;
}

static int
rsa_of(const EVP_PKEY *key, each_fn *each, void *ctx, struct error *e)
{
	uint8_t n[RSA_OCTETS_MAX], exponent[8];
	struct pem_public out = { .kind = PEM_PUBLIC_RSA };
	size_t n_len = number_of(key, OSSL_PKEY_PARAM_RSA_N, n, sizeof n),
	       e_len = number_of(key, OSSL_PKEY_PARAM_RSA_E, exponent, sizeof exponent);

	if (n_len == 0 || e_len == 0)
		return error_set(e, ERR_UNSUPPORTED, "an RSA key out of bounds");
	out.rsa = (struct rsa_public){ .n = slice_of(n, n_len), .e = slice_of(exponent, e_len) };
	return each(ctx, &out, e);
}

static int
p256_of(const EVP_PKEY *key, each_fn *each, void *ctx, struct error *e)
{
	uint8_t point[EC_POINT_MAX];
	struct pem_public out = { .kind = PEM_PUBLIC_P256 };
	char group[64];
	size_t len = 0;

	if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &len) != 1 ||
	    !slice_eq_str(slice_of(group, len), "prime256v1"))
		return error_set(e, ERR_UNSUPPORTED, "a key on another curve than P-256");
	/* Compressed in the text perhaps; here it is not. */
	point[0] = 4;
	out.octets = slice_of(point, ec_point_size(EC_P256));
	for (int half = 0; half < 2; half++) {
		BIGNUM *n = NULL;
		int ok = EVP_PKEY_get_bn_param(
			     key, half == 0 ? OSSL_PKEY_PARAM_EC_PUB_X : OSSL_PKEY_PARAM_EC_PUB_Y, &n) == 1 &&
		    BN_bn2binpad(n, point + 1 + (size_t)half * ec_size(EC_P256), (int)ec_size(EC_P256)) > 0;

		BN_free(n);
		if (!ok)
			return error_set(e, ERR_SYNTAX, "a key without its point");
	}
	return each(ctx, &out, e);
}

static int
ed25519_of(const EVP_PKEY *key, each_fn *each, void *ctx, struct error *e)
{
	uint8_t octets[SIGN_PUBLIC_MAX];
	struct pem_public out = { .kind = PEM_PUBLIC_ED25519 };
	size_t len = sizeof octets;

	if (EVP_PKEY_get_raw_public_key(key, octets, &len) != 1 || len != sign_key_size(SIGN_ED25519))
		return error_set(e, ERR_SYNTAX, "an Ed25519 key of another length");
	out.octets = slice_of(octets, len);
	return each(ctx, &out, e);
}

static int
give(const EVP_PKEY *key, each_fn *each, void *ctx, struct error *e)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return rsa_of(key, each, ctx, e);
	case EVP_PKEY_EC:
		return p256_of(key, each, ctx, e);
	case EVP_PKEY_ED25519:
		return ed25519_of(key, each, ctx, e);
	default:
		return error_set(e, ERR_UNSUPPORTED, "keys are RSA, P-256 or Ed25519 here");
	}
}

static int
parse_block(const char *name, const unsigned char *der, long len, each_fn *each, void *ctx, struct error *e)
{
	EVP_PKEY *key;
	int rc;

	if (strcmp(name, "PUBLIC KEY") != 0)
		return error_set(e, ERR_UNSUPPORTED, "\"BEGIN %.40s\" where \"BEGIN PUBLIC KEY\" should be", name);
	key = d2i_PUBKEY(NULL, &der, len);
	rc = key == NULL ? error_set(e, ERR_SYNTAX, "a PEM public key that cannot be read") : give(key, each, ctx, e);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}

/* 1: given; 0: there is no further one. */
static int
next(BIO *in, each_fn *each, void *ctx, struct error *e)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len = 0;
	int rc;

	ERR_clear_error();
	if (PEM_read_bio(in, &name, &header, &der, &len) != 1) {
		bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

		ERR_clear_error();
		return end ? 0 : error_set(e, ERR_SYNTAX, "a PEM block that cannot be read");
	}
	rc = parse_block(name, der, len, each, ctx, e);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return rc == 0 ? 1 : rc;
}

int
pem_public_parse(struct slice pem, each_fn *each, void *ctx, struct error *e)
{
	BIO *in;
	int rc, count = 0;

	if (pem.len > PEM_PUBLIC_TEXT_MAX)
		return error_set(e, ERR_LIMIT, "PEM text over %u octets", PEM_PUBLIC_TEXT_MAX);
	in = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (in == NULL)
		return error_nomem(e);
	while ((rc = next(in, each, ctx, e)) == 1)
		count++;
	BIO_free(in);
	if (rc == 0 && count == 0)
		return error_set(e, ERR_NOT_FOUND, "no \"BEGIN PUBLIC KEY\" in the text");
	return rc;
}
