/* SPDX-License-Identifier: ISC */
/*
 * What the agent holds: unlocked secret keys and account passwords, each until
 * its time. The secrets lie in one region of memory that is locked, left out
 * of dumps and wiped in a forked child (memfd_secret where the kernel gives
 * it), each encrypted but while it is used (agent/shield.h), and are
 * overwritten when they are forgotten.
 *
 * Time is milliseconds of clock_boot_ms(), passed in. One thread.
 */
#ifndef CLIENT_AGENT_VAULT_H
#define CLIENT_AGENT_VAULT_H

#include "client/agent/protocol.h"
#include "openpgp/key/keyops.h"

struct agent_vault;

/* ERR_NOMEM when the memory cannot be had; memory that cannot be locked is taken all the same. */
int agent_vault_new(struct agent_vault **out, struct error *e);
void agent_vault_free(struct agent_vault *v); /* wipes; NULL is permitted */

/*
 * Unlocks every key of a transferable secret key that the passphrase opens and
 * that can sign or decrypt, and holds it for so many seconds (a key already
 * held gets the new time). *count_out says how many. ERR_PASSWORD when it opens
 * none; ERR_LIMIT when there is no more room; what pgp_cert_parse() says.
 */
int agent_vault_unlock(struct agent_vault *v, struct slice key, struct slice passphrase, uint32_t seconds,
    int64_t now_ms, uint32_t *count_out, struct error *e);
bool agent_vault_holds(struct agent_vault *v, struct slice fingerprint, int64_t now_ms);
/* ERR_NO_KEY when it does not hold the key; else as pgp_secret_sign() and pgp_secret_open(). */
int agent_vault_sign(struct agent_vault *v, struct slice fingerprint, uint8_t hash, struct slice digest, int64_t now_ms,
    struct buf *out, struct error *e);
int agent_vault_open(struct agent_vault *v, struct slice fingerprint, const struct pgp_pkesk_fields *pkesk,
    int64_t now_ms, uint8_t *cipher_out, struct secret *session_key_out, struct error *e);
/* Keys held: at most max, the count is returned. Slices live until the vault changes. */
size_t agent_vault_list(struct agent_vault *v, int64_t now_ms, struct agent_held *out, size_t max);
/* One key, or with an empty fingerprint everything. Returns how many things were forgotten. */
uint32_t agent_vault_forget(struct agent_vault *v, struct slice fingerprint);

/* Replaces the account's password. ERR_LIMIT. */
int agent_vault_password_put(struct agent_vault *v, struct slice account, struct slice password, uint32_t seconds,
    int64_t now_ms, struct error *e);
/* ERR_NO_KEY when there is none. */
int agent_vault_password_get(
    struct agent_vault *v, struct slice account, int64_t now_ms, struct secret *out, struct error *e);

/* Forgets what is due. Returns when the next thing is due, or MACHINE_NEVER when nothing is held. */
int64_t agent_vault_expire(struct agent_vault *v, int64_t now_ms);

#endif
