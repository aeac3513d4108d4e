/* SPDX-License-Identifier: ISC */
#include "service/web/call.h"

#include <time.h>

#include "base/mem.h"

#define DRAIN_LOOK_NS 2000000L

/* All of this process: a port's answer may come after everything else of a call's session is gone. */
static atomic_uint in_flight;

void
web_drain(void)
{
	while (atomic_load(&in_flight) > 0)
		(void)nanosleep(&(struct timespec){ .tv_nsec = DRAIN_LOOK_NS }, NULL);
}

static void
copy_request(struct web_call *c, const struct http_request *r, struct slice body)
{
	const struct http_field *authorization = http_request_field(r, "Authorization");
	const struct http_field *type = http_request_field(r, "Content-Type");

	c->method = r->method;
	c->path = arena_copy(&c->arena, r->path);
	c->query = arena_copy(&c->arena, r->query);
	c->host = arena_copy(&c->arena, r->host);
	c->body = arena_copy(&c->arena, body);
	c->peer = arena_copy(&c->arena, slice_str(conn_peer(c->conn)));
	if (type != NULL)
		c->body_type = arena_copy(&c->arena, type->value);
	if (authorization != NULL)
		c->authorization = arena_copy(&c->arena, authorization->value);
}

int
web_call_new(struct service *service, struct conn *conn, const struct http_request *request, struct slice body,
    struct web_call **call_out, struct error *e)
{
	struct web_call *c = mem_alloc(sizeof *c);

	if (c == NULL)
		return error_nomem(e);
	(void)atomic_fetch_add(&in_flight, 1);
	atomic_init(&c->refs, 1);
	atomic_init(&c->done, false);
	c->service = service;
	c->conn = conn;
	conn_hold(conn);
	c->tls = conn_is_tls(conn);
	arena_init(&c->arena, WEB_CALL_BUDGET);
	buf_init(&c->answer, WEB_ANSWER_MAX);
	copy_request(c, request, body);
	if (c->arena.err != 0) {
		int rc = c->arena.err;

		web_call_release(c);
		return error_set(e, rc, "the request does not fit into memory");
	}
	*call_out = c;
	return 0;
}

void
web_call_release(struct web_call *call)
{
	if (atomic_fetch_sub(&call->refs, 1) != 1)
		return;
	conn_release(call->conn);
	buf_done(&call->answer);
	arena_wipe_done(&call->arena); /* a password may be in it */
	mem_free(call);
	(void)atomic_fetch_sub(&in_flight, 1);
}

static void
run_stage(void *ctx)
{
	struct web_call *call = ctx;

	call->stage(call);
	web_call_release(call);
}

void
web_call_later(struct web_call *call, struct pool *pool, void (*stage)(struct web_call *call))
{
	call->stage = stage;
	(void)atomic_fetch_add(&call->refs, 1);
	if (pool_submit(pool, run_stage, call) == 0)
		return;
	web_call_say(call, 503, "The server is busy; come again in a minute.");
	web_call_release(call);
}

void
web_call_finish(struct web_call *call, unsigned status, const char *content_type)
{
	call->status = status;
	call->content_type = content_type;
	if (call->answer.err != 0) {
		buf_clear(&call->answer);
		call->status = 500;
		call->content_type = NULL;
	}
	atomic_store(&call->done, true);
	conn_wake(call->conn);
}

void
web_call_say(struct web_call *call, unsigned status, const char *text)
{
	buf_clear(&call->answer);
	(void)buf_put_str(&call->answer, text);
	(void)buf_put_str(&call->answer, "\n");
	web_call_finish(call, status, "text/plain; charset=utf-8");
}

unsigned
web_call_status(const struct error *e)
{
	static const struct {
		int code;
		unsigned status;
	} statuses[] = {
		{ ERR_SYNTAX, 400 },
		{ ERR_USAGE, 400 },
		{ ERR_UNSUPPORTED, 501 },
		{ ERR_NOT_FOUND, 404 },
		{ ERR_LIMIT, 413 },
		{ ERR_DENIED, 422 },
		{ ERR_FULL, 503 },
		{ ERR_CLOSED, 503 },
	};

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		if (statuses[i].code == e->code)
			return statuses[i].status;
	return 500;
}

void
web_call_fail(struct web_call *call, const struct error *e)
{
	unsigned status = web_call_status(e);

	web_call_say(
	    call, status, status != 500 ? e->text : "The directory could not do it; the operator's log says why.");
}
