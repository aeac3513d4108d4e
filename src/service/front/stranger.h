/* SPDX-License-Identifier: ISC */
/*
 * What the sessions before authentication have in common, whatever they speak:
 * signing in, asked on the loop thread of the process that checks passwords
 * and answered on some other. The first member of each session's struct.
 *
 *   stranger_offer()      what the machine may announce
 *   stranger_password()   an address and a password, as IMAP LOGIN, POP3 USER and PASS have them
 *   stranger_begin()      an exchange of SASL: its first message, decoded (sasl/relay.h); and
 *   stranger_respond()    each further one
 *
 * The last three set asked; when the answer is there (answered), the conn is
 * woken, and stranger_take() says what is to be done:
 *
 *   STRANGER_CHALLENGE   send s->challenge (sasl_relay_challenge()); the client's response goes to stranger_respond()
 *   STRANGER_YES         hand the connection over (front.h): the process behind knows meanwhile whose it is
 *   STRANGER_NO          s->rc: ERR_PASSWORD (wrong), ERR_SYNTAX (a message that is none; the client may be told which of
 *                        the two it is), ERR_LIMIT (too many: come again later), others: it cannot be said now
 *
 * One thing is asked at a time; while asked is set the machine is fed nothing.
 * A client that gives an exchange up ("*") is answered by the machine alone:
 * what is left of it ends with the next, or with the connection.
 */
#ifndef SERVICE_FRONT_STRANGER_H
#define SERVICE_FRONT_STRANGER_H

#include <stdatomic.h>

#include "base/buf.h"
#include "sasl/relay.h"
#include "service/front/front.h"
#include "store/types.h"

struct stranger {
	const struct front *front;
	struct conn *conn;
	enum store_right protocol;        /* what is spoken: a password may be for some protocols only */
	void (*free)(struct stranger *s); /* the session's own, and its memory */
	atomic_uint refs;                 /* the connection, and the question under way */
	bool asked;                       /* the answer is not taken yet */
	bool open;                        /* an exchange is under way: the other end holds it for us */
	bool exchanging;                  /* what is asked is of it */
	atomic_bool answered;             /* then: */
	int rc;
	bool more;
	struct buf challenge; /* lives until the next question */
};

enum stranger_answer { STRANGER_CHALLENGE, STRANGER_YES, STRANGER_NO };

/* Holds c. */
void stranger_init(struct stranger *s, const struct front *f, struct conn *c, enum store_right protocol,
    void (*free)(struct stranger *s));
/* When the connection is closed or another session's. */
void stranger_release(struct stranger *s);

/* As TLS stands now: for each new machine. */
struct sasl_offer stranger_offer(const struct stranger *s);

/* An address or a password that is longer than any of ours is wrong, and not asked about. */
void stranger_password(struct stranger *s, struct slice address, struct slice password);
void stranger_begin(struct stranger *s, enum sasl_mechanism mechanism, struct slice message);
void stranger_respond(struct stranger *s, struct slice message);

/* After answered; asked is no more. */
enum stranger_answer stranger_take(struct stranger *s);

#endif
