/* SPDX-License-Identifier: ISC */
/*
 * Whose inboxes mail to an address belongs in. One rule after the other, until
 * one finds somebody:
 *
 *   1. an account has the address, or it is an alias
 *   2. the same without its detail: user+detail@domain is user@domain (RFC 5233)
 *   3. postmaster and abuse (RFC 5321 section 4.5.1, RFC 2142), when the administrator said who reads them
 *   4. what stands for the whole domain: another domain, where the rules begin anew (once), or who gets the rest
 *   5. postmaster and abuse: the first account
 *
 * Mail to a plain address of an account is one look into one index.
 */
#include "store/internal.h"

#define POSTMASTER_DOMAINS_MAX 64 /* that are looked through for who reads mail to "postmaster" without a domain */

struct resolving {
	struct rx *rx;
	const struct store_address_resolve *in;
	uint64_t *accounts;
	size_t count;
	struct slice *elsewhere; /* addresses in foreign domains that an alias leads to */
	size_t elsewhere_count;
	struct slice alias; /* what the address is, when it is one: its senders count, not those of aliases behind it */
	uint32_t senders;
};

static bool
is_found(const struct resolving *r)
{
	return r->count > 0 || r->elsewhere_count > 0;
}

static int
take_one(struct resolving *r, uint64_t account, struct error *e)
{
	r->accounts = arena_array(r->rx->arena, 1, sizeof *r->accounts);
	if (r->accounts == NULL)
		return arena_check(r->rx->arena, e);
	r->accounts[0] = account;
	r->count = 1;
	return 0;
}

static int
find_exact(struct resolving *r, struct slice key, struct error *e)
{
	/* The second half is not looked at when the first has a row. */
	struct query q = query_begin(r->rx->db,
	    "SELECT account, 0 FROM addresses WHERE address = ?1 UNION ALL SELECT 0, senders FROM aliases WHERE address"
	    " = ?1");
	uint64_t account = 0;
	uint32_t senders = 0;
	int rc;

	query_bytes(&q, key);
	rc = query_step(&q, e);
	if (rc == 1) {
		account = query_col_u64(&q, 0);
		senders = query_col_u32(&q, 1);
	}
	query_end(&q);
	if (rc != 1)
		return rc;
	if (account != 0)
		return take_one(r, account, e);
	rc = alias_expand(r->rx->db, r->rx->arena, key, &r->accounts, &r->count, e);
	if (rc == 0)
		rc = alias_expand_elsewhere(r->rx->db, r->rx->arena, key, &r->elsewhere, &r->elsewhere_count, e);
	if (rc == 0 && is_found(r)) {
		r->alias = key;
		r->senders = senders;
	}
	return rc;
}

static int
find_named(struct resolving *r, struct slice key, struct error *e)
{
	int rc = find_exact(r, key, e);
	struct slice shorter;

	if (rc != 0 || is_found(r))
		return rc;
	shorter = address_shortened(r->rx->arena, key, (uint8_t)r->in->separator);
	if (shorter.len == 0)
		return arena_check(r->rx->arena, e);
	return find_exact(r, shorter, e);
}

static int
find_configured_postmaster(struct resolving *r, struct error *e)
{
	struct slice key = SLICE_EMPTY;
	int rc;

	if (r->in->postmaster.len == 0)
		return 0;
	rc = address_key(r->rx->arena, r->in->postmaster, &key, e);
	if (rc == 0)
		rc = find_named(r, key, e);
	r->alias = SLICE_EMPTY; /* anybody may write to the postmaster */
	return rc == ERR_SYNTAX ? 0 : rc;
}

static int
find_first_account(struct resolving *r, struct error *e)
{
	uint64_t account = 0;
	int rc = db_number(r->rx->db, "SELECT account FROM accounts ORDER BY account LIMIT 1", &account, e);

	return rc != 0 || account == 0 ? rc : take_one(r, account, e);
}

/* What stands for all of the key's domain. *domain_out: it is another domain, "@domain". */
static int
find_whole_domain(struct resolving *r, struct slice key, struct slice *domain_out, struct error *e)
{
	struct slice domain = address_domain(key),
		     whole = arena_printf(r->rx->arena, "@%.*s", (int)domain.len, (const char *)domain.data),
		     target = SLICE_EMPTY;
	struct query q = query_begin(r->rx->db, "SELECT target FROM alias_targets WHERE address = ?1 LIMIT 1");
	int rc;

	query_bytes(&q, whole);
	rc = query_step(&q, e);
	if (rc == 1)
		target = query_col_bytes(&q, 0, r->rx->arena);
	query_end(&q);
	if (rc != 1)
		return rc;
	if (!address_is_whole_domain(target))
		return find_exact(r, whole, e);
	*domain_out = target;
	return 0;
}

/* Rules 1 to 4 in one domain of ours. */
static int
find_in_domain(struct resolving *r, struct slice key, struct slice *domain_out, struct error *e)
{
	int rc = address_is_reserved(key) ? find_configured_postmaster(r, e) : 0;

	return rc != 0 || is_found(r) ? rc : find_whole_domain(r, key, domain_out, e);
}

static int
find(struct resolving *r, struct slice key, bool *ours_out, struct error *e)
{
	struct slice other = SLICE_EMPTY;
	int rc = find_named(r, key, e);

	*ours_out = true;
	if (rc != 0 || is_found(r))
		return rc;
	rc = domain_is_known(r->rx->db, address_domain(key), ours_out, e);
	if (rc != 0 || !*ours_out)
		return rc;
	rc = find_in_domain(r, key, &other, e);
	if (rc != 0 || is_found(r) || other.len == 0)
		return rc;
	key = arena_printf(r->rx->arena, "%.*s%.*s", (int)(key.len - address_domain(key).len - 1),
	    (const char *)key.data, (int)other.len, (const char *)other.data);
	rc = find_named(r, key, e);
	/* Only one domain stands behind another one: there it ends. */
	return rc != 0 || is_found(r) ? rc : find_in_domain(r, key, &other, e);
}

/* "postmaster" without a domain: who reads that of any domain of ours. */
static int
find_postmaster(struct resolving *r, struct error *e)
{
	struct rows domains = { .arena = r->rx->arena, .size = sizeof(struct slice) };
	struct query q;
	struct slice *one;
	int rc = find_configured_postmaster(r, e);

	if (rc != 0 || is_found(r))
		return rc;
	q = query_begin(r->rx->db, "SELECT domain FROM domains ORDER BY domain LIMIT ?1");
	query_u64(&q, POSTMASTER_DOMAINS_MAX);
	while ((rc = query_step(&q, e)) == 1 && (one = rows_add(&domains)) != NULL)
		*one = query_col_bytes(&q, 0, r->rx->arena);
	query_end(&q);
	for (size_t i = 0; i < domains.count && rc >= 0 && !is_found(r); i++) {
		struct slice domain = ((struct slice *)domains.data)[i];

		rc = find_exact(
		    r, arena_printf(r->rx->arena, "postmaster@%.*s", (int)domain.len, (const char *)domain.data), e);
	}
	return rc < 0 ? rc : arena_check(r->rx->arena, e);
}

/* Who wrote is known by the password, never by an envelope, which anybody can write. */
static int
may_write(struct resolving *r, bool *may_out, struct error *e)
{
	struct query q;
	int rc;

	*may_out = r->alias.len == 0 || r->senders == STORE_SENDERS_ANYONE;
	if (*may_out || r->in->writer == 0)
		return 0;
	for (size_t i = 0; i < r->count && !*may_out && r->senders == STORE_SENDERS_MEMBERS; i++)
		*may_out = r->accounts[i] == r->in->writer;
	if (r->senders != STORE_SENDERS_DOMAIN)
		return 0;
	q = query_begin(r->rx->db, "SELECT 1 FROM addresses WHERE account = ?1 AND domain = ?2 LIMIT 1");
	query_u64(&q, r->in->writer);
	query_bytes(&q, address_domain(r->alias));
	rc = query_step(&q, e);
	query_end(&q);
	*may_out = rc == 1;
	return rc < 0 ? rc : 0;
}

/* *ours_out: the domain is one of ours. Nobody is found: count is 0. */
static int
resolve(struct resolving *r, bool *ours_out, struct error *e)
{
	struct slice key = SLICE_EMPTY;
	int rc;

	*ours_out = slice_ieq_str(r->in->address, "postmaster");
	if (*ours_out)
		return find_postmaster(r, e);
	rc = address_key(r->rx->arena, r->in->address, &key, e);
	if (rc == ERR_SYNTAX || rc == ERR_LIMIT) /* nobody's, anywhere */
		return 0;
	return rc != 0 ? rc : find(r, key, ours_out, e);
}

OP_READ_FN(address_resolve)
{
	const struct store_address_resolve *in = request;
	struct store_address_resolved *out = reply;
	struct resolving r = { .rx = rx, .in = in };
	bool ours = false, may = true;
	int rc = resolve(&r, &ours, e);

	if (rc == 0 && !is_found(&r) && ours && address_is_reserved(in->address))
		rc = find_first_account(&r, e);
	if (rc == 0)
		rc = may_write(&r, &may, e);
	if (rc != 0)
		return rc;
	out->resolution = !is_found(&r) ? (ours ? STORE_NOBODY : STORE_ELSEWHERE)
	    : may                       ? STORE_RESOLVED
					: STORE_NOT_FOR;
	out->accounts = r.accounts;
	out->account_count = out->resolution == STORE_RESOLVED ? r.count : 0;
	out->elsewhere = r.elsewhere;
	out->elsewhere_count = out->resolution == STORE_RESOLVED ? r.elsewhere_count : 0;
	return 0;
}

/* Whose mail an address alone is, whose address it is: nobody else could answer to it. */
OP_READ_FN(address_owned)
{
	const struct store_address_owned *in = request;
	struct store_owned *out = reply;
	const struct store_address_resolve as = {
		.address = in->address, .writer = in->account, .separator = in->separator, .postmaster = in->postmaster
	};
	struct resolving r = { .rx = rx, .in = &as };
	bool ours = false;
	int rc = resolve(&r, &ours, e);

	out->owned = rc == 0 && r.count == 1 && r.elsewhere_count == 0 && r.accounts[0] == in->account;
	return rc == ERR_LIMIT ? 0 : rc;
}

OP_READ_FN(address_find)
{
	const struct store_address_find *in = request;
	struct store_address_found *out = reply;
	struct resolving r = { .rx = rx };
	struct slice key = SLICE_EMPTY;
	int rc = address_key(rx->arena, in->address, &key, e);

	if (rc == ERR_SYNTAX || rc == ERR_LIMIT)
		return 0;
	if (rc == 0)
		rc = find_exact(&r, key, e);
	if (rc != 0 && rc != ERR_LIMIT)
		return rc;
	out->account = r.count == 1 && r.elsewhere_count == 0 ? r.accounts[0] : 0;
	return domain_is_known(rx->db, address_domain(key), &out->domain_known, e);
}
