/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "crypto/kdf.h"

static void
assert_hex(struct slice got, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(hex_write(&b, got), 0);
	assert_slice(buf_slice(&b), want);
	buf_done(&b);
}

/* FIPS 180-4 and 202 and RFC 1321: the digests of "abc". */
static void
digests_of_abc(void **state)
{
	static const struct {
		enum hash_id id;
		const char *want;
	} rows[] = {
		{ HASH_MD5, "900150983cd24fb0d6963f7d28e17f72" },
		{ HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ HASH_RIPEMD160, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc" },
		{ HASH_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
		{ HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ HASH_SHA384,
		    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		    "8086072ba1e7cc2358baeca134c825a7" },
		{ HASH_SHA512,
		    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
		{ HASH_SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
		{ HASH_SHA3_512,
		    "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
		    "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0" },
	};
	uint8_t out[HASH_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_ok(hash_once(rows[i].id, SLICE("abc"), out, &unit_error));
		assert_hex(slice_of(out, hash_size(rows[i].id)), rows[i].want);
	}
}

static void
a_copy_goes_on_by_itself(void **state)
{
	uint8_t one[HASH_SIZE_MAX], two[HASH_SIZE_MAX];
	struct hash *h, *copy;

	(void)state;
	assert_ok(hash_new(HASH_SHA256, &h, &unit_error));
	hash_update(h, SLICE("a"));
	assert_ok(hash_copy(h, &copy, &unit_error));
	hash_update(copy, SLICE("x"));
	hash_update(h, SLICE("bc"));
	assert_ok(hash_finish(h, one, &unit_error));
	hash_free(h);
	assert_hex(slice_of(one, 32), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_ok(hash_finish(copy, two, &unit_error));
	hash_free(copy);
	assert_ok(hash_once(HASH_SHA256, SLICE("ax"), one, &unit_error));
	assert_memory_equal(one, two, 32);
}

/* RFC 4231 test case 2. */
static void
hmac_of_jefe(void **state)
{
	uint8_t out[HASH_SIZE_MAX];

	(void)state;
	assert_ok(hmac_once(HASH_SHA256, SLICE("Jefe"), SLICE("what do ya want for nothing?"), out, &unit_error));
	assert_hex(slice_of(out, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* RFC 5869 A.1 and A.3. */
static void
hkdf_of_the_rfc(void **state)
{
	uint8_t key[22], salt[13], info[10], out[42];

	(void)state;
	memset(key, 0x0b, sizeof key);
	for (size_t i = 0; i < sizeof salt; i++)
		salt[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof info; i++)
		info[i] = (uint8_t)(0xf0 + i);
	assert_ok(
	    kdf_hkdf(HASH_SHA256, slice_of(key, 22), slice_of(salt, 13), slice_of(info, 10), out, 42, &unit_error));
	assert_hex(
	    slice_of(out, 42), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
	assert_ok(kdf_hkdf(HASH_SHA256, slice_of(key, 22), SLICE_EMPTY, SLICE_EMPTY, out, 42, &unit_error));
	assert_hex(
	    slice_of(out, 42), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

static void
argon2_is_bounded_before_any_memory(void **state)
{
	static const struct {
		struct kdf_argon2 cost;
		int want;
	} rows[] = {
		{ { 64, 1, 4 }, 0 },
		{ { 31, 1, 4 }, ERR_USAGE },
		{ { 64, 0, 4 }, ERR_USAGE },
		{ { 64, 1, 0 }, ERR_USAGE },
		{ { KDF_ARGON2_MEMORY_MAX_KIB + 1, 1, 4 }, ERR_LIMIT },
		{ { 1u << 20, 9, 4 }, ERR_LIMIT },
		{ { 64, KDF_ARGON2_PASSES_MAX + 1, 4 }, ERR_LIMIT },
		{ { 1024, 1, KDF_ARGON2_LANES_MAX + 1 }, ERR_LIMIT },
	};
	uint8_t out[32];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(
		    kdf_argon2id(&rows[i].cost, SLICE("password"), SLICE("0123456789abcdef"), out, 32, NULL),
		    rows[i].want);
}

/* From the reference implementation's own tests: m = 64 MiB would be slow here, so its 256 KiB row. */
static void
argon2_known_value(void **state)
{
	struct kdf_argon2 cost = { .memory_kib = 256, .passes = 2, .lanes = 1 };
	uint8_t out[32];

	(void)state;
	assert_ok(kdf_argon2id(&cost, SLICE("password"), SLICE("somesalt"), out, 32, &unit_error));
	assert_hex(slice_of(out, 32), "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
}

/* RFC 7914 section 11. */
static void
pbkdf2_of_the_rfc(void **state)
{
	uint8_t out[64];

	(void)state;
	assert_ok(kdf_pbkdf2(HASH_SHA256, SLICE("passwd"), SLICE("salt"), 1, out, 64, &unit_error));
	assert_hex(slice_of(out, 64),
	    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
	    "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
	assert_ok(kdf_pbkdf2(HASH_SHA256, SLICE("Password"), SLICE("NaCl"), 80000, out, 64, &unit_error));
	assert_hex(slice_of(out, 64),
	    "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
	    "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d");
}

static void
pbkdf2_is_bounded(void **state)
{
	uint8_t out[1];

	(void)state;
	assert_int_equal(kdf_pbkdf2(HASH_SHA256, SLICE("a"), SLICE("b"), 0, out, 1, NULL), ERR_USAGE);
	assert_int_equal(kdf_pbkdf2(HASH_SHA256, SLICE("a"), SLICE("b"), 1, out, 0, NULL), ERR_USAGE);
	assert_int_equal(kdf_pbkdf2(HASH_SHA256, SLICE("a"), SLICE("b"), UINT32_MAX, out, 1, NULL), ERR_LIMIT);
}

UNIT_MAIN(UNIT_TEST(digests_of_abc), UNIT_TEST(a_copy_goes_on_by_itself), UNIT_TEST(hmac_of_jefe),
    UNIT_TEST(hkdf_of_the_rfc), UNIT_TEST(argon2_is_bounded_before_any_memory), UNIT_TEST(argon2_known_value),
    UNIT_TEST(pbkdf2_of_the_rfc), UNIT_TEST(pbkdf2_is_bounded))
