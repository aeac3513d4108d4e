/* SPDX-License-Identifier: ISC */
/* What a connection must be: every source of a policy alone, and which of them wins. */
#include "service/policy/policy.h"
#include "service/policy/tally.h"

#include "unit.h"

#define HOST "mx.example.org"

static const uint8_t ee[3 + 32] = { 3, 1, 1 };
static const struct slice tlsa[] = { { ee, sizeof ee } };
static const struct slice mx_right[] = { { (const uint8_t *)"MX.example.org", 14 } };
static const struct slice mx_star[] = { { (const uint8_t *)"*.example.org", 13 } };
static const struct slice mx_wrong[] = { { (const uint8_t *)"*.mx.example.org", 16 },
	{ (const uint8_t *)"example.org", 11 } };

enum { NONE = RESOLVE_TLSA_NONE, USABLE = RESOLVE_TLSA_USABLE, BAD = RESOLVE_TLSA_BAD, FAILED = RESOLVE_TLSA_FAILED };
enum { RIGHT, STAR, WRONG };

static const struct row {
	const char *name;
	enum policy_operator rule;
	unsigned tlsa;
	enum policy_sts sts;
	unsigned mx;
	bool sure;
	uint32_t flags;
	/* wanted */
	bool permitted, must_tls, require;
	enum tls_outgoing_need need;
	enum queue_policy policy;
	bool testing;
} rows[] = {
	{ "nothing is said", .permitted = true, .need = TLS_OUTGOING_ANY },
	{ "DANE", .tlsa = USABLE, .permitted = true, .must_tls = true, .need = TLS_OUTGOING_DANE,
	    .policy = QUEUE_POLICY_DANE },
	{ "TLSA that cannot be used still ask for TLS", .tlsa = BAD, .permitted = true, .must_tls = true,
	    .need = TLS_OUTGOING_ANY, .policy = QUEUE_POLICY_DANE },
	{ "TLSA that could not be asked", .tlsa = FAILED, .must_tls = true, .policy = QUEUE_POLICY_DANE },
	{ "STS", .sts = POLICY_STS_ENFORCE, .permitted = true, .must_tls = true, .need = TLS_OUTGOING_NAME,
	    .policy = QUEUE_POLICY_MTA_STS },
	{ "STS with a star", .sts = POLICY_STS_ENFORCE, .mx = STAR, .permitted = true, .must_tls = true,
	    .need = TLS_OUTGOING_NAME, .policy = QUEUE_POLICY_MTA_STS },
	{ "STS that does not name it", .sts = POLICY_STS_ENFORCE, .mx = WRONG, .must_tls = true,
	    .need = TLS_OUTGOING_NAME, .policy = QUEUE_POLICY_MTA_STS },
	{ "STS being tested", .sts = POLICY_STS_TESTING, .mx = WRONG, .permitted = true, .need = TLS_OUTGOING_ANY,
	    .testing = true },
	{ "DANE wins", .tlsa = USABLE, .sts = POLICY_STS_ENFORCE, .mx = WRONG, .permitted = true, .must_tls = true,
	    .need = TLS_OUTGOING_DANE, .policy = QUEUE_POLICY_DANE },
	{ "TLSA that cannot be used do not take STS's place", .tlsa = BAD, .sts = POLICY_STS_ENFORCE, .permitted = true,
	    .must_tls = true, .need = TLS_OUTGOING_NAME, .policy = QUEUE_POLICY_MTA_STS },
	{ "nor let by whom STS does not name", .tlsa = BAD, .sts = POLICY_STS_ENFORCE, .mx = WRONG, .must_tls = true,
	    .need = TLS_OUTGOING_NAME, .policy = QUEUE_POLICY_MTA_STS },
	{ "TLS optional not against the operator's DANE", .rule = POLICY_OPERATOR_DANE, .tlsa = USABLE,
	    .flags = QUEUE_TLS_OPTIONAL, .permitted = true, .must_tls = true, .need = TLS_OUTGOING_DANE,
	    .policy = QUEUE_POLICY_DANE },
	{ "nor when it failed", .rule = POLICY_OPERATOR_DANE, .tlsa = FAILED, .flags = QUEUE_TLS_OPTIONAL,
	    .must_tls = true, .policy = QUEUE_POLICY_DANE },
	{ "DANE that failed is not made good by STS", .tlsa = FAILED, .sts = POLICY_STS_ENFORCE, .must_tls = true,
	    .policy = QUEUE_POLICY_DANE },
	{ "REQUIRETLS, unsigned", .flags = QUEUE_REQUIRE_TLS, .must_tls = true, .require = true,
	    .need = TLS_OUTGOING_NAME, .policy = QUEUE_POLICY_REQUIRE_TLS },
	{ "REQUIRETLS, signed", .sure = true, .flags = QUEUE_REQUIRE_TLS, .permitted = true, .must_tls = true,
	    .require = true, .need = TLS_OUTGOING_NAME, .policy = QUEUE_POLICY_REQUIRE_TLS },
	{ "REQUIRETLS and STS", .sts = POLICY_STS_ENFORCE, .flags = QUEUE_REQUIRE_TLS, .permitted = true,
	    .must_tls = true, .require = true, .need = TLS_OUTGOING_NAME, .policy = QUEUE_POLICY_MTA_STS },
	{ "REQUIRETLS and DANE", .tlsa = USABLE, .sure = true, .flags = QUEUE_REQUIRE_TLS, .permitted = true,
	    .must_tls = true, .require = true, .need = TLS_OUTGOING_DANE, .policy = QUEUE_POLICY_DANE },
	{ "REQUIRETLS and unusable TLSA", .tlsa = BAD, .sure = true, .flags = QUEUE_REQUIRE_TLS, .permitted = true,
	    .must_tls = true, .require = true, .need = TLS_OUTGOING_NAME, .policy = QUEUE_POLICY_DANE },
	{ "TLS optional against DANE", .tlsa = FAILED, .flags = QUEUE_TLS_OPTIONAL, .permitted = true },
	{ "TLS optional against STS", .sts = POLICY_STS_ENFORCE, .mx = WRONG, .flags = QUEUE_TLS_OPTIONAL,
	    .permitted = true },
	{ "TLS optional and required: required", .sure = true, .flags = QUEUE_TLS_OPTIONAL | QUEUE_REQUIRE_TLS,
	    .permitted = true, .must_tls = true, .require = true, .need = TLS_OUTGOING_NAME,
	    .policy = QUEUE_POLICY_REQUIRE_TLS },
	{ "TLS optional not against the operator", .rule = POLICY_OPERATOR_ENCRYPT, .flags = QUEUE_TLS_OPTIONAL,
	    .permitted = true, .must_tls = true, .policy = QUEUE_POLICY_OPERATOR },
	{ "always encrypted", .rule = POLICY_OPERATOR_ENCRYPT, .permitted = true, .must_tls = true,
	    .policy = QUEUE_POLICY_OPERATOR },
	{ "always verified", .rule = POLICY_OPERATOR_VERIFY, .permitted = true, .must_tls = true,
	    .need = TLS_OUTGOING_NAME, .policy = QUEUE_POLICY_OPERATOR },
	{ "always verified, by DANE", .rule = POLICY_OPERATOR_VERIFY, .tlsa = USABLE, .permitted = true,
	    .must_tls = true, .need = TLS_OUTGOING_DANE, .policy = QUEUE_POLICY_DANE },
	{ "pinned", .rule = POLICY_OPERATOR_PIN, .tlsa = USABLE, .permitted = true, .must_tls = true,
	    .need = TLS_OUTGOING_PIN, .policy = QUEUE_POLICY_OPERATOR },
	{ "only DANE, and none", .rule = POLICY_OPERATOR_DANE, .must_tls = true },
	{ "only DANE, unusable", .rule = POLICY_OPERATOR_DANE, .tlsa = BAD, .must_tls = true,
	    .policy = QUEUE_POLICY_DANE },
	{ "only DANE", .rule = POLICY_OPERATOR_DANE, .tlsa = USABLE, .permitted = true, .must_tls = true,
	    .need = TLS_OUTGOING_DANE, .policy = QUEUE_POLICY_DANE },
};

static void
decide(const struct row *r, struct policy_decision *out)
{
	static const struct slice *const lists[] = { mx_right, mx_star, mx_wrong };
	static const size_t counts[] = { 1, 1, 2 };
	static struct policy_domain domain;
	static struct resolve_host host;

	domain = (struct policy_domain){ .domain = SLICE("example.org"),
		.rule = r->rule,
		.sts = r->sts,
		.mx = lists[r->mx],
		.mx_count = counts[r->mx] };
	host = (struct resolve_host){ .name = SLICE(HOST),
		.tlsa = r->tlsa,
		.tlsa_base = SLICE(HOST),
		.tlsa_records = tlsa,
		.tlsa_count = r->tlsa == USABLE ? 1 : 0 };
	policy_decide(
	    &(struct policy_input){ .domain = &domain, .host = &host, .sure = r->sure, .flags = r->flags }, out);
}

static void
each_source_and_which_wins(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct policy_decision d;

		decide(r, &d);
		if (d.permitted != r->permitted || d.must_tls != r->must_tls || d.must_require_tls != r->require ||
		    (r->permitted && d.need != r->need) || d.policy != r->policy || d.testing != r->testing)
			fail_msg("%s: permitted %d, TLS %d, REQUIRETLS %d, need %d, policy %d", r->name, d.permitted,
			    d.must_tls, d.must_require_tls, (int)d.need, (int)d.policy);
		assert_int_equal(d.permitted, d.why[0] == '\0');
		assert_int_equal(d.policy == QUEUE_POLICY_NONE, d.source[0] == '\0');
	}
}

/* RFC 7672 section 3.2.2: the TLSA base domain first, then what may stand in a certificate under a trust anchor. */
static void
names_of_dane(void **state)
{
	struct policy_decision d;

	(void)state;
	decide(&rows[1], &d);
	assert_int_equal(d.name_count, 2);
	assert_true(slice_eq_str(d.names[0], HOST) && slice_eq_str(d.names[1], "example.org"));
	assert_int_equal(d.tlsa_count, 1);
}

/* ---- tallies ---- */

static void
tallies_cross(void **state)
{
	struct arena a ARENA_OWNED = { 0 };
	struct buf one BUF_OWNED = { 0 }, two BUF_OWNED = { 0 };
	struct tls_tally in = {
		.type = TLSRPT_TLSA, .result = TLSRPT_TLSA_INVALID, .mx_name = SLICE(HOST), .reason = SLICE("x")
	};
	struct tls_tally out;

	(void)state;
	arena_init(&a, 1u << 16);
	buf_init(&one, TLS_TALLY_ROW_MAX);
	buf_init(&two, TLS_TALLY_ROW_MAX);
	tls_tally_tlsa(&in, tlsa, 1, &a);
	assert_ok(tls_tally_write(&in, &one, &unit_error));
	assert_ok(tls_tally_read(buf_slice(&one), &a, &out, &unit_error));
	assert_int_equal(out.line_count, 1);
	assert_true(
	    slice_eq_str(out.lines[0].text, "3 1 1 0000000000000000000000000000000000000000000000000000000000000000"));
	assert_ok(tls_tally_write(&out, &two, &unit_error));
	assert_slices(buf_slice(&one), buf_slice(&two));
	for (size_t i = 0; i < one.len; i++)
		assert_int_not_equal(tls_tally_read(slice_sub(buf_slice(&one), 0, i), &a, &out, NULL), 0);
}

/* What a domain publishes never makes a row that the store does not take. */
static void
long_policies_fit(void **state)
{
	static uint8_t whole[4096] = { 3, 0, 0 };
	struct slice records[16];
	struct arena a ARENA_OWNED = { 0 };
	struct buf b BUF_OWNED = { 0 }, text BUF_OWNED = { 0 };
	struct tls_tally t = { .type = TLSRPT_TLSA };

	(void)state;
	arena_init(&a, 1u << 16);
	buf_init(&b, TLS_TALLY_ROW_MAX);
	buf_init(&text, 1u << 17);
	for (size_t i = 0; i < 16; i++)
		records[i] = slice_of(whole, sizeof whole);
	tls_tally_tlsa(&t, records, 16, &a);
	assert_in_range(t.line_count, 1, 15);
	assert_ok(tls_tally_write(&t, &b, &unit_error));
	for (size_t i = 0; i < 1000; i++)
		(void)buf_put_str(&text, "mx: a.quite.long.name.that.makes.the.policy.long.example.org\r\n\r\n");
	tls_tally_sts(&t, buf_slice(&text), &a);
	assert_int_equal(t.line_count, TLS_TALLY_LINES_MAX);
	assert_true(slice_eq_str(t.lines[1].text, "mx: a.quite.long.name.that.makes.the.policy.long.example.org"));
	buf_clear(&b);
	assert_ok(tls_tally_write(&t, &b, &unit_error));
}

UNIT_MAIN(UNIT_TEST(each_source_and_which_wins), UNIT_TEST(names_of_dane), UNIT_TEST(tallies_cross),
    UNIT_TEST(long_policies_fit))
