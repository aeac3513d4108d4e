/* SPDX-License-Identifier: ISC */
#include "openpgp/judge/policy.h"

#include <inttypes.h>

/* A signer's clock may be ahead of ours by this. */
#define SKEW_S 300u

static const char *const use_names[PGP_USES] = {
	[PGP_USE_DATA] = "data",
	[PGP_USE_SELF] = "self",
	[PGP_USE_REVOKE] = "revoke",
	[PGP_USE_BACK] = "back",
	[PGP_USE_ENCRYPT] = "encrypt",
	[PGP_USE_DECRYPT] = "decrypt",
};

/* As a refusal says it, behind "accepted for". */
static const char *const use_sentences[PGP_USES] = {
	[PGP_USE_DATA] = "signatures over data",
	[PGP_USE_SELF] = "self-signatures",
	[PGP_USE_REVOKE] = "revocations",
	[PGP_USE_BACK] = "back signatures",
	[PGP_USE_ENCRYPT] = "encrypting",
	[PGP_USE_DECRYPT] = "decrypting",
};

const char *
pgp_use_name(enum pgp_use use)
{
	return use_names[use];
}

struct pgp_policy
pgp_policy_default(uint64_t now)
{
	struct pgp_policy p = { .now = now, .clock_skew = SKEW_S };
	const struct pgp_policy_rule *r;

	for (size_t i = 0; (r = pgp_policy_rule(i)) != NULL; i++)
		for (size_t use = 0; use < PGP_USES; use++)
			p.until[i][use] = r->until[use];
	return p;
}

static int
apply(const struct pgp_policy *p, size_t n, enum pgp_use use, struct error *e)
{
	const struct pgp_policy_rule *r = pgp_policy_rule(n);
	uint64_t until = p->until[n][use];

	if (until == PGP_ALWAYS || p->now < until)
		return 0;
	return error_set(e, ERR_POLICY, "%s is %s accepted for %s (rule %s)", r->subject,
	    until == PGP_NEVER ? "not" : "no longer", use_sentences[use], r->name);
}

static bool
is_about(const struct pgp_policy_rule *r, enum pgp_rule_kind kind, unsigned number, unsigned bits)
{
	return r->kind == (uint8_t)kind && r->number == number &&
	    (r->bits_max == 0 || (bits >= r->bits_min && bits <= r->bits_max));
}

static int
judge(const struct pgp_policy *p, enum pgp_rule_kind kind, unsigned number, unsigned bits, enum pgp_use use,
    struct error *e)
{
	static const char *const words[] = {
		[PGP_RULE_HASH] = "hash algorithm",
		[PGP_RULE_ALGORITHM] = "public-key algorithm",
		[PGP_RULE_CIPHER] = "cipher",
		[PGP_RULE_CONTAINER] = "container",
		[PGP_RULE_KEY_VERSION] = "key version",
		[PGP_RULE_SIG_VERSION] = "signature version",
		[PGP_RULE_NO_FLAGS] = "rule",
	};
	const struct pgp_policy_rule *r;

	for (size_t i = 0; (r = pgp_policy_rule(i)) != NULL; i++)
		if (is_about(r, kind, number, bits))
			return apply(p, i, use, e);
	return error_set(e, ERR_UNSUPPORTED, "%s %u is not known", words[kind], number);
}

int
pgp_policy_hash(const struct pgp_policy *p, uint8_t hash, enum pgp_use use, struct error *e)
{
	return judge(p, PGP_RULE_HASH, hash, 0, use, e);
}

int
pgp_policy_cipher(const struct pgp_policy *p, uint8_t cipher, enum pgp_use use, struct error *e)
{
	return judge(p, PGP_RULE_CIPHER, cipher, 0, use, e);
}

int
pgp_policy_container(
    const struct pgp_policy *p, uint8_t packet_type, uint8_t version, enum pgp_use use, struct error *e)
{
	if (packet_type > PGP_TYPE_MAX || version > 3)
		return error_set(e, ERR_UNSUPPORTED, "packet %u of version %u is not known", packet_type, version);
	return judge(p, PGP_RULE_CONTAINER, PGP_CONTAINER_NUMBER(packet_type, version), 0, use, e);
}

int
pgp_policy_sig_version(const struct pgp_policy *p, uint8_t version, enum pgp_use use, struct error *e)
{
	return judge(p, PGP_RULE_SIG_VERSION, version, 0, use, e);
}

int
pgp_policy_no_flags(const struct pgp_policy *p, enum pgp_use use, struct error *e)
{
	return judge(p, PGP_RULE_NO_FLAGS, 0, 0, use, e);
}

/* Section 9.5: the weak hashes must not derive keys; and no weak cipher wraps what a strong one encrypts. */
static int
judge_derivation(const struct pgp_policy *p, const struct pgp_key *key, enum pgp_use use, struct error *e)
{
	int rc = 0;

	if (key->algorithm != PGP_ECDH || (use != PGP_USE_ENCRYPT && use != PGP_USE_DECRYPT))
		return 0;
	rc = pgp_policy_hash(p, key->kdf_hash, use, e);
	return rc != 0 ? rc : pgp_policy_cipher(p, key->kdf_cipher, use, e);
}

int
pgp_policy_key(const struct pgp_policy *p, const struct pgp_key *key, enum pgp_use use, struct error *e)
{
	bool rsa = key->algorithm == PGP_RSA_ENCRYPT || key->algorithm == PGP_RSA_SIGN;
	int rc = judge(p, PGP_RULE_KEY_VERSION, key->version, 0, use, e);

	if (rc == 0 && !key->understood)
		rc = error_set(e, ERR_UNSUPPORTED, "keys of this kind (version %u, algorithm %u) are not understood",
		    key->version, key->algorithm);
	if (rc == 0)
		rc = judge(p, PGP_RULE_ALGORITHM, rsa ? PGP_RSA : key->algorithm, pgp_key_bits(key), use, e);
	return rc != 0 ? rc : judge_derivation(p, key, use, e);
}
