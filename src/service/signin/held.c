/* SPDX-License-Identifier: ISC */
#include <time.h>

#include "os/clock.h"
#include "os/metrics.h"
#include "os/thread.h"
#include "service/signin/internal.h"

void
check_count(struct check *c, enum throttle_result result)
{
	if (c->counted)
		throttle_after(c->signin->throttle, &c->ticket, result, clock_ms());
	c->counted = false;
}

void
check_hold(struct check *c, int64_t until, void (*go_on)(struct check *c))
{
	struct signin *s = c->signin;
	struct check **at = &s->held;
	bool stop;

	if (until <= clock_ms()) {
		go_on(c);
		return;
	}
	c->go_on = go_on;
	c->at = until;
	(void)pthread_mutex_lock(&s->lock);
	stop = s->stop;
	while (!stop && *at != NULL && (*at)->at <= c->at)
		at = &(*at)->next;
	if (!stop) {
		c->next = *at;
		*at = c;
	}
	(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->lock);
	if (stop) /* nobody looks at the held ones any more */
		check_refuse_with(c, ERR_CLOSED, "the server stops");
}

void
check_guard(struct check *c, void (*go_on)(struct check *c))
{
	int64_t delay = 0;
	struct error e;

	if (!check_name(c))
		return;
	if (throttle_before(c->signin->throttle, buf_slice(&c->name), c->place, clock_ms(), &delay, &c->ticket, &e) !=
	    0) {
		check_refuse(c, &e);
		return;
	}
	c->counted = true;
	if (delay > 0)
		metric_add(METRIC_SIGNINS_DELAYED_TOTAL, 1);
	check_hold(c, clock_ms() + delay, go_on);
}

/* With the lock: waits until the first one's time, or a change. */
static void
wait_turn(struct signin *s)
{
	struct timespec until;

	if (s->held == NULL) {
		(void)pthread_cond_wait(&s->turn, &s->lock);
		return;
	}
	until = (struct timespec){ .tv_sec = s->held->at / 1000, .tv_nsec = s->held->at % 1000 * 1000000 };
	(void)pthread_cond_timedwait(&s->turn, &s->lock, &until);
}

static void *
holding_main(void *ctx)
{
	struct signin *s = ctx;

	(void)pthread_mutex_lock(&s->lock);
	while (!s->stop || s->held != NULL) {
		struct check *c = s->held;
		bool stop = s->stop;

		if (c == NULL || (!stop && c->at > clock_ms())) {
			wait_turn(s);
			continue;
		}
		s->held = c->next;
		(void)pthread_mutex_unlock(&s->lock);
		if (stop)
			check_refuse_with(c, ERR_CLOSED, "the server stops");
		else
			c->go_on(c);
		(void)pthread_mutex_lock(&s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

int
signin_held_start(struct signin *s, struct error *e)
{
	int rc = thread_start(&s->thread, "held", holding_main, s, e);

	s->started = rc == 0;
	return rc;
}

void
signin_held_stop(struct signin *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->lock);
	if (s->started)
		(void)pthread_join(s->thread, NULL);
}
