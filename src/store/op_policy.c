/* SPDX-License-Identifier: ISC */
/* What other domains say about how mail to them is sent, in the table policies. */
#include "os/clock.h"
#include "store/internal.h"

OP_READ_FN(policy_get)
{
	const struct store_policy_key *in = request;
	struct store_policy *out = reply;
	struct query q = query_begin(rx->db,
	    "SELECT version, value, fetched, expires FROM policies WHERE kind = ?1 AND domain = ?2 AND expires > ?3");
	int rc;

	query_u64(&q, in->kind);
	query_bytes(&q, in->domain);
	query_u64(&q, clock_unix());
	rc = query_step(&q, e);
	*out = (struct store_policy){ .found = rc == 1, .kind = in->kind, .domain = in->domain };
	if (rc == 1) {
		out->version = query_col_bytes(&q, 0, rx->arena);
		out->value = query_col_bytes(&q, 1, rx->arena);
		out->fetched = query_col_u64(&q, 2);
		out->expires = query_col_u64(&q, 3);
	}
	query_end(&q);
	return rc < 0 ? rc : 0;
}

static int
forget(struct tx *tx, const struct store_policy *in, struct error *e)
{
	struct query q = query_begin(tx->db, "DELETE FROM policies WHERE kind = ?1 AND domain = ?2");

	query_u64(&q, in->kind);
	query_bytes(&q, in->domain);
	return query_run(&q, e);
}

/* Those that have expired, and when there are too many the one that expires first. */
static int
make_room(struct tx *tx, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "DELETE FROM policies WHERE expires <= ?1 OR (kind, domain) IN (SELECT kind, domain FROM policies"
	    " WHERE (SELECT count(*) FROM policies) >= ?2 ORDER BY expires LIMIT 1)");

	query_u64(&q, clock_unix());
	query_u64(&q, STORE_POLICIES_MAX);
	return query_run(&q, e);
}

OP_WRITE_FN(policy_put)
{
	const struct store_policy *in = request;
	struct query q;
	int rc;

	(void)reply;
	if (in->kind != STORE_POLICY_STS || in->domain.len == 0)
		return error_set(e, ERR_SYNTAX, "this is nobody's policy");
	rc = forget(tx, in, e);
	if (rc != 0 || in->value.len == 0)
		return rc;
	rc = make_room(tx, e);
	if (rc != 0)
		return rc;
	q = query_begin(tx->db,
	    "INSERT INTO policies (kind, domain, version, value, fetched, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
	query_u64(&q, in->kind);
	query_bytes(&q, in->domain);
	query_bytes(&q, in->version);
	query_bytes(&q, in->value);
	query_u64(&q, in->fetched);
	query_u64(&q, in->expires);
	return query_run(&q, e);
}
