/* SPDX-License-Identifier: ISC */
#include "smtp/dsn.h"

#include "base/error.h"
#include "base/utf8.h"
#include "unit.h"

static void
notify(void **state)
{
	static const struct {
		const char *in;
		bool good;
		unsigned bits;
	} rows[] = {
		{ "NEVER", true, SMTP_NOTIFY_NEVER },
		{ "success", true, SMTP_NOTIFY_SUCCESS },
		{ "SUCCESS,FAILURE", true, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE },
		{ "Delay,Failure,Success", true, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY },
		{ "", false, 0 },
		{ ",", false, 0 },
		{ "SUCCESS,", false, 0 },
		{ ",SUCCESS", false, 0 },
		{ "SUCCESS,NEVER", false, 0 },
		{ "NEVER,NEVER", false, 0 },
		{ "ALWAYS", false, 0 },
		{ "SUCCESS FAILURE", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned got = 99;

		if (smtp_notify_parse(slice_str(rows[i].in), &got) != rows[i].good)
			fail_msg("%s", rows[i].in);
		assert_int_equal(got, rows[i].good ? rows[i].bits : 99);
	}
}

static void
returns(void **state)
{
	enum smtp_return r = SMTP_RETURN_UNSAID;

	(void)state;
	assert_false(smtp_return_parse(SLICE("BODY"), &r));
	assert_false(smtp_return_parse(SLICE_EMPTY, &r));
	assert_int_equal(r, SMTP_RETURN_UNSAID);
	assert_true(smtp_return_parse(SLICE("hdrs"), &r));
	assert_int_equal(r, SMTP_RETURN_HEADERS);
	assert_true(smtp_return_parse(SLICE("Full"), &r));
	assert_int_equal(r, SMTP_RETURN_FULL);
}

/* Pairs of xtext and what it stands for; NULL: malformed. */
static void
xtext(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ "QQ314159", "QQ314159" },
		{ "a+2Bb+3Dc+20", "a+b=c " },
		{ "+0A", "\n" },
		{ "+2b", NULL },
		{ "+2", NULL },
		{ "+", NULL },
		{ "a b", NULL },
		{ "a=b", NULL },
		{ "\xc3\xa4", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out, again;
		int rc;

		buf_init(&out, 100);
		buf_init(&again, 100);
		rc = smtp_xtext_decode(slice_str(rows[i].in), &out);
		assert_int_equal(rc, rows[i].out == NULL ? ERR_SYNTAX : 0);
		if (rc == 0) {
			assert_slice(buf_slice(&out), rows[i].out);
			assert_int_equal(smtp_xtext_write(buf_slice(&out), &again), 0);
			assert_slice(buf_slice(&again), rows[i].in);
		}
		buf_done(&out);
		buf_done(&again);
	}
}

static void
identifiers(void **state)
{
	static const struct {
		const char *in;
		bool envid, orcpt, orcpt_utf8;
	} rows[] = {
		{ "QQ314159", true, false, false },
		{ "a+0D", false, false, false },
		{ "rfc822;bob@example.org", true, true, true },
		{ "rfc822;bob+2Blists@example.org", true, true, true },
		{ "rfc822;bob+lists@example.org", false, false, false },
		{ "rfc822;bob+00", false, false, false },
		{ "rfc822;", true, false, false },
		{ ";bob", true, false, false },
		{ "rfc(822);bob", true, false, false },
		{ "utf-8;b\xc3\xb6r", false, false, true },
		{ "UTF-8;b\xc3\xb6r", false, false, true },
		{ "utf-8;b\xc3", false, false, false },
		{ "utf-8;b\xc2\x9b", false, false, false },
		{ "utf-8;b\xe2\x80\xae", false, false, false },
		{ "utf-8;b\xc3\xb6\x7f", false, false, false },
		{ "utf-8;b\\x{F6}b", true, true, true },
		{ "rfc822;b\xc3\xb6r", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice in = slice_str(rows[i].in);

		if (smtp_envid_valid(in) != rows[i].envid || smtp_orcpt_valid(in, false) != rows[i].orcpt ||
		    smtp_orcpt_valid(in, true) != rows[i].orcpt_utf8)
			fail_msg("%s", rows[i].in);
	}
}

/* RFC 6533 section 3: what stands for a character becomes it, in a report that may have it. */
static void
unitext(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: it is left as it is */
	} rows[] = {
		{ "", "" },
		{ "plain@x.test", "plain@x.test" },
		{ "J\\x{FC}rgen@x.test", "J\xc3\xbcrgen@x.test" },
		{ "\\x{5C}\\x{2B}", "\\+" },
		{ "\\x{1F600}", "\xf0\x9f\x98\x80" },
		{ "\xc3\xbc\\x{E9}", "\xc3\xbc\xc3\xa9" },
		{ "\\x", "\\x" },
		{ "\\x{D}", NULL },
		{ "\\x{0D}", NULL },
		{ "\\x{7F}", NULL },
		{ "\\x{85}", NULL },
		{ "\\x{D800}", NULL },
		{ "\\x{110000}", NULL },
		{ "\\x{1234567}", NULL },
		{ "\\x{fc}", NULL },
		{ "\\x{FC", NULL },
		{ "\\x{}", NULL },
		{ "\\x{", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out BUF_OWNED = { 0 };
		int rc;

		buf_init(&out, 100);
		rc = smtp_unitext_decode(slice_str(rows[i].in), &out);
		if ((rc == 0) != (rows[i].out != NULL) || (rc == 0 && !slice_eq_str(buf_slice(&out), rows[i].out)))
			fail_msg("%s", rows[i].in);
		if (rc == 0 && slice_find(slice_str(rows[i].out), '\\') == SIZE_MAX) { /* there and back */
			struct buf ascii BUF_OWNED = { 0 };

			buf_init(&ascii, 100);
			assert_int_equal(smtp_unitext_write(buf_slice(&out), &ascii), 0);
			assert_true(utf8_is_ascii(buf_slice(&ascii)));
			buf_clear(&out);
			assert_int_equal(smtp_unitext_decode(buf_slice(&ascii), &out), 0);
			assert_true(slice_eq_str(buf_slice(&out), rows[i].out));
		}
	}
}

UNIT_MAIN(UNIT_TEST(unitext), UNIT_TEST(notify), UNIT_TEST(returns), UNIT_TEST(xtext), UNIT_TEST(identifiers))
