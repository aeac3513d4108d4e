/* SPDX-License-Identifier: ISC */
#include "base/mem.h"
#include "mailauth/dmarc/report.h"
#include "unit.h"

/* SLICE() for tables, where only constants may stand. */
#define TEXT(lit) \
	{ \
		(const uint8_t *)("" lit), sizeof(lit) - 1 \
	}

static const struct dmarc_reason reasons[] = { { TEXT("mailing_list"), TEXT("a & b") }, { TEXT("other"), TEXT("") } };
static const struct dmarc_auth_result signatures[] = {
	{ TEXT("example.com"), TEXT("k1"), TEXT("pass"), TEXT("") },
	{ TEXT("list.example"), TEXT("x"), TEXT("fail"), TEXT("the <body> has changed") },
};
static const struct dmarc_row written[] = {
	{ .source = TEXT("192.0.2.1"),
	    .count = 12,
	    .disposition = DMARC_DISPOSITION_PASS,
	    .dkim = true,
	    .header_from = TEXT("example.com"),
	    .envelope_from = TEXT("bounce.example.com"),
	    .dkim_results = signatures,
	    .dkim_count = 2,
	    .has_spf = true,
	    .spf_result = { TEXT("bounce.example.com"), TEXT(""), TEXT("softfail"), TEXT("") } },
	{ .source = TEXT("2001:db8::1"),
	    .count = 1,
	    .disposition = DMARC_DISPOSITION_NONE,
	    .header_from = TEXT("a.example.com"),
	    .null_sender = true,
	    .envelope_to = TEXT("example.org"),
	    .reasons = reasons,
	    .reason_count = 2 },
	{ .source = TEXT("2001:db8::1"),
	    .count = 3,
	    .disposition = DMARC_DISPOSITION_REJECT,
	    .spf = true,
	    .header_from = TEXT("a.example.com") },
	{ .source = TEXT("2001:db8::2"),
	    .count = 7,
	    .disposition = DMARC_DISPOSITION_QUARANTINE,
	    .spf = true,
	    .dkim = true,
	    .header_from = TEXT("a.example.com") },
};
static const struct dmarc_report report = {
	.organization = TEXT("Example, Inc."),
	.email = TEXT("reports@example.org"),
	.contact = TEXT("https://example.org/?a=1&b=2"),
	.id = TEXT("1721054318-example.com@example.org"),
	.error = TEXT("two records"),
	.generator = TEXT("Letterlock"),
	.begin = 1721001600,
	.end = 1721087999,
	.domain = TEXT("example.com"),
	.p = DMARC_POLICY_REJECT,
	.sp = DMARC_POLICY_QUARANTINE,
	.np = DMARC_POLICY_QUARANTINE,
	.has_sp = true,
	.strict_dkim = true,
	.testing = true,
	.failure = TEXT("1:d"),
	.rows = written,
	.count = sizeof(written) / sizeof(written[0]),
};

static void
what_is_written_is_read(void **state)
{
	struct dmarc_report back;
	struct buf once, twice;
	struct arena a;

	(void)state;
	arena_init(&a, MAILAUTH_REPORT_ARENA);
	buf_init(&once, 1 << 20);
	buf_init(&twice, 1 << 20);
	assert_ok(dmarc_report_write(&report, &once, &unit_error));
	assert_ok(dmarc_report_read(buf_slice(&once), &a, &back, &unit_error));
	assert_int_equal(back.count, report.count);
	assert_true(back.has_sp && !back.has_np && back.strict_dkim && !back.strict_spf && back.testing);
	assert_int_equal(back.np, DMARC_POLICY_QUARANTINE);
	assert_slice(back.contact, "https://example.org/?a=1&b=2");
	assert_slice(back.rows[0].dkim_results[1].comment, "the <body> has changed");
	assert_true(back.rows[1].null_sender && !back.rows[0].null_sender && !back.rows[2].null_sender);
	assert_slice(back.rows[1].reasons[0].comment, "a & b");
	assert_false(back.rows[1].has_spf);
	assert_ok(dmarc_report_write(&back, &twice, &unit_error));
	assert_slices(buf_slice(&twice), buf_slice(&once));
	buf_done(&once);
	buf_done(&twice);
	arena_done(&a);
}

static void
a_summary_counts_messages(void **state)
{
	struct dmarc_summary s;

	(void)state;
	dmarc_report_summary(&report, &s);
	assert_int_equal(s.messages, 23);
	assert_int_equal(s.passed, 22);
	assert_int_equal(s.dkim_only, 12);
	assert_int_equal(s.spf_only, 3);
	assert_int_equal(s.both, 7);
	assert_int_equal(s.neither, 1);
	assert_int_equal(s.quarantined, 7);
	assert_int_equal(s.rejected, 3);
	assert_int_equal(s.sources, 3);
}

/* As reporters wrote by RFC 7489: no namespace, another order, HELO's SPF result, elements that are missing. */
#define OLD_FRONT \
	"<?xml version=\"1.0\"?><feedback><version>1.0</version><report_metadata><org_name>x</org_name>" \
	"<date_range><begin> 1 </begin><end>2</end></date_range></report_metadata>" \
	"<policy_published><domain>example.com</domain><p>none</p><pct>100</pct><sp/></policy_published>"
#define OLD_ROW \
	"<row><policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>pass</spf></policy_evaluated>" \
	"<count>3</count><source_ip>192.0.2.1</source_ip></row>"

static void
old_reports_are_read(void **state)
{
	static const char old[] = OLD_FRONT
	    "<record><auth_results><spf><domain>a.example</domain><scope>mfrom</scope><result>pass</result></spf>"
	    "<spf><domain>b.example</domain><scope>helo</scope><result>none</result></spf></auth_results>"
	    "<x:more xmlns:x=\"urn:x\"><row><count>nonsense</count></row></x:more>" OLD_ROW
	    "<identifiers><header_from>example.com</header_from></identifiers></record></feedback>";
	struct dmarc_report r;
	struct arena a;

	(void)state;
	arena_init(&a, MAILAUTH_REPORT_ARENA);
	assert_ok(dmarc_report_read(slice_str(old), &a, &r, &unit_error));
	assert_int_equal(r.begin, 1);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.rows[0].count, 3);
	assert_true(r.rows[0].spf && !r.rows[0].dkim);
	assert_slice(r.rows[0].spf_result.domain, "a.example");
	assert_slice(r.rows[0].header_from, "example.com");
	assert_false(r.has_sp || r.rows[0].null_sender);
	arena_done(&a);
}

static const struct {
	const char *document;
	int rc;
} bad[] = {
	{ "", ERR_SYNTAX },
	{ "<feedback/>", ERR_SYNTAX },
	{ "<other/>", ERR_SYNTAX },
	{ "<!DOCTYPE feedback><feedback/>", ERR_POLICY },
	{ OLD_FRONT "</feedback>", ERR_SYNTAX },
	{ OLD_FRONT "<record/></feedback>", ERR_SYNTAX },
	{ OLD_FRONT "<record>" OLD_ROW "</record>", ERR_SYNTAX },
	{ OLD_FRONT "<record><row><count>-1</count><source_ip>192.0.2.1</source_ip></row></record></feedback>",
	    ERR_SYNTAX },
	{ OLD_FRONT "<record><row><count>1e9</count><source_ip>192.0.2.1</source_ip></row></record></feedback>",
	    ERR_SYNTAX },
	{ OLD_FRONT "<record><row><count>99999999999999</count><source_ip>::1</source_ip></row></record></feedback>",
	    ERR_SYNTAX },
	{ OLD_FRONT "<record><row><count>1</count><source_ip>a b</source_ip></row></record></feedback>", ERR_SYNTAX },
	{ OLD_FRONT "<record><row><count>1</count><source_ip/></row></record></feedback>", ERR_SYNTAX },
	{ "<feedback><policy_published><domain>a.example</domain></policy_published><record>" OLD_ROW
	  "</record></feedback>",
	    ERR_SYNTAX },
	{ "<feedback><record><a><b><c><d><e><f><g><h><i><j><k><l><m><n><o/></n></m></l></k></j></i></h></g></f></e></"
	  "d></c>"
	  "</b></a></record></feedback>",
	    ERR_LIMIT },
};

static void
what_is_none_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dmarc_report r;
		struct arena a;

		arena_init(&a, MAILAUTH_REPORT_ARENA);
		if (dmarc_report_read(slice_str(bad[i].document), &a, &r, &unit_error) != bad[i].rc)
			fail_msg("%s: %s", bad[i].document, unit_error.text);
		arena_done(&a);
	}
}

static void
put_many(struct buf *out, size_t rows)
{
	(void)buf_put_str(out, OLD_FRONT);
	for (size_t i = 0; i < rows; i++)
		(void)buf_put_str(out, "<record>" OLD_ROW "</record>");
	(void)buf_put_str(out, "</feedback>");
}

static void
reports_are_bounded(void **state)
{
	struct dmarc_summary s;
	struct dmarc_report r;
	struct buf document;
	struct arena a;

	(void)state;
	arena_init(&a, MAILAUTH_REPORT_ARENA);
	buf_init(&document, MAILAUTH_REPORT_MAX + 1);
	put_many(&document, MAILAUTH_REPORT_ROWS_MAX);
	assert_ok(dmarc_report_read(buf_slice(&document), &a, &r, &unit_error));
	assert_int_equal(r.count, MAILAUTH_REPORT_ROWS_MAX);
	dmarc_report_summary(&r, &s);
	assert_int_equal(s.messages, 3 * MAILAUTH_REPORT_ROWS_MAX);
	arena_done(&a);
	buf_clear(&document);
	put_many(&document, MAILAUTH_REPORT_ROWS_MAX + 1);
	assert_int_equal(dmarc_report_read(buf_slice(&document), &a, &r, NULL), ERR_LIMIT);
	arena_done(&a);
	while (document.len <= MAILAUTH_REPORT_MAX)
		(void)buf_put_u8(&document, ' ');
	assert_int_equal(dmarc_report_read(buf_slice(&document), &a, &r, NULL), ERR_LIMIT);
	arena_done(&a);
	arena_init(&a, 1 << 16);
	buf_clear(&document);
	put_many(&document, 1000);
	assert_int_equal(dmarc_report_read(buf_slice(&document), &a, &r, NULL), ERR_LIMIT);
	arena_done(&a);
	buf_done(&document);
}

static void
texts_and_lists_are_cut(void **state)
{
	struct dmarc_report r;
	struct buf document;
	struct arena a;

	(void)state;
	arena_init(&a, MAILAUTH_REPORT_ARENA);
	buf_init(&document, 1 << 20);
	(void)buf_put_str(&document, OLD_FRONT "<record><auth_results>");
	for (size_t i = 0; i <= MAILAUTH_REPORT_RESULTS_MAX; i++)
		(void)buf_put_str(&document, "<dkim><domain>a</domain></dkim>");
	(void)buf_put_str(&document, "</auth_results>" OLD_ROW "<identifiers><header_from>");
	for (size_t i = 0; i < MAILAUTH_REPORT_TEXT_MAX; i++)
		(void)buf_put_str(&document, "\xc3\xa9&amp;");
	(void)buf_put_str(&document, "</header_from></identifiers></record></feedback>");
	assert_ok(dmarc_report_read(buf_slice(&document), &a, &r, &unit_error));
	assert_int_equal(r.rows[0].dkim_count, MAILAUTH_REPORT_RESULTS_MAX);
	assert_true(r.rows[0].header_from.len <= MAILAUTH_REPORT_TEXT_MAX);
	assert_true(r.rows[0].header_from.len > MAILAUTH_REPORT_TEXT_MAX - 3);
	buf_done(&document);
	arena_done(&a);
}

static void
words_that_are_none_are_our_fault(void **state)
{
	struct dmarc_row row = written[0];
	struct dmarc_reason reason = { SLICE("sampled_out"), SLICE_EMPTY };
	struct dmarc_auth_result signature = signatures[0];
	struct dmarc_report r = report;
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	r.rows = &row;
	r.count = 1;
	assert_ok(dmarc_report_write(&r, &out, &unit_error));
	buf_clear(&out);
	row.source = SLICE("mx.example.org");
	assert_int_equal(dmarc_report_write(&r, &out, NULL), ERR_USAGE);
	row = written[0];
	row.spf_result.result = SLICE("hardfail");
	assert_int_equal(dmarc_report_write(&r, &out, NULL), ERR_USAGE);
	row = written[0];
	row.reasons = &reason;
	row.reason_count = 1;
	assert_int_equal(dmarc_report_write(&r, &out, NULL), ERR_USAGE);
	row = written[0];
	signature.result = SLICE("Pass");
	row.dkim_results = &signature;
	row.dkim_count = 1;
	assert_int_equal(dmarc_report_write(&r, &out, NULL), ERR_USAGE);
	r.count = 0;
	assert_int_equal(dmarc_report_write(&r, &out, NULL), ERR_USAGE);
	assert_int_equal(out.len, 0);
	buf_done(&out);
	buf_init(&out, 100);
	assert_int_equal(dmarc_report_write(&report, &out, NULL), ERR_LIMIT);
	buf_done(&out);
}

static void
names_of_reports(void **state)
{
	static const char *const ids[] = { "", "a b", "a@b@c", ".a", "a.", "a>", "a\r\nBcc: x", "@a", "a@" };
	struct dmarc_report r = report;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_ok(dmarc_report_file(&r, SLICE("mx.example.org"), 0, &out, &unit_error));
	assert_slice(buf_slice(&out), "mx.example.org!example.com!1721001600!1721087999.xml");
	buf_clear(&out);
	assert_ok(dmarc_report_subject(&r, SLICE("mx.example.org"), &out, &unit_error));
	assert_slice(buf_slice(&out),
	    "Report Domain: example.com Submitter: mx.example.org Report-ID: <1721054318-example.com@example.org>");
	buf_clear(&out);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		r.id = slice_str(ids[i]);
		assert_int_equal(dmarc_report_subject(&r, SLICE("mx.example.org"), &out, NULL), ERR_USAGE);
	}
	r.id = report.id;
	r.domain = SLICE("a/../b");
	assert_int_equal(dmarc_report_subject(&r, SLICE("mx.example.org"), &out, NULL), ERR_USAGE);
	assert_int_equal(dmarc_report_file(&r, SLICE("mx.example.org"), 0, &out, NULL), ERR_USAGE);
	assert_int_equal(dmarc_report_file(&report, SLICE("a!b"), 0, &out, NULL), ERR_USAGE);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void
without_memory_it_says_so(void **state)
{
	struct buf document;
	int rc = ERR_NOMEM;

	(void)state;
	buf_init(&document, 1 << 20);
	assert_ok(dmarc_report_write(&report, &document, &unit_error));
	for (long n = 0; rc == ERR_NOMEM && n < 1000; n++) {
		struct dmarc_report r;
		struct arena a;

		arena_init(&a, MAILAUTH_REPORT_ARENA);
		mem_fail_after(n);
		rc = dmarc_report_read(buf_slice(&document), &a, &r, NULL);
		mem_fail_after(-1);
		arena_done(&a);
	}
	assert_int_equal(rc, 0);
	buf_done(&document);
}

UNIT_MAIN(UNIT_TEST(what_is_written_is_read), UNIT_TEST(a_summary_counts_messages), UNIT_TEST(old_reports_are_read),
    UNIT_TEST(what_is_none_is_refused), UNIT_TEST(reports_are_bounded), UNIT_TEST(texts_and_lists_are_cut),
    UNIT_TEST(words_that_are_none_are_our_fault), UNIT_TEST(names_of_reports), UNIT_TEST(without_memory_it_says_so))
