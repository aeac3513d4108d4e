/* SPDX-License-Identifier: ISC */
/* Autocrypt Level 1: what is kept of each peer. */
#include "trust/peers.h"
#include "trust/store_internal.h"

static int
fold(struct slice address, struct buf *folded, struct error *e)
{
	if (trust_address_fold(address, folded) != 0 || folded->len == 0)
		return error_set(e, ERR_USAGE, "this is no address");
	return 0;
}

static int
read_row(const struct trust_store *s, struct slice folded, struct arena *a, struct trust_peer *out, struct error *e)
{
	struct query q = query_begin(
	    &s->live->db, "SELECT last_seen, autocrypt, key, mutual, gossip, gossip_key FROM peers WHERE address = ?1");
	int rc;

	query_bytes(&q, folded);
	rc = query_step(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : error_set(e, ERR_NOT_FOUND, "nothing is known of this address");
	*out = (struct trust_peer){ .address = arena_copy(a, folded),
		.last_seen = query_col_u64(&q, 0),
		.autocrypt_timestamp = query_col_u64(&q, 1),
		.key = query_col_bytes(&q, 2, a),
		.mutual = query_col_bool(&q, 3),
		.gossip_timestamp = query_col_u64(&q, 4),
		.gossip_key = query_col_bytes(&q, 5, a) };
	query_end(&q);
	return a->err == 0 ? 0 : error_set(e, a->err, "no room for a peer's keys");
}

int
trust_peer_read(
    const struct trust_store *s, struct slice address, struct arena *a, struct trust_peer *out, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	int rc = fold(address, &folded, e);

	return rc == 0 ? read_row(s, buf_slice(&folded), a, out, e) : rc;
}

static int
count_peers(struct trust_store *s, struct error *e)
{
	uint64_t n = 0;
	int rc = db_number(&s->live->db, "SELECT count(*) FROM peers", &n, e);

	if (rc == 0 && n > TRUST_PEERS_MAX)
		return error_set(e, ERR_LIMIT, "more than %u correspondents are known already", TRUST_PEERS_MAX);
	return rc;
}

static int
write_row(struct trust_store *s, struct slice folded, const struct trust_peer *p, struct error *e)
{
	struct query q;
	int rc;

	if (p->key.len > TRUST_PEER_KEY_MAX || p->gossip_key.len > TRUST_PEER_KEY_MAX)
		return error_set(
		    e, ERR_LIMIT, "an Autocrypt key of more than %u octets is not kept", TRUST_PEER_KEY_MAX);
	q = query_begin(&s->live->db,
	    "INSERT OR REPLACE INTO peers (address, last_seen, autocrypt, key, mutual, gossip, gossip_key)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
	query_bytes(&q, folded);
	query_u64(&q, p->last_seen);
	query_u64(&q, p->autocrypt_timestamp);
	query_bytes(&q, p->key);
	query_u64(&q, p->mutual);
	query_u64(&q, p->gossip_timestamp);
	query_bytes(&q, p->gossip_key);
	rc = query_run(&q, e);
	return rc == 0 ? count_peers(s, e) : rc;
}

int
trust_peer_write(struct trust_store *s, const struct trust_peer *p, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	int rc = fold(p->address, &folded, e);

	if (rc == 0)
		rc = trust_change_begin(s, e);
	if (rc != 0)
		return rc;
	rc = write_row(s, buf_slice(&folded), p, e);
	return trust_change_end(s, rc, e);
}

/* What a rule changes. */
struct news {
	const struct trust_peer_mail *mail; /* NULL: gossip */
	uint64_t effective_date;
	struct slice key;
};

static int
apply(struct trust_store *s, struct slice folded, const struct news *n, bool *changed, struct error *e)
{
	ARENA_OWNED struct arena a = { .budget = 4 * TRUST_PEER_KEY_MAX };
	struct trust_peer p = { .address = folded };
	int rc = read_row(s, folded, &a, &p, NULL);

	if (rc != 0 && rc != ERR_NOT_FOUND)
		return error_set(e, rc, "what is kept of this address could not be read");
	*changed = n->mail != NULL ? trust_peer_update(&p, n->mail) : trust_peer_gossip(&p, n->effective_date, n->key);
	return *changed ? write_row(s, folded, &p, e) : 0;
}

static int
change(struct trust_store *s, struct slice address, const struct news *n, bool *changed_out, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	bool changed = false;
	int rc = fold(address, &folded, e);

	if (rc == 0)
		rc = trust_change_begin(s, e);
	if (rc != 0)
		return rc;
	rc = apply(s, buf_slice(&folded), n, &changed, e);
	rc = trust_change_end(s, rc, e);
	if (rc == 0 && changed_out != NULL)
		*changed_out = changed;
	return rc;
}

int
trust_peer_see(
    struct trust_store *s, struct slice address, const struct trust_peer_mail *m, bool *changed_out, struct error *e)
{
	return change(s, address, &(struct news){ .mail = m }, changed_out, e);
}

int
trust_peer_hear(struct trust_store *s, struct slice address, uint64_t effective_date, struct slice key,
    bool *changed_out, struct error *e)
{
	return change(s, address, &(struct news){ .effective_date = effective_date, .key = key }, changed_out, e);
}

int
trust_peer_remove(struct trust_store *s, struct slice address, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	struct query q;
	int rc = fold(address, &folded, e);

	if (rc == 0)
		rc = trust_change_begin(s, e);
	if (rc != 0)
		return rc;
	q = query_begin(&s->live->db, "DELETE FROM peers WHERE address = ?1");
	query_bytes(&q, buf_slice(&folded));
	rc = query_run(&q, e);
	if (rc == 0 && db_changes(&s->live->db) == 0)
		rc = error_set(e, ERR_NOT_FOUND, "nothing is known of this address");
	return trust_change_end(s, rc, e);
}
