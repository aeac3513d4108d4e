/* SPDX-License-Identifier: ISC */
/* Inside service/relay/. All on the relay's thread, but for what is said. */
#ifndef SERVICE_RELAY_INTERNAL_H
#define SERVICE_RELAY_INTERNAL_H

#include <stdatomic.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mailauth/policy/sts.h"
#include "net/dial.h"
#include "service/queue/queue.h"
#include "service/relay/limits.h"
#include "service/relay/relay.h"
#include "service/relay/route.h"
#include "smtp/client.h"

#define RELAY_HERE_SIZE 16u

struct link;
struct destination;
struct settlement;

/* ---- asking other processes ---- */

/* reply NULL: e says why. a has the reply's memory; who moves it out of there keeps it. On the relay's thread. */
typedef void relay_answer_fn(void *ctx, const void *reply, struct arena *a, const struct error *e);

/* 0: answer will be called. Otherwise not: as port_submit(). */
int relay_ask(struct relay *r, struct port *p, const struct port_method *method, const void *request,
    relay_answer_fn *answer, void *ctx, struct error *e);

/* For answers that change nothing. */
void relay_ignore(void *ctx, const void *reply, struct arena *a, const struct error *e);
/* The row of an interface's method. */
const struct port_method *relay_method(const struct port_interface *interface, uint16_t number);

/* ---- what went wrong ---- */

/* Why something was not sent: as the sender is to read it. */
struct relay_reason {
	uint32_t result;               /* enum queue_result: FAILED or DEFERRED */
	char status[QUEUE_STATUS_MAX]; /* "4.4.1" */
	char text[RELAY_REASON_MAX];
	bool from_remote; /* text is a server's reply */
};

/* status: of the class that result says. */
void relay_reason_set(struct relay_reason *out, uint32_t result, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A server's reply. Without an enhanced code, fallback's with the reply's class. */
void relay_reason_of(struct relay_reason *out, const struct smtp_answer *a, const char *fallback);

/* ---- a job: an entry that is leased ---- */

enum job_fate {
	JOB_WAITS,   /* to be tried */
	JOB_TRIED,   /* in the transaction under way, and not answered for good */
	JOB_PUT_OFF, /* refused for now by the host that it is with */
	JOB_SETTLED, /* mail is told */
};

struct job {
	struct job *next; /* in its destination */
	struct relay *relay;
	struct destination *destination;
	struct arena arena;
	const struct queue_entry *entry;
	uint8_t *fates;                      /* enum job_fate, one for each recipient */
	const struct relay_reason **reasons; /* why each was put off last, or NULL */
	size_t open;                         /* that are not settled */
	size_t host_from;                    /* the first host that has not refused it */
	bool transient;                /* a host refused it for now: it is not failed because others cannot take it */
	bool renewing;                 /* mail was asked for that */
	bool lost;                     /* mail does not know its lease any more */
	struct settlement *settlement; /* what is to be told next */
	int64_t renew_at;
	struct job *all_next, **all_back; /* in the relay */
};

/* Copies the entry. NULL without memory. */
struct job *job_new(struct relay *r, const struct queue_entry *entry);
/* All with that fate. facts may be NULL. */
void job_settle(struct job *j, enum job_fate fate, const struct relay_reason *why, const struct queue_facts *facts);
void job_settle_one(struct job *j, size_t i, const struct queue_outcome *outcome);
/* What job_settle_one() was told goes to mail; the job is freed when nothing of it is left. True: it is gone, or about to be. */
bool job_told(struct job *j);
/* Untried: it comes again. */
void job_return(struct job *j);
void jobs_due(struct relay *r, int64_t now);
/* Nobody is to be told any more. */
void jobs_forget(struct relay *r);

/* ---- destinations ---- */

struct destination {
	struct destination *next; /* of the same hash */
	struct destination *all_next, **all_back;
	struct destination *hungry_next;
	struct relay *relay;
	struct slice domain;  /* of its entries; with a hop: of the first */
	struct relay_hop hop; /* host empty: as DNS says */
	bool smarthost;       /* signs in */
	struct relay_tls_rule tls_rule;
	uint32_t flags; /* QUEUE_REQUIRE_TLS, QUEUE_TLS_OPTIONAL */
	struct buf key;
	struct job *first, **last;
	size_t waiting, in_hand; /* in_hand: with those in links and those that mail has not heard of */
	struct link *links;
	unsigned link_count, idle_count, concurrency;
	bool proven; /* a message went through since the route was asked for */
	bool asking, hungry;
	struct route *route;
	struct buf sts_text; /* its MTA-STS policy, or empty */
	struct sts_policy sts;
	uint8_t sts_id[STS_ID_MAX];
	size_t sts_id_len;
	int64_t used_at;
};

void destination_add(struct relay *r, struct job *j);
/* Links take what waits; more are opened where that is permitted. */
void destination_run(struct destination *d);
#define RELAY_ANY_HOST SIZE_MAX
/* The next job for a link to this host of the route; NULL: none. It is out of the list. */
struct job *destination_take(struct destination *d, size_t host);
/* Back to the front. */
void destination_put_back(struct destination *d, struct job *j);
/* With the next host, or settled for this reason. */
void destination_next_host(struct job *j, size_t host, const struct relay_reason *why, const struct queue_facts *facts);
/* Its hosts are known, or (NULL) there is no memory. Takes route. */
void destination_routed(struct destination *d, struct route *route);
/* It did not come to a first READY. clear_next: the same address without TLS. */
void destination_link_failed(struct destination *d, const struct link *l, const struct relay_reason *why,
    const struct queue_facts *facts, bool clear_next);
void destination_link_gone(struct destination *d, struct link *l);
void destination_succeeded(struct destination *d);
void destinations_due(struct relay *r, int64_t now);
void destinations_free(struct relay *r);
/* Domains of which there is enough; slices of destinations. */
size_t destinations_full(struct relay *r, struct slice *out, size_t max);

/* route.c: its hosts, when its policy is known; or why they are not known. */
void route_ask_hosts(struct destination *d);
void route_fail(struct destination *d, const struct error *e);
/* here.c: mail that is sent there comes back to us. */
bool relay_is_here(const struct relay *r, const char *address, uint16_t port);
/* The same of a connection that stands: when we take mail at every address of this machine, no list has them. */
bool relay_leads_here(const struct relay *r, const struct conn *c, uint16_t port);
/* sts.c: its policy, then route_ask_hosts() or route_fail(). */
void sts_ask(struct destination *d);

/* tally.c: what is counted for TLS reports. */
/* When TLS stands or has failed; a link counts once. */
void tally_session(struct link *l);
/* A host that its policy forbids. */
void tally_not_permitted(struct destination *d, const struct route_host *h);
/* A policy that the domain says it has, and that could not be had. */
void tally_no_sts(struct destination *d, const struct error *e);

/* ---- links ---- */

/* Which host and address is tried, and from where on others are then. */
struct attempt {
	size_t start, host, address;
	unsigned tries;
	bool clear; /* TLS failed here, and is no must */
};

struct link {
	struct link *next, **back; /* in its destination */
	struct relay *relay;
	struct destination *destination;
	struct route *route;
	struct attempt at;
	struct conn *conn;
	struct smtp_client *m;
	struct sasl_credentials credentials;
	struct tls_outgoing_config tls;
	bool connecting, was_ready, shaken, quitting;
	bool closed; /* or about to be: nothing more is done with it */
	bool ended;  /* the server has said its end */
	bool failed; /* and `failure` says why */
	bool tls_failed, loops;
	bool counted; /* for TLS reports */
	bool gone;    /* closed() came */
	bool idle;    /* READY, with nothing to send */
	unsigned sent;
	uint64_t steps, steps_begun;
	int64_t since, idle_until;
	uint8_t exporter[CONN_EXPORTER_SIZE];
	struct relay_reason failure;
	/* the transaction */
	struct job *job;
	uint64_t transaction; /* a number for what is asked for it */
	struct arena arena;
	size_t *positions; /* in the job, of the recipients in this transaction */
	struct slice *addresses;
	struct smtp_client_dsn *dsn;
	size_t position_count;
	unsigned agreed;
	/* the text */
	struct buf piece;
	size_t piece_at;
	uint64_t text_at; /* octets that the machine has */
	bool asking, wants_text;
	unsigned questions;
};

/* At *at or the next that can be begun; NULL: there is none, and *why says the last one's reason. */
struct link *link_open(struct destination *d, const struct attempt *at, struct relay_reason *why);
/* It may take a job, or is to end. */
void link_wake(struct link *l);
/* The relay stops: at once when nothing is under way. */
void link_stop(struct link *l);
void link_facts(const struct link *l, struct queue_facts *out);
/* It is of no more use: ended at the end of the turn, or when it is woken. The first reason stays. */
void link_fail(struct link *l, const struct relay_reason *why);
/* One of its questions was answered; it may be gone then. */
void link_answered(struct link *l);

/* transaction.c: while the link is READY. May leave it without a job, when this host cannot take it. */
void transaction_begin(struct link *l, struct job *j);
/* The recipients that are left. */
void transaction_go_on(struct link *l);
void transaction_recipient(struct link *l, const struct smtp_client_event *ev);
void transaction_sent(struct link *l, const struct smtp_client_event *ev);
/* l->failure says why. */
void transaction_lost(struct link *l);

/* link_text.c */
void link_text_prepare(struct link *l);
void link_text_begin(struct link *l);
void link_text_end(struct link *l);
/* Puts what there is, asks for more. True: the text has ended. */
bool link_text_run(struct link *l);

/* ---- the relay ---- */

struct relay {
	struct dialer *dialer;
	struct port *queue, *resolver;
	const struct tls_outgoing *tls;
	struct arena texts;
	struct slice hostname;
	struct relay_rule *rules;
	struct relay_tls_rule *tls_rules;
	size_t tls_rule_count;
	size_t rule_count;
	struct relay_hop smarthost;
	struct slice user, password;
	const char *source4, *source6;
	uint8_t (*here)[RELAY_HERE_SIZE]; /* addresses in IPv6's form */
	size_t here_count;
	bool here_any; /* all of this machine's are meant */
	uint16_t here_port;
	uint16_t port;
	uint32_t connections_max, concurrency_max;

	struct destination *hashed[RELAY_HASH_SIZE];
	struct destination *destinations;
	struct destination *hungry, **hungry_last; /* they want connections, and there are too many */
	struct job *jobs;
	size_t job_count, settlement_count;
	struct settlement *settlements;
	unsigned link_count, connecting;
	bool leasing, stopping, cut;
	int64_t lease_at; /* not before */
	struct loop_task begin_task, stop_task, cut_task, last_task;
	int64_t due_at;
	atomic_bool quiet; /* stopping, and nothing is under way any more */
	atomic_bool mute;  /* nothing is asked any more: the ports may be closed */
};

/* An operator's rule: for the domain itself, or with a dot in front for all below it. */
bool relay_rule_fits(struct slice rule, struct slice domain);

/* here.c: copies them. */
void relay_take_here(struct relay *r, const struct relay_options *o);
void relay_pump(struct relay *r);
/* Something may be due at that time. */
void relay_due_at(struct relay *r, int64_t at);
/* Who waits for a connection may have one. */
void relay_feed_hungry(struct relay *r);

#endif
