/* SPDX-License-Identifier: ISC */
#include "openpgp/cert/profile.h"

/* One row a family: its key that signs and its key that decrypts, in version 4 and 6. Algorithm 0: not for this version. */
static const struct family {
	const char *name;
	const char *aliases[2];
	struct pgp_family_key keys[2][2]; /* [version 6][signs] */
} families[] = {
	[PGP_FAMILY_25519] = { "25519", { "ed25519", "cv25519" },
	    { { { PGP_ECDH, PGP_CURVE_25519_LEGACY, 0 }, { PGP_EDDSA_LEGACY, PGP_CURVE_ED25519_LEGACY, 0 } },
		{ { PGP_X25519, PGP_CURVE_NONE, 0 }, { PGP_ED25519, PGP_CURVE_NONE, 0 } } } },
	/* v4 had no form of these but GnuPG's own, and who reads only v4 does not read them. */
	[PGP_FAMILY_448] = { "448", { "ed448", "x448" },
	    { { { 0 }, { 0 } }, { { PGP_X448, PGP_CURVE_NONE, 0 }, { PGP_ED448, PGP_CURVE_NONE, 0 } } } },
#define EC(name, alias, curve) \
	{ \
		name, { alias, NULL }, \
		{ \
			{ { PGP_ECDH, curve, 0 }, { PGP_ECDSA, curve, 0 } }, \
			{ \
				{ PGP_ECDH, curve, 0 }, \
				{ \
					PGP_ECDSA, curve, 0 \
				} \
			} \
		} \
	}
	[PGP_FAMILY_NISTP256] = EC("nistp256", "p256", PGP_CURVE_P256),
	[PGP_FAMILY_NISTP384] = EC("nistp384", "p384", PGP_CURVE_P384),
	[PGP_FAMILY_NISTP521] = EC("nistp521", "p521", PGP_CURVE_P521),
	[PGP_FAMILY_BRAINPOOL256] = EC("brainpoolP256r1", "bp256", PGP_CURVE_BRAINPOOL256),
	[PGP_FAMILY_BRAINPOOL384] = EC("brainpoolP384r1", "bp384", PGP_CURVE_BRAINPOOL384),
	[PGP_FAMILY_BRAINPOOL512] = EC("brainpoolP512r1", "bp512", PGP_CURVE_BRAINPOOL512),
#undef EC
#define RSA(name, alias, bits) \
	{ \
		name, { alias, NULL }, \
		{ \
			{ { PGP_RSA, PGP_CURVE_NONE, bits }, { PGP_RSA, PGP_CURVE_NONE, bits } }, \
			{ \
				{ PGP_RSA, PGP_CURVE_NONE, bits }, \
				{ \
					PGP_RSA, PGP_CURVE_NONE, bits \
				} \
			} \
		} \
	}
	[PGP_FAMILY_RSA3072] = RSA("rsa3072", "rsa", 3072),
	[PGP_FAMILY_RSA4096] = RSA("rsa4096", NULL, 4096),
#undef RSA
	/* RFC 9980: ML-KEM-768 may also stand under a v4 key (section 4.2), all else is for v6. */
	[PGP_FAMILY_MLKEM768_25519] = { "mlkem768", { "pqc", "mldsa65" },
	    { { { PGP_MLKEM768_X25519, PGP_CURVE_NONE, 0 }, { 0 } },
		{ { PGP_MLKEM768_X25519, PGP_CURVE_NONE, 0 }, { PGP_MLDSA65_ED25519, PGP_CURVE_NONE, 0 } } } },
	[PGP_FAMILY_MLKEM1024_448] = { "mlkem1024", { "mldsa87", NULL },
	    { { { 0 }, { 0 } },
		{ { PGP_MLKEM1024_X448, PGP_CURVE_NONE, 0 }, { PGP_MLDSA87_ED448, PGP_CURVE_NONE, 0 } } } },
};

int
pgp_family_key(enum pgp_family family, uint8_t version, bool signs, struct pgp_family_key *out, struct error *e)
{
	const struct pgp_family_key *k;

	if (family >= PGP_FAMILY_COUNT || (version != 4 && version != 6))
		return error_set(e, ERR_USAGE, "there is no such kind of key");
	k = &families[family].keys[version == 6][signs];
	if (k->algorithm == 0)
		return error_set(e, ERR_UNSUPPORTED, "a key of kind %s that %s cannot be of version %u",
		    families[family].name, signs ? "signs" : "decrypts", version);
	*out = *k;
	return 0;
}

const char *
pgp_family_name(enum pgp_family family)
{
	return family < PGP_FAMILY_COUNT ? families[family].name : NULL;
}

bool
pgp_family_parse(struct slice name, enum pgp_family *out)
{
	for (unsigned i = 0; i < PGP_FAMILY_COUNT; i++) {
		const struct family *f = &families[i];

		for (unsigned n = 0; n < 3; n++) {
			const char *known = n == 0 ? f->name : f->aliases[n - 1];

			if (known != NULL && slice_ieq_str(name, known)) {
				*out = (enum pgp_family)i;
				return true;
			}
		}
	}
	return false;
}

/*
 * "rfc4880" is what that RFC itself knows: RSA. What today's programs of
 * version 4 read in fact is "compatibility".
 */
static const struct pgp_profile profiles[] = {
	{ "rfc9580", "version 6: Ed25519 and X25519", 6, PGP_FAMILY_25519, true },
	{ "rfc4880", "version 4: RSA of 3072 bits, which the oldest programs read", 4, PGP_FAMILY_RSA3072, false },
	{ "compatibility", "version 4: EdDSA and ECDH over Curve25519, which all of today's programs read", 4,
	    PGP_FAMILY_25519, false },
	{ "security", "version 6: Ed448 and X448", 6, PGP_FAMILY_448, true },
	{ "performance", "the same as rfc9580", 6, PGP_FAMILY_25519, true },
	{ "rfc9980", "version 6, post-quantum: ML-DSA-65+Ed25519 and ML-KEM-768+X25519", 6, PGP_FAMILY_MLKEM768_25519,
	    true },
};

const struct pgp_profile *
pgp_profile_at(size_t n)
{
	return n < sizeof profiles / sizeof profiles[0] ? &profiles[n] : NULL;
}

const struct pgp_profile *
pgp_profile_find(struct slice name)
{
	if (slice_eq_str(name, "default"))
		return &profiles[0];
	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
		if (slice_eq_str(name, profiles[i].name))
			return &profiles[i];
	return NULL;
}
