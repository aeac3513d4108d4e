/* SPDX-License-Identifier: ISC */
/* The gathered log: fewer calls, and nothing held back that another process or a later moment relies on. */
#include "unit.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/db.h"

#define PAGE 4096

static atomic_uint writes;

/* SQLite's writes go through here: the program's own function comes before the C library's. */
ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	(void)atomic_fetch_add(&writes, 1);
	return syscall(SYS_pwrite64, fd, data, len, at);
}

static char folder[64];

static int
folder_setup(void **state)
{
	static char path[128];

	(void)snprintf(folder, sizeof folder, "%s", "/tmp/letterlock-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof path, "%s/test.db", folder);
	*state = path;
	return 0;
}

static int
folder_teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[140];

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		(void)snprintf(path, sizeof path, "%s%s", (const char *)*state, ends[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

static void
make(struct db *db, const char *path)
{
	assert_ok(db_open(db, path, DB_WRITER, &unit_error));
	assert_ok(db_run(db, "CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB) STRICT", &unit_error));
	assert_ok(db_run(db, "CREATE INDEX by_b ON t (b)", &unit_error));
}

/* So many rows with a page each, in one transaction. */
static int
add_rows(struct db *db, unsigned count, struct error *e)
{
	char sql[512];

	(void)snprintf(sql, sizeof sql,
	    "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %u)"
	    " INSERT INTO t (b) SELECT randomblob(%d) FROM c",
	    count, PAGE);
	return db_run(db, sql, e);
}

static uint64_t
rows(const char *path)
{
	struct db db;
	uint64_t count = 0;

	assert_ok(db_open(&db, path, DB_READER, &unit_error));
	assert_ok(db_number(&db, "SELECT count(*) FROM t", &count, &unit_error));
	db_close(&db);
	return count;
}

static void
a_commit_is_one_write(void **state)
{
	const char *path = *state;
	struct db db;
	unsigned before;

	make(&db, path);
	assert_ok(add_rows(&db, 1, &unit_error)); /* the log has its head now */
	before = atomic_load(&writes);
	assert_true(before > 0);
	assert_ok(add_rows(&db, 5, &unit_error));
	assert_int_equal(atomic_load(&writes) - before, 1);
	assert_int_equal(rows(path), 6);
	db_close(&db);
}

/* More than is gathered, and more than SQLite's cache holds: it writes, and reads again, before the commit. */
static void
large_transactions_come_through(void **state)
{
	const char *path = *state;
	struct db db;

	make(&db, path);
	assert_ok(db_run(&db, "PRAGMA cache_size=10; PRAGMA cache_spill=10", &unit_error));
	assert_ok(db_run(&db, "BEGIN", &unit_error));
	assert_ok(add_rows(&db, 200, &unit_error));
	assert_ok(db_run(&db, "UPDATE t SET b = randomblob(5000) WHERE n % 3 = 0", &unit_error));
	assert_ok(db_run(&db, "DELETE FROM t WHERE n % 2 = 0", &unit_error));
	assert_ok(db_run(&db, "COMMIT", &unit_error));
	assert_ok(db_run(&db, "PRAGMA integrity_check", &unit_error));
	assert_int_equal(rows(path), 100);
	db_close(&db);
	assert_int_equal(rows(path), 100);
}

/* Who commits without a sync and dies has written all the same. */
static void
a_commit_outlives_its_process(void **state)
{
	const char *path = *state;
	pid_t child;
	int status;

	child = fork();
	if (child == 0) {
		struct db db;
		struct error e;

		if (db_open(&db, path, DB_WRITER, &e) != 0 ||
		    db_run(&db, "CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB) STRICT", &e) != 0 ||
		    db_run(&db, "PRAGMA synchronous=NORMAL", &e) != 0 || add_rows(&db, 7, &e) != 0 ||
		    add_rows(&db, 70, &e) != 0)
			_exit(1);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(rows(path), 77);
}

/* A write that fails fails its transaction, and the next one succeeds when there is room again. */
static void
a_full_disk_fails_the_commit(void **state)
{
	const char *path = *state;
	struct rlimit old, small;
	struct error e = { 0 };
	struct db db;

	make(&db, path);
	assert_ok(add_rows(&db, 3, &unit_error));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ .rlim_cur = 100000, .rlim_max = old.rlim_max };
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_true(add_rows(&db, 20, &e) < 0);
	assert_true(add_rows(&db, 60, &e) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rows(path), 3);
	assert_ok(add_rows(&db, 20, &unit_error));
	assert_int_equal(rows(path), 23);
	db_close(&db);
	assert_int_equal(rows(path), 23);
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
UNIT_MAIN(IN_FOLDER(a_commit_is_one_write), IN_FOLDER(large_transactions_come_through),
    IN_FOLDER(a_commit_outlives_its_process), IN_FOLDER(a_full_disk_fails_the_commit))
