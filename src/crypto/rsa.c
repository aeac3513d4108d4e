/* SPDX-License-Identifier: ISC */
#include "crypto/rsa.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "crypto/fail.h"
#include "crypto/hash_table.h"
#include "crypto/random.h"

#define NUMBERS_MAX 8

/* The numbers of a key on their way into libcrypto. */
struct numbers {
	OSSL_PARAM_BLD *bld;
	BIGNUM *bn[NUMBERS_MAX];
	size_t count;
	bool failed;
};

static void
numbers_add(struct numbers *n, const char *name, BIGNUM *bn)
{
	if (bn == NULL || n->bld == NULL || n->count == NUMBERS_MAX || OSSL_PARAM_BLD_push_BN(n->bld, name, bn) != 1)
		n->failed = true;
	if (bn != NULL && n->count < NUMBERS_MAX)
		n->bn[n->count++] = bn;
}

static BIGNUM *
number(struct slice s)
{
	BIGNUM *bn = s.len > RSA_OCTETS_MAX ? NULL : BN_bin2bn(s.data, (int)s.len, NULL);

	if (bn != NULL)
		BN_set_flags(bn, BN_FLG_CONSTTIME);
	return bn;
}

static void
numbers_done(struct numbers *n)
{
	for (size_t i = 0; i < n->count; i++)
		BN_clear_free(n->bn[i]);
	OSSL_PARAM_BLD_free(n->bld);
}

static EVP_PKEY *
numbers_key(struct numbers *n, int selection)
{
	OSSL_PARAM *params = n->failed ? NULL : OSSL_PARAM_BLD_to_param(n->bld);
	EVP_PKEY_CTX *ctx = params == NULL ? NULL : EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

size_t
rsa_bits(const struct rsa_public *key)
{
	size_t i = 0, bits;

	while (i < key->n.len && key->n.data[i] == 0)
		i++;
	if (i == key->n.len)
		return 0;
	bits = (key->n.len - i) * 8;
	for (uint8_t top = key->n.data[i]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

static size_t
octets_of(const struct rsa_public *key)
{
	return (rsa_bits(key) + 7) / 8;
}

static int
check_size(const struct rsa_public *key, struct error *e)
{
	size_t bits = rsa_bits(key);

	/* An exponent as large as the modulus makes every verification cost as much as a signature. */
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || key->e.len > 8)
		return error_set(e, ERR_UNSUPPORTED,
		    "RSA keys have %u to %u bits here, and a small exponent; this one has %zu", RSA_BITS_MIN,
		    RSA_BITS_MAX, bits);
	return 0;
}

static int
load_public(const struct rsa_public *key, EVP_PKEY **out, struct error *e)
{
	struct numbers n = { .bld = OSSL_PARAM_BLD_new() };
	int rc = check_size(key, e);

	if (rc == 0) {
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_N, number(key->n));
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_E, number(key->e));
		*out = numbers_key(&n, EVP_PKEY_PUBLIC_KEY);
		if (*out == NULL)
			rc = crypto_fail(e, "an RSA key");
	}
	numbers_done(&n);
	return rc;
}

/* d modulo one less than the prime. */
static BIGNUM *
exponent(const BIGNUM *d, const BIGNUM *prime)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *one_less = BN_dup(prime), *r = BN_secure_new();

	if (ctx == NULL || one_less == NULL || r == NULL || BN_sub_word(one_less, 1) != 1 ||
	    BN_mod(r, d, one_less, ctx) != 1) {
		BN_clear_free(r);
		r = NULL;
	}
	BN_clear_free(one_less);
	BN_CTX_free(ctx);
	return r;
}

static int
load_secret(const struct rsa_secret *key, EVP_PKEY **out, struct error *e)
{
	struct numbers n = { .bld = OSSL_PARAM_BLD_new() };
	int rc = check_size(&key->public_key, e);

	if (rc == 0) {
		BIGNUM *d = number(key->d), *p = number(key->p), *q = number(key->q);

		numbers_add(&n, OSSL_PKEY_PARAM_RSA_N, number(key->public_key.n));
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_E, number(key->public_key.e));
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_D, d);
		/* OpenPGP's u is p^-1 mod q, libcrypto's coefficient is the inverse of its second prime: swap the primes. */
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_FACTOR1, q);
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_FACTOR2, p);
		if (!n.failed) {
			numbers_add(&n, OSSL_PKEY_PARAM_RSA_EXPONENT1, exponent(d, q));
			numbers_add(&n, OSSL_PKEY_PARAM_RSA_EXPONENT2, exponent(d, p));
		}
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, number(key->u));
		*out = numbers_key(&n, EVP_PKEY_KEYPAIR);
		if (*out == NULL)
			rc = crypto_fail(e, "an RSA key");
	}
	numbers_done(&n);
	return rc;
}

static EVP_PKEY_CTX *
context(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *), int padding)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	if (ctx != NULL && (init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) != 1)) {
		EVP_PKEY_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

/* The right-aligned form that libcrypto wants: as many octets as the modulus. false when it does not fit. */
static bool
align(struct slice in, uint8_t *out, size_t len)
{
	while (in.len > 0 && in.data[0] == 0)
		in = slice_from(in, 1);
	if (in.len > len)
		return false;
	memset(out, 0, len - in.len);
	if (in.len > 0)
		memcpy(out + len - in.len, in.data, in.len);
	return true;
}

int
rsa_verify(const struct rsa_public *key, enum hash_id id, struct slice digest, struct slice signature, struct error *e)
{
	uint8_t sig[RSA_OCTETS_MAX];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey;
	int rc = load_public(key, &pkey, e);

	if (rc != 0)
		return rc;
	ctx = context(pkey, EVP_PKEY_verify_init, RSA_PKCS1_PADDING);
	if (ctx == NULL || EVP_PKEY_CTX_set_signature_md(ctx, hash_md(id)) != 1)
		rc = crypto_fail(e, "an RSA verification");
	else if (!align(signature, sig, octets_of(key)) ||
	    EVP_PKEY_verify(ctx, sig, octets_of(key), digest.data, digest.len) != 1)
		rc = crypto_refuse(e, ERR_SIGNATURE, "the signature is not right for this data and key");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return rc;
}

int
rsa_sign(const struct rsa_secret *key, enum hash_id id, struct slice digest, struct buf *signature_out, struct error *e)
{
	uint8_t sig[RSA_OCTETS_MAX];
	size_t len = sizeof sig;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey;
	int rc = load_secret(key, &pkey, e);

	if (rc != 0)
		return rc;
	ctx = context(pkey, EVP_PKEY_sign_init, RSA_PKCS1_PADDING);
	if (ctx == NULL || EVP_PKEY_CTX_set_signature_md(ctx, hash_md(id)) != 1 ||
	    EVP_PKEY_sign(ctx, sig, &len, digest.data, digest.len) != 1)
		rc = crypto_fail(e, "an RSA signature");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	if (rc == 0) /* a fault while signing would give the primes away */
		rc = rsa_verify(&key->public_key, id, digest, slice_of(sig, len), e);
	if (rc == 0 && buf_put(signature_out, sig, len) != 0)
		rc = error_set(e, signature_out->err, "there is no room for an RSA signature");
	return rc;
}

int
rsa_encrypt(const struct rsa_public *key, struct slice in, struct buf *out, struct error *e)
{
	uint8_t text[RSA_OCTETS_MAX];
	size_t len = sizeof text;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey;
	int rc = load_public(key, &pkey, e);

	if (rc != 0)
		return rc;
	ctx = context(pkey, EVP_PKEY_encrypt_init, RSA_PKCS1_PADDING);
	if (ctx == NULL || EVP_PKEY_encrypt(ctx, text, &len, in.data, in.len) != 1)
		rc = crypto_fail(e, "an RSA ciphertext");
	else if (buf_put(out, text, len) != 0)
		rc = error_set(e, out->err, "there is no room for an RSA ciphertext");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return rc;
}

/* All ones when x is zero, else zero, without a branch. */
static unsigned
mask_zero(unsigned x)
{
	return (unsigned)0 - ((~x & (x - 1)) >> (sizeof x * 8 - 1));
}

/* All ones when the block is 00 02, octets that are not zero, 00, and then len octets. */
static unsigned
padding_mask(const uint8_t *block, size_t size, size_t len)
{
	unsigned bad = block[0] | (unsigned)(block[1] ^ 2) | block[size - len - 1];

	for (size_t i = 2; i < size - len - 1; i++)
		bad |= mask_zero(block[i]);
	return mask_zero(bad);
}

/* out has the longest length and holds random octets. Takes the message's over it when a padding fits. */
static void
take_message(const uint8_t *block, size_t size, const size_t *lengths, size_t count, struct secret *out)
{
	size_t chosen = lengths[count - 1];

	for (size_t i = 0; i < count; i++) {
		unsigned mask = padding_mask(block, size, lengths[i]);
		size_t wide = (size_t)0 - (size_t)(mask & 1);

		for (size_t k = 0; k < lengths[i]; k++)
			out->data[k] = (uint8_t)((out->data[k] & ~mask) | (block[size - lengths[i] + k] & mask));
		chosen = (chosen & ~wide) | (lengths[i] & wide);
	}
	secret_cut(out, chosen);
}

static int
decrypt_block(const struct rsa_secret *key, struct slice in, uint8_t *block, size_t size, struct error *e)
{
	uint8_t text[RSA_OCTETS_MAX];
	size_t len = size;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey;
	int rc = load_secret(key, &pkey, e);

	if (rc != 0)
		return rc;
	ctx = context(pkey, EVP_PKEY_decrypt_init, RSA_NO_PADDING);
	if (ctx == NULL)
		rc = crypto_fail(e, "an RSA decryption");
	else if (!align(in, text, size) || EVP_PKEY_decrypt(ctx, block, &len, text, size) != 1 || len != size)
		rc = crypto_refuse(e, ERR_SYNTAX, "the RSA ciphertext is larger than the key's modulus");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return rc;
}

int
rsa_decrypt(const struct rsa_secret *key, struct slice in, const size_t *lengths, size_t length_count,
    struct secret *out, struct error *e)
{
	size_t size = octets_of(&key->public_key), longest = 0;
	SECRET_OWNED struct secret block = SECRET_EMPTY;
	struct secret message;
	int rc = check_size(&key->public_key, e);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < length_count; i++)
		longest = lengths[i] > longest ? lengths[i] : longest;
	if (length_count == 0 || longest + 11 > size)
		return error_set(e, ERR_USAGE, "an RSA key of %zu octets cannot hold %zu", size, longest);
	rc = secret_new(&block, size, e);
	if (rc == 0)
		rc = decrypt_block(key, in, block.data, size, e);
	if (rc == 0)
		rc = secret_random(&message, longest, e);
	if (rc != 0)
		return rc;
	take_message(block.data, size, lengths, length_count, &message);
	*out = message;
	return 0;
}
