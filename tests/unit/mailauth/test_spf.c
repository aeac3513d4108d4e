/* SPDX-License-Identifier: ISC */
/* The machine against a small DNS of rows: bounds, macros, explanations, both identities. */
#include <stdio.h>

#include "mailauth/spf/spf.h"
#include "unit.h"

#define V4 SLICE("\xc0\x00\x02\x03") /* 192.0.2.3 */
#define V6 SLICE("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\xcb\x01")

struct row {
	const char *name;
	enum mailauth_rr type;
	const char *values[16]; /* text, or octets of an address behind "4:" or "6:"; none with "!": DNS fails */
};

static const struct row *dns;
static size_t dns_count, questions;
static char questions_text[8192]; /* "TYPE NAME\n" each */

static struct slice
value_of(const struct row *r, const char *text)
{
	if (r->type == MAILAUTH_A)
		return strcmp(text, "client") == 0 ? V4 : SLICE("\xc6\x33\x64\x01");
	if (r->type == MAILAUTH_AAAA)
		return strcmp(text, "client") == 0 ? V6 : SLICE("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\xff");
	return slice_str(text);
}

static void
answer(struct spf *s, const struct mailauth_question *q)
{
	static struct slice records[16];
	struct mailauth_answer a = { .found = MAILAUTH_NO_NAME, .records = records };

	questions++;
	(void)snprintf(questions_text + strlen(questions_text), sizeof questions_text - strlen(questions_text),
	    "%d %.*s\n", (int)q->type, (int)q->name.len, q->name.data);
	assert_true(q->name.len > 0 && q->name.len <= MAILAUTH_NAME_MAX);
	for (size_t i = 0; i < dns_count; i++) {
		if (!slice_ieq_str(q->name, dns[i].name))
			continue;
		if (a.found == MAILAUTH_NO_NAME)
			a.found = MAILAUTH_NONE;
		if (dns[i].type != q->type)
			continue;
		a.found = strcmp(dns[i].values[0], "!") == 0 ? MAILAUTH_FAILED : MAILAUTH_FOUND;
		for (size_t k = 0; a.found == MAILAUTH_FOUND && k < 16 && dns[i].values[k] != NULL; k++)
			records[a.record_count++] = value_of(&dns[i], dns[i].values[k]);
	}
	spf_answer(s, &a);
}

static struct spf *
run(const struct row *rows, size_t count, const struct spf_config *c)
{
	struct mailauth_question q, again;
	struct spf *s = NULL;

	dns = rows;
	dns_count = count;
	questions = 0;
	questions_text[0] = 0;
	assert_ok(spf_new(c, &s, &unit_error));
	while (spf_next(s, &q) == SPF_LOOKUP) {
		assert_int_equal(spf_next(s, &again), SPF_LOOKUP);
		assert_true(slice_eq(q.name, again.name) && q.type == again.type);
		answer(s, &q);
		assert_true(questions <= MAILAUTH_SPF_QUESTIONS_MAX);
	}
	return s;
}

static struct spf_config
config(void)
{
	return (struct spf_config){ .ip = V4,
		.helo = SLICE("mail.example.org"),
		.mail_from = SLICE("strong-bad@email.example.com"),
		.receiver = SLICE("mx.here.example"),
		.now = 1700000000 };
}

/* The result of this record at the sender's domain, with more rows. */
static struct spf *
run_record(const char *record, const struct row *more, size_t count, struct slice ip)
{
	static struct row rows[32];
	struct spf_config c = config();

	memset(rows, 0, sizeof rows);
	rows[0] = (struct row){ "email.example.com", MAILAUTH_TXT, { record } };
	for (size_t i = 0; i < count; i++)
		rows[i + 1] = more[i];
	c.ip = ip;
	return run(rows, count + 1, &c);
}

static void
check_record(const char *record, const struct row *more, size_t count, enum spf_result wanted)
{
	struct spf *s = run_record(record, more, count, V4);

	if (spf_outcome(s)->result != wanted)
		fail_msg("%s: %s, %s", record, spf_result_name(spf_outcome(s)->result), spf_outcome(s)->reason);
	spf_free(s);
}

static void
names_and_codes(void **state)
{
	(void)state;
	assert_string_equal(spf_result_name(SPF_SOFTFAIL), "softfail");
	assert_string_equal(spf_result_name(SPF_RESULT_COUNT), "unknown");
	assert_string_equal(spf_result_status(SPF_FAIL), "5.7.23");
	assert_string_equal(spf_result_status(SPF_TEMPERROR), "4.7.24");
	assert_string_equal(spf_result_status(SPF_PERMERROR), "5.7.24");
	assert_null(spf_result_status(SPF_SOFTFAIL));
}

/* RFC 7208 section 7.4, with "exists" to see what is asked. */
static void
macros(void **state)
{
	static const struct {
		const char *spec, *asked;
		bool six;
	} rows[] = {
		{ "%{s}", "strong-bad@email.example.com", false },
		{ "%{o}", "email.example.com", false },
		{ "%{d}", "email.example.com", false },
		{ "%{d4}", "email.example.com", false },
		{ "%{d3}", "email.example.com", false },
		{ "%{d2}", "example.com", false },
		{ "x.%{d1}", "x.com", false },
		{ "%{dr}", "com.example.email", false },
		{ "%{d2r}", "example.email", false },
		{ "%{l}.x.y", "strong-bad.x.y", false },
		{ "%{l-}.x.y", "strong.bad.x.y", false },
		{ "%{lr}.x.y", "strong-bad.x.y", false },
		{ "%{lr-}.x.y", "bad.strong.x.y", false },
		{ "%{l1r-}.x.y", "strong.x.y", false },
		{ "%{L1R-}.x.y", "strong.x.y", false },
		{ "%{d999999999999999999999}", "email.example.com", false },
		{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com", false },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com", false },
		{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com", false },
		{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com", false },
		{ "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net", false },
		{ "%{ir}.%{v}._spf.%{d2}",
		    "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com", true },
		{ "%{S}.x.y", "strong-bad%40email.example.com.x.y", false },
		{ "%{h}", "mail.example.org", false },
		{ "a%%b%_c%-d.x.y", "a%b c%20d.x.y", false },
		{ "%{o.-}.x", "email.example.com.x", false },
		{ "%{o2re}", NULL, false },
		{ "%{d0}", NULL, false },
		{ "%{c}", NULL, false },
		{ "%{d", NULL, false },
		{ "%", NULL, false },
		{ "%{}", NULL, false },
		{ "%{r}.x.y", NULL, false },
		{ "x.%{d}y", NULL, false },
		{ "x.%{d}.1", NULL, false },
		{ "x.-y", NULL, false },
		{ "x.y-", NULL, false },
		{ "x", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char record[200], wanted[300];
		struct spf *s;

		(void)snprintf(record, sizeof record, "v=spf1 exists:%s -all", rows[i].spec);
		(void)snprintf(
		    wanted, sizeof wanted, "16 email.example.com\n1 %s\n", rows[i].asked == NULL ? "" : rows[i].asked);
		s = run_record(record, NULL, 0, rows[i].six ? V6 : V4);
		if (rows[i].asked == NULL) {
			assert_int_equal(spf_outcome(s)->result, SPF_PERMERROR);
			assert_int_equal(questions, 1);
		} else {
			assert_string_equal(questions_text, wanted);
			assert_int_equal(spf_outcome(s)->result, SPF_FAIL);
		}
		spf_free(s);
	}
}

/* A name of 253 octets stays, longer ones lose labels on the left. */
static void
long_names_are_cut(void **state)
{
	char label[64], record[1400], asked[600];

	(void)state;
	memset(label, 'x', 63);
	label[63] = 0;
	for (size_t last = 58; last < 63; last++) {
		/* 3 * 64 + last + "." + "ab" */
		struct spf *s;

		(void)snprintf(record, sizeof record, "v=spf1 exists:%s.%s.%s.%.*s.ab -all", label, label, label,
		    (int)last, label);
		s = run_record(record, NULL, 0, V4);
		if (3 * 64 + last + 3 <= 253)
			(void)snprintf(
			    asked, sizeof asked, "1 %s.%s.%s.%.*s.ab\n", label, label, label, (int)last, label);
		else
			(void)snprintf(asked, sizeof asked, "1 %s.%s.%.*s.ab\n", label, label, (int)last, label);
		assert_non_null(strstr(questions_text, asked));
		spf_free(s);
	}
	(void)snprintf(record, sizeof record, "v=spf1 exists:%sx.example.com -all", label);
	check_record(record, NULL, 0, SPF_FAIL);
	assert_int_equal(questions, 1);
}

static void
ten_terms_ask_and_no_more(void **state)
{
	static const struct row rows[] = { { "h.example.com", MAILAUTH_A, { "other" } },
		{ "inc.example.com", MAILAUTH_TXT, { "v=spf1 a:h.example.com a:h.example.com" } } };
	char record[600];

	(void)state;
	for (size_t count = 9; count <= 11; count++) {
		(void)snprintf(record, sizeof record, "v=spf1");
		for (size_t i = 0; i < count; i++)
			(void)snprintf(record + strlen(record), sizeof record - strlen(record), " a:h.example.com");
		(void)snprintf(record + strlen(record), sizeof record - strlen(record), " ip4:192.0.2.3");
		check_record(record, rows, 2, count <= 10 ? SPF_PASS : SPF_PERMERROR);
	}
	/* An include counts, and what is in it. */
	check_record(
	    "v=spf1 include:inc.example.com include:inc.example.com include:inc.example.com a:h.example.com ~all", rows,
	    2, SPF_SOFTFAIL);
	check_record("v=spf1 include:inc.example.com include:inc.example.com include:inc.example.com a:h.example.com "
		     "a:h.example.com ~all",
	    rows, 2, SPF_PERMERROR);
}

static void
two_terms_may_ask_in_vain(void **state)
{
	static const struct row mx[] = { { "m.example.com", MAILAUTH_MX,
					     { "a.example.com", "b.example.com", "c.example.com" } },
		{ "a.example.com", MAILAUTH_A, { "other" } }, { "b.example.com", MAILAUTH_A, { "other" } },
		{ "c.example.com", MAILAUTH_A, { "client" } } };
	struct spf *s;

	(void)state;
	check_record("v=spf1 a:1.none.example a:2.none.example ip4:192.0.2.3", NULL, 0, SPF_PASS);
	check_record("v=spf1 a:1.none.example a:2.none.example a:3.none.example ip4:192.0.2.3", NULL, 0, SPF_PERMERROR);
	check_record(
	    "v=spf1 a:1.none.example exists:2.none.example mx:3.none.example ip4:192.0.2.3", NULL, 0, SPF_PERMERROR);
	/* One term, three hosts without AAAA: once. */
	s = run_record("v=spf1 mx:m.example.com ?all", mx, 4, V6);
	assert_int_equal(spf_outcome(s)->result, SPF_NEUTRAL);
	assert_int_equal(spf_outcome(s)->voids, 1);
	assert_int_equal(questions, 5);
	spf_free(s);
}

static void
ten_hosts_of_an_mx(void **state)
{
	struct row rows[] = { { "m.example.com", MAILAUTH_MX, { NULL } }, { "h.example.com", MAILAUTH_A, { "other" } },
		{ "z.example.com", MAILAUTH_A, { "client" } } };

	(void)state;
	for (size_t i = 0; i < 9; i++)
		rows[0].values[i] = "h.example.com";
	rows[0].values[9] = "z.example.com";
	check_record("v=spf1 mx:m.example.com -all", rows, 3, SPF_PASS);
	rows[0].values[10] = "h.example.com";
	check_record("v=spf1 mx:m.example.com -all", rows, 3, SPF_PERMERROR);
	rows[0] = (struct row){ "m.example.com", MAILAUTH_MX, { "." } };
	check_record("v=spf1 mx:m.example.com -all", rows, 3, SPF_FAIL);
	assert_int_equal(questions, 2);
}

static void
ten_names_of_the_client(void **state)
{
	struct row rows[] = { { "3.2.0.192.in-addr.arpa", MAILAUTH_PTR, { NULL } },
		{ "h.example.com", MAILAUTH_A, { "other" } }, { "z.email.example.com", MAILAUTH_A, { "client" } },
		{ "dead.example.com", MAILAUTH_A, { "!" } } };

	(void)state;
	for (size_t i = 0; i < 9; i++)
		rows[0].values[i] = i == 3 ? "dead.example.com" : "h.example.com";
	rows[0].values[9] = "z.email.example.com";
	check_record("v=spf1 ptr -all", rows, 4, SPF_PASS);
	check_record("v=spf1 ptr:example.com -all", rows, 4, SPF_PASS);
	check_record("v=spf1 ptr:mail.example.com -all", rows, 4, SPF_FAIL);
	check_record("v=spf1 exists:%{p}.no.example -all", rows, 4, SPF_FAIL);
	assert_non_null(strstr(questions_text, "1 z.email.example.com.no.example\n"));
	rows[0].values[9] = "h.example.com";
	rows[0].values[10] = "z.email.example.com";
	check_record("v=spf1 ptr -all", rows, 4, SPF_FAIL);
	assert_int_equal(questions, 12);
	rows[0].values[0] = "!";
	check_record("v=spf1 ptr -all", rows, 4, SPF_FAIL);
	check_record("v=spf1 exists:%{p}.no.example -all", rows, 4, SPF_FAIL);
	assert_non_null(strstr(questions_text, "1 unknown.no.example\n"));
}

static void
errors_of_dns(void **state)
{
	static const struct row rows[] = { { "dead.example.com", MAILAUTH_A, { "!" } },
		{ "dead.example.com", MAILAUTH_TXT, { "!" } }, { "dead.example.com", MAILAUTH_MX, { "!" } } };

	(void)state;
	check_record("v=spf1 a:dead.example.com +all", rows, 3, SPF_TEMPERROR);
	check_record("v=spf1 mx:dead.example.com +all", rows, 3, SPF_TEMPERROR);
	check_record("v=spf1 exists:dead.example.com +all", rows, 3, SPF_TEMPERROR);
	check_record("v=spf1 include:dead.example.com +all", rows, 3, SPF_TEMPERROR);
	check_record("v=spf1 redirect=dead.example.com", rows, 3, SPF_TEMPERROR);
	check_record("v=spf1 ip4:192.0.2.3 a:dead.example.com", rows, 3, SPF_PASS);
	check_record("!", rows, 3, SPF_TEMPERROR);
}

static void
includes_and_redirects_end(void **state)
{
	static const struct row rows[] = { { "a.example.com", MAILAUTH_TXT, { "v=spf1 include:b.example.com" } },
		{ "b.example.com", MAILAUTH_TXT, { "v=spf1 include:a.example.com" } },
		{ "c.example.com", MAILAUTH_TXT, { "v=spf1 redirect=c.example.com" } },
		{ "p.example.com", MAILAUTH_TXT, { "v=spf1 redirect=%{p}.r.example.com" } } };
	struct spf *s;

	(void)state;
	check_record("v=spf1 include:a.example.com", rows, 4, SPF_PERMERROR);
	assert_int_equal(questions, 11);
	check_record("v=spf1 redirect=c.example.com", rows, 4, SPF_PERMERROR);
	assert_int_equal(questions, 11);
	check_record("v=spf1 include:none.example.com +all", rows, 4, SPF_PERMERROR);
	check_record("v=spf1 redirect=none.example.com", rows, 4, SPF_PERMERROR);
	check_record("v=spf1 redirect=none.example.com ?all", rows, 4, SPF_NEUTRAL);
	/* redirect, the redirect there, and what its macro p asks for. */
	s = run_record("v=spf1 redirect=p.example.com", rows, 4, V4);
	assert_int_equal(spf_outcome(s)->lookups, 3);
	assert_non_null(strstr(questions_text, "16 unknown.r.example.com\n"));
	spf_free(s);
}

static void
records_of_any_length(void **state)
{
	static char record[MAILAUTH_SPF_RECORD_MAX + 2];
	size_t front = (size_t)snprintf(record, sizeof record, "v=spf1 ip4:192.0.2.3");

	(void)state;
	memset(record + front, ' ', sizeof record - front);
	record[MAILAUTH_SPF_RECORD_MAX] = 0;
	check_record(record, NULL, 0, SPF_PASS);
	record[MAILAUTH_SPF_RECORD_MAX] = ' ';
	record[MAILAUTH_SPF_RECORD_MAX + 1] = 0;
	check_record(record, NULL, 0, SPF_PERMERROR);
}

static void
explanations(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "%{c} is not one of %{d}'s", "192.0.2.3 is not one of email.example.com's" },
		{ "%{r} %{t} %{h}", "mx.here.example 1700000000 mail.example.org" },
		{ "http://x/?s=%{S}&i=%{I}", "http://x/?s=strong-bad%40email.example.com&i=192.0.2.3" },
		{ "from %{p}.", "from unknown." },
		{ "", "" },
		{ "%{x}", "" },
		{ "\xc3\xa4", "" },
		{ "tab\there", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct row more[] = { { "why.example.com", MAILAUTH_TXT, { rows[i].text } } };
		struct spf *s = run_record("v=spf1 -all exp=why.%{d2}", more, 1, V4);

		assert_int_equal(spf_outcome(s)->result, SPF_FAIL);
		if (!slice_eq_str(spf_outcome(s)->explanation, rows[i].wanted))
			fail_msg("%s: %.*s", rows[i].text, (int)spf_outcome(s)->explanation.len,
			    spf_outcome(s)->explanation.data);
		spf_free(s);
	}
}

/* What a stranger puts into a local part must not end a line of a reply. */
static void
explanations_are_harmless(void **state)
{
	static const struct row rows[] = { { "example.com", MAILAUTH_TXT, { "v=spf1 -all exp=why.example.com" } },
		{ "why.example.com", MAILAUTH_TXT, { "%{l} %{l} %{l} %{l} %{l} %{l}" } } };
	struct spf_config c = config();
	char long_sender[200];
	const struct spf_outcome *o;
	struct spf *s;

	(void)state;
	c.mail_from = SLICE("a\r\n250 OK\x1b[0m\0@example.com");
	s = run(rows, 2, &c);
	o = spf_outcome(s);
	assert_true(slice_starts(o->explanation, SLICE("a??250 OK?[0m? a??")));
	spf_free(s);
	memset(long_sender, 'x', sizeof long_sender);
	memcpy(long_sender + 100, "@example.com", 13);
	c.mail_from = slice_str(long_sender);
	s = run(rows, 2, &c);
	o = spf_outcome(s);
	assert_int_equal(o->explanation.len, MAILAUTH_SPF_EXPLANATION_MAX);
	assert_true(slice_ends(o->explanation, SLICE("...")));
	spf_free(s);
}

static void
both_identities(void **state)
{
	static const struct row rows[] = { { "mail.example.org", MAILAUTH_TXT, { "v=spf1 exists:%{l}.%{o} -all" } },
		{ "postmaster.mail.example.org", MAILAUTH_A, { "other" } },
		{ "example.com", MAILAUTH_TXT, { "v=spf1 -all" } },
		{ "xn--bcher-kva.example", MAILAUTH_TXT, { "v=spf1 +all" } } };
	static const struct {
		enum spf_identity identity;
		const char *helo, *from;
		enum spf_result wanted;
		const char *domain;
	} cases[] = {
		{ SPF_HELO, "mail.example.org", "a@example.com", SPF_PASS, "mail.example.org" },
		{ SPF_MAIL_FROM, "mail.example.org", "a@example.com", SPF_FAIL, "example.com" },
		{ SPF_MAIL_FROM, "mail.example.org", "", SPF_PASS, "mail.example.org" },
		{ SPF_MAIL_FROM, "mail.example.org", "a@b@EXAMPLE.com.", SPF_FAIL, "EXAMPLE.com" },
		{ SPF_MAIL_FROM, "mail.example.org",
		    "a@b\xc3\xbc"
		    "cher.example",
		    SPF_PASS, "xn--bcher-kva.example" },
		{ SPF_MAIL_FROM, "x", "a@[192.0.2.3]", SPF_NONE, "" },
		{ SPF_MAIL_FROM, "x", "a@localhost", SPF_NONE, "" },
		{ SPF_MAIL_FROM, "x", "a@b..example.com", SPF_NONE, "" },
		{ SPF_MAIL_FROM, "x", "a@b c.example.com", SPF_NONE, "" },
		{ SPF_MAIL_FROM, "x", "a@\xff\xff.example.com", SPF_NONE, "" },
		{ SPF_HELO, "[192.0.2.3]", "a@example.com", SPF_NONE, "" },
		{ SPF_HELO, "", "", SPF_NONE, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct spf_config c = config();
		struct spf *s;

		c.identity = cases[i].identity;
		c.helo = slice_str(cases[i].helo);
		c.mail_from = slice_str(cases[i].from);
		s = run(rows, 4, &c);
		if (spf_outcome(s)->result != cases[i].wanted || !slice_eq_str(spf_outcome(s)->domain, cases[i].domain))
			fail_msg("%zu: %s", i, spf_outcome(s)->reason);
		spf_free(s);
	}
}

/* RFC 8616 section 4. */
static void
local_parts_that_are_not_ascii(void **state)
{
	static const struct row rows[] = {
		{ "example.com", MAILAUTH_TXT,
		    { "v=spf1 exists:%{l}.x.example -exists:%{s}.x.example include:%{d}.y.example ~all" } },
		{ "example.com.y.example", MAILAUTH_TXT, { "v=spf1 exists:%{L}.x.example" } }
	};
	struct spf_config c = config();
	struct spf *s;

	(void)state;
	c.mail_from = SLICE("j\xc3\xbcrgen@example.com");
	s = run(rows, 2, &c);
	assert_int_equal(spf_outcome(s)->result, SPF_SOFTFAIL);
	assert_int_equal(questions, 2);
	spf_free(s);
}

static void
addresses(void **state)
{
	static const struct {
		const char *record;
		enum spf_result wanted4, wanted6;
	} rows[] = {
		{ "v=spf1 ip4:192.0.2.3 -all", SPF_PASS, SPF_FAIL },
		{ "v=spf1 ip4:192.0.2.2/31 -all", SPF_PASS, SPF_FAIL },
		{ "v=spf1 ip4:192.0.2.2/32 -all", SPF_FAIL, SPF_FAIL },
		{ "v=spf1 ip4:0.0.0.0/0 -all", SPF_PASS, SPF_FAIL },
		{ "v=spf1 ip4:128.0.0.0/1 -all", SPF_PASS, SPF_FAIL },
		{ "v=spf1 ip4:64.0.0.0/1 -all", SPF_FAIL, SPF_FAIL },
		{ "v=spf1 ip6:2001:db8::cb01 -all", SPF_FAIL, SPF_PASS },
		{ "v=spf1 ip6:2001:DB8:0:0::203.1 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip6:2001:db8::0.0.203.1 -all", SPF_FAIL, SPF_PASS },
		{ "v=spf1 ip6:2001:db8::cb00/127 -all", SPF_FAIL, SPF_PASS },
		{ "v=spf1 ip6:2001:db8::cb00/128 -all", SPF_FAIL, SPF_FAIL },
		{ "v=spf1 ip6:::/0 -all", SPF_FAIL, SPF_PASS },
		{ "v=spf1 ip6:2001:db8:0:0:0:0:0:0:/32 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip6:2001:db8:0:0:0:0:0:0:0/32 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip6:2001:db8/32 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip6:1:2:3:4:5:6:7::/32 -all", SPF_FAIL, SPF_FAIL },
		{ "v=spf1 ip6:1:2:3:4:5:6:7:8::/32 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip6::1:2:3:4:5:6:7:8/32 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip6:1::2::3 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip6:12345:: -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip6:fe80::1%eth0 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.03 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.256 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.3. -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.3/33 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.3/032 -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.3/ -all", SPF_PERMERROR, SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.3//32 -all", SPF_PERMERROR, SPF_PERMERROR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct spf *four = run_record(rows[i].record, NULL, 0, V4),
			   *six = run_record(rows[i].record, NULL, 0, V6);
		struct spf *mapped =
		    run_record(rows[i].record, NULL, 0, SLICE("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x03"));

		if (spf_outcome(four)->result != rows[i].wanted4 || spf_outcome(six)->result != rows[i].wanted6 ||
		    spf_outcome(mapped)->result != rows[i].wanted4)
			fail_msg("%s: %s, %s", rows[i].record, spf_outcome(four)->reason, spf_outcome(six)->reason);
		spf_free(four);
		spf_free(six);
		spf_free(mapped);
	}
}

static void
what_decided_is_told(void **state)
{
	static const struct row rows[] = { { "inc.example.com", MAILAUTH_TXT, { "v=spf1 ip4:192.0.2.0/24 -all" } },
		{ "r.example.com", MAILAUTH_TXT, { "v=spf1 a:none.example.com ~include:inc.example.com -all" } } };
	const struct spf_outcome *o;
	struct spf_config c = config();
	struct spf *s;

	(void)state;
	s = run_record("v=spf1 redirect=r.example.com", rows, 2, V4);
	o = spf_outcome(s);
	assert_int_equal(o->result, SPF_SOFTFAIL);
	assert_true(slice_eq_str(o->mechanism, "~include:inc.example.com"));
	assert_true(slice_eq_str(o->record_domain, "r.example.com"));
	assert_true(slice_eq_str(o->domain, "email.example.com"));
	assert_int_equal(o->lookups, 3);
	assert_int_equal(o->voids, 1);
	assert_non_null(strstr(o->reason, "~include:inc.example.com"));
	spf_free(s);
	s = run_record("v=spf1 ip4:198.51.100.1", NULL, 0, V4);
	assert_int_equal(spf_outcome(s)->result, SPF_NEUTRAL);
	assert_int_equal(spf_outcome(s)->mechanism.len, 0);
	spf_free(s);
	/* Who cannot wait any longer has this. */
	assert_ok(spf_new(&c, &s, &unit_error));
	assert_int_equal(spf_outcome(s)->result, SPF_TEMPERROR);
	spf_free(s);
	c.ip = SLICE("12345");
	assert_int_equal(spf_new(&c, &s, NULL), ERR_USAGE);
	spf_free(NULL);
}

UNIT_MAIN(UNIT_TEST(names_and_codes), UNIT_TEST(macros), UNIT_TEST(long_names_are_cut),
    UNIT_TEST(ten_terms_ask_and_no_more), UNIT_TEST(two_terms_may_ask_in_vain), UNIT_TEST(ten_hosts_of_an_mx),
    UNIT_TEST(ten_names_of_the_client), UNIT_TEST(errors_of_dns), UNIT_TEST(includes_and_redirects_end),
    UNIT_TEST(records_of_any_length), UNIT_TEST(explanations), UNIT_TEST(explanations_are_harmless),
    UNIT_TEST(both_identities), UNIT_TEST(local_parts_that_are_not_ascii), UNIT_TEST(addresses),
    UNIT_TEST(what_decided_is_told))
