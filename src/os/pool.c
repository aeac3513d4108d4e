/* SPDX-License-Identifier: ISC */
#include "os/pool.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define THREADS_MAX 256u
#define STACK_OCTETS (512u << 10)

struct work {
	pool_fn *fn;
	void *ctx;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t something; /* work came, or stopping */
	struct work *ring;
	unsigned ring_size, first, waiting;
	bool stopping;
	pthread_t *threads;
	unsigned thread_count;
	char name[16];
};

/* The next work, or false when the pool stops and nothing waits. */
static bool
take(struct pool *p, struct work *out)
{
	bool got;

	(void)pthread_mutex_lock(&p->lock);
	while (p->waiting == 0 && !p->stopping)
		(void)pthread_cond_wait(&p->something, &p->lock);
	got = p->waiting > 0;
	if (got) {
		*out = p->ring[p->first];
		p->first = (p->first + 1) % p->ring_size;
		p->waiting--;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return got;
}

static void *
thread_main(void *ctx)
{
	struct pool *p = ctx;
	struct work w;

	(void)pthread_setname_np(pthread_self(), p->name);
	while (take(p, &w))
		w.fn(w.ctx);
	return NULL;
}

/* Signals are for the main thread: workers start with all of them blocked. */
static int
start_threads(struct pool *p, unsigned count, struct error *e)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int rc = 0;

	(void)sigfillset(&all);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_OCTETS);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	while (rc == 0 && p->thread_count < count) {
		rc = pthread_create(&p->threads[p->thread_count], &attr, thread_main, p);
		if (rc == 0)
			p->thread_count++;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return rc == 0 ? 0 : error_set_errno(e, ERR_NOMEM, rc, "cannot start a thread");
}

static unsigned
thread_count(unsigned wanted)
{
	long cores = wanted > 0 ? (long)wanted : sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : cores > (long)THREADS_MAX ? THREADS_MAX : (unsigned)cores;
}

int
pool_new(const struct pool_options *options, struct pool **out, struct error *e)
{
	unsigned count = thread_count(options->threads);
	struct pool *p;
	int rc;

	if (options->queue_max == 0)
		return error_set(e, ERR_USAGE, "a pool needs a queue of at least one work");
	p = mem_alloc(sizeof *p);
	if (p == NULL)
		return error_nomem(e);
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->something, NULL);
	p->ring_size = options->queue_max;
	p->ring = mem_array(p->ring_size, sizeof *p->ring);
	p->threads = mem_array(count, sizeof *p->threads);
	memcpy(p->name, options->name, strnlen(options->name, sizeof p->name - 1));
	rc = p->ring == NULL || p->threads == NULL ? error_nomem(e) : start_threads(p, count, e);
	if (rc != 0) {
		pool_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

int
pool_submit(struct pool *p, pool_fn *fn, void *ctx)
{
	int rc = 0;

	(void)pthread_mutex_lock(&p->lock);
	if (p->stopping) {
		rc = ERR_CLOSED;
	} else if (p->waiting == p->ring_size) {
		rc = ERR_LIMIT;
	} else {
		p->ring[(p->first + p->waiting) % p->ring_size] = (struct work){ fn, ctx };
		p->waiting++;
		(void)pthread_cond_signal(&p->something);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return rc;
}

void
pool_stop(struct pool *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->stopping = true;
	(void)pthread_cond_broadcast(&p->something);
	(void)pthread_mutex_unlock(&p->lock);
	while (p->thread_count > 0)
		(void)pthread_join(p->threads[--p->thread_count], NULL);
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pool_stop(p);
	(void)pthread_cond_destroy(&p->something);
	(void)pthread_mutex_destroy(&p->lock);
	mem_free(p->ring);
	mem_free(p->threads);
	mem_free(p);
}

unsigned
pool_waiting(struct pool *p)
{
	unsigned n;

	(void)pthread_mutex_lock(&p->lock);
	n = p->waiting;
	(void)pthread_mutex_unlock(&p->lock);
	return n;
}
