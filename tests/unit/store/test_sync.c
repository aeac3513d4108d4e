/* SPDX-License-Identifier: ISC */
/*
 * A sync that fails: nobody knows any more what is on the disk, so the store
 * stops and says so, and what it answered before is there after a new start.
 * fdatasync and fsync are ours in this program, SQLite's calls included.
 */
#include "store/folder.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *fail_name;  /* fail when the file's name holds this */
static const char *write_name; /* count what is written when it holds this */
static unsigned syncs;
static size_t written;

static bool
is_named(int fd, const char *name)
{
	char link[64], path[300];
	ssize_t n;

	if (name == NULL)
		return false;
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n < 0)
		return false;
	path[n] = 0;
	return strstr(path, name) != NULL;
}

static bool
fails(int fd)
{
	(void)__atomic_fetch_add(&syncs, 1, __ATOMIC_RELAXED);
	return is_named(fd, fail_name);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (is_named(fd, write_name))
		(void)__atomic_fetch_add(&written, len, __ATOMIC_RELAXED);
	return syscall(SYS_pwrite64, fd, data, len, at);
}

int
fdatasync(int fd)
{
	if (fails(fd)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	if (fails(fd)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static int
append_staged(struct box *b, uint64_t account, size_t pieces)
{
	static uint8_t piece[200000];
	struct store_append in = { .account = account, .mailbox = 1 };
	struct store_nothing none = { 0 };
	struct store_body_handle handle;
	struct store_appended out;
	struct store_body_length length;

	assert_ok(store_body_begin(b->port, &none, &b->arena, &handle, &unit_error));
	for (size_t i = 0; i < pieces; i++)
		assert_ok(
		    store_body_append(b->port, &(struct store_body_append){ handle.handle, { piece, sizeof piece } },
			&b->arena, &length, &unit_error));
	in.content.handle = handle.handle;
	return store_append(b->port, &in, &b->arena, &out, NULL);
}

/* Where it fails: bodies, the log of the rows, a large body. */
static void
stops(void **state)
{
	static const struct {
		const char *name;
		size_t pieces;
	} rows[] = { { "bodies/s0", 1 }, { "store.db-wal", 1 }, { "bodies/b0", 3 }, { "store.db-wal", 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct store_nothing none = { 0 };
		uint64_t account;
		struct box b;

		box_new(&b);
		box_open(&b);
		account = box_account(&b, "a@example.org");
		for (int k = 0; k < 3; k++)
			assert_int_equal(append_staged(&b, account, rows[i].pieces), 0);
		fail_name = rows[i].name;
		assert_int_equal(append_staged(&b, account, rows[i].pieces), ERR_IO);
		fail_name = NULL;
		assert_int_equal(b.stops, 1);
		assert_int_equal(append_staged(&b, account, 1), ERR_IO);
		assert_int_equal(
		    store_domain_add(b.port, &(struct store_domain){ SLICE("other.org") }, &b.arena, &none, NULL),
		    ERR_IO);
		assert_true(box_list(&b, account, 1).row_count >= 3);
		box_close(&b);
		box_open(&b);
		assert_true(box_list(&b, account, 1).row_count >= 3);
		folder_verify_clean(&b); /* what was not answered is there whole or not at all */
		assert_int_equal(append_staged(&b, account, 1), 0);
		box_free(&b);
	}
}

/* One message alone costs two syncs, not more. */
static void
two_syncs(void **state)
{
	struct store_nothing none;
	uint64_t account;
	unsigned before;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	(void)box_append(&b, account, 1, SLICE("x"), 0);
	before = __atomic_load_n(&syncs, __ATOMIC_RELAXED);
	for (int i = 0; i < 10; i++)
		(void)box_append(&b, account, 1, SLICE("x"), 0);
	assert_int_equal(__atomic_load_n(&syncs, __ATOMIC_RELAXED) - before, 20);
	/* What may be lost costs none, and is kept by the next that may not. */
	assert_ok(store_cache_put(
	    b.port, &(struct store_cache_put){ account, 1, SLICE("cache") }, &b.arena, &none, &unit_error));
	assert_int_equal(__atomic_load_n(&syncs, __ATOMIC_RELAXED) - before, 20);
	(void)box_append(&b, account, 1, SLICE("x"), 0);
	assert_int_equal(__atomic_load_n(&syncs, __ATOMIC_RELAXED) - before, 22);
	box_free(&b);
}

/* A process that is killed between the writing and the sync of a commit: the next shows it only when it is synced. */
static void
log_is_synced_at_the_start(void **state)
{
	const struct store_range range = { 1, 1 };
	struct store_flags flags = { 1, 1, &range, 1, STORE_FLAGS_SET, STORE_SEEN, NULL, 0, false, 0 };
	struct store_flags_done out;
	struct box b;
	pid_t child;
	int status;

	(void)state;
	box_new(&b);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		box_open(&b);
		(void)box_append(&b, box_account(&b, "a@example.org"), 1, SLICE("x"), 0);
		/* Without a body: then the start has nothing to look at in the segments. */
		_exit(store_flags(b.port, &flags, &b.arena, &out, NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fail_name = "store.db-wal";
	assert_int_equal(box_try(&b, NULL), ERR_IO);
	fail_name = NULL;
	box_open(&b);
	assert_int_equal(box_list(&b, 1, 1).rows[0].flags, STORE_SEEN);
	box_free(&b);
}

static size_t
file_size(const struct box *b, const char *name)
{
	char path[200];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/%s", b->folder, name);
	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

/*
 * What a failed sync was for can be read afterwards, counts as clean, and is not on the disk: the next start writes
 * all of it again before it syncs.
 */
static void
written_again_after_a_failed_sync(void **state)
{
	static const struct {
		const char *fails, *file;
	} rows[] = { { "store.db-wal", "store.db-wal" }, { "bodies/s0", "bodies/s00000001" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t before;
		struct box b;

		box_new(&b);
		box_open(&b);
		(void)box_account(&b, "a@example.org");
		before = file_size(&b, rows[i].file);
		fail_name = rows[i].fails;
		assert_int_equal(append_staged(&b, 1, 1), ERR_IO);
		fail_name = NULL;
		box_close(&b);
		assert_true(file_size(&b, rows[i].file) >= before + 200000 || i == 0);
		written = 0;
		write_name = rows[i].file;
		before = file_size(&b, rows[i].file);
		assert_true(before > 0);
		box_open(&b);
		write_name = NULL;
		assert_true(written >= before);
		box_free(&b);
	}
}

/* How often the log began anew. */
static uint32_t
log_round(const struct box *b)
{
	uint8_t head[16] = { 0 };
	char path[200];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/store.db-wal", b->folder);
	f = fopen(path, "re");
	if (f == NULL || fread(head, sizeof head, 1, f) != 1)
		head[15] = 0;
	if (f != NULL)
		(void)fclose(f);
	return (uint32_t)head[14] << 8 | head[15];
}

/* The log of a process that worked long is long; of its octets only those of the last round are worth a start's time. */
static void
only_the_last_round_is_written_again(void **state)
{
	uint32_t first = 0;
	struct box b;
	pid_t child;
	int status;

	(void)state;
	box_new(&b);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		box_open(&b);
		(void)box_account(&b, "a@example.org");
		first = log_round(&b);
		for (int i = 0; i < 20000 && log_round(&b) == first; i++)
			(void)box_append(&b, 1, 1, SLICE("x"), 0);
		_exit(log_round(&b) == first);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(file_size(&b, "store.db-wal") > 8u << 20);
	written = 0;
	write_name = "store.db-wal";
	box_open(&b);
	write_name = NULL;
	assert_in_range(written, 4096, 4u << 20);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(stops), UNIT_TEST(two_syncs), UNIT_TEST(written_again_after_a_failed_sync),
    UNIT_TEST(log_is_synced_at_the_start), UNIT_TEST(only_the_last_round_is_written_again))
