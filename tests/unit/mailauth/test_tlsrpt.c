/* SPDX-License-Identifier: ISC */
/* TLS reports: the examples of RFC 8460, what reporters write beside them, and what is none. */
#include "base/json.h"
#include "mailauth/policy/tlsrpt.h"
#include "unit.h"

static const struct {
	const char *name;
	const char *records[3];
	int count; /* -1: none are wanted */
	const char *first;
	enum tlsrpt_scheme scheme;
} records[] = {
	{ "RFC 8460 section 3.1.1", { "v=TLSRPTv1;rua=mailto:reports@example.com" }, 1, "mailto:reports@example.com",
	    TLSRPT_MAILTO },
	{ "RFC 8460 section 3.1.2", { "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt" }, 1,
	    "https://reporting.example.com/v1/tlsrpt", TLSRPT_HTTPS },
	{ "two, with blanks", { "v=TLSRPTv1 ; rua=https://a.example/ , mailto:b@a.example ;" }, 2, "https://a.example/",
	    TLSRPT_HTTPS },
	{ "an extension in front", { "v=TLSRPTv1;x-1=a:b;rua=mailto:a@a.example;" }, 1, "mailto:a@a.example",
	    TLSRPT_MAILTO },
	{ "equal signs in a URI", { "v=TLSRPTv1;rua=https://a.example/?x=y" }, 1, "https://a.example/?x=y",
	    TLSRPT_HTTPS },
	{ "the first of two rua", { "v=TLSRPTv1;rua=mailto:a@a.example;rua=mailto:b@a.example" }, 1,
	    "mailto:a@a.example", TLSRPT_MAILTO },
	{ "others beside it do not count", { "v=spf1 -all", "v=TLSRPTv1;rua=mailto:a@a.example", "v=TLSRPTv2;rua=x" },
	    1, "mailto:a@a.example", TLSRPT_MAILTO },
	{ "a scheme that is not known is passed over", { "v=TLSRPTv1;rua=ftp://a.example/,mailto:a@a.example" }, 1,
	    "mailto:a@a.example", TLSRPT_MAILTO },
	{ "no scheme that is known", { "v=TLSRPTv1;rua=ftp://a.example/" }, 0, NULL, TLSRPT_MAILTO },
	{ "clear HTTP is not", { "v=TLSRPTv1;rua=http://a.example/" }, 0, NULL, TLSRPT_MAILTO },
	{ "two are none", { "v=TLSRPTv1;rua=mailto:a@a.example", "v=TLSRPTv1;rua=mailto:a@a.example" }, -1, NULL,
	    TLSRPT_MAILTO },
	{ "one broken beside a good one", { "v=TLSRPTv1;rua=mailto:a@a.example", "v=TLSRPTv1;rua=" }, -1, NULL,
	    TLSRPT_MAILTO },
	{ "no rua", { "v=TLSRPTv1;x=y" }, -1, NULL, TLSRPT_MAILTO },
	{ "an empty URI in a list", { "v=TLSRPTv1;rua=mailto:a@a.example,,mailto:b@a.example" }, -1, NULL,
	    TLSRPT_MAILTO },
	{ "an exclamation mark is to be encoded", { "v=TLSRPTv1;rua=mailto:a@a.example!10m" }, -1, NULL,
	    TLSRPT_MAILTO },
	{ "no semicolon", { "v=TLSRPTv1" }, -1, NULL, TLSRPT_MAILTO },
	{ "small letters", { "v=tlsrptv1;rua=mailto:a@a.example" }, -1, NULL, TLSRPT_MAILTO },
	{ "version not in front", { "rua=mailto:a@a.example;v=TLSRPTv1" }, -1, NULL, TLSRPT_MAILTO },
	{ "nothing", { NULL }, -1, NULL, TLSRPT_MAILTO },
};

static void
finds_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		struct tlsrpt_record r = { .count = 0 };
		struct slice list[3];
		size_t n = 0;
		int count;

		for (; n < 3 && records[i].records[n] != NULL; n++)
			list[n] = slice_str(records[i].records[n]);
		count = tlsrpt_record_find(list, n, &r) ? (int)r.count : -1;
		if (count != records[i].count)
			fail_msg("%s: %d", records[i].name, count);
		if (count > 0 &&
		    (r.uris[0].scheme != records[i].scheme || !slice_eq_str(r.uris[0].text, records[i].first)))
			fail_msg(
			    "%s: %.*s", records[i].name, (int)r.uris[0].text.len, (const char *)r.uris[0].text.data);
	}
}

static void
bounds_records(void **state)
{
	BUF_OWNED struct buf b = { 0 };
	struct tlsrpt_record r;
	struct slice text;

	(void)state;
	buf_init(&b, 4096);
	(void)buf_put_str(&b, "v=TLSRPTv1;rua=mailto:a@a.example");
	for (unsigned i = 0; i < 2 * TLSRPT_URIS_MAX; i++)
		(void)buf_put_str(&b, ",mailto:a@a.example");
	text = buf_slice(&b);
	assert_true(tlsrpt_record_find(&text, 1, &r));
	assert_int_equal(r.count, TLSRPT_URIS_MAX);
}

/* Appendix B's numbers, without the text that its page breaks. */
#define RANGE "\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\",\"end-datetime\":\"2016-04-01T23:59:59Z\"}"
static const char standard[] =
    "{\"organization-name\":\"Company-X\"," RANGE ",\"contact-info\":\"sts-reporting@company-x.example\","
    "\"report-id\":\"5065427c-23d3-47ca-b6e0-946ea0e8c4be\",\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
    "\"policy-string\":[\"version: STSv1\",\"mode: testing\",\"mx: *.mail.company-y.example\",\"max_age: 86400\"],"
    "\"policy-domain\":\"company-y.example\",\"mx-host\":\"*.mail.company-y.example\"},\"summary\":{"
    "\"total-successful-session-count\":5326,\"total-failure-session-count\":303},\"failure-details\":[{"
    "\"result-type\":\"certificate-expired\",\"sending-mta-ip\":\"2001:db8:abcd:0012::1\","
    "\"receiving-mx-hostname\":\"mx1.mail.company-y.example\",\"failed-session-count\":100},{"
    "\"result-type\":\"starttls-not-supported\",\"sending-mta-ip\":\"2001:db8:abcd:0013::1\","
    "\"receiving-mx-hostname\":\"mx2.mail.company-y.example\",\"receiving-ip\":\"203.0.113.56\","
    "\"failed-session-count\":200,\"additional-information\":\"https://reports.company-x.example/report_info\"},{"
    "\"result-type\":\"validation-failure\",\"sending-mta-ip\":\"198.51.100.62\",\"receiving-ip\":\"203.0.113.58\","
    "\"receiving-mx-hostname\":\"mx-backup.mail.company-y.example\",\"failed-session-count\":3,"
    "\"failure-reason-code\":\"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED\"}]}]}";

static void
check_standard(const struct tlsrpt_report *r)
{
	const struct tlsrpt_policy *p = &r->policies[0];
	struct tlsrpt_summary sum;

	assert_true(slice_eq_str(r->organization, "Company-X"));
	assert_true(slice_eq_str(r->contact, "sts-reporting@company-x.example"));
	assert_true(slice_eq_str(r->id, "5065427c-23d3-47ca-b6e0-946ea0e8c4be"));
	assert_int_equal(r->begin, 1459468800);
	assert_int_equal(r->end, 1459468800 + 86399);
	assert_int_equal(r->policy_count, 1);
	assert_true(slice_eq_str(p->type, tlsrpt_policy_text(TLSRPT_STS)));
	assert_true(slice_eq_str(p->domain, "company-y.example"));
	assert_int_equal(p->string_count, 4);
	assert_true(slice_eq_str(p->strings[3], "max_age: 86400"));
	assert_int_equal(p->mx_count, 1);
	assert_true(slice_eq_str(p->mx[0], "*.mail.company-y.example"));
	assert_int_equal(p->failure_count, 3);
	assert_true(slice_eq_str(p->failures[0].result, tlsrpt_result_text(TLSRPT_EXPIRED)));
	assert_int_equal(p->failures[0].mx_ip.len, 0);
	assert_true(slice_eq_str(p->failures[1].mx_ip, "203.0.113.56"));
	assert_true(slice_eq_str(p->failures[1].information, "https://reports.company-x.example/report_info"));
	assert_true(slice_eq_str(p->failures[2].reason, "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"));
	assert_int_equal(p->failures[2].count, 3);
	tlsrpt_report_summary(r, &sum);
	assert_int_equal(sum.successful, 5326);
	assert_int_equal(sum.failed, 303);
	assert_int_equal(sum.kinds, 3);
}

static void
reads_and_writes_the_standards_report(void **state)
{
	struct tlsrpt_report r, again;
	BUF_OWNED struct buf b = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, TLSRPT_ARENA);
	buf_init(&b, TLSRPT_REPORT_MAX);
	assert_int_equal(tlsrpt_report_read(slice_str(standard), &a, &r, NULL), 0);
	check_standard(&r);
	assert_int_equal(tlsrpt_report_write(&r, &b, NULL), 0);
	assert_int_equal(tlsrpt_report_read(buf_slice(&b), &a, &again, NULL), 0);
	check_standard(&again);
	arena_done(&a);
}

static void
is_none_when_cut(void **state)
{
	struct tlsrpt_report r;
	struct arena a;

	(void)state;
	for (size_t n = 0; n < sizeof standard - 1; n++) {
		arena_init(&a, TLSRPT_ARENA);
		assert_int_equal(tlsrpt_report_read(slice_of(standard, n), &a, &r, NULL), ERR_SYNTAX);
		arena_done(&a);
	}
}

#define POLICY(details) \
	"{" RANGE ",\"policies\":[{\"policy\":{\"policy-type\":\"x\"},\"summary\":{},\"failure-details\":" details "}" \
	"]" \
	"}"

static const struct {
	const char *name, *text;
	int rc;
} reports[] = {
	{ "nothing but what must be", "{" RANGE ",\"policies\":[]}", 0 },
	{ "a type and result that are not known",
	    POLICY("[{\"result-type\":\"moon-phase\",\"failed-session-count\":1,\"a\":{}}]"), 0 },
	{ "details that are null", POLICY("null"), 0 },
	{ "a text where an address belongs", POLICY("[{\"receiving-ip\":7}]"), 0 },
	{ "a failure that is a number", POLICY("[7]"), ERR_SYNTAX },
	{ "fewer than no sessions", POLICY("[{\"failed-session-count\":-1}]"), ERR_SYNTAX },
	{ "sessions in words", POLICY("[{\"failed-session-count\":\"many\"}]"), ERR_SYNTAX },
	{ "half a session", POLICY("[{\"failed-session-count\":0.5}]"), ERR_SYNTAX },
	{ "more sessions than a day has", POLICY("[{\"failed-session-count\":1099511627777}]"), ERR_SYNTAX },
	{ "no time", "{\"policies\":[]}", ERR_SYNTAX },
	{ "no policies", "{" RANGE "}", ERR_SYNTAX },
	{ "a policy that is a text", "{" RANGE ",\"policies\":[\"sts\"]}", ERR_SYNTAX },
	{ "no sum", "{" RANGE ",\"policies\":[{\"policy\":{}}]}", ERR_SYNTAX },
	{ "a list", "[]", ERR_SYNTAX },
	{ "a member twice", "{" RANGE "," RANGE ",\"policies\":[]}", ERR_SYNTAX },
	{ "XML", "<feedback/>", ERR_SYNTAX },
};

static void
tells_reports_from_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
		struct tlsrpt_report r;
		struct error e = { .code = 0 };
		struct arena a;
		int rc;

		arena_init(&a, TLSRPT_ARENA);
		rc = tlsrpt_report_read(slice_str(reports[i].text), &a, &r, &e);
		if (rc != reports[i].rc)
			fail_msg("%s: %d %s", reports[i].name, rc, e.text);
		arena_done(&a);
	}
}

/* So many times the same inside of what is a report. */
static int
read_many(const char *before, const char *one, size_t count, const char *behind)
{
	struct tlsrpt_report r;
	BUF_OWNED struct buf b = { 0 };
	struct arena a;
	int rc;

	buf_init(&b, 2 * TLSRPT_REPORT_MAX);
	(void)buf_put_str(&b, before);
	for (size_t i = 0; i < count; i++)
		(void)buf_putf(&b, "%s%s", i == 0 ? "" : ",", one);
	(void)buf_put_str(&b, behind);
	arena_init(&a, TLSRPT_ARENA);
	rc = tlsrpt_report_read(buf_slice(&b), &a, &r, NULL);
	arena_done(&a);
	return rc;
}

static void
bounds_reports(void **state)
{
	static const char policies[] = "{" RANGE ",\"policies\":[", policy[] = "{\"policy\":{},\"summary\":{}}";
	static const char details[] = "{" RANGE ",\"policies\":[{\"policy\":{},\"summary\":{},\"failure-details\":[";
	static const char lines[] = "{" RANGE ",\"policies\":[{\"summary\":{},\"policy\":{\"policy-string\":[";

	(void)state;
	assert_int_equal(read_many(policies, policy, TLSRPT_POLICIES_MAX, "]}"), 0);
	assert_int_equal(read_many(policies, policy, TLSRPT_POLICIES_MAX + 1, "]}"), ERR_LIMIT);
	assert_int_equal(read_many(details, "{}", TLSRPT_FAILURES_MAX, "]}]}"), 0);
	assert_int_equal(read_many(details, "{}", TLSRPT_FAILURES_MAX + 1, "]}]}"), ERR_LIMIT);
	assert_int_equal(read_many(lines, "\"x\"", TLSRPT_STRINGS_MAX, "]}}]}"), 0);
	assert_int_equal(read_many(lines, "\"x\"", TLSRPT_STRINGS_MAX + 1, "]}}]}"), ERR_LIMIT);
	assert_int_equal(read_many("", " ,", TLSRPT_REPORT_MAX / 2, ""), ERR_LIMIT);
}

/* A long text is cut, and never inside of a character. */
static void
cuts_texts(void **state)
{
	struct tlsrpt_report r;
	BUF_OWNED struct buf b = { 0 };
	struct arena a;

	(void)state;
	buf_init(&b, 8192);
	(void)buf_put_str(&b, "{" RANGE ",\"policies\":[],\"organization-name\":\"x");
	for (unsigned i = 0; i < TLSRPT_TEXT_MAX; i++)
		(void)buf_put_str(&b, "\xc3\xbc");
	(void)buf_put_str(&b, "\"}");
	arena_init(&a, TLSRPT_ARENA);
	assert_int_equal(tlsrpt_report_read(buf_slice(&b), &a, &r, NULL), 0);
	assert_int_equal(r.organization.len, TLSRPT_TEXT_MAX - 1);
	assert_int_equal(r.organization.data[r.organization.len - 1], 0xbc);
	arena_done(&a);
}

static void
names_messages(void **state)
{
	const struct tlsrpt_report r = {
		.id = SLICE("735ff.e317-bf22029@mailexample.net"), .begin = 1470013207, .end = 1470186007
	};
	const struct tlsrpt_report forged = { .id = SLICE("a@b\r\nBcc: c") };
	const struct slice us = SLICE("mail.sender.example.com"), them = SLICE("example.net");
	BUF_OWNED struct buf b = { 0 };

	(void)state;
	buf_init(&b, 1024);
	assert_int_equal(tlsrpt_report_file(&r, us, them, &b, NULL), 0);
	assert_true(slice_eq_str(buf_slice(&b), "mail.sender.example.com!example.net!1470013207!1470186007.json"));
	buf_clear(&b);
	assert_int_equal(tlsrpt_report_subject(&r, us, them, &b, NULL), 0);
	assert_true(slice_eq_str(buf_slice(&b),
	    "Report Domain: example.net Submitter: mail.sender.example.com Report-ID: "
	    "<735ff.e317-bf22029@mailexample.net>"));
	buf_clear(&b);
	assert_int_equal(tlsrpt_report_subject(&forged, us, them, &b, NULL), ERR_USAGE);
	assert_int_equal(tlsrpt_report_subject(&r, us, SLICE("a b"), &b, NULL), ERR_USAGE);
	assert_int_equal(tlsrpt_report_file(&r, SLICE("a!b"), them, &b, NULL), ERR_USAGE);
	assert_int_equal(b.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_records),
		cmocka_unit_test(bounds_records),
		cmocka_unit_test(reads_and_writes_the_standards_report),
		cmocka_unit_test(is_none_when_cut),
		cmocka_unit_test(tells_reports_from_others),
		cmocka_unit_test(bounds_reports),
		cmocka_unit_test(cuts_texts),
		cmocka_unit_test(names_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
