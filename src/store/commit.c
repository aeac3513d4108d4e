/* SPDX-License-Identifier: ISC */
/*
 * The committer. It takes every write that is waiting and makes all of them
 * durable with two syncs:
 *
 *   1 the bodies of the batch are appended to the segment, and their sync begins
 *   2 beside it the rows run in one transaction, a savepoint each, and are
 *     committed, which syncs the log
 *   3 only when both syncs are through everyone is answered
 *
 * A write that cannot be (no such mailbox) fails alone. A full disk or an I/O
 * error fails the whole batch. When a sync itself fails, nobody knows what the
 * disk holds: the store stops.
 */
#include "os/clock.h"
#include "os/metrics.h"
#include "os/thread.h"
#include "store/internal.h"

#define BATCH_MAX 1024u                 /* writes */
#define BATCH_OCTETS ((size_t)48 << 20) /* of bodies, more or less */

struct batch {
	struct work *first;
	struct tx tx;
	bool relaxed; /* only writes that may be lost */
};

struct work *
work_new(struct port_job *job, const struct op *op)
{
	struct arena *a = port_job_arena(job);
	struct work *w = arena_alloc(a, sizeof *w);
	struct error e = { 0 };

	if (w != NULL)
		w->reply = arena_alloc(a, op->reply_size);
	if (w == NULL || w->reply == NULL) {
		(void)error_nomem(&e);
		port_fail(job, &e);
		return NULL;
	}
	w->job = job;
	w->op = op;
	w->request = port_job_request(job);
	w->arena = a;
	return w;
}

void
committer_push(struct store *s, struct work *w)
{
	struct committer *c = &s->committer;

	w->next = NULL;
	(void)pthread_mutex_lock(&c->mutex);
	*c->last = w;
	c->last = &w->next;
	(void)pthread_cond_signal(&c->some);
	(void)pthread_mutex_unlock(&c->mutex);
}

static size_t
work_octets(const struct work *w)
{
	struct body_place place;
	struct slice data = SLICE_EMPTY;

	if (w->op->content == NULL)
		return 0;
	if (w->stage == NULL)
		return w->op->content(w->request)->data.len;
	(void)stage_content(w->stage, &data, &place);
	return data.len;
}

/* Waits for writes and takes what is there. NULL: stop, and all is done. */
static struct work *
take_batch(struct committer *c)
{
	struct work *first, **end;
	size_t count = 0, octets = 0;

	(void)pthread_mutex_lock(&c->mutex);
	while (c->first == NULL && !c->stop)
		(void)pthread_cond_wait(&c->some, &c->mutex);
	first = c->first;
	end = &c->first;
	while (*end != NULL && count < BATCH_MAX && octets < BATCH_OCTETS) {
		octets += work_octets(*end);
		count++;
		end = &(*end)->next;
	}
	if (*end == NULL)
		c->last = &c->first;
	if (first != NULL) {
		struct work *rest = *end;

		*end = NULL;
		c->first = rest;
	}
	(void)pthread_mutex_unlock(&c->mutex);
	return first;
}

/* ---- 1: the bodies ---- */

static int
put_body(struct store *s, struct work *w, struct error *e)
{
	const struct store_content *content;
	struct slice data;
	int rc;

	if (w->op->content == NULL)
		return 0;
	content = w->op->content(w->request);
	data = content->data;
	w->has_place = true;
	if (w->stage != NULL && !stage_content(w->stage, &data, &w->place))
		return 0;
	rc = bodies_put(&s->bodies, data, &w->place, e);
	return rc;
}

static int
put_bodies(struct store *s, struct batch *b, struct error *e)
{
	for (struct work *w = b->first; w != NULL; w = w->next) {
		w->rc = put_body(s, w, &w->error);
		if (w->rc == ERR_FULL || w->rc == ERR_IO) {
			*e = w->error;
			return w->rc;
		}
	}
	return bodies_write(&s->bodies, e);
}

/* The sync of the bodies runs on a thread of its own, beside the rows and their sync. */
static void *
syncer_main(void *arg)
{
	struct store *s = arg;
	struct syncer *y = &s->committer.syncer;
	int64_t started;

	(void)pthread_mutex_lock(&y->mutex);
	while (!y->stop) {
		if (!y->asked) {
			(void)pthread_cond_wait(&y->turn, &y->mutex);
			continue;
		}
		(void)pthread_mutex_unlock(&y->mutex);
		started = clock_ns();
		y->rc = bodies_sync(&s->bodies, &y->error);
		metric_time(METRIC_SYNC_SECONDS, (uint64_t)(clock_ns() - started) / 1000);
		(void)pthread_mutex_lock(&y->mutex);
		y->asked = false;
		(void)pthread_cond_broadcast(&y->turn);
	}
	(void)pthread_mutex_unlock(&y->mutex);
	return NULL;
}

static void
sync_begin(struct store *s)
{
	struct syncer *y = &s->committer.syncer;

	if (s->bodies.pending.len == 0)
		return;
	(void)pthread_mutex_lock(&y->mutex);
	y->asked = true;
	(void)pthread_cond_broadcast(&y->turn);
	(void)pthread_mutex_unlock(&y->mutex);
}

/* 0 also when nothing was to be synced. */
static int
sync_end(struct store *s, struct error *e)
{
	struct syncer *y = &s->committer.syncer;

	if (s->bodies.pending.len == 0)
		return 0;
	(void)pthread_mutex_lock(&y->mutex);
	while (y->asked)
		(void)pthread_cond_wait(&y->turn, &y->mutex);
	(void)pthread_mutex_unlock(&y->mutex);
	if (y->rc != 0)
		*e = y->error;
	return y->rc;
}

/* ---- 2: the rows ---- */

static int
run_literal(struct db *db, const char *sql_literal, struct error *e)
{
	struct query q = query_begin(db, sql_literal);

	return query_run(&q, e);
}

/* Failures that are the whole batch's. */
static bool
fails_all(struct db *db, int rc)
{
	return rc == ERR_FULL || rc == ERR_IO || sqlite3_get_autocommit(db->handle) != 0;
}

/* Not 0: the batch has failed. */
static int
run_row(struct batch *b, struct work *w, struct error *e)
{
	struct tx *tx = &b->tx;
	size_t changed = tx->changed.len, released = tx->released.len;
	int rc = run_literal(tx->db, "SAVEPOINT one", e);

	if (rc != 0)
		return rc;
	tx->arena = w->arena;
	tx->place = w->has_place ? &w->place : NULL;
	w->rc = w->op->write(tx, w->request, w->reply, &w->error);
	if (w->rc == 0)
		w->rc = arena_check(tx->arena, &w->error);
	if (w->rc != 0 && fails_all(tx->db, w->rc)) {
		*e = w->error;
		return w->rc;
	}
	if (w->rc != 0) {
		buf_truncate(&tx->changed, changed);
		buf_truncate(&tx->released, released);
		/* Its octets are in the segment already, for nobody. */
		if (tx->place != NULL && tx->place->segment != BODY_OWN_FILE)
			(void)buf_put(&tx->released, tx->place, sizeof *tx->place);
		rc = run_literal(tx->db, "ROLLBACK TO one", e);
	}
	return rc != 0 ? rc : run_literal(tx->db, "RELEASE one", e);
}

static int
run_rows(struct store *s, struct batch *b, struct error *e)
{
	struct db *db = b->tx.db;
	int rc = run_literal(db, "BEGIN IMMEDIATE", e);

	for (struct work *w = b->first; w != NULL && rc == 0; w = w->next) {
		if (w->rc == 0)
			rc = run_row(b, w, e);
	}
	if (rc == 0)
		rc = bodies_count(&s->bodies, db, e);
	if (rc == 0)
		rc = run_literal(db, "COMMIT", e);
	if (rc != 0 && sqlite3_get_autocommit(db->handle) == 0)
		(void)run_literal(db, "ROLLBACK", NULL);
	return rc;
}

/* A batch without a durable promise is committed without a sync: the next one's sync carries it. */
static int
run_transaction(struct store *s, struct batch *b, struct error *e)
{
	struct db *db = b->tx.db;
	int rc;

	if (b->relaxed && db_run(db, "PRAGMA synchronous=NORMAL", NULL) != 0)
		b->relaxed = false;
	aside_pass(s);
	rc = run_rows(s, b, e);
	if (b->relaxed && db_run(db, "PRAGMA synchronous=FULL", NULL) != 0)
		store_stop(s, "the database refuses to sync its commits");
	if (db->sync_failed)
		store_stop(s, e->text);
	return rc;
}

/* ---- 3: the answers ---- */

static void
answer(struct store *s, struct work *w)
{
	if (w->stage != NULL)
		stage_give_back(s, w->stage, w->rc == 0);
	if (w->job == NULL)
		w->done(w);
	else if (w->rc == 0)
		port_reply(w->job, w->reply);
	else
		port_fail(w->job, &w->error);
}

static void
answer_all(struct store *s, struct work *first, int rc, const struct error *e)
{
	for (struct work *w = first, *next; w != NULL; w = next) {
		next = w->next;
		if (rc != 0) {
			w->rc = rc;
			w->error = *e;
		}
		answer(s, w);
	}
}

static int
run_batch(struct store *s, struct batch *b, struct error *e)
{
	struct error ignored = { 0 };
	int rc, synced = 0;

	if (atomic_load(&s->stopped))
		return store_stopped_error(e);
	rc = put_bodies(s, b, e);
	if (rc == 0) {
		sync_begin(s);
		rc = run_transaction(s, b, e);
		synced = sync_end(s, rc == 0 ? e : &ignored);
	}
	if (synced != 0)
		store_stop(s, rc == 0 ? e->text : ignored.text);
	if (rc != 0) {
		bodies_drop(&s->bodies);
		return rc;
	}
	bodies_keep(&s->bodies);
	if (synced != 0)
		return synced;
	notify_changed(s, buf_slice(&b->tx.changed));
	aside_release(s, buf_slice(&b->tx.released));
	return 0;
}

static void
commit_batch(struct store *s, struct work *first)
{
	struct committer *c = &s->committer;
	struct batch b = { .first = first, .relaxed = true };
	struct error e = { 0 };
	int64_t started;
	int rc;

	for (struct work *w = first; w != NULL; w = w->next) {
		b.relaxed = b.relaxed && (w->op->kind == OP_RELAXED || w->op->kind == OP_RECENT);
		(void)atomic_fetch_add(&c->writes, 1);
		metric_add(METRIC_COMMIT_WRITES_TOTAL, 1);
	}
	(void)atomic_fetch_add(&c->commits, 1);
	metric_add(METRIC_COMMIT_BATCHES_TOTAL, 1);
	b.tx.s = s;
	b.tx.db = &c->db;
	b.tx.now = clock_unix();
	buf_init(&b.tx.changed, (size_t)64 << 20);
	buf_init(&b.tx.released, (size_t)256 << 20);
	started = clock_ns();
	rc = run_batch(s, &b, &e);
	metric_time(METRIC_COMMIT_SECONDS, (uint64_t)(clock_ns() - started) / 1000);
	buf_done(&b.tx.changed);
	buf_done(&b.tx.released);
	answer_all(s, first, rc, &e);
}

static void *
committer_main(void *arg)
{
	struct store *s = arg;
	struct work *first;

	while ((first = take_batch(&s->committer)) != NULL)
		commit_batch(s, first);
	return NULL;
}

static int
wal_grew(void *ctx, sqlite3 *handle, const char *name, int pages)
{
	(void)handle;
	(void)name;
	aside_wal(ctx, pages);
	return SQLITE_OK;
}

static void
syncer_stop(struct syncer *y)
{
	(void)pthread_mutex_lock(&y->mutex);
	y->stop = true;
	(void)pthread_cond_broadcast(&y->turn);
	(void)pthread_mutex_unlock(&y->mutex);
	(void)pthread_join(y->thread, NULL);
	(void)pthread_cond_destroy(&y->turn);
	(void)pthread_mutex_destroy(&y->mutex);
}

int
committer_start(struct store *s, struct error *e)
{
	struct committer *c = &s->committer;
	int rc;

	c->last = &c->first;
	(void)pthread_mutex_init(&c->mutex, NULL);
	(void)pthread_cond_init(&c->some, NULL);
	(void)sqlite3_wal_hook(c->db.handle, wal_grew, s);
	(void)pthread_mutex_init(&c->syncer.mutex, NULL);
	(void)pthread_cond_init(&c->syncer.turn, NULL);
	rc = thread_start(&c->syncer.thread, "syncer", syncer_main, s, e);
	if (rc != 0)
		return rc;
	rc = thread_start(&c->thread, "committer", committer_main, s, e);
	c->started = rc == 0;
	if (rc != 0)
		syncer_stop(&c->syncer);
	return rc;
}

void
committer_stop(struct store *s)
{
	struct committer *c = &s->committer;

	if (!c->started)
		return;
	(void)pthread_mutex_lock(&c->mutex);
	c->stop = true;
	(void)pthread_cond_signal(&c->some);
	(void)pthread_mutex_unlock(&c->mutex);
	(void)pthread_join(c->thread, NULL);
	syncer_stop(&c->syncer);
	(void)pthread_cond_destroy(&c->some);
	(void)pthread_mutex_destroy(&c->mutex);
	c->started = false;
}
