/* SPDX-License-Identifier: ISC */
/* For decrypt.c: session key packets as they come, and the session key at the container. */
#ifndef OPENPGP_DECRYPT_KEYS_H
#define OPENPGP_DECRYPT_KEYS_H

#include "openpgp/decrypt.h"

struct esk {
	struct pgp_session found[2]; /* by PKESK of version 3 and 6; key empty: not yet */
	const struct pgp_key *found_by[2];
	struct buf skesks; /* bodies of the passphrase packets, as packets */
	size_t skesk_count;
	size_t hidden_tries; /* of keys for packets that hide whose they are */
	size_t tries;        /* of keys in all */
	size_t guesses;      /* of passphrases */
	bool seen;           /* any session key packet */
	int refused;         /* the last error of a key that could have been it */
	struct error why;
};

void esk_init(struct esk *k);
void esk_done(struct esk *k);
/* One packet's body. Fails only for limits and memory; a packet of no use is passed over. */
int esk_pkesk(struct esk *k, const struct pgp_decrypt_spec *spec, struct slice body, struct error *e);
int esk_skesk(struct esk *k, struct slice body, struct error *e);
/* The session key for this container. ERR_NO_KEY, ERR_PASSWORD, ERR_LIMIT. */
int esk_choose(struct esk *k, const struct pgp_decrypt_spec *spec, const struct pgp_seipd_head *head,
    struct pgp_session *out, const struct pgp_key **key_out, struct error *e);

#endif
