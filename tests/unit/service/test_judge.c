/* SPDX-License-Identifier: ISC */
#include "service/judge/judge.h"

#include "base/machine.h"
#include "service/judge/lookup.h"
#include "service/judge/tally.h"
#include "service/milter/filter.h"
#include "unit.h"

/* ---- answers of DNS ---- */

static struct slice
octets(const char *text, size_t len)
{
	return slice_of(text, len);
}

static void
records_are_read(void **state)
{
	static const struct {
		enum mailauth_rr type;
		const char *rdata;
		size_t len;
		enum mailauth_found found;
		const char *text;
	} rows[] = {
		{ MAILAUTH_A, "\x7f\0\0\1", 4, MAILAUTH_FOUND, NULL },
		{ MAILAUTH_A, "\x7f\0\0", 3, MAILAUTH_FAILED, NULL },
		{ MAILAUTH_AAAA, "0123456789abcdef", 16, MAILAUTH_FOUND, NULL },
		{ MAILAUTH_TXT, "\3v=s\3pf1", 8, MAILAUTH_FOUND, "v=spf1" },
		{ MAILAUTH_TXT, "\0", 1, MAILAUTH_FOUND, "" },
		{ MAILAUTH_MX, "\0\012\1a\1b\0", 7, MAILAUTH_FOUND, "a.b" },
		{ MAILAUTH_MX, "\0\0\0", 3, MAILAUTH_FOUND, "." },
		{ MAILAUTH_MX, "\0", 1, MAILAUTH_FAILED, NULL },
		{ MAILAUTH_PTR, "\1a\1b\0", 5, MAILAUTH_FOUND, "a.b" },
		{ MAILAUTH_PTR, "\1a\1b", 4, MAILAUTH_FAILED, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice rdata = octets(rows[i].rdata, rows[i].len);
		const struct dns_answer in = { .security = DNS_SECURE, .records = &rdata, .record_count = 1 };
		struct arena a ARENA_OWNED = { 0 };
		struct mailauth_answer out;

		arena_init(&a, 1u << 16);
		out = lookup_read(rows[i].type, &in, &a);
		assert_int_equal(out.found, rows[i].found);
		assert_true(out.found != MAILAUTH_FOUND || out.secure);
		if (rows[i].text != NULL)
			assert_slice(out.records[0], rows[i].text);
	}
}

static void
exchanges_by_preference(void **state)
{
	struct slice rdata[] = { octets("\0\024\1b\0", 5), octets("\0\012\1a\0", 5), octets("\0\024\1c\0", 5) };
	const struct dns_answer in = { .records = rdata, .record_count = 3 };
	struct arena a ARENA_OWNED = { 0 };
	struct mailauth_answer out;

	(void)state;
	arena_init(&a, 1u << 16);
	out = lookup_read(MAILAUTH_MX, &in, &a);
	assert_slice(out.records[0], "a");
	assert_slice(out.records[1], "b");
	assert_slice(out.records[2], "c");
}

/* What is not known is never "nothing". */
static void
what_is_not_known(void **state)
{
	struct slice many[129];
	const struct {
		struct dns_answer in;
		enum mailauth_found found;
	} rows[] = {
		{ { .rcode = DNS_NXDOMAIN }, MAILAUTH_NO_NAME },
		{ { .rcode = DNS_NOERROR }, MAILAUTH_NONE },
		{ { .rcode = DNS_NXDOMAIN, .security = DNS_BOGUS }, MAILAUTH_FAILED },
		{ { .rcode = 2 }, MAILAUTH_FAILED },
		{ { .records = many, .record_count = 129 }, MAILAUTH_FAILED },
	};
	struct arena a ARENA_OWNED = { 0 };

	(void)state;
	arena_init(&a, 1u << 16);
	for (size_t i = 0; i < 129; i++)
		many[i] = octets("\x7f\0\0\1", 4);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(lookup_read(MAILAUTH_A, &rows[i].in, &a).found, rows[i].found);
	assert_int_equal(lookup_read(MAILAUTH_A, NULL, &a).found, MAILAUTH_FAILED);
}

/* ---- a judge without a resolver ---- */

static void
nothing_can_be_asked(void **state)
{
	const struct judge_policy policy = { 0 };
	const struct judge_in in = { .policy = &policy,
		.hostname = SLICE("mx.example"),
		.address = SLICE("192.0.2.1"),
		.hello = SLICE("client.example"),
		.from = SLICE("a@b.example") };
	const struct judge_verdict *v;
	struct judge *j;

	(void)state;
	assert_ok(judge_new(&in, &j, &unit_error));
	assert_false(judge_step(j, 0));
	judge_header(j, SLICE("From: a@b.example\r\n\r\n"));
	judge_body(j, SLICE("x\r\n"));
	assert_false(judge_step(j, 0));
	judge_end(j, 0);
	assert_true(judge_step(j, 0));
	assert_true(judge_deadline(j) == MACHINE_NEVER);
	v = judge_verdict(j);
	assert_int_equal(v->action, JUDGE_ACCEPT);
	assert_string_equal(v->spf, "temperror");
	assert_string_equal(v->dkim, "none");
	assert_string_equal(v->dmarc, "temperror");
	assert_true(slice_starts(v->field, SLICE("Authentication-Results: mx.example;")));
	assert_true(slice_ends(v->field, SLICE("\r\n")));
	judge_free(j);
}

/* Dropped at any moment. */
static void
dropped_early(void **state)
{
	const struct judge_policy policy = { 0 };
	const struct judge_in in = { .policy = &policy, .hostname = SLICE("mx.example"), .address = SLICE("/socket") };
	struct judge *j;

	(void)state;
	for (int when = 0; when < 3; when++) {
		assert_ok(judge_new(&in, &j, &unit_error));
		if (when > 0)
			judge_header(j, SLICE("\r\n"));
		if (when > 1) {
			judge_end(j, 0);
			assert_true(judge_step(j, 0));
			assert_string_equal(judge_verdict(j)->spf, "none");
		}
		judge_free(j);
	}
	judge_free(NULL);
}

/* ---- forged results ---- */

static void
forged_results_go(void **state)
{
	static const struct {
		const char *header, *kept;
		int gone;
	} rows[] = {
		{ "From: a\r\n\r\n", "From: a\r\n\r\n", 0 },
		{ "Authentication-Results: mx.example; spf=pass\r\nFrom: a\r\n\r\n", "From: a\r\n\r\n", 1 },
		{ "AUTHENTICATION-results \t: (x)\r\n MX.example. 1;\r\n spf=pass\r\n\r\n", "\r\n", 1 },
		{ "Authentication-Results: other.example; spf=pass\r\n\r\n",
		    "Authentication-Results: other.example; spf=pass\r\n\r\n", 0 },
		{ "no field\r\nAuthentication-Results: \"mx.example\"; none\r\n\r\n", "no field\r\n\r\n", 1 },
		{ "Authentication-Results: mx.example; none\r\nAuthentication-Results: mx.example; none", "", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out BUF_OWNED = { 0 };

		buf_init(&out, 1000);
		assert_int_equal(judge_strip(slice_str(rows[i].header), SLICE("mx.example"), &out), rows[i].gone);
		assert_slice(buf_slice(&out), rows[i].kept);
	}
}

/* ---- tallies, and places of milters ---- */

static void
tallies_cross(void **state)
{
	const struct tally_auth signature = { SLICE("a.example"), SLICE("k1"), SLICE("pass") };
	const struct tally in = { .source = SLICE("192.0.2.1"),
		.disposition = 3,
		.dkim = true,
		.header_from = SLICE("a.example"),
		.signatures = &signature,
		.signature_count = 1,
		.sender = { .domain = SLICE("b.example"), .result = SLICE("fail") },
		.p = 2,
		.testing = true };
	struct arena a ARENA_OWNED = { 0 };
	struct buf one BUF_OWNED = { 0 }, two BUF_OWNED = { 0 };
	struct tally out;

	(void)state;
	arena_init(&a, 1u << 16);
	buf_init(&one, TALLY_ROW_MAX);
	buf_init(&two, TALLY_ROW_MAX);
	assert_ok(tally_write(&in, &one, &unit_error));
	assert_ok(tally_read(buf_slice(&one), &a, &out, &unit_error));
	assert_ok(tally_write(&out, &two, &unit_error));
	assert_slices(buf_slice(&one), buf_slice(&two));
	for (size_t i = 0; i < one.len; i++)
		assert_int_not_equal(tally_read(slice_sub(buf_slice(&one), 0, i), &a, &out, NULL), 0);
}

static void
places_of_milters(void **state)
{
	static const struct {
		const char *text, *address;
		uint16_t port;
	} rows[] = {
		{ "unix:/run/m.sock", "/run/m.sock", 0 },
		{ "127.0.0.1:11332", "127.0.0.1", 11332 },
		{ "[::1]:11332", "::1", 11332 },
		{ "unix:m.sock", NULL, 0 },
		{ "192.0.2.1:11332", NULL, 0 },
		{ "[2001:db8::1]:1", NULL, 0 },
		{ "127.0.0.1", NULL, 0 },
		{ "127.0.0.1:0", NULL, 0 },
		{ "127.0.0.1:65536", NULL, 0 },
		{ "localhost:11332", NULL, 0 },
		{ "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct filter_place place;
		bool good = filter_place_parse(slice_str(rows[i].text), &place);

		assert_int_equal(good, rows[i].address != NULL);
		if (good) {
			assert_string_equal(place.address, rows[i].address);
			assert_int_equal(place.port, rows[i].port);
		}
	}
}

UNIT_MAIN(UNIT_TEST(records_are_read), UNIT_TEST(exchanges_by_preference), UNIT_TEST(what_is_not_known),
    UNIT_TEST(nothing_can_be_asked), UNIT_TEST(dropped_early), UNIT_TEST(forged_results_go), UNIT_TEST(tallies_cross),
    UNIT_TEST(places_of_milters))
