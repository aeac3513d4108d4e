/* SPDX-License-Identifier: ISC */
#include "trust/records.h"

#include "trust/store_internal.h"

/* ---- roots ---- */

static int
count_roots(struct trust_store *s, struct error *e)
{
	uint64_t n = 0;
	int rc = db_number(&s->live->db, "SELECT count(*) FROM roots", &n, e);

	if (rc == 0 && n > TRUST_ROOTS_MAX)
		return error_set(e, ERR_LIMIT, "there are %u roots already", TRUST_ROOTS_MAX);
	return rc;
}

int
trust_root_set(struct trust_store *s, const struct trust_root *root, struct error *e)
{
	struct query q;
	int rc;

	if (root->amount == 0 || root->amount > 120 || root->fingerprint.len == 0)
		return error_set(e, ERR_USAGE, "a root's amount is 1 to 120");
	if (root->regex.len > TRUST_SETTING_MAX)
		return error_set(e, ERR_LIMIT, "the expression is longer than %u octets", TRUST_SETTING_MAX);
	rc = trust_change_begin(s, e);
	if (rc != 0)
		return rc;
	q = query_begin(&s->live->db,
	    "INSERT INTO roots (fingerprint, amount, depth, regex) VALUES (?1, ?2, ?3, ?4)"
	    " ON CONFLICT (fingerprint) DO UPDATE SET amount = ?2, depth = ?3, regex = ?4");
	query_bytes(&q, trust_fingerprint_slice(&root->fingerprint));
	query_u64(&q, root->amount);
	query_u64(&q, root->depth);
	query_bytes(&q, root->regex);
	rc = query_run(&q, e);
	if (rc == 0)
		rc = count_roots(s, e);
	return trust_change_end(s, rc, e);
}

int
trust_root_remove(struct trust_store *s, const struct pgp_fingerprint *f, struct error *e)
{
	const struct pgp_fingerprint own = *f;
	struct query q;
	int rc = trust_change_begin(s, e);

	if (rc != 0)
		return rc;
	q = query_begin(&s->live->db, "DELETE FROM roots WHERE fingerprint = ?1");
	query_bytes(&q, trust_fingerprint_slice(&own));
	rc = query_run(&q, e);
	if (rc == 0 && db_changes(&s->live->db) == 0)
		rc = error_set(e, ERR_NOT_FOUND, "this certificate is no root");
	return trust_change_end(s, rc, e);
}

int
trust_roots(const struct trust_store *s, struct arena *a, struct trust_root **out, size_t *count_out, struct error *e)
{
	struct trust_root *rows = arena_array(a, TRUST_ROOTS_MAX, sizeof *rows);
	struct query q;
	size_t n = 0;
	int rc;

	if (rows == NULL)
		return error_nomem(e);
	q = query_begin(&s->live->db, "SELECT fingerprint, amount, depth, regex FROM roots ORDER BY n");
	while ((rc = query_step(&q, e)) == 1 && n < TRUST_ROOTS_MAX)
		rows[n++] = (struct trust_root){ .fingerprint = trust_fingerprint_of(query_col_peek(&q, 0)),
			.amount = (uint8_t)query_col_u32(&q, 1),
			.depth = (uint8_t)query_col_u32(&q, 2),
			.regex = query_col_bytes(&q, 3, a) };
	query_end(&q);
	if (rc < 0 || a->err != 0)
		return rc < 0 ? rc : error_set(e, a->err, "too many roots");
	*out = rows;
	*count_out = n;
	return 0;
}

/* ---- settings ---- */

int
trust_setting_get(const struct trust_store *s, const char *name, struct buf *out, struct error *e)
{
	struct query q = query_begin(&s->live->db, "SELECT value FROM settings WHERE name = ?1");
	int rc;

	query_bytes(&q, slice_str(name));
	rc = query_step(&q, e);
	if (rc <= 0)
		return rc;
	rc = buf_put_slice(out, query_col_peek(&q, 0));
	query_end(&q);
	return rc == 0 ? 0 : error_set(e, rc, "the setting %s is too long", name);
}

int
trust_setting_set(struct trust_store *s, const char *name, struct slice value, struct error *e)
{
	struct query q;
	int rc;

	if (value.len > TRUST_SETTING_MAX)
		return error_set(e, ERR_LIMIT, "a setting has at most %u octets", TRUST_SETTING_MAX);
	rc = trust_change_begin(s, e);
	if (rc != 0)
		return rc;
	q = query_begin(&s->live->db,
	    value.len == 0 ? "DELETE FROM settings WHERE name = ?1"
			   : "INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)");
	query_bytes(&q, slice_str(name));
	if (value.len > 0)
		query_bytes(&q, value);
	rc = query_run(&q, e);
	return trust_change_end(s, rc, e);
}

/* ---- refreshing ---- */

int
trust_refresh_set(struct trust_store *s, const struct trust_refresh *r, struct error *e)
{
	const struct trust_refresh own = *r;
	struct query q;
	uint64_t id;
	int rc = trust_change_begin(s, e);

	if (rc != 0)
		return rc;
	rc = trust_id_of(s, &own.fingerprint, &id, e);
	if (rc == 0) {
		q = query_begin(&s->live->db, "INSERT OR REPLACE INTO refresh (id, asked, due) VALUES (?1, ?2, ?3)");
		query_u64(&q, id);
		query_u64(&q, own.asked);
		query_u64(&q, own.due);
		rc = query_run(&q, e);
	}
	return trust_change_end(s, rc, e);
}

#define REFRESH_COLUMNS \
	"SELECT c.fingerprint, coalesce(r.asked, 0), coalesce(r.due, 0) FROM certificates c LEFT JOIN refresh r " \
	"USING (id)"

static struct trust_refresh
read_refresh(struct query *q)
{
	return (struct trust_refresh){ .fingerprint = trust_fingerprint_of(query_col_peek(q, 0)),
		.asked = query_col_u64(q, 1),
		.due = query_col_u64(q, 2) };
}

int
trust_refresh_get(
    const struct trust_store *s, const struct pgp_fingerprint *f, struct trust_refresh *out, struct error *e)
{
	struct query q = query_begin(&s->live->db, REFRESH_COLUMNS " WHERE c.fingerprint = ?1");
	int rc;

	query_bytes(&q, trust_fingerprint_slice(f));
	rc = query_step(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : trust_not_there(e);
	*out = read_refresh(&q);
	query_end(&q);
	return 0;
}

int
trust_refresh_due(const struct trust_store *s, uint64_t now, size_t max, struct arena *a, struct trust_refresh **out,
    size_t *count_out, struct error *e)
{
	struct trust_refresh *rows = arena_array(a, max, sizeof *rows);
	struct query q;
	size_t n = 0;
	int rc;

	if (rows == NULL)
		return error_nomem(e);
	q = query_begin(
	    &s->live->db, REFRESH_COLUMNS " WHERE coalesce(r.due, 0) <= ?1 ORDER BY coalesce(r.due, 0), c.id LIMIT ?2");
	query_u64(&q, now);
	query_u64(&q, max);
	while ((rc = query_step(&q, e)) == 1 && n < max)
		rows[n++] = read_refresh(&q);
	query_end(&q);
	if (rc < 0)
		return rc;
	*out = rows;
	*count_out = n;
	return 0;
}
