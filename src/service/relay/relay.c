/* SPDX-License-Identifier: ISC */
#include "service/relay/relay.h"

#include <time.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "service/relay/internal.h"

#define TEXTS_BUDGET (1u << 20)
#define STOP_LOOK_MS 10

/* ---- leases ---- */

static void
leased(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	const struct queue_leased *in = reply;
	struct relay *r = ctx;

	(void)a;
	r->leasing = false;
	if (in == NULL) {
		log_event(LOG_LEVEL_DEBUG, "relay.lease", log_error(e));
		r->lease_at = clock_ms() + RELAY_AGAIN_MS;
		relay_due_at(r, r->lease_at);
		return;
	}
	for (size_t i = 0; i < in->entry_count; i++) {
		struct job *j = in->entries[i].recipient_count == 0 ? NULL : job_new(r, &in->entries[i]);

		if (j != NULL && !r->stopping)
			destination_add(r, j);
		else if (j != NULL)
			job_return(j);
	}
	relay_pump(r);
}

void
relay_pump(struct relay *r)
{
	struct slice full[QUEUE_FULL_MAX];
	struct queue_lease in = { .messages_max = RELAY_LEASE_MAX, .domain_messages_max = RELAY_LEASE_DOMAIN_MAX };
	int64_t now = clock_ms();

	if (r->leasing || r->stopping || r->job_count + r->settlement_count >= RELAY_JOBS_MAX)
		return;
	if (r->lease_at > now) {
		relay_due_at(r, r->lease_at);
		return;
	}
	in.full = full;
	in.full_count = destinations_full(r, full, QUEUE_FULL_MAX);
	in.wait_ms = in.full_count > 0 ? RELAY_WAIT_FULL_MS : RELAY_WAIT_MS;
	r->leasing =
	    relay_ask(r, r->queue, relay_method(&queue_interface, QUEUE_METHOD_lease), &in, leased, r, NULL) == 0;
	if (r->leasing)
		return;
	r->lease_at = now + RELAY_AGAIN_MS;
	relay_due_at(r, r->lease_at);
}

/* ---- deadlines ---- */

void
relay_due_at(struct relay *r, int64_t at)
{
	if (at >= r->due_at)
		return;
	r->due_at = at;
	dialer_wake_at(r->dialer, at);
}

static bool
is_quiet(const struct relay *r)
{
	return r->jobs == NULL && r->settlements == NULL && r->link_count == 0;
}

static void
due(void *ctx, int64_t now)
{
	struct relay *r = ctx;

	r->due_at = MACHINE_NEVER;
	jobs_due(r, now);
	destinations_due(r, now);
	relay_pump(r);
	if (r->stopping && is_quiet(r))
		atomic_store(&r->quiet, true);
	relay_due_at(r, now + (r->stopping ? STOP_LOOK_MS : RELAY_SWEEP_MS));
}

/* ---- life ---- */

static const char *
address_text(struct relay *r, struct slice text)
{
	return text.len == 0 ? NULL : arena_cstr(&r->texts, text);
}

static int
take_options(struct relay *r, const struct relay_options *o, struct error *e)
{
	r->queue = o->queue;
	r->resolver = o->resolver;
	r->tls = o->tls;
	r->hostname = arena_copy(&r->texts, o->hostname);
	r->smarthost = (struct relay_hop){ arena_copy(&r->texts, o->smarthost.host), o->smarthost.port };
	r->user = arena_copy(&r->texts, o->user);
	r->password = arena_copy(&r->texts, o->password);
	r->source4 = address_text(r, o->source4);
	r->source6 = address_text(r, o->source6);
	r->port = o->port != 0 ? o->port : 25;
	r->connections_max = o->connections != 0 ? o->connections : RELAY_CONNECTIONS;
	r->concurrency_max = o->connections_destination != 0 ? o->connections_destination : RELAY_CONCURRENCY_MAX;
	relay_take_here(r, o);
	r->rules = arena_array(&r->texts, o->rule_count, sizeof *r->rules);
	r->tls_rules = arena_array(&r->texts, o->tls_rule_count, sizeof *r->tls_rules);
	if (r->texts.err != 0)
		return error_nomem(e);
	for (size_t i = 0; i < o->rule_count; i++)
		r->rules[i] = (struct relay_rule){ arena_copy(&r->texts, o->rules[i].domain),
			{ arena_copy(&r->texts, o->rules[i].hop.host),
			    o->rules[i].hop.port != 0 ? o->rules[i].hop.port : r->port } };
	r->rule_count = o->rule_count;
	for (size_t i = 0; i < o->tls_rule_count; i++) {
		r->tls_rules[i] = o->tls_rules[i];
		r->tls_rules[i].domain = arena_copy(&r->texts, o->tls_rules[i].domain);
	}
	r->tls_rule_count = o->tls_rule_count;
	if (r->smarthost.port == 0)
		r->smarthost.port = r->port;
	return r->texts.err != 0 ? error_nomem(e) : 0;
}

int
relay_new(const struct relay_options *options, struct relay **relay_out, struct error *e)
{
	struct relay *r = mem_alloc(sizeof *r);
	const struct dialer_config config = { .stall_ms = RELAY_STALL_MS, .due = due, .ctx = r };
	int rc;

	if (r == NULL)
		return error_nomem(e);
	arena_init(&r->texts, TEXTS_BUDGET);
	r->hungry_last = &r->hungry;
	r->due_at = MACHINE_NEVER;
	rc = take_options(r, options, e);
	if (rc == 0)
		rc = dialer_new(&config, &r->dialer, e);
	if (rc != 0)
		relay_free(r);
	else
		*relay_out = r;
	return rc;
}

static void
begin(void *ctx)
{
	due(ctx, clock_ms());
}

int
relay_start(struct relay *r, struct error *e)
{
	r->begin_task = (struct loop_task){ .run = begin, .ctx = r };
	loop_post(dialer_loop(r->dialer), &r->begin_task);
	return dialer_start(r->dialer, e);
}

/* ---- the end ---- */

static void
each_link(struct relay *r, void (*fn)(struct link *l))
{
	for (struct destination *d = r->destinations; d != NULL; d = d->all_next)
		for (struct link *l = d->links, *next; l != NULL; l = next) {
			next = l->next;
			fn(l);
		}
}

static void
return_waiting(struct relay *r)
{
	for (struct destination *d = r->destinations; d != NULL; d = d->all_next) {
		struct job *j;

		while ((j = destination_take(d, RELAY_ANY_HOST)) != NULL)
			job_return(j);
	}
}

static void
stop(void *ctx)
{
	struct relay *r = ctx;

	r->stopping = true;
	return_waiting(r);
	each_link(r, link_stop);
	due(r, clock_ms());
}

static void
cut_link(struct link *l)
{
	static const struct relay_reason stops = {
		.result = QUEUE_RETURNED, .status = "4.3.2", .text = "this server is being stopped"
	};

	link_fail(l, &stops);
	link_wake(l);
}

static void
cut(void *ctx)
{
	struct relay *r = ctx;

	each_link(r, cut_link);
}

static void
be_mute(void *ctx)
{
	struct relay *r = ctx;

	atomic_store(&r->mute, true);
}

static void
wait_until_quiet(struct relay *r, int64_t until)
{
	while (!atomic_load(&r->quiet) && clock_ms() < until)
		(void)nanosleep(&(struct timespec){ .tv_nsec = STOP_LOOK_MS * 1000000L }, NULL);
}

void
relay_stop(struct relay *r, int64_t wait_ms)
{
	int64_t now = clock_ms();

	r->stop_task = (struct loop_task){ .run = stop, .ctx = r };
	loop_post(dialer_loop(r->dialer), &r->stop_task);
	/* A part of it is for telling what was cut. */
	wait_until_quiet(r, now + wait_ms - wait_ms / 4);
	r->cut_task = (struct loop_task){ .run = cut, .ctx = r };
	loop_post(dialer_loop(r->dialer), &r->cut_task);
	wait_until_quiet(r, now + wait_ms);
	/* An answer may lead to another question: none once the ports are closed. */
	r->last_task = (struct loop_task){ .run = be_mute, .ctx = r };
	loop_post(dialer_loop(r->dialer), &r->last_task);
	while (!atomic_load(&r->mute))
		(void)nanosleep(&(struct timespec){ .tv_nsec = STOP_LOOK_MS * 1000000L }, NULL);
}

void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	if (r->dialer != NULL) {
		r->stopping = r->cut = true;
		dialer_stop(r->dialer);
		jobs_forget(r);
		destinations_free(r);
		dialer_free(r->dialer);
	}
	arena_wipe_done(&r->texts);
	mem_free(r);
}
