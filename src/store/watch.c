/* SPDX-License-Identifier: ISC */
/*
 * One changes_wait call is open at a time; its answer is handed to whoever
 * watches, then the next call is made. Calls are made by a thread of the
 * watcher's own, because a done function may run inside the store.
 *
 * The first answer only says from where on changes are told. Watches may have
 * begun before, and what has changed since is in no answer: so it tells all of
 * them.
 */
#include "store/watch.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "os/thread.h"
#include "store/store.h"

#define BUCKETS 1024u /* by account; a power of two */

struct store_watch {
	struct store_watch *next;
	struct store_watcher *watcher;
	uint64_t account;
	uint64_t mailbox;
	store_changed_fn *changed;
	void *ctx;
};

struct store_watcher {
	struct port *port;
	pthread_t thread;
	pthread_mutex_t mutex; /* the table; held while changed() runs */
	struct store_watch *buckets[BUCKETS];
	pthread_mutex_t turn_mutex;
	pthread_cond_t turn;
	bool answered; /* the open call was answered: make the next */
	bool open;     /* a call is open */
	bool failed;
	bool stop;
	bool orphan;     /* freed by its owner while a call is open: its answer frees */
	uint64_t cursor; /* 0: none was answered yet */
};

static size_t
bucket_of(uint64_t account)
{
	return (size_t)(account * 0x9e3779b97f4a7c15ull >> 32) & (BUCKETS - 1);
}

/* account 0: everyone. */
static void
tell(struct store_watcher *w, uint64_t account, uint64_t mailbox)
{
	size_t end = account == 0 ? BUCKETS : bucket_of(account) + 1;

	(void)pthread_mutex_lock(&w->mutex);
	for (size_t i = account == 0 ? 0 : bucket_of(account); i < end; i++) {
		for (struct store_watch *at = w->buckets[i]; at != NULL; at = at->next) {
			bool hit = account == 0 ||
			    (at->account == account && (at->mailbox == mailbox || at->mailbox == 0 || mailbox == 0));

			if (hit)
				at->changed(at->ctx);
		}
	}
	(void)pthread_mutex_unlock(&w->mutex);
}

static void
watcher_destroy(struct store_watcher *w)
{
	(void)pthread_cond_destroy(&w->turn);
	(void)pthread_mutex_destroy(&w->turn_mutex);
	(void)pthread_mutex_destroy(&w->mutex);
	mem_free(w);
}

static void
seen(void *ctx, const void *reply, const struct error *e)
{
	const struct store_changes_seen *in = reply;
	struct store_watcher *w = ctx;
	bool orphan;

	(void)e;
	if (in != NULL && (in->lost || w->cursor == 0))
		tell(w, 0, 0);
	for (size_t i = 0; in != NULL && i < in->mailbox_count; i++)
		tell(w, in->mailboxes[i].account, in->mailboxes[i].mailbox);
	(void)pthread_mutex_lock(&w->turn_mutex);
	if (in != NULL)
		w->cursor = in->cursor;
	w->failed = in == NULL;
	w->answered = true;
	w->open = false;
	orphan = w->orphan;
	(void)pthread_cond_signal(&w->turn);
	(void)pthread_mutex_unlock(&w->turn_mutex);
	if (orphan)
		watcher_destroy(w);
}

/* With the turn mutex. After a failure there is a pause: the store may be starting anew. */
static void
pause_turn(struct store_watcher *w)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	while (!w->stop && pthread_cond_timedwait(&w->turn, &w->turn_mutex, &until) == 0)
		;
}

static void *
watcher_main(void *arg)
{
	struct store_watcher *w = arg;

	(void)pthread_mutex_lock(&w->turn_mutex);
	while (!w->stop) {
		struct store_changes_wait in = { .cursor = w->cursor };
		int rc;

		if (!w->answered) {
			(void)pthread_cond_wait(&w->turn, &w->turn_mutex);
			continue;
		}
		if (w->failed)
			pause_turn(w);
		w->answered = w->failed = false;
		w->open = true;
		(void)pthread_mutex_unlock(&w->turn_mutex);
		rc = store_changes_wait_submit(w->port, &in, seen, w, NULL);
		(void)pthread_mutex_lock(&w->turn_mutex);
		if (rc != 0) {
			w->open = false;
			w->answered = w->failed = true;
		}
	}
	(void)pthread_mutex_unlock(&w->turn_mutex);
	return NULL;
}

int
store_watcher_new(struct port *p, struct store_watcher **watcher_out, struct error *e)
{
	struct store_watcher *w = mem_alloc(sizeof *w);
	int rc;

	if (w == NULL)
		return error_nomem(e);
	w->port = p;
	w->answered = true;
	(void)pthread_mutex_init(&w->mutex, NULL);
	(void)pthread_mutex_init(&w->turn_mutex, NULL);
	(void)pthread_cond_init(&w->turn, NULL);
	rc = thread_start(&w->thread, "watcher", watcher_main, w, e);
	if (rc != 0) {
		mem_free(w);
		return rc;
	}
	*watcher_out = w;
	return 0;
}

void
store_watcher_free(struct store_watcher *w)
{
	bool open;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->turn_mutex);
	w->stop = true;
	(void)pthread_cond_signal(&w->turn);
	(void)pthread_mutex_unlock(&w->turn_mutex);
	(void)pthread_join(w->thread, NULL);
	(void)pthread_mutex_lock(&w->turn_mutex);
	open = w->orphan = w->open;
	(void)pthread_mutex_unlock(&w->turn_mutex);
	if (!open)
		watcher_destroy(w);
}

int
store_watch_begin(struct store_watcher *w, uint64_t account, uint64_t mailbox, store_changed_fn *changed, void *ctx,
    struct store_watch **watch_out, struct error *e)
{
	struct store_watch *watch = mem_alloc(sizeof *watch);
	size_t bucket = bucket_of(account);

	if (watch == NULL)
		return error_nomem(e);
	*watch = (struct store_watch){ NULL, w, account, mailbox, changed, ctx };
	(void)pthread_mutex_lock(&w->mutex);
	watch->next = w->buckets[bucket];
	w->buckets[bucket] = watch;
	(void)pthread_mutex_unlock(&w->mutex);
	*watch_out = watch;
	return 0;
}

void
store_watch_end(struct store_watch *watch)
{
	struct store_watcher *w;
	struct store_watch **at;

	if (watch == NULL)
		return;
	w = watch->watcher;
	(void)pthread_mutex_lock(&w->mutex);
	at = &w->buckets[bucket_of(watch->account)];
	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
	(void)pthread_mutex_unlock(&w->mutex);
	mem_free(watch);
}
