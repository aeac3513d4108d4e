/* SPDX-License-Identifier: ISC */
/*
 * Every read runs in a transaction of its own connection, so it sees one
 * snapshot and waits for no write. A caller that waits for the answer anyway
 * reads on its own thread; for others there are reader threads.
 */
#include "os/thread.h"
#include "store/internal.h"

int
reading_anew(struct rx *rx, struct error *e)
{
	struct query end = query_begin(rx->db, "COMMIT"), begin;
	int rc = query_run(&end, e);

	if (rc != 0)
		return rc;
	begin = query_begin(rx->db, "BEGIN");
	return query_run(&begin, e);
}

static int
read_run(struct rx *rx, const struct op *op, const void *request, void *reply, struct error *e)
{
	struct query begin = query_begin(rx->db, "BEGIN"), end;
	int rc = query_run(&begin, e);

	if (rc != 0)
		return rc;
	rc = op->read(rx, request, reply, e);
	if (rc == 0)
		rc = arena_check(rx->arena, e);
	end = query_begin(rx->db, "COMMIT");
	(void)query_run(&end, NULL);
	return rc;
}

static void
read_job(struct store *s, struct db *db, struct work *w)
{
	struct rx rx = { s, db, port_job_arena(w->job) };

	w->rc = read_run(&rx, w->op, port_job_request(w->job), w->reply, &w->error);
	if (w->rc == OP_NEEDS_WRITE)
		committer_push(s, w);
	else if (w->rc == 0)
		port_reply(w->job, w->reply);
	else
		port_fail(w->job, &w->error);
}

static struct db *
connection_take(struct reading *r)
{
	struct db *db;

	(void)pthread_mutex_lock(&r->mutex);
	while (r->free_count == 0)
		(void)pthread_cond_wait(&r->free_connection, &r->mutex);
	db = r->free_db[--r->free_count];
	(void)pthread_mutex_unlock(&r->mutex);
	return db;
}

static void
connection_give(struct reading *r, struct db *db)
{
	(void)pthread_mutex_lock(&r->mutex);
	r->free_db[r->free_count++] = db;
	(void)pthread_cond_signal(&r->free_connection);
	(void)pthread_mutex_unlock(&r->mutex);
}

void
reading_submit(struct store *s, struct work *w)
{
	struct reading *r = &s->reading;

	if (port_job_may_block(w->job)) {
		struct db *db = connection_take(r);

		read_job(s, db, w);
		connection_give(r, db);
		return;
	}
	w->next = NULL;
	(void)pthread_mutex_lock(&r->mutex);
	*r->last = w;
	r->last = &w->next;
	(void)pthread_cond_signal(&r->some);
	(void)pthread_mutex_unlock(&r->mutex);
}

static struct work *
take_read(struct reading *r)
{
	struct work *w;

	(void)pthread_mutex_lock(&r->mutex);
	while (r->first == NULL && !r->stop)
		(void)pthread_cond_wait(&r->some, &r->mutex);
	w = r->first;
	if (w != NULL) {
		r->first = w->next;
		if (r->first == NULL)
			r->last = &r->first;
	}
	(void)pthread_mutex_unlock(&r->mutex);
	return w;
}

static void *
reader_main(void *arg)
{
	struct store *s = arg;
	struct reading *r = &s->reading;
	struct db *db;
	struct work *w;

	(void)pthread_mutex_lock(&r->mutex);
	db = &r->thread_db[r->thread_count++];
	(void)pthread_mutex_unlock(&r->mutex);
	while ((w = take_read(r)) != NULL)
		read_job(s, db, w);
	return NULL;
}

int
reading_start(struct store *s, unsigned threads, struct error *e)
{
	struct reading *r = &s->reading;
	enum db_role role = s->options.look_only ? DB_LOOKER : DB_READER;
	unsigned started = 0;
	int rc = 0;

	r->last = &r->first;
	(void)pthread_mutex_init(&r->mutex, NULL);
	(void)pthread_cond_init(&r->some, NULL);
	(void)pthread_cond_init(&r->free_connection, NULL);
	threads = threads == 0 ? 2 : threads > READERS_MAX ? READERS_MAX : threads;
	for (; r->free_count < READ_CONNECTIONS && rc == 0; r->free_count++) {
		r->free_db[r->free_count] = &r->call_db[r->free_count];
		rc = db_open(&r->call_db[r->free_count], s->db_path, role, e);
	}
	for (; started < threads && rc == 0; started++) {
		rc = db_open(&r->thread_db[started], s->db_path, role, e);
		if (rc == 0)
			rc = thread_start(&r->threads[started], "reader", reader_main, s, e);
		if (rc != 0)
			break;
	}
	r->started = started;
	return rc;
}

void
reading_stop(struct store *s)
{
	struct reading *r = &s->reading;

	if (r->last == NULL)
		return;
	(void)pthread_mutex_lock(&r->mutex);
	r->stop = true;
	(void)pthread_cond_broadcast(&r->some);
	(void)pthread_mutex_unlock(&r->mutex);
	for (unsigned i = 0; i < r->started; i++)
		(void)pthread_join(r->threads[i], NULL);
	for (unsigned i = 0; i < READERS_MAX; i++)
		db_close(&r->thread_db[i]);
	for (unsigned i = 0; i < READ_CONNECTIONS; i++)
		db_close(&r->call_db[i]);
	(void)pthread_cond_destroy(&r->free_connection);
	(void)pthread_cond_destroy(&r->some);
	(void)pthread_mutex_destroy(&r->mutex);
	r->last = NULL;
}
