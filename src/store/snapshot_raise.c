/* SPDX-License-Identifier: ISC */
/*
 * Numbers of a store that comes back from a copy. Since the copy was made the
 * store may have given out UIDs, mod-sequences, UIDVALIDITY and the numbers of
 * mailboxes and bodies; clients remember them, and must never meet something
 * else behind them.
 *
 * A mailbox keeps its UIDVALIDITY only when the folder that is replaced shows
 * that nothing was given out in it: the same store, account, number, name,
 * UIDVALIDITY, UIDNEXT and mod-sequence. Every other gets one above all that
 * either folder ever had, and not below the clock, as new mailboxes do; where
 * the replaced folder cannot be read the clock is what is left to go by.
 *
 * Numbers of accounts, mailboxes and what else is counted go on a million
 * behind the highest of both. Those of bodies begin anew at a place that is
 * made of the time and chance: a later backup into a folder that has bodies of
 * the time between knows them by their numbers.
 */
#include <stdio.h>

#include "crypto/random.h"
#include "os/clock.h"
#include "store/snapshot_internal.h"
#include "store/internal.h"
#include "store/migrate.h"

#define BODY_CLOCK_BITS 24u

static const char tables[] =
    "CREATE TEMP TABLE old_accounts (account INTEGER PRIMARY KEY, last_uidvalidity INTEGER);"
    "CREATE TEMP TABLE old_mailboxes (mailbox INTEGER PRIMARY KEY, account INTEGER, name BLOB, uidvalidity INTEGER,"
    " uidnext INTEGER, modseq INTEGER);"
    "CREATE TEMP TABLE old_sequence (name TEXT PRIMARY KEY, seq INTEGER);";

static const struct {
	const char *read; /* in the replaced folder */
	const char *put;
	int columns;
} takings[] = {
	{ "SELECT account, last_uidvalidity FROM accounts", "INSERT INTO temp.old_accounts VALUES (?1, ?2)", 2 },
	{ "SELECT mailbox, account, name, uidvalidity, uidnext, modseq FROM mailboxes",
	    "INSERT INTO temp.old_mailboxes VALUES (?1, ?2, ?3, ?4, ?5, ?6)", 6 },
	{ "SELECT name, seq FROM sqlite_sequence", "INSERT INTO temp.old_sequence VALUES (?1, ?2)", 2 },
};

/* ---- what the replaced folder says ---- */

static int
take_row(struct query *from, struct db *to, const char *put, int columns, struct error *e)
{
	struct query q = query_begin(to, put);

	for (int i = 0; i < columns && q.rc == SQLITE_OK; i++)
		q.rc = sqlite3_bind_value(q.statement, i + 1, sqlite3_column_value(from->statement, i));
	return query_run(&q, e);
}

/* *read_out: what reading said; the result is of writing. */
static int
take_all(struct db *from, struct db *to, int *read_out, struct error *e)
{
	*read_out = 0;
	for (size_t i = 0; i < sizeof takings / sizeof takings[0] && *read_out == 0; i++) {
		struct query q = query_begin(from, takings[i].read);

		while ((*read_out = query_step(&q, NULL)) == 1) {
			int rc = take_row(&q, to, takings[i].put, takings[i].columns, e);

			if (rc != 0) {
				query_end(&q);
				return rc;
			}
		}
	}
	return 0;
}

static int
is_same_store(struct db *old, const char *id, bool *out)
{
	struct query q = query_begin(old, "SELECT lower(hex(value)) FROM meta WHERE key = " STORE_IDENTITY_KEY);
	int rc = query_step(&q, NULL);

	*out =
	    rc == 1 && id[0] != '\0' && slice_eq_str(slice_str((const char *)sqlite3_column_text(q.statement, 0)), id);
	query_end(&q);
	return rc < 0 ? rc : 0;
}

/* What can be read of it is not gone below; only when all of it can, it may show that nothing was given out. */
static int
look_at_replaced(struct store_snapshot *c, const char *replaced, bool *compared_out, struct error *e)
{
	char path[FILE_PATH_MAX];
	struct db old = { 0 };
	uint64_t version;
	bool same = false;
	int rc = db_run(&c->made, tables, e), read;

	*compared_out = false;
	if (rc != 0 || replaced == NULL || path_join(path, replaced, "store.db", NULL) != 0 || !file_exists(path))
		return rc;
	read = db_open(&old, path, DB_READER, NULL);
	if (read == 0) {
		(void)sqlite3_db_config(old.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		read = schema_check(&old, &version, NULL);
	}
	if (read == 0)
		read = is_same_store(&old, c->id, &same);
	if (read == 0)
		rc = take_all(&old, &c->made, &read, e);
	db_close(&old);
	if (rc == 0 && !same) /* whose numbers mean other mailboxes */
		rc = db_run(&c->made, "DELETE FROM temp.old_mailboxes", e);
	*compared_out = rc == 0 && read == 0 && same;
	return rc;
}

/* ---- raising ---- */

/* ?1: whether the replaced folder has the same store. */
static const char choose[] =
    "CREATE TEMP TABLE raised AS SELECT m.mailbox, m.account, row_number() OVER (PARTITION BY m.account ORDER BY "
    "m.mailbox)"
    " number FROM main.mailboxes m WHERE NOT ?1 OR NOT EXISTS (SELECT 1 FROM temp.old_mailboxes o WHERE o.mailbox ="
    " m.mailbox AND o.account = m.account AND o.name = m.name AND o.uidvalidity = m.uidvalidity AND o.uidnext ="
    " m.uidnext AND o.modseq = m.modseq)";

/* ?1: the clock. */
static const char base[] =
    "CREATE TEMP TABLE bases AS SELECT account, max(last_uidvalidity, ?1 - 1, coalesce((SELECT max(last_uidvalidity)"
    " FROM temp.old_accounts), 0)) base FROM main.accounts";

static const char raise[] =
    "CREATE UNIQUE INDEX temp.raised_mailbox ON raised (mailbox);"
    "CREATE INDEX temp.raised_account ON raised (account);"
    "CREATE UNIQUE INDEX temp.bases_account ON bases (account);"
    "UPDATE main.mailboxes SET uidvalidity = (SELECT b.base + r.number FROM temp.raised r JOIN temp.bases b"
    " ON b.account = r.account WHERE r.mailbox = mailboxes.mailbox),"
    " uidnext = max(uidnext, coalesce((SELECT o.uidnext FROM temp.old_mailboxes o WHERE o.mailbox = "
    "mailboxes.mailbox), 0)),"
    " modseq = 1 + max(modseq, coalesce((SELECT o.modseq FROM temp.old_mailboxes o WHERE o.mailbox = "
    "mailboxes.mailbox), 0))"
    " WHERE mailbox IN (SELECT mailbox FROM temp.raised);"
    "UPDATE main.accounts SET last_uidvalidity = (SELECT b.base FROM temp.bases b WHERE b.account = accounts.account)"
    " + (SELECT count(*) FROM temp.raised r WHERE r.account = accounts.account);"
    "INSERT INTO main.sqlite_sequence (name, seq) SELECT s.name, 0 FROM main.sqlite_schema s WHERE s.sql LIKE"
    " '%AUTOINCREMENT%' AND s.name NOT IN (SELECT name FROM main.sqlite_sequence);"
    "UPDATE main.sqlite_sequence SET seq = 1000000 + max(seq, coalesce((SELECT o.seq FROM temp.old_sequence o"
    " WHERE o.name = sqlite_sequence.name), 0));";

static int
create(struct db *db, const char *sql_literal, uint64_t value, struct error *e)
{
	struct query q = query_begin(db, sql_literal);

	query_u64(&q, value);
	return query_run(&q, e);
}

static int
move_bodies(struct store_snapshot *c, uint64_t now, struct error *e)
{
	struct query q;
	uint32_t chance = 0;
	int rc = random_bytes(&chance, sizeof chance, e);

	if (rc != 0)
		return rc;
	q = query_begin(&c->made, "UPDATE main.sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'bodies'");
	query_u64(&q, now << BODY_CLOCK_BITS | (chance & ((1u << (BODY_CLOCK_BITS - 4)) - 1)));
	return query_run(&q, e);
}

static int
check_room(struct store_snapshot *c, struct error *e)
{
	uint64_t last = 0;
	int rc = db_number(&c->made, "SELECT max(last_uidvalidity) FROM main.accounts", &last, e);

	if (rc == 0 && last > UINT32_MAX)
		return error_set(e, ERR_LIMIT, "an account has used up its UIDVALIDITY numbers; is the clock right?");
	return rc;
}

/* The clock must fit where UIDVALIDITY does. */
static uint64_t
clock_32(void)
{
	return clock_unix() & 0x7fffffff;
}

int
store_snapshot_raise(struct store_snapshot *c, const char *replaced, struct store_snapshot_raised *out, struct error *e)
{
	uint64_t now = clock_32();
	int rc = look_at_replaced(c, replaced, &out->compared, e);

	if (rc == 0)
		rc = create(&c->made, choose, out->compared, e);
	if (rc == 0)
		rc = create(&c->made, base, now, e);
	if (rc == 0)
		rc = db_run(&c->made, raise, e);
	if (rc == 0)
		rc = move_bodies(c, now, e);
	if (rc == 0)
		rc = check_room(c, e);
	if (rc == 0)
		rc = db_number(&c->made, "SELECT count(*) FROM main.mailboxes", &out->mailboxes, e);
	if (rc == 0)
		rc = db_number(&c->made, "SELECT count(*) FROM temp.raised", &out->raised, e);
	c->is_raised = rc == 0;
	return rc;
}
