/* SPDX-License-Identifier: ISC */
/* Keys that are large numbers: new RSA keys, and ElGamal, which is encrypted here by hand since nothing else does. */
#include <openssl/bn.h>

#include "unit.h"

#include "crypto/elgamal.h"
#include "crypto/random.h"
#include "crypto/rsa.h"

#define SIZE 256u /* octets of the prime */

/* RFC 3526's prime of 2048 bits, generator 2; x and y of ours. */
struct fixture {
	uint8_t p[SIZE], x[SIZE], y[SIZE];
	BIGNUM *pn, *yn;
	BN_CTX *ctx;
};

static const uint8_t two[1] = { 2 };

static void
fixture_init(struct fixture *f)
{
	BIGNUM *x = BN_new(), *g = BN_new();

	f->ctx = BN_CTX_new();
	f->pn = BN_get_rfc3526_prime_2048(NULL);
	f->yn = BN_new();
	assert_int_equal(BN_set_word(g, 2), 1);
	assert_int_equal(BN_priv_rand(x, 512, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), 1);
	assert_int_equal(BN_mod_exp(f->yn, g, x, f->pn, f->ctx), 1);
	assert_int_equal(BN_bn2binpad(f->pn, f->p, SIZE), SIZE);
	assert_int_equal(BN_bn2binpad(x, f->x, SIZE), SIZE);
	assert_int_equal(BN_bn2binpad(f->yn, f->y, SIZE), SIZE);
	BN_free(x);
	BN_free(g);
}

static void
fixture_done(struct fixture *f)
{
	BN_free(f->pn);
	BN_free(f->yn);
	BN_CTX_free(f->ctx);
}

/* a = 2^k, b = block * y^k. */
static void
encrypt(struct fixture *f, const uint8_t *block, uint8_t *a, uint8_t *b)
{
	BIGNUM *k = BN_new(), *g = BN_new(), *m = BN_bin2bn(block, SIZE, NULL), *r = BN_new();

	assert_int_equal(BN_set_word(g, 2), 1);
	assert_int_equal(BN_priv_rand(k, 512, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), 1);
	assert_int_equal(BN_mod_exp(r, g, k, f->pn, f->ctx), 1);
	assert_int_equal(BN_bn2binpad(r, a, SIZE), SIZE);
	assert_int_equal(BN_mod_exp(r, f->yn, k, f->pn, f->ctx), 1);
	assert_int_equal(BN_mod_mul(r, r, m, f->pn, f->ctx), 1);
	assert_int_equal(BN_bn2binpad(r, b, SIZE), SIZE);
	BN_free(k);
	BN_free(g);
	BN_free(m);
	BN_free(r);
}

/* 00 02 then octets that are not zero, 00, message. */
static void
pad(uint8_t *block, struct slice message)
{
	memset(block, 0x5a, SIZE);
	block[0] = 0;
	block[1] = 2;
	block[SIZE - message.len - 1] = 0;
	memcpy(block + SIZE - message.len, message.data, message.len);
}

static const size_t lengths[] = { 19, 27, 35 };

static int
decrypt(const struct fixture *f, const uint8_t *a, const uint8_t *b, struct secret *out)
{
	struct elgamal_secret key = { slice_of(f->p, SIZE), slice_of(two, 1), slice_of(f->y, SIZE),
		slice_of(f->x, SIZE) };

	return elgamal_decrypt(&key, slice_of(a, SIZE), slice_of(b, SIZE), lengths, 3, out, &unit_error);
}

static void
elgamal_decrypts(void **state)
{
	uint8_t block[SIZE], a[SIZE], b[SIZE], message[35];
	struct secret got;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_ok(random_bytes(message, sizeof message, &unit_error));
	for (size_t i = 0; i < 3; i++) {
		pad(block, slice_of(message, lengths[i]));
		encrypt(&f, block, a, b);
		assert_ok(decrypt(&f, a, b, &got));
		assert_slices(secret_slice(&got), slice_of(message, lengths[i]));
		secret_done(&got);
	}
	fixture_done(&f);
}

/* A padding that is wrong in any way gives random octets of a possible length, and no error (section 13.5). */
static void
elgamal_tells_nobody_about_paddings(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = { { 0, 1 }, { 1, 1 }, { 1, 0 }, { 2, 0 }, { 9, 0 }, { SIZE - 36, 1 }, { SIZE - 40, 0 } };
	uint8_t block[SIZE], a[SIZE], b[SIZE], message[35];
	struct secret got, again;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	memset(message, 0x77, sizeof message);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		pad(block, slice_of(message, 35));
		block[wrong[i].at] = wrong[i].value;
		encrypt(&f, block, a, b);
		assert_ok(decrypt(&f, a, b, &got));
		assert_ok(decrypt(&f, a, b, &again));
		assert_int_equal(got.len, 35);
		assert_false(slice_eq(secret_slice(&got), slice_of(message, 35)));
		assert_false(slice_eq(secret_slice(&got), secret_slice(&again)));
		secret_done(&got);
		secret_done(&again);
	}
	fixture_done(&f);
}

static void
elgamal_refuses_numbers_out_of_range(void **state)
{
	uint8_t zero[SIZE] = { 0 }, block[SIZE], a[SIZE], b[SIZE], high[SIZE];
	struct secret got;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	pad(block, SLICE("0123456789012345678"));
	encrypt(&f, block, a, b);
	memset(high, 0xff, sizeof high);
	assert_int_equal(decrypt(&f, zero, b, &got), ERR_SYNTAX);
	assert_int_equal(decrypt(&f, a, zero, &got), ERR_SYNTAX);
	assert_int_equal(decrypt(&f, f.p, b, &got), ERR_SYNTAX);
	assert_int_equal(decrypt(&f, a, f.p, &got), ERR_SYNTAX);
	assert_int_equal(decrypt(&f, high, b, &got), ERR_SYNTAX);
	f.p[SIZE - 1] ^= 1; /* an even modulus */
	assert_int_equal(decrypt(&f, a, b, &got), ERR_SYNTAX);
	memset(f.p, 0, SIZE - 100); /* and one of 800 bits */
	assert_int_equal(decrypt(&f, a, b, &got), ERR_UNSUPPORTED);
	fixture_done(&f);
}

/* p < q and u = 1/p modulo q, as OpenPGP wants it. */
static void
new_rsa_keys_are_whole(void **state)
{
	static const uint8_t digest[32] = { 3 };
	struct rsa_fresh f;
	struct buf sig;
	BIGNUM *p, *q, *u, *r = BN_new();
	BN_CTX *ctx = BN_CTX_new();

	(void)state;
	assert_int_equal(rsa_generate(1024, &f, NULL), ERR_USAGE);
	assert_int_equal(rsa_generate(20000, &f, NULL), ERR_USAGE);
	assert_ok(rsa_generate(2048, &f, &unit_error));
	p = BN_bin2bn(f.p.data, (int)f.p.len, NULL);
	q = BN_bin2bn(f.q.data, (int)f.q.len, NULL);
	u = BN_bin2bn(f.u.data, (int)f.u.len, NULL);
	assert_true(BN_cmp(p, q) < 0);
	assert_int_equal(BN_mod_mul(r, p, u, q, ctx), 1);
	assert_true(BN_is_one(r));
	{
		struct rsa_secret key = { { secret_slice(&f.n), secret_slice(&f.e) }, secret_slice(&f.d),
			secret_slice(&f.p), secret_slice(&f.q), secret_slice(&f.u) };

		assert_int_equal(rsa_bits(&key.public_key), 2048);
		buf_init(&sig, 4096);
		assert_ok(rsa_sign(&key, HASH_SHA256, slice_of(digest, 32), &sig, &unit_error));
		assert_ok(rsa_verify(&key.public_key, HASH_SHA256, slice_of(digest, 32), buf_slice(&sig), &unit_error));
		buf_done(&sig);
	}
	BN_free(p);
	BN_free(q);
	BN_free(u);
	BN_free(r);
	BN_CTX_free(ctx);
	rsa_fresh_done(&f);
}

UNIT_MAIN(UNIT_TEST(elgamal_decrypts), UNIT_TEST(elgamal_tells_nobody_about_paddings),
    UNIT_TEST(elgamal_refuses_numbers_out_of_range), UNIT_TEST(new_rsa_keys_are_whole))
