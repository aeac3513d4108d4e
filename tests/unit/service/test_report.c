/* SPDX-License-Identifier: ISC */
/* What was counted becomes one report; and when a day is over. */
#include "base/base64.h"
#include "base/inflate.h"
#include "service/judge/tally.h"
#include "service/policy/tally.h"
#include "service/report/internal.h"
#include "unit.h"

#define DAY 20000u /* 2024-10-04 */

static struct tls_gather gather;

static void
add(const struct tls_tally *t, uint64_t count)
{
	struct buf row BUF_OWNED = { 0 };

	buf_init(&row, TLS_TALLY_ROW_MAX);
	assert_ok(tls_tally_write(t, &row, &unit_error));
	assert_ok(tls_gather_add(&gather, buf_slice(&row), count, &unit_error));
}

static void
gather_some(void)
{
	const struct tls_tally_line lines[] = { { SLICE("version: STSv1") }, { SLICE("mx: *.b.example") } };
	struct tls_tally t = { .type = TLSRPT_STS, .lines = lines, .line_count = 2 };

	assert_ok(tls_gather_begin(&gather, DAY, SLICE("b.example"), &unit_error));
	add(&t, 5);
	t.result = TLSRPT_EXPIRED;
	t.mx_name = SLICE("mx.b.example");
	add(&t, 2);
	t = (struct tls_tally){ .type = TLSRPT_NO_POLICY, .result = TLSRPT_STARTTLS_NOT_SUPPORTED };
	add(&t, 7);
	t = (struct tls_tally){ .type = TLSRPT_STS, .lines = lines, .line_count = 2, .result = TLSRPT_HOST_MISMATCH };
	add(&t, 1);
	/* What cannot be read is left out. */
	assert_ok(tls_gather_add(&gather, SLICE("\xff\xff"), 9, &unit_error));
}

static void
rows_become_policies(void **state)
{
	struct tlsrpt_report r;

	(void)state;
	gather_some();
	assert_ok(tls_gather_report(&gather, SLICE("us.example"), true, &r, &unit_error));
	assert_int_equal(r.policy_count, 2);
	assert_int_equal(r.begin, 1728000000);
	assert_int_equal(r.end, 1728000000 + 86399);
	assert_true(slice_eq_str(r.contact, "postmaster@us.example"));
	assert_int_equal(r.policies[0].successful, 5);
	assert_int_equal(r.policies[0].failed, 3);
	assert_int_equal(r.policies[0].failure_count, 2);
	assert_true(slice_eq_str(r.policies[0].failures[1].result, "certificate-host-mismatch"));
	assert_int_equal(r.policies[0].mx_count, 1);
	assert_true(slice_eq_str(r.policies[0].mx[0], "*.b.example"));
	assert_int_equal(r.policies[1].failures[0].count, 7);
	/* Sums alone, when it is too long. */
	assert_ok(tls_gather_report(&gather, SLICE("us.example"), false, &r, &unit_error));
	assert_int_equal(r.policies[0].failed, 3);
	assert_int_equal(r.policies[0].failure_count, 0);
	tls_gather_done(&gather);
}

static void
read_document(struct slice letter, struct arena *a, struct tlsrpt_report *out)
{
	size_t at = slice_search(letter, SLICE(".json.gz\"\r\n\r\n"));
	struct slice text = slice_from(letter, at + SLICE(".json.gz\"\r\n\r\n").len), packed;
	struct buf octets BUF_OWNED = { 0 };
	const struct inflater_options options = { .format = INFLATE_GZIP, .output_max = 100000 };
	static uint8_t document[100000];
	struct base64_decoder decoder;
	struct inflater *z;
	size_t n;

	assert_true(at != SIZE_MAX);
	buf_init(&octets, 1u << 20);
	text = slice_sub(text, 0, slice_search(text, SLICE("\r\n--")));
	base64_decoder_init(&decoder, BASE64_TOLERANT);
	assert_int_equal(base64_decoder_feed(&decoder, text, &octets), text.len);
	assert_ok(base64_decoder_end(&decoder, &octets, &unit_error));
	packed = buf_slice(&octets);
	assert_ok(inflater_new(&options, &z, &unit_error));
	assert_int_equal(inflater_step(z, &packed, document, sizeof document, &n, &unit_error), 1);
	inflater_free(z);
	assert_ok(tlsrpt_report_read(slice_of(document, n), a, out, &unit_error));
}

static void
a_letter_with_it(void **state)
{
	static const char *const fields[] = { "Return-Path: <>\r\nFrom: postmaster@us.example\r\n",
		"\r\nTo: <a@b.example>,\r\n <c@b.example>\r\n", "\r\nTLS-Report-Domain: b.example\r\n",
		"\r\nTLS-Report-Submitter: us.example\r\n", "\r\nTLS-Required: No\r\n",
		"\r\nSubject: Report Domain: b.example\r\n Submitter: us.example\r\n Report-ID: <tls.20000.",
		"multipart/report; report-type=\"tlsrpt\"", "\"us.example!b.example!1728000000!1728086399.json.gz\"" };
	const struct slice to[] = { SLICE("a@b.example"), SLICE("c@b.example") };
	struct tlsrpt_report read;
	struct report_letter l = { .submitter = SLICE("us.example"),
		.domain = SLICE("b.example"),
		.to = to,
		.to_count = 2,
		.now = 1728100000 };
	struct arena a ARENA_OWNED = { 0 };
	struct buf b BUF_OWNED = { 0 };

	(void)state;
	gather_some();
	buf_init(&b, REPORT_LETTER_MAX);
	report_letter_init(&l);
	assert_ok(report_tls.compose(&gather, 0, 0, &l, &unit_error));
	assert_ok(report_letter_write(&l, &b, &unit_error));
	report_letter_done(&l);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (slice_search(buf_slice(&b), slice_str(fields[i])) == SIZE_MAX)
			fail_msg("no %s", fields[i]);
	arena_init(&a, TLSRPT_ARENA);
	read_document(buf_slice(&b), &a, &read);
	assert_int_equal(read.policy_count, 2);
	assert_int_equal(read.policies[0].failed, 3);
	tls_gather_done(&gather);
}

static void
add_mail(void *g, const char *source, uint32_t policy, uint64_t count)
{
	const struct tally t = { .source = slice_str(source),
		.disposition = DMARC_DISPOSITION_NONE,
		.header_from = SLICE("b.example"),
		.envelope_from = SLICE("b.example"),
		.sender = { .domain = SLICE("b.example"), .result = SLICE("fail") },
		.p = policy };
	struct buf row BUF_OWNED = { 0 };

	buf_init(&row, TALLY_ROW_MAX);
	assert_ok(tally_write(&t, &row, &unit_error));
	assert_ok(report_dmarc.add(g, buf_slice(&row), count, &unit_error));
}

/* The i-th report, cut so often, read again. */
static struct dmarc_report
composed(void *g, size_t i, unsigned cut, struct arena *a)
{
	struct report_letter l = { .submitter = SLICE("us.example"), .domain = SLICE("b.example") };
	struct dmarc_report out;

	report_letter_init(&l);
	assert_ok(report_dmarc.compose(g, i, cut, &l, &unit_error));
	assert_int_equal(slice_search(buf_slice(&l.file), SLICE("!1.xml")) != SIZE_MAX, i == 1);
	arena_init(a, MAILAUTH_REPORT_ARENA);
	assert_ok(dmarc_report_read(buf_slice(&l.document), a, &out, &unit_error));
	report_letter_done(&l);
	return out;
}

/* A report has one policy; what is too much for a letter loses the rows that say least. */
static void
mail_becomes_reports(void **state)
{
	struct arena a ARENA_OWNED = { 0 };
	struct dmarc_report r;
	void *g;

	(void)state;
	assert_ok(report_dmarc.begin(DAY, SLICE("b.example"), &g, &unit_error));
	assert_int_equal(report_dmarc.count(g), 0);
	add_mail(g, "192.0.2.1", DMARC_POLICY_NONE, 3);
	add_mail(g, "192.0.2.2", DMARC_POLICY_NONE, 7);
	add_mail(g, "2001:db8::1", DMARC_POLICY_REJECT, 1);
	assert_ok(report_dmarc.add(g, SLICE("\xff\xff"), 9, &unit_error));
	add_mail(g, "no address", DMARC_POLICY_NONE, 1);
	assert_int_equal(report_dmarc.count(g), 2);
	r = composed(g, 0, 0, &a);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.begin, 1728000000);
	assert_int_equal(r.p, DMARC_POLICY_NONE);
	assert_slice(r.rows[0].source, "192.0.2.2");
	assert_int_equal(r.error.len, 0);
	arena_done(&a);
	r = composed(g, 0, 1, &a);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.rows[0].count, 7);
	assert_slice(r.error, "1 rows with the fewest messages are left out");
	arena_done(&a);
	r = composed(g, 1, REPORT_CUTS_MAX, &a);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.p, DMARC_POLICY_REJECT);
	assert_slice(r.rows[0].source, "2001:db8::1");
	report_dmarc.done(g);
}

/* Each hostname has its hour, the same every day; before it the day before is not over. */
static void
days_end(void **state)
{
	static const char *const hosts[] = { "a.example", "b.example", "mail.example.org" };
	uint64_t begins[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint64_t second = 0;

		while (second < 86400 && reporter_before(slice_str(hosts[i]), DAY * 86400ull + second) == DAY - 1)
			second++;
		assert_in_range(second, 600, 600 + 7200);
		assert_int_equal(reporter_before(slice_str(hosts[i]), DAY * 86400ull + 86399), DAY);
		assert_int_equal(reporter_before(slice_str(hosts[i]), (DAY + 1) * 86400ull + second - 1), DAY);
		begins[i] = second;
	}
	assert_false(begins[0] == begins[1] && begins[1] == begins[2]);
}

UNIT_MAIN(
    UNIT_TEST(rows_become_policies), UNIT_TEST(a_letter_with_it), UNIT_TEST(mail_becomes_reports), UNIT_TEST(days_end))
