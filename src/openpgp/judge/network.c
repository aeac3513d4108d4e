/* SPDX-License-Identifier: ISC */
#include "openpgp/judge/network.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openpgp/judge/regex.h"

#define DEPTH_UNLIMITED 255u
#define SLOTS_MIN 64u

enum answer { UNKNOWN, YES, NO };

struct node;

struct edge {
	const struct pgp_certification *c;
	struct node *issuer;
	unsigned used;      /* of its amount, by paths already found */
	enum answer covers; /* the user ID in question */
};

/* From a node to the user ID in question: the best that is known in this round. */
struct suffix {
	unsigned length; /* edges; 0: there is none */
	unsigned amount;
	struct edge *first;
	struct node *next; /* the node behind it */
};

struct node {
	const struct pgp_cert *cert;
	struct node *older;     /* all nodes of the network, the newest first */
	struct node *neighbour; /* the next one that is as far from the user ID */
	enum answer stands;     /* at the reference time */
	bool *revoked;          /* of each component, when that is known */
	bool loaded;
	struct edge *edges; /* into it */
	size_t edge_count;
	struct suffix suffix;
};

struct pgp_network {
	const struct pgp_policy *policy;
	uint64_t at;
	struct pgp_issuers *issuers;
	struct node *newest;
	struct node **slots; /* by address of the certificate; a power of two, at most half full */
	size_t slot_count, count;
	bool closed; /* all certificates are in it from the beginning */
	size_t edge_count;
	struct arena arena;
};

/* Nodes of one distance, in the order in which they were found. */
struct layer {
	struct node *first, *last;
};

/* One question. */
struct search {
	struct pgp_network *n;
	struct node *target;
	struct slice user_id;
	struct layer next; /* of the length that is being found */
	struct error *e;
	int rc;
};

/* ---- nodes ---- */

static struct node **
slot_of(struct node **slots, size_t slot_count, const struct pgp_cert *cert)
{
	/* Certificates are large: the low bits of their addresses say little. */
	size_t at = (size_t)(((uint64_t)(uintptr_t)cert >> 4) * 0x9E3779B97F4A7C15u >> 24);

	for (at &= slot_count - 1; slots[at] != NULL && slots[at]->cert != cert;)
		at = (at + 1) & (slot_count - 1);
	return &slots[at];
}

static bool
grow(struct pgp_network *n)
{
	size_t wanted = n->slot_count == 0 ? SLOTS_MIN : 2 * n->slot_count;
	struct node **slots = mem_array(wanted, sizeof(struct node *));

	if (slots == NULL)
		return false;
	for (struct node *v = n->newest; v != NULL; v = v->older)
		*slot_of(slots, wanted, v->cert) = v;
	mem_free(n->slots);
	n->slots = slots;
	n->slot_count = wanted;
	return true;
}

/* Makes it when it is new; NULL without memory. */
static struct node *
node_of(struct pgp_network *n, const struct pgp_cert *cert)
{
	struct node **slot, *v;

	if (2 * (n->count + 1) > n->slot_count && !grow(n))
		return NULL;
	slot = slot_of(n->slots, n->slot_count, cert);
	if (*slot != NULL)
		return *slot;
	v = arena_alloc(&n->arena, sizeof *v);
	if (v == NULL)
		return NULL;
	*v = (struct node){ .cert = cert, .older = n->newest };
	n->newest = v;
	n->count++;
	*slot = v;
	return v;
}

/* A certificate that a caller names. */
static struct node *
named_node(struct search *s, const struct pgp_cert *cert, const char *refusal)
{
	struct pgp_network *n = s->n;
	struct node *v;

	if (n->closed && (n->count == 0 || *slot_of(n->slots, n->slot_count, cert) == NULL)) {
		s->rc = error_set(s->e, ERR_NOT_FOUND, "%s", refusal);
		return NULL;
	}
	v = node_of(n, cert);
	if (v == NULL)
		s->rc = error_nomem(s->e);
	return v;
}

/* Takes issuers over. */
static int
network_new(struct pgp_issuers *issuers, const struct pgp_policy *policy, uint64_t at, struct pgp_network **out,
    struct error *e)
{
	struct pgp_network *n = mem_alloc(sizeof *n);

	if (n == NULL) {
		pgp_issuers_free(issuers);
		return error_nomem(e);
	}
	n->policy = policy;
	n->at = at;
	n->issuers = issuers;
	arena_init(&n->arena, PGP_NETWORK_EDGES_MAX * 3 * (sizeof(struct node) + sizeof(struct pgp_certification)));
	*out = n;
	return 0;
}

int
pgp_network_from(struct pgp_cert_source source, const struct pgp_policy *policy, uint64_t at, struct pgp_network **out,
    struct error *e)
{
	struct pgp_issuers *issuers;
	int rc = pgp_issuers_from(source, &issuers, e);

	return rc == 0 ? network_new(issuers, policy, at, out, e) : rc;
}

int
pgp_network_new(const struct pgp_certs *certs, const struct pgp_policy *policy, uint64_t at, struct pgp_network **out,
    struct error *e)
{
	struct pgp_issuers *issuers;
	struct pgp_network *n;
	int rc = pgp_issuers_new(certs, &issuers, e);

	if (rc == 0)
		rc = network_new(issuers, policy, at, &n, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < certs->count && rc == 0; i++)
		if (node_of(n, certs->items[i]) == NULL)
			rc = error_nomem(e);
	if (rc != 0) {
		pgp_network_free(n);
		return rc;
	}
	n->closed = true;
	*out = n;
	return 0;
}

void
pgp_network_free(struct pgp_network *n)
{
	if (n == NULL)
		return;
	for (struct node *v = n->newest; v != NULL; v = v->older)
		mem_free(v->edges);
	pgp_issuers_free(n->issuers);
	mem_free(n->slots);
	arena_done(&n->arena);
	mem_free(n);
}

/* ---- edges, when their node is reached ---- */

static void
add_edges(struct search *s, struct node *v, const struct pgp_component *k)
{
	const struct pgp_certification_query q = {
		.target = v->cert, .component = k, .issuers = s->n->issuers, .policy = s->n->policy, .at = s->n->at
	};
	struct pgp_certification *found;
	struct edge *grown;
	size_t count;

	s->rc = pgp_certifications_find(&q, &s->n->arena, &found, &count, s->e);
	if (s->rc != 0 || count == 0)
		return;
	s->n->edge_count += count;
	if (s->n->edge_count > PGP_NETWORK_EDGES_MAX) {
		s->rc =
		    error_set(s->e, ERR_LIMIT, "a web of trust of more than %u certifications", PGP_NETWORK_EDGES_MAX);
		return;
	}
	grown = mem_realloc(v->edges, (v->edge_count + count) * sizeof *grown);
	if (grown == NULL) {
		s->rc = error_nomem(s->e);
		return;
	}
	v->edges = grown;
	for (size_t i = 0; i < count; i++) {
		struct node *issuer = node_of(s->n, found[i].issuer);

		if (issuer == NULL)
			s->rc = error_nomem(s->e);
		v->edges[v->edge_count++] = (struct edge){ .c = &found[i], .issuer = issuer };
	}
}

/* Whether the same user ID stood before it: its certifications were found together. */
static bool
is_double(const struct pgp_cert *c, size_t at)
{
	for (size_t i = 1; i < at; i++)
		if (pgp_component_is_same(&c->components[i], &c->components[at]))
			return true;
	return false;
}

static void
load(struct search *s, struct node *v)
{
	if (v->loaded)
		return;
	for (size_t i = 0; i < v->cert->component_count && s->rc == 0; i++) {
		const struct pgp_component *k = &v->cert->components[i];

		if (i == 0 || (k->kind == PGP_COMPONENT_USER_ID && !is_double(v->cert, i)))
			add_edges(s, v, k);
	}
	v->loaded = s->rc == 0;
}

static unsigned
left(const struct edge *e)
{
	return e->c->amount > e->used ? e->c->amount - e->used : 0;
}

/* Whether it may be part of a path to the user ID. */
static bool
usable(struct search *s, struct edge *e)
{
	if (s->rc != 0 || left(e) == 0 || e->covers == NO)
		return false;
	if (e->covers == UNKNOWN && !e->c->scoped)
		e->covers = YES;
	if (e->covers == UNKNOWN) {
		bool covers = false;

		s->rc = pgp_certification_covers(e->c, s->user_id, &covers, s->e);
		e->covers = covers ? YES : NO;
	}
	return e->covers == YES;
}

/* ---- one round: the best suffix of every node that leads to the user ID ---- */

static unsigned
weaker(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The shorter one stays; of equal ones the stronger. */
static void
offer(struct search *s, struct edge *e, struct node *into, unsigned length, unsigned amount)
{
	struct suffix *mine = &e->issuer->suffix;

	if (mine->length != 0 && (mine->length < length || mine->amount >= amount))
		return;
	if (mine->length == 0) {
		e->issuer->neighbour = NULL;
		*(s->next.first == NULL ? &s->next.first : &s->next.last->neighbour) = e->issuer;
		s->next.last = e->issuer;
	}
	*mine = (struct suffix){ length, amount, e, into };
}

static bool
is_claim(const struct search *s, const struct edge *e)
{
	return e->c->component->kind == PGP_COMPONENT_USER_ID && slice_eq(e->c->component->packet.body, s->user_id);
}

/* The last edges: certifications of the user ID itself. */
static void
first_layer(struct search *s)
{
	struct node *target = s->target;

	load(s, target);
	for (size_t i = 0; i < target->edge_count; i++)
		if (is_claim(s, &target->edges[i]) && usable(s, &target->edges[i]))
			offer(s, &target->edges[i], target, 1, left(&target->edges[i]));
}

/* One edge more in front of what begins at node v. No path comes through the target on its way to it. */
static void
extend(struct search *s, struct node *v, unsigned length)
{
	unsigned amount = v->suffix.amount;

	load(s, v);
	for (size_t i = 0; i < v->edge_count && s->rc == 0; i++) {
		struct edge *e = &v->edges[i];

		if ((e->c->depth >= length || e->c->depth == DEPTH_UNLIMITED) && e->issuer != s->target && usable(s, e))
			offer(s, e, v, length + 1, weaker(left(e), amount));
	}
}

/* ---- roots and paths ---- */

struct root {
	const struct pgp_network_root *given;
	struct node *node;
	unsigned used;
	bool covers;
};

struct roots {
	struct root *items;
	size_t count;
};

/* What a path that begins at this root is worth; 0: there is none. */
static unsigned
worth(const struct root *r)
{
	const struct suffix *x = &r->node->suffix;
	unsigned amount = x->amount;

	if (!r->covers || x->length == 0 || (r->given->depth < x->length && r->given->depth != DEPTH_UNLIMITED))
		return 0;
	if (r->given->amount < PGP_NETWORK_FULL)
		amount = weaker(amount, r->given->amount > r->used ? r->given->amount - r->used : 0);
	return amount;
}

static struct root *
best_root(const struct roots *roots)
{
	struct root *best = NULL;

	for (size_t i = 0; i < roots->count; i++) {
		struct root *r = &roots->items[i];
		unsigned mine = worth(r), other = best == NULL ? 0 : worth(best);

		if (mine > other || (mine > 0 && mine == other && r->node->suffix.length < best->node->suffix.length))
			best = r;
	}
	return best;
}

/* A longer path is worth no more than a full one: then who stands farther off need not be looked at. */
static bool
is_enough(const struct roots *roots)
{
	const struct root *best = best_root(roots);

	return best != NULL && worth(best) >= PGP_NETWORK_FULL;
}

static void
spread(struct search *s, const struct roots *roots)
{
	for (struct node *v = s->n->newest; v != NULL; v = v->older)
		v->suffix = (struct suffix){ 0 };
	/* It ends by itself: each round reaches nodes that no earlier one did. Depth 255 has no end. */
	s->next = (struct layer){ 0 };
	first_layer(s);
	for (unsigned length = 1; s->next.first != NULL && s->rc == 0 && !is_enough(roots); length++) {
		struct node *v = s->next.first;

		s->next = (struct layer){ 0 };
		for (; v != NULL && s->rc == 0; v = v->neighbour)
			extend(s, v, length);
	}
}

/* Takes a step out of the network: several edges between the same two are one voice, and have given this much together. */
static void
use(const struct node *from, unsigned amount)
{
	struct node *into = from->suffix.next;

	for (size_t i = 0; i < into->edge_count; i++)
		if (into->edges[i].issuer == from)
			into->edges[i].used += amount;
}

static void
keep(struct search *s, struct root *r, struct pgp_network_result *out)
{
	struct pgp_network_path *p = &out->paths[out->count];
	const struct node *at = r->node;

	*p = (struct pgp_network_path){ .amount = worth(r), .root = r->given->cert, .count = at->suffix.length };
	p->edges = arena_array(&out->arena, p->count, sizeof *p->edges);
	if (p->edges == NULL) {
		s->rc = error_set(s->e, out->arena.err, "no room for a path");
		return;
	}
	/* By count: the target may be the last but one node as well, when it certifies itself. */
	for (size_t i = 0; i < p->count; i++) {
		p->edges[i] = at->suffix.first->c;
		use(at, p->amount);
		at = at->suffix.next;
	}
	r->used += p->amount;
	out->amount += p->amount;
	out->count++;
}

static void
find_paths(struct search *s, const struct roots *roots, unsigned wanted, struct pgp_network_result *out)
{
	out->paths = arena_array(&out->arena, PGP_NETWORK_PATHS_MAX, sizeof *out->paths);
	if (out->paths == NULL)
		s->rc = error_set(s->e, out->arena.err, "no room for paths");
	while (s->rc == 0 && out->amount < wanted && out->count < PGP_NETWORK_PATHS_MAX) {
		struct root *r;

		spread(s, roots);
		r = s->rc == 0 ? best_root(roots) : NULL;
		if (r == NULL)
			return;
		keep(s, r, out);
	}
}

/* ---- a question ---- */

static bool
matches(struct search *s, const struct pgp_network_root *r)
{
	struct pgp_regex *regex;
	bool match = false;

	if (r->regex.len == 0)
		return true;
	s->rc = pgp_regex_compile(r->regex, &regex, s->e);
	if (s->rc == 0) {
		int rc = pgp_regex_match(regex, s->user_id, &match, s->e);

		s->rc = rc == ERR_NOMEM ? rc : 0;
		pgp_regex_free(regex);
	}
	return match;
}

static void
take_roots(struct search *s, const struct pgp_network_root *given, struct roots *out)
{
	for (size_t i = 0; i < out->count && s->rc == 0; i++) {
		struct root *r = &out->items[i];

		*r = (struct root){ .given = &given[i] };
		r->node = named_node(s, given[i].cert, "a root is not a certificate of the network");
		if (s->rc == 0)
			r->covers = matches(s, &given[i]);
	}
}

static void
forget_last_question(struct pgp_network *n)
{
	for (struct node *v = n->newest; v != NULL; v = v->older)
		for (size_t k = 0; k < v->edge_count; k++) {
			v->edges[k].used = 0;
			v->edges[k].covers = UNKNOWN;
		}
}

static void
judge(struct search *s, struct node *v)
{
	struct pgp_cert_judgement j;

	v->revoked = arena_array(&s->n->arena, v->cert->component_count, sizeof *v->revoked);
	s->rc = v->revoked == NULL ? error_set(s->e, s->n->arena.err, "no room for a web of trust")
				   : pgp_cert_judge(v->cert, s->n->policy, s->n->at, &j, s->e);
	if (s->rc != 0)
		return;
	for (size_t i = 0; i < j.count; i++)
		v->revoked[i] = j.components[i].standing == PGP_STANDING_REVOKED_HARD ||
		    j.components[i].standing == PGP_STANDING_REVOKED_SOFT;
	v->stands = j.standing == PGP_STANDING_GOOD ? YES : NO;
	pgp_cert_judgement_done(&j);
}

/* The certificate stands, and its owner did not revoke the user ID. One without a self-signature will do. */
static bool
is_open(struct search *s)
{
	struct node *v = s->target;

	if (v->stands == UNKNOWN)
		judge(s, v);
	for (size_t i = 1; v->stands == YES && i < v->cert->component_count; i++)
		if (v->revoked[i] && v->cert->components[i].kind == PGP_COMPONENT_USER_ID &&
		    slice_eq(v->cert->components[i].packet.body, s->user_id))
			return false;
	return v->stands == YES;
}

int
pgp_network_authenticate(struct pgp_network *n, const struct pgp_network_root *roots, size_t root_count,
    const struct pgp_cert *target, struct slice user_id, unsigned wanted, struct pgp_network_result *out,
    struct error *e)
{
	MEM_OWNED struct root *own_roots = mem_array(root_count + 1, sizeof *own_roots);
	struct roots all = { own_roots, root_count };
	struct search s = { .n = n, .user_id = user_id, .e = e };

	if (own_roots == NULL)
		return error_nomem(e);
	*out = (struct pgp_network_result){ 0 };
	arena_init(&out->arena, (size_t)PGP_NETWORK_EDGES_MAX * 16 * sizeof(void *));
	s.target = named_node(&s, target, "the certificate is not one of the network");
	if (s.rc == 0) {
		forget_last_question(n);
		take_roots(&s, roots, &all);
	}
	if (s.rc == 0 && is_open(&s))
		find_paths(&s, &all, wanted, out);
	if (s.rc != 0)
		pgp_network_result_done(out);
	return s.rc;
}

void
pgp_network_result_done(struct pgp_network_result *r)
{
	arena_done(&r->arena);
	r->paths = NULL;
	r->count = 0;
}
