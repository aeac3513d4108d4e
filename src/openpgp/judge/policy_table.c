/* SPDX-License-Identifier: ISC */
/* Every rule of the standard policy, with its dates: the one place where they stand. */
#include "openpgp/judge/policy.h"

/* 2026-02-01: where Sequoia stopped to take SHA-1 where only second preimages matter. */
#define SHA1_SELF 1769904000u

#define A PGP_ALWAYS
#define N PGP_NEVER

/* Uses that a row's archive column may open. */
#define SIGNED \
	(PGP_USE_BIT(PGP_USE_DATA) | PGP_USE_BIT(PGP_USE_SELF) | PGP_USE_BIT(PGP_USE_REVOKE) | \
	    PGP_USE_BIT(PGP_USE_BACK))
#define READ PGP_USE_BIT(PGP_USE_DECRYPT)

#define HASH(name, subject, number) name, subject, PGP_RULE_HASH, number, false
#define KEYS(name, subject, number) name, subject, PGP_RULE_ALGORITHM, number, false
#define CIPHER(name, subject, number) name, subject, PGP_RULE_CIPHER, number, false
#define MISSING(name, subject, number) name, subject, PGP_RULE_CIPHER, number, true
#define CONTAINER(name, subject, type, version) \
	name, subject, PGP_RULE_CONTAINER, PGP_CONTAINER_NUMBER(type, version), false
#define KEY_VERSION(name, subject, number) name, subject, PGP_RULE_KEY_VERSION, number, false
#define SIG_VERSION(name, subject, number) name, subject, PGP_RULE_SIG_VERSION, number, false

/*
 * Columns of until: data, self, revoke, back, encrypt, decrypt.
 *
 * Hashes (section 9.5). A revocation with a weak hash counts, for refusing it
 * helps only a thief; a back signature may be as old as its subkey, and to
 * steal somebody's signing subkey by a collision one would have to have its
 * holder sign a prepared document with the weak hash, which nobody counts. MD5
 * never. As hashes of a key derivation the weak ones are refused where
 * encryption is (the same section).
 *
 * Keys (section 12.4 to 12.6): RSA below 2048 bits and DSA must not verify,
 * ElGamal must not encrypt. 2047 bits is what some programs made of 2048.
 * Reading is always permitted: it only needs the secret.
 */
static const struct pgp_policy_rule rules[] = {
	{ HASH("md5", "MD5", PGP_MD5), 0, 0, 0, { N, N, N, N, N, N } },
	{ HASH("sha1", "SHA-1", PGP_SHA1), SIGNED, 0, 0, { N, SHA1_SELF, A, A, N, A } },
	{ HASH("ripemd160", "RIPEMD-160", PGP_RIPEMD160), SIGNED, 0, 0, { N, N, A, A, N, A } },
	{ HASH("sha224", "SHA2-224", PGP_SHA224), 0, 0, 0, { A, A, A, A, A, A } },
	{ HASH("sha256", "SHA2-256", PGP_SHA256), 0, 0, 0, { A, A, A, A, A, A } },
	{ HASH("sha384", "SHA2-384", PGP_SHA384), 0, 0, 0, { A, A, A, A, A, A } },
	{ HASH("sha512", "SHA2-512", PGP_SHA512), 0, 0, 0, { A, A, A, A, A, A } },
	{ HASH("sha3-256", "SHA3-256", PGP_SHA3_256), 0, 0, 0, { A, A, A, A, A, A } },
	{ HASH("sha3-512", "SHA3-512", PGP_SHA3_512), 0, 0, 0, { A, A, A, A, A, A } },

	{ KEYS("rsa512", "RSA of less than 1024 bits", PGP_RSA), 0, 0, 1023, { N, N, A, N, N, A } },
	{ KEYS("rsa1024", "RSA of less than 2048 bits", PGP_RSA), SIGNED, 1024, 2046, { N, N, A, N, N, A } },
	{ KEYS("rsa", "RSA", PGP_RSA), 0, 2047, UINT16_MAX, { A, A, A, A, A, A } },
	{ KEYS("elgamal", "ElGamal", PGP_ELGAMAL), 0, 0, 0, { N, N, N, N, N, A } },
	{ KEYS("dsa", "DSA", PGP_DSA), SIGNED, 0, 0, { N, N, A, N, N, N } },
	{ KEYS("ecdh", "ECDH", PGP_ECDH), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("ecdsa", "ECDSA", PGP_ECDSA), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("eddsa-legacy", "EdDSALegacy", PGP_EDDSA_LEGACY), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("x25519", "X25519", PGP_X25519), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("x448", "X448", PGP_X448), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("ed25519", "Ed25519", PGP_ED25519), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("ed448", "Ed448", PGP_ED448), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("mldsa65", "ML-DSA-65+Ed25519", PGP_MLDSA65_ED25519), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("mldsa87", "ML-DSA-87+Ed448", PGP_MLDSA87_ED448), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("mlkem768", "ML-KEM-768+X25519", PGP_MLKEM768_X25519), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEYS("mlkem1024", "ML-KEM-1024+X448", PGP_MLKEM1024_X448), 0, 0, 0, { A, A, A, A, A, A } },

	/* Section 9.3. What is not encrypted (0) is no cipher at all. */
	{ MISSING("plaintext", "data without encryption", PGP_PLAINTEXT), 0, 0, 0, { N, N, N, N, N, N } },
	{ MISSING("idea", "IDEA", PGP_IDEA), 0, 0, 0, { N, N, N, N, N, N } },
	{ CIPHER("3des", "3DES", PGP_TRIPLEDES), READ, 0, 0, { N, N, N, N, N, N } },
	{ CIPHER("cast5", "CAST5", PGP_CAST5), READ, 0, 0, { N, N, N, N, N, N } },
	{ CIPHER("blowfish", "Blowfish", PGP_BLOWFISH), READ, 0, 0, { N, N, N, N, N, N } },
	{ CIPHER("aes128", "AES-128", PGP_AES128), 0, 0, 0, { N, N, N, N, A, A } },
	{ CIPHER("aes192", "AES-192", PGP_AES192), 0, 0, 0, { N, N, N, N, A, A } },
	{ CIPHER("aes256", "AES-256", PGP_AES256), 0, 0, 0, { N, N, N, N, A, A } },
	{ MISSING("twofish", "Twofish", PGP_TWOFISH), 0, 0, 0, { N, N, N, N, N, N } },
	{ CIPHER("camellia128", "Camellia-128", PGP_CAMELLIA128), 0, 0, 0, { N, N, N, N, A, A } },
	{ CIPHER("camellia192", "Camellia-192", PGP_CAMELLIA192), 0, 0, 0, { N, N, N, N, A, A } },
	{ CIPHER("camellia256", "Camellia-256", PGP_CAMELLIA256), 0, 0, 0, { N, N, N, N, A, A } },

	/* Section 13.7: data that anybody may have changed asks for its own name. GnuPG's own packet is only read. */
	{ CONTAINER("no-mdc", "encryption without protection of integrity", PGP_SED, 0), 0, 0, 0,
	    { N, N, N, N, N, N } },
	{ CONTAINER("seipd1", "encryption with an MDC", PGP_SEIPD, 1), 0, 0, 0, { N, N, N, N, A, A } },
	{ CONTAINER("seipd2", "encryption with AEAD", PGP_SEIPD, 2), 0, 0, 0, { N, N, N, N, A, A } },
	{ CONTAINER("aead-libre", "GnuPG's AEAD packet", PGP_AEAD_LIBRE, 1), 0, 0, 0, { N, N, N, N, N, A } },

	/* Section 5.5.2.1: version 3 keys have three weaknesses. Version 5 is LibrePGP's: read only. */
	{ KEY_VERSION("v2-keys", "a key of version 2", 2), 0, 0, 0, { N, N, N, N, N, A } },
	{ KEY_VERSION("v3-keys", "a key of version 3", 3), 0, 0, 0, { N, N, N, N, N, A } },
	{ KEY_VERSION("v4-keys", "a key of version 4", 4), 0, 0, 0, { A, A, A, A, A, A } },
	{ KEY_VERSION("v5-keys", "a key of version 5", 5), 0, 0, 0, { A, A, A, A, N, A } },
	{ KEY_VERSION("v6-keys", "a key of version 6", 6), 0, 0, 0, { A, A, A, A, A, A } },

	/* A signature of version 3 has no subpackets: no fingerprint of its issuer, no critical ones. */
	{ SIG_VERSION("v2-signatures", "a signature of version 2", 2), SIGNED, 0, 0, { N, N, N, N, N, N } },
	{ SIG_VERSION("v3-signatures", "a signature of version 3", 3), SIGNED, 0, 0, { N, N, N, N, N, N } },
	{ SIG_VERSION("v4-signatures", "a signature of version 4", 4), 0, 0, 0, { A, A, A, A, N, N } },
	{ SIG_VERSION("v5-signatures", "a signature of version 5", 5), 0, 0, 0, { A, A, A, A, N, N } },
	{ SIG_VERSION("v6-signatures", "a signature of version 6", 6), 0, 0, 0, { A, A, A, A, N, N } },

	/* Certificates of the last century. GnuPG lets such a key do everything. */
	{ "no-flags", "a key that does not say what it is for", PGP_RULE_NO_FLAGS, 0, false,
	    PGP_USE_BIT(PGP_USE_DATA) | PGP_USE_BIT(PGP_USE_ENCRYPT), 0, 0, { N, A, A, A, N, A } },
};

#define COUNT (sizeof rules / sizeof rules[0])
_Static_assert(COUNT <= PGP_POLICY_RULES_MAX, "a policy has room for every rule");

const struct pgp_policy_rule *
pgp_policy_rule(size_t n)
{
	return n < COUNT ? &rules[n] : NULL;
}
