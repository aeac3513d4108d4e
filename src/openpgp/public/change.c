/* SPDX-License-Identifier: ISC */
/* Changes of certificates, and copies of them, for the public header. */
#include "openpgp/cert/change.h"

#include "openpgp/cert/certify.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/armor.h"
#include "openpgp/public/public.h"

static struct pgp_change
change_of(const struct llk_change *c)
{
	return (struct pgp_change){ .cert = public_cert_engine(c->cert),
		.keys = pgp_memory_keys_ops(c->keys->memory),
		.policy = &c->policy->policy };
}

/* NULL: the primary key. */
static const struct pgp_key *
find(const struct pgp_cert *c, const char *fingerprint)
{
	struct pgp_fingerprint f;

	if (fingerprint == NULL)
		return c->primary;
	return pgp_fingerprint_parse(slice_str(fingerprint), &f, NULL) == 0 ? pgp_cert_find_key(c, &f) : NULL;
}

int
llk_change_expiry(const struct llk_change *change, const char *fingerprint, uint64_t expires, struct llk_data *out,
    struct llk_error *error)
{
	const struct pgp_change c = change_of(change);
	const struct pgp_key *key = find(c.cert, fingerprint);
	struct error e = { 0 };
	struct buf packets;
	int rc;

	if (key == NULL)
		return public_refuse(error, ERR_NOT_FOUND, "the certificate has no key of that fingerprint");
	buf_init(&packets, PGP_CERT_MAX);
	rc = pgp_change_expiry(&c, key, expires, &packets, &e);
	return public_deliver(rc, c.cert, &packets, change->armor, out, &e, error);
}

int
llk_change_add_user_id(const struct llk_change *change, struct llk_bytes user_id, bool primary, struct llk_data *out,
    struct llk_error *error)
{
	const struct pgp_change c = change_of(change);
	struct error e = { 0 };
	struct buf packets;
	int rc;

	buf_init(&packets, PGP_CERT_MAX);
	rc = pgp_change_add_user(&c, public_slice(user_id), primary, &packets, &e);
	return public_deliver(rc, c.cert, &packets, change->armor, out, &e, error);
}

int
llk_change_revoke_user_id(const struct llk_change *change, struct llk_bytes user_id, struct llk_bytes why,
    struct llk_data *out, struct llk_error *error)
{
	const struct pgp_change c = change_of(change);
	struct error e = { 0 };
	struct buf packets;
	int rc;

	buf_init(&packets, PGP_CERT_MAX);
	rc = pgp_change_revoke_user(
	    &c, public_slice(user_id), PGP_REASON_USER_ID_INVALID, public_slice(why), &packets, &e);
	return public_deliver(rc, c.cert, &packets, change->armor, out, &e, error);
}

/* The family that a primary key is of, so that a subkey is of the same. */
static enum pgp_family
family_of(const struct pgp_key *primary)
{
	for (int f = 0; f < PGP_FAMILY_COUNT; f++) {
		struct pgp_family_key k;

		if (pgp_family_key((enum pgp_family)f, primary->version, true, &k, NULL) == 0 &&
		    k.algorithm == primary->algorithm && (k.curve == PGP_CURVE_NONE || k.curve == primary->curve) &&
		    (k.bits == 0 || k.bits == pgp_key_bits(primary)))
			return (enum pgp_family)f;
	}
	return PGP_FAMILY_25519;
}

int
llk_change_add_subkey(const struct llk_change *change, unsigned flags, uint32_t expires, struct llk_bytes password,
    struct llk_data *out, struct llk_error *error)
{
	const struct pgp_change c = change_of(change);
	const struct pgp_subkey_spec spec = { .flags = flags,
		.family = family_of(c.cert->primary),
		.created = (uint32_t)c.policy->now,
		.expires = expires };
	struct error e = { 0 };
	struct buf packets;
	int rc;

	buf_init(&packets, PGP_CERT_MAX);
	rc = pgp_change_add_subkey(
	    &c, &spec, public_protection(c.cert->primary->version, password), public_slice(password), &packets, &e);
	return public_deliver(rc, c.cert, &packets, change->armor, out, &e, error);
}

int
llk_change_revoke(const struct llk_change *change, const char *fingerprint, enum llk_revocation reason,
    struct llk_bytes why, struct llk_data *out, struct llk_error *error)
{
	const struct pgp_change c = change_of(change);
	const struct pgp_key *key = find(c.cert, fingerprint);
	struct error e = { 0 };
	struct buf packets;
	int rc;

	if (key == NULL)
		return public_refuse(error, ERR_NOT_FOUND, "the certificate has no key of that fingerprint");
	buf_init(&packets, PGP_CERT_MAX);
	if (key == c.cert->primary)
		rc = pgp_change_revoke(&c, (uint8_t)reason, public_slice(why), &packets, &e);
	else
		rc = pgp_change_revoke_subkey(&c, key, (uint8_t)reason, public_slice(why), &packets, &e);
	return public_deliver(rc, c.cert, &packets, change->armor, out, &e, error);
}

int
llk_cert_revoke_with(
    const struct llk_cert *cert, struct llk_bytes revocation, bool armor, struct llk_data *out, struct llk_error *error)
{
	const struct pgp_cert *c = public_cert_engine(cert);
	struct slice in = public_slice(revocation);
	struct buf plain BUF_OWNED = { 0 };
	enum pgp_armor_kind kind;
	struct error e = { 0 };
	struct buf packets;
	size_t at = 0;
	int rc = 1;

	buf_init(&plain, PGP_CERT_MAX);
	if (in.len > 0 && pgp_armor_looks_armored(in)) {
		rc = pgp_armor_parse(in, &at, &kind, &plain, &e);
		in = buf_slice(&plain);
	}
	if (rc == 0)
		return public_refuse(error, ERR_SYNTAX, "there is no revocation in it");
	buf_init(&packets, PGP_CERT_MAX);
	if (rc == 1)
		rc = pgp_cert_revoke_with(c, in, &packets, &e);
	return public_deliver(rc, c, &packets, armor, out, &e, error);
}

int
llk_certify(const struct llk_change *change, const struct llk_cert *target, struct llk_bytes user_id, bool local,
    unsigned depth, unsigned amount, struct llk_data *out, struct llk_error *error)
{
	const struct pgp_change c = change_of(change);
	const struct pgp_certify_spec spec = {
		.created = (uint32_t)c.policy->now, .local = local, .depth = (uint8_t)depth, .amount = (uint8_t)amount
	};
	struct error e = { 0 };
	struct buf packets;
	int rc;

	if (depth > UINT8_MAX || amount > UINT8_MAX)
		return public_refuse(error, ERR_USAGE, "depth and amount of trust are at most 255");
	if (c.policy->now > UINT32_MAX)
		return public_refuse(error, ERR_USAGE, "OpenPGP has no such time");
	buf_init(&packets, PGP_CERT_MAX);
	rc = pgp_certify_user(&spec, public_cert_engine(target), public_slice(user_id), c.cert, c.keys, &packets, &e);
	return public_deliver(rc, public_cert_engine(target), &packets, change->armor, out, &e, error);
}

int
llk_cert_export(const struct llk_cert *cert, const struct llk_policy *policy, bool minimal, bool armor,
    struct llk_data *out, struct llk_error *error)
{
	const struct pgp_cert *c = public_cert_engine(cert);
	const struct pgp_export how = { .newest_only = minimal,
		.live_only = minimal,
		.no_attributes = minimal,
		.third_party = minimal ? PGP_THIRD_PARTY_DROP : PGP_THIRD_PARTY_KEEP,
		.policy = &policy->policy };
	struct error e = { 0 };
	struct buf packets;
	int rc;

	buf_init(&packets, PGP_CERT_MAX);
	rc = pgp_cert_export(c, &how, &packets, &e);
	return public_deliver(rc, c, &packets, armor, out, &e, error);
}
