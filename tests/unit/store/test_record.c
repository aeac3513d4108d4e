/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "store/record.h"

static struct slice
some_octets(uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 131 >> 3);
	return slice_of(data, len);
}

static const size_t lengths[] = { 0, 1, 100, RECORD_BLOCK - 1, RECORD_BLOCK, RECORD_BLOCK + 1, 3 * RECORD_BLOCK + 7 };

static void
check_ranges(struct slice body)
{
	uint64_t id, length;
	struct buf record BUF_OWNED = { 0 };

	buf_init(&record, 1 << 20);
	record_put(&record, 77, body);
	assert_int_equal(record.len, record_size(body.len));
	assert_ok(record_get_head(buf_slice(&record), &id, &length, &unit_error));
	assert_int_equal(id, 77);
	assert_int_equal(length, body.len);
	for (size_t from = 0; from < body.len; from += 1 + body.len / 13) {
		size_t len = (body.len - from) / 2 + (from + 1 < body.len);
		struct record_range r = record_range(body.len, from, len);
		struct slice read = slice_sub(buf_slice(&record), r.from, r.octets);
		struct buf out BUF_OWNED = { 0 };

		buf_init(&out, 1 << 20);
		assert_true(r.from + r.octets <= record.len);
		assert_ok(record_get_range(read, 77, body.len, from, len, &out, &unit_error));
		assert_slices(buf_slice(&out), slice_sub(body, from, len));
	}
}

static void
ranges_come_back(void **state)
{
	static uint8_t data[4 * RECORD_BLOCK];

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		check_ranges(some_octets(data, lengths[i]));
}

/* Reads head and body of a record that holds len octets of body 5. */
static int
read_all(struct slice record, size_t len)
{
	struct buf out BUF_OWNED = { 0 };
	uint64_t id, length;
	int rc = record_get_head(record, &id, &length, NULL);

	buf_init(&out, 1 << 20);
	return rc != 0 ? rc : record_get_range(slice_from(record, RECORD_HEAD), 5, len, 0, len, &out, NULL);
}

static void
changed_octets_are_seen(void **state)
{
	uint8_t data[200];
	struct slice body = some_octets(data, sizeof data);
	struct buf record BUF_OWNED = { 0 }, out BUF_OWNED = { 0 };

	(void)state;
	buf_init(&record, 1 << 20);
	buf_init(&out, 1 << 20);
	record_put(&record, 5, body);
	assert_int_equal(read_all(buf_slice(&record), body.len), 0);
	for (size_t bit = 0; bit < record.len * 8; bit++) {
		record.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(read_all(buf_slice(&record), body.len), ERR_INTEGRITY);
		record.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < record.len; cut++)
		assert_int_equal(read_all(slice_sub(buf_slice(&record), 0, cut), body.len), ERR_TRUNCATED);
	/* Whole and right, but another body's. */
	assert_int_equal(
	    record_get_range(slice_from(buf_slice(&record), RECORD_HEAD), 6, body.len, 0, body.len, &out, NULL),
	    ERR_INTEGRITY);
}

UNIT_MAIN(UNIT_TEST(ranges_come_back), UNIT_TEST(changed_octets_are_seen))
