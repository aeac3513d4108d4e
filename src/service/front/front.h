/* SPDX-License-Identifier: ISC */
/*
 * Strangers: the sessions of the process that has their sockets. It knows the
 * machines before authentication (imap/login.h, pop3/login.h, and smtp/server.h
 * as far as AUTH) and nothing of accounts: a password is a question to another process
 * (ask_authenticate), and when the answer is yes the connection's octets go to
 * the process that has the mail, which has heard meanwhile whose it is. What
 * needs no password (SERVICE_MX, SERVICE_DIRECTORY) goes to its process from
 * the first octet on.
 *
 *   static struct front_listener imap = { .front = &front, .role = SERVICE_IMAP };
 *   server_listen(server, &(struct listener_config){ .open = front_open, .ctx = &imap, .ops = &channel_ops, ... })
 */
#ifndef SERVICE_FRONT_FRONT_H
#define SERVICE_FRONT_FRONT_H

#include "net/trunk.h"
#include "os/port.h"
#include "service/service.h"

struct front {
	struct service_settings settings; /* hostname, idle_ms */
	struct port *auth;                /* service/ask.h, authenticate */
	/*
	 * Hands the connection on: conn_become(), as channel_open() does. in->kind is an enum service_role.
	 * ERR_CLOSED: nobody is there.
	 */
	int (*hand_over)(void *ctx, struct conn *c, const struct trunk_open *in, struct error *e);
	void *ctx;
};

/* The ctx of a listener's open function. Must outlive the server. */
struct front_listener {
	const struct front *front;
	enum service_role role;
};

/* ERR_NOMEM. Whom nobody is there for is told so. */
int front_open(void *ctx, struct conn *c, void **session_out, struct error *e);
/* Said in clear to whom there is no room for: "421 ...", "* BYE ...", "-ERR ...", "HTTP/1.1 503 ...". */
struct slice front_refusal(enum service_role role);

/* ---- the parts ---- */

int front_imap_open(const struct front *f, struct conn *c, struct error *e);
int front_pop3_open(const struct front *f, struct conn *c, struct error *e);
int front_smtp_open(const struct front *f, struct conn *c, struct error *e);

#endif
