/* SPDX-License-Identifier: ISC */
/* Records as their owner sees them. */
#include "mailauth/spf/record.h"
#include "unit.h"

static struct spf_look l;

static void
look(const char *a, const char *b)
{
	struct slice texts[] = { slice_str(a), slice_str(b == NULL ? "" : b) };

	spf_record_look(texts, b == NULL ? 1 : 2, &l);
}

static bool
says(enum spf_gravity gravity, const char *term, const char *piece)
{
	for (size_t i = 0; i < l.problem_count; i++)
		if (l.problems[i].gravity == gravity && slice_eq_str(l.problems[i].term, term) &&
		    strstr(l.problems[i].text, piece) != NULL)
			return true;
	return false;
}

static void
terms_are_read(void **state)
{
	struct slice text = SLICE(
	    "V=SPF1  ~A:x.example/24//64 -mx//48  iP6:2001:db8::/32 x.y_z-1=%{s}%% exp=%{d} REDIRECT=r.%{o} ?All ");
	struct spf_record r;
	struct spf_term t;
	struct slice rest;

	(void)state;
	assert_ok(spf_record_parse(text, &r, &unit_error));
	assert_int_equal(r.term_count, 7);
	assert_int_equal(r.lookups, 3);
	assert_true(r.has_all && r.has_redirect && r.has_explanation);
	rest = r.terms;
	assert_true(spf_term_next(&rest, &t));
	assert_int_equal(t.kind, SPF_A);
	assert_int_equal(t.qualifier, SPF_SOFTFAIL);
	assert_true(slice_eq_str(t.spec, "x.example"));
	assert_int_equal(t.prefix4, 24);
	assert_int_equal(t.prefix6, 64);
	assert_true(spf_term_next(&rest, &t));
	assert_int_equal(t.kind, SPF_MX);
	assert_int_equal(t.qualifier, SPF_FAIL);
	assert_int_equal(t.prefix4, 32);
	assert_int_equal(t.prefix6, 48);
	assert_true(spf_term_next(&rest, &t));
	assert_int_equal(t.kind, SPF_IP6);
	assert_int_equal(t.address[1], 1);
	assert_true(spf_term_next(&rest, &t));
	assert_int_equal(t.kind, SPF_UNKNOWN);
	assert_true(spf_term_next(&rest, &t));
	assert_int_equal(t.kind, SPF_EXPLANATION);
	assert_true(spf_term_next(&rest, &t));
	assert_int_equal(t.kind, SPF_REDIRECT);
	assert_true(slice_eq_str(t.spec, "r.%{o}"));
	assert_true(spf_term_next(&rest, &t));
	assert_int_equal(t.kind, SPF_ALL);
	assert_int_equal(t.qualifier, SPF_NEUTRAL);
	assert_false(spf_term_next(&rest, &t));
}

static void
what_is_no_record(void **state)
{
	static const char *const rows[] = { "v=spf1 all:x.example", "v=spf1 all/8", "v=spf1 include",
		"v=spf1 include:", "v=spf1 include/24", "v=spf1 a:", "v=spf1 a/", "v=spf1 a//", "v=spf1 a/33",
		"v=spf1 a//129", "v=spf1 a/024", "v=spf1 a/24/64", "v=spf1 a//64/24", "v=spf1 a:x.example/24//64//64",
		"v=spf1 ptr/24", "v=spf1 exists", "v=spf1 ip4", "v=spf1 ip4:", "v=spf1 ip6:1.2.3.4", "v=spf1 nothing",
		"v=spf1 -", "v=spf1 --all", "v=spf1 =x",
		"v=spf1 redirect=", "v=spf1 exp=", "v=spf1 redirect=a.example redirect=a.example",
		"v=spf1 exp=a.example EXP=a.example", "v=spf1 a\tmx", "v=spf1 x=%", "v=spf1 x=\x7f",
		"v=spf1 a:x.example\xc2\xa0mx", "v=spf1 1x=y", "v=spf1 allx", "v=spf1 a:x.example,mx", "v=spf1;a",
		"v=spf2 a", "" };
	struct spf_record r;
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (spf_record_parse(slice_str(rows[i]), &r, &e) != ERR_SYNTAX || e.text[0] == 0)
			fail_msg("%s is taken", rows[i]);
	assert_int_equal(spf_record_parse(SLICE("v=spf1 mx nothing -all"), &r, &e), ERR_SYNTAX);
	assert_int_equal(e.offset, 10);
}

static void
only_whole_versions_count(void **state)
{
	static const struct slice texts[] = { { (const uint8_t *)"v=spf10 a", 9 }, { (const uint8_t *)"other", 5 },
		{ (const uint8_t *)"v=spf1", 6 }, { (const uint8_t *)"v=spf1 a", 8 }, { NULL, 0 } };
	struct slice found = SLICE_EMPTY;

	(void)state;
	assert_int_equal(spf_record_select(texts, 5, &found), 2);
	assert_true(slice_eq_str(found, "v=spf1"));
	assert_int_equal(spf_record_select(texts, 2, &found), 0);
}

static void
good_records_have_no_problems(void **state)
{
	static const char *const rows[] = { "v=spf1 mx -all", "v=spf1 -all",
		"v=spf1 ip4:192.0.2.0/24 include:x.example ~all", "v=spf1 redirect=_spf.example.net",
		"v=spf1 a -all exp=why.example" };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		look(rows[i], "something=else");
		assert_int_equal(l.record_count, 1);
		assert_true(l.parsed);
		if (l.problem_count != 0)
			fail_msg("%s: %s", rows[i], l.problems[0].text);
	}
	look("something=else", NULL);
	assert_int_equal(l.record_count, 0);
	assert_int_equal(l.problem_count, 0);
}

static void
problems_have_sentences(void **state)
{
	(void)state;
	look("v=spf1 -all", "v=spf1 mx -all");
	assert_true(says(SPF_BROKEN, "", "2 SPF records"));
	look("v=spf1 mx +all", NULL);
	assert_true(says(SPF_UNSAFE, "+all", "everybody"));
	look("v=spf1 mx all", NULL);
	assert_true(says(SPF_UNSAFE, "all", "everybody"));
	look("v=spf1 mx ?all", NULL);
	assert_true(says(SPF_UNSAFE, "?all", "protects nothing"));
	look("v=spf1 mx", NULL);
	assert_true(says(SPF_UNSAFE, "", "no \"all\""));
	look("v=spf1 a a a a a a a a a a a -all", NULL);
	assert_true(says(SPF_BROKEN, "", "11 terms"));
	look("v=spf1 a a a a a a a a a a -all", NULL);
	assert_int_equal(l.problem_count, 0);
	look("v=spf1 ptr -all", NULL);
	assert_true(says(SPF_ADVICE, "ptr", "slow"));
	look("v=spf1 exists:%{p}.x.example -all", NULL);
	assert_true(says(SPF_ADVICE, "exists:%{p}.x.example", "macro p"));
	look("v=spf1 -all mx", NULL);
	assert_true(says(SPF_ADVICE, "-all", "never looked at"));
	look("v=spf1 -all redirect=x.example", NULL);
	assert_true(says(SPF_ADVICE, "redirect=x.example", "passed over"));
	look("v=spf1 ip4=192.0.2.1 -all", NULL);
	assert_true(says(SPF_UNSAFE, "ip4=192.0.2.1", "'='"));
	look("v=spf1 other=x -all", NULL);
	assert_true(says(SPF_ADVICE, "other=x", "not known"));
	look("v=spf1 ip4:128.0.0.0/1 a//8 -ip4:0.0.0.0/0 -all", NULL);
	assert_true(says(SPF_UNSAFE, "ip4:128.0.0.0/1", "larger"));
	assert_true(says(SPF_UNSAFE, "a//8", "larger"));
	assert_int_equal(l.problem_count, 2);
	look("v=spf1 mx -al", NULL);
	assert_false(l.parsed);
	assert_true(says(SPF_BROKEN, "", "\"-al\""));
	look(" v=spf1 mx -all", NULL);
	assert_int_equal(l.record_count, 0);
	assert_true(says(SPF_UNSAFE, " v=spf1 mx -all", "meant"));
}

static void
the_gravest_come_first(void **state)
{
	char text[2000] = "v=spf1";

	(void)state;
	for (size_t i = 0; i < 40; i++)
		memcpy(text + 6 + 5 * i, " x=yz", 6);
	memcpy(text + 6 + 5 * 40, " +all", 6);
	look(text, " v=spf1");
	assert_int_equal(l.problem_count, MAILAUTH_SPF_PROBLEMS_MAX);
	assert_int_equal(l.problems[0].gravity, SPF_UNSAFE);
	assert_int_equal(l.problems[1].gravity, SPF_UNSAFE);
	assert_int_equal(l.problems[2].gravity, SPF_ADVICE);
	assert_true(says(SPF_UNSAFE, "+all", "everybody"));
}

UNIT_MAIN(UNIT_TEST(terms_are_read), UNIT_TEST(what_is_no_record), UNIT_TEST(only_whole_versions_count),
    UNIT_TEST(good_records_have_no_problems), UNIT_TEST(problems_have_sentences), UNIT_TEST(the_gravest_come_first))
