/* SPDX-License-Identifier: ISC */
/* What its owner does to a key after it was made. */
#include "base/mem.h"
#include "openpgp/change_kit.h"

/* ---- expiry ---- */

static void
expiry_of_the_certificate(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed c;
		struct pgp_change g;
		struct buf b = room();

		changed_new(&c, version, true);
		g = change_of(&c);
		assert_ok(pgp_change_expiry(&g, c.f.cert->primary, NOW + DAY, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 0, NOW + 20).expires, NOW + DAY);
		assert_int_equal(judged(&c, 0, NOW + DAY).whole, PGP_STANDING_EXPIRED);
		assert_int_equal(judged(&c, 0, NOW + DAY - 1).whole, PGP_STANDING_GOOD);
		/* It still is for what it was for. */
		assert_int_equal(usable(&c, PGP_FLAG_SIGN), 1);
		assert_int_equal(usable(&c, PGP_FLAG_ENCRYPT), 1);
		/* An expired one comes back. */
		c.policy.now = NOW + 2 * DAY;
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_expiry(&g, c.f.cert->primary, 0, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 0, NOW + 3 * DAY).expires, 0);
		assert_int_equal(judged(&c, 0, NOW + 3 * DAY).whole, PGP_STANDING_GOOD);
		changed_done(&c);
	}
}

static void
expiry_of_a_subkey(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed c;

		changed_new(&c, version, true);
		/* The signing subkey, which must stay signed back, and the other one. */
		for (size_t n = 1; n <= 2; n++) {
			struct pgp_change g = change_of(&c);
			const struct pgp_key *key = pgp_cert_key(c.f.cert, n);
			struct buf b = room();

			assert_ok(pgp_change_expiry(&g, key, NOW + DAY, &b, &unit_error));
			advance(&c, &b);
			assert_int_equal(judged(&c, n + 1, NOW + 100).expires, NOW + DAY);
			assert_int_equal(judged(&c, n + 1, NOW + 100).of, PGP_STANDING_GOOD);
			assert_int_equal(judged(&c, n + 1, NOW + DAY).of, PGP_STANDING_EXPIRED);
			assert_int_equal(judged(&c, 0, NOW + DAY).whole, PGP_STANDING_GOOD);
		}
		changed_done(&c);
	}
}

static void
expiry_that_cannot_be(void **state)
{
	struct changed c, other;
	struct pgp_change g;
	struct buf b = room();

	(void)state;
	changed_new(&c, 4, false);
	changed_new(&other, 4, false);
	g = change_of(&c);
	assert_int_equal(pgp_change_expiry(&g, c.f.cert->primary, MADE, &b, &unit_error), ERR_USAGE);
	assert_int_equal(pgp_change_expiry(&g, c.f.cert->primary, MADE + 0x100000000u, &b, &unit_error), ERR_USAGE);
	assert_int_equal(pgp_change_expiry(&g, other.f.cert->primary, NOW + DAY, &b, &unit_error), ERR_USAGE);
	g.keys = pgp_memory_keys_ops(other.f.memory);
	assert_int_equal(pgp_change_expiry(&g, c.f.cert->primary, NOW + DAY, &b, &unit_error), ERR_NO_KEY);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	changed_done(&c);
	changed_done(&other);
}

/* SHA-1 goes with any change, what nobody knows stays. */
static void
a_change_heals_weak_hashes(void **state)
{
	struct pgp_change g;
	struct changed c;
	struct buf b = room();

	(void)state;
	changed_new_rsa(&c);
	weaken(&c, PGP_SHA1);
	c.policy = pgp_policy_default(MADE + 100000000u); /* behind SHA-1's last day */
	assert_int_not_equal(judged(&c, 0, c.policy.now).whole, PGP_STANDING_GOOD);
	g = change_of(&c);
	assert_ok(pgp_change_expiry(&g, c.f.cert->primary, 0, &b, &unit_error));
	advance(&c, &b);
	assert_int_equal(judged(&c, 0, c.policy.now).whole, PGP_STANDING_GOOD);
	assert_int_equal(newest(&c, 1).hash, PGP_SHA512);
	assert_true(slice_search(newest(&c, 1).hashed, SLICE("nobody knows")) != SIZE_MAX);
	assert_int_equal(newest(&c, 1).key_flags, PGP_FLAG_CERTIFY);
	assert_true(newest(&c, 1).primary_user_id);
	changed_done(&c);
}

/* ---- user IDs ---- */

static void
user_ids_come_and_go(void **state)
{
	struct slice alice = SLICE("Alice <alice@example.org>"), work = SLICE("Alice <alice@work.example>");

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_change g;
		struct changed c;
		struct buf b = room();

		changed_new(&c, version, false);
		g = change_of(&c);
		assert_int_equal(pgp_change_add_user(&g, alice, false, &b, &unit_error), ERR_EXISTS);
		assert_int_equal(pgp_change_add_user(&g, SLICE("\xff"), false, &b, &unit_error), ERR_USAGE);
		assert_int_equal(b.len, 0);
		assert_ok(pgp_change_add_user(&g, work, false, &b, &unit_error));
		advance(&c, &b);
		assert_slices(c.f.cert->components[2].packet.body, work);
		assert_int_equal(judged(&c, 2, c.policy.now).of, PGP_STANDING_GOOD);
		assert_true(judged(&c, 1, c.policy.now).primary);
		/* primary */
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_primary_user(&g, work, &b, &unit_error));
		advance(&c, &b);
		assert_true(judged(&c, 2, c.policy.now).primary);
		assert_false(newest(&c, 1).primary_user_id);
		/* revoked */
		g = change_of(&c);
		b = room();
		assert_int_equal(pgp_change_revoke_user(
				     &g, SLICE("nobody"), PGP_REASON_USER_ID_INVALID, SLICE_EMPTY, &b, &unit_error),
		    ERR_NOT_FOUND);
		assert_int_equal(
		    pgp_change_revoke_user(&g, work, PGP_REASON_COMPROMISED, SLICE_EMPTY, &b, &unit_error), ERR_USAGE);
		assert_ok(pgp_change_revoke_user(
		    &g, work, PGP_REASON_USER_ID_INVALID, SLICE("left the company"), &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 2, c.policy.now).of, PGP_STANDING_REVOKED_SOFT);
		assert_slice(newest(&c, 2).reason_text, "left the company");
		assert_int_equal(usable(&c, PGP_FLAG_SIGN), 1);
		/* and back */
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_add_user(&g, work, true, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 2, c.policy.now).of, PGP_STANDING_GOOD);
		assert_true(judged(&c, 2, c.policy.now).primary);
		assert_int_equal(c.f.cert->components[3].kind, PGP_COMPONENT_SUBKEY);
		changed_done(&c);
	}
}

static void
first_user_id_of_a_nameless_key(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_generate_spec spec = { .version = version, .created = MADE };
		struct pgp_change g;
		struct changed c = { .policy = pgp_policy_default(NOW) };
		struct buf b = room();

		assert_ok(pgp_generate(&spec, &b, &unit_error));
		fixture_from(&c.f, buf_slice(&b));
		buf_clear(&b);
		g = change_of(&c);
		assert_ok(pgp_change_add_user(&g, SLICE("Late <late@example.org>"), true, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(c.f.cert->components[1].kind, PGP_COMPONENT_USER_ID);
		assert_int_equal(judged(&c, 1, c.policy.now).of, PGP_STANDING_GOOD);
		assert_int_equal(usable(&c, PGP_FLAG_SIGN), 1);
		changed_done(&c);
	}
}

/* ---- subkeys ---- */

static void
subkeys_come_and_go(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_subkey_spec spec = {
			.flags = PGP_FLAG_ENCRYPT, .family = PGP_FAMILY_NISTP256, .expires = DAY
		};
		struct secret s = SECRET_EMPTY;
		struct pgp_change g;
		struct changed c;
		struct buf b = room();

		changed_new(&c, version, false);
		g = change_of(&c);
		assert_ok(pgp_change_add_subkey(&g, &spec, PGP_PROTECT_AEAD, SLICE("open"), &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 3, c.policy.now).of, PGP_STANDING_GOOD);
		assert_int_equal(judged(&c, 3, c.policy.now).expires, NOW + DAY);
		assert_int_equal(judged(&c, 3, c.policy.now).flags, PGP_FLAG_ENCRYPT);
		assert_ok(pgp_key_unlock(pgp_cert_key(c.f.cert, 2), SLICE("open"), &s, &unit_error));
		secret_done(&s);
		spec = (struct pgp_subkey_spec){ .flags = PGP_FLAG_SIGN, .family = PGP_FAMILY_25519 };
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_add_subkey(&g, &spec, PGP_PROTECT_NONE, SLICE_EMPTY, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 4, c.policy.now).of, PGP_STANDING_GOOD);
		/* A subkey whose secret is not at hand keeps the back signature that it has. */
		g = change_of(&c);
		b = room();
		assert_ok(pgp_change_expiry(&g, pgp_cert_key(c.f.cert, 3), NOW + DAY, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 4, c.policy.now).of, PGP_STANDING_GOOD);
		g = change_of(&c);
		b = room();
		assert_int_equal(pgp_change_revoke_subkey(
				     &g, c.f.cert->primary, PGP_REASON_SUPERSEDED, SLICE_EMPTY, &b, &unit_error),
		    ERR_USAGE);
		assert_ok(pgp_change_revoke_subkey(
		    &g, pgp_cert_key(c.f.cert, 3), PGP_REASON_SUPERSEDED, SLICE("new laptop"), &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(judged(&c, 4, c.policy.now).of, PGP_STANDING_REVOKED_SOFT);
		assert_int_equal(judged(&c, 4, NOW + 15).of, PGP_STANDING_GOOD);
		/* What is revoked does not come back by the way. */
		g = change_of(&c);
		b = room();
		assert_int_equal(
		    pgp_change_expiry(&g, pgp_cert_key(c.f.cert, 3), NOW + 2 * DAY, &b, &unit_error), ERR_POLICY);
		buf_done(&b);
		changed_done(&c);
	}
}

static void
a_public_certificate_takes_no_secret(void **state)
{
	const struct pgp_subkey_spec spec = { .flags = PGP_FLAG_ENCRYPT, .family = PGP_FAMILY_25519 };
	struct buf b = room();
	struct pgp_change g;
	struct changed c;

	(void)state;
	changed_new(&c, 4, false);
	assert_ok(pgp_cert_write_public(c.f.cert, &b));
	pgp_cert_free(c.f.cert);
	c.f.cert = c.f.certs.items[0] = parse(buf_slice(&b));
	buf_clear(&b);
	g = change_of(&c);
	assert_int_equal(pgp_change_add_subkey(&g, &spec, PGP_PROTECT_NONE, SLICE_EMPTY, &b, &unit_error), ERR_USAGE);
	/* Everything else works: the secrets are elsewhere. */
	assert_ok(pgp_change_expiry(&g, c.f.cert->primary, NOW + DAY, &b, &unit_error));
	advance(&c, &b);
	assert_false(c.f.cert->secret);
	assert_int_equal(judged(&c, 0, c.policy.now).expires, NOW + DAY);
	changed_done(&c);
}

/* ---- revocation ---- */

static void
every_reason_revokes(void **state)
{
	static const struct {
		uint8_t reason;
		enum pgp_standing now, before;
	} rows[] = {
		{ PGP_REASON_NONE, PGP_STANDING_REVOKED_HARD, PGP_STANDING_REVOKED_HARD },
		{ PGP_REASON_SUPERSEDED, PGP_STANDING_REVOKED_SOFT, PGP_STANDING_GOOD },
		{ PGP_REASON_COMPROMISED, PGP_STANDING_REVOKED_HARD, PGP_STANDING_REVOKED_HARD },
		{ PGP_REASON_RETIRED, PGP_STANDING_REVOKED_SOFT, PGP_STANDING_GOOD },
	};

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < 4; i++) {
			struct pgp_change g;
			struct changed c;
			struct buf b = room(), ahead = room();

			changed_new(&c, version, false);
			g = change_of(&c);
			assert_ok(pgp_generate_revocation(
			    c.f.cert, g.keys, rows[i].reason, SLICE("why"), NOW, &ahead, &unit_error));
			assert_ok(pgp_change_revoke(&g, rows[i].reason, SLICE("why"), &b, &unit_error));
			advance(&c, &b);
			assert_int_equal(judged(&c, 0, c.policy.now).whole, rows[i].now);
			assert_int_equal(judged(&c, 0, MADE + 10).whole, rows[i].before);
			/* Nothing of it can be changed, and no change takes it back. */
			g = change_of(&c);
			b = room();
			assert_int_equal(pgp_change_expiry(&g, c.f.cert->primary, 0, &b, &unit_error), ERR_POLICY);
			assert_int_equal(pgp_change_add_user(&g, SLICE("x"), false, &b, &unit_error), ERR_POLICY);
			buf_done(&b);
			changed_done(&c);
			/* Made ahead, for this certificate and no other. */
			changed_new(&c, version, false);
			b = room();
			assert_int_equal(
			    pgp_cert_revoke_with(c.f.cert, buf_slice(&ahead), &b, &unit_error), ERR_SIGNATURE);
			buf_clear(&ahead);
			assert_ok(pgp_generate_revocation(
			    c.f.cert, change_of(&c).keys, rows[i].reason, SLICE_EMPTY, NOW, &ahead, &unit_error));
			assert_ok(pgp_cert_revoke_with(c.f.cert, buf_slice(&ahead), &b, &unit_error));
			advance(&c, &b);
			assert_int_equal(judged(&c, 0, c.policy.now).whole, rows[i].now);
			buf_done(&ahead);
			changed_done(&c);
		}
}

static void
what_is_no_revocation_is_refused(void **state)
{
	struct buf b = room();
	struct changed c;

	(void)state;
	changed_new(&c, 4, false);
	assert_int_equal(pgp_change_revoke(&(struct pgp_change){ c.f.cert, change_of(&c).keys, &c.policy },
			     PGP_REASON_USER_ID_INVALID, SLICE_EMPTY, &b, &unit_error),
	    ERR_USAGE);
	assert_int_equal(pgp_cert_revoke_with(c.f.cert, SLICE_EMPTY, &b, &unit_error), ERR_SYNTAX);
	assert_int_equal(
	    pgp_cert_revoke_with(c.f.cert, c.f.cert->components[1].packet.raw, &b, &unit_error), ERR_SYNTAX);
	assert_int_equal(
	    pgp_cert_revoke_with(c.f.cert, c.f.cert->components[1].parts[0].raw, &b, &unit_error), ERR_SYNTAX);
	assert_int_equal(pgp_cert_revoke_with(c.f.cert, SLICE("\xff"), &b, &unit_error), ERR_TRUNCATED);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	changed_done(&c);
}

static void
every_allocation_may_fail_while_changing(void **state)
{
	const struct pgp_subkey_spec subkey = { .flags = PGP_FLAG_SIGN, .family = PGP_FAMILY_25519 };
	struct pgp_change g;
	struct changed c;

	(void)state;
	changed_new(&c, 6, true);
	g = change_of(&c);
	for (int what = 0; what < 5; what++) {
		int rc = ERR_NOMEM;

		for (long n = 0; rc != 0; n++) {
			struct buf b = room();

			mem_fail_after(n);
			switch (what) {
			case 0:
				rc = pgp_change_expiry(&g, c.f.cert->primary, NOW + DAY, &b, &unit_error);
				break;
			case 1:
				rc = pgp_change_add_user(&g, SLICE("New"), true, &b, &unit_error);
				break;
			case 2:
				rc = pgp_change_add_subkey(&g, &subkey, PGP_PROTECT_NONE, SLICE_EMPTY, &b, &unit_error);
				break;
			case 3:
				rc = pgp_change_approve(&g, *alice_id(), NULL, NULL, &b, &unit_error);
				break;
			default:
				rc = pgp_change_revoke(&g, PGP_REASON_NONE, SLICE("x"), &b, &unit_error);
				break;
			}
			mem_fail_after(-1);
			if (rc != 0 && rc != ERR_NOMEM)
				fail_msg("change %d, allocation %ld: %d %s", what, n, rc, unit_error.text);
			assert_int_equal(b.len == 0, rc != 0);
			buf_wipe_done(&b);
		}
	}
	changed_done(&c);
}

/* ---- notations ---- */

/* How many notations of a name the user ID's newest self-signature has; *last the value of the last one. */
static size_t
notations(struct changed *c, const char *name, struct slice *last)
{
	struct pgp_cert_judgement j;
	struct pgp_notation n;
	size_t count = 0;

	assert_ok(pgp_cert_judge(c->f.cert, &c->policy, NOW + 100, &j, &unit_error));
	assert_int_not_equal(j.primary_user_id, SIZE_MAX);
	for (size_t i = 0; pgp_sig_notation(&j.components[j.primary_user_id].parsed, i, &n); i++)
		if (slice_eq_str(n.name, name)) {
			*last = n.value;
			count++;
		}
	pgp_cert_judgement_done(&j);
	return count;
}

static int
set_notations(struct changed *c, const char *name, const struct slice *values, size_t count)
{
	struct pgp_change g = change_of(c);
	struct buf b = room();
	int rc = pgp_change_notations(
	    &g, SLICE("Alice <alice@example.org>"), slice_str(name), values, count, &b, &unit_error);

	if (rc == 0)
		advance(c, &b);
	else
		buf_done(&b);
	return rc;
}

static void
notations_of_one_name_are_replaced(void **state)
{
	static const char proof[] = "proof@ariadne.id", other[] = "note@example.org";
	const struct slice two[] = { SLICE("https://example.org/"), SLICE("dns:example.org") };

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed c;
		struct slice last = SLICE_EMPTY;

		changed_new(&c, version, true);
		assert_ok(set_notations(&c, other, two, 1));
		assert_ok(set_notations(&c, proof, two, 2));
		assert_int_equal(notations(&c, proof, &last), 2);
		assert_slice(last, "dns:example.org");
		assert_ok(set_notations(&c, proof, two, 1));
		assert_int_equal(notations(&c, proof, &last), 1);
		assert_slice(last, "https://example.org/");
		assert_ok(set_notations(&c, proof, NULL, 0));
		assert_int_equal(notations(&c, proof, &last), 0);
		assert_int_equal(notations(&c, other, &last), 1);
		assert_int_equal(usable(&c, PGP_FLAG_SIGN), 1);
		assert_int_equal(usable(&c, PGP_FLAG_ENCRYPT), 1);
		assert_int_equal(set_notations(&c, "no name", two, 1), ERR_USAGE);
		assert_int_equal(set_notations(&c, proof, two, PGP_NOTATIONS_MAX + 1), ERR_LIMIT);
		changed_done(&c);
	}
}

UNIT_MAIN(UNIT_TEST(expiry_of_the_certificate), UNIT_TEST(expiry_of_a_subkey), UNIT_TEST(expiry_that_cannot_be),
    UNIT_TEST(a_change_heals_weak_hashes), UNIT_TEST(user_ids_come_and_go), UNIT_TEST(first_user_id_of_a_nameless_key),
    UNIT_TEST(subkeys_come_and_go), UNIT_TEST(a_public_certificate_takes_no_secret), UNIT_TEST(every_reason_revokes),
    UNIT_TEST(what_is_no_revocation_is_refused), UNIT_TEST(every_allocation_may_fail_while_changing),
    UNIT_TEST(notations_of_one_name_are_replaced))
