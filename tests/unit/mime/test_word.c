/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"
#include "mime/limits.h"
#include "mime/word.h"
#include "unit.h"

static const struct {
	const char *in, *want;
} decodes[] = {
	{ "plain", "plain" },
	{ "  folded\r\n text ", "folded text" },
	/* RFC 2047 section 8 */
	{ "(=?ISO-8859-1?Q?a?=)", "(a)" },
	{ "(=?ISO-8859-1?Q?a?= b)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a?=\r\n   =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a_b?=)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)" },
	{ "=?utf-8?B?w6TDtsO8?=", "\xc3\xa4\xc3\xb6\xc3\xbc" },
	{ "=?utf-8*de?q?=C3=A4?=", "\xc3\xa4" },
	/* cut inside a character */
	{ "=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xc3\xa4" },
	{ "=?UTF-8?B?w6Q?= x", "\xc3\xa4 x" },
	{ "=?iso-8859-1?q?=E4=f6?=", "\xc3\xa4\xc3\xb6" },
	{ "a=?utf-8?q?b?=c", "abc" },
	{ "=?utf-8?q?a b?=", "a b" },
	{ "=?utf-8?x?ab?=", "=?utf-8?x?ab?=" },
	{ "=?utf-8?q?never ends", "=?utf-8?q?never ends" },
	{ "=?"
	  "?q?a?=",
	    "=?"
	    "?q?a?=" },
	{ "=?", "=?" },
	{ "=?nosuch?q?=E4?=", "\xc3\xa4" },
	{ "=?utf-8?q?a=0D=0ABcc:_x?=", "a  Bcc: x" },
	{ "raw \xe4 octet", "raw \xc3\xa4 octet" },
	{ "raw \xc3\xa4 utf-8", "raw \xc3\xa4 utf-8" },
	{ "=?utf-8?q?=C3=A4=?=", "\xc3\xa4=" },
	{ "=?utf-8?q?"
	  "?=x",
	    "x" },
};

static void
words_are_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof decodes / sizeof decodes[0]; i++) {
		struct buf out;

		buf_init(&out, 1000);
		assert_int_equal(mime_text_decode(slice_str(decodes[i].in), &out), 0);
		assert_slice(buf_slice(&out), decodes[i].want);
		buf_done(&out);
	}
}

static const char *const texts[] = {
	"plain words",
	"=?looks?q?like?=",
	"\xc3\xa4",
	"A long subject with many plain words in it, so many of them that one line cannot hold all of them at once, "
	"surely",
	"\xc3\x9c\x62\x65r viele W\xc3\xb6rter, die nicht alle in eine Zeile passen, weil es wirklich sehr viele "
	"W\xc3\xb6rter sind \xf0\x9f\x93\xae",
	"\xd0\x9f\xd0\xb8\xd1\x81\xd1\x8c\xd0\xbc\xd0\xbe \xd0\xb8\xd0\xb7 \xd0\xb4\xd0\xbe\xd0\xbc\xd0\xb0 \xd0\xb8 "
	"\xd0\xbf\xd0\xb0\xd0\xba\xd0\xb5\xd1\x82 \xd0\xb8\xd0\xb7 \xd0\xb3\xd0\xbe\xd1\x80\xd0\xbe\xd0\xb4\xd0\xb0",
	"a  b   c",
	"",
};

static void
check_lines(struct slice s)
{
	struct slice line;

	for (bool first = true; s.len > 0; first = false) {
		size_t crlf = slice_search(s, SLICE("\r\n"));

		line = slice_sub(s, 0, crlf);
		assert_true(line.len <= MIME_FOLD_MAX);
		assert_true(first || (line.len > 1 && line.data[0] == ' '));
		assert_int_equal(slice_find(line, '\n'), SIZE_MAX);
		assert_int_equal(slice_find(line, '\r'), SIZE_MAX);
		assert_true(utf8_is_ascii(line));
		s = crlf == SIZE_MAX ? SLICE_EMPTY : slice_from(s, crlf + 2);
	}
}

static void
encoding_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (size_t phrase = 0; phrase < 2; phrase++) {
			struct buf out, back;

			buf_init(&out, 10000);
			buf_init(&back, 10000);
			assert_int_equal(mime_text_encode(slice_str(texts[i]), phrase == 1, 9, &out), 0);
			check_lines(buf_slice(&out));
			assert_int_equal(mime_text_decode(buf_slice(&out), &back), 0);
			assert_slice(buf_slice(&back), texts[i]);
			buf_done(&out);
			buf_done(&back);
		}
	}
}

static void
nothing_is_injected(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(mime_text_encode(slice_str("a\r\nBcc: x\ny\rz"), false, 9, &out), 0);
	assert_slice(buf_slice(&out), "a  Bcc: x y z");
	buf_done(&out);
}

UNIT_MAIN(UNIT_TEST(words_are_decoded), UNIT_TEST(encoding_comes_back), UNIT_TEST(nothing_is_injected))
