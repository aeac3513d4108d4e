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
		struct seen start_seen = SEEN, inbox_seen = SEEN, other_seen = SEEN, account_seen = SEEN;
		struct store_watch *start, *watches[3];
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
		/* Until the first answer is there everybody is told once too often. */
		assert_ok(store_watch_begin(watcher, account, inbox, see, &start_seen, &start, &unit_error));
		(void)box_append(&b, account, inbox, SLICE("x"), 0);
		assert_true(wait_for(&start_seen, 1));
		store_watch_end(start);
		assert_ok(store_watch_begin(watcher, account, inbox, see, &inbox_seen, &watches[0], &unit_error));
		assert_ok(store_watch_begin(watcher, account, other, see, &other_seen, &watches[1], &unit_error));
		assert_ok(store_watch_begin(watcher, account, 0, see, &account_seen, &watches[2], &unit_error));
		(void)box_append(&b, account, inbox, SLICE("x"), 0);
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

/* A store that answers when it is told to. */
struct slow {
	pthread_mutex_t mutex;
	pthread_cond_t asked;
	struct port_job *job;
	uint64_t cursor; /* of the last question */
};

static void
run_changes_wait(void *ctx, struct port_job *job)
{
	const struct store_changes_wait *in = port_job_request(job);
	struct slow *s = ctx;

	(void)pthread_mutex_lock(&s->mutex);
	s->job = job;
	s->cursor = in->cursor;
	(void)pthread_cond_signal(&s->asked);
	(void)pthread_mutex_unlock(&s->mutex);
}

/* The next question, which is taken. */
static struct port_job *
slow_asked(struct slow *s, uint64_t cursor)
{
	struct port_job *job;

	(void)pthread_mutex_lock(&s->mutex);
	while (s->job == NULL)
		(void)pthread_cond_wait(&s->asked, &s->mutex);
	job = s->job;
	s->job = NULL;
	assert_int_equal(s->cursor, cursor);
	(void)pthread_mutex_unlock(&s->mutex);
	return job;
}

/* What changed between the beginning of a watch and the first answer is in no answer: the watch is told all the same. */
static void
nothing_is_missed_at_the_start(void **state)
{
	static const struct port_handler handlers[] = { { STORE_METHOD_changes_wait, run_changes_wait } };
	struct slow slow = { .mutex = PTHREAD_MUTEX_INITIALIZER, .asked = PTHREAD_COND_INITIALIZER };
	const struct port_service service = {
		.interface = &store_interface, .handlers = handlers, .handler_count = 1, .ctx = &slow
	};
	struct store_changes_seen out = { .cursor = 7 };
	struct seen seen = SEEN;
	struct store_watcher *watcher;
	struct store_watch *watch;
	struct port_job *last;
	struct port *port;
	struct error e;

	(void)state;
	assert_ok(port_open_local(&service, &port, &unit_error));
	assert_ok(store_watcher_new(port, &watcher, &unit_error));
	assert_ok(store_watch_begin(watcher, 1, 2, see, &seen, &watch, &unit_error));
	port_reply(slow_asked(&slow, 0), &out);
	assert_true(wait_for(&seen, 1));
	/* Afterwards only of what changed. */
	out.cursor = 8;
	port_reply(slow_asked(&slow, 7), &out);
	last = slow_asked(&slow, 8);
	assert_int_equal(seen.count, 1);
	store_watch_end(watch);
	store_watcher_free(watcher);
	(void)error_set(&e, ERR_CLOSED, "the end");
	port_fail(last, &e);
	port_close(port);
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

UNIT_MAIN(UNIT_TEST(told_after_commit), UNIT_TEST(nothing_is_missed_at_the_start), UNIT_TEST(cursors))
