/* SPDX-License-Identifier: ISC */
/*
 * Bodies being staged. A small one stays in memory and its pieces are taken
 * on the caller's thread. One that grows over STAGE_MEMORY (or when all of
 * them together hold too much) goes to a file of its own, written by the spool
 * thread, which then does everything of that stage in order; so no caller
 * ever waits for the disk, and a message of any size takes one block of
 * memory.
 *
 * A stage belongs to the peer that began it. Whoever delivers it takes it:
 * until that is answered nobody else may touch it.
 */
#include <string.h>

#include "base/mem.h"
#include "os/thread.h"
#include "store/internal.h"

#define STAGE_MEMORY (256u << 10)           /* octets of one stage */
#define STAGE_MEMORY_ALL ((size_t)64 << 20) /* octets of all stages */
#define SLOT_BITS 16
_Static_assert(STORE_HANDLES_MAX <= 1u << SLOT_BITS, "a slot fits its bits");

struct stage {
	uint64_t handle;
	uint64_t peer;
	struct buf memory;
	struct body_file file;
	bool spilled;       /* the spool thread's as long as something is queued */
	bool fronted;       /* what belongs in front of it is there */
	bool finished;      /* the file is synced */
	uint64_t length;    /* staged or promised to be */
	unsigned queued;    /* works of it at the spool thread */
	bool taken;         /* by a write that is not answered yet */
	bool dead;          /* aborted, or its peer is gone: freed when nothing uses it */
	struct error error; /* its code not 0: an append failed, nothing can be made of it */
};

static const struct store_nothing nothing;

/* ---- the table; with the mutex ---- */

static void
slot_free(struct staging *g, const struct stage *t)
{
	g->slots[t->handle & ((1u << SLOT_BITS) - 1)] = NULL;
}

static struct stage *
stage_find(struct staging *g, uint64_t handle, uint64_t peer)
{
	uint64_t slot = handle & ((1u << SLOT_BITS) - 1);
	struct stage *t = slot < g->slot_count ? g->slots[slot] : NULL;

	return t != NULL && t->handle == handle && t->peer == peer && !t->dead ? t : NULL;
}

static struct stage *
stage_usable(struct staging *g, uint64_t handle, uint64_t peer, struct error *e)
{
	struct stage *t = stage_find(g, handle, peer);

	if (t == NULL)
		(void)error_set(e, ERR_NOT_FOUND, "no such staged message");
	else if (t->taken)
		(void)error_set(e, ERR_ORDER, "the staged message is being delivered");
	else if (t->error.code != 0)
		*e = t->error;
	else
		return t;
	return NULL;
}

static int
slot_find(struct staging *g, uint32_t *out, struct error *e)
{
	struct stage **slots;

	for (uint32_t i = 0; i < g->slot_count; i++) {
		if (g->slots[i] == NULL) {
			*out = i;
			return 0;
		}
	}
	if (g->slot_count >= STORE_HANDLES_MAX)
		return error_set(e, ERR_LIMIT, "too many messages are being received; try again later");
	slots = mem_realloc(g->slots, (g->slot_count + 1) * sizeof(struct stage *));
	if (slots == NULL)
		return error_nomem(e);
	g->slots = slots;
	slots[g->slot_count] = NULL;
	*out = g->slot_count++;
	return 0;
}

/* ---- ends ---- */

/* With the mutex. Frees a dead one that nobody uses; true when the caller must then stage_destroy() it without the mutex. */
static bool
stage_unlist(struct staging *g, struct stage *t)
{
	if (!t->dead || t->taken || t->queued > 0)
		return false;
	slot_free(g, t);
	g->memory -= t->memory.len;
	return true;
}

static void
stage_destroy(struct store *s, struct stage *t, bool keep_file)
{
	if (t->spilled) {
		body_file_close(&t->file);
		/* When the store has stopped nobody knows whether its row counts: the next start sees that, and cleans. */
		if (!keep_file && !atomic_load(&s->stopped))
			bodies_release(&s->bodies, &(struct body_place){ .body = t->file.body });
	}
	buf_done(&t->memory);
	mem_free(t);
}

void
stage_give_back(struct store *s, struct stage *t, bool kept)
{
	struct staging *g = &s->staging;
	bool destroy;

	(void)pthread_mutex_lock(&g->mutex);
	t->taken = false;
	t->dead = t->dead || kept;
	destroy = stage_unlist(g, t);
	(void)pthread_mutex_unlock(&g->mutex);
	if (destroy)
		stage_destroy(s, t, kept);
}

void
staging_peer_gone(struct store *s, uint64_t peer)
{
	struct staging *g = &s->staging;

	(void)pthread_mutex_lock(&g->mutex);
	for (uint32_t i = 0; i < g->slot_count; i++) {
		struct stage *t = g->slots[i];

		if (t == NULL || t->peer != peer)
			continue;
		t->dead = true;
		if (stage_unlist(g, t))
			stage_destroy(s, t, false);
	}
	(void)pthread_mutex_unlock(&g->mutex);
}

/* ---- the spool thread ---- */

/* With the mutex. */
static void
spool_push(struct staging *g, struct work *w)
{
	w->next = NULL;
	w->stage->queued++;
	*g->last = w;
	g->last = &w->next;
	(void)pthread_cond_signal(&g->some);
}

static int
spool_begin(struct store *s, struct stage *t, struct error *e)
{
	struct staging *g = &s->staging;
	int rc = body_file_new(&s->bodies, &t->file, e);
	size_t held = t->memory.len;

	if (rc != 0)
		return rc;
	t->spilled = true;
	rc = body_file_append(&t->file, buf_slice(&t->memory), e);
	buf_done(&t->memory);
	(void)pthread_mutex_lock(&g->mutex);
	g->memory -= held;
	(void)pthread_mutex_unlock(&g->mutex);
	return rc;
}

static int
spool_append(struct store *s, struct stage *t, struct slice data, struct error *e)
{
	int rc = 0;

	if (t->error.code != 0) {
		*e = t->error;
		return e->code;
	}
	if (!t->spilled)
		rc = spool_begin(s, t, e);
	if (rc == 0)
		rc = body_file_append(&t->file, data, e);
	return rc;
}

/* In memory: the stage is taken, so that nobody else looks at it. */
static int
front_memory(struct staging *g, struct stage *t, struct slice front, struct error *e)
{
	struct buf whole;

	buf_init(&whole, STAGE_MEMORY + STORE_FRONT_MAX);
	(void)buf_put_slice(&whole, front);
	if (buf_put_slice(&whole, buf_slice(&t->memory)) != 0) {
		buf_done(&whole);
		return error_nomem(e);
	}
	buf_done(&t->memory);
	t->memory = whole;
	(void)pthread_mutex_lock(&g->mutex);
	g->memory += front.len;
	(void)pthread_mutex_unlock(&g->mutex);
	return 0;
}

static int
spool_front(struct store *s, struct stage *t, struct slice front, struct error *e)
{
	int rc = t->fronted ? error_set(e, ERR_ORDER, "the staged message has its front already")
	    : t->spilled    ? body_file_prepend(&s->bodies, &t->file, front, e)
			    : front_memory(&s->staging, t, front, e);

	t->fronted = rc == 0;
	return rc;
}

static int
spool_finish(struct store *s, struct stage *t, struct slice front, struct error *e)
{
	bool sync_failed;
	int rc;

	if (t->error.code != 0) {
		*e = t->error;
		return e->code;
	}
	if (front.len > 0 && (rc = spool_front(s, t, front, e)) != 0)
		return rc;
	if (!t->spilled || t->finished)
		return 0;
	rc = body_file_finish(&s->bodies, &t->file, &sync_failed, e);
	if (sync_failed)
		store_stop(s, e->text);
	t->finished = rc == 0;
	return rc;
}

static void
spool_end(struct store *s, struct stage *t, int rc, const struct error *e)
{
	struct staging *g = &s->staging;
	bool destroy;

	(void)pthread_mutex_lock(&g->mutex);
	if (rc != 0)
		t->error = *e;
	t->queued--;
	destroy = stage_unlist(g, t);
	(void)pthread_mutex_unlock(&g->mutex);
	if (destroy)
		stage_destroy(s, t, false);
}

static void
spool_run(struct store *s, struct work *w)
{
	struct stage *t = w->stage;
	bool append = w->op->kind == OP_STAGE;
	const struct store_body_append *in = port_job_request(w->job);
	struct store_body_length out = { 0 };
	struct port_job *job = w->job;
	struct error e = { 0 };
	int rc = append ? spool_append(s, t, in->data, &e) : spool_finish(s, t, w->op->content(w->request)->front, &e);

	if (append || rc != 0) {
		out.length = t->spilled ? t->file.length : t->memory.len;
		spool_end(s, t, rc, &e);
		if (!append)
			stage_give_back(s, t, false);
		if (rc == 0)
			port_reply(job, &out);
		else
			port_fail(job, &e);
		return;
	}
	/* Still taken, so it stays; the committer gives it back. */
	spool_end(s, t, 0, NULL);
	committer_push(s, w);
}

static void *
spool_main(void *arg)
{
	struct store *s = arg;
	struct staging *g = &s->staging;

	(void)pthread_mutex_lock(&g->mutex);
	while (g->first != NULL || !g->stop) {
		struct work *w = g->first;

		if (w == NULL) {
			(void)pthread_cond_wait(&g->some, &g->mutex);
			continue;
		}
		g->first = w->next;
		if (g->first == NULL)
			g->last = &g->first;
		(void)pthread_mutex_unlock(&g->mutex);
		spool_run(s, w);
		(void)pthread_mutex_lock(&g->mutex);
	}
	(void)pthread_mutex_unlock(&g->mutex);
	return NULL;
}

/* ---- calls ---- */

void
stage_begin(struct store *s, struct port_job *job)
{
	struct staging *g = &s->staging;
	struct stage *t = mem_alloc(sizeof *t);
	struct store_body_handle out = { 0 };
	struct error e = { 0 };
	uint32_t slot = 0;
	int rc;

	if (t == NULL) {
		(void)error_nomem(&e);
		port_fail(job, &e);
		return;
	}
	buf_init(&t->memory, STAGE_MEMORY);
	t->peer = port_job_peer(job);
	(void)pthread_mutex_lock(&g->mutex);
	rc = slot_find(g, &slot, &e);
	if (rc == 0) {
		t->handle = out.handle = ++g->uses << SLOT_BITS | slot;
		g->slots[slot] = t;
	}
	(void)pthread_mutex_unlock(&g->mutex);
	if (rc == 0) {
		port_reply(job, &out);
		return;
	}
	mem_free(t);
	port_fail(job, &e);
}

/* With the mutex. 1: taken into memory, 0: queued for the spool thread, or negative. */
static int
append_locked(struct store *s, struct port_job *job, struct store_body_length *out, struct error *e)
{
	const struct store_body_append *in = port_job_request(job);
	struct staging *g = &s->staging;
	struct stage *t = stage_usable(g, in->handle, port_job_peer(job), e);
	struct work *w;

	if (t == NULL)
		return e->code;
	if (t->length + in->data.len > STORE_MESSAGE_MAX)
		return error_set(e, ERR_LIMIT, "the message is larger than %llu octets", STORE_MESSAGE_MAX);
	t->length += in->data.len;
	out->length = t->length;
	if (t->queued == 0 && !t->spilled && t->length <= STAGE_MEMORY &&
	    g->memory + in->data.len <= STAGE_MEMORY_ALL) {
		if (buf_put_slice(&t->memory, in->data) != 0) {
			(void)error_set(e, t->memory.err, "no memory for a message");
			t->error = *e;
			return e->code;
		}
		g->memory += in->data.len;
		return 1;
	}
	w = arena_alloc(port_job_arena(job), sizeof *w);
	if (w == NULL)
		return error_nomem(e);
	w->job = job;
	w->op = op_find(STORE_METHOD_body_append);
	w->stage = t;
	spool_push(g, w);
	return 0;
}

void
stage_append(struct store *s, struct port_job *job)
{
	struct store_body_length out = { 0 };
	struct error e = { 0 };
	int rc;

	(void)pthread_mutex_lock(&s->staging.mutex);
	rc = append_locked(s, job, &out, &e);
	(void)pthread_mutex_unlock(&s->staging.mutex);
	if (rc == 1)
		port_reply(job, &out);
	else if (rc < 0)
		port_fail(job, &e);
}

void
stage_abort(struct store *s, struct port_job *job)
{
	const struct store_body_handle *in = port_job_request(job);
	struct staging *g = &s->staging;
	struct stage *t;
	bool destroy = false;

	(void)pthread_mutex_lock(&g->mutex);
	t = stage_find(g, in->handle, port_job_peer(job));
	if (t != NULL) {
		t->dead = true;
		destroy = stage_unlist(g, t);
	}
	(void)pthread_mutex_unlock(&g->mutex);
	if (destroy)
		stage_destroy(s, t, false);
	port_reply(job, &nothing);
}

void
stage_submit(struct store *s, struct work *w, const struct store_content *content)
{
	struct staging *g = &s->staging;
	struct error e = { 0 };
	bool direct = false;

	(void)pthread_mutex_lock(&g->mutex);
	w->stage = stage_usable(g, content->handle, port_job_peer(w->job), &e);
	if (w->stage != NULL) {
		w->stage->taken = true;
		direct = w->stage->queued == 0 && !w->stage->spilled && content->front.len == 0;
		if (!direct)
			spool_push(g, w);
	}
	(void)pthread_mutex_unlock(&g->mutex);
	if (e.code != 0)
		port_fail(w->job, &e);
	else if (direct)
		committer_push(s, w);
}

bool
stage_content(const struct stage *t, struct slice *data_out, struct body_place *place_out)
{
	*data_out = SLICE_EMPTY;
	if (!t->spilled) {
		*data_out = buf_slice(&t->memory);
		return true;
	}
	*place_out = (struct body_place){ t->file.body, BODY_OWN_FILE, 0, t->file.length };
	return false;
}

int
staging_start(struct store *s, struct error *e)
{
	struct staging *g = &s->staging;
	int rc;

	g->last = &g->first;
	(void)pthread_mutex_init(&g->mutex, NULL);
	(void)pthread_cond_init(&g->some, NULL);
	rc = thread_start(&g->thread, "spool", spool_main, s, e);
	g->started = rc == 0;
	return rc;
}

/* Before the committer is stopped: what was taken goes on to it. */
void
staging_stop(struct store *s)
{
	struct staging *g = &s->staging;

	if (!g->started)
		return;
	(void)pthread_mutex_lock(&g->mutex);
	g->stop = true;
	(void)pthread_cond_signal(&g->some);
	(void)pthread_mutex_unlock(&g->mutex);
	(void)pthread_join(g->thread, NULL);
	g->started = false;
}

/* After the committer is stopped. */
void
staging_done(struct store *s)
{
	struct staging *g = &s->staging;

	for (uint32_t i = 0; i < g->slot_count; i++) {
		if (g->slots[i] != NULL)
			stage_destroy(s, g->slots[i], false);
	}
	mem_free(g->slots);
	(void)pthread_cond_destroy(&g->some);
	(void)pthread_mutex_destroy(&g->mutex);
}
