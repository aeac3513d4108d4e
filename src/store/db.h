/* SPDX-License-Identifier: ISC */
/*
 * SQLite, as the store uses it: a connection of one thread at a time with its
 * prepared statements kept, and queries that are written as
 *
 *   struct query q = query_begin(db, "SELECT a, b FROM t WHERE c = ?1");
 *   query_u64(&q, c);
 *   while ((rc = query_step(&q, e)) == 1)
 *           ... query_col_u64(&q, 0) ...
 *   query_end(&q);
 *
 * Errors are sticky until query_step() tells. Byte strings are BLOBs, so they
 * compare octet by octet. Statement texts are string literals: the pointer is
 * the key under which a prepared one is found again.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#define DB_STATEMENTS_MAX 256u /* a power of two, more than there are statement texts */

struct db {
	sqlite3 *handle;
	bool sync_failed; /* an fsync failed on this connection: nothing it says is to be believed any more */
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} cached[DB_STATEMENTS_MAX];
};

/* In the table meta: which store this is, for ever; a restored one stays the same. */
#define STORE_IDENTITY_KEY "CAST('store.id' AS BLOB)"
#define STORE_IDENTITY_SIZE 16u

enum db_role {
	DB_WRITER, /* makes the file when it is not there; waits for no one */
	DB_READER,
	DB_LOOKER, /* of a file that nobody writes: not an octet changes, also where nothing could be written */
	DB_CHECKPOINTER,
	DB_SHARED, /* of several processes that come and go, each of which may write: makes the file, checkpoints by itself */
	DB_COPY, /* a file in the making: without a log or sync, worthless until it is whole and synced */
};

int db_open(struct db *db, const char *path, enum db_role role, struct error *e);
void db_close(struct db *db);

/* What migrations call: letterlock_address_name(X), store_address_name() of it. */
int db_add_functions(struct db *db, struct error *e);

/* One or more statements without parameters; rows are thrown away. */
int db_run(struct db *db, const char *sql, struct error *e);
/* The first column of the first row of a statement without parameters; 0 when there is none. */
int db_number(struct db *db, const char *sql, uint64_t *out, struct error *e);
/* What the connection's last call failed with, as our error. */
int db_error(struct db *db, int sqlite_rc, struct error *e);
uint64_t db_changes(struct db *db);
uint64_t db_last_rowid(struct db *db);

struct query {
	struct db *db;
	sqlite3_stmt *statement;
	int bound;
	int rc; /* SQLite's, sticky */
};

struct query query_begin(struct db *db, const char *sql_literal);
/* Bind the next parameter. Slices must live until query_end(). */
void query_u64(struct query *q, uint64_t v);
void query_bytes(struct query *q, struct slice v);
void query_null(struct query *q);
/* 1 a row, 0 no more, or negative; after 0 and negative the query is ended. */
int query_step(struct query *q, struct error *e);
void query_end(struct query *q);
/* Steps to the end, throws rows away, ends. */
int query_run(struct query *q, struct error *e);
/* The first row must be there (ERR_NOT_FOUND, "no such WHAT"); stays open for the columns: query_end() it. */
int query_one(struct query *q, const char *what, struct error *e);

bool query_col_null(struct query *q, int column);
uint64_t query_col_u64(struct query *q, int column);
uint32_t query_col_u32(struct query *q, int column);
bool query_col_bool(struct query *q, int column);
/* What SQLite holds: good until the next step. */
struct slice query_col_peek(struct query *q, int column);
/* A copy in a; empty when a is out of memory (its err tells). */
struct slice query_col_bytes(struct query *q, int column, struct arena *a);

#endif
