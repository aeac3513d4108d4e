/* SPDX-License-Identifier: ISC */
/* What relay is given. A lease that finds nothing waits here, for the next time at which something is due. */
#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "service/queue/internal.h"

struct waiting {
	struct queue *queue;
	struct port_job *job;
	struct waiting *next;
	int64_t until_ms;    /* it is answered then, whatever there is */
	int64_t due_ms;      /* it is asked for again then */
	uint64_t generation; /* of the queue, when it was asked for */
};

static void leased(void *ctx, const void *reply, const struct error *e);

/* ---- the answer ---- */

static const struct queue_recipient *
recipients_of(const struct store_queue_entry *from, struct arena *a)
{
	struct queue_recipient *to = arena_array(a, from->recipient_count, sizeof *to);

	for (size_t i = 0; to != NULL && i < from->recipient_count; i++) {
		const struct store_queue_due *r = &from->recipients[i];

		to[i] = (struct queue_recipient){ r->position, r->address, r->notify, r->orcpt, r->attempts };
	}
	return to;
}

static struct queue_entry
entry_of(const struct store_queue_entry *from, struct arena *a)
{
	return (struct queue_entry){ .queue = from->queue,
		.lease = from->lease,
		.domain = from->domain,
		.sender = from->sender,
		.account = from->account,
		.size = from->size,
		.header_size = from->header_size,
		.flags = from->flags,
		.ret = from->ret,
		.envid = from->envid,
		.created = from->created,
		.expires = from->expires,
		.recipients = recipients_of(from, a),
		.recipient_count = from->recipient_count };
}

static void
finish(struct waiting *w, const struct store_queue_leased *found, const struct error *e)
{
	struct arena *a = port_job_arena(w->job);
	struct queue *q = w->queue;
	size_t count = found == NULL ? 0 : found->entry_count;
	struct queue_entry *entries = arena_array(a, count + 1, sizeof *entries);
	struct error nomem;

	for (size_t i = 0; entries != NULL && i < count; i++)
		entries[i] = entry_of(&found->entries[i], a);
	if (e == NULL && a->err != 0) {
		(void)error_nomem(&nomem);
		e = &nomem;
	}
	if (e != NULL)
		port_fail(w->job, e);
	else
		port_reply(w->job, &(struct queue_leased){ .entries = entries, .entry_count = count });
	mem_free(w);
	queue_leave(q);
}

/* ---- asking ---- */

static void
ask(struct waiting *w)
{
	const struct queue_lease *in = port_job_request(w->job);
	const struct store_queue_lease lease = { .messages_max = in->messages_max,
		.domain_messages_max = in->domain_messages_max,
		.lease_s = QUEUE_LEASE_S,
		.full = in->full,
		.full_count = in->full_count };
	struct error e;

	if (store_queue_lease_submit(w->queue->store, &lease, leased, w, &e) != 0)
		finish(w, NULL, &e);
}

/* Operators change the queue in the store, and clocks are set: so now and then it is looked at in any case. */
#define LOOK_AGAIN_MS 5000

static int64_t
due_in_ms(uint64_t unix_seconds)
{
	uint64_t now = clock_unix();

	if (unix_seconds >= now + LOOK_AGAIN_MS / 1000)
		return LOOK_AGAIN_MS;
	return unix_seconds <= now ? 1000 : (int64_t)(unix_seconds - now) * 1000;
}

/* false: something happened meanwhile, or the time is over. */
static bool
park(struct waiting *w, uint64_t next)
{
	struct queue *q = w->queue;
	int64_t now = clock_ms(), due = now + due_in_ms(next);
	bool waits;

	(void)pthread_mutex_lock(&q->lock);
	waits = !q->stop && now < w->until_ms && w->generation == q->generation && port_job_peer(w->job) > q->gone;
	if (waits) {
		w->due_ms = due < w->until_ms ? due : w->until_ms;
		w->next = q->waiting;
		q->waiting = w;
		(void)pthread_cond_broadcast(&q->wake);
	}
	(void)pthread_mutex_unlock(&q->lock);
	return waits;
}

static bool
begin(struct waiting *w)
{
	bool go;

	(void)pthread_mutex_lock(&w->queue->lock);
	w->generation = w->queue->generation;
	go = !w->queue->stop && port_job_peer(w->job) > w->queue->gone;
	(void)pthread_mutex_unlock(&w->queue->lock);
	return go;
}

static void
note_leases(struct queue *q, const struct store_queue_leased *found)
{
	(void)pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < found->entry_count; i++)
		if (found->entries[i].lease > q->leased_last)
			q->leased_last = found->entries[i].lease;
	(void)pthread_mutex_unlock(&q->lock);
}

static void
leased(void *ctx, const void *reply, const struct error *e)
{
	const struct store_queue_leased *found = reply;
	struct waiting *w = ctx;

	if (found != NULL)
		note_leases(w->queue, found);
	if (found == NULL || found->entry_count > 0) {
		finish(w, found, e);
		return;
	}
	if (park(w, found->next))
		return;
	if (clock_ms() < w->until_ms && begin(w))
		ask(w);
	else
		finish(w, found, NULL);
}

static void
on_released(void *ctx, const void *reply, const struct error *e)
{
	struct queue *q = ctx;

	if (reply == NULL)
		log_event(LOG_LEVEL_WARNING, "queue.not_released", log_error(e));
	queue_poke(q);
	queue_leave(q);
}

/* There is one relay at a time: what was leased before it went is nobody's. Otherwise it comes when the leases end. */
static void
release(struct queue *q, uint64_t last)
{
	const struct store_queue_release in = { last };
	struct error e;

	queue_enter(q);
	if (store_queue_release_submit(q->store, &in, on_released, q, &e) != 0)
		on_released(q, NULL, &e);
}

void
queue_peer_gone(void *ctx, uint64_t peer)
{
	struct waiting *gone = NULL, **at;
	struct queue *q = ctx;
	uint64_t last;

	(void)pthread_mutex_lock(&q->lock);
	q->gone = peer > q->gone ? peer : q->gone;
	for (at = &q->waiting; *at != NULL;) {
		struct waiting *w = *at;

		if (port_job_peer(w->job) != peer) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = gone;
		gone = w;
	}
	last = q->leased_last;
	(void)pthread_mutex_unlock(&q->lock);
	release(q, last);
	while (gone != NULL) {
		struct waiting *w = gone;

		gone = w->next;
		finish(w, NULL, NULL);
	}
}

int64_t
queue_waiting_go(struct queue *q, int64_t now_ms, bool again)
{
	struct waiting *go = NULL, **at = &q->waiting;
	int64_t next = INT64_MAX;

	while (*at != NULL) {
		struct waiting *w = *at;

		if (again || w->due_ms <= now_ms) {
			*at = w->next;
			w->next = go;
			w->generation = q->generation;
			go = w;
		} else {
			next = w->due_ms < next ? w->due_ms : next;
			at = &w->next;
		}
	}
	if (go == NULL)
		return next;
	(void)pthread_mutex_unlock(&q->lock);
	while (go != NULL) {
		struct waiting *w = go;

		go = w->next;
		if (now_ms == INT64_MAX)
			finish(w, NULL, NULL);
		else
			ask(w);
	}
	(void)pthread_mutex_lock(&q->lock);
	return next;
}

void
queue_run_lease(void *ctx, struct port_job *job)
{
	const struct queue_lease *in = port_job_request(job);
	struct waiting *w = mem_alloc(sizeof *w);
	struct error e;

	if (w == NULL) {
		(void)error_nomem(&e);
		port_fail(job, &e);
		return;
	}
	w->queue = ctx;
	w->job = job;
	w->until_ms = clock_ms() + in->wait_ms;
	queue_enter(w->queue);
	if (begin(w))
		ask(w);
	else
		finish(w, NULL, NULL);
}

/* ---- what is passed on ---- */

static void
fail_and_leave(struct queue *q, struct port_job *job, const struct error *e)
{
	port_fail(job, e);
	queue_leave(q);
}

static void
body_read(void *ctx, const void *reply, const struct error *e)
{
	const struct store_body_data *d = reply;
	struct port_job *job = ctx;
	struct queue *q = *port_job_slot(job);

	if (d == NULL)
		port_fail(job, e);
	else
		port_reply(job, &(struct queue_body_data){ .data = d->data });
	queue_leave(q);
}

void
queue_run_body(void *ctx, struct port_job *job)
{
	const struct queue_body *in = port_job_request(job);
	const struct store_queue_read read = { in->queue, in->lease, in->offset, in->length };
	struct queue *q = ctx;
	struct error e;

	*port_job_slot(job) = q;
	queue_enter(q);
	if (in->lease == 0) {
		(void)error_set(&e, ERR_DENIED, "only what is leased is read");
		fail_and_leave(q, job, &e);
	} else if (store_queue_read_submit(q->store, &read, body_read, job, &e) != 0) {
		fail_and_leave(q, job, &e);
	}
}

static void
until_told(void *ctx, const void *reply, const struct error *e)
{
	const struct store_queue_until *u = reply;
	struct port_job *job = ctx;
	struct queue *q = *port_job_slot(job);

	if (u == NULL)
		port_fail(job, e);
	else
		port_reply(job, &(struct queue_until){ .until = u->until });
	queue_leave(q);
}

void
queue_run_renew(void *ctx, struct port_job *job)
{
	const struct queue_hold_on *in = port_job_request(job);
	const struct store_queue_renew renew = { in->queue, in->lease, QUEUE_LEASE_S };
	struct queue *q = ctx;
	struct error e;

	*port_job_slot(job) = q;
	queue_enter(q);
	if (store_queue_renew_submit(q->store, &renew, until_told, job, &e) != 0)
		fail_and_leave(q, job, &e);
}

void
queue_run_defer(void *ctx, struct port_job *job)
{
	const struct queue_defer_domain *in = port_job_request(job);
	const struct store_queue_defer defer = { in->domain, in->retry_s, in->reason };
	struct queue *q = ctx;
	struct error e;

	*port_job_slot(job) = q;
	queue_enter(q);
	if (store_queue_defer_submit(q->store, &defer, until_told, job, &e) != 0)
		fail_and_leave(q, job, &e);
}
