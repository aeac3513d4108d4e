/* SPDX-License-Identifier: ISC */
/* What a certificate's own signatures say about its keys and user IDs at a time. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "openpgp/judge/judge_internal.h"
#include "openpgp/key/pk.h"
#include "openpgp/cert/selfsig.h"

static const char *const standing_names[] = {
	[PGP_STANDING_GOOD] = "good",
	[PGP_STANDING_UNBOUND] = "not bound",
	[PGP_STANDING_NO_BACK_SIGNATURE] = "without back signature",
	[PGP_STANDING_EXPIRED] = "expired",
	[PGP_STANDING_REVOKED_HARD] = "revoked",
	[PGP_STANDING_REVOKED_SOFT] = "revoked since",
	[PGP_STANDING_NOT_YET] = "not yet valid",
	[PGP_STANDING_POLICY] = "refused by policy",
	[PGP_STANDING_NOT_UNDERSTOOD] = "not understood",
};

const char *
pgp_standing_name(enum pgp_standing s)
{
	return standing_names[s];
}

static void __attribute__((format(printf, 3, 4)))
say(struct pgp_component_judgement *j, enum pgp_standing standing, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	j->standing = standing;
	(void)vsnprintf(j->reason, sizeof j->reason, fmt, ap);
	va_end(ap);
}

/* A newer self-signature takes a soft revocation back, never a hard one. */
static bool
judge_revocation(const struct pgp_search *f, bool has_binding, uint32_t bound, struct pgp_component_judgement *j)
{
	if (f->has_hard && f->revocation.has_reason && f->revocation.reason > PGP_REASON_RETIRED)
		say(j, PGP_STANDING_REVOKED_HARD, "it is revoked for a reason that is not known (%u)",
		    f->revocation.reason);
	else if (f->has_hard)
		say(j, PGP_STANDING_REVOKED_HARD, "it is revoked: %s",
		    pgp_reason_name(f->revocation.has_reason ? f->revocation.reason : PGP_REASON_NONE));
	else if (f->has_soft && (!has_binding || bound <= f->revocation.created))
		say(j, PGP_STANDING_REVOKED_SOFT, "it is revoked: %s", pgp_reason_name(f->revocation.reason));
	else
		return false;
	return true;
}

static void
judge_key_times(struct pgp_component_judgement *j, const struct pgp_key *key, uint64_t at)
{
	if (key->created > at)
		say(j, PGP_STANDING_NOT_YET, "the key was made after that time");
	else if (j->expires != 0 && j->expires <= at)
		say(j, PGP_STANDING_EXPIRED, "the key was expired");
}

static void
take_binding(const struct pgp_sig *s, struct pgp_component_judgement *j)
{
	j->sig = s->body;
	j->parsed = *s;
	j->primary_user_id = s->primary_user_id;
}

static void
unbound(const struct pgp_search *f, struct pgp_component_judgement *j)
{
	if (f->has_expired)
		say(j, PGP_STANDING_EXPIRED, "its self-signature was expired");
	else if (f->no_back)
		say(j, PGP_STANDING_NO_BACK_SIGNATURE, "the signing subkey did not sign back%s%.100s",
		    f->refusal.code == ERR_POLICY ? ": " : "", f->refusal.code == ERR_POLICY ? f->refusal.text : "");
	else if (f->bound_later)
		say(j, PGP_STANDING_NOT_YET, "it was bound only after that time");
	else if (f->refusal.code == ERR_POLICY)
		say(j, PGP_STANDING_POLICY, "%.150s", f->refusal.text);
	else if (f->refusal.code == ERR_SYNTAX)
		say(j, PGP_STANDING_UNBOUND, "%.150s", f->refusal.text);
	else
		say(j, PGP_STANDING_UNBOUND, "no valid self-signature binds it");
}

static uint64_t
expiry_of(const struct pgp_key *key, const struct pgp_sig *s)
{
	return s->has_key_expires && s->key_expires != 0 ? (uint64_t)key->created + s->key_expires : 0;
}

static void
judge_subkey(struct pgp_judging *of, const struct pgp_component *k, struct pgp_component_judgement *j)
{
	struct pgp_search f;

	if (k->key == NULL || !k->key->understood || k->key->version != of->cert->primary->version) {
		/* Section 10.1: subkeys are of their primary key's version. */
		say(j, PGP_STANDING_NOT_UNDERSTOOD, "its algorithm or version is not understood");
		return;
	}
	pgp_search_begin(&f, of, k);
	pgp_search_binding(&f);
	pgp_search_revocation(&f);
	if (f.has_binding) {
		take_binding(&f.binding, j);
		j->expires = expiry_of(k->key, &f.binding);
		j->flags = pgp_judging_flags(of, &f.binding);
		j->late = f.binding_is_late;
	}
	if (!judge_revocation(&f, f.has_binding && !f.binding_is_late, f.binding.created, j)) {
		if (f.has_binding)
			judge_key_times(j, k->key, of->at);
		else
			unbound(&f, j);
	}
	pgp_search_done(&f);
}

static void
judge_user(struct pgp_judging *of, const struct pgp_component *k, struct pgp_component_judgement *j)
{
	struct pgp_search f;

	pgp_search_begin(&f, of, k);
	pgp_search_binding(&f);
	pgp_search_revocation(&f);
	if (f.has_binding) {
		take_binding(&f.binding, j);
		j->late = f.binding_is_late;
	}
	if (!judge_revocation(&f, f.has_binding && !f.binding_is_late, f.binding.created, j) && !f.has_binding)
		unbound(&f, j);
	pgp_search_done(&f);
}

/* ---- the primary key: bound by its direct-key signature or (but for v6) by a user ID's ---- */

static bool
better_user(const struct pgp_component_judgement *a, const struct pgp_component_judgement *b)
{
	if (a->primary_user_id != b->primary_user_id)
		return a->primary_user_id;
	return a->parsed.created > b->parsed.created;
}

/* Section 5.2.3.27: the one marked so; of several, or of none, that with the most recent self-signature. */
static void
choose_primary_user(struct pgp_cert_judgement *out)
{
	const struct pgp_component_judgement *best = NULL;

	out->primary_user_id = SIZE_MAX;
	for (size_t i = 0; i < out->count; i++) {
		const struct pgp_component_judgement *j = &out->components[i];

		if (j->component->kind != PGP_COMPONENT_USER_ID || j->standing != PGP_STANDING_GOOD ||
		    (best != NULL && !better_user(j, best)))
			continue;
		best = j;
		out->primary_user_id = i;
	}
}

static void
take_properties(struct pgp_cert_judgement *out, struct pgp_component_judgement *j, const struct pgp_sig *s)
{
	if (s->has_key_flags)
		j->flags = s->key_flags;
	out->says_flags |= s->has_key_flags;
	if (s->has_key_expires)
		j->expires = expiry_of(out->cert->primary, s);
	if (s->has_features)
		out->features = s->features;
	if (s->preferred_aead.len > 0)
		out->preferred_aead = s->preferred_aead;
	if (s->preferred_ciphers.len > 0)
		out->preferred_ciphers = s->preferred_ciphers;
	if (s->preferred_hashes.len > 0)
		out->preferred_hashes = s->preferred_hashes;
}

/*
 * No Key Flags anywhere: section 5.2.3.29 does not say what that means, and
 * programs differ. It certifies, for its self-signatures do so anyway (section
 * 5.2.3.10); for anything else the policy has a rule. In v6 there is no such
 * past to care for.
 */
static void
assume_flags(const struct pgp_judging *of, struct pgp_cert_judgement *out, struct pgp_component_judgement *j)
{
	const struct pgp_key *key = out->cert->primary;

	if (out->says_flags || key->version == 6)
		return;
	j->flags = PGP_FLAG_CERTIFY;
	if (pgp_policy_no_flags(of->policy, PGP_USE_DATA, NULL) == 0)
		j->flags |= PGP_FLAG_SIGN | PGP_FLAG_AUTHENTICATE;
	if (pgp_policy_no_flags(of->policy, PGP_USE_ENCRYPT, NULL) == 0)
		j->flags |= PGP_FLAG_ENCRYPT;
}

/* Why no user ID binds a primary key that has no direct-key signature: what is wrong with the first. */
static void
unbound_by_users(const struct pgp_search *f, const struct pgp_cert_judgement *out, struct pgp_component_judgement *j)
{
	unbound(f, j);
	if (j->standing != PGP_STANDING_UNBOUND || out->cert->primary->version == 6)
		return;
	for (size_t i = 1; i < out->count; i++) {
		const struct pgp_component_judgement *u = &out->components[i];

		if (u->component->kind == PGP_COMPONENT_USER_ID && u->standing != PGP_STANDING_UNBOUND) {
			say(j, u->standing, "none of its user IDs stands: %.120s", u->reason);
			return;
		}
	}
}

/* What binds the primary key: the newest of both counts against a soft revocation. */
struct bound {
	bool has, late;
	uint32_t created;
};

static struct bound
bind_primary(const struct pgp_judging *of, struct pgp_cert_judgement *out, struct pgp_component_judgement *j,
    const struct pgp_search *f)
{
	const struct pgp_component_judgement *user =
	    out->primary_user_id == SIZE_MAX ? NULL : &out->components[out->primary_user_id];
	struct bound b = { of->has_direct, f->binding_is_late, of->direct.created };

	if (b.has) {
		take_binding(&of->direct, j);
		take_properties(out, j, &of->direct);
	}
	/* Section 5.2.3.10: by convention a v4 user ID's; in v6 the direct-key signature alone speaks for the key. */
	if (out->cert->primary->version == 6 || user == NULL)
		return b;
	take_properties(out, j, &user->parsed);
	if (!b.has || (b.late && !user->late)) {
		take_binding(&user->parsed, j);
		b = (struct bound){ true, user->late, user->parsed.created };
	} else if (!user->late && user->parsed.created > b.created)
		b.created = user->parsed.created;
	return b;
}

static void
judge_primary(
    struct pgp_judging *of, struct pgp_search *f, struct pgp_cert_judgement *out, struct pgp_component_judgement *j)
{
	const struct pgp_key *key = out->cert->primary;
	struct bound b = bind_primary(of, out, j, f);
	struct error e = { 0 };

	j->late = b.late;
	assume_flags(of, out, j);
	if (judge_revocation(f, b.has && !b.late, b.created, j))
		return;
	if (!b.has)
		unbound_by_users(f, out, j);
	else if (pgp_policy_key(of->policy, key, PGP_USE_SELF, &e) != 0)
		say(j, PGP_STANDING_POLICY, "%.150s", e.text);
	else
		judge_key_times(j, key, of->at);
}

static void
judge_component(struct pgp_judging *of, struct pgp_component_judgement *j)
{
	const struct pgp_component *k = j->component;

	if (k->kind == PGP_COMPONENT_SUBKEY)
		judge_subkey(of, k, j);
	else if (k->kind == PGP_COMPONENT_USER_ID || k->kind == PGP_COMPONENT_USER_ATTRIBUTE)
		judge_user(of, k, j);
	else
		say(j, PGP_STANDING_NOT_UNDERSTOOD, "it is not understood");
}

/* A double is judged with the first, once: else a thousand doubles would cost the square of all their signatures. */
static const struct pgp_component_judgement *
judged_before(const struct pgp_cert_judgement *out, size_t at)
{
	for (size_t i = 1; i < at; i++)
		if (pgp_component_is_same(out->components[i].component, out->components[at].component))
			return &out->components[i];
	return NULL;
}

static void
judge_nth(struct pgp_judging *of, struct pgp_cert_judgement *out, size_t at)
{
	const struct pgp_component *k = out->components[at].component;
	const struct pgp_component_judgement *first = judged_before(out, at);

	if (first == NULL) {
		judge_component(of, &out->components[at]);
		return;
	}
	out->components[at] = *first;
	out->components[at].component = k;
}

/* The direct-key signature first: what it says applies to the entire key. */
static void
search_primary(struct pgp_judging *of, struct pgp_search *f)
{
	const struct pgp_component *k = &of->cert->components[0];

	pgp_search_begin(f, of, k);
	pgp_search_revokers(f);
	if (of->revoker_count > 0) {
		/* Again, now that it is known who else may revoke. */
		pgp_search_done(f);
		pgp_search_begin(f, of, k);
	}
	pgp_search_binding(f);
	pgp_search_revocation(f);
	of->has_direct = f->has_binding;
	of->direct = f->binding;
}

static void
judge_all(struct pgp_judging *of, struct pgp_cert_judgement *out)
{
	struct error why = { 0 };
	struct pgp_search f;

	for (size_t i = 0; i < out->count; i++)
		out->components[i].component = &of->cert->components[i];
	if (!pgp_key_can_verify(of->cert->primary)) {
		if (pgp_pk_refuse(of->cert->primary, "a primary key", &why) == ERR_NOMEM)
			of->failed = ERR_NOMEM;
		for (size_t i = 0; i < out->count; i++)
			say(&out->components[i], PGP_STANDING_NOT_UNDERSTOOD, "%.150s", why.text);
		out->primary_user_id = SIZE_MAX;
		return;
	}
	search_primary(of, &f);
	for (size_t i = 1; i < out->count && of->failed == 0; i++)
		judge_nth(of, out, i);
	choose_primary_user(out);
	judge_primary(of, &f, out, &out->components[0]);
	pgp_search_done(&f);
}

int
pgp_cert_judge_among(const struct pgp_cert *c, const struct pgp_certs *others, const struct pgp_policy *policy,
    uint64_t at, struct pgp_cert_judgement *out, struct error *e)
{
	struct pgp_judging of = {
		.cert = c, .policy = policy, .at = at, .others = others, .failures_max = pgp_selfsig_checks(c)
	};

	*out = (struct pgp_cert_judgement){ .cert = c, .at = at, .count = c->component_count };
	arena_init(&out->arena, PGP_CERT_COMPONENTS_MAX * 2 * sizeof *out->components);
	out->components = arena_array(&out->arena, out->count, sizeof *out->components);
	if (out->components == NULL) {
		int rc = out->arena.err;

		arena_done(&out->arena);
		return error_set(e, rc, "no room to judge a certificate");
	}
	judge_all(&of, out);
	out->standing = out->components[0].standing;
	out->unverified_revocation = of.unverified_revocation;
	out->cut_short = of.cut_short;
	if (of.failed != 0) {
		pgp_cert_judgement_done(out);
		return error_set(e, of.failed, "a certificate could not be judged: no memory, or libcrypto failed");
	}
	return 0;
}

int
pgp_cert_judge(const struct pgp_cert *c, const struct pgp_policy *policy, uint64_t at, struct pgp_cert_judgement *out,
    struct error *e)
{
	return pgp_cert_judge_among(c, NULL, policy, at, out, e);
}

void
pgp_cert_judgement_done(struct pgp_cert_judgement *j)
{
	arena_done(&j->arena);
	j->components = NULL;
	j->count = 0;
}
