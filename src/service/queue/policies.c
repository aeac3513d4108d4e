/* SPDX-License-Identifier: ISC */
/* What relay remembers of other domains: their MTA-STS policies, and what is counted for reports to them. */
#include "os/clock.h"
#include "service/queue/internal.h"

#define DAY_S 86400u

static struct queue *
enter(void *ctx, struct port_job *job)
{
	struct queue *q = ctx;

	*port_job_slot(job) = q;
	queue_enter(q);
	return q;
}

static void
refuse(struct port_job *job, const struct error *e)
{
	struct queue *q = *port_job_slot(job);

	port_fail(job, e);
	queue_leave(q);
}

static void
answer(struct port_job *job, const void *reply)
{
	struct queue *q = *port_job_slot(job);

	port_reply(job, reply);
	queue_leave(q);
}

static void
on_policy(void *ctx, const void *reply, const struct error *e)
{
	const struct store_policy *p = reply;

	if (p == NULL)
		refuse(ctx, e);
	else
		answer(ctx,
		    &(struct queue_sts){
			.domain = p->domain, .id = p->version, .text = p->value, .expires = p->expires });
}

static void
on_done(void *ctx, const void *reply, const struct error *e)
{
	if (reply == NULL)
		refuse(ctx, e);
	else
		answer(ctx, &(struct queue_nothing){ 0 });
}

void
queue_run_sts_get(void *ctx, struct port_job *job)
{
	const struct queue_domain *in = port_job_request(job);
	struct queue *q = enter(ctx, job);
	struct error e;

	if (store_policy_get_submit(
		q->store, &(struct store_policy_key){ STORE_POLICY_STS, in->domain }, on_policy, job, &e) != 0)
		refuse(job, &e);
}

void
queue_run_sts_put(void *ctx, struct port_job *job)
{
	const struct queue_sts *in = port_job_request(job);
	struct queue *q = enter(ctx, job);
	const struct store_policy p = { .kind = STORE_POLICY_STS,
		.domain = in->domain,
		.version = in->id,
		.value = in->text,
		.fetched = clock_unix(),
		.expires = in->expires };
	struct error e;

	if (store_policy_put_submit(q->store, &p, on_done, job, &e) != 0)
		refuse(job, &e);
}

void
queue_run_tally(void *ctx, struct port_job *job)
{
	const struct queue_tally *in = port_job_request(job);
	struct queue *q = enter(ctx, job);
	const struct store_tally t = { .kind = STORE_TALLY_TLS,
		.day = clock_unix() / DAY_S,
		.domain = in->domain,
		.result = in->row,
		.count = in->count };
	struct error e;

	if (store_tally_add_submit(q->store, &t, on_done, job, &e) != 0)
		refuse(job, &e);
}
