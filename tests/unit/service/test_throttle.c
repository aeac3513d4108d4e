/* SPDX-License-Identifier: ISC */
#include "service/signin/throttle.h"

#include <malloc.h>
#include <stdio.h>

#include "unit.h"

#define CHECK_MS 40 /* how long a check takes */
#define MINUTE INT64_C(60000)
#define REFUSED (-1)

struct world {
	struct throttle *t;
	int64_t now;
};

static struct world
world_new(void)
{
	struct world w = { .now = 1000000 };

	assert_ok(throttle_new(&w.t, &unit_error));
	return w;
}

static struct peer_key
v4(uint32_t address)
{
	return (struct peer_key){ 4,
		{ (uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address } };
}

/* The n-th of many addresses, each in a prefix of its own. */
static struct peer_key
apart(uint32_t n)
{
	return v4((n + 1) << 8 | 7);
}

/* One sign-in that waits for its answer; returns the delay, or REFUSED. */
static int64_t
sign_in(struct world *w, const char *account, struct peer_key peer, bool right)
{
	struct throttle_ticket k;
	int64_t delay;
	int rc = throttle_before(w->t, slice_str(account), peer, w->now, &delay, &k, NULL);

	if (rc != 0) {
		assert_int_equal(rc, ERR_LIMIT);
		return REFUSED;
	}
	assert_in_range(delay, 0, THROTTLE_CAP_MS);
	w->now += delay + CHECK_MS;
	throttle_after(w->t, &k, right ? THROTTLE_RIGHT : THROTTLE_WRONG, w->now);
	return delay;
}

static int64_t
wrong(struct world *w, const char *account, struct peer_key peer)
{
	return sign_in(w, account, peer, false);
}

static int64_t
right(struct world *w, const char *account, struct peer_key peer)
{
	return sign_in(w, account, peer, true);
}

static const char *
name_of(uint32_t n)
{
	static char name[40];

	(void)snprintf(name, sizeof name, "user%u@example.org", n);
	return name;
}

static void
one_user_mistyping(void **state)
{
	static const int64_t want[] = { 0, 0, 0, 500, 1000, 2000, 4000, 8000, 10000, 10000, 10000 };
	static const char *const cases[] = { "anna@example.org", "Anna@Example.ORG" };
	struct world w = world_new();
	int64_t before;

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_int_equal(wrong(&w, cases[i % 2], apart(1)), want[i]);
	before = right(&w, "anna@example.org", apart(1));
	assert_int_equal(before, 10000);
	assert_int_equal(right(&w, "anna@example.org", apart(1)), 0);
	assert_int_equal(right(&w, "berta@example.org", apart(1)), 0); /* the address is clean again too */
	assert_int_equal(wrong(&w, "anna@example.org", apart(1)), 0);
	w.now += THROTTLE_CAP_MS;
	for (size_t i = 0; i < 5; i++)
		(void)wrong(&w, "cleo@example.org", apart(2));
	w.now += 5000;
	assert_int_equal(wrong(&w, "cleo@example.org", apart(2)), 0); /* who comes back after a while does not wait */
	throttle_free(w.t);
}

/* One address, an account at a time, as fast as it may. */
static void
spraying(void **state)
{
	struct world w = world_new();
	int64_t start = w.now;
	uint32_t tries = 0;

	(void)state;
	while (w.now < start + 60 * MINUTE) {
		int64_t delay = wrong(&w, name_of(tries), apart(1));

		assert_int_not_equal(delay, REFUSED);
		assert_true(tries < 21 ? delay <= 10000 : delay == 10000);
		tries++;
	}
	printf("# one address: %u tries in the first hour\n", tries);
	assert_in_range(tries, 360, 390);
	assert_int_equal(right(&w, "anna@example.org", apart(2)), 0); /* elsewhere nobody notices */
	throttle_free(w.t);
}

/* The same in parallel gains the first burst only, and from other addresses of the prefix little. */
static void
spraying_in_parallel(void **state)
{
	struct world w = world_new();
	struct throttle_ticket k[100];
	int64_t delay, start = w.now;
	uint32_t tries = 0;

	(void)state;
	for (; w.now < start + 10 * MINUTE; w.now += 100) {
		uint32_t got = 0;

		while (got < 100 &&
		    throttle_before(w.t, slice_str(name_of(tries + got)), apart(1), w.now, &delay, &k[got], NULL) == 0)
			got++;
		assert_true(got <= THROTTLE_ADDRESS_CHECKS);
		for (uint32_t i = 0; i < got; i++)
			throttle_after(w.t, &k[i], THROTTLE_WRONG, w.now + CHECK_MS);
		tries += got;
	}
	printf("# one address in parallel: %u tries in ten minutes\n", tries);
	assert_in_range(tries, 60, 110);

	for (uint32_t i = 0; i < 100; i++) {
		assert_ok(throttle_before(
		    w.t, slice_str(name_of(5000 + i)), v4(0x0A0A0A00 + i), w.now, &delay, &k[0], &unit_error));
		throttle_after(w.t, &k[0], THROTTLE_WRONG, w.now);
	}
	assert_int_equal(wrong(&w, name_of(1), v4(0x0A0A0AFF)), THROTTLE_CAP_MS); /* an address that is new itself */
	assert_int_equal(wrong(&w, name_of(1), v4(0x0A0A0BFF)), 0);
	throttle_free(w.t);
}

/* Every guess from another address; the owner signs in meanwhile. */
static void
distributed_guessing(void **state)
{
	struct world w = world_new();
	struct throttle_ticket k;
	int64_t delay = 0;

	(void)state;
	assert_int_equal(right(&w, "anna@example.org", apart(1)), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_ok(
		    throttle_before(w.t, SLICE("anna@example.org"), apart(100 + i), w.now, &delay, &k, &unit_error));
		assert_false(k.known);
		throttle_after(w.t, &k, THROTTLE_WRONG, w.now += 10);
		if (i % 100 == 0)
			assert_int_equal(right(&w, "anna@example.org", apart(1)), 0);
	}
	assert_int_equal(delay, THROTTLE_CAP_MS);
	for (int i = 0; i < 3; i++) /* at home even typing errors are as ever */
		assert_int_equal(wrong(&w, "anna@example.org", apart(1)), 0);
	assert_int_equal(right(&w, "anna@example.org", apart(1)), 500);
	assert_int_equal(right(&w, "anna@example.org", apart(2)), THROTTLE_CAP_MS); /* on a journey: once */
	assert_int_equal(right(&w, "anna@example.org", apart(2)), 0);
	assert_int_equal(right(&w, "berta@example.org", apart(3)), 0);
	throttle_free(w.t);
}

/* Strangers have all the checks of an address in flight, and the owner behind it still signs in. */
static void
places_in_the_queue(void **state)
{
	struct world w = world_new();
	struct throttle_ticket k[THROTTLE_PREFIX_CHECKS + 1], owner;
	struct error e;
	int64_t delay;
	uint32_t n;

	(void)state;
	assert_int_equal(right(&w, "anna@example.org", apart(1)), 0);
	for (n = 0; n < THROTTLE_ADDRESS_CHECKS; n++)
		assert_ok(throttle_before(w.t, slice_str(name_of(n)), apart(1), w.now, &delay, &k[n], &unit_error));
	assert_int_equal(throttle_before(w.t, SLICE("x"), apart(1), w.now, &delay, &k[n], &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "try again"));
	assert_ok(throttle_before(w.t, SLICE("anna@example.org"), apart(1), w.now, &delay, &owner, &unit_error));
	assert_true(owner.known);
	assert_int_equal(delay, 0);
	throttle_after(w.t, &owner, THROTTLE_RIGHT, w.now);
	for (uint32_t i = 0; i < n; i++)
		throttle_after(w.t, &k[i], THROTTLE_NONE, w.now);
	assert_int_equal(wrong(&w, "x", apart(1)), 0); /* what was not checked counts nothing */

	for (n = 0; n < THROTTLE_PREFIX_CHECKS; n++)
		assert_ok(throttle_before(w.t, SLICE("x"), v4(0x0B000000 + n), w.now, &delay, &k[n], &unit_error));
	assert_int_equal(throttle_before(w.t, SLICE("x"), v4(0x0B0000FF), w.now, &delay, &k[n], NULL), ERR_LIMIT);
	for (uint32_t i = 0; i < n; i++)
		throttle_after(w.t, &k[i], THROTTLE_NONE, w.now);
	throttle_free(w.t);
}

/* An attacker signs in to an account of his own between his guesses. */
static void
own_successes(void **state)
{
	struct world w = world_new();
	int64_t delay = 0;

	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		delay = wrong(&w, name_of(i), apart(1));
		assert_int_equal(
		    right(&w, "mallory@example.org", apart(1)), 0); /* known there: his own is not slowed */
	}
	assert_true(delay >= THROTTLE_CAP_MS - 2 * CHECK_MS);
	for (uint32_t i = 0; i < 20; i++) { /* nor does failing at his own first take anything else away */
		(void)wrong(&w, "mallory@example.org", apart(1));
		(void)right(&w, "mallory@example.org", apart(1));
	}
	(void)wrong(&w, "anna@example.org", apart(1));
	assert_int_equal(wrong(&w, "anna@example.org", apart(1)), THROTTLE_CAP_MS);
	throttle_free(w.t);
}

static size_t
heap(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* A million names and addresses take no memory, push out no known place, and do not hide who guesses much. */
static void
a_million_names(void **state)
{
	struct world w = world_new();
	struct throttle_ticket k;
	int64_t delay;
	size_t before;

	(void)state;
	assert_int_equal(right(&w, "anna@example.org", apart(1)), 0);
	for (uint32_t i = 0; i < 40; i++)
		(void)wrong(&w, name_of(i), apart(2));
	before = heap();
	for (uint32_t i = 0; i < 1000000; i++) {
		if (throttle_before(w.t, slice_str(name_of(i)), apart(1000 + i), w.now, &delay, &k, NULL) == 0)
			throttle_after(w.t, &k, THROTTLE_WRONG, w.now);
		w.now += i % 50 == 0;
	}
	assert_true(heap() <= before);
	(void)wrong(&w, "new@example.org", apart(2));
	assert_true(wrong(&w, "new@example.org", apart(2)) > 8000);
	assert_ok(throttle_before(w.t, SLICE("anna@example.org"), apart(1), w.now, &delay, &k, &unit_error));
	assert_true(k.known);
	assert_int_equal(delay, 0);
	throttle_after(w.t, &k, THROTTLE_RIGHT, w.now);
	throttle_free(w.t);
}

static void
decay(void **state)
{
	static const struct {
		int64_t minutes, want;
	} rows[] = { { 0, 2000 }, { 10, 500 }, { 11, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w = world_new();

		for (uint32_t n = 0; n < 40; n++) { /* forty at once on one account, and time passes */
			struct throttle_ticket k;
			int64_t delay;

			assert_ok(throttle_before(w.t, SLICE("a"), apart(n), w.now, &delay, &k, &unit_error));
			throttle_after(w.t, &k, THROTTLE_WRONG, w.now);
		}
		w.now += rows[i].minutes * MINUTE;
		assert_int_equal(wrong(&w, "a", apart(99)), rows[i].want);
		throttle_free(w.t);
	}
}

static void
places_are_forgotten(void **state)
{
	struct world w = world_new();
	struct throttle_ticket k;
	int64_t delay;

	(void)state;
	for (uint32_t i = 0; i <= THROTTLE_PLACES; i++)
		assert_int_equal(right(&w, "a", apart(i)), 0);
	for (uint32_t i = 0; i <= THROTTLE_PLACES; i++) {
		assert_ok(throttle_before(w.t, SLICE("A"), apart(i), w.now, &delay, &k, &unit_error));
		assert_int_equal(k.known, i != 0); /* the oldest made room */
		throttle_after(w.t, &k, THROTTLE_NONE, w.now);
	}
	w.now += THROTTLE_KNOWN_MS;
	assert_ok(throttle_before(w.t, SLICE("a"), apart(3), w.now, &delay, &k, &unit_error));
	assert_false(k.known);
	throttle_after(w.t, &k, THROTTLE_NONE, w.now);
	throttle_free(w.t);
}

static void
clock_goes_back(void **state)
{
	struct world w = world_new();

	(void)state;
	w.now = INT64_C(1) << 40;
	for (uint32_t i = 0; i < 30; i++)
		(void)wrong(&w, "a", apart(1));
	w.now = 5;
	for (uint32_t i = 0; i < 5; i++) /* no wait is longer than ever, and nothing is forgotten */
		assert_int_equal(wrong(&w, "a", apart(1)), THROTTLE_CAP_MS);
	w.now += 120 * MINUTE;
	assert_int_equal(wrong(&w, "a", apart(1)), 0);
	assert_int_equal(wrong(&w, "a", apart(1)), 0);
	throttle_free(w.t);
}

/* Odd names: none, NULs, far too long, of which the ends differ. */
static void
odd_names(void **state)
{
	static uint8_t big[3000];
	struct world w = world_new();
	struct throttle_ticket a, b;
	int64_t delay;

	(void)state;
	memset(big, 'a', sizeof big);
	assert_ok(throttle_before(w.t, SLICE_EMPTY, (struct peer_key){ 0 }, w.now, &delay, &a, &unit_error));
	assert_ok(throttle_before(w.t, SLICE("\0"), (struct peer_key){ 0 }, w.now, &delay, &b, &unit_error));
	assert_true(a.account != b.account);
	throttle_after(w.t, &a, THROTTLE_WRONG, w.now);
	throttle_after(w.t, &b, THROTTLE_WRONG, w.now);
	assert_ok(throttle_before(w.t, slice_of(big, 320), apart(1), w.now, &delay, &a, &unit_error));
	assert_ok(throttle_before(w.t, slice_of(big, 3000), apart(1), w.now, &delay, &b, &unit_error));
	assert_true(a.account != b.account);
	throttle_after(w.t, &a, THROTTLE_WRONG, w.now);
	throttle_after(w.t, &b, THROTTLE_WRONG, w.now);
	throttle_free(w.t);
}

UNIT_MAIN(UNIT_TEST(one_user_mistyping), UNIT_TEST(spraying), UNIT_TEST(spraying_in_parallel),
    UNIT_TEST(distributed_guessing), UNIT_TEST(places_in_the_queue), UNIT_TEST(own_successes),
    UNIT_TEST(a_million_names), UNIT_TEST(decay), UNIT_TEST(places_are_forgotten), UNIT_TEST(clock_goes_back),
    UNIT_TEST(odd_names))
