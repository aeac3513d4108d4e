/* SPDX-License-Identifier: ISC */
/*
 * What the processes of the exchange count, for who runs it. Each process has
 * a page of numbers of its own; counting is one relaxed atomic addition there.
 *
 *   metric_add(METRIC_CONNECTIONS_TOTAL + METRIC_IMAP, 1);
 *   metric_add(METRIC_CONNECTIONS + METRIC_IMAP, -1);     a gauge goes down
 *   metric_add(METRIC_CONNECTIONS_REFUSED_TOTAL + METRIC_PAIR(METRIC_SMTP, METRIC_REASON, METRIC_REASON_PEER), 1);
 *   metric_time(METRIC_COMMIT_SECONDS, microseconds);
 *
 * To add one: a row in METRICS below. Its labels are of constant lists
 * (metrics.c): nothing that a stranger says becomes a label, so there are never
 * more numbers than the rows say. service/status/metrics.h writes them for Prometheus,
 * and doc/metrics.md lists them (tests/e2e/test_metrics.py compares).
 *
 * The pages are memory that the parent makes, one for each child, and hands
 * out: to the child itself, and to those that show the numbers a descriptor
 * that is opened for reading only. The size is sealed. A process that was taken
 * over can write nonsense into its own page and into no other; there is no
 * pointer, index or length in it. A child that is started anew goes on with
 * the page of the one before, so that counters never go backwards.
 *
 * Before metrics_use(), and in programs without it, the page is a static one.
 */
#ifndef OS_METRICS_H
#define OS_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define METRICS_PAGES_MAX 96u /* that one process looks at: more than the parent has children */

/* ---- labels ---- */

/* In the order of enum service_role, less one. */
enum metric_protocol {
	METRIC_SMTP,
	METRIC_SUBMISSION,
	METRIC_IMAP,
	METRIC_DIRECTORY,
	METRIC_POP3,
	METRIC_LMTP,
	METRIC_METRICS,
	METRIC_HTTP,
};
enum metric_reason { METRIC_REASON_TOTAL, METRIC_REASON_PEER, METRIC_REASON_ABSENT };
enum metric_mechanism { METRIC_PASSWORD, METRIC_SCRAM, METRIC_TOKEN };
enum metric_result { METRIC_OK, METRIC_WRONG, METRIC_BUSY, METRIC_FAULT };
enum metric_verdict { METRIC_POLICY, METRIC_TOO_LARGE, METRIC_NO_RECIPIENT, METRIC_LOOP, METRIC_TEMPORARY };
enum metric_outcome { METRIC_DELIVERED, METRIC_FAILED, METRIC_DEFERRED }; /* enum queue_result, less one */
enum metric_tls { METRIC_TLS_12, METRIC_TLS_13 };
enum metric_way { METRIC_WAY_CLEAR, METRIC_WAY_12, METRIC_WAY_13 };
enum metric_proof { METRIC_PROOF_NONE, METRIC_PROOF_NAME, METRIC_PROOF_DANE, METRIC_PROOF_PIN };

/* How many each list has (metrics.c). */
enum {
	METRIC_N_NONE = 1,
	METRIC_N_PROTOCOL = METRIC_HTTP + 1,
	METRIC_N_REASON = 3,
	METRIC_N_MECHANISM = 3,
	METRIC_N_RESULT = 4,
	METRIC_N_VERDICT = 5,
	METRIC_N_TLS = 2,
	METRIC_N_WAY = 3,
	METRIC_N_PROOF = 4,
	METRIC_N_OUTCOME = 3,
	METRIC_N_STATUS = 5,   /* 1xx to 5xx */
	METRIC_N_SECONDS = 15, /* the bounds of a histogram, +Inf, and the sum in microseconds */
};

/* ---- the rows ---- */

/* id, kind, name, help, first label's list, second label's list */
#define METRICS(X) \
	X(CONNECTIONS, GAUGE, "connections", "Connections of clients that are open.", PROTOCOL, NONE) \
	X(CONNECTIONS_TOTAL, COUNTER, "connections_total", "Connections that were accepted.", PROTOCOL, NONE) \
	X(CONNECTIONS_REFUSED_TOTAL, COUNTER, "connections_refused_total", \
	    "Connections that were refused: too many in all, too many of one peer, or no process for them.", PROTOCOL, \
	    REASON) \
	X(TLS_HANDSHAKES_TOTAL, COUNTER, "tls_handshakes_total", "TLS handshakes that succeeded.", TLS, NONE) \
	X(TLS_FAILED_TOTAL, COUNTER, "tls_handshakes_failed_total", "TLS handshakes that failed.", PROTOCOL, NONE) \
	X(SIGNINS_TOTAL, COUNTER, "signins_total", "Attempts to sign in.", MECHANISM, RESULT) \
	X(SIGNINS_DELAYED_TOTAL, COUNTER, "signins_delayed_total", "Attempts that were slowed down.", NONE, NONE) \
	X(SIGNINS_PENDING, GAUGE, "signins_pending", "Attempts that are being checked, or wait for it.", NONE, NONE) \
	X(SESSIONS, GAUGE, "sessions", "Sessions of people who have signed in.", PROTOCOL, NONE) \
	X(COMMANDS_TOTAL, COUNTER, "commands_total", "Commands that were carried out.", PROTOCOL, NONE) \
	X(MESSAGES_RECEIVED_TOTAL, COUNTER, "messages_received_total", "Messages that were taken and kept.", PROTOCOL, \
	    NONE) \
	X(MESSAGES_RECEIVED_BYTES_TOTAL, COUNTER, "messages_received_bytes_total", \
	    "Octets of messages that came, kept or not.", PROTOCOL, NONE) \
	X(MESSAGES_REFUSED_TOTAL, COUNTER, "messages_refused_total", "Messages and recipients that were refused.", \
	    VERDICT, NONE) \
	X(DELIVERIES_TOTAL, COUNTER, "deliveries_total", "Inboxes that a message was put into.", NONE, NONE) \
	X(HTTP_REQUESTS_TOTAL, COUNTER, "http_requests_total", "HTTP requests that were answered.", STATUS, NONE) \
	X(COMMIT_BATCHES_TOTAL, COUNTER, "commit_batches_total", "Transactions of the store.", NONE, NONE) \
	X(COMMIT_WRITES_TOTAL, COUNTER, "commit_writes_total", "Changes that were written with them.", NONE, NONE) \
	X(COMMIT_SECONDS, HISTOGRAM, "commit_duration_seconds", "Time of a transaction, its syncs included.", SECONDS, \
	    NONE) \
	X(SYNC_SECONDS, HISTOGRAM, "sync_duration_seconds", "Time of a sync of message bodies.", SECONDS, NONE) \
	X(QUEUE_OUTCOMES_TOTAL, COUNTER, "queue_outcomes_total", \
	    "Attempts to give a recipient's message to another server, by what became of them.", OUTCOME, NONE) \
	X(QUEUE_MESSAGES, GAUGE, "queue_messages", "Messages that wait for other servers.", NONE, NONE) \
	X(QUEUE_BYTES, GAUGE, "queue_size_bytes", "Octets of messages that wait for other servers.", NONE, NONE) \
	X(QUEUE_OLDEST, GAUGE, "queue_oldest_timestamp_seconds", \
	    "When the oldest of them came, in unix seconds; 0: there is none.", NONE, NONE) \
	X(RELAY_CONNECTIONS, GAUGE, "relay_connections", \
	    "Connections to other servers that are open, or about to be.", NONE, NONE) \
	X(RELAY_SESSIONS_TOTAL, COUNTER, "relay_sessions_total", \
	    "Connections to other servers that came as far as to take mail.", WAY, PROOF) \
	X(DATABASE_BYTES, GAUGE, "database_size_bytes", "Size of the database.", NONE, NONE) \
	X(DATABASE_LOG_BYTES, GAUGE, "database_log_size_bytes", "Size of the database's write-ahead log.", NONE, NONE) \
	X(DISK_BYTES, GAUGE, "disk_size_bytes", "Size of the file system with the data folder.", NONE, NONE) \
	X(DISK_FREE_BYTES, GAUGE, "disk_free_bytes", "Of it, what is free for the server.", NONE, NONE) \
	X(BACKUP, GAUGE, "backup_timestamp_seconds", "When the last backup was finished, in unix seconds; 0: never.", \
	    NONE, NONE) \
	X(CERTIFICATE_EXPIRY, GAUGE, "tls_certificate_expiry_timestamp_seconds", \
	    "When the server's TLS certificate ends, in unix seconds.", NONE, NONE) \
	X(STARTED, GAUGE, "start_timestamp_seconds", "When the server was started, in unix seconds.", NONE, NONE) \
	X(RELOADED, GAUGE, "config_reload_timestamp_seconds", \
	    "When the configuration was last taken, in unix seconds.", NONE, NONE) \
	X(RELOAD_OK, GAUGE, "config_reload_successful", "Whether the last reading of the configuration was taken.", \
	    NONE, NONE)

#define METRIC_SLOT(id, kind, name, help, first, second) \
	METRIC_##id, METRIC_LAST_##id = METRIC_##id + METRIC_N_##first * METRIC_N_##second - 1,
enum { METRICS(METRIC_SLOT) METRIC_COUNT };
#undef METRIC_SLOT

/* Of a row with two labels, the second of which is from LIST (METRIC_N_LIST words). */
#define METRIC_PAIR(first, LIST, second) ((unsigned)(first)*METRIC_N_##LIST + (unsigned)(second))

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_label {
	const char *name; /* NULL: none */
	const char *const *words;
	unsigned count;
};

struct metric_row {
	enum metric_kind kind;
	const char *name, *help;
	const struct metric_label *first, *second;
	unsigned slot; /* its first number; the others follow, second label faster */
};
extern const struct metric_row metrics_table[];
extern const size_t metrics_table_count;
/* Upper bounds of the histograms, in microseconds: METRIC_N_SECONDS - 2. */
extern const uint64_t metric_bounds[METRIC_N_SECONDS - 2];

/* ---- counting ---- */

/* What is known of each process; in the parent's page. */
enum metric_fact { FACT_KIND, FACT_INDEX, FACT_PID, FACT_STARTED, FACT_STARTS, FACT_MEMORY, FACT_COUNT };

struct metrics_page {
	_Atomic uint64_t values[METRIC_COUNT];
	_Atomic uint64_t facts[METRICS_PAGES_MAX][FACT_COUNT]; /* FACT_STARTED 0: no such process */
};

extern struct metrics_page *_Atomic metrics_here;

static inline void
metric_add(unsigned slot, int64_t n)
{
	struct metrics_page *page = atomic_load_explicit(&metrics_here, memory_order_relaxed);

	(void)atomic_fetch_add_explicit(&page->values[slot], (uint64_t)n, memory_order_relaxed);
}

static inline void
metric_set(unsigned slot, uint64_t value)
{
	struct metrics_page *page = atomic_load_explicit(&metrics_here, memory_order_relaxed);

	atomic_store_explicit(&page->values[slot], value, memory_order_relaxed);
}

/* Into a histogram's row. */
void metric_time(unsigned slot, uint64_t microseconds);

/* ---- the pages ---- */

struct metrics_share {
	int fd, look_fd; /* to write; only to look */
	struct metrics_page *page;
};

/* In the parent: a new page. ERR_IO. */
int metrics_share_open(struct metrics_share *out, struct error *e);
void metrics_share_close(struct metrics_share *s);
/* Its process has ended: what it had open is closed now. */
void metrics_share_ended(struct metrics_share *s);

/* This process counts there from now on; fd stays the caller's. Before other threads count much: what they do meanwhile may be lost. */
int metrics_use(int fd, struct error *e);
/* This process shows that page too, the parent's first; fd stays the caller's. ERR_LIMIT, ERR_USAGE (no page). */
int metrics_look(int fd, struct error *e);
/* The same with the page that this process counts in. */
void metrics_look_here(void);

/* The sums of all pages that are looked at. */
void metrics_sum(uint64_t out[METRIC_COUNT]);
/* The i-th process, by the page that was looked at first, which is the parent's. False when there is none. */
bool metrics_process(size_t i, uint64_t out[FACT_COUNT]);

#endif
