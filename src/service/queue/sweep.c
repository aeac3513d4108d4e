/* SPDX-License-Identifier: ISC */
/*
 * What has waited for too long: its sender is told once that it takes long,
 * and at the end of its lifetime that it failed. What is leased just then is
 * looked at again later: its answer may be on its way.
 */
#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "service/queue/internal.h"
#include "smtp/dsn.h"

#define PAGE 64u
#define AGAIN_S 60u        /* for what was leased */
#define SWEEP_MS_MAX 60000 /* and for everything: clocks are set, and the figures below go on */
#define SWEEP_MS_FAILED 10000

static bool
wants(const struct store_queue_recipient *r, uint32_t bit)
{
	return r->notify == 0 || (r->notify & bit) != 0;
}

/* Why it still waits: what its server said, or why that is not tried. */
static void
say_why(const struct store_queue_recipient *r, struct report_recipient *told)
{
	if (told->text.len == 0 || r->until > r->last_time)
		told->text = r->reason.len > 0 ? r->reason : told->text;
	if (told->text.len == 0)
		told->text = SLICE("it was not tried yet");
	told->from_remote = r->last_text.len > 2 && told->text.data == r->last_text.data && r->last_text.data[0] == '4';
}

struct sweep {
	struct queue *queue;
	struct arena arena;
	const struct store_queue_message *m;
	struct store_queue_settle_report ask;
	struct report_recipient *told;
	size_t told_count;
	struct store_queue_outcome *outcomes;
	size_t outcome_count;
};

static void
gather(struct sweep *w, bool expired)
{
	for (size_t i = 0; i < w->m->recipient_count; i++) {
		const struct store_queue_recipient *r = &w->m->recipients[i];
		struct report_recipient told = queue_told(r, expired ? REPORT_FAILED : REPORT_DELAYED);

		if (r->leased)
			continue;
		say_why(r, &told);
		told.until = expired ? 0 : w->m->expires;
		if (expired) {
			told.status = SLICE("5.4.7"); /* RFC 3463: delivery time expired */
			w->outcomes[w->outcome_count++] = (struct store_queue_outcome){ .position = r->position,
				.result = STORE_QUEUE_FAILED,
				.status = told.status,
				.text = told.text,
				.facts = { .mx_name = r->last_host } };
		} else if (told.status.len == 0) {
			told.status = SLICE("4.4.7");
		}
		if (wants(r, expired ? SMTP_NOTIFY_FAILURE : SMTP_NOTIFY_DELAY))
			w->told[w->told_count++] = told;
	}
}

static int
keep(struct sweep *w, bool expired, struct error *e)
{
	const struct queue_tale tale = { w->m, w->told, w->told_count, expired ? clock_unix() - w->m->created : 0 };
	struct store_queue_settled out;
	int rc = w->told_count == 0 ? 0 : queue_tell(w->queue, &tale, &w->arena, &w->ask.report, e);

	if (rc < 0)
		return rc;
	rc = rc == 1 ? store_queue_settle_report(w->queue->store, &w->ask, &w->arena, &out, e)
		     : store_queue_settle(w->queue->store, &w->ask.settle, &w->arena, &out, e);
	if (rc == 0 && expired)
		log_event(LOG_LEVEL_INFO, "queue.expired", log_u64("queue", w->m->queue),
		    log_u64("recipients", w->outcome_count));
	return rc;
}

/* One message that is to be looked at now. */
static int
look(struct queue *q, const struct store_queue_message *m, struct error *e)
{
	const struct queue_rules rules = queue_rules_now(q);
	struct sweep w = { .queue = q, .m = m };
	uint64_t now = clock_unix(), warn = rules.warn_s == 0 ? UINT64_MAX : m->created + rules.warn_s;
	bool expired = m->expires <= now, late = !m->warned && warn <= now;
	int rc;

	arena_init(&w.arena, QUEUE_WORK_BUDGET);
	w.told = arena_array(&w.arena, m->recipient_count + 1, sizeof *w.told);
	w.outcomes = arena_array(&w.arena, m->recipient_count + 1, sizeof *w.outcomes);
	if (w.told == NULL || w.outcomes == NULL) {
		arena_done(&w.arena);
		return error_nomem(e);
	}
	if (expired || late)
		gather(&w, expired);
	w.ask.settle = (struct store_queue_settle){ .queue = m->queue,
		.outcomes = w.outcomes,
		.outcome_count = w.outcome_count,
		.look = expired                              ? now + AGAIN_S
		    : m->warned || late || m->expires < warn ? m->expires
							     : warn,
		.warned = late };
	rc = keep(&w, expired, e);
	arena_done(&w.arena);
	return rc == ERR_NOT_FOUND ? 0 : rc; /* it is gone, or somebody took one of them meanwhile */
}

static void
count(struct queue *q, struct arena *a)
{
	struct store_queue_totals t;

	if (store_queue_totals(q->store, &(struct store_nothing){ 0 }, a, &t, NULL) != 0)
		return;
	metric_set(METRIC_QUEUE_MESSAGES, t.messages);
	metric_set(METRIC_QUEUE_BYTES, t.octets);
	metric_set(METRIC_QUEUE_OLDEST, t.oldest);
}

static int64_t
next_sweep(const struct store_queue_messages *found, int rc)
{
	uint64_t now = clock_unix();

	if (rc != 0)
		return SWEEP_MS_FAILED;
	if (found->next <= now)
		return 0;
	return found->next - now < SWEEP_MS_MAX / 1000 ? (int64_t)(found->next - now) * 1000 : SWEEP_MS_MAX;
}

void
queue_sweep(void *ctx)
{
	struct queue *q = ctx;
	const struct store_queue_list list = { .which = STORE_QUEUE_LOOK, .limit = PAGE };
	struct arena a ARENA_OWNED = { 0 };
	struct store_queue_messages found = { 0 };
	struct error e;
	int64_t next;
	int rc, failed = 0;

	arena_init(&a, QUEUE_WORK_BUDGET);
	rc = store_queue_list(q->store, &list, &a, &found, &e);
	/* One that cannot be told of stands in nobody's way. */
	for (size_t i = 0; i < found.row_count; i++)
		if ((failed = look(q, &found.rows[i], &e)) != 0 && failed != ERR_CLOSED)
			log_event(LOG_LEVEL_ERROR, "queue.sweep", log_u64("queue", found.rows[i].queue), log_error(&e));
	if (rc == 0 && found.row_count > 0 && failed == 0)
		rc = store_queue_list(
		    q->store, &(struct store_queue_list){ .which = STORE_QUEUE_LOOK, .limit = 1 }, &a, &found, &e);
	count(q, &a);
	(void)pthread_mutex_lock(&q->lock);
	q->sweeping = false;
	next = clock_ms() + next_sweep(&found, rc != 0 ? rc : failed);
	q->sweep_ms = next < q->sweep_ms ? next : q->sweep_ms;
	q->generation += found.row_count > 0;
	(void)pthread_cond_broadcast(&q->wake);
	if (--q->under_way == 0)
		(void)pthread_cond_broadcast(&q->idle);
	(void)pthread_mutex_unlock(&q->lock);
}
