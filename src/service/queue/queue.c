/* SPDX-License-Identifier: ISC */
#include "service/queue/internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/thread.h"

#define POOL_THREADS 2u
#define POOL_WAITING_MAX 16384u /* more than all askers have in flight */

static void
rules_set(struct queue_rules *r, const struct queue_options *o)
{
	*r = (struct queue_rules){ .lifetime_s = o->lifetime_s,
		.warn_s = o->warn_s,
		.account_hour = o->account_hour,
		.octets_max = o->octets_max,
		.separator = o->separator,
		.forward_len = size_min(o->forward.len, sizeof r->forward),
		.postmaster_len = size_min(o->postmaster.len, sizeof r->postmaster) };
	if (r->forward_len > 0)
		memcpy(r->forward, o->forward.data, r->forward_len);
	if (r->postmaster_len > 0)
		memcpy(r->postmaster, o->postmaster.data, r->postmaster_len);
}

void
queue_set_options(struct queue *q, const struct queue_options *options)
{
	(void)pthread_mutex_lock(&q->lock);
	rules_set(&q->rules, options);
	(void)pthread_mutex_unlock(&q->lock);
}

struct queue_rules
queue_rules_now(struct queue *q)
{
	struct queue_rules r;

	(void)pthread_mutex_lock(&q->lock);
	r = q->rules;
	(void)pthread_mutex_unlock(&q->lock);
	return r;
}

void
queue_enter(struct queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	q->under_way++;
	(void)pthread_mutex_unlock(&q->lock);
}

void
queue_leave(struct queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	if (--q->under_way == 0)
		(void)pthread_cond_broadcast(&q->idle);
	(void)pthread_mutex_unlock(&q->lock);
}

void
queue_poke(struct queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	q->generation++;
	(void)pthread_cond_broadcast(&q->wake);
	(void)pthread_mutex_unlock(&q->lock);
}

void
queue_look_in(struct queue *q, uint32_t seconds)
{
	int64_t when = clock_ms() + (int64_t)seconds * 1000;

	(void)pthread_mutex_lock(&q->lock);
	if (when < q->sweep_ms) {
		q->sweep_ms = when;
		(void)pthread_cond_broadcast(&q->wake);
	}
	(void)pthread_mutex_unlock(&q->lock);
}

/* ---- the thread ---- */

static void
begin_sweep(struct queue *q)
{
	q->sweeping = true;
	q->sweep_ms = INT64_MAX;
	q->under_way++;
	if (pool_submit(q->pool, queue_sweep, q) == 0)
		return;
	q->under_way--; /* stopping */
}

/* With the lock, which it gives back meanwhile. */
static void
wait_until(struct queue *q, int64_t until_ms)
{
	struct timespec t;
	int64_t ms = until_ms - clock_ms();

	if (until_ms == INT64_MAX) {
		(void)pthread_cond_wait(&q->wake, &q->lock);
		return;
	}
	if (ms <= 0)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	(void)pthread_cond_timedwait(&q->wake, &q->lock, &t);
}

static void *
queue_main(void *arg)
{
	struct queue *q = arg;
	uint64_t seen = 0;

	(void)pthread_mutex_lock(&q->lock);
	while (!q->stop) {
		uint64_t generation = q->generation;
		int64_t now = clock_ms(), next = queue_waiting_go(q, now, seen != generation);

		seen = generation;
		if (!q->sweeping && q->sweep_ms <= now)
			begin_sweep(q);
		if (q->generation == seen) /* the lock was given back meanwhile */
			wait_until(q, q->sweeping || next < q->sweep_ms ? next : q->sweep_ms);
	}
	(void)queue_waiting_go(q, INT64_MAX, true);
	(void)pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* ---- opening and closing ---- */

/* A key of this installation: what was forwarded yesterday bounces today. */
static int
load_srs_key(struct queue *q, struct error *e)
{
	static const struct store_meta_key name = { .key = { (const uint8_t *)"srs_key", 7 } };
	struct arena a ARENA_OWNED = { 0 };
	struct store_meta_value kept;
	struct store_nothing none;
	int rc;

	arena_init(&a, STORE_VALUE_MAX + 65536);
	rc = store_meta_get(q->store, &name, &a, &kept, e);
	if (rc != 0)
		return rc;
	if (kept.found && kept.value.len == sizeof q->srs_key) {
		memcpy(q->srs_key, kept.value.data, sizeof q->srs_key);
		return 0;
	}
	rc = random_bytes(q->srs_key, sizeof q->srs_key, e);
	if (rc == 0)
		rc = store_meta_put(q->store,
		    &(struct store_meta_put){ .key = name.key, .value = slice_of(q->srs_key, sizeof q->srs_key) }, &a,
		    &none, e);
	return rc;
}

static int
start(struct queue *q, struct error *e)
{
	const struct pool_options pool = { .name = "queue", .threads = POOL_THREADS, .queue_max = POOL_WAITING_MAX };
	struct arena a ARENA_OWNED = { 0 };
	struct store_nothing none;
	int rc = load_srs_key(q, e);

	/* What a relay of an earlier run had. */
	arena_init(&a, 4096);
	if (rc == 0)
		rc = store_queue_release(q->store, &(struct store_queue_release){ INT64_MAX }, &a, &none, e);
	if (rc == 0)
		rc = pool_new(&pool, &q->pool, e);
	if (rc == 0)
		rc = thread_start(&q->thread, "queue", queue_main, q, e);
	q->started = rc == 0;
	return rc;
}

static void
init_locks(struct queue *q)
{
	pthread_condattr_t monotonic;

	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->wake, &monotonic);
	(void)pthread_cond_init(&q->idle, NULL);
	(void)pthread_condattr_destroy(&monotonic);
}

int
queue_new(const struct queue_options *options, struct queue **queue_out, struct error *e)
{
	struct queue *q = mem_alloc(sizeof *q);
	int rc;

	if (q == NULL)
		return error_nomem(e);
	init_locks(q);
	q->handlers[0] = (struct port_handler){ QUEUE_METHOD_lease, queue_run_lease };
	q->handlers[1] = (struct port_handler){ QUEUE_METHOD_body, queue_run_body };
	q->handlers[2] = (struct port_handler){ QUEUE_METHOD_renew, queue_run_renew };
	q->handlers[3] = (struct port_handler){ QUEUE_METHOD_settle, queue_run_settle };
	q->handlers[4] = (struct port_handler){ QUEUE_METHOD_defer_domain, queue_run_defer };
	q->handlers[5] = (struct port_handler){ QUEUE_METHOD_sts_get, queue_run_sts_get };
	q->handlers[6] = (struct port_handler){ QUEUE_METHOD_sts_put, queue_run_sts_put };
	q->handlers[7] = (struct port_handler){ QUEUE_METHOD_tally, queue_run_tally };
	q->service = (struct port_service){ &queue_interface, q->handlers, QUEUE_HANDLERS, q, queue_peer_gone };
	q->store = options->store;
	q->sign = options->sign;
	q->seal = options->seal;
	q->sign_ctx = options->sign_ctx;
	if (options->data != NULL)
		(void)snprintf(q->data, sizeof q->data, "%s", options->data);
	rules_set(&q->rules, options);
	buf_init(&q->hostname, STORE_DOMAIN_MAX);
	rc = buf_put_slice(&q->hostname, options->hostname);
	rc = rc != 0 ? error_set(e, rc, "the host's name is too long") : start(q, e);
	if (rc != 0) {
		queue_free(q);
		return rc;
	}
	*queue_out = q;
	return 0;
}

const struct port_service *
queue_service(struct queue *q)
{
	return &q->service;
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	(void)pthread_mutex_lock(&q->lock);
	q->stop = true;
	(void)pthread_cond_broadcast(&q->wake);
	(void)pthread_mutex_unlock(&q->lock);
	if (q->started)
		(void)pthread_join(q->thread, NULL);
	pool_free(q->pool);
	(void)pthread_mutex_lock(&q->lock);
	while (q->under_way > 0)
		(void)pthread_cond_wait(&q->idle, &q->lock);
	(void)pthread_mutex_unlock(&q->lock);
	(void)pthread_cond_destroy(&q->wake);
	(void)pthread_cond_destroy(&q->idle);
	(void)pthread_mutex_destroy(&q->lock);
	secret_wipe(q->srs_key, sizeof q->srs_key);
	buf_done(&q->hostname);
	mem_free(q);
}
