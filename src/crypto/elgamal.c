/* SPDX-License-Identifier: ISC */
#include "crypto/elgamal.h"

#include "crypto/fail.h"
#include "crypto/number.h"
#include "crypto/pkcs1.h"

struct work {
	BN_CTX *ctx;
	BN_MONT_CTX *mont;
	BIGNUM *p, *a, *b;        /* modulus, ciphertext */
	BIGNUM *x, *rest;         /* the secret exponent, and p - 1 - x */
	BIGNUM *blind, *mask, *m; /* a random number; what takes it off again; the result */
};

static void
work_done(struct work *w)
{
	BIGNUM *all[] = { w->p, w->a, w->b, w->x, w->rest, w->blind, w->mask, w->m };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		BN_clear_free(all[i]);
	BN_MONT_CTX_free(w->mont);
	BN_CTX_free(w->ctx);
}

static bool
work_init(struct work *w, const struct elgamal_secret *key, struct slice a, struct slice b)
{
	*w = (struct work){
		.ctx = BN_CTX_secure_new(),
		.mont = BN_MONT_CTX_new(),
		.p = number_new(key->p),
		.a = number_new(a),
		.b = number_new(b),
		.x = number_new_secret(key->x),
		.rest = BN_secure_new(),
		.blind = BN_secure_new(),
		.mask = BN_secure_new(),
		.m = BN_secure_new(),
	};
	return w->ctx != NULL && w->mont != NULL && w->p != NULL && w->a != NULL && w->b != NULL && w->x != NULL &&
	    w->rest != NULL && w->blind != NULL && w->mask != NULL && w->m != NULL;
}

static bool
in_range(const BIGNUM *v, const BIGNUM *p)
{
	return !BN_is_zero(v) && BN_cmp(v, p) < 0;
}

/*
 * m = b / a^x. With a random r it is b * (a r)^(p-1-x) * r^x: the exponent
 * never meets a number that the sender chose.
 */
static bool
compute(struct work *w)
{
	if (BN_MONT_CTX_set(w->mont, w->p, w->ctx) != 1 || BN_sub(w->rest, w->p, BN_value_one()) != 1 ||
	    BN_sub(w->rest, w->rest, w->x) != 1 || BN_is_negative(w->rest))
		return false;
	BN_set_flags(w->rest, BN_FLG_CONSTTIME);
	if (BN_priv_rand_range(w->blind, w->p) != 1 || BN_is_zero(w->blind) ||
	    BN_mod_exp_mont_consttime(w->mask, w->blind, w->x, w->p, w->ctx, w->mont) != 1 ||
	    BN_mod_mul(w->m, w->a, w->blind, w->p, w->ctx) != 1 ||
	    BN_mod_exp_mont_consttime(w->m, w->m, w->rest, w->p, w->ctx, w->mont) != 1)
		return false;
	/* Montgomery form of one factor, so that the product comes out plain. */
	return BN_to_montgomery(w->m, w->m, w->mont, w->ctx) == 1 &&
	    BN_mod_mul_montgomery(w->m, w->m, w->mask, w->mont, w->ctx) == 1 &&
	    BN_to_montgomery(w->m, w->m, w->mont, w->ctx) == 1 &&
	    BN_mod_mul_montgomery(w->m, w->m, w->b, w->mont, w->ctx) == 1;
}

static int
decrypt_block(struct work *w, struct secret *block, struct error *e)
{
	if (!BN_is_odd(w->p) || BN_is_zero(w->x))
		return error_set(e, ERR_SYNTAX, "the numbers of the ElGamal key are no key");
	if (!in_range(w->a, w->p) || !in_range(w->b, w->p))
		return error_set(e, ERR_SYNTAX, "the ElGamal ciphertext is out of the key's range");
	if (!compute(w) || BN_bn2binpad(w->m, block->data, (int)block->len) != (int)block->len)
		return crypto_fail(e, "an ElGamal decryption");
	return 0;
}

int
elgamal_decrypt(const struct elgamal_secret *key, struct slice a, struct slice b, const size_t *lengths,
    size_t length_count, struct secret *out, struct error *e)
{
	size_t bits = number_bits(key->p);
	SECRET_OWNED struct secret block = SECRET_EMPTY;
	struct work w;
	int rc;

	if (bits < ELGAMAL_BITS_MIN || bits > ELGAMAL_BITS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "ElGamal keys have %u to %u bits here; this one has %zu",
		    ELGAMAL_BITS_MIN, ELGAMAL_BITS_MAX, bits);
	rc = secret_new(&block, (bits + 7) / 8, e);
	if (rc != 0)
		return rc;
	rc = work_init(&w, key, a, b) ? decrypt_block(&w, &block, e) : crypto_fail(e, "the numbers of an ElGamal key");
	work_done(&w);
	return rc != 0 ? rc : pkcs1_take(secret_slice(&block), lengths, length_count, out, e);
}
