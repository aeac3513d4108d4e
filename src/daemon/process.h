/* SPDX-License-Identifier: ISC */
/*
 * The processes of letterlockd and what the parent says to them.
 *
 *   letterlockd (parent)  binds the ports, reads the configuration and the TLS key, starts and restarts the others
 *   front 1..N            strangers' sockets, TLS, and what comes before authentication (service/front/front.h)
 *   mx, web               strangers' mail and HTTP behind front (service/smtp/session.h, directory.h)
 *   auth                  checks passwords (service/signin/signin.h)
 *   resolver              speaks DNS (service/resolve.h); the starter's child (daemon/process_starter.h)
 *   filter                talks to a milter (service/milter/filter.h), when there is one; the starter's child too
 *   keys                  has the exchange's own secret keys, which the parent hands it opened (service/keys/keys.h)
 *   relay                 sends on to other servers (service/relay/relay.h); the starter's child too
 *   mail                  has the store; authenticated people's sessions; the control socket
 *
 * A child is this program started again with the words "process KIND" and one
 * socket to the parent (os/message.h), over which it gets all it needs: its
 * settings, listening sockets, the log, the certificate, and one end of each
 * link to another process. Which messages there are, who may send them to
 * whom, and how often, is one table: process_rules. Who may be linked with
 * whom is another: process_links. What may be asked over a link is
 * service/permit.h and net/trunk.h.
 *
 * With `processes = "one"` the children are threads of one process, for
 * debugging: the same messages, no sandbox.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <pthread.h>

#include "base/arena.h"
#include "base/codec.h"
#include "daemon/config.h"
#include "os/file.h"
#include "os/message.h"
#include "os/sandbox.h"
#include "service/permit.h"

#define PROCESS_CONTROL_FD 3     /* in a child that was started as a program */
#define PROCESS_FRONT_MAX 18000u /* clients of one front: descriptors end at 20,000 on common systems */

/* ---- messages ---- */

enum process_message {
	/* from the parent */
	MESSAGE_SETUP = 1,   /* struct process_setup; with a descriptor to front, and to those that connect */
	MESSAGE_LOG,         /* with the log's descriptor */
	MESSAGE_CERTIFICATE, /* struct process_certificate */
	MESSAGE_LISTENER,    /* struct process_listener, with a listening socket */
	MESSAGE_LINK,        /* struct process_link, with a socket to the other process */
	MESSAGE_GO,          /* all others are there: serve */
	MESSAGE_SETTINGS,    /* struct process_setup: what of it may change while running */
	MESSAGE_STOP,        /* end what is under way, then yourself */
	MESSAGE_DRAIN,       /* end your clients' sessions, and go on answering other processes until the stop */
	MESSAGE_METRICS,     /* with the page in which it counts (os/metrics.h) */
	MESSAGE_METRICS_OF,  /* to those that show them: a page to look at, the parent's first */
	MESSAGE_PING,        /* are you there? */
	MESSAGE_KEYS_BEGIN,  /* to keys: the keys follow, all of them */
	MESSAGE_KEY,         /* struct process_key, with its file */
	MESSAGE_KEYS_END,
	/* from a child */
	MESSAGE_READY,  /* it has started */
	MESSAGE_FAILED, /* struct process_failed: it cannot start, or not go on; MESSAGE_STOP follows */
	MESSAGE_BLAME,  /* struct process_blame: what that process sent over a link cannot be */
	MESSAGE_PONG,   /* yes; once for each ping */
	MESSAGE_COUNT,
};

/* As struct jwt_options (service/signin/jwt.h). */
struct process_tokens {
	struct slice keys, issuer, audience, claim, type, scope, discovery;
};

/* As struct relay_options (service/relay/relay.h); texts as the operator wrote them. */
struct process_relay {
	bool on;
	struct slice smarthost, user, password;
	struct slice *routes, *sources, *tls, *here;
	size_t route_count, source_count, tls_count, here_count;
	uint32_t here_port, port, connections, connections_destination;
};

struct process_setup {
	uint64_t number;         /* service/permit.h */
	struct slice user, jail; /* to become and to be shut in, when started by root; or empty */
	struct slice hostname, data;
	struct slice chain; /* resolver's: our certificate as others see it, PEM; empty where strangers bring no mail */
	struct slice *domains;
	size_t domain_count;
	uint64_t message_max;
	uint32_t queue_lifetime_s, queue_warn_s, account_hour; /* mail's, as in service/queue/queue.h */
	uint64_t queue_max;
	struct slice forward;
	uint32_t connections, connections_peer, connections_prefix, connections_account;
	uint32_t connections_here; /* of this front */
	uint32_t handshake_ms, stall_ms, idle_ms;
	uint32_t threads;
	uint32_t front; /* which one */
	uint32_t log_level;
	bool directory_open;
	struct slice *directory_search; /* the web's, as in service/service.h */
	size_t directory_search_count;
	uint32_t directory_reads, directory_writes;
	bool directory_query_log;
	struct slice postmaster; /* mail's, as in service/ask.h */
	uint32_t separator;
	struct slice *resolvers; /* the resolver's: whom it asks; none: DNS's root */
	size_t resolver_count;
	struct slice anchors; /* the resolver's: as in net/dns.h */
	struct process_relay relay;
	struct process_port
	    *ports; /* web's and mail's: what listens, for those who ask how to reach it and for links */
	size_t port_count;
	bool judge; /* mx's: strangers' mail is judged, by a policy as in service/judge/judge.h */
	uint32_t dmarc_reject, spf_fail;
	struct slice *sealers, *forwarders;
	size_t sealer_count, forwarder_count;
	bool dmarc_reports;  /* mail's */
	uint32_t mta_sts;    /* web's; enum sts_mode */
	bool tls_reports;    /* mail's */
	struct slice milter; /* filter's: where it is; mx's: empty or not */
	uint32_t milter_failure;
	bool tokens; /* OAuth tokens are taken */
	bool scram_main_password;
	struct process_tokens oauth; /* auth's */
};

struct process_port {
	uint32_t port;   /* enum config_port */
	uint32_t number; /* not 0 */
};

struct process_listener {
	uint32_t port; /* enum config_port */
};

struct process_certificate {
	struct slice certificate, key; /* PEM */
};

struct process_link {
	uint32_t link; /* enum process_link_kind */
	uint64_t peer; /* the other process's number */
};

struct process_failed {
	int64_t code;
	struct slice text;
};

struct process_blame {
	uint64_t number;
};

struct process_key {
	struct slice name; /* of its file */
};

struct process_nothing {
	uint8_t unused;
};

struct process_rule {
	const char *name;
	bool from_parent;
	bool once;      /* in the life of a child */
	bool with_fd;   /* a descriptor comes along, from the parent */
	unsigned kinds; /* bits 1 << enum process_kind: which children take or send it */
	const struct codec_schema *schema;
};
extern const struct process_rule process_rules[MESSAGE_COUNT];
/* Whether it may come; *seen has a bit for each message that came before. */
bool process_permits(uint16_t type, bool from_parent, enum process_kind kind, bool with_fd, uint32_t *seen);

/* ---- links ---- */

enum process_link_kind {
	LINK_FRONT_MAIL, /* trunk */
	LINK_FRONT_MX,   /* trunk */
	LINK_FRONT_WEB,  /* trunk */
	LINK_FRONT_AUTH,
	LINK_WEB_AUTH,
	LINK_AUTH_MAIL,
	LINK_MX_MAIL,
	LINK_WEB_MAIL,
	LINK_WEB_VERIFY, /* to mail */
	LINK_MX_RESOLVER,
	LINK_MAIL_KEYS,
	LINK_MX_FILTER,
	LINK_RELAY_MAIL,
	LINK_RELAY_RESOLVER,
	LINK_MAIL_RESOLVER,
	LINK_COUNT,
};

struct process_link_row {
	enum process_kind asking, asked; /* of a trunk: near, far */
};
extern const struct process_link_row process_links[LINK_COUNT];

/* ---- a child ---- */

struct process {
	enum process_kind kind;
	int control;
	bool alone;         /* a process, not a thread */
	int setup_fd;       /* what came with the setup, or -1: until start() */
	struct arena arena; /* of setup */
	struct process_setup setup;
	void *self; /* the kind's own */
};

/* What a kind of process does; each has its page, process_KIND.c. NULL: no such message comes. */
struct process_ops {
	enum sandbox_profile profile;
	/* Before the root is an empty folder: libraries that are loaded late. May be NULL. */
	int (*load)(struct error *e);
	/* Before the sandbox is entered: what is loaded late, what only an unconfined process can have. May be NULL. */
	int (*prepare)(struct process *p, struct error *e);
	/* fd: what came with the setup, or -1; its own from now on. */
	int (*start)(struct process *p, int fd, struct error *e);
	int (*certificate)(struct process *p, const struct process_certificate *in, struct error *e);
	int (*listener)(struct process *p, const struct process_listener *in, int fd, struct error *e);
	int (*link)(struct process *p, const struct process_link *in, int fd, struct error *e);
	int (*go)(struct process *p, struct error *e);
	/* type: MESSAGE_KEYS_BEGIN, KEY, KEYS_END; in and fd of a key. */
	int (*key)(struct process *p, uint16_t type, const struct process_key *in, int fd, struct error *e);
	void (*settings)(struct process *p, const struct process_setup *fresh);
	void (*drain)(struct process *p);
	void (*stop)(struct process *p);
};
extern const struct process_ops process_front_ops, process_mx_ops, process_web_ops, process_auth_ops, process_mail_ops,
    process_resolver_ops, process_keys_ops, process_relay_ops, process_filter_ops;

/* "letterlockd process KIND", also the starter: returns an exit status, with 2 for words that are none. */
int process_main(const char *kind_name);
/* The same as a thread's function; ctx is a struct process_thread of the parent's. */
struct process_thread {
	pthread_t thread;
	enum process_kind kind;
	int control;
};
void *process_thread_main(void *ctx);

/* Any thread. To the parent: that process sends what cannot be. */
void process_blame(const struct process *p, uint64_t number);
/* Any thread. To the parent: this one cannot go on. */
void process_fail(const struct process *p, const struct error *e);

#endif
