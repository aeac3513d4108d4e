/* SPDX-License-Identifier: ISC */
/*
 * What became of leased recipients. What waits for longer goes straight to the
 * store; of what has an end the sender may want to know, which is looked up
 * and written on the pool, and kept in the same step.
 */
#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "service/queue/internal.h"
#include "smtp/dsn.h"

struct settling {
	struct queue *queue;
	struct port_job *job;
	struct arena arena;
	struct store_queue_settle_report ask;
	bool reports; /* with a report */
};

/* ---- said afterwards ---- */

static const char *const result_names[] = {
	[QUEUE_DELIVERED] = "delivered", [QUEUE_FAILED] = "failed", [QUEUE_DEFERRED] = "deferred"
};

/* Whose certificate it was, as far as it is known. */
static const char *
verified_name(uint32_t verified)
{
	static const char *const names[] = { [QUEUE_NO_TLS] = "",
		[QUEUE_TLS_UNVERIFIED] = "no",
		[QUEUE_TLS_NAME] = "name",
		[QUEUE_TLS_DANE] = "dane",
		[QUEUE_TLS_PIN] = "pin" };

	return verified < sizeof names / sizeof names[0] ? names[verified] : "";
}

static void
log_outcomes(const struct queue_settle *in)
{
	for (size_t i = 0; i < in->outcome_count; i++) {
		const struct queue_outcome *o = &in->outcomes[i];

		if (o->result < QUEUE_DELIVERED || o->result > QUEUE_DEFERRED)
			continue;
		metric_add(METRIC_QUEUE_OUTCOMES_TOTAL + o->result - QUEUE_DELIVERED, 1);
		log_event(LOG_LEVEL_INFO, "queue.settled", log_str("result", result_names[o->result]),
		    log_u64("queue", in->queue), log_u64("recipient", o->position), log_slice("status", o->status),
		    log_slice("mx", o->facts.mx_name), log_slice("address", o->facts.mx_address),
		    log_slice("tls", o->facts.tls_version), log_slice("cipher", o->facts.tls_cipher),
		    log_str("verified", verified_name(o->facts.tls_verified)),
		    log_slice("policy", o->facts.policy_source), log_slice("said", o->text));
	}
}

static void
finish(struct settling *s, const struct error *e)
{
	struct queue *q = s->queue;

	if (e != NULL) {
		port_fail(s->job, e);
	} else {
		log_outcomes(port_job_request(s->job));
		port_reply(s->job, &(struct queue_nothing){ 0 });
		queue_poke(q); /* a report may be due, and what was returned is */
	}
	arena_done(&s->arena);
	mem_free(s);
	queue_leave(q);
}

static void
settled(void *ctx, const void *reply, const struct error *e)
{
	finish(ctx, reply == NULL ? e : NULL);
}

static void
submit(struct settling *s)
{
	struct error e;
	int rc = s->reports ? store_queue_settle_report_submit(s->queue->store, &s->ask, settled, s, &e)
			    : store_queue_settle_submit(s->queue->store, &s->ask.settle, settled, s, &e);

	if (rc != 0)
		finish(s, &e);
}

/* ---- what the sender is told ---- */

static const struct store_queue_recipient *
recipient_at(const struct store_queue_message *m, uint32_t position)
{
	for (size_t i = 0; i < m->recipient_count; i++)
		if (m->recipients[i].position == position)
			return &m->recipients[i];
	return NULL;
}

/* The action to report, or 0 (RFC 3461 sections 4.1 and 6.2.2: by default failures are). */
static uint32_t
action_of(const struct queue_outcome *o, const struct store_queue_recipient *r)
{
	if (o->result == QUEUE_FAILED && (r->notify == 0 || (r->notify & SMTP_NOTIFY_FAILURE) != 0))
		return REPORT_FAILED;
	if (o->result == QUEUE_DELIVERED && (r->notify & SMTP_NOTIFY_SUCCESS) != 0 && !o->passed_dsn)
		return REPORT_RELAYED;
	return 0;
}

static size_t
choose(const struct queue_settle *in, const struct store_queue_message *m, struct report_recipient *told)
{
	size_t n = 0;

	for (size_t i = 0; i < in->outcome_count; i++) {
		const struct queue_outcome *o = &in->outcomes[i];
		const struct store_queue_recipient *r = recipient_at(m, o->position);
		uint32_t action = r == NULL ? 0 : action_of(o, r);

		if (action == 0)
			continue;
		told[n] = queue_told(r, action);
		told[n].status = o->status;
		told[n].text = o->text;
		told[n].from_remote = o->from_remote;
		told[n].host = o->facts.mx_name;
		told[n++].last = clock_unix();
	}
	return n;
}

/* On the pool. */
static void
look_and_settle(void *ctx)
{
	struct settling *s = ctx;
	const struct queue_settle *in = port_job_request(s->job);
	struct store_queue_message m;
	struct queue_tale tale = { .message = &m };
	struct report_recipient *told = arena_array(&s->arena, in->outcome_count, sizeof *told);
	struct error e;
	int rc = told == NULL
	    ? error_nomem(&e)
	    : store_queue_get(s->queue->store, &(struct store_queue_id){ in->queue }, &s->arena, &m, &e);

	if (rc == 0) {
		tale.recipients = told;
		tale.recipient_count = choose(in, &m, told);
		if (tale.recipient_count > 0)
			rc = queue_tell(s->queue, &tale, &s->arena, &s->ask.report, &e);
	}
	if (rc < 0) {
		finish(s, &e);
		return;
	}
	s->reports = rc == 1;
	submit(s);
}

/* ---- the call ---- */

static struct store_queue_facts
facts_of(const struct queue_facts *f)
{
	return (struct store_queue_facts){ f->mx_name, f->mx_address, f->tls_version, f->tls_cipher, f->tls_verified,
		f->policy, f->policy_source };
}

/* *ends_out: a recipient goes. */
static int
take_outcomes(struct settling *s, const struct queue_settle *in, bool *ends_out, struct error *e)
{
	struct store_queue_outcome *to = arena_array(&s->arena, in->outcome_count + 1, sizeof *to);

	*ends_out = false;
	for (size_t i = 0; to != NULL && i < in->outcome_count; i++) {
		const struct queue_outcome *o = &in->outcomes[i];

		to[i] = (struct store_queue_outcome){ o->position, o->result, o->retry_s, o->status, o->text,
			facts_of(&o->facts) };
		*ends_out = *ends_out || o->result == QUEUE_DELIVERED || o->result == QUEUE_FAILED;
	}
	s->ask.settle = (struct store_queue_settle){
		.queue = in->queue, .lease = in->lease, .outcomes = to, .outcome_count = in->outcome_count
	};
	if (in->lease == 0)
		return error_set(e, ERR_DENIED, "only what is leased is settled");
	return to == NULL ? error_nomem(e) : 0;
}

void
queue_run_settle(void *ctx, struct port_job *job)
{
	struct settling *s = mem_alloc(sizeof *s);
	bool ends;
	struct error e;

	if (s == NULL) {
		(void)error_nomem(&e);
		port_fail(job, &e);
		return;
	}
	s->queue = ctx;
	s->job = job;
	arena_init(&s->arena, QUEUE_WORK_BUDGET);
	queue_enter(s->queue);
	if (take_outcomes(s, port_job_request(job), &ends, &e) != 0) {
		finish(s, &e);
	} else if (!ends) {
		submit(s);
	} else if (pool_submit(s->queue->pool, look_and_settle, s) != 0) {
		(void)error_set(&e, ERR_LIMIT, "too much is settled at once; come again");
		finish(s, &e);
	}
}
