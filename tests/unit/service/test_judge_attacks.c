/* SPDX-License-Identifier: ISC */
/*
 * Letters whose sender knows the judge: what makes it look elsewhere, wait, ask without end, or work. All are from
 * evil.example and say in one way or another that they are from bank.example, whose policy is "reject".
 */
#include <time.h>

#include "base/machine.h"
#include "service/judge/judge.h"
#include "service/limits.h"
#include "service/resolve.h"
#include "unit.h"

/* ---- DNS, on the asking thread ---- */

#define HELD_MAX 32u

struct world {
	struct port_service service;
	struct port *port;
	struct port_job *held[HELD_MAX]; /* of names with "slow": not answered before the end */
	size_t held_count, asked;
	int fails; /* every question, with this error */
};

static const struct {
	const char *name, *text;
} records[] = {
	{ "_dmarc.bank.example", "v=DMARC1; p=reject" },
	{ "bank.example", "v=spf1 exists:%{l}.bank.example -all" },
	{ "mx.evil.example",
	    "v=spf1 mx:m0.evil.example mx:m1.evil.example mx:m2.evil.example mx:m3.evil.example "
	    "mx:m4.evil.example mx:m5.evil.example mx:m6.evil.example mx:m7.evil.example "
	    "mx:m8.evil.example -all" },
	{ "evil.example", "v=spf1 +all" },
};

static bool
has(struct slice name, const char *what)
{
	return slice_search(name, slice_str(what)) != SIZE_MAX;
}

/* Ten hosts that are there: "hN.mM.evil.example" of mM.evil.example. */
static size_t
put_exchanges(struct port_job *job, struct slice name, struct slice *rdata)
{
	for (size_t i = 0; i < 10; i++) {
		char octets[] = "\0\0\2h0\2m0\4evil\7example";

		octets[4] = (char)('0' + i);
		octets[7] = (char)name.data[1];
		rdata[i] = arena_copy(port_job_arena(job), slice_of(octets, sizeof octets));
	}
	return 10;
}

static size_t
put_text(struct port_job *job, struct slice name, struct slice *rdata)
{
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		const char *text = records[i].text;

		if (!slice_ieq_str(name, records[i].name))
			continue;
		rdata[0] = arena_printf(port_job_arena(job), "%c%s", (int)strlen(text), text);
		return 1;
	}
	return 0;
}

static void
look_up(void *ctx, struct port_job *job)
{
	const struct resolve_lookup *q = port_job_request(job);
	struct slice rdata[10];
	struct dns_answer answer = { .rcode = DNS_NXDOMAIN, .records = rdata };
	struct world *w = ctx;
	struct error e;

	w->asked++;
	if (w->fails != 0 || has(q->name, " ")) { /* as dns_lookup() does */
		(void)error_set(&e, w->fails != 0 ? w->fails : ERR_SYNTAX, "no");
		port_fail(job, &e);
		return;
	}
	if (has(q->name, "slow") && w->held_count < HELD_MAX) {
		w->held[w->held_count++] = job;
		return;
	}
	if (q->type == DNS_TXT)
		answer.record_count = put_text(job, q->name, rdata);
	else if (q->type == DNS_MX && has(q->name, "evil"))
		answer.record_count = put_exchanges(job, q->name, rdata);
	answer.rcode = answer.record_count > 0 || has(q->name, "h") ? DNS_NOERROR : DNS_NXDOMAIN;
	if (q->type == DNS_A && has(q->name, "evil")) {
		rdata[0] = arena_copy(port_job_arena(job), slice_of("\300\0\2\2", 4));
		answer.record_count = 1;
	}
	port_reply(job, &answer);
}

static void
begin(struct world *w)
{
	static const struct port_handler handlers[] = { { RESOLVE_METHOD_lookup, look_up } };

	*w = (struct world){ .service = { .interface = &resolve_interface, .handlers = handlers, .handler_count = 1 } };
	w->service.ctx = w;
	assert_ok(port_open_local(&w->service, &w->port, &unit_error));
}

static void
end(struct world *w)
{
	struct error e;

	(void)error_set(&e, ERR_TIMEOUT, "too late");
	for (size_t i = 0; i < w->held_count; i++)
		port_fail(w->held[i], &e);
	port_close(w->port);
}

/* ---- one letter ---- */

struct letter {
	const char *name, *from, *hello, *header;
	enum judge_action action;
};

#define HOUR_MS ((int64_t)3600 * 1000)

/* It takes an hour to come, and then each answer that is held is waited for to the last moment. */
static struct judge *
judge_letter(struct world *w, const struct letter *l)
{
	static const struct judge_policy obeyed = { 0 };
	const struct judge_in in = { .resolver = w->port,
		.policy = &obeyed,
		.hostname = SLICE("mx.example"),
		.address = SLICE("192.0.2.1"),
		.hello = slice_str(l->hello == NULL ? "client.example" : l->hello),
		.from = slice_str(l->from == NULL ? "a@evil.example" : l->from) };
	struct judge *j;

	assert_ok(judge_new(&in, &j, &unit_error));
	assert_false(judge_step(j, 0));
	judge_header(j, slice_str(l->header));
	judge_body(j, SLICE("x\r\n"));
	assert_false(judge_step(j, HOUR_MS));
	assert_true(judge_deadline(j) == MACHINE_NEVER);
	judge_end(j, HOUR_MS);
	for (int64_t now = HOUR_MS; !judge_step(j, now); now = judge_deadline(j))
		assert_true(now < HOUR_MS + JUDGE_MS);
	return j;
}

static void
check(struct world *w, const struct letter *l)
{
	struct judge *j = judge_letter(w, l);
	const struct judge_verdict *v = judge_verdict(j);

	if (v->action != l->action || v->field.len == 0)
		fail_msg("%s: action %d, dmarc=%s spf=%s dkim=%s author=%.*s", l->name, (int)v->action, v->dmarc,
		    v->spf, v->dkim, (int)v->author.len, (const char *)v->author.data);
	judge_free(j);
}

static void
check_all(const struct letter *letters, size_t count, int fails)
{
	for (size_t i = 0; i < count; i++) {
		struct world w;

		begin(&w);
		w.fails = fails;
		check(&w, &letters[i]);
		assert_true(w.asked <= JUDGE_LOOKUPS_MAX + JUDGE_POLICY_LOOKUPS_MAX);
		end(&w);
	}
}

/* ---- whom it is from ---- */

#define FOUR "a@a.evil.example,b@b.evil.example,c@c.evil.example,d@d.evil.example,"

static const struct letter authors[] = {
	{ "plain", .header = "From: a@bank.example\r\n\r\n", .action = JUDGE_REFUSE },
	{ "none", .header = "To: a@bank.example\r\n\r\n", .action = JUDGE_JUNK },
	{ "empty", .header = "From:\r\n\r\n", .action = JUDGE_JUNK },
	{ "no header", .header = "", .action = JUDGE_JUNK },
	{ "no domain", .header = "From: The Bank\r\n\r\n", .action = JUDGE_JUNK },
	{ "encoded", .header = "From: =?utf-8?q?a=40bank.example?=\r\n\r\n", .action = JUDGE_JUNK },
	{ "a group", .header = "From: The Bank: a@bank.example;\r\n\r\n", .action = JUDGE_REFUSE },
	{ "an empty group", .header = "From: The Bank:;\r\n\r\n", .action = JUDGE_JUNK },
	{ "an address as a group", .header = "From: a@bank.example:;\r\n\r\n", .action = JUDGE_REFUSE },
	{ "twice", .header = "From: a@evil.example\r\nFrom: a@bank.example\r\n\r\n", .action = JUDGE_REFUSE },
	{ "twice the same", .header = "From: a@evil.example\r\nFrom: a@evil.example\r\n\r\n", .action = JUDGE_JUNK },
	{ "five domains", .header = "From: " FOUR "e@bank.example\r\n\r\n", .action = JUDGE_JUNK },
	{ "behind a line that is none", .header = "From: a@evil.example\r\nno field\r\nFrom: a@bank.example\r\n\r\n",
	    .action = JUDGE_REFUSE },
	{ "behind mbox's line", .header = "From x@y.example\r\nFrom: a@bank.example\r\n\r\n", .action = JUDGE_REFUSE },
	{ "folded before the colon", .header = "From\r\n : a@bank.example\r\n\r\n", .action = JUDGE_REFUSE },
	{ "a control character", .header = "F\001rom: a@bank.example\r\n\r\n", .action = JUDGE_REFUSE },
	{ "at the top", .header = "From: a@example\r\n\r\n", .action = JUDGE_ACCEPT },
	{ "its own", .header = "From: a@evil.example\r\n\r\n", .action = JUDGE_ACCEPT },
};

static void
no_author_is_overlooked(void **state)
{
	(void)state;
	check_all(authors, sizeof authors / sizeof authors[0], 0);
}

/* ---- time and look-ups ---- */

#define SIGNATURE(d, s) \
	"DKIM-Signature: v=1; a=rsa-sha256; d=" d "; s=" s "; h=from; b=AAAA;\r\n" \
	" bh=rYDr5RnR/DNjlAPBDS4f1OBF6VJ/JxXBjIpi4OvcTp0=\r\n"
#define L59 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghi"
#define BANK "From: a@bank.example\r\n\r\n"

static const struct letter busy[] = {
	{ "slow SPF", "a@slow.evil.example", "slow.evil.example", BANK, JUDGE_REFUSE },
	/* whose signature could have been right, had there been time */
	{ "slow keys in front of the bank's",
	    .header = SIGNATURE("slow.example", "a") SIGNATURE("slow.example", "b") SIGNATURE("bank.example", "x") BANK,
	    .action = JUDGE_REFUSE },
	{ "hosts without end", "a@mx.evil.example", "mx.evil.example", SIGNATURE("bank.example", "x") BANK,
	    JUDGE_REFUSE },
	{ "a slow author in front of the bank", .header = "From: a@slow.example, a@bank.example\r\n\r\n",
	    .action = JUDGE_JUNK },
	{ "a selector that is no name", .header = SIGNATURE("bank.example", L59 "." L59 "." L59 "." L59) BANK,
	    .action = JUDGE_REFUSE },
	{ "a local part that is no name", "\"a b\"@bank.example", NULL, BANK, JUDGE_REFUSE },
};

static void
nobody_gains_by_making_us_wait(void **state)
{
	(void)state;
	check_all(busy, sizeof busy / sizeof busy[0], 0);
}

/* DNS that fails is the owner's risk; that the resolver has no room for more, the sender may have brought about. */
static void
too_much_to_do_is_no_pass(void **state)
{
	static const struct letter later = { "later", .header = BANK, .action = JUDGE_LATER },
				   failed = { "failed", .header = BANK, .action = JUDGE_ACCEPT };

	(void)state;
	check_all(&later, 1, ERR_FULL);
	check_all(&later, 1, ERR_CLOSED);
	check_all(&failed, 1, ERR_TIMEOUT);
	check_all(&failed, 1, ERR_LIMIT); /* an answer that is too large */
}

/* ---- work ---- */

/*
 * Each is as large as a header may be (service/limits.h). With a sanitizer none takes more than some 0.1 s of a processor;
 * what grows with the square would take minutes.
 */
#define SECONDS_MAX 2.0

static double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* front, as often as it fits the middle, back. */
static void
fill(struct buf *out, const char *front, const char *middle, const char *back)
{
	size_t left = SERVICE_HEADER_MAX - strlen(front) - strlen(back);

	buf_init(out, SERVICE_HEADER_MAX + 1);
	(void)buf_put_str(out, front);
	for (; left >= strlen(middle); left -= strlen(middle))
		(void)buf_put_str(out, middle);
	assert_int_equal(buf_put_str(out, back), 0);
}

static const struct {
	const char *name, *front, *middle, *back;
	bool junk; /* more names than are looked at stand in front of the bank's */
} bombs[] = {
	{ "addresses", "From: a@bank.example", ",a@b", "\r\n\r\n" },
	{ "groups", "From: a@bank.example", ",a:;", "\r\n\r\n" },
	{ "at signs", "From: a@bank.example ", "@a", "\r\n\r\n" },
	{ "at signs with umlauts", "From: a@bank.example ", "@\xc3\xa4", "\r\n\r\n" },
	{ "comments that open", "From: a@bank.example ", "(", "\r\n\r\n" },
	{ "comments one after another", "From: a@bank.example ", "()", "\r\n\r\n" },
	{ "comments between commas", "From: a@bank.example ", "(,", "\r\n\r\n" },
	{ "quotes", "From: a@bank.example ", "\"", "\r\n\r\n" },
	{ "quotes between commas", "From: a@bank.example ", ",\"", "\r\n\r\n" },
	{ "angles", "From: a@bank.example ", "<", "\r\n\r\n" },
	{ "routes", "From: a@bank.example, <", "@a,", "\r\n\r\n" },
	{ "literals", "From: a@bank.example ", ",a@[", "\r\n\r\n" },
	{ "backslashes", "From: a@bank.example ", "\\(", "\r\n\r\n" },
	{ "many From", "", "From: a@bank.example\r\n", "\r\n" },
	{ "many From with much", "", "From: a@a,a@b,(\r\n", "From: a@bank.example\r\n\r\n", true },
	{ "folds", "From: a@bank.example", "\r\n ", "\r\n\r\n" },
	{ "short fields", "", "a:\r\n", "From: a@bank.example\r\n\r\n" },
	{ "signatures", "From: a@bank.example\r\n", "DKIM-Signature: v=1\r\n", "\r\n" },
	{ "tags", "From: a@bank.example\r\nDKIM-Signature: v=1", ";a=", "\r\n\r\n" },
	{ "names in h=",
	    "From: a@bank.example\r\nDKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=k; bh=AA; b=AA; h=from", ":a",
	    "\r\n\r\n" },
	{ "results", "From: a@bank.example\r\n", "Authentication-Results: a\r\n", "\r\n" },
	{ "results with comments", "From: a@bank.example\r\nAuthentication-Results: ", "(", "\r\n\r\n" },
	{ "results with quotes", "From: a@bank.example\r\nAuthentication-Results: ", "\"", "\r\n\r\n" },
	{ "results without end", "From: a@bank.example\r\nAuthentication-Results: ", "a.", "\r\n\r\n" },
	{ "results in umlauts", "From: a@bank.example\r\n", "Authentication-Results:\xc3\xa4\xc3\xbc.a\r\n", "\r\n" },
	{ "seals", "From: a@bank.example\r\n", "ARC-Seal: i=1; cv=none\r\n", "\r\n" },
};

static void
bombs_cost_little(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
		struct buf header BUF_OWNED = { 0 }, kept BUF_OWNED = { 0 };
		struct letter l = { bombs[i].name, .action = bombs[i].junk ? JUDGE_JUNK : JUDGE_REFUSE };
		double begun = seconds();
		struct world w;

		begin(&w);
		fill(&header, bombs[i].front, bombs[i].middle, bombs[i].back);
		assert_int_equal(buf_put_u8(&header, 0), 0);
		l.header = (const char *)header.data;
		buf_init(&kept, SERVICE_HEADER_MAX);
		check(&w, &l);
		assert_true(judge_strip(slice_str(l.header), SLICE("mx.example"), &kept) >= 0);
		if (seconds() - begun > SECONDS_MAX)
			fail_msg("%s: %.3f s", bombs[i].name, seconds() - begun);
		end(&w);
	}
}

UNIT_MAIN(UNIT_TEST(no_author_is_overlooked), UNIT_TEST(nobody_gains_by_making_us_wait),
    UNIT_TEST(too_much_to_do_is_no_pass), UNIT_TEST(bombs_cost_little))
