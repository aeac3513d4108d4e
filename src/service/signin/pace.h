/* SPDX-License-Identifier: ISC */
/*
 * How much of the machine the checks of strangers' passwords may take: after
 * checks that failed, the next ones begin only when as much time has passed
 * that these took half of one processor, whatever the number of threads. Who
 * floods us with guesses leaves the rest to the mail.
 *
 *   pace_wait()    before a check, on its thread
 *   pace_spent()   after one that failed: when it began, and the processor's time that it took
 *
 * The pause is as long as the check took, so that an honest typing error costs
 * nobody more than that. Calls are for any thread.
 */
#ifndef SERVICE_SIGNIN_PACE_H
#define SERVICE_SIGNIN_PACE_H

#include <stdint.h>

#include "base/error.h"

#define PACE_PAUSE_MAX_NS INT64_C(1000000000) /* ahead at most: one slow check holds up nobody for longer */

struct pace;

/* ERR_NOMEM. */
int pace_new(struct pace **pace_out, struct error *e);
void pace_free(struct pace *p); /* NULL is permitted */

void pace_wait(struct pace *p);
/* Both in nanoseconds: clock_ns() at the beginning, clock_thread_ns() as the difference. */
void pace_spent(struct pace *p, int64_t began_ns, int64_t took_ns);
/* Nobody waits from now on. */
void pace_stop(struct pace *p);
/* Until when there is a pause, as clock_ns(); for tests. */
int64_t pace_until(struct pace *p);

#endif
