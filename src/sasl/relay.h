/* SPDX-License-Identifier: ISC */
/*
 * The server's side of the wire, where strangers are: which mechanisms are
 * offered, and the lines of an exchange, which become decoded messages for
 * who runs the mechanism (sasl/server.h), perhaps in another process.
 *
 *   sasl_offer_write(&offer, ...)             in EHLO, CAPABILITY, CAPA
 *   sasl_relay_begin(&r, name, &offer)        AUTH, AUTHENTICATE
 *   no initial response?                      send sasl_relay_first(), read a line
 *   sasl_relay_response(&r, text, initial)    0: r.message of r.mechanism is to be asked about. The answer is one of
 *     a challenge                             send sasl_relay_challenge(), read a line, and again
 *     yes, or no                              say so
 *   sasl_relay_done(&r)                       wipes
 *
 * Every question carries a message of the client: what comes before the first
 * is known here. With yes there is never anything more to send: a server's
 * last words (SCRAM's proof of the server) are a challenge like others, which
 * the client answers with an empty message (RFC 4422 section 5, RFC 4954
 * section 4).
 *
 * Text is taken strictly: base64 without white space, with exact padding and
 * no bits under it (CVE-2026-33603 came of less). A line "*" ends the exchange.
 */
#ifndef SASL_RELAY_H
#define SASL_RELAY_H

#include "sasl/sasl.h"

/* What a connection may be offered. */
struct sasl_offer {
	bool tls;            /* without it, nothing */
	bool bindings;       /* channel binding data is at hand: the -PLUS mechanisms */
	unsigned mechanisms; /* SASL_BIT()s that the service has; others do not exist */
};

/* The mechanisms of an offer that may be used: a set of SASL_BIT()s. */
unsigned sasl_offer_set(const struct sasl_offer *offer);
/*
 * Appends the names, the best first, each with before in front: " " gives what
 * SMTP and POP3 say, " AUTH=" what IMAP does. Nothing when nothing is offered.
 * Returns out's sticky error.
 */
int sasl_offer_write(const struct sasl_offer *offer, const char *before, struct buf *out);

struct sasl_relay {
	enum sasl_mechanism mechanism; /* SASL_NONE: no exchange is under way */
	unsigned rounds;               /* messages of the client so far */
	struct buf message;            /* the last of them, decoded; it may hold a password */
};

void sasl_relay_init(struct sasl_relay *r);
/* Wipes; the relay can begin again. */
void sasl_relay_done(struct sasl_relay *r);

/*
 * Also forgets an earlier exchange. ERR_UNSUPPORTED: no such mechanism, or not
 * in the offer; ERR_POLICY: not without TLS.
 */
int sasl_relay_begin(struct sasl_relay *r, struct slice name, const struct sasl_offer *offer, struct error *e);
/* Appends the encoded challenge for a client that sent no initial response; mostly empty. out's sticky error. */
int sasl_relay_first(const struct sasl_relay *r, struct buf *out);
/*
 * One encoded response. As an initial response, "=" stands for an empty one
 * (RFC 4954 section 4): pass initial. 0: r->message is filled. ERR_SYNTAX (bad
 * base64), ERR_LIMIT (too long), ERR_DENIED (the client gave up with "*"),
 * ERR_ORDER (no begin, or more rounds than any mechanism has), ERR_NOMEM: the
 * exchange is then over, here; whoever runs it must be told.
 */
int sasl_relay_response(struct sasl_relay *r, struct slice text, bool initial, struct error *e);
/* Appends a challenge, encoded. out's sticky error. */
int sasl_relay_challenge(struct slice challenge, struct buf *out);

#endif
