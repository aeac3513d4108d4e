/* SPDX-License-Identifier: ISC */
#include "service/signin/pace.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/mem.h"
#include "os/clock.h"

#define SHARE 2 /* of the time that passes, one part in so many is for checks that fail */

struct pace {
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	int64_t until_ns;
	bool stop;
};

int
pace_new(struct pace **pace_out, struct error *e)
{
	struct pace *p = mem_alloc(sizeof *p);
	pthread_condattr_t monotonic;

	if (p == NULL)
		return error_nomem(e);
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->stopped, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	*pace_out = p;
	return 0;
}

void
pace_free(struct pace *p)
{
	if (p == NULL)
		return;
	(void)pthread_cond_destroy(&p->stopped);
	(void)pthread_mutex_destroy(&p->lock);
	mem_free(p);
}

void
pace_wait(struct pace *p)
{
	(void)pthread_mutex_lock(&p->lock);
	while (!p->stop && clock_ns() < p->until_ns) {
		const struct timespec until = { .tv_sec = p->until_ns / 1000000000,
			.tv_nsec = p->until_ns % 1000000000 };

		(void)pthread_cond_timedwait(&p->stopped, &p->lock, &until);
	}
	(void)pthread_mutex_unlock(&p->lock);
}

void
pace_spent(struct pace *p, int64_t began_ns, int64_t took_ns)
{
	int64_t latest = clock_ns() + PACE_PAUSE_MAX_NS;

	(void)pthread_mutex_lock(&p->lock);
	/* From the beginning, so that of several side by side each adds its own. */
	if (p->until_ns < began_ns)
		p->until_ns = began_ns;
	p->until_ns += SHARE * took_ns;
	if (p->until_ns > latest)
		p->until_ns = latest;
	(void)pthread_mutex_unlock(&p->lock);
}

void
pace_stop(struct pace *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)pthread_cond_broadcast(&p->stopped);
	(void)pthread_mutex_unlock(&p->lock);
}

int64_t
pace_until(struct pace *p)
{
	int64_t until;

	(void)pthread_mutex_lock(&p->lock);
	until = p->until_ns;
	(void)pthread_mutex_unlock(&p->lock);
	return until;
}
