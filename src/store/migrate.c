/* SPDX-License-Identifier: ISC */
#include "store/migrate.h"

#include <stdio.h>

/*
 * Everything about mail has its account first in the key, so that it can be
 * spread over machines. AUTOINCREMENT: a number is never used twice, so that
 * a session that still holds one never meets something else behind it.
 * modseq is different for each message of a mailbox: "changed since" is a
 * walk of one index, and can be told in pages.
 */
static const char version_1[] =
    "CREATE TABLE domains (domain BLOB PRIMARY KEY, shown BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE accounts (account INTEGER PRIMARY KEY AUTOINCREMENT, verifier BLOB NOT NULL,"
    " created INTEGER NOT NULL, last_uidvalidity INTEGER NOT NULL);"
    "CREATE TABLE addresses (address BLOB PRIMARY KEY, shown BLOB NOT NULL, domain BLOB NOT NULL,"
    " account INTEGER NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX addresses_account ON addresses (account, position);"
    "CREATE INDEX addresses_domain ON addresses (domain);"
    "CREATE TABLE mailboxes (mailbox INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, name BLOB NOT NULL,"
    " selectable INTEGER NOT NULL, special_use INTEGER NOT NULL, uidvalidity INTEGER NOT NULL,"
    " uidnext INTEGER NOT NULL DEFAULT 1, modseq INTEGER NOT NULL DEFAULT 1, messages INTEGER NOT NULL DEFAULT 0,"
    " unseen INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0,"
    " recent_from INTEGER NOT NULL DEFAULT 1, keyword_count INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX mailboxes_name ON mailboxes (account, name);"
    "CREATE TABLE keywords (account INTEGER NOT NULL, mailbox INTEGER NOT NULL, number INTEGER NOT NULL,"
    " name BLOB NOT NULL, PRIMARY KEY (account, mailbox, number)) WITHOUT ROWID;"
    "CREATE TABLE subscriptions (account INTEGER NOT NULL, name BLOB NOT NULL, PRIMARY KEY (account, name))"
    " WITHOUT ROWID;"
    "CREATE TABLE messages (account INTEGER NOT NULL, mailbox INTEGER NOT NULL, uid INTEGER NOT NULL,"
    " modseq INTEGER NOT NULL, flags INTEGER NOT NULL, keywords INTEGER NOT NULL, size INTEGER NOT NULL,"
    " header_size INTEGER NOT NULL, internal_date INTEGER NOT NULL, save_date INTEGER NOT NULL,"
    " body INTEGER NOT NULL, PRIMARY KEY (account, mailbox, uid)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX messages_modseq ON messages (account, mailbox, modseq);"
    "CREATE TABLE expunged (account INTEGER NOT NULL, mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL,"
    " uid INTEGER NOT NULL, PRIMARY KEY (account, mailbox, modseq)) WITHOUT ROWID;"
    "CREATE TABLE bodies (body INTEGER PRIMARY KEY AUTOINCREMENT, segment INTEGER NOT NULL, place INTEGER NOT NULL,"
    " length INTEGER NOT NULL, refs INTEGER NOT NULL, envelope BLOB NOT NULL, cache BLOB NOT NULL);"
    "CREATE TABLE segments (segment INTEGER PRIMARY KEY, used INTEGER NOT NULL, synced INTEGER NOT NULL);"
    "CREATE TABLE certificates (certificate INTEGER PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE,"
    " version INTEGER NOT NULL, account INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,"
    " data BLOB NOT NULL);"
    "CREATE INDEX certificates_account ON certificates (account);"
    "CREATE TABLE certificate_keys (certificate INTEGER NOT NULL, position INTEGER NOT NULL,"
    " fingerprint BLOB NOT NULL, key_id INTEGER NOT NULL, PRIMARY KEY (certificate, position)) WITHOUT ROWID;"
    "CREATE INDEX certificate_keys_fingerprint ON certificate_keys (fingerprint);"
    "CREATE INDEX certificate_keys_key_id ON certificate_keys (key_id);"
    "CREATE TABLE certificate_users (certificate INTEGER NOT NULL, position INTEGER NOT NULL,"
    " user_id BLOB NOT NULL, address BLOB NOT NULL, address_key BLOB NOT NULL, text_key BLOB NOT NULL,"
    " PRIMARY KEY (certificate, position)) WITHOUT ROWID;"
    "CREATE INDEX certificate_users_address ON certificate_users (address_key);"
    "CREATE TABLE meta (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id=1282174827;";

/* What brings version n to n + 1. */
static const char *const steps[SCHEMA_VERSION] = { version_1 };

static int
step(struct db *db, uint32_t from, struct error *e)
{
	char set_version[64];
	int rc = db_run(db, "BEGIN IMMEDIATE", e);

	if (rc != 0)
		return rc;
	(void)snprintf(set_version, sizeof set_version, "PRAGMA user_version=%u", from + 1);
	rc = db_run(db, steps[from], e);
	if (rc == 0)
		rc = db_run(db, set_version, e);
	if (rc == 0)
		rc = db_run(db, "COMMIT", e);
	if (rc != 0)
		(void)db_run(db, "ROLLBACK", NULL);
	return rc;
}

int
schema_migrate(struct db *db, uint32_t *from_out, struct error *e)
{
	uint64_t version, application, tables;
	int rc = db_number(db, "PRAGMA user_version", &version, e);

	if (rc == 0)
		rc = db_number(db, "PRAGMA application_id", &application, e);
	if (rc == 0)
		rc = db_number(db, "SELECT count(*) FROM sqlite_schema", &tables, e);
	if (rc != 0)
		return rc;
	if (tables > 0 && application != SCHEMA_APPLICATION)
		return error_set(
		    e, ERR_INTEGRITY, "the database is not one of Letterlock's; choose another data folder");
	if (version > SCHEMA_VERSION)
		return error_set(e, ERR_UNSUPPORTED,
		    "the data folder was written by a newer Letterlock (schema %u, this program knows up to %u); "
		    "install the newer program",
		    (uint32_t)version, SCHEMA_VERSION);
	*from_out = (uint32_t)version;
	for (uint32_t v = (uint32_t)version; v < SCHEMA_VERSION && rc == 0; v++)
		rc = step(db, v, e);
	return rc;
}
