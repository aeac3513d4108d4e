/* SPDX-License-Identifier: ISC */
/*
 * What every session of a process gets: who we are, the limits, and the ports
 * to what it may ask. One struct service for each kind of process that has
 * sessions (mail, mx, web), made by the daemon:
 *
 *   service_new(PROCESS_MX, &settings, &(struct service_ports){ .ask = port }, &svc, &e)
 *   server_add_trunk(server, fd, &(struct trunk_far_config){ .open = service_open, .ctx = svc, ... }, &e)
 *   ... server_stop(), service_free(), server_free(), then the ports
 *
 * Sessions of SMTP ask only through `ask` (service/ask.h); IMAP and the
 * directory use `store` too. The sessions before authentication are another
 * process's: service/front/front.h.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <pthread.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "net/trunk.h"
#include "os/pool.h"
#include "os/port.h"
#include "mailauth/policy/sts.h"
#include "service/web/autoconfig.h"
#include "service/judge/judge.h"
#include "service/limits.h"
#include "service/permit.h"
#include "store/watch.h"

/* What is spoken on a listener, and what is permitted there. */
enum service_role {
	SERVICE_MX = 1,     /* SMTP from anybody, to our own addresses only */
	SERVICE_SUBMISSION, /* SMTP from our own people: authentication before MAIL (RFC 6409) */
	SERVICE_IMAP,
	SERVICE_DIRECTORY,
	SERVICE_POP3 = 5,
	SERVICE_LMTP = 6,    /* LMTP from the mail server in front of us, to our own addresses only */
	SERVICE_METRICS = 7, /* service/status/metrics.h */
	SERVICE_HTTP = 8,    /* HTTP without TLS at its usual port: settings for mail clients, and the way to TLS */
};

/* Zero in a number means its default. Texts are copied. */
struct service_settings {
	struct slice hostname;         /* our name in greetings, Received and Message-ID; no CR, LF, NUL */
	uint64_t message_max;          /* octets of one message; default 50 MiB */
	uint32_t recipients_max;       /* of one message; default and at most SERVICE_RECIPIENTS_MAX */
	int64_t idle_ms;               /* SMTP: time to wait for a client; default 5 min (RFC 5321 4.5.3.2.7) */
	unsigned workers;              /* threads for commands; default: one a core */
	bool directory_open;           /* the directory publishes what strangers upload, for the accounts' addresses */
	struct autoconfig_ports ports; /* what mail clients are told */
	uint32_t directory_reads, directory_writes; /* of one address in a minute; 0: no bound */
	bool directory_query_log;                   /* what is looked up stands in the log */
	const struct slice *directory_search;       /* domains in which people are found by name */
	size_t directory_search_count;
	bool tokens;                /* signing in with OAuth tokens is offered */
	enum sts_mode sts;          /* web: of our own MTA-STS policy */
	bool judge;                 /* mx: strangers' mail is judged, by */
	struct judge_policy policy; /* lists stay the caller's */
	bool milter_defers;         /* what a milter says nothing about comes again later */
};

struct directory_fetch;
struct grants;
struct rate;
struct signer;

/* What the process may ask; each stays the caller's and must outlive the service. NULL: not for this kind of process. */
struct service_ports {
	struct port *store;    /* mail, web: store/store.h */
	struct port *ask;      /* mail, mx: service/ask.h */
	struct port *auth;     /* web: service/ask.h, authenticate */
	struct port *verify;   /* web: service/directory/verify.h */
	struct port *resolver; /* mx: service/resolve.h; NULL: no names are looked up */
	struct port *filter;   /* mx: service/milter/filter.h; NULL: there is no milter */
	struct grants *grants; /* mail */
	struct signer *signer; /* mail: service/sign/sign.h; NULL: nothing is signed */
};

/* Read-only for sessions. */
struct service {
	enum process_kind kind;
	struct service_settings settings;
	struct service_ports ports;
	struct pool *workers; /* mail, web: for commands that take longer than a loop should: reading, parsing */
	struct directory_fetch *fetch; /* web: look-ups of the key directory, many in one message */
	struct rate *reads, *writes;   /* web: how often one address may ask the key directory */
	struct pool *uploads;          /* web, one thread: strangers' certificates must not take the workers */
	struct store_watcher *watcher; /* mail: changes of mailboxes */
	_Atomic uint32_t receiving;    /* messages under way; at most SERVICE_RECEIVING_MAX */
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned sessions; /* also those that are closed and wait for an answer; with the lock */
};

/* ERR_NOMEM, ERR_USAGE (a setting that cannot be). */
int service_new(enum process_kind kind, const struct service_settings *settings, const struct service_ports *ports,
    struct service **service_out, struct error *e);
/*
 * The open function of a trunk's far end (net/trunk.h), ctx a struct service: the session for what is spoken (kind is
 * an enum service_role), when this process is for that, and, where a person must have signed in, a grant says whose
 * the connection is. ERR_DENIED.
 */
int service_open(void *ctx, uint64_t process, uint64_t number, struct conn *c, const struct trunk_open *in,
    const struct conn_ops **ops_out, void **session_out, struct error *e);
/*
 * After server_stop(), while what it asks is still there, or when the ports are closed: waits for the answers that are
 * in flight. NULL is permitted.
 */
void service_free(struct service *s);

/* ---- the parts ---- */

/* A session of IMAP or SMTP is made; its last owner has freed it (any thread). */
void service_session_begun(struct service *s);
void service_session_ended(struct service *s);

#endif
