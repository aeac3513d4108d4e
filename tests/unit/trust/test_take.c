/* SPDX-License-Identifier: ISC */
/*
 * The store on disk: the folder of files of before is taken over, also when that is interrupted; a newer version is
 * refused; two processes write; a full disk loses nothing.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store/db.h"
#include "trust/evidence.h"
#include "trust_kit.h"

/* ---- as the store was before ---- */

static void
old_file(const struct pgp_cert *c, struct slice content)
{
	char name[100], path[FILE_PATH_MAX];
	struct buf hex;

	buf_init(&hex, 100);
	assert_ok(pgp_fingerprint_write(&c->primary->fingerprint, &hex));
	(void)snprintf(name, sizeof name, "%.*s.pgp", (int)hex.len, (const char *)hex.data);
	assert_ok(path_join(path, folder, name, &unit_error));
	assert_ok(file_write_atomic(path, content, 0600, &unit_error));
	buf_done(&hex);
}

static void
old_certificate(const struct pgp_cert *c)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_ok(pgp_cert_write_public(c, &b));
	old_file(c, buf_slice(&b));
	buf_done(&b);
}

static void
old_row(struct buf *index, const struct pgp_cert *c, const char *origin, unsigned added, unsigned verified)
{
	(void)buf_putf(index, "%s{\"fingerprint\":\"", index->len > 40 ? "," : "");
	(void)pgp_fingerprint_write(&c->primary->fingerprint, index);
	(void)buf_putf(index,
	    "\",\"origin\":\"%s\",\"from\":\"https://keys.example.org\",\"added\":%u,\"changed\":%u,\"verified\":%u,"
	    "\"keys\":[],\"addresses\":[]}",
	    origin, added, added + 5, verified);
}

static void
write_index(struct buf *index)
{
	char path[FILE_PATH_MAX];

	(void)buf_put_str(index, "]}");
	assert_ok(path_join(path, folder, "index.json", &unit_error));
	assert_ok(file_write_atomic(path, buf_slice(index), 0600, &unit_error));
}

struct before {
	struct fixture alice, bob, lost;
};

static void
store_of_before(struct before *b)
{
	struct buf index;

	make_key(&b->alice, "Alice <alice@example.org>", 0);
	make_key(&b->bob, "Bob <bob@example.org>", 0);
	make_key(&b->lost, "Carol <carol@example.org>", 0);
	old_certificate(b->alice.cert);
	old_certificate(b->bob.cert);
	buf_init(&index, 1 << 20);
	(void)buf_put_str(&index, "{\"version\":1,\"certificates\":[         ");
	old_row(&index, b->alice.cert, "own", NOW - 100, 0);
	old_row(&index, b->bob.cert, "directory", NOW - 50, NOW - 20);
	old_row(&index, b->lost.cert, "imported", NOW - 50, 0);
	write_index(&index);
	buf_done(&index);
}

static void
before_done(struct before *b)
{
	fixture_done(&b->alice);
	fixture_done(&b->bob);
	fixture_done(&b->lost);
}

static void
check_taken(struct trust_store *s, const struct before *b)
{
	const struct trust_entry *entry;
	struct pgp_cert *c;

	assert_int_equal(trust_store_count(s), 2);
	entry = trust_store_choose(s, SLICE("alice@example.org"), NULL);
	assert_true(is_of(entry, &b->alice));
	assert_int_equal(entry->origin, TRUST_OWN);
	assert_int_equal(entry->added, NOW - 100);
	entry = trust_store_choose(s, SLICE("bob@example.org"), NULL);
	assert_true(is_of(entry, &b->bob));
	assert_int_equal(entry->origin, TRUST_DIRECTORY);
	assert_int_equal(entry->added, NOW - 50);
	assert_int_equal(entry->changed, NOW - 45);
	assert_int_equal(entry->verified, NOW - 20);
	assert_slice(entry->from, "https://keys.example.org");
	assert_ok(trust_store_load(s, &b->bob.cert->primary->fingerprint, &c, &unit_error));
	pgp_cert_free(c);
}

static int
count_old(void *ctx, const char *name)
{
	size_t *n = ctx;

	*n += strstr(name, ".pgp") != NULL || strcmp(name, "index.json") == 0;
	return 0;
}

static size_t
old_files(void)
{
	size_t n = 0;

	(void)dir_each(folder, count_old, &n, NULL);
	return n;
}

static void
the_folder_of_before_is_taken_over(void **state)
{
	struct trust_store *s;
	struct before b;

	(void)state;
	store_of_before(&b);
	s = open_store();
	check_taken(s, &b);
	assert_int_equal(old_files(), 0);
	trust_store_close(s);
	s = open_store();
	check_taken(s, &b);
	trust_store_close(s);
	before_done(&b);
}

/* Killed after n writing system calls, for every n until it comes through: nothing is lost, and the next one ends it. */
static void
interrupted_it_begins_again(void **state)
{
	unsigned kills = 0;
	struct before b;

	(void)state;
	for (unsigned ms = 0; ms < 40; ms++) {
		struct trust_store *s;
		pid_t child;
		int status;

		(void)tear_down(state);
		assert_int_equal(set_up(state), 0);
		store_of_before(&b);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct trust_store *in_child;

			_exit(trust_store_open(folder, &in_child, NULL) == 0 ? 0 : 1);
		}
		(void)usleep(ms * 250);
		(void)kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		kills += WIFSIGNALED(status);
		s = open_store();
		check_taken(s, &b);
		assert_int_equal(old_files(), 0);
		trust_store_close(s);
		before_done(&b);
	}
	assert_true(kills > 0);
}

/* Killed between the files' going and the index's: what is gone as a file is in the database. */
static void
interrupted_while_the_files_go(void **state)
{
	char path[FILE_PATH_MAX];
	struct trust_store *s;
	struct before b;
	struct buf index;

	(void)state;
	store_of_before(&b);
	buf_init(&index, 1 << 20);
	assert_ok(path_join(path, folder, "index.json", &unit_error));
	assert_ok(file_read(path, &index, &unit_error));
	s = open_store();
	trust_store_close(s);
	assert_ok(file_write_atomic(path, buf_slice(&index), 0600, &unit_error));
	old_certificate(b.bob.cert);
	s = open_store();
	check_taken(s, &b);
	assert_int_equal(old_files(), 0);
	trust_store_close(s);
	buf_done(&index);
	before_done(&b);
}

static void
a_damaged_file_does_not_stand_in_the_way(void **state)
{
	struct trust_store *s;
	struct before b;

	(void)state;
	store_of_before(&b);
	old_file(b.lost.cert, SLICE("damaged"));
	s = open_store();
	check_taken(s, &b);
	assert_int_equal(old_files(), 1); /* it stays, for whoever can make something of it */
	trust_store_close(s);
	before_done(&b);
}

static void
a_newer_version_is_refused(void **state)
{
	struct trust_store *s = open_store();
	char path[FILE_PATH_MAX];
	struct db db;

	(void)state;
	trust_store_close(s);
	assert_ok(path_join(path, folder, "certificates.db", &unit_error));
	assert_ok(db_open(&db, path, DB_SHARED, &unit_error));
	assert_ok(db_run(&db, "PRAGMA user_version=99", &unit_error));
	db_close(&db);
	assert_int_equal(trust_store_open(folder, &s, &unit_error), ERR_UNSUPPORTED);
	assert_non_null(strstr(unit_error.text, "newer Letterlock"));
}

static void
damage_is_said(void **state)
{
	struct trust_store *s;
	char path[FILE_PATH_MAX];

	(void)state;
	assert_ok(path_join(path, folder, "certificates.db", &unit_error));
	assert_ok(file_write_atomic(path,
	    SLICE("this is no database, and it is longer than its header would be, "
		  "which is a hundred octets: so SQLite looks at it and says so"),
	    0600, &unit_error));
	assert_int_equal(trust_store_open(folder, &s, &unit_error), ERR_INTEGRITY);
	assert_non_null(strstr(unit_error.text, "certificates.db"));
}

/* ---- several at once ---- */

#define EACH 15u

static void
write_many(unsigned who)
{
	struct trust_store *s;
	char name[60];

	if (trust_store_open(folder, &s, NULL) != 0)
		_exit(2);
	for (unsigned i = 0; i < EACH; i++) {
		struct fixture f;
		struct trust_put p = { .origin = TRUST_IMPORTED, .policy = pgp_policy_default(NOW) };

		(void)snprintf(name, sizeof name, "<p%u-%u@example.org>", who, i);
		make_key(&f, name, 0);
		p.cert = f.cert;
		if (trust_store_put(s, &p, NULL, NULL) != 0)
			_exit(3);
		fixture_done(&f);
	}
	trust_store_close(s);
	_exit(0);
}

static void
processes_write_at_the_same_time(void **state)
{
	struct trust_store *s = open_store();
	pid_t children[3];

	(void)state;
	trust_store_close(s);
	for (unsigned i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0)
			write_many(i);
	}
	s = open_store();
	for (unsigned i = 0; i < 3; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	/* The one that was open all the time sees it all. */
	assert_int_equal(trust_store_count(s), 3 * EACH);
	assert_non_null(trust_store_choose(s, SLICE("p2-14@example.org"), NULL));
	trust_store_close(s);
}

/* What one gave out before another one changed it: what it gives out afterwards is new. */
static void
a_change_by_another_one_is_seen(void **state)
{
	struct trust_store *one = open_store(), *two = open_store();
	struct fixture bob;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	put_for(one, bob.cert, TRUST_FIRST_USE, "bob@example.org", NOW);
	assert_int_equal(trust_store_choose(two, SLICE("bob@example.org"), NULL)->verified, 0);
	assert_ok(trust_store_verify(one, &bob.cert->primary->fingerprint, NOW, &unit_error));
	assert_int_equal(trust_store_choose(two, SLICE("bob@example.org"), NULL)->verified, NOW);
	assert_ok(trust_store_remove(one, &bob.cert->primary->fingerprint, &unit_error));
	assert_null(trust_store_choose(two, SLICE("bob@example.org"), NULL));
	assert_int_equal(trust_store_failed(two, &unit_error), 0);
	trust_store_close(one);
	trust_store_close(two);
	fixture_done(&bob);
}

static void
several_changes_are_one_or_none(void **state)
{
	struct trust_store *s = open_store();
	struct fixture bob, carol;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	make_key(&carol, "Carol <carol@example.org>", 0);
	assert_ok(trust_store_begin(s, &unit_error));
	assert_int_equal(trust_store_begin(s, &unit_error), ERR_ORDER);
	put_for(s, bob.cert, TRUST_IMPORTED, "", NOW);
	put_for(s, carol.cert, TRUST_IMPORTED, "", NOW);
	assert_ok(trust_store_end(s, false, &unit_error));
	assert_int_equal(trust_store_count(s), 0);
	assert_ok(trust_store_begin(s, &unit_error));
	put_for(s, bob.cert, TRUST_IMPORTED, "", NOW);
	/* One that fails takes only itself back. */
	assert_int_equal(trust_store_verify(s, &carol.cert->primary->fingerprint, NOW, &unit_error), ERR_NOT_FOUND);
	assert_ok(trust_store_end(s, true, &unit_error));
	assert_int_equal(trust_store_end(s, true, &unit_error), ERR_ORDER);
	assert_int_equal(trust_store_count(s), 1);
	fixture_done(&bob);
	fixture_done(&carol);
	trust_store_close(s);
}

/* ---- faults ---- */

/* No file may grow: every write that needs more room fails, as on a full disk. */
static void
full_disk(void)
{
	struct trust_store *s;
	struct trust_put p = { .origin = TRUST_IMPORTED, .policy = pgp_policy_default(NOW) };
	struct rlimit limit = { .rlim_cur = 1 << 16, .rlim_max = 1 << 16 };
	struct fixture f;
	unsigned put = 0;
	int rc = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || trust_store_open(folder, &s, NULL) != 0)
		_exit(100);
	for (; rc == 0 && put < 90; put++) {
		make_key(&f, "Bob <bob@example.org>", 0);
		p.cert = f.cert;
		rc = trust_store_put(s, &p, NULL, NULL);
		fixture_done(&f);
	}
	trust_store_close(s);
	_exit(rc == 0 ? 101 : (int)put - 1);
}

static void
a_full_disk_is_said_and_loses_nothing(void **state)
{
	struct trust_store *s = open_store();
	struct fixture f;
	pid_t child;
	int status;

	(void)state;
	trust_store_close(s);
	child = fork();
	if (child == 0)
		full_disk();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) < 90);
	s = open_store();
	assert_int_equal(trust_store_count(s), WEXITSTATUS(status));
	make_key(&f, "Carol <carol@example.org>", 0);
	put_for(s, f.cert, TRUST_IMPORTED, "", NOW);
	assert_non_null(trust_store_choose(s, SLICE("carol@example.org"), NULL));
	fixture_done(&f);
	trust_store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TRUST_UNIT_TEST(the_folder_of_before_is_taken_over),
		TRUST_UNIT_TEST(interrupted_it_begins_again), TRUST_UNIT_TEST(interrupted_while_the_files_go),
		TRUST_UNIT_TEST(a_damaged_file_does_not_stand_in_the_way), TRUST_UNIT_TEST(a_newer_version_is_refused),
		TRUST_UNIT_TEST(damage_is_said), TRUST_UNIT_TEST(processes_write_at_the_same_time),
		TRUST_UNIT_TEST(a_change_by_another_one_is_seen), TRUST_UNIT_TEST(several_changes_are_one_or_none),
		TRUST_UNIT_TEST(a_full_disk_is_said_and_loses_nothing) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
