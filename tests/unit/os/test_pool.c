/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "os/clock.h"
#include "os/pool.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_int done, entered;

static void
count(void *ctx)
{
	atomic_fetch_add(&done, *(int *)ctx);
}

static void
wait_at_gate(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&entered, 1);
	(void)pthread_mutex_lock(&gate);
	(void)pthread_mutex_unlock(&gate);
	atomic_fetch_add(&done, 1);
}

static void
all_that_was_submitted_runs(void **state)
{
	struct pool *p;
	int one = 1;

	(void)state;
	atomic_store(&done, 0);
	assert_ok(pool_new(&(struct pool_options){ .name = "test", .threads = 3, .queue_max = 1000 }, &p, &unit_error));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(pool_submit(p, count, &one), 0);
	pool_stop(p);
	assert_int_equal(atomic_load(&done), 1000);
	assert_int_equal(pool_submit(p, count, &one), ERR_CLOSED);
	pool_stop(p);
	pool_free(p);
	pool_free(NULL);
}

static void
a_full_queue_refuses(void **state)
{
	struct pool *p;
	int64_t until = clock_ms() + 10000;

	(void)state;
	atomic_store(&done, 0);
	atomic_store(&entered, 0);
	(void)pthread_mutex_lock(&gate);
	assert_ok(pool_new(&(struct pool_options){ .name = "a name that is too long", .threads = 1, .queue_max = 2 },
	    &p, &unit_error));
	assert_int_equal(pool_submit(p, wait_at_gate, NULL), 0);
	while (atomic_load(&entered) == 0 && clock_ms() < until)
		;
	assert_int_equal(pool_submit(p, wait_at_gate, NULL), 0);
	assert_int_equal(pool_submit(p, wait_at_gate, NULL), 0);
	assert_int_equal(pool_waiting(p), 2);
	assert_int_equal(pool_submit(p, wait_at_gate, NULL), ERR_LIMIT);
	(void)pthread_mutex_unlock(&gate);
	pool_free(p);
	assert_int_equal(atomic_load(&done), 3);
}

static void
a_pool_without_queue_is_refused(void **state)
{
	struct pool *p;

	(void)state;
	assert_int_equal(pool_new(&(struct pool_options){ .name = "x", .threads = 1 }, &p, &unit_error), ERR_USAGE);
}

static void
clocks_run_forward(void **state)
{
	int64_t a = clock_ns(), b = clock_ns();

	(void)state;
	assert_true(b >= a);
	assert_true(clock_unix() > 1600000000);
}

UNIT_MAIN(UNIT_TEST(all_that_was_submitted_runs), UNIT_TEST(a_full_queue_refuses),
    UNIT_TEST(a_pool_without_queue_is_refused), UNIT_TEST(clocks_run_forward))
