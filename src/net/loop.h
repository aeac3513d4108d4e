/* SPDX-License-Identifier: ISC */
/*
 * An event loop and its thread. There is one a core; a connection belongs to
 * one loop for its whole life, so what belongs to it needs no lock. Other
 * threads reach a loop only by posting tasks to it.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LOOP_PRIORITY_HIGH 0
#define LOOP_PRIORITY_LOW 1

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
/* Stops and waits for the thread; tasks posted until now have run when it returns. */
void loop_join(struct loop *l);
/* Joins and frees. NULL is permitted. */
void loop_free(struct loop *l);

/* Any thread: runs the task on the loop's thread, after what was posted before. Tasks posted by a task run in the next turn. */
void loop_post(struct loop *l, struct loop_task *task);

/* For net's own files, which register their sockets and timers there; loop thread only (or before loop_start). */
struct event_base *loop_base(struct loop *l);

#endif
