/* SPDX-License-Identifier: ISC */
/* The session: HTTP requests in, calls carried out one after the other, answers out. */
#include "service/web/web.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "service/web/autoconfig_call.h"
#include "service/directory/directory.h"
#include "service/directory/page.h"
#include "service/directory/rate.h"
#include "service/policy/own.h"
#include "service/web/call.h"
#include "service/web/html.h"

/* Where a request comes in. */
enum listener {
	TLS = 1,
	HKP = 2,  /* the key directory's own port, without TLS */
	HTTP = 4, /* the port at which browsers begin, without TLS */
};

/* How often one address may ask. */
enum rated { FREE, READS, WRITES };

/* Which requests. */
enum {
	GET = 1, /* and HEAD */
	POST = 2,
	PUT = 4,
	DELETE = 8,
};

struct session {
	struct service *service;
	struct conn *conn;
	struct http_server *http;
	struct buf body;
	unsigned listener;         /* one bit of enum listener */
	const struct route *route; /* of the current request */
	struct web_call *call;     /* in flight */
};

/* SLICE() is no constant expression. */
#define TEXT(lit) \
	{ \
		(const uint8_t *)(lit), sizeof(lit) - 1 \
	}

/* ---- routes ---- */

static const struct route {
	const char *path;
	bool prefix;       /* everything below it too */
	bool any_case;     /* in any case of letters: what Outlook asks for */
	const char *host;  /* only where the name begins so; NULL: everywhere */
	unsigned where;    /* enum listener */
	unsigned requests; /* GET, POST */
	enum rated rated;
	void (*begin)(struct web_call *call);
} routes[] = {
	{ "/", false, false, AUTOCONFIG_PREFIX, TLS, GET, FREE, autoconfig_page },
	{ "/", false, false, NULL, TLS | HKP, GET, FREE, page_front },
	{ HTML_STYLE_PATH, false, false, NULL, TLS | HKP, GET, FREE, page_style },
	{ "/search", false, false, NULL, TLS | HKP, GET, READS, page_search },
	{ "/certificate/", true, false, NULL, TLS | HKP, GET, READS, page_certificate },
	{ "/upload", false, false, NULL, TLS | HKP, GET | POST, WRITES, page_upload },
	{ "/verify", false, false, NULL, TLS | HKP, POST, WRITES, page_verify_ask },
	{ "/manage", false, false, NULL, TLS | HKP, GET | POST, WRITES, page_manage },
	/* Tokens do not go in clear. */
	{ "/verify/", true, false, NULL, TLS, GET | POST, WRITES, page_verify },
	{ "/manage/", true, false, NULL, TLS, GET | POST, WRITES, page_manage_token },
	{ OWN_STS_PATH, false, false, OWN_STS_PREFIX, TLS, GET, FREE, autoconfig_sts },
	{ "/mail/config-v1.1.xml", false, false, NULL, TLS | HTTP, GET, FREE, autoconfig_thunderbird },
	{ "/.well-known/autoconfig/mail/config-v1.1.xml", false, false, NULL, TLS | HTTP, GET, FREE,
	    autoconfig_thunderbird },
	{ "/mail/", true, false, NULL, TLS, GET, FREE, autoconfig_apple },
	{ "/autodiscover/autodiscover.xml", false, true, NULL, TLS, GET | POST, FREE, autoconfig_outlook },
	{ "/autodiscover/autodiscover.json", true, true, NULL, TLS, GET, FREE, autoconfig_outlook_json },
	{ "/pks/lookup", false, false, NULL, TLS | HKP, GET, READS, directory_lookup },
	{ "/pks/add", false, false, NULL, TLS | HKP, POST, WRITES, directory_add },
	{ "/pks/v2/certs", false, false, NULL, TLS | HKP, POST, WRITES, directory_certs_post },
	{ "/pks/v2/sendtoken", false, false, NULL, TLS | HKP, POST, WRITES, directory_sendtoken },
	/* A token is as good as a password. */
	{ "/pks/v2/canonical/", true, false, NULL, TLS, GET | PUT | DELETE, WRITES, directory_canonical },
	{ "/vks/v1/upload", false, false, NULL, TLS | HKP, POST, WRITES, directory_vks_upload },
	{ "/vks/v1/request-verify", false, false, NULL, TLS | HKP, POST, WRITES, directory_vks_request_verify },
	{ "/pks/v2/certs/", true, false, NULL, TLS | HKP, GET, READS, directory_certificate },
	{ "/pks/v2/index/", true, false, NULL, TLS | HKP, GET, READS, directory_index },
	{ "/pks/v2/prefixlog/", true, false, NULL, TLS | HKP, GET, READS, directory_prefixlog },
	{ "/pks/v2/", true, false, NULL, TLS | HKP, GET, READS, directory_v2_other },
	{ "/pks/private/", true, false, NULL, TLS | HKP, GET, READS, directory_private },
	{ "/vks/v1/", true, false, NULL, TLS | HKP, GET, READS, directory_vks },
	/* draft-koch-openpgp-webkey-service 3.1: https only. */
	{ "/.well-known/openpgpkey/", true, false, NULL, TLS, GET, READS, directory_wkd },
};

/* What there is at the port of HTTP besides. */
static const struct route to_tls = { "/", true, false, NULL, HTTP, GET, FREE, autoconfig_to_tls };

static bool
path_is(const struct route *r, struct slice path)
{
	struct slice name = slice_str(r->path);

	if (r->prefix)
		path = slice_sub(path, 0, name.len);
	return r->any_case ? slice_ieq(path, name) : slice_eq(path, name);
}

static const struct route *
find_route(const struct session *s, const struct http_request *r)
{
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
		if ((routes[i].where & s->listener) != 0 && path_is(&routes[i], r->path) &&
		    (routes[i].host == NULL || slice_istarts(r->host, slice_str(routes[i].host))))
			return &routes[i];
	return s->listener == HTTP ? &to_tls : NULL;
}

/* ---- answers ---- */

static void
answer(struct session *s, unsigned status, const char *type, struct slice body, const struct http_field *extra,
    size_t extra_count)
{
	/* Browsers' programs may ask (Mailvelope and others): what is here is public. */
	struct http_field fields[1 + WEB_ANSWER_FIELDS] = { { SLICE("Access-Control-Allow-Origin"), SLICE("*") } };

	for (size_t i = 0; i < extra_count; i++)
		fields[1 + i] = extra[i];
	metric_add(METRIC_HTTP_REQUESTS_TOTAL + status / 100 - 1, 1);
	(void)http_server_answer(s->http,
	    &(struct http_answer){ .status = status,
		.content_type = type,
		.fields = fields,
		.field_count = 1 + extra_count,
		.body = body,
		.now = clock_unix() },
	    NULL);
	buf_done(&s->body);
	s->route = NULL;
}

/* Browsers' programs ask first (Mailvelope and others); HKP v2 learns so what there is (draft-ietf-openpgp-hkp 5.1.7). */
static void
answer_options(struct session *s, struct slice path)
{
	static const struct http_field fields[] = {
		{ TEXT("Allow"), TEXT("GET, HEAD, POST, PUT, DELETE, OPTIONS") },
		{ TEXT("Access-Control-Allow-Methods"), TEXT("GET, HEAD, POST, PUT, DELETE, OPTIONS") },
		{ TEXT("Access-Control-Allow-Headers"), TEXT("Authorization, Content-Type") },
	};
	bool known = !slice_starts(path, SLICE("/pks/v2/")) || directory_v2_knows(slice_from(path, strlen("/pks/v2/")));

	answer(s, known ? 200 : 501, NULL, SLICE_EMPTY, fields, sizeof fields / sizeof fields[0]);
}

static bool
takes(const struct route *route, enum http_method method)
{
	return ((route->requests & GET) != 0 && (method == HTTP_GET || method == HTTP_HEAD)) ||
	    ((route->requests & POST) != 0 && method == HTTP_POST) ||
	    ((route->requests & PUT) != 0 && method == HTTP_PUT) ||
	    ((route->requests & DELETE) != 0 && method == HTTP_DELETE);
}

static void
answer_other_method(struct session *s, const struct route *route)
{
	static const struct http_field allow[] = {
		[GET] = { TEXT("Allow"), TEXT("GET, HEAD, OPTIONS") },
		[POST] = { TEXT("Allow"), TEXT("POST, OPTIONS") },
		[GET | POST] = { TEXT("Allow"), TEXT("GET, HEAD, POST, OPTIONS") },
		[GET | PUT | DELETE] = { TEXT("Allow"), TEXT("GET, HEAD, PUT, DELETE, OPTIONS") },
	};

	answer(s, 405, NULL, SLICE_EMPTY, &allow[route->requests], 1);
}

static void
on_request(struct session *s, const struct http_request *r)
{
	const struct route *route = find_route(s, r);

	if (r->method == HTTP_OPTIONS)
		answer_options(s, r->path);
	else if (route == NULL)
		answer(s, 404, "text/plain", SLICE("There is nothing here.\n"), NULL, 0);
	else if (!takes(route, r->method))
		answer_other_method(s, route);
	else
		s->route = route;
}

static void
on_body(struct session *s, struct slice piece)
{
	if (s->route != NULL && buf_put_slice(&s->body, piece) != 0)
		answer(s, 413, NULL, SLICE_EMPTY, NULL, 0);
}

/* Seconds until this client may ask again; 0: now. */
static uint32_t
must_wait(const struct session *s, enum http_method method, int64_t now_ms)
{
	struct rate *rates[] = { [FREE] = NULL, [READS] = s->service->reads, [WRITES] = s->service->writes };
	bool only_looks = method == HTTP_GET || method == HTTP_HEAD; /* at the form of what is rated as writing */
	struct rate *rate = rates[s->route->rated == WRITES && only_looks ? READS : s->route->rated];

	return rate == NULL ? 0 : rate_take(rate, slice_str(conn_peer(s->conn)), now_ms);
}

static void
answer_too_often(struct session *s, uint32_t seconds)
{
	char text[16];
	struct http_field field = { SLICE("Retry-After"), SLICE_EMPTY };
	int len = snprintf(text, sizeof text, "%u", seconds);

	field.value = slice_of(text, (size_t)len);
	answer(s, 429, "text/plain", SLICE("This address asks too often; come again a little later.\n"), &field, 1);
}

static void
on_end(struct session *s, const struct http_request *r, int64_t now_ms)
{
	struct web_call *call;
	uint32_t seconds;

	if (s->route == NULL)
		return;
	seconds = must_wait(s, r->method, now_ms);
	if (seconds > 0) {
		answer_too_often(s, seconds);
		return;
	}
	if (web_call_new(s->service, s->conn, r, buf_slice(&s->body), &call, NULL) != 0) {
		answer(s, 503, NULL, SLICE_EMPTY, NULL, 0);
		return;
	}
	s->call = call;
	s->route->begin(call);
}

static void
finish_call(struct session *s)
{
	struct web_call *call = s->call;

	if (s->service->settings.directory_query_log && s->route->rated == READS)
		log_event(LOG_LEVEL_INFO, "directory.query", log_slice("path", call->path),
		    log_slice("query", call->query), log_u64("status", call->status));
	answer(s, call->status, call->content_type, buf_slice(&call->answer), call->fields, call->field_count);
	s->call = NULL;
	web_call_release(call);
}

/* ---- the session for net ---- */

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
	while (s->call == NULL || atomic_load(&s->call->done)) {
		if (s->call != NULL)
			finish_call(s);
		if (http_server_next(s->http, now_ms, &event) == HTTP_NONE)
			break;
		if (event.type == HTTP_REQUEST)
			on_request(s, event.request);
		else if (event.type == HTTP_BODY)
			on_body(s, event.body);
		else
			on_end(s, event.request, now_ms);
	}
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
	const struct session *s = session;

	return s->call != NULL ? MACHINE_NEVER : http_server_ops.deadline(s->http);
}

static bool
session_busy(const void *session)
{
	return ((const struct session *)session)->call != NULL;
}

static void
session_closed(void *session)
{
	struct session *s = session;

	if (s->call != NULL)
		web_call_release(s->call);
	http_server_free(s->http);
	buf_done(&s->body);
	mem_free(s);
}

int
web_session_open(struct service *service, struct conn *c, uint32_t role, void **session_out, struct error *e)
{
	static const struct http_server_config config = { .body_max = DIRECTORY_UPLOAD_MAX };
	struct session *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	rc = http_server_new(&config, &s->http, e);
	if (rc != 0) {
		mem_free(s);
		return rc;
	}
	s->service = service;
	s->conn = c;
	s->listener = conn_is_tls(c) ? TLS : role == SERVICE_HTTP ? HTTP : HKP;
	buf_init(&s->body, DIRECTORY_UPLOAD_MAX);
	*session_out = s;
	return 0;
}

const struct conn_ops web_session_ops = {
	.feed = session_feed,
	.run = session_run,
	.output = session_output,
	.sent = session_sent,
	.deadline = session_deadline,
	.closed = session_closed,
	.busy = session_busy,
};
