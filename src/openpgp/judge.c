/* SPDX-License-Identifier: ISC */
/* What a certificate's own signatures say about its keys and user IDs at a time. */
#include <stdio.h>
#include <string.h>

#include "openpgp/verify.h"

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

/* One component being judged. */
struct search {
	const struct pgp_cert *cert;
	const struct pgp_policy *policy;
	uint64_t at;
	struct pgp_sig_target target;
	size_t tried;
	int *failed; /* no memory, or libcrypto: no judgement at all */

	/* found: */
	bool has_binding;     /* the newest not after at, or else the oldest of all */
	bool binding_is_late; /* it is newer than at */
	struct pgp_sig binding;
	bool has_direct; /* primary only: its newest direct-key signature, by the same rule */
	bool has_hard, has_soft;
	struct pgp_sig hard, soft; /* soft: the newest not after at */
	struct error refusal;      /* why the last candidate did not count */
};

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

static bool
reason_is_soft(const struct pgp_sig *s)
{
	return s->has_reason &&
	    (s->reason == PGP_REASON_SUPERSEDED || s->reason == PGP_REASON_RETIRED ||
		s->reason == PGP_REASON_USER_ID_INVALID);
}

static void
keep_binding(struct search *f, const struct pgp_sig *s)
{
	bool late = s->created > f->at;
	bool better;

	if (s->expires != 0 && (uint64_t)s->created + s->expires <= f->at)
		return; /* not live */
	if (!f->has_binding)
		better = true;
	else if (late != f->binding_is_late)
		better = !late;
	else
		better = late ? s->created < f->binding.created : s->created >= f->binding.created;
	if (!better)
		return;
	f->has_binding = true;
	f->binding_is_late = late;
	f->binding = *s;
}

static void
keep_revocation(struct search *f, const struct pgp_sig *s)
{
	if (!reason_is_soft(s)) {
		f->has_hard = true;
		f->hard = *s;
	} else if (s->created <= f->at && (!f->has_soft || s->created > f->soft.created)) {
		f->has_soft = true;
		f->soft = *s;
	}
}

/* A revocation counts whatever its hash, but for MD5: refusing it would help only a thief. */
static bool
acceptable(struct search *f, const struct pgp_sig *s, enum role role)
{
	if (role == ROLE_REVOCATION)
		return s->hash != PGP_MD5;
	if (s->created > f->policy->now + f->policy->clock_skew) {
		(void)error_set(&f->refusal, ERR_POLICY, "its self-signature comes from the future");
		return false;
	}
	return pgp_policy_sig_version(f->policy, s->version, PGP_USE_SELF, &f->refusal) == 0 &&
	    pgp_policy_hash(f->policy, s->hash, PGP_USE_SELF, &f->refusal) == 0;
}

static void
consider(struct search *f, const struct pgp_component *k, const struct pgp_part *part)
{
	struct pgp_sig s;
	enum role role;
	int rc;

	if (part->type != PGP_SIGNATURE || pgp_sig_parse(part->body, &s, NULL) != 0)
		return;
	role = role_of(k->kind, s.type);
	/* The issuer first: of a hundred thousand forged signatures none costs any arithmetic. */
	if (role == ROLE_NONE || (!s.has_issuer && s.issuer_fpr.len == 0) || !pgp_sig_may_be_from(&s, f->cert->primary))
		return;
	if (!acceptable(f, &s, role) || f->tried++ >= PGP_SELF_SIGS_MAX)
		return;
	rc = pgp_sig_check_target(&s, &f->target, f->cert->primary, &f->refusal);
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		*f->failed = rc;
	if (rc != 0)
		return;
	if (role == ROLE_BINDING)
		keep_binding(f, &s);
	else
		keep_revocation(f, &s);
}

static void
search(struct search *f, const struct pgp_component *k)
{
	for (size_t i = 0; i < k->part_count; i++)
		consider(f, k, &k->parts[i]);
}

/* ---- standing of one component ---- */

static void __attribute__((format(printf, 3, 4)))
say(struct pgp_component_judgement *j, enum pgp_standing standing, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	j->standing = standing;
	(void)vsnprintf(j->reason, sizeof j->reason, fmt, ap);
	va_end(ap);
}

static bool
judge_revocation(const struct search *f, struct pgp_component_judgement *j)
{
	if (f->has_hard) {
		say(j, PGP_STANDING_REVOKED_HARD, "it is revoked: %s",
		    pgp_reason_name(f->hard.has_reason ? f->hard.reason : PGP_REASON_NONE));
		return true;
	}
	/* A newer self-signature takes a soft revocation back. */
	if (f->has_soft && (!f->has_binding || f->binding_is_late || f->binding.created <= f->soft.created)) {
		say(j, PGP_STANDING_REVOKED_SOFT, "it is revoked: %s", pgp_reason_name(f->soft.reason));
		return true;
	}
	return false;
}

/* Section 5.2.1.9: a key that signs must have agreed to be this certificate's. */
static bool
back_signed(const struct search *f, const struct pgp_key *subkey)
{
	struct pgp_sig back;
	int rc;

	if (f->binding.embedded.len == 0 || pgp_sig_parse(f->binding.embedded, &back, NULL) != 0)
		return false;
	/* No policy on its hash: it may be as old as the subkey, and nobody gains from forging it by collision. */
	if (back.type != PGP_SIG_PRIMARY_BINDING || back.hash == PGP_MD5)
		return false;
	rc = pgp_sig_check_target(&back, &f->target, subkey, NULL);
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		*f->failed = rc;
	return rc == 0;
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
take_binding(const struct search *f, struct pgp_component_judgement *j)
{
	j->sig = f->binding.body;
	j->parsed = f->binding;
	j->flags = f->binding.has_key_flags ? f->binding.key_flags : 0;
	j->primary_user_id = f->binding.primary_user_id;
}

static void
unbound(const struct search *f, struct pgp_component_judgement *j)
{
	if (f->refusal.code == ERR_POLICY)
		say(j, PGP_STANDING_POLICY, "%.150s", f->refusal.text);
	else
		say(j, PGP_STANDING_UNBOUND, "no valid self-signature binds it");
}

static uint64_t
expiry_of(const struct pgp_key *key, const struct pgp_sig *s)
{
	return s->has_key_expires && s->key_expires != 0 ? (uint64_t)key->created + s->key_expires : 0;
}

static void
judge_subkey(struct search *f, const struct pgp_component *k, struct pgp_component_judgement *j)
{
	if (k->key == NULL || !k->key->understood) {
		say(j, PGP_STANDING_NOT_UNDERSTOOD, "its algorithm or version is not understood");
		return;
	}
	f->target.subkey = k->key;
	search(f, k);
	if (f->has_binding) {
		take_binding(f, j);
		j->expires = expiry_of(k->key, &f->binding);
	}
	if (judge_revocation(f, j))
		return;
	if (!f->has_binding)
		unbound(f, j);
	else if ((j->flags & (PGP_FLAG_SIGN | PGP_FLAG_CERTIFY)) != 0 && !back_signed(f, k->key))
		say(j, PGP_STANDING_NO_BACK_SIGNATURE, "the signing subkey did not sign back");
	else
		judge_key_times(j, k->key, f->at);
}

static void
judge_user(struct search *f, const struct pgp_component *k, struct pgp_component_judgement *j)
{
	f->target.user_type = k->packet.type;
	f->target.user = k->packet.body;
	search(f, k);
	if (f->has_binding)
		take_binding(f, j);
	if (judge_revocation(f, j))
		return;
	if (!f->has_binding)
		unbound(f, j);
}

/* ---- the primary key: bound by its direct-key signature or (v4) by a user ID's ---- */

static bool
better_user(const struct pgp_component_judgement *a, const struct pgp_component_judgement *b)
{
	if (a->primary_user_id != b->primary_user_id)
		return a->primary_user_id;
	return a->parsed.created > b->parsed.created;
}

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

static void
judge_primary(struct search *f, struct pgp_cert_judgement *out, struct pgp_component_judgement *j)
{
	const struct pgp_key *key = out->cert->primary;
	const struct pgp_component_judgement *user =
	    out->primary_user_id == SIZE_MAX ? NULL : &out->components[out->primary_user_id];

	if (!key->understood) {
		say(j, PGP_STANDING_NOT_UNDERSTOOD, "its algorithm or version is not understood");
		return;
	}
	search(f, j->component);
	if (f->has_binding) {
		take_binding(f, j);
		take_properties(out, j, &f->binding);
	}
	/* Section 10.1.1: in v6 the direct-key signature alone speaks for the key. */
	if (key->version == 4 && user != NULL) {
		take_properties(out, j, &user->parsed);
		if (!f->has_binding || (f->binding_is_late && user->parsed.created <= f->at)) {
			f->has_binding = true;
			f->binding_is_late = user->parsed.created > f->at;
			f->binding = user->parsed;
			j->sig = user->sig;
			j->parsed = user->parsed;
		} else if (user->parsed.created > f->binding.created && user->parsed.created <= f->at)
			f->binding.created = user->parsed.created;
	}
	if (judge_revocation(f, j))
		return;
	if (!f->has_binding)
		unbound(f, j);
	else
		judge_key_times(j, key, f->at);
}

static void
judge_component(const struct search *base, struct pgp_component_judgement *j)
{
	struct search f = *base;
	const struct pgp_component *k = j->component;

	if (k->kind == PGP_COMPONENT_SUBKEY)
		judge_subkey(&f, k, j);
	else if (k->kind == PGP_COMPONENT_USER_ID || k->kind == PGP_COMPONENT_USER_ATTRIBUTE)
		judge_user(&f, k, j);
	else
		say(j, PGP_STANDING_NOT_UNDERSTOOD, "it is not understood");
}

int
pgp_cert_judge(const struct pgp_cert *c, const struct pgp_policy *policy, uint64_t at, struct pgp_cert_judgement *out,
    struct error *e)
{
	struct search base = { .cert = c, .policy = policy, .at = at, .target = { .primary = c->primary } };
	int failed = 0;

	base.failed = &failed;
	*out = (struct pgp_cert_judgement){ .cert = c, .at = at, .count = c->component_count };
	arena_init(&out->arena, PGP_CERT_COMPONENTS_MAX * 2 * sizeof *out->components);
	out->components = arena_array(&out->arena, out->count, sizeof *out->components);
	if (out->components == NULL) {
		int rc = out->arena.err;

		arena_done(&out->arena);
		return error_set(e, rc, "no room to judge a certificate");
	}
	for (size_t i = 0; i < out->count; i++)
		out->components[i].component = &c->components[i];
	for (size_t i = 1; i < out->count && c->primary->understood; i++)
		judge_component(&base, &out->components[i]);
	choose_primary_user(out);
	judge_primary(&base, out, &out->components[0]);
	out->standing = out->components[0].standing;
	if (failed != 0) {
		pgp_cert_judgement_done(out);
		return error_set(e, failed, "a certificate could not be judged: no memory, or libcrypto failed");
	}
	return 0;
}

void
pgp_cert_judgement_done(struct pgp_cert_judgement *j)
{
	arena_done(&j->arena);
	j->components = NULL;
	j->count = 0;
}

const struct pgp_component_judgement *
pgp_judged_key(const struct pgp_cert_judgement *j, const struct pgp_key *key)
{
	for (size_t i = 0; i < j->count; i++)
		if (j->components[i].component->key == key)
			return &j->components[i];
	return NULL;
}

/* Whether this key serves the purpose; if not, e says why. */
static bool
serves(const struct pgp_component_judgement *j, const struct pgp_policy *policy, uint32_t wanted, struct error *e)
{
	const struct pgp_key *key = j->component->key;
	bool can;

	if (key == NULL)
		return false;
	can = wanted & PGP_FLAG_ENCRYPT ? pgp_key_can_encrypt(key) : pgp_key_can_verify(key);
	if ((j->flags & wanted) == 0 && j->standing == PGP_STANDING_GOOD)
		return false;
	if (j->standing != PGP_STANDING_GOOD) {
		(void)error_set(e, ERR_POLICY, "key %016llX: %s", (unsigned long long)key->key_id, j->reason);
		return false;
	}
	if (!can) {
		(void)error_set(e, ERR_UNSUPPORTED, "key %016llX: %s is not supported for that",
		    (unsigned long long)key->key_id, pgp_algorithm_name(key->algorithm));
		return false;
	}
	return pgp_policy_key(policy, key, wanted & PGP_FLAG_ENCRYPT ? PGP_USE_ENCRYPT : PGP_USE_DATA, e) == 0;
}

size_t
pgp_judged_keys_for(const struct pgp_cert_judgement *j, const struct pgp_policy *policy, uint32_t wanted,
    const struct pgp_key **out, size_t max, struct error *e)
{
	size_t n = 0;

	(void)error_set(e, ERR_POLICY, "the certificate has no key for that");
	if (j->standing != PGP_STANDING_GOOD) {
		(void)error_set(e, ERR_POLICY, "the certificate cannot be used: %s", j->components[0].reason);
		return 0;
	}
	for (size_t i = 0; i < j->count && n < max; i++)
		if (serves(&j->components[i], policy, wanted, e))
			out[n++] = j->components[i].component->key;
	return n;
}
