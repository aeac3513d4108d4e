/* SPDX-License-Identifier: ISC */
/*
 * Keys in tokens (smart cards, security keys, files of softhsm2), as the agent
 * uses them. The modules that know tokens are other people's code and run in a
 * process of their own, which the launcher starts when it is first wanted
 * (`letterlock agent run-tokens`): they see the PIN and what is signed, and
 * nothing else of the agent. It ends when everything is forgotten.
 *
 * Which key of a token belongs to which OpenPGP key is seen by the public
 * values; nothing about tokens is kept but the public key with GnuPG's stub for
 * a secret on a card.
 *
 * Calls wait for the process, at most TOKENS_CALL_MS. One key signs at a time.
 */
#ifndef CLIENT_AGENT_TOKENS_H
#define CLIENT_AGENT_TOKENS_H

#include "base/arena.h"
#include "client/agent/protocol.h"
#include "client/agent/vault.h"
#include "openpgp/cert/cert.h"

#define TOKENS_CALL_MS 30000

struct tokens;

/* What vault.h takes. t lives as long as the vault. */
struct agent_elsewhere tokens_elsewhere(struct tokens *t);
/* All keys of all tokens; what the reply points to lives in a. */
int tokens_list(struct tokens *t, struct arena *a, struct agent_tokens *out, struct error *e);
/* Looks for the token that has a key of this certificate. ERR_NO_KEY. */
int tokens_find(struct tokens *t, const struct pgp_cert *cert, struct error *e);
/* Whether the token that was found wants its PIN. */
bool tokens_need_pin(const struct tokens *t);
/* Nothing when it wants none. ERR_PASSWORD, ERR_DENIED. */
int tokens_sign_in(struct tokens *t, struct slice pin, struct error *e);
/* Ends the process; the PIN is gone with it. */
void tokens_stop(struct tokens *t);
/* The packet says that the secret of this key is on a card. */
bool tokens_are_meant(const struct pgp_key *key);

/* ---- the process ---- */

/* Serves on its standard input until that ends. */
int token_process_run(struct error *e);

#endif
