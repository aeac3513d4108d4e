/* SPDX-License-Identifier: ISC */
/*
 * Tokens that the key directory sent by mail. Only their hashes are kept; a
 * used one stays until it runs out, so that the pause between two mails to an
 * address holds. Mails for managing have a pause of their own for each
 * certificate: who has letters sent for his own key with somebody else's
 * address must not keep that one's letter for removing from being sent.
 */
#include "os/clock.h"
#include "store/internal.h"

static int
run_with_now(struct tx *tx, const char *sql_literal, struct error *e)
{
	struct query q = query_begin(tx->db, sql_literal);

	query_u64(&q, tx->now);
	return query_run(&q, e);
}

static int
pause_is_over(struct tx *tx, const struct store_token_put *in, struct slice key, struct error *e)
{
	uint32_t pause = in->pause;
	struct query q = query_begin(tx->db,
	    "SELECT 1 FROM directory_tokens WHERE address_key = ?1 AND created > ?2 AND created <= ?3"
	    " AND CASE WHEN ?4 = ?5 THEN kind = ?5 AND fingerprint = ?6 ELSE kind <> ?5 END LIMIT 1");
	int rc;

	query_bytes(&q, key);
	query_u64(&q, tx->now > pause ? tx->now - pause : 0);
	/* One of the future is of a clock that was wrong: it must not hold up anybody for longer. */
	query_u64(&q, tx->now);
	query_u64(&q, in->kind);
	query_u64(&q, STORE_TOKEN_MANAGE);
	query_bytes(&q, in->fingerprint);
	rc = pause == 0 ? 0 : query_step(&q, e);
	query_end(&q);
	if (rc == 1)
		return error_set(e, ERR_LIMIT, "a mail was sent to that address less than %u minutes ago", pause / 60);
	return rc;
}

OP_WRITE_FN(token_put)
{
	const struct store_token_put *in = request;
	struct slice key = fold_ascii(tx->arena, in->address);
	uint64_t count = 0;
	struct query q;
	int rc;

	(void)reply;
	if (in->token.len != STORE_TOKEN_SIZE || in->kind < STORE_TOKEN_VERIFY || in->lifetime == 0)
		return error_set(e, ERR_SYNTAX, "a token needs its hash, its kind and its lifetime");
	rc = run_with_now(tx, "DELETE FROM directory_tokens WHERE expires <= ?1", e);
	if (rc == 0)
		rc = pause_is_over(tx, in, key, e);
	if (rc == 0)
		rc = db_number(tx->db, "SELECT count(*) FROM directory_tokens", &count, e);
	if (rc == 0 && count >= STORE_TOKENS_MAX)
		rc = error_set(e, ERR_LIMIT, "too many mails were sent; come again in an hour");
	if (rc != 0)
		return rc;
	q = query_begin(tx->db,
	    "INSERT OR REPLACE INTO directory_tokens (token, kind, fingerprint, address, address_key, created, "
	    "expires, used)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)");
	query_bytes(&q, in->token);
	query_u64(&q, in->kind);
	query_bytes(&q, in->fingerprint);
	query_bytes(&q, in->address);
	query_bytes(&q, key);
	query_u64(&q, tx->now);
	query_u64(&q, tx->now + in->lifetime);
	return query_run(&q, e);
}

static int
look(struct db *db, struct arena *a, const struct store_token_take *in, uint64_t now, struct store_token *out,
    struct error *e)
{
	struct query q = query_begin(db,
	    "SELECT fingerprint, address FROM directory_tokens WHERE token = ?1 AND kind = ?2 AND used = 0"
	    " AND expires > ?3");
	int rc;

	query_bytes(&q, in->token);
	query_u64(&q, in->kind);
	query_u64(&q, now);
	rc = query_step(&q, e);
	if (rc == 1) {
		out->fingerprint = query_col_bytes(&q, 0, a);
		out->address = query_col_bytes(&q, 1, a);
	}
	query_end(&q);
	if (rc == 0)
		return error_set(e, ERR_NOT_FOUND, "This link was used, or its hour is over: ask for another one.");
	return rc < 0 ? rc : 0;
}

OP_READ_FN(token_look)
{
	return look(rx->db, rx->arena, request, clock_unix(), reply, e);
}

OP_WRITE_FN(token_take)
{
	const struct store_token_take *in = request;
	struct query q;
	int rc = look(tx->db, tx->arena, in, tx->now, reply, e);

	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "UPDATE directory_tokens SET used = 1 WHERE token = ?1");
	query_bytes(&q, in->token);
	return query_run(&q, e);
}
