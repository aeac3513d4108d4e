/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/tags.h"

#include "unit.h"

static const struct row {
	const char *text;
	int code;
	const char *a; /* the value of the tag "a" */
	size_t count;
} rows[] = {
	{ "a=1", 0, "1", 1 },
	{ "a=1;", 0, "1", 1 },
	{ "a=1; \r\n\t", 0, "1", 1 },
	{ " v = x ; a\t=\r\n one  two ;b=", 0, "one  two", 3 },
	{ "a==1=;b2_c=x", 0, "=1=", 2 },
	{ "a=", 0, "", 1 },
	{ "A=2; a=1", 0, "1", 2 }, /* names count with their case */
	{ "a=\xc3\xa4", 0, "\xc3\xa4", 1 },
	{ "", ERR_SYNTAX, NULL, 0 },
	{ ";", ERR_SYNTAX, NULL, 0 },
	{ "a=1;;b=2", ERR_SYNTAX, NULL, 0 },
	{ "a=1;;", ERR_SYNTAX, NULL, 0 },
	{ "a", ERR_SYNTAX, NULL, 0 },
	{ "a=1; b", ERR_SYNTAX, NULL, 0 },
	{ "=1", ERR_SYNTAX, NULL, 0 },
	{ "1a=1", ERR_SYNTAX, NULL, 0 },
	{ "a b=1", ERR_SYNTAX, NULL, 0 },
	{ "a-b=1", ERR_SYNTAX, NULL, 0 },
	{ "a=1; a=1", ERR_SYNTAX, NULL, 0 }, /* twice, even the same */
	{ "a=x\x01y", ERR_SYNTAX, NULL, 0 },
	{ "a=x\x7fy", ERR_SYNTAX, NULL, 0 },
};

static void
lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mailauth_tags t;
		int rc = mailauth_tags_parse(slice_str(rows[i].text), &t, &unit_error);

		if (rc != rows[i].code)
			fail_msg("row %zu: %d", i, rc);
		if (rc != 0)
			continue;
		assert_int_equal(t.count, rows[i].count);
		assert_slice(*mailauth_tags_find(&t, "a"), rows[i].a);
		assert_null(mailauth_tags_find(&t, "zz"));
		assert_slice(mailauth_tags_value(&t, "zz"), "");
	}
}

static void
bounds(void **state)
{
	BUF_OWNED struct buf text = { 0 };
	struct mailauth_tags t;

	(void)state;
	buf_init(&text, 1 << 20);
	for (unsigned i = 0; i < MAILAUTH_TAGS_MAX; i++)
		(void)buf_putf(&text, "t%u=x;", i);
	assert_ok(mailauth_tags_parse(buf_slice(&text), &t, &unit_error));
	(void)buf_put_str(&text, "one=more");
	assert_int_equal(mailauth_tags_parse(buf_slice(&text), &t, &unit_error), ERR_LIMIT);
	buf_clear(&text);
	(void)buf_put_str(&text, "a=");
	while (text.len < MAILAUTH_TAG_LIST_MAX)
		(void)buf_put_u8(&text, 'x');
	assert_ok(mailauth_tags_parse(buf_slice(&text), &t, &unit_error));
	(void)buf_put_u8(&text, 'x');
	assert_int_equal(mailauth_tags_parse(buf_slice(&text), &t, &unit_error), ERR_LIMIT);
}

static void
items(void **state)
{
	struct slice rest = SLICE(" a : b\r\n\t:: c"), item;
	static const char *const expected[] = { "a", "b", "", "c" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(mailauth_tags_item(&rest, ':', &item));
		assert_slice(item, expected[i]);
	}
	assert_false(mailauth_tags_item(&rest, ':', &item));
}

static void
quoted(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = { { "a@b", "a@b" }, { "=41 b\r\n\t=3B", "Ab;" }, { "", "" } };
	static const char *const bad[] = { "=", "=4", "=4g", "=3b", "x=" };
	BUF_OWNED struct buf out = { 0 };

	(void)state;
	buf_init(&out, 16);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		buf_clear(&out);
		assert_ok(mailauth_tags_quoted(slice_str(good[i].in), &out, &unit_error));
		assert_slice(buf_slice(&out), good[i].out);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(mailauth_tags_quoted(slice_str(bad[i]), &out, &unit_error), ERR_SYNTAX);
	buf_clear(&out);
	assert_int_equal(mailauth_tags_quoted(SLICE("12345678901234567"), &out, &unit_error), ERR_LIMIT);
}

static void
octets(void **state)
{
	static const char *const bad[] = { "QUI", "QUI=x", "Q*I=", "=", "QUI==" };
	BUF_OWNED struct buf out = { 0 };

	(void)state;
	buf_init(&out, 16);
	assert_ok(mailauth_tags_base64(SLICE("QU\r\n\tI ="), &out, &unit_error));
	assert_slice(buf_slice(&out), "AB");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		buf_clear(&out);
		if (mailauth_tags_base64(slice_str(bad[i]), &out, &unit_error) != ERR_SYNTAX)
			fail_msg("row %zu", i);
	}
}

UNIT_MAIN(UNIT_TEST(lists), UNIT_TEST(bounds), UNIT_TEST(items), UNIT_TEST(quoted), UNIT_TEST(octets))
