/* SPDX-License-Identifier: ISC */
/*
 * Kinds of new keys by the names that people use.
 *
 * A family is the pair of algorithms that one choice stands for: a key that
 * signs and a key that decrypts, of one curve or size. Which algorithm numbers
 * that means depends on the version: family 25519 is EdDSALegacy and ECDH in
 * version 4, Ed25519 and X25519 in version 6 (RFC 9580 sections 9.1, 9.2).
 *
 * A profile is what the stateless interface calls so: a name for version,
 * family and features together. The first of a purpose is the default.
 */
#ifndef OPENPGP_PROFILE_H
#define OPENPGP_PROFILE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"
#include "openpgp/ids.h"

enum pgp_family {
	PGP_FAMILY_25519, /* the default */
	PGP_FAMILY_448,   /* v6 only */
	PGP_FAMILY_NISTP256,
	PGP_FAMILY_NISTP384,
	PGP_FAMILY_NISTP521,
	PGP_FAMILY_BRAINPOOL256,
	PGP_FAMILY_BRAINPOOL384,
	PGP_FAMILY_BRAINPOOL512,
	PGP_FAMILY_RSA3072,
	PGP_FAMILY_RSA4096,
	PGP_FAMILY_MLKEM768_25519, /* ML-DSA-65+Ed25519, ML-KEM-768+X25519 (RFC 9980); v6, where libcrypto has them */
	PGP_FAMILY_MLKEM1024_448,
	PGP_FAMILY_COUNT
};

/* What one key of a family is. */
struct pgp_family_key {
	uint8_t algorithm; /* enum pgp_algorithm */
	uint8_t curve;     /* enum pgp_curve; PGP_CURVE_NONE when the algorithm has none */
	uint16_t bits;     /* RSA: of the modulus; else 0 */
};

/*
 * The key of a family that signs, or the one that decrypts. version: 4 or 6.
 * ERR_UNSUPPORTED when the family is not for this version.
 */
int pgp_family_key(enum pgp_family family, uint8_t version, bool signs, struct pgp_family_key *out, struct error *e);

/* "25519", "448", "nistp256", "brainpoolP256r1", "rsa3072", ...: as gpg and others name them. NULL for no family. */
const char *pgp_family_name(enum pgp_family family);
/* The same read, without regard to case; also "ed25519", "cv25519", "p256". false when unknown. */
bool pgp_family_parse(struct slice name, enum pgp_family *out);

struct pgp_profile {
	const char *name;
	const char *description; /* one line for list-profiles */
	uint8_t version;         /* 4 or 6 */
	enum pgp_family family;
	bool seipd2; /* its keys announce SEIPDv2 */
};

/* The n-th profile of generate-key, 0 the default; NULL behind the last. Aliases stand in the list as profiles. */
const struct pgp_profile *pgp_profile_at(size_t n);
/* By name; "default" is the first. NULL when unknown. */
const struct pgp_profile *pgp_profile_find(struct slice name);

#endif
