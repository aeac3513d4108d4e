/* SPDX-License-Identifier: ISC */
/*
 * Secret-key operations as one small table of functions, so that a key may
 * live in memory, in the agent or in a token. Whoever signs or decrypts gets a
 * struct pgp_keyops and never sees a secret.
 *
 * The in-memory implementation (pgp_memory_keys) holds unlocked secrets of
 * certificates that were given to it, for the command line and for tests.
 */
#ifndef OPENPGP_KEYOPS_H
#define OPENPGP_KEYOPS_H

#include "openpgp/key/key.h"

/* The algorithm-specific part of a PKESK packet (section 5.1). */
struct pgp_pkesk_fields {
	uint8_t version;     /* of the PKESK: 3 or 6 */
	uint8_t algorithm;   /* of the key that it is for */
	struct slice fields; /* all octets behind the algorithm octet */
};

struct pgp_keyops {
	/*
	 * Signs a digest (pgp_hash_size(hash) octets) with this key and appends the algorithm-specific fields of the
	 * signature packet (section 5.2.3: two MPIs, or 64 octets). ERR_NO_KEY when it does not hold the key.
	 */
	int (*sign)(
	    void *ctx, const struct pgp_key *key, uint8_t hash, struct slice digest, struct buf *out, struct error *e);
	/*
	 * Opens a session key. cipher_out: with a version 3 PKESK the cipher that it names, else 0. ERR_NO_KEY when it does not hold the key; ERR_INTEGRITY when the PKESK is not for this
	 * key or was changed (a caller tries its next candidate); ERR_UNSUPPORTED.
	 */
	int (*open)(void *ctx, const struct pgp_key *key, const struct pgp_pkesk_fields *pkesk, uint8_t *cipher_out,
	    struct secret *session_key_out, struct error *e);
	/* Whether it can do either with this key, without asking a person anything. */
	bool (*holds)(void *ctx, const struct pgp_key *key);
};

/* A table and its context: passed by value. */
struct pgp_keyring_ops {
	const struct pgp_keyops *ops;
	void *ctx;
};

/* ---- one operation with a secret in hand: what every implementation ends in ---- */

int pgp_secret_sign(const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out,
    struct error *e);
int pgp_secret_open(const struct pgp_key *key, struct slice secret, const struct pgp_pkesk_fields *pkesk,
    uint8_t *cipher_out, struct secret *session_key_out, struct error *e);

/* ---- keys in memory ---- */

struct pgp_memory_keys; /* owns copies of the secrets; wiped when freed */

int pgp_memory_keys_new(struct pgp_memory_keys **out, struct error *e);
void pgp_memory_keys_free(struct pgp_memory_keys *m);
/* Adds an unlocked secret under its key's fingerprint. Copies. */
int pgp_memory_keys_add(struct pgp_memory_keys *m, const struct pgp_key *key, struct slice secret, struct error *e);
struct pgp_keyring_ops pgp_memory_keys_ops(struct pgp_memory_keys *m);

#endif
