/* SPDX-License-Identifier: ISC */
#include "openpgp/judge/network.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openpgp/judge/regex.h"

#define DEPTH_UNLIMITED 255u
#define NOBODY SIZE_MAX

enum answer { UNKNOWN, YES, NO };

struct edge {
	const struct pgp_certification *c;
	size_t issuer;      /* node */
	unsigned used;      /* of its amount, by paths already found */
	enum answer covers; /* the user ID in question */
};

/* From a node to the user ID in question: the best that is known in this round. */
struct suffix {
	unsigned length; /* edges; 0: there is none */
	unsigned amount;
	struct edge *first;
	size_t next; /* the node behind it */
};

struct node {
	const struct pgp_cert *cert;
	enum answer stands; /* at the reference time */
	bool *revoked;      /* of each component, when that is known */
	bool loaded;
	struct edge *edges; /* into it */
	size_t edge_count;
	struct suffix suffix;
};

struct pgp_network {
	const struct pgp_policy *policy;
	uint64_t at;
	struct pgp_issuers *issuers;
	struct node *nodes; /* by address of the certificate */
	size_t count;
	size_t edge_count;
	struct arena arena;
};

/* One question. */
struct search {
	struct pgp_network *n;
	size_t target;
	struct slice user_id;
	size_t *frontier, *next_frontier; /* nodes of this length and of the next */
	size_t frontier_count, next_count;
	struct error *e;
	int rc;
};

static int
by_address(const void *a, const void *b)
{
	const struct node *p = a, *q = b;

	return (uintptr_t)p->cert < (uintptr_t)q->cert ? -1 : (uintptr_t)p->cert > (uintptr_t)q->cert ? 1 : 0;
}

int
pgp_network_new(const struct pgp_certs *certs, const struct pgp_policy *policy, uint64_t at, struct pgp_network **out,
    struct error *e)
{
	struct pgp_network *n = mem_alloc(sizeof *n);
	int rc;

	if (n == NULL)
		return error_nomem(e);
	n->policy = policy;
	n->at = at;
	arena_init(&n->arena, PGP_NETWORK_EDGES_MAX * 2 * (sizeof(struct edge) + sizeof(struct pgp_certification)));
	n->nodes = mem_array(certs->count + 1, sizeof *n->nodes);
	rc = n->nodes == NULL ? error_nomem(e) : pgp_issuers_new(certs, &n->issuers, e);
	if (rc != 0) {
		pgp_network_free(n);
		return rc;
	}
	for (; n->count < certs->count; n->count++)
		n->nodes[n->count].cert = certs->items[n->count];
	if (n->count > 1)
		qsort(n->nodes, n->count, sizeof *n->nodes, by_address);
	*out = n;
	return 0;
}

void
pgp_network_free(struct pgp_network *n)
{
	if (n == NULL)
		return;
	for (size_t i = 0; i < n->count; i++)
		mem_free(n->nodes[i].edges);
	pgp_issuers_free(n->issuers);
	mem_free(n->nodes);
	arena_done(&n->arena);
	mem_free(n);
}

static size_t
node_of(const struct pgp_network *n, const struct pgp_cert *cert)
{
	const struct node key = { .cert = cert };
	const struct node *found = bsearch(&key, n->nodes, n->count, sizeof key, by_address);

	return found == NULL ? NOBODY : (size_t)(found - n->nodes);
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
	for (size_t i = 0; i < count; i++)
		v->edges[v->edge_count++] = (struct edge){ .c = &found[i], .issuer = node_of(s->n, found[i].issuer) };
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
	if (s->rc != 0 || e->issuer == NOBODY || left(e) == 0 || e->covers == NO)
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
offer(struct search *s, struct edge *e, size_t into, unsigned length, unsigned amount)
{
	struct suffix *mine = &s->n->nodes[e->issuer].suffix;

	if (mine->length != 0 && (mine->length < length || mine->amount >= amount))
		return;
	if (mine->length == 0)
		s->next_frontier[s->next_count++] = e->issuer;
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
	struct node *target = &s->n->nodes[s->target];

	load(s, target);
	for (size_t i = 0; i < target->edge_count; i++)
		if (is_claim(s, &target->edges[i]) && usable(s, &target->edges[i]))
			offer(s, &target->edges[i], s->target, 1, left(&target->edges[i]));
}

/* One edge more in front of what begins at node at. No path comes through the target on its way to it. */
static void
extend(struct search *s, size_t at, unsigned length)
{
	struct node *v = &s->n->nodes[at];
	unsigned amount = v->suffix.amount;

	load(s, v);
	for (size_t i = 0; i < v->edge_count && s->rc == 0; i++) {
		struct edge *e = &v->edges[i];

		if ((e->c->depth >= length || e->c->depth == DEPTH_UNLIMITED) && e->issuer != s->target && usable(s, e))
			offer(s, e, at, length + 1, weaker(left(e), amount));
	}
}

static void
spread(struct search *s)
{
	for (size_t i = 0; i < s->n->count; i++)
		s->n->nodes[i].suffix = (struct suffix){ 0 };
	/* It ends by itself: each round reaches nodes that no earlier one did. Depth 255 has no end. */
	s->next_count = 0;
	first_layer(s);
	for (unsigned length = 1; s->next_count > 0 && s->rc == 0; length++) {
		size_t *swap = s->frontier;

		s->frontier = s->next_frontier;
		s->frontier_count = s->next_count;
		s->next_frontier = swap;
		s->next_count = 0;
		for (size_t i = 0; i < s->frontier_count && s->rc == 0; i++)
			extend(s, s->frontier[i], length);
	}
}

/* ---- roots and paths ---- */

struct root {
	const struct pgp_network_root *given;
	size_t node;
	unsigned used;
	bool covers;
};

/* What a path that begins at this root is worth; 0: there is none. */
static unsigned
worth(const struct search *s, const struct root *r)
{
	const struct suffix *x = &s->n->nodes[r->node].suffix;
	unsigned amount = x->amount;

	if (!r->covers || x->length == 0 || (r->given->depth < x->length && r->given->depth != DEPTH_UNLIMITED))
		return 0;
	if (r->given->amount < PGP_NETWORK_FULL)
		amount = weaker(amount, r->given->amount > r->used ? r->given->amount - r->used : 0);
	return amount;
}

static struct root *
best_root(const struct search *s, struct root *roots, size_t count)
{
	struct root *best = NULL;

	for (size_t i = 0; i < count; i++) {
		unsigned mine = worth(s, &roots[i]), other = best == NULL ? 0 : worth(s, best);

		if (mine > other ||
		    (mine > 0 && mine == other &&
			s->n->nodes[roots[i].node].suffix.length < s->n->nodes[best->node].suffix.length))
			best = &roots[i];
	}
	return best;
}

/* Takes a step out of the network: several edges between the same two are one voice, and have given this much together. */
static void
use(struct search *s, size_t from, unsigned amount)
{
	struct node *into = &s->n->nodes[s->n->nodes[from].suffix.next];

	for (size_t i = 0; i < into->edge_count; i++)
		if (into->edges[i].issuer == from)
			into->edges[i].used += amount;
}

static void
keep(struct search *s, struct root *r, struct pgp_network_result *out)
{
	struct pgp_network_path *p = &out->paths[out->count];
	size_t at = r->node;

	*p = (struct pgp_network_path){
		.amount = worth(s, r), .root = r->given->cert, .count = s->n->nodes[at].suffix.length
	};
	p->edges = arena_array(&out->arena, p->count, sizeof *p->edges);
	if (p->edges == NULL) {
		s->rc = error_set(s->e, out->arena.err, "no room for a path");
		return;
	}
	/* By count: the target may be the last but one node as well, when it certifies itself. */
	for (size_t i = 0; i < p->count; i++) {
		const struct suffix *x = &s->n->nodes[at].suffix;

		p->edges[i] = x->first->c;
		use(s, at, p->amount);
		at = x->next;
	}
	r->used += p->amount;
	out->amount += p->amount;
	out->count++;
}

static void
find_paths(struct search *s, struct root *roots, size_t count, unsigned wanted, struct pgp_network_result *out)
{
	out->paths = arena_array(&out->arena, PGP_NETWORK_PATHS_MAX, sizeof *out->paths);
	if (out->paths == NULL)
		s->rc = error_set(s->e, out->arena.err, "no room for paths");
	while (s->rc == 0 && out->amount < wanted && out->count < PGP_NETWORK_PATHS_MAX) {
		struct root *r;

		spread(s);
		r = s->rc == 0 ? best_root(s, roots, count) : NULL;
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
take_roots(struct search *s, const struct pgp_network_root *given, size_t count, struct root *out)
{
	for (size_t i = 0; i < count && s->rc == 0; i++) {
		out[i] = (struct root){ .given = &given[i], .node = node_of(s->n, given[i].cert) };
		if (out[i].node == NOBODY)
			s->rc = error_set(s->e, ERR_NOT_FOUND, "a root is not a certificate of the network");
		else
			out[i].covers = matches(s, &given[i]);
	}
}

static void
forget_last_question(struct pgp_network *n)
{
	for (size_t i = 0; i < n->count; i++)
		for (size_t k = 0; k < n->nodes[i].edge_count; k++) {
			n->nodes[i].edges[k].used = 0;
			n->nodes[i].edges[k].covers = UNKNOWN;
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
	struct node *v = &s->n->nodes[s->target];

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
	MEM_OWNED size_t *frontiers = mem_array(2 * (n->count + 1), sizeof *frontiers);
	MEM_OWNED struct root *own_roots = mem_array(root_count + 1, sizeof *own_roots);
	struct search s = { .n = n, .target = node_of(n, target), .user_id = user_id, .e = e };

	if (frontiers == NULL || own_roots == NULL)
		return error_nomem(e);
	if (s.target == NOBODY)
		return error_set(e, ERR_NOT_FOUND, "the certificate is not one of the network");
	*out = (struct pgp_network_result){ 0 };
	arena_init(&out->arena, (size_t)PGP_NETWORK_EDGES_MAX * 16 * sizeof(void *));
	s.frontier = frontiers;
	s.next_frontier = frontiers + n->count + 1;
	forget_last_question(n);
	take_roots(&s, roots, root_count, own_roots);
	if (s.rc == 0 && is_open(&s))
		find_paths(&s, own_roots, root_count, wanted, out);
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
