/* SPDX-License-Identifier: ISC */
/*
 * One request over HTTP being carried out by one of the parts of web.h. It
 * holds copies of all it needs, so it outlives its session. Its first stage
 * runs on the loop's thread and must not block; the others run on the worker
 * pool and in the answers of ports. Whoever has the last stage calls
 * web_call_finish(), which wakes the session's connection.
 */
#ifndef SERVICE_WEB_CALL_H
#define SERVICE_WEB_CALL_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/server.h"
#include "net/conn.h"
#include "service/service.h"

#define WEB_CALL_BUDGET (32u << 20) /* octets of memory for one request */
#define WEB_ANSWER_MAX (8u << 20)
#define WEB_ANSWER_FIELDS 6u

struct directory_found;
struct directory_upload;

struct web_call {
	atomic_uint refs;
	atomic_bool done;
	struct service *service;
	struct conn *conn;
	bool tls;
	struct arena arena;
	enum http_method method;
	struct slice path, query, body, host, authorization, peer; /* in the arena */
	struct slice body_type;                                    /* Content-Type, or empty; likewise */
	uint64_t account;                                          /* who signed in; 0: nobody */
	void (*stage)(struct web_call *call);                      /* what the worker runs */
	struct directory_found *found;                             /* the key directory's, while it looks up */
	struct directory_upload *upload; /* the key directory's, while it takes certificates */

	/* The answer; to be read when done. */
	unsigned status;
	const char *content_type;
	struct buf answer;
	struct http_field fields[WEB_ANSWER_FIELDS];
	size_t field_count;
};

/* What the session knows of the request. ERR_NOMEM, ERR_LIMIT. */
int web_call_new(struct service *service, struct conn *conn, const struct http_request *request, struct slice body,
    struct web_call **call_out, struct error *e);
void web_call_release(struct web_call *call);

/* Runs stage on a thread of this pool; when its queue is full the call is finished with 503. */
void web_call_later(struct web_call *call, struct pool *pool, void (*stage)(struct web_call *call));
void web_call_finish(struct web_call *call, unsigned status, const char *content_type);
/* With a sentence, as text/plain. */
void web_call_say(struct web_call *call, unsigned status, const char *text);
/* The status for an error's kind. */
unsigned web_call_status(const struct error *e);
/* That, and its sentence. */
void web_call_fail(struct web_call *call, const struct error *e);

/* After server_stop(), with everything still running: waits until no request is being carried out. For service_free(). */
void web_drain(void);

#endif
