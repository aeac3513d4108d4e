/* SPDX-License-Identifier: ISC */
/* ML-KEM and ML-DSA: with a libcrypto that has them, and refused in words by one that has not. */
#include "unit.h"

#include "crypto/compare.h"
#include "crypto/mldsa.h"
#include "crypto/mlkem.h"

/* True when this libcrypto lacks them; then the sentence must say which algorithm, and what is needed. */
static bool
refused(int rc, const char *name)
{
	if (rc == 0)
		return false;
	assert_int_equal(rc, ERR_UNSUPPORTED);
	assert_non_null(strstr(unit_error.text, name));
	assert_non_null(strstr(unit_error.text, "3.5"));
	return true;
}

static void
encapsulated_comes_out_again(enum mlkem_id id, const char *name)
{
	uint8_t public[MLKEM_PUBLIC_MAX], ciphertext[MLKEM_CIPHERTEXT_MAX];
	SECRET_OWNED struct secret seed = SECRET_EMPTY, a = SECRET_EMPTY, b = SECRET_EMPTY, c = SECRET_EMPTY;
	struct slice key = slice_of(public, mlkem_public_size(id));
	struct slice text = slice_of(ciphertext, mlkem_ciphertext_size(id));

	if (refused(mlkem_available(id, &unit_error), name)) {
		assert_true(refused(mlkem_generate(id, &seed, public, &unit_error), name));
		assert_null(seed.data);
		return;
	}
	assert_ok(mlkem_generate(id, &seed, public, &unit_error));
	assert_int_equal(seed.len, MLKEM_SEED);
	assert_ok(mlkem_encapsulate(id, key, ciphertext, &a, &unit_error));
	assert_ok(mlkem_decapsulate(id, secret_slice(&seed), text, &b, &unit_error));
	assert_int_equal(a.len, MLKEM_SHARED);
	assert_true(compare_equal(secret_slice(&a), secret_slice(&b)));
	/* Changed: not an error, and not the same (implicit rejection). */
	ciphertext[7] ^= 1;
	assert_ok(mlkem_decapsulate(id, secret_slice(&seed), text, &c, &unit_error));
	assert_false(compare_equal(secret_slice(&a), secret_slice(&c)));
	/* A coefficient of 4095 is no number modulo 3329 (FIPS 203 section 7.2). */
	public[0] = 0xff;
	public[1] |= 0x0f;
	secret_done(&c);
	assert_int_equal(mlkem_encapsulate(id, key, ciphertext, &c, NULL), ERR_SYNTAX);
}

static void
mlkem_both_ways(void **state)
{
	(void)state;
	encapsulated_comes_out_again(MLKEM_768, "ML-KEM-768");
	encapsulated_comes_out_again(MLKEM_1024, "ML-KEM-1024");
}

static void
mlkem_seed_gives_one_public_key(void **state)
{
	uint8_t seed[MLKEM_SEED] = { 1, 2, 3 }, one[MLKEM_PUBLIC_MAX], two[MLKEM_PUBLIC_MAX];
	size_t len = mlkem_public_size(MLKEM_768);

	(void)state;
	if (refused(mlkem_public(MLKEM_768, slice_of(seed, sizeof seed), one, &unit_error), "ML-KEM-768"))
		return;
	assert_ok(mlkem_public(MLKEM_768, slice_of(seed, sizeof seed), two, &unit_error));
	assert_memory_equal(one, two, len);
	seed[63] ^= 1; /* z: it only decides what a wrong ciphertext gives */
	assert_ok(mlkem_public(MLKEM_768, slice_of(seed, sizeof seed), two, &unit_error));
	assert_memory_equal(one, two, len);
	seed[0] ^= 1; /* d */
	assert_ok(mlkem_public(MLKEM_768, slice_of(seed, sizeof seed), two, &unit_error));
	assert_memory_not_equal(one, two, len);
}

static void
wrong_lengths_are_syntax(void **state)
{
	uint8_t octets[5000] = { 0 };
	struct secret s;

	(void)state;
	for (size_t len = 0; len < sizeof octets; len += 31) {
		struct slice in = slice_of(octets, len);

		assert_int_equal(mlkem_public(MLKEM_768, in, octets, NULL), ERR_SYNTAX);
		assert_int_equal(mlkem_encapsulate(MLKEM_1024, in, octets, &s, NULL), ERR_SYNTAX);
		assert_int_equal(mlkem_decapsulate(MLKEM_768, slice_of(octets, 64), in, &s, NULL), ERR_SYNTAX);
		assert_int_equal(mldsa_public(MLDSA_65, in, octets, NULL), ERR_SYNTAX);
		assert_int_equal(mldsa_verify(MLDSA_65, in, in, slice_of(octets, 3309), NULL), ERR_SYNTAX);
		assert_int_equal(mldsa_verify(MLDSA_87, slice_of(octets, 2592), in, in, NULL), ERR_SYNTAX);
	}
}

static void
signed_verifies(enum mldsa_id id, const char *name)
{
	uint8_t public[MLDSA_PUBLIC_MAX], again[MLDSA_PUBLIC_MAX], sig[MLDSA_SIGNATURE_MAX];
	struct slice key = slice_of(public, mldsa_public_size(id));
	struct slice signature = slice_of(sig, mldsa_signature_size(id));
	SECRET_OWNED struct secret seed = SECRET_EMPTY;

	if (refused(mldsa_generate(id, &seed, public, &unit_error), name)) {
		assert_true(refused(mldsa_available(id, &unit_error), name));
		assert_true(refused(
		    mldsa_verify(id, slice_of(public, mldsa_public_size(id)), SLICE("letter"), signature, &unit_error),
		    name));
		return;
	}
	assert_ok(mldsa_available(id, &unit_error));
	assert_int_equal(seed.len, MLDSA_SEED);
	assert_ok(mldsa_public(id, secret_slice(&seed), again, &unit_error));
	assert_memory_equal(public, again, key.len);
	assert_ok(mldsa_sign(id, secret_slice(&seed), SLICE("letter"), sig, &unit_error));
	assert_ok(mldsa_verify(id, key, SLICE("letter"), signature, &unit_error));
	assert_int_equal(mldsa_verify(id, key, SLICE("lettes"), signature, NULL), ERR_SIGNATURE);
	for (size_t at = 0; at < signature.len; at += 97) {
		sig[at] ^= 0x10;
		assert_int_equal(mldsa_verify(id, key, SLICE("letter"), signature, NULL), ERR_SIGNATURE);
		sig[at] ^= 0x10;
	}
	public[5] ^= 1;
	assert_int_equal(mldsa_verify(id, key, SLICE("letter"), signature, NULL), ERR_SIGNATURE);
}

static void
mldsa_both_ways(void **state)
{
	(void)state;
	signed_verifies(MLDSA_65, "ML-DSA-65");
	signed_verifies(MLDSA_87, "ML-DSA-87");
}

UNIT_MAIN(UNIT_TEST(mlkem_both_ways), UNIT_TEST(mlkem_seed_gives_one_public_key), UNIT_TEST(wrong_lengths_are_syntax),
    UNIT_TEST(mldsa_both_ways))
