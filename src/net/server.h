/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets, and the event loops that drive what they accept.
 *
 * A server has one loop a core. The first loop accepts and hands each new
 * connection to the next loop in turn. How many connections there may be, in
 * all and from one address, is counted over all listeners of the server; who
 * is over it is told the listener's refusal and closed.
 *
 *   server_new(limits) ; server_listen() for each port ; server_start()
 *   ... server_stop(): no new connections, open ones end ; server_free()
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "net/conn.h"
#include "net/tls.h"

struct server;

/* Zero in a field means its default (net/limits.h). */
struct server_limits {
	unsigned threads; /* event loops; default: cores, at most 64 */
	uint32_t connections;
	uint32_t connections_peer;
	uint32_t connections_prefix; /* of one IPv4 /24 or IPv6 /48 */
	/* One of several accepting processes: the descriptor of peers_share() + 1, and which one it is; 0: alone. */
	int peers_fd;
	uint32_t front;
	uint32_t
	    connections_here; /* of this process; with so many it leaves accepting to others; 0: no bound of its own */
	int64_t handshake_ms;
	int64_t stall_ms;
};

struct listener_config {
	const char *address; /* numeric: "127.0.0.1", "0.0.0.0", "::" */
	uint16_t port;       /* 0: any free one */
	int fd; /* a listening socket + 1 that becomes the server's, in place of address and port; 0: none */
	struct tls_server *tls; /* NULL: no TLS here. Must outlive the server */
	bool implicit_tls;      /* handshake first (RFC 8314 3) */
	bool
	    trusted; /* a program of the administrator's connects here: no limit for its address, only the one for all */
	const struct conn_ops *ops;
	/* Makes a session for c. On the conn's loop thread; must not block. Failing closes the connection. */
	int (*open)(void *ctx, struct conn *c, void **session_out, struct error *e);
	void *ctx;
	unsigned protocol; /* enum metric_protocol: as what its connections are counted */
	struct slice
	    refusal; /* sent in clear to whom there is no room for, "421 ...\r\n"; empty, or with implicit TLS: nothing */
};

/* ERR_NOMEM, ERR_IO. */
int server_new(const struct server_limits *limits, struct server **server_out, struct error *e);
/* Before server_start(). The config is copied, what it points to is not. ERR_NET says why
 * (in use, not permitted); ERR_UNSUPPORTED: no such address on this machine. */
int server_listen(struct server *s, const struct listener_config *config, uint16_t *port_out, struct error *e);
int server_start(struct server *s, struct error *e);
/* A listening socket, for a listener's fd in this or another process. Errors as above. */
int server_bind(const char *address, uint16_t port, int *fd_out, struct error *e);
/*
 * The same on a Unix socket at this absolute path, for everybody who may enter
 * its folder (0666). A socket that is there is replaced when nobody listens on
 * it; anything else there stays. Not while another thread makes files: it sets
 * the umask for a moment. ERR_USAGE (no such path), ERR_NET.
 */
int server_bind_unix(const char *path, int *fd_out, struct error *e);
#define SERVER_ADDRESS_MAX 46u /* INET6_ADDRSTRLEN */
/* The numeric address that it is bound to; false: none. */
bool server_address_of(int fd, char out[SERVER_ADDRESS_MAX]);
/* The port that a socket is bound to; 0: none. */
uint16_t server_port_of(int fd);
/*
 * Once, not from a loop: stops accepting, flushes and closes every connection,
 * waits at most wait_ms for them, cuts the rest. When it returns every session
 * has had its closed() and no loop runs any more.
 */
void server_stop(struct server *s, int64_t wait_ms);
uint32_t server_connections(struct server *s);
/* New limits for connections that come from now on; threads and peers_fd stay. Any thread. */
void server_set_limits(struct server *s, const struct server_limits *limits);
/*
 * After server_stop() or without server_start(), and when nothing that holds a
 * conn is in flight any more (close the ports and pools first). NULL is permitted.
 */
void server_free(struct server *s);

#endif
