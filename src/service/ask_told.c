/* SPDX-License-Identifier: ISC */
/* What mx tells mail of messages: counts for reports to other domains, and that somebody wants to hear of a delivery. */
#include "os/clock.h"
#include "service/ask_internal.h"
#include "service/queue/queue.h"
#include "service/queue/report.h"
#include "store/store.h"

/* ---- tally ---- */

static void
counted(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)e;
}

/* Once a day. */
static void
forget_old(struct ask *a, uint64_t today)
{
	const struct store_tally_day old = { .kind = STORE_TALLY_DMARC, .day = today - STORE_TALLY_DAYS_MAX };

	if (atomic_exchange(&a->tally_day, today) != today)
		(void)store_tally_remove_submit(a->store, &old, counted, NULL, NULL);
}

/* Nobody waits for what is counted. */
void
ask_run_tally(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	const struct ask_tally *q = port_job_request(job);
	uint64_t today = clock_unix() / 86400;

	forget_old(a, today);
	for (size_t i = 0; i < q->row_count; i++)
		(void)store_tally_add_submit(a->store,
		    &(struct store_tally){ .kind = STORE_TALLY_DMARC,
			.day = today,
			.domain = q->rows[i].domain,
			.result = q->rows[i].row,
			.count = 1 },
		    counted, NULL, NULL);
	ask_answer(job, &(struct store_nothing){ 0 });
}

/* ---- reports to strangers ---- */

static void
told(void *ctx, const struct queue_kept *kept, const struct error *e)
{
	struct port_job *job = ctx;

	if (kept == NULL)
		ask_refuse(job, e);
	else
		ask_answer(job, &(struct store_nothing){ 0 });
}

static bool
may_tell(struct ask *a)
{
	uint64_t hour = clock_unix() / 3600;

	if (atomic_exchange(&a->told_hour, hour) != hour)
		atomic_store(&a->told_count, 0);
	return atomic_fetch_add(&a->told_count, 1) < ASK_DELIVERED_HOUR_MAX;
}

/* Whom mx names is told of a message, and nothing more: what is said is written here. */
void
ask_run_delivered(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	const struct ask_delivered *q = port_job_request(job);
	struct report_recipient *to = arena_array(port_job_arena(job), q->recipient_count + 1, sizeof *to);
	struct report r = { .to = q->from,
		.utf8 = q->utf8,
		.envid = q->envid,
		.original = q->original,
		.recipients = to,
		.recipient_count = q->recipient_count };
	struct error e;

	if (to == NULL || a->queue == NULL || q->from.len == 0 || q->recipient_count == 0) {
		ask_fail(job, ERR_UNSUPPORTED, "nobody can be told");
		return;
	}
	if (!may_tell(a)) {
		ask_fail(job, ERR_POLICY, "too many strangers were told of deliveries in this hour");
		return;
	}
	for (size_t i = 0; i < q->recipient_count; i++)
		to[i] = (struct report_recipient){
			.address = q->recipients[i].address, .orcpt = q->recipients[i].orcpt, .action = REPORT_DELIVERED
		};
	if (queue_tell_of(a->queue, &r, told, job, &e) != 0)
		ask_refuse(job, &e);
}
