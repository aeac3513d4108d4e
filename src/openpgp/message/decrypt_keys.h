/* SPDX-License-Identifier: ISC */
/*
 * For decrypt.c: session key packets as they come, and the session keys that
 * they give at the container.
 *
 * One is chosen, yet there may be candidates: RSA and ElGamal give some key for
 * any packet (a random one for a wrong packet, so that nobody learns which it
 * was), and hidden recipients are many. Of several the right one is found where
 * that tells an attacker nothing: by a chunk's tag, or, in CFB, by the repeated
 * octets, with all going on as before when none is right.
 */
#ifndef OPENPGP_DECRYPT_KEYS_H
#define OPENPGP_DECRYPT_KEYS_H

#include "openpgp/message/decrypt.h"

struct esk_candidate {
	struct pgp_session session;
	const struct pgp_key *key; /* NULL: a passphrase or a known session key */
	uint8_t version;           /* of its packet */
};

struct esk_list {
	struct esk_candidate items[PGP_SESSION_CANDIDATES_MAX];
	size_t count;
};

struct esk {
	struct esk_list found; /* by PKESK packets */
	struct buf skesks;     /* bodies of the passphrase packets, as packets */
	size_t skesk_count;
	size_t hidden_tries; /* of keys for packets that hide whose they are */
	size_t tries;        /* of keys in all */
	size_t guesses;      /* of passphrases */
	bool proven[2];      /* a key of version 3, of version 6 that can be no other: the wrap has proved it */
	bool seen;           /* any session key packet */
	int refused;         /* the last error of a key that could have been it */
	struct error why;
};

void esk_init(struct esk *k);
void esk_done(struct esk *k);
void esk_list_done(struct esk_list *l);
/* One packet's body. Fails only for limits and memory; a packet of no use is passed over. */
int esk_pkesk(struct esk *k, const struct pgp_decrypt_spec *spec, struct slice body, struct error *e);
int esk_skesk(struct esk *k, struct slice body, struct error *e);
/*
 * The candidates for this container, one at least; with CFB exactly one. out
 * begins as zeros; esk_list_done(). ERR_NO_KEY, ERR_PASSWORD, ERR_LIMIT,
 * ERR_POLICY and ERR_UNSUPPORTED (a cipher, by its name).
 */
int esk_choose(struct esk *k, const struct pgp_decrypt_spec *spec, const struct pgp_policy *policy,
    const struct pgp_seipd_head *head, struct esk_list *out, struct error *e);

#endif
