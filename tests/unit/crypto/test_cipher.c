/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/hex.h"
#include "crypto/aead.h"
#include "crypto/keywrap.h"
#include "crypto/random.h"

#define BIG 70000u

static struct buf
unhex(const char *text)
{
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(hex_parse_loose(slice_str(text), &b, &unit_error), 0);
	return b;
}

/* SP 800-38A F.3.13 (CFB128-AES128) and F.3.17 (CFB128-AES256). */
static void
cfb_known_values(void **state)
{
	static const struct {
		enum cipher_id id;
		const char *key, *want;
	} rows[] = {
		{ CIPHER_AES128, "2b7e151628aed2a6abf7158809cf4f3c",
		    "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b"
		    "26751f67a3cbb140b1808cf187a4f4dfc04b05357c5d1c0eeac4c66f9ff7f2e6" },
		{ CIPHER_AES256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
		    "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b"
		    "df10132415e54b92a13ed0a8267ae2f975a385741ab9cef82031623d55b1e471" },
	};
	BUF_OWNED struct buf iv = unhex("000102030405060708090a0b0c0d0e0f");
	BUF_OWNED struct buf text = unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
					  "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
	uint8_t out[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf key = unhex(rows[i].key), want = unhex(rows[i].want);

		assert_ok(cipher_cfb_once(
		    rows[i].id, CIPHER_ENCRYPT, buf_slice(&key), buf_slice(&iv), buf_slice(&text), out, &unit_error));
		assert_memory_equal(out, want.data, 64);
		assert_ok(cipher_cfb_once(
		    rows[i].id, CIPHER_DECRYPT, buf_slice(&key), buf_slice(&iv), buf_slice(&want), out, &unit_error));
		assert_memory_equal(out, text.data, 64);
	}
}

/* One block of each old cipher: with the plaintext as IV, CFB of zeros is the cipher itself. */
static void
old_ciphers_known_values(void **state)
{
	static const struct {
		enum cipher_id id;
		const char *key, *text, *want;
	} rows[] = {
		/* SP 800-67 B.1 */
		{ CIPHER_3DES, "0123456789abcdef23456789abcdef01456789abcdef0123", "5468652071756663",
		    "a826fd8ce53b855f" },
		/* RFC 2144 B.1 */
		{ CIPHER_CAST5, "0123456712345678234567893456789a", "0123456789abcdef", "238b4fe5847e44b2" },
		/* Schneier's set_key test of 16 octets */
		{ CIPHER_BLOWFISH, "f0e1d2c3b4a5968778695a4b3c2d1e0f", "fedcba9876543210", "93142887ee3be15c" },
		/* RFC 3713 A */
		{ CIPHER_CAMELLIA128, "0123456789abcdeffedcba9876543210", "0123456789abcdeffedcba9876543210",
		    "67673138549669730857065648eabe43" },
		{ CIPHER_CAMELLIA192, "0123456789abcdeffedcba98765432100011223344556677",
		    "0123456789abcdeffedcba9876543210", "b4993401b3e996f84ee5cee7d79b09b9" },
		{ CIPHER_CAMELLIA256, "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff",
		    "0123456789abcdeffedcba9876543210", "9acc237dff16d76c20ef7c919e3a7509" },
	};
	static const uint8_t zero[16];
	uint8_t out[16];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf key = unhex(rows[i].key), want = unhex(rows[i].want), text = unhex(rows[i].text);
		size_t len = cipher_block_size(rows[i].id);

		assert_int_equal(len, want.len);
		assert_int_equal(cipher_key_size(rows[i].id), key.len);
		assert_true(cipher_available(rows[i].id));
		assert_ok(cipher_cfb_once(rows[i].id, CIPHER_ENCRYPT, buf_slice(&key), buf_slice(&text),
		    slice_of(zero, len), out, &unit_error));
		assert_memory_equal(out, want.data, len);
	}
}

/* They have no mode with authentication here, and a wrong length of key or IV is noticed. */
static void
old_ciphers_refusals(void **state)
{
	static const uint8_t key[32];
	uint8_t out[16];
	struct aead *a;

	(void)state;
	for (int id = CIPHER_CAMELLIA128; id < CIPHER_COUNT; id++) {
		struct slice k = slice_of(key, cipher_key_size((enum cipher_id)id));

		for (int mode = 0; mode < AEAD_COUNT; mode++)
			assert_int_equal(aead_new((enum aead_id)mode, (enum cipher_id)id, CIPHER_ENCRYPT, k, &a, NULL),
			    ERR_UNSUPPORTED);
		assert_int_equal(cipher_cfb_once((enum cipher_id)id, CIPHER_ENCRYPT, slice_of(key, k.len - 1),
				     SLICE_EMPTY, SLICE("x"), out, NULL),
		    ERR_USAGE);
		assert_int_equal(
		    cipher_cfb_once((enum cipher_id)id, CIPHER_ENCRYPT, k, slice_of(key, 7), SLICE("x"), out, NULL),
		    ERR_USAGE);
	}
}

/* The same result however the stream is cut, in place too, whatever the block's size. */
static void
cut_in_pieces(enum cipher_id id)
{
	static uint8_t text[BIG], whole[BIG], parts[BIG];
	static const size_t cuts[] = { 1, 15, 16, 17, 31, 8191, 8192, 8193, 8208, 20000 };
	uint8_t key[32];
	struct slice k = slice_of(key, cipher_key_size(id));

	assert_ok(random_bytes(text, sizeof text, &unit_error));
	assert_ok(random_bytes(key, sizeof key, &unit_error));
	assert_ok(cipher_cfb_once(id, CIPHER_ENCRYPT, k, SLICE_EMPTY, slice_of(text, BIG), whole, &unit_error));
	for (int way = CIPHER_ENCRYPT; way <= CIPHER_DECRYPT; way++) {
		for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
			struct cipher *c;

			assert_ok(cipher_cfb_new(id, (enum cipher_way)way, k, SLICE_EMPTY, &c, &unit_error));
			memcpy(parts, way == CIPHER_ENCRYPT ? text : whole, BIG);
			for (size_t at = 0, n, turn = 0; at < BIG; at += n, turn++) {
				n = size_min(BIG - at, cuts[(i + turn % 2) % (sizeof cuts / sizeof cuts[0])]);
				assert_ok(cipher_step(c, parts + at, parts + at, n, &unit_error));
			}
			cipher_free(c);
			assert_memory_equal(parts, way == CIPHER_ENCRYPT ? whole : text, BIG);
		}
	}
}

static void
cfb_in_pieces(void **state)
{
	(void)state;
	for (int id = 0; id < CIPHER_COUNT; id++)
		cut_in_pieces((enum cipher_id)id);
}

static void
aead_round_and_refusal(void **state)
{
	uint8_t key[32], nonce[16], text[100], sealed[100], opened[100], tag[16];
	struct aead *seal, *open;

	(void)state;
	assert_ok(random_bytes(key, sizeof key, &unit_error));
	for (int id = 0; id < AEAD_COUNT; id++) {
		size_t n = aead_nonce_size((enum aead_id)id);

		assert_ok(
		    aead_new((enum aead_id)id, CIPHER_AES256, CIPHER_ENCRYPT, slice_of(key, 32), &seal, &unit_error));
		assert_ok(
		    aead_new((enum aead_id)id, CIPHER_AES256, CIPHER_DECRYPT, slice_of(key, 32), &open, &unit_error));
		for (size_t len = 0; len <= 100; len++) {
			memset(text, (int)len, sizeof text);
			memset(nonce, (int)(len + 1), sizeof nonce);
			assert_ok(
			    aead_seal(seal, slice_of(nonce, n), SLICE("head"), text, len, sealed, tag, &unit_error));
			assert_ok(
			    aead_open(open, slice_of(nonce, n), SLICE("head"), sealed, len, opened, tag, &unit_error));
			assert_memory_equal(opened, text, len);
			assert_int_equal(
			    aead_open(open, slice_of(nonce, n), SLICE("heaD"), sealed, len, opened, tag, NULL),
			    ERR_INTEGRITY);
			tag[len % 16] ^= 1;
			assert_int_equal(
			    aead_open(open, slice_of(nonce, n), SLICE("head"), sealed, len, opened, tag, NULL),
			    ERR_INTEGRITY);
		}
		aead_free(seal);
		aead_free(open);
	}
}

/* SP 800-38D test case 4 of the original submission, cut: AES-128-GCM with AD. */
static void
gcm_known_value(void **state)
{
	BUF_OWNED struct buf key = unhex("feffe9928665731c6d6a8f9467308308"), nonce = unhex("cafebabefacedbaddecaf888");
	BUF_OWNED struct buf ad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
	BUF_OWNED struct buf text = unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
					  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
	BUF_OWNED struct buf want = unhex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
					  "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091");
	BUF_OWNED struct buf want_tag = unhex("5bc94fbc3221a5db94fae95ae7121a47");
	uint8_t out[60], tag[16];
	struct aead *a;

	(void)state;
	assert_ok(aead_new(AEAD_GCM, CIPHER_AES128, CIPHER_ENCRYPT, buf_slice(&key), &a, &unit_error));
	assert_ok(aead_seal(a, buf_slice(&nonce), buf_slice(&ad), text.data, text.len, out, tag, &unit_error));
	aead_free(a);
	assert_memory_equal(out, want.data, 60);
	assert_memory_equal(tag, want_tag.data, 16);
}

/* RFC 3394 4.1 and 4.6. */
static void
keywrap_of_the_rfc(void **state)
{
	static const struct {
		const char *kek, *key, *want;
	} rows[] = {
		{ "000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF",
		    "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5" },
		{ "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
		    "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
		    "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf kek = unhex(rows[i].kek), key = unhex(rows[i].key), want = unhex(rows[i].want);
		BUF_OWNED struct buf out = { 0 };
		struct secret back;

		buf_init(&out, 100);
		assert_ok(keywrap_wrap(buf_slice(&kek), buf_slice(&key), &out, &unit_error));
		assert_slices(buf_slice(&out), buf_slice(&want));
		assert_ok(keywrap_unwrap(buf_slice(&kek), buf_slice(&want), &back, &unit_error));
		assert_slices(secret_slice(&back), buf_slice(&key));
		secret_done(&back);
		for (size_t at = 0; at < want.len; at++) {
			want.data[at] ^= 1;
			assert_int_equal(keywrap_unwrap(buf_slice(&kek), buf_slice(&want), &back, NULL), ERR_INTEGRITY);
			want.data[at] ^= 1;
			assert_true(keywrap_unwrap(buf_slice(&kek), slice_of(want.data, at), &back, NULL) < 0);
		}
	}
}

UNIT_MAIN(UNIT_TEST(cfb_known_values), UNIT_TEST(old_ciphers_known_values), UNIT_TEST(old_ciphers_refusals),
    UNIT_TEST(cfb_in_pieces), UNIT_TEST(aead_round_and_refusal), UNIT_TEST(gcm_known_value),
    UNIT_TEST(keywrap_of_the_rfc))
