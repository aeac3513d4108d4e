/* SPDX-License-Identifier: ISC */
/*
 * The numbers of OpenPGP's registries (RFC 9580 sections 5 and 9), for all
 * modules of this floor, and the properties that go with a number alone.
 * Unknown numbers stay plain uint8_t: they are kept and passed on.
 */
#ifndef OPENPGP_IDS_H
#define OPENPGP_IDS_H

#include <stddef.h>
#include <stdint.h>

/* Packet types, section 5 */
enum pgp_packet_type {
	PGP_PKESK = 1,
	PGP_SIGNATURE = 2,
	PGP_SKESK = 3,
	PGP_ONE_PASS = 4,
	PGP_SECRET_KEY = 5,
	PGP_PUBLIC_KEY = 6,
	PGP_SECRET_SUBKEY = 7,
	PGP_COMPRESSED = 8,
	PGP_SED = 9,
	PGP_MARKER = 10,
	PGP_LITERAL = 11,
	PGP_TRUST = 12,
	PGP_USER_ID = 13,
	PGP_PUBLIC_SUBKEY = 14,
	PGP_USER_ATTRIBUTE = 17,
	PGP_SEIPD = 18,
	PGP_MDC = 19,
	PGP_AEAD_LIBRE = 20, /* GnuPG's own */
	PGP_PADDING = 21,
	PGP_CRITICAL_MAX = 39, /* an unknown type up to here must not be ignored (section 4.3) */
	PGP_TYPE_MAX = 63
};

/* Public-key algorithms, section 9.1 */
enum pgp_algorithm {
	PGP_RSA = 1,
	PGP_RSA_ENCRYPT = 2,
	PGP_RSA_SIGN = 3,
	PGP_ELGAMAL = 16,
	PGP_DSA = 17,
	PGP_ECDH = 18,
	PGP_ECDSA = 19,
	PGP_EDDSA_LEGACY = 22,
	PGP_X25519 = 25,
	PGP_X448 = 26,
	PGP_ED25519 = 27,
	PGP_ED448 = 28,
	PGP_MLDSA65_ED25519 = 30, /* 30 to 36: RFC 9980 */
	PGP_MLDSA87_ED448 = 31,
	PGP_SLHDSA_128S = 32,
	PGP_SLHDSA_128F = 33,
	PGP_SLHDSA_256S = 34,
	PGP_MLKEM768_X25519 = 35,
	PGP_MLKEM1024_X448 = 36
};

/* RFC 9980 table 1 and 2: all post-quantum algorithms */
#define PGP_POST_QUANTUM_MIN 30u
#define PGP_POST_QUANTUM_MAX 36u

/* Curves named by their OID, section 9.2 */
enum pgp_curve {
	PGP_CURVE_NONE = 0, /* the algorithm has no OID */
	PGP_CURVE_UNKNOWN,
	PGP_CURVE_P256,
	PGP_CURVE_P384,
	PGP_CURVE_P521,
	PGP_CURVE_BRAINPOOL256,
	PGP_CURVE_BRAINPOOL384,
	PGP_CURVE_BRAINPOOL512,
	PGP_CURVE_ED25519_LEGACY,
	PGP_CURVE_25519_LEGACY,
	PGP_CURVE_ED448_LIBRE, /* LibrePGP only: EdDSA and ECDH over the 448 curves */
	PGP_CURVE_448_LIBRE
};

/* Symmetric ciphers, section 9.3 */
enum pgp_cipher {
	PGP_PLAINTEXT = 0,
	PGP_IDEA = 1,
	PGP_TRIPLEDES = 2,
	PGP_CAST5 = 3,
	PGP_BLOWFISH = 4,
	PGP_AES128 = 7,
	PGP_AES192 = 8,
	PGP_AES256 = 9,
	PGP_TWOFISH = 10,
	PGP_CAMELLIA128 = 11,
	PGP_CAMELLIA192 = 12,
	PGP_CAMELLIA256 = 13
};

/* Compression, section 9.4 */
enum pgp_compression { PGP_UNCOMPRESSED = 0, PGP_ZIP = 1, PGP_ZLIB = 2, PGP_BZIP2 = 3 };

/* Hashes, section 9.5 */
enum pgp_hash_id {
	PGP_MD5 = 1,
	PGP_SHA1 = 2,
	PGP_RIPEMD160 = 3,
	PGP_SHA256 = 8,
	PGP_SHA384 = 9,
	PGP_SHA512 = 10,
	PGP_SHA224 = 11,
	PGP_SHA3_256 = 12,
	PGP_SHA3_512 = 14
};

/* AEAD modes, section 9.6 */
enum pgp_aead { PGP_EAX = 1, PGP_OCB = 2, PGP_GCM = 3 };

/* Signature types, section 5.2.1 */
enum pgp_sig_type {
	PGP_SIG_BINARY = 0x00,
	PGP_SIG_TEXT = 0x01,
	PGP_SIG_STANDALONE = 0x02,
	PGP_SIG_CERT_GENERIC = 0x10,
	PGP_SIG_CERT_PERSONA = 0x11,
	PGP_SIG_CERT_CASUAL = 0x12,
	PGP_SIG_CERT_POSITIVE = 0x13,
	PGP_SIG_ATTESTATION = 0x16, /* the owner says which certifications may travel (1PA3PC) */
	PGP_SIG_SUBKEY_BINDING = 0x18,
	PGP_SIG_PRIMARY_BINDING = 0x19, /* the back signature of a signing subkey */
	PGP_SIG_DIRECT_KEY = 0x1f,
	PGP_SIG_KEY_REVOCATION = 0x20,
	PGP_SIG_SUBKEY_REVOCATION = 0x28,
	PGP_SIG_CERT_REVOCATION = 0x30,
	PGP_SIG_TIMESTAMP = 0x40,
	PGP_SIG_CONFIRMATION = 0x50,
	PGP_SIG_RESERVED = 0xff
};

/* Signature subpackets, section 5.2.3.7 */
enum pgp_subpacket_type {
	PGP_SUB_CREATED = 2,
	PGP_SUB_SIG_EXPIRES = 3,
	PGP_SUB_EXPORTABLE = 4,
	PGP_SUB_TRUST = 5,
	PGP_SUB_REGEX = 6,
	PGP_SUB_REVOCABLE = 7,
	PGP_SUB_KEY_EXPIRES = 9,
	PGP_SUB_PREFERRED_CIPHERS = 11,
	PGP_SUB_REVOCATION_KEY = 12,
	PGP_SUB_ISSUER = 16,
	PGP_SUB_NOTATION = 20,
	PGP_SUB_PREFERRED_HASHES = 21,
	PGP_SUB_PREFERRED_COMPRESSION = 22,
	PGP_SUB_KEYSERVER_PREFERENCES = 23,
	PGP_SUB_PREFERRED_KEYSERVER = 24,
	PGP_SUB_PRIMARY_USER_ID = 25,
	PGP_SUB_POLICY_URI = 26,
	PGP_SUB_KEY_FLAGS = 27,
	PGP_SUB_SIGNER_USER_ID = 28,
	PGP_SUB_REVOCATION_REASON = 29,
	PGP_SUB_FEATURES = 30,
	PGP_SUB_TARGET = 31,
	PGP_SUB_EMBEDDED = 32,
	PGP_SUB_ISSUER_FINGERPRINT = 33,
	PGP_SUB_LIBRE_AEAD = 34, /* GnuPG's own list of AEAD modes */
	PGP_SUB_INTENDED_RECIPIENT = 35,
	PGP_SUB_ATTESTED = 37,
	PGP_SUB_KEY_BLOCK = 38,
	PGP_SUB_PREFERRED_AEAD = 39
};

/* Key flags, section 5.2.3.29 */
#define PGP_FLAG_CERTIFY 0x01u
#define PGP_FLAG_SIGN 0x02u
#define PGP_FLAG_ENCRYPT_COMMS 0x04u
#define PGP_FLAG_ENCRYPT_STORAGE 0x08u
#define PGP_FLAG_ENCRYPT (PGP_FLAG_ENCRYPT_COMMS | PGP_FLAG_ENCRYPT_STORAGE)
#define PGP_FLAG_AUTHENTICATE 0x20u

/* Key server preferences, section 5.2.3.25 */
#define PGP_KEYSERVER_NO_MODIFY 0x80u

/* Features, section 5.2.3.32 */
#define PGP_FEATURE_SEIPD1 0x01u
#define PGP_FEATURE_SEIPD2 0x08u

/* Reasons for revocation, section 5.2.3.31 */
enum pgp_revocation_reason {
	PGP_REASON_NONE = 0,
	PGP_REASON_SUPERSEDED = 1,
	PGP_REASON_COMPROMISED = 2,
	PGP_REASON_RETIRED = 3,
	PGP_REASON_USER_ID_INVALID = 32
};

/* Words for people: "Ed25519", "SHA2-512", "subkey binding signature"; "unknown" for the rest. */
const char *pgp_algorithm_name(uint8_t algorithm);
const char *pgp_hash_name(uint8_t hash);
/* As the Hash header and micalg parameters say it: "SHA512"; NULL when unknown. */
const char *pgp_hash_text_name(uint8_t hash);
const char *pgp_sig_type_name(uint8_t type);
const char *pgp_reason_name(uint8_t reason);

/* Octets of digest; 0 when unknown. */
size_t pgp_hash_size(uint8_t hash);
/* Octets of a v6 signature's salt with this hash (table 23); 0 when v6 signatures must not use it. */
size_t pgp_hash_salt_size(uint8_t hash);

#endif
