/* SPDX-License-Identifier: ISC */
/*
 * The client's side, base64 and all.
 *
 *   sasl_client_init(&c, &config)             the best mechanism that both have
 *   sasl_client_respond(&c, SLICE_EMPTY, out) the initial response
 *   sasl_client_respond(&c, challenge, out)   each further one
 *   sasl_client_finish(&c)                    the server said yes: did it prove what it had to?
 *   sasl_client_done(&c)                      wipes
 *
 * The order is SCRAM-SHA-256-PLUS, SCRAM-SHA-256, OAUTHBEARER and XOAUTH2 when
 * there is a token, PLAIN, LOGIN. Nothing is used without TLS.
 *
 * When SCRAM was refused. A server announces mechanisms before it knows the
 * account, and an account may have no SCRAM verifier: then the right password
 * is refused too, by some (Dovecot 2.3) already at the first message.
 * sasl_client_fallback() says whether to try again, with PLAIN: when the server
 * said no to SCRAM, and offers PLAIN. Not when the server's own proof was wrong,
 * or what it sent was malformed: that is no server that knows the account. When
 * it refused -PLUS before any salt, SCRAM without channel binding comes first: it
 * may know only other types of it (RFC 5802 has tls-unique, which TLS 1.3 has
 * not).
 *
 * What this gives away is what the order gives away already: an impostor whose
 * TLS is believed could announce nothing but PLAIN. Who wants more than TLS's
 * word remembers what worked, and sets config.permitted to SASL_SET_SCRAM, or to
 * -PLUS alone, from then on.
 */
#ifndef SASL_CLIENT_H
#define SASL_CLIENT_H

#include "sasl/sasl.h"

struct sasl_client_config {
	struct slice offered;                       /* names separated by spaces, as servers announce them */
	const struct sasl_credentials *credentials; /* what they point to must outlive the exchange */
	struct sasl_channel channel;                /* copied */
	unsigned permitted;                         /* SASL_BIT()s; 0: all */
	struct slice nonce;                         /* empty: random; for tests. Copied */
};

struct sasl_client_state; /* inside */

struct sasl_client {
	struct sasl_client_state *state; /* NULL: no exchange is under way */
	enum sasl_mechanism mechanism;
};

/*
 * ERR_UNSUPPORTED: the server offers nothing that both have (or that is
 * permitted); ERR_POLICY: not without TLS; ERR_USAGE: credentials that cannot be
 * sent (empty, too long, a NUL); ERR_NOMEM. c is then as after done.
 */
int sasl_client_init(struct sasl_client *c, const struct sasl_client_config *config, struct error *e);
/*
 * Appends the encoded response to an encoded challenge; the first call makes
 * the initial response and looks at no challenge. An empty response is "=" as
 * the initial one. ERR_SYNTAX, ERR_LIMIT, ERR_ORDER (the server wants more than
 * the mechanism has), ERR_INTEGRITY (a wrong nonce or a wrong proof of the
 * server: an impostor), ERR_POLICY (an iteration count out of bounds), ERR_PASSWORD
 * (the server says in the exchange that it refuses), ERR_CRYPTO, or out's error:
 * then send "*" and give up. The caller wipes out.
 */
int sasl_client_respond(struct sasl_client *c, struct slice challenge, struct buf *out, struct error *e);
/* After the server said yes. ERR_INTEGRITY: it did not prove that it knows the password's verifier: believe nothing. */
int sasl_client_finish(const struct sasl_client *c, struct error *e);
/* After the server said no: the mechanisms to permit for one more attempt, or 0. */
unsigned sasl_client_fallback(const struct sasl_client *c);
void sasl_client_done(struct sasl_client *c); /* also of one zeroed */

#endif
