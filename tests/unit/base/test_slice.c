/* SPDX-License-Identifier: ISC */
#include "unit.h"

static void
numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t value;
	} rows[] = {
		{ "0", 10, true, 0 },
		{ "10", 10, true, 10 },
		{ "11", 10, false, 0 },
		{ "", 10, false, 0 },
		{ "1x", 10, false, 0 },
		{ "-1", 10, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t v = 77;

		assert_int_equal(slice_to_u64(slice_str(rows[i].text), rows[i].max, &v), rows[i].ok);
		assert_true(v == (rows[i].ok ? rows[i].value : 77));
	}
}

static void
splitting(void **state)
{
	struct slice rest = SLICE("a b c");

	(void)state;
	assert_slice(slice_split(rest, ' ', &rest), "a");
	assert_slice(slice_split(rest, ' ', &rest), "b");
	assert_slice(slice_split(rest, ' ', &rest), "c");
	assert_int_equal(rest.len, 0);
	assert_slice(slice_trim(SLICE(" \t x y\r\n")), "x y");
	assert_slice(slice_trim(SLICE("  ")), "");
}

static void
searching(void **state)
{
	(void)state;
	assert_int_equal(slice_search(SLICE("hello world"), SLICE("o w")), 4);
	assert_true(slice_search(SLICE("hello"), SLICE("hellos")) == SIZE_MAX);
	assert_int_equal(slice_find_last(SLICE("a@b@c"), '@'), 3);
	assert_true(slice_ieq(SLICE("STARTTLS"), SLICE("startTLS")));
	assert_false(slice_ieq(SLICE("STARTTLS"), SLICE("startTL")));
	assert_true(slice_istarts(SLICE("MAIL FROM:<>"), SLICE("mail from:")));
	assert_int_equal(slice_cmp(SLICE("a"), SLICE("ab")), -1);
}

UNIT_MAIN(UNIT_TEST(numbers), UNIT_TEST(splitting), UNIT_TEST(searching))
