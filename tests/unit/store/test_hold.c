/* SPDX-License-Identifier: ISC */
/* While a port holds, no octet goes that was there before, and everything goes when the port closes. */
#include "store/folder.h"

#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "os/clock.h"
#include "store/limits.h"

#define MESSAGES 200u
#define LENGTH 9000u

static uint64_t
disk_blocks(const struct box *b)
{
	char path[400];
	uint64_t blocks = 0;
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/bodies", b->folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof path, "%s/bodies/%s", b->folder, entry->d_name);
		if (entry->d_name[0] != '.' && stat(path, &st) == 0)
			blocks += (uint64_t)st.st_blocks;
	}
	(void)closedir(dir);
	return blocks;
}

static struct port *
hold(struct box *b)
{
	struct store_nothing none = { 0 };
	struct port *port;

	assert_ok(port_open_local(store_service(b->store), &port, &unit_error));
	assert_ok(store_hold(port, &none, &b->arena, &none, &unit_error));
	return port;
}

static void
wait_for_less(const struct box *b, uint64_t blocks)
{
	for (int i = 0; i < 1000 && disk_blocks(b) >= blocks; i++)
		(void)usleep(10000);
	assert_true(disk_blocks(b) < blocks);
}

/* Nine of ten, and the large one. */
static void
expunge_all_but_few(struct box *b, uint64_t account, uint64_t mailbox)
{
	for (uint32_t uid = 1; uid < MESSAGES; uid += 10)
		folder_expunge(b, account, mailbox, uid, uid + 8);
	folder_expunge(b, account, mailbox, MESSAGES + 1, MESSAGES + 1);
}

static void
keeps(void **state)
{
	uint64_t account, before, held;
	struct port *holder, *other;
	struct box b;

	(void)state;
	box_new(&b);
	b.options.segment_size = 128 << 10;
	b.options.compact_rate = 1 << 30;
	box_open(&b);
	account = box_account(&b, "a@example.org");
	for (unsigned i = 0; i < MESSAGES; i++)
		(void)box_append(&b, account, 1, folder_octets(&b, i, LENGTH), 0);
	folder_deliver(&b, &account, 1, MESSAGES, 400000);
	before = disk_blocks(&b);
	holder = hold(&b);
	other = hold(&b);
	expunge_all_but_few(&b, account, 1);
	/* Time enough for what would be wrong; what is right does not depend on it. */
	(void)usleep(300000);
	held = disk_blocks(&b);
	assert_true(held >= before);
	folder_verify_clean(&b);
	port_close(other);
	(void)usleep(100000);
	assert_true(disk_blocks(&b) >= before);
	port_close(holder);
	wait_for_less(&b, before / 3);
	folder_verify_clean(&b);
	box_free(&b);
}

static void
bounded(void **state)
{
	struct store_nothing none = { 0 };
	struct port *ports[STORE_HOLDS_MAX + 1];
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	for (unsigned i = 0; i < STORE_HOLDS_MAX; i++)
		ports[i] = hold(&b);
	assert_ok(store_hold(ports[3], &none, &b.arena, &none, &unit_error)); /* again is no other */
	assert_ok(port_open_local(store_service(b.store), &ports[STORE_HOLDS_MAX], &unit_error));
	assert_int_equal(store_hold(ports[STORE_HOLDS_MAX], &none, &b.arena, &none, NULL), ERR_LIMIT);
	port_close(ports[0]);
	assert_ok(store_hold(ports[STORE_HOLDS_MAX], &none, &b.arena, &none, &unit_error));
	for (unsigned i = 1; i <= STORE_HOLDS_MAX; i++)
		port_close(ports[i]);
	box_free(&b);
}

#define LOG_FULL (34 << 20) /* over 32 MiB the log is to begin anew */
#define LOG_LONG (66 << 20) /* over 64 MiB writers wait for each checkpoint */

static off_t
log_size(const struct box *b)
{
	char path[100];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/store.db-wal", b->folder);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* 250 ms each, when each waits. */
static void
write_quickly(struct box *b, uint64_t account)
{
	int64_t began = clock_ms();

	for (unsigned i = 0; i < 200; i++)
		(void)box_append(b, account, 1, folder_octets(b, i, 100), 0);
	(void)printf("# 200 writes in %lld ms, with %lld MiB of log\n", (long long)(clock_ms() - began),
	    (long long)(log_size(b) >> 20));
	assert_true(clock_ms() - began < 20000);
}

static void
fill_log(struct box *b, uint64_t account, off_t size)
{
	for (unsigned i = 0; log_size(b) < size; i++)
		(void)box_append(b, account, 1, folder_octets(b, i, 100), 0);
}

/* Who copies the database is in one transaction for long: the log cannot begin anew, and writers do not wait for that. */
static void
writers_go_on(void **state)
{
	struct port *holder;
	uint64_t account;
	struct box b;
	char path[100];
	sqlite3 *db;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	holder = hold(&b);
	(void)snprintf(path, sizeof path, "%s/store.db", b.folder);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM accounts", NULL, NULL, NULL), SQLITE_OK);
	fill_log(&b, account, LOG_FULL);
	write_quickly(&b, account);
	fill_log(&b, account, LOG_LONG);
	write_quickly(&b, account);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	port_close(holder);
	box_free(&b);
}

/* Over a socket, whose other end is just gone: as when the process that holds is killed. */
static void
given_back_by_the_kernel(void **state)
{
	struct store_nothing none = { 0 };
	struct port_server *server;
	uint64_t account, before;
	pid_t child;
	struct box b;
	int fds[2], told[2], status;
	char ready;

	(void)state;
	box_new(&b);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(pipe(told), 0);
	child = fork(); /* before there are threads */
	if (child == 0) {
		(void)alarm(60); /* also when the test fails */
		(void)close(fds[0]);
		if (port_open_socket(&store_interface, fds[1], &b.port, NULL) == 0 &&
		    store_hold(b.port, &none, &b.arena, &none, NULL) == 0 && write(told[1], "x", 1) == 1)
			(void)pause();
		_exit(1);
	}
	(void)close(fds[1]);
	(void)close(told[1]);
	box_open(&b);
	assert_ok(port_server_new(store_service(b.store), &server, &unit_error));
	assert_ok(port_server_add(server, fds[0], NULL, 0, &unit_error));
	assert_int_equal(read(told[0], &ready, 1), 1);
	account = box_account(&b, "a@example.org");
	folder_deliver(&b, &account, 1, 1, 2000000);
	before = disk_blocks(&b);
	folder_expunge(&b, account, 1, 1, 1);
	(void)usleep(200000);
	assert_true(disk_blocks(&b) >= before);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	wait_for_less(&b, before);
	port_server_free(server);
	(void)close(told[0]);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(keeps), UNIT_TEST(bounded), UNIT_TEST(writers_go_on), UNIT_TEST(given_back_by_the_kernel))
