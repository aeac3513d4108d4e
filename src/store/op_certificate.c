/* SPDX-License-Identifier: ISC */
/*
 * Certificates of the key directory: found by fingerprint or key ID of any of
 * their keys, by address, or by a piece of a user ID.
 */
#include "store/internal.h"

#define REPLY_OCTETS ((size_t)5 << 20) /* of certificates in one reply; the frame is 8 MiB */

static int
certificate_drop(struct tx *tx, struct slice fingerprint, bool *found, struct error *e)
{
	static const char *const statements[] = {
		"DELETE FROM certificate_keys WHERE certificate = ?1",
		"DELETE FROM certificate_users WHERE certificate = ?1",
		"DELETE FROM certificates WHERE certificate = ?1",
	};
	struct query q = query_begin(tx->db, "SELECT certificate FROM certificates WHERE fingerprint = ?1");
	uint64_t certificate = 0;
	int rc;

	query_bytes(&q, fingerprint);
	rc = query_step(&q, e);
	*found = rc == 1;
	if (rc == 1)
		certificate = query_col_u64(&q, 0);
	query_end(&q);
	if (rc != 1)
		return rc;
	rc = 0;
	for (size_t i = 0; i < sizeof statements / sizeof statements[0] && rc == 0; i++) {
		q = query_begin(tx->db, statements[i]);
		query_u64(&q, certificate);
		rc = query_run(&q, e);
	}
	return rc;
}

static int
insert_key(
    struct tx *tx, uint64_t certificate, size_t position, const struct store_certificate_key *key, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "INSERT INTO certificate_keys (certificate, position, fingerprint, key_id) VALUES (?1, ?2, ?3, ?4)");

	query_u64(&q, certificate);
	query_u64(&q, position);
	query_bytes(&q, key->fingerprint);
	query_u64(&q, key->key_id);
	return query_run(&q, e);
}

static int
insert_user(
    struct tx *tx, uint64_t certificate, size_t position, const struct store_certificate_user *user, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "INSERT INTO certificate_users (certificate, position, user_id, address, address_key, text_key)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");

	query_u64(&q, certificate);
	query_u64(&q, position);
	query_bytes(&q, user->user_id);
	query_bytes(&q, user->address);
	query_bytes(&q, fold_ascii(tx->arena, user->address));
	query_bytes(&q, fold_ascii(tx->arena, user->user_id));
	return query_run(&q, e);
}

OP_WRITE_FN(certificate_put)
{
	const struct store_certificate *in = request;
	struct query q;
	uint64_t certificate;
	bool found;
	int rc;

	(void)reply;
	if ((in->fingerprint.len != 20 && in->fingerprint.len != 32) || in->key_count == 0 || in->data.len == 0)
		return error_set(e, ERR_SYNTAX, "a certificate needs its fingerprint, its keys and its octets");
	rc = certificate_drop(tx, in->fingerprint, &found, e);
	if (rc != 0)
		return rc;
	q = query_begin(tx->db,
	    "INSERT INTO certificates (fingerprint, version, account, created, modified, data)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
	query_bytes(&q, in->fingerprint);
	query_u64(&q, in->version);
	query_u64(&q, in->account);
	query_u64(&q, in->created);
	query_u64(&q, tx->now);
	query_bytes(&q, in->data);
	rc = query_run(&q, e);
	certificate = db_last_rowid(tx->db);
	for (size_t i = 0; i < in->key_count && rc == 0; i++)
		rc = insert_key(tx, certificate, i, &in->keys[i], e);
	for (size_t i = 0; i < in->user_count && rc == 0; i++)
		rc = insert_user(tx, certificate, i, &in->users[i], e);
	return rc;
}

OP_WRITE_FN(certificate_remove)
{
	const struct store_certificate_name *in = request;
	bool found;
	int rc = certificate_drop(tx, in->fingerprint, &found, e);

	(void)reply;
	if (rc == 0 && !found)
		return error_set(e, ERR_NOT_FOUND, "no such certificate");
	return rc;
}

OP_READ_FN(certificate_count)
{
	struct store_certificate_count *out = reply;
	int rc = db_number(rx->db, "SELECT count(*) FROM certificates", &out->certificates, e);

	(void)request;
	return rc != 0 ? rc : db_number(rx->db, "SELECT count(*) FROM accounts", &out->accounts, e);
}

/* ---- finding ---- */

#define FIND(condition) \
	"SELECT c.certificate, c.fingerprint, c.version, c.account, c.created, c.modified," \
	" CASE WHEN ?3 THEN c.data END FROM certificates c WHERE c.fingerprint > ?1 AND " condition \
	" ORDER BY c.fingerprint LIMIT ?2"

/* By enum store_certificate_by. ?4 is the value. */
static const char *const finders[] = {
	[STORE_BY_FINGERPRINT] =
	    FIND("c.certificate IN (SELECT certificate FROM certificate_keys WHERE fingerprint = ?4)"),
	[STORE_BY_KEY_ID] = FIND("c.certificate IN (SELECT certificate FROM certificate_keys WHERE key_id = ?4)"),
	[STORE_BY_ADDRESS] =
	    FIND("c.certificate IN (SELECT certificate FROM certificate_users WHERE address_key = ?4)"),
	[STORE_BY_TEXT] =
	    FIND("c.certificate IN (SELECT certificate FROM certificate_users WHERE instr(text_key, ?4) > 0)"),
	[STORE_BY_ACCOUNT] = FIND("c.account = ?4"),
	[STORE_BY_ALL] = FIND("?4 = 0"),
	[STORE_BY_NAME] = FIND("c.fingerprint = ?4"),
};

static int
bind_value(struct query *q, struct arena *a, const struct store_certificate_find *in, struct error *e)
{
	uint64_t key_id = 0;

	switch (in->by) {
	case STORE_BY_FINGERPRINT:
	case STORE_BY_NAME:
		query_bytes(q, in->value);
		return 0;
	case STORE_BY_KEY_ID:
		if (in->value.len != 8)
			return error_set(e, ERR_SYNTAX, "a key ID has 8 octets");
		for (size_t i = 0; i < 8; i++)
			key_id = key_id << 8 | in->value.data[i];
		query_u64(q, key_id);
		return 0;
	case STORE_BY_ADDRESS:
	case STORE_BY_TEXT:
		if (in->value.len == 0)
			return error_set(e, ERR_SYNTAX, "nothing to look for");
		query_bytes(q, fold_ascii(a, in->value));
		return 0;
	case STORE_BY_ACCOUNT:
		query_u64(q, in->account);
		return 0;
	default:
		query_u64(q, 0);
		return 0;
	}
}

static int
load_keys(struct rx *rx, uint64_t certificate, struct store_certificate *out, struct error *e)
{
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_certificate_key) };
	struct query q = query_begin(
	    rx->db, "SELECT fingerprint, key_id FROM certificate_keys WHERE certificate = ?1 ORDER BY position");
	struct store_certificate_key *row;
	int rc;

	query_u64(&q, certificate);
	while ((rc = query_step(&q, e)) == 1 && (row = rows_add(&rows)) != NULL)
		*row = (struct store_certificate_key){ query_col_bytes(&q, 0, rx->arena), query_col_u64(&q, 1) };
	query_end(&q);
	out->keys = rows.data;
	out->key_count = rows.count;
	return rc < 0 ? rc : 0;
}

static int
load_users(struct rx *rx, uint64_t certificate, struct store_certificate *out, struct error *e)
{
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_certificate_user) };
	struct query q = query_begin(
	    rx->db, "SELECT user_id, address FROM certificate_users WHERE certificate = ?1 ORDER BY position");
	struct store_certificate_user *row;
	int rc;

	query_u64(&q, certificate);
	while ((rc = query_step(&q, e)) == 1 && (row = rows_add(&rows)) != NULL)
		*row = (struct store_certificate_user){ query_col_bytes(&q, 0, rx->arena),
			query_col_bytes(&q, 1, rx->arena) };
	query_end(&q);
	out->users = rows.data;
	out->user_count = rows.count;
	return rc < 0 ? rc : 0;
}

static int
load_certificate(struct rx *rx, struct query *q, struct store_certificate *out, struct error *e)
{
	uint64_t certificate = query_col_u64(q, 0);
	int rc;

	out->fingerprint = query_col_bytes(q, 1, rx->arena);
	out->version = query_col_u32(q, 2);
	out->account = query_col_u64(q, 3);
	out->created = query_col_u64(q, 4);
	out->modified = query_col_u64(q, 5);
	out->data = query_col_bytes(q, 6, rx->arena);
	rc = load_keys(rx, certificate, out, e);
	return rc == 0 ? load_users(rx, certificate, out, e) : rc;
}

static size_t
certificate_octets(const struct store_certificate *c)
{
	size_t octets = c->data.len + c->key_count * 64;

	for (size_t i = 0; i < c->user_count; i++)
		octets += c->users[i].user_id.len + c->users[i].address.len + 16;
	return octets + 128;
}

OP_READ_FN(certificate_find)
{
	const struct store_certificate_find *in = request;
	struct store_certificates *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_certificate) };
	size_t limit = page_limit(in->limit, STORE_PAGE_MAX), octets = 0;
	struct query q;
	int rc;

	if (in->by < STORE_BY_FINGERPRINT || in->by > STORE_BY_NAME)
		return error_set(e, ERR_SYNTAX, "certificates are not found that way");
	q = query_begin(rx->db, finders[in->by]);
	query_bytes(&q, in->after);
	query_u64(&q, limit + 1);
	query_u64(&q, !in->without_data);
	rc = bind_value(&q, rx->arena, in, e);
	if (rc != 0) {
		query_end(&q);
		return rc;
	}
	while ((rc = query_step(&q, e)) == 1 && rows.count < limit && octets < REPLY_OCTETS) {
		struct store_certificate *row = rows_add(&rows);

		rc = row == NULL ? error_nomem(e) : load_certificate(rx, &q, row, e);
		if (rc != 0)
			break;
		octets += certificate_octets(row);
	}
	query_end(&q);
	out->more = rc == 1;
	out->certificates = rows.data;
	out->certificate_count = rows.count;
	return rc < 0 ? rc : 0;
}
