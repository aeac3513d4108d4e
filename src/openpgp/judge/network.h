/* SPDX-License-Identifier: ISC */
/*
 * The web of trust: how much evidence connects what a person trusts with the
 * claim that a certificate belongs to a user ID (draft-nhw-web-of-trust,
 * "Network", "Authentication").
 *
 * Nodes are certificates, edges are certifications (certification.h): both ends
 * have to have stood when one was made, so that what an introducer said before
 * it expired or retired stays said. The certificate at the end has to stand at
 * the reference time. A path begins at a root, follows
 * certifications whose depth allows what comes behind them and whose scope
 * covers the user ID in question, and ends with a certification of that user
 * ID. It is worth its weakest edge. Several paths add up, as far as no edge
 * carries more than its amount: 120 is full, less is partial, 0 nothing.
 *
 * The search runs backwards from the user ID, shorter paths first and of equal
 * ones the stronger, so that only what leads to it is looked at; edges into a
 * certificate are found and checked when it is reached, and kept for the next
 * question. Found paths are taken out until enough is found. So a network needs
 * no list of all certificates: a source (certification.h) gives those that are
 * named by signatures on the way, be there a million others.
 *
 * Limits: PGP_NETWORK_EDGES_MAX, PGP_NETWORK_PATHS_MAX (limits.h).
 */
#ifndef OPENPGP_NETWORK_H
#define OPENPGP_NETWORK_H

#include "openpgp/judge/certification.h"

#define PGP_NETWORK_FULL 120u

struct pgp_network;

/* certs or source, and policy, must outlive it. at: unix seconds. ERR_NOMEM. Free with pgp_network_free(). */
int pgp_network_new(const struct pgp_certs *certs, const struct pgp_policy *policy, uint64_t at,
    struct pgp_network **out, struct error *e);
int pgp_network_from(struct pgp_cert_source source, const struct pgp_policy *policy, uint64_t at,
    struct pgp_network **out, struct error *e);
void pgp_network_free(struct pgp_network *n);

struct pgp_network_root {
	const struct pgp_cert *cert; /* of the certificates, or of the source */
	uint8_t amount;              /* 120: whatever it says counts in full */
	uint8_t depth;               /* edges that a path from here may have; 255 without end */
	struct slice regex;          /* only for user IDs that this matches; empty: all */
};

struct pgp_network_path {
	unsigned amount;
	const struct pgp_cert *root;
	const struct pgp_certification **edges; /* from the root to the user ID */
	size_t count;
};

struct pgp_network_result {
	unsigned amount; /* of all paths; may be over what was wanted */
	struct pgp_network_path *paths;
	size_t count;
	struct arena arena;
};

/*
 * Is target, a certificate of the same list or source, user_id's? Stops when wanted
 * (at most PGP_NETWORK_FULL makes sense) is reached. A certificate that does
 * not stand and a user ID that its owner revoked come to 0. The edges live in
 * the network. Free the result with pgp_network_result_done(). ERR_NOMEM,
 * ERR_LIMIT, ERR_CRYPTO, and what the source says; ERR_NOT_FOUND when target or
 * a root is none of the list (with a source nobody looks: see to it that they
 * are).
 */
int pgp_network_authenticate(struct pgp_network *n, const struct pgp_network_root *roots, size_t root_count,
    const struct pgp_cert *target, struct slice user_id, unsigned wanted, struct pgp_network_result *out,
    struct error *e);
void pgp_network_result_done(struct pgp_network_result *r);

#endif
