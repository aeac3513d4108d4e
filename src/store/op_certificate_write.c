/* SPDX-License-Identifier: ISC */
/*
 * A certificate is put: in the place of the version that it was made from, and
 * no other. What was published stays so; what is new is held, unless the one
 * who has signed in owns its address.
 */
#include "store/address.h"
#include "store/op_certificate.h"

struct putting {
	struct tx *tx;
	const struct store_certificate *in;
	struct certificate_row row;
	struct certificate_user_row *old, *users;
	size_t old_count;
	struct certificate_change change;
	struct slice served;
	bool owned; /* a user ID was published for who has signed in */
};

static int
check_request(const struct store_certificate *in, struct error *e)
{
	size_t end = 0;

	if ((in->fingerprint.len != 20 && in->fingerprint.len != 32) || in->key_count == 0 || in->data.len == 0)
		return error_set(e, ERR_SYNTAX, "a certificate needs its fingerprint, its keys and its octets");
	for (size_t i = 0; i < in->user_count; i++) {
		const struct store_certificate_user *u = &in->users[i];

		if (u->length == 0 || u->place < end || u->length > in->data.len || u->place > in->data.len - u->length)
			return error_set(e, ERR_SYNTAX, "the place of a user ID is not in the certificate");
		end = (size_t)u->place + u->length;
	}
	return 0;
}

static struct slice
address_name(struct arena *a, struct slice address)
{
	uint8_t name[STORE_ADDRESS_NAME_SIZE];

	if (address.len == 0 || store_address_name(address, name, NULL) != 0)
		return SLICE_EMPTY;
	return arena_copy(a, slice_of(name, sizeof name));
}

static void
take_over(struct putting *p, struct certificate_user_row *user)
{
	for (size_t i = 0; i < p->old_count; i++) {
		if (!slice_eq(p->old[i].user_id, user->user_id))
			continue;
		user->state = p->old[i].state;
		user->how = p->old[i].how;
		user->verified = p->old[i].verified;
	}
}

static int
make_users(struct putting *p, struct error *e)
{
	struct arena *a = p->tx->arena;

	p->users = arena_array(a, p->in->user_count + 1, sizeof *p->users);
	if (p->users == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < p->in->user_count; i++) {
		const struct store_certificate_user *u = &p->in->users[i];

		p->users[i] = (struct certificate_user_row){ .position = i,
			.user_id = u->user_id,
			.address_key = fold_ascii(a, u->address),
			.text_key = fold_ascii(a, u->user_id),
			.address_name = address_name(a, u->address),
			.state = STORE_USER_HELD,
			.place = u->place,
			.length = u->length };
		take_over(p, &p->users[i]);
	}
	return arena_check(a, e);
}

/* A certificate only grows: whoever puts it did not read the published one. */
static int
nothing_is_lost(const struct putting *p, struct error *e)
{
	for (size_t i = 0; i < p->old_count; i++) {
		bool there = p->old[i].state != STORE_USER_PUBLISHED;

		for (size_t k = 0; k < p->in->user_count && !there; k++)
			there = slice_eq(p->old[i].user_id, p->users[k].user_id);
		if (!there)
			return error_set(e, ERR_DENIED, "a user ID that is published is left out");
	}
	return 0;
}

/* ---- which are published now ---- */

static int
is_free(struct putting *p, const struct certificate_user_row *user, struct slice address, bool *out, struct error *e)
{
	struct rx rx = { p->tx->s, p->tx->db, p->tx->arena };
	const struct store_address_find in = { .address = address };
	struct store_address_found found = { 0 };
	bool stone = true;
	struct query q;
	int rc = op_address_find(&rx, &in, &found, e);

	*out = false;
	if (rc != 0 || found.account == 0)
		return rc;
	rc = tombstone_is_there(p->tx, p->in->fingerprint, user->address_name, &stone, e);
	if (rc != 0 || stone)
		return rc;
	q = query_begin(p->tx->db,
	    "SELECT 1 FROM certificate_users WHERE address_key = ?1 AND state = 2 AND certificate != ?2 LIMIT 1");
	query_bytes(&q, user->address_key);
	query_u64(&q, p->row.certificate);
	rc = query_step(&q, e);
	query_end(&q);
	*out = rc == 0;
	return rc < 0 ? rc : 0;
}

static int
decide(struct putting *p, struct certificate_user_row *user, struct slice address, struct error *e)
{
	bool owned = false, is_open = false;
	int rc = 0;

	if (address.len == 0 || user->address_name.len == 0)
		return 0;
	if (p->in->account != 0)
		rc = certificate_is_owned(p->tx, p->in->account, address, &owned, e);
	p->owned |= owned;
	if (rc == 0 && !owned && p->in->publish_free && user->state != STORE_USER_PUBLISHED)
		rc = is_free(p, user, address, &is_open, e);
	if (rc != 0 || (!owned && !is_open))
		return rc;
	user->state = STORE_USER_PUBLISHED;
	user->how = owned ? STORE_HOW_ACCOUNT : STORE_HOW_OPEN;
	user->verified = p->tx->now;
	return owned ? tombstone_remove(p->tx, p->in->fingerprint, user->address_name, e) : 0;
}

static int
decide_all(struct putting *p, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < p->in->user_count && rc == 0; i++) {
		rc = decide(p, &p->users[i], p->in->users[i].address, e);
		p->change.published_after += p->users[i].state == STORE_USER_PUBLISHED;
	}
	return rc;
}

static int
may_wait(const struct putting *p, struct error *e)
{
	uint64_t waiting = 0;
	int rc;

	if (p->change.was_there || p->change.published_after > 0 || p->in->waiting_max == 0)
		return 0;
	rc = db_number(p->tx->db, "SELECT waiting FROM directory_totals", &waiting, e);
	if (rc == 0 && waiting >= p->in->waiting_max)
		rc = error_set(e, ERR_FULL,
		    "The directory keeps no more certificates of which no address is verified: verify one of those "
		    "first.");
	return rc;
}

/* ---- rows ---- */

static int
put_row(struct putting *p, struct error *e)
{
	const struct store_certificate *in = p->in;
	uint64_t account = p->row.account != 0 ? p->row.account : p->owned ? in->account : 0;
	struct query q = query_begin(p->tx->db,
	    p->row.certificate == 0
		? "INSERT INTO certificates (fingerprint, version, account, created, modified, data, held, revision)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?7 THEN ?8 END, 1)"
		: "UPDATE certificates SET version = ?2, account = ?3, created = ?4, modified = ?5, data = ?6,"
		  " held = CASE WHEN ?7 THEN ?8 END, revision = revision + 1 WHERE fingerprint = ?1");
	int rc;

	query_bytes(&q, in->fingerprint);
	query_u64(&q, in->version);
	query_u64(&q, account);
	query_u64(&q, in->created);
	query_u64(&q, p->tx->now);
	query_bytes(&q, p->served);
	query_u64(&q, !slice_eq(p->served, in->data));
	query_bytes(&q, in->data);
	rc = query_run(&q, e);
	if (p->row.certificate == 0)
		p->row.certificate = db_last_rowid(p->tx->db);
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
    struct tx *tx, uint64_t certificate, const struct certificate_user_row *u, struct slice address, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "INSERT INTO certificate_users (certificate, position, user_id, address, address_key, text_key, state, how,"
	    " verified, place, length, address_name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");

	query_u64(&q, certificate);
	query_u64(&q, u->position);
	query_bytes(&q, u->user_id);
	query_bytes(&q, address);
	query_bytes(&q, u->address_key);
	query_bytes(&q, u->text_key);
	query_u64(&q, u->state);
	query_u64(&q, u->how);
	query_u64(&q, u->verified);
	query_u64(&q, u->place);
	query_u64(&q, u->length);
	query_bytes(&q, u->address_name);
	return query_run(&q, e);
}

static int
put_parts(struct putting *p, struct error *e)
{
	uint64_t certificate = p->row.certificate;
	int rc = 0;

	for (size_t i = 0; i < p->in->key_count && rc == 0; i++)
		rc = insert_key(p->tx, certificate, i, &p->in->keys[i], e);
	for (size_t i = 0; i < p->in->user_count && rc == 0; i++)
		rc = insert_user(p->tx, certificate, &p->users[i], p->in->users[i].address, e);
	return rc == 0 ? certificate_name_users(p->tx, certificate, p->users, p->in->user_count, e) : rc;
}

/* ---- the whole ---- */

static int
load_old(struct putting *p, struct error *e)
{
	int rc = certificate_find_row(p->tx, p->in->fingerprint, &p->row, e);

	if (rc == 0 && p->row.revision != p->in->revision)
		return error_set(e, ERR_ORDER, "another version of the certificate was put meanwhile");
	p->change.was_there = p->row.certificate != 0;
	p->change.is_there = true;
	if (rc != 0 || !p->change.was_there)
		return rc;
	rc = certificate_load_users(p->tx, p->row.certificate, &p->old, &p->old_count, e);
	return rc == 0 ? certificate_published(p->tx, p->row.certificate, &p->change.published_before, e) : rc;
}

static int
served_changed(struct putting *p, bool *changed_out, struct error *e)
{
	struct query q = query_begin(p->tx->db, "SELECT 1 FROM certificates WHERE certificate = ?1 AND data = ?2");
	int rc;

	query_u64(&q, p->row.certificate);
	query_bytes(&q, p->served);
	rc = query_step(&q, e);
	query_end(&q);
	*changed_out = rc == 0;
	return rc < 0 ? rc : 0;
}

static int
write_all(struct putting *p, struct store_certificate_kept *out, struct error *e)
{
	int rc = served_changed(p, &out->changed, e);

	if (rc == 0 && p->change.was_there)
		rc = certificate_drop_parts(p->tx, p->row.certificate, e);
	if (rc == 0)
		rc = put_row(p, e);
	if (rc == 0)
		rc = put_parts(p, e);
	if (rc == 0)
		rc = certificate_count_change(p->tx, &p->change, e);
	return rc == 0 && out->changed ? certificate_note_day(p->tx, p->in->fingerprint, e) : rc;
}

OP_WRITE_FN(certificate_put)
{
	struct store_certificate_kept *out = reply;
	struct putting p = { .tx = tx, .in = request };
	int rc = check_request(p.in, e);

	if (rc == 0)
		rc = load_old(&p, e);
	if (rc == 0)
		rc = make_users(&p, e);
	if (rc == 0)
		rc = nothing_is_lost(&p, e);
	if (rc == 0)
		rc = decide_all(&p, e);
	if (rc == 0)
		rc = may_wait(&p, e);
	if (rc == 0 && certificate_cut(tx, p.in->data, p.users, p.in->user_count, &p.served) != 0)
		rc = error_nomem(e);
	if (rc == 0)
		rc = write_all(&p, out, e);
	out->inserted = !p.change.was_there;
	out->published = p.change.published_after;
	out->revision = p.in->revision + 1;
	return rc;
}
