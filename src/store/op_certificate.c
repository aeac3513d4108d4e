/* SPDX-License-Identifier: ISC */
/*
 * What of a certificate is kept and what is served. It comes as octets with
 * the places of its user IDs in them, so that any of them can be left out of
 * what is served without knowing more of OpenPGP: a user ID is held until its
 * address is verified. Who asked for it is decided before (service/directory).
 */
#include <string.h>

#include "store/op_certificate.h"

/* ---- rows ---- */

int
certificate_find_row(struct tx *tx, struct slice fingerprint, struct certificate_row *out, struct error *e)
{
	struct query q =
	    query_begin(tx->db, "SELECT certificate, account, revision FROM certificates WHERE fingerprint = ?1");
	int rc;

	query_bytes(&q, fingerprint);
	rc = query_step(&q, e);
	*out = (struct certificate_row){ 0 };
	if (rc == 1) {
		out->certificate = query_col_u64(&q, 0);
		out->account = query_col_u64(&q, 1);
		out->revision = query_col_u64(&q, 2);
	}
	query_end(&q);
	return rc < 0 ? rc : 0;
}

int
certificate_run(struct tx *tx, const char *sql_literal, uint64_t certificate, struct error *e)
{
	struct query q = query_begin(tx->db, sql_literal);

	query_u64(&q, certificate);
	return query_run(&q, e);
}

int
certificate_published(struct tx *tx, uint64_t certificate, uint32_t *out, struct error *e)
{
	struct query q =
	    query_begin(tx->db, "SELECT count(*) FROM certificate_users WHERE certificate = ?1 AND state = 2");
	int rc;

	query_u64(&q, certificate);
	rc = query_one(&q, "certificate", e);
	if (rc != 0)
		return rc;
	*out = query_col_u32(&q, 0);
	query_end(&q);
	return 0;
}

/* ---- sums and days ---- */

static int
add_totals(struct tx *tx, int64_t certificates, int64_t waiting, int64_t published, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "UPDATE directory_totals SET certificates = certificates + ?1, waiting = waiting + ?2,"
	    " published = published + ?3");

	query_u64(&q, (uint64_t)certificates);
	query_u64(&q, (uint64_t)waiting);
	query_u64(&q, (uint64_t)published);
	return query_run(&q, e);
}

int
certificate_count_change(struct tx *tx, const struct certificate_change *c, struct error *e)
{
	int64_t waits_before = c->was_there && c->published_before == 0;
	int64_t waits_after = c->is_there && c->published_after == 0;

	if (c->was_there == c->is_there && c->published_before == c->published_after)
		return 0;
	return add_totals(tx, (int64_t)c->is_there - (int64_t)c->was_there, waits_after - waits_before,
	    (int64_t)c->published_after - (int64_t)c->published_before, e);
}

int
certificate_note_day(struct tx *tx, struct slice fingerprint, struct error *e)
{
	uint64_t day = tx->now / 86400;
	struct query q = query_begin(tx->db, "INSERT OR IGNORE INTO directory_changes (day, prefix) VALUES (?1, ?2)");
	int rc;

	query_u64(&q, day);
	query_bytes(&q, slice_sub(fingerprint, 0, 4));
	rc = query_run(&q, e);
	if (rc != 0)
		return rc;
	return certificate_run(tx, "DELETE FROM directory_changes WHERE day < ?1",
	    day > STORE_DIRECTORY_DAYS ? day - STORE_DIRECTORY_DAYS : 0, e);
}

/* ---- what is served ---- */

static int
store_served(
    struct tx *tx, uint64_t certificate, struct slice held, struct slice served, bool *changed_out, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "UPDATE certificates SET data = ?2, held = CASE WHEN ?3 THEN ?4 END, revision = revision + 1, modified = ?5"
	    " WHERE certificate = ?1");

	query_u64(&q, certificate);
	query_bytes(&q, served);
	query_u64(&q, !slice_eq(held, served));
	query_bytes(&q, held);
	query_u64(&q, tx->now);
	*changed_out = true;
	return query_run(&q, e);
}

int
certificate_cut(
    struct tx *tx, struct slice held, const struct certificate_user_row *users, size_t count, struct slice *out)
{
	uint8_t *to = arena_alloc(tx->arena, held.len + 1);
	size_t at = 0, len = 0;

	if (to == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		if (users[i].state == STORE_USER_PUBLISHED)
			continue;
		memcpy(to + len, held.data + at, users[i].place - at);
		len += users[i].place - at;
		at = (size_t)users[i].place + users[i].length;
	}
	memcpy(to + len, held.data + at, held.len - at);
	*out = slice_of(to, len + held.len - at);
	return 0;
}

static int
load_held(struct tx *tx, uint64_t certificate, struct slice *held_out, struct slice *served_out, struct error *e)
{
	struct query q =
	    query_begin(tx->db, "SELECT coalesce(held, data), data FROM certificates WHERE certificate = ?1");
	int rc;

	query_u64(&q, certificate);
	rc = query_one(&q, "certificate", e);
	if (rc != 0)
		return rc;
	*held_out = query_col_bytes(&q, 0, tx->arena);
	*served_out = query_col_bytes(&q, 1, tx->arena);
	query_end(&q);
	return arena_check(tx->arena, e);
}

int
certificate_load_users(
    struct tx *tx, uint64_t certificate, struct certificate_user_row **out, size_t *count_out, struct error *e)
{
	struct rows rows = { .arena = tx->arena, .size = sizeof(struct certificate_user_row) };
	struct query q = query_begin(tx->db,
	    "SELECT position, user_id, address_key, address_name, state, how, verified, place, length, text_key"
	    " FROM certificate_users WHERE certificate = ?1 ORDER BY position");
	struct certificate_user_row *row;
	int rc;

	query_u64(&q, certificate);
	while ((rc = query_step(&q, e)) == 1 && (row = rows_add(&rows)) != NULL)
		*row = (struct certificate_user_row){ .position = query_col_u64(&q, 0),
			.user_id = query_col_bytes(&q, 1, tx->arena),
			.address_key = query_col_bytes(&q, 2, tx->arena),
			.address_name = query_col_bytes(&q, 3, tx->arena),
			.state = query_col_u32(&q, 4),
			.how = query_col_u32(&q, 5),
			.verified = query_col_u64(&q, 6),
			.place = query_col_u32(&q, 7),
			.length = query_col_u32(&q, 8),
			.text_key = query_col_bytes(&q, 9, tx->arena) };
	query_end(&q);
	*out = rows.data;
	*count_out = rows.count;
	return rc < 0 ? rc : arena_check(tx->arena, e);
}

/* Places that an older program did not keep: only who can read OpenPGP can tell them. */
static int
places_are_known(const struct certificate_user_row *users, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++)
		if (users[i].length == 0)
			return error_set(e, ERR_ORDER,
			    "the certificate was kept by an older program: it has to be put once more first");
	return 0;
}

static int
reserve(struct tx *tx, uint64_t certificate, const struct certificate_user_row *users, size_t count, bool *changed_out,
    struct error *e)
{
	struct slice held, before, served;
	int rc = load_held(tx, certificate, &held, &before, e);

	if (rc == 0 && certificate_cut(tx, held, users, count, &served) != 0)
		rc = error_nomem(e);
	*changed_out = false;
	if (rc != 0 || slice_eq(before, served))
		return rc;
	return store_served(tx, certificate, held, served, changed_out, e);
}

/* ---- one user ID ---- */

static int
name_user(struct tx *tx, uint64_t certificate, const struct certificate_user_row *user, struct error *e)
{
	uint64_t row = certificate * 256 + user->position;
	struct query q;

	if (user->state != STORE_USER_PUBLISHED)
		return certificate_run(tx, "DELETE FROM certificate_names WHERE rowid = ?1", row, e);
	q = query_begin(tx->db, "INSERT INTO certificate_names (rowid, text) VALUES (?1, CAST(?2 AS TEXT))");
	query_u64(&q, row);
	query_bytes(&q, user->text_key);
	return query_run(&q, e);
}

static int
set_state(struct tx *tx, uint64_t certificate, struct certificate_user_row *user, uint32_t how, struct error *e)
{
	uint32_t before = user->state;
	struct query q = query_begin(tx->db,
	    "UPDATE certificate_users SET state = ?3, how = ?4, verified = ?5 WHERE certificate = ?1 AND position = "
	    "?2");
	int rc;

	user->state = how != 0 ? STORE_USER_PUBLISHED : STORE_USER_HELD;
	user->how = how;
	user->verified = how != 0 ? tx->now : 0;
	query_u64(&q, certificate);
	query_u64(&q, user->position);
	query_u64(&q, user->state);
	query_u64(&q, user->how);
	query_u64(&q, user->verified);
	rc = query_run(&q, e);
	return rc != 0 || before == user->state ? rc : name_user(tx, certificate, user, e);
}

int
certificate_name_users(
    struct tx *tx, uint64_t certificate, const struct certificate_user_row *users, size_t count, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++)
		if (users[i].state == STORE_USER_PUBLISHED)
			rc = name_user(tx, certificate, &users[i], e);
	return rc;
}

/* ---- tombstones ---- */

int
tombstone_is_there(struct tx *tx, struct slice fingerprint, struct slice name, bool *out, struct error *e)
{
	struct query q =
	    query_begin(tx->db, "SELECT 1 FROM directory_tombstones WHERE fingerprint = ?1 AND address_name = ?2");
	int rc;

	query_bytes(&q, fingerprint);
	query_bytes(&q, name);
	rc = query_step(&q, e);
	query_end(&q);
	*out = rc == 1;
	return rc < 0 ? rc : 0;
}

static int
run_tombstone(struct tx *tx, const char *sql_literal, struct slice fingerprint, struct slice name, struct error *e)
{
	struct query q = query_begin(tx->db, sql_literal);

	query_bytes(&q, fingerprint);
	query_bytes(&q, name);
	query_u64(&q, tx->now);
	return query_run(&q, e);
}

static int
tombstone_put(struct tx *tx, struct slice fingerprint, struct slice name, struct error *e)
{
	return run_tombstone(tx,
	    "INSERT OR REPLACE INTO directory_tombstones (fingerprint, address_name, removed) VALUES (?1, ?2, ?3)",
	    fingerprint, name, e);
}

int
tombstone_remove(struct tx *tx, struct slice fingerprint, struct slice name, struct error *e)
{
	return run_tombstone(tx,
	    "DELETE FROM directory_tombstones WHERE fingerprint = ?1 AND address_name = ?2 AND ?3 > 0", fingerprint,
	    name, e);
}

/* ---- publishing ---- */

int
certificate_is_owned(struct tx *tx, uint64_t account, struct slice address, bool *out, struct error *e)
{
	struct rx rx = { tx->s, tx->db, tx->arena };
	const struct store_address_find in = { .address = address };
	struct store_address_found found = { 0 };
	int rc = op_address_find(&rx, &in, &found, e);

	*out = rc == 0 && found.account != 0 && found.account == account;
	return rc;
}

static int
may_publish(struct tx *tx, const struct store_certificate_publish *in, struct slice name, struct error *e)
{
	bool yes = true, stone = false;
	int rc = in->account != 0 ? certificate_is_owned(tx, in->account, in->address, &yes, e) : 0;

	if (rc == 0 && !yes)
		return error_set(e, ERR_DENIED, "the address is not that account's");
	if (rc == 0)
		rc = tombstone_is_there(tx, in->fingerprint, name, &stone, e);
	if (rc == 0 && stone && (in->how == STORE_HOW_OPEN || in->how == STORE_HOW_MIRROR))
		return error_set(e, ERR_POLICY, "the address was unpublished there; it has to be verified anew");
	return rc != 0 || !stone ? rc : tombstone_remove(tx, in->fingerprint, name, e);
}

/* Publishes (how is not 0) or unpublishes those with the address; none has it: ERR_NOT_FOUND. */
static int
change_users(struct tx *tx, const struct store_certificate_publish *in, const struct certificate_row *row,
    struct certificate_user_row *users, size_t count, struct error *e)
{
	struct slice key = fold_ascii(tx->arena, in->address);
	bool any = key.len == 0 && in->how == 0;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		if (key.len > 0 ? !slice_eq(users[i].address_key, key) : in->how != 0)
			continue;
		any = true;
		if (in->how != 0)
			rc = may_publish(tx, in, users[i].address_name, e);
		else
			rc = tombstone_put(tx, in->fingerprint, users[i].address_name, e);
		if (rc == 0)
			rc = set_state(tx, row->certificate, &users[i], in->how, e);
	}
	if (rc == 0 && !any)
		return error_set(e, ERR_NOT_FOUND, "the certificate has no user ID with that address");
	return rc;
}

static int
change_published(
    struct tx *tx, const struct store_certificate_publish *in, struct store_certificate_kept *out, struct error *e)
{
	struct certificate_row row;
	struct certificate_user_row *users;
	struct certificate_change c = { .was_there = true, .is_there = true };
	size_t count;
	int rc = certificate_find_row(tx, in->fingerprint, &row, e);

	if (rc == 0 && row.certificate == 0)
		return error_set(e, ERR_NOT_FOUND, "no such certificate");
	if (rc == 0)
		rc = certificate_load_users(tx, row.certificate, &users, &count, e);
	if (rc == 0)
		rc = places_are_known(users, count, e);
	if (rc == 0)
		rc = certificate_published(tx, row.certificate, &c.published_before, e);
	if (rc == 0)
		rc = change_users(tx, in, &row, users, count, e);
	if (rc == 0)
		rc = reserve(tx, row.certificate, users, count, &out->changed, e);
	if (rc == 0)
		rc = certificate_published(tx, row.certificate, &c.published_after, e);
	if (rc == 0)
		rc = certificate_count_change(tx, &c, e);
	if (rc == 0 && out->changed)
		rc = certificate_note_day(tx, in->fingerprint, e);
	out->published = c.published_after;
	out->revision = row.revision + out->changed;
	return rc;
}

OP_WRITE_FN(certificate_publish)
{
	const struct store_certificate_publish *in = request;

	if (in->how < STORE_HOW_ACCOUNT || in->address.len == 0 || (in->how == STORE_HOW_ACCOUNT && in->account == 0))
		return error_set(e, ERR_SYNTAX, "what is published needs an address, and how it was verified");
	return change_published(tx, in, reply, e);
}

OP_WRITE_FN(certificate_unpublish)
{
	const struct store_certificate_publish *in = request;
	struct store_certificate_publish none = *in;
	bool yes = true;
	int rc = in->account != 0 ? certificate_is_owned(tx, in->account, in->address, &yes, e) : 0;

	if (rc == 0 && !yes)
		return error_set(e, ERR_DENIED, "the address is not that account's");
	none.how = 0;
	return rc != 0 ? rc : change_published(tx, &none, reply, e);
}

/* ---- removing ---- */

static int
names_drop(struct tx *tx, uint64_t certificate, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "DELETE FROM certificate_names WHERE rowid IN (SELECT certificate * 256 + position FROM certificate_users"
	    " WHERE certificate = ?1 AND state = 2)");

	query_u64(&q, certificate);
	return query_run(&q, e);
}

int
certificate_drop_parts(struct tx *tx, uint64_t certificate, struct error *e)
{
	int rc = names_drop(tx, certificate, e);

	if (rc == 0)
		rc = certificate_run(tx, "DELETE FROM certificate_keys WHERE certificate = ?1", certificate, e);
	return rc != 0 ? rc
		       : certificate_run(tx, "DELETE FROM certificate_users WHERE certificate = ?1", certificate, e);
}

static int
drop_certificate(struct tx *tx, uint64_t certificate, struct slice fingerprint, struct error *e)
{
	struct certificate_change c = { .was_there = true };
	int rc = certificate_published(tx, certificate, &c.published_before, e);

	if (rc == 0)
		rc = certificate_drop_parts(tx, certificate, e);
	if (rc == 0)
		rc = certificate_run(tx, "DELETE FROM certificates WHERE certificate = ?1", certificate, e);
	if (rc == 0)
		rc = certificate_count_change(tx, &c, e);
	return rc == 0 ? certificate_note_day(tx, fingerprint, e) : rc;
}

static int
bury(struct tx *tx, uint64_t certificate, struct slice fingerprint, struct error *e)
{
	struct certificate_user_row *users;
	size_t count;
	int rc = certificate_load_users(tx, certificate, &users, &count, e);

	for (size_t i = 0; rc == 0 && i < count; i++)
		if (users[i].address_name.len > 0)
			rc = tombstone_put(tx, fingerprint, users[i].address_name, e);
	return rc;
}

OP_WRITE_FN(certificate_remove)
{
	const struct store_certificate_name *in = request;
	struct certificate_row row;
	int rc = certificate_find_row(tx, in->fingerprint, &row, e);

	(void)reply;
	if (rc == 0 && row.certificate == 0)
		return error_set(e, ERR_NOT_FOUND, "no such certificate");
	if (rc == 0 && in->tombstones)
		rc = bury(tx, row.certificate, in->fingerprint, e);
	return rc == 0 ? drop_certificate(tx, row.certificate, in->fingerprint, e) : rc;
}

int
certificates_drop(struct tx *tx, uint64_t account, struct error *e)
{
	struct query q;
	int rc;

	do {
		uint64_t certificate = 0;
		struct slice fingerprint = SLICE_EMPTY;

		q = query_begin(tx->db, "SELECT certificate, fingerprint FROM certificates WHERE account = ?1 LIMIT 1");
		query_u64(&q, account);
		rc = query_step(&q, e);
		if (rc == 1) {
			certificate = query_col_u64(&q, 0);
			fingerprint = query_col_bytes(&q, 1, tx->arena);
		}
		query_end(&q);
		if (rc == 1 && (rc = drop_certificate(tx, certificate, fingerprint, e)) == 0)
			rc = 1;
	} while (rc == 1);
	return rc;
}
