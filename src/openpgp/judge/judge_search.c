/* SPDX-License-Identifier: ISC */
/* The signatures of one component: which are true, and which of them counts. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openpgp/judge/judge_internal.h"
#include "openpgp/key/pqc.h"
#include "openpgp/sig/sig_internal.h"

enum state { UNTRIED, TRUE, FALSE };
enum role { ROLE_NONE, ROLE_BINDING, ROLE_REVOCATION };

static enum role
role_of(enum pgp_component_kind kind, uint8_t type)
{
	static const struct {
		uint8_t kind, type, role;
	} roles[] = {
		{ PGP_COMPONENT_PRIMARY, PGP_SIG_DIRECT_KEY, ROLE_BINDING },
		{ PGP_COMPONENT_PRIMARY, PGP_SIG_KEY_REVOCATION, ROLE_REVOCATION },
		{ PGP_COMPONENT_SUBKEY, PGP_SIG_SUBKEY_BINDING, ROLE_BINDING },
		{ PGP_COMPONENT_SUBKEY, PGP_SIG_SUBKEY_REVOCATION, ROLE_REVOCATION },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_GENERIC, ROLE_BINDING },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_PERSONA, ROLE_BINDING },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_CASUAL, ROLE_BINDING },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_POSITIVE, ROLE_BINDING },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_REVOCATION, ROLE_REVOCATION },
	};

	if (kind == PGP_COMPONENT_USER_ATTRIBUTE)
		kind = PGP_COMPONENT_USER_ID;
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		if (roles[i].kind == (uint8_t)kind && roles[i].type == type)
			return (enum role)roles[i].role;
	return ROLE_NONE;
}

/* Reasons that say nothing about the past; an unknown one may (section 5.2.3.31). */
static bool
reason_is_soft(const struct pgp_sig *s)
{
	return s->has_reason &&
	    (s->reason == PGP_REASON_SUPERSEDED || s->reason == PGP_REASON_RETIRED ||
		s->reason == PGP_REASON_USER_ID_INVALID);
}

/* ---- before any arithmetic ---- */

static bool
expired_at(uint32_t created, uint32_t expires, uint64_t at)
{
	return expires != 0 && (uint64_t)created + expires <= at;
}

/* Its index; SIZE_MAX when it names none of them. */
static size_t
named_revoker(const struct pgp_judging *of, const struct pgp_sig *s)
{
	for (size_t i = 0; i < of->revoker_count; i++) {
		struct pgp_key named = { .fingerprint = of->revokers[i],
			.key_id = pgp_fingerprint_key_id(&of->revokers[i]) };

		if (pgp_sig_may_be_from(s, &named))
			return i;
	}
	return SIZE_MAX;
}

static bool
acceptable(struct pgp_search *f, const struct pgp_sig *s, enum role role)
{
	const struct pgp_policy *p = f->of->policy;
	enum pgp_use use = role == ROLE_REVOCATION ? PGP_USE_REVOKE : PGP_USE_SELF;

	if (s->invalid != NULL) {
		(void)error_set(&f->refusal, ERR_SYNTAX, "its self-signature is invalid: %s", s->invalid);
		return false;
	}
	if (role == ROLE_BINDING && s->created > p->now + p->clock_skew) {
		(void)error_set(&f->refusal, ERR_POLICY, "its self-signature comes from the future");
		return false;
	}
	if (role == ROLE_BINDING && f->target.subkey != NULL && pgp_pqc_refuses_binding(f->target.subkey, s->hash)) {
		(void)error_set(
		    &f->refusal, ERR_POLICY, "%s cannot bind a post-quantum subkey", pgp_hash_name(s->hash));
		return false;
	}
	return pgp_policy_sig_version(p, s->version, use, &f->refusal) == 0 &&
	    pgp_policy_hash(p, s->hash, use, &f->refusal) == 0;
}

/* Each signature with a hash of its own hashes all of its target: of a large one nobody may order as many as he likes. */
static int
count_hashed(struct pgp_search *f)
{
	const struct pgp_sig_target *t = &f->target;

	f->of->hashed += t->primary->public_body.len + t->user.len;
	if (t->subkey != NULL)
		f->of->hashed += t->subkey->public_body.len;
	if (f->of->hashed <= PGP_SELF_HASHED_MAX)
		return 0;
	f->of->cut_short = true;
	return error_set(&f->refusal, ERR_LIMIT, "the certificate has too many self-signatures");
}

/* The state of the hash over this target: one for all version 4 signatures, one's own (h) for those with a salt. */
static int
hash_over(struct pgp_search *f, const struct pgp_sig *s, struct pgp_hash **own, const struct pgp_hash **out)
{
	struct pgp_hash **at = s->version == 4 && s->hash < 16 ? &f->hashes[s->hash] : own;
	int rc = 0;

	if (*at == NULL && at == own)
		rc = count_hashed(f);
	if (*at == NULL && rc == 0) {
		rc = pgp_hash_new(at, s->hash, s->type, s->salt, NULL);
		if (rc == 0)
			rc = pgp_hash_target(*at, s->type, s->version, &f->target, NULL);
		if (rc != 0) {
			pgp_hash_free(*at);
			*at = NULL;
		}
	}
	*out = *at;
	return rc;
}

/* Whether the first octets of the digest are what the signature says. */
static bool
digest_begins_so(struct pgp_search *f, const struct pgp_sig *s)
{
	struct pgp_hash *own PGP_HASH_OWNED = NULL;
	uint8_t digest[PGP_DIGEST_MAX];
	const struct pgp_hash *h;
	int rc = hash_over(f, s, &own, &h);

	if (rc == 0)
		rc = pgp_hash_finish(h, s->version, s->prefix, digest, NULL);
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		f->of->failed = rc;
	return rc == 0 && memcmp(digest, s->left16, 2) == 0;
}

static void
add(struct pgp_search *f, struct pgp_candidates *c, const struct pgp_part *part, const struct pgp_sig *s)
{
	if (c->count == c->room) {
		size_t room = c->room == 0 ? 4 : c->room * 2;
		struct pgp_candidate *grown = mem_realloc(c->items, room * sizeof *grown);

		if (grown == NULL) {
			f->of->failed = ERR_NOMEM;
			return;
		}
		c->items = grown;
		c->room = room;
	}
	c->items[c->count++] = (struct pgp_candidate){
		.part = part,
		.created = s->created,
		.expires = s->expires,
		.hard = !reason_is_soft(s),
		.late = s->created > f->of->at,
		.live = s->created <= f->of->at && !expired_at(s->created, s->expires, f->of->at),
	};
}

/* The role without parsing: most of a flood ends here. Version 3 has a length in front of the type. */
static enum role
role_at_a_glance(const struct pgp_search *f, const struct pgp_part *part)
{
	if (part->type != PGP_SIGNATURE || part->body.len < 3)
		return ROLE_NONE;
	return role_of(f->component->kind, part->body.data[part->body.data[0] <= 3 ? 2 : 1]);
}

static void
consider(struct pgp_search *f, const struct pgp_part *part)
{
	enum role role = role_at_a_glance(f, part);
	struct pgp_sig s;
	bool from_other;

	if (role == ROLE_NONE || pgp_sig_parse(part->body, &s, NULL) != 0)
		return;
	/* The issuer first: of a hundred thousand signatures by strangers none is even hashed. */
	from_other = !pgp_sig_may_be_from(&s, f->of->cert->primary);
	if (from_other && (role != ROLE_REVOCATION || named_revoker(f->of, &s) == SIZE_MAX))
		return;
	if (acceptable(f, &s, role) && digest_begins_so(f, &s))
		add(f, role == ROLE_BINDING ? &f->bindings : &f->revocations, part, &s);
}

bool
pgp_component_is_same(const struct pgp_component *a, const struct pgp_component *b)
{
	if (a == b || a->kind != b->kind)
		return a == b;
	if (a->kind == PGP_COMPONENT_SUBKEY && a->key != NULL && b->key != NULL && a->key->fingerprint.len != 0)
		return pgp_fingerprint_eq(&a->key->fingerprint, &b->key->fingerprint);
	return a->packet.body.len <= PGP_DOUBLE_MAX && slice_eq(a->packet.body, b->packet.body);
}

void
pgp_search_begin(struct pgp_search *f, struct pgp_judging *of, const struct pgp_component *k)
{
	const struct pgp_cert *c = of->cert;

	*f = (struct pgp_search){ .of = of, .component = k, .target = { .primary = c->primary } };
	if (k->kind == PGP_COMPONENT_SUBKEY) {
		f->target.subkey = k->key;
	} else if (k->kind != PGP_COMPONENT_PRIMARY) {
		f->target.user_type = k->packet.type;
		f->target.user = k->packet.body;
	}
	for (size_t i = 0; i < c->component_count; i++) {
		const struct pgp_component *other = &c->components[i];

		/* What is about the primary key may stand anywhere: people append revocations to the end. */
		if (k->kind != PGP_COMPONENT_PRIMARY && !pgp_component_is_same(k, other))
			continue;
		for (size_t n = 0; n < other->part_count && of->failed == 0; n++)
			consider(f, &other->parts[n]);
	}
}

void
pgp_search_done(struct pgp_search *f)
{
	mem_free(f->bindings.items);
	mem_free(f->revocations.items);
	for (size_t i = 0; i < 16; i++)
		pgp_hash_free(f->hashes[i]);
}

/* ---- the arithmetic ---- */

static bool
is_true(struct pgp_search *f, const struct pgp_sig *s, const struct pgp_key *key)
{
	struct pgp_hash *own PGP_HASH_OWNED = NULL;
	const struct pgp_hash *h;
	int rc = hash_over(f, s, &own, &h);

	if (rc == 0)
		rc = pgp_sig_check(s, h, key, &f->refusal);
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		f->of->failed = rc;
	if (rc != 0)
		f->failures++;
	return rc == 0;
}

static bool
is_spent(struct pgp_search *f, unsigned max)
{
	if (f->failures < max && f->of->failed == 0)
		return false;
	f->of->cut_short |= f->failures >= f->of->failures_max;
	return true;
}

/* Section 5.2.1.9: a key that signs must have agreed to be this certificate's. */
static bool
is_back(struct pgp_search *f, struct slice body, bool late)
{
	const struct pgp_policy *p = f->of->policy;
	struct pgp_sig back;

	if (pgp_sig_parse(body, &back, NULL) != 0 || back.type != PGP_SIG_PRIMARY_BINDING || back.invalid != NULL)
		return false;
	if (back.created > p->now + p->clock_skew || (late && back.created > f->of->at) ||
	    expired_at(back.created, back.expires, f->of->at))
		return false;
	if (pgp_policy_hash(p, back.hash, PGP_USE_BACK, &f->refusal) != 0 ||
	    pgp_policy_sig_version(p, back.version, PGP_USE_BACK, &f->refusal) != 0)
		return false;
	return is_true(f, &back, f->target.subkey);
}

/* Any of the embedded signatures, of either area: a back signature proves itself. */
static bool
back_signed(struct pgp_search *f, const struct pgp_sig *binding, bool late)
{
	const struct slice areas[] = { binding->hashed, binding->unhashed };
	struct pgp_subpacket p;
	unsigned tried = 0;

	for (size_t i = 0; i < 2; i++)
		for (size_t at = 0; pgp_subpacket_next(areas[i], &at, &p);)
			if (p.type == PGP_SUB_EMBEDDED && tried++ < PGP_EMBEDDED_MAX && is_back(f, p.body, late))
				return true;
	return false;
}

uint32_t
pgp_judging_flags(const struct pgp_judging *of, const struct pgp_sig *binding)
{
	if (binding->has_key_flags)
		return binding->key_flags;
	return of->has_direct && of->direct.has_key_flags ? of->direct.key_flags : 0;
}

bool
pgp_needs_back(const struct pgp_key *subkey, uint32_t flags)
{
	return pgp_key_can_verify(subkey) && (flags & (PGP_FLAG_SIGN | PGP_FLAG_CERTIFY)) != 0;
}

static bool
binding_is_true(struct pgp_search *f, struct pgp_candidate *c)
{
	const struct pgp_key *subkey = f->target.subkey;
	struct pgp_sig s;

	if (c->state == FALSE || pgp_sig_parse(c->part->body, &s, NULL) != 0)
		return false;
	if (c->state == UNTRIED) {
		c->state = FALSE;
		if (!is_true(f, &s, f->of->cert->primary))
			return false;
		if (subkey != NULL && pgp_needs_back(subkey, pgp_judging_flags(f->of, &s)) &&
		    !back_signed(f, &s, c->late)) {
			/* Anybody can leave it out of as many copies of a true binding as he likes. */
			f->failures++;
			f->no_back |= !c->late;
			f->bound_later |= c->late;
			return false;
		}
		c->state = TRUE;
	}
	f->binding = s;
	return true;
}

static int
newer_first(const void *a, const void *b)
{
	const struct pgp_candidate *const *p = a, *const *q = b;

	if ((*p)->created != (*q)->created)
		return (*p)->created > (*q)->created ? -1 : 1;
	/* Of two of the same second the one that stands later was appended later. */
	return *p > *q ? -1 : 1;
}

/* The candidates in order of their age; NULL without memory. */
static struct pgp_candidate **
by_age(struct pgp_search *f, struct pgp_candidates *c)
{
	struct pgp_candidate **order = mem_array(c->count + 1, sizeof(struct pgp_candidate *));

	if (order == NULL) {
		f->of->failed = ERR_NOMEM;
		return NULL;
	}
	for (size_t i = 0; i < c->count; i++)
		order[i] = &c->items[i];
	if (c->count > 1)
		qsort(order, c->count, sizeof(struct pgp_candidate *), newer_first);
	return order;
}

static bool
take_live(struct pgp_search *f, struct pgp_candidate *const *order)
{
	const struct pgp_candidate *best = NULL;
	struct pgp_sig found;

	for (size_t i = 0; i < f->bindings.count && !is_spent(f, f->of->failures_max / 2); i++)
		if (order[i]->live && binding_is_true(f, order[i]))
			return true;
	for (size_t i = 0; i < f->bindings.count && !is_spent(f, f->of->failures_max); i++) {
		struct pgp_candidate *c = &f->bindings.items[i];

		/* Only what is newer: of one that is true there may be any number of copies. */
		if (c->live && c->state == UNTRIED && (best == NULL || c->created > best->created) &&
		    binding_is_true(f, c)) {
			best = c;
			found = f->binding;
		}
	}
	if (best != NULL)
		f->binding = found;
	return best != NULL;
}

/* One that was made in time, and was expired at the time asked about. */
static bool
has_expired(struct pgp_search *f, struct pgp_candidate *const *order)
{
	for (size_t i = 0; i < f->bindings.count && !is_spent(f, f->of->failures_max); i++)
		if (!order[i]->live && !order[i]->late && binding_is_true(f, order[i]))
			return true;
	return false;
}

static bool
take_late(struct pgp_search *f, struct pgp_candidate *const *order)
{
	const struct pgp_key *subkey = f->target.subkey;

	for (size_t i = f->bindings.count; i-- > 0 && !is_spent(f, f->of->failures_max);) {
		if (!order[i]->late || !binding_is_true(f, order[i]))
			continue;
		/* Only a signing subkey said anything of its own then. */
		f->bound_later = subkey != NULL && !pgp_needs_back(subkey, pgp_judging_flags(f->of, &f->binding));
		return !f->bound_later;
	}
	return false;
}

void
pgp_search_binding(struct pgp_search *f)
{
	MEM_OWNED struct pgp_candidate **order = by_age(f, &f->bindings);

	if (order == NULL)
		return;
	f->has_binding = take_live(f, order);
	if (!f->has_binding)
		f->has_expired = has_expired(f, order);
	if (!f->has_binding && !f->has_expired) {
		f->has_binding = take_late(f, order);
		f->binding_is_late = f->has_binding;
	}
}

/* ---- revocations ---- */

/* NULL when its certificate is not at hand. Once a revoker: a revocation in his name may stand there many times. */
static const struct pgp_key *
key_of_revoker(const struct pgp_judging *of, const struct pgp_fingerprint *f)
{
	for (size_t i = 0; of->others != NULL && i < of->others->count; i++)
		if (pgp_fingerprint_eq(&of->others->items[i]->primary->fingerprint, f))
			return of->others->items[i]->primary;
	return NULL;
}

static bool
revocation_is_true(struct pgp_search *f, struct pgp_candidate *c)
{
	struct pgp_sig s;
	size_t revoker;

	if (c->state != UNTRIED || pgp_sig_parse(c->part->body, &s, NULL) != 0)
		return false;
	c->state = FALSE;
	if (pgp_sig_may_be_from(&s, f->of->cert->primary) && is_true(f, &s, f->of->cert->primary)) {
		f->revocation = s;
		return true;
	}
	revoker = named_revoker(f->of, &s);
	if (revoker == SIZE_MAX)
		return false;
	if (f->of->revoker_keys[revoker] == NULL) {
		f->of->unverified_revocation = true;
	} else if (is_true(f, &s, f->of->revoker_keys[revoker])) {
		f->revocation = s;
		return true;
	}
	return false;
}

static bool
is_kind(const struct pgp_candidate *c, bool hard)
{
	return hard ? c->hard : !c->hard && c->live;
}

/* Of the soft ones the newest, for a newer binding takes older ones back; of the hard ones any. */
static bool
find_revocation(struct pgp_search *f, struct pgp_candidate *const *order, bool hard)
{
	const struct pgp_candidate *best = NULL;
	struct pgp_sig found;

	/* A quarrel about bindings must not hide a revocation. */
	f->failures = 0;
	for (size_t i = 0; i < f->revocations.count && !is_spent(f, f->of->failures_max / 2); i++)
		if (is_kind(order[i], hard) && revocation_is_true(f, order[i]))
			return true;
	for (size_t i = 0; i < f->revocations.count && !is_spent(f, f->of->failures_max); i++) {
		struct pgp_candidate *c = &f->revocations.items[i];

		if (is_kind(c, hard) && (best == NULL || (!hard && c->created > best->created)) &&
		    revocation_is_true(f, c)) {
			best = c;
			found = f->revocation;
		}
	}
	if (best != NULL)
		f->revocation = found;
	return best != NULL;
}

void
pgp_search_revocation(struct pgp_search *f)
{
	MEM_OWNED struct pgp_candidate **order = by_age(f, &f->revocations);

	if (order == NULL)
		return;
	f->has_hard = find_revocation(f, order, true);
	f->has_soft = !f->has_hard && find_revocation(f, order, false);
}

/* ---- who else may revoke (section 5.2.3.23) ---- */

/* The next revoker of s that is not yet known; false when there is none, or no room for more. */
static bool
next_revoker(const struct pgp_judging *of, const struct pgp_sig *s, size_t *at, struct pgp_fingerprint *out)
{
	struct pgp_subpacket p;
	size_t i;

	while (of->revoker_count < PGP_REVOKERS_MAX && pgp_subpacket_next(s->hashed, at, &p)) {
		if (p.type != PGP_SUB_REVOCATION_KEY || p.body.len != 22 || (p.body.data[0] & 0x80) == 0)
			continue;
		*out = (struct pgp_fingerprint){ .len = 20 };
		memcpy(out->bytes, p.body.data + 2, 20);
		for (i = 0; i < of->revoker_count && !pgp_fingerprint_eq(&of->revokers[i], out); i++)
			continue;
		if (i == of->revoker_count)
			return true;
	}
	return false;
}

static void
take_revokers(struct pgp_judging *of, const struct pgp_sig *s)
{
	struct pgp_fingerprint f;

	for (size_t at = 0; next_revoker(of, s, &at, &f);) {
		of->revoker_keys[of->revoker_count] = key_of_revoker(of, &f);
		of->revokers[of->revoker_count++] = f;
	}
}

/* Only then it is worth a check: a true signature may stand there in any number of copies. */
static bool
names_new_revoker(const struct pgp_judging *of, const struct pgp_sig *s)
{
	struct pgp_fingerprint f;
	size_t at = 0;

	return next_revoker(of, s, &at, &f);
}

void
pgp_search_revokers(struct pgp_search *f)
{
	struct pgp_sig counts = f->binding, s;

	for (size_t i = 0; i < f->bindings.count && !is_spent(f, f->of->failures_max); i++)
		if (pgp_sig_parse(f->bindings.items[i].part->body, &s, NULL) == 0 && names_new_revoker(f->of, &s) &&
		    binding_is_true(f, &f->bindings.items[i]))
			take_revokers(f->of, &s);
	f->binding = counts;
}
