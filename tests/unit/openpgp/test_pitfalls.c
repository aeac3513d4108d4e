/* SPDX-License-Identifier: ISC */
/* What has gone wrong elsewhere with keys and signatures: one test for each known case. */
#include "unit.h"

#include "openpgp_helpers.h"

#define NOW 1700000000u

/* A certificate being put together: f's primary key, then whatever a test adds. */
struct forge {
	struct fixture f;
	struct buf out;
};

static void
forge_new(struct forge *g)
{
	fixture_new(&g->f, 4, NOW, true);
	buf_init(&g->out, 64 << 20);
}

static void
forge_done(struct forge *g)
{
	buf_done(&g->out);
	fixture_done(&g->f);
}

/* All packets of component n: the packet itself and as many of its signatures as asked for. */
static void
forge_copy(struct forge *g, size_t n, size_t sigs)
{
	const struct pgp_component *k = &g->f.cert->components[n];

	(void)buf_put_slice(&g->out, k->packet.raw);
	for (size_t i = 0; i < k->part_count && i < sigs; i++)
		(void)buf_put_slice(&g->out, k->parts[i].raw);
}

static void
forge_sig(
    struct forge *g, const struct pgp_sig_spec *spec, const struct pgp_sig_target *target, const struct pgp_key *by)
{
	struct buf body;

	buf_init(&body, 1 << 16);
	assert_ok(pgp_sig_make_target(spec, target, by, pgp_memory_keys_ops(g->f.memory), &body, &unit_error));
	(void)pgp_packet_write(&g->out, PGP_SIGNATURE, buf_slice(&body));
	buf_done(&body);
}

/* Revokes the primary key with a reason; 255: without one. */
static void
forge_revocation(struct forge *g, uint8_t reason, uint32_t created)
{
	struct pgp_sig_spec spec = { .type = PGP_SIG_KEY_REVOCATION, .created = created };
	struct pgp_sig_target target = { .primary = g->f.cert->primary };
	struct buf sub;

	buf_init(&sub, 100);
	if (reason != 255)
		(void)pgp_subpacket_put(&sub, PGP_SUB_REVOCATION_REASON, false, slice_of(&reason, 1));
	spec.extra_hashed = buf_slice(&sub);
	forge_sig(g, &spec, &target, g->f.cert->primary);
	buf_done(&sub);
}

/* The verdict on a signature by the fixture's signing subkey, made at a time, under the forged certificate. */
static struct pgp_verdict
forge_verdict(struct forge *g, uint32_t signed_at, uint64_t now)
{
	struct pgp_policy policy = pgp_policy_default(now);
	struct pgp_certs certs = { 0 };
	struct pgp_verdict verdict;
	struct pgp_verifier *v;
	struct pgp_packet p;
	struct buf sig;
	size_t at = 0;

	buf_init(&sig, 1 << 16);
	fixture_sign(&g->f, PGP_SIG_BINARY, SLICE("data"), signed_at, &sig);
	assert_ok(pgp_certs_parse(buf_slice(&g->out), &certs, &unit_error));
	assert_ok(pgp_verifier_new(&v, &certs, &policy, &unit_error));
	assert_int_equal(pgp_packet_next(buf_slice(&sig), &at, &p, &unit_error), 1);
	assert_ok(pgp_verifier_expect(v, p.body, &unit_error));
	assert_ok(pgp_verifier_feed(v, SLICE("data"), &unit_error));
	assert_ok(pgp_verifier_finish(v, &unit_error));
	verdict = *pgp_verifier_verdict(v, 0);
	pgp_verifier_free(v);
	pgp_certs_done(&certs);
	buf_done(&sig);
	return verdict;
}

static void
pitfall_5_certificate_flooding(void **state)
{
	struct pgp_sig_spec spec = { .type = PGP_SIG_CERT_GENERIC, .created = NOW };
	struct pgp_policy policy = pgp_policy_default(NOW + 10);
	struct pgp_sig_target target;
	struct pgp_cert_judgement j;
	struct fixture mallory;
	struct pgp_cert *c;
	struct forge g;
	struct buf body;

	(void)state;
	forge_new(&g);
	fixture_new(&mallory, 4, NOW, false);
	target = (struct pgp_sig_target){
		.primary = g.f.cert->primary, .user_type = PGP_USER_ID, .user = g.f.cert->components[1].packet.body
	};
	buf_init(&body, 1 << 16);
	assert_ok(pgp_sig_make_target(
	    &spec, &target, mallory.cert->primary, pgp_memory_keys_ops(mallory.memory), &body, &unit_error));
	forge_copy(&g, 0, 0);
	(void)buf_put_slice(&g.out, g.f.cert->components[1].packet.raw);
	for (int i = 0; i < 100000; i++)
		(void)pgp_packet_write(&g.out, PGP_SIGNATURE, buf_slice(&body));
	(void)buf_put_slice(&g.out, g.f.cert->components[1].parts[0].raw);
	forge_copy(&g, 2, 1);
	assert_ok(pgp_cert_parse(buf_slice(&g.out), &c, NULL, &unit_error));
	assert_ok(pgp_cert_judge(c, &policy, NOW + 10, &j, &unit_error));
	assert_int_equal(j.standing, PGP_STANDING_GOOD);
	pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
	buf_done(&body);
	fixture_done(&mallory);
	forge_done(&g);
}

/* Two certificates whose keys answer to the same issuer: each is tried, and only the true one is good. */
static void
pitfall_6_key_id_collisions(void **state)
{
	struct pgp_policy policy = pgp_policy_default(NOW + 10);
	struct fixture a, b;
	struct pgp_certs certs = { 0 };
	struct pgp_verdict verdict;
	struct pgp_hash *h;
	struct pgp_packet p;
	struct pgp_sig s;
	struct buf sig;
	size_t at = 0;

	(void)state;
	fixture_new(&a, 4, NOW, false);
	fixture_new(&b, 4, NOW, false);
	buf_init(&sig, 1 << 16);
	fixture_sign(&b, PGP_SIG_BINARY, SLICE("data"), NOW + 1, &sig);
	assert_int_equal(pgp_packet_next(buf_slice(&sig), &at, &p, &unit_error), 1);
	assert_ok(pgp_sig_parse(p.body, &s, &unit_error));
	/* As if both had the ID that it names: no hint at all. */
	s.has_issuer = false;
	s.issuer_fpr.len = 0;
	assert_ok(pgp_certs_parse(a.cert->raw, &certs, &unit_error));
	assert_ok(pgp_certs_parse(b.cert->raw, &certs, &unit_error));
	assert_ok(pgp_hash_new(&h, s.hash, s.type, s.salt, &unit_error));
	assert_ok(pgp_hash_feed(h, SLICE("data"), &unit_error));
	assert_ok(pgp_verify_data(&s, h, &certs, &policy, &verdict, &unit_error));
	assert_int_equal(verdict.kind, PGP_VERDICT_GOOD);
	assert_true(pgp_fingerprint_eq(&verdict.key->fingerprint, &b.cert->primary->fingerprint));
	pgp_hash_free(h);
	pgp_certs_done(&certs);
	buf_done(&sig);
	fixture_done(&a);
	fixture_done(&b);
}

static void
pitfall_7_subpackets(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		bool critical, hashed;
		bool invalid;
	} rows[] = {
		{ "unknown critical", 101, true, true, true },
		{ "unknown", 101, false, true, false },
		{ "unknown critical, unhashed", 101, true, false, false },
		{ "critical notation", PGP_SUB_NOTATION, true, true, true },
		{ "key flags of the unhashed area are not believed", PGP_SUB_KEY_FLAGS, false, false, false },
	};
	struct fixture f;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_sig_spec spec = { .type = PGP_SIG_DIRECT_KEY, .created = NOW };
		struct pgp_sig_target target = { .primary = f.cert->primary };
		struct buf sub, body;
		struct pgp_sig s;

		buf_init(&sub, 100);
		buf_init(&body, 1 << 16);
		(void)pgp_subpacket_put(&sub, rows[i].type, rows[i].critical, SLICE("\x0f"));
		if (rows[i].hashed)
			spec.extra_hashed = buf_slice(&sub);
		else
			spec.extra_unhashed = buf_slice(&sub);
		assert_ok(pgp_sig_make_target(
		    &spec, &target, f.cert->primary, pgp_memory_keys_ops(f.memory), &body, &unit_error));
		assert_ok(pgp_sig_parse(buf_slice(&body), &s, &unit_error));
		if ((s.invalid != NULL) != rows[i].invalid)
			fail_msg("%s", rows[i].name);
		assert_int_equal(
		    pgp_sig_check_target(&s, &target, f.cert->primary, NULL), rows[i].invalid ? ERR_POLICY : 0);
		assert_false(s.has_key_flags);
		buf_done(&sub);
		buf_done(&body);
	}
	fixture_done(&f);
}

/* A certification or binding never counts as a signature over data, nor one over data as a certification. */
static void
pitfall_7_signature_type_confusion(void **state)
{
	struct pgp_policy policy = pgp_policy_default(NOW + 10);
	struct pgp_verifier *v;
	struct fixture f;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	assert_ok(pgp_verifier_new(&v, &f.certs, &policy, &unit_error));
	for (size_t i = 1; i < f.cert->component_count; i++)
		assert_ok(pgp_verifier_expect(v, f.cert->components[i].parts[0].body, &unit_error));
	assert_ok(pgp_verifier_feed(v, SLICE("x"), &unit_error));
	assert_ok(pgp_verifier_finish(v, &unit_error));
	assert_int_equal(pgp_verifier_count(v), 2);
	assert_int_equal(pgp_verifier_good(v), 0);
	pgp_verifier_free(v);
	fixture_done(&f);
}

static void
pitfall_7_one_pass_pairs_that_do_not_match(void **state)
{
	struct pgp_policy policy = pgp_policy_default(NOW + 10);
	struct fixture f;
	struct buf sig;
	struct pgp_packet p;
	size_t at = 0;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	buf_init(&sig, 1 << 16);
	fixture_sign(&f, PGP_SIG_BINARY, SLICE("data"), NOW + 1, &sig);
	assert_int_equal(pgp_packet_next(buf_slice(&sig), &at, &p, &unit_error), 1);
	for (uint8_t type = 0; type < 2; type++) {
		uint8_t one_pass[13] = { 3, type, PGP_SHA512, PGP_EDDSA_LEGACY };
		struct pgp_verifier *v;

		one_pass[12] = 1;
		assert_ok(pgp_verifier_new(&v, &f.certs, &policy, &unit_error));
		assert_ok(pgp_verifier_one_pass(v, slice_of(one_pass, 13), &unit_error));
		assert_ok(pgp_verifier_feed(v, SLICE("data"), &unit_error));
		assert_ok(pgp_verifier_signature(v, p.body, &unit_error));
		/* One more than was announced. */
		assert_int_equal(pgp_verifier_signature(v, p.body, NULL), ERR_SYNTAX);
		assert_ok(pgp_verifier_finish(v, &unit_error));
		assert_int_equal(pgp_verifier_good(v), type == 0 ? 1 : 0);
		pgp_verifier_free(v);
	}
	buf_done(&sig);
	fixture_done(&f);
}

static void
pitfall_9_signing_subkey_without_back_signature(void **state)
{
	static const uint8_t signs = PGP_FLAG_SIGN;
	struct pgp_sig_spec spec = { .type = PGP_SIG_SUBKEY_BINDING, .created = NOW };
	struct pgp_sig_target target;
	struct buf sub;
	struct forge g;

	(void)state;
	forge_new(&g);
	buf_init(&sub, 100);
	(void)pgp_subpacket_put(&sub, PGP_SUB_KEY_FLAGS, true, slice_of(&signs, 1));
	spec.extra_hashed = buf_slice(&sub);
	forge_copy(&g, 0, 9);
	forge_copy(&g, 1, 9);
	(void)buf_put_slice(&g.out, g.f.cert->components[2].packet.raw);
	target = (struct pgp_sig_target){ .primary = g.f.cert->primary, .subkey = g.f.cert->components[2].key };
	forge_sig(&g, &spec, &target, g.f.cert->primary);
	assert_int_equal(forge_verdict(&g, NOW + 1, NOW + 2).standing, PGP_STANDING_NO_BACK_SIGNATURE);
	assert_int_equal(forge_verdict(&g, NOW + 1, NOW + 2).kind, PGP_VERDICT_INVALID);
	buf_done(&sub);
	forge_done(&g);
}

static void
pitfall_9_revocations_hard_and_soft(void **state)
{
	static const struct {
		uint8_t reason; /* 255: none given */
		bool past_is_good;
	} rows[] = { { PGP_REASON_NONE, false }, { 255, false }, { PGP_REASON_COMPROMISED, false }, { 99, false },
		{ PGP_REASON_SUPERSEDED, true }, { PGP_REASON_RETIRED, true } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_verdict before, after;
		struct forge g;

		forge_new(&g);
		forge_copy(&g, 0, 9);
		forge_revocation(&g, rows[i].reason, NOW + 100);
		forge_copy(&g, 1, 9);
		forge_copy(&g, 2, 9);
		before = forge_verdict(&g, NOW + 50, NOW + 1000);
		after = forge_verdict(&g, NOW + 200, NOW + 1000);
		assert_int_equal(before.kind, rows[i].past_is_good ? PGP_VERDICT_GOOD : PGP_VERDICT_INVALID);
		assert_int_equal(after.kind, PGP_VERDICT_INVALID);
		assert_int_equal(
		    after.standing, rows[i].past_is_good ? PGP_STANDING_REVOKED_SOFT : PGP_STANDING_REVOKED_HARD);
		forge_done(&g);
	}
}

/* A revocation by somebody else revokes nothing. */
static void
pitfall_9_foreign_revocation(void **state)
{
	struct fixture mallory;
	struct buf out;
	struct forge g;

	(void)state;
	forge_new(&g);
	fixture_new(&mallory, 4, NOW, false);
	buf_init(&out, 1 << 16);
	assert_ok(pgp_generate_revocation(mallory.cert, pgp_memory_keys_ops(mallory.memory), PGP_REASON_COMPROMISED,
	    SLICE_EMPTY, NOW, &out, &unit_error));
	forge_copy(&g, 0, 9);
	(void)buf_put_slice(&g.out, buf_slice(&out));
	forge_copy(&g, 1, 9);
	forge_copy(&g, 2, 9);
	assert_int_equal(forge_verdict(&g, NOW + 50, NOW + 1000).kind, PGP_VERDICT_GOOD);
	buf_done(&out);
	fixture_done(&mallory);
	forge_done(&g);
}

static void
pitfall_9_no_live_self_signature(void **state)
{
	struct forge g;

	(void)state;
	forge_new(&g);
	forge_copy(&g, 0, 0);
	forge_copy(&g, 1, 0);
	forge_copy(&g, 2, 9);
	assert_int_equal(forge_verdict(&g, NOW + 50, NOW + 100).standing, PGP_STANDING_UNBOUND);
	buf_clear(&g.out);
	/* A subkey moved under somebody else's primary key. */
	forge_done(&g);
	forge_new(&g);
	{
		struct fixture other;

		fixture_new(&other, 4, NOW, false);
		(void)buf_put_slice(&g.out, other.cert->raw);
		forge_copy(&g, 2, 9);
		assert_int_equal(forge_verdict(&g, NOW + 50, NOW + 100).kind, PGP_VERDICT_INVALID);
		fixture_done(&other);
	}
	forge_done(&g);
}

static void
pitfall_9_expired_and_future(void **state)
{
	struct slice user = SLICE("Alice <alice@example.org>");
	struct pgp_generate_spec spec = {
		.version = 6, .user_ids = &user, .user_id_count = 1, .created = NOW, .expires = 1000
	};
	struct pgp_policy policy = pgp_policy_default(NOW + 2000);
	struct pgp_cert_judgement j;
	const struct pgp_key *keys[4];
	struct fixture f;
	struct buf key, sig;

	(void)state;
	buf_init(&key, 1 << 16);
	buf_init(&sig, 1 << 16);
	assert_ok(pgp_generate(&spec, &key, &unit_error));
	fixture_from(&f, buf_slice(&key));
	/* Signed in time: good for ever. Signed afterwards, or from the future: not. */
	fixture_sign(&f, PGP_SIG_BINARY, SLICE("x"), NOW + 500, &sig);
	assert_int_equal(fixture_verify(&f, buf_slice(&sig), SLICE("x"), NOW + 5000), PGP_VERDICT_GOOD);
	assert_int_equal(fixture_verify(&f, buf_slice(&sig), SLICE("x"), NOW + 10), PGP_VERDICT_INVALID);
	buf_clear(&sig);
	fixture_sign(&f, PGP_SIG_BINARY, SLICE("x"), NOW + 1500, &sig);
	assert_int_equal(fixture_verify(&f, buf_slice(&sig), SLICE("x"), NOW + 5000), PGP_VERDICT_INVALID);
	assert_ok(pgp_cert_judge(f.cert, &policy, policy.now, &j, &unit_error));
	assert_int_equal(j.standing, PGP_STANDING_EXPIRED);
	assert_int_equal(pgp_judged_keys_for(&j, &policy, PGP_FLAG_ENCRYPT, keys, 4, &unit_error), 0);
	assert_non_null(strstr(unit_error.text, "expired"));
	pgp_cert_judgement_done(&j);
	buf_wipe_done(&key);
	buf_done(&sig);
	fixture_done(&f);
}

UNIT_MAIN(UNIT_TEST(pitfall_5_certificate_flooding), UNIT_TEST(pitfall_6_key_id_collisions),
    UNIT_TEST(pitfall_7_subpackets), UNIT_TEST(pitfall_7_signature_type_confusion),
    UNIT_TEST(pitfall_7_one_pass_pairs_that_do_not_match), UNIT_TEST(pitfall_9_signing_subkey_without_back_signature),
    UNIT_TEST(pitfall_9_revocations_hard_and_soft), UNIT_TEST(pitfall_9_foreign_revocation),
    UNIT_TEST(pitfall_9_no_live_self_signature), UNIT_TEST(pitfall_9_expired_and_future))
