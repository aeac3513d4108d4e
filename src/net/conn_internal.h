/* SPDX-License-Identifier: ISC */
/*
 * What the kinds of connection share. A conn is driven either by a socket of
 * its own (conn_socket.c; conn_accept.c, dial.c), or by frames on a trunk from the process that has
 * the socket (trunk_far.c). Both have a session, a place on one loop, input
 * that the session has not taken yet, and deadlines in the loop's wheel.
 */
#ifndef NET_CONN_INTERNAL_H
#define NET_CONN_INTERNAL_H

#include <stdatomic.h>

#include "base/buf.h"
#include "net/limits.h"
#include "net/loop.h"
#include "net/peers.h"
#include "net/server.h"
#include "net/wheel.h"

struct sockaddr;

/* What socket conns need of the listener that accepted them. Outlives them. */
struct listener {
	struct listener_config config;
	struct listener *next;
	struct server *server;
	struct event *event;
	int fd;
	uint16_t port;
};

/* One loop and its connections. Loop thread only, but for what is said. */
struct conn_thread {
	struct loop *loop;
	struct conn *conns;
	atomic_uint conn_count; /* of them; any thread */
	struct peers *peers;    /* any thread */
	struct wheel wheel;
	struct event *tick; /* fires when the wheel may have something due */
	int64_t tick_at;
	int64_t handshake_ms, stall_ms;
	bool ending; /* the server stops: nobody is waited for long */
	/* Where all conns of a thread read into; what sessions leave is copied away. */
	uint8_t scratch[32u << 10];
};

int conn_thread_init(struct conn_thread *t, struct error *e);
void conn_thread_done(struct conn_thread *t);

enum conn_state {
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_CLOSING, /* output is flushed, no more input */
	CONN_LINGER,  /* our end is said; the peer may read it before the socket goes */
	CONN_DEAD,
};

struct conn_kind {
	/* Does what can be done without waiting. */
	void (*turn)(struct conn *c, int64_t now);
	/* The end: what it has of the outside is given back. */
	void (*let_go)(struct conn *c);
	bool (*can_start_tls)(const struct conn *c);
	bool (*is_tls)(const struct conn *c);
	bool (*tls_info)(const struct conn *c, struct conn_tls_info *info_out);
	bool (*tls_bindings)(const struct conn *c, struct conn_tls_bindings *out); /* NULL: none, ever */
};

/* The first member of each kind's struct. */
struct conn {
	const struct conn_kind *kind;
	const struct conn_ops *ops;
	void *session;
	struct conn_thread *thread;
	struct conn *next, **back; /* in thread->conns */
	struct loop_task wake_task;
	struct wheel_entry timer;
	int64_t limit_at; /* deadline of this state: handshake, stalled output, lingering; or MACHINE_NEVER */
	struct buf input; /* what the session has not taken yet */
	uint64_t origin;  /* conn_origin() */
	uint64_t id;
	atomic_uint refs;
	atomic_bool woken;
	atomic_bool dead; /* as state, for other threads */
	uint8_t state;    /* enum conn_state */
	bool start_tls;   /* asked for: when the output is flushed */
	bool close;       /* asked for */
	bool abort;       /* asked for: at the end of the turn */
	bool eof;         /* nothing more will come */
	bool became;      /* another session stands since the last run */
	uint16_t port;
	char peer[CONN_PEER_MAX];
};

/* A new conn of this size with its first task, which is run on t's loop. NULL without memory. */
struct conn *
conn_make(size_t size, const struct conn_kind *kind, struct conn_thread *t, size_t input_max, void (*first)(void *ctx));
/* In the first turn: it counts among the thread's conns and can be woken from now on. */
void conn_enlist(struct conn *c);
/* One turn and the deadlines after it. */
void conn_turn(struct conn *c);
void conn_die(struct conn *c);

/* ---- steps of a turn, the same for all kinds ---- */

static inline struct slice
conn_output(struct conn *c)
{
	return c->session == NULL ? SLICE_EMPTY : c->ops->output(c->session);
}

/* Offers what the session left before. Returns how many octets it took. */
size_t conn_offer_leftover(struct conn *c, int64_t now);
/* Runs the session, and the one that it handed over to. */
void conn_run(struct conn *c, int64_t now);
/* Nothing more comes, all is answered. */
bool conn_is_finished(struct conn *c);

/*
 * Takes the socket and the place already counted for key, also on failure (it
 * closes and uncounts them). Any thread; the first turn comes on t's loop.
 */
void conn_start(struct conn_thread *t, const struct listener *listener, int fd, const struct sockaddr *address,
    struct peer_key key);
/* Loop thread: every conn flushes and closes, or is cut at once. */
void conn_end_all(struct conn_thread *t, bool at_once);

#endif
