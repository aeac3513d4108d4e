/* SPDX-License-Identifier: ISC */
#include "store/box.h"

/* Two keys, whose fingerprints are octets of number and of 100 + number, and whose key IDs end alike. */
static void
put(struct box *b, uint8_t number, uint32_t version)
{
	uint8_t prints[2][32];
	struct store_certificate_key keys[2] = { { .key_id = 0x100000000ull * number + 7 },
		{ .key_id = 0x100000000ull * number + 7 } };
	struct store_certificate in = { .version = version, .keys = keys, .key_count = 2 };
	struct store_certificate_kept kept;
	char text[20];

	(void)snprintf(text, sizeof text, "certificate %u", number);
	in.data = slice_str(text);
	for (size_t i = 0; i < 2; i++) {
		memset(prints[i], number + 100 * (int)i, sizeof prints[i]);
		keys[i].fingerprint = slice_of(prints[i], version == 4 ? 20 : 32);
	}
	in.fingerprint = keys[0].fingerprint;
	assert_ok(store_certificate_put(b->port, &in, &b->arena, &kept, &unit_error));
}

static struct store_certificates_seen
look(struct box *b, const struct store_certificate_look *looks, size_t count)
{
	const struct store_certificate_looks in = { looks, count };
	struct store_certificates_seen out;

	assert_ok(store_certificate_look(b->port, &in, &b->arena, &out, &unit_error));
	assert_int_equal(out.seen_count, count);
	return out;
}

static void
many_at_once(void **state)
{
	static const uint8_t filled[5] = { 0, 1, 102, 3, 99 };
	uint8_t prints[5][32];
	const struct store_certificate_look looks[] = {
		{ .by = STORE_BY_FINGERPRINT, .value = slice_of(prints[1], 20) },
		{ .by = STORE_BY_FINGERPRINT, .value = slice_of(prints[2], 20), .version = 4 },
		{ .by = STORE_BY_FINGERPRINT, .value = slice_of(prints[3], 32), .version = 4 },
		{ .by = STORE_BY_FINGERPRINT, .value = slice_of(prints[3], 32), .version = 6 },
		{ .by = STORE_BY_FINGERPRINT, .value = slice_of(prints[4], 20) },
		{ .by = STORE_BY_KEY_ID, .value = SLICE("\0\0\0\2\0\0\0\7"), .limit = 10 },
		{ .by = STORE_BY_SHORT_ID, .value = SLICE("\0\0\0\7"), .limit = 10 },
		{ .by = STORE_BY_SHORT_ID, .value = SLICE("\0\0\0\7"), .limit = 2 },
		{ .by = STORE_BY_SHORT_ID, .value = SLICE("\0\0\0\7"), .limit = 10, .version = 4 },
	};
	static const struct {
		size_t count;
		const char *first;
		bool more;
	} want[] = { { 1, "certificate 1", false }, { 1, "certificate 2", false }, { 0, NULL, false },
		{ 1, "certificate 3", false }, { 0, NULL, false }, { 1, "certificate 2", false },
		{ 3, "certificate 1", false }, { 2, "certificate 1", true }, { 2, "certificate 1", false } };
	struct store_certificates_seen got;
	struct box b;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		memset(prints[i], filled[i], 32);
	box_new(&b);
	box_open(&b);
	put(&b, 1, 4);
	put(&b, 2, 4);
	put(&b, 3, 6);
	got = look(&b, looks, sizeof looks / sizeof looks[0]);
	for (size_t i = 0; i < got.seen_count; i++) {
		assert_int_equal(got.seen[i].certificate_count, want[i].count);
		assert_int_equal(got.seen[i].more, want[i].more);
		assert_false(got.seen[i].later);
		if (want[i].count > 0)
			assert_slice(got.seen[i].certificates[0].data, want[i].first);
	}
	box_free(&b);
}

static void
what_cannot_be_asked(void **state)
{
	static const struct store_certificate_look looks[] = { { .by = 0 }, { .by = STORE_BY_TEXT },
		{ .by = STORE_BY_ALL }, { .by = 99 }, { .by = STORE_BY_KEY_ID }, { .by = STORE_BY_SHORT_ID } };
	struct store_certificates_seen out;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
		assert_int_equal(store_certificate_look(b.port, &(struct store_certificate_looks){ &looks[i], 1 },
				     &b.arena, &out, &unit_error),
		    ERR_SYNTAX);
	assert_int_equal(look(&b, NULL, 0).seen_count, 0);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(many_at_once), UNIT_TEST(what_cannot_be_asked))
