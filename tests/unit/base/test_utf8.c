/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/printable.h"
#include "base/utf8.h"

static void
malformed_is_malformed(void **state)
{
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
		"\xc3", "\xe2\x82", "\xf0\x9f\x98", "a\xc3(" };
	static const char *const good[] = { "", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
		"\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "abcdefgh\xc3\xa4ijklmnop" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (utf8_valid(slice_str(bad[i])))
			fail_msg("row %zu is taken for UTF-8", i);
	}
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		if (!utf8_valid(slice_str(good[i])))
			fail_msg("row %zu is not taken for UTF-8", i);
	}
}

static void
every_point_goes_out_and_comes_back(void **state)
{
	struct buf b;
	uint32_t back;

	(void)state;
	buf_init(&b, 10);
	for (uint32_t p = 0; p <= 0x110000; p++) {
		bool scalar = p < 0x110000 && (p < 0xd800 || p > 0xdfff);

		buf_clear(&b);
		assert_int_equal(utf8_put(&b, p), 0);
		assert_int_equal(utf8_decode(buf_slice(&b), &back), b.len);
		assert_int_equal(back, scalar ? p : UTF8_REPLACEMENT);
	}
	buf_done(&b);
}

static void
one_form(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(utf8_normalize(&b, SLICE("plain")), 0);
	assert_int_equal(
	    utf8_normalize(&b, SLICE(" u\xcc\x88 \xe2\x84\xab")), 0); /* u with dots; the sign for Angstrom */
	assert_slice(buf_slice(&b), "plain \xc3\xbc \xc3\x85");
	assert_int_equal(utf8_normalize(&b, SLICE("\xff")), ERR_SYNTAX);
	buf_done(&b);
	buf_init(&b, 1);
	assert_int_equal(utf8_normalize(&b, SLICE("\xc3\xbc")), ERR_LIMIT);
	buf_done(&b);
}

static void
repair_and_fold(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	(void)utf8_put_repaired(&b, SLICE("a\xffz\xe2\x82z\xed\xa0\x80"));
	assert_slice(buf_slice(&b), "a\xef\xbf\xbdz\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	buf_clear(&b);
	(void)utf8_fold(&b, SLICE("ABC \xc3\x84\xc3\x9f \xce\xa3\xcf\x82\xcf\x83 \xff"));
	assert_slice(buf_slice(&b), "abc \xc3\xa4\xc3\x9f \xcf\x83\xcf\x83\xcf\x83 \xff");
	assert_true(utf8_fold_contains(SLICE("Gr\xc3\x9c\xc3\x9f"
					     "E"),
	    SLICE("r\xc3\xbc")));
	assert_false(utf8_fold_contains(SLICE("Gruss"), SLICE("r\xc3\xbc")));
	buf_done(&b);
}

static void
columns(void **state)
{
	(void)state;
	assert_int_equal(utf8_columns(SLICE("abc")), 3);
	assert_int_equal(utf8_columns(SLICE("e\xcc\x81")), 1);
	assert_int_equal(utf8_columns(SLICE("\xe4\xb8\xad\xe6\x96\x87")), 4);
	assert_slice(utf8_cut_columns(SLICE("\xe4\xb8\xad\xe6\x96\x87"), 3), "\xe4\xb8\xad");
	assert_slice(utf8_cut_columns(SLICE("abc"), 10), "abc");
	assert_slice(utf8_cut_octets(SLICE("a\xc3\xa4"
					   "b"),
			 2),
	    "a");
	assert_slice(utf8_cut_octets(SLICE("a\xc3\xa4"
					   "b"),
			 3),
	    "a\xc3\xa4");
	assert_slice(utf8_cut_octets(SLICE("\x80\x80\x80\x80\x80\x80"), 5), "\x80\x80\x80\x80\x80");
}

static void
terminals_are_safe(void **state)
{
	static const struct {
		const char *in;
		enum printable_use use;
		size_t max;
		const char *out;
	} rows[] = {
		{ "a\x1b[31mb", PRINTABLE_LINE, 100, "a\\x1b[31mb" },
		{ "a\tb\r\nc", PRINTABLE_LINE, 100, "a b  c" },
		{ "a\tb\r\nc\rd", PRINTABLE_TEXT, 100, "a\tb\nc\\x0dd" },
		{ "\xc2\x9b"
		  "31m",
		    PRINTABLE_TEXT, 100, "\\u{9b}31m" },
		{ "a\xe2\x80\xae"
		  "b\xe2\x81\xa6",
		    PRINTABLE_LINE, 100, "a\\u{202e}b\\u{2066}" },
		{ "gr\xc3\xbc\xc3\x9f\xff", PRINTABLE_LINE, 100, "gr\xc3\xbc\xc3\x9f\\xff" },
		{ "gr\xc3\xbc\"\\", PRINTABLE_LOG, 100, "gr\\u{fc}\\\"\\\\" },
		{ "abcdef", PRINTABLE_LINE, 6, "abcdef" },
		{ "abcdefg", PRINTABLE_LINE, 6, "abc..." },
		{ "ab\x1bzz", PRINTABLE_LINE, 6, "ab..." },
		{ "abc", PRINTABLE_LINE, 2, "" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_clear(&b);
		assert_int_equal(printable_put(&b, slice_str(rows[i].in), rows[i].use, rows[i].max), 0);
		assert_slice(buf_slice(&b), rows[i].out);
	}
	buf_done(&b);
	assert_true(printable_is_plain(SLICE("alice@example.org")));
	assert_false(printable_is_plain(SLICE("a b")));
	assert_false(printable_is_plain(SLICE("")));
	assert_false(printable_is_plain(slice_of("a\0b", 3)));
}

UNIT_MAIN(UNIT_TEST(malformed_is_malformed), UNIT_TEST(every_point_goes_out_and_comes_back), UNIT_TEST(one_form),
    UNIT_TEST(repair_and_fold), UNIT_TEST(columns), UNIT_TEST(terminals_are_safe))
