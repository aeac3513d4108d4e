/* SPDX-License-Identifier: ISC */
/* The relay against servers that behave, refuse, die and are not there; what mail is told of it. */
#include "service/relay_world.h"

#define LETTER "Subject: x\r\n\r\n.a dot\r\nand more\r\n"

static void
sent_and_reused(void **state)
{
	struct peer peers[] = { { .number = 1 } };
	const struct domain domains[] = { { "a.example", { { "mx.a.example", { 1 } } } }, { 0 } };
	struct world *w = world_new(peers, 1, domains, (struct relay_options){ 0 });

	(void)state;
	for (size_t i = 1; i <= 5; i++) {
		uint64_t queue = put(w, 0, LETTER, TO("x@a.example", "y@a.example"));

		until_settled(w, i * 2);
		expect(w, queue, 0, QUEUE_DELIVERED, "2.0.0", "250 2.0.0 taken");
		expect(w, queue, 1, QUEUE_DELIVERED, "2.0.0", "taken");
		assert_string_equal(outcome_of(w, queue, 0)->host, "mx.a.example");
		assert_string_equal(outcome_of(w, queue, 0)->address, "127.0.0.1");
	}
	assert_int_equal(peers[0].messages, 5);
	assert_int_equal(peers[0].connections, 1);
	assert_non_null(strstr(peers[0].log, "\n..a dot\nand more\n.\n"));
	world_stop(w, 2000);
	assert_non_null(strstr(peers[0].log, "\nQUIT\n"));
	world_free(w);
}

/* Some refused for good, some for now: the others go, and those that wait are tried with the next host. */
static void
partly_refused(void **state)
{
	struct peer peers[] = { { .number = 1, .rcpt = "550 5.1.1 nobody" }, { .number = 2, .rcpt = "450 4.2.1 later" },
		{ .number = 3 } };
	const struct domain domains[] = { { "a.example", { { "mx.a.example", { 1 } } } },
		{ "b.example", { { "mx1.b.example", { 2 } }, { "mx2.b.example", { 3 } } } },
		{ "c.example", { { "mx.c.example", { 2 } } } }, { 0 } };
	struct world *w = world_new(peers, 3, domains, (struct relay_options){ 0 });
	uint64_t a = put(w, 0, LETTER, TO("x@a.example", "no@a.example"));
	uint64_t b = put(w, 0, LETTER, TO("x@b.example", "no@b.example"));
	uint64_t c = put(w, 0, LETTER, TO("x@c.example", "no@c.example"));

	(void)state;
	until_settled(w, 6);
	expect(w, a, 0, QUEUE_DELIVERED, "2.0.0", "taken");
	expect(w, a, 1, QUEUE_FAILED, "5.1.1", "550 5.1.1 nobody");
	assert_true(outcome_of(w, a, 1)->from_remote);
	expect(w, b, 0, QUEUE_DELIVERED, "2.0.0", "taken");
	expect(w, b, 1, QUEUE_DELIVERED, "2.0.0", "taken");
	assert_string_equal(outcome_of(w, b, 0)->host, "mx1.b.example");
	assert_string_equal(outcome_of(w, b, 1)->host, "mx2.b.example");
	expect(w, c, 1, QUEUE_DEFERRED, "4.2.1", "450 4.2.1 later");
	assert_int_equal(w->deferred_domains, 0);
	world_free(w);
}

static const struct row {
	const char *name;
	struct peer peer;
	enum queue_result result;
	const char *status, *text;
	bool next_host; /* the second host gets it */
} rows[] = {
	{ "greeting 5xx", { .greeting = "554 5.3.2 no service" }, QUEUE_DEFERRED, "4.3.2", "554", true },
	{ "greeting 4xx", { .greeting = "421 4.3.2 busy" }, QUEUE_DEFERRED, "4.3.2", "421 4.3.2 busy", true },
	{ "greeting of another protocol", { .greeting = "HTTP/1.1 400 no" }, QUEUE_DEFERRED, "4.5.0", "mx1", true },
	{ "ends before the greeting", { .die_at = 'g' }, QUEUE_DEFERRED, "4.4.2", "mx1.a.example [127.0.0.1]", true },
	{ "MAIL 5xx", { .mail = "550 5.7.1 not from you" }, QUEUE_FAILED, "5.7.1", "not from you", false },
	{ "MAIL 4xx", { .mail = "451 4.7.1 greylisted" }, QUEUE_DEFERRED, "4.7.1", "greylisted", true },
	{ "DATA 5xx", { .data = "554 5.6.0 no" }, QUEUE_FAILED, "5.6.0", "554", false },
	{ "text 4xx", { .end = "452 4.3.1 full" }, QUEUE_DEFERRED, "4.3.1", "452 4.3.1 full", true },
	{ "text 5xx without code", { .end = "554 spam\r\n" }, QUEUE_FAILED, "5.0.0", "554 spam", false },
	{ "dies in the text, which is short", { .die_at = 't' }, QUEUE_DEFERRED, "4.4.2", "may have been taken",
	    false },
	{ "dies before the answer", { .die_at = 'e' }, QUEUE_DEFERRED, "4.4.2", "may have been taken", false },
	{ "421 at RCPT", { .rcpt_all = "421 4.2.1 enough" }, QUEUE_DEFERRED, "4.2.1", "421 4.2.1 enough", true },
	{ "no 8BITMIME", { .ehlo = "250-x\r\n250 PIPELINING" }, QUEUE_FAILED, "5.6.3", "8 bit", true },
	{ "SIZE", { .ehlo = "250-x\r\n250-8BITMIME\r\n250 SIZE 5" }, QUEUE_FAILED, "5.3.4", "at most 5", true },
	{ "HELO only", { .ehlo = "502 what" }, QUEUE_FAILED, "5.6.3", "8 bit", true },
	{ "our own name", { .ehlo = "250-us.example hello\r\n250 8BITMIME" }, QUEUE_FAILED, "5.4.6", "loop", false },
};

/* Alone, and before a host that takes everything. */
static void
what_servers_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i];
		struct peer *peers = calloc(2, sizeof *peers);
		const struct domain domains[] = { { "a.example", { { "mx1.a.example", { 1 } } } },
			{ "b.example", { { "mx1.b.example", { 1 } }, { "mx2.b.example", { 2 } } } }, { 0 } };
		struct world *w;
		uint64_t a, b;

		print_message("# %s\n", row->name);
		assert_non_null(peers);
		peers[0] = row->peer;
		peers[0].number = 1;
		peers[1].number = 2;
		w = world_new(peers, 2, domains, (struct relay_options){ 0 });
		a = put(w, QUEUE_8BIT, LETTER, TO("x@a.example"));
		until_settled(w, 1);
		expect(w, a, 0, row->result, row->status, row->text);
		b = put(w, QUEUE_8BIT, LETTER, TO("x@b.example"));
		until_settled(w, 2);
		if (row->next_host)
			expect(w, b, 0, QUEUE_DELIVERED, "2.0.0", "taken");
		else
			expect(w, b, 0, row->result, row->status, row->text);
		assert_int_equal(peers[1].messages, row->next_host);
		world_free(w);
		free(peers);
	}
}

static void
no_way(void **state)
{
	struct peer peers[] = { { .number = 1 } };
	const struct domain domains[] = { { "null.example", { { 0 } }, .null_mx = true },
		{ "bogus.example", { { 0 } }, .error = ERR_POLICY },
		{ "slow.example", { { 0 } }, .error = ERR_TIMEOUT },
		{ "dead.example", { { "mx1.dead.example", { 77 } }, { "mx2.dead.example", { 78, 79 } } } },
		{ "half.example", { { "mx1.half.example", { 77 } }, { "mx2.half.example", { 78, 1 } } } },
		{ "loop.example", { { "US.example", { 1 } }, { "mx2.loop.example", { 1 } } } },
		{ "backup.example",
		    { { "mx1.backup.example", { 77 } }, { "us.example", { 1 } }, { "mx3.backup.example", { 1 } } } },
		{ "bare.example", { { "mx.bare.example", { 0 } } } }, { 0 } };
	const struct {
		const char *to;
		enum queue_result result;
		const char *status, *text;
	} cases[] = {
		{ "x@null.example", QUEUE_FAILED, "5.1.10", "null MX" },
		{ "x@none.example", QUEUE_FAILED, "5.1.2", "there is no domain none.example" },
		{ "x@bogus.example", QUEUE_DEFERRED, "4.7.0", "the resolver's reason" },
		{ "x@slow.example", QUEUE_DEFERRED, "4.4.3", "the resolver's reason" },
		{ "x@dead.example", QUEUE_DEFERRED, "4.4.1", "127.0.0.79" },
		{ "x@half.example", QUEUE_DELIVERED, "2.0.0", "taken" },
		{ "x@loop.example", QUEUE_FAILED, "5.4.6", "loop" },
		{ "x@backup.example", QUEUE_DEFERRED, "4.4.1", "mx1.backup.example" },
		{ "x@bare.example", QUEUE_DEFERRED, "4.4.4", "no address" },
		{ "x@[127.0.0.1]", QUEUE_DELIVERED, "2.0.0", "taken" },
	};
	struct world *w = world_new(peers, 1, domains, (struct relay_options){ 0 });

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t queue = put(w, 0, LETTER, TO(cases[i].to));

		until_settled(w, i + 1);
		expect(w, queue, 0, cases[i].result, cases[i].status, cases[i].text);
	}
	assert_int_equal(peers[0].messages, 2);
	assert_true(w->deferred_domains >= 3);
	world_free(w);
}

/* A server that ends a connection that had been kept: the message goes over another one, and nobody hears of it. */
static void
kept_connection_ends(void **state)
{
	struct peer peers[] = { { .number = 1, .die_at = 'm' } };
	const struct domain domains[] = { { "a.example", { { "mx.a.example", { 1 } } } }, { 0 } };
	struct world *w = world_new(peers, 1, domains, (struct relay_options){ 0 });

	(void)state;
	for (size_t i = 1; i <= 3; i++) {
		uint64_t queue = put(w, 0, LETTER, TO("x@a.example"));

		until_settled(w, i);
		expect(w, queue, 0, QUEUE_DELIVERED, "2.0.0", "taken");
	}
	assert_int_equal(peers[0].messages, 3);
	assert_int_equal(peers[0].connections, 3);
	world_free(w);
}

/* A host that never answers takes two connections, and none of the others' time. */
static void
silence_is_alone(void **state)
{
	struct peer peers[] = { { .number = 1, .silent = true }, { .number = 2 } };
	const struct domain domains[] = { { "silent.example", { { "mx.silent.example", { 1 } } } },
		{ "b.example", { { "mx.b.example", { 2 } } } }, { 0 } };
	struct world *w = world_new(peers, 2, domains, (struct relay_options){ .connections = 12 });

	(void)state;
	for (int i = 0; i < 100; i++)
		(void)put(w, 0, LETTER, TO("x@silent.example"));
	for (int i = 0; i < 200; i++)
		(void)put(w, 0, LETTER, TO("x@b.example"));
	until_settled(w, 200);
	assert_int_equal(peers[1].messages, 200);
	assert_true(peers[1].open_most > 1 && peers[1].open_most <= 12);
	assert_true(peers[0].connections <= 2);
	for (size_t i = 0; i < w->outcome_count; i++)
		assert_string_equal(w->outcomes[i].host, "mx.b.example");
	/* At the stop what was not tried is given back. */
	world_stop(w, 4000);
	assert_true(w->outcome_count >= 202);
	for (size_t i = 200; i < w->outcome_count; i++)
		assert_int_equal(w->outcomes[i].result, QUEUE_RETURNED);
	world_free(w);
}

/* Mail is away for a moment: what was answered is told again, and sent once. */
static void
told_until_heard(void **state)
{
	struct peer peers[] = { { .number = 1 } };
	const struct domain domains[] = { { "a.example", { { "mx.a.example", { 1 } } } }, { 0 } };
	struct world *w = world_new(peers, 1, domains, (struct relay_options){ 0 });
	uint64_t queue;

	(void)state;
	w->settle_refusals = 2;
	queue = put(w, 0, LETTER, TO("x@a.example"));
	until_settled(w, 1);
	expect(w, queue, 0, QUEUE_DELIVERED, "2.0.0", "taken");
	assert_int_equal(peers[0].messages, 1);
	world_free(w);
}

/* In the middle of a message: it is finished. */
static void
stop_in_the_middle(void **state)
{
	struct peer peers[] = { { .number = 1, .slow_ms = 50 } };
	const struct domain domains[] = { { "a.example", { { "mx.a.example", { 1 } } } }, { 0 } };
	struct world *w = world_new(peers, 1, domains, (struct relay_options){ 0 });
	uint64_t queue = put(w, 0, LETTER, TO("x@a.example"));

	(void)state;
	for (int64_t until = clock_ms() + PATIENCE_MS; strstr(peers[0].log, "MAIL") == NULL && clock_ms() < until;)
		nap();
	world_stop(w, 5000);
	assert_int_equal(w->outcome_count, 1);
	expect(w, queue, 0, QUEUE_DELIVERED, "2.0.0", "taken");
	world_free(w);
}

static void
rules_and_smarthost(void **state)
{
	struct peer peers[] = { { .number = 1 }, { .number = 2 } };
	const struct domain domains[] = { { "direct.example", { { "mx.direct.example", { 2 } } } }, { 0 } };
	struct relay_rule rules[] = { { SLICE("direct.example"), { .port = 0 } },
		{ SLICE(".sub.example"), { SLICE("[127.0.0.2]"), 0 } } };
	struct world *w = world_new(peers, 2, domains,
	    (struct relay_options){ .smarthost = { SLICE("hop.example"), 0 }, .rules = rules, .rule_count = 2 });
	uint64_t a = put(w, 0, LETTER, TO("x@other.example")), b = put(w, 0, LETTER, TO("x@direct.example")),
		 c = put(w, 0, LETTER, TO("x@a.sub.example")), d = put(w, 0, LETTER, TO("x@sub.example"));

	(void)state;
	until_settled(w, 4);
	assert_string_equal(outcome_of(w, a, 0)->host, "hop.example");
	assert_string_equal(outcome_of(w, b, 0)->host, "mx.direct.example");
	assert_string_equal(outcome_of(w, c, 0)->address, "127.0.0.2");
	assert_string_equal(outcome_of(w, d, 0)->host, "hop.example");
	assert_int_equal(peers[0].messages, 2);
	world_free(w);
}

/* The rule for a named host is that of its name, or of the mail's domain, whose key is not the named host's. */
static void
tls_rules_of_named_hosts(void **state)
{
	struct peer peers[] = { { .number = 1 }, { .number = 2 } };
	const struct domain domains[] = { { 0 } };
	struct relay_rule rules[] = { { SLICE("named.example"), { SLICE("[127.0.0.2]"), 0 } } };
	struct relay_tls_rule tls[] = { { .domain = SLICE("encrypted.example"), .rule = POLICY_OPERATOR_ENCRYPT },
		{ .domain = SLICE("pinned.example"), .rule = POLICY_OPERATOR_PIN },
		{ .domain = SLICE("dane.example"), .rule = POLICY_OPERATOR_DANE },
		{ .domain = SLICE("named.example"), .rule = POLICY_OPERATOR_VERIFY } };
	struct world *w = world_new(peers, 2, domains,
	    (struct relay_options){ .smarthost = { SLICE("hop.example"), 0 },
		.rules = rules,
		.rule_count = 1,
		.tls_rules = tls,
		.tls_rule_count = 4 });
	uint64_t a = put(w, 0, LETTER, TO("x@encrypted.example")), b = put(w, 0, LETTER, TO("x@other.example")),
		 c = put(w, 0, LETTER, TO("x@pinned.example")), d = put(w, 0, LETTER, TO("x@named.example")),
		 f = put(w, 0, LETTER, TO("x@dane.example"));

	(void)state;
	until_settled(w, 5);
	expect(w, a, 0, QUEUE_DEFERRED, "4.7.5", "STARTTLS");
	expect(w, b, 0, QUEUE_DELIVERED, "2.0.0", "taken");
	expect(w, c, 0, QUEUE_DEFERRED, "4.7.5", "STARTTLS");
	expect(w, d, 0, QUEUE_DEFERRED, "4.7.5", "STARTTLS");
	expect(w, f, 0, QUEUE_DEFERRED, "4.7.5", "STARTTLS");
	assert_int_equal(peers[0].messages, 1);
	assert_int_equal(peers[1].messages, 0);
	world_free(w);
}

/* Where we take mail ourselves nothing is sent, nor to hosts that are less preferred; at other ports it is another server. */
static void
own_addresses(void **state)
{
	struct peer peers[] = { { .number = 1 }, { .number = 2 } };
	const struct domain domains[] = { { "ours.example",
					      { { "mx.ours.example", { 1 } }, { "mx2.ours.example", { 2 } } } },
		{ "second.example", { { "mx.second.example", { 2 } }, { "mx2.second.example", { 1 } } } }, { 0 } };
	static const struct {
		const char *here;
		bool second_goes; /* and what is at 127.0.0.2 is not ours */
	} cases[] = { { "127.0.0.1", true }, { "::ffff:127.0.0.1", true }, { "0.0.0.0", false } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct slice here[] = { slice_str(cases[i].here) };
		struct relay_rule rules[] = { { SLICE("routed.example"), { SLICE("[127.0.0.1]"), 0 } } };
		int before = (int)peers[0].connections, got = (int)peers[1].messages;
		struct world *w = world_new(peers, 2, domains,
		    (struct relay_options){ .here = here, .here_count = 1, .rules = rules, .rule_count = 1 });
		uint64_t a = put(w, 0, LETTER, TO("x@ours.example")), b = put(w, 0, LETTER, TO("x@second.example")),
			 c = put(w, 0, LETTER, TO("x@routed.example")), d = put(w, 0, LETTER, TO("x@[127.0.0.1]"));

		until_settled(w, 4);
		expect(w, a, 0, QUEUE_FAILED, "5.4.6", "loop");
		expect(w, c, 0, QUEUE_FAILED, "5.4.6", "[127.0.0.1] is this server itself");
		expect(w, d, 0, QUEUE_FAILED, "5.4.6", "[127.0.0.1] is this server itself");
		if (cases[i].second_goes)
			expect(w, b, 0, QUEUE_DELIVERED, "2.0.0", "taken");
		else
			expect(w, b, 0, QUEUE_FAILED, "5.4.6", "loop");
		assert_int_equal(peers[0].connections, before);
		assert_int_equal(peers[1].messages, got + cases[i].second_goes);
		world_free(w);
	}
}

/* A password is for a server that TLS names, and for no other. */
static void
no_password_in_clear(void **state)
{
	struct peer peers[] = { { .number = 1, .ehlo = "250-hop.example\r\n250 AUTH PLAIN" } };
	const struct domain domains[] = { { 0 } };
	struct world *w = world_new(peers, 1, domains,
	    (struct relay_options){
		.smarthost = { SLICE("hop.example"), 0 }, .user = SLICE("me"), .password = SLICE("secret") });
	uint64_t queue = put(w, 0, LETTER, TO("x@other.example"));

	(void)state;
	until_settled(w, 1);
	expect(w, queue, 0, QUEUE_DEFERRED, "4.7.5", "STARTTLS");
	assert_null(strstr(peers[0].log, "AUTH"));
	world_free(w);
}

static void
require_tls(void **state)
{
	struct peer peers[] = { { .number = 1 } };
	const struct domain domains[] = { { "a.example", { { "mx.a.example", { 1 } } } }, { 0 } };
	struct world *w = world_new(peers, 1, domains, (struct relay_options){ 0 });
	uint64_t a = put(w, QUEUE_REQUIRE_TLS, LETTER, TO("x@a.example")), b = put(w, 0, LETTER, TO("x@a.example"));

	(void)state;
	until_settled(w, 2);
	assert_int_not_equal(outcome_of(w, a, 0)->result, QUEUE_DELIVERED);
	expect(w, b, 0, QUEUE_DELIVERED, "2.0.0", "taken");
	assert_int_equal(peers[0].messages, 1);
	world_free(w);
}

/* ---- what is counted for TLS reports ---- */

static const struct counted {
	const char *name;
	uint32_t flags;
	const char *sts;
	int sts_error;
	bool smarthost;
	size_t count;                 /* of rows */
	enum tlsrpt_policy_type type; /* of the first */
	enum tlsrpt_result result;
	const char *reason;
} counted[] = {
	{ "no policy, no STARTTLS", .count = 1, .type = TLSRPT_NO_POLICY, .result = TLSRPT_STARTTLS_NOT_SUPPORTED },
	{ "STS, no STARTTLS", .sts = "version: STSv1\nmode: testing\nmx: mx.a.example\nmax_age: 1\n", .count = 1,
	    .type = TLSRPT_STS, .result = TLSRPT_STARTTLS_NOT_SUPPORTED },
	{ "STS that names another host", .sts = "version: STSv1\nmode: enforce\nmx: b.example\nmax_age: 1\n",
	    .count = 1, .type = TLSRPT_STS, .result = TLSRPT_VALIDATION_FAILURE, .reason = "does not name" },
	{ "a policy that is none", .sts_error = ERR_SYNTAX, .count = 2, .type = TLSRPT_STS,
	    .result = TLSRPT_STS_INVALID, .reason = "no policy" },
	{ "a web server that is somebody else's", .sts_error = ERR_TLS, .count = 2, .type = TLSRPT_STS,
	    .result = TLSRPT_STS_WEBPKI_INVALID, .reason = "no policy" },
	{ "a web server that is away", .sts_error = ERR_NET, .count = 2, .type = TLSRPT_STS,
	    .result = TLSRPT_STS_FETCH_ERROR, .reason = "no policy" },
	{ "a report, or whoever else wants no policy", .flags = QUEUE_TLS_OPTIONAL },
	{ "REQUIRETLS", .flags = QUEUE_REQUIRE_TLS },
	{ "over the operator's host", .smarthost = true },
};

static void
check_counted(const struct counted *r, struct world *w)
{
	struct arena a ARENA_OWNED = { 0 };
	struct tls_tally t;

	if (w->tally_count != r->count)
		fail_msg("%s: %u rows", r->name, (unsigned)w->tally_count);
	if (r->count == 0)
		return;
	arena_init(&a, 1u << 16);
	assert_string_equal(w->tallies[0].domain, "a.example");
	assert_ok(tls_tally_read(slice_of(w->tallies[0].row, w->tallies[0].len), &a, &t, &unit_error));
	if (t.type != r->type || t.result != r->result || t.line_count != (r->sts != NULL ? 4u : 0u))
		fail_msg("%s: type %u, result %u, %u lines", r->name, t.type, t.result, (unsigned)t.line_count);
	if (r->reason != NULL)
		assert_true(slice_search(t.reason, slice_str(r->reason)) != SIZE_MAX);
	if (r->sts_error == 0)
		assert_true(slice_eq_str(t.mx_name, "mx.a.example"));
	if (r->result == TLSRPT_STARTTLS_NOT_SUPPORTED)
		assert_true(slice_eq_str(t.mx_ip, "127.0.0.1") && slice_eq_str(t.sending_ip, "127.0.0.1"));
}

static void
counts_for_reports(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
		const struct counted *r = &counted[i];
		struct peer peers[] = { { .number = 1 } };
		const struct domain domains[] = { { "a.example", { { "mx.a.example", { 1 } } } }, { 0 } };
		struct relay_options options = { 0 };
		struct world *w;

		if (r->smarthost)
			options.smarthost = (struct relay_hop){ SLICE("hop.example"), 0 };
		w = world_new(peers, 1, domains, options);
		w->sts = r->sts;
		w->sts_error = r->sts_error;
		(void)put(w, r->flags, LETTER, TO("x@a.example"));
		until_settled(w, 1);
		world_stop(w, 2000);
		check_counted(r, w);
		world_free(w);
	}
}

UNIT_MAIN(UNIT_TEST(sent_and_reused), UNIT_TEST(partly_refused), UNIT_TEST(what_servers_say), UNIT_TEST(no_way),
    UNIT_TEST(kept_connection_ends), UNIT_TEST(silence_is_alone), UNIT_TEST(told_until_heard),
    UNIT_TEST(stop_in_the_middle), UNIT_TEST(rules_and_smarthost), UNIT_TEST(tls_rules_of_named_hosts),
    UNIT_TEST(own_addresses), UNIT_TEST(no_password_in_clear), UNIT_TEST(require_tls), UNIT_TEST(counts_for_reports))
