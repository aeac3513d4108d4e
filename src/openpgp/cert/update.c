/* SPDX-License-Identifier: ISC */
/* A key brought up to date. */
#include "openpgp/cert/change_internal.h"

struct updating {
	struct pgp_changing g;
	const struct pgp_update_options *o;
	bool can_sign, can_encrypt; /* a good key for it is left */
	bool had_sign, had_encrypt; /* there is or was one */
};

/* Whatever may be forged by a collision is made anew, also where it is still accepted in self-signatures. */
static bool
weak(const struct updating *u, uint8_t hash)
{
	return pgp_policy_hash(u->g.c->policy, hash, PGP_USE_DATA, NULL) != 0;
}

/* ---- properties of the whole ---- */

static uint32_t
wanted_features(const struct updating *u, const struct pgp_sig *old)
{
	uint32_t features = old == NULL || !old->has_features ? 0 : old->features;

	features |= PGP_FEATURE_SEIPD1;
	/* v6 implies it; in v4 it is a new capability. */
	if (u->g.c->cert->primary->version == 6 || !u->o->no_added_capabilities)
		features |= PGP_FEATURE_SEIPD2;
	return features;
}

static bool
prefers_weak(const struct pgp_policy *policy, const struct pgp_sig *s)
{
	for (size_t i = 0; i < s->preferred_ciphers.len; i++)
		if (pgp_policy_cipher(policy, s->preferred_ciphers.data[i], PGP_USE_ENCRYPT, NULL) != 0)
			return true;
	for (size_t i = 0; i < s->preferred_hashes.len; i++)
		if (pgp_policy_hash(policy, s->preferred_hashes.data[i], PGP_USE_DATA, NULL) != 0)
			return true;
	return false;
}

/* Whether a signature that speaks for the whole says what a new one would. */
static bool
properties_current(const struct updating *u, const struct pgp_sig *s)
{
	uint32_t wanted = wanted_features(u, s);

	return s->has_features && (s->features & wanted) == wanted && !prefers_weak(u->g.c->policy, s) &&
	    ((wanted & PGP_FEATURE_SEIPD2) == 0 || s->preferred_aead.len > 0 || u->o->no_added_capabilities);
}

static int
renew_properties(struct updating *u, const struct pgp_component *k, const struct pgp_sig *old, struct error *e)
{
	static const uint8_t replaced[] = { PGP_SUB_FEATURES, PGP_SUB_PREFERRED_CIPHERS, PGP_SUB_PREFERRED_HASHES,
		PGP_SUB_PREFERRED_AEAD, PGP_SUB_LIBRE_AEAD, 0 };

	pgp_put_preferences(&u->g.w.subpackets, (wanted_features(u, old) & PGP_FEATURE_SEIPD2) != 0);
	return pgp_changing_renew(&u->g, k, old, replaced, e);
}

static int
update_signature(
    struct updating *u, const struct pgp_component *k, const struct pgp_sig *old, bool speaks_for_all, struct error *e)
{
	static const uint8_t none[] = { 0 };

	if (speaks_for_all && !properties_current(u, old))
		return renew_properties(u, k, old, e);
	return weak(u, old->hash) ? pgp_changing_renew(&u->g, k, old, none, e) : 0;
}

/* v6 must have a direct-key signature (section 10.1.1); what it says comes from a user ID where one says it. */
static int
make_direct(struct updating *u, const struct pgp_component *k, struct error *e)
{
	static const uint8_t dropped[] = { PGP_SUB_PRIMARY_USER_ID, PGP_SUB_FEATURES, PGP_SUB_PREFERRED_CIPHERS,
		PGP_SUB_PREFERRED_HASHES, PGP_SUB_PREFERRED_AEAD, PGP_SUB_LIBRE_AEAD, 0 };
	const struct pgp_cert *c = u->g.c->cert;
	struct pgp_sig user = { .created = 0 };
	int rc = ERR_NOT_FOUND;

	for (size_t i = 1; rc == ERR_NOT_FOUND && i < c->component_count; i++)
		if (c->components[i].kind == PGP_COMPONENT_USER_ID && !pgp_changing_revoked(&u->g, &c->components[i]))
			rc = pgp_changing_binding(&u->g, &c->components[i], &user, e);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == 0)
		pgp_carry_subpackets(&u->g.w.subpackets, &user, u->g.now, dropped);
	if (rc != 0 || !user.has_key_flags)
		pgp_put_flags(&u->g.w.subpackets, PGP_SUB_KEY_FLAGS, true, PGP_FLAG_CERTIFY | PGP_FLAG_SIGN);
	pgp_put_preferences(&u->g.w.subpackets, true);
	return pgp_rewrite_sign(&u->g.w, k, PGP_SIG_DIRECT_KEY, u->g.now, e);
}

static int
update_primary(struct updating *u, const struct pgp_component *k, struct error *e)
{
	struct pgp_sig old;
	int rc = pgp_changing_binding(&u->g, k, &old, e);

	if (rc == ERR_NOT_FOUND)
		return u->g.c->cert->primary->version == 6 ? make_direct(u, k, e) : 0;
	return rc != 0 ? rc : update_signature(u, k, &old, true, e);
}

static int
update_user(struct updating *u, const struct pgp_component *k, struct error *e)
{
	bool v4 = u->g.c->cert->primary->version != 6;
	struct pgp_sig old;
	int rc;

	if (pgp_changing_revoked(&u->g, k))
		return 0;
	rc = pgp_changing_binding(&u->g, k, &old, e);
	if (rc == ERR_NOT_FOUND)
		return 0;
	return rc != 0 ? rc : update_signature(u, k, &old, v4 && k->kind == PGP_COMPONENT_USER_ID, e);
}

/* ---- subkeys ---- */

static bool
holds(const struct updating *u, const struct pgp_key *key)
{
	return u->g.c->keys.ops->holds(u->g.c->keys.ctx, key);
}

/* 1 for a signing subkey that has not signed back, or with a weak hash, where that can be healed. */
static int
lacks_back_signature(
    const struct updating *u, const struct pgp_component *k, const struct pgp_sig *binding, struct error *e)
{
	struct slice back;
	int rc;

	if (!binding->has_key_flags || (binding->key_flags & PGP_FLAG_SIGN) == 0 || !holds(u, k->key))
		return 0;
	rc = pgp_selfsig_back_check(u->g.c->cert, k, binding, u->g.c->policy, &back, e);
	return rc == 0 || rc == ERR_NOMEM || rc == ERR_CRYPTO ? rc : 1;
}

static bool
deprecated(const struct updating *u, const struct pgp_component *k, const struct pgp_sig *binding)
{
	bool encrypts = binding->has_key_flags && (binding->key_flags & PGP_FLAG_ENCRYPT) != 0;

	return pgp_policy_key(u->g.c->policy, k->key, encrypts ? PGP_USE_ENCRYPT : PGP_USE_DATA, NULL) == ERR_POLICY;
}

static int
revoke_deprecated(struct updating *u, const struct pgp_component *k, const struct pgp_sig *binding, struct error *e)
{
	int rc = pgp_put_reason(&u->g.w.subpackets, PGP_REASON_SUPERSEDED, SLICE("its algorithm is deprecated"), e);

	if (rc != 0)
		return rc;
	return pgp_rewrite_sign(&u->g.w, k, PGP_SIG_SUBKEY_REVOCATION, pgp_changing_time(&u->g, binding), e);
}

/* What is left to work with, now that this subkey is as it will be. */
static void
count_subkey(struct updating *u, const struct pgp_component *k, const struct pgp_sig *binding, bool fit)
{
	const struct pgp_component_judgement *j = &u->g.j.components[k - u->g.c->cert->components];
	bool good = fit && j->standing == PGP_STANDING_GOOD;
	uint32_t flags = binding->has_key_flags ? binding->key_flags : 0;

	u->had_sign = u->had_sign || (flags & PGP_FLAG_SIGN) != 0;
	u->had_encrypt = u->had_encrypt || (flags & PGP_FLAG_ENCRYPT) != 0;
	u->can_sign = u->can_sign || (good && (flags & PGP_FLAG_SIGN) != 0 && pgp_key_can_verify(k->key));
	u->can_encrypt = u->can_encrypt || (good && (flags & PGP_FLAG_ENCRYPT) != 0 && pgp_key_can_encrypt(k->key));
}

static int
update_subkey(struct updating *u, const struct pgp_component *k, struct error *e)
{
	static const uint8_t none[] = { 0 };
	struct pgp_sig old;
	bool unfit;
	int rc;

	if (k->key == NULL || !k->key->understood || pgp_changing_revoked(&u->g, k))
		return 0;
	rc = pgp_changing_binding(&u->g, k, &old, e);
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc != 0)
		return rc;
	unfit = deprecated(u, k, &old);
	count_subkey(u, k, &old, !unfit);
	if (unfit && u->o->revoke_deprecated)
		return revoke_deprecated(u, k, &old, e);
	rc = weak(u, old.hash) ? 1 : lacks_back_signature(u, k, &old, e);
	return rc == 1 ? pgp_changing_renew(&u->g, k, &old, none, e) : rc;
}

static void
count_primary(struct updating *u)
{
	const struct pgp_key *key = u->g.c->cert->primary;
	uint32_t flags = u->g.j.components[0].flags;

	u->had_sign = (flags & PGP_FLAG_SIGN) != 0;
	u->had_encrypt = (flags & PGP_FLAG_ENCRYPT) != 0;
	u->can_sign = u->had_sign && pgp_policy_key(u->g.c->policy, key, PGP_USE_DATA, NULL) == 0;
	u->can_encrypt = u->had_encrypt && pgp_key_can_encrypt(key) &&
	    pgp_policy_key(u->g.c->policy, key, PGP_USE_ENCRYPT, NULL) == 0;
}

static int
add_missing(struct updating *u, struct error *e)
{
	const struct pgp_cert *c = u->g.c->cert;
	enum pgp_family family = c->primary->algorithm == PGP_ED448 ? PGP_FAMILY_448 : PGP_FAMILY_25519;
	const struct pgp_subkey_spec sign = { .flags = PGP_FLAG_SIGN, .family = family },
				     encrypt = { .flags = PGP_FLAG_ENCRYPT, .family = family };
	int rc = 0;

	/* A public certificate has no place for a new secret. */
	if (!c->secret)
		return 0;
	/* What there never was is an added capability. */
	if (!u->can_sign && (u->had_sign || !u->o->no_added_capabilities))
		rc = pgp_changing_subkey(&u->g, &sign, u->o->protection, u->o->passphrase, e);
	if (rc == 0 && !u->can_encrypt && !u->o->sign_only && (u->had_encrypt || !u->o->no_added_capabilities))
		rc = pgp_changing_subkey(&u->g, &encrypt, u->o->protection, u->o->passphrase, e);
	return rc;
}

static int
update(struct updating *u, struct error *e)
{
	const struct pgp_cert *c = u->g.c->cert;
	int rc = 0;

	count_primary(u);
	for (size_t i = 0; rc == 0 && i < c->component_count; i++) {
		const struct pgp_component *k = &c->components[i];

		if (k->kind == PGP_COMPONENT_PRIMARY)
			rc = update_primary(u, k, e);
		else if (k->kind == PGP_COMPONENT_SUBKEY)
			rc = update_subkey(u, k, e);
		else if (k->kind != PGP_COMPONENT_UNKNOWN)
			rc = update_user(u, k, e);
	}
	return rc != 0 ? rc : add_missing(u, e);
}

int
pgp_change_update(const struct pgp_change *c, const struct pgp_update_options *options, struct buf *out,
    bool *changed_out, struct error *e)
{
	struct updating u = { .o = options };
	bool changed;
	int rc = pgp_changing_begin(&u.g, c, true, e);

	if (rc != 0)
		return rc;
	rc = update(&u, e);
	changed = pgp_rewrite_changed(&u.g.w);
	rc = pgp_changing_end(&u.g, rc, out, e);
	if (rc == 0)
		*changed_out = changed;
	return rc;
}
