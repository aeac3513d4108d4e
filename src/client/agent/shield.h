/* SPDX-License-Identifier: ISC */
/*
 * Secrets at rest in the agent's memory. Each is encrypted under a key that is
 * the hash of a large random pre-key, and is in clear only while an operation
 * uses it. Whoever reads memory by a side channel with errors (Rowhammer,
 * Spectre and their kin) must get the whole pre-key right to have anything;
 * the idea is OpenSSH's.
 */
#ifndef CLIENT_AGENT_SHIELD_H
#define CLIENT_AGENT_SHIELD_H

#include "crypto/aead.h"
#include "crypto/secret.h"

#define AGENT_PREKEY 16384u /* octets */
#define AGENT_SHIELD_NONCE 15u
#define AGENT_SHIELD_MORE (AGENT_SHIELD_NONCE + AEAD_TAG) /* octets that a shielded secret is longer */

struct agent_shield {
	uint8_t prekey[AGENT_PREKEY];
};

/* A fresh pre-key. ERR_CRYPTO. */
int agent_shield_init(struct agent_shield *s, struct error *e);
/* Writes plain.len + AGENT_SHIELD_MORE octets. */
int agent_shield_close(const struct agent_shield *s, struct slice plain, uint8_t *out, struct error *e);
/* The secret, for one operation. ERR_INTEGRITY when the memory was changed. */
int agent_shield_open(const struct agent_shield *s, struct slice shielded, struct secret *out, struct error *e);

/*
 * For the test that looks through this process's memory, by a hidden option of `letterlock agent run`: every opening
 * and every operation waits so long while the secret is in clear.
 */
void agent_shield_hold(int ms);
void agent_shield_pause(void);

#endif
