/* SPDX-License-Identifier: ISC */
#include "store/box.h"

#include <dirent.h>
#include <pthread.h>

static uint64_t
begin(struct box *b)
{
	struct store_nothing none = { 0 };
	struct store_body_handle out;

	assert_ok(store_body_begin(b->port, &none, &b->arena, &out, &unit_error));
	return out.handle;
}

static int
put(struct box *b, uint64_t handle, struct slice data)
{
	struct store_body_append in = { handle, data };
	struct store_body_length out;

	return store_body_append(b->port, &in, &b->arena, &out, NULL);
}

static int
abort_it(struct box *b, uint64_t handle)
{
	struct store_body_handle in = { handle };
	struct store_nothing out;

	return store_body_abort(b->port, &in, &b->arena, &out, NULL);
}

static int
append_it(struct box *b, uint64_t account, uint64_t handle, struct store_appended *out)
{
	struct store_append in = {
		.account = account, .mailbox = box_mailbox(b, account, "INBOX").mailbox, .content = { .handle = handle }
	};

	return store_append(b->port, &in, &b->arena, out, NULL);
}

/* Files of large bodies in the folder. */
static unsigned
files(struct box *b)
{
	char path[100];
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/bodies", b->folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] == 'b';
	(void)closedir(dir);
	return n;
}

static uint8_t piece[100000];

static void
fill(size_t number)
{
	for (size_t i = 0; i < sizeof piece; i++)
		piece[i] = (uint8_t)((i + number * 7919) * 40503u >> 7);
}

static void
check_body(struct box *b, uint64_t body, size_t pieces)
{
	for (size_t i = 0; i < pieces; i++) {
		struct store_body_read in = { body, i * sizeof piece, sizeof piece };
		struct store_body_data out;

		fill(i);
		assert_ok(store_body_read(b->port, &in, &b->arena, &out, &unit_error));
		assert_int_equal(out.length, pieces * sizeof piece);
		assert_true(slice_eq(out.data, slice_of(piece, sizeof piece)));
	}
}

/* 0: in memory, 2: in memory, 3 and 50: in a file of its own. */
static void
any_size(void **state)
{
	static const size_t sizes[] = { 0, 2, 3, 50 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
		size_t pieces = sizes[i / 2];
		struct store_appended out;
		uint64_t account, handle;
		struct box b;

		box_new(&b);
		if (i % 2 == 0)
			box_open(&b);
		else
			box_open_socket(&b);
		account = box_account(&b, "a@example.org");
		handle = begin(&b);
		for (size_t k = 0; k < pieces; k++) {
			fill(k);
			assert_int_equal(put(&b, handle, slice_of(piece, sizeof piece)), 0);
		}
		assert_int_equal(append_it(&b, account, handle, &out), 0);
		check_body(&b, out.body, pieces);
		assert_int_equal(put(&b, handle, SLICE("x")), ERR_NOT_FOUND);
		assert_int_equal(append_it(&b, account, handle, &out), ERR_NOT_FOUND);
		box_close(&b);
		box_open(&b);
		assert_string_equal(b.said, "");
		check_body(&b, box_list(&b, account, box_mailbox(&b, account, "INBOX").mailbox).rows[0].body, pieces);
		box_free(&b);
	}
}

static const struct slice front = { (const uint8_t *)"A: b\r\n", 6 };

/* What was staged stands behind the front, in memory and in a file, over all its blocks and after a start. */
static void
check_fronted(struct box *b, uint64_t body, size_t pieces)
{
	struct store_body_read in = { body, 0, (uint32_t)front.len };
	struct store_body_data out;

	assert_ok(store_body_read(b->port, &in, &b->arena, &out, &unit_error));
	assert_int_equal(out.length, front.len + pieces * sizeof piece);
	assert_true(slice_eq(out.data, front));
	for (size_t i = 0; i < pieces; i++) {
		in = (struct store_body_read){ body, front.len + i * sizeof piece, sizeof piece };
		fill(i);
		assert_ok(store_body_read(b->port, &in, &b->arena, &out, &unit_error));
		assert_true(slice_eq(out.data, slice_of(piece, sizeof piece)));
	}
}

static void
with_a_front(void **state)
{
	static const size_t sizes[] = { 0, 2, 3, 50 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct store_append in = { .content = { .front = front, .header_size = (uint32_t)front.len } };
		struct store_appended out;
		struct box b;

		box_new(&b);
		box_open_socket(&b);
		in.account = box_account(&b, "a@example.org");
		in.mailbox = box_mailbox(&b, in.account, "INBOX").mailbox;
		in.content.handle = begin(&b);
		for (size_t k = 0; k < sizes[i]; k++) {
			fill(k);
			assert_int_equal(put(&b, in.content.handle, slice_of(piece, sizeof piece)), 0);
		}
		assert_ok(store_append(b.port, &in, &b.arena, &out, &unit_error));
		check_fronted(&b, out.body, sizes[i]);
		assert_int_equal(files(&b), sizes[i] > 2 ? 1 : 0);
		box_close(&b);
		box_open(&b);
		assert_string_equal(b.said, "");
		check_fronted(&b, out.body, sizes[i]);
		box_free(&b);
	}
}

/* In the request it is a mistake; and it is put there once. */
static void
front_misused(void **state)
{
	struct store_append in = { .mailbox = 1, .content = { .front = front, .data = SLICE("x") } };
	struct store_appended out;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	in.account = box_account(&b, "a@example.org");
	assert_int_equal(store_append(b.port, &in, &b.arena, &out, NULL), ERR_SYNTAX);
	in.content.data = SLICE_EMPTY;
	in.content.handle = begin(&b);
	in.account = 999;
	assert_int_equal(store_append(b.port, &in, &b.arena, &out, NULL), ERR_NOT_FOUND);
	assert_int_equal(store_append(b.port, &in, &b.arena, &out, NULL), ERR_ORDER);
	assert_int_equal(abort_it(&b, in.content.handle), 0);
	box_free(&b);
}

static void
aborted_or_left(void **state)
{
	struct store_appended out;
	uint64_t account, handles[3];
	struct port *other;
	struct port *first;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	for (size_t i = 0; i < 3; i++) {
		handles[i] = begin(&b);
		for (int k = 0; k < 5; k++)
			assert_int_equal(put(&b, handles[i], slice_of(piece, sizeof piece)), 0);
	}
	assert_int_equal(files(&b), 3);
	assert_int_equal(abort_it(&b, handles[0]), 0);
	assert_int_equal(abort_it(&b, handles[0]), 0);
	assert_int_equal(files(&b), 2);
	/* A failed operation leaves it staged. */
	assert_int_equal(append_it(&b, account, handles[0], &out), ERR_NOT_FOUND);
	/* Nobody else's. */
	assert_ok(port_open_local(store_service(b.store), &other, &unit_error));
	first = b.port;
	b.port = other;
	assert_int_equal(put(&b, handles[1], SLICE("x")), ERR_NOT_FOUND);
	b.port = first;
	port_close(b.port);
	b.port = other;
	assert_int_equal(files(&b), 0);
	box_free(&b);
}

static void
failed_use_keeps_it(void **state)
{
	struct store_append in = { .account = 999, .mailbox = 1 };
	struct store_appended out;
	uint64_t account;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	in.content.handle = begin(&b);
	for (size_t k = 0; k < 4; k++) {
		fill(k);
		assert_int_equal(put(&b, in.content.handle, slice_of(piece, sizeof piece)), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(store_append(b.port, &in, &b.arena, &out, NULL), ERR_NOT_FOUND);
	assert_int_equal(append_it(&b, account, in.content.handle, &out), 0);
	check_body(&b, out.body, 4);
	box_free(&b);
}

/* Memory for all of them, then handles: what is beyond goes to files, and then is refused; and it passes. */
static void
budgets_used_up(void **state)
{
	struct store_nothing none = { 0 };
	struct store_body_handle out;
	struct store_appended kept;
	uint64_t account, handle = 0, first = 0;
	unsigned count = 0;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	for (; files(&b) == 0 && count < 1000; count++) {
		handle = begin(&b);
		first = first == 0 ? handle : first;
		for (size_t k = 0; k < 2; k++) {
			fill(k);
			assert_int_equal(put(&b, handle, slice_of(piece, sizeof piece)), 0);
		}
	}
	assert_int_equal(count, 336); /* 64 MiB; each of them is small enough for memory */
	assert_int_equal(append_it(&b, account, handle, &kept), 0);
	check_body(&b, kept.body, 2);
	assert_int_equal(append_it(&b, account, first, &kept), 0);
	check_body(&b, kept.body, 2);
	handle = begin(&b);
	assert_int_equal(put(&b, handle, slice_of(piece, sizeof piece)), 0);
	assert_int_equal(files(&b), 1); /* there is room in memory again */
	for (count -= 1; count < STORE_HANDLES_MAX; count++)
		(void)begin(&b);
	for (int i = 0; i < 3; i++)
		assert_int_equal(store_body_begin(b.port, &none, &b.arena, &out, NULL), ERR_LIMIT);
	assert_int_equal(put(&b, handle, slice_of(piece, sizeof piece)), 0);
	assert_int_equal(append_it(&b, account, handle, &kept), 0);
	(void)begin(&b);
	assert_int_equal(store_body_begin(b.port, &none, &b.arena, &out, NULL), ERR_LIMIT);
	box_free(&b);
}

struct answers {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned count;
	unsigned failed;
};

static void
answered(void *ctx, const void *reply, const struct error *e)
{
	struct answers *a = ctx;

	(void)e;
	(void)pthread_mutex_lock(&a->mutex);
	a->count++;
	a->failed += reply == NULL;
	(void)pthread_cond_signal(&a->changed);
	(void)pthread_mutex_unlock(&a->mutex);
}

/* Pieces and the append are all submitted before any is answered. */
static void
pipelined(void **state)
{
	(void)state;
	for (int socket = 0; socket < 2; socket++) {
		struct answers a = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
		struct store_append in = { 0 };
		struct box b;

		box_new(&b);
		if (socket == 0)
			box_open(&b);
		else
			box_open_socket(&b);
		in.account = box_account(&b, "a@example.org");
		in.mailbox = box_mailbox(&b, in.account, "INBOX").mailbox;
		in.content.handle = begin(&b);
		for (size_t k = 0; k < 30; k++) {
			struct store_body_append one = { in.content.handle, slice_of(piece, sizeof piece) };

			fill(k);
			assert_ok(store_body_append_submit(b.port, &one, answered, &a, &unit_error));
		}
		assert_ok(store_append_submit(b.port, &in, answered, &a, &unit_error));
		(void)pthread_mutex_lock(&a.mutex);
		while (a.count < 31)
			(void)pthread_cond_wait(&a.changed, &a.mutex);
		(void)pthread_mutex_unlock(&a.mutex);
		assert_int_equal(a.failed, 0);
		check_body(&b, box_list(&b, in.account, in.mailbox).rows[0].body, 30);
		box_free(&b);
	}
}

UNIT_MAIN(UNIT_TEST(any_size), UNIT_TEST(with_a_front), UNIT_TEST(front_misused), UNIT_TEST(aborted_or_left),
    UNIT_TEST(failed_use_keeps_it), UNIT_TEST(budgets_used_up), UNIT_TEST(pipelined))
