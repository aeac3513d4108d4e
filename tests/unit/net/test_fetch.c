/* SPDX-License-Identifier: ISC */
/* libcurl's side of HTTP against a session that answers each head with one fixed answer. */
#include "unit.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "net/server.h"

#define BODY_SIZE 5000

struct fixed {
	struct buf in, out;
};

static int
fixed_open(void *ctx, struct conn *c, void **session_out, struct error *e)
{
	struct fixed *s = mem_alloc(sizeof *s);

	(void)ctx;
	(void)c;
	(void)e;
	assert_non_null(s);
	buf_init(&s->in, 10000);
	buf_init(&s->out, 100000);
	*session_out = s;
	return 0;
}

static size_t
fixed_feed(void *session, struct slice in, int64_t now_ms)
{
	struct fixed *s = session;

	(void)now_ms;
	(void)buf_put_slice(&s->in, in);
	return in.len;
}

static void
put_body(struct fixed *s)
{
	(void)buf_putf(&s->out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_SIZE);
	for (int i = 0; i < BODY_SIZE; i++)
		(void)buf_put_u8(&s->out, 'x');
}

/* "/silent" is never answered, "/moved" and others are redirects, a POST is answered with its whole request. */
static void
fixed_run(void *session, struct conn *c, int64_t now_ms)
{
	struct fixed *s = session;
	struct slice in = buf_slice(&s->in);

	(void)c;
	(void)now_ms;
	if (slice_search(in, SLICE("\r\n\r\n")) == SIZE_MAX || slice_starts(in, SLICE("GET /silent")))
		return;
	if (slice_starts(in, SLICE("GET /elsewhere"))) {
		(void)buf_put_str(
		    &s->out, "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 4\r\n\r\nhere");
	} else if (slice_starts(in, SLICE("GET /clear"))) {
		(void)buf_put_str(
		    &s->out, "HTTP/1.1 301 Found\r\nLocation: http://localhost/\r\nContent-Length: 0\r\n\r\n");
	} else if (slice_starts(in, SLICE("GET /loop"))) {
		(void)buf_put_str(&s->out, "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 5\r\n\r\nagain");
	} else if (slice_starts(in, SLICE("GET /moved"))) {
		(void)buf_put_str(&s->out, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
	} else if (slice_starts(in, SLICE("POST")) || slice_starts(in, SLICE("PUT"))) {
		if (!slice_ends(in, SLICE("keytext=1")))
			return;
		(void)buf_putf(&s->out, "HTTP/1.1 422 No\r\nContent-Length: %zu\r\n\r\n", in.len);
		(void)buf_put_slice(&s->out, in);
	} else {
		put_body(s);
	}
	buf_clear(&s->in);
}

static struct slice
fixed_output(void *session)
{
	return buf_slice(&((struct fixed *)session)->out);
}

static void
fixed_sent(void *session, size_t n)
{
	buf_consume(&((struct fixed *)session)->out, n);
}

static int64_t
fixed_deadline(const void *session)
{
	(void)session;
	return MACHINE_NEVER;
}

static void
fixed_closed(void *session)
{
	struct fixed *s = session;

	buf_done(&s->in);
	buf_done(&s->out);
	mem_free(s);
}

static const struct conn_ops fixed_ops = {
	.feed = fixed_feed,
	.run = fixed_run,
	.output = fixed_output,
	.sent = fixed_sent,
	.deadline = fixed_deadline,
	.closed = fixed_closed,
};

struct fixture {
	struct server *server;
	struct tls_server *tls;
	uint8_t pin[TLS_PIN_SIZE];
	char https[64], http[64];
};

static void
write_file(const char *path, struct slice text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
	assert_int_equal(fclose(f), 0);
}

static void
make_certificate(struct fixture *f)
{
	const char *names[] = { "localhost" };
	char folder[] = "/tmp/test_fetch_XXXXXX", certificate[64], key[64];
	struct buf a, b;

	buf_init(&a, 10000);
	buf_init(&b, 10000);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(certificate, sizeof certificate, "%s/c", folder);
	(void)snprintf(key, sizeof key, "%s/k", folder);
	assert_ok(tls_self_signed(names, 1, (uint64_t)time(NULL), &a, &b, &unit_error));
	write_file(certificate, buf_slice(&a));
	write_file(key, buf_slice(&b));
	assert_ok(tls_server_new(certificate, key, &f->tls, &unit_error));
	memcpy(f->pin, tls_server_pin(f->tls), TLS_PIN_SIZE);
	(void)unlink(certificate);
	(void)unlink(key);
	(void)rmdir(folder);
	buf_done(&a);
	buf_wipe_done(&b);
}

static void
start(struct fixture *f)
{
	struct listener_config config = { .address = "127.0.0.1", .ops = &fixed_ops, .open = fixed_open };
	uint16_t port;

	make_certificate(f);
	assert_ok(server_new(&(struct server_limits){ .threads = 1 }, &f->server, &unit_error));
	assert_ok(server_listen(f->server, &config, &port, &unit_error));
	(void)snprintf(f->http, sizeof f->http, "http://127.0.0.1:%u", port);
	config.tls = f->tls;
	config.implicit_tls = true;
	assert_ok(server_listen(f->server, &config, &port, &unit_error));
	(void)snprintf(f->https, sizeof f->https, "https://localhost:%u", port);
	assert_ok(server_start(f->server, &unit_error));
}

static void
stop(struct fixture *f)
{
	server_stop(f->server, 0);
	server_free(f->server);
	tls_server_free(f->tls);
}

struct row {
	const char *name;
	bool https;
	const char *path;
	struct fetch_request request;
	bool pin, wrong_pin;
	size_t max;
	int rc;
	unsigned status;
};

static void
requests(void **state)
{
	static const struct row rows[] = {
		{ "pinned", true, "/", { 0 }, true, false, 100000, 0, 200 },
		{ "exactly the maximum", true, "/", { 0 }, true, false, BODY_SIZE, 0, 200 },
		{ "too large", true, "/", { 0 }, true, false, BODY_SIZE - 1, ERR_LIMIT, 0 },
		{ "another pin", true, "/", { 0 }, true, true, 100000, ERR_TLS, 0 },
		{ "no pin, no authority", true, "/", { 0 }, false, false, 100000, ERR_TLS, 0 },
		{ "silent", true, "/silent", { .timeout_ms = 300 }, true, false, 100000, ERR_TIMEOUT, 0 },
		{ "redirects are not followed", true, "/moved", { 0 }, true, false, 100000, 0, 302 },
		{ "a redirect is followed", true, "/moved", { .redirects = 3 }, true, false, BODY_SIZE, 0, 200 },
		{ "redirects without an end", true, "/loop", { .redirects = 3 }, true, false, 100, ERR_POLICY, 302 },
		{ "redirects to another host", true, "/elsewhere", { .redirects = 3 }, true, false, 100, ERR_POLICY,
		    302 },
		{ "a password goes to no other host", true, "/elsewhere",
		    { .redirects = 3, .other_hosts = true, .user = "u", .password = "p" }, true, false, 100, ERR_POLICY,
		    302 },
		{ "redirects to another host by permission", true, "/elsewhere",
		    { .redirects = 3, .other_hosts = true }, true, false, 100, ERR_NET, 302 },
		{ "redirects to http", true, "/clear", { .redirects = 3, .other_hosts = true }, true, false, 100,
		    ERR_POLICY, 301 },
		{ "a token with a line end", true, "/", { .bearer = "a\r\nX: y" }, true, false, 100000, ERR_USAGE, 0 },
		{ "no token in clear", false, "/", { .allow_http = true, .bearer = "t" }, false, false, 100000,
		    ERR_USAGE, 0 },
		{ "a proxy that is not there", true, "/", { .proxy = "socks5h://127.0.0.1:1" }, true, false, 100000,
		    ERR_NET, 0 },
		{ "http is not asked for", false, "/", { 0 }, false, false, 100000, ERR_USAGE, 0 },
		{ "http is asked for", false, "/", { .allow_http = true }, false, false, 100000, 0, 200 },
		{ "no password in clear", false, "/", { .allow_http = true, .user = "u", .password = "p" }, false,
		    false, 100000, ERR_USAGE, 0 },
	};
	struct fixture f;

	(void)state;
	start(&f);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fetch_request r = rows[i].request;
		uint8_t pin[TLS_PIN_SIZE];
		unsigned status = 0;
		struct buf body;
		char url[128];
		int rc;

		buf_init(&body, rows[i].max);
		memcpy(pin, f.pin, sizeof pin);
		pin[0] ^= rows[i].wrong_pin ? 1 : 0;
		if (rows[i].pin)
			r.pin = slice_of(pin, sizeof pin);
		(void)snprintf(url, sizeof url, "%s%s", rows[i].https ? f.https : f.http, rows[i].path);
		r.url = url;
		rc = fetch(&r, &body, &status, &unit_error);
		if (rc != rows[i].rc || status != rows[i].status)
			fail_msg("%s: %d %u %s", rows[i].name, rc, status, unit_error.text);
		if (rc == 0 && status == 200)
			assert_int_equal(body.len, BODY_SIZE);
		buf_done(&body);
	}
	stop(&f);
}

static void
a_form_is_posted_with_credentials(void **state)
{
	struct fetch_request r = { .body = SLICE("keytext=1"),
		.content_type = "application/x-www-form-urlencoded",
		.user = "alice@example.org",
		.password = "p" };
	unsigned status = 0;
	struct fixture f;
	struct buf body;

	(void)state;
	start(&f);
	buf_init(&body, 100000);
	r.url = f.https;
	r.pin = slice_of(f.pin, sizeof f.pin);
	assert_ok(fetch(&r, &body, &status, &unit_error));
	assert_int_equal(status, 422);
	assert_true(
	    slice_search(buf_slice(&body), SLICE("Authorization: Basic YWxpY2VAZXhhbXBsZS5vcmc6cA==\r\n")) != SIZE_MAX);
	assert_true(
	    slice_search(buf_slice(&body), SLICE("Content-Type: application/x-www-form-urlencoded\r\n")) != SIZE_MAX);
	buf_done(&body);
	stop(&f);
}

static void
a_put_carries_its_token(void **state)
{
	struct fetch_request r = { .body = SLICE("keytext=1"),
		.content_type = "application/pgp",
		.method = "PUT",
		.accept = "application/json",
		.bearer = "abc" };
	unsigned status = 0;
	struct fixture f;
	struct buf body;

	(void)state;
	start(&f);
	buf_init(&body, 100000);
	r.url = f.https;
	r.pin = slice_of(f.pin, sizeof f.pin);
	assert_ok(fetch(&r, &body, &status, &unit_error));
	assert_true(slice_starts(buf_slice(&body), SLICE("PUT / HTTP/1.1\r\n")));
	assert_true(slice_search(buf_slice(&body), SLICE("Authorization: Bearer abc\r\n")) != SIZE_MAX);
	assert_true(slice_search(buf_slice(&body), SLICE("Accept: application/json\r\n")) != SIZE_MAX);
	assert_true(slice_search(buf_slice(&body), SLICE("Content-Type: application/pgp\r\n")) != SIZE_MAX);
	buf_done(&body);
	stop(&f);
}

UNIT_MAIN(UNIT_TEST(a_put_carries_its_token), UNIT_TEST(requests), UNIT_TEST(a_form_is_posted_with_credentials))
