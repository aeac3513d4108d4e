/* SPDX-License-Identifier: ISC */
#include "openpgp/judge/certification.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openpgp/cert/cert_draft.h"
#include "openpgp/cert/certify.h"
#include "openpgp/judge/regex.h"

#define AMOUNT_FULL 120u

/* ---- issuers by key ID ---- */

struct pgp_issuers {
	struct pgp_cert_source source; /* without a function: all are in items */
	const struct pgp_cert **items; /* by key ID */
	size_t count;
};

static int
by_id(const void *a, const void *b)
{
	const struct pgp_cert *p = *(const struct pgp_cert *const *)a, *q = *(const struct pgp_cert *const *)b;

	return p->primary->key_id < q->primary->key_id ? -1 : p->primary->key_id > q->primary->key_id ? 1 : 0;
}

int
pgp_issuers_from(struct pgp_cert_source source, struct pgp_issuers **out, struct error *e)
{
	struct pgp_issuers *i = mem_alloc(sizeof *i);

	if (i == NULL)
		return error_nomem(e);
	i->source = source;
	*out = i;
	return 0;
}

int
pgp_issuers_new(const struct pgp_certs *certs, struct pgp_issuers **out, struct error *e)
{
	struct pgp_issuers *i;
	int rc = pgp_issuers_from((struct pgp_cert_source){ 0 }, &i, e);

	if (rc != 0)
		return rc;
	i->items = mem_array(certs->count + 1, sizeof *i->items);
	if (i->items == NULL) {
		pgp_issuers_free(i);
		return error_nomem(e);
	}
	for (; i->count < certs->count; i->count++)
		i->items[i->count] = certs->items[i->count];
	if (i->count > 1)
		qsort(i->items, i->count, sizeof *i->items, by_id);
	*out = i;
	return 0;
}

void
pgp_issuers_free(struct pgp_issuers *i)
{
	if (i == NULL)
		return;
	mem_free(i->items);
	mem_free(i);
}

/* The first with this ID or a greater one. */
static size_t
lower_bound(const struct pgp_issuers *i, uint64_t id)
{
	size_t low = 0, high = i->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (i->items[mid]->primary->key_id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Several certificates may have one ID. */
static int
issuers_find(
    const struct pgp_issuers *i, uint64_t id, const struct pgp_cert *const **out, size_t *count, struct error *e)
{
	size_t at;

	if (i->source.by_key_id != NULL)
		return i->source.by_key_id(i->source.ctx, id, out, count, e);
	at = lower_bound(i, id);
	*out = &i->items[at];
	*count = 0;
	while (at + *count < i->count && i->items[at + *count]->primary->key_id == id)
		(*count)++;
	return 0;
}

/* ---- candidates: signatures by somebody who was asked for ---- */

struct candidate {
	const struct pgp_cert *issuer;
	const struct pgp_part *part;
	uint32_t created;
	bool revocation;
};

struct finding {
	const struct pgp_certification_query *q;
	struct pgp_sig_target target;
	struct candidate *items;
	size_t count, room;
	struct pgp_approval approval;
	struct arena *arena;
	struct pgp_certification *found;
	size_t found_count, found_room;
	struct error *e;
	int rc;
};

static void
add(struct finding *f, struct candidate c)
{
	if (f->count == f->room) {
		size_t room = f->room == 0 ? 8 : f->room * 2;
		struct candidate *grown = mem_realloc(f->items, room * sizeof *grown);

		if (grown == NULL) {
			f->rc = error_nomem(f->e);
			return;
		}
		f->items = grown;
		f->room = room;
	}
	f->items[f->count++] = c;
}

static bool
is_certification(uint8_t type)
{
	return type >= PGP_SIG_CERT_GENERIC && type <= PGP_SIG_CERT_POSITIVE;
}

/* By the type alone: what a flood is made of is not even parsed when it is of another. */
static bool
may_concern(const struct finding *f, const struct pgp_part *part)
{
	uint8_t type;

	if (part->type != PGP_SIGNATURE || part->body.len < 3)
		return false;
	type = part->body.data[part->body.data[0] <= 3 ? 2 : 1];
	if (f->target.user_type == 0)
		return type == PGP_SIG_DIRECT_KEY;
	return is_certification(type) || type == PGP_SIG_CERT_REVOCATION;
}

static void
consider_id(struct finding *f, const struct pgp_part *part, const struct pgp_sig *s, uint64_t id)
{
	const struct pgp_cert *const *found;
	size_t count = 0;

	if (f->rc == 0)
		f->rc = issuers_find(f->q->issuers, id, &found, &count, f->e);
	for (size_t i = 0; f->rc == 0 && i < count; i++)
		if (pgp_sig_may_be_from(s, found[i]->primary))
			add(f, (struct candidate){ found[i], part, s->created, s->type == PGP_SIG_CERT_REVOCATION });
}

static void
consider(struct finding *f, const struct pgp_part *part)
{
	struct pgp_sig s;
	uint64_t named;

	if (!may_concern(f, part) || pgp_sig_parse(part->body, &s, NULL) != 0 || s.invalid != NULL)
		return;
	named = pgp_fingerprint_key_id(&s.issuer_fpr);
	if (s.issuer_fpr.len != 0)
		consider_id(f, part, &s, named);
	if (s.has_issuer && (s.issuer_fpr.len == 0 || s.issuer != named))
		consider_id(f, part, &s, s.issuer);
}

static int
by_fingerprint(const struct pgp_cert *a, const struct pgp_cert *b)
{
	const struct pgp_fingerprint *f = &a->primary->fingerprint, *g = &b->primary->fingerprint;

	return f->len != g->len ? (int)f->len - (int)g->len : memcmp(f->bytes, g->bytes, f->len);
}

static int
by_issuer_newest_first(const void *a, const void *b)
{
	const struct candidate *p = a, *q = b;

	int order = by_fingerprint(p->issuer, q->issuer);

	if (order == 0 && p->issuer != q->issuer) /* a keyring that has one twice */
		order = p->issuer < q->issuer ? -1 : 1;
	if (order != 0)
		return order;
	if (p->created != q->created)
		return p->created > q->created ? -1 : 1;
	return p->part < q->part ? -1 : p->part > q->part ? 1 : 0;
}

/* ---- one issuer's ---- */

struct group {
	const struct pgp_cert *issuer;
	const struct candidate *items;
	size_t count;
	bool self;
	unsigned failures; /* forgeries, and what is true and yet does not count */
	unsigned kept;
	bool has_revocation;
	uint32_t revoked; /* everything made up to then */
};

static bool
is_true(struct finding *f, struct group *g, const struct candidate *c, struct pgp_sig *s)
{
	int rc;

	if (g->failures >= PGP_CERTIFICATIONS_EACH_MAX || f->rc != 0 || pgp_sig_parse(c->part->body, s, NULL) != 0)
		return false;
	rc = pgp_sig_check_target(s, &f->target, g->issuer->primary, NULL);
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		f->rc = error_set(f->e, rc, "a certification could not be checked: no memory, or libcrypto failed");
	g->failures += rc != 0 ? 1 : 0;
	return rc == 0;
}

/* One that says only that things changed counts from then on; any other casts doubt on what was before as well. */
static bool
in_force(const struct finding *f, const struct pgp_sig *s)
{
	bool soft = s->has_reason &&
	    (s->reason == PGP_REASON_USER_ID_INVALID || s->reason == PGP_REASON_SUPERSEDED ||
		s->reason == PGP_REASON_RETIRED);

	return (!soft || s->created <= f->q->at) && pgp_policy_hash(f->q->policy, s->hash, PGP_USE_REVOKE, NULL) == 0;
}

static void
find_revocation(struct finding *f, struct group *g)
{
	struct pgp_sig s;

	for (size_t i = 0; i < g->count && !g->has_revocation && f->rc == 0; i++) {
		if (!g->items[i].revocation)
			continue;
		/* Behind so many that are nothing a true one may hide: then nothing of this issuer counts. */
		if (g->failures >= PGP_CERTIFICATIONS_EACH_MAX) {
			g->has_revocation = true;
			g->revoked = UINT32_MAX;
		} else if (is_true(f, g, &g->items[i], &s)) {
			g->has_revocation = in_force(f, &s);
			g->revoked = s.created;
			g->failures += g->has_revocation ? 0 : 1;
		}
	}
	g->failures = 0;
}

/* Made before the time asked about, not expired then, and by what policy takes for what strangers present. */
static bool
is_live(const struct finding *f, const struct pgp_sig *s)
{
	const struct pgp_certification_query *q = f->q;

	return s->created <= q->at && (s->expires == 0 || (uint64_t)s->created + s->expires > q->at) &&
	    pgp_policy_sig_version(q->policy, s->version, PGP_USE_DATA, NULL) == 0 &&
	    pgp_policy_hash(q->policy, s->hash, PGP_USE_DATA, NULL) == 0;
}

/* Whether a certificate stood when the certification was made; the issuer also has to be one that certifies. */
static bool
stood(struct finding *f, const struct pgp_cert *c, uint32_t at, bool certifies)
{
	struct pgp_cert_judgement j;
	int rc = pgp_cert_judge(c, f->q->policy, at, &j, f->e);
	bool good;

	if (rc != 0) {
		f->rc = rc;
		return false;
	}
	good = j.standing == PGP_STANDING_GOOD && (!certifies || (j.components[0].flags & PGP_FLAG_CERTIFY) != 0);
	pgp_cert_judgement_done(&j);
	return good;
}

static bool
is_approved(struct finding *f, const struct group *g, struct slice sig)
{
	bool has = false;
	int rc = pgp_approval_has(&f->approval, sig, &has, NULL);

	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		f->rc = error_set(f->e, rc, "an approval could not be checked: no memory, or libcrypto failed");
	return has || g->self;
}

static void
keep(struct finding *f, const struct group *g, const struct pgp_sig *s, bool approved)
{
	struct pgp_certification *c;

	if (f->found_count == f->found_room) {
		size_t room = f->found_room == 0 ? 4 : f->found_room * 2;
		struct pgp_certification *grown = arena_array(f->arena, room, sizeof *grown);

		if (grown == NULL) {
			f->rc = error_set(f->e, f->arena->err, "no room for certifications");
			return;
		}
		if (f->found_count > 0)
			memcpy(grown, f->found, f->found_count * sizeof *grown);
		f->found = grown;
		f->found_room = room;
	}
	c = &f->found[f->found_count++];
	*c = (struct pgp_certification){ .issuer = g->issuer,
		.target = f->q->target,
		.component = f->q->component,
		.sig = s->body,
		.created = s->created,
		.expires = s->expires != 0 ? (uint64_t)s->created + s->expires : 0,
		.depth = g->self ? 0 : s->trust_depth,
		.amount = s->has_trust && s->trust_amount < AMOUNT_FULL ? s->trust_amount : AMOUNT_FULL,
		.self = g->self,
		.scoped = s->regex_count > 0,
		.exportable = s->exportable,
		.approved = approved };
}

/* known: of this second it is known that both certificates stood, which costs more to find out than anything else. */
static bool
counts(struct finding *f, struct group *g, const struct candidate *c, bool known, struct pgp_sig *s)
{
	if (c->revocation || pgp_sig_parse(c->part->body, s, NULL) != 0 || !is_live(f, s))
		return false;
	if (g->has_revocation && s->created <= g->revoked && s->revocable)
		return false;
	if (!is_true(f, g, c, s))
		return false;
	if (known || (stood(f, f->q->target, s->created, false) && (g->self || stood(f, g->issuer, s->created, true))))
		return true;
	g->failures++;
	return false;
}

/* Whether they say the same: whatever anybody put into their unhashed areas. */
static bool
same_statement(struct slice a, struct slice b)
{
	struct slice prefix[2], unhashed[2], tail[2];

	if (!pgp_sig_core(a, &prefix[0], &unhashed[0], &tail[0]) ||
	    !pgp_sig_core(b, &prefix[1], &unhashed[1], &tail[1]))
		return slice_eq(a, b);
	return slice_eq(prefix[0], prefix[1]) && slice_eq(tail[0], tail[1]);
}

/* The newest that counts, and others of the same second, not many; the same statement once. */
static void
take_group(struct finding *f, struct group *g)
{
	const struct candidate *taken = NULL;
	struct pgp_sig s;

	find_revocation(f, g);
	for (size_t i = 0; i < g->count && f->rc == 0 && g->kept < PGP_CERTIFICATIONS_EACH_MAX; i++) {
		const struct candidate *c = &g->items[i];
		bool approved;

		if (taken != NULL && (c->created < taken->created || same_statement(taken->part->body, c->part->body)))
			continue;
		if (!counts(f, g, c, taken != NULL, &s))
			continue;
		taken = c;
		g->kept++;
		approved = is_approved(f, g, c->part->body);
		if (f->rc == 0 && (approved || !f->q->approved_only))
			keep(f, g, &s, approved);
	}
}

/* Whether this one decides about its issuer, for or against. */
static bool
decides(struct finding *f, struct group *g, const struct candidate *c)
{
	struct pgp_sig s;

	if (c->created > f->q->at || !is_true(f, g, c, &s))
		return false;
	if (!c->revocation && is_live(f, &s))
		keep(f, g, &s, is_approved(f, g, c->part->body));
	return true;
}

/* Of one second the last in the order of the certificate, as gpg takes it. */
static void
take_newest(struct finding *f, struct group *g)
{
	for (size_t from = 0, to; from < g->count && f->rc == 0; from = to) {
		for (to = from + 1; to < g->count && g->items[to].created == g->items[from].created;)
			to++;
		for (size_t i = to; i > from && f->rc == 0; i--)
			if (decides(f, g, &g->items[i - 1]))
				return;
	}
}

static void
take_groups(struct finding *f)
{
	if (f->count > 1)
		qsort(f->items, f->count, sizeof *f->items, by_issuer_newest_first);
	for (size_t i = 0; i < f->count && f->rc == 0;) {
		struct group g = { .issuer = f->items[i].issuer, .items = &f->items[i] };

		while (i < f->count && f->items[i].issuer == g.issuer) {
			i++;
			g.count++;
		}
		g.self = pgp_fingerprint_eq(&g.issuer->primary->fingerprint, &f->q->target->primary->fingerprint);
		if (f->q->newest_only)
			take_newest(f, &g);
		else
			take_group(f, &g);
	}
}

int
pgp_certifications_find(const struct pgp_certification_query *q, struct arena *a, struct pgp_certification **out,
    size_t *count_out, struct error *e)
{
	struct finding f = { .q = q, .target = { .primary = q->target->primary }, .arena = a, .e = e };

	if (q->component->kind == PGP_COMPONENT_USER_ID || q->component->kind == PGP_COMPONENT_USER_ATTRIBUTE) {
		f.target.user_type = q->component->packet.type;
		f.target.user = q->component->packet.body;
		f.rc = pgp_approval_find(q->target, q->component, q->policy, &f.approval, e);
	} else if (q->component->kind != PGP_COMPONENT_PRIMARY) {
		return error_set(e, ERR_USAGE, "only user IDs, attributes and primary keys are certified by others");
	}
	for (size_t i = 0; i < q->target->component_count; i++) {
		const struct pgp_component *k = &q->target->components[i];

		for (size_t n = 0; pgp_component_is_same(k, q->component) && n < k->part_count && f.rc == 0; n++)
			consider(&f, &k->parts[n]);
	}
	if (f.rc == 0)
		take_groups(&f);
	mem_free(f.items);
	if (f.rc == 0) {
		*out = f.found;
		*count_out = f.found_count;
	}
	return f.rc;
}

/* ---- scope ---- */

int
pgp_certification_covers(const struct pgp_certification *c, struct slice user_id, bool *out, struct error *e)
{
	struct slice pattern;
	struct pgp_sig s;
	size_t n = 0;

	*out = false;
	if (pgp_sig_parse(c->sig, &s, NULL) != 0)
		return 0;
	for (; !*out && n < PGP_REGEXES_MAX && pgp_sig_regex(&s, n, &pattern); n++) {
		struct pgp_regex *r;
		int rc = pgp_regex_compile(pattern, &r, e);

		if (rc == 0) {
			rc = pgp_regex_match(r, user_id, out, e);
			pgp_regex_free(r);
		}
		if (rc == ERR_NOMEM)
			return rc;
	}
	if (n == 0)
		*out = true;
	return 0;
}
