/* SPDX-License-Identifier: ISC */
/*
 * The other side of the agent: connecting to it, starting it when nobody is
 * there, asking it. agent_keyring() gives the table of operations that signing
 * and decrypting take, so they do not know where a key lives.
 *
 * One connection, one thread. Every call waits for its answer, at most
 * AGENT_CALL_MS (unlocking computes a key derivation), or AGENT_ASK_MS where a
 * person may have to be asked.
 */
#ifndef CLIENT_AGENT_CLIENT_H
#define CLIENT_AGENT_CLIENT_H

#include "base/arena.h"
#include "base/error.h"
#include "client/agent/protocol.h"
#include "openpgp/key/keyops.h"

#define AGENT_START_MS 10000
#define AGENT_CALL_MS 60000
#define AGENT_ASK_MS 420000 /* a call that may ask a person, three times */

struct agent_client;

/*
 * start: begin one (this program with "agent run") when there is none.
 * ERR_NOT_FOUND when there is none and start is false, ERR_DENIED when
 * somebody else's process listens there, ERR_UNSUPPORTED for another version.
 */
int agent_client_open(bool start, struct agent_client **out, struct error *e);
/* To one that was just started: until it answers, at most AGENT_START_MS. ERR_TIMEOUT. */
int agent_client_wait(struct agent_client **out, struct error *e);
void agent_client_close(struct agent_client *c); /* NULL is permitted */

/* One call: request and reply as agent/protocol.h has them for the type; what the reply points to lives in a. */
int agent_client_call(struct agent_client *c, enum agent_type type, const void *request, struct arena *a,
    void *reply_out, struct error *e);

/*
 * Holds the keys of a transferable secret key, for seconds (0: as the agent was set). confirm: it asks the
 * person before each use. ERR_PASSWORD, and what agent_vault_unlock() says.
 */
int agent_client_unlock(struct agent_client *c, struct slice key, struct slice passphrase, uint32_t seconds,
    bool confirm, uint32_t *count_out, struct error *e);
/*
 * The same, and the agent asks the person, by pinentry: for the passphrase, three times, or for the PIN of the token that
 * has the key. confirm: as above. ERR_CLOSED when the person cancels, ERR_PASSWORD, ERR_UNSUPPORTED
 * when it cannot ask (then the caller may ask and unlock).
 */
int agent_client_ask(
    struct agent_client *c, struct slice key, uint32_t seconds, bool confirm, uint32_t *count_out, struct error *e);
/* The keys of that primary key; an empty slice: everything. */
int agent_client_forget(struct agent_client *c, struct slice fingerprint, struct error *e);
bool agent_client_holds(struct agent_client *c, const struct pgp_fingerprint *f);
int agent_client_password_put(
    struct agent_client *c, struct slice account, struct slice password, uint32_t seconds, struct error *e);
/* Appends the password. ERR_NO_KEY when it is not held. */
int agent_client_password_get(struct agent_client *c, struct slice account, struct buf *out, struct error *e);

/* Lives as long as c. */
struct pgp_keyring_ops agent_keyring(struct agent_client *c);

#endif
