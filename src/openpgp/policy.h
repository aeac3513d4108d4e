/* SPDX-License-Identifier: ISC */
/*
 * What is acceptable, as a value: which hashes and public-key algorithms for
 * which use until when, key sizes, and the reference time. Nobody in this
 * floor reads a clock; whoever asks passes a policy.
 *
 * A cut-off compares with the policy's own time, never with the time that a
 * signature claims: a forger chooses that.
 */
#ifndef OPENPGP_POLICY_H
#define OPENPGP_POLICY_H

#include "openpgp/key.h"

enum pgp_use {
	PGP_USE_DATA, /* signatures over data and over other people's keys: collisions matter */
	PGP_USE_SELF, /* self-signatures, bindings, revocations: second preimages matter */
	PGP_USE_ENCRYPT
};

#define PGP_ALWAYS UINT64_MAX
#define PGP_NEVER 0u

struct pgp_cutoff {
	uint64_t data_until; /* acceptable while now is before it */
	uint64_t self_until;
};

struct pgp_policy {
	uint64_t now;                        /* unix seconds: the time that is asked about */
	struct pgp_cutoff hashes[16];        /* by hash number; above 15 never */
	uint64_t algorithms_until[32];       /* by public-key algorithm number; above 31 never */
	unsigned rsa_bits_min, rsa_bits_max; /* also DSA and ElGamal */
	uint32_t clock_skew;                 /* seconds that a signature may come from the future */
};

struct pgp_policy pgp_policy_default(uint64_t now);

/* 0, or ERR_POLICY with the rule that refused in its sentence. */
int pgp_policy_hash(const struct pgp_policy *p, uint8_t hash, enum pgp_use use, struct error *e);
int pgp_policy_key(const struct pgp_policy *p, const struct pgp_key *key, enum pgp_use use, struct error *e);

#endif
