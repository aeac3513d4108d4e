/* SPDX-License-Identifier: ISC */
#include "service/directory/fetch.h"

#include <pthread.h>

#include "base/mem.h"
#include "service/web/call.h"
#include "store/store.h"

#define MESSAGES_MAX 2u

/* In the call's arena. */
struct wait {
	struct directory_fetch *fetch;
	struct web_call *call;
	struct store_certificate_look look;
	void (*then)(struct web_call *call, const struct store_certificate_seen *seen);
	struct wait *next;
};

struct directory_fetch {
	struct port *store;
	pthread_mutex_t mutex;
	struct wait *first, **last; /* that wait for a message */
	unsigned messages;          /* under way */
	struct loop_task task;      /* takes what a loop's turn has gathered */
	bool posted;
};

static void take_gathered(void *ctx);

int
directory_fetch_new(struct port *store, struct directory_fetch **fetch_out, struct error *e)
{
	struct directory_fetch *f = mem_alloc(sizeof *f);

	if (f == NULL)
		return error_nomem(e);
	f->store = store;
	f->last = &f->first;
	f->task = (struct loop_task){ .run = take_gathered, .ctx = f };
	(void)pthread_mutex_init(&f->mutex, NULL);
	*fetch_out = f;
	return 0;
}

void
directory_fetch_free(struct directory_fetch *f)
{
	if (f == NULL)
		return;
	(void)pthread_mutex_destroy(&f->mutex);
	mem_free(f);
}

static void
put(struct directory_fetch *f, struct wait *w)
{
	w->next = NULL;
	*f->last = w;
	f->last = &w->next;
}

/* As many as a message takes, when one may go: the chain of them, or NULL. With the mutex. */
static struct wait *
take(struct directory_fetch *f)
{
	struct wait *chain = f->first, *end = chain;

	if (chain == NULL || f->messages >= MESSAGES_MAX)
		return NULL;
	for (unsigned n = 1; n < STORE_LOOKS_MAX && end->next != NULL; n++)
		end = end->next;
	f->first = end->next;
	if (f->first == NULL)
		f->last = &f->first;
	end->next = NULL;
	f->messages++;
	return chain;
}

static void
fail(struct wait *chain, const struct error *e)
{
	while (chain != NULL) {
		struct wait *w = chain;

		chain = w->next; /* it goes with the call */
		web_call_fail(w->call, e);
		web_call_release(w->call);
	}
}

static void seen(void *ctx, const void *reply, const struct error *e);

static void
submit(struct directory_fetch *f, struct wait *chain)
{
	while (chain != NULL) {
		struct store_certificate_look looks[STORE_LOOKS_MAX];
		struct store_certificate_looks request = { .looks = looks };
		struct error e;

		for (const struct wait *w = chain; w != NULL; w = w->next)
			looks[request.look_count++] = w->look;
		if (store_certificate_look_submit(f->store, &request, seen, chain, &e) == 0)
			return;
		fail(chain, &e);
		(void)pthread_mutex_lock(&f->mutex);
		f->messages--;
		chain = take(f);
		(void)pthread_mutex_unlock(&f->mutex);
	}
}

/* What was found of a message's look-ups, each with whose it is. */
struct found {
	struct wait *waits[STORE_LOOKS_MAX];
	const struct store_certificate_seen *seen[STORE_LOOKS_MAX];
	size_t count;
};

/* Those that the reply had no room for wait again. With the mutex. */
static void
sort_out(struct directory_fetch *f, struct wait *chain, const struct store_certificates_seen *all, struct found *out)
{
	static const struct store_certificate_seen nothing;

	out->count = 0;
	for (size_t i = 0; chain != NULL; i++) {
		struct wait *w = chain;
		const struct store_certificate_seen *s = i < all->seen_count ? &all->seen[i] : &nothing;

		chain = w->next;
		if (s->later) {
			put(f, w);
		} else {
			out->waits[out->count] = w;
			out->seen[out->count++] = s;
		}
	}
}

/* The next message goes first: the store works on it while we give out what this one brought. */
static void
seen(void *ctx, const void *reply, const struct error *e)
{
	struct wait *chain = ctx, *next;
	struct directory_fetch *f = chain->fetch;
	struct found found = { .count = 0 };

	(void)pthread_mutex_lock(&f->mutex);
	if (reply != NULL)
		sort_out(f, chain, reply, &found);
	f->messages--;
	next = take(f);
	(void)pthread_mutex_unlock(&f->mutex);
	submit(f, next);
	if (reply == NULL)
		fail(chain, e);
	for (size_t i = 0; i < found.count; i++) {
		struct web_call *call = found.waits[i]->call;

		found.waits[i]->then(call, found.seen[i]);
		web_call_release(call);
	}
}

static void
take_gathered(void *ctx)
{
	struct directory_fetch *f = ctx;
	struct wait *chain;

	(void)pthread_mutex_lock(&f->mutex);
	f->posted = false;
	chain = take(f);
	(void)pthread_mutex_unlock(&f->mutex);
	submit(f, chain);
}

void
directory_fetch(struct web_call *call, const struct store_certificate_look *look,
    void (*then)(struct web_call *call, const struct store_certificate_seen *seen))
{
	struct directory_fetch *f = call->service->fetch;
	struct wait *w = arena_alloc(&call->arena, sizeof *w);
	bool post;

	if (w == NULL) {
		web_call_say(call, 503, "The server is busy; come again in a minute.");
		return;
	}
	*w = (struct wait){ .fetch = f, .call = call, .look = *look, .then = then };
	(void)atomic_fetch_add(&call->refs, 1);
	(void)pthread_mutex_lock(&f->mutex);
	put(f, w);
	/* When all are under way, the answer of one takes what waits. */
	post = !f->posted && f->messages < MESSAGES_MAX;
	f->posted |= post;
	(void)pthread_mutex_unlock(&f->mutex);
	if (post)
		conn_post(call->conn, &f->task);
}
