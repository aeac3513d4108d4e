/* SPDX-License-Identifier: ISC */
/*
 * One request to the directory being carried out. It holds copies of all it
 * needs, so it outlives its session. Its stages run on the worker pool and in
 * the answers of ports; whoever has the last stage calls
 * directory_call_finish(), which wakes the session's connection.
 */
#ifndef SERVICE_DIRECTORY_CALL_H
#define SERVICE_DIRECTORY_CALL_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/server.h"
#include "net/conn.h"
#include "service/service.h"

#define DIRECTORY_CALL_BUDGET (32u << 20) /* octets of memory for one request */
#define DIRECTORY_ANSWER_MAX (8u << 20)
#define DIRECTORY_ANSWER_FIELDS 4u

struct directory_upload;

struct directory_call {
	atomic_uint refs;
	atomic_bool done;
	struct service *service;
	struct conn *conn;
	bool tls;
	struct arena arena;
	struct slice path, query, body, host, authorization, peer; /* in the arena */
	uint64_t account;                                          /* who signed in; 0: nobody */
	void (*stage)(struct directory_call *call);                /* what the worker runs */
	struct directory_upload *upload;

	/* The answer; to be read when done. */
	unsigned status;
	const char *content_type;
	struct buf answer;
	struct http_field fields[DIRECTORY_ANSWER_FIELDS];
	size_t field_count;
};

/* What the session knows of the request. ERR_NOMEM, ERR_LIMIT. */
int directory_call_new(struct service *service, struct conn *conn, const struct http_request *request,
    struct slice body, struct directory_call **call_out, struct error *e);
void directory_call_release(struct directory_call *call);

/* Runs stage on a thread of this pool; when its queue is full the call is finished with 503. */
void directory_call_later(struct directory_call *call, struct pool *pool, void (*stage)(struct directory_call *call));
void directory_call_finish(struct directory_call *call, unsigned status, const char *content_type);
/* With a sentence, as text/plain. */
void directory_call_say(struct directory_call *call, unsigned status, const char *text);
/* The status for an error's kind, and its sentence. */
void directory_call_fail(struct directory_call *call, const struct error *e);

/* ---- first stages, on the loop thread: must not block ---- */
void directory_lookup(struct directory_call *call);      /* /pks/lookup */
void directory_certificate(struct directory_call *call); /* /pks/v2/certs/... */
void directory_wkd(struct directory_call *call);         /* /.well-known/openpgpkey/... */
void directory_add(struct directory_call *call);         /* /pks/add */

#endif
