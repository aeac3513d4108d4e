/* SPDX-License-Identifier: ISC */
/* Accounts and their addresses. An address is kept under its key (address.c); what is shown is what was first written. */
#include "store/internal.h"
#include "store/op_mailbox.h"

static const struct slice inbox = { (const uint8_t *)"INBOX", 5 };

static int
account_exists(struct db *db, uint64_t account, struct error *e)
{
	struct query q = query_begin(db, "SELECT 1 FROM accounts WHERE account = ?1");
	int rc;

	query_u64(&q, account);
	rc = query_one(&q, "account", e);
	query_end(&q);
	return rc;
}

/* At a position of the account, which must be free. */
static int
address_insert_at(struct tx *tx, uint64_t account, struct slice address, uint64_t position, struct error *e)
{
	struct slice key = SLICE_EMPTY;
	struct query q;
	int rc = address_check(address, e);

	if (rc == 0)
		rc = address_key(tx->arena, address, &key, e);
	if (rc == 0)
		rc = domain_must_be_ours(tx->db, address_domain(key), e);
	if (rc == 0)
		rc = address_must_be_free(tx->db, key, e);
	if (rc != 0)
		return rc;
	q = query_begin(
	    tx->db, "INSERT INTO addresses (address, shown, domain, account, position) VALUES (?1, ?2, ?3, ?4, ?5)");
	query_bytes(&q, key);
	query_bytes(&q, address);
	query_bytes(&q, address_domain(key));
	query_u64(&q, account);
	query_u64(&q, position);
	return query_run(&q, e);
}

/* Behind the others. */
static int
address_insert(struct tx *tx, uint64_t account, struct slice address, struct error *e)
{
	struct query q = query_begin(tx->db, "SELECT coalesce(max(position) + 1, 0) FROM addresses WHERE account = ?1");
	uint64_t position = 0;
	int rc;

	query_u64(&q, account);
	rc = query_step(&q, e);
	if (rc == 1)
		position = query_col_u64(&q, 0);
	query_end(&q);
	return rc < 0 ? rc : address_insert_at(tx, account, address, position, e);
}

OP_WRITE_FN(account_create)
{
	const struct store_account_create *in = request;
	struct store_account_id *out = reply;
	struct store_mailbox_id made;
	struct query q =
	    query_begin(tx->db, "INSERT INTO accounts (verifier, created, last_uidvalidity) VALUES (?1, ?2, 0)");
	int rc;

	query_bytes(&q, in->verifier);
	query_u64(&q, tx->now);
	rc = query_run(&q, e);
	if (rc != 0)
		return rc;
	out->account = db_last_rowid(tx->db);
	rc = address_insert(tx, out->account, in->address, e);
	if (rc == 0 && in->scram.len > 0)
		rc = credential_set_scram(tx, out->account, in->scram, e);
	if (rc == 0)
		rc = mailbox_make(tx, out->account, inbox, true, 0, &made, e);
	return rc;
}

static int
run_for_account(struct db *db, const char *sql_literal, uint64_t account, struct error *e)
{
	struct query q = query_begin(db, sql_literal);

	query_u64(&q, account);
	return query_run(&q, e);
}

OP_WRITE_FN(account_remove)
{
	static const char *const statements[] = {
		"DELETE FROM subscriptions WHERE account = ?1",
		"DELETE FROM keywords WHERE account = ?1",
		"DELETE FROM expunged WHERE account = ?1",
		"DELETE FROM mailboxes WHERE account = ?1",
		"DELETE FROM threads WHERE account = ?1",
		"DELETE FROM credentials WHERE account = ?1",
		"DELETE FROM annotations WHERE account = ?1",
		"DELETE FROM rights WHERE account = ?1",
		"DELETE FROM scripts WHERE account = ?1",
		"DELETE FROM addresses WHERE account = ?1",
		"DELETE FROM accounts WHERE account = ?1",
	};
	const struct store_account_id *in = request;
	int rc = account_exists(tx->db, in->account, e);

	(void)reply;
	if (rc == 0)
		rc = alias_must_not_need(tx, in->account, SLICE_EMPTY, e);
	if (rc == 0)
		rc = mailbox_empty_all(tx, in->account, e);
	if (rc == 0)
		rc = certificates_drop(tx, in->account, e);
	for (size_t i = 0; i < sizeof statements / sizeof statements[0] && rc == 0; i++)
		rc = run_for_account(tx->db, statements[i], in->account, e);
	return rc == 0 ? tx_changed(tx, in->account, 0, e) : rc;
}

OP_WRITE_FN(account_set_verifier)
{
	const struct store_account_set_verifier *in = request;
	struct query q = query_begin(tx->db, "UPDATE accounts SET verifier = ?1 WHERE account = ?2");
	int rc = account_exists(tx->db, in->account, e);

	(void)reply;
	query_bytes(&q, in->verifier);
	query_u64(&q, in->account);
	if (rc == 0)
		rc = query_run(&q, e);
	query_end(&q);
	return rc == 0 ? credential_set_scram(tx, in->account, in->scram, e) : rc;
}

OP_WRITE_FN(account_rename)
{
	const struct store_account_rename *in = request;
	struct query q =
	    query_begin(tx->db, "DELETE FROM addresses WHERE account = ?1 AND address = ?2 RETURNING position");
	struct slice from = SLICE_EMPTY;
	uint64_t position;
	int rc = address_key(tx->arena, in->from, &from, e);

	(void)reply;
	if (rc != 0) {
		query_end(&q);
		return rc;
	}
	query_u64(&q, in->account);
	query_bytes(&q, from);
	rc = query_one(&q, "address", e);
	if (rc != 0)
		return rc;
	position = query_col_u64(&q, 0);
	rc = query_run(&q, e);
	if (rc == 0)
		rc = address_insert_at(tx, in->account, in->to, position, e);
	return rc != 0 ? rc : alias_targets_rename(tx, from, in->to, e);
}

static int
account_of_address(struct rx *rx, struct slice address, uint64_t *out, struct error *e)
{
	struct query q = query_begin(rx->db, "SELECT account FROM addresses WHERE address = ?1");
	struct slice key = SLICE_EMPTY;
	int rc = address_key(rx->arena, address, &key, e);

	if (rc == ERR_NOMEM) {
		query_end(&q);
		return rc;
	}
	query_bytes(&q, key); /* of what can be no address: none, and nobody has that */
	rc = query_step(&q, e);
	*out = rc == 1 ? query_col_u64(&q, 0) : 0;
	query_end(&q);
	return rc < 0 ? rc : 0;
}

OP_READ_FN(account_get)
{
	const struct store_account_get *in = request;
	struct store_account *out = reply;
	struct rows addresses = { .arena = rx->arena, .size = sizeof(struct slice) };
	struct slice *address;
	struct query q;
	int rc = 0;

	out->account = in->account;
	if (in->account == 0)
		rc = account_of_address(rx, in->address, &out->account, e);
	if (rc != 0)
		return rc;
	q = query_begin(rx->db, "SELECT verifier, created, messages, octets FROM accounts WHERE account = ?1");
	query_u64(&q, out->account);
	rc = query_one(&q, "account", e);
	if (rc != 0)
		return rc;
	out->verifier = query_col_bytes(&q, 0, rx->arena);
	out->created = query_col_u64(&q, 1);
	out->messages = query_col_u64(&q, 2);
	out->octets = query_col_u64(&q, 3);
	query_end(&q);
	q = query_begin(rx->db, "SELECT shown FROM addresses WHERE account = ?1 ORDER BY position LIMIT ?2");
	query_u64(&q, out->account);
	query_u64(&q, STORE_ADDRESSES_MAX);
	while ((rc = query_step(&q, e)) == 1 && (address = rows_add(&addresses)) != NULL)
		*address = query_col_bytes(&q, 0, rx->arena);
	query_end(&q);
	out->addresses = addresses.data;
	out->address_count = addresses.count;
	return rc < 0 ? rc : 0;
}

OP_READ_FN(account_list)
{
	const struct store_account_list *in = request;
	struct store_account_rows *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_account_row) };
	size_t limit = page_limit(in->limit, STORE_PAGE_MAX);
	struct query q = query_begin(rx->db,
	    "SELECT a.account, d.shown, a.created FROM accounts a JOIN addresses d ON d.account = a.account"
	    " WHERE a.account > ?1 AND d.position = (SELECT min(position) FROM addresses WHERE account = a.account)"
	    " ORDER BY a.account LIMIT ?2");
	int rc;

	query_u64(&q, in->after);
	query_u64(&q, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && rows.count < limit) {
		struct store_account_row *row = rows_add(&rows);

		if (row == NULL)
			break;
		*row = (struct store_account_row){ query_col_u64(&q, 0), query_col_bytes(&q, 1, rx->arena),
			query_col_u64(&q, 2) };
	}
	query_end(&q);
	out->more = rc == 1;
	out->rows = rows.data;
	out->row_count = rows.count;
	return rc < 0 ? rc : 0;
}

OP_WRITE_FN(address_add)
{
	const struct store_address *in = request;
	struct query q;
	uint64_t count;
	int rc = account_exists(tx->db, in->account, e);

	(void)reply;
	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "SELECT count(*) FROM addresses WHERE account = ?1");
	query_u64(&q, in->account);
	rc = query_one(&q, "account", e);
	count = rc == 0 ? query_col_u64(&q, 0) : 0;
	query_end(&q);
	if (rc == 0 && count >= STORE_ADDRESSES_MAX)
		return error_set(e, ERR_LIMIT, "an account has at most %u addresses", STORE_ADDRESSES_MAX);
	return rc != 0 ? rc : address_insert(tx, in->account, in->address, e);
}

OP_WRITE_FN(address_remove)
{
	const struct store_address *in = request;
	struct slice key = SLICE_EMPTY;
	struct query q;
	uint64_t count;
	int rc = address_key(tx->arena, in->address, &key, e);

	(void)reply;
	if (rc != 0)
		return rc;
	q = query_begin(tx->db,
	    "SELECT (SELECT count(*) FROM addresses WHERE account = ?1) FROM addresses WHERE account = ?1 AND address "
	    "= ?2");
	query_u64(&q, in->account);
	query_bytes(&q, key);
	rc = query_one(&q, "address", e);
	count = rc == 0 ? query_col_u64(&q, 0) : 0;
	query_end(&q);
	if (rc != 0)
		return rc;
	if (count < 2)
		return error_set(e, ERR_ORDER, "it is the account's only address: remove the account, or rename it");
	rc = alias_must_not_need(tx, in->account, key, e);
	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "DELETE FROM addresses WHERE account = ?1 AND address = ?2");
	query_u64(&q, in->account);
	query_bytes(&q, key);
	return query_run(&q, e);
}
