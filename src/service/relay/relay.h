/* SPDX-License-Identifier: ISC */
/*
 * Sending on: what the process `relay` does. It leases messages that are due
 * from mail (service/queue/queue.h), asks the resolver which hosts take mail for
 * their domains (route.h), and drives SMTP over connections of its own (net/dial.h),
 * thousands at once on one thread.
 *
 *   relay.c        life, leases, deadlines
 *   job.c          an entry that is leased: what became of its recipients, told to mail until mail has heard it
 *   destination.c  where entries go: how many connections there are, which host is tried, what is kept open
 *   link.c         one connection: its machine (smtp/client.h) and the transaction under way; link_text.c the text
 *   route.c        which hosts, and what TLS has to be there; here.c whether one is ourselves
 *
 * A destination is a domain, or a host that the operator named for it; messages
 * that ask for another kind of TLS (RFC 8689) are a destination of their own. It begins with RELAY_CONCURRENCY_FIRST
 * connections, has one more with each message that goes through up to a
 * maximum, and half as many when connecting fails. A connection takes one
 * message after the other, and waits a little for the next one.
 *
 * Hosts are tried in order. What one refuses for now (4xx) is tried with the
 * next, and deferred behind the last; what one refuses for good (5xx) is
 * refused. A domain of which no host can be reached is deferred as a whole. A
 * message is in doubt between our end of its text and the answer: lost then,
 * it is deferred and not tried elsewhere at once.
 */
#ifndef SERVICE_RELAY_RELAY_H
#define SERVICE_RELAY_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "os/port.h"
#include "service/policy/policy.h"

struct relay;

/* A host that mail goes to instead of those that DNS names. */
struct relay_hop {
	struct slice host; /* a name, or an address in brackets */
	uint16_t port;     /* 0: as for others */
};

struct relay_rule {
	struct slice domain;  /* and what is below, with a dot in front; A-labels in small letters */
	struct relay_hop hop; /* host empty: as DNS says, also with a smarthost */
};

/* "mail.example.net", "mail.example.net:587", "[192.0.2.1]:25". Slices of text. False: it is none. */
bool relay_hop_parse(struct slice text, struct relay_hop *out);
/* "example.org=HOP", ".example.org=HOP"; without a hop: as DNS says. */
bool relay_rule_parse(struct slice text, struct relay_rule *out);

/* What TLS there must be on the way to a domain, whatever DNS says of it. */
struct relay_tls_rule {
	struct slice domain; /* as above */
	enum policy_operator rule;
	uint8_t pin[TLS_PIN_SIZE]; /* POLICY_OPERATOR_PIN */
};

/* "example.org=encrypt", "=verify", "=dane" or "=pin:" and 64 hex digits or "sha256//...". False: it is none. */
bool relay_tls_rule_parse(struct slice text, struct relay_tls_rule *out);

struct relay_options {
	struct port *queue, *resolver;  /* stay the caller's */
	const struct tls_outgoing *tls; /* outlives the relay */
	struct slice hostname;          /* ours; copied as all the texts */
	const struct relay_rule *rules; /* the first that fits */
	size_t rule_count;
	const struct relay_tls_rule *tls_rules; /* the first that fits */
	size_t tls_rule_count;
	struct relay_hop smarthost;    /* host empty: none */
	struct slice user, password;   /* for the smarthost, over TLS that names it only; user empty: none */
	struct slice source4, source6; /* addresses to connect from; empty: as the system says */
	const struct slice *here;      /* numeric addresses at which we take strangers' mail: nothing is sent there */
	size_t here_count;
	uint16_t here_port;               /* 0: we take none */
	uint16_t port;                    /* of others; 0: 25 */
	uint32_t connections;             /* in all; 0: RELAY_CONNECTIONS */
	uint32_t connections_destination; /* 0: RELAY_CONCURRENCY_MAX */
};

/* ERR_NOMEM, ERR_IO; ERR_USAGE: a text that cannot be. */
int relay_new(const struct relay_options *options, struct relay **relay_out, struct error *e);
int relay_start(struct relay *r, struct error *e);
/*
 * No new messages; what is under way may end within wait_ms, and what mail is
 * to hear of it is heard. Then all is cut. Not from the relay's thread.
 */
void relay_stop(struct relay *r, int64_t wait_ms);
/* Stopped, and the ports closed before. NULL is permitted. */
void relay_free(struct relay *r);

#endif
