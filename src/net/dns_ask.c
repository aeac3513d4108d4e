/* SPDX-License-Identifier: ISC */
#include <pthread.h>

#include "net/dns.h"

struct asking {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done;
	struct arena *arena;
	struct dns_answer *out;
	struct error *e;
	int rc;
};

static int
copy_answer(const struct dns_answer *from, struct arena *a, struct dns_answer *out, struct error *e)
{
	struct dns_answer copy = *from;

	copy.canonical = arena_copy(a, from->canonical);
	copy.reason = arena_copy(a, from->reason);
	copy.records = arena_array(a, from->record_count + 1, sizeof copy.records[0]);
	for (size_t i = 0; copy.records != NULL && i < from->record_count; i++)
		copy.records[i] = arena_copy(a, from->records[i]);
	if (a->err != 0)
		return error_set(e, a->err, "no room for an answer of DNS");
	*out = copy;
	return 0;
}

static void
answered(void *ctx, const struct dns_answer *answer, const struct error *e)
{
	struct asking *q = ctx;

	(void)pthread_mutex_lock(&q->lock);
	q->rc = answer == NULL ? error_set(q->e, e->code, "%s", e->text) : copy_answer(answer, q->arena, q->out, q->e);
	q->done = true;
	(void)pthread_cond_signal(&q->answered);
	(void)pthread_mutex_unlock(&q->lock);
}

int
dns_ask(struct dns *d, struct slice name, uint16_t type, struct arena *a, struct dns_answer *out, struct error *e)
{
	struct asking q = { .arena = a, .out = out, .e = e };
	int rc;

	(void)pthread_mutex_init(&q.lock, NULL);
	(void)pthread_cond_init(&q.answered, NULL);
	rc = dns_lookup(d, name, type, answered, &q, e);
	if (rc == 0) {
		(void)pthread_mutex_lock(&q.lock);
		while (!q.done)
			(void)pthread_cond_wait(&q.answered, &q.lock);
		(void)pthread_mutex_unlock(&q.lock);
		rc = q.rc;
	}
	(void)pthread_cond_destroy(&q.answered);
	(void)pthread_mutex_destroy(&q.lock);
	return rc;
}
