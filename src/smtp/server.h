/* SPDX-License-Identifier: ISC */
/*
 * The server's side of SMTP (RFC 5321; submission RFC 6409) and LMTP (RFC
 * 2033) as a machine:
 *
 *   smtp_server_new(&config, &m, &e)      the greeting is in its output
 *   feed octets; then, until SMTP_SERVER_NOTHING:
 *     smtp_server_next(m, now, &event)
 *       a question (AUTHENTICATE, MAIL, RECIPIENT, DATA, END): smtp_server_answer(m, reply, ...) continues;
 *       in LMTP, END has as many answers as recipients were accepted, in their order
 *       CHUNK: text of the message; RESET: drop what was begun
 *       START_TLS: the reply is in the output. Shake hands, throw the machine away, make a new one with tls set
 *       CLOSE: send the output and close
 *   after answering AUTHENTICATE with SMTP_REPLY_AUTH_OK: smtp_server_renew() makes the machine behind authentication
 *
 * While a question is open the machine goes on with nothing; input waits, at
 * most SMTP_INPUT_MAX octets. Replies come in order, so pipelining (RFC 2920)
 * needs nothing more. Commands are the table in server_command.c.
 *
 * Announced: PIPELINING, SIZE (RFC 1870), 8BITMIME (6152), CHUNKING (3030,
 * without BINARYMIME), SMTPUTF8 (6531), REQUIRETLS (8689) where TLS stands, DSN (3461; not in LMTP, where who is in
 * front reports), ENHANCEDSTATUSCODES (2034), LIMITS (9422: RCPTMAX, the only
 * limit of those that there is), STARTTLS and AUTH where they may be given.
 *
 * Kept: lines end with CR LF only; over-long lines are answered once and
 * skipped; the text ends with CR LF . CR LF only, and with a bare CR or LF, a
 * NUL or more octets than permitted in it, it is read to its end and refused
 * (552, 550) without a question. Too many errors or idle time: 421.
 *
 * BDAT: DATA is asked at the first chunk; text comes as CHUNK, and END at LAST,
 * as with DATA. Nothing of a chunk is held, and nothing remembered but how many
 * octets came, so many chunks cost no more than few. The octets of a chunk that
 * is refused are dropped before the refusal is said; the transaction is then
 * over, and chunks that are in the pipe get 503. Where the octets' number
 * cannot be read the connection ends: they would be taken for commands.
 *
 * Slices in events are valid until the next call on the machine.
 */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/machine.h"
#include "base/slice.h"
#include "sasl/relay.h"
#include "smtp/dsn.h"
#include "smtp/path.h"
#include "smtp/reply.h"

struct smtp_server;

enum smtp_server_role {
	SMTP_SERVER_MX,         /* anybody; no AUTH */
	SMTP_SERVER_SUBMISSION, /* authentication before MAIL, over TLS only (RFC 6409 section 4.3, RFC 8314) */
	SMTP_SERVER_LMTP,       /* from a mail server in front: LHLO, no AUTH, an answer for each recipient */
};

struct smtp_server_config {
	enum smtp_server_role role;
	struct slice hostname;   /* copied */
	uint64_t size_max;       /* octets of a message's text; announced with SIZE (RFC 1870) */
	uint32_t recipients_max; /* 0: SMTP_RECIPIENTS_MAX; in LMTP at most SMTP_LMTP_RECIPIENTS_MAX */
	int64_t idle_ms;         /* 0: SMTP_IDLE_MS */
	bool tls;                /* TLS stands */
	bool can_start_tls;      /* STARTTLS may be offered */
	bool bindings;           /* for AUTH, as in sasl/relay.h: channel binding data is at hand */
	unsigned mechanisms;     /* likewise: SASL_BIT()s that AUTH offers */
};

enum smtp_server_what {
	SMTP_SERVER_NOTHING,
	SMTP_SERVER_START_TLS,
	SMTP_SERVER_AUTHENTICATE, /* mechanism, first, message. AUTH_...; or smtp_server_challenge(), and it comes again */
	SMTP_SERVER_MAIL, /* path (empty mailbox: the null sender), size, body_8bit, utf8, require_tls, ret, envid. SENDER_... */
	SMTP_SERVER_RECIPIENT, /* path, notify, orcpt. RECIPIENT_... */
	SMTP_SERVER_DATA,      /* DATA_GO, or a refusal: the transaction is then over */
	SMTP_SERVER_CHUNK,     /* chunk; no answer */
	SMTP_SERVER_END,       /* size. KEPT, or a refusal: the transaction is over. LMTP: once for each recipient */
	SMTP_SERVER_RESET,     /* the transaction is over, no answer; there may have been none */
	SMTP_SERVER_CLOSE,     /* the connection is over */
};

struct smtp_server_event {
	enum smtp_server_what what;
	struct smtp_path path;
	uint64_t size;        /* MAIL: as announced, or 0; END: octets of text */
	bool body_8bit;       /* MAIL: BODY=8BITMIME (RFC 6152) */
	bool utf8;            /* MAIL: SMTPUTF8; only then do paths hold octets over 127 */
	bool require_tls;     /* MAIL: REQUIRETLS (RFC 8689); only where TLS stands */
	enum smtp_return ret; /* MAIL */
	struct slice envid;   /* MAIL: as it was given, in xtext; empty: none */
	unsigned notify;      /* RECIPIENT: enum smtp_notify bits; 0: not said */
	struct slice orcpt;   /* RECIPIENT: "type;xtext" as it was given; empty: none */
	struct slice chunk;
	enum sasl_mechanism mechanism; /* AUTHENTICATE */
	bool first;                    /* likewise: the exchange begins here */
	struct slice message;          /* likewise: decoded; until the answer */
};

/* With its greeting to be sent (not with tls reached by STARTTLS: pass silent). ERR_NOMEM. */
int smtp_server_new(
    const struct smtp_server_config *config, bool silent, int64_t now_ms, struct smtp_server **m_out, struct error *e);
/*
 * The machine behind authentication, made in another process than the one
 * that asked for the password: from what the client called itself (esmtp: by
 * EHLO), and what is still to be said to it. ERR_NOMEM, ERR_LIMIT.
 */
struct smtp_server_resume {
	struct slice hello;
	bool esmtp;
	struct slice pending;
};
int smtp_server_resume(const struct smtp_server_config *config, const struct smtp_server_resume *from, int64_t now_ms,
    struct smtp_server **m_out, struct error *e);
/* For that other process: what was read and not used, and whether the client said EHLO. */
struct slice smtp_server_unread(const struct smtp_server *m);
bool smtp_server_is_esmtp(const struct smtp_server *m);
/* The machine behind authentication: takes over what was said at EHLO, unread input and unsent output; frees old. */
int smtp_server_renew(struct smtp_server *old, int64_t now_ms, struct smtp_server **m_out, struct error *e);
void smtp_server_free(struct smtp_server *m);

size_t smtp_server_feed(struct smtp_server *m, struct slice in, int64_t now_ms);
/* Fills *event_out; returns its what. */
enum smtp_server_what smtp_server_next(struct smtp_server *m, int64_t now_ms, struct smtp_server_event *event_out);
/*
 * Answers the open question; without one it does nothing. A reply of 2xx (354
 * for DATA) agrees. detail stands behind the reply's text (an id); no CR or LF.
 */
void smtp_server_answer(struct smtp_server *m, enum smtp_reply reply, struct slice detail, int64_t now_ms);
/* Instead, while AUTHENTICATE is open: the next round of the exchange. */
void smtp_server_challenge(struct smtp_server *m, struct slice challenge, int64_t now_ms);
/* Says 421 and closes, unless a question is open (then after it) or a text is under way (at once). */
void smtp_server_stop(struct smtp_server *m, enum smtp_reply reply);
struct slice smtp_server_output(struct smtp_server *m);
void smtp_server_sent(struct smtp_server *m, size_t len);
int64_t smtp_server_deadline(const struct smtp_server *m);

/* What the client called itself; empty before EHLO or HELO. It may be no domain name. */
struct slice smtp_server_hello(const struct smtp_server *m);
/* "SMTP", "ESMTPSA", "LMTP", "UTF8SMTPS", ... (RFC 3848, 6531 4.3), for Received; UTF8 when MAIL had SMTPUTF8. */
const char *smtp_server_protocol(const struct smtp_server *m);
/* END: answers that are due, one for each recipient in LMTP. Otherwise 1 while a question is open, and 0. */
uint32_t smtp_server_answers_due(const struct smtp_server *m);
/* A question is open. */
bool smtp_server_waits(const struct smtp_server *m);

/* For what drives any machine. */
extern const struct machine_ops smtp_server_ops;

#endif
