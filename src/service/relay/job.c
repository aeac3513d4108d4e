/* SPDX-License-Identifier: ISC */
/*
 * Entries in hand, and what mail is told of them. A job is gone when all of
 * its recipients are settled; what is to be told of them (a settlement) stays
 * until mail has heard it: mail may be started anew meanwhile, and an answer of
 * another server is not forgotten for that.
 */
#include "service/relay/internal.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"

#define JOB_BUDGET (4u << 20) /* QUEUE_LEASE_RECIPIENTS_MAX with ORCPT */

struct settlement {
	struct settlement *next, **back;
	struct relay *relay;
	struct arena arena;
	struct queue_settle in;
	struct queue_outcome *outcomes;
	bool asking;
	int64_t again_at;
};

/* ---- what mail is told ---- */

static void
settlement_free(struct settlement *s)
{
	*s->back = s->next;
	if (s->next != NULL)
		s->next->back = s->back;
	s->relay->settlement_count--;
	arena_done(&s->arena);
	mem_free(s);
}

static struct settlement *
settlement_of(struct job *j)
{
	struct settlement *s = j->settlement;

	if (s != NULL || (s = mem_alloc(sizeof *s)) == NULL)
		return s;
	s->relay = j->relay;
	arena_init(&s->arena, JOB_BUDGET);
	s->outcomes = arena_array(&s->arena, j->open, sizeof *s->outcomes);
	if (s->outcomes == NULL) {
		mem_free(s);
		return NULL;
	}
	s->in = (struct queue_settle){ .queue = j->entry->queue, .lease = j->entry->lease, .outcomes = s->outcomes };
	s->next = j->relay->settlements;
	s->back = &j->relay->settlements;
	if (s->next != NULL)
		s->next->back = &s->next;
	j->relay->settlements = s;
	j->relay->settlement_count++;
	return j->settlement = s;
}

static void settlement_say(struct settlement *s);

static void
settled(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	struct settlement *s = ctx;

	(void)a;
	s->asking = false;
	if (reply == NULL && e->code != ERR_NOT_FOUND && !s->relay->cut) {
		s->again_at = clock_ms() + RELAY_AGAIN_MS;
		relay_due_at(s->relay, s->again_at);
		return;
	}
	if (reply == NULL)
		log_event(e->code == ERR_NOT_FOUND ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "relay.unsettled",
		    log_u64("queue", s->in.queue), log_error(e));
	settlement_free(s);
}

static void
settlement_say(struct settlement *s)
{
	const struct port_method *method = relay_method(&queue_interface, QUEUE_METHOD_settle);

	s->asking = relay_ask(s->relay, s->relay->queue, method, &s->in, settled, s, NULL) == 0;
	if (s->asking)
		return;
	s->again_at = clock_ms() + RELAY_AGAIN_MS;
	relay_due_at(s->relay, s->again_at);
}

/* ---- jobs ---- */

static void
copy_recipient(struct arena *a, const struct queue_recipient *in, struct queue_recipient *out)
{
	*out = *in;
	out->address = arena_copy(a, in->address);
	out->orcpt = arena_copy(a, in->orcpt);
}

static struct queue_entry *
copy_entry(struct arena *a, const struct queue_entry *in)
{
	struct queue_recipient *recipients = arena_array(a, in->recipient_count, sizeof *recipients);
	struct queue_entry *out = arena_alloc(a, sizeof *out);

	if (recipients == NULL || out == NULL)
		return NULL;
	*out = *in;
	out->domain = arena_copy(a, in->domain);
	out->sender = arena_copy(a, in->sender);
	out->envid = arena_copy(a, in->envid);
	for (size_t i = 0; i < in->recipient_count; i++)
		copy_recipient(a, &in->recipients[i], &recipients[i]);
	out->recipients = recipients;
	return a->err == 0 ? out : NULL;
}

struct job *
job_new(struct relay *r, const struct queue_entry *entry)
{
	struct job *j = mem_alloc(sizeof *j);

	if (j == NULL)
		return NULL;
	arena_init(&j->arena, JOB_BUDGET);
	j->entry = copy_entry(&j->arena, entry);
	j->fates = arena_alloc(&j->arena, entry->recipient_count);
	j->reasons = arena_array(&j->arena, entry->recipient_count, sizeof *j->reasons);
	if (j->entry == NULL || j->fates == NULL || j->reasons == NULL) {
		arena_done(&j->arena);
		mem_free(j);
		return NULL;
	}
	j->relay = r;
	j->open = entry->recipient_count;
	j->renew_at = clock_ms() + RELAY_RENEW_MS;
	j->all_next = r->jobs;
	j->all_back = &r->jobs;
	if (j->all_next != NULL)
		j->all_next->all_back = &j->all_next;
	r->jobs = j;
	r->job_count++;
	return j;
}

static void
job_free(struct job *j)
{
	*j->all_back = j->all_next;
	if (j->all_next != NULL)
		j->all_next->all_back = j->all_back;
	j->relay->job_count--;
	if (j->destination != NULL)
		j->destination->in_hand--;
	arena_done(&j->arena);
	mem_free(j);
}

void
job_settle_one(struct job *j, size_t i, const struct queue_outcome *outcome)
{
	struct settlement *s = settlement_of(j);
	struct queue_outcome *o;

	j->fates[i] = JOB_SETTLED;
	j->open--;
	if (s == NULL)
		return; /* no memory: it comes again when its lease ends */
	o = &s->outcomes[s->in.outcome_count++];
	*o = *outcome;
	o->position = j->entry->recipients[i].position;
	o->status = arena_copy(&s->arena, outcome->status);
	o->text = arena_copy(&s->arena, outcome->text);
	o->facts.mx_name = arena_copy(&s->arena, outcome->facts.mx_name);
	o->facts.mx_address = arena_copy(&s->arena, outcome->facts.mx_address);
	o->facts.tls_version = arena_copy(&s->arena, outcome->facts.tls_version);
	o->facts.tls_cipher = arena_copy(&s->arena, outcome->facts.tls_cipher);
	o->facts.policy_source = arena_copy(&s->arena, outcome->facts.policy_source);
}

bool
job_told(struct job *j)
{
	struct settlement *s = j->settlement;
	struct relay *r = j->relay;

	j->settlement = NULL;
	if (s != NULL)
		settlement_say(s);
	if (j->open > 0)
		return false;
	if (!j->renewing) {
		job_free(j);
		relay_pump(r);
	}
	return true;
}

static void
settle_for(struct job *j, size_t i, const struct relay_reason *why, const struct queue_facts *facts)
{
	static const struct queue_facts none;
	const struct queue_outcome outcome = { .result = why->result,
		.status = slice_str(why->status),
		.text = slice_str(why->text),
		.from_remote = why->from_remote,
		.facts = facts != NULL ? *facts : none };

	job_settle_one(j, i, &outcome);
}

void
job_settle(struct job *j, enum job_fate fate, const struct relay_reason *why, const struct queue_facts *facts)
{
	for (size_t i = 0; i < j->entry->recipient_count; i++)
		if (j->fates[i] == fate)
			settle_for(
			    j, i, why->result == QUEUE_DEFERRED && j->reasons[i] != NULL ? j->reasons[i] : why, facts);
}

void
job_return(struct job *j)
{
	const struct relay_reason untried = { .result = QUEUE_RETURNED };

	job_settle(j, JOB_WAITS, &untried, NULL);
	(void)job_told(j);
}

/* ---- leases go on ---- */

static void
renewed(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	struct job *j = ctx;
	struct relay *r = j->relay;

	(void)a;
	j->renewing = false;
	j->lost = reply == NULL && e->code == ERR_NOT_FOUND;
	if (j->open > 0)
		return;
	job_free(j);
	relay_pump(r);
}

static void
renew(struct job *j, int64_t now)
{
	const struct queue_hold_on in = { .queue = j->entry->queue, .lease = j->entry->lease };
	const struct port_method *method = relay_method(&queue_interface, QUEUE_METHOD_renew);

	j->renew_at = now + RELAY_RENEW_MS;
	j->renewing = relay_ask(j->relay, j->relay->queue, method, &in, renewed, j, NULL) == 0;
}

void
jobs_due(struct relay *r, int64_t now)
{
	for (struct job *j = r->jobs; j != NULL; j = j->all_next)
		if (!j->renewing && j->renew_at <= now)
			renew(j, now);
	for (struct settlement *s = r->settlements, *next; s != NULL; s = next) {
		next = s->next;
		if (!s->asking && s->again_at != 0 && s->again_at <= now)
			settlement_say(s);
	}
}

void
jobs_forget(struct relay *r)
{
	while (r->settlements != NULL)
		settlement_free(r->settlements);
	while (r->jobs != NULL)
		job_free(r->jobs);
}
