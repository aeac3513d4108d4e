/* SPDX-License-Identifier: ISC */
/* A message, or some of its recipients, over a link: from MAIL to the answer to its text, or to the connection's end. */
#include "service/relay/internal.h"

#include <string.h>

#include "base/idn.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/log.h"

/* ---- beginning ---- */

static bool
take_arrays(struct link *l, size_t count)
{
	arena_done(&l->arena);
	arena_init(&l->arena, RELAY_TRANSACTION_BUDGET);
	l->positions = arena_array(&l->arena, count, sizeof *l->positions);
	l->addresses = arena_array(&l->arena, count, sizeof *l->addresses);
	l->dsn = arena_array(&l->arena, count, sizeof *l->dsn);
	l->position_count = 0;
	return l->arena.err == 0;
}

/*
 * An address as this server takes it: a domain of other letters is its A-labels where there is no SMTPUTF8, which is no
 * other address (RFC 6531 section 3.2). A local part of other letters has no such form, and stays.
 */
static struct slice
address_for(struct link *l, struct slice address)
{
	struct slice domain, local = address, out = address;
	struct buf plain;
	struct error e;
	size_t at = address.len;

	if (utf8_is_ascii(address) || smtp_client_has_utf8(l->m))
		return address;
	while (at > 0 && address.data[at - 1] != '@')
		at--;
	local = slice_sub(address, 0, at);
	domain = slice_from(address, at);
	if (at == 0 || !utf8_is_ascii(local))
		return address;
	buf_init(&plain, SMTP_ADDRESS_MAX);
	(void)buf_put_slice(&plain, local);
	if (idn_to_ascii(domain, &plain, &e) == 0 && plain.err == 0)
		out = arena_copy(&l->arena, buf_slice(&plain));
	buf_done(&plain);
	return out;
}

/* Those that wait, as many as every server takes. */
static bool
gather(struct link *l)
{
	const struct queue_entry *entry = l->job->entry;

	if (!take_arrays(l, size_min(entry->recipient_count, RELAY_RECIPIENTS_MAX)))
		return false;
	for (size_t i = 0; i < entry->recipient_count && l->position_count < RELAY_RECIPIENTS_MAX; i++) {
		const struct queue_recipient *q = &entry->recipients[i];

		if (l->job->fates[i] != JOB_WAITS)
			continue;
		l->job->fates[i] = JOB_TRIED;
		l->positions[l->position_count] = i;
		l->addresses[l->position_count] = address_for(l, q->address);
		l->dsn[l->position_count++] = (struct smtp_client_dsn){ .notify = q->notify, .orcpt = q->orcpt };
	}
	return l->arena.err == 0;
}

/* What no server of this kind will take, so that there is nothing to wait for; but another host may be of another kind. */
static void
set_unfit(const struct link *l, const struct error *e, struct relay_reason *why)
{
	bool encode = (l->job->entry->flags & QUEUE_8BIT) != 0 && !smtp_client_has_8bitmime(l->m);
	const char *status = e->code == ERR_LIMIT ? "5.3.4"
	    : e->code == ERR_POLICY               ? "5.7.30"
	    : e->code == ERR_USAGE                ? "5.1.3"
	    : encode                              ? "5.6.3"
						  : "5.6.9";

	relay_reason_set(
	    why, e->code == ERR_NOMEM || e->code == ERR_ORDER ? QUEUE_DEFERRED : QUEUE_FAILED, status, "%s", e->text);
}

static void
all_wait(struct job *j, enum job_fate from)
{
	for (size_t i = 0; i < j->entry->recipient_count; i++)
		if (j->fates[i] == from)
			j->fates[i] = JOB_WAITS;
}

static void
begin(struct link *l)
{
	const struct queue_entry *entry = l->job->entry;
	bool is_8bit = (entry->flags & QUEUE_8BIT) != 0;
	struct smtp_client_message message = { .from = entry->sender,
		.size = entry->size,
		.body_8bit = is_8bit,
		.utf8 = is_8bit && (entry->flags & QUEUE_UTF8) != 0, /* with ASCII alone nobody needs it */
		.require_tls = (entry->flags & QUEUE_REQUIRE_TLS) != 0,
		.ret = (enum smtp_return)entry->ret,
		.envid = entry->envid };
	struct job *j = l->job;
	struct relay_reason why;
	struct queue_facts facts;
	struct error e;
	int rc = gather(l) ? 0 : error_nomem(&e);

	message.recipients = l->addresses;
	message.recipient_count = l->position_count;
	message.dsn = l->dsn;
	l->steps_begun = smtp_client_steps(l->m);
	l->since = clock_ms();
	l->agreed = 0;
	if (rc == 0)
		rc = smtp_client_send(l->m, &message, &e);
	if (rc == 0) {
		link_text_prepare(l);
		return;
	}
	set_unfit(l, &e, &why);
	if (rc == ERR_SYNTAX) {
		/* The connection is of no use. It counts as a try, or such a server would be connected to without end;
		 * over one that had been kept, it is as if it had ended meanwhile (transaction_lost). */
		link_fail(l,
		    &(struct relay_reason){
			.result = QUEUE_DEFERRED, .status = "4.5.0", .text = "the server answers what was not asked" });
		return;
	}
	all_wait(j, JOB_TRIED);
	l->job = NULL;
	link_facts(l, &facts);
	destination_next_host(j, l->at.host, &why, &facts);
}

void
transaction_begin(struct link *l, struct job *j)
{
	if (j->lost) {
		job_return(j);
		return;
	}
	l->job = j;
	begin(l);
}

static bool
has(const struct job *j, enum job_fate fate)
{
	for (size_t i = 0; i < j->entry->recipient_count; i++)
		if (j->fates[i] == fate)
			return true;
	return false;
}

void
transaction_go_on(struct link *l)
{
	begin(l);
}

/* ---- what the server says ---- */

static void
outcome_of(const struct link *l, const struct relay_reason *why, struct queue_outcome *out)
{
	*out = (struct queue_outcome){ .result = why->result,
		.status = slice_str(why->status),
		.text = slice_str(why->text),
		.from_remote = why->from_remote };
	link_facts(l, &out->facts);
}

static void
log_recipient(const struct link *l, size_t i, const struct queue_outcome *o)
{
	static const char *const results[] = {
		[QUEUE_DELIVERED] = "sent", [QUEUE_FAILED] = "refused", [QUEUE_DEFERRED] = "deferred"
	};

	log_event(LOG_LEVEL_INFO, "relay.answered", log_str("result", results[o->result]),
	    log_u64("queue", l->job->entry->queue), log_slice("to", l->job->entry->recipients[i].address),
	    log_slice("host", o->facts.mx_name), log_slice("address", o->facts.mx_address),
	    log_slice("tls", o->facts.tls_version.len > 0 ? o->facts.tls_version : SLICE("none")),
	    log_slice("reply", o->text));
}

static void
settle(struct link *l, size_t i, const struct relay_reason *why)
{
	struct queue_outcome o;

	outcome_of(l, why, &o);
	o.passed_dsn =
	    o.result == QUEUE_DELIVERED && smtp_client_has_dsn(l->m) && l->job->entry->recipients[i].notify != 0;
	log_recipient(l, i, &o);
	job_settle_one(l->job, i, &o);
}

/* Refused for now: by this host, for this reason. */
static void
put_off(struct link *l, size_t i, const struct relay_reason *why)
{
	struct relay_reason *copy = arena_alloc(&l->job->arena, sizeof *copy);

	l->job->fates[i] = JOB_PUT_OFF;
	if (copy == NULL)
		return;
	*copy = *why;
	l->job->reasons[i] = copy;
}

static void
refused(struct link *l, size_t i, const struct relay_reason *why)
{
	if (why->result == QUEUE_FAILED)
		settle(l, i, why);
	else
		put_off(l, i, why);
}

/* RFC 5321 section 4.5.3.1.10: no more of them in this transaction. */
static bool
is_too_many(const struct link *l, const struct smtp_answer *a)
{
	return l->agreed > 0 && (a->code == 452 || slice_eq_str(a->enhanced, "4.5.3"));
}

void
transaction_recipient(struct link *l, const struct smtp_client_event *ev)
{
	size_t i = l->positions[ev->recipient];
	struct relay_reason why;

	l->agreed += ev->accepted;
	if (ev->accepted)
		return;
	relay_reason_of(&why, &ev->answer, "5.0.0");
	if (is_too_many(l, &ev->answer))
		l->job->fates[i] = JOB_WAITS;
	else
		refused(l, i, &why);
}

/* Nothing of the job is on its way here any more. */
static void
leave(struct link *l, const struct relay_reason *why)
{
	struct job *j = l->job;
	struct queue_facts facts;

	l->job = NULL;
	link_facts(l, &facts);
	all_wait(j, JOB_PUT_OFF);
	destination_next_host(j, l->at.host, why, &facts);
}

void
transaction_sent(struct link *l, const struct smtp_client_event *ev)
{
	const struct relay_reason put_off_why = {
		.result = QUEUE_DEFERRED, .status = "4.0.0", .text = "refused for now"
	};
	struct relay_reason why;

	link_text_end(l);
	relay_reason_of(&why, &ev->answer, ev->accepted ? "2.0.0" : "5.0.0");
	if (ev->accepted) {
		why.result = QUEUE_DELIVERED;
		why.status[0] = '2';
		l->sent++;
	}
	for (size_t k = 0; k < l->position_count; k++) {
		if (l->job->fates[l->positions[k]] != JOB_TRIED)
			continue;
		if (ev->accepted)
			settle(l, l->positions[k], &why);
		else
			refused(l, l->positions[k], &why);
	}
	if (ev->accepted)
		destination_succeeded(l->destination);
	if (job_told(l->job))
		l->job = NULL;
	else if (!has(l->job, JOB_WAITS))
		leave(l, &put_off_why);
}

/* ---- the connection is gone ---- */

/* The first thing that was said over a connection that had been kept: it had ended before. */
static bool
was_never_heard(const struct link *l)
{
	return l->sent > 0 && smtp_client_steps(l->m) == l->steps_begun;
}

static void
in_doubt(struct link *l)
{
	struct relay_reason why;

	relay_reason_set(&why, QUEUE_DEFERRED, l->failure.status,
	    "%s (behind the end of the text: it may have been taken)", l->failure.text);
	for (size_t k = 0; k < l->position_count; k++)
		if (l->job->fates[l->positions[k]] == JOB_TRIED)
			settle(l, l->positions[k], &why);
}

void
transaction_lost(struct link *l)
{
	struct job *j = l->job;
	bool cut = l->failure.result == QUEUE_RETURNED;

	link_text_end(l);
	if (smtp_client_is_in_doubt(l->m)) {
		in_doubt(l);
	} else if (was_never_heard(l) || cut) {
		all_wait(j, JOB_TRIED);
	} else {
		for (size_t k = 0; k < l->position_count; k++)
			if (j->fates[l->positions[k]] == JOB_TRIED)
				put_off(l, l->positions[k], &l->failure);
	}
	if (job_told(j)) {
		l->job = NULL;
	} else if (cut) {
		l->job = NULL;
		all_wait(j, JOB_PUT_OFF);
		job_return(j);
	} else if (!has(j, JOB_PUT_OFF)) {
		l->job = NULL;
		destination_put_back(l->destination, j);
	} else {
		leave(l, &l->failure);
	}
}
