/* SPDX-License-Identifier: ISC */
/* Autocrypt Level 1: its rules for what a mail changes and for what is recommended, row by row. */
#include "trust/peers.h"

#include "trust_kit.h"

#define KEY_A SLICE("key A")
#define KEY_B SLICE("key B")

static void
effective_dates(void **state)
{
	(void)state;
	assert_int_equal(trust_peer_effective_date(100, 200), 100);
	assert_int_equal(trust_peer_effective_date(0, 200), 200);
	assert_int_equal(trust_peer_effective_date(300, 200), 200);
}

static void
a_mail_changes_the_state(void **state)
{
	struct trust_peer p = { .address = SLICE("bob@example.org") };

	(void)state;
	/* Without a header only last_seen. */
	assert_true(trust_peer_update(&p, &(struct trust_peer_mail){ .effective_date = 100 }));
	assert_int_equal(p.last_seen, 100);
	assert_int_equal(p.autocrypt_timestamp, 0);
	assert_true(trust_peer_update(&p, &(struct trust_peer_mail){ 200, KEY_A, true }));
	assert_int_equal(p.last_seen, 200);
	assert_int_equal(p.autocrypt_timestamp, 200);
	assert_slices(p.key, KEY_A);
	assert_true(p.mutual);
	/* Older than the youngest header: nothing, not even with a header. */
	assert_false(trust_peer_update(&p, &(struct trust_peer_mail){ 199, KEY_B, false }));
	assert_slices(p.key, KEY_A);
	/* The same mail again. */
	assert_false(trust_peer_update(&p, &(struct trust_peer_mail){ 200, KEY_A, true }));
	/* A later mail without a header keeps the key. */
	assert_true(trust_peer_update(&p, &(struct trust_peer_mail){ .effective_date = 300 }));
	assert_int_equal(p.last_seen, 300);
	assert_int_equal(p.autocrypt_timestamp, 200);
	assert_true(p.mutual);
	/* One with a header between the two replaces the key, and does not go back in time. */
	assert_true(trust_peer_update(&p, &(struct trust_peer_mail){ 250, KEY_B, false }));
	assert_int_equal(p.last_seen, 300);
	assert_int_equal(p.autocrypt_timestamp, 250);
	assert_slices(p.key, KEY_B);
	assert_false(p.mutual);
}

static void
gossip_changes_only_gossip(void **state)
{
	struct trust_peer p = { .address = SLICE("bob@example.org"), .key = KEY_A, .autocrypt_timestamp = 50 };

	(void)state;
	assert_false(trust_peer_gossip(&p, 100, SLICE_EMPTY));
	assert_true(trust_peer_gossip(&p, 100, KEY_B));
	assert_false(trust_peer_gossip(&p, 99, KEY_A));
	assert_slices(p.gossip_key, KEY_B);
	assert_int_equal(p.gossip_timestamp, 100);
	assert_slices(p.key, KEY_A);
	assert_int_equal(p.last_seen, 0);
	assert_true(trust_peer_gossip(&p, 101, KEY_A));
	assert_slices(p.gossip_key, KEY_A);
}

static void
one_recipient(void **state)
{
	const struct trust_peer
	    fresh = { .last_seen = 100 * DAY, .autocrypt_timestamp = 100 * DAY, .key = KEY_A },
	    mutual = { .last_seen = 100 * DAY, .autocrypt_timestamp = 65 * DAY, .key = KEY_A, .mutual = true },
	    stale = { .last_seen = 100 * DAY, .autocrypt_timestamp = 65 * DAY - 1, .key = KEY_A, .mutual = true },
	    heard = { .gossip_timestamp = 1, .gossip_key = KEY_B },
	    both = { .last_seen = 1,
		    .autocrypt_timestamp = 1,
		    .key = KEY_A,
		    .gossip_timestamp = 9,
		    .gossip_key = KEY_B,
		    .mutual = true },
	    seen = { .last_seen = 100 * DAY };
	const struct {
		struct trust_peer_question q;
		enum trust_advice advice;
		struct slice key;
	} rows[] = {
		{ { .peer = NULL, .mutual = true, .reply_to_encrypted = true }, TRUST_ADVICE_DISABLE, SLICE_EMPTY },
		{ { &seen, true, true, true, true }, TRUST_ADVICE_DISABLE, SLICE_EMPTY },
		{ { &fresh, true, false, true, false }, TRUST_ADVICE_AVAILABLE, KEY_A },
		{ { &fresh, true, false, false, true }, TRUST_ADVICE_ENCRYPT, KEY_A },
		{ { &fresh, false, false, true, true }, TRUST_ADVICE_DISABLE, SLICE_EMPTY }, /* revoked or expired */
		{ { &mutual, true, false, true, false }, TRUST_ADVICE_ENCRYPT, KEY_A },
		{ { &mutual, true, false, false, false }, TRUST_ADVICE_AVAILABLE, KEY_A },
		{ { &stale, true, false, true, false }, TRUST_ADVICE_DISCOURAGE, KEY_A },
		{ { &stale, true, false, true, true }, TRUST_ADVICE_ENCRYPT, KEY_A },
		{ { &heard, false, true, true, false }, TRUST_ADVICE_DISCOURAGE, KEY_B },
		{ { &heard, false, true, false, true }, TRUST_ADVICE_ENCRYPT, KEY_B },
		{ { &heard, false, false, true, true }, TRUST_ADVICE_DISABLE, SLICE_EMPTY },
		{ { &both, true, true, true, false }, TRUST_ADVICE_ENCRYPT, KEY_A },
		{ { &both, false, true, true, false }, TRUST_ADVICE_DISCOURAGE, KEY_B },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice key;

		if (trust_peer_advice(&rows[i].q, &key) != rows[i].advice)
			fail_msg("row %zu", i);
		assert_slices(key, rows[i].key);
	}
}

static void
several_recipients(void **state)
{
	static const struct {
		enum trust_advice each[3], all;
	} rows[] = {
		{ { TRUST_ADVICE_ENCRYPT, TRUST_ADVICE_ENCRYPT, TRUST_ADVICE_ENCRYPT }, TRUST_ADVICE_ENCRYPT },
		{ { TRUST_ADVICE_ENCRYPT, TRUST_ADVICE_DISABLE, TRUST_ADVICE_ENCRYPT }, TRUST_ADVICE_DISABLE },
		{ { TRUST_ADVICE_DISCOURAGE, TRUST_ADVICE_ENCRYPT, TRUST_ADVICE_DISABLE }, TRUST_ADVICE_DISABLE },
		{ { TRUST_ADVICE_ENCRYPT, TRUST_ADVICE_DISCOURAGE, TRUST_ADVICE_ENCRYPT }, TRUST_ADVICE_DISCOURAGE },
		{ { TRUST_ADVICE_AVAILABLE, TRUST_ADVICE_DISCOURAGE, TRUST_ADVICE_ENCRYPT }, TRUST_ADVICE_DISCOURAGE },
		{ { TRUST_ADVICE_ENCRYPT, TRUST_ADVICE_AVAILABLE, TRUST_ADVICE_ENCRYPT }, TRUST_ADVICE_AVAILABLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(trust_peer_advice_all(rows[i].each, 3), rows[i].all);
	assert_int_equal(trust_peer_advice_all(NULL, 0), TRUST_ADVICE_DISABLE);
}

static void
rows_are_kept(void **state)
{
	static const uint8_t large[TRUST_PEER_KEY_MAX + 1] = { 1 };
	ARENA_OWNED struct arena a = { .budget = 1 << 20 };
	struct trust_store *s = open_store();
	struct trust_peer p;
	bool changed;

	(void)state;
	assert_int_equal(trust_peer_read(s, SLICE("bob@example.org"), &a, &p, &unit_error), ERR_NOT_FOUND);
	assert_ok(trust_peer_see(
	    s, SLICE("Bob@example.org"), &(struct trust_peer_mail){ 200, KEY_A, true }, &changed, &unit_error));
	assert_true(changed);
	assert_ok(trust_peer_see(
	    s, SLICE("bob@EXAMPLE.org"), &(struct trust_peer_mail){ 100, KEY_B, true }, &changed, &unit_error));
	assert_false(changed);
	assert_ok(trust_peer_hear(s, SLICE("bob@example.org"), 300, KEY_B, &changed, &unit_error));
	assert_true(changed);
	assert_int_equal(
	    trust_peer_hear(s, SLICE("bob@example.org"), 400, slice_of(large, sizeof large), NULL, &unit_error),
	    ERR_LIMIT);
	trust_store_close(s);
	s = open_store();
	assert_ok(trust_peer_read(s, SLICE("BOB@example.org"), &a, &p, &unit_error));
	assert_slice(p.address, "bob@example.org");
	assert_slices(p.key, KEY_A);
	assert_slices(p.gossip_key, KEY_B);
	assert_int_equal(p.last_seen, 200);
	assert_int_equal(p.autocrypt_timestamp, 200);
	assert_int_equal(p.gossip_timestamp, 300);
	assert_true(p.mutual);
	p.mutual = false;
	assert_ok(trust_peer_write(s, &p, &unit_error));
	assert_ok(trust_peer_read(s, SLICE("bob@example.org"), &a, &p, &unit_error));
	assert_false(p.mutual);
	assert_ok(trust_peer_remove(s, SLICE("bob@example.org"), &unit_error));
	assert_int_equal(trust_peer_remove(s, SLICE("bob@example.org"), &unit_error), ERR_NOT_FOUND);
	trust_store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TRUST_UNIT_TEST(effective_dates), TRUST_UNIT_TEST(a_mail_changes_the_state),
		TRUST_UNIT_TEST(gossip_changes_only_gossip), TRUST_UNIT_TEST(one_recipient),
		TRUST_UNIT_TEST(several_recipients), TRUST_UNIT_TEST(rows_are_kept) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
