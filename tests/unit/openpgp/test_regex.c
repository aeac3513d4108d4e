/* SPDX-License-Identifier: ISC */
/* Regular expressions of trust signatures: RFC 9580 section 8. */
#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "openpgp/limits.h"
#include "openpgp/judge/regex.h"

static void
matches(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} rows[] = {
		{ "", "", true },
		{ "", "anything", true },
		{ "b", "abc", true },
		{ "d", "abc", false },
		{ "^b", "abc", false },
		{ "^a", "abc", true },
		{ "c$", "abc", true },
		{ "b$", "abc", false },
		{ "^abc$", "abc", true },
		{ "^$", "", true },
		{ "^$", "a", false },
		{ "a^", "aa", false },
		{ "$a", "a", false },
		{ "a.c", "abc", true },
		{ "a.c", "ac", false },
		{ "a.c",
		    "a\xc3\xa9"
		    "c",
		    true },
		{ "^.$", "\xc3\xa9", true },
		{ "^.$", "\xc3", true },
		{ "^[^x]$", "\xff", true },
		{ "ab*c", "ac", true },
		{ "ab*c", "abbbbc", true },
		{ "ab+c", "ac", false },
		{ "ab+c", "abbc", true },
		{ "ab?c", "ac", true },
		{ "ab?c", "abc", true },
		{ "ab?c", "abbc", false },
		{ "^(ab)*$", "ababab", true },
		{ "^(ab)*$", "ababa", false },
		{ "^(ab)+$", "", false },
		{ "^(a|b)+c$", "ababc", true },
		{ "^(a|b)+c$", "abdbc", false },
		{ "one|two|three", "say two", true },
		{ "one|two|three", "say four", false },
		{ "^(|a)$", "", true },
		{ "^(|a)b|c$", "xc", true },
		{ "()", "x", true },
		{ "(a*)*", "b", true },
		{ "^(a*)*$", "aaab", false },
		{ "^(a*)+$", "aaa", true },
		{ "^[abc]+$", "cab", true },
		{ "^[abc]+$", "cabd", false },
		{ "^[^abc]+$", "xyz", true },
		{ "^[^abc]+$", "xaz", false },
		{ "^[0-9]+$", "2026", true },
		{ "^[0-9]+$", "2O26", false },
		{ "^[]a]+$", "]a]", true },
		{ "^[^]a]+$", "]", false },
		{ "^[a-]+$", "a-a", true },
		{ "^[-a]+$", "-a", true },
		{ "^[\xc3\xa0-\xc3\xbf]$", "\xc3\xa9", true },
		{ "^[a\\]$", "\\", true },
		{ "^[.*]$", "*", true },
		{ "^[.*]$", "a", false },
		{ "\\.", "a", false },
		{ "\\.", ".", true },
		{ "^\\^\\$\\\\$", "^$\\", true },
		{ "^\\a$", "a", true },
		{ "]", "]", true },
		{ "a]b", "a]b", true },
		{ "\xc3\xa9", "caf\xc3\xa9", true },
		{ "<[^>]+[@.]example\\.org>$", "Alice <alice@example.org>", true },
		{ "<[^>]+[@.]example\\.org>$", "Alice <alice@mail.example.org>", true },
		{ "<[^>]+[@.]example\\.org>$", "Alice <alice@example.org.evil>", false },
		{ "<[^>]+[@.]example\\.org>$", "Alice <alice@badexample.org>", false },
		{ "<[^>]+[@.]example\\.org>$", "<x@example.org> <alice@evil>", false },
		{ "<[^>]+[@.]example\\.org>$", "Alice <alice@EXAMPLE.ORG>", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_regex *r;
		bool match;

		assert_ok(pgp_regex_compile(slice_str(rows[i].pattern), &r, &unit_error));
		assert_ok(pgp_regex_match(r, slice_str(rows[i].text), &match, &unit_error));
		if (match != rows[i].match)
			fail_msg("%s on %s: %d", rows[i].pattern, rows[i].text, match);
		pgp_regex_free(r);
	}
}

static void
malformed(void **state)
{
	static const char *const rows[] = { "(", ")", "a)", "(a", "a(b|c", "[", "[]", "[^]", "[a", "[b-a]", "*", "+a",
		"?", "a**", "(*a)", "a|*", "\\", "a\\", "\xff", "[\xff]", "\\\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_regex *r;
		int rc = pgp_regex_compile(slice_str(rows[i]), &r, &unit_error);

		if (rc != ERR_SYNTAX)
			fail_msg("%s: %d", rows[i], rc);
		assert_int_equal(unit_error.code, ERR_SYNTAX);
	}
}

/* What makes others run for ever takes as long as anything else. */
static void
hostile(void **state)
{
	static const char *const rows[] = { "(a*)*b", "(a|a)*b", "(a?)(a?)(a?)(a?)(a?)(a?)(a?)(a?)aaaaaaaab",
		"((a+)+)+b", "(.*)(.*)(.*)(.*)(.*)b" };
	static uint8_t text[PGP_REGEX_TEXT_MAX + 1];

	(void)state;
	memset(text, 'a', sizeof text);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_regex *r;
		bool match;

		assert_ok(pgp_regex_compile(slice_str(rows[i]), &r, &unit_error));
		assert_ok(pgp_regex_match(r, slice_of(text, PGP_REGEX_TEXT_MAX), &match, &unit_error));
		assert_false(match);
		assert_int_equal(pgp_regex_match(r, slice_of(text, sizeof text), &match, NULL), ERR_LIMIT);
		pgp_regex_free(r);
	}
}

static void
limits(void **state)
{
	struct pgp_regex *r;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < PGP_REGEX_NESTING_MAX; i++)
		(void)buf_put_u8(&b, '(');
	for (size_t i = 0; i < PGP_REGEX_NESTING_MAX; i++)
		(void)buf_put_u8(&b, ')');
	assert_ok(pgp_regex_compile(buf_slice(&b), &r, &unit_error));
	pgp_regex_free(r);
	buf_clear(&b);
	for (size_t i = 0; i <= PGP_REGEX_NESTING_MAX; i++)
		(void)buf_put_u8(&b, '(');
	assert_int_equal(pgp_regex_compile(buf_slice(&b), &r, NULL), ERR_LIMIT);
	buf_clear(&b);
	for (size_t i = 0; i <= PGP_REGEX_MAX; i++)
		(void)buf_put_u8(&b, 'a');
	assert_int_equal(pgp_regex_compile(buf_slice(&b), &r, NULL), ERR_LIMIT);
	buf_done(&b);
}

static void
failed_allocations(void **state)
{
	bool match = false;
	int rc = -1;

	(void)state;
	for (long n = 0; rc != 0; n++) {
		struct pgp_regex *r = NULL;

		mem_fail_after(n);
		rc = pgp_regex_compile(SLICE("^(abcdefghijklmnopqrstuvwxyz|[a-z0-9])+$"), &r, &unit_error);
		if (rc == 0)
			rc = pgp_regex_match(r, SLICE("abc"), &match, &unit_error);
		mem_fail_after(-1);
		pgp_regex_free(r);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		assert_true(n < 100);
	}
	assert_true(match);
}

UNIT_MAIN(
    UNIT_TEST(matches), UNIT_TEST(malformed), UNIT_TEST(hostile), UNIT_TEST(limits), UNIT_TEST(failed_allocations))
