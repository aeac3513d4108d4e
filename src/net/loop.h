/* SPDX-License-Identifier: ISC */
/*
 * An event loop and its thread. There is one a core; a connection belongs to
 * one loop for its whole life, so what belongs to it needs no lock. Other
 * threads reach a loop only by posting tasks to it.
 *
 * One TLS handshake costs as much as hundreds of commands, and a flood of them
 * must not hold up who is in already. So what is expensive and not yet anybody's
 * is deferred: in each turn the loop first runs all that is ready, and then
 * deferred tasks for LOOP_DEFER_MS at most. Who is ready waits for deferred
 * work at most that long and for the task that exceeds it.
 *
 * These are no priorities of libevent's, because those are strict: one client
 * whose socket is always readable would keep low events from running at all.
 * Here both have their part of every turn.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LOOP_DEFER_MS 2 /* a few handshakes */

struct loop;
struct event_base;

/* A piece of work posted to a loop. The caller owns the memory; it must live until run was called. */
struct loop_task {
	void (*run)(void *ctx);
	void *ctx;
	struct loop_task *next; /* the loop's */
};

/* ERR_NOMEM, ERR_IO (no descriptors). */
int loop_new(struct loop **loop_out, struct error *e);
/* Starts the thread. ERR_IO. */
int loop_start(struct loop *l, struct error *e);
/* Any thread: tasks posted before are still run, then the thread ends. */
void loop_stop(struct loop *l);
/* Stops and waits for the thread; tasks posted and deferred until now have run when it returns. */
void loop_join(struct loop *l);
/* Joins and frees. NULL is permitted. */
void loop_free(struct loop *l);

/* Any thread: runs the task on the loop's thread, after what was posted before. Tasks posted by a task run in the next turn. */
void loop_post(struct loop *l, struct loop_task *task);

/*
 * Loop thread only: runs the task when what is ready now has run, in order with
 * what was deferred before, a little in each turn. It can be posted to the loop
 * or deferred again once it runs, not before. Its event must not fire in every
 * turn meanwhile: watch without EV_PERSIST, or take it out.
 */
void loop_defer(struct loop *l, struct loop_task *task);

/* For net's own files, which register their sockets and timers there; loop thread only (or before loop_start). */
struct event_base *loop_base(struct loop *l);

#endif
