/* SPDX-License-Identifier: ISC */
/*
 * What the agent holds: unlocked secret keys and account passwords, each until
 * its time: a while after its last use, and at the latest a longer while after
 * it was unlocked. The secrets are encrypted but while one is used
 * (agent/shield.h), and are overwritten when they are forgotten; where they lie
 * is agent/memory.h's matter.
 *
 * A key may live in a token (agent/token.h): then there is no secret here, only that
 * the token's key was opened.
 *
 * Time is milliseconds of clock_boot_ms(), passed in. One thread.
 */
#ifndef CLIENT_AGENT_VAULT_H
#define CLIENT_AGENT_VAULT_H

#include "client/agent/protocol.h"
#include "openpgp/key/keyops.h"

struct agent_vault;

/* Operations of keys that are not here. sign and open as in struct pgp_keyops. */
struct agent_elsewhere {
	struct pgp_keyops ops;
	void *ctx;
};

/* elsewhere: of keys in tokens; NULL: there are none. ERR_NOMEM, ERR_CRYPTO. */
int agent_vault_new(const struct agent_elsewhere *elsewhere, struct agent_vault **out, struct error *e);
void agent_vault_free(struct agent_vault *v); /* wipes; NULL is permitted */

struct agent_hold {
	uint32_t idle_s, max_s; /* 1 to AGENT_SECONDS_MAX; idle_s over max_s has no effect */
	bool confirm;
};

/*
 * Unlocks every key of a transferable secret key that the passphrase opens and
 * that can sign or decrypt, and holds it (a key already held gets the new
 * time). *count_out says how many. ERR_PASSWORD when it opens none; ERR_LIMIT
 * when there is no more room; what pgp_cert_parse() says.
 */
int agent_vault_unlock(struct agent_vault *v, struct slice key, struct slice passphrase, const struct agent_hold *hold,
    int64_t now_ms, uint32_t *count_out, struct error *e);
/* The same of a certificate whose keys are in tokens: holds() of elsewhere says which. ERR_NO_KEY: none is. */
int agent_vault_unlock_elsewhere(struct agent_vault *v, struct slice key, const struct agent_hold *hold, int64_t now_ms,
    uint32_t *count_out, struct error *e);

/* Looking is no use. */
bool agent_vault_holds(struct agent_vault *v, struct slice fingerprint, int64_t now_ms);
/* What is held of this key; false when it is not. Slices live until the vault changes. */
bool agent_vault_find(struct agent_vault *v, struct slice fingerprint, int64_t now_ms, struct agent_held *out);
/* ERR_NO_KEY when it does not hold the key; else as pgp_secret_sign() and pgp_secret_open(). */
int agent_vault_sign(struct agent_vault *v, struct slice fingerprint, uint8_t hash, struct slice digest, int64_t now_ms,
    struct buf *out, struct error *e);
int agent_vault_open(struct agent_vault *v, struct slice fingerprint, const struct pgp_pkesk_fields *pkesk,
    int64_t now_ms, uint8_t *cipher_out, struct secret *session_key_out, struct error *e);
/* Keys held: at most max, the count is returned. Slices live until the vault changes. */
size_t agent_vault_list(struct agent_vault *v, int64_t now_ms, struct agent_held *out, size_t max);
/* Whether it holds a key of a token. */
bool agent_vault_uses_elsewhere(const struct agent_vault *v);
uint32_t agent_vault_passwords(struct agent_vault *v, int64_t now_ms);

/* Why something was forgotten: said when it is missed. */
enum agent_why { AGENT_NOT_FORGOTTEN, AGENT_TOLD, AGENT_TIME, AGENT_SUSPEND, AGENT_SLEPT, AGENT_SESSION_LOCK };
const char *agent_why_text(enum agent_why why); /* "before this machine slept"; empty for the first */
enum agent_why agent_vault_why(const struct agent_vault *v);
/*
 * One key, or all keys of the certificate with this primary key, or with an empty fingerprint everything. Returns how
 * many things were forgotten.
 */
uint32_t agent_vault_forget(struct agent_vault *v, struct slice fingerprint, enum agent_why why);

/* Replaces the account's password. ERR_LIMIT. */
int agent_vault_password_put(struct agent_vault *v, struct slice account, struct slice password,
    const struct agent_hold *hold, int64_t now_ms, struct error *e);
/* ERR_NO_KEY when there is none. */
int agent_vault_password_get(
    struct agent_vault *v, struct slice account, int64_t now_ms, struct secret *out, struct error *e);

/* Forgets what is due. Returns when the next thing is due, or MACHINE_NEVER when nothing is held. */
int64_t agent_vault_expire(struct agent_vault *v, int64_t now_ms);

#endif
