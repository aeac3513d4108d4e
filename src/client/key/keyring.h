/* SPDX-License-Identifier: ISC */
/*
 * Our own secret keys: one file each in the data folder (keys/FINGERPRINT.pgp),
 * always encrypted by a passphrase (Argon2id and AEAD), and the store of
 * everybody's certificates beside it (certificates/).
 */
#ifndef CLIENT_KEYRING_H
#define CLIENT_KEYRING_H

#include "client/agent/client.h"
#include "client/common.h"
#include "openpgp/cert/generate.h"
#include "openpgp/judge/policy.h"
#include "trust/store.h"

struct keyring {
	struct trust_store *certs;
	struct pgp_policy policy; /* as of when it was opened */
};

/* Makes the folders when missing. keyring_close() also after an error. */
int keyring_open(struct keyring *k, struct error *e);
void keyring_close(struct keyring *k);

/*
 * Makes a key, keeps it encrypted, and puts its certificate into the store as
 * our own. The user ID is "name <address>", or the address alone without a name.
 * Its revocation certificate lies at keyring_revocation_path() before it does.
 */
struct keyring_new {
	const char *name, *address;
	bool v6;
	enum pgp_family family;
	uint32_t expires; /* seconds, 0 never */
	struct slice passphrase;
};
/* How long a key lives when nobody says anything else. */
#define KEYRING_EXPIRES_USUAL (2u * 365u * 86400u)
int keyring_generate(
    struct keyring *k, const struct keyring_new *spec, struct pgp_fingerprint *fingerprint_out, struct error *e);

/*
 * A transferable secret key from somewhere else: unlocked with its passphrase,
 * kept under new_passphrase. Where that key is here already they become one: nothing of either is lost, and secrets that
 * both have stay under the passphrase that they had here.
 */
int keyring_import_secret(
    struct keyring *k, const struct pgp_cert *c, struct slice passphrase, struct slice new_passphrase, struct error *e);

/*
 * Where a key's revocation certificate lies, made when the key was: armored, with words before it that say what it is.
 * out: FILE_PATH_MAX octets.
 */
int keyring_revocation_path(const struct pgp_fingerprint *f, char *out, struct error *e);
/* Makes it of a secret key that is encrypted with this passphrase, appended: armored, with its words. */
int keyring_make_revocation(
    const struct keyring *k, const struct pgp_cert *key, struct slice passphrase, struct buf *out, struct error *e);
/* Writes it to its path. */
int keyring_keep_revocation(const struct pgp_fingerprint *f, struct slice armored, struct error *e);

/*
 * Keeps a transferable secret key that is encrypted already, in the place of the one that is there, and its certificate
 * with what the store has of it. The secret key's file first: whatever happens in between, no key is lost.
 */
int keyring_keep(struct keyring *k, struct slice secret_key, struct pgp_fingerprint *fingerprint_out, struct error *e);

/* One that is not encrypted, from a backup: of secrets that are here too, those from the backup count. */
int keyring_restore_secret(struct keyring *k, const struct pgp_cert *c, struct slice new_passphrase, struct error *e);

bool keyring_has_secret(const struct keyring *k, const struct pgp_fingerprint *f);
/* The encrypted secret key's octets, appended. ERR_NOT_FOUND. */
int keyring_read_secret(const struct keyring *k, const struct pgp_fingerprint *f, struct buf *out, struct error *e);

/*
 * Which certificate a person means: a fingerprint, or an address (the one that
 * counts). secret: only keys of ours. ERR_NOT_FOUND.
 */
int keyring_resolve(
    const struct keyring *k, struct slice who, bool secret, const struct trust_entry **out, struct error *e);

/* Whether the person wants to be asked before each use of this key of theirs; it goes to the agent with the key. */
int keyring_confirms(const struct keyring *k, const struct pgp_fingerprint *f, bool *out, struct error *e);
int keyring_set_confirms(struct keyring *k, const struct pgp_fingerprint *f, bool confirm, struct error *e);

/* Sees to it that the agent holds the key: asks for the passphrase when it does not. */
int keyring_unlock(struct keyring *k, const struct common *c, struct agent_client *agent,
    const struct pgp_fingerprint *f, struct error *e);

#endif
