/* SPDX-License-Identifier: ISC */
/*
 * Inside service/queue/.
 *
 *   queue.c     opening, closing, what the one thread waits for
 *   lease.c     what relay is given, and what it reads
 *   settle.c    what became of it
 *   sweep.c     what has waited for too long
 *   put.c       letters coming in: who gets them, here or elsewhere
 *   forwarding.c the seal on what strangers wrote and goes on
 *   tell.c      a report on a message, as a letter to its sender
 *   report.c    the report's text
 */
#ifndef SERVICE_QUEUE_INTERNAL_H
#define SERVICE_QUEUE_INTERNAL_H

#include <pthread.h>

#include "base/buf.h"
#include "os/pool.h"
#include "service/queue/queue.h"
#include "service/queue/report.h"
#include "store/store.h"

#define QUEUE_SRS_KEY_SIZE 32u
#define QUEUE_WORK_BUDGET (32u << 20) /* octets that one piece of work takes */

struct queue_rules { /* struct queue_options, as it is now */
	uint32_t lifetime_s, warn_s, account_hour;
	uint64_t octets_max;
	uint8_t separator;
	size_t forward_len, postmaster_len;
	uint8_t forward[STORE_DOMAIN_MAX], postmaster[STORE_ADDRESS_MAX];
};

struct waiting; /* a lease that found nothing yet */

#define QUEUE_HANDLERS 8u

struct queue {
	struct port_service service;
	struct port_handler handlers[QUEUE_HANDLERS];
	struct port *store;
	struct pool *pool; /* what reads, writes reports and resolves addresses */
	struct buf hostname;
	char data[4096];
	int (*sign)(void *ctx, struct slice domain, struct slice message, struct buf *fields_out, struct error *e);
	int (*seal)(void *ctx, const struct sign_sealed *in, sign_done_fn *done, void *done_ctx, struct error *e);
	void *sign_ctx;
	uint8_t srs_key[QUEUE_SRS_KEY_SIZE];
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t wake, idle;
	bool stop;
	uint64_t generation;  /* one more whenever something may be due */
	uint64_t leased_last; /* the newest lease that was given */
	struct waiting *waiting;
	uint64_t gone;      /* the newest asking end that is gone; its numbers only grow */
	unsigned under_way; /* that will call us back */
	bool sweeping;
	int64_t sweep_ms; /* when to look for what has waited too long */
	struct queue_rules rules;
};

struct queue_rules queue_rules_now(struct queue *q);
/* Something of this queue is under way until it leaves. */
void queue_enter(struct queue *q);
void queue_leave(struct queue *q);

/* What came just now waits for its first look: that is not missed. */
void queue_look_in(struct queue *q, uint32_t seconds);
/* ---- policies.c ---- */

void queue_run_sts_get(void *ctx, struct port_job *job);
void queue_run_sts_put(void *ctx, struct port_job *job);
void queue_run_tally(void *ctx, struct port_job *job);

/* ---- lease.c ---- */

void queue_run_lease(void *ctx, struct port_job *job);
/* Of a relay that has ended: nothing is leased to it any more. */
void queue_peer_gone(void *ctx, uint64_t peer);
void queue_run_body(void *ctx, struct port_job *job);
void queue_run_renew(void *ctx, struct port_job *job);
void queue_run_defer(void *ctx, struct port_job *job);
/* On the thread, with the lock: asks again for those whose time has come (all of them when again); the next time. */
int64_t queue_waiting_go(struct queue *q, int64_t now_ms, bool again);

/* ---- settle.c ---- */

void queue_run_settle(void *ctx, struct port_job *job);

/* ---- sweep.c ---- */

/* On the pool: one page; says when to come again. */
void queue_sweep(void *ctx);

/* ---- put.c ---- */

/*
 * Fills out's targets and recipients, which live in a. forwards_out, which may be NULL: the domain of ours by whose address it
 * goes to others; or empty. It is in's. The errors of queue_put().
 */
int queue_resolve(struct queue *q, const struct queue_rules *rules, const struct queue_letter *in, struct arena *a,
    struct store_queue_letter *out, struct slice *forwards_out, struct error *e);

/* ---- forwarding.c ---- */

/*
 * ARC's fields for a stranger's letter that this domain of ours forwards. done as sign_done_fn; a letter that is not to be
 * sealed, or cannot be, has none, and the log says why. Any thread; done may be called before it returns.
 */
void queue_seal(struct queue *q, const struct queue_letter *in, struct slice domain, sign_done_fn *done, void *ctx);

/* ---- tell.c ---- */

/* What is to be said of some of a message's recipients. */
struct queue_tale {
	const struct store_queue_message *message;
	const struct report_recipient *recipients;
	size_t recipient_count;
	uint64_t tried_s;
};

/*
 * The letter to the sender, in a. 1: it is to be kept; 0: there is nobody to tell (the null sender, an address that nobody
 * has), or negative. Waits for reads.
 */
int queue_tell(
    struct queue *q, const struct queue_tale *tale, struct arena *a, struct store_queue_letter *out, struct error *e);
/* The fields in front of a letter of our own; sent: without what is not sent. */
int queue_sign(struct queue *q, struct slice sent, struct arena *a, struct slice *front_out, struct error *e);
/* The recipient as a report has it. */
struct report_recipient queue_told(const struct store_queue_recipient *r, uint32_t action);

#endif
