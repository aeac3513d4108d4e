/* SPDX-License-Identifier: ISC */
/*
 * Compaction: space is really given back, everybody goes on reading and
 * writing meanwhile, and a process killed in the middle of it leaves a store
 * in which everything is as it must be. (test_power cuts the power during it.)
 */
#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "store/record.h"

#define MESSAGES 400u
#define LENGTH 3000u

static _Atomic(const char *) unreadable; /* reads of a file whose path ends so fail */

/* Not static: the C library declares pread() inline, which may call nothing static. */
bool is_unreadable(int fd);

bool
is_unreadable(int fd)
{
	const char *end = atomic_load(&unreadable);
	char link[64], path[300];
	ssize_t n;

	if (end == NULL)
		return false;
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path);
	return n >= (ssize_t)strlen(end) && memcmp(path + n - strlen(end), end, strlen(end)) == 0;
}

/* SQLite's reads are ours too; they pass. */
ssize_t
pread(int fd, void *out, size_t len, off_t at)
{
	if (is_unreadable(fd)) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pread64, fd, out, len, at);
}

static struct store_message_rows
fill(struct box *b, uint64_t account)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		(void)box_append(b, account, 1, folder_octets(b, i, LENGTH), 0);
	return box_list(b, account, 1);
}

/* Nine of ten go. */
static void
thin_out(struct box *b, uint64_t account)
{
	for (uint32_t uid = 1; uid < MESSAGES; uid += 10)
		folder_expunge(b, account, 1, uid, uid + 8);
}

struct usage {
	unsigned files;
	uint64_t size; /* of the files, holes included */
	uint64_t disk;
};

static struct usage
usage(const struct box *b)
{
	struct usage u = { 0 };
	char path[400];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/bodies", b->folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof path, "%s/bodies/%s", b->folder, entry->d_name);
		if (entry->d_name[0] == '.' || stat(path, &st) != 0)
			continue;
		u.files++;
		u.size += (uint64_t)st.st_size;
		u.disk += (uint64_t)st.st_blocks * 512;
	}
	(void)closedir(dir);
	return u;
}

static void
wait_for_files(const struct box *b, unsigned at_most)
{
	for (int i = 0; i < 1000 && usage(b).files > at_most; i++)
		(void)usleep(10000);
	if (usage(b).files > at_most)
		fail_msg("%u files are left", usage(b).files);
}

static void
wait_for_end_of(const struct box *b, const char *segment)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/bodies/%s", b->folder, segment);
	for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
		(void)usleep(10000);
	if (access(path, F_OK) == 0)
		fail_msg("the segment %s is left", segment);
}

static void
check_rest(struct box *b, uint64_t account)
{
	struct store_message_rows rows = box_list(b, account, 1);

	assert_int_equal(rows.row_count, MESSAGES / 10);
	for (size_t i = 0; i < rows.row_count; i++)
		assert_slices(box_body(b, rows.rows[i].body), folder_octets(b, rows.rows[i].uid - 1, LENGTH));
}

/* ---- others at the same time ---- */

static atomic_bool stop;

static void *
read_on(void *arg)
{
	struct box b = *(struct box *)arg;

	arena_init(&b.arena, (size_t)1 << 30);
	assert_ok(port_open_local(store_service(b.store), &b.port, &unit_error));
	while (!atomic_load(&stop)) {
		struct store_message_rows rows = box_list(&b, 1, 1);

		for (size_t i = 0; i < rows.row_count; i++) {
			struct store_body_read in = { rows.rows[i].body, 0, STORE_PIECE_MAX };
			struct store_body_data out;
			struct error e = { 0 };
			int rc = store_body_read(b.port, &in, &b.arena, &out, &e);

			if (rc == ERR_NOT_FOUND) /* expunged */
				continue;
			if (rc != 0)
				fail_msg("reading: %s", e.text);
			assert_slices(out.data, folder_octets(&b, rows.rows[i].uid - 1, LENGTH));
		}
		arena_done(&b.arena);
	}
	port_close(b.port);
	return NULL;
}

static void *
write_on(void *arg)
{
	struct box b = *(struct box *)arg;

	arena_init(&b.arena, (size_t)1 << 30);
	assert_ok(port_open_local(store_service(b.store), &b.port, &unit_error));
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		uint32_t uid = box_append(&b, 1, 2, folder_octets(&b, i, i % 20000), 0).stored.uid;

		if (uid % 16 == 0)
			folder_expunge(&b, 1, 2, uid - 15, uid - 2);
		arena_done(&b.arena);
	}
	port_close(b.port);
	return NULL;
}

static void
shrinks(void **state)
{
	struct usage before, after;
	struct box b;

	(void)state;
	box_new(&b);
	b.options.segment_size = 128 << 10;
	b.options.compact_rate = 64 << 20;
	box_open(&b);
	assert_int_equal(box_account(&b, "a@example.org"), 1);
	(void)fill(&b, 1);
	before = usage(&b);
	thin_out(&b, 1);
	wait_for_files(&b, 4); /* what died while it was being moved may wait for the next time */
	/* With four files the last of them may be on its way still. */
	after = usage(&b);
	for (int i = 0; i < 1000 && (after.size >= before.size / 3 || after.disk >= before.disk / 3); i++) {
		(void)usleep(10000);
		after = usage(&b);
	}
	(void)printf("# %u files with %llu octets, %llu on the disk; then %u with %llu, %llu\n", before.files,
	    (unsigned long long)before.size, (unsigned long long)before.disk, after.files,
	    (unsigned long long)after.size, (unsigned long long)after.disk);
	assert_true(after.size < before.size / 3 && after.disk < before.disk / 3);
	check_rest(&b, 1);
	folder_verify_clean(&b);
	box_close(&b);
	box_open(&b);
	assert_string_equal(b.said, "");
	check_rest(&b, 1);
	folder_verify_clean(&b);
	box_free(&b);
}

static void
beside_others(void **state)
{
	pthread_t reader, writer;
	struct box b;

	(void)state;
	atomic_store(&stop, false);
	box_new(&b);
	b.options.segment_size = 64 << 10;
	b.options.compact_rate = 1 << 30;
	box_open(&b);
	assert_int_equal(box_account(&b, "a@example.org"), 1);
	assert_int_equal(box_create(&b, 1, "other"), 2);
	(void)fill(&b, 1);
	assert_int_equal(pthread_create(&reader, NULL, read_on, &b), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_on, &b), 0);
	thin_out(&b, 1);
	for (int i = 0; i < 10; i++)
		folder_verify_clean(&b);
	atomic_store(&stop, true);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(pthread_join(writer, NULL), 0);
	check_rest(&b, 1);
	folder_verify_clean(&b);
	box_free(&b);
}

/* A body that does not pass is not moved, and not lost with its segment. */
static void
damaged_stays(void **state)
{
	struct store_body_data out;
	struct store_body_read in;
	char path[200];
	struct box b;
	FILE *file;

	(void)state;
	box_new(&b);
	b.options.segment_size = 64 << 10;
	b.options.compact_rate = 1 << 30;
	box_open(&b);
	assert_int_equal(box_account(&b, "a@example.org"), 1);
	(void)fill(&b, 1);
	(void)snprintf(path, sizeof path, "%s/bodies/s00000001", b.folder);
	file = fopen(path, "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, 9 * (long)record_size(folder_octets(&b, 0, LENGTH).len) + 1000, SEEK_SET), 0);
	assert_int_equal(fputc('!', file), '!');
	assert_int_equal(fclose(file), 0);
	thin_out(&b, 1);
	wait_for_files(&b, 6);
	in = (struct store_body_read){ 10, 0, STORE_PIECE_MAX };
	assert_int_equal(store_body_read(b.port, &in, &b.arena, &out, NULL), ERR_INTEGRITY);
	in.body = 20;
	assert_ok(store_body_read(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(access(path, F_OK), 0);
	box_free(&b);
}

/* A disk that cannot read a segment any more: what is there stays, the store goes on, and later it is moved after all. */
static void
unreadable_stays(void **state)
{
	struct store_body_data out;
	struct store_body_read in = { 10, 0, STORE_PIECE_MAX };
	struct box b;

	(void)state;
	box_new(&b);
	b.options.segment_size = 64 << 10;
	b.options.compact_rate = 1 << 30;
	box_open(&b);
	assert_int_equal(box_account(&b, "a@example.org"), 1);
	(void)fill(&b, 1);
	atomic_store(&unreadable, "/bodies/s00000001");
	thin_out(&b, 1);
	wait_for_end_of(&b, "s00000002"); /* it comes behind the first */
	assert_int_equal(b.stops, 0);
	assert_int_equal(store_body_read(b.port, &in, &b.arena, &out, NULL), ERR_IO);
	in.body = 400;
	assert_ok(store_body_read(b.port, &in, &b.arena, &out, &unit_error));
	(void)box_append(&b, 1, 1, folder_octets(&b, 1000, LENGTH), 0);
	folder_expunge(&b, 1, 1, MESSAGES + 1, MESSAGES + 1);
	atomic_store(&unreadable, NULL);
	check_rest(&b, 1);
	box_close(&b);
	box_open(&b);
	wait_for_end_of(&b, "s00000001");
	check_rest(&b, 1);
	folder_verify_clean(&b);
	box_free(&b);
}

/* ---- killed ---- */

static void
killed(void **state)
{
	unsigned rounds = 0;
	struct box b;

	(void)state;
	box_new(&b);
	b.options.segment_size = 64 << 10;
	b.options.compact_rate = 1 << 30;
	box_open(&b);
	assert_int_equal(box_account(&b, "a@example.org"), 1);
	assert_int_equal(box_create(&b, 1, "other"), 2);
	(void)fill(&b, 1);
	thin_out(&b, 1);
	for (time_t end = time(NULL) + 8; time(NULL) < end; rounds++) {
		pid_t child;

		box_close(&b);
		child = fork();
		if (child == 0) {
			box_open(&b);
			atomic_store(&stop, false);
			(void)write_on(&b);
			_exit(0);
		}
		(void)usleep(20000 + rounds * 7919 % 250000);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		box_open(&b);
		check_rest(&b, 1);
		folder_verify_clean(&b);
	}
	(void)printf("# killed %u times\n", rounds);
	folder_expunge(&b, 1, 2, 1, UINT32_MAX - 1);
	wait_for_files(&b, 6);
	check_rest(&b, 1);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(shrinks), UNIT_TEST(beside_others), UNIT_TEST(damaged_stays), UNIT_TEST(unreadable_stays),
    UNIT_TEST(killed))
