/* SPDX-License-Identifier: ISC */
/* Keys brought up to date. */
#include "base/mem.h"
#include "openpgp/change_kit.h"

static bool
updated(struct changed *c, const struct pgp_update_options *o)
{
	struct pgp_change g = change_of(c);
	struct buf b = room();
	bool changed = false;

	assert_ok(pgp_change_update(&g, o, &b, &changed, &unit_error));
	if (!changed)
		assert_slices(buf_slice(&b), c->f.cert->raw);
	advance(c, &b);
	return changed;
}

static void
a_current_key_stays_as_it_is(void **state)
{
	const struct pgp_update_options gentle = { .no_added_capabilities = true }, full = { .sign_only = false };

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct changed c;

		changed_new(&c, version, true);
		assert_false(updated(&c, &gentle));
		/* A v4 key learns about SEIPDv2, once. */
		assert_int_equal(updated(&c, &full), version == 4);
		assert_int_equal(newest(&c, version == 4 ? 1 : 0).features, PGP_FEATURE_SEIPD1 | PGP_FEATURE_SEIPD2);
		assert_false(updated(&c, &full));
		changed_done(&c);
	}
}

static void
an_old_key_is_healed(void **state)
{
	const struct pgp_update_options gentle = { .no_added_capabilities = true };
	struct changed c;

	(void)state;
	changed_new_rsa(&c);
	weaken(&c, PGP_SHA1);
	c.policy = pgp_policy_default(MADE + 100000000u);
	assert_int_equal(usable(&c, PGP_FLAG_SIGN), 0);
	assert_true(updated(&c, &gentle));
	assert_int_equal(usable(&c, PGP_FLAG_SIGN), 1);
	assert_int_equal(usable(&c, PGP_FLAG_ENCRYPT), 1);
	/* Back signatures, too. */
	for (size_t i = 1; i < c.f.cert->component_count; i++) {
		struct pgp_sig s = newest(&c, i), back;

		assert_int_equal(s.hash, PGP_SHA512);
		assert_true(slice_search(s.hashed, SLICE("nobody knows")) != SIZE_MAX);
		if (s.embedded.len > 0) {
			assert_ok(pgp_sig_parse(s.embedded, &back, &unit_error));
			assert_int_equal(back.hash, PGP_SHA512);
		}
	}
	assert_false(updated(&c, &gentle));
	changed_done(&c);
}

static void
what_is_missing_is_added(void **state)
{
	const struct pgp_update_options sign_only = { .sign_only = true, .no_added_capabilities = true },
					gentle = { .no_added_capabilities = true }, full = { .sign_only = false };

	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct pgp_change g;
		struct changed c;
		struct buf b = room();

		/* The only subkey is revoked: it had one, so it gets one. */
		changed_new(&c, version, false);
		g = change_of(&c);
		assert_ok(pgp_change_revoke_subkey(
		    &g, pgp_cert_key(c.f.cert, 1), PGP_REASON_RETIRED, SLICE_EMPTY, &b, &unit_error));
		advance(&c, &b);
		assert_int_equal(usable(&c, PGP_FLAG_ENCRYPT), 0);
		assert_false(updated(&c, &sign_only));
		assert_false(updated(&c, &gentle));
		assert_true(updated(&c, &full));
		assert_int_equal(usable(&c, PGP_FLAG_ENCRYPT), 1);
		assert_false(updated(&c, &full));
		changed_done(&c);
	}
}

static void
a_revoked_key_is_not_updated(void **state)
{
	const struct pgp_update_options full = { .sign_only = false };
	struct buf b = room();
	struct pgp_change g;
	struct changed c;
	bool changed;

	(void)state;
	changed_new(&c, 4, false);
	g = change_of(&c);
	assert_ok(pgp_change_revoke(&g, PGP_REASON_SUPERSEDED, SLICE_EMPTY, &b, &unit_error));
	advance(&c, &b);
	g = change_of(&c);
	b = room();
	assert_int_equal(pgp_change_update(&g, &full, &b, &changed, &unit_error), ERR_POLICY);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	changed_done(&c);
}

/* Also while the newest self-signatures are looked for, and back signatures checked. */
static void
every_allocation_may_fail_while_updating(void **state)
{
	const struct pgp_update_options full = { .sign_only = false };
	struct pgp_change g;
	struct changed c;
	int rc = ERR_NOMEM;

	(void)state;
	changed_new(&c, 4, true);
	g = change_of(&c);
	for (long n = 0; rc != 0; n++) {
		struct buf b = room();
		bool changed = false;

		mem_fail_after(n);
		rc = pgp_change_update(&g, &full, &b, &changed, &unit_error);
		mem_fail_after(-1);
		if (rc != 0 && rc != ERR_NOMEM)
			fail_msg("allocation %ld: %d %s", n, rc, unit_error.text);
		assert_int_equal(changed, rc == 0);
		buf_done(&b);
	}
	changed_done(&c);
}

UNIT_MAIN(UNIT_TEST(a_current_key_stays_as_it_is), UNIT_TEST(an_old_key_is_healed), UNIT_TEST(what_is_missing_is_added),
    UNIT_TEST(a_revoked_key_is_not_updated), UNIT_TEST(every_allocation_may_fail_while_updating))
