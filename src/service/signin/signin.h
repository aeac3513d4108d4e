/* SPDX-License-Identifier: ISC */
/*
 * The end that answers authenticate and exchange (service/ask.h): who is this?
 *
 * A password is that of the account, by Argon2id, or one of its app passwords
 * (service/signin/app_password.h), by their SCRAM verifiers. An exchange of SASL runs
 * here (sasl/server.h) and waits, bounded, for its client between two messages.
 *
 * Every attempt passes service/signin/throttle.h once, before its secret is looked
 * at: for a password before the account is looked for, for SCRAM with the
 * client's proof, for a token with the token. It then waits its turn for the
 * delay that the throttle says, for mail's answer with the verifiers, and, a
 * password, for a thread that computes (tens of milliseconds each). Every
 * queue is bounded and none holds a thread; over a bound the answer is
 * ERR_LIMIT at once. Checks from places that the account does not know are
 * paced (service/signin/pace.h): those that fail take half of one processor at most.
 *
 * OAUTHBEARER's host and port (RFC 7628 section 3.2) are not compared. No one value of either is known here: there are
 * several domains, the names that they give to this host, and ports that are forwarded to ours. And the message is not
 * signed, so who passes a token on writes into them what is wanted; whom a token is for is in its audience.
 *
 * For an account that is not there, has no password, no app password or no
 * SCRAM verifier the same is computed and the same is said. How long mail looks
 * for an account and its credentials, some tens of microseconds more or less,
 * is lost in what a password's check takes; SCRAM's salt, which costs nothing
 * and may be asked for often, is said a fixed time after the question. On yes, mail is
 * told whose the connection is and with which credential (grant), before the
 * asking process hears it; mail says no when that has been revoked meanwhile.
 */
#ifndef SERVICE_SIGNIN_SIGNIN_H
#define SERVICE_SIGNIN_SIGNIN_H

#include "base/error.h"
#include "os/port.h"
#include "service/signin/token.h"

struct signin;

struct signin_options {
	unsigned threads; /* password checks at once, of strangers and of who is known; 0: SERVICE_AUTH_THREADS */
	uint32_t scram_iterations; /* said for accounts that have no SCRAM verifier; 0: that of app passwords */
	uint32_t lookup_ms; /* after which SCRAM says a salt, whatever was found; 0: at once. SERVICE_LOOKUP_MS */
};

/* mail: a port to service/ask.h's verifier, salt_key and grant; stays the caller's. ERR_NOMEM, ERR_IO. */
int signin_new(struct port *mail, const struct signin_options *options, struct signin **signin_out, struct error *e);
/* From now on; NULL: tokens are worth nothing. Takes v, whose check may still run once or twice for the old one. Any thread. */
void signin_set_tokens(struct signin *s, struct token_validator *v);
/* For port_open_local() or port_server_new(). The tags of its sockets are process numbers (service/permit.h). */
const struct port_service *signin_service(struct signin *s);
/* Ports to it must be closed, and mail still there. What waits is answered ERR_CLOSED. NULL is permitted. */
void signin_free(struct signin *s);

#endif
