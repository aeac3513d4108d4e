/* SPDX-License-Identifier: ISC */
/*
 * Calls as messages. Two parts of the program that may be two processes talk
 * through a port: one end asks, the other carries out. Every request and every
 * reply is a plain struct with a codec schema and crosses as encoded bytes,
 * also when both ends are in one process, so that a split changes no caller.
 *
 *   struct port_interface   the constant table of methods both ends know
 *   struct port             the asking end: port_call(), port_submit()
 *   struct port_service     the other end: handlers and their context
 *   struct port_job         one call being carried out: answered once, by any thread
 *
 * Transports: port_open_local() (same process: the handler runs on the
 * caller's thread until it hands the job on) and port_open_socket() to a
 * struct port_server in another process or thread (frames over a connected
 * stream socket). An error travels as {code, offset, text}.
 *
 * Order: calls made by one thread on one port reach the handlers in that
 * order; replies come in any order. At most PORT_IN_FLIGHT_MAX calls and
 * PORT_IN_FLIGHT_OCTETS of requests are unanswered on one port. When the
 * other end is gone, every unanswered call fails with ERR_CLOSED.
 *
 * The serving end trusts nothing that arrives: an undecodable request is
 * answered with its error, an impossible frame ends that connection only.
 */
#ifndef OS_PORT_H
#define OS_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/error.h"

#define PORT_IN_FLIGHT_MAX 4096u          /* unanswered calls of one port */
#define PORT_IN_FLIGHT_OCTETS (64u << 20) /* of their encoded requests */
#define PORT_ARENA_BUDGET (64u << 20)     /* one decoded request, or one decoded reply of port_submit() */
#define PORT_METHOD_MAX 0x7fffu           /* the bit above marks an error reply */

struct port_method {
	uint16_t number; /* 1 to PORT_METHOD_MAX; stays the same for ever */
	const char *name;
	const struct codec_schema *request;
	const struct codec_schema *reply;
};

struct port_interface {
	const char *name; /* for error sentences: "store", "ask" */
	const struct port_method *methods;
	size_t method_count;
};

/* ---- the asking end ---- */

struct port;

/*
 * The answer to port_submit(): reply is the decoded reply struct, or NULL and
 * e says why. Both live until the function returns. It is called exactly once
 * for each successful port_submit(), on any thread, possibly before
 * port_submit() returns: hold no lock in port_submit() that it takes. It must
 * not block and must not call port_close().
 */
typedef void port_done_fn(void *ctx, const void *reply, const struct error *e);

/*
 * Asks and waits for the answer, also for room when too many calls are in
 * flight. reply_out (of the reply's struct) is filled, its slices and lists
 * live in a. Returns 0, the error that the other end answered with, ERR_CLOSED,
 * or what the codec says of a request that cannot be encoded.
 */
int port_call(struct port *p, uint16_t method, const void *request, struct arena *a, void *reply_out, struct error *e);

/*
 * Asks and returns; never blocks on the other end (request is encoded before
 * it returns). 0: done will be called. Otherwise it will not: ERR_LIMIT when
 * too much is in flight (answer "busy, later"), ERR_CLOSED, codec errors.
 */
int port_submit(struct port *p, uint16_t method, const void *request, port_done_fn *done, void *ctx, struct error *e);

/*
 * Fails what is unanswered with ERR_CLOSED, waits until no done function of
 * this port is running, frees. NULL is permitted. No other thread may use the
 * port any more.
 */
void port_close(struct port *p);

/* ---- the carrying-out end ---- */

struct port_job;

struct port_handler {
	uint16_t number;
	/*
	 * Carries the call out, or hands the job to another thread. Runs on the
	 * caller's thread (local) or the server's loop thread: it must not block
	 * unless port_job_may_block().
	 */
	void (*run)(void *ctx, struct port_job *job);
};

struct port_service {
	const struct port_interface *interface;
	const struct port_handler *handlers; /* a method without a handler is answered ERR_DENIED */
	size_t handler_count;
	void *ctx;
	/* May be NULL. Nothing more comes from this peer (see port_job_peer()); jobs of it may still be running. */
	void (*peer_gone)(void *ctx, uint64_t peer);
};

/* The decoded request; lives until the job is answered. */
const void *port_job_request(const struct port_job *job);
uint16_t port_job_method(const struct port_job *job);
/* For the reply's slices and lists; lives until the job is answered. */
struct arena *port_job_arena(struct port_job *job);
/* Which asking end: unique in this process as long as it runs, never 0. */
uint64_t port_job_peer(const struct port_job *job);
/* What port_server_add() was told about the asking end; 0 over the local transport. */
uint64_t port_job_tag(const struct port_job *job);
/* Whether the thread that called run() waits for this very answer anyway (port_call() over the local transport). */
bool port_job_may_block(const struct port_job *job);
/* A place for whoever holds the job: to queue it. Starts NULL. */
void **port_job_slot(struct port_job *job);

/* Each job is answered exactly once with one of these, by any thread; it is gone afterwards. */
void port_reply(struct port_job *job, const void *reply);
void port_fail(struct port_job *job, const struct error *e);

/* ---- transports ---- */

/* In this process. The service (and what it points to) must outlive the port. */
int port_open_local(const struct port_service *service, struct port **port_out, struct error *e);

/*
 * Over a connected stream socket (socketpair, unix socket), which the port
 * owns from now on, also on failure. Starts one thread.
 */
int port_open_socket(const struct port_interface *interface, int fd, struct port **port_out, struct error *e);

/*
 * To another process that is not there yet, or may be started anew: without
 * a socket every call fails with ERR_CLOSED at once. Starts one thread.
 */
int port_open_waiting(const struct port_interface *interface, struct port **port_out, struct error *e);
/*
 * The socket of a port_open_waiting(), which the port owns from now on, also on
 * failure. One that it had before is ended, with the calls on it. Any thread.
 */
int port_attach(struct port *p, int fd, struct error *e);
/* Called on the port's thread when its socket is gone; broken: what came could be no answer. Before port_attach(). */
void port_on_gone(struct port *p, void (*gone)(void *ctx, bool broken), void *ctx);

/* Serves any number of connected sockets with one loop thread. */
struct port_server;

int port_server_new(const struct port_service *service, struct port_server **server_out, struct error *e);
/*
 * Takes the descriptor, also on failure. From any thread. service: what this
 * peer may ask; NULL for the server's own. tag: who it is, for port_job_tag().
 */
int port_server_add(struct port_server *s, int fd, const struct port_service *service, uint64_t tag, struct error *e);
/* broken: what came over the socket of this tag cannot be frames of ours. On the server's thread; before the first socket. */
void port_server_on_broken(struct port_server *s, void (*broken)(void *ctx, uint64_t tag), void *ctx);
/* Sockets being served; one that the peer closed is no longer counted. */
size_t port_server_count(struct port_server *s);
/* Closes all. Jobs still running may be answered later; the answer is dropped. NULL is permitted. */
void port_server_free(struct port_server *s);

#endif
