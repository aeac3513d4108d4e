/* SPDX-License-Identifier: ISC */
/* Copies of a certificate united: one pass over their packets, two hash tables. */
#include "openpgp/cert/cert_draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "base/siphash.h"
#include "crypto/random.h"
#include "openpgp/frame/packet.h"
#include "openpgp/key/s2k.h"

/* Open addressing over indexes that begin at 1; 0 is a free cell. Strangers choose what goes in: hence the keyed hash. */
struct table {
	uint8_t key[SIPHASH_KEY_SIZE];
	uint32_t *cells;
	size_t mask;
};

static int
table_init(struct table *t, struct arena *a, size_t entries, struct error *e)
{
	size_t size = 16;

	while (size < 2 * entries)
		size *= 2;
	t->cells = arena_array(a, size, sizeof *t->cells);
	t->mask = size - 1;
	if (t->cells == NULL)
		return error_set(e, a->err, "no room to unite a certificate");
	return random_bytes(t->key, sizeof t->key, e);
}

bool
pgp_sig_core(struct slice body, struct slice *prefix_out, struct slice *unhashed_out, struct slice *tail_out)
{
	struct reader r = reader_of(body);
	uint8_t version = reader_get_u8(&r);
	size_t hashed_end;

	if (version != 4 && version != 6)
		return false;
	(void)reader_get(&r, 3);
	(void)reader_get(&r, version == 6 ? reader_get_u32(&r) : reader_get_u16(&r));
	hashed_end = r.at;
	*unhashed_out = reader_get(&r, version == 6 ? reader_get_u32(&r) : reader_get_u16(&r));
	*prefix_out = slice_sub(body, 0, hashed_end);
	*tail_out = reader_rest(&r);
	return r.err == 0;
}

/* ---- components ---- */

/* What tells a component: the public part of a key, the body of anything else. */
static struct slice
identity(const struct pgp_component *k)
{
	return k->key != NULL ? k->key->public_body : k->packet.body;
}

/* A secret subkey that is not understood is another component than its public packet: nobody knows its public part. */
static uint8_t
identity_type(const struct pgp_component *k)
{
	if (k->key == NULL)
		return k->packet.type;
	return k->key->subkey ? PGP_PUBLIC_SUBKEY : PGP_PUBLIC_KEY;
}

static bool
same_component(const struct pgp_component *a, const struct pgp_component *b)
{
	return identity_type(a) == identity_type(b) && slice_eq(identity(a), identity(b));
}

/* 0 public, 1 a stub, 2 a secret. */
static int
secrecy(const struct pgp_component *k)
{
	const struct pgp_key *key = k->key;
	size_t at;

	if (key == NULL || !key->secret)
		return 0;
	if (key->s2k_usage < 253)
		return 2;
	/* Usage, (v6: length,) cipher, (AEAD: mode,) (v6: length,) S2K type. */
	at = 2u + (key->version == 6 ? 2u : 0u) + (key->s2k_usage == 253 ? 1u : 0u);
	return at < key->secret_part.len && key->secret_part.data[at] == PGP_S2K_GNU ? 1 : 2;
}

/* The component of the draft that k is: found, or added. */
static size_t
place_component(struct pgp_draft *d, struct table *t, const struct pgp_component *k, bool first_copy)
{
	size_t at = (size_t)siphash(t->key, identity(k)) & t->mask;
	struct pgp_draft_component *c;

	for (; t->cells[at] != 0; at = (at + 1) & t->mask) {
		c = &d->components[t->cells[at] - 1];
		if (!same_component(c->from, k))
			continue;
		if (secrecy(k) > secrecy(c->from)) {
			c->from = k;
			d->changed = d->changed || !first_copy;
		}
		return t->cells[at] - 1;
	}
	d->components[d->component_count++] = (struct pgp_draft_component){ .kind = k->kind, .from = k };
	t->cells[at] = (uint32_t)d->component_count;
	d->changed = d->changed || !first_copy;
	return d->component_count - 1;
}

/* ---- parts ---- */

static uint64_t
part_hash(const struct table *t, const struct pgp_draft_part *p)
{
	struct slice prefix, unhashed, tail;
	uint64_t h = p->component * 0x9e3779b97f4a7c15u;

	if (p->type == PGP_SIGNATURE && pgp_sig_core(p->body, &prefix, &unhashed, &tail))
		/* The tail has the signature's values: they alone tell nearly all apart. */
		return h ^ siphash(t->key, tail) ^ siphash(t->key, prefix) * 3;
	return h ^ siphash(t->key, p->body);
}

static bool
same_part(const struct pgp_draft_part *a, const struct pgp_draft_part *b)
{
	struct slice prefix[2], unhashed[2], tail[2];

	if (a->component != b->component || a->type != b->type)
		return false;
	if (a->type != PGP_SIGNATURE || !pgp_sig_core(a->body, &prefix[0], &unhashed[0], &tail[0]) ||
	    !pgp_sig_core(b->body, &prefix[1], &unhashed[1], &tail[1]))
		return slice_eq(a->body, b->body);
	return slice_eq(prefix[0], prefix[1]) && slice_eq(tail[0], tail[1]);
}

/* What a signature's unhashed area is good for: a back signature, an issuer. */
static int
usefulness(struct slice body)
{
	struct pgp_sig s;

	if (pgp_sig_parse(body, &s, NULL) != 0)
		return 0;
	return (s.embedded.len > 0 ? 2 : 0) + (s.has_issuer || s.issuer_fpr.len > 0 ? 1 : 0);
}

static void
place_part(struct pgp_draft *d, struct table *t, size_t component, const struct pgp_part *from, bool first_copy)
{
	struct pgp_draft_component *c = &d->components[component];
	struct pgp_draft_part p = {
		.raw = from->raw, .body = from->body, .component = (uint32_t)component, .type = from->type
	};
	size_t at = (size_t)part_hash(t, &p) & t->mask;

	for (; t->cells[at] != 0; at = (at + 1) & t->mask) {
		struct pgp_draft_part *old = &d->parts[t->cells[at] - 1];

		if (!same_part(old, &p))
			continue;
		if (!slice_eq(old->body, p.body) && usefulness(p.body) > usefulness(old->body)) {
			*old = p;
			d->changed = d->changed || !first_copy;
		}
		return;
	}
	d->parts[c->first + c->count++] = p;
	t->cells[at] = (uint32_t)(c->first + c->count);
	d->changed = d->changed || !first_copy;
}

/* ---- all of it ---- */

struct union_job {
	const struct pgp_cert *const *copies;
	size_t count;
	uint32_t *places; /* of each source component in turn: the draft's component */
	struct table components, parts;
	struct pgp_draft *d;
};

static bool
is_padding(const struct pgp_part *p)
{
	return p->type == PGP_PADDING;
}

static void
place_components(struct union_job *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->count; i++) {
		const struct pgp_cert *c = j->copies[i];

		for (size_t k = 0; k < c->component_count; k++) {
			const struct pgp_component *from = &c->components[k];
			size_t place = place_component(j->d, &j->components, from, i == 0);

			j->places[n++] = (uint32_t)place;
			j->d->components[place].count += from->part_count;
		}
	}
}

/* Each component's room was counted; what turns out to be there twice leaves some of it empty. */
static void
place_parts(struct union_job *j)
{
	struct pgp_draft *d = j->d;
	size_t n = 0, first = 0;

	for (size_t i = 0; i < d->component_count; i++) {
		d->components[i].first = first;
		first += d->components[i].count;
		d->components[i].count = 0;
	}
	for (size_t i = 0; i < j->count; i++) {
		const struct pgp_cert *c = j->copies[i];

		for (size_t k = 0; k < c->component_count; k++, n++)
			for (size_t p = 0; p < c->components[k].part_count; p++) {
				const struct pgp_part *part = &c->components[k].parts[p];

				/* Padding is random and has its place behind everything: one copy's is enough. */
				if (!is_padding(part))
					place_part(d, &j->parts, j->places[n], part, i == 0);
				else if (i == 0)
					d->padding = part->raw;
			}
	}
}

static int
unite(struct union_job *j, struct error *e)
{
	struct pgp_draft *d = j->d;
	size_t components = 0, parts = 0;
	int rc;

	for (size_t i = 0; i < j->count; i++) {
		components += j->copies[i]->component_count;
		for (size_t k = 0; k < j->copies[i]->component_count; k++)
			parts += j->copies[i]->components[k].part_count;
	}
	d->components = arena_array(&d->arena, components, sizeof *d->components);
	d->parts = arena_array(&d->arena, parts, sizeof *d->parts);
	j->places = arena_array(&d->arena, components, sizeof *j->places);
	if (d->arena.err != 0)
		return error_set(e, d->arena.err, "no room to unite a certificate");
	rc = table_init(&j->components, &d->arena, components, e);
	if (rc == 0)
		rc = table_init(&j->parts, &d->arena, parts, e);
	if (rc != 0)
		return rc;
	place_components(j);
	place_parts(j);
	/* What could not be read again must not be written. */
	parts = d->component_count;
	for (size_t i = 0; i < d->component_count; i++)
		parts += d->components[i].count;
	if (d->component_count > PGP_CERT_COMPONENTS_MAX || parts > PGP_CERT_PACKETS_MAX)
		return error_set(e, ERR_LIMIT, "the certificate would have too many packets");
	return 0;
}

int
pgp_draft_new(const struct pgp_cert *const *copies, size_t count, struct pgp_draft *out, struct error *e)
{
	struct pgp_draft d = { .primary = copies[0]->primary };
	struct union_job j = { .copies = copies, .count = count, .d = &d };
	int rc;

	arena_init(&d.arena, 4 * (size_t)PGP_CERT_MAX);
	rc = unite(&j, e);
	if (rc != 0)
		arena_done(&d.arena);
	else
		*out = d;
	return rc;
}

void
pgp_draft_done(struct pgp_draft *d)
{
	arena_done(&d->arena);
}

/* ---- order ---- */

static bool
is_revocation(uint8_t type)
{
	return type == PGP_SIG_KEY_REVOCATION || type == PGP_SIG_SUBKEY_REVOCATION || type == PGP_SIG_CERT_REVOCATION;
}

static void
rank(const struct pgp_draft *d, struct pgp_draft_part *p)
{
	struct pgp_sig s;
	bool own;

	p->rank = PGP_DRAFT_NO_SIGNATURE;
	if (p->type != PGP_SIGNATURE)
		return;
	p->rank = PGP_DRAFT_UNKNOWN;
	if (pgp_sig_parse(p->body, &s, NULL) != 0)
		return;
	p->created = s.created;
	own = (s.has_issuer || s.issuer_fpr.len > 0) && pgp_sig_may_be_from(&s, d->primary);
	if (!own)
		p->rank = PGP_DRAFT_OTHERS;
	else
		p->rank = is_revocation(s.type) ? PGP_DRAFT_REVOCATION : PGP_DRAFT_SELF;
}

/* By rank, newest first; what is left equal by its octets, so that every order of the same packets becomes one. */
static int
compare_parts(const void *a, const void *b)
{
	const struct pgp_draft_part *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->created != y->created)
		return x->created > y->created ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return slice_cmp(x->body, y->body);
}

void
pgp_draft_order(struct pgp_draft *d)
{
	for (size_t i = 0; i < d->component_count; i++) {
		struct pgp_draft_component *c = &d->components[i];

		for (size_t p = 0; p < c->count; p++)
			rank(d, &d->parts[c->first + p]);
		if (c->count > 1)
			qsort(&d->parts[c->first], c->count, sizeof *d->parts, compare_parts);
	}
}

/* ---- writing ---- */

static void
write_component(const struct pgp_draft *d, const struct pgp_draft_component *c, bool secret, struct buf *out)
{
	const struct pgp_component *from = c->from;
	bool is_secret = from->packet.type == PGP_SECRET_KEY || from->packet.type == PGP_SECRET_SUBKEY;

	/* Nobody knows where the public part of an unreadable secret key ends: it stays at home. */
	if (c->drop || (is_secret && !secret && from->key == NULL))
		return;
	if (is_secret && !secret)
		(void)pgp_packet_write(
		    out, c->kind == PGP_COMPONENT_PRIMARY ? PGP_PUBLIC_KEY : PGP_PUBLIC_SUBKEY, from->key->public_body);
	else
		(void)buf_put_slice(out, from->packet.raw);
	for (size_t i = 0; i < c->count; i++)
		if (!d->parts[c->first + i].drop)
			(void)buf_put_slice(out, d->parts[c->first + i].raw);
}

int
pgp_draft_write(const struct pgp_draft *d, bool secret, struct buf *out, struct error *e)
{
	/* User IDs and attributes may be mixed (section 10.1.5) and stay so. */
	static const uint8_t groups[] = {
		[PGP_COMPONENT_PRIMARY] = 0,
		[PGP_COMPONENT_USER_ID] = 1,
		[PGP_COMPONENT_USER_ATTRIBUTE] = 1,
		[PGP_COMPONENT_SUBKEY] = 2,
		[PGP_COMPONENT_UNKNOWN] = 3,
	};
	size_t from = out->len;

	for (unsigned g = 0; g <= 3; g++)
		for (size_t i = 0; i < d->component_count; i++)
			if (groups[d->components[i].kind] == g)
				write_component(d, &d->components[i], secret, out);
	(void)buf_put_slice(out, d->padding);
	if (out->err == 0 && out->len - from <= PGP_CERT_MAX)
		return 0;
	buf_truncate(out, from);
	return error_set(e, out->err != 0 ? out->err : ERR_LIMIT, "the certificate is larger than permitted");
}
