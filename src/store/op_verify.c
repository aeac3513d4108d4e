/* SPDX-License-Identifier: ISC */
/*
 * Looking at every promise that rows make. Each call is one page in one
 * snapshot, so that it stands in no writer's way and what others change
 * meanwhile is no finding. The checks are statements that answer a sentence
 * for everything that is wrong; octets and files are op_verify_files.c's.
 */
#include "store/op_verify.h"

#include "base/mem.h"

#define MESSAGES_AT_ONCE 50000u
#define DATABASE_AT_ONCE ((uint64_t)64 << 20) /* octets */
#define ACCOUNTS_AT_ONCE 200u
#define CERTIFICATES_AT_ONCE 2000u
#define BODIES_AT_ONCE (1u << 20) /* whose references are counted in one walk over all messages */

static const char restore[] = "stop the server and restore the data folder from a backup";
static const char defect[] = "no mail is missing by this; report it as a defect of Letterlock";
static const char unread[] = "restore store.db and bodies/ from a backup; until then such a message cannot be read";

void
look_found(struct look *l, const char *advice, struct slice text)
{
	struct store_finding *f;

	if (l->findings.count >= STORE_FINDINGS_MAX || (f = rows_add(&l->findings)) == NULL)
		return;
	f->text = slice_sub(text, 0, STORE_FINDING_TEXT_MAX);
	f->advice = slice_str(advice);
}

/* A database that cannot be read is a finding too. */
int
look_failed(struct look *l, int rc, const struct error *why)
{
	if (rc != ERR_INTEGRITY)
		return rc;
	look_found(l, restore, arena_printf(l->rx->arena, "%s", why->text));
	return 0;
}

struct check {
	const char *sql; /* answers sentences */
	const char *advice;
};

/* Each with the parameters ?1 and ?2, or none. */
static int
run_checks(struct look *l, const struct check *checks, size_t count, uint64_t first, uint64_t second, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		struct query q = query_begin(l->rx->db, checks[i].sql);
		struct error why = { 0 };
		int rc;

		if (sqlite3_bind_parameter_count(q.statement) > 0) {
			query_u64(&q, first);
			query_u64(&q, second);
		}
		while ((rc = query_step(&q, &why)) == 1)
			look_found(l, checks[i].advice, query_col_bytes(&q, 0, l->rx->arena));
		if (rc != 0)
			rc = look_failed(l, rc, &why);
		if (rc != 0) {
			*e = why;
			return rc;
		}
	}
	return 0;
}

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* ---- SQLite's own structures: at once in a small database, otherwise a table a page ---- */

static int
integrity_row(void *ctx, int count, char **values, char **names)
{
	struct look *l = ctx;

	(void)names;
	if (count > 0 && values[0] != NULL && !slice_eq_str(slice_str(values[0]), "ok"))
		look_found(l, restore, arena_printf(l->rx->arena, "the database: %s", values[0]));
	return 0;
}

static int
check_integrity(struct look *l, const char *sql, struct error *e)
{
	struct error why = { 0 };
	int rc = sqlite3_exec(l->rx->db->handle, sql, integrity_row, l, NULL);

	if (rc == SQLITE_OK)
		return 0;
	rc = look_failed(l, db_error(l->rx->db, rc, &why), &why);
	if (rc != 0)
		*e = why;
	return rc;
}

int
look_database(struct look *l, struct error *e)
{
	struct query q;
	uint64_t size = 0;
	char *sql;
	int rc =
	    db_number(l->rx->db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", &size, e);

	if (rc == 0 && size <= DATABASE_AT_ONCE)
		return check_integrity(l, "PRAGMA integrity_check", e);
	q = query_begin(l->rx->db,
	    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
	    " LIMIT 1 OFFSET ?1");
	query_u64(&q, l->in->after);
	rc = rc == 0 ? query_step(&q, e) : rc;
	if (rc != 1) {
		query_end(&q);
		return rc;
	}
	sql = sqlite3_mprintf("PRAGMA integrity_check(%Q)", (const char *)sqlite3_column_text(q.statement, 0));
	query_end(&q);
	if (sql == NULL)
		return error_nomem(e);
	rc = check_integrity(l, sql, e);
	sqlite3_free(sql);
	l->out->more = rc == 0;
	l->out->after = l->in->after + 1;
	return rc;
}

/* ---- accounts ---- */

static const struct check account_checks[] = {
	{ "SELECT printf('account %d counts %d messages with %d octets; its mailboxes have %d with %d', a.account,"
	  " a.messages, a.octets, s.n, s.o) FROM accounts a JOIN (SELECT b.account, sum(m.messages) n, sum(m.size) o "
	  "FROM"
	  " accounts b JOIN mailboxes m ON m.account = b.account WHERE b.account BETWEEN ?1 AND ?2 GROUP BY b.account) "
	  "s"
	  " ON s.account = a.account WHERE a.messages != s.n OR a.octets != s.o",
	    defect },
	{ "SELECT printf('account %d has no address', account) FROM accounts a WHERE account BETWEEN ?1 AND ?2"
	  " AND NOT EXISTS (SELECT 1 FROM addresses d WHERE d.account = a.account)",
	    restore },
	{ "SELECT printf('account %d has no INBOX', account) FROM accounts a WHERE account BETWEEN ?1 AND ?2"
	  " AND NOT EXISTS (SELECT 1 FROM mailboxes m WHERE m.account = a.account AND m.name = x'494e424f58')",
	    restore },
	{ "SELECT printf('mailbox %d of account %d has UIDVALIDITY %d, which was not given out yet', m.mailbox, "
	  "m.account,"
	  " m.uidvalidity) FROM accounts a JOIN mailboxes m ON m.account = a.account WHERE a.account BETWEEN ?1 AND ?2"
	  " AND (m.uidvalidity > a.last_uidvalidity OR m.uidvalidity < 1)",
	    defect },
	{ "SELECT printf('%d mailboxes of account %d have the same UIDVALIDITY %d', count(*), m.account, m.uidvalidity)"
	  " FROM accounts a JOIN mailboxes m ON m.account = a.account WHERE a.account BETWEEN ?1 AND ?2"
	  " GROUP BY m.account, m.uidvalidity HAVING count(*) > 1",
	    defect },
};

int
look_accounts(struct look *l, struct error *e)
{
	struct query q = query_begin(l->rx->db,
	    "SELECT max(account), count(*) FROM (SELECT account FROM accounts WHERE account > ?1 ORDER BY account "
	    "LIMIT "
	    "?2)");
	uint64_t last = 0, count = 0;
	int rc;

	query_u64(&q, l->in->after);
	query_u64(&q, ACCOUNTS_AT_ONCE);
	rc = query_step(&q, e);
	if (rc == 1) {
		last = query_col_u64(&q, 0);
		count = query_col_u64(&q, 1);
	}
	query_end(&q);
	if (rc < 0 || count == 0)
		return rc < 0 ? rc : 0;
	l->out->after = last;
	l->out->more = true;
	return run_checks(l, account_checks, COUNT_OF(account_checks), l->in->after + 1, last, e);
}

/* ---- rows that name what is not there: a check a page ---- */

#define WITHOUT_ACCOUNT(table) \
	"SELECT DISTINCT printf('a row of " table " names account %d, which is not there', t.account) FROM " table \
	" t WHERE t.account NOT IN (SELECT account FROM accounts)"
#define WITHOUT_MAILBOX(table) \
	"SELECT DISTINCT printf('a row of " table " names mailbox %d of account %d, which is not there', t.mailbox," \
	" t.account) FROM " table \
	" t WHERE NOT EXISTS (SELECT 1 FROM mailboxes m WHERE m.mailbox = t.mailbox AND m.account = t.account)"
#define GIVEN_AGAIN(table, column) \
	"SELECT printf('" table " has number %d, and %d would be given out next', x.last, x.seq + 1) FROM" \
	" (SELECT (SELECT max(" column ") FROM " table \
	") last, coalesce((SELECT seq FROM sqlite_sequence WHERE name = '" table "'), 0) seq) x WHERE x.last > x.seq"

static const struct check reference_checks[] = {
	{ WITHOUT_ACCOUNT("addresses"), restore },
	{ WITHOUT_ACCOUNT("mailboxes"), restore },
	{ WITHOUT_ACCOUNT("subscriptions"), defect },
	{ WITHOUT_ACCOUNT("credentials"), restore },
	{ WITHOUT_ACCOUNT("scripts"), restore },
	{ WITHOUT_ACCOUNT("threads"), defect },
	{ WITHOUT_MAILBOX("keywords"), restore },
	{ "SELECT printf('alias %s is in a domain that is not there', CAST(shown AS TEXT)) FROM aliases"
	  " WHERE domain NOT IN (SELECT domain FROM domains)",
	    "make the domain with 'letterlockd domain add', or remove the alias" },
	{ "SELECT printf('alias %s is an account''s address too', CAST(shown AS TEXT)) FROM aliases"
	  " WHERE address IN (SELECT address FROM addresses)",
	    "mail goes to the account; remove the alias" },
	{ "SELECT printf('alias %s stands for nothing', CAST(shown AS TEXT)) FROM aliases a"
	  " WHERE NOT EXISTS (SELECT 1 FROM alias_targets t WHERE t.address = a.address)",
	    "remove the alias, or add who gets its mail" },
	{ "SELECT printf('a row of alias_targets names alias %s, which is not there', CAST(address AS TEXT))"
	  " FROM alias_targets WHERE address NOT IN (SELECT address FROM aliases)",
	    restore },
	{ "SELECT printf('alias %s stands for %s, which is nobody''s', CAST(address AS TEXT), CAST(target AS TEXT))"
	  " FROM alias_targets WHERE target NOT IN (SELECT address FROM addresses) AND target NOT IN"
	  " (SELECT address FROM aliases) AND NOT (substr(target, 1, 1) = x'40' AND substr(target, 2) IN"
	  " (SELECT domain FROM domains)) AND (substr(target, 1, 1) = x'40' OR"
	  " substr(target, instr(target, x'40') + 1) IN (SELECT domain FROM domains))",
	    "remove it from the alias with 'letterlockd alias remove'" },
	{ "WITH RECURSIVE reach (start, address, steps) AS (SELECT address, target, 1 FROM alias_targets UNION"
	  " SELECT r.start, t.target, r.steps + 1 FROM reach r JOIN alias_targets t ON t.address = r.address"
	  " WHERE r.steps < 9) SELECT DISTINCT printf('alias %s leads back to itself', CAST(start AS TEXT)) FROM reach"
	  " WHERE address = start ORDER BY 1",
	    "remove one of its targets with 'letterlockd alias remove'" },
	{ "SELECT printf('certificate %s is account %d''s, which is not there', lower(hex(fingerprint)), account)"
	  " FROM certificates WHERE account != 0 AND account NOT IN (SELECT account FROM accounts)",
	    "remove the certificate, or restore the data folder from a backup" },
	{ "SELECT printf('address %s is in a domain that is not there', CAST(shown AS TEXT)) FROM addresses"
	  " WHERE domain NOT IN (SELECT domain FROM domains)",
	    "make the domain with 'letterlockd domain add'" },
	{ "SELECT printf('address %s is kept under another name', CAST(shown AS TEXT)) FROM addresses"
	  " WHERE CAST(lower(CAST(shown AS TEXT)) AS BLOB) != address"
	  " AND CAST(shown AS TEXT) NOT GLOB '*[^' || char(1) || '-~]*'", /* others are kept in another form (address.c) */
	    restore },
	{ GIVEN_AGAIN("accounts", "account"), defect },
	{ GIVEN_AGAIN("mailboxes", "mailbox"), defect },
	{ GIVEN_AGAIN("bodies", "body"), defect },
	{ "SELECT DISTINCT printf('queued message %d names body %d, which is not there', queue, body) FROM queue"
	  " WHERE body NOT IN (SELECT body FROM bodies)",
	    unread },
	{ "SELECT DISTINCT printf('a recipient names queued message %d, which is not there', queue)"
	  " FROM queue_recipients WHERE queue NOT IN (SELECT queue FROM queue)",
	    restore },
	{ "SELECT printf('queued message %d counts %d recipients; there are %d', q.queue, q.recipients, s.n) FROM "
	  "queue q"
	  " JOIN (SELECT q.queue, count(r.queue) n FROM queue q LEFT JOIN queue_recipients r ON r.queue = q.queue"
	  " GROUP BY q.queue) s ON s.queue = q.queue WHERE q.recipients != s.n OR s.n = 0",
	    defect },
	{ "SELECT printf('queued message %d has %d octets, its body %d without the first %d', q.queue, q.size, "
	  "b.length,"
	  " q.skip) FROM queue q JOIN bodies b ON b.body = q.body WHERE q.size != b.length - q.skip + length(q.front)"
	  " OR q.header_size > q.size",
	    restore },
	{ "SELECT printf('a recipient of queued message %d is for %s, which is not among the destinations', queue,"
	  " CAST(domain AS TEXT)) FROM queue_recipients r WHERE NOT EXISTS (SELECT 1 FROM queue_domains d"
	  " WHERE d.domain = r.domain)",
	    "it is never tried; 'letterlockd queue retry' that message" },
	{ "SELECT printf('destination %s counts %d recipients; there are %d', CAST(d.domain AS TEXT), d.recipients, "
	  "s.n)"
	  " FROM queue_domains d JOIN (SELECT d.domain, count(r.queue) n FROM queue_domains d LEFT JOIN "
	  "queue_recipients r"
	  " ON r.domain = d.domain GROUP BY d.domain) s ON s.domain = d.domain WHERE d.recipients != s.n OR s.n = 0",
	    defect },
	{ "SELECT printf('something for %s is due %d seconds before its destination', CAST(d.domain AS TEXT),"
	  " d.due - s.least) FROM queue_domains d JOIN (SELECT domain, min(due) least, max(last_time) last FROM"
	  " queue_recipients GROUP BY domain) s ON s.domain = d.domain WHERE d.until = 0 AND d.due > s.least"
	  " AND d.due > CAST(strftime('%s', 'now') AS INTEGER)",
	    "it waits for too long; 'letterlockd queue retry' that domain" },
	{ "SELECT printf('a recipient of queued message %d has a lease that was not given out yet', queue)"
	  " FROM queue_recipients WHERE lease > (SELECT leases FROM queue_totals)",
	    defect },
	{ "SELECT printf('a recipient of queued message %d is held and the message is not, or the other way round', "
	  "q.queue)"
	  " FROM queue q JOIN queue_recipients r ON r.queue = q.queue WHERE (q.held != 0) != (r.due = "
	  "9223372036854775807)"
	  " AND r.lease = 0",
	    "'letterlockd queue release' that message" },
	{ "SELECT printf('the queue counts %d messages, %d recipients, %d octets; there are %d, %d, %d', t.messages,"
	  " t.recipients, t.octets, n.m, n.r, n.o) FROM queue_totals t, (SELECT (SELECT count(*) FROM queue) m,"
	  " (SELECT count(*) FROM queue_recipients) r, (SELECT coalesce(sum(size), 0) FROM queue) o) n"
	  " WHERE (t.messages, t.recipients, t.octets) != (n.m, n.r, n.o)",
	    defect },
	{ "SELECT printf('the queue has %d rows of sums', count(*)) FROM queue_totals HAVING count(*) != 1", restore },
	{ GIVEN_AGAIN("queue", "queue"), defect },
	{ "SELECT DISTINCT printf('a summary is of body %d, which is not there', body) FROM summaries"
	  " WHERE body NOT IN (SELECT body FROM bodies)",
	    defect },
};

/* What is kept under a key that is not only small letters; and aliases and domains, of which there are few. */
static int
check_keys(struct look *l, struct error *e)
{
	static const struct {
		const char *sql, *what;
	} rows[] = {
		{ "SELECT address, shown FROM addresses WHERE CAST(shown AS TEXT) GLOB '*[^' || char(1) || '-~]*'",
		    "address" },
		{ "SELECT address, shown FROM aliases", "alias" },
		{ "SELECT CAST('@' || CAST(domain AS TEXT) AS BLOB), CAST('@' || CAST(shown AS TEXT) AS BLOB) FROM "
		  "domains",
		    "domain" },
	};
	int rc = 0;

	for (size_t i = 0; i < COUNT_OF(rows) && rc == 0; i++) {
		struct query q = query_begin(l->rx->db, rows[i].sql);

		while ((rc = query_step(&q, e)) == 1) {
			struct arena a ARENA_OWNED = { 0 };
			struct slice kept, shown, key = SLICE_EMPTY;

			arena_init(&a, 1 << 16);
			kept = query_col_bytes(&q, 0, &a);
			shown = query_col_bytes(&q, 1, &a);
			if (address_key(&a, shown, &key, NULL) != 0 || !slice_eq(key, kept))
				look_found(l, restore,
				    arena_printf(l->rx->arena, "%s %.*s is kept under another name", rows[i].what,
					(int)shown.len, (const char *)shown.data));
		}
		query_end(&q);
	}
	return rc < 0 ? rc : 0;
}

int
look_references(struct look *l, struct error *e)
{
	struct error why = { 0 };
	int rc;

	if (l->in->after > COUNT_OF(reference_checks))
		return 0;
	l->out->more = true;
	l->out->after = l->in->after + 1;
	if (l->in->after < COUNT_OF(reference_checks))
		return run_checks(l, &reference_checks[l->in->after], 1, 0, 0, e);
	rc = look_failed(l, check_keys(l, &why), &why);
	if (rc != 0)
		*e = why;
	return rc;
}

/* ---- mailboxes ---- */

#define AND_IN_MAILBOX " m.account = ?1 AND m.mailbox = ?2 AND b.account = ?1 AND b.mailbox = ?2 "
#define FEW " LIMIT 20"

static const struct check mailbox_checks[] = {
	{ "SELECT printf('mailbox %d of account %d counts %d messages (%d unseen, %d deleted, %d octets); there are %d "
	  "(%d,"
	  " %d, %d)', b.mailbox, b.account, b.messages, b.unseen, b.deleted, b.size, s.n, s.u, s.d, s.o) FROM "
	  "mailboxes b,"
	  " (SELECT count(*) n, coalesce(sum((flags & 1) = 0), 0) u, coalesce(sum((flags & 8) != 0), 0) d,"
	  " coalesce(sum(size), 0) o FROM messages WHERE account = ?1 AND mailbox = ?2) s"
	  " WHERE b.account = ?1 AND b.mailbox = ?2 AND (b.messages, b.unseen, b.deleted, b.size) != (s.n, s.u, s.d, "
	  "s.o)",
	    defect },
	{ "SELECT printf('mailbox %d of account %d has UID %d, and UIDNEXT is %d', ?2, ?1, m.uid, b.uidnext)"
	  " FROM messages m, mailboxes b WHERE" AND_IN_MAILBOX "AND m.uid >= b.uidnext" FEW,
	    restore },
	{ "SELECT printf('mailbox %d of account %d had UID %d, and UIDNEXT is %d', ?2, ?1, m.uid, b.uidnext)"
	  " FROM expunged m, mailboxes b WHERE" AND_IN_MAILBOX "AND m.uid >= b.uidnext" FEW,
	    restore },
	{ "SELECT printf('UID %d in mailbox %d of account %d has MODSEQ %d, above the mailbox''s %d', m.uid, ?2, ?1,"
	  " m.modseq, b.modseq) FROM messages m, mailboxes b WHERE" AND_IN_MAILBOX "AND m.modseq > b.modseq" FEW,
	    defect },
	{ "SELECT printf('the expunge of UID %d in mailbox %d of account %d has MODSEQ %d, above the mailbox''s %d', "
	  "m.uid,"
	  " ?2, ?1, m.modseq, b.modseq) FROM expunged m, mailboxes b WHERE" AND_IN_MAILBOX
	  "AND m.modseq > b.modseq" FEW,
	    defect },
	{ "SELECT printf('mailbox %d of account %d has MODSEQ %d twice', ?2, ?1, m.modseq) FROM messages m, expunged b"
	  " WHERE" AND_IN_MAILBOX "AND b.modseq = m.modseq" FEW,
	    defect },
	{ "SELECT printf('UID %d in mailbox %d of account %d was expunged and is there', m.uid, ?2, ?1)"
	  " FROM messages m WHERE m.account = ?1 AND m.mailbox = ?2 AND m.uid IN"
	  " (SELECT uid FROM expunged WHERE account = ?1 AND mailbox = ?2)" FEW,
	    restore },
	{ "SELECT printf('UID %d in mailbox %d of account %d has a keyword without a name', m.uid, ?2, ?1)"
	  " FROM messages m, mailboxes b WHERE" AND_IN_MAILBOX "AND b.keyword_count < 64"
	  " AND m.keywords >> b.keyword_count != 0" FEW,
	    defect },
	{ "SELECT printf('mailbox %d of account %d counts %d keywords; there are %d', b.mailbox, b.account, "
	  "b.keyword_count,"
	  " s.n) FROM mailboxes b, (SELECT count(*) n, coalesce(max(number) + 1, 0) last FROM keywords WHERE account = "
	  "?1"
	  " AND mailbox = ?2) s WHERE b.account = ?1 AND b.mailbox = ?2 AND (b.keyword_count != s.n OR s.n != s.last)",
	    defect },
	{ "SELECT printf('UID %d in mailbox %d of account %d has flags that are not known', m.uid, ?2, ?1)"
	  " FROM messages m WHERE m.account = ?1 AND m.mailbox = ?2 AND (m.flags & ~31) != 0" FEW,
	    defect },
	{ "SELECT printf('UID %d in mailbox %d of account %d names body %d, which is not there', m.uid, ?2, ?1, m.body)"
	  " FROM messages m LEFT JOIN bodies d ON d.body = m.body WHERE m.account = ?1 AND m.mailbox = ?2"
	  " AND d.body IS NULL" FEW,
	    unread },
	{ "SELECT printf('UID %d in mailbox %d of account %d has %d octets (header %d), its body %d', m.uid, ?2, ?1, "
	  "m.size,"
	  " m.header_size, d.length) FROM messages m JOIN bodies d ON d.body = m.body WHERE m.account = ?1"
	  " AND m.mailbox = ?2 AND (m.size != d.length OR m.header_size > m.size)" FEW,
	    restore },
	{ "SELECT printf('mailbox %d of account %d: \\Recent begins at %d, behind UIDNEXT %d', mailbox, account,"
	  " recent_from, uidnext) FROM mailboxes WHERE account = ?1 AND mailbox = ?2 AND recent_from > uidnext",
	    defect },
	{ "SELECT printf('mailbox %d of account %d holds mail and is only a name', b.mailbox, b.account) FROM "
	  "mailboxes b"
	  " WHERE b.account = ?1 AND b.mailbox = ?2 AND b.selectable = 0 AND EXISTS"
	  " (SELECT 1 FROM messages m WHERE m.account = ?1 AND m.mailbox = ?2)",
	    restore },
};

/* The next {account, mailbox} that any row of mail names, whether or not there is such a mailbox. 1: found. */
static int
next_mailbox(struct look *l, uint64_t *account, uint64_t *mailbox, struct error *e)
{
	static const char *const tables[] = {
		"SELECT account, mailbox FROM messages WHERE (account, mailbox) > (?1, ?2) ORDER BY account, mailbox "
		"LIMIT 1",
		"SELECT account, mailbox FROM expunged WHERE (account, mailbox) > (?1, ?2) ORDER BY account, mailbox "
		"LIMIT 1",
		"SELECT account, mailbox FROM mailboxes WHERE (account, mailbox) > (?1, ?2) ORDER BY account, mailbox"
		" LIMIT 1",
	};
	uint64_t best_account = UINT64_MAX, best_mailbox = UINT64_MAX;

	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		struct query q = query_begin(l->rx->db, tables[i]);
		int rc;

		query_u64(&q, *account);
		query_u64(&q, *mailbox);
		rc = query_step(&q, e);
		if (rc == 1) {
			uint64_t a = query_col_u64(&q, 0), m = query_col_u64(&q, 1);

			if (a < best_account || (a == best_account && m < best_mailbox)) {
				best_account = a;
				best_mailbox = m;
			}
		}
		query_end(&q);
		if (rc < 0)
			return rc;
	}
	*account = best_account;
	*mailbox = best_mailbox;
	return best_account != UINT64_MAX;
}

/* *messages_out: what the row counts. */
static int
mailbox_is_there(struct look *l, uint64_t account, uint64_t mailbox, uint64_t *messages_out, struct error *e)
{
	struct query q = query_begin(l->rx->db, "SELECT messages FROM mailboxes WHERE account = ?1 AND mailbox = ?2");
	int rc;

	query_u64(&q, account);
	query_u64(&q, mailbox);
	rc = query_step(&q, e);
	*messages_out = rc == 1 ? query_col_u64(&q, 0) : 0;
	query_end(&q);
	if (rc == 0)
		look_found(l, restore,
		    arena_printf(l->rx->arena, "there is mail of mailbox %llu of account %llu, which is not there",
			(unsigned long long)mailbox, (unsigned long long)account));
	return rc;
}

int
look_mailboxes(struct look *l, struct error *e)
{
	uint64_t account = l->in->after, mailbox = l->in->behind, messages = 0, walked = 0;
	int rc = 1;

	while (rc == 1 && walked < MESSAGES_AT_ONCE) {
		rc = next_mailbox(l, &account, &mailbox, e);
		if (rc != 1)
			return rc;
		l->out->after = account;
		l->out->behind = mailbox;
		rc = mailbox_is_there(l, account, mailbox, &messages, e);
		if (rc == 1)
			rc = run_checks(l, mailbox_checks, COUNT_OF(mailbox_checks), account, mailbox, e);
		rc = rc < 0 ? rc : 1;
		walked += messages + 100;
	}
	l->out->more = rc == 1;
	return rc < 0 ? rc : 0;
}

/* ---- certificates ---- */

#define CERTIFICATES " c.certificate BETWEEN ?1 AND ?2 "

static const struct check certificate_checks[] = {
	{ "SELECT printf('certificate %s is not found by its own fingerprint', lower(hex(c.fingerprint)))"
	  " FROM certificates c WHERE" CERTIFICATES "AND NOT EXISTS (SELECT 1 FROM certificate_keys k"
	  " WHERE k.certificate = c.certificate AND k.position = 0 AND k.fingerprint = c.fingerprint)",
	    "publish the certificate again" },
	{ "SELECT printf('the index names a key of certificate number %d, which is not there', c.certificate)"
	  " FROM certificate_keys c WHERE" CERTIFICATES "AND NOT EXISTS (SELECT 1 FROM certificates x"
	  " WHERE x.certificate = c.certificate)",
	    restore },
	{ "SELECT printf('the index names a user ID of certificate number %d, which is not there', c.certificate)"
	  " FROM certificate_users c WHERE" CERTIFICATES "AND NOT EXISTS (SELECT 1 FROM certificates x"
	  " WHERE x.certificate = c.certificate)",
	    restore },
	{ "SELECT printf('user ID %d of certificate number %d is not found by its own words', c.position, "
	  "c.certificate)"
	  " FROM certificate_users c WHERE" CERTIFICATES
	  "AND (CAST(lower(CAST(c.address AS TEXT)) AS BLOB) != c.address_key"
	  " OR CAST(lower(CAST(c.user_id AS TEXT)) AS BLOB) != c.text_key)",
	    "publish the certificate again" },
	{ "SELECT printf('user ID %d of certificate number %d lies outside of it', c.position, c.certificate)"
	  " FROM certificate_users c, certificates x ON x.certificate = c.certificate WHERE" CERTIFICATES
	  "AND c.place + c.length > length(coalesce(x.held, x.data))",
	    "publish the certificate again" },
	{ "SELECT printf('user ID %d of certificate number %d is %d, neither held nor published', c.position,"
	  " c.certificate, c.state) FROM certificate_users c WHERE" CERTIFICATES "AND c.state NOT IN (1, 2)",
	    "publish the certificate again" },
	{ "SELECT printf('user ID %d of certificate number %d is published and was taken back', c.position,"
	  " c.certificate) FROM certificate_users c, certificates x ON x.certificate = c.certificate"
	  " JOIN directory_tombstones t ON t.fingerprint = x.fingerprint AND t.address_name = c.address_name"
	  " WHERE" CERTIFICATES "AND c.state = 2 AND c.address_name != x''",
	    "unpublish the address again" },
	{ "SELECT printf('user ID %d of certificate number %d is not found by name as it is published', c.position,"
	  " c.certificate) FROM certificate_users c WHERE" CERTIFICATES
	  "AND (c.state = 2) != EXISTS (SELECT 1 FROM certificate_names n WHERE n.rowid = c.certificate * 256 + "
	  "c.position)",
	    "publish the certificate again" },
};

static const struct check directory_checks[] = {
	{ "SELECT printf('the directory counts %d certificates, %d waiting, %d user IDs; there are %d, %d, %d', "
	  "t.certificates,"
	  " t.waiting, t.published, n.c, n.w, n.p) FROM directory_totals t, (SELECT (SELECT count(*) FROM "
	  "certificates) AS c,"
	  " (SELECT count(*) FROM certificates c WHERE NOT EXISTS (SELECT 1 FROM certificate_users u"
	  " WHERE u.certificate = c.certificate AND u.state = 2)) AS w,"
	  " (SELECT count(*) FROM certificate_users WHERE state = 2) AS p) n"
	  " WHERE t.certificates != n.c OR t.waiting != n.w OR t.published != n.p",
	    restore },
	{ "SELECT printf('the directory has %d rows of sums', count(*)) FROM directory_totals HAVING count(*) != 1",
	    restore },
	{ "SELECT printf('a token of the directory has %d octets', length(token)) FROM directory_tokens"
	  " WHERE length(token) != 32",
	    restore },
};

int
look_certificates(struct look *l, struct error *e)
{
	uint64_t last = 0, first = l->in->after + 1, end = l->in->after + CERTIFICATES_AT_ONCE;
	int rc = db_number(l->rx->db,
	    "SELECT max((SELECT coalesce(max(certificate), 0) FROM certificates),"
	    " (SELECT coalesce(max(certificate), 0) FROM certificate_keys),"
	    " (SELECT coalesce(max(certificate), 0) FROM certificate_users))",
	    &last, e);

	if (rc == 0 && l->in->after == 0)
		rc = run_checks(l, directory_checks, COUNT_OF(directory_checks), 0, 0, e);
	if (rc != 0 || first > last)
		return rc;
	l->out->after = end;
	l->out->more = true;
	return run_checks(l, certificate_checks, COUNT_OF(certificate_checks), first, end, e);
}

/* ---- references to bodies ---- */

static int
count_references(struct look *l, const char *sql, uint64_t first, uint64_t end, uint32_t *counts, struct error *e)
{
	struct query q = query_begin(l->rx->db, sql);
	int rc;

	query_u64(&q, first);
	query_u64(&q, end);
	while ((rc = query_step(&q, e)) == 1)
		counts[query_col_u64(&q, 0) - first]++;
	return rc;
}

static int
compare_references(struct look *l, uint64_t first, uint64_t end, const uint32_t *counts, struct error *e)
{
	struct query q =
	    query_begin(l->rx->db, "SELECT body, refs FROM bodies WHERE body >= ?1 AND body < ?2 ORDER BY body");
	int rc;

	query_u64(&q, first);
	query_u64(&q, end);
	while ((rc = query_step(&q, e)) == 1) {
		uint64_t body = query_col_u64(&q, 0), refs = query_col_u64(&q, 1);

		if (refs != counts[body - first])
			look_found(l, refs < counts[body - first] ? restore : defect,
			    arena_printf(l->rx->arena, "body %llu counts %llu references; there are %u",
				(unsigned long long)body, (unsigned long long)refs, counts[body - first]));
	}
	return rc;
}

int
look_bodies(struct look *l, struct error *e)
{
	uint64_t first = 0, end;
	struct query q = query_begin(l->rx->db, "SELECT min(body) FROM bodies WHERE body > ?1");
	uint32_t *counts;
	int rc;

	query_u64(&q, l->in->after);
	rc = query_step(&q, e);
	if (rc == 1)
		first = query_col_u64(&q, 0);
	query_end(&q);
	if (rc < 0 || first == 0)
		return rc < 0 ? rc : 0;
	end = first + BODIES_AT_ONCE;
	counts = mem_alloc(BODIES_AT_ONCE * sizeof *counts);
	if (counts == NULL)
		return error_nomem(e);
	rc = count_references(l, "SELECT body FROM messages WHERE body >= ?1 AND body < ?2", first, end, counts, e);
	if (rc == 0)
		rc =
		    count_references(l, "SELECT body FROM queue WHERE body >= ?1 AND body < ?2", first, end, counts, e);
	if (rc == 0)
		rc = compare_references(l, first, end, counts, e);
	mem_free(counts);
	l->out->after = end - 1;
	l->out->more = rc == 0;
	return rc;
}

/* ---- the operation ---- */

static int (*const parts[STORE_VERIFY_PARTS])(struct look *, struct error *) = {
	[STORE_VERIFY_DATABASE] = look_database,
	[STORE_VERIFY_ACCOUNTS] = look_accounts,
	[STORE_VERIFY_REFERENCES] = look_references,
	[STORE_VERIFY_MAILBOXES] = look_mailboxes,
	[STORE_VERIFY_CERTIFICATES] = look_certificates,
	[STORE_VERIFY_BODIES] = look_bodies,
	[STORE_VERIFY_SEGMENTS] = look_segments,
	[STORE_VERIFY_FILES] = look_files,
	[STORE_VERIFY_OCTETS] = look_octets,
};

OP_READ_FN(verify)
{
	const struct store_verify *in = request;
	struct store_verified *out = reply;
	struct look l = { rx, in, out, { .arena = rx->arena, .size = sizeof(struct store_finding) } };
	struct error why = { 0 };
	int rc;

	if (in->part >= STORE_VERIFY_PARTS || in->after > INT64_MAX || in->behind > INT64_MAX)
		return error_set(e, ERR_SYNTAX, "there is no such part to verify");
	rc = parts[in->part](&l, &why);
	/* The rest of a part that cannot be read is not looked at. */
	if (rc == ERR_INTEGRITY)
		out->more = false;
	rc = look_failed(&l, rc, &why);
	if (rc != 0)
		*e = why;
	out->findings = l.findings.data;
	out->finding_count = l.findings.count;
	return rc;
}
