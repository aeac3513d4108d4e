/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "service/directory/private.h"

static void
buckets_have_fifty_on_average(void **state)
{
	static const struct {
		uint64_t entries;
		unsigned digits;
	} rows[] = { { 0, 0 }, { 49, 0 }, { 799, 0 }, { 800, 1 }, { 12799, 1 }, { 12800, 2 }, { 1000000, 3 },
		{ 50ull << 32, 8 }, { UINT64_MAX, 8 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(directory_bucket_digits(rows[i].entries), rows[i].digits);
}

static void
ranges(void **state)
{
	static const struct {
		const char *hex;
		unsigned digits;
		const char *from, *upto; /* NULL: to the end */
	} rows[] = {
		{ "", 0, "00000000", NULL },
		{ "0", 1, "00000000", "10000000" },
		{ "f", 1, "f0000000", NULL },
		{ "Ab", 2, "ab000000", "ac000000" },
		{ "fffffffe", 8, "fffffffe", "ffffffff" },
		{ "ffffffff", 8, "ffffffff", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct directory_bucket_range r;
		char text[9];

		assert_int_equal(directory_bucket_range(slice_str(rows[i].hex), rows[i].digits, &r, NULL), 0);
		assert_int_equal(r.octet_count, 4);
		(void)snprintf(text, sizeof text, "%02x%02x%02x%02x", r.from[0], r.from[1], r.from[2], r.from[3]);
		assert_string_equal(text, rows[i].from);
		assert_int_equal(r.to_the_end, rows[i].upto == NULL);
		(void)snprintf(text, sizeof text, "%02x%02x%02x%02x", r.upto[0], r.upto[1], r.upto[2], r.upto[3]);
		if (rows[i].upto != NULL)
			assert_string_equal(text, rows[i].upto);
	}
}

static void
what_names_no_bucket(void **state)
{
	struct directory_bucket_range r;

	(void)state;
	assert_int_equal(directory_bucket_range(SLICE("a"), 2, &r, NULL), ERR_SYNTAX);
	assert_int_equal(directory_bucket_range(SLICE("abc"), 2, &r, NULL), ERR_SYNTAX);
	assert_int_equal(directory_bucket_range(SLICE("g0"), 2, &r, NULL), ERR_SYNTAX);
	assert_int_equal(directory_bucket_range(SLICE("a"), 0, &r, NULL), ERR_SYNTAX);
}

static void
bare_entries(void **state)
{
	static const uint8_t full[1020];
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_int_equal(directory_bucket_put_bare(SLICE("name"), SLICE("certificate"), &out, NULL), 0);
	assert_int_equal(out.len, 32 + 4 + 1024);
	assert_memory_equal(out.data, "name\0\0", 6);
	assert_memory_equal(out.data + 32, "\0\0\4\0\0\0\0\13certificate\0", 20);
	buf_clear(&out);
	assert_int_equal(directory_bucket_put_bare(SLICE("n"), slice_of(full, 1020), &out, NULL), 0);
	assert_int_equal(out.len, 32 + 4 + 1024);
	buf_done(&out);
}

/* Opened with nothing but libcrypto's primitives and the words of doc/private-lookup.md. */
static void
only_who_knows_the_address_opens_an_entry(void **state)
{
	const struct slice name = SLICE("0123456789abcdef0123456789abcdef"),
			   addresses[] = { SLICE("alice@example.org"), SLICE("bob@example.org") };
	uint8_t key[32], plain[1024];
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_int_equal(
	    directory_bucket_put_sealed(name, SLICE("Alice@Example.ORG"), SLICE("certificate"), &out, NULL), 0);
	assert_int_equal(out.len, 32 + 4 + 12 + 1024 + 16);
	assert_slices(slice_sub(buf_slice(&out), 0, 32), name);
	assert_int_equal(out.data[34] << 8 | out.data[35], 12 + 1024 + 16);
	for (size_t i = 0; i < 2; i++) {
		struct aead *a;
		int rc;

		assert_int_equal(kdf_hkdf(HASH_SHA256, addresses[i], name, SLICE("letterlock private address key"), key,
				     sizeof key, NULL),
		    0);
		assert_int_equal(
		    aead_new(AEAD_GCM, CIPHER_AES256, CIPHER_DECRYPT, slice_of(key, sizeof key), &a, NULL), 0);
		rc = aead_open(a, slice_of(out.data + 36, 12), SLICE_EMPTY, out.data + 48, 1024, plain,
		    out.data + 48 + 1024, NULL);
		aead_free(a);
		assert_int_equal(rc, i == 0 ? 0 : ERR_INTEGRITY);
		if (i == 0)
			assert_memory_equal(plain, "\0\0\0\13certificate\0", 16);
	}
	buf_done(&out);
}

UNIT_MAIN(UNIT_TEST(buckets_have_fifty_on_average), UNIT_TEST(ranges), UNIT_TEST(what_names_no_bucket),
    UNIT_TEST(bare_entries), UNIT_TEST(only_who_knows_the_address_opens_an_entry))
