/* SPDX-License-Identifier: ISC */
/*
 * The server's machine before authentication. It knows the greeting,
 * capabilities, STARTTLS, LOGIN and AUTHENTICATE (RFC 3501 6.1, 6.2, RFC 4959
 * SASL-IR) and nothing of mailboxes, in small bounds. A password is taken
 * only under TLS; without it LOGINDISABLED is announced and both commands are
 * refused before the password is looked at.
 *
 * imap_login_next() gives one event:
 *   STARTTLS   "OK" is in the output. Start TLS after it, free this machine
 *              and make a new one with tls set and without greeting: whatever
 *              was received before the handshake is gone with the old one.
 *   PASSWORD   check it; then imap_login_refuse(), or make the machine of
 *              imap/server.h with the tag and free this one
 *   EXCHANGE   one decoded message of the client: likewise, or imap_login_challenge()
 *   CLOSE      end the connection when the output went out
 */
#ifndef IMAP_LOGIN_H
#define IMAP_LOGIN_H

#include "base/error.h"
#include "base/machine.h"
#include "sasl/relay.h"

struct imap_login;

struct imap_login_options {
	struct sasl_offer offer; /* tls: TLS stands */
	bool can_start_tls;      /* announce STARTTLS */
	bool greeting;           /* say the greeting; false after STARTTLS */
	struct slice name;       /* of the program, for the greeting and ID; must live as long as the machine */
};

enum imap_login_event_type {
	IMAP_LOGIN_NONE,
	IMAP_LOGIN_STARTTLS,
	IMAP_LOGIN_PASSWORD,
	IMAP_LOGIN_EXCHANGE,
	IMAP_LOGIN_CLOSE,
};

struct imap_login_event {
	enum imap_login_event_type type;
	struct slice user, password;   /* PASSWORD; until the answer, as the others */
	enum sasl_mechanism mechanism; /* EXCHANGE */
	bool first;                    /* likewise: it begins here */
	struct slice message;
};

extern const struct machine_ops imap_login_ops;

/* ERR_NOMEM. */
int imap_login_new(const struct imap_login_options *options, int64_t now_ms, struct imap_login **out, struct error *e);
/* Overwrites what it held. NULL is permitted. */
void imap_login_free(struct imap_login *m);
void imap_login_next(struct imap_login *m, int64_t now_ms, struct imap_login_event *out);
/* After EXCHANGE: the next round. */
void imap_login_challenge(struct imap_login *m, struct slice challenge);
/*
 * After either: "NO [code] text" and a new try, a few times. code: "AUTHENTICATIONFAILED"
 * or "UNAVAILABLE" (RFC 5530).
 */
void imap_login_refuse(struct imap_login *m, struct slice code, struct slice text);
/* After EXCHANGE: "BAD": the message was none of that mechanism. */
void imap_login_malformed(struct imap_login *m);
/* "* BYE text", then CLOSE. */
void imap_login_bye(struct imap_login *m, struct slice text);
/* After STARTTLS: waiting to be replaced. */
bool imap_login_wants_tls(const struct imap_login *m);
/* After PASSWORD and EXCHANGE: the tag of that command. */
struct slice imap_login_tag(const struct imap_login *m);
/* True from PASSWORD or EXCHANGE to its answer. */
bool imap_login_busy(const struct imap_login *m);

#endif
