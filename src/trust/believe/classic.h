/* SPDX-License-Identifier: ISC */
/*
 * GnuPG's way to believe (its trust models "pgp" and "direct", as gpg 2.2
 * computes them), for who is used to it and for comparison.
 *
 * Owners are people whose certifications count, at a level: ultimate (oneself),
 * full, or marginal. A user ID is valid when an ultimate or a full owner
 * certified it, or three marginal ones did; an owner's word counts only when
 * one of his user IDs is valid in turn; and no chain is longer than five. One
 * or two marginal words make it marginally valid. A trust signature in a chain
 * makes an owner out of whom it is about, as deep and as far as it says, as
 * long as the chain before it permits that.
 *
 * Unlike the web of trust of network.h only the present counts: certificates
 * that are expired or revoked now say nothing, whenever they said it.
 *
 * The amounts are on network.h's scale: CLASSIC_FULL when valid, CLASSIC_PART
 * for each marginal word.
 */
#ifndef TRUST_BELIEVE_CLASSIC_H
#define TRUST_BELIEVE_CLASSIC_H

#include "trust/believe/ring.h"

#define CLASSIC_MARGINALS 3u /* --marginals-needed */
#define CLASSIC_COMPLETES 1u /* --completes-needed */
#define CLASSIC_DEPTH 5u     /* --max-cert-depth */
#define CLASSIC_FULL PGP_NETWORK_FULL
#define CLASSIC_PART (CLASSIC_FULL / CLASSIC_MARGINALS)

enum classic_level { CLASSIC_NOBODY, CLASSIC_MARGINAL, CLASSIC_FULLY, CLASSIC_ULTIMATE };

/* From a root's amount: 120 is full, 60 and more marginal; own: ultimate. */
enum classic_level classic_level_of(uint8_t amount, bool own);

struct classic_owner {
	const struct pgp_cert *cert; /* of the ring */
	enum classic_level level;
};

struct classic;

/* ring and policy must outlive it. Free with classic_free(). ERR_NOMEM. */
int classic_new(
    struct trust_ring *ring, const struct pgp_policy *policy, uint64_t at, struct classic **out, struct error *e);
void classic_free(struct classic *c); /* NULL is permitted */

/*
 * Like pgp_network_authenticate(): the paths are one for each word that counts,
 * from an ultimate owner; together they are the amount. ERR_NOMEM, ERR_LIMIT,
 * ERR_CRYPTO, errors of the store.
 */
int classic_authenticate(struct classic *c, const struct classic_owner *owners, size_t count,
    const struct pgp_cert *target, struct slice user_id, struct pgp_network_result *out, struct error *e);

#endif
