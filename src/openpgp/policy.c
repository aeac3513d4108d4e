/* SPDX-License-Identifier: ISC */
#include "openpgp/policy.h"

/* 2026-02-01: where Sequoia stopped to take SHA-1 where only second preimages matter. */
#define SHA1_SELF_UNTIL 1769904000u
#define SKEW_S 300u

struct pgp_policy
pgp_policy_default(uint64_t now)
{
	static const uint8_t good_hashes[] = { PGP_SHA256, PGP_SHA384, PGP_SHA512, PGP_SHA224, PGP_SHA3_256,
		PGP_SHA3_512 };
	static const uint8_t good_keys[] = { PGP_RSA, PGP_RSA_ENCRYPT, PGP_RSA_SIGN, PGP_ECDH, PGP_ECDSA,
		PGP_EDDSA_LEGACY, PGP_X25519, PGP_X448, PGP_ED25519, PGP_ED448 };
	struct pgp_policy p = { .now = now, .rsa_bits_min = 2047, .rsa_bits_max = 16384, .clock_skew = SKEW_S };

	for (size_t i = 0; i < sizeof good_hashes; i++)
		p.hashes[good_hashes[i]] = (struct pgp_cutoff){ PGP_ALWAYS, PGP_ALWAYS };
	p.hashes[PGP_SHA1].self_until = SHA1_SELF_UNTIL;
	for (size_t i = 0; i < sizeof good_keys; i++)
		p.algorithms_until[good_keys[i]] = PGP_ALWAYS;
	return p;
}

int
pgp_policy_hash(const struct pgp_policy *p, uint8_t hash, enum pgp_use use, struct error *e)
{
	const struct pgp_cutoff *c = &p->hashes[hash & 15];
	uint64_t until = hash > 15 ? PGP_NEVER : use == PGP_USE_DATA ? c->data_until : c->self_until;

	if (until == PGP_ALWAYS || p->now < until)
		return 0;
	return error_set(e, ERR_POLICY, "the hash %s is %s accepted for %s", pgp_hash_name(hash),
	    until == PGP_NEVER ? "not" : "no longer", use == PGP_USE_DATA ? "signatures over data" : "self-signatures");
}

int
pgp_policy_key(const struct pgp_policy *p, const struct pgp_key *key, enum pgp_use use, struct error *e)
{
	unsigned bits = pgp_key_bits(key);
	bool rsa = key->algorithm <= PGP_RSA_SIGN;

	(void)use;
	if (!key->understood)
		return error_set(e, ERR_POLICY, "keys of this kind (version %u, algorithm %u) are not understood",
		    key->version, key->algorithm);
	if (key->algorithm > 31 || p->now >= p->algorithms_until[key->algorithm])
		return error_set(e, ERR_POLICY, "the algorithm %s is not accepted", pgp_algorithm_name(key->algorithm));
	if (rsa && (bits < p->rsa_bits_min || bits > p->rsa_bits_max))
		return error_set(e, ERR_POLICY, "an RSA key of %u bits is not accepted", bits);
	return 0;
}
