/* SPDX-License-Identifier: ISC */
/* What others' certifications of a certificate come to. */
#include <time.h>

#include "unit.h"

#include "base/mem.h"
#include "openpgp/judge/certification.h"
#include "validity_kit.h"

#define NOW (10 * MONTH)
#define FRIENDS 3u

/* Alice's certificate, and friends who may certify. */
struct circle {
	struct kit alice;
	struct kit friends[FRIENDS];
	struct pgp_certs certs; /* of the friends and Alice */
	struct pgp_issuers *issuers;
};

static const struct step self[] = { { .what = PUT_PRIMARY },
	{ .what = MAKE, .sig.type = PGP_SIG_DIRECT_KEY, .flags = GIVEN(PGP_FLAG_CERTIFY) }, { 0 } };
static const struct step cannot[] = { { .what = PUT_PRIMARY },
	{ .what = MAKE, .sig.type = PGP_SIG_DIRECT_KEY, .flags = GIVEN(PGP_FLAG_SIGN) }, { 0 } };
static const struct step expires[] = { { .what = PUT_PRIMARY },
	{ .what = MAKE, .sig.type = PGP_SIG_DIRECT_KEY, .flags = GIVEN(PGP_FLAG_CERTIFY), .key_expires = KEY_DAYS(30) },
	{ 0 } };
static const struct step soft[] = { { .what = PUT_PRIMARY },
	{ .what = MAKE, .sig.type = PGP_SIG_KEY_REVOCATION, .sig.at = 30 * DAY, .reason = GIVEN(PGP_REASON_RETIRED) },
	{ .what = MAKE, .sig.type = PGP_SIG_DIRECT_KEY, .flags = GIVEN(PGP_FLAG_CERTIFY) }, { 0 } };
static const struct step hard[] = { { .what = PUT_PRIMARY },
	{ .what = MAKE, .sig.type = PGP_SIG_KEY_REVOCATION, .sig.at = 30 * DAY },
	{ .what = MAKE, .sig.type = PGP_SIG_DIRECT_KEY, .flags = GIVEN(PGP_FLAG_CERTIFY) }, { 0 } };

static void
circle_new(struct circle *c, const struct step *friend0)
{
	*c = (struct circle){ 0 };
	kit_new(&c->alice, 4);
	for (size_t i = 0; i < FRIENDS; i++) {
		kit_new(&c->friends[i], 4);
		kit_steps(&c->friends[i], i == 0 ? friend0 : self);
		assert_ok(pgp_certs_parse(buf_slice(&c->friends[i].out), &c->certs, &unit_error));
	}
	kit_steps(&c->alice, self);
	kit_step(&c->alice, &(struct step){ .what = PUT_USER });
	assert_ok(pgp_certs_parse(buf_slice(&c->alice.out), &c->certs, &unit_error));
	assert_ok(pgp_issuers_new(&c->certs, &c->issuers, &unit_error));
}

static void
circle_done(struct circle *c)
{
	pgp_issuers_free(c->issuers);
	pgp_certs_done(&c->certs);
	kit_done(&c->alice);
	for (size_t i = 0; i < FRIENDS; i++)
		kit_done(&c->friends[i]);
}

/* One signature over Alice's user ID. */
struct said {
	struct own_sig sig;
	int trust; /* GIVEN(): depth */
	uint8_t amount;
	const char *regex, *regex2;
	bool local, not_revocable;
};

static void
put_said(struct circle *c, const struct kit *by, const struct said *s, const struct pgp_sig_target *target)
{
	const uint8_t trust[2] = { (uint8_t)s->trust, s->amount };
	const char *const regexes[] = { s->regex, s->regex2 };
	struct own_sig sig = s->sig;
	struct buf sub, body;

	buf_init(&sub, 1 << 12);
	buf_init(&body, 1 << 16);
	sig.type = sig.type != 0 ? sig.type : PGP_SIG_CERT_GENERIC;
	if (s->trust != 0)
		(void)pgp_subpacket_put(&sub, PGP_SUB_TRUST, false, slice_of(trust, 2));
	for (size_t i = 0; i < 2; i++)
		if (regexes[i] != NULL)
			(void)pgp_subpacket_put(
			    &sub, PGP_SUB_REGEX, true, slice_of((const uint8_t *)regexes[i], strlen(regexes[i]) + 1));
	if (s->local)
		(void)pgp_subpacket_put(&sub, PGP_SUB_EXPORTABLE, true, slice_of((const uint8_t[]){ 0 }, 1));
	if (s->not_revocable)
		(void)pgp_subpacket_put(&sub, PGP_SUB_REVOCABLE, false, slice_of((const uint8_t[]){ 0 }, 1));
	kit_sign(&sig, target, SLICE_EMPTY, by->primary, kit_keys(by), buf_slice(&sub), SLICE_EMPTY, &body);
	(void)pgp_packet_write(&c->alice.out, PGP_SIGNATURE, buf_slice(&body));
	buf_done(&sub);
	buf_done(&body);
}

struct answer {
	struct pgp_cert *cert;
	struct pgp_certification *found;
	size_t count;
	struct arena arena;
};

static int
try_ask(struct circle *c, bool delegations, bool approved_only, struct answer *a)
{
	struct pgp_policy policy = pgp_policy_default(T1 + NOW);
	struct pgp_certification_query q = {
		.issuers = c->issuers, .policy = &policy, .at = policy.now, .approved_only = approved_only
	};
	int rc;

	*a = (struct answer){ 0 };
	arena_init(&a->arena, 1 << 20);
	rc = pgp_cert_parse(buf_slice(&c->alice.out), &a->cert, NULL, &unit_error);
	if (rc != 0)
		return rc;
	q.target = a->cert;
	q.component = &a->cert->components[delegations ? 0 : 1];
	rc = pgp_certifications_find(&q, &a->arena, &a->found, &a->count, &unit_error);
	if (rc != 0) {
		pgp_cert_free(a->cert);
		arena_done(&a->arena);
	}
	return rc;
}

static void
ask(struct circle *c, struct answer *a)
{
	assert_ok(try_ask(c, false, false, a));
}

static void
answer_done(struct answer *a)
{
	pgp_cert_free(a->cert);
	arena_done(&a->arena);
}

static void
one_friend(void **state)
{
	static const struct {
		const char *name;
		struct said said[3];
		int count; /* of certifications that count */
		uint8_t depth, amount;
		const struct step *friend;
	} rows[] = {
		{ "plain", { { { .at = DAY } } }, 1, 0, 120, self },
		{ "persona, too", { { { .at = DAY, .type = PGP_SIG_CERT_PERSONA } } }, 1, 0, 120, self },
		{ "trust", { { { .at = DAY }, .trust = GIVEN(3), .amount = 60 } }, 1, 3, 60, self },
		{ "trust over 120", { { { .at = DAY }, .trust = GIVEN(255), .amount = 200 } }, 1, 255, 120, self },
		{ "nothing there", { { { 0 } } }, 0, 0, 0, self },
		{ "expired", { { { .at = DAY, .expires = DAY } } }, 0, 0, 0, self },
		{ "expires later", { { { .at = DAY, .expires = NOW } } }, 1, 0, 120, self },
		{ "from the future", { { { .at = NOW + DAY } } }, 0, 0, 0, self },
		{ "wrong arithmetic", { { { .at = DAY, .bad = true } } }, 0, 0, 0, self },
		{ "critical unknown", { { { .at = DAY, .odd = ODD_CRITICAL } } }, 0, 0, 0, self },
		{ "key ID only", { { { .at = DAY, .issuer = ISSUER_ID_UNHASHED } } }, 1, 0, 120, self },
		{ "several issuers", { { { .at = DAY, .issuer = ISSUER_ID_THEN_FAKE } } }, 1, 0, 120, self },
		{ "no issuer: nobody is asked", { { { .at = DAY, .issuer = ISSUER_NONE } } }, 0, 0, 0, self },
		{ "the newer counts",
		    { { { .at = DAY }, .trust = GIVEN(1), .amount = 120 },
			{ { .at = 2 * DAY }, .trust = GIVEN(2), .amount = 90 } },
		    1, 2, 90, self },
		{ "the newer counts, in any order",
		    { { { .at = 2 * DAY }, .trust = GIVEN(2), .amount = 90 },
			{ { .at = DAY }, .trust = GIVEN(1), .amount = 120 } },
		    1, 2, 90, self },
		{ "a newer one of amount 0",
		    { { { .at = DAY } }, { { .at = 2 * DAY }, .trust = GIVEN(0), .amount = 0 } }, 1, 0, 0, self },
		{ "a newer one expired", { { { .at = DAY } }, { { .at = 2 * DAY, .expires = 60 } } }, 1, 0, 120, self },
		{ "a newer one forged", { { { .at = DAY } }, { { .at = 2 * DAY, .bad = true } } }, 1, 0, 120, self },
		{ "of the same second", { { { .at = DAY } }, { { .at = DAY }, .trust = GIVEN(0), .amount = 120 } }, 2,
		    0, 120, self },
		{ "revoked", { { { .at = DAY } }, { { .at = 2 * DAY, .type = PGP_SIG_CERT_REVOCATION } } }, 0, 0, 0,
		    self },
		{ "revoked and made again",
		    { { { .at = DAY } }, { { .at = 2 * DAY, .type = PGP_SIG_CERT_REVOCATION } },
			{ { .at = 3 * DAY } } },
		    1, 0, 120, self },
		{ "a forged revocation",
		    { { { .at = DAY } }, { { .at = 2 * DAY, .type = PGP_SIG_CERT_REVOCATION, .bad = true } } }, 1, 0,
		    120, self },
		{ "not revocable",
		    { { { .at = DAY }, .not_revocable = true },
			{ { .at = 2 * DAY, .type = PGP_SIG_CERT_REVOCATION } } },
		    1, 0, 120, self },
		{ "issuer cannot certify", { { { .at = DAY } } }, 0, 0, 0, cannot },
		{ "issuer expired since", { { { .at = DAY } } }, 1, 0, 120, expires },
		{ "issuer was expired", { { { .at = 40 * DAY } } }, 0, 0, 0, expires },
		{ "issuer retired since", { { { .at = DAY } } }, 1, 0, 120, soft },
		{ "issuer was retired", { { { .at = 40 * DAY } } }, 0, 0, 0, soft },
		{ "issuer compromised", { { { .at = DAY } } }, 0, 0, 0, hard },
		{ "a signature of another type", { { { .at = DAY, .type = PGP_SIG_STANDALONE } } }, 0, 0, 0, self },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct circle c;
		struct answer a;

		circle_new(&c, rows[i].friend);
		for (size_t n = 0; n < 3; n++)
			if (rows[i].said[n].sig.at != 0)
				put_said(&c, &c.friends[0], &rows[i].said[n], &c.alice.target);
		ask(&c, &a);
		if (a.count != (size_t)rows[i].count ||
		    (a.count > 0 &&
			(a.found[0].depth != rows[i].depth || a.found[0].amount != rows[i].amount || a.found[0].self)))
			fail_msg("%s: %zu", rows[i].name, a.count);
		answer_done(&a);
		circle_done(&c);
	}
}

static void
several_friends_and_self(void **state)
{
	const struct said plain = { .sig.at = DAY }, local = { .sig.at = DAY, .local = true };
	const struct said trusts_itself = { .sig.at = DAY, .trust = GIVEN(5), .amount = 120 };
	struct circle c;
	struct answer a;
	unsigned seen = 0;

	(void)state;
	circle_new(&c, self);
	put_said(&c, &c.friends[0], &plain, &c.alice.target);
	put_said(&c, &c.friends[1], &local, &c.alice.target);
	put_said(&c, &c.alice, &trusts_itself, &c.alice.target);
	ask(&c, &a);
	assert_int_equal(a.count, 3);
	for (size_t i = 0; i < 3; i++) {
		bool own = pgp_fingerprint_eq(&a.found[i].issuer->primary->fingerprint, &c.alice.primary->fingerprint);
		bool is_local =
		    pgp_fingerprint_eq(&a.found[i].issuer->primary->fingerprint, &c.friends[1].primary->fingerprint);

		assert_int_equal(a.found[i].self, own);
		assert_int_equal(a.found[i].exportable, !is_local);
		assert_int_equal(a.found[i].depth, 0);
		seen |= own ? 1u : is_local ? 2u : 4u;
	}
	assert_int_equal(seen, 7);
	answer_done(&a);
	circle_done(&c);
}

/* Direct-key signatures by others: statements about the key without a name. */
static void
delegations(void **state)
{
	struct circle c;
	struct answer a;
	struct pgp_sig_target target;
	const struct said delegation = {
		.sig = { .at = DAY, .type = PGP_SIG_DIRECT_KEY }, .trust = GIVEN(2), .amount = 120
	};

	(void)state;
	circle_new(&c, self);
	/* Directly behind the primary key. */
	kit_steps(&c.alice, self);
	target = c.alice.target;
	put_said(&c, &c.friends[0], &delegation, &target);
	assert_ok(try_ask(&c, true, false, &a));
	assert_int_equal(a.count, 2); /* and Alice's own */
	assert_int_equal(a.found[0].self + a.found[1].self, 1);
	assert_int_equal(a.found[0].depth + a.found[1].depth, 2);
	answer_done(&a);
	circle_done(&c);
}

static void
scope(void **state)
{
	static const struct {
		const char *regex, *regex2, *user;
		bool covers;
	} rows[] = {
		{ NULL, NULL, "Bob <bob@anywhere.example>", true },
		{ "<[^>]+[@.]example\\.org>$", NULL, "Bob <bob@example.org>", true },
		{ "<[^>]+[@.]example\\.org>$", NULL, "Bob <bob@example.com>", false },
		{ "<[^>]+[@.]example\\.org>$", "<[^>]+[@.]example\\.com>$", "Bob <bob@example.com>", true },
		{ "((", NULL, "((", false },
		{ "((", "Bob", "Bob", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct said s = { .sig.at = DAY,
			.trust = GIVEN(1),
			.amount = 120,
			.regex = rows[i].regex,
			.regex2 = rows[i].regex2 };
		struct circle c;
		struct answer a;
		bool covers;

		circle_new(&c, self);
		put_said(&c, &c.friends[0], &s, &c.alice.target);
		ask(&c, &a);
		assert_int_equal(a.count, 1);
		assert_ok(pgp_certification_covers(&a.found[0], slice_str(rows[i].user), &covers, &unit_error));
		if (covers != rows[i].covers)
			fail_msg("row %zu", i);
		answer_done(&a);
		circle_done(&c);
	}
}

/* Alice approves the first friend's certification and not the second's. */
static void
approval(void **state)
{
	const struct said plain = { .sig.at = DAY };
	struct own_sig sig = { .type = PGP_SIG_ATTESTATION, .at = 2 * DAY, .hash = PGP_SHA256 };
	uint8_t digest[PGP_DIGEST_MAX];
	struct buf sub, body;
	struct pgp_hash *h;
	struct pgp_sig s;
	struct circle c;
	struct answer a;

	(void)state;
	circle_new(&c, self);
	put_said(&c, &c.friends[0], &plain, &c.alice.target);
	put_said(&c, &c.friends[1], &plain, &c.alice.target);
	assert_ok(try_ask(&c, false, true, &a));
	assert_int_equal(a.count, 0);
	answer_done(&a);

	ask(&c, &a);
	assert_int_equal(a.count, 2);
	for (size_t i = 0; i < 2; i++)
		if (pgp_fingerprint_eq(&a.found[i].issuer->primary->fingerprint, &c.friends[0].primary->fingerprint))
			assert_ok(pgp_sig_parse(a.found[i].sig, &s, &unit_error));
	assert_ok(pgp_hash_new(&h, PGP_SHA256, PGP_SIG_BINARY, SLICE_EMPTY, &unit_error));
	assert_ok(pgp_hash_sig(h, &s, &unit_error));
	assert_ok(pgp_hash_finish(h, 3, SLICE_EMPTY, digest, &unit_error));
	pgp_hash_free(h);
	answer_done(&a);

	buf_init(&sub, 1 << 10);
	buf_init(&body, 1 << 12);
	(void)pgp_subpacket_put(&sub, PGP_SUB_ATTESTED, false, slice_of(digest, 32));
	kit_sign(&sig, &c.alice.target, SLICE_EMPTY, c.alice.primary, kit_keys(&c.alice), buf_slice(&sub), SLICE_EMPTY,
	    &body);
	(void)pgp_packet_write(&c.alice.out, PGP_SIGNATURE, buf_slice(&body));
	assert_ok(try_ask(&c, false, true, &a));
	assert_int_equal(a.count, 1);
	assert_true(a.found[0].approved);
	assert_true(pgp_fingerprint_eq(&a.found[0].issuer->primary->fingerprint, &c.friends[0].primary->fingerprint));
	answer_done(&a);
	buf_done(&sub);
	buf_done(&body);
	circle_done(&c);
}

/* Strangers cost a look; forgeries in a friend's name a bounded number of checks. */
static void
floods(void **state)
{
	const struct said plain = { .sig.at = DAY }, forged = { .sig = { .at = DAY / 2, .bad = true } };
	struct kit stranger;
	struct circle c;
	struct answer a;
	struct buf one;
	size_t from;

	(void)state;
	circle_new(&c, self);
	kit_new(&stranger, 4);
	buf_init(&one, 1 << 16);
	from = c.alice.out.len;
	put_said(&c, &stranger, &plain, &c.alice.target);
	put_said(&c, &c.friends[0], &forged, &c.alice.target);
	(void)buf_put_slice(&one, slice_from(buf_slice(&c.alice.out), from));
	for (int i = 0; i < 50000; i++)
		(void)buf_put_slice(&c.alice.out, buf_slice(&one));
	put_said(&c, &c.friends[0], &plain, &c.alice.target);
	ask(&c, &a);
	assert_int_equal(a.count, 1);
	answer_done(&a);
	buf_done(&one);
	kit_done(&stranger);
	circle_done(&c);
}

/* A friend's word many times, true each time: whatever makes it not count must not be found out each time. */
static void
floods_of_true_certifications(void **state)
{
	static const struct {
		const struct step *friend;
		struct said said;
		size_t count;
	} rows[] = {
		{ expires, { .sig.at = 60 * DAY }, 0 }, /* made when the issuer's key was expired */
		{ self, { .sig.at = DAY }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct circle c;
		struct answer a;
		struct buf one;
		clock_t begun;
		size_t from;

		circle_new(&c, rows[i].friend);
		buf_init(&one, 1 << 16);
		from = c.alice.out.len;
		put_said(&c, &c.friends[0], &rows[i].said, &c.alice.target);
		(void)buf_put_slice(&one, slice_from(buf_slice(&c.alice.out), from));
		/* The same statement, with something different in its unhashed area each time. */
		for (int n = 0; n < 6000; n++) {
			struct pgp_packet p;
			size_t at = 0;

			assert_int_equal(pgp_packet_next(buf_slice(&one), &at, &p, &unit_error), 1);
			(void)pgp_packet_write(&c.alice.out, PGP_SIGNATURE, p.body);
			c.alice.out.data[c.alice.out.len - p.body.len + 6 + p.body.data[5] + 4] ^= (uint8_t)(n & 1);
		}
		begun = clock();
		ask(&c, &a);
		assert_int_equal(a.count, rows[i].count);
		if (clock() - begun > 3 * CLOCKS_PER_SEC)
			fail_msg("row %zu: %.1f s", i, (double)(clock() - begun) / CLOCKS_PER_SEC);
		answer_done(&a);
		buf_done(&one);
		circle_done(&c);
	}
}

/* A revocation cannot be hidden behind forged ones. */
static void
floods_of_revocations(void **state)
{
	const struct said plain = { .sig.at = DAY };
	const struct said revoked = { .sig = { .type = PGP_SIG_CERT_REVOCATION, .at = 2 * DAY } };
	const struct said forged = { .sig = { .type = PGP_SIG_CERT_REVOCATION, .at = 3 * DAY, .bad = true } };
	struct circle c;
	struct answer a;

	(void)state;
	circle_new(&c, self);
	put_said(&c, &c.friends[0], &plain, &c.alice.target);
	put_said(&c, &c.friends[1], &plain, &c.alice.target);
	for (int i = 0; i < 20; i++)
		put_said(&c, &c.friends[0], &forged, &c.alice.target);
	put_said(&c, &c.friends[0], &revoked, &c.alice.target);
	ask(&c, &a);
	assert_int_equal(a.count, 1);
	assert_true(pgp_fingerprint_eq(&a.found[0].issuer->primary->fingerprint, &c.friends[1].primary->fingerprint));
	answer_done(&a);
	circle_done(&c);
}

static void
failed_allocations(void **state)
{
	const struct said plain = { .sig.at = DAY };
	struct circle c;
	struct answer a;
	int rc = -1;

	(void)state;
	circle_new(&c, self);
	put_said(&c, &c.friends[0], &plain, &c.alice.target);
	put_said(&c, &c.friends[1], &plain, &c.alice.target);
	for (long n = 0; rc != 0; n++) {
		mem_fail_after(n);
		rc = try_ask(&c, false, false, &a);
		mem_fail_after(-1);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		assert_true(n < 1000);
	}
	assert_int_equal(a.count, 2);
	answer_done(&a);
	circle_done(&c);
}

UNIT_MAIN(UNIT_TEST(one_friend), UNIT_TEST(several_friends_and_self), UNIT_TEST(delegations), UNIT_TEST(scope),
    UNIT_TEST(approval), UNIT_TEST(floods), UNIT_TEST(floods_of_true_certifications), UNIT_TEST(floods_of_revocations),
    UNIT_TEST(failed_allocations))
