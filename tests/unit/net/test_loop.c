/* SPDX-License-Identifier: ISC */
#include "net/loop.h"

#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "unit.h"

#define DEFERRED 40
#define RUNS 600

static double
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct fixture {
	struct loop *loop;
	struct loop_task tasks[DEFERRED];
	struct loop_task start;
	int pair[2];
	struct event *event;
	bool keep_ready; /* the event's socket is never emptied */
	bool asked;
	unsigned next, runs, since, since_worst, ready;
	sem_t done;
};

/* Half a millisecond of work that comes again at once, as handshakes do in a flood. */
static void
work(void *ctx)
{
	struct fixture *f = ctx;

	for (double end = now_ms() + 0.5; now_ms() < end;)
		;
	f->since++;
	if (++f->runs == RUNS)
		(void)sem_post(&f->done);
	if (f->runs < RUNS)
		loop_defer(f->loop, &f->tasks[f->next++ % DEFERRED]);
	if (!f->asked && !f->keep_ready && f->runs % 7 == 0) {
		f->asked = true;
		f->since = 0;
		assert_int_equal(write(f->pair[1], "x", 1), 1);
	}
}

static void
start(void *ctx)
{
	struct fixture *f = ctx;

	for (size_t i = 0; i < DEFERRED; i++)
		loop_defer(f->loop, &f->tasks[i]);
}

static void
on_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct fixture *f = ctx;
	char c;

	(void)what;
	f->ready++;
	if (f->keep_ready)
		return;
	assert_int_equal(read(fd, &c, 1), 1);
	f->asked = false;
	f->since_worst = f->since > f->since_worst ? f->since : f->since_worst;
}

static void
run(struct fixture *f)
{
	assert_ok(loop_new(&f->loop, &unit_error));
	for (size_t i = 0; i < DEFERRED; i++)
		f->tasks[i] = (struct loop_task){ .run = work, .ctx = f };
	f->start = (struct loop_task){ .run = start, .ctx = f };
	assert_int_equal(sem_init(&f->done, 0, 0), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f->pair), 0);
	if (f->keep_ready)
		assert_int_equal(write(f->pair[1], "x", 1), 1);
	f->event = event_new(loop_base(f->loop), f->pair[0], EV_READ | EV_PERSIST, on_ready, f);
	assert_non_null(f->event);
	assert_int_equal(event_add(f->event, NULL), 0);
	assert_ok(loop_start(f->loop, &unit_error));
	loop_post(f->loop, &f->start);
	(void)sem_wait(&f->done);
	loop_join(f->loop);
	event_free(f->event);
	loop_free(f->loop);
	(void)close(f->pair[0]);
	(void)close(f->pair[1]);
	(void)sem_destroy(&f->done);
}

/* Twenty milliseconds of deferred work always wait; a socket that becomes readable waits for two, and the one that is running. */
static void
ready_does_not_wait_for_deferred(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	run(&f);
	printf("# a socket waited for %u deferred tasks at most\n", f.since_worst);
	assert_true(f.ready > RUNS / 20);
	assert_true(f.since_worst <= LOOP_DEFER_MS * 2 + 1);
}

/* Nor does a client that always has something to say keep the others from coming in. */
static void
deferred_goes_on(void **state)
{
	struct fixture f = { .keep_ready = true };

	(void)state;
	run(&f);
	assert_true(f.ready >= RUNS / (LOOP_DEFER_MS * 2 + 1));
}

/* What was deferred when a loop ends still runs. */
static void
runs_at_the_end(void **state)
{
	struct fixture f = { .runs = RUNS };

	(void)state;
	assert_ok(loop_new(&f.loop, &unit_error));
	for (size_t i = 0; i < DEFERRED; i++)
		f.tasks[i] = (struct loop_task){ .run = work, .ctx = &f };
	f.keep_ready = true;
	f.start = (struct loop_task){ .run = start, .ctx = &f };
	assert_ok(loop_start(f.loop, &unit_error));
	loop_post(f.loop, &f.start);
	loop_join(f.loop);
	assert_int_equal(f.runs, RUNS + DEFERRED);
	loop_free(f.loop);
}

UNIT_MAIN(UNIT_TEST(ready_does_not_wait_for_deferred), UNIT_TEST(deferred_goes_on), UNIT_TEST(runs_at_the_end))
