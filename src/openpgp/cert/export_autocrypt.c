/* SPDX-License-Identifier: ISC */
/* The certificate as an Autocrypt header carries it. */
#include "openpgp/cert/merge.h"
#include "openpgp/frame/packet.h"
#include "openpgp/judge/verify.h"

static void
put_key(const struct pgp_component *k, struct buf *out)
{
	(void)pgp_packet_write(
	    out, k->kind == PGP_COMPONENT_PRIMARY ? PGP_PUBLIC_KEY : PGP_PUBLIC_SUBKEY, k->key->public_body);
}

static void
put_signature(const struct pgp_component_judgement *j, struct buf *out)
{
	(void)pgp_packet_write(out, PGP_SIGNATURE, j->sig);
}

/* The live user ID of the address, else the primary one; NULL when there is none. */
static const struct pgp_component_judgement *
choose_user(const struct pgp_cert_judgement *j, struct slice address)
{
	for (size_t i = 0; address.len > 0 && i < j->count; i++) {
		const struct pgp_component *k = j->components[i].component;

		if (k->kind == PGP_COMPONENT_USER_ID && j->components[i].standing == PGP_STANDING_GOOD &&
		    slice_ieq(pgp_user_id_address(k->packet.body), address))
			return &j->components[i];
	}
	return j->primary_user_id == SIZE_MAX ? NULL : &j->components[j->primary_user_id];
}

static int
write_minimal(const struct pgp_cert_judgement *j, const struct pgp_component_judgement *user,
    const struct pgp_component_judgement *subkey, struct buf *out)
{
	const struct pgp_component_judgement *primary = &j->components[0];

	put_key(primary->component, out);
	/* What speaks for the primary key where it is not the user ID's own signature. */
	if (primary->sig.len > 0 && primary->parsed.type == PGP_SIG_DIRECT_KEY)
		put_signature(primary, out);
	(void)pgp_packet_write(out, PGP_USER_ID, user->component->packet.body);
	put_signature(user, out);
	/* A primary key may decrypt itself (RSA). */
	if (subkey != primary) {
		put_key(subkey->component, out);
		put_signature(subkey, out);
	}
	return out->err;
}

int
pgp_cert_export_autocrypt(
    const struct pgp_cert *c, struct slice address, const struct pgp_policy *policy, struct buf *out, struct error *e)
{
	const struct pgp_component_judgement *user;
	const struct pgp_key *key;
	struct pgp_cert_judgement j;
	int rc = pgp_cert_judge(c, policy, policy->now, &j, e);

	if (rc != 0)
		return rc;
	user = choose_user(&j, address);
	if (pgp_judged_keys_for(&j, policy, PGP_FLAG_ENCRYPT, &key, 1, e) == 0)
		rc = ERR_POLICY;
	else if (user == NULL)
		rc = error_set(e, ERR_POLICY, "the certificate has no good user ID");
	else if (write_minimal(&j, user, pgp_judged_key(&j, key), out) != 0)
		rc = error_set(e, out->err, "no room for the certificate");
	pgp_cert_judgement_done(&j);
	return rc;
}
