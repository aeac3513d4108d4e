/* SPDX-License-Identifier: ISC */
/*
 * Many clients' connections over one socket between two processes. The near
 * end is the process that has the clients' sockets and TLS (front); the far
 * end has their sessions (mail, mx, web) and never sees a descriptor of a
 * client. Plain octets travel as frames {connection, octets}, with credit in
 * both directions: nobody sends more than the other end has said it will hold,
 * so a client that reads slowly holds up nobody else's.
 *
 * Far end: server_add_trunk() makes each connection that the near end opens a
 * struct conn like any other, on one of the server's loops; sessions cannot
 * tell the difference. Near end: channel_open() hands a conn's octets on from
 * then on; what the conn's session was is replaced.
 *
 * The frames, from whom, and in which states of a connection they may come are
 * one table (trunk_rules). A connection's number on its trunk is chosen by the
 * near end and only grows, so a number that was never opened, or is opened
 * twice, is known. It is not the conn's id: connections are handed on in
 * another order than they came, when they have shaken hands or signed in.
 * Whoever gets what the table does not permit, more than it gave credit for,
 * more than NET_CONNECTIONS at once, or what is no frame, ends the trunk and
 * says so (broken): one end can hurt its own connections only.
 *
 * STARTTLS (RFC 3207, 3501): the far end asks; until the near end says that TLS
 * stands, the far end throws away all that arrives, so nothing that was sent
 * before the handshake survives it.
 */
#ifndef NET_TRUNK_H
#define NET_TRUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/codec.h"
#include "net/conn.h"
#include "net/server.h"

#define TRUNK_WINDOW_IN (32u << 10)  /* octets of a client that the far end holds */
#define TRUNK_WINDOW_OUT (64u << 10) /* octets for a client that the near end holds */
#define TRUNK_DATA_MAX (16u << 10)   /* octets of one data frame */
#define TRUNK_FRAME_MAX (64u << 10)  /* octets of any frame's body */
#define TRUNK_TEXT_MAX 512u          /* octets of hello, tag */

enum trunk_frame {
	TRUNK_OPEN = 1,  /* near: struct trunk_open */
	TRUNK_DATA,      /* both: octets */
	TRUNK_CREDIT,    /* both: u32, so many octets more may be sent */
	TRUNK_END,       /* near: the client's end of input */
	TRUNK_TLS,       /* near: struct trunk_tls, the handshake is done */
	TRUNK_GONE,      /* near: the connection is no more; the last of its number */
	TRUNK_START_TLS, /* far */
	TRUNK_CLOSE,     /* far: u8, 0: when all that was sent has gone out; 1: at once */
	TRUNK_FRAMES,
};

/* The states of one connection, as one end sees it; bits. */
enum trunk_state {
	TRUNK_ABSENT = 1,  /* a number higher than any before */
	TRUNK_PLAIN = 2,   /* open */
	TRUNK_SHAKING = 4, /* START_TLS was sent, TLS not yet answered */
	TRUNK_ENDED = 8,   /* END was sent; the near end itself does not care */
	TRUNK_CLOSED = 16, /* CLOSE was sent */
};

/* The states in which the receiver takes it, from the near end and from the far end. */
struct trunk_rule {
	unsigned from_near, from_far;
};

extern const struct trunk_rule trunk_rules[TRUNK_FRAMES];
/* Whether such a frame may come, from this end, in this state (one enum trunk_state). */
bool trunk_permits(unsigned frame, bool from_near, unsigned state);

struct trunk_tls {
	bool on;
	struct slice version, cipher;
	uint32_t bits;
};

/* What the far end is told of a new connection. Slices live until the call returns. */
struct trunk_open {
	uint64_t id;   /* channel_number(); set by channel_open(), as port, peer and TLS are */
	uint32_t kind; /* the caller's: what is spoken */
	uint16_t port;
	bool can_start_tls;
	struct trunk_tls tls;
	struct slice peer;    /* address as text */
	struct slice tag;     /* IMAP: of the command that signed in; POP3: "UTF8" in that mode */
	struct slice hello;   /* SMTP: what the client called itself; POP3: the mechanisms it was offered */
	bool esmtp;           /* SMTP: by EHLO */
	struct slice pending; /* what the session before has still to say */
	struct slice unread;  /* what it has read and not used; at most TRUNK_WINDOW_IN / 2 */
};

extern const struct codec_schema trunk_open_schema, trunk_tls_schema;

/* ---- far ---- */

struct trunk_far_config {
	/* Who is at the near end; unique as long as this process runs. */
	uint64_t tag;
	/*
	 * Makes the session, on the conn's loop; must not block. Failing closes the connection.
	 * number: channel_number() at the near end; {tag, number} is what another process may have said about it.
	 */
	int (*open)(void *ctx, uint64_t tag, uint64_t number, struct conn *c, const struct trunk_open *in,
	    const struct conn_ops **ops_out, void **session_out, struct error *e);
	/* The trunk is gone, or what came cannot come from a program of ours. On the loop; must not block. */
	void (*gone)(void *gone_ctx, uint64_t tag, bool broken);
	void *ctx, *gone_ctx;
};

/* Takes the socket, also on failure. Any thread, after server_start(). */
int server_add_trunk(struct server *s, int fd, const struct trunk_far_config *config, struct error *e);

/* ---- near ---- */

struct trunk;

/* On the first loop of a server (a front has one). gone: as above. ERR_NOMEM. */
int
trunk_new(struct server *s, void (*gone)(void *ctx, bool broken), void *ctx, struct trunk **trunk_out, struct error *e);
/* Takes the socket to the far end, in place of one before, whose connections are closed. Any thread. */
int trunk_attach(struct trunk *t, int fd, struct error *e);
/* Whether a far end is there. Loop thread. */
bool trunk_is_attached(const struct trunk *t);
/* After server_stop() and before server_free(), whose loop it is on. NULL is permitted. */
void trunk_free(struct trunk *t);

/*
 * The conn's octets go to the far end from now on: conn_become() with a
 * channel. Loop thread, as the last act of run() or within the listener's open
 * (then session_out, not NULL, gets the channel; the listener's ops are
 * channel_ops). ERR_CLOSED when no far end is there, ERR_LIMIT when a text is too
 * long, ERR_NOMEM; the conn stays as it is then.
 */
int channel_open(struct trunk *t, struct conn *c, const struct trunk_open *open, void **session_out, struct error *e);
extern const struct conn_ops channel_ops;
/* The number that the far end's open() is told of a conn: known from the start, so that others can speak of it. */
static inline uint64_t
channel_number(const struct conn *c)
{
	return conn_id(c);
}

#endif
