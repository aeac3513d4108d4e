/* SPDX-License-Identifier: ISC */
/*
 * A copy of a store: the same as the store was at one moment, also while others
 * write, expunge and compact; gone on with after a kill, with the earlier copy
 * whole all the time; and the numbers of one that comes back.
 */
#include "store/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include "store/migrate.h"
#include "store/record.h"
#include "store/snapshot.h"

struct target {
	char folder[80];
	struct store_snapshot_counts counts;
	struct store_snapshot_raised raised;
	char damaged[2000];
	unsigned slow_us; /* each time that progress is told */
};

static void
note_damaged(void *ctx, const char *sentence)
{
	struct target *t = ctx;
	size_t at = strlen(t->damaged);

	(void)snprintf(t->damaged + at, sizeof t->damaged - at, "%s\n", sentence);
}

static void
slowly(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct target *t = ctx;

	(void)what;
	assert_true(done <= total);
	if (t->slow_us > 0)
		(void)usleep(t->slow_us);
}

static struct target
target(const struct box *b, const char *name)
{
	struct target t = { 0 };

	(void)snprintf(t.folder, sizeof t.folder, "%s-%s", b->folder, name);
	return t;
}

static int
snapshot(const char *from, struct target *t, bool held, const char *replaced, bool raise, struct error *e)
{
	const struct store_snapshot_options o = {
		.from = from, .to = t->folder, .held = held, .progress = slowly, .damaged = note_damaged, .ctx = t
	};
	struct store_snapshot *s;
	int rc = store_snapshot_open(&o, &s, e);

	t->damaged[0] = 0;
	if (rc != 0)
		return rc;
	rc = store_snapshot_run(s, e);
	if (rc == 0 && raise)
		rc = store_snapshot_raise(s, replaced, &t->raised, e);
	if (rc == 0)
		rc = store_snapshot_finish(s, &t->counts, e);
	store_snapshot_free(s);
	return rc;
}

static void
remove_all(const char *folder)
{
	(void)nftw(folder, box_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* What a store opened in a copy of that folder says; it is verified. */
static void
tell_copied(const char *folder, struct buf *out)
{
	struct box c;

	box_new(&c);
	box_run((const char *const[]){ "cp", "-rT", folder, c.folder, NULL });
	box_open(&c); /* which removes what a copy that was cut off has left */
	assert_null(strstr(c.said, "damaged"));
	buf_init(out, 1 << 20);
	folder_tell(&c, out);
	folder_verify_clean(&c);
	box_free(&c);
}

static void
tell(struct box *b, struct buf *out)
{
	buf_init(out, 1 << 20);
	folder_tell(b, out);
}

static void
assert_same(const struct buf *a, const struct buf *b)
{
	assert_slices(buf_slice(a), buf_slice(b));
}

static void
open_filled(struct box *b)
{
	box_new(b);
	b->options.segment_size = FOLDER_SEGMENT;
	box_open(b);
	folder_fill(b);
}

/* ---- the same, and then the difference ---- */

static void
same(void **state)
{
	struct buf was BUF_OWNED = { 0 }, is BUF_OWNED = { 0 }, now BUF_OWNED = { 0 };
	struct target t;
	struct box b;

	(void)state;
	open_filled(&b);
	t = target(&b, "same");
	tell(&b, &was);
	box_close(&b);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_true(t.counts.copied == t.counts.octets && t.counts.accounts == 3 && t.counts.damaged == 0);
	tell_copied(t.folder, &is);
	assert_same(&was, &is);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_int_equal(t.counts.copied, 0);
	buf_done(&is);
	tell_copied(t.folder, &is);
	assert_same(&was, &is);

	box_open(&b);
	folder_append(&b, 1, 1, 500, 7000, NULL);
	folder_deliver(&b, (const uint64_t[]){ 2 }, 1, 501, 400000);
	folder_expunge(&b, 1, 1, 5, 12);
	tell(&b, &now);
	box_close(&b);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_in_range(t.counts.copied, 407000, 408000);
	buf_done(&is);
	tell_copied(t.folder, &is);
	assert_same(&now, &is);
	/* A copy of the copy. */
	remove_all(b.folder);
	assert_in_range(snprintf(b.folder, sizeof b.folder, "%s", t.folder), 1, sizeof b.folder - 1);
	t = target(&b, "again");
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	buf_done(&is);
	tell_copied(t.folder, &is);
	assert_same(&now, &is);
	remove_all(t.folder);
	box_open(&b);
	box_free(&b);
}

/* Where bodies lie is the store's own affair: what compaction has moved is not copied again. */
static void
moved(void **state)
{
	uint64_t account;
	struct target t;
	struct box b;
	char path[200];

	(void)state;
	box_new(&b);
	t = target(&b, "moved");
	b.options.segment_size = 128 << 10;
	b.options.compact_rate = 1 << 30;
	box_open(&b);
	account = box_account(&b, "a@example.org");
	for (unsigned i = 0; i < 100; i++)
		(void)box_append(&b, account, 1, folder_octets(&b, i, 3000), 0);
	box_close(&b);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	box_open(&b);
	for (uint32_t uid = 1; uid < 100; uid += 10)
		folder_expunge(&b, account, 1, uid, uid + 8);
	(void)snprintf(path, sizeof path, "%s/bodies/s00000001", b.folder);
	for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
		(void)usleep(10000);
	assert_int_not_equal(access(path, F_OK), 0);
	box_close(&b);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_true(t.counts.copied == 0 && t.counts.messages == 10);
	remove_all(t.folder);
	box_open(&b);
	box_free(&b);
}

/* ---- while others write ---- */

static atomic_bool stop;

static void *
write_on(void *arg)
{
	struct box b = *(struct box *)arg;

	arena_init(&b.arena, (size_t)1 << 30);
	assert_ok(port_open_local(store_service(b.store), &b.port, &unit_error));
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		uint32_t uid = box_append(&b, 1, 2, folder_octets(&b, i, i % 20000), 0).stored.uid;

		if (i % 40 == 3)
			folder_deliver(&b, (const uint64_t[]){ 1 }, 1, i, 300000);
		if (uid % 16 == 0)
			folder_expunge(&b, 1, 2, uid - 15, uid - 2);
		if (i % 40 == 39)
			folder_expunge(&b, 1, 1, 1, UINT32_MAX - 1);
		arena_done(&b.arena);
	}
	port_close(b.port);
	return NULL;
}

static void
beside_writers(void **state)
{
	struct store_nothing none = { 0 };
	unsigned rounds = 0;
	pthread_t writer;
	struct target t;
	struct box b;

	(void)state;
	atomic_store(&stop, false);
	box_new(&b);
	t = target(&b, "beside");
	b.options.segment_size = 64 << 10;
	b.options.compact_rate = 1 << 30;
	box_open(&b);
	assert_int_equal(box_account(&b, "a@example.org"), 1);
	assert_int_equal(box_create(&b, 1, "other"), 2);
	assert_int_equal(box_create(&b, 1, "kept"), 3);
	assert_int_equal(pthread_create(&writer, NULL, write_on, &b), 0);
	for (time_t end = time(NULL) + 8; time(NULL) < end; rounds++) {
		struct store_message_rows kept;
		struct port *holder;
		struct box c;

		(void)box_append(&b, 1, 3, folder_octets(&b, rounds, rounds * 37 % 9000), 0);
		assert_ok(port_open_local(store_service(b.store), &holder, &unit_error));
		assert_ok(store_hold(holder, &none, &b.arena, &none, &unit_error));
		if (rounds % 5 == 4)
			remove_all(t.folder);
		assert_ok(snapshot(b.folder, &t, true, NULL, false, &unit_error));
		port_close(holder);
		assert_string_equal(t.damaged, "");
		box_new(&c);
		box_run((const char *const[]){ "cp", "-rT", t.folder, c.folder, NULL });
		box_open(&c);
		assert_string_equal(c.said, "");
		folder_verify_clean(&c);
		kept = box_list(&c, 1, 3);
		assert_int_equal(kept.row_count, rounds + 1);
		for (unsigned i = 0; i <= rounds; i++)
			assert_slices(box_body(&c, kept.rows[i].body), folder_octets(&c, i, i * 37 % 9000));
		box_free(&c);
	}
	atomic_store(&stop, true);
	assert_int_equal(pthread_join(writer, NULL), 0);
	(void)printf("# %u copies\n", rounds);
	folder_verify_clean(&b);
	remove_all(t.folder);
	box_free(&b);
}

/* ---- cut off ---- */

static void
kill_one(const char *from, struct target *t, unsigned after_us)
{
	pid_t child = fork();

	if (child == 0) {
		t->slow_us = 300;
		_exit(snapshot(from, t, false, NULL, false, NULL) == 0 ? 0 : 1);
	}
	(void)usleep(after_us);
	(void)kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
cut_off(void **state)
{
	struct buf was BUF_OWNED = { 0 }, now BUF_OWNED = { 0 };
	unsigned kills = 0, old = 0;
	struct target t;
	char path[200];
	struct box b;

	(void)state;
	open_filled(&b);
	t = target(&b, "cut");
	(void)snprintf(path, sizeof path, "%s/store.db", t.folder);
	tell(&b, &was);
	box_close(&b);
	for (int i = 0; access(path, F_OK) != 0; i++, kills++) {
		assert_true(i < 100);
		kill_one(b.folder, &t, 2000 + (unsigned)i * 3000);
	}
	box_open(&b);
	for (unsigned i = 600; i < 640; i++)
		folder_append(&b, 1, 1, i, i * 331 % 9000, NULL);
	folder_expunge(&b, 1, 1, 1, 15);
	folder_deliver(&b, (const uint64_t[]){ 2 }, 1, 640, 300000);
	tell(&b, &now);
	box_close(&b);
	for (bool is_new = false; !is_new; kills++) {
		struct buf is BUF_OWNED = { 0 };

		assert_true(kills < 200);
		kill_one(b.folder, &t, 2000 + old * 3000);
		tell_copied(t.folder, &is);
		is_new = slice_eq(buf_slice(&is), buf_slice(&now));
		if (!is_new)
			assert_same(&was, &is);
		old += !is_new;
	}
	(void)printf("# killed %u times, %u of them with an earlier copy in place\n", kills, old);
	assert_true(old > 0);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_int_equal(t.counts.copied, 0);
	remove_all(t.folder);
	box_open(&b);
	box_free(&b);
}

/* What a copy that was cut off had copied is not copied again, and octets that are not whole are. */
static void
goes_on(void **state)
{
	struct buf was BUF_OWNED = { 0 }, is BUF_OWNED = { 0 };
	uint64_t octets;
	struct target t;
	char path[200];
	struct box b;
	FILE *file;

	(void)state;
	open_filled(&b);
	t = target(&b, "goes-on");
	tell(&b, &was);
	box_close(&b);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	octets = t.counts.octets;
	(void)snprintf(path, sizeof path, "%s/store.db", t.folder);
	assert_int_equal(unlink(path), 0); /* as if it had been killed before the last step */
	(void)snprintf(path, sizeof path, "%s/bodies/s00000001", t.folder);
	file = fopen(path, "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, 60000, SEEK_SET), 0);
	assert_int_equal(fputc('!', file), '!');
	assert_int_equal(fclose(file), 0);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_true(t.counts.copied > 0 && t.counts.copied < octets - 50000 - 300000);
	assert_string_equal(t.damaged, "");
	tell_copied(t.folder, &is);
	assert_same(&was, &is);
	/* A file of the whole copy that is shorter than it was is not believed. */
	(void)snprintf(path, sizeof path, "%s/bodies/s00000002", t.folder);
	assert_int_equal(truncate(path, 1000), 0);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_true(t.counts.copied > 0);
	buf_done(&is);
	tell_copied(t.folder, &is);
	assert_same(&was, &is);
	remove_all(t.folder);
	box_open(&b);
	box_free(&b);
}

/* ---- damage ---- */

static void
flip(const char *folder, const char *name, long at)
{
	char path[200];
	FILE *file;
	int octet;

	(void)snprintf(path, sizeof path, "%s/bodies/%s", folder, name);
	file = fopen(path, "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	octet = fgetc(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fputc(octet ^ 1, file), octet ^ 1);
	assert_int_equal(fclose(file), 0);
}

/* The highest name in bodies/ that begins with that letter. */
static void
last_name(const struct box *b, char first, char out[64])
{
	char path[200];
	struct dirent *entry;
	DIR *dir;

	out[0] = 0;
	(void)snprintf(path, sizeof path, "%s/bodies", b->folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == first && strcmp(entry->d_name, out) > 0)
			(void)snprintf(out, 64, "%.60s", entry->d_name);
	}
	(void)closedir(dir);
	assert_true(out[0] != 0);
}

static void
damaged(void **state)
{
	struct buf was BUF_OWNED = { 0 }, is BUF_OWNED = { 0 };
	struct target t;
	char large[64], last[64], path[200];
	struct stat st;
	struct box b;

	(void)state;
	open_filled(&b);
	t = target(&b, "damaged");
	tell(&b, &was);
	box_close(&b);
	last_name(&b, 'b', large);
	last_name(&b, 's', last);
	(void)snprintf(path, sizeof path, "%s/bodies/%s", b.folder, last);
	assert_int_equal(stat(path, &st), 0);
	flip(b.folder, "s00000001", 100);
	flip(b.folder, large, 200000);
	flip(b.folder, last, st.st_size - 10); /* what the copy's segment ends with */
	for (int i = 0; i < 2; i++) {          /* told each time, for the source may have become whole */
		assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
		assert_int_equal(t.counts.damaged, 3);
		assert_true(i == 0 ? t.counts.copied == t.counts.octets : t.counts.copied < 301000);
		assert_non_null(strstr(t.damaged, "UID 1 in 'INBOX' of Alice@example.org"));
		assert_non_null(strstr(t.damaged, "changed on disk"));
	}
	flip(b.folder, "s00000001", 100);
	flip(b.folder, large, 200000);
	flip(b.folder, last, st.st_size - 10);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_true(t.counts.damaged == 0 && t.counts.copied > 300000);
	tell_copied(t.folder, &is);
	assert_same(&was, &is);
	/* Damage that comes later does not reach what was copied before. */
	flip(b.folder, "s00000001", 100);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_int_equal(t.counts.damaged, 0);
	buf_done(&is);
	tell_copied(t.folder, &is);
	assert_same(&was, &is);
	remove_all(t.folder);
	flip(b.folder, "s00000001", 100);
	box_open(&b);
	box_free(&b);
}

/* ---- what is refused ---- */

static int
not_any_more(void *ctx, struct error *e)
{
	(void)ctx;
	return error_set(e, ERR_CLOSED, "the server is gone");
}

static unsigned
last_segment(sqlite3 *db)
{
	sqlite3_stmt *q;
	int segment;

	assert_int_equal(sqlite3_prepare_v2(db, "SELECT max(segment) FROM segments", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	segment = sqlite3_column_int(q, 0);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	return (unsigned)segment;
}

static void
refused(void **state)
{
	struct store_snapshot_options o = { .held = true, .still = not_any_more };
	struct store_snapshot_counts counts;
	struct store_snapshot *s;
	struct target t, nothing;
	char path[200];
	struct box b;
	sqlite3 *db;

	(void)state;
	open_filled(&b);
	t = target(&b, "refused");
	nothing = target(&b, "nothing");
	assert_int_equal(snapshot(b.folder, &t, false, NULL, false, &unit_error), ERR_ORDER); /* in use */
	o.from = b.folder;
	o.to = t.folder;
	assert_ok(store_snapshot_open(&o, &s, &unit_error));
	assert_ok(store_snapshot_run(s, &unit_error));
	assert_int_equal(store_snapshot_finish(s, &counts, NULL), ERR_CLOSED); /* what was read is worth nothing */
	store_snapshot_free(s);
	(void)snprintf(path, sizeof path, "%s/store.db", t.folder);
	assert_int_not_equal(access(path, F_OK), 0);
	box_close(&b);
	assert_int_equal(snapshot(nothing.folder, &t, false, NULL, false, NULL), ERR_NOT_FOUND);
	assert_int_equal(chmod(t.folder, 0755), 0);
	assert_int_equal(snapshot(b.folder, &t, false, NULL, false, NULL), ERR_DENIED);
	assert_int_equal(chmod(t.folder, 0700), 0);

	(void)snprintf(path, sizeof path, "%s/store.db", b.folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE segments SET synced = 0", NULL, NULL, NULL), SQLITE_OK); /* killed */
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	(void)snprintf(path, sizeof path, "s%08x", last_segment(db));
	flip(b.folder, path, 40); /* and without power */
	assert_int_equal(snapshot(b.folder, &t, false, NULL, false, NULL), ERR_ORDER);
	flip(b.folder, path, 40);
	assert_int_equal(sqlite3_exec(db, "UPDATE segments SET synced = used", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(snapshot(b.folder, &t, false, NULL, false, NULL), ERR_UNSUPPORTED);
	(void)snprintf(path, sizeof path, "PRAGMA user_version = %u", SCHEMA_VERSION);
	assert_int_equal(sqlite3_exec(db, path, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	remove_all(t.folder);
	box_open(&b);
	box_free(&b);
}

/* A folder of the first schema, which the copy keeps and a store that opens it brings further. */
static void
older_schema(void **state)
{
	struct buf was BUF_OWNED = { 0 }, is BUF_OWNED = { 0 };
	const char *end = strstr(__FILE__, "unit/store/");
	struct target t;
	struct box b, c;
	char path[300];

	(void)state;
	box_new(&b);
	assert_non_null(end);
	(void)snprintf(path, sizeof path, "%.*sdata/store/schema-1.tar.xz", (int)(end - __FILE__), __FILE__);
	box_run((const char *const[]){ "tar", "-xJf", path, "-C", b.folder, NULL });
	t = target(&b, "older");
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	box_new(&c);
	box_run((const char *const[]){ "cp", "-rT", t.folder, c.folder, NULL });
	box_open(&c);
	assert_non_null(strstr(c.said, "brought to this program's schema"));
	folder_verify_clean(&c);
	tell(&c, &is);
	box_free(&c);
	box_open(&b);
	tell(&b, &was);
	assert_same(&was, &is);
	remove_all(t.folder);
	box_free(&b);
}

/* ---- one that comes back ---- */

static struct store_mailbox
mailbox_in(const char *folder, uint64_t account, const char *name)
{
	struct store_mailbox m;
	struct box c;

	box_new(&c);
	box_run((const char *const[]){ "cp", "-rT", folder, c.folder, NULL });
	box_open(&c);
	m = box_mailbox(&c, account, name);
	folder_verify_clean(&c);
	box_free(&c);
	return m;
}

static void
raised(void **state)
{
	struct store_mailbox inbox, archive, next;
	struct store_nothing none;
	struct target t, back;
	struct box b;

	(void)state;
	open_filled(&b);
	t = target(&b, "backup");
	back = target(&b, "back");
	box_close(&b);
	assert_ok(snapshot(b.folder, &t, false, NULL, false, &unit_error));
	/* Nothing was given out since. */
	assert_ok(snapshot(t.folder, &back, false, b.folder, true, &unit_error));
	assert_true(back.raised.compared && back.raised.raised == 0 && back.raised.mailboxes == 5);
	inbox = mailbox_in(t.folder, 1, "INBOX");
	archive = mailbox_in(t.folder, 1, "Archive/2023");
	assert_int_equal(mailbox_in(back.folder, 1, "INBOX").uidvalidity, inbox.uidvalidity);
	remove_all(back.folder);
	/* A message came into one, and was seen; another one was renamed. */
	box_open(&b);
	folder_append(&b, 1, inbox.mailbox, 700, 100, NULL);
	assert_ok(store_mailbox_rename(b.port,
	    &(struct store_mailbox_rename){ 1, SLICE("Archive/2023"), SLICE("Archive/2024") }, &b.arena, &none,
	    &unit_error));
	next = box_mailbox(&b, 1, "INBOX");
	box_close(&b);
	assert_ok(snapshot(t.folder, &back, false, b.folder, true, &unit_error));
	assert_true(back.raised.compared && back.raised.raised == 2);
	assert_true(mailbox_in(back.folder, 1, "INBOX").uidvalidity > next.uidvalidity);
	assert_true(mailbox_in(back.folder, 1, "INBOX").uidnext >= next.uidnext);
	assert_true(mailbox_in(back.folder, 1, "INBOX").highest_modseq > next.highest_modseq);
	assert_int_equal(mailbox_in(back.folder, 1, "INBOX").mailbox, inbox.mailbox);
	assert_true(mailbox_in(back.folder, 1, "Archive/2023").uidvalidity > archive.uidvalidity);
	assert_true(mailbox_in(back.folder, 2, "INBOX").uidvalidity == mailbox_in(t.folder, 2, "INBOX").uidvalidity);
	remove_all(back.folder);
	/* Nobody knows what was given out. */
	for (int i = 0; i < 2; i++) {
		assert_ok(snapshot(t.folder, &back, false, i == 0 ? NULL : "/nowhere", true, &unit_error));
		assert_true(!back.raised.compared && back.raised.raised == 5);
		assert_true(mailbox_in(back.folder, 1, "INBOX").uidvalidity > next.uidvalidity);
		remove_all(back.folder);
	}
	remove_all(t.folder);
	box_open(&b);
	box_free(&b);
}

/* Bodies that come after it has come back never have the number of one that came after the copy was made. */
static void
numbers(void **state)
{
	struct buf was BUF_OWNED = { 0 }, is BUF_OWNED = { 0 };
	struct target early, late, back;
	uint64_t after;
	struct box b, c;

	(void)state;
	open_filled(&b);
	early = target(&b, "early");
	late = target(&b, "late");
	back = target(&b, "back");
	box_close(&b);
	assert_ok(snapshot(b.folder, &early, false, NULL, false, &unit_error));
	box_open(&b);
	after = box_append(&b, 1, 1, folder_octets(&b, 800, 5000), 0).body;
	box_close(&b);
	assert_ok(snapshot(b.folder, &late, false, NULL, false, &unit_error));
	assert_ok(snapshot(early.folder, &back, false, NULL, true, &unit_error));
	box_new(&c);
	(void)rmdir(c.folder);
	assert_int_equal(rename(back.folder, c.folder), 0);
	box_open(&c);
	assert_true(box_append(&c, 1, 1, folder_octets(&c, 801, 5000), 0).body > after);
	assert_true(box_create(&c, 1, "new") > 1000000);
	tell(&c, &was);
	box_close(&c);
	/* Into the folder that has bodies of the time between: only the new one is new. */
	assert_ok(snapshot(c.folder, &late, false, NULL, false, &unit_error));
	assert_in_range(late.counts.copied, 5000, 5100);
	tell_copied(late.folder, &is);
	assert_same(&was, &is);
	remove_all(early.folder);
	remove_all(late.folder);
	box_open(&c);
	box_free(&c);
	box_open(&b);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(same), UNIT_TEST(moved), UNIT_TEST(beside_writers), UNIT_TEST(cut_off), UNIT_TEST(goes_on),
    UNIT_TEST(damaged), UNIT_TEST(refused), UNIT_TEST(older_schema), UNIT_TEST(raised), UNIT_TEST(numbers))
