/* SPDX-License-Identifier: ISC */
/*
 * The connecting end. Everything happens on the dialer's loop: a question is
 * posted there, and answered from there when its conversation is so far.
 */
#include "service/milter/filter.h"

#include <pthread.h>

#include "base/mem.h"
#include "net/dial.h"
#include "os/clock.h"
#include "os/log.h"

struct conversation {
	struct filter *filter;
	struct conversation *next;
	uint64_t handle, peer;
	struct milter *milter;
	struct conn *conn;                   /* NULL: it is gone */
	struct port_job *body_job, *end_job; /* under way */
	size_t body_taken;                   /* octets of body_job's */
	uint64_t progress;
	int64_t until_ms;     /* for its next word */
	int64_t end_until_ms; /* for all of its last ones */
	bool said, forgotten;
	struct error error; /* its code not 0: nothing will come */
};

struct filter {
	struct filter_place place;
	struct dialer *dialer;
	struct port_service service;
	struct conversation *all; /* the loop's, as the following */
	unsigned count;
	uint64_t handles;
};

/* ---- conversations; on the loop ---- */

static struct conversation *
find(struct filter *f, uint64_t handle, uint64_t peer)
{
	struct conversation *c = f->all;

	while (c != NULL && (c->handle != handle || c->peer != peer || c->forgotten))
		c = c->next;
	return c;
}

static void
fail(struct port_job *job, int code, const char *text)
{
	struct error e;

	(void)error_set(&e, code, "%s", text);
	port_fail(job, &e);
}

/* When neither who asked nor the connection has it any more. */
static void
conversation_end(struct conversation *c)
{
	struct conversation **at = &c->filter->all;

	if (!c->forgotten || c->conn != NULL)
		return;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->filter->count--;
	milter_free(c->milter);
	mem_free(c);
}

static void
forget(struct conversation *c)
{
	c->forgotten = true;
	if (c->body_job != NULL)
		fail(c->body_job, ERR_CLOSED, "nobody wants to know any more");
	if (c->end_job != NULL)
		fail(c->end_job, ERR_CLOSED, "nobody wants to know any more");
	c->body_job = c->end_job = NULL;
	if (c->conn != NULL)
		conn_close(c->conn);
	conversation_end(c);
}

/* Takes of the piece what there is room for; all of it: the next may come. */
static void
go_on_with_body(struct conversation *c)
{
	const struct filter_body *in;
	struct slice rest;
	size_t room;

	if (c->body_job == NULL)
		return;
	in = port_job_request(c->body_job);
	rest = slice_from(in->data, c->body_taken);
	room = milter_room(c->milter);
	if (c->said || c->error.code != 0 || room == SIZE_MAX) {
		port_reply(c->body_job, &(struct filter_taken){ .enough = true });
		c->body_job = NULL;
		return;
	}
	rest = slice_sub(rest, 0, room);
	milter_body(c->milter, rest);
	c->body_taken += rest.len;
	if (c->body_taken < in->data.len)
		return;
	port_reply(c->body_job, &(struct filter_taken){ .enough = false });
	c->body_job = NULL;
}

static void
answer_end(struct conversation *c)
{
	const struct milter_result *r = milter_result(c->milter);

	if (c->end_job == NULL || (!c->said && c->error.code == 0))
		return;
	if (c->said)
		port_reply(c->end_job,
		    &(struct filter_said){ .verdict = r->verdict,
			.reply = r->reply,
			.quarantine = r->quarantine,
			.reason = r->reason,
			.edits = r->edits,
			.edit_count = r->edit_count,
			.ignored = r->ignored });
	else
		port_fail(c->end_job, &c->error);
	c->end_job = NULL;
	forget(c);
}

/* ---- the connection ---- */

static size_t
session_feed(void *session, struct slice in, int64_t now_ms)
{
	(void)now_ms;
	return milter_feed(((struct conversation *)session)->milter, in);
}

static void
session_run(void *session, struct conn *conn, int64_t now_ms)
{
	struct conversation *c = session;

	if (!c->said && c->error.code == 0) {
		enum milter_what what = milter_next(c->milter, &c->error);

		c->said = what == MILTER_VERDICT;
		if (what == MILTER_NOTHING && milter_waits(c->milter)) {
			if (c->progress != milter_progress(c->milter) || c->until_ms == 0)
				c->until_ms = now_ms + FILTER_ANSWER_MS;
			c->progress = milter_progress(c->milter);
			if (now_ms >= c->until_ms || (c->end_until_ms > 0 && now_ms >= c->end_until_ms))
				(void)error_set(&c->error, ERR_TIMEOUT, "the milter does not answer");
		} else {
			c->until_ms = 0;
		}
	}
	go_on_with_body(c);
	if (c->said || c->error.code != 0) {
		conn_close(conn);
		answer_end(c);
	}
}

static struct slice
session_output(void *session)
{
	return milter_output(((struct conversation *)session)->milter);
}

static void
session_sent(void *session, size_t len)
{
	milter_sent(((struct conversation *)session)->milter, len);
}

static int64_t
session_deadline(const void *session)
{
	const struct conversation *c = session;

	if (c->said || c->error.code != 0 || c->until_ms == 0)
		return MACHINE_NEVER;
	return c->end_until_ms > 0 && c->end_until_ms < c->until_ms ? c->end_until_ms : c->until_ms;
}

static void
session_closed(void *session)
{
	struct conversation *c = session;

	if (!c->said && c->error.code == 0) {
		const struct error *why = dial_why(c->conn);

		if (why->code != 0)
			c->error = *why;
		else
			(void)error_set(&c->error, ERR_CLOSED, "the milter ended the connection");
	}
	c->conn = NULL;
	go_on_with_body(c);
	if (c->end_job != NULL)
		answer_end(c);
	else
		conversation_end(c);
}

static const struct conn_ops session_ops = {
	.feed = session_feed,
	.run = session_run,
	.output = session_output,
	.sent = session_sent,
	.deadline = session_deadline,
	.closed = session_closed,
};

/* ---- questions ---- */

/* A question on its way to the loop; in its job's arena. */
struct posted {
	struct loop_task task;
	struct filter *filter;
	struct port_job *job;
};

static struct milter_envelope
envelope_of(const struct filter_begin *in)
{
	return (struct milter_envelope){ .host = in->host,
		.address = in->address,
		.hello = in->hello,
		.sender = in->sender,
		.recipients = in->recipients,
		.recipient_count = in->recipient_count,
		.hostname = in->hostname,
		.id = in->id,
		.tls_version = in->tls_version,
		.tls_cipher = in->tls_cipher };
}

static int
begin(struct filter *f, struct port_job *job, struct conversation **out, struct error *e)
{
	const struct filter_begin *in = port_job_request(job);
	const struct milter_envelope envelope = envelope_of(in);
	const struct dial_target target = {
		.address = f->place.address, .port = f->place.port, .connect_ms = FILTER_CONNECT_MS
	};
	struct conversation *c;
	int rc;

	if (f->count >= FILTER_CONVERSATIONS_MAX)
		return error_set(e, ERR_LIMIT, "too many messages wait for the milter");
	if ((c = mem_alloc(sizeof *c)) == NULL)
		return error_nomem(e);
	c->filter = f;
	c->peer = port_job_peer(job);
	rc = milter_new(&envelope, in->header, &c->milter, e);
	if (rc == 0)
		rc = dial(f->dialer, &target, &session_ops, c, &c->conn, e);
	if (rc != 0) {
		milter_free(c->milter);
		mem_free(c);
		return rc;
	}
	c->handle = ++f->handles;
	c->next = f->all;
	f->all = c;
	f->count++;
	*out = c;
	return 0;
}

static void
on_begin(void *ctx)
{
	const struct posted *p = ctx;
	struct port_job *job = p->job;
	struct conversation *c = NULL;
	struct error e;

	if (begin(p->filter, job, &c, &e) != 0)
		port_fail(job, &e);
	else
		port_reply(job, &(struct filter_handle){ c->handle });
}

static void
on_body(void *ctx)
{
	const struct posted *p = ctx;
	const struct filter_body *in = port_job_request(p->job);
	struct conversation *c = find(p->filter, in->handle, port_job_peer(p->job));

	if (c == NULL || c->body_job != NULL || c->end_job != NULL) {
		fail(p->job, ERR_NOT_FOUND, "no such message is talked about");
		return;
	}
	c->body_job = p->job;
	c->body_taken = 0;
	go_on_with_body(c);
	if (c->conn != NULL)
		conn_wake(c->conn);
}

static void
on_end(void *ctx)
{
	const struct posted *p = ctx;
	const struct filter_handle *in = port_job_request(p->job);
	struct conversation *c = find(p->filter, in->handle, port_job_peer(p->job));

	if (c == NULL || c->body_job != NULL || c->end_job != NULL) {
		fail(p->job, ERR_NOT_FOUND, "no such message is talked about");
		return;
	}
	c->end_job = p->job;
	c->end_until_ms = clock_ms() + FILTER_TOTAL_MS;
	milter_end(c->milter);
	if (c->conn != NULL)
		conn_wake(c->conn);
	else
		answer_end(c);
}

static void
on_abort(void *ctx)
{
	const struct posted *p = ctx;
	const struct filter_handle *in = port_job_request(p->job);
	struct conversation *c = find(p->filter, in->handle, port_job_peer(p->job));

	if (c != NULL)
		forget(c);
	port_reply(p->job, &(struct filter_nothing){ 0 });
}

static void
post(void *ctx, struct port_job *job, void (*run)(void *ctx))
{
	struct filter *f = ctx;
	struct posted *p = arena_alloc(port_job_arena(job), sizeof *p);

	if (p == NULL) {
		fail(job, ERR_NOMEM, "no memory");
		return;
	}
	*p = (struct posted){ .task = { .run = run, .ctx = p }, .filter = f, .job = job };
	loop_post(dialer_loop(f->dialer), &p->task);
}

static void
run_begin(void *ctx, struct port_job *job)
{
	post(ctx, job, on_begin);
}

static void
run_body(void *ctx, struct port_job *job)
{
	post(ctx, job, on_body);
}

static void
run_end(void *ctx, struct port_job *job)
{
	post(ctx, job, on_end);
}

static void
run_abort(void *ctx, struct port_job *job)
{
	post(ctx, job, on_abort);
}

struct gone {
	struct loop_task task;
	struct filter *filter;
	uint64_t peer;
};

static void
on_gone(void *ctx)
{
	struct gone *g = ctx;

	for (struct conversation *c = g->filter->all, *next; c != NULL; c = next) {
		next = c->next;
		if (c->peer == g->peer && !c->forgotten)
			forget(c);
	}
	mem_free(g);
}

static void
peer_gone(void *ctx, uint64_t peer)
{
	struct filter *f = ctx;
	struct gone *g = mem_alloc(sizeof *g);

	if (g == NULL)
		return;
	*g = (struct gone){ .task = { .run = on_gone, .ctx = g }, .filter = f, .peer = peer };
	loop_post(dialer_loop(f->dialer), &g->task);
}

static const struct port_handler handlers[] = {
	{ FILTER_METHOD_begin, run_begin },
	{ FILTER_METHOD_body, run_body },
	{ FILTER_METHOD_end, run_end },
	{ FILTER_METHOD_abort, run_abort },
};

/* ---- life ---- */

int
filter_new(const struct filter_place *place, struct filter **out, struct error *e)
{
	struct filter *f = mem_alloc(sizeof *f);
	int rc;

	if (f == NULL)
		return error_nomem(e);
	f->place = *place;
	f->service = (struct port_service){ .interface = &filter_interface,
		.handlers = handlers,
		.handler_count = sizeof handlers / sizeof handlers[0],
		.ctx = f,
		.peer_gone = peer_gone };
	rc = dialer_new(&(struct dialer_config){ 0 }, &f->dialer, e);
	if (rc != 0) {
		mem_free(f);
		return rc;
	}
	*out = f;
	return 0;
}

int
filter_start(struct filter *f, struct error *e)
{
	return dialer_start(f->dialer, e);
}

const struct port_service *
filter_service(struct filter *f)
{
	return &f->service;
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	dialer_stop(f->dialer);
	while (f->all != NULL) { /* their connections are gone */
		struct conversation *c = f->all;

		f->all = c->next;
		milter_free(c->milter);
		mem_free(c);
	}
	dialer_free(f->dialer);
	mem_free(f);
}
