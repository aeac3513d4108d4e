/* SPDX-License-Identifier: ISC */
/*
 * The client's side of SMTP (RFC 5321, 6409) as a machine, for sending from a
 * person's program and for sending on between servers.
 *
 *   smtp_client_new(&config, &m, &e)
 *   drive it (net/client.h: client_step(c, &smtp_client_ops, m, &e)) until smtp_client_next() tells:
 *     START_TLS   shake hands (client_start_tls), then smtp_client_secured(m)
 *     READY       smtp_client_send(m, &message, &e), or smtp_client_quit(m)
 *     RECIPIENT   the server's answer for one recipient; one event for each, in their order
 *     BODY        smtp_client_put() the text in any pieces while the output drains, then smtp_client_end()
 *     SENT        the outcome: event.accepted says whether the server took it for the recipients it agreed to;
 *                 READY comes again when another can be sent
 *     FAILED      event.error: the connection is of no more use. Nothing was taken unless SENT said so. ERR_CLOSED: the
 *                 server ends it (421); ERR_TLS: STARTTLS is not there or refused; ERR_NET: it does not want us, and
 *                 event.answer is what it said
 *     CLOSED      after smtp_client_quit(): done
 *
 * Never in clear when TLS was asked for: no STARTTLS offered, or refused, is
 * the end. With start_tls_if_offered it is asked for when the server offers it, and
 * a refusal is the end too: whether to connect anew in clear is the caller's to
 * decide (RFC 7435). Passwords go over TLS only. What the server said before TLS is
 * forgotten. When SCRAM is refused, PLAIN may be tried, once (sasl/client.h).
 * MAIL, RCPT and DATA go in one piece when the server has
 * PIPELINING (RFC 2920). In the text every line end is made CR LF and dots are
 * doubled, so nothing in it can end it (SMTP smuggling). Where the server has
 * CHUNKING as well, the text goes by BDAT (RFC 3030), with the same line ends.
 *
 * Nothing is made fit for a server that takes less: a message with octets over
 * 127 is not sent to one without 8BITMIME. RFC 6152 section 3 leaves the choice of
 * encoding it anew or returning it; encoding would break its signatures.
 *
 * The machine has no clock. smtp_client_patience_ms() is how long the server may take in
 * the present state (RFC 5321 section 4.5.3.2), from when smtp_client_steps() last changed.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/machine.h"
#include "base/slice.h"
#include "sasl/client.h"
#include "smtp/dsn.h"
#include "smtp/reply.h"

struct smtp_client;

struct smtp_client_config {
	struct slice hello;                         /* our name for EHLO: a domain name or "[127.0.0.1]"; copied */
	bool tls;                                   /* TLS stands already (implicit TLS) */
	bool start_tls;                             /* STARTTLS before anything else, or fail */
	bool start_tls_if_offered;                  /* STARTTLS where the server has it */
	const struct sasl_credentials *credentials; /* NULL: do not sign in. Borrowed until READY */
	bool no_chunking;                           /* the text goes by DATA, whatever the server has */
};

/* What is asked about reports on a recipient (smtp/dsn.h), for servers that have DSN. */
struct smtp_client_dsn {
	unsigned notify;    /* enum smtp_notify bits; 0: not said */
	struct slice orcpt; /* "rfc822;" and xtext; or empty */
};

struct smtp_client_message {
	struct slice from;                 /* "local@domain"; empty: the null sender */
	const struct slice *recipients;    /* "local@domain" each */
	size_t recipient_count;            /* 1 to SMTP_RECIPIENTS_MAX */
	uint64_t size;                     /* octets of the text, as far as known; 0: unknown */
	bool body_8bit;                    /* it holds octets over 127 */
	bool utf8;                         /* its header does (RFC 6532); addresses that do are seen by themselves */
	bool require_tls;                  /* REQUIRETLS (RFC 8689): over TLS, and to servers that have it */
	const struct smtp_client_dsn *dsn; /* of each recipient; NULL: nothing is said */
	enum smtp_return ret;
	struct slice envid; /* xtext, or empty */
};

enum smtp_client_what {
	SMTP_CLIENT_NOTHING,
	SMTP_CLIENT_START_TLS,
	SMTP_CLIENT_READY,
	SMTP_CLIENT_RECIPIENT,
	SMTP_CLIENT_BODY,
	SMTP_CLIENT_SENT,
	SMTP_CLIENT_FAILED,
	SMTP_CLIENT_CLOSED,
};

struct smtp_client_event {
	enum smtp_client_what what;
	size_t recipient; /* RECIPIENT: its index */
	bool accepted;    /* RECIPIENT, SENT */
	struct smtp_answer
	    answer;         /* RECIPIENT, SENT, FAILED (or code 0): the server's words; text is not made harmless */
	struct error error; /* FAILED: with the server's words made harmless */
};

/* ERR_USAGE: a hello that cannot be, or TLS asked for twice; ERR_NOMEM. */
int smtp_client_new(const struct smtp_client_config *config, struct smtp_client **m_out, struct error *e);
void smtp_client_free(struct smtp_client *m);

size_t smtp_client_feed(struct smtp_client *m, struct slice in, int64_t now_ms);
/* Fills *event_out, valid until the next call; returns its what. */
enum smtp_client_what smtp_client_next(struct smtp_client *m, struct smtp_client_event *event_out);
/* After START_TLS, when TLS stands. */
void smtp_client_secured(struct smtp_client *m);
/*
 * As soon as TLS stands (before smtp_client_secured()): channel binding data of the connection, borrowed until READY,
 * and the mechanisms that may be used (SASL_BIT()s; 0: all).
 */
void smtp_client_sasl(struct smtp_client *m, const struct sasl_channel *channel, unsigned permitted);
/* By which mechanism it signed in; SASL_NONE: not, or not yet. */
enum sasl_mechanism smtp_client_signed_in(const struct smtp_client *m);

/*
 * After READY. Recipients are borrowed until SENT. ERR_USAGE: an
 * address that cannot be in an envelope; ERR_LIMIT: larger than the server
 * takes (it announced SIZE); ERR_UNSUPPORTED: 8 bit text and the server has
 * no 8BITMIME, or UTF-8 in addresses or the header and no SMTPUTF8; ERR_POLICY: it is to go to servers with REQUIRETLS
 * over TLS only; ERR_ORDER; ERR_SYNTAX: it answers what was not asked. But for the last the connection stays usable.
 */
int smtp_client_send(struct smtp_client *m, const struct smtp_client_message *message, struct error *e);
/* After BODY: takes octets from the front of in and returns how many; 0: let the output drain first. */
size_t smtp_client_put(struct smtp_client *m, struct slice in);
/* The text is whole. */
void smtp_client_end(struct smtp_client *m);
/* QUIT, at any time. While the server may wait for text nothing is said: close the connection, it keeps nothing. */
void smtp_client_quit(struct smtp_client *m);

/* What the server announced; false and 0 before READY. */
bool smtp_client_has_8bitmime(const struct smtp_client *m);
bool smtp_client_has_utf8(const struct smtp_client *m);
bool smtp_client_has_dsn(const struct smtp_client *m);
bool smtp_client_has_require_tls(const struct smtp_client *m);
bool smtp_client_has_start_tls(const struct smtp_client *m); /* also when TLS stands by it now */
/* As what it calls itself; empty: not known. Valid as long as m is READY. */
struct slice smtp_client_server_name(const struct smtp_client *m);
uint64_t smtp_client_size_max(const struct smtp_client *m); /* 0: not said */

struct slice smtp_client_output(struct smtp_client *m);
void smtp_client_sent(struct smtp_client *m, size_t len);

/* After FAILED: QUIT is in the output, which is to be drained before the connection ends. */
bool smtp_client_says_goodbye(const struct smtp_client *m);

/* READY: MACHINE_NEVER, for nothing is waited for. */
int64_t smtp_client_patience_ms(const struct smtp_client *m);
/* Grows with each whole answer, and while text goes out with every SMTP_DATA_PROGRESS octets of it. */
uint64_t smtp_client_steps(const struct smtp_client *m);
/* The end of the text is said and not answered: if the connection is lost now, the server may have taken the message. */
bool smtp_client_is_in_doubt(const struct smtp_client *m);

/* No deadline of its own: whoever drives it bounds its waits. */
extern const struct machine_ops smtp_client_ops;

#endif
