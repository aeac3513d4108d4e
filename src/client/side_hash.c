/* SPDX-License-Identifier: ISC */
#include "client/side_hash.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"

#define QUEUE 4u

struct side_hash {
	struct hash *hash;
	bool threaded, finished;
	uint8_t digest[HASH_SIZE_MAX];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock: */
	struct slice queue[QUEUE];
	unsigned first, count; /* count includes the piece that is being hashed */
	bool stop;
};

static void *
work(void *ctx)
{
	struct side_hash *s = ctx;

	(void)pthread_mutex_lock(&s->lock);
	for (;;) {
		struct slice piece;

		while (s->count == 0 && !s->stop)
			(void)pthread_cond_wait(&s->changed, &s->lock);
		if (s->count == 0)
			break;
		piece = s->queue[s->first];
		(void)pthread_mutex_unlock(&s->lock);
		hash_update(s->hash, piece);
		(void)pthread_mutex_lock(&s->lock);
		s->first = (s->first + 1) % QUEUE;
		s->count--;
		(void)pthread_cond_broadcast(&s->changed);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void
end_thread(struct side_hash *s)
{
	if (!s->threaded)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	s->threaded = false;
}

static int
side_begin(void *ctx, enum hash_id id, struct error *e)
{
	struct side_hash *s = ctx;
	int rc;

	end_thread(s);
	hash_free(s->hash);
	s->hash = NULL;
	s->finished = s->stop = false;
	rc = hash_new(id, &s->hash, e);
	if (rc == 0)
		s->threaded = pthread_create(&s->thread, NULL, work, s) == 0;
	return rc;
}

static void
side_settle(void *ctx, unsigned left)
{
	struct side_hash *s = ctx;

	if (!s->threaded)
		return;
	(void)pthread_mutex_lock(&s->lock);
	while (s->count > left)
		(void)pthread_cond_wait(&s->changed, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
side_update(void *ctx, struct slice data)
{
	struct side_hash *s = ctx;

	if (!s->threaded) {
		hash_update(s->hash, data);
		return;
	}
	(void)pthread_mutex_lock(&s->lock);
	while (s->count == QUEUE)
		(void)pthread_cond_wait(&s->changed, &s->lock);
	s->queue[(s->first + s->count++) % QUEUE] = data;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

static int
side_finish(void *ctx, uint8_t *out, struct error *e)
{
	struct side_hash *s = ctx;
	int rc;

	end_thread(s);
	rc = hash_finish(s->hash, s->digest, e);
	if (rc == 0) {
		memcpy(out, s->digest, hash_size(hash_id(s->hash)));
		s->finished = true;
	}
	return rc;
}

int
side_hash_new(struct side_hash **out, struct error *e)
{
	struct side_hash *s = mem_alloc(sizeof *s);

	if (s == NULL)
		return error_nomem(e);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->changed, NULL);
	*out = s;
	return 0;
}

struct pgp_hasher
side_hash_hasher(struct side_hash *s)
{
	static const struct pgp_hasher_ops ops = { side_begin, side_update, side_settle, side_finish };

	return (struct pgp_hasher){ &ops, s };
}

const uint8_t *
side_hash_digest(const struct side_hash *s)
{
	return s->finished ? s->digest : NULL;
}

void
side_hash_free(struct side_hash *s)
{
	if (s == NULL)
		return;
	end_thread(s);
	hash_free(s->hash);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s);
}
