/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/hex.h"
#include "crypto/agree.h"
#include "crypto/compare.h"
#include "crypto/ec.h"
#include "crypto/rsa.h"
#include "crypto/sign.h"

static struct buf
unhex(const char *text)
{
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(hex_parse_loose(slice_str(text), &b, &unit_error), 0);
	return b;
}

/* RFC 8032 7.1 TEST 2. */
static void
ed25519_of_the_rfc(void **state)
{
	BUF_OWNED struct buf secret = unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
	BUF_OWNED struct buf public = unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
	BUF_OWNED struct buf want = unhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
					  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
	uint8_t sig[64], key[32];

	(void)state;
	assert_ok(sign_public(SIGN_ED25519, buf_slice(&secret), key, &unit_error));
	assert_memory_equal(key, public.data, 32);
	assert_ok(sign_make(SIGN_ED25519, buf_slice(&secret), SLICE("\x72"), sig, &unit_error));
	assert_memory_equal(sig, want.data, 64);
	assert_ok(sign_verify(SIGN_ED25519, buf_slice(&public), SLICE("\x72"), buf_slice(&want), &unit_error));
	assert_int_equal(
	    sign_verify(SIGN_ED25519, buf_slice(&public), SLICE("s"), buf_slice(&want), NULL), ERR_SIGNATURE);
	for (size_t bit = 0; bit < 512; bit++) {
		want.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(sign_verify(SIGN_ED25519, buf_slice(&public), SLICE("\x72"), buf_slice(&want), NULL) < 0);
		want.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
every_kind_signs_and_verifies(void **state)
{
	uint8_t key[SIGN_PUBLIC_MAX], sig[SIGN_SIGNATURE_MAX];

	(void)state;
	for (int id = 0; id < SIGN_COUNT; id++) {
		struct slice public, signature;
		struct secret s;

		assert_ok(sign_generate((enum sign_id)id, &s, key, &unit_error));
		public = slice_of(key, sign_key_size((enum sign_id)id));
		signature = slice_of(sig, sign_signature_size((enum sign_id)id));
		assert_ok(sign_make((enum sign_id)id, secret_slice(&s), SLICE("letter"), sig, &unit_error));
		assert_ok(sign_verify((enum sign_id)id, public, SLICE("letter"), signature, &unit_error));
		assert_int_equal(
		    sign_verify((enum sign_id)id, public, SLICE("lettes"), signature, NULL), ERR_SIGNATURE);
		assert_int_equal(
		    sign_verify((enum sign_id)id, slice_from(public, 1), SLICE("letter"), signature, NULL), ERR_SYNTAX);
		secret_done(&s);
	}
}

/* RFC 7748 6.1. */
static void
x25519_of_the_rfc(void **state)
{
	BUF_OWNED struct buf a = unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
	BUF_OWNED struct buf b = unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	BUF_OWNED struct buf want = unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
	struct secret shared;

	(void)state;
	assert_ok(agree_derive(AGREE_X25519, buf_slice(&a), buf_slice(&b), &shared, &unit_error));
	assert_slices(secret_slice(&shared), buf_slice(&want));
	secret_done(&shared);
}

static void
points_of_small_order_are_refused(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	uint8_t key[AGREE_KEY_MAX];
	struct secret mine, shared;

	(void)state;
	assert_ok(agree_generate(AGREE_X25519, &mine, key, &unit_error));
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		BUF_OWNED struct buf point = unhex(points[i]);

		assert_int_equal(
		    agree_derive(AGREE_X25519, secret_slice(&mine), buf_slice(&point), &shared, NULL), ERR_SYNTAX);
	}
	secret_done(&mine);
}

/* R = A and s = 0: with A of small order right for one text of eight at least, with the neutral point for all. */
static void
keys_of_small_order_sign_nothing(void **state)
{
	static const char *const keys[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		BUF_OWNED struct buf key = unhex(keys[i]);
		uint8_t signature[64] = { 1 };

		for (char text = 'a'; text <= 'z'; text++)
			assert_int_equal(sign_verify(SIGN_ED25519, buf_slice(&key), slice_of(&text, 1),
					     slice_of(signature, sizeof signature), NULL),
			    ERR_SIGNATURE);
	}
}

/* A key of 1024 bits of our own making, for tests only; u is p^-1 mod q. */
static const char rsa_n[] = "b144e71aa3a88fe6e60594183a85cc87d0520a771bfbecba36d20ea3e45dd17847237ae73bb2a94e"
			    "332d48da75d077538713c9cc3c9bf7358dcabbd3a45ec2bd7802e37c9310b0f2dccacba33e171145"
			    "4fd77bbce4aa5fe53cdcb626489c33f79c00073abfad367dd5f581342d49fbc5fd83c3e2e2c53ea1"
			    "3004cc65d0e50d8f";
static const char rsa_d[] = "8bd147e2c810cca796e7f17e06b2bfb6a38602011e4e5ed225291b29039747ff7144b7cca8566b99"
			    "655e236743a3906a8e50fa4a9fc7787d81ffd493c2c2871faed29bfb1d834365fc40309169ce525b"
			    "cd36e8b4597dfdfc44b6b3aa2b530a39b1c42f0506f8a559399a1666d43f6f9d78578506a8504100"
			    "578afe18cbbeb991";
static const char rsa_p[] = "e7794b49114b2887852329f1ac20f7eff957e9afcf7a6a2b69bfad2ef2e7271b7414fe3560af0232"
			    "1fac2065f9540f6b4813810551761603943162e654bdc5d7";
static const char rsa_q[] = "c40d4ff71e5a66952225a6272182d2d7fdf8004208b34c478fda841b1c9bd6d9698b5bdc4a422a7b"
			    "03812b095a3cbc20961aa3f41c17feff2e26a2c3ce3a8f09";
static const char rsa_u[] = "a952efdf3ac411873308570eba696b43dd87c3ad99745aab192fe70520350ce7eb7c37fac9e8fdd5"
			    "352b4b0cbd6929239989ee3819be4d5460b38e71ee5243";

/* With an exponent of 1 whatever could be signed is its own signature. */
static void
exponents_that_prove_nothing(void **state)
{
	static const struct {
		const char *octets;
		size_t len;
	} exponents[] = { { "\1", 1 }, { "\0\1", 2 }, { "\2", 1 }, { "\1\0\0", 3 }, { "\0", 1 },
		{ "\1\0\0\0\0\0\0\0\1", 9 } };
	BUF_OWNED struct buf n = unhex(rsa_n);
	uint8_t digest[32] = { 0 }, block[128];

	(void)state;
	memset(block, 0xff, sizeof block);
	memcpy(block, "\0\1", 2);
	memcpy(block + 76, "\0\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 20);
	memcpy(block + 96, digest, sizeof digest);
	for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
		struct rsa_public key = { buf_slice(&n), slice_of(exponents[i].octets, exponents[i].len) };

		assert_int_equal(
		    rsa_verify(&key, HASH_SHA256, slice_of(digest, 32), slice_of(block, sizeof block), NULL),
		    ERR_UNSUPPORTED);
	}
}

static void
rsa_both_ways(void **state)
{
	BUF_OWNED struct buf n = unhex(rsa_n), d = unhex(rsa_d), p = unhex(rsa_p), q = unhex(rsa_q), u = unhex(rsa_u);
	struct rsa_secret key = { .public_key = { buf_slice(&n), SLICE("\x01\x00\x01") },
		.d = buf_slice(&d),
		.p = buf_slice(&p),
		.q = buf_slice(&q),
		.u = buf_slice(&u) };
	static const size_t lengths[] = { 19, 27, 35 };
	BUF_OWNED struct buf sig = { 0 }, text = { 0 };
	uint8_t digest[32];
	struct secret back;

	(void)state;
	buf_init(&sig, RSA_OCTETS_MAX);
	buf_init(&text, RSA_OCTETS_MAX);
	assert_int_equal(rsa_bits(&key.public_key), 1024);
	assert_ok(hash_once(HASH_SHA256, SLICE("letter"), digest, &unit_error));
	assert_ok(rsa_sign(&key, HASH_SHA256, slice_of(digest, 32), &sig, &unit_error));
	assert_ok(rsa_verify(&key.public_key, HASH_SHA256, slice_of(digest, 32), buf_slice(&sig), &unit_error));
	digest[0] ^= 1;
	assert_int_equal(
	    rsa_verify(&key.public_key, HASH_SHA256, slice_of(digest, 32), buf_slice(&sig), NULL), ERR_SIGNATURE);
	assert_ok(rsa_encrypt(&key.public_key, SLICE("a session key of 27 octets!"), &text, &unit_error));
	assert_ok(rsa_decrypt(&key, buf_slice(&text), lengths, 3, &back, &unit_error));
	assert_slice(secret_slice(&back), "a session key of 27 octets!");
	secret_done(&back);
	/* Another length, or no padding at all: random octets, and no error that an attacker could see. */
	assert_ok(rsa_decrypt(&key, buf_slice(&text), lengths, 1, &back, &unit_error));
	assert_int_equal(back.len, 19);
	secret_done(&back);
	text.data[text.len - 1] ^= 1;
	assert_ok(rsa_decrypt(&key, buf_slice(&text), lengths, 3, &back, &unit_error));
	assert_int_equal(back.len, 35);
	secret_done(&back);
}

/* RFC 6979 A.2.5: P-256, SHA-256, message "sample". */
static void
ecdsa_of_the_rfc(void **state)
{
	BUF_OWNED struct buf point = unhex("0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
					   "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
	BUF_OWNED struct buf r = unhex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716");
	BUF_OWNED struct buf s = unhex("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
	uint8_t digest[32];

	(void)state;
	assert_ok(hash_once(HASH_SHA256, SLICE("sample"), digest, &unit_error));
	assert_ok(
	    ec_verify(EC_P256, buf_slice(&point), slice_of(digest, 32), buf_slice(&r), buf_slice(&s), &unit_error));
	digest[31] ^= 1;
	assert_int_equal(
	    ec_verify(EC_P256, buf_slice(&point), slice_of(digest, 32), buf_slice(&r), buf_slice(&s), NULL),
	    ERR_SIGNATURE);
	point.data[64] ^= 1;
	assert_int_equal(
	    ec_verify(EC_P256, buf_slice(&point), slice_of(digest, 32), buf_slice(&r), buf_slice(&s), NULL),
	    ERR_SYNTAX);
}

static void
comparing(void **state)
{
	(void)state;
	assert_true(compare_equal(SLICE("abc"), SLICE("abc")));
	assert_false(compare_equal(SLICE("abc"), SLICE("abd")));
	assert_false(compare_equal(SLICE("abc"), SLICE("ab")));
	assert_true(compare_equal(SLICE_EMPTY, SLICE_EMPTY));
	assert_true(compare_zero(SLICE("\0\0")));
	assert_false(compare_zero(SLICE("\0\1")));
}

UNIT_MAIN(UNIT_TEST(ed25519_of_the_rfc), UNIT_TEST(every_kind_signs_and_verifies), UNIT_TEST(x25519_of_the_rfc),
    UNIT_TEST(points_of_small_order_are_refused), UNIT_TEST(keys_of_small_order_sign_nothing),
    UNIT_TEST(exponents_that_prove_nothing), UNIT_TEST(rsa_both_ways), UNIT_TEST(ecdsa_of_the_rfc),
    UNIT_TEST(comparing))
