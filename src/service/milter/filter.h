/* SPDX-License-Identifier: ISC */
/*
 * Another program's word about a message (smtp/milter.h), asked of the process
 * that may connect to it, as messages with schemas over os/port.h. One message
 * is one conversation with that program:
 *
 * begin   the envelope and the header; a handle
 * body    more of the body; answered when the next piece may come. enough: no more is wanted
 * end     what it says. ERR_NET, ERR_TIMEOUT, ERR_CLOSED (it is not there, or went away), ERR_SYNTAX, ERR_LIMIT (it breaks the
 *         rules): what then becomes of the message is the asker's policy
 * abort   nobody wants to know any more
 */
#ifndef SERVICE_MILTER_FILTER_H
#define SERVICE_MILTER_FILTER_H

#include "base/error.h"
#include "os/port.h"
#include "smtp/milter.h"

#define FILTER_PIECE_MAX (64u << 10)
#define FILTER_HEADER_MAX (256u << 10) /* SERVICE_HEADER_MAX */
#define FILTER_TEXT_MAX 1024u          /* octets of a name or an address */
#define FILTER_CONVERSATIONS_MAX 256u  /* at once; more are ERR_LIMIT */
#define FILTER_CONNECT_MS 5000
#define FILTER_ANSWER_MS 30000 /* for each word of it */
#define FILTER_TOTAL_MS 120000 /* for all that it says at the end, "still at work" included */

enum filter_failure { /* what is done when it says nothing */
	FILTER_FAILURE_ACCEPT = 0,
	FILTER_FAILURE_DEFER = 1,
};

struct filter_begin {
	struct slice host, address;
	struct slice hello, sender;
	const struct slice *recipients;
	size_t recipient_count;
	struct slice hostname, id, tls_version, tls_cipher;
	struct slice header;
};

struct filter_handle {
	uint64_t handle;
};

struct filter_body {
	uint64_t handle;
	struct slice data; /* at most FILTER_PIECE_MAX */
};

struct filter_taken {
	bool enough;
};

struct filter_said {
	uint32_t verdict; /* enum milter_verdict */
	struct slice reply;
	bool quarantine;
	struct slice reason;
	const struct milter_edit *edits;
	size_t edit_count;
	uint32_t ignored;
};

struct filter_nothing {
	uint8_t unused;
};

#define FILTER_METHODS(X) \
	X(begin, 1, filter_begin, filter_handle) \
	X(body, 2, filter_body, filter_taken) \
	X(end, 3, filter_handle, filter_said) \
	X(abort, 4, filter_handle, filter_nothing)

#define FILTER_METHOD_NUMBER(name, number, request, reply) FILTER_METHOD_##name = (number),
enum filter_method { FILTER_METHODS(FILTER_METHOD_NUMBER) };
#undef FILTER_METHOD_NUMBER

extern const struct port_interface filter_interface;

#define FILTER_CALL(name, number, request, reply) \
	static inline int filter_##name##_submit( \
	    struct port *p, const struct request *in, port_done_fn *done, void *ctx, struct error *e) \
	{ \
		return port_submit(p, (number), in, done, ctx, e); \
	}
FILTER_METHODS(FILTER_CALL)
#undef FILTER_CALL

/* ---- where it is ---- */

struct filter_place {
	char address[256]; /* a path, or a numeric address */
	uint16_t port;     /* 0: it is a path */
};

/* "unix:/path", or a numeric address of this machine: "127.0.0.1:11332", "[::1]:11332". What it is told is not encrypted. */
bool filter_place_parse(struct slice text, struct filter_place *out);

/* ---- the end that connects ---- */

struct filter;

int filter_new(const struct filter_place *place, struct filter **out, struct error *e);
int filter_start(struct filter *f, struct error *e);
/* For port_server_new(). */
const struct port_service *filter_service(struct filter *f);
/* Behind the servers of its service. NULL is permitted. */
void filter_free(struct filter *f);

/* ---- the end that asks ---- */

struct conn;
struct filter_call;

/* Begins a conversation. wake: woken when filter_call_step() is worth while. ERR_NOMEM; whatever else goes wrong is told at the end. */
int filter_call_new(
    struct port *port, const struct filter_begin *in, struct conn *wake, struct filter_call **out, struct error *e);
void filter_call_body(struct filter_call *c, struct slice piece);
/* It cannot keep up: read no more of the message before the next step. */
bool filter_call_is_full(const struct filter_call *c);
void filter_call_end(struct filter_call *c);
/* True: there is an outcome. */
bool filter_call_step(struct filter_call *c);
/* What it said; NULL: nothing, *e says why. Lives as long as c. */
const struct filter_said *filter_call_said(const struct filter_call *c, struct error *e);
/* Any thread. NULL is permitted. */
void filter_call_free(struct filter_call *c);

#endif
