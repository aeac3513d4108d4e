/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "service/directory/rate.h"

static struct rate *new (uint32_t per_minute)
{
	struct rate *r = NULL;

	assert_int_equal(rate_new(per_minute, &r, NULL), 0);
	return r;
}

static void
a_minutes_worth_then_steadily(void **state)
{
	struct rate *r = new (60);
	struct slice peer = slice_str("192.0.2.1");

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_int_equal(rate_take(r, peer, 1000), 0);
	assert_int_equal(rate_take(r, peer, 1000), 2); /* rounded up: never too early */
	assert_int_equal(rate_take(r, peer, 1500), 1);
	assert_int_equal(rate_take(r, peer, 2000), 0);
	assert_int_equal(rate_take(r, peer, 2000), 2);
	/* After an hour it is full, and not more than full; a clock that goes back takes nothing. */
	for (int i = 0; i < 60; i++)
		assert_int_equal(rate_take(r, peer, 3600000), 0);
	assert_true(rate_take(r, peer, 3600000) > 0);
	assert_true(rate_take(r, peer, 1000) > 0);
	rate_free(r);
}

/* Whether b has the bucket that a has emptied. */
static bool
share(const char *a, const char *b)
{
	struct rate *r = new (1);
	bool shared;

	assert_int_equal(rate_take(r, slice_str(a), 0), 0);
	shared = rate_take(r, slice_str(b), 0) > 0;
	rate_free(r);
	return shared;
}

static void
who_shares_a_bucket(void **state)
{
	(void)state;
	assert_true(share("192.0.2.1", "192.0.2.1"));
	assert_true(share("192.0.2.1", "::ffff:192.0.2.1"));
	assert_true(share("2001:db8:0:1::1", "2001:db8:0:1:ffff::9"));
	assert_true(share("fe80::1%eth0", "fe80::2%eth1"));
	assert_true(share("", "unix"));
	assert_false(share("192.0.2.1", "192.0.2.2"));
	assert_false(share("2001:db8:0:1::1", "2001:db8:0:2::1"));
	assert_false(share("192.0.2.1", "2001:db8::1"));
}

/* A stranger with very many addresses pushes out full buckets, and not the one of who asks too much. */
static void
many_addresses_do_not_free_an_empty_bucket(void **state)
{
	struct rate *r = new (2);
	char peer[32];

	(void)state;
	assert_int_equal(rate_take(r, slice_str("192.0.2.1"), 0), 0);
	assert_int_equal(rate_take(r, slice_str("192.0.2.1"), 0), 0);
	for (unsigned i = 0; i < 4 * RATE_BUCKETS; i++) {
		(void)snprintf(peer, sizeof peer, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		assert_int_equal(rate_take(r, slice_str(peer), 0), 0);
	}
	assert_true(rate_take(r, slice_str("192.0.2.1"), 0) > 0);
	rate_free(r);
}

static void
none_and_the_most(void **state)
{
	struct rate *r = new (0);

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(rate_take(r, slice_str("192.0.2.1"), 0), 0);
	rate_free(r);
	r = new (UINT32_MAX);
	for (unsigned i = 0; i < RATE_PER_MINUTE_MAX; i++)
		assert_int_equal(rate_take(r, slice_str("192.0.2.1"), 0), 0);
	assert_int_equal(rate_take(r, slice_str("192.0.2.1"), 0), 1);
	rate_free(r);
}

UNIT_MAIN(UNIT_TEST(a_minutes_worth_then_steadily), UNIT_TEST(who_shares_a_bucket),
    UNIT_TEST(many_addresses_do_not_free_an_empty_bucket), UNIT_TEST(none_and_the_most))
