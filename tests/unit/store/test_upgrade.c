/* SPDX-License-Identifier: ISC */
/*
 * Data folders of every schema there was (tests/data/store) are opened by
 * this program, and everything is found in them that their text says.
 *
 *   test_store_upgrade make FOLDER      makes such a folder and prints its text: what the next schema must find
 *
 * A migration is killed before each of its statements and at every third of its
 * writes, and run again. A folder of a newer schema is refused and not
 * touched.
 */
#include "store/folder.h"

#include <sqlite3.h>
#include "os/file.h"
#include "store/migrate.h"

static const char *
data_path(const char *name)
{
	static char path[300];
	const char *end = strstr(__FILE__, "unit/store/");

	assert_non_null(end);
	(void)snprintf(path, sizeof path, "%.*sdata/store/%s", (int)(end - __FILE__), __FILE__, name);
	return path;
}

/* An old folder, made anew in b's place. */
static void
unpack(struct box *b, unsigned schema)
{
	char name[40];
	const char *words[] = { "tar", "-xJf", NULL, "-C", b->folder, NULL };

	(void)snprintf(name, sizeof name, "schema-%u.tar.xz", schema);
	words[2] = data_path(name);
	box_run(words);
}

static void
read_text(unsigned schema, struct buf *out)
{
	char name[40];

	(void)snprintf(name, sizeof name, "schema-%u.txt", schema);
	assert_ok(file_read(data_path(name), out, &unit_error));
}

static void
check_told(struct box *b, unsigned schema)
{
	struct buf want BUF_OWNED = { 0 }, got BUF_OWNED = { 0 };

	buf_init(&want, 1 << 20);
	buf_init(&got, 1 << 20);
	read_text(schema, &want);
	folder_tell(b, &got);
	assert_slices(buf_slice(&got), buf_slice(&want));
}

static void
box_free_closed(struct box *b)
{
	(void)nftw(b->folder, box_unlink, 16, FTW_DEPTH | FTW_PHYS);
	arena_done(&b->arena);
}

/* ---- every schema ---- */

static void
found_again(void **state)
{
	(void)state;
	for (unsigned schema = 1; schema < SCHEMA_VERSION; schema++) {
		struct box b;

		box_new(&b);
		unpack(&b, schema);
		box_open(&b);
		assert_int_equal(strstr(b.said, "brought to this program's schema") != NULL, true);
		check_told(&b, schema);
		box_close(&b);
		box_open(&b);
		assert_string_equal(b.said, "");
		check_told(&b, schema);
		folder_append(&b, 1, 1, 99, 100, "later");
		box_free(&b);
	}
}

/* ---- a newer one ---- */

static uint32_t
file_check(const char *folder, const char *name, size_t *len_out)
{
	struct buf data BUF_OWNED = { 0 };
	char path[200];

	buf_init(&data, 16 << 20);
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_ok(file_read(path, &data, &unit_error));
	*len_out = data.len;
	return crc32c(0, buf_slice(&data));
}

/* As a crash leaves it: the newer version is in the log only. */
static void
make_newer(struct box *b)
{
	char path[200];
	sqlite3 *db;
	pid_t child;
	int status = -1;

	(void)snprintf(path, sizeof path, "%s/store.db", b->folder);
	child = fork();
	if (child == 0) {
		int rc = sqlite3_open(path, &db);

		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL);
		_exit(rc);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
newer_is_refused(void **state)
{
	static const char *const names[] = { "store.db", "store.db-wal", "bodies/s00000001", "bodies/s00000002",
		"bodies/s00000003", "bodies/b0000000000000033" };
	uint32_t before[6];
	size_t lengths[6], len;
	struct box b;

	(void)state;
	box_new(&b);
	unpack(&b, SCHEMA_VERSION - 1);
	make_newer(&b);
	for (size_t i = 0; i < 6; i++)
		before[i] = file_check(b.folder, names[i], &lengths[i]);
	assert_true(lengths[1] > 0);
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(box_try(&b, &unit_error), ERR_UNSUPPORTED);
		assert_non_null(strstr(unit_error.text, "install the newer program"));
	}
	for (size_t i = 0; i < 6; i++)
		assert_true(file_check(b.folder, names[i], &len) == before[i] && len == lengths[i]);
	box_free_closed(&b);
}

/* ---- killed on the way ---- */

static long kill_at; /* the statement or write before which the process ends */
static long counted;
static bool kill_at_writes;
static sqlite3_syscall_ptr real_pwrite;

static void
count_one(void)
{
	if (++counted == kill_at)
		_exit(9);
}

static int
traced(unsigned type, void *ctx, void *p, void *x)
{
	(void)type;
	(void)ctx;
	(void)p;
	(void)x;
	if (!kill_at_writes)
		count_one();
	return 0;
}

static int
trace_connection(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
	(void)message;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, traced, NULL);
}

static ssize_t
counted_pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (kill_at_writes)
		count_one();
	return ((ssize_t(*)(int, const void *, size_t, off_t))real_pwrite)(fd, data, len, at);
}

/* In a process of its own: opens, and ends at kill_at. true: it came to the end. */
static bool
open_killed(struct box *b)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

		real_pwrite = vfs->xGetSystemCall(vfs, "pwrite64");
		if (real_pwrite == NULL ||
		    vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)counted_pwrite) != SQLITE_OK)
			_exit(8);
		if (sqlite3_auto_extension((void (*)(void))trace_connection) != SQLITE_OK ||
		    box_try(b, &unit_error) != 0)
			_exit(7);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9));
	return WEXITSTATUS(status) == 0;
}

/* Killed at each statement once, and at every third write, then opened; and once killed again and again in one folder, a bit further each time. */
static void
killed_and_run_again(void **state)
{
	unsigned kills = 0;

	(void)state;
	for (int writes = 0; writes < 2; writes++) {
		bool through = false, again_through = false;
		struct box again;

		kill_at_writes = writes == 1;
		box_new(&again);
		unpack(&again, 1);
		for (kill_at = 1; !through; kill_at += writes ? 3 : 1) {
			struct box b;

			box_new(&b);
			unpack(&b, 1);
			through = open_killed(&b);
			again_through = again_through || open_killed(&again);
			kills += !through;
			box_open(&b);
			check_told(&b, 1);
			box_free(&b);
		}
		box_open(&again);
		check_told(&again, 1);
		box_free(&again);
	}
	(void)printf("# killed at %u points\n", kills);
	assert_true(kills > 10);
}

static int
make(const char *folder)
{
	struct buf text BUF_OWNED = { 0 };
	struct box b = { .options = { .segment_size = FOLDER_SEGMENT } };

	(void)snprintf(b.folder, sizeof b.folder, "%s", folder);
	arena_init(&b.arena, (size_t)256 << 20);
	buf_init(&text, 1 << 20);
	box_open(&b);
	folder_fill(&b);
	folder_tell(&b, &text);
	box_close(&b);
	arena_done(&b.arena);
	(void)printf("%.*s", (int)text.len, (const char *)text.data);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(found_again), UNIT_TEST(newer_is_refused),
		UNIT_TEST(killed_and_run_again) };

	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make(argv[2]);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
