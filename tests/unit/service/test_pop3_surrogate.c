/* SPDX-License-Identifier: ISC */
/* Headers for clients without UTF-8 mode (RFC 6858). */
#include "service/pop3/surrogate.h"

#include "base/utf8.h"
#include "unit.h"

static void
rewrites(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "Subject: plain\r\nX: \r\n\ty\r\n\r\n", "Subject: plain\r\nX: \r\n\ty\r\n\r\n" },
		{ "Subject: h\xc3\xa9llo\r\n\r\n", "Subject: =?utf-8?B?aMOpbGxv?=\r\n\r\n" },
		/* what is no UTF-8 is taken as Windows-1252 */
		{ "Subject: h\xe9llo\r\n\r\n", "Subject: =?utf-8?B?aMOpbGxv?=\r\n\r\n" },
		{ "X-Thing: \xc3\xa9\r\nTo: a@example.org\r\n\r\n", "To: a@example.org\r\n\r\n" },
		{ "From: J\xc3\xbcrgen <j@example.org>\r\n\r\n",
		    "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\r\n\r\n" },
		{ "From: Fred <fr\xc3\xa9"
		  "d@example.org>\r\n\r\n",
		    "From: =?utf-8?Q?Fred_fr=C3=A9d=40example=2Eorg?= "
		    "<invalid@internationalized-address.invalid>\r\n\r\n" },
		{ "To: a@example.org, b@\xc3\xa9xample.org, c@example.org\r\n\r\n",
		    "To: a@example.org,\r\n =?utf-8?Q?b=40=C3=A9xample=2Eorg?= "
		    "<invalid@internationalized-address.invalid>,\r\n "
		    "c@example.org\r\n\r\n" },
		{ "To: Fr\xc3\xa9res: a@example.org, b@example.org;, c@example.org\r\n\r\n",
		    "To: =?utf-8?Q?Fr=C3=A9res?=:a@example.org,\r\n b@example.org;,\r\n c@example.org\r\n\r\n" },
		{ "Content-Disposition: attachment; filename=\xc3\xa9\r\n\r\n",
		    "Content-Disposition: attachment\r\n\r\n" },
		{ "Content-Type: text/plain; name=\"a;\xc3\xa9\";\r\n charset=utf-8\r\n\r\n",
		    "Content-Type: text/plain; charset=utf-8\r\n\r\n" },
		{ "Content-Type: t\xc3\xa9xt/plain; charset=utf-8\r\n\r\n", "\r\n" },
		{ "Subject: a\r\n \xc3\xa9\r\nBcc: \xff\xfe\r\n\r\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 1u << 16);
		assert_ok(pop3_surrogate_header(slice_str(rows[i].in), &out, &unit_error));
		if (rows[i].want != NULL)
			assert_slice(buf_slice(&out), rows[i].want);
		assert_true(utf8_is_ascii(buf_slice(&out)));
		assert_true(slice_ends(buf_slice(&out), SLICE("\r\n")));
		buf_done(&out);
	}
}

/* What is no field ends a header: nothing behind it may get lost without a word. */
static void
header_that_ends_early(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(
	    pop3_surrogate_header(SLICE("X-\xc3\xa9: 1\r\nTo: a@example.org\r\n\r\n"), &out, &unit_error), ERR_LIMIT);
	buf_done(&out);
}

/* Many addresses, long names, fields without end: bounded, and ASCII whatever comes. */
static void
large_ones(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, 4u << 20);
	buf_init(&out, 16u << 20);
	(void)buf_put_str(&in, "To: ");
	for (int i = 0; i < 5000; i++)
		(void)buf_putf(&in, "\xc3\xa9 %d <\xc3\xa9%d@example.org>,\r\n ", i, i);
	(void)buf_put_str(&in, "x@example.org\r\nSubject: ");
	for (int i = 0; i < 50000; i++)
		(void)buf_put_str(&in, "\xc3\xa9");
	(void)buf_put_str(&in, "\r\n\r\n");
	assert_ok(pop3_surrogate_header(buf_slice(&in), &out, &unit_error));
	assert_true(utf8_is_ascii(buf_slice(&out)));
	buf_clear(&in);
	buf_done(&out);
	buf_init(&out, 100);
	(void)buf_put_str(&in, "Subject: ");
	for (int i = 0; i < 500; i++)
		(void)buf_put_str(&in, "\xc3\xa9");
	assert_int_equal(pop3_surrogate_header(buf_slice(&in), &out, &unit_error), ERR_LIMIT);
	buf_done(&in);
	buf_done(&out);
}

UNIT_MAIN(UNIT_TEST(rewrites), UNIT_TEST(header_that_ends_early), UNIT_TEST(large_ones))
