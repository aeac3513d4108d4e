/* SPDX-License-Identifier: ISC */
/* Webs of trust: the examples of draft-nhw-web-of-trust, and where it says how they come out. */
#include "unit.h"

#include "base/mem.h"
#include "openpgp/judge/network.h"
#include "validity_kit.h"

#define NOW (10 * MONTH)
#define PEOPLE 7u
#define EDGES 12u

/* from certifies to's user ID: depth, amount, scope. from 0 ends the list. */
struct link {
	char from, to;
	uint8_t depth, amount;
	const char *regex;
	bool delegation; /* over the key, not the user ID */
	int32_t at;
	uint8_t type;
};

struct web {
	struct kit people[PEOPLE]; /* a, b, c ... */
	struct pgp_certs certs;
	struct pgp_network *network;
	struct pgp_policy policy;
};

static const char *
name_of(char who)
{
	static char name[40];

	(void)snprintf(name, sizeof name, "%c <%c@%s>", who, who, who < 'd' ? "example.org" : "example.com");
	return name;
}

static void
put_link(struct web *w, const struct link *l, const struct pgp_sig_target *target)
{
	const struct kit *by = &w->people[l->from - 'a'];
	struct own_sig sig = { .type = l->delegation ? PGP_SIG_DIRECT_KEY : PGP_SIG_CERT_GENERIC,
		.at = l->at != 0 ? l->at : DAY };
	const uint8_t trust[2] = { l->depth, l->amount };
	struct buf sub, body;

	buf_init(&sub, 1 << 10);
	buf_init(&body, 1 << 12);
	if (l->type != 0)
		sig.type = l->type;
	(void)pgp_subpacket_put(&sub, PGP_SUB_TRUST, true, slice_of(trust, 2));
	if (l->regex != NULL)
		(void)pgp_subpacket_put(
		    &sub, PGP_SUB_REGEX, true, slice_of((const uint8_t *)l->regex, strlen(l->regex) + 1));
	kit_sign(&sig, target, SLICE_EMPTY, by->primary, kit_keys(by), buf_slice(&sub), SLICE_EMPTY, &body);
	(void)pgp_packet_write(&w->people[l->to - 'a'].out, PGP_SIGNATURE, buf_slice(&body));
	buf_done(&sub);
	buf_done(&body);
}

static void
put_links(struct web *w, const struct link *links, char to, bool delegations)
{
	struct kit *k = &w->people[to - 'a'];
	struct pgp_sig_target target = k->target;

	for (; links->from != 0; links++)
		if (links->to == to && links->delegation == delegations)
			put_link(w, links, &target);
}

/* retired: a letter whose key is revoked softly, or 0. */
static void
web_new(struct web *w, const struct link *links, char retired)
{
	const struct step direct = { .what = MAKE, .sig.type = PGP_SIG_DIRECT_KEY, .flags = GIVEN(PGP_FLAG_CERTIFY) };
	const struct step own = { .what = MAKE, .sig.type = PGP_SIG_CERT_POSITIVE };
	const struct step revocation = { .what = MAKE,
		.sig = { .type = PGP_SIG_KEY_REVOCATION, .at = 2 * MONTH },
		.reason = GIVEN(PGP_REASON_RETIRED) };

	*w = (struct web){ .policy = pgp_policy_default(T1 + NOW) };
	for (size_t i = 0; i < PEOPLE; i++)
		kit_new(&w->people[i], 4);
	for (size_t i = 0; i < PEOPLE; i++) {
		struct kit *k = &w->people[i];
		char who = (char)('a' + (char)i);

		kit_step(k, &(struct step){ .what = PUT_PRIMARY });
		if (who == retired)
			kit_step(k, &revocation);
		kit_step(k, &direct);
		put_links(w, links, who, true);
		kit_put_user(k, name_of(who));
		kit_step(k, &own);
		put_links(w, links, who, false);
		assert_ok(pgp_certs_parse(buf_slice(&k->out), &w->certs, &unit_error));
	}
	assert_ok(pgp_network_new(&w->certs, &w->policy, w->policy.now, &w->network, &unit_error));
}

static void
web_done(struct web *w)
{
	pgp_network_free(w->network);
	pgp_certs_done(&w->certs);
	for (size_t i = 0; i < PEOPLE; i++)
		kit_done(&w->people[i]);
}

static int
try_ask(struct web *w, const struct pgp_network_root *roots, size_t root_count, char who, unsigned wanted,
    struct pgp_network_result *r)
{
	return pgp_network_authenticate(
	    w->network, roots, root_count, w->certs.items[who - 'a'], slice_str(name_of(who)), wanted, r, &unit_error);
}

/* The amount, from a (and when root2 is given, from that as well). */
static unsigned
ask(struct web *w, char who, char root2, size_t *paths)
{
	const struct pgp_network_root roots[2] = {
		{ .cert = w->certs.items[0], .amount = 120, .depth = 255 },
		{ .cert = root2 == 0 ? NULL : w->certs.items[root2 - 'a'], .amount = 60, .depth = 255 },
	};
	struct pgp_network_result r;
	unsigned amount = 0;

	assert_ok(try_ask(w, roots, root2 == 0 ? 1 : 2, who, 120, &r));
	for (size_t i = 0; i < r.count; i++) {
		struct pgp_network_path *p = &r.paths[i];

		amount += p->amount;
		assert_true(p->count > 0 && p->edges[0]->issuer == p->root);
		for (size_t k = 1; k < p->count; k++)
			assert_ptr_equal(p->edges[k]->issuer, p->edges[k - 1]->target);
		assert_ptr_equal(p->edges[p->count - 1]->target, w->certs.items[who - 'a']);
	}
	assert_int_equal(amount, r.amount);
	*paths = r.count;
	pgp_network_result_done(&r);
	return amount;
}

static void
webs(void **state)
{
	static const struct {
		const char *name;
		struct link links[EDGES];
		char retired, root2;
		char who;
		unsigned amount;
		size_t paths;
	} rows[] = {
		{ "nothing", { { 'b', 'c', 1, 120 } }, 0, 0, 'c', 0, 0 },
		{ "the root itself", { { 0 } }, 0, 0, 'a', 120, 1 },
		{ "a certification", { { 'a', 'b', 0, 120 } }, 0, 0, 'b', 120, 1 },
		{ "a partial one", { { 'a', 'b', 0, 40 } }, 0, 0, 'b', 40, 1 },
		{ "of amount 0", { { 'a', 'b', 0, 0 } }, 0, 0, 'b', 0, 0 },
		/* "Trust Amount": a path is worth its weakest edge. */
		{ "a-b-c", { { 'a', 'b', 1, 60 }, { 'b', 'c', 0, 120 } }, 0, 0, 'c', 60, 1 },
		{ "no introducer", { { 'a', 'b', 0, 120 }, { 'b', 'c', 0, 120 } }, 0, 0, 'c', 0, 0 },
		/* "Trust Depth": two levels, and no more. */
		{ "depth: dave",
		    { { 'a', 'b', 2, 120 }, { 'b', 'c', 2, 120 }, { 'c', 'd', 2, 120 }, { 'd', 'e', 2, 120 } }, 0, 0,
		    'd', 120, 1 },
		{ "depth: ed",
		    { { 'a', 'b', 2, 120 }, { 'b', 'c', 2, 120 }, { 'c', 'd', 2, 120 }, { 'd', 'e', 2, 120 } }, 0, 0,
		    'e', 0, 0 },
		{ "depth without end",
		    { { 'a', 'b', 255, 120 }, { 'b', 'c', 255, 120 }, { 'c', 'd', 255, 120 }, { 'd', 'e', 255, 120 } },
		    0, 0, 'e', 120, 1 },
		/* "Regular Expressions": they are about the user ID at the end, not those between. */
		{ "scope: the end",
		    { { 'a', 'b', 255, 120, "<[^>]+[@.]example\\.com>$" }, { 'b', 'c', 1, 120 }, { 'c', 'd', 0, 120 } },
		    0, 0, 'd', 120, 1 },
		{ "scope: not the middle",
		    { { 'a', 'b', 255, 120, "<[^>]+[@.]example\\.com>$" }, { 'b', 'c', 1, 120 }, { 'c', 'd', 0, 120 } },
		    0, 0, 'c', 0, 0 },
		/* Paths add up, as far as their edges carry. */
		{ "two halves",
		    { { 'a', 'b', 1, 60 }, { 'a', 'c', 1, 60 }, { 'b', 'd', 0, 120 }, { 'c', 'd', 0, 120 } }, 0, 0, 'd',
		    120, 2 },
		{ "one edge carries once",
		    { { 'a', 'b', 2, 60 }, { 'b', 'c', 1, 120 }, { 'b', 'd', 1, 120 }, { 'c', 'e', 0, 120 },
			{ 'd', 'e', 0, 120 } },
		    0, 0, 'e', 60, 1 },
		{ "an edge shared",
		    { { 'a', 'b', 2, 120 }, { 'b', 'c', 1, 50 }, { 'b', 'd', 1, 50 }, { 'c', 'e', 0, 120 },
			{ 'd', 'e', 0, 120 } },
		    0, 0, 'e', 100, 2 },
		{ "one person, one voice", { { 'a', 'b', 0, 60 }, { 'a', 'b', 1, 60, NULL, true } }, 0, 0, 'b', 60, 1 },
		{ "two things said of one person", { { 'a', 'b', 0, 50 }, { 'a', 'b', 1, 70, NULL, true } }, 0, 0, 'b',
		    70, 2 },
		/* The draft's two networks on which way to search. */
		{ "backwards",
		    { { 'a', 'b', 255, 120 }, { 'b', 'c', 255, 1 }, { 'b', 'd', 2, 120 }, { 'c', 'e', 255, 120 },
			{ 'd', 'e', 1, 120 }, { 'e', 'f', 0, 120 } },
		    0, 0, 'f', 120, 1 },
		{ "past a root", { { 'a', 'b', 1, 120 }, { 'a', 'd', 0, 10 }, { 'b', 'd', 0, 110 } }, 0, 0, 'd', 120,
		    2 },
		/* Delegations over the key alone lead on, and are no claim about a name. */
		{ "delegation", { { 'a', 'b', 1, 120, NULL, true }, { 'b', 'c', 0, 120 } }, 0, 0, 'c', 120, 1 },
		{ "delegation names nobody", { { 'a', 'c', 0, 120, NULL, true } }, 0, 0, 'c', 0, 0 },
		/* A trusted introducer says who it is itself: a self-certification is an edge. */
		{ "an introducer's own", { { 'a', 'b', 1, 120, NULL, true } }, 0, 0, 'b', 120, 1 },
		{ "a circle",
		    { { 'a', 'b', 255, 120 }, { 'b', 'c', 255, 120 }, { 'c', 'b', 255, 120 }, { 'c', 'd', 0, 120 } }, 0,
		    0, 'd', 120, 1 },
		{ "a second root", { { 'a', 'c', 1, 60 }, { 'b', 'c', 1, 120 }, { 'c', 'd', 0, 120 } }, 0, 'b', 'd',
		    120, 2 },
		{ "a second root is half", { { 'b', 'c', 1, 120 }, { 'c', 'd', 0, 120 } }, 0, 'b', 'd', 60, 1 },
		/* What was said before stays said. */
		{ "retired introducer", { { 'a', 'b', 1, 120 }, { 'b', 'c', 0, 120 } }, 'b', 0, 'c', 120, 1 },
		{ "retired before", { { 'a', 'b', 1, 120 }, { 'b', 'c', 0, 120, NULL, false, 3 * MONTH } }, 'b', 0, 'c',
		    0, 0 },
		{ "trusted when retired", { { 'a', 'b', 1, 120, NULL, false, 3 * MONTH }, { 'b', 'c', 0, 120 } }, 'b',
		    0, 'c', 0, 0 },
		{ "retired target", { { 'a', 'b', 0, 120 } }, 'b', 0, 'b', 0, 0 },
		{ "taken back", { { 'a', 'b', 0, 120 }, { 'a', 'b', 0, 0, NULL, false, 2 * DAY } }, 0, 0, 'b', 0, 0 },
		{ "revoked",
		    { { 'a', 'b', 0, 120 }, { 'a', 'b', 0, 120, NULL, false, 2 * DAY, PGP_SIG_CERT_REVOCATION } }, 0, 0,
		    'b', 0, 0 },
		{ "the owner revoked it",
		    { { 'a', 'b', 0, 120 }, { 'b', 'b', 0, 120, NULL, false, 2 * DAY, PGP_SIG_CERT_REVOCATION } }, 0, 0,
		    'b', 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct web w;
		size_t paths;
		unsigned amount;

		web_new(&w, rows[i].links, rows[i].retired);
		amount = ask(&w, rows[i].who, rows[i].root2, &paths);
		if (amount != rows[i].amount || paths != rows[i].paths)
			fail_msg("%s: %u by %zu paths", rows[i].name, amount, paths);
		/* A question leaves nothing behind. */
		assert_int_equal(ask(&w, rows[i].who, rows[i].root2, &paths), rows[i].amount);
		web_done(&w);
	}
}

static void
roots_have_limits(void **state)
{
	static const struct link links[] = { { 'a', 'b', 255, 120 }, { 'b', 'c', 255, 120 }, { 'c', 'd', 255, 120 },
		{ 0 } };
	static const struct {
		uint8_t amount, depth;
		const char *regex;
		char who;
		unsigned want;
		int rc;
	} rows[] = {
		{ 120, 255, "", 'd', 120, 0 },
		{ 30, 255, "", 'd', 30, 0 },
		{ 120, 3, "", 'd', 120, 0 },
		{ 120, 2, "", 'd', 0, 0 },
		{ 120, 0, "", 'b', 0, 0 },
		{ 120, 255, "example\\.com>$", 'd', 120, 0 },
		{ 120, 255, "example\\.org>$", 'd', 0, 0 },
		{ 120, 255, "((", 'd', 0, ERR_SYNTAX },
	};
	struct pgp_network_result r;
	struct web w;

	(void)state;
	web_new(&w, links, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct pgp_network_root root = { .cert = w.certs.items[0],
			.amount = rows[i].amount,
			.depth = rows[i].depth,
			.regex = slice_str(rows[i].regex) };

		assert_int_equal(try_ask(&w, &root, 1, rows[i].who, 120, &r), rows[i].rc);
		if (rows[i].rc != 0)
			continue;
		if (r.amount != rows[i].want)
			fail_msg("row %zu: %u", i, r.amount);
		pgp_network_result_done(&r);
	}
	{
		const struct pgp_network_root stranger = { .cert = w.people[0].f.cert, .amount = 120, .depth = 255 };

		assert_int_equal(try_ask(&w, &stranger, 1, 'b', 120, &r), ERR_NOT_FOUND);
	}
	web_done(&w);
}

/* A source in which everybody has the same key ID. */
struct crowd {
	const struct pgp_certs *certs;
	unsigned asked;
};

static int
everybody(void *ctx, uint64_t key_id, const struct pgp_cert *const **out, size_t *count_out, struct error *e)
{
	struct crowd *c = ctx;

	(void)key_id;
	(void)e;
	c->asked++;
	*out = (const struct pgp_cert *const *)c->certs->items;
	*count_out = c->certs->count;
	return 0;
}

/* All that have the ID are tried; only who made a certification made it. And nobody is asked for who is not on the way. */
static void
pitfall_6_issuers_with_one_key_id(void **state)
{
	static const struct link links[] = { { 'a', 'b', 2, 120 }, { 'b', 'c', 1, 70 }, { 'c', 'd', 0, 120 },
		{ 'e', 'f', 0, 120 }, { 0 } };
	static const struct {
		char who;
		unsigned want;
	} rows[] = { { 'd', 70 }, { 'c', 70 }, { 'b', 120 }, { 'f', 0 } };
	struct web w;

	(void)state;
	web_new(&w, links, 0);
	pgp_network_free(w.network);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct pgp_network_root root = { .cert = w.certs.items[0], .amount = 120, .depth = 255 };
		struct crowd crowd = { .certs = &w.certs };
		const struct pgp_cert_source source = { .by_key_id = everybody, .ctx = &crowd };
		struct pgp_network_result r;

		assert_ok(pgp_network_from(source, &w.policy, w.policy.now, &w.network, &unit_error));
		assert_ok(try_ask(&w, &root, 1, rows[i].who, 120, &r));
		assert_int_equal(r.amount, rows[i].want);
		assert_true(crowd.asked > 0 && crowd.asked < 40);
		pgp_network_result_done(&r);
		pgp_network_free(w.network);
	}
	w.network = NULL;
	web_done(&w);
}

static void
failed_allocations(void **state)
{
	static const struct link links[] = { { 'a', 'b', 1, 60, "b|c" }, { 'b', 'c', 0, 120 }, { 0 } };
	struct pgp_network_result r;
	int rc = -1;

	(void)state;
	for (long n = 0; rc != 0; n++) {
		struct web w;

		/* From the beginning each time: the network keeps what it found. */
		web_new(&w, links, 0);
		{
			const struct pgp_network_root root = { .cert = w.certs.items[0], .amount = 120, .depth = 255 };

			mem_fail_after(n);
			rc = try_ask(&w, &root, 1, 'c', 120, &r);
			mem_fail_after(-1);
		}
		assert_true(rc == 0 || rc == ERR_NOMEM);
		assert_true(n < 1000);
		if (rc == 0) {
			assert_int_equal(r.amount, 60);
			pgp_network_result_done(&r);
		}
		web_done(&w);
	}
}

UNIT_MAIN(UNIT_TEST(webs), UNIT_TEST(roots_have_limits), UNIT_TEST(pitfall_6_issuers_with_one_key_id),
    UNIT_TEST(failed_allocations))
