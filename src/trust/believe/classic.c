/* SPDX-License-Identifier: ISC */
#include "trust/believe/classic.h"

#include <string.h>

#include "base/mem.h"
#include "openpgp/judge/regex.h"

#define NONE SIZE_MAX

/* A certification, with its issuer's number. */
struct word {
	const struct pgp_certification *c;
	size_t issuer;
};

/* A user ID or attribute: what was said of it, and what that comes to. */
struct claim {
	const struct pgp_component *component;
	bool dead; /* its owner revoked it, or let it expire */
	struct word *words;
	size_t word_count;
	unsigned full, marginal; /* words that counted */
	unsigned amount;
	const struct word *reason; /* the first word that counted */
};

struct node {
	bool loaded;
	bool stands; /* neither expired nor revoked now */
	struct claim *claims;
	size_t claim_count;

	/* Of the present question: */
	enum classic_level given; /* by the person */
	enum classic_level level; /* with what trust signatures made of it */
	bool listed;              /* it may speak in this round */
	bool spoken;              /* it has been listed once */
	bool settled;             /* every user ID is valid, or it does not stand: no more to learn */
	bool reached;             /* a valid user ID in this round */
	uint8_t depth, amount;    /* of the chain of trust signatures that it is in */
	uint32_t chained;         /* when the trust signature that counts was made */
	uint8_t chain_depth, chain_amount;
	const struct pgp_certification *scope, *chain_scope; /* whose regular expression limits what it says */
	const struct claim *reason;                          /* its first valid user ID */
};

struct classic {
	struct trust_ring *ring;
	const struct pgp_policy *policy;
	uint64_t at;
	struct pgp_issuers *issuers;
	struct node **nodes; /* by number in the ring */
	size_t count;
	size_t words;
	struct arena arena;
};

enum classic_level
classic_level_of(uint8_t amount, bool own)
{
	if (own)
		return CLASSIC_ULTIMATE;
	return amount >= CLASSIC_FULL ? CLASSIC_FULLY : amount >= CLASSIC_FULL / 2 ? CLASSIC_MARGINAL : CLASSIC_NOBODY;
}

int
classic_new(
    struct trust_ring *ring, const struct pgp_policy *policy, uint64_t at, struct classic **out, struct error *e)
{
	struct classic *c = mem_alloc(sizeof *c);
	int rc;

	if (c == NULL)
		return error_nomem(e);
	*c = (struct classic){ .ring = ring, .policy = policy, .at = at };
	arena_init(&c->arena, (size_t)PGP_NETWORK_EDGES_MAX * 3 * (sizeof(struct word) + sizeof(struct node)));
	rc = pgp_issuers_from(trust_ring_source(ring), &c->issuers, e);
	if (rc != 0) {
		classic_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
classic_free(struct classic *c)
{
	if (c == NULL)
		return;
	pgp_issuers_free(c->issuers);
	mem_free(c->nodes);
	arena_done(&c->arena);
	mem_free(c);
}

/* ---- loading what leads to the target ---- */

static int
no_room(const struct classic *c, struct error *e)
{
	return error_set(e, c->arena.err, "no room for a web of trust");
}

/* NULL without memory. */
static struct node *
node_of(struct classic *c, size_t number)
{
	if (number >= c->count) {
		size_t count = trust_ring_count(c->ring);
		struct node **nodes = mem_realloc(c->nodes, count * sizeof(struct node *));

		if (nodes == NULL)
			return NULL;
		for (size_t i = c->count; i < count; i++)
			nodes[i] = NULL;
		c->nodes = nodes;
		c->count = count;
	}
	if (c->nodes[number] == NULL) {
		c->nodes[number] = arena_alloc(&c->arena, sizeof(struct node));
		if (c->nodes[number] != NULL)
			*c->nodes[number] = (struct node){ 0 };
	}
	return c->nodes[number];
}

static int
load_words(struct classic *c, const struct pgp_cert *cert, struct claim *claim, struct error *e)
{
	const struct pgp_certification_query q = { .target = cert,
		.component = claim->component,
		.issuers = c->issuers,
		.policy = c->policy,
		.at = c->at,
		.newest_only = true };
	struct pgp_certification *found;
	size_t count;
	int rc = pgp_certifications_find(&q, &c->arena, &found, &count, e);

	if (rc != 0)
		return rc;
	c->words += count;
	if (c->words > PGP_NETWORK_EDGES_MAX)
		return error_set(e, ERR_LIMIT, "a web of trust of more than %u certifications", PGP_NETWORK_EDGES_MAX);
	claim->words = arena_array(&c->arena, count + 1, sizeof *claim->words);
	if (claim->words == NULL)
		return no_room(c, e);
	for (size_t i = 0; i < count; i++) {
		if (found[i].self || (i > 0 && found[i].issuer == found[i - 1].issuer))
			continue;
		claim->words[claim->word_count++] =
		    (struct word){ &found[i], trust_ring_number(c->ring, found[i].issuer) };
	}
	return 0;
}

static bool
is_claim(const struct pgp_cert *cert, size_t at)
{
	const struct pgp_component *k = &cert->components[at];

	if (k->kind != PGP_COMPONENT_USER_ID && k->kind != PGP_COMPONENT_USER_ATTRIBUTE)
		return false;
	for (size_t i = 1; i < at; i++)
		if (pgp_component_is_same(&cert->components[i], k))
			return false;
	return true;
}

static bool
is_dead(enum pgp_standing s)
{
	return s == PGP_STANDING_EXPIRED || s == PGP_STANDING_REVOKED_HARD || s == PGP_STANDING_REVOKED_SOFT;
}

static int
load_claims(struct classic *c, const struct pgp_cert_judgement *j, struct node *v, struct error *e)
{
	int rc = 0;

	v->claims = arena_array(&c->arena, j->count, sizeof *v->claims);
	if (v->claims == NULL)
		return no_room(c, e);
	for (size_t i = 1; i < j->count && rc == 0; i++) {
		struct claim *claim = &v->claims[v->claim_count];

		if (!is_claim(j->cert, i))
			continue;
		*claim =
		    (struct claim){ .component = &j->cert->components[i], .dead = is_dead(j->components[i].standing) };
		v->claim_count++;
		if (!claim->dead)
			rc = load_words(c, j->cert, claim, e);
	}
	return rc;
}

static int
load(struct classic *c, size_t number, struct error *e)
{
	struct node *v = node_of(c, number);
	struct pgp_cert_judgement j;
	int rc;

	if (v == NULL)
		return error_nomem(e);
	if (v->loaded)
		return 0;
	rc = pgp_cert_judge(trust_ring_at(c->ring, number), c->policy, c->at, &j, e);
	if (rc != 0)
		return rc;
	v->stands = j.standing == PGP_STANDING_GOOD;
	v->claim_count = 0;
	if (v->stands)
		rc = load_claims(c, &j, v, e);
	pgp_cert_judgement_done(&j);
	v->loaded = rc == 0;
	return rc;
}

/* A list of numbers, each once. */
struct numbers {
	size_t *items;
	size_t count, room;
	bool *listed; /* by number */
	size_t listed_room;
};

static int
list(struct numbers *l, size_t number, struct error *e)
{
	if (number >= l->listed_room) {
		size_t room = 2 * (number + 64);
		bool *listed = mem_realloc(l->listed, room * sizeof *listed);

		if (listed == NULL)
			return error_nomem(e);
		memset(listed + l->listed_room, 0, (room - l->listed_room) * sizeof *listed);
		l->listed = listed;
		l->listed_room = room;
	}
	if (l->listed[number])
		return 0;
	if (l->count == l->room) {
		size_t room = 2 * (l->room + 32);
		size_t *items = mem_realloc(l->items, room * sizeof *items);

		if (items == NULL)
			return error_nomem(e);
		l->items = items;
		l->room = room;
	}
	l->listed[number] = true;
	l->items[l->count++] = number;
	return 0;
}

static int
list_issuers(struct numbers *l, const struct node *v, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < v->claim_count && rc == 0; i++)
		for (size_t k = 0; k < v->claims[i].word_count && rc == 0; k++)
			rc = list(l, v->claims[i].words[k].issuer, e);
	return rc;
}

/* The target, who certified it, who certified those: as far back as a chain may reach. */
static int
gather(struct classic *c, size_t target, struct numbers *l, struct error *e)
{
	size_t from = 0;
	int rc = list(l, target, e);

	for (unsigned depth = 0; depth <= CLASSIC_DEPTH && rc == 0; depth++) {
		size_t to = l->count;

		for (; from < to && rc == 0; from++) {
			rc = load(c, l->items[from], e);
			if (rc == 0)
				rc = list_issuers(l, c->nodes[l->items[from]], e);
		}
	}
	/* The last ones speak for nobody near enough. */
	l->count = from;
	return rc;
}

/* ---- a round ---- */

struct round {
	struct classic *c;
	const struct numbers *all;
	struct error *e;
	int rc;
};

static void
forget(struct round *r)
{
	for (size_t i = 0; i < r->c->count; i++) {
		struct node *v = r->c->nodes[i];

		if (v == NULL)
			continue;
		for (size_t k = 0; k < v->claim_count; k++) {
			v->claims[k].full = v->claims[k].marginal = v->claims[k].amount = 0;
			v->claims[k].reason = NULL;
		}
		v->given = v->level = CLASSIC_NOBODY;
		v->listed = v->spoken = v->settled = v->reached = false;
		v->depth = v->amount = 0;
		v->scope = NULL;
		v->reason = NULL;
	}
}

/* gpg takes the first regular expression of a signature, and no other. */
static bool
in_scope(struct round *r, const struct node *issuer, const struct claim *claim)
{
	struct slice pattern;
	struct pgp_regex *regex;
	struct pgp_sig s;
	bool match = false;
	int rc;

	if (issuer->scope == NULL)
		return true;
	if (pgp_sig_parse(issuer->scope->sig, &s, NULL) != 0 || !pgp_sig_regex(&s, 0, &pattern))
		return false;
	rc = pgp_regex_compile(pattern, &regex, r->e);
	if (rc == 0) {
		rc = pgp_regex_match(regex, claim->component->packet.body, &match, r->e);
		pgp_regex_free(regex);
	}
	if (rc == ERR_NOMEM)
		r->rc = rc;
	return rc == 0 && match;
}

/* A trust signature carries a chain on, never farther than the chain itself permits; oneself begins one. */
static void
chain(struct node *v, const struct node *issuer, const struct pgp_certification *c)
{
	uint8_t depth = issuer->depth;

	if (c->depth == 0 || v->chained > c->created)
		return;
	if (c->depth < depth || issuer->given == CLASSIC_ULTIMATE)
		depth = c->depth;
	if (depth == 0)
		return;
	v->chained = c->created;
	v->chain_amount = c->amount;
	v->chain_depth = (uint8_t)(depth - 1);
	v->chain_scope = c->scoped ? c : v->chain_scope;
}

static bool
count_word(struct round *r, struct node *v, struct claim *claim, const struct word *w)
{
	const struct node *issuer = w->issuer < r->c->count ? r->c->nodes[w->issuer] : NULL;

	if (issuer == NULL || !issuer->listed || !in_scope(r, issuer, claim))
		return false;
	chain(v, issuer, w->c);
	if (issuer->level == CLASSIC_ULTIMATE)
		claim->full = CLASSIC_COMPLETES;
	else if (issuer->level == CLASSIC_FULLY)
		claim->full++;
	else if (issuer->level == CLASSIC_MARGINAL)
		claim->marginal++;
	if (issuer->level != CLASSIC_NOBODY && claim->reason == NULL)
		claim->reason = w;
	return true;
}

/* What the listed ones say about one user ID. */
static void
hear(struct round *r, struct node *v, struct claim *claim)
{
	bool any = false;

	for (size_t i = 0; i < claim->word_count && r->rc == 0; i++)
		any = count_word(r, v, claim, &claim->words[i]) || any;
	if (!any)
		return;
	if (claim->full >= CLASSIC_COMPLETES || claim->marginal >= CLASSIC_MARGINALS) {
		claim->amount = CLASSIC_FULL;
		v->reached = true;
		v->reason = v->reason == NULL ? claim : v->reason;
	} else {
		claim->amount = claim->marginal * CLASSIC_PART;
	}
}

static void
hear_all(struct round *r, struct node *v)
{
	bool open = false;

	v->reached = false;
	v->chained = 0;
	v->chain_depth = v->chain_amount = 0;
	v->chain_scope = NULL;
	if (v->settled || !v->stands || v->given == CLASSIC_ULTIMATE)
		return;
	for (size_t i = 0; i < v->claim_count && r->rc == 0; i++) {
		if (!v->claims[i].dead)
			hear(r, v, &v->claims[i]);
		open = open || v->claims[i].amount < CLASSIC_FULL;
	}
	v->settled = !open;
}

/* Who became valid in this round speaks in the next, once. */
static bool
list_next(struct round *r)
{
	bool any = false;

	for (size_t i = 0; i < r->all->count; i++) {
		struct node *v = r->c->nodes[r->all->items[i]];
		enum classic_level made;

		v->listed = v->reached && !v->spoken;
		if (!v->listed)
			continue;
		any = v->spoken = true;
		v->depth = v->chain_depth;
		v->amount = v->chain_amount;
		v->scope = v->chain_scope;
		made = classic_level_of(v->amount, false);
		v->level = made > v->given ? made : v->given;
	}
	return any;
}

static void
take_owners(struct round *r, const struct classic_owner *owners, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t number = trust_ring_number(r->c->ring, owners[i].cert);
		struct node *v = number < r->c->count ? r->c->nodes[number] : NULL;

		if (v == NULL || owners[i].level <= v->given)
			continue;
		v->given = v->level = owners[i].level;
		v->listed = v->spoken = v->given == CLASSIC_ULTIMATE && v->stands;
	}
}

static void
hear_everybody(struct round *r, const struct classic_owner *owners, size_t count)
{
	forget(r);
	take_owners(r, owners, count);
	for (unsigned depth = 0; depth < CLASSIC_DEPTH && r->rc == 0; depth++) {
		for (size_t i = 0; i < r->all->count && r->rc == 0; i++)
			hear_all(r, r->c->nodes[r->all->items[i]]);
		if (!list_next(r))
			return;
	}
}

/* ---- the answer ---- */

/* From the issuer back to oneself, one word that counted each. */
static int
put_path(const struct classic *c, const struct word *last, unsigned amount, struct pgp_network_result *out)
{
	struct pgp_network_path *p = &out->paths[out->count];
	const struct word *back[CLASSIC_DEPTH + 1];
	size_t n = 0;

	for (const struct word *w = last; w != NULL && n <= CLASSIC_DEPTH;) {
		const struct node *issuer = c->nodes[w->issuer];

		back[n++] = w;
		w = issuer->given == CLASSIC_ULTIMATE || issuer->reason == NULL ? NULL : issuer->reason->reason;
	}
	*p = (struct pgp_network_path){ .amount = amount, .root = back[n - 1]->c->issuer, .count = n };
	p->edges = arena_array(&out->arena, n, sizeof *p->edges);
	if (p->edges == NULL)
		return out->arena.err;
	for (size_t i = 0; i < n; i++)
		p->edges[i] = back[n - 1 - i]->c;
	out->amount += amount;
	out->count++;
	return 0;
}

/* Words of the full first; of the marginal ones as many as there are. */
static int
put_paths(const struct classic *c, const struct claim *claim, struct pgp_network_result *out)
{
	enum classic_level least = claim->full >= CLASSIC_COMPLETES ? CLASSIC_FULLY : CLASSIC_MARGINAL;
	unsigned worth = least == CLASSIC_FULLY ? CLASSIC_FULL : CLASSIC_PART;
	int rc = 0;

	out->paths = arena_array(&out->arena, claim->word_count + 1, sizeof *out->paths);
	if (out->paths == NULL)
		return out->arena.err;
	for (size_t i = 0; i < claim->word_count && rc == 0 && out->amount < claim->amount; i++) {
		const struct word *w = &claim->words[i];
		const struct node *issuer = w->issuer < c->count ? c->nodes[w->issuer] : NULL;

		if (issuer != NULL && issuer->spoken && issuer->level >= least)
			rc = put_path(c, w, worth, out);
	}
	out->amount = claim->amount;
	return rc;
}

static int
answer(const struct classic *c, const struct node *v, struct slice user_id, struct pgp_network_result *out,
    struct error *e)
{
	for (size_t i = 0; i < v->claim_count; i++) {
		const struct claim *claim = &v->claims[i];

		if (claim->dead || claim->component->kind != PGP_COMPONENT_USER_ID ||
		    !slice_eq(claim->component->packet.body, user_id))
			continue;
		if (v->given == CLASSIC_ULTIMATE) {
			out->amount = CLASSIC_FULL;
			return 0;
		}
		return put_paths(c, claim, out) == 0 ? 0 : error_set(e, out->arena.err, "no room for paths");
	}
	return 0;
}

int
classic_authenticate(struct classic *c, const struct classic_owner *owners, size_t count, const struct pgp_cert *target,
    struct slice user_id, struct pgp_network_result *out, struct error *e)
{
	size_t number = trust_ring_number(c->ring, target);
	struct numbers all = { 0 };
	struct round r = { .c = c, .all = &all, .e = e };

	*out = (struct pgp_network_result){ 0 };
	if (number == NONE)
		return error_set(e, ERR_NOT_FOUND, "the certificate is not one of the ring");
	arena_init(&out->arena, (size_t)PGP_NETWORK_EDGES_MAX * 16 * sizeof(void *));
	r.rc = gather(c, number, &all, e);
	if (r.rc == 0)
		hear_everybody(&r, owners, count);
	if (r.rc == 0 && c->nodes[number]->stands)
		r.rc = answer(c, c->nodes[number], user_id, out, e);
	mem_free(all.items);
	mem_free(all.listed);
	if (r.rc != 0)
		pgp_network_result_done(out);
	return r.rc;
}
