/* SPDX-License-Identifier: ISC */
/*
 * What goes on beside everything else: moving the log's pages into the
 * database (checkpoints), and giving back the space of bodies that nobody
 * names any more.
 *
 * A passive checkpoint stands in nobody's way, but lets the log grow as long
 * as somebody always writes. When it has become long, one that makes the log
 * begin anew follows. It needs a moment without a transaction, which a busy
 * committer would hardly leave: so the committer waits for it. It also waits
 * when it writes faster than pages can be moved.
 *
 * When neither is wanted, segments are compacted (compact.c), a step at a time
 * with pauses.
 *
 * Who makes a backup holds: what is released meanwhile waits in the list, and
 * nothing is compacted. What was released before was committed before, so a
 * snapshot that is taken while one holds does not name it. To make the log
 * begin anew is then tried only now and then: as long as the database is being
 * copied it cannot be, and the committer would wait in vain each time.
 */
#include "os/clock.h"
#include "os/thread.h"
#include "store/internal.h"

#include <time.h>

#define CHECKPOINT_PAGES 4096            /* of 4 KiB */
#define RESTART_PAGES 8192               /* a start reads the log: not more than 32 MiB and a batch */
#define LOG_PAGES_MAX 16384              /* then writers wait: the disk does not keep up */
#define COMPACT_RATE ((uint64_t)8 << 20) /* octets a second */
#define HELD_RESTART_MS 5000
#define BUSY_RESTART_MS 1000
#define RELEASED_MAX ((size_t)64 << 20)

void
aside_wal(struct store *s, int pages)
{
	struct aside *a = &s->aside;

	if (pages < CHECKPOINT_PAGES)
		return;
	(void)pthread_mutex_lock(&a->mutex);
	a->wal_pages = a->log_pages = pages;
	(void)pthread_cond_signal(&a->some);
	(void)pthread_mutex_unlock(&a->mutex);
}

void
aside_release(struct store *s, struct slice places)
{
	struct aside *a = &s->aside;

	if (places.len == 0)
		return;
	(void)pthread_mutex_lock(&a->mutex);
	/* Not fitting only means that the space is given back later, by compaction. */
	if (a->released.len + places.len <= RELEASED_MAX)
		(void)buf_put_slice(&a->released, places);
	(void)pthread_cond_signal(&a->some);
	(void)pthread_mutex_unlock(&a->mutex);
}

void
aside_release_segment(struct store *s, uint32_t segment)
{
	const struct body_place place = { .segment = segment };

	aside_release(s, slice_of((const void *)&place, sizeof place));
}

bool
aside_has_more(struct store *s)
{
	struct aside *a = &s->aside;
	bool more;

	(void)pthread_mutex_lock(&a->mutex);
	more = a->holder_count > 0 || a->released.len > 0;
	(void)pthread_mutex_unlock(&a->mutex);
	return more;
}

static void
release_all(struct store *s, struct slice places)
{
	const struct body_place *place = (const void *)places.data;

	for (size_t i = 0; i < places.len / sizeof *place; i++) {
		if (place[i].body == 0)
			bodies_segment_remove(&s->bodies, place[i].segment);
		else
			bodies_release(&s->bodies, &place[i]);
	}
	for (size_t i = 0; i < places.len / sizeof *place; i++) {
		if (place[i].body != 0)
			compact_freed(s, &place[i]);
	}
}

/* ---- holding ---- */

void
aside_hold(struct store *s, struct port_job *job)
{
	static const struct store_nothing nothing;
	struct aside *a = &s->aside;
	uint64_t peer = port_job_peer(job);
	struct error e = { 0 };
	bool has = false;

	(void)pthread_mutex_lock(&a->mutex);
	for (unsigned i = 0; i < a->holder_count; i++)
		has = has || a->holders[i] == peer;
	if (!has && a->holder_count < STORE_HOLDS_MAX)
		a->holders[a->holder_count++] = peer;
	else if (!has)
		(void)error_set(&e, ERR_LIMIT, "%u backups are being made already", STORE_HOLDS_MAX);
	(void)pthread_mutex_unlock(&a->mutex);
	if (e.code == 0)
		port_reply(job, &nothing);
	else
		port_fail(job, &e);
}

void
aside_peer_gone(struct store *s, uint64_t peer)
{
	struct aside *a = &s->aside;

	(void)pthread_mutex_lock(&a->mutex);
	for (unsigned i = 0; i < a->holder_count; i++) {
		if (a->holders[i] == peer)
			a->holders[i] = a->holders[--a->holder_count];
	}
	(void)pthread_cond_broadcast(&a->some);
	(void)pthread_mutex_unlock(&a->mutex);
}

/* ---- the log begins anew ---- */

void
aside_pass(struct store *s)
{
	struct aside *a = &s->aside;

	(void)pthread_mutex_lock(&a->mutex);
	/* Compaction waits for the committer. */
	while (a->restarting || (a->log_pages >= LOG_PAGES_MAX && !a->compacting))
		(void)pthread_cond_wait(&a->passed, &a->mutex);
	(void)pthread_mutex_unlock(&a->mutex);
}

static void
set_restarting(struct aside *a, bool yes)
{
	(void)pthread_mutex_lock(&a->mutex);
	a->restarting = yes;
	(void)pthread_cond_broadcast(&a->passed);
	(void)pthread_mutex_unlock(&a->mutex);
}

static int
restart_log(struct aside *a)
{
	int rc;

	set_restarting(a, true);
	rc = sqlite3_wal_checkpoint_v2(a->db.handle, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	set_restarting(a, false);
	return rc;
}

static bool
is_held(struct aside *a)
{
	bool held;

	(void)pthread_mutex_lock(&a->mutex);
	held = a->holder_count > 0;
	(void)pthread_mutex_unlock(&a->mutex);
	return held;
}

static void
checkpoint(struct store *s, int pages)
{
	struct aside *a = &s->aside;
	struct error e = { 0 };
	int rc, frames = 0, moved = 0;

	if (atomic_load(&s->stopped))
		return;
	rc = sqlite3_wal_checkpoint_v2(a->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
	/* Who reads in one transaction holds the log back, and would hold back everybody who waits for it. */
	if (rc == SQLITE_OK && pages >= RESTART_PAGES && frames - moved < RESTART_PAGES / 4 &&
	    clock_ms() >= a->restart_ms) {
		rc = restart_log(a);
		if (rc == SQLITE_BUSY)
			a->restart_ms = clock_ms() + (is_held(a) ? HELD_RESTART_MS : BUSY_RESTART_MS);
	}
	if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return;
	(void)db_error(&a->db, rc, &e);
	if (a->db.sync_failed)
		store_stop(s, e.text);
	else
		store_say(s, e.text);
}

/* With the mutex. Waits for something to do, or does a step of compaction and then waits as long as its rate asks for. */
static void
wait_or_compact(struct store *s)
{
	struct aside *a = &s->aside;
	uint64_t rate = s->options.compact_rate == 0 ? COMPACT_RATE : s->options.compact_rate, copied = 0;
	int64_t until = a->pause_until;
	struct timespec at = { until / 1000, until % 1000 * 1000000 };

	if (!a->may_compact || !a->compaction.wanted || a->stop || a->holder_count > 0) {
		(void)pthread_cond_wait(&a->some, &a->mutex);
		return;
	}
	if (clock_ms() < until) {
		(void)pthread_cond_clockwait(&a->some, &a->mutex, CLOCK_MONOTONIC, &at);
		return;
	}
	a->compacting = true;
	(void)pthread_mutex_unlock(&a->mutex);
	a->compaction.wanted = compact_step(s, &copied);
	a->pause_until = clock_ms() + (int64_t)(copied * 1000 / rate);
	(void)pthread_mutex_lock(&a->mutex);
	a->compacting = false;
	(void)pthread_cond_broadcast(&a->some);
}

void
aside_compact(struct store *s, bool yes)
{
	struct aside *a = &s->aside;

	if (!a->started)
		return;
	(void)pthread_mutex_lock(&a->mutex);
	a->may_compact = yes;
	(void)pthread_cond_broadcast(&a->some);
	while (!yes && a->compacting)
		(void)pthread_cond_wait(&a->some, &a->mutex);
	(void)pthread_mutex_unlock(&a->mutex);
}

static void *
aside_main(void *arg)
{
	struct store *s = arg;
	struct aside *a = &s->aside;

	(void)pthread_mutex_lock(&a->mutex);
	while (!a->stop || a->released.len > 0) {
		bool held = a->holder_count > 0 && !a->stop;
		int pages = a->wal_pages;
		struct buf places = { 0 };

		if (pages == 0 && (a->released.len == 0 || held)) {
			wait_or_compact(s);
			continue;
		}
		a->wal_pages = 0;
		if (!held) {
			places = a->released;
			buf_init(&a->released, RELEASED_MAX);
		}
		(void)pthread_mutex_unlock(&a->mutex);
		release_all(s, buf_slice(&places));
		buf_done(&places);
		if (pages > 0)
			checkpoint(s, pages);
		(void)pthread_mutex_lock(&a->mutex);
		if (pages > 0)
			a->log_pages = 0;
		(void)pthread_cond_broadcast(&a->passed);
	}
	(void)pthread_mutex_unlock(&a->mutex);
	return NULL;
}

int
aside_start(struct store *s, struct error *e)
{
	struct aside *a = &s->aside;
	int rc = db_open(&a->db, s->db_path, DB_CHECKPOINTER, e);

	if (rc != 0)
		return rc;
	(void)pthread_mutex_init(&a->mutex, NULL);
	(void)pthread_cond_init(&a->some, NULL);
	(void)pthread_cond_init(&a->passed, NULL);
	buf_init(&a->released, RELEASED_MAX);
	compact_init(s);
	rc = thread_start(&a->thread, "aside", aside_main, s, e);
	a->started = rc == 0;
	if (rc != 0)
		db_close(&a->db);
	return rc;
}

void
aside_stop(struct store *s)
{
	struct aside *a = &s->aside;

	if (!a->started)
		return;
	(void)pthread_mutex_lock(&a->mutex);
	a->stop = true;
	(void)pthread_cond_signal(&a->some);
	(void)pthread_mutex_unlock(&a->mutex);
	(void)pthread_join(a->thread, NULL);
	compact_done(s);
	db_close(&a->db);
	buf_done(&a->released);
	(void)pthread_cond_destroy(&a->some);
	(void)pthread_cond_destroy(&a->passed);
	(void)pthread_mutex_destroy(&a->mutex);
	a->started = false;
}
