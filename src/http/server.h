/* SPDX-License-Identifier: ISC */
/*
 * HTTP/1.1, the server's side (RFC 9110, RFC 9112), as a machine.
 *
 *   http_server_next()   HTTP_REQUEST  the head is read: look at it; it may be answered now
 *                        HTTP_BODY     a piece of the body, any number of times
 *                        HTTP_END      the request is whole: answer it
 *   http_server_answer() the whole answer; afterwards the next request of the connection begins
 *
 * The machine itself answers what is no proper request (400, 408, 413, 414,
 * 431, 501, 505) and then closes, because nobody can know where the next
 * request begins. It takes part in no ambiguity that proxies differ about
 * (request smuggling, RFC 9112 11.2): Content-Length together with
 * Transfer-Encoding, two lengths, a coding that is not exactly "chunked", bare
 * LF, folded lines and spaces before a colon are refused.
 *
 * GET, HEAD, POST, PUT and OPTIONS are known; which of them a resource has is
 * the caller's to say. A request that is answered before its end has its
 * rest read and dropped up to HTTP_SKIP_MAX; over that the connection closes.
 * "Expect: 100-continue" is met when the caller asks for more after HTTP_REQUEST.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/machine.h"
#include "base/slice.h"
#include "http/limits.h"

struct http_server;

struct http_server_config {
	uint64_t body_max; /* octets of a request's body; over it: 413. 0: no bodies */
};

enum http_event_type {
	HTTP_NONE, /* nothing until more arrives, or until the request is answered */
	HTTP_REQUEST,
	HTTP_BODY,
	HTTP_END,
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_OPTIONS, HTTP_DELETE };

struct http_field {
	struct slice name;  /* as sent; compare with slice_ieq() */
	struct slice value; /* without blanks around it */
};

/* Lives until the request is answered. */
struct http_request {
	enum http_method method;
	struct slice target; /* as sent */
	struct slice path;   /* before '?', still percent-encoded; begins with '/', or is "*" */
	struct slice query;  /* after '?', still percent-encoded; may be empty */
	struct slice host;   /* the target's when it names one, else the field Host; may be empty with HTTP/1.0 */
	const struct http_field *fields;
	size_t field_count;
	bool has_length;
	uint64_t length; /* octets of the body, when has_length */
};

struct http_event {
	enum http_event_type type;
	const struct http_request *request; /* with every event but HTTP_NONE */
	struct slice body;                  /* HTTP_BODY; until the next call */
};

struct http_answer {
	unsigned status;
	const char *content_type;        /* NULL: no body */
	const struct http_field *fields; /* more fields */
	size_t field_count;
	struct slice body; /* copied; not sent to HEAD, but counted */
	uint64_t now;      /* unix seconds for Date */
	bool close;        /* end the connection after this answer */
};

/* ERR_NOMEM. */
int http_server_new(const struct http_server_config *config, struct http_server **server_out, struct error *e);
void http_server_free(struct http_server *s);

extern const struct machine_ops http_server_ops;

/* Unix seconds for Date in what the machine answers by itself (RFC 9110 6.6.1: all 4xx have it). 0, as at first: no Date. */
void http_server_set_clock(struct http_server *s, uint64_t now);

/* The next event; also call it at the deadline (it then answers 408 or closes). */
enum http_event_type http_server_next(struct http_server *s, int64_t now_ms, struct http_event *event_out);
/* Answers the current request, from HTTP_REQUEST on. ERR_ORDER without one; ERR_LIMIT: the answer is too large, a 500 went out. */
int http_server_answer(struct http_server *s, const struct http_answer *answer, struct error *e);
/* True between HTTP_REQUEST and its answer. */
bool http_server_is_asked(const struct http_server *s);
/* True when the connection is to be closed as soon as the output is sent. */
bool http_server_is_done(const struct http_server *s);

/* The first field of that name, or NULL. */
const struct http_field *http_request_field(const struct http_request *r, const char *name);
/* "Not Found"; "Unknown" for codes we have no phrase for. */
const char *http_status_text(unsigned status);

#endif
