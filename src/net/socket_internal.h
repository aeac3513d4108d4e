/* SPDX-License-Identifier: ISC */
/*
 * A connection with its own socket: what is the same whether it was accepted
 * (conn_accept.c) or we made it (dial.c), and a table of what is not.
 */
#ifndef NET_SOCKET_INTERNAL_H
#define NET_SOCKET_INTERNAL_H

#include <event2/event_struct.h>

#include "net/conn_internal.h"
#include "net/tls_internal.h"

struct socket_conn;

struct socket_side {
	/* Before anything else, while `connecting`: IO_OK when the connection stands, IO_WANT_WRITE, IO_ERROR. NULL: it does. */
	enum io_result (*connected)(struct socket_conn *s);
	/* False: TLS cannot be asked for. */
	bool (*has_tls)(const struct socket_conn *s);
	/* For the handshake. NULL: it cannot be. */
	SSL *(*tls_new)(struct socket_conn *s);
	/* The handshake ended with r: IO_OK, or IO_ERROR, also when it went well with the wrong one. */
	enum io_result (*shaken)(struct socket_conn *s, enum io_result r);
	/* A session for c, when it has none yet. */
	int (*open)(struct socket_conn *s);
	/* Reading or writing failed; errno says how. May be NULL. */
	void (*lost)(struct socket_conn *s);
	/* It is closed: what was counted is given back. */
	void (*gone)(struct socket_conn *s);
};

struct socket_conn {
	struct conn c;
	const struct socket_side *side;
	SSL *ssl;
	struct event event;
	struct loop_task shake; /* one step of a handshake, when those who are in have had their turn */
	bool shaking;           /* it is deferred */
	bool implicit_tls;
	bool connecting;
	int fd;
	bool want_read, want_write;
	bool drained; /* the last read emptied the socket, and nothing has come since that the event told */
	short armed;  /* what the event waits for */
};

extern const struct conn_kind conn_socket_kind;

#endif
