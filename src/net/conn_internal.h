/* SPDX-License-Identifier: ISC */
/*
 * Between server.c and conn.c: how an accepted socket becomes a conn, and the
 * loop with its connections.
 */
#ifndef NET_CONN_INTERNAL_H
#define NET_CONN_INTERNAL_H

#include "net/loop.h"
#include "net/peers.h"
#include "net/server.h"

struct sockaddr;

/* What conns need of the listener that accepted them. Outlives them. */
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
	struct peers *peers; /* any thread */
	int64_t handshake_ms, stall_ms;
	bool ending; /* the server stops: nobody is waited for long */
	/* Where all conns of a thread read into; what sessions leave is copied away. */
	uint8_t scratch[32u << 10];
};

/*
 * Takes the socket and the place already counted for key, also on failure (it
 * closes and uncounts them). Any thread; the first turn comes on t's loop.
 */
void conn_start(struct conn_thread *t, const struct listener *listener, int fd, const struct sockaddr *address,
    struct peer_key key);
/* Loop thread: every conn flushes and closes, or is cut at once. */
void conn_end_all(struct conn_thread *t, bool at_once);

#endif
