/* SPDX-License-Identifier: ISC */
/*
 * A blocking connection to a server, for command-line tools: it connects,
 * shakes hands, and drives a client machine (base/machine.h).
 *
 *   client_connect()                   TCP, and TLS at once when it is implicit
 *   while (no answer yet) {
 *       client_step(c, &ops, machine)  sends, receives, feeds
 *       machine_next(...)              events
 *   }
 *   client_start_tls(c)                when the machine says so; then make the machine anew
 *   client_close(c)
 *
 * Nothing is sent to a server that is not believed: its key is the pinned one,
 * or its certificate is good for the name. When it is not, the call fails with
 * ERR_TLS and describes the server (struct tls_peer), so that a person can be
 * asked and the connection tried again with that pin. Data that came before
 * the handshake of STARTTLS is dropped.
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/machine.h"
#include "base/slice.h"
#include "net/tls.h"

struct client;

struct client_config {
	const char *host; /* a name, or a numeric address */
	uint16_t port;
	bool implicit_tls;
	struct slice pin;    /* TLS_PIN_SIZE octets; or empty: authorities and name decide */
	const char *ca_file; /* NULL: the system's authorities */
	int64_t timeout_ms;  /* for connecting, for a handshake, and for each wait for the server; 0: 30 s */
};

/*
 * ERR_NET (no such name, refused), ERR_TIMEOUT, ERR_TLS. *peer_out (NULL
 * permitted) is filled when the server showed a certificate, believed or not;
 * its subject is empty otherwise. The config is copied.
 */
int client_connect(
    const struct client_config *config, struct client **client_out, struct tls_peer *peer_out, struct error *e);
/* Drops what was received and not fed, then shakes hands. Errors as client_connect(); afterwards only client_close(). */
int client_start_tls(struct client *c, struct tls_peer *peer_out, struct error *e);
bool client_is_tls(const struct client *c);
/* Channel binding data of the connection; both empty without TLS. */
struct conn_tls_bindings; /* net/conn.h */
void client_tls_bindings(const struct client *c, struct conn_tls_bindings *out);

/*
 * One step: offers the machine what it left before; if it takes nothing of
 * that, sends its output and waits until something arrives, which it is fed,
 * or until all output is sent. Call it while the machine has no event.
 * ERR_CLOSED (the server ended the connection), ERR_TIMEOUT, ERR_NET, ERR_TLS.
 */
int client_step(struct client *c, const struct machine_ops *ops, void *machine, struct error *e);
/* Sends all output, for the last words (QUIT); feeds what arrives meanwhile. */
int client_flush(struct client *c, const struct machine_ops *ops, void *machine, struct error *e);

/* Ends TLS and the connection and frees. NULL is permitted. */
void client_close(struct client *c);

#endif
