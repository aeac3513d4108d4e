/* SPDX-License-Identifier: ISC */
#include "smtp/path.h"

#include "unit.h"

static const struct row {
	const char *in;
	int want;
	const char *address, *domain, *rest;
} rows[] = {
	{ "<>", 0, "", "", "" },
	{ "<a@b>", 0, "a@b", "b", "" },
	{ "<a@b> SIZE=1", 0, "a@b", "b", " SIZE=1" },
	{ "<Postmaster>", 0, "Postmaster", "", "" },
	{ "<@a.example,@b.example:c@d.example>", 0, "c@d.example", "d.example", "" },
	{ "<@a.example,b.example:c@d.example>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<@a.example c@d.example>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<\"a b\"@c>", 0, "\"a b\"@c", "c", "" },
	{ "<\"a.b\"@c>", 0, "a.b@c", "c", "" },
	{ "<\"a\\b\"@c>", 0, "ab@c", "c", "" },
	{ "<\"a>b@c\"@d>", 0, "\"a>b@c\"@d", "d", "" },
	{ "<\"\"@c>", 0, "\"\"@c", "c", "" },
	{ "<\"a@c>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<\"a\\\"@c>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@[192.0.2.1]>", 0, "a@[192.0.2.1]", "[192.0.2.1]", "" },
	{ "<a@[IPv6:2001:db8::1]>", 0, "a@[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]", "" },
	{ "<a@[IPv6:::]>", 0, "a@[IPv6:::]", "[IPv6:::]", "" },
	{ "<a@[IPv6:1:2:3:4:5:6:192.0.2.1]>", 0, "a@[IPv6:1:2:3:4:5:6:192.0.2.1]", "[IPv6:1:2:3:4:5:6:192.0.2.1]", "" },
	{ "<a@[IPv6:1:2:3:4:5:6:7]>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@[IPv6:1::2::3]>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@[IPv6:1:2:3:4:5:6:7:8:9]>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@[256.0.2.1]>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@[1.2.3]>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@[1.2.3.4.5]>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@[x:y]>", 0, "a@[x:y]", "[x:y]", "" },
	{ "<a@[]>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a.b.c@d>", 0, "a.b.c@d", "d", "" },
	{ "<.a@d>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a.@d>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a..b@d>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@d.>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@.d>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@-d>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@d->", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@d-.e>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@d_e>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@b@c>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a b@c>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<@b>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "a@b", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@b", ERR_SYNTAX, NULL, NULL, NULL },
	{ "", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<\xc3\xa4@b>", 0, "\xc3\xa4@b", "b", "" },
	{ "<a.\xc3\xa4.b@\xc3\xa4.b>", 0, "a.\xc3\xa4.b@\xc3\xa4.b", "\xc3\xa4.b", "" },
	{ "<\"\xc3\xa4\"@b>", 0, "\xc3\xa4@b", "b", "" },
	{ "<\"\xc3\xa4 \"@b>", 0, "\"\xc3\xa4 \"@b", "b", "" },
	{ "<\"\\\xc3\xa4\"@b>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<\xc3@b>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<\xc3\xa4..\xc3\xa4@b>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<\xed\xa0\x80@b>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a\xc2\x85@b>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a\xe2\x80\xa8@b>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@\xc3\xa4..b>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@\xc3\xa4_b>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@-\xc3\xa4>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<a@\xc3\xa4.>", ERR_SYNTAX, NULL, NULL, NULL },
	{ "<|touch$IFS/tmp/x@b>", 0, "|touch$IFS/tmp/x@b", "b", "" },
	{ "<a@b;c>", ERR_SYNTAX, NULL, NULL, NULL },
};

static void
paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct smtp_path p;
		struct slice rest;
		struct buf b;
		int got = smtp_path_parse(slice_str(rows[i].in), &p, &rest, NULL);

		if (got != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].in, got, rows[i].want);
		if (got != 0)
			continue;
		buf_init(&b, SMTP_ADDRESS_MAX);
		assert_int_equal(smtp_path_address(&p, &b), 0);
		assert_slice(buf_slice(&b), rows[i].address);
		assert_slice(p.domain, rows[i].domain);
		assert_slice(rest, rows[i].rest);
		buf_done(&b);
	}
}

static void
lengths(void **state)
{
	struct smtp_path p;
	struct slice rest;
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof text);
	text[0] = '<';
	memcpy(text + 65, "@b>", 3);
	assert_int_equal(smtp_path_parse(slice_of(text, 68), &p, &rest, NULL), 0);
	text[65] = 'a';
	memcpy(text + 66, "@b>", 3);
	assert_int_equal(smtp_path_parse(slice_of(text, 69), &p, &rest, NULL), ERR_LIMIT);
	memset(text, 'a', sizeof text);
	text[0] = '<';
	text[1999] = '>';
	assert_int_equal(smtp_path_parse(slice_of(text, 2000), &p, &rest, NULL), ERR_LIMIT);
}

UNIT_MAIN(UNIT_TEST(paths), UNIT_TEST(lengths))
