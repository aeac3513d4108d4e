/* SPDX-License-Identifier: ISC */
/*
 * What is believed of a certificate before it is used: the answer of
 * trust/believe in the few words that a verb says. Whatever goes wrong in the
 * asking (a web of trust that is too large), there is an answer, from what the
 * store knows beside certifications.
 */
#ifndef CLIENT_KEY_BELIEF_H
#define CLIENT_KEY_BELIEF_H

#include "client/key/keyring.h"
#include "trust/believe/believe.h"

struct key_belief {
	enum believe_verdict verdict;
	struct buf why;    /* sentences on one line, escaped */
	struct buf advice; /* what to do when it is not enough; else empty */
};

/*
 * Is it whose it says: address's, or (empty) anybody's? signed_at: when what is
 * asked about was signed, so that a key that has expired since still counts for
 * what it signed before; 0: it is to be used now. Free with key_belief_done().
 */
void key_believe(const struct keyring *k, const struct pgp_fingerprint *f, struct slice address, uint64_t signed_at,
    struct key_belief *out);
void key_belief_done(struct key_belief *b);

static inline bool
key_is_believed(const struct key_belief *b)
{
	return believe_is_enough(b->verdict);
}

#endif
