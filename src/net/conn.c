/* SPDX-License-Identifier: ISC */
/* What all kinds of connection do the same: life, wishes of the session, deadlines. */
#include "net/conn_internal.h"

#include <event2/event.h>

#include "base/mem.h"
#include "os/clock.h"

/* ---- any thread ---- */

void
conn_hold(struct conn *c)
{
	(void)atomic_fetch_add(&c->refs, 1);
}

void
conn_release(struct conn *c)
{
	if (atomic_fetch_sub(&c->refs, 1) == 1)
		mem_free(c);
}

static void
wake_task_run(void *ctx)
{
	struct conn *c = ctx;

	atomic_store(&c->woken, false);
	if (c->state != CONN_DEAD)
		conn_turn(c);
	conn_release(c);
}

void
conn_wake(struct conn *c)
{
	if (atomic_load(&c->dead) || atomic_exchange(&c->woken, true))
		return;
	conn_hold(c);
	loop_post(c->thread->loop, &c->wake_task);
}

void
conn_post(struct conn *c, struct loop_task *task)
{
	loop_post(c->thread->loop, task);
}

static atomic_uint_fast64_t last_id;

uint64_t
conn_id(const struct conn *c)
{
	return c->id;
}

uint64_t
conn_origin(const struct conn *c)
{
	return c->origin;
}

void
conn_ids_from(uint64_t first)
{
	atomic_store(&last_id, first);
}

const char *
conn_peer(const struct conn *c)
{
	return c->peer;
}

uint16_t
conn_port(const struct conn *c)
{
	return c->port;
}

/* ---- birth and death ---- */

struct conn *
conn_make(size_t size, const struct conn_kind *kind, struct conn_thread *t, size_t input_max, void (*first)(void *ctx))
{
	struct conn *c = mem_alloc(size);

	if (c == NULL)
		return NULL;
	c->kind = kind;
	c->thread = t;
	c->origin = c->id = atomic_fetch_add(&last_id, 1) + 1;
	c->limit_at = MACHINE_NEVER;
	atomic_init(&c->refs, 1);
	atomic_init(&c->woken, true);
	c->wake_task = (struct loop_task){ .run = first, .ctx = c };
	buf_init(&c->input, input_max);
	return c;
}

void
conn_enlist(struct conn *c)
{
	c->wake_task.run = wake_task_run;
	atomic_store(&c->woken, false);
	c->next = c->thread->conns;
	c->back = &c->thread->conns;
	if (c->next != NULL)
		c->next->back = &c->next;
	c->thread->conns = c;
	(void)atomic_fetch_add(&c->thread->conn_count, 1);
}

void
conn_die(struct conn *c)
{
	void *session = c->session;

	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_DEAD;
	atomic_store(&c->dead, true);
	c->session = NULL;
	wheel_clear(&c->timer);
	c->kind->let_go(c);
	buf_wipe_done(&c->input);
	*c->back = c->next;
	if (c->next != NULL)
		c->next->back = c->back;
	if (session != NULL)
		c->ops->closed(session);
	(void)atomic_fetch_sub(&c->thread->conn_count, 1);
	conn_release(c);
}

/* The server stops: who waits for an answer gets it first. */
static void
stop(struct conn *c)
{
	if (c->state != CONN_OPEN || c->close || c->abort)
		return;
	if (c->ops->stopping != NULL)
		c->ops->stopping(c->session);
	c->close = c->ops->busy == NULL || !c->ops->busy(c->session);
}

void
conn_end_all(struct conn_thread *t, bool at_once)
{
	t->ending = true;
	for (struct conn *c = t->conns, *next; c != NULL; c = next) {
		next = c->next;
		if (at_once || c->state == CONN_HANDSHAKE || c->state == CONN_LINGER) {
			conn_die(c);
		} else {
			conn_wake(c);
		}
	}
}

/* ---- deadlines ---- */

static void
due(void *ctx, struct wheel_entry *entry)
{
	struct conn *c = (struct conn *)((char *)entry - offsetof(struct conn, timer));

	(void)ctx;
	if (c->limit_at <= clock_ms())
		conn_die(c); /* half a handshake, a peer that never reads, the end of lingering */
	else
		conn_turn(c);
}

/* Moves the one timer of the loop when something is due earlier than it fires. */
static void
arm_tick(struct conn_thread *t, int64_t now)
{
	int64_t next = wheel_next(&t->wheel), wait;

	if (next >= t->tick_at)
		return;
	wait = next <= now ? 1 : next - now;
	t->tick_at = next;
	(void)event_add(t->tick, &(struct timeval){ .tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000 });
}

static void
on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct conn_thread *t = ctx;
	int64_t now = clock_ms();

	(void)fd;
	(void)what;
	t->tick_at = MACHINE_NEVER;
	wheel_advance(&t->wheel, now, due, t);
	arm_tick(t, now);
}

int
conn_thread_init(struct conn_thread *t, struct error *e)
{
	wheel_init(&t->wheel, clock_ms());
	t->tick_at = MACHINE_NEVER;
	t->tick = evtimer_new(loop_base(t->loop), on_tick, t);
	return t->tick == NULL ? error_nomem(e) : 0;
}

void
conn_thread_done(struct conn_thread *t)
{
	if (t->tick != NULL)
		event_free(t->tick);
	t->tick = NULL;
}

static void
arm_deadline(struct conn *c, int64_t now)
{
	int64_t at = c->limit_at;

	if (c->state == CONN_OPEN) {
		int64_t deadline = c->ops->deadline(c->session);

		at = deadline < at ? deadline : at;
	}
	wheel_set(&c->thread->wheel, &c->timer, at);
	arm_tick(c->thread, now);
}

void
conn_turn(struct conn *c)
{
	int64_t now = clock_ms();

	conn_hold(c);
	c->kind->turn(c, now);
	if (c->abort)
		conn_die(c);
	if (c->state != CONN_DEAD)
		arm_deadline(c, now);
	conn_release(c);
}

/* ---- steps ---- */

size_t
conn_offer_leftover(struct conn *c, int64_t now)
{
	size_t n;

	if (c->input.len == 0)
		return 0;
	n = size_min(c->ops->feed(c->session, buf_slice(&c->input), now), c->input.len);
	if (n == c->input.len)
		buf_wipe_done(&c->input); /* given back: an idle connection holds no buffer */
	else
		buf_consume(&c->input, n);
	return n;
}

void
conn_run(struct conn *c, int64_t now)
{
	bool was_closing;

	if (c->thread->ending)
		stop(c);
	do {
		was_closing = c->close;
		c->became = false;
		c->ops->run(c->session, c, now);
		if (c->thread->ending && !c->became)
			stop(c); /* the answer was this run's: once more, for the last words */
	} while ((c->became || c->close != was_closing) && !c->abort);
}

bool
conn_is_finished(struct conn *c)
{
	return c->eof && c->input.len == 0 && conn_output(c).len == 0 &&
	    (c->ops->busy == NULL || !c->ops->busy(c->session));
}

/* ---- wishes of the session ---- */

void
conn_become(struct conn *c, const struct conn_ops *ops, void *session)
{
	c->ops = ops;
	c->session = session;
	c->became = true;
}

void *
conn_session(struct conn *c)
{
	return c->session;
}

bool
conn_can_start_tls(const struct conn *c)
{
	return c->kind->can_start_tls(c);
}

int
conn_start_tls(struct conn *c, struct error *e)
{
	if (c->kind->is_tls(c) || c->start_tls)
		return error_set(e, ERR_ORDER, "TLS stands already");
	if (!c->kind->can_start_tls(c))
		return error_set(e, ERR_UNSUPPORTED, "this port has no certificate");
	c->start_tls = true;
	return 0;
}

bool
conn_is_tls(const struct conn *c)
{
	return c->kind->is_tls(c);
}

bool
conn_tls_info(const struct conn *c, struct conn_tls_info *info_out)
{
	return c->kind->tls_info(c, info_out);
}

bool
conn_tls_bindings(const struct conn *c, struct conn_tls_bindings *out)
{
	*out = (struct conn_tls_bindings){ 0 };
	return c->kind->tls_bindings != NULL && c->kind->tls_bindings(c, out);
}

void
conn_close(struct conn *c)
{
	c->close = true;
}

void
conn_abort(struct conn *c)
{
	c->abort = true; /* the session is in the middle of a call: at the end of the turn */
}
