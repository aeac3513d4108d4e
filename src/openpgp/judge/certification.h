/* SPDX-License-Identifier: ISC */
/*
 * What other people's keys say about a certificate: certifications of its user
 * IDs (RFC 9580 sections 5.2.1.4 to 5.2.1.7), and delegations, which are
 * direct-key signatures over its primary key by others (section 5.2.1.10).
 *
 * Anybody can put signatures into somebody's certificate. So nothing is looked
 * at by itself: a caller says whose certifications it wants, and signatures of
 * all others cost no more than a look at their issuer, however many there are.
 * Of each issuer the newest count, and only so many may turn out to be forged
 * (PGP_CERTIFICATIONS_EACH_MAX).
 *
 * A certification counts at a time when it is correct and not refused by
 * policy, made before and not expired then, not revoked by its issuer (unless
 * it says that it cannot be; a revocation because of a change counts from when
 * it was made, any other for ever), and when its issuer and its target stood as
 * it was made, and the issuer could certify. Of several by one issuer over the same the newest counts: a newer
 * one with trust amount 0 takes the others away.
 *
 * An owner may have approved certifications (certify.h: "1PA3PC"); a query may
 * ask for only those, which is all that a key server should give on.
 */
#ifndef OPENPGP_CERTIFICATION_H
#define OPENPGP_CERTIFICATION_H

#include "openpgp/judge/verify.h"

/*
 * Where certificates come from that are fetched only when somebody names them: a store, a directory. What it gives
 * lives as long as the source, and the same certificate is at the same address each time.
 */
struct pgp_cert_source {
	/* All certificates whose primary key has this ID; *count_out is 0 when there is none. Any error ends the question. */
	int (*by_key_id)(
	    void *ctx, uint64_t key_id, const struct pgp_cert *const **out, size_t *count_out, struct error *e);
	void *ctx;
};

/* Certificates by the key ID of their primary key: made once, asked often. certs or source must outlive it. ERR_NOMEM. */
struct pgp_issuers;

int pgp_issuers_new(const struct pgp_certs *certs, struct pgp_issuers **out, struct error *e);
int pgp_issuers_from(struct pgp_cert_source source, struct pgp_issuers **out, struct error *e);
void pgp_issuers_free(struct pgp_issuers *i);

struct pgp_certification {
	const struct pgp_cert *issuer;
	const struct pgp_cert *target;
	const struct pgp_component *component; /* user ID or attribute; the primary key: a delegation */
	struct slice sig;                      /* the packet's body */
	uint32_t created;
	uint64_t expires; /* unix seconds, 0 never */
	uint8_t depth;    /* of trust: 0 says nothing about whom the target certifies; 255 without end */
	uint8_t amount;   /* at most 120; 120 when it does not say; 0 takes back */
	bool self;        /* by the target itself: depth is 0 */
	bool scoped;      /* it has regular expressions: see pgp_certification_covers() */
	bool exportable;
	bool approved;
};

struct pgp_certification_query {
	const struct pgp_cert *target;
	const struct pgp_component
	    *component; /* one of its user IDs or attributes, or its primary key for delegations */
	const struct pgp_issuers *issuers;
	const struct pgp_policy *policy;
	uint64_t at;        /* unix seconds */
	bool approved_only; /* only what the owner approved, and what the owner made */
	/* GnuPG's way: of an issuer the newest decides, a revocation too, and nobody asks whether anything stood then. */
	bool newest_only;
};

/*
 * Finds them, in the order of their issuers' fingerprints; they live in a. count_out may be
 * 0. Several of one issuer only when they are of the same second. ERR_NOMEM,
 * ERR_LIMIT (the arena's budget), ERR_CRYPTO, and what the source says.
 */
int pgp_certifications_find(const struct pgp_certification_query *q, struct arena *a, struct pgp_certification **out,
    size_t *count_out, struct error *e);

/*
 * Whether a certification's scope (section 5.2.3.22) covers a user ID: true
 * without an expression; with several, when one matches. One that is malformed
 * matches nothing.
 */
int pgp_certification_covers(const struct pgp_certification *c, struct slice user_id, bool *out, struct error *e);

#endif
