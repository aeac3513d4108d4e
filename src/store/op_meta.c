/* SPDX-License-Identifier: ISC */
#include "store/internal.h"
#include "store/migrate.h"

OP_READ_FN(meta_get)
{
	const struct store_meta_key *in = request;
	struct store_meta_value *out = reply;
	struct query q = query_begin(rx->db, "SELECT value FROM meta WHERE key = ?1");
	int rc;

	query_bytes(&q, in->key);
	rc = query_step(&q, e);
	out->found = rc == 1;
	if (rc == 1)
		out->value = query_col_bytes(&q, 0, rx->arena);
	query_end(&q);
	return rc < 0 ? rc : 0;
}

OP_WRITE_FN(meta_put)
{
	const struct store_meta_put *in = request;
	struct query q;

	(void)reply;
	if (in->key.len == 0)
		return error_set(e, ERR_SYNTAX, "a key cannot be empty");
	if (in->value.len == 0)
		q = query_begin(tx->db, "DELETE FROM meta WHERE key = ?1");
	else
		q = query_begin(tx->db,
		    "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = "
		    "excluded.value");
	query_bytes(&q, in->key);
	if (in->value.len > 0)
		query_bytes(&q, in->value);
	return query_run(&q, e);
}

OP_READ_FN(info)
{
	struct store_info *out = reply;
	int rc = db_number(rx->db, "SELECT count(*) FROM accounts", &out->accounts, e);

	(void)request;
	if (rc == 0)
		rc = db_number(rx->db, "SELECT coalesce(sum(messages), 0) FROM mailboxes", &out->messages, e);
	if (rc == 0)
		rc = db_number(rx->db, "SELECT count(*) FROM bodies", &out->bodies, e);
	if (rc == 0)
		rc = db_number(rx->db, "SELECT coalesce(sum(length), 0) FROM bodies", &out->body_octets, e);
	if (rc == 0)
		rc = db_number(rx->db, "SELECT count(*) FROM certificates", &out->certificates, e);
	out->schema_version = SCHEMA_VERSION;
	out->commits = atomic_load(&rx->s->committer.commits);
	out->writes = atomic_load(&rx->s->committer.writes);
	return rc;
}
