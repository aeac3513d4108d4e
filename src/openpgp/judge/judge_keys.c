/* SPDX-License-Identifier: ISC */
/* Which keys of a judged certificate serve a purpose. */
#include "openpgp/key/pqc.h"
#include "openpgp/judge/verify.h"

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
		(void)pgp_pk_refuse(key, wanted & PGP_FLAG_ENCRYPT ? "encryption to a key" : "a signature by a key", e);
		(void)error_context(e, "key %016llX", (unsigned long long)key->key_id);
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
	return wanted & PGP_FLAG_ENCRYPT ? pgp_pqc_prefer(out, n) : n;
}
