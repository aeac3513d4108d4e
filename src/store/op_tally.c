/* SPDX-License-Identifier: ISC */
/* What is counted for reports to other domains: a row for octets that are alike, in the table policy_results. */
#include "store/internal.h"

static int
check_kind(uint32_t kind, struct error *e)
{
	return kind == STORE_TALLY_TLS || kind == STORE_TALLY_DMARC ? 0 : error_set(e, ERR_SYNTAX, "no such tally");
}

static int
add_to_row(struct tx *tx, const struct store_tally *in, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "UPDATE policy_results SET count = count + ?1 WHERE day = ?2 AND domain = ?3 AND kind = ?4 AND result = "
	    "?5");

	query_u64(&q, in->count);
	query_u64(&q, in->day);
	query_bytes(&q, in->domain);
	query_u64(&q, in->kind);
	query_bytes(&q, in->result);
	return query_run(&q, e);
}

/* Nothing, when the day and domain, or the day, have as many rows as they may. */
static int
make_row(struct tx *tx, const struct store_tally *in, struct error *e)
{
	struct query q = query_begin(tx->db,
	    "INSERT INTO policy_results (day, domain, kind, result, count) SELECT ?2, ?3, ?4, ?5, ?1"
	    " WHERE (SELECT count(*) FROM (SELECT 1 FROM policy_results WHERE day = ?2 AND domain = ?3 AND kind = ?4"
	    " LIMIT ?6)) < ?6"
	    " AND (SELECT count(*) FROM (SELECT 1 FROM policy_results WHERE day = ?2 AND kind = ?4 LIMIT ?7)) < ?7");

	query_u64(&q, in->count);
	query_u64(&q, in->day);
	query_bytes(&q, in->domain);
	query_u64(&q, in->kind);
	query_bytes(&q, in->result);
	query_u64(&q, STORE_TALLY_ROWS_MAX);
	query_u64(&q, STORE_TALLY_DAY_ROWS_MAX);
	return query_run(&q, e);
}

OP_WRITE_FN(tally_add)
{
	const struct store_tally *in = request;
	int rc = check_kind(in->kind, e);

	(void)reply;
	if (rc == 0 && (in->domain.len == 0 || in->result.len == 0 || in->count == 0))
		rc = error_set(e, ERR_SYNTAX, "there is nothing to count");
	if (rc == 0)
		rc = add_to_row(tx, in, e);
	return rc != 0 || db_changes(tx->db) > 0 ? rc : make_row(tx, in, e);
}

OP_READ_FN(tally_list)
{
	const struct store_tally_list *in = request;
	struct store_tallies *out = reply;
	struct rows found = { .arena = rx->arena, .size = sizeof(struct store_tally) };
	struct query q;
	int rc = check_kind(in->kind, e);

	if (rc != 0)
		return rc;
	q = query_begin(rx->db,
	    "SELECT day, domain, result, count FROM policy_results WHERE day < ?1 AND kind = ?2"
	    " AND (day, domain, result) > (?3, ?4, ?5) ORDER BY day, domain, kind, result LIMIT ?6");
	query_u64(&q, in->before);
	query_u64(&q, in->kind);
	query_u64(&q, in->after_day);
	query_bytes(&q, in->after_domain);
	query_bytes(&q, in->after_result);
	query_u64(&q, STORE_TALLY_PAGE_MAX + 1);
	while ((rc = query_step(&q, e)) == 1 && found.count < STORE_TALLY_PAGE_MAX) {
		struct store_tally *row = rows_add(&found);

		if (row == NULL)
			break;
		row->kind = in->kind;
		row->day = query_col_u64(&q, 0);
		row->domain = query_col_bytes(&q, 1, rx->arena);
		row->result = query_col_bytes(&q, 2, rx->arena);
		row->count = query_col_u64(&q, 3);
	}
	query_end(&q);
	out->rows = found.data;
	out->row_count = found.count;
	out->more = rc == 1;
	return rc < 0 ? rc : 0;
}

OP_WRITE_FN(tally_remove)
{
	const struct store_tally_day *in = request;
	struct query q;
	int rc = check_kind(in->kind, e);

	(void)reply;
	if (rc != 0)
		return rc;
	if (in->domain.len > 0)
		q = query_begin(tx->db, "DELETE FROM policy_results WHERE day = ?1 AND kind = ?2 AND domain = ?3");
	else
		q = query_begin(tx->db, "DELETE FROM policy_results WHERE day < ?1 AND kind = ?2");
	query_u64(&q, in->day);
	query_u64(&q, in->kind);
	if (in->domain.len > 0)
		query_bytes(&q, in->domain);
	return query_run(&q, e);
}
