/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/charset.h"
#include "base/utf8.h"

static void
sets_of_mail_become_utf8(void **state)
{
	static const char *const rows[][3] = {
		{ "utf-8", "gr\xc3\xbc\xff", "gr\xc3\xbc\xef\xbf\xbd" },
		{ "US-ASCII", "plain", "plain" },
		{ "us-ascii", "gr\xc3\xbc", "gr\xc3\xbc" },
		{ "us-ascii", "gr\xfc", "gr\xc3\xbc" },
		{ "iso-8859-1", "\x93gr\xfc\x94", "\xe2\x80\x9cgr\xc3\xbc\xe2\x80\x9d" },
		{ "ISO-8859-15", "\xa4", "\xe2\x82\xac" },
		{ "koi8-r", "\xf0\xf2", "\xd0\x9f\xd0\xa0" },
		{ "iso-2022-jp", "\x1b$B4A;z\x1b(B", "\xe6\xbc\xa2\xe5\xad\x97" },
		{ "Shift_JIS", "\x8a\xbf", "\xe6\xbc\xa2" },
		{ "gb2312", "\xba\xba", "\xe6\xb1\x89" },
		{ "utf-7", "+AOQ-", "\xc3\xa4" },
		{ "windows-1252", "\x81", "\xef\xbf\xbd" },
		{ "gb2312", "\xba", "\xef\xbf\xbd" },
	};
	struct buf b;

	(void)state;
	charset_open_all();
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_clear(&b);
		assert_ok(charset_to_utf8(slice_str(rows[i][0]), slice_str(rows[i][1]), &b, &unit_error));
		assert_slice(buf_slice(&b), rows[i][2]);
	}
	buf_clear(&b);
	assert_int_equal(charset_to_utf8(SLICE("klingon"), SLICE("x"), &b, &unit_error), ERR_UNSUPPORTED);
	assert_int_equal(b.len, 0);
	assert_false(charset_known(SLICE("")));
	assert_true(charset_known(SLICE("UTF-8")));
	buf_done(&b);
}

static void
the_maximum_ends_it(void **state)
{
	struct buf b;
	uint8_t many[20000];

	(void)state;
	memset(many, 0xe4, sizeof many);
	buf_init(&b, 100);
	assert_int_equal(charset_to_utf8(SLICE("koi8-r"), slice_of(many, sizeof many), &b, &unit_error), ERR_LIMIT);
	assert_true(b.len <= 100);
	buf_done(&b);
	buf_init(&b, 1);
	assert_int_equal(charset_to_utf8(SLICE("koi8-r"), slice_of(many, 1), &b, &unit_error), ERR_LIMIT);
	buf_done(&b);
	buf_init(&b, 40000);
	assert_ok(charset_to_utf8(SLICE("koi8-r"), slice_of(many, sizeof many), &b, &unit_error));
	assert_int_equal(b.len, 40000);
	assert_true(utf8_valid(buf_slice(&b)));
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(sets_of_mail_become_utf8), UNIT_TEST(the_maximum_ends_it))
