/* SPDX-License-Identifier: ISC */
#include "trust/believe/ring.h"

#include <string.h>

#include "base/mem.h"
#include "openpgp/cert/merge.h"

#define SLOTS_MIN 256u
#define NONE SIZE_MAX

/* All certificates with one key ID: usually one, seldom none (somebody who is not known here), more by malice only. */
struct group {
	uint64_t key_id;
	bool used;
	const struct pgp_cert **certs;
	size_t *numbers;
	size_t count;
};

struct trust_ring {
	const struct trust_store *store;
	struct pgp_cert **items;
	size_t count, room;
	struct group *groups; /* by key ID; a power of two, at most half full */
	size_t slots, group_count;
	size_t octets;
};

int
trust_ring_new(const struct trust_store *store, struct trust_ring **out, struct error *e)
{
	struct trust_ring *r = mem_alloc(sizeof *r);

	if (r == NULL)
		return error_nomem(e);
	r->store = store;
	*out = r;
	return 0;
}

void
trust_ring_free(struct trust_ring *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->count; i++)
		pgp_cert_free(r->items[i]);
	for (size_t i = 0; i < r->slots; i++) {
		mem_free(r->groups[i].certs);
		mem_free(r->groups[i].numbers);
	}
	mem_free(r->groups);
	mem_free(r->items);
	mem_free(r);
}

size_t
trust_ring_count(const struct trust_ring *r)
{
	return r->count;
}

const struct pgp_cert *
trust_ring_at(const struct trust_ring *r, size_t number)
{
	return number < r->count ? r->items[number] : NULL;
}

/* ---- groups ---- */

/* Key IDs are chosen freely by whoever likes to: bounded by what is stored here, and mixed. */
static struct group *
slot_of(struct group *groups, size_t slots, uint64_t key_id)
{
	size_t at = (size_t)((key_id ^ key_id >> 32) * 0x9E3779B97F4A7C15u >> 20) & (slots - 1);

	while (groups[at].used && groups[at].key_id != key_id)
		at = (at + 1) & (slots - 1);
	return &groups[at];
}

static bool
grow(struct trust_ring *r)
{
	size_t slots = r->slots == 0 ? SLOTS_MIN : 2 * r->slots;
	struct group *groups = mem_array(slots, sizeof *groups);

	if (groups == NULL)
		return false;
	for (size_t i = 0; i < r->slots; i++)
		if (r->groups[i].used)
			*slot_of(groups, slots, r->groups[i].key_id) = r->groups[i];
	mem_free(r->groups);
	r->groups = groups;
	r->slots = slots;
	return true;
}

static const struct group *
known(const struct trust_ring *r, uint64_t key_id)
{
	const struct group *g = r->slots == 0 ? NULL : slot_of(r->groups, r->slots, key_id);

	return g != NULL && g->used ? g : NULL;
}

/* Makes it when it is new; NULL without memory. */
static struct group *
group_of(struct trust_ring *r, uint64_t key_id)
{
	struct group *g;

	if (2 * (r->group_count + 1) > r->slots && !grow(r))
		return NULL;
	g = slot_of(r->groups, r->slots, key_id);
	if (!g->used) {
		*g = (struct group){ .key_id = key_id, .used = true };
		r->group_count++;
	}
	return g;
}

static size_t
number_in(const struct group *g, const struct pgp_cert *const *items, const struct pgp_fingerprint *f)
{
	for (size_t i = 0; g != NULL && i < g->count; i++)
		if (pgp_fingerprint_eq(&items[g->numbers[i]]->primary->fingerprint, f))
			return i;
	return NONE;
}

size_t
trust_ring_number(const struct trust_ring *r, const struct pgp_cert *cert)
{
	const struct group *g = known(r, cert->primary->key_id);

	for (size_t i = 0; g != NULL && i < g->count; i++)
		if (g->certs[i] == cert)
			return g->numbers[i];
	return NONE;
}

/* ---- adding ---- */

static bool
make_room(struct trust_ring *r, struct group *g)
{
	const struct pgp_cert **certs = mem_realloc(g->certs, (g->count + 1) * sizeof(const struct pgp_cert *));
	size_t *numbers;

	if (certs == NULL)
		return false;
	g->certs = certs;
	numbers = mem_realloc(g->numbers, (g->count + 1) * sizeof *numbers);
	if (numbers == NULL)
		return false;
	g->numbers = numbers;
	if (r->count == r->room) {
		size_t room = r->room == 0 ? SLOTS_MIN : 2 * r->room;
		struct pgp_cert **items = mem_realloc(r->items, room * sizeof(struct pgp_cert *));

		if (items == NULL)
			return false;
		r->items = items;
		r->room = room;
	}
	return true;
}

static int
put(struct trust_ring *r, struct pgp_cert *cert, struct error *e)
{
	struct group *g = group_of(r, cert->primary->key_id);

	if (g == NULL || !make_room(r, g))
		return error_nomem(e);
	r->octets += cert->raw.len;
	if (r->octets > TRUST_RING_MAX)
		return error_set(
		    e, ERR_LIMIT, "the certificates that this question leads to are over %u octets", TRUST_RING_MAX);
	g->certs[g->count] = cert;
	g->numbers[g->count++] = r->count;
	r->items[r->count++] = cert;
	return 0;
}

/* The same certificate twice in a keyring. */
static int
merge_into(struct trust_ring *r, struct group *g, size_t at, const struct pgp_cert *cert, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = PGP_CERT_MAX };
	struct pgp_cert **old = &r->items[g->numbers[at]], *both;
	bool changed;
	int rc = pgp_merge(*old, cert, &bytes, &changed, e);

	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bytes), &both, NULL, e);
	if (rc != 0)
		return rc;
	pgp_cert_free(*old);
	*old = both;
	g->certs[at] = both;
	return 0;
}

int
trust_ring_add(struct trust_ring *r, struct pgp_cert *cert, struct error *e)
{
	struct group *g = group_of(r, cert->primary->key_id);
	size_t at = number_in(g, (const struct pgp_cert *const *)r->items, &cert->primary->fingerprint);
	int rc;

	if (g == NULL)
		rc = error_nomem(e);
	else if (at == NONE)
		rc = put(r, cert, e);
	else
		rc = merge_into(r, g, at, cert, e);
	if (rc != 0 || at != NONE)
		pgp_cert_free(cert);
	return rc;
}

/* ---- looking up ---- */

/* Everybody with this key ID, out of the store: once. */
static int
fetch(struct trust_ring *r, uint64_t key_id, struct error *e)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	struct pgp_fingerprint names[TRUST_CANDIDATES_MAX];
	size_t n;
	int rc = 0;

	if (known(r, key_id) != NULL)
		return 0;
	if (group_of(r, key_id) == NULL)
		return error_nomem(e);
	n = r->store == NULL ? 0 : trust_store_find_primary(r->store, key_id, found, TRUST_CANDIDATES_MAX);
	for (size_t i = 0; i < n; i++)
		names[i] = found[i]->fingerprint;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct pgp_cert *cert;

		rc = trust_store_load(r->store, &names[i], &cert, e);
		if (rc == 0)
			rc = trust_ring_add(r, cert, e);
	}
	return rc;
}

static int
by_key_id(void *ctx, uint64_t key_id, const struct pgp_cert *const **out, size_t *count_out, struct error *e)
{
	struct trust_ring *r = ctx;
	const struct group *g;
	int rc = fetch(r, key_id, e);

	if (rc != 0)
		return rc;
	g = known(r, key_id);
	*out = g->certs;
	*count_out = g->count;
	return 0;
}

struct pgp_cert_source
trust_ring_source(struct trust_ring *r)
{
	return (struct pgp_cert_source){ .by_key_id = by_key_id, .ctx = r };
}

int
trust_ring_find(struct trust_ring *r, const struct pgp_fingerprint *f, const struct pgp_cert **out, struct error *e)
{
	uint64_t key_id = pgp_fingerprint_key_id(f);
	int rc = fetch(r, key_id, e);
	const struct group *g = known(r, key_id);
	size_t at = number_in(g, (const struct pgp_cert *const *)r->items, f);

	if (rc == 0)
		*out = at == NONE ? NULL : g->certs[at];
	return rc;
}
