/* SPDX-License-Identifier: ISC */
#include "store/migrate.h"

#include <inttypes.h>
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

/*
 * Schema 2 has the places for what later protocols keep, so that they migrate
 * nothing. Written today are the sums of accounts; the other new tables and
 * columns are empty and only described here.
 *
 * accounts.messages, octets   sums over the account's mailboxes, exact after every operation
 * accounts.*_max              its limits (RFC 9208); NULL: none
 * messages.thread             THREADID (RFC 8474) within the account; 0: not looked for. EMAILID is the body's number
 *                             and MAILBOXID the mailbox's: neither is ever used again
 * bodies_segment              which bodies a segment holds: recovery, compaction and verification walk it
 * summaries                   of a body, made when first asked for (version: by which rules): ENVELOPE, BODYSTRUCTURE,
 *                             PREVIEW (RFC 8970), and the text that is searched. bodies.cache stays beside it
 * threads                     by which Message-IDs a thread is found
 * queue                       a message to be sent on; holds a reference to its body
 * queue_recipients            each with its own next attempt, and the lease of who is trying (holder, until when)
 * queue_log                   what happened to it, for people
 * credentials                 further passwords and tokens of an account, each with a name and its own rights
 * certificate_tombstones      fingerprints that were withdrawn and do not come back by themselves
 * policies, policy_results    policies of other domains (MTA-STS, TLSA) until they expire, and what is reported about
 *                             them (RFC 8460)
 * annotations, rights         METADATA (RFC 5464) and ACL (RFC 4314)
 * scripts                     an account's filters (RFC 5228)
 */
static const char version_2[] =
    "ALTER TABLE accounts ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE accounts ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE accounts ADD COLUMN messages_max INTEGER;"
    "ALTER TABLE accounts ADD COLUMN octets_max INTEGER;"
    "ALTER TABLE messages ADD COLUMN thread INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE summaries (body INTEGER PRIMARY KEY, version INTEGER NOT NULL, envelope BLOB, structure BLOB,"
    " preview BLOB, text BLOB);"
    "CREATE TABLE threads (account INTEGER NOT NULL, message_id BLOB NOT NULL, thread INTEGER NOT NULL,"
    " PRIMARY KEY (account, message_id)) WITHOUT ROWID;"
    "CREATE TABLE queue (queue INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, body INTEGER NOT NULL,"
    " sender BLOB NOT NULL, parameters BLOB NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL);"
    "CREATE INDEX queue_body ON queue (body);"
    "CREATE TABLE queue_recipients (queue INTEGER NOT NULL, position INTEGER NOT NULL, recipient BLOB NOT NULL,"
    " domain BLOB NOT NULL, parameters BLOB NOT NULL, state INTEGER NOT NULL, next_attempt INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, lease_holder BLOB, lease_until INTEGER NOT NULL, last_error BLOB NOT NULL,"
    " PRIMARY KEY (queue, position)) WITHOUT ROWID;"
    "CREATE INDEX queue_recipients_next ON queue_recipients (state, next_attempt);"
    "CREATE INDEX queue_recipients_domain ON queue_recipients (domain, state, next_attempt);"
    "CREATE TABLE queue_log (entry INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL,"
    " position INTEGER NOT NULL, happened INTEGER NOT NULL, text BLOB NOT NULL);"
    "CREATE INDEX queue_log_queue ON queue_log (queue);"
    "CREATE TABLE credentials (credential INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, name BLOB NOT NULL, verifier BLOB NOT NULL, rights INTEGER NOT NULL,"
    " created INTEGER NOT NULL, used INTEGER NOT NULL, expires INTEGER);"
    "CREATE UNIQUE INDEX credentials_account ON credentials (account, name);"
    "CREATE TABLE aliases (address BLOB NOT NULL, position INTEGER NOT NULL, domain BLOB NOT NULL,"
    " target BLOB NOT NULL, PRIMARY KEY (address, position)) WITHOUT ROWID;"
    "CREATE TABLE certificate_tombstones (fingerprint BLOB PRIMARY KEY, account INTEGER NOT NULL,"
    " removed INTEGER NOT NULL, reason BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE policies (kind INTEGER NOT NULL, domain BLOB NOT NULL, version BLOB NOT NULL, value BLOB NOT NULL,"
    " fetched INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (kind, domain)) WITHOUT ROWID;"
    "CREATE TABLE policy_results (day INTEGER NOT NULL, domain BLOB NOT NULL, kind INTEGER NOT NULL,"
    " result BLOB NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (day, domain, kind, result)) WITHOUT ROWID;"
    "CREATE TABLE annotations (account INTEGER NOT NULL, mailbox INTEGER NOT NULL, entry BLOB NOT NULL,"
    " value BLOB NOT NULL, PRIMARY KEY (account, mailbox, entry)) WITHOUT ROWID;"
    "CREATE TABLE rights (account INTEGER NOT NULL, mailbox INTEGER NOT NULL, identifier BLOB NOT NULL,"
    " rights BLOB NOT NULL, PRIMARY KEY (account, mailbox, identifier)) WITHOUT ROWID;"
    "CREATE TABLE scripts (account INTEGER NOT NULL, name BLOB NOT NULL, active INTEGER NOT NULL,"
    " text BLOB NOT NULL, PRIMARY KEY (account, name)) WITHOUT ROWID;";

/*
 * What schema 2 had for aliases nobody wrote to yet.
 *
 * aliases         an address, or "@domain", that stands for others; senders: who may write to it (enum store_senders)
 * alias_targets   what it stands for: keys of addresses, of aliases, or "@domain"
 */
static const char version_3[] =
    "DROP TABLE aliases;"
    "CREATE TABLE aliases (address BLOB PRIMARY KEY, shown BLOB NOT NULL, domain BLOB NOT NULL,"
    " senders INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX aliases_domain ON aliases (domain);"
    "CREATE TABLE alias_targets (address BLOB NOT NULL, target BLOB NOT NULL, PRIMARY KEY (address, target))"
    " WITHOUT ROWID;"
    "CREATE INDEX alias_targets_target ON alias_targets (target);";

/*
 * What is held of the key directory and what of it is served. What schema 2 had for tombstones nobody wrote to yet.
 *
 * certificates.data        what is served: with the published user IDs only
 * certificates.held        all that verified; NULL: what is served is all
 * certificates.revision    one more with each change: who merges says which one he merged into
 * certificate_users.place, length  where in what is held its packet and signatures are; 0 and 0: not known
 * certificate_users.address_name   store_address_name(), in whose order buckets are read; empty without an address
 * certificate_users.certified  until when the domain's CA certifies it, as far as is known: it is looked at again before
 * directory_totals         one row: sums over certificates and published user IDs
 * directory_tokens         SHA-256 of what was sent by mail; used ones stay until they expire, for the pause between mails
 * directory_tombstones     addresses (their names) that were unpublished and do not come back by themselves
 * directory_changes        the first four octets of certificates that changed, by day
 * certificate_names        published user IDs, by three characters anywhere; rowid: certificate * 256 + position
 */
static const char version_4[] =
    "DROP TABLE certificate_tombstones;"
    "ALTER TABLE certificates ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE certificates ADD COLUMN held BLOB;"
    "ALTER TABLE certificate_users ADD COLUMN state INTEGER NOT NULL DEFAULT 2;"
    "ALTER TABLE certificate_users ADD COLUMN how INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE certificate_users ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE certificate_users ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE certificate_users ADD COLUMN length INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE certificate_users ADD COLUMN address_name BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE certificate_users ADD COLUMN certified INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE directory_totals (certificates INTEGER NOT NULL, waiting INTEGER NOT NULL,"
    " published INTEGER NOT NULL);"
    "CREATE TABLE directory_tokens (token BLOB PRIMARY KEY, kind INTEGER NOT NULL, fingerprint BLOB NOT NULL,"
    " address BLOB NOT NULL, address_key BLOB NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " used INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX directory_tokens_address ON directory_tokens (address_key, created);"
    "CREATE INDEX directory_tokens_expires ON directory_tokens (expires);"
    "CREATE TABLE directory_tombstones (fingerprint BLOB NOT NULL, address_name BLOB NOT NULL,"
    " removed INTEGER NOT NULL, PRIMARY KEY (fingerprint, address_name)) WITHOUT ROWID;"
    "CREATE TABLE directory_changes (day INTEGER NOT NULL, prefix BLOB NOT NULL, PRIMARY KEY (day, prefix))"
    " WITHOUT ROWID;"
    "CREATE VIRTUAL TABLE certificate_names USING fts5 (text, tokenize = 'trigram', detail = 'none',"
    " columnsize = 0);";

/*
 * Mail that goes on to others. What schema 2 had for it nobody wrote to yet.
 *
 * queue             a message to be sent on; holds a reference to its body. skip: octets in front of the body that are for
 *                   our own mailboxes alone; front: octets that are sent before the rest. look: when somebody is to look
 *                   whether it has waited for too long (STORE_QUEUE_NEVER: held)
 * queue_recipients  due: when it may be tried next, or when its lease ends: whoever has it may be dead then. class: 0 until
 *                   it was leased for the first time, for new mail goes before old. last_*: what was said last
 * queue_domains     destinations: due is the least of its recipients', and not before until; turn: the lease that last took
 *                   something for it, so that one after the other is served
 * queue_log         what became of each attempt, for people and reports
 * queue_totals      one row: sums over the queue
 * account_hours     what an account sent to others in that hour
 */
static const char version_5[] =
    "DROP TABLE queue;"
    "DROP TABLE queue_recipients;"
    "DROP TABLE queue_log;"
    "CREATE TABLE queue (queue INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, body INTEGER NOT NULL,"
    " skip INTEGER NOT NULL, size INTEGER NOT NULL, header_size INTEGER NOT NULL, front BLOB NOT NULL,"
    " sender BLOB NOT NULL, flags INTEGER NOT NULL, ret INTEGER NOT NULL, envid BLOB NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL, look INTEGER NOT NULL, warned INTEGER NOT NULL,"
    " held INTEGER NOT NULL, recipients INTEGER NOT NULL);"
    "CREATE INDEX queue_body ON queue (body);"
    "CREATE INDEX queue_look ON queue (look, queue);"
    "CREATE INDEX queue_sender ON queue (sender, queue);"
    "CREATE TABLE queue_recipients (queue INTEGER NOT NULL, position INTEGER NOT NULL, recipient BLOB NOT NULL,"
    " domain BLOB NOT NULL, class INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " lease INTEGER NOT NULL, notify INTEGER NOT NULL, orcpt BLOB NOT NULL, last_time INTEGER NOT NULL,"
    " last_status BLOB NOT NULL, last_text BLOB NOT NULL, last_host BLOB NOT NULL, PRIMARY KEY (queue, position))"
    " WITHOUT ROWID;"
    "CREATE INDEX queue_recipients_due ON queue_recipients (domain, class, due, queue);"
    "CREATE INDEX queue_recipients_domain ON queue_recipients (domain, queue);"
    "CREATE INDEX queue_recipients_leased ON queue_recipients (lease) WHERE lease <> 0;"
    "CREATE TABLE queue_domains (domain BLOB PRIMARY KEY, due INTEGER NOT NULL, turn INTEGER NOT NULL,"
    " until INTEGER NOT NULL, failures INTEGER NOT NULL, reason BLOB NOT NULL, recipients INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX queue_domains_due ON queue_domains (due, turn);"
    "CREATE TABLE queue_log (entry INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL,"
    " position INTEGER NOT NULL, happened INTEGER NOT NULL, outcome INTEGER NOT NULL, account INTEGER NOT NULL,"
    " sender BLOB NOT NULL, recipient BLOB NOT NULL, status BLOB NOT NULL, text BLOB NOT NULL, mx_name BLOB NOT NULL,"
    " mx_address BLOB NOT NULL, tls_version BLOB NOT NULL, tls_cipher BLOB NOT NULL, tls_verified INTEGER NOT NULL,"
    " policy INTEGER NOT NULL, policy_source BLOB NOT NULL);"
    "CREATE INDEX queue_log_queue ON queue_log (queue, entry);"
    "CREATE TABLE queue_totals (messages INTEGER NOT NULL, recipients INTEGER NOT NULL, octets INTEGER NOT NULL,"
    " leases INTEGER NOT NULL);"
    "INSERT INTO queue_totals VALUES (0, 0, 0, 0);"
    "CREATE TABLE account_hours (account INTEGER PRIMARY KEY, hour INTEGER NOT NULL, messages INTEGER NOT NULL);";

#define ACCOUNTS_AT_ONCE "1000"
#define CERTIFICATES_AT_ONCE "1000"

/* ?1: behind which certificate. letterlock_address_name() is this program's (db_add_functions). */
static const char name_addresses[] =
    "UPDATE certificate_users SET address_name = letterlock_address_name(address_key) WHERE certificate IN"
    " (SELECT DISTINCT certificate FROM certificate_users WHERE certificate > ?1 ORDER BY certificate"
    " LIMIT " CERTIFICATES_AT_ONCE ") RETURNING certificate";

static const char index_names[] =
    "CREATE INDEX certificate_keys_short ON certificate_keys (key_id & 4294967295);"
    "CREATE INDEX certificate_users_name ON certificate_users (address_name, certificate) WHERE state = 2;"
    "CREATE INDEX certificate_users_certified ON certificate_users"
    " (substr(address_key, instr(address_key, x'40') + 1), certified, certificate) WHERE state = 2;"
    "INSERT INTO certificate_names (rowid, text) SELECT certificate * 256 + position, CAST(text_key AS TEXT)"
    " FROM certificate_users;";

static const char count_directory[] =
    "INSERT INTO directory_totals SELECT (SELECT count(*) FROM certificates), (SELECT count(*) FROM certificates c"
    " WHERE NOT EXISTS (SELECT 1 FROM certificate_users u WHERE u.certificate = c.certificate)),"
    " (SELECT count(*) FROM certificate_users);";

static const char index_bodies[] = "CREATE INDEX bodies_segment ON bodies (segment, place, length);";

/* ?1: behind which account; the answer is the last that was counted. */
static const char count_accounts[] =
    "UPDATE accounts SET (messages, octets) = (SELECT coalesce(sum(m.messages), 0), coalesce(sum(m.size), 0)"
    " FROM mailboxes m WHERE m.account = accounts.account)"
    " WHERE account IN (SELECT account FROM accounts WHERE account > ?1 ORDER BY account LIMIT " ACCOUNTS_AT_ONCE ")"
    " RETURNING account";

/*
 * What brings version n to n + 1: first sql, which takes no time however
 * large the database is; then parts, in pages. The table migration says which
 * page is next and is removed at the end.
 */
static const struct version {
	const char *sql;
	struct part {
		const char *what;
		const char *once;  /* the whole part in one step; or */
		const char *pages; /* one step of it, again and again until it answers no row */
	} parts[4];                /* one more than any has */
} versions[SCHEMA_VERSION] = {
	{ .sql = version_1 },
	{ .sql = version_2,
	    .parts = { { "indexing the places of all bodies", .once = index_bodies },
		{ "counting what accounts hold", .pages = count_accounts } } },
	{ .sql = version_3 },
	{ .sql = version_4,
	    .parts = { { "naming the addresses of the key directory", .pages = name_addresses },
		{ "indexing the key directory", .once = index_names },
		{ "counting the key directory", .once = count_directory } } },
	{ .sql = version_5 },
};

struct migration {
	struct db *db;
	schema_say_fn *say;
	void *ctx;
};

static void
say(const struct migration *m, const char *what, uint64_t behind)
{
	char line[200];

	if (m->say == NULL)
		return;
	(void)snprintf(line, sizeof line, "schema %u: %s", SCHEMA_VERSION, what);
	if (behind > 0)
		(void)snprintf(
		    line, sizeof line, "schema %u: %s, behind number %" PRIu64, SCHEMA_VERSION, what, behind);
	m->say(m->ctx, line);
}

/* Ends the transaction that begins with the first of them: as a whole, or not at all. */
static int
commit_or_not(struct db *db, int rc, struct error *e)
{
	if (rc == 0)
		rc = db_run(db, "COMMIT", e);
	if (rc != 0)
		(void)db_run(db, "ROLLBACK", NULL);
	return rc;
}

static int
begin_version(const struct migration *m, uint32_t from, struct error *e)
{
	char more[200];
	int rc = db_run(m->db, "BEGIN IMMEDIATE", e);

	if (rc != 0)
		return rc;
	/* The version is the new one from here on: an older program must not write beside a half-done migration. */
	(void)snprintf(more, sizeof more,
	    "PRAGMA user_version=%u; CREATE TABLE migration (part INTEGER NOT NULL, behind INTEGER NOT NULL);"
	    "INSERT INTO migration VALUES (0, 0);",
	    from + 1);
	rc = db_run(m->db, versions[from].sql, e);
	if (rc == 0)
		rc = db_run(m->db, more, e);
	return commit_or_not(m->db, rc, e);
}

static int
run_page(struct db *db, const char *sql, uint64_t *behind, bool *more, struct error *e)
{
	struct query q = query_begin(db, sql);
	int rc;

	*more = false;
	query_u64(&q, *behind);
	while ((rc = query_step(&q, e)) == 1) {
		uint64_t one = query_col_u64(&q, 0);

		*behind = one > *behind ? one : *behind;
		*more = true;
	}
	return rc;
}

static int
note_step(struct db *db, uint64_t part, uint64_t behind, struct error *e)
{
	struct query q = query_begin(db, "UPDATE migration SET part = ?1, behind = ?2");

	query_u64(&q, part);
	query_u64(&q, behind);
	return query_run(&q, e);
}

/* One step of a part, and what is next, in one transaction. */
static int
run_step(const struct migration *m, const struct part *part, uint64_t *number, uint64_t *behind, struct error *e)
{
	bool more = false;
	int rc;

	say(m, part->what, *behind);
	rc = db_run(m->db, "BEGIN IMMEDIATE", e);
	if (rc != 0)
		return rc;
	rc = part->once != NULL ? db_run(m->db, part->once, e) : run_page(m->db, part->pages, behind, &more, e);
	if (!more) {
		(*number)++;
		*behind = 0;
	}
	if (rc == 0)
		rc = note_step(m->db, *number, *behind, e);
	return commit_or_not(m->db, rc, e);
}

int
schema_is_begun(struct db *db, uint64_t *begun_out, struct error *e)
{
	return db_number(
	    db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migration'", begun_out, e);
}

/* The parts of a version that was begun; none when it is finished. */
static int
finish_version(const struct migration *m, uint32_t version, bool *any, struct error *e)
{
	const struct part *parts = versions[version - 1].parts;
	size_t count = sizeof versions[0].parts / sizeof versions[0].parts[0];
	uint64_t open, number = 0, behind = 0;
	int rc = schema_is_begun(m->db, &open, e);

	*any = open != 0;
	if (rc != 0 || open == 0)
		return rc;
	rc = db_number(m->db, "SELECT part FROM migration", &number, e);
	if (rc == 0)
		rc = db_number(m->db, "SELECT behind FROM migration", &behind, e);
	while (rc == 0 && number < count && parts[number].what != NULL)
		rc = run_step(m, &parts[number], &number, &behind, e);
	return rc == 0 ? db_run(m->db, "DROP TABLE migration", e) : rc;
}

int
schema_check(struct db *db, uint64_t *version_out, struct error *e)
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
	*version_out = version;
	return 0;
}

int
schema_migrate(struct db *db, schema_say_fn *say_fn, void *ctx, bool *migrated_out, struct error *e)
{
	struct migration m = { db, NULL, ctx };
	uint64_t version = 0;
	bool any = false;
	int rc = schema_check(db, &version, e);

	/* About a new folder there is nothing to say. */
	if (rc == 0 && version > 0)
		m.say = say_fn;
	if (rc == 0)
		rc = db_add_functions(db, e);
	*migrated_out = rc == 0 && version > 0 && version < SCHEMA_VERSION;
	if (rc == 0 && version > 0)
		rc = finish_version(&m, (uint32_t)version, &any, e);
	*migrated_out = *migrated_out || any;
	for (uint32_t v = (uint32_t)version; v < SCHEMA_VERSION && rc == 0; v++) {
		rc = begin_version(&m, v, e);
		if (rc == 0)
			rc = finish_version(&m, v + 1, &any, e);
	}
	return rc;
}
