/* SPDX-License-Identifier: ISC */
/*
 * Shared by the files behind verify.h's pgp_cert_judge(); nobody else includes
 * it. judge.c says what a certificate's signatures mean together,
 * judge_search.c finds the one that counts for a component.
 *
 * What a flood of forged signatures costs: one that names another issuer is
 * parsed and left; one that names the certificate itself is hashed too, and
 * left when the first octets of its digest are wrong (section 5.2.2: they are
 * there to reject some without arithmetic). An attacker can compute those
 * octets, so the arithmetic is bounded as well: by failures, which an honest
 * certificate does not have. Half of them are spent on the newest signatures
 * and half in the order of the certificate, so that to hide a true one takes
 * more than dating forgeries or adding them at one end.
 */
#ifndef OPENPGP_JUDGE_INTERNAL_H
#define OPENPGP_JUDGE_INTERNAL_H

#include "openpgp/judge/verify.h"

/* A certificate being judged. */
struct pgp_judging {
	const struct pgp_cert *cert;
	const struct pgp_policy *policy;
	uint64_t at;
	const struct pgp_certs *others; /* certificates of possible designated revokers; may be NULL */
	struct pgp_fingerprint revokers[PGP_REVOKERS_MAX];
	const struct pgp_key *revoker_keys[PGP_REVOKERS_MAX]; /* NULL: not at hand */
	size_t revoker_count;
	bool has_direct; /* the direct-key signature that counts, for what applies to the entire key */
	struct pgp_sig direct;
	unsigned failures_max; /* checks that may fail, a component */
	uint64_t hashed;       /* octets of keys and user IDs, for signatures that share no hash */
	bool unverified_revocation, cut_short;
	int failed; /* no memory, or libcrypto: no judgement at all */
};

struct pgp_candidate {
	const struct pgp_part *part;
	uint32_t created, expires;
	uint8_t state; /* of the check: 0 not tried, 1 good, 2 bad */
	bool hard;     /* revocations */
	bool late;     /* bindings: made after the time asked about */
	bool live;     /* made before it and not expired then */
};

struct pgp_candidates {
	struct pgp_candidate *items;
	size_t count, room;
};

/* One component being judged. */
struct pgp_search {
	struct pgp_judging *of;
	const struct pgp_component *component;
	struct pgp_sig_target target;
	struct pgp_candidates bindings, revocations;
	struct pgp_hash *hashes[16]; /* of version 4 signatures over this target, by hash number */
	unsigned failures;

	/* found: */
	bool has_binding;
	bool binding_is_late; /* made after the time asked about: see pgp_search_binding() */
	bool has_expired;     /* there is no live one, but a true one that was expired */
	struct pgp_sig binding;
	bool has_hard, has_soft;
	struct pgp_sig revocation; /* when has_hard or has_soft */
	bool bound_later;          /* only after the time asked about */
	bool no_back;              /* a binding did not count for want of a back signature */
	struct error refusal;      /* why the last candidate did not count */
};

/* Finds everything that is about this component. Free with pgp_search_done(). */
void pgp_search_begin(struct pgp_search *f, struct pgp_judging *of, const struct pgp_component *k);
void pgp_search_done(struct pgp_search *f);

/*
 * The most recent valid self-signature at the time asked about. When none is
 * as old as that, the oldest: the holder extended the key and threw the old
 * ones away. A subkey counts as bound before its binding only as far back as
 * its back signature reaches.
 */
void pgp_search_binding(struct pgp_search *f);
/* A hard revocation of any time, or else the newest soft one that was in force. */
void pgp_search_revocation(struct pgp_search *f);
/* Direct-key signatures name who else may revoke. */
void pgp_search_revokers(struct pgp_search *f);

/* Key flags as they count for a subkey: its own, or else those of the direct-key signature (section 5.2.3.10). */
uint32_t pgp_judging_flags(const struct pgp_judging *of, const struct pgp_sig *binding);
/* Whether a subkey with these flags has to sign back. */
bool pgp_needs_back(const struct pgp_key *subkey, uint32_t flags);

#endif
