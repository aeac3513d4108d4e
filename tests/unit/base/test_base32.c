/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/base32.h"

static const struct {
	const char *octets, *text;
} rows[] = {
	/* RFC 4648 section 10, without the padding */
	{ "", "" },
	{ "f", "MY" },
	{ "fo", "MZXQ" },
	{ "foo", "MZXW6" },
	{ "foob", "MZXW6YQ" },
	{ "fooba", "MZXW6YTB" },
	{ "foobar", "MZXW6YTBOI" },
};

static void
both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf out = { .max = 100 }, back = { .max = 100 };

		assert_ok(base32_write(&out, slice_str(rows[i].octets)));
		assert_slice(buf_slice(&out), rows[i].text);
		assert_ok(base32_parse(buf_slice(&out), &back, &unit_error));
		assert_slice(buf_slice(&back), rows[i].octets);
	}
}

static void
as_typed(void **state)
{
	BUF_OWNED struct buf out = { .max = 100 };

	(void)state;
	assert_ok(base32_parse(SLICE("mzxw6\n ytb 01"), &out, &unit_error)); /* 0 for O, 1 for I */
	assert_slice(buf_slice(&out), "foobar");
}

static void
refused(void **state)
{
	static const char *const bad[] = { "A", "MZX", "MZXW6Y", "MZ", "M=", "MY======", "\xc3\xa4" };
	BUF_OWNED struct buf small = { .max = 3 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		BUF_OWNED struct buf out = { .max = 100 };

		assert_int_equal(base32_parse(slice_str(bad[i]), &out, &unit_error), ERR_SYNTAX);
	}
	assert_int_equal(base32_parse(SLICE("MZXW6YTBOI"), &small, &unit_error), ERR_LIMIT);
}

UNIT_MAIN(UNIT_TEST(both_ways), UNIT_TEST(as_typed), UNIT_TEST(refused))
