/* SPDX-License-Identifier: ISC */
/*
 * Post-quantum OpenPGP (RFC 9980): each algorithm is a pair, one of today's
 * and one that a quantum computer does not break, and both have to fall before
 * it falls.
 *
 *   30  ML-DSA-65+Ed25519    signatures    keys of version 6
 *   31  ML-DSA-87+Ed448      signatures    6
 *   35  ML-KEM-768+X25519    encryption    6, and subkeys of version 4
 *   36  ML-KEM-1024+X448     encryption    6
 *
 * The rows of pk.h's table are here. ML-KEM and ML-DSA come from libcrypto,
 * which has them from OpenSSL 3.5 on, found at run time. With an older one
 * keys parse, are shown and kept, and are not used: pgp_pqc_available() says
 * why.
 *
 * An unlocked secret is the octets of the older half and then the seed:
 * X25519 32 + 64, X448 56 + 64, Ed25519 32 + 32, Ed448 57 + 32.
 */
#ifndef OPENPGP_PQC_H
#define OPENPGP_PQC_H

#include "openpgp/key/pk.h"

extern const struct pgp_pk pgp_pk_mldsa65_ed25519;
extern const struct pgp_pk pgp_pk_mldsa87_ed448;
extern const struct pgp_pk pgp_pk_mlkem768_x25519;
extern const struct pgp_pk pgp_pk_mlkem1024_x448;

/* Whether RFC 9980 defines it: also the SLH-DSA ones, which we name and do not have. */
bool pgp_pqc_is(uint8_t algorithm);
/* Whether it is one that encrypts. */
static inline bool
pgp_pqc_decrypts(uint8_t algorithm)
{
	return algorithm == PGP_MLKEM768_X25519 || algorithm == PGP_MLKEM1024_X448;
}

/*
 * 0 for what is here and for all algorithms that are not RFC 9980's; else
 * ERR_UNSUPPORTED with the sentence for a person: which algorithm, what is
 * missing.
 */
int pgp_pqc_available(uint8_t algorithm, struct error *e);

/*
 * Section 7.2: a subkey binding by MD5, SHA-1 or RIPEMD-160 over such a subkey
 * must be taken as invalid, whatever the policy's dates say. true: it is one.
 */
bool pgp_pqc_refuses_binding(const struct pgp_key *subkey, uint8_t hash);

/*
 * Of the keys of one certificate that a message could go to: those of RFC 9980
 * where there are any, else all. A message is as secret as its weakest session
 * key packet (section 3.1). Moves them to the front; returns how many.
 */
size_t pgp_pqc_prefer(const struct pgp_key **keys, size_t count);

#define PGP_PQC_KEK 32u

/*
 * The key combiner of section 4.2.1, which makes the key that wraps the
 * session key. algorithm: 35 or 36; the public key is the recipient's older
 * half.
 */
struct pgp_pqc_shares {
	struct slice mlkem_share, ecdh_share;
	struct slice ecdh_ciphertext, ecdh_public;
};
int pgp_pqc_combine(uint8_t algorithm, const struct pgp_pqc_shares *in, uint8_t kek_out[PGP_PQC_KEK], struct error *e);

#endif
