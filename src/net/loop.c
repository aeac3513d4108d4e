/* SPDX-License-Identifier: ISC */
#include "net/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "os/clock.h"

#define DEFER_NS (INT64_C(1000000) * LOOP_DEFER_MS)

struct loop {
	struct event_base *base;
	struct event *wake;
	struct event *again, *deferred; /* timers that are due at once: in the next turn, behind what is ready */
	int wake_fd;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	struct loop_task *first, *last; /* under lock */
	bool stop;                      /* under lock */
	struct loop_task *deferred_first, *deferred_last;
};

/* Whose thread this is. */
static _Thread_local const struct loop *running;

static void
run_posted(struct loop *l)
{
	struct loop_task *task, *next;
	bool stop;

	(void)pthread_mutex_lock(&l->lock);
	task = l->first;
	l->first = l->last = NULL;
	stop = l->stop;
	(void)pthread_mutex_unlock(&l->lock);
	for (; task != NULL; task = next) {
		next = task->next; /* the task's memory may be gone after it ran */
		task->run(task->ctx);
	}
	if (stop)
		(void)event_base_loopbreak(l->base);
}

static void
on_ring(evutil_socket_t fd, short what, void *ctx)
{
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof count);
	run_posted(ctx);
}

static void
on_again(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	run_posted(ctx);
}

static void
in_next_turn(struct event *timer)
{
	(void)event_add(timer, &(struct timeval){ 0 });
}

/* At least one, so that a clock that jumps ends nothing. */
static void
run_deferred(evutil_socket_t fd, short what, void *ctx)
{
	struct loop *l = ctx;
	struct loop_task *task;
	int64_t until = clock_ns() + DEFER_NS;

	(void)fd;
	(void)what;
	do {
		task = l->deferred_first;
		if (task == NULL)
			return;
		l->deferred_first = task->next;
		task->run(task->ctx);
	} while (clock_ns() < until);
	if (l->deferred_first != NULL)
		in_next_turn(l->deferred);
}

static void
ring(struct loop *l)
{
	uint64_t one = 1;

	(void)!write(l->wake_fd, &one, sizeof one);
}

int
loop_new(struct loop **loop_out, struct error *e)
{
	struct loop *l = mem_alloc(sizeof *l);

	if (l == NULL)
		return error_nomem(e);
	(void)pthread_mutex_init(&l->lock, NULL);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd >= 0 && (l->base = event_base_new()) != NULL &&
	    (l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, on_ring, l)) != NULL &&
	    event_add(l->wake, NULL) == 0 && (l->again = evtimer_new(l->base, on_again, l)) != NULL &&
	    (l->deferred = evtimer_new(l->base, run_deferred, l)) != NULL) {
		*loop_out = l;
		return 0;
	}
	loop_free(l);
	return error_set_errno(e, ERR_IO, errno, "no event loop can be made; raise the limit of open descriptors");
}

static void *
thread_main(void *ctx)
{
	struct loop *l = ctx;

	running = l;
	(void)event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

int
loop_start(struct loop *l, struct error *e)
{
	int rc = pthread_create(&l->thread, NULL, thread_main, l);

	if (rc != 0)
		return error_set_errno(e, ERR_IO, rc, "no thread for an event loop");
	l->started = true;
	return 0;
}

void
loop_stop(struct loop *l)
{
	(void)pthread_mutex_lock(&l->lock);
	l->stop = true;
	(void)pthread_mutex_unlock(&l->lock);
	ring(l);
}

void
loop_join(struct loop *l)
{
	if (!l->started)
		return;
	loop_stop(l);
	(void)pthread_join(l->thread, NULL);
	l->started = false;
	do { /* what was posted last still gives back its references */
		run_posted(l);
		run_deferred(-1, 0, l);
	} while (l->first != NULL || l->deferred_first != NULL);
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	loop_join(l);
	if (l->wake != NULL)
		event_free(l->wake);
	if (l->again != NULL)
		event_free(l->again);
	if (l->deferred != NULL)
		event_free(l->deferred);
	if (l->base != NULL)
		event_base_free(l->base);
	if (l->wake_fd >= 0)
		(void)close(l->wake_fd);
	(void)pthread_mutex_destroy(&l->lock);
	mem_free(l);
}

void
loop_post(struct loop *l, struct loop_task *task)
{
	bool first;

	task->next = NULL;
	(void)pthread_mutex_lock(&l->lock);
	first = l->first == NULL;
	if (first)
		l->first = task;
	else
		l->last->next = task;
	l->last = task;
	(void)pthread_mutex_unlock(&l->lock);
	/* The loop's own thread need not wake itself. */
	if (first && running == l)
		in_next_turn(l->again);
	else if (first)
		ring(l);
}

void
loop_defer(struct loop *l, struct loop_task *task)
{
	task->next = NULL;
	if (l->deferred_first == NULL) {
		l->deferred_first = task;
		in_next_turn(l->deferred);
	} else {
		l->deferred_last->next = task;
	}
	l->deferred_last = task;
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}
