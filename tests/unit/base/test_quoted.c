/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/quoted.h"
#include "base/zbase32.h"

static void
encode(struct slice in, enum quoted_content content, size_t piece, struct buf *out)
{
	struct quoted_encoder c;

	quoted_encoder_init(&c, content);
	for (size_t at = 0; at < in.len; at += piece)
		(void)quoted_encoder_put(&c, slice_sub(in, at, piece), out);
	assert_int_equal(quoted_encoder_end(&c, out), 0);
}

static uint64_t
decode(struct slice in, size_t piece, struct buf *out)
{
	struct quoted_decoder c;
	uint64_t faults;

	quoted_decoder_init(&c);
	for (size_t at = 0; at < in.len; at += piece)
		(void)quoted_decoder_put(&c, slice_sub(in, at, piece), out);
	faults = c.faults;
	assert_int_equal(quoted_decoder_end(&c, out), 0);
	return faults;
}

static void
text_is_encoded(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "a=b\r\nc\nd", "a=3Db\r\nc\r\nd" },
		{ "gr\xc3\xbc\xc3\x9f\n", "gr=C3=BC=C3=9F\r\n" },
		{ "blank \r\ntab\t\r\nend ", "blank=20\r\ntab=09\r\nend=20" },
		{ "From me\r\nfrom me\r\nFrom\r\n", "=46rom me\r\nfrom me\r\nFrom\r\n" },
		{ ".\r\n..\r\na.b\r\n", "=2E\r\n=2E.\r\na.b\r\n" },
		{ "a\rb\r", "a=0Db=0D" },
		{ "1234567890123456789012345678901234567890123456789012345678901234567890123456\r\n",
		    "123456789012345678901234567890123456789012345678901234567890123456789012345=\r\n6\r\n" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234 \r\n",
		    "12345678901234567890123456789012345678901234567890123456789012345678901234=\r\n=20\r\n" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (size_t piece = 1; piece < 4; piece++) {
			buf_clear(&b);
			encode(slice_str(rows[i][0]), QUOTED_TEXT, piece, &b);
			assert_slice(buf_slice(&b), rows[i][1]);
		}
	}
	buf_clear(&b);
	encode(SLICE("a\r\nb\n"), QUOTED_BINARY, 100, &b);
	assert_slice(buf_slice(&b), "a=0D=0Ab=0A");
	buf_done(&b);
}

static void
real_mail_is_decoded(void **state)
{
	static const struct {
		const char *in, *out;
		uint64_t faults;
	} rows[] = {
		{ "a=3Db=3db\r\n", "a=b=b\r\n", 0 },
		{ "soft=\r\n break=\n here=  \t\r\n!", "soft break here!", 0 },
		{ "blanks  \t\r\nkept here  .\r\n", "blanks\r\nkept here  .\r\n", 0 },
		{ "a=b", "a=b", 1 },
		{ "a=zz=4", "a=zz=4", 2 },
		{ "=", "", 0 },
		{ "a= b", "a= b", 1 },
		{ "=\rx", "x", 1 },
		{ "==41", "=A", 1 },
		{ "\xff=FF", "\xff\xff", 0 },
		{ "blanks at the end   ", "blanks at the end", 0 },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (size_t piece = 1; piece < 30; piece += 7) {
			uint64_t faults;

			buf_clear(&b);
			faults = decode(slice_str(rows[i].in), piece, &b);
			assert_slice(buf_slice(&b), rows[i].out);
			if (faults > rows[i].faults || (rows[i].faults > 0 && faults + 1 < rows[i].faults))
				fail_msg("%s: %llu faults", rows[i].in, (unsigned long long)faults);
		}
	}
	buf_done(&b);
}

static void
every_octet_comes_back(void **state)
{
	uint8_t data[3000];
	struct buf text, back;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * i / 7 + i);
	buf_init(&text, 20000);
	buf_init(&back, 20000);
	encode(slice_of(data, sizeof data), QUOTED_BINARY, 17, &text);
	assert_int_equal(decode(buf_slice(&text), 13, &back), 0);
	assert_slices(buf_slice(&back), slice_of(data, sizeof data));
	for (struct slice line, rest = buf_slice(&text); rest.len > 0;) {
		line = slice_split(rest, '\n', &rest);
		assert_true(line.len <= QUOTED_LINE_MAX + 1);
	}
	buf_done(&text);
	buf_done(&back);
}

static void
names_of_the_key_directory(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	(void)zbase32_write(&b, slice_of("\xf0\xbf\xc7", 3));
	assert_slice(buf_slice(&b), "6n9hq");
	buf_clear(&b);
	(void)zbase32_write(&b, slice_of("\xd4\x7a\x04", 3));
	assert_slice(buf_slice(&b), "4t7ye");
	buf_clear(&b);
	(void)zbase32_write(&b, SLICE_EMPTY);
	assert_slice(buf_slice(&b), "");
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(text_is_encoded), UNIT_TEST(real_mail_is_decoded), UNIT_TEST(every_octet_comes_back),
    UNIT_TEST(names_of_the_key_directory))
