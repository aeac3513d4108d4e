/* SPDX-License-Identifier: ISC */
#include "store/box.h"

#include <pthread.h>
#include <time.h>

#include "store/watch.h"

struct seen {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned count;
};

static void
see(void *ctx)
{
	struct seen *s = ctx;

	(void)pthread_mutex_lock(&s->mutex);
	s->count++;
	(void)pthread_cond_signal(&s->changed);
	(void)pthread_mutex_unlock(&s->mutex);
}

/* Waits until count is at least that; false after three seconds. */
static bool
wait_for(struct seen *s, unsigned count)
{
	struct timespec until;
	bool reached;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 3;
	(void)pthread_mutex_lock(&s->mutex);
	while (s->count < count && pthread_cond_timedwait(&s->changed, &s->mutex, &until) == 0)
		;
	reached = s->count >= count;
	(void)pthread_mutex_unlock(&s->mutex);
	return reached;
}

#define SEEN \
	{ \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
	}

static void
told_after_commit(void **state)
{
	(void)state;
	for (int socket = 0; socket < 2; socket++) {
		struct seen inbox_seen = SEEN, other_seen = SEEN, account_seen = SEEN;
		struct store_watch *watches[3];
		struct store_watcher *watcher;
		uint64_t account, inbox, other;
		struct box b;

		box_new(&b);
		if (socket == 0)
			box_open(&b);
		else
			box_open_socket(&b);
		account = box_account(&b, "a@example.org");
		inbox = box_mailbox(&b, account, "INBOX").mailbox;
		other = box_create(&b, account, "other");
		assert_ok(store_watcher_new(b.port, &watcher, &unit_error));
		assert_ok(store_watch_begin(watcher, account, inbox, see, &inbox_seen, &watches[0], &unit_error));
		assert_ok(store_watch_begin(watcher, account, other, see, &other_seen, &watches[1], &unit_error));
		assert_ok(store_watch_begin(watcher, account, 0, see, &account_seen, &watches[2], &unit_error));
		/* The first call only fetches the cursor: repeat until it is there. */
		for (unsigned i = 0; i < 100 && inbox_seen.count == 0; i++) {
			(void)box_append(&b, account, inbox, SLICE("x"), 0);
			(void)usleep(5000);
		}
		assert_true(wait_for(&inbox_seen, 1));
		assert_true(wait_for(&account_seen, 1));
		assert_int_equal(other_seen.count, 0);
		(void)box_append(&b, account, other, SLICE("x"), 0);
		assert_true(wait_for(&other_seen, 1));
		for (size_t i = 0; i < 3; i++)
			store_watch_end(watches[i]);
		store_watcher_free(watcher);
		box_free(&b);
	}
}

static struct store_changes_seen
wait_at(struct box *b, uint64_t cursor)
{
	struct store_changes_wait in = { cursor };
	struct store_changes_seen out;

	assert_ok(store_changes_wait(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

static void
cursors(void **state)
{
	struct store_changes_seen got;
	uint64_t account, inbox, cursor;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	inbox = box_mailbox(&b, account, "INBOX").mailbox;
	cursor = wait_at(&b, 0).cursor;
	for (int i = 0; i < 3; i++)
		(void)box_append(&b, account, inbox, SLICE("x"), 0);
	got = wait_at(&b, cursor);
	assert_int_equal(got.mailbox_count, 1);
	assert_int_equal(got.mailboxes[0].mailbox, inbox);
	assert_false(got.lost);
	assert_int_equal(got.cursor, cursor + 3);
	assert_true(wait_at(&b, cursor + 100).lost);
	assert_true(wait_at(&b, 5).lost);
	box_close(&b);
	box_open(&b);
	assert_true(wait_at(&b, cursor).lost);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(told_after_commit), UNIT_TEST(cursors))
