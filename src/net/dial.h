/* SPDX-License-Identifier: ISC */
/*
 * Outgoing connections on an event loop: thousands, and no thread for each.
 *
 * A dialled connection is a struct conn (net/conn.h) like an accepted one, and
 * its session is driven through the same table: run() comes first when the
 * connection stands, conn_start_tls() shakes hands as client with what
 * dial_tls() said before, closed() is its end, also when it never came about;
 * dial_why() says there what went wrong. Whoever leaves nothing to say at the
 * peer's end of input gets closed() too.
 *
 * A dialer has one loop. Everything here is called on its thread, but for what
 * is said; dialer_loop() is where others post tasks to.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "base/error.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls_outgoing.h"

struct dialer;

struct dialer_config {
	int64_t handshake_ms;                   /* 0: NET_HANDSHAKE_MS */
	int64_t stall_ms;                       /* a peer that takes no output for so long is gone; 0: NET_STALL_MS */
	void (*due)(void *ctx, int64_t now_ms); /* what dialer_wake_at() asks for */
	void *ctx;
};

/* Any thread, before the first connection. ERR_NOMEM, ERR_IO. */
int dialer_new(const struct dialer_config *config, struct dialer **dialer_out, struct error *e);
int dialer_start(struct dialer *d, struct error *e);
struct loop *dialer_loop(struct dialer *d);
/* On the loop's thread: due() at that time, once; moves one that was asked for before. */
void dialer_wake_at(struct dialer *d, int64_t at_ms);
/* Any thread: connections that are open, or are to be. */
unsigned dialer_connections(const struct dialer *d);
/* Any thread but the loop's: cuts all connections, so that each session has its closed(), and ends the loop. */
void dialer_stop(struct dialer *d);
/* Stopped before. NULL is permitted. */
void dialer_free(struct dialer *d);

struct dial_target {
	const char *address; /* numeric, of IPv4 or IPv6; or the path of a socket, beginning with a slash */
	uint16_t port;
	const char *source; /* numeric, of the same kind; NULL: as the system says */
	int64_t connect_ms; /* time for connecting */
};

/*
 * Begins. 0: *conn_out lives until session's closed(), or longer if it is held;
 * run() and closed() come later, not from within. ERR_USAGE (an address that
 * is none, or of the other kind); ERR_NET (nothing can be sent there);
 * ERR_LIMIT (no descriptors); ERR_NOMEM.
 */
int dial(struct dialer *d, const struct dial_target *target, const struct conn_ops *ops, void *session,
    struct conn **conn_out, struct error *e);

/* Whom conn_start_tls() is to meet; borrowed until the handshake has ended. */
void dial_tls(struct conn *c, const struct tls_outgoing_config *config);
/* What it met, also when the handshake failed; empty before. */
const struct tls_outgoing_facts *dial_tls_facts(const struct conn *c);
/* In closed(): why the connection ended; code 0: in order. */
const struct error *dial_why(const struct conn *c);
/* Whether it ever stood. */
bool dial_did_connect(const struct conn *c);
/* Our end's address as text, empty for sockets of this machine and before it stood. Lives as long as c. */
const char *dial_local(const struct conn *c);
/* Whether both of its ends have the same address: the peer is this machine. */
bool dial_is_here(const struct conn *c);

#endif
