/* SPDX-License-Identifier: ISC */
/*
 * Mailboxes and subscriptions (RFC 3501 6.3.3 to 6.3.9).
 *
 * UIDVALIDITY is taken from one counter of the account that is at least the
 * time of day: no two mailboxes of an account ever have the same, so a name
 * that comes back never repeats an old {name, UIDVALIDITY, UID}. Every name
 * that has inferiors has a row, if only a \Noselect one.
 */
#include "store/op_mailbox.h"

#define MAILBOX_COLUMNS \
	"m.mailbox, m.name, m.selectable," \
	" EXISTS (SELECT 1 FROM subscriptions s WHERE s.account = m.account AND s.name = m.name)," \
	" EXISTS (SELECT 1 FROM mailboxes c WHERE c.account = m.account AND c.name > CAST(m.name || '/' AS BLOB)" \
	" AND c.name < CAST(m.name || '0' AS BLOB))," \
	" m.special_use, m.uidvalidity, m.uidnext, m.messages, m.unseen, m.deleted," \
	" CASE WHEN m.recent_from >= m.uidnext THEN 0 WHEN m.recent_from <= 1 THEN m.messages" \
	" ELSE (SELECT count(*) FROM messages r WHERE r.account = m.account AND r.mailbox = m.mailbox" \
	" AND r.uid >= m.recent_from) END, m.size, m.modseq"

static void
mailbox_from_row(struct query *q, struct arena *a, struct store_mailbox *out)
{
	out->mailbox = query_col_u64(q, 0);
	out->name = query_col_bytes(q, 1, a);
	out->selectable = query_col_bool(q, 2);
	out->subscribed = query_col_bool(q, 3);
	out->has_children = query_col_bool(q, 4);
	out->special_use = query_col_u32(q, 5);
	out->uidvalidity = query_col_u32(q, 6);
	out->uidnext = query_col_u32(q, 7);
	out->messages = query_col_u32(q, 8);
	out->unseen = query_col_u32(q, 9);
	out->deleted = query_col_u32(q, 10);
	out->recent = query_col_u32(q, 11);
	out->size = query_col_u64(q, 12);
	out->highest_modseq = query_col_u64(q, 13);
}

/* ---- reading ---- */

OP_READ_FN(mailbox_list)
{
	const struct store_mailbox_list *in = request;
	struct store_mailbox_rows *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_mailbox) };
	size_t limit = page_limit(in->limit, 4096);
	struct query q = query_begin(rx->db,
	    "SELECT " MAILBOX_COLUMNS
	    " FROM mailboxes m WHERE m.account = ?1 AND m.name > ?2 ORDER BY m.name LIMIT ?3");
	int rc;

	query_u64(&q, in->account);
	query_bytes(&q, in->after);
	query_u64(&q, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && rows.count < limit) {
		struct store_mailbox *row = rows_add(&rows);

		if (row == NULL)
			break;
		mailbox_from_row(&q, rx->arena, row);
	}
	query_end(&q);
	out->more = rc == 1;
	out->rows = rows.data;
	out->row_count = rows.count;
	return rc < 0 ? rc : 0;
}

static int
mailbox_keywords(struct rx *rx, uint64_t account, struct store_mailbox_state *out, struct error *e)
{
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_keyword) };
	struct query q = query_begin(
	    rx->db, "SELECT name FROM keywords WHERE account = ?1 AND mailbox = ?2 ORDER BY number LIMIT 64");
	struct store_keyword *keyword;
	int rc;

	query_u64(&q, account);
	query_u64(&q, out->mailbox.mailbox);
	while ((rc = query_step(&q, e)) == 1 && (keyword = rows_add(&rows)) != NULL)
		keyword->name = query_col_bytes(&q, 0, rx->arena);
	query_end(&q);
	out->keywords = rows.data;
	out->keyword_count = rows.count;
	return rc < 0 ? rc : 0;
}

OP_READ_FN(mailbox_get)
{
	const struct store_mailbox_get *in = request;
	struct store_mailbox_state *out = reply;
	struct query q;
	int rc;

	if (in->mailbox != 0) {
		q = query_begin(
		    rx->db, "SELECT " MAILBOX_COLUMNS " FROM mailboxes m WHERE m.account = ?1 AND m.mailbox = ?2");
		query_u64(&q, in->account);
		query_u64(&q, in->mailbox);
	} else {
		q = query_begin(
		    rx->db, "SELECT " MAILBOX_COLUMNS " FROM mailboxes m WHERE m.account = ?1 AND m.name = ?2");
		query_u64(&q, in->account);
		query_bytes(&q, name_kept(rx->arena, in->name));
	}
	rc = query_one(&q, "mailbox", e);
	if (rc != 0)
		return rc;
	mailbox_from_row(&q, rx->arena, &out->mailbox);
	query_end(&q);
	return mailbox_keywords(rx, in->account, out, e);
}

OP_READ_FN(subscription_list)
{
	const struct store_subscription_list *in = request;
	struct store_names *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct slice) };
	size_t limit = page_limit(in->limit, 4096);
	struct query q = query_begin(
	    rx->db, "SELECT name FROM subscriptions WHERE account = ?1 AND name > ?2 ORDER BY name LIMIT ?3");
	struct slice *name;
	int rc;

	query_u64(&q, in->account);
	query_bytes(&q, in->after);
	query_u64(&q, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && rows.count < limit && (name = rows_add(&rows)) != NULL)
		*name = query_col_bytes(&q, 0, rx->arena);
	query_end(&q);
	out->more = rc == 1;
	out->names = rows.data;
	out->name_count = rows.count;
	return rc < 0 ? rc : 0;
}

static int
recent_get(struct db *db, const struct store_recent_take *in, struct store_recent *out, struct error *e)
{
	struct query q =
	    query_begin(db, "SELECT recent_from, uidnext FROM mailboxes WHERE account = ?1 AND mailbox = ?2");
	int rc;

	query_u64(&q, in->account);
	query_u64(&q, in->mailbox);
	rc = query_one(&q, "mailbox", e);
	if (rc != 0)
		return rc;
	out->first = query_col_u32(&q, 0);
	out->uidnext = query_col_u32(&q, 1);
	query_end(&q);
	return 0;
}

OP_READ_FN(recent_look)
{
	const struct store_recent_take *in = request;
	struct store_recent *out = reply;
	int rc = recent_get(rx->db, in, out, e);

	return rc != 0 || in->look || out->first >= out->uidnext ? rc : OP_NEEDS_WRITE;
}

OP_WRITE_FN(recent_take)
{
	const struct store_recent_take *in = request;
	struct query q;
	int rc = recent_get(tx->db, in, reply, e);

	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "UPDATE mailboxes SET recent_from = uidnext WHERE account = ?1 AND mailbox = ?2");
	query_u64(&q, in->account);
	query_u64(&q, in->mailbox);
	return query_run(&q, e);
}

/* ---- making ---- */

struct found {
	uint64_t mailbox; /* 0: not there */
	bool selectable;
};

static int
mailbox_find(struct db *db, uint64_t account, struct slice name, struct found *out, struct error *e)
{
	struct query q = query_begin(db, "SELECT mailbox, selectable FROM mailboxes WHERE account = ?1 AND name = ?2");
	int rc;

	query_u64(&q, account);
	query_bytes(&q, name);
	rc = query_step(&q, e);
	*out = (struct found){ 0 };
	if (rc == 1)
		*out = (struct found){ query_col_u64(&q, 0), query_col_bool(&q, 1) };
	query_end(&q);
	return rc < 0 ? rc : 0;
}

static int
next_uidvalidity(struct tx *tx, uint64_t account, uint32_t *out, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "UPDATE accounts SET last_uidvalidity = max(last_uidvalidity + 1, ?1) WHERE account = ?2"
	    " RETURNING last_uidvalidity");
	uint64_t v;
	int rc;

	query_u64(&q, tx->now & 0xffffffff);
	query_u64(&q, account);
	rc = query_one(&q, "account", e);
	if (rc != 0)
		return rc;
	v = query_col_u64(&q, 0);
	rc = query_run(&q, e);
	if (rc == 0 && (v == 0 || v > UINT32_MAX))
		return error_set(e, ERR_LIMIT, "the account has used up its UIDVALIDITY numbers");
	*out = (uint32_t)v;
	return rc;
}

int
mailbox_make(struct tx *tx, uint64_t account, struct slice name, bool selectable, uint32_t special_use,
    struct store_mailbox_id *out, struct error *e)
{
	struct query q;
	int rc = next_uidvalidity(tx, account, &out->uidvalidity, e);

	if (rc != 0)
		return rc;
	q = query_begin(tx->db,
	    "INSERT INTO mailboxes (account, name, selectable, special_use, uidvalidity) VALUES (?1, ?2, ?3, ?4, ?5)");
	query_u64(&q, account);
	query_bytes(&q, name);
	query_u64(&q, selectable);
	query_u64(&q, special_use);
	query_u64(&q, out->uidvalidity);
	rc = query_run(&q, e);
	out->mailbox = db_last_rowid(tx->db);
	return rc != 0 ? rc : tx_changed(tx, account, out->mailbox, e);
}

static int
mailbox_row_delete(struct tx *tx, uint64_t account, uint64_t mailbox, struct error *e)
{
	struct query q =
	    query_begin(tx->db, "DELETE FROM mailboxes WHERE account = ?1 AND mailbox = ?2 RETURNING messages, size");
	int64_t messages, size;
	int rc;

	query_u64(&q, account);
	query_u64(&q, mailbox);
	rc = query_one(&q, "mailbox", e);
	if (rc != 0)
		return rc;
	messages = (int64_t)query_col_u64(&q, 0);
	size = (int64_t)query_col_u64(&q, 1);
	rc = query_run(&q, e);
	if (rc == 0)
		rc = tx_account_count(tx, account, -messages, -size, e);
	return rc != 0 ? rc : tx_changed(tx, account, mailbox, e);
}

static int
check_count(struct tx *tx, uint64_t account, struct error *e)
{
	struct query q = query_begin(tx->db, "SELECT count(*) FROM mailboxes WHERE account = ?1");
	uint64_t count = 0;
	int rc;

	query_u64(&q, account);
	rc = query_one(&q, "account", e);
	if (rc == 0)
		count = query_col_u64(&q, 0);
	query_end(&q);
	if (rc == 0 && count >= STORE_MAILBOXES_MAX)
		return error_set(e, ERR_LIMIT, "an account has at most %u mailboxes", STORE_MAILBOXES_MAX);
	return rc;
}

/* Names above that are not there become \Noselect ones. */
static int
make_superiors(struct tx *tx, uint64_t account, struct slice name, struct error *e)
{
	int rc = 0;

	for (size_t i = 1; i < name.len && rc == 0; i++) {
		struct slice above = slice_sub(name, 0, i);
		struct store_mailbox_id made;
		struct found found;

		if (name.data[i] != '/')
			continue;
		rc = mailbox_find(tx->db, account, above, &found, e);
		if (rc == 0 && found.mailbox == 0)
			rc = mailbox_make(tx, account, above, false, 0, &made, e);
	}
	return rc;
}

static int
subscribe_name(struct tx *tx, uint64_t account, struct slice name, struct error *e)
{
	struct query q =
	    query_begin(tx->db, "INSERT INTO subscriptions (account, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING");

	query_u64(&q, account);
	query_bytes(&q, name);
	return query_run(&q, e);
}

/* The name checked and as it is kept; ERR_EXISTS when a selectable mailbox has it; a \Noselect row of it is removed. */
static int
claim_name(
    struct tx *tx, uint64_t account, struct slice asked, struct slice *name_out, bool noselect_too, struct error *e)
{
	struct found found;
	int rc = name_check(asked, name_out, e);

	if (rc != 0)
		return rc;
	*name_out = name_kept(tx->arena, *name_out);
	rc = check_count(tx, account, e);
	if (rc == 0)
		rc = mailbox_find(tx->db, account, *name_out, &found, e);
	if (rc != 0 || found.mailbox == 0)
		return rc;
	if (found.selectable || !noselect_too)
		return error_set(e, ERR_EXISTS, "a mailbox of that name is there already");
	return mailbox_row_delete(tx, account, found.mailbox, e);
}

OP_WRITE_FN(mailbox_create)
{
	const struct store_mailbox_create *in = request;
	struct slice name = SLICE_EMPTY;
	int rc = claim_name(tx, in->account, in->name, &name, true, e);

	if (rc == 0)
		rc = make_superiors(tx, in->account, name, e);
	if (rc == 0)
		rc = mailbox_make(tx, in->account, name, true, in->special_use, reply, e);
	if (rc == 0 && in->subscribe)
		rc = subscribe_name(tx, in->account, name, e);
	return rc;
}

/* ---- removing ---- */

/* mailbox 0: all of the account. */
static int
drop_bodies(struct tx *tx, uint64_t account, uint64_t mailbox, struct error *e)
{
	struct query q;
	int rc;

	if (mailbox == 0)
		q = query_begin(tx->db, "SELECT body FROM messages WHERE account = ?1");
	else
		q = query_begin(tx->db, "SELECT body FROM messages WHERE account = ?1 AND mailbox = ?2");
	query_u64(&q, account);
	if (mailbox != 0)
		query_u64(&q, mailbox);
	while ((rc = query_step(&q, e)) == 1) {
		rc = tx_body_drop(tx, query_col_u64(&q, 0), e);
		if (rc != 0)
			break;
	}
	query_end(&q);
	return rc;
}

int
mailbox_empty_all(struct tx *tx, uint64_t account, struct error *e)
{
	struct query q;
	int rc = drop_bodies(tx, account, 0, e);

	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "DELETE FROM messages WHERE account = ?1");
	query_u64(&q, account);
	return query_run(&q, e);
}

static int
mailbox_remove(struct tx *tx, uint64_t account, uint64_t mailbox, struct error *e)
{
	static const char *const statements[] = {
		"DELETE FROM messages WHERE account = ?1 AND mailbox = ?2",
		"DELETE FROM expunged WHERE account = ?1 AND mailbox = ?2",
		"DELETE FROM keywords WHERE account = ?1 AND mailbox = ?2",
	};
	int rc = drop_bodies(tx, account, mailbox, e);

	for (size_t i = 0; i < sizeof statements / sizeof statements[0] && rc == 0; i++) {
		struct query q = query_begin(tx->db, statements[i]);

		query_u64(&q, account);
		query_u64(&q, mailbox);
		rc = query_run(&q, e);
	}
	return rc != 0 ? rc : mailbox_row_delete(tx, account, mailbox, e);
}

static int
has_inferiors(struct tx *tx, uint64_t account, struct slice name, bool *out, struct error *e)
{
	struct query q =
	    query_begin(tx->db, "SELECT 1 FROM mailboxes WHERE account = ?1 AND name >= ?2 AND name < ?3 LIMIT 1");
	int rc;

	query_u64(&q, account);
	query_bytes(&q, name_first_inferior(tx->arena, name));
	query_bytes(&q, name_behind_inferiors(tx->arena, name));
	rc = query_step(&q, e);
	query_end(&q);
	*out = rc == 1;
	return rc < 0 ? rc : 0;
}

OP_WRITE_FN(mailbox_delete)
{
	const struct store_mailbox_delete *in = request;
	struct slice name = name_kept(tx->arena, in->name);
	struct store_mailbox_id made;
	struct found found;
	bool inferiors = false;
	int rc = mailbox_find(tx->db, in->account, name, &found, e);

	(void)reply;
	if (rc == 0 && found.mailbox == 0)
		return error_set(e, ERR_NOT_FOUND, "no such mailbox");
	if (rc == 0 && slice_eq_str(name, "INBOX"))
		return error_set(e, ERR_DENIED, "the inbox cannot be deleted");
	if (rc == 0)
		rc = has_inferiors(tx, in->account, name, &inferiors, e);
	if (rc == 0 && inferiors && !found.selectable)
		return error_set(e, ERR_ORDER, "the name has mailboxes below it");
	if (rc == 0)
		rc = mailbox_remove(tx, in->account, found.mailbox, e);
	if (rc == 0 && inferiors)
		rc = mailbox_make(tx, in->account, name, false, 0, &made, e);
	return rc;
}

/* ---- renaming ---- */

/* RFC 3501 6.3.5: the messages go, the inbox stays. */
static int
rename_inbox(struct tx *tx, uint64_t account, uint64_t inbox, struct slice to, struct error *e)
{
	struct store_mailbox_id made = { 0 };
	struct store_copied copied = { 0 };
	int rc = mailbox_make(tx, account, to, true, 0, &made, e);

	if (rc != 0)
		return rc;
	return messages_copy(tx,
	    &(struct store_copy){ .account = account, .mailbox = inbox, .target = made.mailbox, .move = true }, &copied,
	    e);
}

static int
rename_one(struct tx *tx, uint64_t account, uint64_t mailbox, struct slice to, struct error *e)
{
	struct query q = query_begin(tx->db, "UPDATE mailboxes SET name = ?1 WHERE account = ?2 AND mailbox = ?3");
	int rc;

	query_bytes(&q, to);
	query_u64(&q, account);
	query_u64(&q, mailbox);
	rc = query_run(&q, e);
	return rc != 0 ? rc : tx_changed(tx, account, mailbox, e);
}

static int
rename_inferiors(struct tx *tx, uint64_t account, struct slice from, struct slice to, struct error *e)
{
	struct rows rows = { .arena = tx->arena, .size = sizeof(struct store_mailbox) };
	struct query q =
	    query_begin(tx->db, "SELECT mailbox, name FROM mailboxes WHERE account = ?1 AND name >= ?2 AND name < ?3");
	const struct store_mailbox *all;
	int rc;

	query_u64(&q, account);
	query_bytes(&q, name_first_inferior(tx->arena, from));
	query_bytes(&q, name_behind_inferiors(tx->arena, from));
	while ((rc = query_step(&q, e)) == 1) {
		struct store_mailbox *row = rows_add(&rows);

		if (row == NULL)
			break;
		row->mailbox = query_col_u64(&q, 0);
		row->name = query_col_bytes(&q, 1, tx->arena);
	}
	query_end(&q);
	all = rows.data;
	for (size_t i = 0; i < rows.count && rc >= 0; i++) {
		struct slice below = slice_from(all[i].name, from.len), name;

		name = arena_printf(tx->arena, "%.*s%.*s", (int)to.len, (const char *)to.data, (int)below.len,
		    (const char *)below.data);
		rc = name_check(name, &name, e);
		if (rc == 0)
			rc = rename_one(tx, account, all[i].mailbox, name, e);
	}
	return rc < 0 ? rc : 0;
}

static bool
is_below(struct slice name, struct slice above)
{
	return name.len > above.len && slice_starts(name, above) && name.data[above.len] == '/';
}

OP_WRITE_FN(mailbox_rename)
{
	const struct store_mailbox_rename *in = request;
	struct slice from = name_kept(tx->arena, in->from), to = SLICE_EMPTY;
	struct found found;
	int rc = mailbox_find(tx->db, in->account, from, &found, e);

	(void)reply;
	if (rc == 0 && found.mailbox == 0)
		return error_set(e, ERR_NOT_FOUND, "no such mailbox");
	if (rc == 0)
		rc = claim_name(tx, in->account, in->to, &to, false, e);
	if (rc == 0 && is_below(to, from) && !slice_eq_str(from, "INBOX"))
		return error_set(e, ERR_SYNTAX, "a mailbox cannot be put below itself");
	if (rc == 0)
		rc = make_superiors(tx, in->account, to, e);
	if (rc == 0 && slice_eq_str(from, "INBOX"))
		return rename_inbox(tx, in->account, found.mailbox, to, e);
	if (rc == 0)
		rc = rename_inferiors(tx, in->account, from, to, e);
	return rc == 0 ? rename_one(tx, in->account, found.mailbox, to, e) : rc;
}

/* ---- subscriptions ---- */

OP_WRITE_FN(subscribe)
{
	const struct store_subscribe *in = request;
	struct slice name = SLICE_EMPTY;
	struct query q;
	uint64_t count = 0;
	int rc;

	(void)reply;
	if (!in->subscribed) {
		q = query_begin(tx->db, "DELETE FROM subscriptions WHERE account = ?1 AND name = ?2");
		query_u64(&q, in->account);
		query_bytes(&q, name_kept(tx->arena, in->name));
		return query_run(&q, e);
	}
	rc = name_check(in->name, &name, e);
	if (rc != 0)
		return rc;
	q = query_begin(tx->db,
	    "SELECT (SELECT count(*) FROM subscriptions s WHERE s.account = a.account) FROM accounts a"
	    " WHERE a.account = ?1");
	query_u64(&q, in->account);
	rc = query_one(&q, "account", e);
	if (rc == 0)
		count = query_col_u64(&q, 0);
	query_end(&q);
	if (rc == 0 && count >= STORE_SUBSCRIPTIONS_MAX)
		return error_set(e, ERR_LIMIT, "an account has at most %u subscriptions", STORE_SUBSCRIPTIONS_MAX);
	return rc != 0 ? rc : subscribe_name(tx, in->account, name_kept(tx->arena, name), e);
}
