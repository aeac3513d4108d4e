/* SPDX-License-Identifier: ISC */
/*
 * A certificate written again with new packets in it; for change*.c, update.c,
 * certify.c and approve.c only. What was there stays byte for byte and in its
 * order; new self-signatures stand in front of the old ones of their component
 * (revocations first), others' at the end, new user IDs behind the last one, new subkeys behind
 * everything but padding.
 */
#ifndef OPENPGP_REWRITE_H
#define OPENPGP_REWRITE_H

#include "openpgp/cert/change.h"
#include "openpgp/cert/selfsig.h"

/* Where a new signature stands among the old ones of its component. */
enum pgp_place {
	PGP_PLACE_FIRST, /* revocations */
	PGP_PLACE_SELF,  /* behind old revocations that stand in front */
	PGP_PLACE_LAST   /* others' certifications */
};

struct pgp_insertion {
	size_t component; /* index */
	size_t from, len; /* in packets */
	enum pgp_place place;
};

struct pgp_rewrite {
	const struct pgp_cert *cert;
	struct pgp_keyring_ops keys;
	const struct pgp_key *signer; /* makes the signatures: the certificate's own primary key, or another's */
	struct buf packets;           /* of the insertions */
	struct buf users, subkeys;    /* whole new components */
	struct buf subpackets;        /* for the next signature */
	struct buf body;
	struct pgp_insertion *insertions;
	size_t count, max;
	struct arena arena;
};

int pgp_rewrite_init(struct pgp_rewrite *w, const struct pgp_cert *c, const struct pgp_key *signer,
    struct pgp_keyring_ops keys, struct error *e);
void pgp_rewrite_done(struct pgp_rewrite *w);

/* Makes a signature over component k with w->subpackets, which are empty again then. */
int
pgp_rewrite_sign(struct pgp_rewrite *w, const struct pgp_component *k, uint8_t type, uint32_t created, struct error *e);
/* Puts a finished signature's body behind k. */
int pgp_rewrite_insert(
    struct pgp_rewrite *w, const struct pgp_component *k, uint8_t type, struct slice body, struct error *e);
/* The same over a new user ID or subkey, whose packet is put there, too. */
int pgp_rewrite_add_user(struct pgp_rewrite *w, struct slice user_id, uint8_t type, uint32_t created, struct error *e);
/* packet: the key packet, whole. */
int pgp_rewrite_add_subkey(
    struct pgp_rewrite *w, const struct pgp_key *key, struct slice packet, uint32_t created, struct error *e);

/* Whether anything was added. */
bool pgp_rewrite_changed(const struct pgp_rewrite *w);
/* Appends the certificate. */
int pgp_rewrite_write(const struct pgp_rewrite *w, struct buf *out, struct error *e);

#endif
