/* SPDX-License-Identifier: ISC */
/* The session: GET /metrics over HTTP, answered at once. */
#include "base/mem.h"
#include "http/server.h"
#include "os/clock.h"
#include "service/status/metrics.h"

/* SLICE() is no constant expression. */
#define TEXT(lit) \
	{ \
		(const uint8_t *)(lit), sizeof(lit) - 1 \
	}

struct session {
	struct http_server *http;
};

static void
answer(struct session *s, unsigned status, const char *type, struct slice body)
{
	static const struct http_field allow = { TEXT("Allow"), TEXT("GET, HEAD") };

	(void)http_server_answer(s->http,
	    &(struct http_answer){ .status = status,
		.content_type = type,
		.fields = &allow,
		.field_count = status == 405 ? 1 : 0,
		.body = body,
		.now = clock_unix() },
	    NULL);
}

static void
on_request(struct session *s, const struct http_request *r)
{
	BUF_OWNED struct buf text = { 0 };

	if (!slice_eq_str(r->path, "/metrics")) {
		answer(s, 404, "text/plain", SLICE("There is nothing here but /metrics.\n"));
		return;
	}
	if (r->method != HTTP_GET && r->method != HTTP_HEAD) {
		answer(s, 405, NULL, SLICE_EMPTY);
		return;
	}
	buf_init(&text, METRICS_TEXT_MAX);
	if (metrics_write(&text) != 0)
		answer(s, 503, NULL, SLICE_EMPTY);
	else
		answer(s, 200, "text/plain; version=0.0.4; charset=utf-8", buf_slice(&text));
}

static size_t
session_feed(void *session, struct slice in, int64_t now_ms)
{
	return http_server_ops.feed(((struct session *)session)->http, in, now_ms);
}

static void
session_run(void *session, struct conn *c, int64_t now_ms)
{
	struct session *s = session;
	struct http_event event;

	http_server_set_clock(s->http, clock_unix());
	while (http_server_next(s->http, now_ms, &event) != HTTP_NONE)
		if (event.type == HTTP_REQUEST)
			on_request(s, event.request);
	if (http_server_is_done(s->http))
		conn_close(c);
}

static struct slice
session_output(void *session)
{
	return http_server_ops.output(((struct session *)session)->http);
}

static void
session_sent(void *session, size_t len)
{
	http_server_ops.sent(((struct session *)session)->http, len);
}

static int64_t
session_deadline(const void *session)
{
	return http_server_ops.deadline(((const struct session *)session)->http);
}

static void
session_closed(void *session)
{
	struct session *s = session;

	http_server_free(s->http);
	mem_free(s);
}

int
metrics_session_open(struct service *service, struct conn *c, void **session_out, struct error *e)
{
	static const struct http_server_config config = { .body_max = 0 };
	struct session *s = mem_alloc(sizeof *s);
	int rc;

	(void)service;
	(void)c;
	if (s == NULL)
		return error_nomem(e);
	rc = http_server_new(&config, &s->http, e);
	if (rc != 0) {
		mem_free(s);
		return rc;
	}
	*session_out = s;
	return 0;
}

const struct conn_ops metrics_session_ops = {
	.feed = session_feed,
	.run = session_run,
	.output = session_output,
	.sent = session_sent,
	.deadline = session_deadline,
	.closed = session_closed,
};
