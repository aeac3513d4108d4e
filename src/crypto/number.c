/* SPDX-License-Identifier: ISC */
#include "crypto/number.h"

BIGNUM *
number_new(struct slice s)
{
	return s.len > NUMBER_OCTETS_MAX ? NULL : BN_bin2bn(s.data, (int)s.len, NULL);
}

BIGNUM *
number_new_secret(struct slice s)
{
	BIGNUM *bn = s.len > NUMBER_OCTETS_MAX ? NULL : BN_secure_new();

	if (bn == NULL)
		return NULL;
	if (BN_bin2bn(s.data, (int)s.len, bn) == NULL) {
		BN_clear_free(bn);
		return NULL;
	}
	BN_set_flags(bn, BN_FLG_CONSTTIME);
	return bn;
}

size_t
number_bits(struct slice s)
{
	size_t bits;

	while (s.len > 0 && s.data[0] == 0)
		s = slice_from(s, 1);
	if (s.len == 0)
		return 0;
	bits = s.len * 8;
	for (uint8_t top = s.data[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

void
numbers_init(struct numbers *n)
{
	*n = (struct numbers){ .bld = OSSL_PARAM_BLD_new() };
	n->failed = n->bld == NULL;
}

void
numbers_add(struct numbers *n, const char *name, BIGNUM *bn)
{
	if (bn == NULL || n->bld == NULL || n->count == NUMBERS_MAX || OSSL_PARAM_BLD_push_BN(n->bld, name, bn) != 1)
		n->failed = true;
	if (bn != NULL && n->count < NUMBERS_MAX)
		n->bn[n->count++] = bn;
	else
		BN_clear_free(bn);
}

EVP_PKEY *
numbers_key(struct numbers *n, const char *type, int selection)
{
	OSSL_PARAM *params = n->failed ? NULL : OSSL_PARAM_BLD_to_param(n->bld);
	EVP_PKEY_CTX *ctx = params == NULL ? NULL : EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

void
numbers_done(struct numbers *n)
{
	for (size_t i = 0; i < n->count; i++)
		BN_clear_free(n->bn[i]);
	OSSL_PARAM_BLD_free(n->bld);
}
