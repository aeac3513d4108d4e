/* SPDX-License-Identifier: ISC */
/*
 * A pool of worker threads with one bounded queue. Work is a function and its
 * context; it runs on any of the threads, in the order of submission as far as
 * starting goes. A full queue refuses at once: whoever submits decides what
 * that means (answer 421, try later), and nobody waits.
 *
 * Every call is safe from every thread; pool_stop() and pool_free() are for
 * the owner and not for a worker.
 */
#ifndef OS_POOL_H
#define OS_POOL_H

#include <stdbool.h>

#include "base/error.h"

struct pool;

typedef void pool_fn(void *ctx);

struct pool_options {
	const char *name;   /* of the threads, at most 15 characters are shown */
	unsigned threads;   /* 0: one a core */
	unsigned queue_max; /* works that may wait; at least 1 */
};

/* ERR_NOMEM, ERR_USAGE. */
int pool_new(const struct pool_options *options, struct pool **out, struct error *e);
/* 0, ERR_LIMIT when the queue is full, ERR_CLOSED after pool_stop(). The work does not run when this fails. */
int pool_submit(struct pool *p, pool_fn *fn, void *ctx);
/* Takes no more work, finishes all that was submitted, ends the threads. Twice is harmless. */
void pool_stop(struct pool *p);
/* pool_stop() and frees. NULL is permitted. */
void pool_free(struct pool *p);
/* How many works wait now (not those that run); for tests and figures. */
unsigned pool_waiting(struct pool *p);

#endif
