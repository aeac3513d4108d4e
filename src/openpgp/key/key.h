/* SPDX-License-Identifier: ISC */
/*
 * A key: the contents of a public or secret (sub)key packet (RFC 9580 section
 * 5.5). struct pgp_key is a plain value over the packet's body, which it points
 * into and does not own: it lives as long as these bytes (struct pgp_cert owns
 * them for the keys of a certificate).
 *
 * Versions 4 and 6 are used and made. Versions 2 and 3 (RSA only), and
 * LibrePGP's version 5, are read: they verify old signatures when a policy
 * permits, and decrypt what was sent to them; nothing new is made with them. A
 * key of an algorithm or curve that we do not have parses well as long as its
 * packet tells how long the public part is; can_verify() and its like say that
 * it is no good. So one such subkey never spoils a certificate.
 *
 * Secret material appears only in a struct secret, which pgp_key_unlock() makes
 * and secret_done() wipes.
 *
 * Limits: PGP_KEY_BODY_MAX, PGP_MPI_BITS_MAX (limits.h).
 */
#ifndef OPENPGP_KEY_H
#define OPENPGP_KEY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "openpgp/ids.h"
#include "openpgp/limits.h"

#define PGP_FINGERPRINT_MAX 32u
#define PGP_KEY_MPIS_MAX 4u

struct pgp_fingerprint {
	uint8_t len; /* 16 for v3, 20 for v4, 32 for v5 and v6; 0 when there is none */
	uint8_t bytes[PGP_FINGERPRINT_MAX];
};

struct pgp_key {
	uint8_t version;
	uint8_t algorithm; /* enum pgp_algorithm or unknown */
	uint8_t curve;     /* enum pgp_curve */
	uint8_t kdf_hash;  /* ECDH: hash and cipher of the key derivation (section 11.5) */
	uint8_t kdf_cipher;
	bool subkey;         /* by its packet type */
	bool secret;         /* a secret-key packet: has the fields of the secret part */
	bool understood;     /* the public fields below are filled: algorithm and curve are known and well formed */
	uint8_t s2k_usage;   /* secret: 0 not encrypted, 253, 254, 255, else an old cipher number */
	uint32_t created;    /* unix seconds */
	uint16_t valid_days; /* versions 2 and 3: days until it expires; 0 never */
	struct pgp_fingerprint fingerprint;
	uint64_t key_id;
	struct slice body;        /* the whole packet body */
	struct slice public_body; /* its public part: what is hashed for the fingerprint and in signatures */
	struct slice oid;         /* of the curve, without its length octet */
	struct slice kdf;         /* ECDH: KDF parameters with their length octet, as they are hashed */
	/*
	 * Public values, leading zeros as on the wire. RSA: n, e. DSA: p, q, g, y. ElGamal: p, g, y. ECDSA, ECDH: the
	 * point (SEC 1, or 0x40 and native octets). EdDSALegacy: 0x40 and native octets. Ed25519, X25519 and the 448
	 * ones: the native octets.
	 */
	struct slice public[PGP_KEY_MPIS_MAX];
	struct slice secret_part; /* from the S2K usage octet to the end of the body */
};

/* Public modulus, prime or curve size in bits, as people say it (3072, 256, 255); 0 when unknown. */
unsigned pgp_key_bits(const struct pgp_key *k);
/*
 * Whether it can be done here with keys of this kind (version, algorithm,
 * curve, and what this libcrypto has), not whether flags or policy allow it.
 * Old keys (ElGamal, versions 3 and 5) still decrypt what was encrypted to
 * them; nothing new is.
 */
bool pgp_key_can_verify(const struct pgp_key *k);
bool pgp_key_can_sign(const struct pgp_key *k);
bool pgp_key_can_encrypt(const struct pgp_key *k);
bool pgp_key_can_decrypt(const struct pgp_key *k);

/*
 * Reads a key packet's body. type: PGP_PUBLIC_KEY, PGP_SECRET_KEY,
 * PGP_PUBLIC_SUBKEY or PGP_SECRET_SUBKEY. out points into body.
 * ERR_SYNTAX malformed; ERR_UNSUPPORTED a version that is not 2 to 6, or a
 * secret key of unknown algorithm in a version up to 4 (nobody knows where its
 * public part ends); ERR_LIMIT.
 */
int pgp_key_parse(struct slice body, uint8_t type, struct pgp_key *out, struct error *e);

bool pgp_fingerprint_eq(const struct pgp_fingerprint *a, const struct pgp_fingerprint *b);
/* v3: none here (0), see struct pgp_key; v4: the last, v5 and v6: the first eight octets. */
uint64_t pgp_fingerprint_key_id(const struct pgp_fingerprint *f);
/* Upper-case hexadecimal digits. */
int pgp_fingerprint_write(const struct pgp_fingerprint *f, struct buf *out);
/* Also with spaces and "0x"; 40 or 64 digits. ERR_SYNTAX otherwise. */
int pgp_fingerprint_parse(struct slice text, struct pgp_fingerprint *out, struct error *e);

/* ---- the secret part ---- */

/*
 * An unlocked secret is a struct secret (crypto/secret.h), wiped by its owner:
 * for the 25519 and 448 kinds the native octets (EdDSALegacy, Ed25519: the
 * seed; ECDH Curve25519, X25519: the scalar, little-endian), for all others
 * the algorithm's secret values in wire form (pk.h).
 */
struct secret;

/* Whether a passphrase is needed. */
static inline bool
pgp_key_locked(const struct pgp_key *k)
{
	return k->secret && k->s2k_usage != 0;
}

/*
 * Takes the secret out of a secret key, with its passphrase when it is locked
 * (ignored when not). Checks that it belongs to the public part, so that a
 * changed public part cannot be used with a true secret (key overwriting).
 *
 * ERR_NO_KEY the packet has no secret: gpg's stub of a key on a card or of a
 * primary key kept elsewhere; ERR_PASSWORD wrong; ERR_SYNTAX, ERR_TRUNCATED
 * malformed; ERR_INTEGRITY changed: a checksum without a passphrase is wrong, or
 * secret and public part do not belong together; ERR_UNSUPPORTED protection,
 * cipher or algorithm; ERR_LIMIT an S2K over the maxima.
 */
int pgp_key_unlock(const struct pgp_key *k, struct slice passphrase, struct secret *out, struct error *e);

/* How a written secret key is protected. */
enum pgp_protection {
	PGP_PROTECT_NONE, /* S2K usage 0 */
	PGP_PROTECT_CFB,  /* 254, iterated and salted S2K, AES-256: every reader has it. v4 only */
	PGP_PROTECT_AEAD  /* 253, Argon2id, AES-256 with OCB (RFC 9580) */
};

/*
 * Appends the body of a secret-key packet: k's public part and the secret in
 * the given protection. type is PGP_SECRET_KEY or PGP_SECRET_SUBKEY (AEAD binds
 * it). The passphrase is ignored with PGP_PROTECT_NONE. ERR_NOMEM, ERR_CRYPTO,
 * ERR_LIMIT; ERR_UNSUPPORTED for keys of versions 2, 3 and 5, which nobody
 * should make any more.
 */
int pgp_key_write_secret(const struct pgp_key *k, uint8_t type, struct slice secret, enum pgp_protection protection,
    struct slice passphrase, struct buf *out, struct error *e);

#endif
