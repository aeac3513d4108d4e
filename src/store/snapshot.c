/* SPDX-License-Identifier: ISC */
/*
 * A copy from its beginning to its end: locks, the snapshot of the database,
 * and the one rename that makes it the folder's.
 */
#include "store/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/snapshot_internal.h"
#include "store/internal.h"
#include "store/migrate.h"

#define DATABASE_STEP 256 /* pages of 4 KiB */
#define DATABASE_PAGE 4096u

/* Octets of a record by the length of its body, in SQL: record_size(). */
#define RECORD_END "place + 32 + length + (length + 16383) / 16384 * 4"

void
snapshot_progress(struct store_snapshot *c, const char *what, uint64_t done, uint64_t total)
{
	if (c->o.progress != NULL)
		c->o.progress(c->o.ctx, what, done, total);
}

/* ---- open ---- */

static int
find_paths(struct store_snapshot *c, struct error *e)
{
	int rc = path_join(c->from_bodies, c->o.from, "bodies", e);

	if (rc == 0)
		rc = path_join(c->to_bodies, c->o.to, "bodies", e);
	if (rc == 0)
		rc = path_join(c->partial, c->o.to, "store.db.partial", e);
	return rc != 0 ? rc : path_join(c->whole, c->o.to, "store.db", e);
}

static int
lock_folder(const char *folder, bool read_only, int *lock_out, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc = path_join(path, folder, "lock", e);

	if (rc == 0)
		rc = read_only ? file_lock_shared(path, lock_out, e) : file_lock(path, false, lock_out, e);
	return rc == ERR_EXISTS ? error_set(e, ERR_ORDER, "%s is in use by another process", folder) : rc;
}

static int
make_folder(struct store_snapshot *c, struct error *e)
{
	int rc = dir_make_private(c->o.to, e);

	if (rc == 0)
		rc = dir_check_private(c->o.to, e);
	if (rc == 0)
		rc = lock_folder(c->o.to, false, &c->to_lock, e);
	return rc != 0 ? rc : dir_make_private(c->to_bodies, e);
}

/*
 * A power cut has perhaps taken octets of the last batch: only the store itself can take its rows out (recover.c). Killed
 * alone it leaves all of them.
 */
static int
check_last_batch(struct store_snapshot *c, struct error *e)
{
	struct query q = query_begin(&c->source,
	    "SELECT b.body, b.segment, b.place, b.length FROM bodies b, segments s WHERE b.segment = s.segment AND "
	    "b.place >="
	    " s.synced AND s.segment = (SELECT max(segment) FROM segments WHERE segment < " BODY_COMPACTED_SQL ")");
	bool whole = true;
	int rc;

	while ((rc = query_step(&q, e)) == 1 && whole) {
		const struct body_place place = { query_col_u64(&q, 0), query_col_u32(&q, 1), query_col_u64(&q, 2),
			query_col_u64(&q, 3) };
		int fd = snapshot_open_file(c->from_bodies, &place, O_RDONLY);

		whole = fd >= 0 && snapshot_record(fd, &place, NULL, NULL, NULL) == 0;
		if (fd >= 0)
			(void)close(fd);
	}
	query_end(&q);
	if (rc >= 0 && !whole)
		return error_set(e, ERR_ORDER,
		    "'%s' was cut off while it was written to; start the server once, or run letterlockd verify, and "
		    "then "
		    "again",
		    c->o.from);
	return rc < 0 ? rc : 0;
}

static int
read_identity(struct store_snapshot *c, struct error *e)
{
	struct query q = query_begin(&c->source, "SELECT lower(hex(value)) FROM meta WHERE key = " STORE_IDENTITY_KEY);
	int rc = query_step(&q, e);

	if (rc == 1)
		(void)snprintf(c->id, sizeof c->id, "%s", (const char *)sqlite3_column_text(q.statement, 0));
	query_end(&q);
	return rc < 0 ? rc : 0;
}

static int
look_at_source(struct store_snapshot *c, struct error *e)
{
	int rc;

	/* This only looks: what is in the log stays there. */
	(void)sqlite3_db_config(c->source.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	rc = schema_check(&c->source, &c->version, e);
	if (rc == 0 && c->version == 0)
		rc = error_set(e, ERR_NOT_FOUND, "there is no store in '%s'", c->o.from);
	if (rc == 0 && !c->o.held)
		rc = check_last_batch(c, e);
	return rc != 0 ? rc : read_identity(c, e);
}

static int
open_source(struct store_snapshot *c, struct error *e)
{
	char path[FILE_PATH_MAX];
	bool read_only = !c->o.held && dir_is_read_only(c->o.from); /* a disk put away, a snapshot */
	int rc = path_join(path, c->o.from, "store.db", e);

	if (rc == 0 && !file_exists(path))
		rc = error_set(e, ERR_NOT_FOUND, "there is no store in '%s'", c->o.from);
	if (rc == 0 && !c->o.held)
		rc = lock_folder(c->o.from, read_only, &c->from_lock, e);
	if (rc == 0 && !c->o.held && !read_only)
		rc = recover_log(path, e);
	if (rc == 0)
		rc = db_open(&c->source, path, read_only ? DB_LOOKER : DB_READER, e);
	return rc != 0 ? rc : look_at_source(c, e);
}

int
store_snapshot_open(const struct store_snapshot_options *options, struct store_snapshot **copy_out, struct error *e)
{
	struct store_snapshot *c = mem_alloc(sizeof *c);
	int rc;

	if (c == NULL)
		return error_nomem(e);
	c->o = *options;
	c->from_lock = c->to_lock = c->filling.fd = c->open_fd = -1;
	rc = find_paths(c, e);
	if (rc == 0)
		rc = open_source(c, e);
	if (rc == 0)
		rc = make_folder(c, e);
	if (rc == 0)
		*copy_out = c;
	else
		store_snapshot_free(c);
	return rc;
}

const char *
store_snapshot_id(const struct store_snapshot *c)
{
	return c->id;
}

uint32_t
store_snapshot_schema(const struct store_snapshot *c)
{
	return (uint32_t)c->version;
}

void
store_snapshot_free(struct store_snapshot *c)
{
	if (c == NULL)
		return;
	db_close(&c->made);
	db_close(&c->source);
	if (c->filling.fd >= 0)
		(void)close(c->filling.fd);
	if (c->open_fd >= 0)
		(void)close(c->open_fd);
	buf_done(&c->filling.pending);
	file_unlock(c->to_lock);
	file_unlock(c->from_lock);
	mem_free(c);
}

/* ---- the snapshot ---- */

static int
copy_pages(struct store_snapshot *c, struct error *e)
{
	sqlite3_backup *b = sqlite3_backup_init(c->made.handle, "main", c->source.handle, "main");
	int step = SQLITE_OK;

	if (b == NULL)
		return db_error(&c->made, sqlite3_errcode(c->made.handle), e);
	while (step == SQLITE_OK) {
		uint64_t total, left;

		step = sqlite3_backup_step(b, DATABASE_STEP);
		total = (uint64_t)sqlite3_backup_pagecount(b);
		left = (uint64_t)sqlite3_backup_remaining(b);
		snapshot_progress(c, "database", (total - left) * DATABASE_PAGE, total * DATABASE_PAGE);
	}
	step = sqlite3_backup_finish(b);
	return step == SQLITE_OK ? 0 : db_error(&c->made, step, e);
}

/* In one read transaction, which ends before the bodies: the source's log grows no longer than that. */
static int
copy_database(struct store_snapshot *c, struct error *e)
{
	uint64_t tables;
	int rc = file_remove(c->partial, e);

	if (rc == 0)
		rc = file_write_atomic(c->partial, SLICE_EMPTY, 0600, e);
	if (rc == 0)
		rc = db_open(&c->made, c->partial, DB_COPY, e);
	if (rc == 0)
		rc = db_run(&c->source, "BEGIN", e);
	if (rc == 0)
		rc = db_number(&c->source, "SELECT count(*) FROM sqlite_schema", &tables, e);
	if (rc == 0)
		rc = copy_pages(c, e);
	db_close(&c->source);
	db_close(&c->made);
	/* The copied header says that there is a log; DB_COPY makes it say that there is none. */
	return rc != 0 ? rc : db_open(&c->made, c->partial, DB_COPY, e);
}

/* ---- the earlier copy ---- */

/* Its log goes into it, so that none is left beside the file that will have its name. */
static int
fold_log(struct store_snapshot *c, struct error *e)
{
	struct db db = { 0 };
	int rc = recover_log(c->whole, e);

	if (rc == 0)
		rc = db_open(&db, c->whole, DB_CHECKPOINTER, e);
	if (rc == 0)
		rc = db_run(&db, "PRAGMA journal_mode=DELETE", e);
	db_close(&db);
	return rc;
}

static int
attach(struct db *db, const char *path, struct error *e)
{
	char *sql = sqlite3_mprintf("ATTACH %Q AS earlier", path);
	int rc = sql == NULL ? error_nomem(e) : db_run(db, sql, e);

	sqlite3_free(sql);
	return rc;
}

/* Is it one, and not just a store? */
static int
is_copy(struct store_snapshot *c, bool *out, struct error *e)
{
	uint64_t there = 0;
	int rc = db_number(&c->made,
	    "SELECT (SELECT count(*) FROM earlier.sqlite_schema WHERE name = 'backup_damaged')"
	    " * (SELECT count(*) FROM earlier.meta WHERE key = " SNAPSHOT_LAST_BODY_KEY ")",
	    &there, e);

	*out = rc == 0 && there > 0;
	return rc;
}

/* The schema `earlier`: the copy that is there, or an empty one. */
static int
attach_earlier(struct store_snapshot *c, struct error *e)
{
	bool there = file_exists(c->whole);
	int rc = there ? fold_log(c, e) : 0;

	if (rc == 0 && there)
		rc = attach(&c->made, c->whole, e);
	if (rc == 0 && there)
		rc = is_copy(c, &there, e);
	if (rc == 0 && there)
		return db_number(&c->made,
		    "SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM earlier.meta WHERE key = " SNAPSHOT_LAST_BODY_KEY,
		    &c->last_body, e);
	if (rc == 0 && file_exists(c->whole))
		rc = db_run(&c->made, "DETACH earlier", e);
	if (rc == 0)
		rc = attach(&c->made, ":memory:", e);
	return rc != 0
	    ? rc
	    : db_run(&c->made,
		  "CREATE TABLE earlier.bodies (body INTEGER PRIMARY KEY, segment INTEGER, place INTEGER, length "
		  "INTEGER);"
		  "CREATE TABLE earlier.segments (segment INTEGER PRIMARY KEY, used INTEGER, synced INTEGER);"
		  "CREATE TABLE earlier.backup_damaged (body INTEGER PRIMARY KEY);",
		  e);
}

int
store_snapshot_run(struct store_snapshot *c, struct error *e)
{
	int rc = copy_database(c, e);

	if (rc == 0)
		rc = attach_earlier(c, e);
	/* The source may be a copy itself: which bodies do not pass is found again. */
	if (rc == 0)
		rc = db_run(&c->made,
		    "DROP TABLE IF EXISTS main.backup_damaged; CREATE TABLE main.backup_damaged (body INTEGER PRIMARY "
		    "KEY)",
		    e);
	if (rc == 0 && c->version < 2) /* which has no index of places */
		rc = db_run(&c->made, "CREATE INDEX main.backup_places ON bodies (segment, place)", e);
	return rc != 0 ? rc : snapshot_bodies(c, e);
}

/* ---- finish ---- */

/*
 * The last number that was given out and not only the last that is there: a body that is gone has left its number used.
 * Segments end with the last record that somebody names.
 */
static const char settle[] =
    "BEGIN;"
    "UPDATE main.bodies SET segment = -segment WHERE segment < 0;"
    "DELETE FROM main.segments;"
    "INSERT INTO main.segments (segment, used, synced) SELECT segment, max(" RECORD_END "), max(" RECORD_END ")"
    " FROM main.bodies WHERE segment > 0 GROUP BY segment;"
    "DROP INDEX IF EXISTS main.backup_places;"
    "COMMIT;";

static const char mark[] = "REPLACE INTO main.meta (key, value) SELECT " SNAPSHOT_LAST_BODY_KEY
			   ", CAST(coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = 'bodies'), 0) AS BLOB)";

static const char unmark[] =
    "DELETE FROM main.meta WHERE key = " SNAPSHOT_LAST_BODY_KEY "; DROP TABLE main.backup_damaged";

static int
count_all(struct store_snapshot *c, struct store_snapshot_counts *out, struct error *e)
{
	int rc = db_number(&c->made, "SELECT count(*) FROM main.accounts", &out->accounts, e);

	if (rc == 0)
		rc = db_number(&c->made, "SELECT coalesce(sum(messages), 0) FROM main.mailboxes", &out->messages, e);
	if (rc == 0)
		rc = db_number(&c->made, "SELECT count(*) FROM main.bodies", &out->bodies, e);
	if (rc == 0)
		rc = db_number(&c->made, "SELECT coalesce(sum(length), 0) FROM main.bodies", &out->octets, e);
	out->copied = c->done;
	out->damaged = c->damaged;
	return rc;
}

static int
sync_file(const char *path, struct error *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), rc = 0;

	if (fd < 0 || fsync(fd) != 0)
		rc = error_set_errno(
		    e, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO, errno, "'%s' cannot be synced", path);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/* A log beside a database that it is not of would be played into it. */
static int
remove_log(const char *database, struct error *e)
{
	static const char *const ends[] = { "-wal", "-shm", "-journal" };
	char path[FILE_PATH_MAX + 16];
	int rc = 0;

	for (size_t i = 0; i < sizeof ends / sizeof ends[0] && rc == 0; i++) {
		(void)snprintf(path, sizeof path, "%s%s", database, ends[i]);
		rc = file_remove(path, e);
	}
	return rc;
}

/* The folder may be new itself. */
static int
sync_parent(const char *folder, struct error *e)
{
	char parent[FILE_PATH_MAX];
	int rc = path_join(parent, folder, "..", e);

	return rc != 0 ? rc : dir_sync(parent, e);
}

/* Everything that it names is synced: here the folder's copy becomes this one. */
static int
take_name(struct store_snapshot *c, struct error *e)
{
	int rc = remove_log(c->partial, e);

	if (rc == 0)
		rc = sync_file(c->partial, e);
	if (rc == 0)
		rc = remove_log(c->whole, e);
	if (rc == 0 && rename(c->partial, c->whole) != 0)
		rc = error_set_errno(e, ERR_IO, errno, "'%s' cannot get its name", c->partial);
	if (rc == 0)
		rc = dir_sync(c->o.to, e);
	return rc != 0 ? rc : sync_parent(c->o.to, e);
}

int
store_snapshot_finish(struct store_snapshot *c, struct store_snapshot_counts *out, struct error *e)
{
	int rc = c->o.still == NULL ? 0 : c->o.still(c->o.ctx, e);

	if (rc == 0)
		rc = db_run(&c->made, settle, e);
	if (rc == 0)
		rc = db_run(&c->made, c->is_raised ? unmark : mark, e);
	if (rc == 0)
		rc = count_all(c, out, e);
	db_close(&c->made);
	if (rc == 0)
		rc = take_name(c, e);
	if (rc == 0)
		rc = db_open(&c->made, c->whole, DB_COPY, e);
	if (rc == 0)
		rc = db_run(&c->made, "PRAGMA query_only=ON", e);
	return rc != 0 ? rc : snapshot_prune(c, e);
}
