/* SPDX-License-Identifier: ISC */
/*
 * One client's connection, driven by an event loop thread.
 *
 * A conn owns the socket and the TLS state, or its place on the trunk to the
 * process that has them (net/trunk.h), and what little input the session has
 * not taken yet; nothing else, so an idle connection costs almost nothing. The
 * protocol is the session's: a table of functions (struct conn_ops) and a
 * pointer, made by the listener's open function. Every function of the table
 * is called on the conn's own loop thread and never two at once; none of them
 * may block. A session that works elsewhere meanwhile (a worker, a port call)
 * holds a reference (conn_hold), calls conn_wake() when it is done, and is run
 * again on the loop thread.
 *
 * The order of things:
 *   open       by the listener: for a plain listener at once, for implicit TLS
 *              when the handshake is done, so half a handshake costs no session
 *   run        once after open (say the greeting here), then after every feed,
 *              after output went out and little is left, after conn_wake(),
 *              after the handshake of conn_start_tls(), and at the deadline
 *   feed       octets arrived; take as many as wanted. What is not taken is
 *              kept and offered again after the next run; meanwhile nothing is
 *              read from the socket
 *   output     what to send now. It may grow at its end until it is sent, but
 *              the octets that were returned stay in front of it (TLS may be
 *              asked to send the same octets again)
 *   sent       so many octets of the output went out
 *   closed     the connection is gone: free the session now, or when nothing of
 *              it is in flight any more. Nothing is called after this
 *
 * The loop is fair: in one turn a conn reads and writes at most CONN_TURN_MAX
 * octets, then it waits behind the others. A peer that takes no output for the
 * listener's stall time is closed. At the peer's end of input what is left is
 * still offered and answered; then the connection closes.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/machine.h"
#include "base/slice.h"
#include "net/loop.h"

struct conn;

struct conn_ops {
	/* Takes octets from the front of in and returns how many. */
	size_t (*feed)(void *session, struct slice in, int64_t now_ms);
	/* Pump the machine's events, answer, start or continue commands. */
	void (*run)(void *session, struct conn *c, int64_t now_ms);
	/* What should be sent; valid until the next call on this session. */
	struct slice (*output)(void *session);
	void (*sent)(void *session, size_t len);
	/* Absolute time (monotonic milliseconds) of the next run at the latest, or MACHINE_NEVER. */
	int64_t (*deadline)(const void *session);
	void (*closed)(void *session);
	/*
	 * Optional (NULL permitted): true while an answer is still to come. Asked after the
	 * peer's end of input, or when the server stops, to know whether to wait before closing.
	 */
	bool (*busy)(const void *session);
	/* Optional: the peer has said its end of input. What came before has been fed or is kept for feed. */
	void (*ended)(void *session);
	/*
	 * Optional: the server stops. Output the last words, unless an answer is to come: then it is sent first, and this
	 * is called again. run() follows, and as soon as busy() is false the connection closes.
	 */
	void (*stopping)(void *session);
};

/*
 * What names this TLS connection to both of its ends, and to nobody between them (RFC 5056): channel binding data of the
 * types tls-exporter (RFC 9266) and tls-server-end-point (RFC 5929 section 4). A length of 0: it has none of that type.
 */
#define CONN_EXPORTER_SIZE 32u
#define CONN_END_POINT_MAX 64u
struct conn_tls_bindings {
	uint8_t exporter[CONN_EXPORTER_SIZE], end_point[CONN_END_POINT_MAX];
	size_t exporter_len, end_point_len;
};

/* What TLS gives, for Received fields and logs. Texts are constant and NUL-terminated. */
struct conn_tls_info {
	const char *version; /* "TLSv1.3" */
	const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
	uint32_t bits;       /* of the cipher's secret */
};

/* --- any thread --- */

/* One more owner, and one fewer; the last frees the struct. The session holds one for each thing in flight. */
void conn_hold(struct conn *c);
void conn_release(struct conn *c);
/* Asks for run() on the loop thread, soon. Calls before it happens count once; after closed() it does nothing. */
void conn_wake(struct conn *c);
/* Runs the task on the conn's loop thread, after what is ready there (loop_post() in net/loop.h): for what several conns gather. */
void conn_post(struct conn *c, struct loop_task *task);
/* A number that no other connection of this process has had. */
uint64_t conn_id(const struct conn *c);
/*
 * The number of the connection in all processes' logs: conn_id() in the process that has the socket. For people: who has
 * the socket may say what it likes.
 */
uint64_t conn_origin(const struct conn *c);
/* The numbers of this process begin behind that one. Before the first connection. */
void conn_ids_from(uint64_t first);
/* The peer's address as text, "192.0.2.1" or "2001:db8::1"; valid as long as the conn. */
const char *conn_peer(const struct conn *c);
/* Our own port of this connection. */
uint16_t conn_port(const struct conn *c);

/* --- loop thread only, from within the session's functions --- */

/*
 * Sends what is output now, drops all input that is not yet fed (NO STARTTLS:
 * what came before the handshake must not survive it), and shakes hands as
 * server. run() is called when TLS stands; when it fails the conn closes.
 * The session forgets what it has buffered itself. ERR_UNSUPPORTED when the
 * listener has no certificate (do not announce STARTTLS then: see
 * conn_can_start_tls), ERR_ORDER when TLS stands already.
 */
struct error;
int conn_start_tls(struct conn *c, struct error *e);
/* True when the listener has a certificate and TLS does not stand yet. */
bool conn_can_start_tls(const struct conn *c);
bool conn_is_tls(const struct conn *c);
/* False without TLS. */
bool conn_tls_info(const struct conn *c, struct conn_tls_info *info_out);

/* False, and both empty, where there are none: without TLS, or when its end is in another process. */
bool conn_tls_bindings(const struct conn *c, struct conn_tls_bindings *out);

/*
 * From now on another session is driven: the hand-over after authentication.
 * As the last act of run(): the old session frees itself, without closed();
 * the new one is run in the same turn.
 */
void conn_become(struct conn *c, const struct conn_ops *ops, void *session);
void *conn_session(struct conn *c);

/* No more feed; what is output by the end of the current run is sent, then the connection ends. */
void conn_close(struct conn *c);
/* Ends it at once, unsent output included (a peer that breaks the rules). closed() comes after the current call returns. */
void conn_abort(struct conn *c);

#endif
