/* SPDX-License-Identifier: ISC */
/*
 * Aliases: an address, or "@domain", that stands for others. What it stands
 * for is there when it is made and cannot go while it is needed; there are no
 * circles, no long chains, and none leads to more accounts than one delivery
 * takes. So resolving one is a bounded walk that always ends somewhere.
 */
#include "store/internal.h"

#define NAMED_MAX 3u /* aliases that a sentence names */

_Static_assert(STORE_ALIAS_DEPTH_MAX == 8u && STORE_ALIAS_ACCOUNTS_MAX == 1000u, "as in the statements");
/* One step more than there may be: so a circle, if ever there is one, ends and is seen. */
#define STEPS "9"

/* All that ?1 leads to, itself included. */
#define REACH \
	"WITH RECURSIVE reach (address, steps) AS (SELECT ?1, 0 UNION SELECT t.target, r.steps + 1 FROM reach r" \
	" JOIN alias_targets t ON t.address = r.address WHERE r.steps < " STEPS ") "
/* All that lead to ?1, itself included. */
#define NEEDED_BY \
	"WITH RECURSIVE needs (address, steps) AS (SELECT ?1, 0 UNION SELECT t.address, n.steps + 1 FROM needs n" \
	" JOIN alias_targets t ON t.target = n.address WHERE n.steps < " STEPS ") "

#define ARGS(s) (int)size_min((s).len, 100), (const char *)(s).data

/* ---- looking ---- */

int
alias_expand(
    struct db *db, struct arena *a, struct slice key, uint64_t **accounts_out, size_t *count_out, struct error *e)
{
	struct query q = query_begin(db,
	    REACH "SELECT DISTINCT d.account FROM reach r JOIN addresses d ON d.address = r.address ORDER BY d.account"
		  " LIMIT 1001");
	struct rows rows = { .arena = a, .size = sizeof(uint64_t) };
	uint64_t *account;
	int rc;

	query_bytes(&q, key);
	while ((rc = query_step(&q, e)) == 1 && (account = rows_add(&rows)) != NULL)
		*account = query_col_u64(&q, 0);
	query_end(&q);
	if (rc >= 0)
		rc = arena_check(a, e);
	if (rc == 0 && rows.count > STORE_ALIAS_ACCOUNTS_MAX)
		rc =
		    error_set(e, ERR_LIMIT, "%.*s leads to more than %u accounts", ARGS(key), STORE_ALIAS_ACCOUNTS_MAX);
	*accounts_out = rows.data;
	*count_out = rows.count;
	return rc;
}

/* What has no row of its own is elsewhere. */
int
alias_expand_elsewhere(
    struct db *db, struct arena *a, struct slice key, struct slice **out, size_t *count_out, struct error *e)
{
	struct query q = query_begin(db,
	    REACH "SELECT DISTINCT r.address FROM reach r WHERE r.steps > 0 AND substr(r.address, 1, 1) <> x'40'"
		  " AND NOT EXISTS (SELECT 1 FROM addresses d WHERE d.address = r.address) AND NOT EXISTS"
		  " (SELECT 1 FROM aliases s WHERE s.address = r.address) AND NOT EXISTS (SELECT 1 FROM domains o WHERE"
		  " o.domain = substr(r.address, instr(r.address, x'40') + 1)) ORDER BY r.address LIMIT 1001");
	struct rows rows = { .arena = a, .size = sizeof(struct slice) };
	struct slice *one;
	int rc;

	query_bytes(&q, key);
	while ((rc = query_step(&q, e)) == 1 && (one = rows_add(&rows)) != NULL)
		*one = query_col_bytes(&q, 0, a);
	query_end(&q);
	if (rc >= 0)
		rc = arena_check(a, e);
	if (rc == 0 && rows.count > STORE_QUEUE_RECIPIENTS_MAX)
		rc = error_set(e, ERR_LIMIT, "%.*s leads to more than %u addresses elsewhere", ARGS(key),
		    STORE_QUEUE_RECIPIENTS_MAX);
	*out = rows.data;
	*count_out = rows.count;
	return rc;
}

int
address_must_be_free(struct db *db, struct slice key, struct error *e)
{
	struct query q = query_begin(
	    db, "SELECT 1 FROM addresses WHERE address = ?1 UNION ALL SELECT 2 FROM aliases WHERE address = ?1");
	uint64_t what = 0;
	int rc;

	query_bytes(&q, key);
	rc = query_step(&q, e);
	if (rc == 1)
		what = query_col_u64(&q, 0);
	query_end(&q);
	if (rc != 1)
		return rc;
	return error_set(e, ERR_EXISTS,
	    what == 1 ? "the address is taken by an account" : "the address is an alias; remove that first");
}

/* The one number of a statement with one parameter. */
static int
number_of(struct db *db, const char *sql, struct slice key, uint64_t *out, struct error *e)
{
	struct query q = query_begin(db, sql);
	int rc;

	query_bytes(&q, key);
	rc = query_step(&q, e);
	*out = rc == 1 ? query_col_u64(&q, 0) : 0;
	query_end(&q);
	return rc < 0 ? rc : 0;
}

/* Answers addresses, of which the first few are named: 0 when there are none, otherwise ERR_ORDER. */
static int
refuse_needed(struct tx *tx, struct query *q, const char *what, struct error *e)
{
	struct slice names = SLICE_EMPTY;
	size_t count = 0;
	int rc;

	while ((rc = query_step(q, e)) == 1 && count < NAMED_MAX) {
		struct slice one = query_col_bytes(q, 0, tx->arena);

		names = arena_printf(tx->arena, "%.*s%s%.*s", (int)names.len, (const char *)names.data,
		    count > 0 ? ", " : "", (int)size_min(one.len, 50), (const char *)one.data);
		count++;
	}
	query_end(q);
	if (rc < 0 || count == 0)
		return rc < 0 ? rc : arena_check(tx->arena, e);
	return error_set(e, ERR_ORDER, "%.*s%s %s %s; see letterlockd alias remove", (int)names.len,
	    (const char *)names.data, rc == 1 ? " and others" : "", count > 1 || rc == 1 ? "lead" : "leads", what);
}

int
alias_must_not_need(struct tx *tx, uint64_t account, struct slice key, struct error *e)
{
	struct query q;

	if (key.len > 0) {
		q = query_begin(tx->db,
		    "SELECT a.shown FROM alias_targets t JOIN aliases a ON a.address = t.address WHERE t.target = ?1"
		    " ORDER BY t.address LIMIT 4");
		query_bytes(&q, key);
		return refuse_needed(tx, &q, "there", e);
	}
	q = query_begin(tx->db,
	    "SELECT DISTINCT a.shown FROM addresses d JOIN alias_targets t ON t.target = d.address"
	    " JOIN aliases a ON a.address = t.address WHERE d.account = ?1 LIMIT 4");
	query_u64(&q, account);
	return refuse_needed(tx, &q, "to the account", e);
}

int
alias_targets_rename(struct tx *tx, struct slice from, struct slice to, struct error *e)
{
	struct query q;
	struct slice key = SLICE_EMPTY;
	int rc = address_key(tx->arena, to, &key, e);

	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "UPDATE alias_targets SET target = ?2 WHERE target = ?1");
	query_bytes(&q, from);
	query_bytes(&q, key);
	return query_run(&q, e);
}

/* ---- adding ---- */

/* An account's address, another alias, or in a foreign domain. */
static int
target_must_be_there(struct tx *tx, struct slice key, struct slice shown, struct error *e)
{
	bool ours = false;
	struct error taken;
	int rc = address_must_be_free(tx->db, key, &taken);

	if (rc == ERR_EXISTS)
		return 0;
	if (rc == 0)
		rc = domain_is_known(tx->db, address_domain(key), &ours, e);
	else
		*e = taken;
	if (rc != 0)
		return rc;
	return !ours ? 0 : error_set(e, ERR_NOT_FOUND, "nobody here has the address %.*s", ARGS(shown));
}

/* "@domain" as what stands behind "@domain": one domain of ours, which is not itself another one. */
static int
domain_target_check(struct tx *tx, struct slice key, struct slice target, struct error *e)
{
	uint64_t chained = 0;
	int rc;

	if (!address_is_whole_domain(key))
		return error_set(e, ERR_POLICY, "only all of a domain can stand for a domain: @domain for @domain");
	rc = domain_must_be_ours(tx->db, address_domain(target), e);
	if (rc == 0)
		rc = number_of(tx->db,
		    "SELECT count(*) FROM alias_targets WHERE address = ?1 AND substr(target, 1, 1) = x'40'", target,
		    &chained, e);
	if (rc == 0 && chained == 0)
		rc = number_of(tx->db, "SELECT count(*) FROM alias_targets WHERE target = ?1", key, &chained, e);
	if (rc == 0 && chained > 0)
		rc = error_set(e, ERR_POLICY, "a domain that stands for another one cannot have a third one behind it");
	return rc;
}

static int
circle_check(struct tx *tx, struct slice key, struct slice target, struct slice shown, struct error *e)
{
	struct query q = query_begin(tx->db, REACH "SELECT 1 FROM reach WHERE address = ?2 LIMIT 1");
	int rc;

	query_bytes(&q, target);
	query_bytes(&q, key);
	rc = query_step(&q, e);
	query_end(&q);
	if (rc == 1)
		return error_set(
		    e, ERR_POLICY, "%.*s leads back to %.*s: mail would go in a circle", ARGS(shown), ARGS(key));
	return rc;
}

/* Under what a target is kept. What is before the @ of a foreign address is not ours to change (RFC 5321 section 2.4). */
static int
target_key(struct tx *tx, struct slice shown, struct slice *out, struct error *e)
{
	struct slice key = SLICE_EMPTY, domain;
	bool ours = true;
	int rc = address_key(tx->arena, shown, &key, e);

	if (rc == 0 && !address_is_whole_domain(key))
		rc = domain_is_known(tx->db, address_domain(key), &ours, e);
	*out = key;
	if (rc != 0 || ours)
		return rc;
	domain = address_domain(key);
	*out = arena_printf(tx->arena, "%.*s@%.*s", (int)(shown.len - address_domain(shown).len - 1),
	    (const char *)shown.data, (int)domain.len, (const char *)domain.data);
	return arena_check(tx->arena, e);
}

static int
target_add(struct tx *tx, struct slice key, struct slice shown, struct error *e)
{
	struct slice target = SLICE_EMPTY;
	struct query q;
	int rc = alias_check(shown, e);

	if (rc == 0)
		rc = target_key(tx, shown, &target, e);
	if (rc == 0)
		rc = circle_check(tx, key, target, shown, e);
	if (rc == 0)
		rc = address_is_whole_domain(target) ? domain_target_check(tx, key, target, e)
						     : target_must_be_there(tx, target, shown, e);
	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "INSERT INTO alias_targets (address, target) VALUES (?1, ?2) ON CONFLICT DO NOTHING");
	query_bytes(&q, key);
	query_bytes(&q, target);
	return query_run(&q, e);
}

/* The alias as it is now: it has something behind it, and either addresses or one domain. */
static int
targets_check(struct tx *tx, struct slice key, struct error *e)
{
	uint64_t all = 0, domains = 0, senders = STORE_SENDERS_ANYONE;
	int rc = number_of(tx->db, "SELECT count(*) FROM alias_targets WHERE address = ?1", key, &all, e);

	if (rc == 0)
		rc = number_of(tx->db,
		    "SELECT count(*) FROM alias_targets WHERE address = ?1 AND substr(target, 1, 1) = x'40'", key,
		    &domains, e);
	if (rc == 0 && domains > 0)
		rc = number_of(tx->db, "SELECT senders FROM aliases WHERE address = ?1", key, &senders, e);
	if (rc != 0)
		return rc;
	if (all == 0)
		return error_set(
		    e, ERR_ORDER, "an alias stands for at least one address; name none of them to remove it whole");
	if (all > STORE_ALIAS_TARGETS_MAX)
		return error_set(e, ERR_LIMIT, "an alias stands for at most %u addresses", STORE_ALIAS_TARGETS_MAX);
	if (domains > 0 && all > 1)
		return error_set(e, ERR_POLICY, "a domain that stands for another one stands for nothing else");
	if (senders != STORE_SENDERS_ANYONE)
		return error_set(e, ERR_POLICY, "who may write is said of the addresses in the other domain");
	return 0;
}

/* It, and all that need it, still lead to few enough in few enough steps. */
static int
reach_check(struct tx *tx, struct slice key, struct error *e)
{
	struct rows needs = { .arena = tx->arena, .size = sizeof(struct slice) };
	struct query q = query_begin(tx->db, NEEDED_BY "SELECT DISTINCT address FROM needs");
	uint64_t above = 0, below = 0, *accounts;
	struct slice *one, *elsewhere;
	size_t count;
	int rc;

	query_bytes(&q, key);
	while ((rc = query_step(&q, e)) == 1 && (one = rows_add(&needs)) != NULL)
		*one = query_col_bytes(&q, 0, tx->arena);
	query_end(&q);
	if (rc >= 0)
		rc = number_of(tx->db, NEEDED_BY "SELECT max(steps) FROM needs", key, &above, e);
	if (rc == 0)
		rc = number_of(tx->db, REACH "SELECT max(steps) FROM reach", key, &below, e);
	if (rc == 0 && above + below > STORE_ALIAS_DEPTH_MAX)
		rc = error_set(e, ERR_LIMIT, "aliases of aliases go at most %u steps deep", STORE_ALIAS_DEPTH_MAX);
	for (size_t i = 0; i < needs.count && rc == 0; i++) {
		rc = alias_expand(tx->db, tx->arena, ((struct slice *)needs.data)[i], &accounts, &count, e);
		if (rc == 0)
			rc = alias_expand_elsewhere(
			    tx->db, tx->arena, ((struct slice *)needs.data)[i], &elsewhere, &count, e);
	}
	return rc;
}

static int
alias_insert(struct tx *tx, const struct store_alias_add *in, struct slice key, struct error *e)
{
	struct query q;
	int rc = address_must_be_free(tx->db, key, e);

	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "INSERT INTO aliases (address, shown, domain, senders) VALUES (?1, ?2, ?3, ?4)");
	query_bytes(&q, key);
	query_bytes(&q, in->address);
	query_bytes(&q, address_domain(key));
	query_u64(&q, in->senders == 0 ? STORE_SENDERS_ANYONE : in->senders);
	return query_run(&q, e);
}

static int
alias_set_senders(struct tx *tx, struct slice key, uint32_t senders, struct error *e)
{
	struct query q;

	if (senders == 0)
		return 0;
	q = query_begin(tx->db, "UPDATE aliases SET senders = ?2 WHERE address = ?1");
	query_bytes(&q, key);
	query_u64(&q, senders);
	return query_run(&q, e);
}

/* Makes it, or changes who may write to the one that is there. */
static int
alias_put(struct tx *tx, const struct store_alias_add *in, struct slice key, struct error *e)
{
	uint64_t there = 0;
	int rc = number_of(tx->db, "SELECT count(*) FROM aliases WHERE address = ?1", key, &there, e);

	if (rc != 0)
		return rc;
	if (there != 0)
		return alias_set_senders(tx, key, in->senders, e);
	if (in->target_count == 0)
		return error_set(
		    e, ERR_ORDER, "there is no alias %.*s yet: say for whom it is to stand", ARGS(in->address));
	return alias_insert(tx, in, key, e);
}

OP_WRITE_FN(alias_add)
{
	const struct store_alias_add *in = request;
	struct slice key = SLICE_EMPTY;
	int rc = alias_check(in->address, e);

	(void)reply;
	if (rc == 0 && in->senders > STORE_SENDERS_ANYONE && address_is_reserved(in->address))
		rc = error_set(
		    e, ERR_POLICY, "anyone must be able to write to postmaster and abuse (RFC 5321, RFC 2142)");
	if (rc == 0)
		rc = address_key(tx->arena, in->address, &key, e);
	if (rc == 0)
		rc = domain_must_be_ours(tx->db, address_domain(key), e);
	if (rc == 0)
		rc = alias_put(tx, in, key, e);
	for (size_t i = 0; i < in->target_count && rc == 0; i++)
		rc = target_add(tx, key, in->targets[i], e);
	if (rc == 0)
		rc = targets_check(tx, key, e);
	return rc != 0 ? rc : reach_check(tx, key, e);
}

/* ---- removing ---- */

static int
target_remove(struct tx *tx, struct slice key, struct slice shown, struct error *e)
{
	struct slice target = SLICE_EMPTY;
	struct query q;
	int rc = target_key(tx, shown, &target, e);

	if (rc != 0)
		return rc;
	q = query_begin(tx->db, "DELETE FROM alias_targets WHERE address = ?1 AND target = ?2 RETURNING 1");
	query_bytes(&q, key);
	query_bytes(&q, target);
	rc = query_step(&q, e);
	if (rc == 1)
		return query_run(&q, e);
	return rc < 0 ? rc : error_set(e, ERR_NOT_FOUND, "the alias does not stand for %.*s", ARGS(shown));
}

static int
alias_remove_whole(struct tx *tx, struct slice key, struct error *e)
{
	static const char *const statements[] = {
		"DELETE FROM alias_targets WHERE address = ?1",
		"DELETE FROM aliases WHERE address = ?1",
	};
	int rc = alias_must_not_need(tx, 0, key, e);

	for (size_t i = 0; i < sizeof statements / sizeof statements[0] && rc == 0; i++) {
		struct query q = query_begin(tx->db, statements[i]);

		query_bytes(&q, key);
		rc = query_run(&q, e);
	}
	return rc;
}

OP_WRITE_FN(alias_remove)
{
	const struct store_alias_remove *in = request;
	struct slice key = SLICE_EMPTY;
	uint64_t there = 0;
	int rc = address_key(tx->arena, in->address, &key, e);

	(void)reply;
	if (rc == 0)
		rc = number_of(tx->db, "SELECT count(*) FROM aliases WHERE address = ?1", key, &there, e);
	if (rc == 0 && there == 0)
		rc = error_set(e, ERR_NOT_FOUND, "no such alias");
	if (rc != 0 || in->target_count == 0)
		return rc != 0 ? rc : alias_remove_whole(tx, key, e);
	for (size_t i = 0; i < in->target_count && rc == 0; i++)
		rc = target_remove(tx, key, in->targets[i], e);
	return rc != 0 ? rc : targets_check(tx, key, e);
}

/* ---- listing ---- */

static int
fill_targets(struct rx *rx, struct slice key, struct store_alias *out, struct error *e)
{
	struct query q = query_begin(rx->db,
	    "SELECT coalesce((SELECT shown FROM addresses WHERE address = t.target),"
	    " (SELECT shown FROM aliases WHERE address = t.target), t.target) FROM alias_targets t WHERE t.address = ?1"
	    " ORDER BY t.target LIMIT 1000");
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct slice) };
	struct slice *one;
	uint64_t *accounts;
	size_t count = 0;
	int rc;

	query_bytes(&q, key);
	while ((rc = query_step(&q, e)) == 1 && (one = rows_add(&rows)) != NULL)
		*one = query_col_bytes(&q, 0, rx->arena);
	query_end(&q);
	out->targets = rows.data;
	out->target_count = rows.count;
	if (rc >= 0)
		rc = alias_expand(rx->db, rx->arena, key, &accounts, &count, e);
	out->accounts = (uint32_t)size_min(count, STORE_ALIAS_ACCOUNTS_MAX);
	return rc == ERR_LIMIT ? 0 : rc;
}

/* Of a page: the keys, with who may write; the rest is filled in afterwards. */
static struct query
begin_list(struct rx *rx, struct slice after, struct slice target, size_t limit)
{
	struct query q;

	if (target.len > 0) {
		q = query_begin(rx->db,
		    "SELECT a.address, a.shown, a.senders FROM alias_targets t JOIN aliases a ON a.address = t.address"
		    " WHERE t.target = ?3 AND t.address > ?1 ORDER BY t.address LIMIT ?2");
	} else {
		q = query_begin(
		    rx->db, "SELECT address, shown, senders FROM aliases WHERE address > ?1 ORDER BY address LIMIT ?2");
	}
	query_bytes(&q, after);
	query_u64(&q, limit);
	if (target.len > 0)
		query_bytes(&q, target);
	return q;
}

OP_READ_FN(alias_list)
{
	const struct store_alias_list *in = request;
	struct store_aliases *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_alias) },
		    keys = { .arena = rx->arena, .size = sizeof(struct slice) };
	size_t limit = page_limit(in->limit, STORE_ALIAS_PAGE_MAX);
	struct slice after = SLICE_EMPTY, target = SLICE_EMPTY, *key;
	struct store_alias *row;
	struct query q;
	int rc = address_key(rx->arena, in->after, &after, e);

	if (rc == 0)
		rc = address_key(rx->arena, in->target, &target, e);
	if (rc != 0)
		return rc;
	q = begin_list(rx, after, target, limit + 1);
	while ((rc = query_step(&q, e)) == 1 && rows.count < limit && (row = rows_add(&rows)) != NULL &&
	    (key = rows_add(&keys)) != NULL) {
		*key = query_col_bytes(&q, 0, rx->arena);
		row->address = query_col_bytes(&q, 1, rx->arena);
		row->senders = query_col_u32(&q, 2);
	}
	query_end(&q);
	out->more = rc == 1;
	out->rows = rows.data;
	out->row_count = rows.count;
	for (size_t i = 0; i < keys.count && rc >= 0; i++)
		rc = fill_targets(rx, ((struct slice *)keys.data)[i], &out->rows[i], e);
	return rc < 0 ? rc : arena_check(rx->arena, e);
}
