/* SPDX-License-Identifier: ISC */
#include "openpgp/ids.h"

struct entry {
	uint8_t id;
	const char *name;
};

static const struct entry algorithms[] = {
	{ PGP_RSA, "RSA" },
	{ PGP_RSA_ENCRYPT, "RSA (encrypt only)" },
	{ PGP_RSA_SIGN, "RSA (sign only)" },
	{ PGP_ELGAMAL, "ElGamal" },
	{ PGP_DSA, "DSA" },
	{ PGP_ECDH, "ECDH" },
	{ PGP_ECDSA, "ECDSA" },
	{ PGP_EDDSA_LEGACY, "EdDSALegacy" },
	{ PGP_X25519, "X25519" },
	{ PGP_X448, "X448" },
	{ PGP_ED25519, "Ed25519" },
	{ PGP_ED448, "Ed448" },
	{ PGP_MLDSA65_ED25519, "ML-DSA-65+Ed25519" },
	{ PGP_MLDSA87_ED448, "ML-DSA-87+Ed448" },
	{ PGP_SLHDSA_128S, "SLH-DSA-SHAKE-128s" },
	{ PGP_SLHDSA_128F, "SLH-DSA-SHAKE-128f" },
	{ PGP_SLHDSA_256S, "SLH-DSA-SHAKE-256s" },
	{ PGP_MLKEM768_X25519, "ML-KEM-768+X25519" },
	{ PGP_MLKEM1024_X448, "ML-KEM-1024+X448" },
};

static const struct entry sig_types[] = {
	{ PGP_SIG_BINARY, "binary signature" },
	{ PGP_SIG_TEXT, "text signature" },
	{ PGP_SIG_STANDALONE, "standalone signature" },
	{ PGP_SIG_CERT_GENERIC, "generic certification" },
	{ PGP_SIG_CERT_PERSONA, "persona certification" },
	{ PGP_SIG_CERT_CASUAL, "casual certification" },
	{ PGP_SIG_CERT_POSITIVE, "positive certification" },
	{ PGP_SIG_ATTESTATION, "attestation" },
	{ PGP_SIG_SUBKEY_BINDING, "subkey binding signature" },
	{ PGP_SIG_PRIMARY_BINDING, "primary key binding signature" },
	{ PGP_SIG_DIRECT_KEY, "direct key signature" },
	{ PGP_SIG_KEY_REVOCATION, "key revocation" },
	{ PGP_SIG_SUBKEY_REVOCATION, "subkey revocation" },
	{ PGP_SIG_CERT_REVOCATION, "certification revocation" },
	{ PGP_SIG_TIMESTAMP, "timestamp signature" },
	{ PGP_SIG_CONFIRMATION, "third-party confirmation" },
	{ PGP_SIG_RESERVED, "signature of the reserved type" },
};

static const struct entry reasons[] = {
	{ PGP_REASON_NONE, "no reason given" },
	{ PGP_REASON_SUPERSEDED, "key is superseded" },
	{ PGP_REASON_COMPROMISED, "key was compromised" },
	{ PGP_REASON_RETIRED, "key is retired" },
	{ PGP_REASON_USER_ID_INVALID, "user ID is no longer valid" },
};

static const struct hash_entry {
	uint8_t id;
	uint8_t size;
	uint8_t salt;
	const char *name;
	const char *text_name;
} hashes[] = {
	{ PGP_MD5, 16, 0, "MD5", "MD5" },
	{ PGP_SHA1, 20, 0, "SHA-1", "SHA1" },
	{ PGP_RIPEMD160, 20, 0, "RIPEMD-160", "RIPEMD160" },
	{ PGP_SHA256, 32, 16, "SHA2-256", "SHA256" },
	{ PGP_SHA384, 48, 24, "SHA2-384", "SHA384" },
	{ PGP_SHA512, 64, 32, "SHA2-512", "SHA512" },
	{ PGP_SHA224, 28, 16, "SHA2-224", "SHA224" },
	{ PGP_SHA3_256, 32, 16, "SHA3-256", "SHA3-256" },
	{ PGP_SHA3_512, 64, 32, "SHA3-512", "SHA3-512" },
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const char *
find(const struct entry *table, size_t count, uint8_t id)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].id == id)
			return table[i].name;
	return "unknown";
}

static const struct hash_entry *
find_hash(uint8_t id)
{
	static const struct hash_entry none = { 0, 0, 0, "unknown", NULL };

	for (size_t i = 0; i < COUNT(hashes); i++)
		if (hashes[i].id == id)
			return &hashes[i];
	return &none;
}

const char *
pgp_algorithm_name(uint8_t algorithm)
{
	return find(algorithms, COUNT(algorithms), algorithm);
}

const char *
pgp_sig_type_name(uint8_t type)
{
	return find(sig_types, COUNT(sig_types), type);
}

const char *
pgp_reason_name(uint8_t reason)
{
	return find(reasons, COUNT(reasons), reason);
}

const char *
pgp_hash_name(uint8_t hash)
{
	return find_hash(hash)->name;
}

const char *
pgp_hash_text_name(uint8_t hash)
{
	return find_hash(hash)->text_name;
}

size_t
pgp_hash_size(uint8_t hash)
{
	return find_hash(hash)->size;
}

size_t
pgp_hash_salt_size(uint8_t hash)
{
	return find_hash(hash)->salt;
}
