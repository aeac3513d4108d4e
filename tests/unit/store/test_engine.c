/* SPDX-License-Identifier: ISC */
#include "store/box.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void
path_in(const struct box *b, const char *name, char *out)
{
	(void)snprintf(out, 200, "%s/%s", b->folder, name);
}

static void
one_process_only(void **state)
{
	struct store *second;
	struct error e;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	assert_int_equal(store_open(&(struct store_options){ .folder = b.folder }, &second, &e), ERR_ORDER);
	assert_non_null(strstr(e.text, "in use"));
	box_close(&b);
	box_open(&b);
	box_free(&b);
}

static void
sql(const struct box *b, const char *text)
{
	char path[200];
	sqlite3 *db;

	path_in(b, "store.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
foreign_folders(void **state)
{
	char path[200];
	struct error e;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	(void)box_append(&b, box_account(&b, "a@example.org"), 1, SLICE("x"), 0);
	box_close(&b);
	sql(&b, "PRAGMA user_version=99");
	assert_int_equal(box_try(&b, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "newer"));
	sql(&b, "PRAGMA user_version=2; PRAGMA application_id=5");
	assert_int_equal(box_try(&b, &e), ERR_INTEGRITY);
	path_in(&b, "store.db", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(box_try(&b, &e), ERR_INTEGRITY);
	assert_non_null(strstr(e.text, "missing"));
	b.store = NULL;
	box_free(&b);
}

static void
put_octets(const struct box *b, const char *name, int flags, off_t at, const char *octets)
{
	char path[200];
	int fd;

	path_in(b, name, path);
	fd = open(path, flags, 0600);
	assert_true(fd >= 0);
	if (at < 0)
		at = lseek(fd, 0, SEEK_END);
	assert_int_equal(pwrite(fd, octets, strlen(octets), at), strlen(octets));
	assert_int_equal(close(fd), 0);
}

static void
start_cleans(void **state)
{
	struct store_message_rows rows;
	uint64_t account;
	char path[200];
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	(void)box_append(&b, account, 1, SLICE("one"), 0);
	box_close(&b);
	put_octets(&b, "bodies/s00000001", O_WRONLY, -1, "torn");
	put_octets(&b, "bodies/s00000002", O_WRONLY | O_CREAT, 0, "never committed");
	put_octets(&b, "bodies/b00000000000000ff", O_WRONLY | O_CREAT, 0, "half a message");
	put_octets(&b, "bodies/other", O_WRONLY | O_CREAT, 0, "not ours");
	box_open(&b);
	assert_non_null(strstr(b.said, "cut 4 unfinished octets off body segment s00000001"));
	assert_non_null(strstr(b.said, "removed body segment s00000002"));
	assert_non_null(strstr(b.said, "removed unfinished body file b00000000000000ff"));
	path_in(&b, "bodies/other", path);
	assert_int_equal(access(path, F_OK), 0);
	(void)box_append(&b, account, 1, SLICE("two"), 0);
	rows = box_list(&b, account, 1);
	assert_slice(box_body(&b, rows.rows[0].body), "one");
	assert_slice(box_body(&b, rows.rows[1].body), "two");
	box_close(&b);
	box_open(&b);
	assert_string_equal(b.said, "");
	box_free(&b);
}

static void
changed_on_disk(void **state)
{
	struct store_body_data out;
	struct store_appended one;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	one = box_append(&b, box_account(&b, "a@example.org"), 1, SLICE("the words of the letter"), 0);
	put_octets(&b, "bodies/s00000001", O_WRONLY, 40, "X");
	assert_int_equal(store_body_read(b.port, &(struct store_body_read){ one.body, 0, 100 }, &b.arena, &out, NULL),
	    ERR_INTEGRITY);
	assert_int_equal(
	    store_body_read(b.port, &(struct store_body_read){ one.body, 9, 1 }, &b.arena, &out, NULL), ERR_INTEGRITY);
	box_free(&b);
}

/* Whether the first segment holds these octets. */
static bool
on_disk(const struct box *b, const char *octets)
{
	static char data[200000];
	char path[200];
	ssize_t n;
	int fd;

	path_in(b, "bodies/s00000001", path);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	n = read(fd, data, sizeof data);
	(void)close(fd);
	return n > 0 && memmem(data, (size_t)n, octets, strlen(octets)) != NULL;
}

static void
expunged_octets_leave_the_disk(void **state)
{
	struct store_expunge gone = { .mailbox = 1, .even_undeleted = true };
	struct store_expunged out;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	gone.account = box_account(&b, "a@example.org");
	(void)box_append(&b, gone.account, 1, SLICE("words that should be forgotten"), 0);
	assert_true(on_disk(&b, "forgotten"));
	assert_ok(store_expunge(b.port, &gone, &b.arena, &out, &unit_error));
	box_close(&b);
	assert_false(on_disk(&b, "forgotten"));
	box_open(&b);
	assert_string_equal(b.said, "");
	(void)box_append(&b, gone.account, 1, SLICE("new words"), 0);
	assert_slice(box_body(&b, box_list(&b, gone.account, 1).rows[0].body), "new words");
	box_free(&b);
}

static void
segments_follow(void **state)
{
	static uint8_t data[40000];
	struct store_message_rows rows;
	uint64_t account;
	char path[200];
	struct box b;

	(void)state;
	box_new(&b);
	b.options.segment_size = 100000;
	box_open(&b);
	account = box_account(&b, "a@example.org");
	for (int i = 0; i < 10; i++) {
		data[0] = (uint8_t)i;
		(void)box_append(&b, account, 1, slice_of(data, sizeof data), 0);
	}
	path_in(&b, "bodies/s00000005", path);
	assert_int_equal(access(path, F_OK), 0);
	box_close(&b);
	box_open(&b);
	rows = box_list(&b, account, 1);
	assert_int_equal(rows.row_count, 10);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(box_body(&b, rows.rows[i].body).data[0], i);
	box_free(&b);
}

/*
 * Files may not grow over a limit, as if the disk were full: what does not
 * fit is refused, what fits later is taken, nothing acknowledged is lost.
 */
static void
full_disk(void **state)
{
	static uint8_t data[60000];
	struct rlimit old, small;
	struct store_append in = { .mailbox = 1, .content = { .data = { data, sizeof data } } };
	struct store_appended out;
	struct store_message_rows rows;
	unsigned kept = 0, refused = 0;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	in.account = box_account(&b, "a@example.org");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 700000, old.rlim_max };
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (uint8_t i = 0; i < 30; i++) {
		struct error e;
		int rc;

		data[0] = i;
		rc = store_append(b.port, &in, &b.arena, &out, &e);
		if (rc == 0)
			kept++;
		else
			refused++;
		assert_true(rc == 0 || rc == ERR_FULL || rc == ERR_IO);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(kept > 3 && refused > 3);
	assert_int_equal(b.stops, 0);
	assert_ok(store_append(b.port, &in, &b.arena, &out, &unit_error));
	for (int i = 0; i < 2; i++) {
		rows = box_list(&b, in.account, 1);
		assert_int_equal(rows.row_count, kept + 1);
		for (size_t k = 0; k < rows.row_count; k++)
			assert_int_equal(box_body(&b, rows.rows[k].body).len, sizeof data);
		box_close(&b);
		box_open(&b);
		assert_string_equal(b.said, "");
	}
	box_free(&b);
}

struct reader {
	struct box *box;
	uint64_t account;
	bool stop;
	unsigned reads;
	unsigned wrong;
};

/* Whatever a list shows can be read, or was expunged meanwhile; never anything else. */
static void *
read_all(void *arg)
{
	struct reader *r = arg;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		struct store_message_list in = { .account = r->account, .mailbox = 1 };
		struct store_message_rows rows;
		struct arena a ARENA_OWNED = { 0 };

		arena_init(&a, (size_t)64 << 20);
		if (store_message_list(r->box->port, &in, &a, &rows, NULL) != 0)
			r->wrong++;
		for (size_t i = 0; i < rows.row_count; i++) {
			struct store_body_read get = { rows.rows[i].body, 0, 100 };
			struct store_body_data out;
			int rc = store_body_read(r->box->port, &get, &a, &out, NULL);

			if (rc != 0 && rc != ERR_NOT_FOUND)
				r->wrong++;
			if (rc == 0 && (out.data.len != 100 || out.data.data[99] != rows.rows[i].internal_date % 251))
				r->wrong++;
			r->reads++;
		}
	}
	return NULL;
}

static void
expunge_while_others_read(void **state)
{
	struct reader readers[2] = { 0 };
	pthread_t threads[2];
	uint8_t data[100];
	uint64_t account;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	for (int i = 0; i < 2; i++) {
		readers[i] = (struct reader){ .box = &b, .account = account };
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
	}
	for (unsigned i = 0; i < 300; i++) {
		struct store_append in = { account, 1, { .data = slice_of(data, sizeof data) }, i + 1, 0, NULL, 0 };
		struct store_range old = { 1, i < 5 ? 1 : i - 4 };
		struct store_expunge gone = { account, 1, &old, 1, true };
		struct store_expunged out;
		struct store_appended one;

		memset(data, (int)((i + 1) % 251), sizeof data);
		assert_ok(store_append(b.port, &in, &b.arena, &one, &unit_error));
		assert_ok(store_expunge(b.port, &gone, &b.arena, &out, &unit_error));
	}
	for (int i = 0; i < 2; i++) {
		__atomic_store_n(&readers[i].stop, true, __ATOMIC_RELAXED);
		(void)pthread_join(threads[i], NULL);
		assert_int_equal(readers[i].wrong, 0);
		assert_true(readers[i].reads > 0);
	}
	box_free(&b);
}

#define LOG_IN_FLIGHT 64u
#define LOG_MAX (80u << 20) /* 64 MiB, and what two transactions write */

static void
stored(void *ctx, const void *reply, const struct error *e)
{
	(void)e;
	assert_non_null(reply);
	(void)sem_post(ctx);
}

static off_t
log_size(const struct box *b)
{
	char path[200];
	struct stat st;

	path_in(b, "store.db-wal", path);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* However much is written, and never without a transaction under way: a start must not have to read a long log. */
static void
log_stays_short(void **state)
{
	static uint8_t envelope[STORE_ENVELOPE_MAX];
	struct store_target target = { 0 };
	struct store_deliver in = { .content = { .data = SLICE("x") },
		.envelope = { envelope, sizeof envelope },
		.targets = &target,
		.target_count = 1 };
	off_t longest = 0;
	struct box b;
	sem_t room;

	(void)state;
	box_new(&b);
	box_open(&b);
	target.account = box_account(&b, "a@example.org");
	(void)sem_init(&room, 0, LOG_IN_FLIGHT);
	for (unsigned i = 0; i < 3000; i++) {
		off_t size = log_size(&b);

		longest = size > longest ? size : longest;
		(void)sem_wait(&room);
		assert_ok(store_deliver_submit(b.port, &in, stored, &room, &unit_error));
	}
	for (unsigned i = 0; i < LOG_IN_FLIGHT; i++)
		(void)sem_wait(&room);
	assert_in_range(longest, 16u << 20, LOG_MAX);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(one_process_only), UNIT_TEST(foreign_folders), UNIT_TEST(start_cleans), UNIT_TEST(changed_on_disk),
    UNIT_TEST(expunged_octets_leave_the_disk), UNIT_TEST(segments_follow), UNIT_TEST(full_disk),
    UNIT_TEST(expunge_while_others_read), UNIT_TEST(log_stays_short))
