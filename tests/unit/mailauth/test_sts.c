/* SPDX-License-Identifier: ISC */
/* MTA-STS records and policies: the examples of RFC 8461, and what is none. */
#include "mailauth/policy/sts.h"
#include "unit.h"

#define TAIL "max_age: 604800\r\n"

static const struct {
	const char *name;
	const char *records[3];
	const char *id; /* NULL: no policy */
} records[] = {
	{ "RFC 8461 section 3.1", { "v=STSv1; id=20160831085700Z;" }, "20160831085700Z" },
	{ "no semicolon at the end", { "v=STSv1;id=1" }, "1" },
	{ "an extension", { "v=STSv1; x-a.b=c:d; id=1;" }, "1" },
	{ "others beside it do not count", { "v=spf1 -all", "v=STSv1; id=2;", "v=STSv2; id=3;" }, "2" },
	{ "two are none", { "v=STSv1; id=2;", "v=STSv1; id=2;" }, NULL },
	{ "one broken beside a good one", { "v=STSv1; id=2;", "v=STSv1; id=;" }, NULL },
	{ "no id", { "v=STSv1;" }, NULL },
	{ "an empty id", { "v=STSv1; id=;" }, NULL },
	{ "the first of two ids", { "v=STSv1; id=1; id=2;" }, "1" },
	{ "32 octets", { "v=STSv1; id=12345678901234567890123456789012" }, "12345678901234567890123456789012" },
	{ "33 octets", { "v=STSv1; id=123456789012345678901234567890123" }, NULL },
	{ "not alphanumeric", { "v=STSv1; id=a-b" }, NULL },
	{ "small letters", { "v=stsv1; id=1" }, NULL },
	{ "version not in front", { "id=1; v=STSv1" }, NULL },
	{ "a space inside a value", { "v=STSv1; id=1; x=a b" }, NULL },
	{ "nothing", { NULL }, NULL },
};

static void
ids(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		struct slice list[3], id = SLICE_EMPTY;
		size_t n = 0;
		bool found;

		while (n < 3 && records[i].records[n] != NULL) {
			list[n] = slice_str(records[i].records[n]);
			n++;
		}
		found = sts_record_id(list, n, &id);
		if (found != (records[i].id != NULL) || (found && !slice_eq_str(id, records[i].id)))
			fail_msg("%s: %d %.*s", records[i].name, found, (int)id.len, (const char *)id.data);
	}
}

static const struct {
	const char *name, *text;
	int rc;
	enum sts_mode mode;
	uint32_t max_age;
	size_t mx_count;
} policies[] = {
	{ "RFC 8461 section 3.2",
	    "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: "
	    "backupmx.example.com\r\n" TAIL,
	    0, STS_ENFORCE, 604800, 3 },
	{ "line feeds alone, no end", "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1", 0, STS_TESTING, 1,
	    1 },
	{ "none needs no mx", "version: STSv1\nmode: none\n" TAIL, 0, STS_NONE, 604800, 0 },
	{ "blanks behind, an extension", "version:STSv1 \nmode: \tenforce\t\nx_y: \xc3\xa4 b\nmx:a.example\n" TAIL, 0,
	    STS_ENFORCE, 604800, 1 },
	{ "what comes twice counts once", "version: STSv1\nmode: enforce\nmode: none\nmx: a\nmax_age: 5\nmax_age: 6\n",
	    0, STS_ENFORCE, 5, 1 },
	{ "too long an age", "version: STSv1\nmode: enforce\nmx: a\nmax_age: 9999999999\n", 0, STS_ENFORCE, STS_MAX_AGE,
	    1 },
	{ "no mx", "version: STSv1\nmode: enforce\n" TAIL, ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "no version", "mode: none\n" TAIL, ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "no mode", "version: STSv1\n" TAIL, ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "no age", "version: STSv1\nmode: none\n", ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "another version", "version: STSv2\nmode: none\n" TAIL, ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "an unknown mode", "version: STSv1\nmode: Enforce\nmx: a\n" TAIL, ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "an age that is none", "version: STSv1\nmode: none\nmax_age: -1\n", ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "a star inside", "version: STSv1\nmode: enforce\nmx: a.*.example\n" TAIL, ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "an address", "version: STSv1\nmode: enforce\nmx: [192.0.2.1]\n" TAIL, ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "a page", "<html>\nversion: STSv1\nmode: none\n" TAIL, ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "an empty line inside", "version: STSv1\n\nmode: none\n" TAIL, ERR_SYNTAX, STS_NONE, 0, 0 },
	{ "nothing", "", ERR_SYNTAX, STS_NONE, 0, 0 },
};

static void
files(void **state)
{
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
		struct sts_policy p = { .max_age = 77 };
		int rc = sts_policy_parse(slice_str(policies[i].text), &p, &e);

		if (rc != policies[i].rc)
			fail_msg("%s: %d %s", policies[i].name, rc, rc != 0 ? e.text : "");
		if (rc == 0 &&
		    (p.mode != policies[i].mode || p.max_age != policies[i].max_age ||
			p.mx_count != policies[i].mx_count))
			fail_msg("%s: %d %u %zu", policies[i].name, (int)p.mode, p.max_age, p.mx_count);
		if (rc != 0)
			assert_int_equal(p.max_age, 77); /* nothing is set */
	}
}

static void
as_many_as_may_be(void **state)
{
	struct sts_policy p;
	struct error e;
	struct buf b;

	(void)state;
	buf_init(&b, STS_POLICY_MAX);
	assert_int_equal(buf_put_str(&b, "version: STSv1\nmode: enforce\n" TAIL), 0);
	for (unsigned i = 0; i < STS_MX_MAX; i++)
		assert_int_equal(buf_put_str(&b, "mx: a.example\n"), 0);
	assert_int_equal(sts_policy_parse(buf_slice(&b), &p, &e), 0);
	assert_int_equal(buf_put_str(&b, "other: field\n"), 0); /* wherever the others stand */
	assert_int_equal(sts_policy_parse(buf_slice(&b), &p, &e), 0);
	assert_int_equal(buf_put_str(&b, "mx: a.example\n"), 0);
	assert_int_equal(sts_policy_parse(buf_slice(&b), &p, &e), ERR_LIMIT);
	buf_done(&b);
}

static void
a_star_is_one_label(void **state)
{
	static const struct {
		const char *pattern, *host;
		bool matches;
	} rows[] = {
		{ "mail.example.com", "MAIL.example.com.", true },
		{ "mail.example.com", "mail.example.org", false },
		{ "*.example.com", "mail.example.com", true },
		{ "*.EXAMPLE.com", "mail.example.COM.", true },
		{ "*.example.com", "example.com", false },
		{ "*.example.com", ".example.com", false },
		{ "*.example.com", "a.mail.example.com", false },
		{ "*.example.com", "mailexample.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (sts_pattern_matches(slice_str(rows[i].pattern), slice_str(rows[i].host)) != rows[i].matches)
			fail_msg("%s %s", rows[i].pattern, rows[i].host);
}

UNIT_MAIN(UNIT_TEST(ids), UNIT_TEST(files), UNIT_TEST(as_many_as_may_be), UNIT_TEST(a_star_is_one_label))
