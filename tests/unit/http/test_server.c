/* SPDX-License-Identifier: ISC */
/* Transcripts: what is fed, which events come, what goes out. Each runs whole and octet by octet. */
#include "unit.h"

#include "base/buf.h"
#include "http/form.h"
#include "http/server.h"

/* Runs input through a machine that answers every request with "ok"; events and output come as text. */
static void
drive(struct slice in, size_t step, struct buf *events, struct buf *out)
{
	static const struct http_server_config config = { .body_max = 100 };
	struct http_server *s = NULL;
	struct http_event e;
	size_t at = 0;

	assert_ok(http_server_new(&config, &s, &unit_error));
	for (;;) {
		bool moved = false;

		while (http_server_next(s, 0, &e) != HTTP_NONE) {
			moved = true;
			if (e.type == HTTP_REQUEST)
				(void)buf_putf(events, "<%d %.*s>", (int)e.request->method, (int)e.request->target.len,
				    (const char *)e.request->target.data);
			else if (e.type == HTTP_BODY)
				(void)buf_put_slice(events, e.body);
			else
				assert_ok(http_server_answer(s,
				    &(struct http_answer){ .status = 200, .content_type = "t/p", .body = SLICE("ok") },
				    &unit_error));
			if (e.type == HTTP_END)
				(void)buf_put_str(events, "|");
		}
		(void)buf_put_slice(out, http_server_ops.output(s));
		http_server_ops.sent(s, http_server_ops.output(s).len);
		if (http_server_is_done(s)) {
			(void)buf_put_str(events, "done");
			break;
		}
		if (at == in.len && !moved)
			break;
		at += http_server_ops.feed(s, slice_sub(in, at, step), 0);
	}
	http_server_free(s);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: t/p\r\nContent-Length: 2\r\n\r\nok"
#define OK_LAST "HTTP/1.1 200 OK\r\nContent-Type: t/p\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

static const struct {
	const char *name;
	const char *in;
	const char *events;
	const char *out; /* how the output begins */
} rows[] = {
	{ "get", "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", "<0 /a?b>|", OK_ANSWER },
	{ "empty line before it", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "<0 />|", OK_ANSWER },
	{ "absolute form", "GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n", "<0 http://x/a>|", OK_ANSWER },
	{ "options star", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "<4 *>|", OK_ANSWER },
	{ "pipelined", "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n", "<0 /1>|<0 /2>|",
	    OK_ANSWER OK_ANSWER },
	{ "head", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "<1 />|",
	    "HTTP/1.1 200 OK\r\nContent-Type: t/p\r\nContent-Length: 2\r\n\r\n" },
	{ "http 1.0 ends", "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", "<0 />|done", OK_LAST },
	{ "asked to close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: a, Close\r\n\r\n", "<0 />|done", OK_LAST },
	{ "body with a length",
	    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
	    "<2 />hello|<0 /2>|", OK_ANSWER OK_ANSWER },
	{ "chunked",
	    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=\"b\"\r\nhel\r\n02\r\nlo\r\n0\r\nT: "
	    "x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
	    "<2 />hello|<0 /2>|", OK_ANSWER OK_ANSWER },
	{ "100 continue", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
	    "<2 />hi|", "" },
	{ "no host", "GET / HTTP/1.1\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "absolute form without a host", "GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "absolute form with a user", "GET http://a@x/ HTTP/1.1\r\nHost: x\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "host with two ports", "GET / HTTP/1.1\r\nHost: x:1:2\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "host with a name for a port", "GET / HTTP/1.1\r\nHost: x:y\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "host with half a bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "host with a literal", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "<0 />|", OK_ANSWER },
	{ "two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "smuggling: both lengths",
	    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "done",
	    "HTTP/1.1 400 " },
	{ "smuggling: two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
	    "done", "HTTP/1.1 400 " },
	{ "smuggling: list of lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc", "done",
	    "HTTP/1.1 400 " },
	{ "smuggling: signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", "done",
	    "HTTP/1.1 400 " },
	{ "smuggling: another coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "done",
	    "HTTP/1.1 501 " },
	{ "smuggling: obscured coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n", "done",
	    "HTTP/1.1 400 " },
	{ "smuggling: chunked with 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "done",
	    "HTTP/1.1 400 " },
	{ "smuggling: bare LF", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "smuggling: bare CR", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "smuggling: folded line", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "smuggling: chunk size with 0x",
	    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", "<2 />done",
	    "HTTP/1.1 400 " },
	{ "smuggling: chunk longer than said",
	    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "<2 />adone",
	    "HTTP/1.1 400 " },
	{ "smuggling: chunk size overflow",
	    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
	    "<2 />done", "HTTP/1.1 400 " },
	{ "smuggling: chunk line ended by LF",
	    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", "<2 />done",
	    "HTTP/1.1 400 " },
	{ "body too large", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", "done", "HTTP/1.1 413 " },
	{ "method not known", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "done", "HTTP/1.1 501 " },
	{ "version not known", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "done", "HTTP/1.1 505 " },
	{ "no version", "GET /\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "a NUL", "GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "another protocol", "EHLO x\r\n\r\n", "done", "HTTP/1.1 400 " },
	{ "expectation not known", "POST / HTTP/1.1\r\nHost: x\r\nExpect: cake\r\nContent-Length: 2\r\n\r\nhi", "done",
	    "HTTP/1.1 417 " },
};

static void
transcripts(void **state)
{
	struct buf events, out, one_events, one_out;

	(void)state;
	buf_init(&events, 10000);
	buf_init(&out, 100000);
	buf_init(&one_events, 10000);
	buf_init(&one_out, 100000);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_clear(&events);
		buf_clear(&out);
		buf_clear(&one_events);
		buf_clear(&one_out);
		drive(slice_str(rows[i].in), SIZE_MAX, &events, &out);
		if (!slice_eq_str(buf_slice(&events), rows[i].events) ||
		    !slice_starts(buf_slice(&out), slice_str(rows[i].out)))
			print_error("row: %s\n", rows[i].name);
		assert_slice(buf_slice(&events), rows[i].events);
		assert_slice(slice_sub(buf_slice(&out), 0, strlen(rows[i].out)), rows[i].out);
		drive(slice_str(rows[i].in), 1, &one_events, &one_out);
		if (!slice_eq(buf_slice(&one_events), buf_slice(&events)))
			print_error("row, octet by octet: %s\n", rows[i].name);
		assert_slices(buf_slice(&one_events), buf_slice(&events));
		if (strcmp(rows[i].name, "100 continue") != 0)
			assert_slices(buf_slice(&one_out), buf_slice(&out));
		else
			assert_slice(buf_slice(&one_out), "HTTP/1.1 100 Continue\r\n\r\n" OK_ANSWER);
	}
	buf_done(&events);
	buf_done(&out);
	buf_done(&one_events);
	buf_done(&one_out);
}

static void
heads_are_bounded(void **state)
{
	static const struct {
		const char *line;
		unsigned times;
		const char *out;
	} heads[] = {
		{ "A: b\r\n", 64, "HTTP/1.1 431" },
		{ "A: "
		  "5678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
		  "5678901234567890"
		  "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
		  "12345678901234567890"
		  "123456789012345678901234567890123456789012345678901234567890\r\n",
		    60, "HTTP/1.1 431" },
		{ "9999999999", 1000, "HTTP/1.1 414" },
	};
	struct buf in, events, out;

	(void)state;
	buf_init(&in, 100000);
	buf_init(&events, 1000);
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		buf_clear(&in);
		buf_clear(&out);
		(void)buf_put_str(&in, i == 2 ? "GET /" : "GET / HTTP/1.1\r\nHost: x\r\n");
		for (unsigned k = 0; k < heads[i].times; k++)
			(void)buf_put_str(&in, heads[i].line);
		(void)buf_put_str(&in, i == 2 ? " HTTP/1.1\r\nHost: x\r\n\r\n" : "\r\n");
		drive(buf_slice(&in), SIZE_MAX, &events, &out);
		assert_slice(slice_sub(buf_slice(&out), 0, 12), heads[i].out);
	}
	buf_done(&in);
	buf_done(&events);
	buf_done(&out);
}

static void
an_octet_a_minute_is_too_slow(void **state)
{
	static const struct http_server_config config = { .body_max = 100 };
	struct http_server *s = NULL;
	struct http_event e;

	(void)state;
	assert_ok(http_server_new(&config, &s, &unit_error));
	assert_int_equal(http_server_next(s, 1000, &e), HTTP_NONE);
	assert_int_equal(http_server_ops.deadline(s), 1000 + HTTP_IDLE_MS);
	(void)http_server_ops.feed(s, SLICE("G"), 2000);
	assert_int_equal(http_server_next(s, 2000, &e), HTTP_NONE);
	(void)http_server_ops.feed(s, SLICE("E"), 25000);
	assert_int_equal(http_server_next(s, 25000, &e), HTTP_NONE);
	assert_int_equal(http_server_ops.deadline(s), 2000 + HTTP_HEAD_MS);
	assert_int_equal(http_server_next(s, 32000, &e), HTTP_NONE);
	assert_true(http_server_is_done(s));
	assert_slice(slice_sub(http_server_ops.output(s), 0, 12), "HTTP/1.1 408");
	http_server_free(s);
}

/* RFC 9112 section 3.2.2 */
static void
the_host_of_an_absolute_target_counts(void **state)
{
	static const struct http_server_config config = { .body_max = 100 };
	struct http_server *s = NULL;
	struct http_event e;

	(void)state;
	assert_ok(http_server_new(&config, &s, &unit_error));
	(void)http_server_ops.feed(s, SLICE("GET http://a.example:80/x HTTP/1.1\r\nHost: b.example\r\n\r\n"), 0);
	assert_int_equal(http_server_next(s, 0, &e), HTTP_REQUEST);
	assert_slice(e.request->host, "a.example:80");
	assert_slice(e.request->path, "/x");
	http_server_free(s);
}

/* RFC 9110 section 6.6.1 */
static void
a_refusal_has_a_date(void **state)
{
	static const struct http_server_config config = { .body_max = 100 };
	struct http_server *s = NULL;
	struct http_event e;

	(void)state;
	assert_ok(http_server_new(&config, &s, &unit_error));
	http_server_set_clock(s, 784111777);
	(void)http_server_ops.feed(s, SLICE("GET\r\n\r\n"), 0);
	assert_int_equal(http_server_next(s, 0, &e), HTTP_NONE);
	assert_true(
	    slice_search(http_server_ops.output(s), SLICE("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n")) != SIZE_MAX);
	http_server_free(s);
}

static void
an_early_answer_drops_the_rest(void **state)
{
	static const struct http_server_config config = { .body_max = 100 };
	struct http_server *s = NULL;
	struct http_event e;

	(void)state;
	assert_ok(http_server_new(&config, &s, &unit_error));
	(void)http_server_ops.feed(s, SLICE("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe"), 0);
	assert_int_equal(http_server_next(s, 0, &e), HTTP_REQUEST);
	assert_ok(http_server_answer(s, &(struct http_answer){ .status = 404 }, &unit_error));
	assert_int_equal(http_server_answer(s, &(struct http_answer){ .status = 404 }, NULL), ERR_ORDER);
	assert_int_equal(http_server_next(s, 0, &e), HTTP_NONE);
	(void)http_server_ops.feed(s, SLICE("lloGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
	assert_int_equal(http_server_next(s, 0, &e), HTTP_REQUEST);
	assert_slice(e.request->path, "/2");
	http_server_free(s);
}

static void
forms_and_credentials(void **state)
{
	struct slice form = SLICE("&a=1&&b=x+y%26z&c&b=2"), name, value, user, password;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_ok(http_form_value(form, "b", &b, &unit_error));
	assert_slice(buf_slice(&b), "x y&z");
	assert_int_equal(http_form_value(form, "d", &b, NULL), ERR_NOT_FOUND);
	assert_true(http_form_next(&form, &name, &value));
	assert_slice(name, "a");
	buf_clear(&b);
	assert_int_equal(http_percent_decode(SLICE("a%4"), false, &b, NULL), ERR_SYNTAX);
	assert_int_equal(http_percent_decode(SLICE("a%4g"), false, &b, NULL), ERR_SYNTAX);
	buf_clear(&b);
	assert_ok(http_basic_parse(SLICE("basic YTpiOmM="), &b, &user, &password, &unit_error));
	assert_slice(user, "a");
	assert_slice(password, "b:c");
	buf_clear(&b);
	assert_int_equal(http_basic_parse(SLICE("Basic YQ=="), &b, &user, &password, NULL), ERR_SYNTAX);
	assert_int_equal(http_basic_parse(SLICE("Bearer YQ=="), &b, &user, &password, NULL), ERR_UNSUPPORTED);
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(transcripts), UNIT_TEST(heads_are_bounded), UNIT_TEST(an_octet_a_minute_is_too_slow),
    UNIT_TEST(the_host_of_an_absolute_target_counts), UNIT_TEST(a_refusal_has_a_date),
    UNIT_TEST(an_early_answer_drops_the_rest), UNIT_TEST(forms_and_credentials))
