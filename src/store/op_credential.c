/* SPDX-License-Identifier: ISC */
/* Credentials: what else than its password an account may be signed in to with. */
#include "base/printable.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "store/internal.h"

static int
name_of_credential_check(struct slice name, struct error *e)
{
	if (name.len == 0 || name.len > STORE_CREDENTIAL_NAME_MAX)
		return error_set(e, ERR_SYNTAX, "such a name has 1 to %u octets", STORE_CREDENTIAL_NAME_MAX);
	return utf8_valid(name) ? 0 : error_set(e, ERR_SYNTAX, "such a name is UTF-8");
}

/* A new one is shown to people as it is, so nothing may be in it that they do not see, or that speaks to a terminal. */
static int
new_name_check(struct slice name, struct error *e)
{
	struct buf shown;
	bool same;
	int rc = name_of_credential_check(name, e);

	if (rc != 0)
		return rc;
	buf_init(&shown, STORE_CREDENTIAL_NAME_MAX * 8u);
	rc = printable_put(&shown, name, PRINTABLE_LINE, STORE_CREDENTIAL_NAME_MAX * 8u);
	same = slice_eq(buf_slice(&shown), name);
	buf_done(&shown);
	if (rc == ERR_NOMEM)
		return error_nomem(e);
	return same ? 0 : error_set(e, ERR_SYNTAX, "such a name has no control characters and nothing invisible");
}

/* How many the account has; ERR_NOT_FOUND when it is not there. */
static int
count_of(struct tx *tx, uint64_t account, uint64_t *count_out, struct error *e)
{
	struct query q = query_begin(
	    tx->db, "SELECT (SELECT count(*) FROM credentials WHERE account = ?1) FROM accounts WHERE account = ?1");
	int rc;

	query_u64(&q, account);
	rc = query_one(&q, "account", e);
	if (rc == 0)
		*count_out = query_col_u64(&q, 0);
	query_end(&q);
	return rc;
}

static int
insert(struct tx *tx, enum store_credential_kind kind, const struct store_credential_add *in, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "INSERT INTO credentials (account, kind, name, verifier, rights, created, used, expires)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, nullif(?7, 0))");

	query_u64(&q, in->account);
	query_u64(&q, kind);
	query_bytes(&q, in->name);
	query_bytes(&q, in->verifier);
	query_u64(&q, in->rights);
	query_u64(&q, tx->now);
	query_u64(&q, in->expires);
	return query_run(&q, e);
}

static int
remove_named(struct tx *tx, uint64_t account, struct slice name, struct error *e)
{
	struct query q = query_begin(tx->db, "DELETE FROM credentials WHERE account = ?1 AND name = ?2");

	query_u64(&q, account);
	query_bytes(&q, name);
	return query_run(&q, e);
}

static int
find_named(struct tx *tx, uint64_t account, struct slice name, struct error *e)
{
	struct query q = query_begin(tx->db, "SELECT 1 FROM credentials WHERE account = ?1 AND name = ?2");
	int rc;

	query_u64(&q, account);
	query_bytes(&q, name);
	rc = query_step(&q, e);
	query_end(&q);
	return rc;
}

int
credential_set_scram(struct tx *tx, uint64_t account, struct slice verifier, struct error *e)
{
	const struct store_credential_add in = {
		.account = account, .name = SLICE_EMPTY, .verifier = verifier, .rights = STORE_RIGHTS_ALL
	};
	uint64_t count = 0;
	int rc = remove_named(tx, account, SLICE_EMPTY, e);

	if (rc != 0 || verifier.len == 0)
		return rc;
	rc = count_of(tx, account, &count, e);
	if (rc == 0 && count >= STORE_CREDENTIALS_MAX)
		return error_set(e, ERR_LIMIT,
		    "with %u app passwords there is no place for the password's own SCRAM verifier: revoke one",
		    STORE_CREDENTIALS_MAX);
	return rc != 0 ? rc : insert(tx, STORE_CREDENTIAL_SCRAM, &in, e);
}

OP_WRITE_FN(credential_add)
{
	const struct store_credential_add *in = request;
	struct store_credential_id *out = reply;
	uint64_t count = 0;
	int rc = new_name_check(in->name, e);

	if (rc == 0 && (in->verifier.len == 0 || in->rights == 0))
		rc = error_set(e, ERR_SYNTAX, "a password for nothing, or without a verifier");
	if (rc == 0)
		rc = count_of(tx, in->account, &count, e);
	if (rc == 0 && count >= STORE_CREDENTIALS_MAX)
		rc = error_set(e, ERR_LIMIT, "an account has at most %u app passwords", STORE_CREDENTIALS_MAX);
	if (rc == 0 && (rc = find_named(tx, in->account, in->name, e)) == 1)
		rc = error_set(e, ERR_EXISTS, "there is one of that name already");
	if (rc == 0)
		rc = insert(tx, STORE_CREDENTIAL_APP, in, e);
	if (rc == 0)
		out->credential = db_last_rowid(tx->db);
	return rc;
}

OP_WRITE_FN(credential_remove)
{
	const struct store_credential_name *in = request;
	int rc = name_of_credential_check(in->name, e);

	(void)reply;
	if (rc == 0 && (rc = find_named(tx, in->account, in->name, e)) == 0)
		rc = error_set(e, ERR_NOT_FOUND, "the account has no app password of that name");
	return rc < 0 ? rc : remove_named(tx, in->account, in->name, e);
}

OP_READ_FN(credential_list)
{
	const struct store_credential_list *in = request;
	struct store_credentials *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_credential) };
	struct store_credential *row;
	struct query q = query_begin(rx->db,
	    "SELECT credential, kind, name, rights, created, used, coalesce(expires, 0), verifier FROM credentials"
	    " WHERE account = ?1 ORDER BY credential LIMIT ?2");
	int rc;

	query_u64(&q, in->account);
	query_u64(&q, STORE_CREDENTIALS_MAX);
	while ((rc = query_step(&q, e)) == 1 && (row = rows_add(&rows)) != NULL) {
		*row = (struct store_credential){ .credential = query_col_u64(&q, 0),
			.kind = query_col_u32(&q, 1),
			.name = query_col_bytes(&q, 2, rx->arena),
			.rights = query_col_u32(&q, 3),
			.created = query_col_u64(&q, 4),
			.used = query_col_u64(&q, 5),
			.expires = query_col_u64(&q, 6) };
		if (in->with_verifiers)
			row->verifier = query_col_bytes(&q, 7, rx->arena);
	}
	query_end(&q);
	out->rows = rows.data;
	out->row_count = rows.count;
	return rc < 0 ? rc : 0;
}

/* OP_NEEDS_WRITE when its last use is to be remembered anew. */
static int
look(struct db *db, const struct store_credential_use *in, uint64_t now, struct error *e)
{
	struct query q = query_begin(db,
	    "SELECT used + ?5 <= ?4 FROM credentials WHERE account = ?1 AND credential = ?2 AND ?3 <> 0 AND rights & "
	    "?3 = ?3"
	    " AND (expires IS NULL OR expires > ?4)");
	bool old;
	int rc;

	query_u64(&q, in->account);
	query_u64(&q, in->credential);
	query_u64(&q, in->right);
	query_u64(&q, now);
	query_u64(&q, STORE_CREDENTIAL_USED_S);
	rc = query_one(&q, "app password", e);
	old = rc == 0 && query_col_u32(&q, 0) != 0;
	query_end(&q);
	return rc == 0 && old ? OP_NEEDS_WRITE : rc;
}

OP_READ_FN(credential_look)
{
	(void)reply;
	return look(rx->db, request, clock_unix(), e);
}

OP_WRITE_FN(credential_use)
{
	const struct store_credential_use *in = request;
	struct query q;
	int rc = look(tx->db, in, tx->now, e);

	(void)reply;
	if (rc != OP_NEEDS_WRITE)
		return rc;
	q = query_begin(tx->db, "UPDATE credentials SET used = ?1 WHERE account = ?2 AND credential = ?3");
	query_u64(&q, tx->now);
	query_u64(&q, in->account);
	query_u64(&q, in->credential);
	return query_run(&q, e);
}
