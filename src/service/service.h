/* SPDX-License-Identifier: ISC */
/*
 * What every session of the exchange gets: who we are, the limits, and the
 * ports to what it may ask. One struct service a process, made by the daemon
 * and handed to the listeners:
 *
 *   store_open(...), port_open_local(store_service(store), &port, &e)
 *   service_new(&settings, port, &svc, &e)
 *   static struct service_listener mx = { .role = SERVICE_MX }; mx.service = svc;
 *   server_listen(server, &(struct listener_config){ .ops = &smtp_session_ops, .open = smtp_session_open, .ctx = &mx }, ...)
 *   ... server_stop(), service_free(), server_free(), port_close(port), store_close(store)
 *
 * Sessions of SMTP ask only through `ask` (service/ask.h); IMAP and the
 * directory use `store` too.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "os/pool.h"
#include "os/port.h"
#include "service/limits.h"
#include "store/watch.h"

/* What is spoken on a listener, and what is permitted there. */
enum service_role {
	SERVICE_MX,         /* SMTP from anybody, to our own addresses only */
	SERVICE_SUBMISSION, /* SMTP from our own people: authentication before MAIL (RFC 6409) */
	SERVICE_IMAP,
	SERVICE_DIRECTORY,
};

/* Zero in a number means its default. Texts are copied. */
struct service_settings {
	struct slice hostname;   /* our name in greetings, Received and Message-ID; no CR, LF, NUL */
	uint64_t message_max;    /* octets of one message; default 50 MiB */
	uint32_t recipients_max; /* of one message; default and at most SERVICE_RECIPIENTS_MAX */
	int64_t idle_ms;         /* SMTP: time to wait for a client; default 5 min (RFC 5321 4.5.3.2.7) */
	unsigned workers;        /* threads for commands; default: one a core */
	unsigned auth_threads;   /* default SERVICE_AUTH_THREADS */
	bool directory_open;     /* the directory publishes what strangers upload, for the accounts' addresses */
};

struct ask;

/* Read-only for sessions. */
struct service {
	struct service_settings settings;
	struct port *store;   /* store/store.h */
	struct port *ask;     /* service/ask.h */
	struct pool *workers; /* for commands that take longer than a loop should: reading, parsing */
	struct pool *uploads; /* the directory's, one thread: strangers' certificates must not take the workers */
	struct store_watcher *watcher; /* changes of mailboxes */
	struct ask *ask_end;           /* service's own: the end that answers `ask` */
	_Atomic uint32_t receiving;    /* messages under way; at most SERVICE_RECEIVING_MAX */
};

/* The ctx of a listener's open function (net/server.h). Must outlive the server. */
struct service_listener {
	struct service *service;
	enum service_role role;
};

/* The port stays the caller's and must outlive the service. ERR_NOMEM, ERR_USAGE (a setting that cannot be). */
int
service_new(const struct service_settings *settings, struct port *store, struct service **service_out, struct error *e);
/* After server_stop(): no session is left. Waits for what is in flight. NULL is permitted. */
void service_free(struct service *s);

#endif
