/* SPDX-License-Identifier: ISC */
/*
 * Connections to the account's servers, and finding out what a server speaks.
 * Nothing is sent to a server that is not believed: its key is the account's
 * pin, or its certificate is good for its name.
 */
#ifndef CLIENT_SERVERS_H
#define CLIENT_SERVERS_H

#include "client/account.h"
#include "net/client.h"
#include "net/conn.h"
#include "sasl/sasl.h"

/*
 * Where the domain of the account's address says its servers are, by SRV records (RFC 6186, RFC 8314 5.1), put into the
 * account; HTTPS is looked for where mail is sent. ERR_NOT_FOUND: it does not say; ERR_NET: nobody answers; the account is as
 * it was then. DNS alone is no reason to believe servers outside of the domain.
 */
int servers_by_domain(struct account *a, struct error *e);

/* Whether IMAP's or SMTP's server is outside of the domain of the account's address. */
bool servers_are_elsewhere(const struct account *a);

#define SERVERS_PROBE_MS 2000 /* how long a server may take to greet; one that says nothing is HTTPS */

/* Connects as the account says. peer_out (NULL permitted) as client_connect(). */
int servers_connect(
    const struct account *a, enum account_service s, struct client **out, struct tls_peer *peer_out, struct error *e);

/* What signing in over a connection may use: its channel binding data, and what the account permits. Stays where it is. */
struct servers_sasl {
	struct conn_tls_bindings data;
	struct sasl_channel channel; /* points into data */
	unsigned permitted;
};
void servers_sasl(const struct account *a, enum account_service s, const struct client *c, struct servers_sasl *out);

/* Whether servers_add() knows what this is without asking the server. */
bool servers_is_usual(const char *text);
/*
 * Reads one --server of setup into the account: HOST, HOST:PORT, [V6]:PORT, or
 * with a scheme in front: imaps://, imap:// (STARTTLS), submissions://,
 * submission:// (STARTTLS), https://. HOST alone stands for all three services
 * at their usual ports. HOST:PORT with another port than the usual ones is asked:
 * a server that greets with "220" is SMTP, with "* " IMAP, one that waits is
 * HTTPS. ERR_USAGE, and what servers_connect() says.
 */
int servers_add(struct account *a, const char *text, struct error *e);

#endif
