/* SPDX-License-Identifier: ISC */
/* Domains, kept in A-labels and small letters; what is shown is what was first written. */
#include "store/internal.h"

int
domain_is_known(struct db *db, struct slice key, bool *out, struct error *e)
{
	struct query q = query_begin(db, "SELECT 1 FROM domains WHERE domain = ?1");
	int rc;

	query_bytes(&q, key);
	rc = query_step(&q, e);
	query_end(&q);
	*out = rc == 1;
	return rc < 0 ? rc : 0;
}

int
domain_must_be_ours(struct db *db, struct slice key, struct error *e)
{
	bool known = false;
	int rc = domain_is_known(db, key, &known, e);

	if (rc == 0 && !known)
		rc = error_set(e, ERR_NOT_FOUND,
		    "%.*s is no domain of this server; 'letterlockd domain add' makes it one",
		    (int)size_min(key.len, 100), (const char *)key.data);
	return rc;
}

OP_WRITE_FN(domain_add)
{
	const struct store_domain *in = request;
	struct slice key = SLICE_EMPTY;
	struct query q;
	int rc = domain_key(tx->arena, in->domain, &key, e);

	(void)reply;
	if (rc != 0)
		return rc;
	if (key.len == 0)
		return error_set(e, ERR_SYNTAX, "a domain cannot be empty");
	for (size_t i = 0; i < key.len; i++) {
		if (key.data[i] <= 0x20 || key.data[i] == 0x7f || key.data[i] == '@')
			return error_set_at(e, ERR_SYNTAX, i, "a domain cannot have that character");
	}
	q = query_begin(tx->db, "INSERT INTO domains (domain, shown) VALUES (?1, ?2) ON CONFLICT DO NOTHING");
	query_bytes(&q, key);
	query_bytes(&q, in->domain);
	return query_run(&q, e);
}

/* Who is still in the domain, in a sentence. */
static int
domain_must_be_empty(struct tx *tx, struct slice key, struct error *e)
{
	static const struct {
		const char *sql, *what;
		bool whole; /* asked with "@" before it */
	} rows[] = {
		{ "SELECT shown FROM addresses WHERE domain = ?1 LIMIT 1", "is an address in it" },
		{ "SELECT shown FROM aliases WHERE domain = ?1 LIMIT 1", "is an alias in it" },
		{ "SELECT a.shown FROM alias_targets t JOIN aliases a ON a.address = t.address"
		  " WHERE t.target = ?1 LIMIT 1",
		    "stands for it", true },
	};
	struct slice whole = arena_printf(tx->arena, "@%.*s", (int)key.len, (const char *)key.data);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct query q = query_begin(tx->db, rows[i].sql);
		struct slice shown = SLICE_EMPTY;
		int rc;

		query_bytes(&q, rows[i].whole ? whole : key);
		rc = query_step(&q, e);
		if (rc == 1)
			shown = query_col_bytes(&q, 0, tx->arena);
		query_end(&q);
		if (rc != 0)
			return rc < 0 ? rc
				      : error_set(e, ERR_ORDER, "%.*s %s: remove that first",
					    (int)size_min(shown.len, 150), (const char *)shown.data, rows[i].what);
	}
	return 0;
}

OP_WRITE_FN(domain_remove)
{
	const struct store_domain *in = request;
	struct slice key = SLICE_EMPTY;
	struct query q;
	bool known = false;
	int rc = domain_key(tx->arena, in->domain, &key, e);

	(void)reply;
	if (rc == 0)
		rc = domain_is_known(tx->db, key, &known, e);
	if (rc == 0 && !known)
		rc = error_set(e, ERR_NOT_FOUND, "no such domain");
	if (rc == 0)
		rc = domain_must_be_empty(tx, key, e);
	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "DELETE FROM domains WHERE domain = ?1");
	query_bytes(&q, key);
	return query_run(&q, e);
}

OP_READ_FN(domain_list)
{
	struct store_domains *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct slice) };
	struct query q = query_begin(rx->db, "SELECT shown FROM domains ORDER BY domain");
	struct slice *domain;
	int rc;

	(void)request;
	while ((rc = query_step(&q, e)) == 1 && (domain = rows_add(&rows)) != NULL)
		*domain = query_col_bytes(&q, 0, rx->arena);
	query_end(&q);
	out->domains = rows.data;
	out->domain_count = rows.count;
	return rc < 0 ? rc : 0;
}
