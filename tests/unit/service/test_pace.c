/* SPDX-License-Identifier: ISC */
/* The pace of checks that failed, with this file's own clock. */
#include "service/signin/pace.h"

#include <pthread.h>
#include <stdatomic.h>

#include "os/clock.h"
#include "unit.h"

#define MS INT64_C(1000000)
/* Far ahead of the system's: no wait for a time of this clock ends by itself. */
#define START (INT64_C(1) << 60)

static atomic_int_fast64_t now_ns = START;

int64_t
clock_ns(void)
{
	return atomic_load(&now_ns);
}

int64_t
clock_ms(void)
{
	return clock_ns() / MS;
}

int64_t
clock_boot_ms(void)
{
	return clock_ms();
}

int64_t
clock_thread_ns(void)
{
	return 0;
}

uint64_t
clock_unix(void)
{
	return 0;
}

int16_t
clock_zone(int64_t unix_seconds)
{
	(void)unix_seconds;
	return 0;
}

/* ---- */

static const struct row {
	const char *name;
	int64_t began[4], took[4]; /* ms from the start; took 0: no more */
	int64_t now, want;         /* at which moment all this is told; until when there is a pause then */
} rows[] = {
	{ "one alone pauses as long as it took", { 0 }, { 40 }, 40, 80 },
	{ "one after the other: half of the time", { 0, 80, 160 }, { 40, 40, 40 }, 200, 240 },
	{ "two side by side: a quarter each", { 0, 0 }, { 40, 40 }, 40, 160 },
	{ "after a rest nothing is left over", { 0, 5000 }, { 40, 40 }, 5040, 5080 },
	{ "on a busy machine a check waits for the processor: that was a pause already", { 0 }, { 40 }, 300, 80 },
	{ "never far ahead", { 0, 0, 0 }, { 2000, 2000, 2000 }, 2000, 3000 },
};

static void
pauses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct pace *p;

		assert_ok(pace_new(&p, &unit_error));
		atomic_store(&now_ns, START + r->now * MS);
		for (size_t j = 0; j < 4 && r->took[j] > 0; j++)
			pace_spent(p, START + r->began[j] * MS, r->took[j] * MS);
		if (pace_until(p) != START + r->want * MS)
			fail_msg("%s: %lld ms", r->name, (long long)((pace_until(p) - START) / MS));
		pace_free(p);
	}
}

static void *
waiter(void *ctx)
{
	pace_wait(ctx);
	return NULL;
}

/* Who waits is let go when the server stops, and nobody waits when there is no pause. */
static void
stop_ends_the_wait(void **state)
{
	struct pace *p;
	pthread_t thread;

	(void)state;
	atomic_store(&now_ns, START);
	assert_ok(pace_new(&p, &unit_error));
	pace_wait(p);
	pace_spent(p, START, 40 * MS);
	assert_int_equal(pthread_create(&thread, NULL, waiter, p), 0);
	pace_stop(p);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pace_wait(p);
	pace_free(p);
}

UNIT_MAIN(UNIT_TEST(pauses), UNIT_TEST(stop_ends_the_wait))
