/* SPDX-License-Identifier: ISC */
/* What others say of a certificate, and which of that its owner approves. */
#include "base/mem.h"
#include "openpgp/change_kit.h"

/* The certification that stands last behind the user ID. */
static struct pgp_sig
last_sig(const struct pgp_cert *c, size_t component)
{
	const struct pgp_component *k = &c->components[component];
	struct pgp_sig s;

	assert_ok(pgp_sig_parse(k->parts[k->part_count - 1].body, &s, &unit_error));
	return s;
}

static int
check_by(const struct pgp_sig *s, const struct pgp_cert *target, const struct pgp_cert *signer)
{
	struct pgp_sig_target over = {
		.primary = target->primary, .user_type = PGP_USER_ID, .user = target->components[1].packet.body
	};

	return pgp_sig_check_target(s, &over, signer->primary, &unit_error);
}

static void
certifications_say_what_was_asked(void **state)
{
	const struct pgp_notation notation = { SLICE("how@example.org"), SLICE("met in person"), true, false };
	const struct pgp_certify_spec full = { .type = PGP_SIG_CERT_POSITIVE,
		.created = NOW,
		.expires = DAY,
		.local = true,
		.not_revocable = true,
		.depth = 2,
		.amount = 60,
		.regex = SLICE("<[^>]+[@.]example\\.org>$"),
		.policy_uri = SLICE("https://example.org/policy"),
		.notations = &notation,
		.notation_count = 1 },
				      plain = { .created = NOW };

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed alice, bob;
		struct pgp_notation n;
		struct slice regex;
		struct pgp_sig s;
		struct buf b = room();

		changed_new(&alice, version, false);
		changed_new(&bob, 10 - version, false);
		assert_ok(pgp_certify_user(
		    &full, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
		advance(&alice, &b);
		s = last_sig(alice.f.cert, 1);
		assert_ok(check_by(&s, alice.f.cert, bob.f.cert));
		assert_int_equal(s.type, PGP_SIG_CERT_POSITIVE);
		assert_int_equal(s.version, 10 - version);
		assert_int_equal(s.expires, DAY);
		assert_false(s.exportable);
		assert_false(s.revocable);
		assert_int_equal(s.trust_depth, 2);
		assert_int_equal(s.trust_amount, 60);
		assert_true(pgp_sig_regex(&s, 0, &regex));
		assert_slices(regex, full.regex);
		assert_slices(s.policy_uri, full.policy_uri);
		assert_true(pgp_sig_notation(&s, 0, &n));
		assert_slices(n.name, notation.name);
		assert_slices(n.value, notation.value);
		b = room();
		assert_ok(pgp_certify_user(
		    &plain, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
		advance(&alice, &b);
		s = last_sig(alice.f.cert, 1);
		assert_ok(check_by(&s, alice.f.cert, bob.f.cert));
		assert_int_equal(s.type, PGP_SIG_CERT_GENERIC);
		assert_true(s.exportable);
		assert_false(s.has_trust);
		changed_done(&alice);
		changed_done(&bob);
	}
}

static void
certifications_that_cannot_be(void **state)
{
	const struct pgp_notation no_domain = { .name = SLICE("how") }, no_tag = { .name = SLICE("@example.org") };
	const struct {
		struct pgp_certify_spec spec;
		const char *user;
		int expected;
	} rows[] = {
		{ { .created = NOW }, "nobody", ERR_NOT_FOUND },
		{ { .created = NOW, .type = PGP_SIG_TEXT }, NULL, ERR_USAGE },
		{ { .created = NOW, .type = PGP_SIG_SUBKEY_BINDING }, NULL, ERR_USAGE },
		{ { .created = NOW, .amount = 60 }, NULL, ERR_USAGE },
		{ { .created = NOW, .regex = SLICE("x") }, NULL, ERR_USAGE },
		{ { .created = NOW, .depth = 1, .regex = SLICE("a\0b") }, NULL, ERR_USAGE },
		{ { .created = NOW, .notations = &no_domain, .notation_count = 1 }, NULL, ERR_USAGE },
		{ { .created = NOW, .notations = &no_tag, .notation_count = 1 }, NULL, ERR_USAGE },
		{ { .created = NOW, .notations = &no_tag, .notation_count = PGP_NOTATIONS_MAX + 1 }, NULL, ERR_USAGE },
	};
	struct changed alice, bob;
	struct buf b = room();

	(void)state;
	changed_new(&alice, 4, false);
	changed_new(&bob, 4, false);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice user = rows[i].user != NULL ? slice_str(rows[i].user) : *alice_id();

		assert_int_equal(pgp_certify_user(&rows[i].spec, alice.f.cert, user, bob.f.cert, change_of(&bob).keys,
				     &b, &unit_error),
		    rows[i].expected);
		assert_int_equal(b.len, 0);
	}
	assert_int_equal(pgp_certify_user(&rows[0].spec, alice.f.cert, *alice_id(), alice.f.cert,
			     change_of(&alice).keys, &b, &unit_error),
	    ERR_USAGE);
	assert_int_equal(pgp_certify_revoke(&rows[0].spec, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys,
			     &b, &unit_error),
	    ERR_NOT_FOUND);
	buf_done(&b);
	changed_done(&alice);
	changed_done(&bob);
}

static void
certifications_are_taken_back(void **state)
{
	const struct pgp_certify_spec local = { .created = NOW, .local = true },
				      back = { .created = NOW, .reason = PGP_REASON_USER_ID_INVALID };
	struct changed alice, bob;
	struct buf b = room();
	struct pgp_sig s;

	(void)state;
	changed_new(&alice, 6, false);
	changed_new(&bob, 6, false);
	assert_ok(
	    pgp_certify_user(&local, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
	advance(&alice, &b);
	b = room();
	assert_ok(
	    pgp_certify_revoke(&back, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
	advance(&alice, &b);
	s = last_sig(alice.f.cert, 1);
	assert_ok(check_by(&s, alice.f.cert, bob.f.cert));
	assert_int_equal(s.type, PGP_SIG_CERT_REVOCATION);
	assert_int_equal(s.reason, PGP_REASON_USER_ID_INVALID);
	assert_true(s.created > NOW);
	assert_false(s.exportable);
	/* It is no revocation by Alice. */
	assert_int_equal(judged(&alice, 1, alice.policy.now).of, PGP_STANDING_GOOD);
	changed_done(&alice);
	changed_done(&bob);
}

static bool
only_from(void *ctx, const struct pgp_sig *s)
{
	const struct pgp_key *key = ctx;

	return pgp_sig_may_be_from(s, key);
}

/* Which of the two last certifications is approved: bit 0 the last but one. */
static unsigned
approved(const struct changed *alice)
{
	const struct pgp_component *k = &alice->f.cert->components[1];
	struct pgp_approval a;
	unsigned bits = 0;

	assert_ok(pgp_approval_find(alice->f.cert, k, &alice->policy, &a, &unit_error));
	for (unsigned i = 0; i < 2; i++) {
		bool has;

		assert_ok(pgp_approval_has(&a, k->parts[k->part_count - 2 + i].body, &has, &unit_error));
		bits |= (unsigned)has << i;
	}
	return bits;
}

static void
the_owner_approves(void **state)
{
	const struct pgp_certify_spec spec = { .created = NOW };

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed alice, bob, carol;
		struct pgp_change g;
		struct buf b = room();

		changed_new(&alice, version, false);
		changed_new(&bob, 4, false);
		changed_new(&carol, 6, false);
		assert_ok(pgp_certify_user(
		    &spec, alice.f.cert, *alice_id(), bob.f.cert, change_of(&bob).keys, &b, &unit_error));
		advance(&alice, &b);
		b = room();
		assert_ok(pgp_certify_user(
		    &spec, alice.f.cert, *alice_id(), carol.f.cert, change_of(&carol).keys, &b, &unit_error));
		advance(&alice, &b);
		assert_int_equal(approved(&alice), 0);
		g = change_of(&alice);
		b = room();
		assert_ok(pgp_change_approve(&g, *alice_id(), NULL, NULL, &b, &unit_error));
		advance(&alice, &b);
		assert_int_equal(approved(&alice), 3);
		g = change_of(&alice);
		b = room();
		assert_ok(pgp_change_approve(
		    &g, *alice_id(), only_from, (void *)(uintptr_t)carol.f.cert->primary, &b, &unit_error));
		advance(&alice, &b);
		assert_int_equal(approved(&alice), 2);
		assert_int_equal(judged(&alice, 1, alice.policy.now).of, PGP_STANDING_GOOD);
		changed_done(&alice);
		changed_done(&bob);
		changed_done(&carol);
	}
}

static void
every_allocation_may_fail_while_certifying(void **state)
{
	const struct pgp_notation notation = { SLICE("how@example.org"), SLICE("met in person"), true, false };
	const struct pgp_certify_spec spec = { .created = NOW,
		.depth = 1,
		.amount = 120,
		.regex = SLICE("x$"),
		.notations = &notation,
		.notation_count = 1 };
	struct changed alice, bob;
	struct pgp_keyring_ops keys;
	struct buf b = room();

	(void)state;
	changed_new(&alice, 6, false);
	changed_new(&bob, 6, false);
	keys = change_of(&bob).keys;
	assert_ok(pgp_certify_user(&spec, alice.f.cert, *alice_id(), bob.f.cert, keys, &b, &unit_error));
	advance(&alice, &b);
	for (int what = 0; what < 2; what++) {
		int rc = ERR_NOMEM;

		for (long n = 0; rc != 0; n++) {
			b = room();
			mem_fail_after(n);
			rc = (what == 0 ? pgp_certify_user : pgp_certify_revoke)(
			    &spec, alice.f.cert, *alice_id(), bob.f.cert, keys, &b, &unit_error);
			mem_fail_after(-1);
			if (rc != 0 && rc != ERR_NOMEM)
				fail_msg("call %d, allocation %ld: %d %s", what, n, rc, unit_error.text);
			assert_int_equal(b.len == 0, rc != 0);
			buf_done(&b);
		}
	}
	changed_done(&alice);
	changed_done(&bob);
}

UNIT_MAIN(UNIT_TEST(certifications_say_what_was_asked), UNIT_TEST(certifications_that_cannot_be),
    UNIT_TEST(certifications_are_taken_back), UNIT_TEST(the_owner_approves),
    UNIT_TEST(every_allocation_may_fail_while_certifying))
