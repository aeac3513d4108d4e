/* SPDX-License-Identifier: ISC */
/*
 * SASL exchanges (RFC 4422), both sides. The protocol (SMTP, IMAP, POP3) reads
 * and writes the lines; here is what stands in them, base64 and all.
 *
 * Server:
 *   sasl_server_init(&s)
 *   sasl_server_begin(&s, name, tls)          the mechanism asked for
 *   step = sasl_server_response(&s, text)     the initial response if there was one, then each line of the client;
 *                                             without an initial response: sasl_server_challenge() first
 *   SASL_STEP_CHALLENGE: send sasl_server_challenge(), read a line
 *   SASL_STEP_CHECK: s.credentials are to be checked, then the exchange is over
 *   sasl_server_done(&s)                      wipes
 *
 * Client:
 *   sasl_client_init(&c, name, &credentials, tls)
 *   sasl_client_respond(&c, challenge, out)   appends the encoded response; the first call is the initial response
 *   sasl_client_done(&c)
 *
 * Encoded text is taken strictly: no white space, exact padding. A mechanism
 * that shows the password is neither offered nor used without TLS.
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "sasl/limits.h"

struct sasl_mechanism;

struct sasl_credentials {
	struct slice authorize; /* the identity to act as; empty: the same as identity */
	struct slice identity;  /* who proves: an account's address */
	struct slice password;
};

enum sasl_step {
	SASL_STEP_CHALLENGE = 1, /* another round */
	SASL_STEP_CHECK = 2,     /* credentials are complete */
};

struct sasl_server {
	const struct sasl_mechanism *mechanism;
	struct buf message;   /* the decoded response; credentials point into it */
	struct buf challenge; /* the decoded challenge */
	unsigned rounds;      /* responses so far */
	struct sasl_credentials credentials;
};

void sasl_server_init(struct sasl_server *s);
void sasl_server_done(struct sasl_server *s);

/* ERR_UNSUPPORTED: no such mechanism; ERR_POLICY: not without TLS. */
int sasl_server_begin(struct sasl_server *s, struct slice name, bool tls, struct error *e);
/* The encoded challenge to send now; may be empty (PLAIN's always is). Returns out's sticky error. */
int sasl_server_challenge(const struct sasl_server *s, struct buf *out);
/*
 * One encoded response. As an initial response, "=" stands for an empty one
 * (RFC 4954 section 4): pass initial. Returns an enum sasl_step, or ERR_SYNTAX
 * (bad base64, malformed message), ERR_LIMIT, ERR_DENIED (the client gave up
 * with "*"), ERR_ORDER (no begin, or it was over): the exchange is then over.
 */
int sasl_server_response(struct sasl_server *s, struct slice text, bool initial, struct error *e);

/* The names that may be offered, separated by spaces, appended. Returns out's sticky error. */
int sasl_offer(struct buf *out, bool tls);

struct sasl_client {
	const struct sasl_mechanism *mechanism;
	struct sasl_credentials credentials; /* borrowed: must outlive the exchange */
	struct buf message;
	unsigned rounds;
};

/*
 * The best mechanism that both sides have is taken from offered (names
 * separated by spaces, as servers announce them). ERR_UNSUPPORTED: none;
 * ERR_POLICY: only such as are not used without TLS; ERR_USAGE: credentials
 * that cannot be sent (empty, too long, a NUL).
 */
int sasl_client_init(
    struct sasl_client *c, struct slice offered, const struct sasl_credentials *credentials, bool tls, struct error *e);
/* The mechanism's name. */
const char *sasl_client_name(const struct sasl_client *c);
/*
 * Appends the encoded response to an encoded challenge; the first call makes
 * the initial response and looks at no challenge. An empty response is "=" as
 * the initial one. ERR_SYNTAX, ERR_ORDER (the server wants more than the
 * mechanism has), or out's error. The caller wipes out.
 */
int sasl_client_respond(struct sasl_client *c, struct slice challenge, struct buf *out, struct error *e);
void sasl_client_done(struct sasl_client *c);

#endif
