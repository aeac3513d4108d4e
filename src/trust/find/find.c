/* SPDX-License-Identifier: ISC */
#include "trust/find/find.h"

#include <string.h>

#include "trust/find/find_internal.h"

/* ---- our own store ---- */

static void
add_entry(struct finding *f, const struct trust_entry *entry)
{
	const struct find_query *q = f->query;
	struct find_from from = { .source = FIND_STORE, .origin = entry->origin, .where = entry->from };
	struct find_result *r;

	from.only = q->kind == FIND_ADDRESS ? q->text : entry->address_count > 0 ? entry->addresses[0] : SLICE_EMPTY;
	r = find_add(f, &from);
	if (r == NULL)
		return;
	r->fingerprint = entry->fingerprint;
	r->key_id = pgp_fingerprint_key_id(&entry->fingerprint);
	r->outcome = FIND_KNOWN;
}

struct candidates {
	struct finding *f;
	const struct find_query *query;
};

/* Of those with the text in an address, a user ID or the fingerprint: by key ID only where it ends so. */
static int
add_candidate(void *ctx, const struct trust_entry *entry)
{
	const struct candidates *c = ctx;
	uint64_t id = pgp_fingerprint_key_id(&entry->fingerprint);

	if (c->query->kind != FIND_SHORT || (id & UINT32_MAX) == c->query->key_id)
		add_entry(c->f, entry);
	return c->f->report->count == FIND_RESULTS_MAX;
}

static void
list_candidates(struct finding *f)
{
	BUF_OWNED struct buf digits = { .max = 20 };
	struct candidates c = { f, f->query };
	struct trust_list which = { .text = f->query->text };

	if (f->query->kind == FIND_SHORT) {
		(void)buf_putf(&digits, "%08llX", (unsigned long long)f->query->key_id);
		which.text = buf_slice(&digits);
	}
	(void)trust_store_list(f->place->store, &which, add_candidate, &c, NULL);
}

static void
look_at_store(struct finding *f)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	const struct trust_store *s = f->place->store;
	const struct find_query *q = f->query;
	size_t n = 0;

	switch (q->kind) {
	case FIND_ADDRESS:
		n = trust_store_find_address(s, q->text, found, TRUST_CANDIDATES_MAX);
		break;
	case FIND_FINGERPRINT:
		n = trust_store_find_key(s, &q->fingerprint, 0, found, TRUST_CANDIDATES_MAX);
		break;
	case FIND_KEY_ID:
		n = trust_store_find_key(s, NULL, q->key_id, found, TRUST_CANDIDATES_MAX);
		break;
	case FIND_SHORT:
	case FIND_NAME:
		list_candidates(f);
		break;
	}
	for (size_t i = 0; i < n; i++)
		add_entry(f, found[i]);
}

/* ---- one server ---- */

static bool
is_of_domain(struct slice address, const char *domain)
{
	struct slice local, part;

	return domain != NULL && find_split_address(address, &local, &part) && slice_ieq_str(part, domain);
}

static int
ask_server(const struct find_server_question *q, struct error *e)
{
	enum find_kind kind = q->f->query->kind;
	int rc = ERR_UNSUPPORTED;

	if (kind == FIND_SHORT || kind == FIND_NAME)
		return q->server->protocol == FIND_VKS ? 0 : find_candidates(q, e);
	if (kind != FIND_KEY_ID && q->server->protocol == FIND_HKP && !q->f->place->not_private)
		rc = find_private(q, e);
	/* Who offers buckets and fails to give one has not been asked: what waits there may be a revocation. */
	if (rc != ERR_UNSUPPORTED && (rc != ERR_NET || q->f->place->only_private))
		return rc;
	if (q->f->place->only_private)
		return 0;
	return q->server->protocol == FIND_VKS ? find_vks(q, e) : find_hkp(q, e);
}

int
find_at_server(struct finding *f, const struct find_server *s, bool exchange, struct error *e)
{
	struct find_server_question q = { .f = f, .server = s };
	const struct find_query *query = f->query;

	q.from.source = exchange ? FIND_EXCHANGE : FIND_SERVER;
	q.from.origin = TRUST_KEYSERVER;
	if (query->kind == FIND_ADDRESS) {
		q.from.only = query->text;
		/* A directory counts as the address's own only for the domain that it serves. */
		if (exchange && is_of_domain(query->text, f->place->exchange_domain))
			q.from.origin = TRUST_DIRECTORY;
	}
	if (query->kind == FIND_FINGERPRINT)
		q.from.fingerprint = &query->fingerprint;
	if (query->kind == FIND_KEY_ID)
		q.from.key_id = query->key_id;
	return ask_server(&q, e);
}

/* ---- all of them ---- */

/* 0 or the store's own error. */
static int
done(struct finding *f, enum find_source source, const char *where, int rc, const struct error *e)
{
	if (f->fatal != 0)
		return f->fatal;
	if (rc != 0)
		find_failed(f, source, slice_str(where), e);
	else
		f->report->asked |= FIND_BIT(source);
	return 0;
}

static bool
is_enough(const struct finding *f)
{
	return f->place->stop_at_first && f->report->count > 0;
}

static int
ask_one(struct finding *f, const struct find_server *s, bool exchange)
{
	struct error e = { 0 };
	int rc = find_at_server(f, s, exchange, &e);

	return done(f, exchange ? FIND_EXCHANGE : FIND_SERVER, s->host, rc, &e);
}

static bool
wants(const struct finding *f, enum find_source source)
{
	return (f->place->sources & FIND_BIT(source)) != 0 && !is_enough(f);
}

/* Where the exchange is that of the address's domain, the domain has answered already. */
static bool
has_domain_answered(const struct finding *f)
{
	return !f->place->thorough && (f->report->asked & FIND_BIT(FIND_EXCHANGE)) != 0 &&
	    is_of_domain(f->query->text, f->place->exchange_domain);
}

static int
ask_exchange(struct finding *f)
{
	bool wanted = f->place->exchange != NULL && wants(f, FIND_EXCHANGE);

	return wanted ? ask_one(f, f->place->exchange, true) : 0;
}

/* What the address's domain itself says. */
static int
ask_domain(struct finding *f)
{
	struct error e = { 0 };
	int rc = 0;

	if (f->query->kind != FIND_ADDRESS || has_domain_answered(f))
		return 0;
	if (wants(f, FIND_WKD))
		rc = done(f, FIND_WKD, "", find_wkd(f, &e), &e);
	if (rc == 0 && f->place->dns != NULL && wants(f, FIND_DNS))
		rc = done(f, FIND_DNS, "", find_dns(f, &e), &e);
	return rc;
}

/* In this order: who is nearest to the person first, who only passes on last. */
static int
ask_all(struct finding *f)
{
	const struct find_place *p = f->place;
	bool ours = is_of_domain(f->query->text, p->exchange_domain);
	int rc = 0;

	if (wants(f, FIND_STORE)) {
		look_at_store(f);
		rc = done(f, FIND_STORE, "", 0, NULL);
	}
	if (rc == 0 && ours)
		rc = ask_exchange(f);
	if (rc == 0)
		rc = ask_domain(f);
	if (rc == 0 && !ours)
		rc = ask_exchange(f);
	for (size_t i = 0; rc == 0 && i < p->server_count && wants(f, FIND_SERVER); i++)
		rc = ask_one(f, &p->servers[i], false);
	return rc;
}

int
find_run(const struct find_place *place, const struct find_query *query, struct find_report *out, struct error *e)
{
	struct error own = { 0 };
	struct finding f = { .place = place, .query = query, .report = out, .e = e == NULL ? &own : e };

	out->count = out->failure_count = 0;
	out->asked = 0;
	return ask_all(&f);
}
