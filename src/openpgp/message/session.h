/* SPDX-License-Identifier: ISC */
/*
 * Session keys and the packets that carry them (RFC 9580 sections 5.1, 5.3):
 * PKESK version 3 and SKESK version 4 before SEIPDv1, PKESK and SKESK version 6
 * before SEIPDv2. SKESK version 5 is LibrePGP's, before packet type 20; it is read
 * only.
 *
 * How a session key is wrapped is the algorithm's matter (pk.h); what a secret
 * key does goes through keyops.h.
 */
#ifndef OPENPGP_SESSION_H
#define OPENPGP_SESSION_H

#include "crypto/secret.h"
#include "openpgp/key/key.h"
#include "openpgp/key/keyops.h"
#include "openpgp/key/s2k.h"

/* What opens a message: with SEIPDv1 the cipher came with it, with SEIPDv2 (cipher 0) it is in that packet. */
struct pgp_session {
	uint8_t cipher; /* enum pgp_cipher or 0 */
	struct secret key;
};

void pgp_session_done(struct pgp_session *s);
#define PGP_SESSION_OWNED __attribute__((cleanup(pgp_session_done)))

/* A fresh random key for a cipher that we have. ERR_UNSUPPORTED, ERR_CRYPTO, ERR_NOMEM. */
int pgp_session_new(uint8_t cipher, struct pgp_session *out, struct error *e);

/* ---- PKESK ---- */

struct pgp_pkesk {
	uint8_t version; /* 3 or 6 */
	uint8_t algorithm;
	bool anonymous;                     /* names no key: any may be tried */
	uint64_t key_id;                    /* version 3 */
	struct pgp_fingerprint fingerprint; /* version 6 */
	struct slice fields;                /* algorithm-specific, behind the algorithm octet; into the body */
};

/* ERR_SYNTAX, ERR_TRUNCATED, ERR_UNSUPPORTED (another version: passed over by the caller). */
int pgp_pkesk_parse(struct slice body, struct pgp_pkesk *out, struct error *e);
/* Whether it says that it is for this key (or does not say). Never proof. */
bool pgp_pkesk_may_be_for(const struct pgp_pkesk *p, const struct pgp_key *key);
/*
 * Appends a whole PKESK packet for this key. version 3 writes the cipher
 * inside, 6 leaves it out. ERR_UNSUPPORTED for keys that cannot be encrypted to
 * here, and for a cipher that they do not take.
 */
int pgp_pkesk_write(
    uint8_t version, const struct pgp_key *key, const struct pgp_session *session, struct buf *out, struct error *e);
/* The same without saying whose key it is for (section 5.1.8). */
int pgp_pkesk_write_hidden(
    uint8_t version, const struct pgp_key *key, const struct pgp_session *session, struct buf *out, struct error *e);
/* Asks the holder of the secret. ERR_NO_KEY, ERR_INTEGRITY (not for this key), ERR_UNSUPPORTED. */
int pgp_pkesk_open(const struct pgp_pkesk *p, const struct pgp_key *key, struct pgp_keyring_ops keys,
    struct pgp_session *out, struct error *e);

/* ---- SKESK ---- */

struct pgp_skesk {
	uint8_t version; /* 4, 5 or 6 */
	uint8_t cipher;
	uint8_t aead; /* versions 5 and 6 */
	struct pgp_s2k s2k;
	struct slice iv; /* versions 5 and 6 */
	struct slice
	    key; /* encrypted session key (versions 5 and 6: with its tag); empty in version 4: the S2K's key is it */
};

/* As pgp_pkesk_parse(); ERR_UNSUPPORTED also for ciphers and S2K types that we do not have. */
int pgp_skesk_parse(struct slice body, struct pgp_skesk *out, struct error *e);
/*
 * Tries a passphrase. ERR_PASSWORD when it is not the one (versions 5 and 6,
 * always noticed; version 4 only when what comes out cannot be a key: the MDC says the
 * rest), ERR_LIMIT.
 */
int pgp_skesk_open(const struct pgp_skesk *s, struct slice passphrase, struct pgp_session *out, struct error *e);
/* Appends a whole SKESK packet. version 4 uses an iterated S2K, 6 Argon2 and OCB. */
int pgp_skesk_write(
    uint8_t version, struct slice passphrase, const struct pgp_session *session, struct buf *out, struct error *e);

/* ---- wrapping ---- */

/* m: what came out of RSA or ECDH: [cipher] key checksum. Splits it. ERR_INTEGRITY. */
int pgp_session_split(uint8_t version, struct slice m, uint8_t *cipher_out, struct secret *key_out, struct error *e);

#endif
