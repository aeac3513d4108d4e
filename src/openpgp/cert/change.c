/* SPDX-License-Identifier: ISC */
/* Expiry and user IDs; and what every change begins and ends with. */
#include "openpgp/cert/change.h"

#include "base/utf8.h"
#include "openpgp/cert/change_internal.h"

/* ---- begin and end ---- */

static int
begin(struct pgp_changing *g, bool standing, struct error *e)
{
	const struct pgp_change *c = g->c;
	struct pgp_policy policy = *c->policy;
	int rc = pgp_rewrite_init(&g->w, c->cert, c->cert->primary, c->keys, e);

	if (rc != 0)
		return rc;
	/* What is to be healed must be seen. */
	rc = pgp_policy_set(&policy, SLICE("sha1"), PGP_USES_ALL, PGP_ALWAYS, e);
	if (rc == 0)
		rc = pgp_cert_judge(c->cert, &policy, policy.now, &g->j, e);
	/* A new self-signature would take a soft revocation back, which nobody asked for. */
	if (rc == 0 && standing &&
	    (g->j.standing == PGP_STANDING_REVOKED_HARD || g->j.standing == PGP_STANDING_REVOKED_SOFT))
		rc = error_set(e, ERR_POLICY, "the certificate is revoked: nothing of it can be changed");
	return rc;
}

int
pgp_changing_begin(struct pgp_changing *g, const struct pgp_change *c, bool standing, struct error *e)
{
	int rc;

	*g = (struct pgp_changing){ .c = c, .latest = c->policy->now + c->policy->clock_skew };
	if (!c->cert->primary->understood)
		return error_set(e, ERR_UNSUPPORTED, "a key of this kind cannot be changed");
	if (c->policy->now >= UINT32_MAX)
		return error_set(e, ERR_USAGE, "OpenPGP has no such time");
	g->now = (uint32_t)c->policy->now;
	rc = begin(g, standing, e);
	if (rc != 0)
		pgp_changing_done(g);
	return rc;
}

void
pgp_changing_done(struct pgp_changing *g)
{
	pgp_rewrite_done(&g->w);
	pgp_cert_judgement_done(&g->j);
}

int
pgp_changing_end(struct pgp_changing *g, int rc, struct buf *out, struct error *e)
{
	size_t from = out->len;

	if (rc == 0)
		rc = pgp_rewrite_write(&g->w, out, e);
	if (rc != 0)
		buf_truncate(out, from);
	pgp_changing_done(g);
	return rc;
}

/* ---- what is there ---- */

int
pgp_changing_binding(const struct pgp_changing *g, const struct pgp_component *k, struct pgp_sig *out, struct error *e)
{
	return pgp_selfsig_newest(g->c->cert, k, PGP_SELFSIG_BINDING, g->latest, out, e);
}

bool
pgp_changing_revoked(const struct pgp_changing *g, const struct pgp_component *k)
{
	enum pgp_standing s = g->j.components[k - g->c->cert->components].standing;

	return s == PGP_STANDING_REVOKED_HARD || s == PGP_STANDING_REVOKED_SOFT;
}

uint32_t
pgp_changing_time(const struct pgp_changing *g, const struct pgp_sig *old)
{
	return old->created < g->now ? g->now : old->created + 1;
}

const struct pgp_component *
pgp_changing_user(const struct pgp_changing *g, struct slice user_id)
{
	const struct pgp_cert *c = g->c->cert;

	for (size_t i = 0; i < c->component_count; i++)
		if (c->components[i].kind == PGP_COMPONENT_USER_ID && slice_eq(c->components[i].packet.body, user_id))
			return &c->components[i];
	return NULL;
}

static int
no_such_user(struct error *e)
{
	return error_set(e, ERR_NOT_FOUND, "the certificate has no such user ID");
}

/* ---- new for old ---- */

static bool
signs(const struct pgp_sig *binding)
{
	return binding->has_key_flags && (binding->key_flags & (PGP_FLAG_SIGN | PGP_FLAG_CERTIFY)) != 0;
}

static int
put_new_back_signature(struct pgp_changing *g, const struct pgp_component *k, uint32_t created, struct error *e)
{
	struct pgp_sig_target target = pgp_component_target(g->c->cert, k);
	struct pgp_sig_spec spec = { .type = PGP_SIG_PRIMARY_BINDING, .created = created };
	int rc;

	buf_clear(&g->w.body);
	rc = pgp_sig_make_target(&spec, &target, k->key, g->c->keys, &g->w.body, e);
	return rc != 0 ? rc : pgp_subpacket_put(&g->w.subpackets, PGP_SUB_EMBEDDED, false, buf_slice(&g->w.body));
}

/*
 * The old back signature when it is good, else a new one. Where the subkey's
 * secret is not at hand an old one with a weak hash stays: it is better than
 * none, and accepted by those who know that it must be old.
 */
static int
put_back_signature(
    struct pgp_changing *g, const struct pgp_component *k, const struct pgp_sig *old, uint32_t created, struct error *e)
{
	struct slice back;
	int rc = pgp_selfsig_back_check(g->c->cert, k, old, g->c->policy, &back, NULL);

	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		return error_set(e, rc, "a back signature could not be checked");
	if (rc != 0 && g->c->keys.ops->holds(g->c->keys.ctx, k->key))
		return put_new_back_signature(g, k, created, e);
	if (back.len == 0)
		return error_set(e, ERR_NO_KEY, "the signing subkey %016llX must sign back, and its secret is not here",
		    (unsigned long long)k->key->key_id);
	return pgp_subpacket_put(&g->w.subpackets, PGP_SUB_EMBEDDED, false, back);
}

int
pgp_changing_renew(struct pgp_changing *g, const struct pgp_component *k, const struct pgp_sig *old,
    const uint8_t *dropped, struct error *e)
{
	uint32_t created = pgp_changing_time(g, old);
	int rc = 0;

	pgp_carry_subpackets(&g->w.subpackets, old, created, dropped);
	if (k->kind == PGP_COMPONENT_SUBKEY && signs(old))
		rc = put_back_signature(g, k, old, created, e);
	if (rc != 0) {
		buf_clear(&g->w.subpackets);
		return rc;
	}
	return pgp_rewrite_sign(&g->w, k, old->type, created, e);
}

/* ---- expiry ---- */

static int
renew_expiry(
    struct pgp_changing *g, const struct pgp_component *k, const struct pgp_sig *old, uint32_t seconds, struct error *e)
{
	static const uint8_t dropped[] = { PGP_SUB_KEY_EXPIRES, 0 };

	if (seconds != 0)
		pgp_put_number(&g->w.subpackets, PGP_SUB_KEY_EXPIRES, true, seconds);
	return pgp_changing_renew(g, k, old, dropped, e);
}

/*
 * Every signature that speaks for the primary key. v4: each user ID's by
 * convention (section 5.2.3.10), and the direct-key signature where there is
 * one; v6: the latter, and user IDs only where they contradict it.
 */
static int
expire_primary(struct pgp_changing *g, uint32_t seconds, struct error *e)
{
	const struct pgp_cert *c = g->c->cert;
	struct pgp_sig old;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->component_count; i++) {
		const struct pgp_component *k = &c->components[i];

		if (k->kind == PGP_COMPONENT_SUBKEY || k->kind == PGP_COMPONENT_UNKNOWN || pgp_changing_revoked(g, k))
			continue;
		rc = pgp_changing_binding(g, k, &old, e);
		if (rc == ERR_NOT_FOUND)
			rc = 0;
		else if (rc == 0 && (i == 0 || c->primary->version != 6 || old.has_key_expires))
			rc = renew_expiry(g, k, &old, seconds, e);
	}
	if (rc == 0 && !pgp_rewrite_changed(&g->w))
		rc = error_set(e, ERR_POLICY, "the certificate has no valid self-signature that could be continued");
	return rc;
}

static int
expire_subkey(struct pgp_changing *g, const struct pgp_component *k, uint32_t seconds, struct error *e)
{
	struct pgp_sig old;
	int rc;

	if (pgp_changing_revoked(g, k))
		return error_set(e, ERR_POLICY, "the subkey is revoked");
	rc = pgp_changing_binding(g, k, &old, e);
	if (rc == ERR_NOT_FOUND)
		return error_set(e, ERR_POLICY, "the subkey is not bound to its certificate");
	return rc != 0 ? rc : renew_expiry(g, k, &old, seconds, e);
}

int
pgp_change_expiry(
    const struct pgp_change *c, const struct pgp_key *key, uint64_t expires, struct buf *out, struct error *e)
{
	const struct pgp_component *k = pgp_cert_component_of(c->cert, key);
	struct pgp_changing g;
	uint32_t seconds;
	int rc;

	if (k == NULL || !key->understood)
		return error_set(e, ERR_USAGE, "this key is none of the certificate's");
	if (expires != 0 && (expires <= key->created || expires - key->created > UINT32_MAX))
		return error_set(e, ERR_USAGE, "a key expires after it was made, and within 136 years of that");
	seconds = expires == 0 ? 0 : (uint32_t)(expires - key->created);
	rc = pgp_changing_begin(&g, c, true, e);
	if (rc != 0)
		return rc;
	if (k->kind == PGP_COMPONENT_PRIMARY)
		rc = expire_primary(&g, seconds, e);
	else
		rc = expire_subkey(&g, k, seconds, e);
	return pgp_changing_end(&g, rc, out, e);
}

/* ---- user IDs ---- */

static const uint8_t primary_flag[] = { PGP_SUB_PRIMARY_USER_ID, 0 };

/* No other user ID says any more that it is the primary one. */
static int
take_primary_flags(struct pgp_changing *g, const struct pgp_component *but, struct error *e)
{
	const struct pgp_cert *c = g->c->cert;
	struct pgp_sig old;
	int rc = 0;

	for (size_t i = 1; rc == 0 && i < c->component_count; i++) {
		const struct pgp_component *k = &c->components[i];

		if (k->kind != PGP_COMPONENT_USER_ID || k == but || pgp_changing_revoked(g, k))
			continue;
		rc = pgp_changing_binding(g, k, &old, e);
		if (rc == ERR_NOT_FOUND)
			rc = 0;
		else if (rc == 0 && old.primary_user_id)
			rc = pgp_changing_renew(g, k, &old, primary_flag, e);
	}
	return rc;
}

/* The self-signature whose properties a new user ID gets: the primary user ID's, else the direct-key one. */
static int
find_template(const struct pgp_changing *g, struct pgp_sig *out, struct error *e)
{
	const struct pgp_cert *c = g->c->cert;
	size_t n = g->j.primary_user_id;
	int rc = ERR_NOT_FOUND;

	if (n != SIZE_MAX)
		rc = pgp_changing_binding(g, &c->components[n], out, e);
	if (rc == ERR_NOT_FOUND && c->primary->version != 6)
		rc = pgp_changing_binding(g, &c->components[0], out, e);
	return rc;
}

static int
put_user_properties(struct pgp_changing *g, bool primary, struct error *e)
{
	struct pgp_sig template;
	int rc = find_template(g, &template, e);

	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == 0)
		pgp_carry_subpackets(&g->w.subpackets, &template, g->now, primary_flag);
	else if (g->c->cert->primary->version != 6) {
		/* Nothing tells what this certificate is for but this user ID. */
		pgp_put_flags(&g->w.subpackets, PGP_SUB_KEY_FLAGS, true, PGP_FLAG_CERTIFY | PGP_FLAG_SIGN);
		pgp_put_preferences(&g->w.subpackets, false);
	}
	if (primary)
		pgp_put_octet(&g->w.subpackets, PGP_SUB_PRIMARY_USER_ID, true, 1);
	return 0;
}

/* A user ID that was revoked comes back under a newer self-signature. */
static int
revive_user(struct pgp_changing *g, const struct pgp_component *k, struct error *e)
{
	struct pgp_sig old = { .created = 0 }, revocation = { .created = 0 };
	int rc = pgp_selfsig_newest(g->c->cert, k, PGP_SELFSIG_REVOCATION, g->latest, &revocation, e);

	if (rc == 0 || rc == ERR_NOT_FOUND)
		rc = pgp_changing_binding(g, k, &old, e);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	if (old.created < revocation.created)
		old.created = revocation.created;
	return pgp_rewrite_sign(&g->w, k, PGP_SIG_CERT_POSITIVE, pgp_changing_time(g, &old), e);
}

static int
add_user(struct pgp_changing *g, struct slice user_id, bool primary, struct error *e)
{
	const struct pgp_component *k = pgp_changing_user(g, user_id);
	int rc;

	if (k != NULL && g->j.components[k - g->c->cert->components].standing == PGP_STANDING_GOOD)
		return error_set(e, ERR_EXISTS, "the certificate has this user ID already");
	if (k != NULL && g->j.components[k - g->c->cert->components].standing == PGP_STANDING_REVOKED_HARD)
		return error_set(e, ERR_USAGE, "this user ID was revoked without a reason that could be taken back");
	rc = primary ? take_primary_flags(g, k, e) : 0;
	if (rc == 0)
		rc = put_user_properties(g, primary, e);
	if (rc != 0)
		return rc;
	if (k != NULL)
		return revive_user(g, k, e);
	return pgp_rewrite_add_user(&g->w, user_id, PGP_SIG_CERT_POSITIVE, g->now, e);
}

int
pgp_change_add_user(const struct pgp_change *c, struct slice user_id, bool primary, struct buf *out, struct error *e)
{
	struct pgp_changing g;
	int rc;

	if (user_id.len > PGP_USER_ID_MAX || !utf8_valid(user_id))
		return error_set(e, ERR_USAGE, "a user ID must be UTF-8 of at most %u octets", PGP_USER_ID_MAX);
	rc = pgp_changing_begin(&g, c, true, e);
	if (rc != 0)
		return rc;
	rc = add_user(&g, user_id, primary, e);
	return pgp_changing_end(&g, rc, out, e);
}

static int
make_primary(struct pgp_changing *g, const struct pgp_component *k, struct error *e)
{
	struct pgp_sig old;
	int rc;

	if (pgp_changing_revoked(g, k))
		return error_set(e, ERR_USAGE, "this user ID is revoked");
	rc = take_primary_flags(g, k, e);
	if (rc == 0)
		rc = pgp_changing_binding(g, k, &old, e);
	if (rc == ERR_NOT_FOUND)
		return error_set(e, ERR_USAGE, "this user ID is not bound to the certificate");
	if (rc != 0)
		return rc;
	pgp_put_octet(&g->w.subpackets, PGP_SUB_PRIMARY_USER_ID, true, 1);
	return pgp_changing_renew(g, k, &old, primary_flag, e);
}

int
pgp_change_primary_user(const struct pgp_change *c, struct slice user_id, struct buf *out, struct error *e)
{
	const struct pgp_component *k;
	struct pgp_changing g;
	int rc = pgp_changing_begin(&g, c, true, e);

	if (rc != 0)
		return rc;
	k = pgp_changing_user(&g, user_id);
	rc = k == NULL ? no_such_user(e) : make_primary(&g, k, e);
	return pgp_changing_end(&g, rc, out, e);
}
