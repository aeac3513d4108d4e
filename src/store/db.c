/* SPDX-License-Identifier: ISC */
#include "store/db.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "store/address.h"
#include "store/db_log.h"

#define WRITER_WAIT_MS 60000   /* for a checkpoint that restarts the log, or another process's transaction */
#define CHECKPOINT_WAIT_MS 250 /* to restart it: for a transaction to end, and for readers; the writer waits as long */

/* Which of our codes one of SQLite's primary codes is; the others are ERR_INTERNAL. */
static const struct {
	int sqlite;
	int ours;
} codes[] = {
	{ SQLITE_FULL, ERR_FULL },
	{ SQLITE_IOERR, ERR_IO },
	{ SQLITE_CANTOPEN, ERR_IO },
	{ SQLITE_READONLY, ERR_IO },
	{ SQLITE_PERM, ERR_DENIED },
	{ SQLITE_CORRUPT, ERR_INTEGRITY },
	{ SQLITE_NOTADB, ERR_INTEGRITY },
	{ SQLITE_NOMEM, ERR_NOMEM },
	{ SQLITE_TOOBIG, ERR_LIMIT },
	{ SQLITE_CONSTRAINT, ERR_EXISTS },
	{ SQLITE_BUSY, ERR_TIMEOUT },
};

static int
code_of(int sqlite_rc)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (codes[i].sqlite == (sqlite_rc & 0xff))
			return codes[i].ours;
	}
	return ERR_INTERNAL;
}

int
db_error(struct db *db, int sqlite_rc, struct error *e)
{
	int extended = db->handle == NULL ? sqlite_rc : sqlite3_extended_errcode(db->handle);

	if ((extended & 0xff) == (sqlite_rc & 0xff))
		sqlite_rc = extended;
	if (sqlite_rc == SQLITE_IOERR_FSYNC || sqlite_rc == SQLITE_IOERR_DIR_FSYNC)
		db->sync_failed = true;
	return error_set(e, code_of(sqlite_rc), "the database: %s (SQLite code %d)",
	    db->handle == NULL ? sqlite3_errstr(sqlite_rc) : sqlite3_errmsg(db->handle), sqlite_rc);
}

static int
db_configure(struct db *db, enum db_role role, struct error *e)
{
	/* synchronous=FULL: each commit syncs the log. Checkpoints are the checkpointer's only. */
	static const char common[] = "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA wal_autocheckpoint=0;"
				     "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=OFF;"
				     "PRAGMA journal_size_limit=33554432;";
	int rc;

	(void)sqlite3_extended_result_codes(db->handle, 1);
	(void)sqlite3_busy_timeout(db->handle, role == DB_CHECKPOINTER ? CHECKPOINT_WAIT_MS : WRITER_WAIT_MS);
	if (role == DB_COPY)
		return db_run(db,
		    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE; PRAGMA journal_mode=OFF; PRAGMA "
		    "synchronous=OFF;"
		    "PRAGMA cache_size=-65536; PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=OFF; PRAGMA "
		    "secure_delete=OFF;",
		    e);
	if (role == DB_SHARED) {
		rc = db_run(db, "PRAGMA journal_mode=WAL; PRAGMA cache_size=-16384;", e);
		if (rc == 0)
			rc = db_run(db, common, e);
		return rc == 0 ? db_run(db, "PRAGMA wal_autocheckpoint=1000;", e) : rc;
	}
	rc = role == DB_WRITER ? db_run(db, "PRAGMA journal_mode=WAL; PRAGMA cache_size=-32768;", e) : 0;
	if (rc == 0)
		rc = db_run(db, common, e);
	if (rc == 0 && (role == DB_READER || role == DB_LOOKER))
		rc = db_run(db, "PRAGMA query_only=ON; PRAGMA cache_size=-8192;", e);
	return rc;
}

/* For the migration that needs it: SQLite has no SHA-256. */
static void
sql_address_name(sqlite3_context *ctx, int count, sqlite3_value **values)
{
	uint8_t name[STORE_ADDRESS_NAME_SIZE];
	struct slice address;

	(void)count;
	address = slice_of(sqlite3_value_blob(values[0]), (size_t)sqlite3_value_bytes(values[0]));
	if (address.len == 0 || store_address_name(address, name, NULL) != 0)
		sqlite3_result_zeroblob(ctx, 0);
	else
		sqlite3_result_blob(ctx, name, sizeof name, SQLITE_TRANSIENT);
}

int
db_add_functions(struct db *db, struct error *e)
{
	int rc = sqlite3_create_function_v2(db->handle, "letterlock_address_name", 1,
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, sql_address_name, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_error(db, rc, e);
}

/* SQLite's count of its memory is a lock that all threads would share at every allocation. */
static void
configure_once(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)db_log_register(); /* without it no database opens */
}

/* Of SQLite's own URIs: what has a meaning in them. */
static char *
immutable_uri(const char *path)
{
	sqlite3_str *uri = sqlite3_str_new(NULL);

	sqlite3_str_appendall(uri, "file:");
	for (; *path != '\0'; path++) {
		if (*path == '%' || *path == '?' || *path == '#')
			sqlite3_str_appendf(uri, "%%%02X", (unsigned)*path);
		else
			sqlite3_str_appendchar(uri, 1, *path);
	}
	sqlite3_str_appendall(uri, "?immutable=1");
	return sqlite3_str_finish(uri);
}

static bool
has_log(const char *path)
{
	char *log = sqlite3_mprintf("%s-wal", path);
	struct stat st;
	bool has = log != NULL && stat(log, &st) == 0 && st.st_size > 0;

	sqlite3_free(log);
	return has;
}

/* Without locks, journal or log, unless somebody was killed who left one. */
static int
open_to_look(struct db *db, const char *path)
{
	char *uri = has_log(path) ? sqlite3_mprintf("%s", path) : immutable_uri(path);
	int rc = uri == NULL
	    ? SQLITE_NOMEM
	    : sqlite3_open_v2(uri, &db->handle,
		  SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, DB_LOG_VFS);

	sqlite3_free(uri);
	return rc;
}

int
db_open(struct db *db, const char *path, enum db_role role, struct error *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	    (role == DB_WRITER || role == DB_SHARED || role == DB_COPY ? SQLITE_OPEN_CREATE : 0);
	int rc;

	memset(db, 0, sizeof *db);
	(void)pthread_once(&once, configure_once);
	rc = role == DB_LOOKER ? open_to_look(db, path) : sqlite3_open_v2(path, &db->handle, flags, DB_LOG_VFS);
	if (rc != SQLITE_OK)
		rc = db_error(db, rc, e);
	else
		rc = db_configure(db, role, e);
	if (rc != 0)
		db_close(db);
	return rc;
}

void
db_close(struct db *db)
{
	for (size_t i = 0; i < DB_STATEMENTS_MAX; i++)
		(void)sqlite3_finalize(db->cached[i].statement);
	(void)sqlite3_close(db->handle);
	memset(db, 0, sizeof *db);
}

int
db_run(struct db *db, const char *sql, struct error *e)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_error(db, rc, e);
}

int
db_number(struct db *db, const char *sql, uint64_t *out, struct error *e)
{
	struct query q = query_begin(db, sql);
	int rc = query_step(&q, e);

	if (rc < 0)
		return rc;
	*out = rc == 1 ? query_col_u64(&q, 0) : 0;
	query_end(&q);
	return 0;
}

uint64_t
db_changes(struct db *db)
{
	return (uint64_t)sqlite3_changes64(db->handle);
}

uint64_t
db_last_rowid(struct db *db)
{
	return (uint64_t)sqlite3_last_insert_rowid(db->handle);
}

/* Open addressing on the literal's address. */
static size_t
cache_slot(const struct db *db, const char *sql)
{
	size_t at = (size_t)((uintptr_t)sql * 0x9e3779b97f4a7c15ull >> 40) % DB_STATEMENTS_MAX;

	for (size_t i = 0; i < DB_STATEMENTS_MAX; i++) {
		const char *there = db->cached[at].sql;

		if (there == sql || there == NULL)
			return at;
		at = (at + 1) % DB_STATEMENTS_MAX;
	}
	return SIZE_MAX;
}

struct query
query_begin(struct db *db, const char *sql_literal)
{
	struct query q = { .db = db };
	size_t slot = cache_slot(db, sql_literal);

	if (slot == SIZE_MAX) {
		q.rc = SQLITE_TOOBIG;
		return q;
	}
	if (db->cached[slot].statement == NULL) {
		q.rc = sqlite3_prepare_v3(
		    db->handle, sql_literal, -1, SQLITE_PREPARE_PERSISTENT, &db->cached[slot].statement, NULL);
		if (q.rc != SQLITE_OK)
			return q;
		db->cached[slot].sql = sql_literal;
	}
	q.statement = db->cached[slot].statement;
	return q;
}

void
query_u64(struct query *q, uint64_t v)
{
	if (q->rc == SQLITE_OK)
		q->rc = sqlite3_bind_int64(q->statement, ++q->bound, (sqlite3_int64)v);
}

void
query_bytes(struct query *q, struct slice v)
{
	if (q->rc == SQLITE_OK && v.len > INT_MAX)
		q->rc = SQLITE_TOOBIG;
	if (q->rc == SQLITE_OK)
		q->rc = sqlite3_bind_blob(
		    q->statement, ++q->bound, v.len == 0 ? (const void *)"" : v.data, (int)v.len, SQLITE_STATIC);
}

void
query_null(struct query *q)
{
	if (q->rc == SQLITE_OK)
		q->rc = sqlite3_bind_null(q->statement, ++q->bound);
}

int
query_step(struct query *q, struct error *e)
{
	int rc;

	if (q->rc == SQLITE_OK || q->rc == SQLITE_ROW)
		q->rc = sqlite3_step(q->statement);
	if (q->rc == SQLITE_ROW)
		return 1;
	rc = q->rc == SQLITE_DONE ? 0 : db_error(q->db, q->rc, e);
	query_end(q);
	return rc;
}

void
query_end(struct query *q)
{
	if (q->statement != NULL) {
		(void)sqlite3_reset(q->statement);
		(void)sqlite3_clear_bindings(q->statement);
	}
	q->statement = NULL;
}

int
query_run(struct query *q, struct error *e)
{
	int rc;

	do
		rc = query_step(q, e);
	while (rc == 1);
	return rc;
}

int
query_one(struct query *q, const char *what, struct error *e)
{
	int rc = query_step(q, e);

	if (rc == 0)
		return error_set(e, ERR_NOT_FOUND, "no such %s", what);
	return rc < 0 ? rc : 0;
}

bool
query_col_null(struct query *q, int column)
{
	return sqlite3_column_type(q->statement, column) == SQLITE_NULL;
}

uint64_t
query_col_u64(struct query *q, int column)
{
	return (uint64_t)sqlite3_column_int64(q->statement, column);
}

uint32_t
query_col_u32(struct query *q, int column)
{
	return (uint32_t)query_col_u64(q, column);
}

bool
query_col_bool(struct query *q, int column)
{
	return query_col_u64(q, column) != 0;
}

struct slice
query_col_peek(struct query *q, int column)
{
	const void *data = sqlite3_column_blob(q->statement, column);
	int len = sqlite3_column_bytes(q->statement, column);

	return len <= 0 || data == NULL ? SLICE_EMPTY : slice_of(data, (size_t)len);
}

struct slice
query_col_bytes(struct query *q, int column, struct arena *a)
{
	struct slice there = query_col_peek(q, column);

	return there.len == 0 ? SLICE_EMPTY : arena_copy(a, there);
}
