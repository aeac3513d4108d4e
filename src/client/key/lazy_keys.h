/* SPDX-License-Identifier: ISC */
/*
 * Our own keys for signing and decrypting, unlocked when they are first
 * needed: reading a plain mail asks for no passphrase and starts no agent.
 */
#ifndef CLIENT_LAZY_KEYS_H
#define CLIENT_LAZY_KEYS_H

#include "client/key/keyring.h"

struct lazy_keys {
	struct keyring *keyring;
	const struct common *common;
	struct agent_client *agent; /* NULL until it is needed; closed by lazy_keys_done() */
	struct pgp_certs own;       /* certificates whose secret keys are here */
	int refused;                /* the error of the first unlocking, so that a person is asked once */
};

/* Loads the certificates of all secret keys that are here. lazy_keys_done() also after an error. */
int lazy_keys_init(struct lazy_keys *l, struct keyring *k, const struct common *c, struct error *e);
void lazy_keys_done(struct lazy_keys *l);
/* Sees to it that l->agent is there. */
int lazy_keys_agent(struct lazy_keys *l, struct error *e);
/* As long as l lives. holds() says whether the secret is here at all. */
struct pgp_keyring_ops lazy_keys_ops(struct lazy_keys *l);

#endif
