/* SPDX-License-Identifier: ISC */
#include "crypto/rsa.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/fail.h"
#include "crypto/hash_table.h"
#include "crypto/number.h"
#include "crypto/pkcs1.h"

size_t
rsa_bits(const struct rsa_public *key)
{
	return number_bits(key->n);
}

static size_t
octets_of(const struct rsa_public *key)
{
	return (rsa_bits(key) + 7) / 8;
}

/* And more than 1. */
static bool
is_odd(struct slice number)
{
	size_t zeros = 0;

	while (zeros < number.len && number.data[zeros] == 0)
		zeros++;
	number = slice_from(number, zeros);
	return number.len > 0 && number.data[number.len - 1] % 2 == 1 && (number.len > 1 || number.data[0] > 1);
}

static int
check_size(const struct rsa_public *key, struct error *e)
{
	size_t bits = rsa_bits(key);

	/*
	 * An exponent as large as the modulus makes every verification cost as much as a signature. With one of 1 all that
	 * could be signed is its own signature, with an even one there is no secret key.
	 */
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || key->e.len > 8 || !is_odd(key->e))
		return error_set(e, ERR_UNSUPPORTED,
		    "RSA keys have %u to %u bits here, and a small odd exponent; this one has %zu", RSA_BITS_MIN,
		    RSA_BITS_MAX, bits);
	return 0;
}

static int
load_public(const struct rsa_public *key, EVP_PKEY **out, struct error *e)
{
	struct numbers n;
	int rc = check_size(key, e);

	numbers_init(&n);
	if (rc == 0) {
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_N, number_new(key->n));
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_E, number_new(key->e));
		*out = numbers_key(&n, "RSA", EVP_PKEY_PUBLIC_KEY);
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
	struct numbers n;
	int rc = check_size(&key->public_key, e);

	numbers_init(&n);
	if (rc == 0) {
		BIGNUM *d = number_new_secret(key->d), *p = number_new_secret(key->p), *q = number_new_secret(key->q);

		numbers_add(&n, OSSL_PKEY_PARAM_RSA_N, number_new(key->public_key.n));
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_E, number_new(key->public_key.e));
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_D, d);
		/* OpenPGP's u is p^-1 mod q, libcrypto's coefficient is the inverse of its second prime: swap the primes. */
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_FACTOR1, q);
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_FACTOR2, p);
		if (!n.failed) {
			numbers_add(&n, OSSL_PKEY_PARAM_RSA_EXPONENT1, exponent(d, q));
			numbers_add(&n, OSSL_PKEY_PARAM_RSA_EXPONENT2, exponent(d, p));
		}
		numbers_add(&n, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, number_new_secret(key->u));
		*out = numbers_key(&n, "RSA", EVP_PKEY_KEYPAIR);
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

/* What a right signature over a SHA-256 digest is the root of (RFC 8017 section 9.2): len octets, all of them determined. */
static void
encode_sha256(struct slice digest, uint8_t *out, size_t len)
{
	static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
		0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
	size_t tail = sizeof info + digest.len;

	memset(out, 0xff, len);
	out[0] = 0;
	out[1] = 1;
	out[len - tail - 1] = 0;
	memcpy(out + len - tail, info, sizeof info);
	memcpy(out + len - digest.len, digest.data, digest.len);
}

/*
 * For a key that is used once, as those that come from DNS are: making a key of libcrypto's of its numbers takes half as
 * long as the power itself. Nothing here is secret. The block is compared whole, so no form of it is let through by
 * reading it leniently (Bleichenbacher's forgery of 2006).
 */
static int
verify_sha256(const struct rsa_public *key, struct slice digest, struct slice signature, struct error *e)
{
	uint8_t got[RSA_OCTETS_MAX], wanted[RSA_OCTETS_MAX];
	size_t len = octets_of(key);
	BIGNUM *n = number_new(key->n), *exponent_of = number_new(key->e), *sig = number_new(signature), *r = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	int rc = 0;

	encode_sha256(digest, wanted, len);
	if (n == NULL || exponent_of == NULL || sig == NULL || r == NULL || ctx == NULL)
		rc = error_nomem(e);
	else if (!BN_is_odd(n) || BN_ucmp(sig, n) >= 0 || BN_mod_exp_mont(r, sig, exponent_of, n, ctx, NULL) != 1 ||
	    BN_bn2binpad(r, got, (int)len) != (int)len || memcmp(got, wanted, len) != 0)
		rc = crypto_refuse(e, ERR_SIGNATURE, "the signature is not right for this data and key");
	BN_CTX_free(ctx);
	BN_free(n);
	BN_free(exponent_of);
	BN_free(sig);
	BN_free(r);
	return rc;
}

static int
verify_any(const struct rsa_public *key, enum hash_id id, struct slice digest, struct slice signature, struct error *e)
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
rsa_verify(const struct rsa_public *key, enum hash_id id, struct slice digest, struct slice signature, struct error *e)
{
	int rc = check_size(key, e);

	if (rc != 0)
		return rc;
	if (id == HASH_SHA256 && digest.len == hash_size(id) && signature.len <= RSA_OCTETS_MAX)
		return verify_sha256(key, digest, signature, e);
	return verify_any(key, id, digest, signature, e);
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
	size_t size = octets_of(&key->public_key);
	SECRET_OWNED struct secret block = SECRET_EMPTY;
	int rc = check_size(&key->public_key, e);

	if (rc == 0)
		rc = secret_new(&block, size, e);
	if (rc == 0)
		rc = decrypt_block(key, in, block.data, size, e);
	return rc != 0 ? rc : pkcs1_take(secret_slice(&block), lengths, length_count, out, e);
}

/* ---- new keys ---- */

static bool
put_number(EVP_PKEY *key, const char *name, struct secret *out, struct error *e)
{
	BIGNUM *bn = BN_secure_new();
	bool good = bn != NULL && EVP_PKEY_get_bn_param(key, name, &bn) == 1 &&
	    secret_new(out, (size_t)BN_num_bytes(bn), e) == 0 && BN_bn2bin(bn, out->data) == BN_num_bytes(bn);

	BN_clear_free(bn);
	return good;
}

int
rsa_generate(size_t bits, struct rsa_fresh *out, struct error *e)
{
	struct rsa_fresh f = { 0 };
	EVP_PKEY *key;
	int rc = 0;

	if (bits < RSA_GENERATE_BITS_MIN || bits > RSA_BITS_MAX)
		return error_set(e, ERR_USAGE, "a new RSA key has %u to %u bits, not %zu", RSA_GENERATE_BITS_MIN,
		    RSA_BITS_MAX, bits);
	key = EVP_RSA_gen(bits);
	/* libcrypto's first prime is the greater one, OpenPGP's the smaller (section 5.5.5.1); u goes with that. */
	if (key == NULL || !put_number(key, OSSL_PKEY_PARAM_RSA_N, &f.n, e) ||
	    !put_number(key, OSSL_PKEY_PARAM_RSA_E, &f.e, e) || !put_number(key, OSSL_PKEY_PARAM_RSA_D, &f.d, e) ||
	    !put_number(key, OSSL_PKEY_PARAM_RSA_FACTOR2, &f.p, e) ||
	    !put_number(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &f.q, e) ||
	    !put_number(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &f.u, e))
		rc = crypto_fail(e, "an RSA key");
	EVP_PKEY_free(key);
	if (rc != 0)
		rsa_fresh_done(&f);
	else
		*out = f;
	return rc;
}

void
rsa_fresh_done(struct rsa_fresh *f)
{
	struct secret *all[] = { &f->n, &f->e, &f->d, &f->p, &f->q, &f->u };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		secret_done(all[i]);
}
