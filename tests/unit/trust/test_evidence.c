/* SPDX-License-Identifier: ISC */
/* Evidence and history of certificates, roots, settings, refreshing, and what is chosen because of them. */
#include "trust/evidence.h"

#include "trust/records.h"
#include "trust/why.h"
#include "trust_kit.h"

static void
a_source_counts_for_the_address_that_it_was_asked_about(void **state)
{
	struct trust_store *s = open_store();
	const struct trust_entry *entry;
	struct fixture mallory;

	(void)state;
	/* Mallory's own directory vouches for Mallory, and the certificate says that it is Alice's as well. */
	make_key(&mallory, "Mallory <mallory@example.net>", 0);
	{
		const struct pgp_policy policy = pgp_policy_default(NOW);
		const struct pgp_change change = { mallory.cert, pgp_memory_keys_ops(mallory.memory), &policy };
		struct pgp_cert *two;
		struct buf b;

		buf_init(&b, 1 << 20);
		assert_ok(pgp_change_add_user(&change, SLICE("Alice <alice@example.org>"), false, &b, &unit_error));
		assert_ok(pgp_cert_parse(buf_slice(&b), &two, NULL, &unit_error));
		put_for(s, two, TRUST_WKD, "Mallory@Example.NET", NOW);
		pgp_cert_free(two);
		buf_done(&b);
	}
	entry = trust_store_choose(s, SLICE("mallory@example.net"), NULL);
	assert_int_equal(entry->origin, TRUST_WKD);
	assert_true(trust_is_believed(entry));
	entry = trust_store_choose(s, SLICE("alice@example.org"), NULL);
	assert_int_equal(entry->origin, TRUST_KEYSERVER);
	assert_false(trust_is_believed(entry));
	fixture_done(&mallory);
	trust_store_close(s);
}

static void
rows_are_counted(void **state)
{
	ARENA_OWNED struct arena a = { .budget = 1 << 20 };
	struct trust_store *s = open_store();
	struct trust_evidence *rows,
	    seen = { .origin = TRUST_AUTOCRYPT,
		    .address = SLICE("BOB@example.org"),
		    .from = SLICE("bob@example.org"),
		    .first = NOW + 5,
		    .last = NOW + 5 };
	struct fixture bob, other;
	size_t n;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	make_key(&other, "Other <other@example.org>", 0);
	assert_int_equal(trust_evidence_add(s, &bob.cert->primary->fingerprint, &seen, &unit_error), ERR_NOT_FOUND);
	put_for(s, bob.cert, TRUST_GOSSIP, "bob@example.org", NOW);
	assert_ok(trust_evidence_add(s, &bob.cert->primary->fingerprint, &seen, &unit_error));
	seen.first = seen.last = NOW + 9;
	assert_ok(trust_evidence_add(s, &bob.cert->primary->fingerprint, &seen, &unit_error));
	assert_ok(trust_evidence_list(s, &bob.cert->primary->fingerprint, &a, &rows, &n, &unit_error));
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].origin, TRUST_AUTOCRYPT);
	assert_slice(rows[0].address, "bob@example.org");
	assert_int_equal(rows[0].count, 2);
	assert_int_equal(rows[0].first, NOW + 5);
	assert_int_equal(rows[0].last, NOW + 9);
	assert_int_equal(trust_store_find(s, &bob.cert->primary->fingerprint)->origin, TRUST_AUTOCRYPT);
	assert_ok(trust_evidence_list(s, &other.cert->primary->fingerprint, &a, &rows, &n, &unit_error));
	assert_int_equal(n, 0);
	fixture_done(&bob);
	fixture_done(&other);
	trust_store_close(s);
}

static void
rows_are_bounded_and_the_strong_ones_stay(void **state)
{
	ARENA_OWNED struct arena a = { .budget = 1 << 20 };
	struct trust_store *s = open_store();
	struct trust_evidence *rows;
	struct fixture bob;
	char from[20];
	size_t n;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	put_for(s, bob.cert, TRUST_IMPORTED, "", NOW);
	assert_ok(trust_store_begin(s, &unit_error));
	for (unsigned i = 0; i < TRUST_EVIDENCE_MAX + 20; i++) {
		struct trust_evidence seen = { .origin = TRUST_FIRST_USE, .first = NOW + i, .last = NOW + i };

		(void)snprintf(from, sizeof from, "%u", i);
		seen.from = slice_str(from);
		assert_ok(trust_evidence_add(s, &bob.cert->primary->fingerprint, &seen, &unit_error));
	}
	assert_ok(trust_store_end(s, true, &unit_error));
	assert_ok(trust_evidence_list(s, &bob.cert->primary->fingerprint, &a, &rows, &n, &unit_error));
	assert_int_equal(n, TRUST_EVIDENCE_MAX);
	assert_int_equal(rows[0].origin, TRUST_IMPORTED);
	assert_int_equal(rows[n - 1].last, NOW + TRUST_EVIDENCE_MAX + 19);
	fixture_done(&bob);
	trust_store_close(s);
}

static void
history_outlives_the_certificate(void **state)
{
	static const enum trust_event wanted[] = { TRUST_EVENT_SEEN, TRUST_EVENT_USED, TRUST_EVENT_VERIFIED,
		TRUST_EVENT_REVOKED, TRUST_EVENT_REMOVED };
	ARENA_OWNED struct arena a = { .budget = 1 << 20 };
	struct trust_store *s = open_store();
	struct trust_history *rows;
	struct pgp_cert *dead;
	struct fixture bob;
	size_t n;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	put_for(s, bob.cert, TRUST_DIRECTORY, "bob@example.org", NOW);
	assert_ok(trust_history_add(
	    s, SLICE("Bob@example.org"), &bob.cert->primary->fingerprint, TRUST_EVENT_USED, NOW + 1, &unit_error));
	assert_ok(trust_history_add(
	    s, SLICE("bob@example.org"), &bob.cert->primary->fingerprint, TRUST_EVENT_USED, NOW + 10, &unit_error));
	assert_ok(trust_store_verify(s, &bob.cert->primary->fingerprint, NOW + 2, &unit_error));
	dead = revoked(&bob, PGP_REASON_COMPROMISED, NOW + 3);
	put_for(s, dead, TRUST_KEYSERVER, "bob@example.org", NOW + 3);
	trust_store_set_now(s, NOW + 4);
	assert_ok(trust_store_remove(s, &bob.cert->primary->fingerprint, &unit_error));
	assert_ok(trust_history_list(s, SLICE("BOB@example.org"), &a, &rows, &n, &unit_error));
	assert_int_equal(n, sizeof wanted / sizeof wanted[0]);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rows[i].event, wanted[i]);
		assert_int_equal(rows[i].first, NOW + i);
		assert_true(pgp_fingerprint_eq(&rows[i].fingerprint, &bob.cert->primary->fingerprint));
	}
	assert_int_equal(rows[0].by, TRUST_DIRECTORY);
	assert_int_equal(rows[1].count, 2);
	assert_int_equal(rows[1].when, NOW + 10);
	pgp_cert_free(dead);
	fixture_done(&bob);
	trust_store_close(s);
}

static void
taking_back_what_was_compared(void **state)
{
	struct trust_store *s = open_store();
	struct fixture bob;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	put_for(s, bob.cert, TRUST_FIRST_USE, "bob@example.org", NOW);
	assert_ok(trust_store_verify(s, &bob.cert->primary->fingerprint, NOW + 1, &unit_error));
	assert_int_equal(trust_store_choose(s, SLICE("bob@example.org"), NULL)->verified, NOW + 1);
	assert_int_equal(trust_store_choose(s, SLICE("bob@example.org"), NULL)->origin, TRUST_FIRST_USE);
	assert_ok(trust_store_verify(s, &bob.cert->primary->fingerprint, 0, &unit_error));
	assert_int_equal(trust_store_choose(s, SLICE("bob@example.org"), NULL)->verified, 0);
	fixture_done(&bob);
	trust_store_close(s);
}

/* ---- choosing ---- */

static void
a_revoked_one_gives_way_to_an_equal_one_and_that_is_told(void **state)
{
	struct trust_store *s = open_store();
	struct fixture old, new;
	struct trust_choice c;
	struct pgp_cert *dead;

	(void)state;
	make_key(&old, "Bob <bob@example.org>", 0);
	make_key(&new, "Bob <bob@example.org>", 0);
	put_for(s, old.cert, TRUST_DIRECTORY, "bob@example.org", NOW);
	put_for(s, new.cert, TRUST_DIRECTORY, "bob@example.org", NOW + 1);
	trust_choose(s, SLICE("bob@example.org"), &c);
	assert_true(is_of(c.entry, &old));
	assert_true(is_of(c.rival, &new));
	assert_null(c.dead);
	dead = revoked(&old, PGP_REASON_SUPERSEDED, NOW + 2);
	put_for(s, dead, TRUST_DIRECTORY, "bob@example.org", NOW + 2);
	trust_choose(s, SLICE("bob@example.org"), &c);
	assert_true(is_of(c.entry, &new));
	assert_null(c.rival);
	assert_true(is_of(c.dead, &old));
	assert_int_equal(c.dead->revoked, TRUST_REVOKED_SOFT);
	assert_non_null(trust_entry_dead(c.dead, NOW));
	pgp_cert_free(dead);
	fixture_done(&old);
	fixture_done(&new);
	trust_store_close(s);
}

static void
a_weaker_one_never_takes_the_place_of_a_compared_one(void **state)
{
	struct trust_store *s = open_store();
	struct fixture old, new;
	struct trust_choice c;
	struct pgp_cert *dead;

	(void)state;
	make_key(&old, "Bob <bob@example.org>", 0);
	make_key(&new, "Bob <bob@example.org>", 0);
	put_for(s, old.cert, TRUST_FIRST_USE, "bob@example.org", NOW);
	assert_ok(trust_store_verify(s, &old.cert->primary->fingerprint, NOW, &unit_error));
	dead = revoked(&old, PGP_REASON_COMPROMISED, NOW + 2);
	put_for(s, dead, TRUST_DIRECTORY, "bob@example.org", NOW + 2);
	put_for(s, new.cert, TRUST_DIRECTORY, "bob@example.org", NOW + 3);
	trust_choose(s, SLICE("bob@example.org"), &c);
	assert_true(is_of(c.entry, &old));
	assert_true(is_of(c.rival, &new));
	assert_int_equal(c.entry->revoked, TRUST_REVOKED_HARD);
	pgp_cert_free(dead);
	fixture_done(&old);
	fixture_done(&new);
	trust_store_close(s);
}

static void
an_expired_one_is_found_and_gives_way(void **state)
{
	struct trust_store *s = open_store();
	struct fixture old, new;
	struct trust_choice c;

	(void)state;
	make_key(&old, "Bob <bob@example.org>", 30 * DAY);
	make_key(&new, "Bob <bob@example.org>", 0);
	put_for(s, old.cert, TRUST_DIRECTORY, "bob@example.org", NOW);
	trust_choose(s, SLICE("bob@example.org"), &c);
	assert_null(trust_entry_dead(c.entry, NOW));
	assert_int_equal(c.entry->expires, MADE + 30 * DAY);
	trust_store_set_now(s, MADE + 40 * DAY);
	trust_choose(s, SLICE("bob@example.org"), &c);
	assert_true(is_of(c.entry, &old));
	assert_non_null(trust_entry_dead(c.entry, MADE + 40 * DAY));
	put_for(s, new.cert, TRUST_WKD, "bob@example.org", MADE + 40 * DAY);
	trust_choose(s, SLICE("bob@example.org"), &c);
	assert_true(is_of(c.entry, &new));
	assert_true(is_of(c.dead, &old));
	fixture_done(&old);
	fixture_done(&new);
	trust_store_close(s);
}

/* A flood of certificates for one address does not push out the one that the person knows. */
static void
the_known_one_is_among_the_candidates(void **state)
{
	struct trust_store *s = open_store();
	struct fixture known, other;
	struct trust_choice c;

	(void)state;
	make_key(&known, "Bob <bob@example.org>", 0);
	for (unsigned i = 0; i < 2 * TRUST_CANDIDATES_MAX; i++) {
		make_key(&other, "Bob <bob@example.org>", 0);
		put_for(s, other.cert, TRUST_KEYSERVER, "bob@example.org", NOW);
		fixture_done(&other);
	}
	put_for(s, known.cert, TRUST_FIRST_USE, "bob@example.org", NOW + 1);
	assert_ok(trust_store_verify(s, &known.cert->primary->fingerprint, NOW + 1, &unit_error));
	trust_choose(s, SLICE("bob@example.org"), &c);
	assert_true(is_of(c.entry, &known));
	fixture_done(&known);
	trust_store_close(s);
}

/* ---- records ---- */

static void
roots_are_kept(void **state)
{
	ARENA_OWNED struct arena a = { .budget = 1 << 20 };
	struct trust_store *s = open_store();
	struct trust_root *roots, root = { .fingerprint = { .len = 20, .bytes = { 1 } }, .amount = 120, .depth = 255 };
	size_t n;

	(void)state;
	assert_ok(trust_root_set(s, &root, &unit_error));
	root.fingerprint.bytes[0] = 2;
	root.amount = 60;
	root.regex = SLICE("<[^>]+[@.]example\\.org>$");
	assert_ok(trust_root_set(s, &root, &unit_error));
	root.depth = 3;
	assert_ok(trust_root_set(s, &root, &unit_error));
	root.amount = 0;
	assert_int_equal(trust_root_set(s, &root, &unit_error), ERR_USAGE);
	trust_store_close(s);
	s = open_store();
	assert_ok(trust_roots(s, &a, &roots, &n, &unit_error));
	assert_int_equal(n, 2);
	assert_int_equal(roots[0].amount, 120);
	assert_int_equal(roots[0].depth, 255);
	assert_int_equal(roots[1].depth, 3);
	assert_slice(roots[1].regex, "<[^>]+[@.]example\\.org>$");
	assert_ok(trust_root_remove(s, &roots[1].fingerprint, &unit_error));
	assert_int_equal(trust_root_remove(s, &roots[1].fingerprint, &unit_error), ERR_NOT_FOUND);
	trust_store_close(s);
}

static void
settings_are_kept(void **state)
{
	struct trust_store *s = open_store();
	struct buf b;

	(void)state;
	buf_init(&b, TRUST_SETTING_MAX);
	assert_ok(trust_setting_get(s, TRUST_SETTING_MODEL, &b, &unit_error));
	assert_int_equal(b.len, 0);
	assert_ok(trust_setting_set(s, TRUST_SETTING_MODEL, SLICE("pgp"), &unit_error));
	assert_ok(trust_setting_set(s, TRUST_SETTING_MODEL, SLICE("direct"), &unit_error));
	assert_ok(trust_setting_get(s, TRUST_SETTING_MODEL, &b, &unit_error));
	assert_slice(buf_slice(&b), "direct");
	assert_ok(trust_setting_set(s, TRUST_SETTING_MODEL, SLICE_EMPTY, &unit_error));
	buf_clear(&b);
	assert_ok(trust_setting_get(s, TRUST_SETTING_MODEL, &b, &unit_error));
	assert_int_equal(b.len, 0);
	buf_done(&b);
	trust_store_close(s);
}

static void
the_longest_due_are_refreshed_first(void **state)
{
	ARENA_OWNED struct arena a = { .budget = 1 << 20 };
	struct trust_store *s = open_store();
	struct trust_refresh *due, r = { .asked = NOW, .due = NOW + 100 };
	struct fixture bob, carol;
	size_t n;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	make_key(&carol, "Carol <carol@example.org>", 0);
	r.fingerprint = bob.cert->primary->fingerprint;
	assert_int_equal(trust_refresh_set(s, &r, &unit_error), ERR_NOT_FOUND);
	put_for(s, bob.cert, TRUST_WKD, "bob@example.org", NOW);
	put_for(s, carol.cert, TRUST_WKD, "carol@example.org", NOW);
	assert_ok(trust_refresh_due(s, NOW, 10, &a, &due, &n, &unit_error));
	assert_int_equal(n, 2);
	assert_ok(trust_refresh_set(s, &r, &unit_error));
	assert_ok(trust_refresh_due(s, NOW, 10, &a, &due, &n, &unit_error));
	assert_int_equal(n, 1);
	assert_true(pgp_fingerprint_eq(&due[0].fingerprint, &carol.cert->primary->fingerprint));
	assert_ok(trust_refresh_due(s, NOW + 100, 10, &a, &due, &n, &unit_error));
	assert_int_equal(n, 2);
	assert_ok(trust_refresh_due(s, NOW + 100, 1, &a, &due, &n, &unit_error));
	assert_int_equal(n, 1);
	assert_ok(trust_refresh_get(s, &bob.cert->primary->fingerprint, &r, &unit_error));
	assert_int_equal(r.asked, NOW);
	fixture_done(&bob);
	fixture_done(&carol);
	trust_store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TRUST_UNIT_TEST(a_source_counts_for_the_address_that_it_was_asked_about),
		TRUST_UNIT_TEST(rows_are_counted), TRUST_UNIT_TEST(rows_are_bounded_and_the_strong_ones_stay),
		TRUST_UNIT_TEST(history_outlives_the_certificate), TRUST_UNIT_TEST(taking_back_what_was_compared),
		TRUST_UNIT_TEST(a_revoked_one_gives_way_to_an_equal_one_and_that_is_told),
		TRUST_UNIT_TEST(a_weaker_one_never_takes_the_place_of_a_compared_one),
		TRUST_UNIT_TEST(an_expired_one_is_found_and_gives_way),
		TRUST_UNIT_TEST(the_known_one_is_among_the_candidates), TRUST_UNIT_TEST(roots_are_kept),
		TRUST_UNIT_TEST(settings_are_kept), TRUST_UNIT_TEST(the_longest_due_are_refreshed_first) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
