/* SPDX-License-Identifier: ISC */
/*
 * What is acceptable, as a value: one reference time and, for each rule of the
 * table in policy_table.c and each use, until when. Nobody in this floor reads
 * a clock; whoever asks passes a policy.
 *
 * A cut-off compares with the policy's own time, never with the time that a
 * signature claims: a forger chooses that.
 *
 * A use is what depends on the algorithm. Data signatures need resistance
 * against collisions, self-signatures only against second preimages; a
 * revocation that is refused helps only a thief; reading old mail is a use of
 * its own, because there is nothing left to protect by refusing.
 *
 * Every refusal is ERR_POLICY with a sentence that ends in the rule's name:
 * "SHA-1 is no longer accepted for self-signatures (rule sha1)". That name is
 * what pgp_policy_override() takes. What no rule knows is ERR_UNSUPPORTED.
 *
 * RFC 9580 sections 5.2, 5.5.2, 9.1, 9.3, 9.5, 12.4 to 12.6, 13.7.
 */
#ifndef OPENPGP_POLICY_H
#define OPENPGP_POLICY_H

#include "openpgp/key/key.h"

enum pgp_use {
	PGP_USE_DATA,    /* signatures over data and over other people's keys */
	PGP_USE_SELF,    /* self-signatures and bindings */
	PGP_USE_REVOKE,  /* revocations */
	PGP_USE_BACK,    /* the signature by which a signing subkey agrees (type 0x19) */
	PGP_USE_ENCRYPT, /* writing: keys that we encrypt to, ciphers and containers that we choose */
	PGP_USE_DECRYPT  /* reading what somebody wrote */
};
#define PGP_USES 6u
#define PGP_USE_BIT(use) (1u << (unsigned)(use))
#define PGP_USES_ALL ((1u << PGP_USES) - 1)

#define PGP_ALWAYS UINT64_MAX
#define PGP_NEVER 0u

#define PGP_POLICY_RULES_MAX 64u

struct pgp_policy {
	uint64_t now;                                   /* unix seconds: the time that is asked about */
	uint32_t clock_skew;                            /* seconds that a signature may come from the future */
	uint64_t until[PGP_POLICY_RULES_MAX][PGP_USES]; /* acceptable while now is before it */
};

/* The standard policy: the table as it stands. */
struct pgp_policy pgp_policy_default(uint64_t now);
/*
 * For old archives: also what the table marks so (SHA-1, RIPEMD-160, DSA, RSA
 * from 1024 bits, 3DES, CAST5, Blowfish, version 3 signatures). Not MD5, not
 * data without protection of integrity: these ask for their own name.
 */
struct pgp_policy pgp_policy_archive(uint64_t now);

/* 0; ERR_POLICY with the rule that refused in its sentence; ERR_UNSUPPORTED when no rule knows it. e may be NULL. */
int pgp_policy_hash(const struct pgp_policy *p, uint8_t hash, enum pgp_use use, struct error *e);
/* Version, algorithm and size; of ECDH keys, for encrypting and decrypting, also what their key derivation uses. */
int pgp_policy_key(const struct pgp_policy *p, const struct pgp_key *key, enum pgp_use use, struct error *e);
int pgp_policy_cipher(const struct pgp_policy *p, uint8_t cipher, enum pgp_use use, struct error *e);
/* By its packet: PGP_SED (version 0), PGP_SEIPD (1 and 2) or PGP_AEAD_LIBRE (1). */
int pgp_policy_container(
    const struct pgp_policy *p, uint8_t packet_type, uint8_t version, enum pgp_use use, struct error *e);
/* Whether a v4 primary key without any Key Flags may do what its algorithm can: PGP_USE_DATA, PGP_USE_ENCRYPT. */
int pgp_policy_no_flags(const struct pgp_policy *p, enum pgp_use use, struct error *e);
int pgp_policy_sig_version(const struct pgp_policy *p, uint8_t version, enum pgp_use use, struct error *e);

/*
 * Changes what the rules of this name say for the uses in the set (bits
 * PGP_USE_BIT(), or PGP_USES_ALL): acceptable until then, PGP_ALWAYS or
 * PGP_NEVER. ERR_NOT_FOUND no such rule; ERR_UNSUPPORTED when the rule is
 * about something that we do not have (IDEA, Twofish).
 */
int pgp_policy_set(struct pgp_policy *p, struct slice name, unsigned uses, uint64_t until, struct error *e);
/*
 * The same as text, for command lines and settings: items apart by commas or
 * spaces, NAME[:USE][=WHEN]. USE is data, self, revoke, back, encrypt or
 * decrypt, without it all of them; WHEN a date, "always" or "never", without it
 * always: "sha1:data=2027-01-01, dsa, no-mdc". "archive" stands for all that
 * pgp_policy_archive() adds. ERR_USAGE with the item that is wrong; p is then
 * unchanged.
 */
int pgp_policy_override(struct pgp_policy *p, struct slice text, struct error *e);

/* ---- the table ---- */

enum pgp_rule_kind {
	PGP_RULE_HASH,
	PGP_RULE_ALGORITHM,
	PGP_RULE_CIPHER,
	PGP_RULE_CONTAINER,
	PGP_RULE_KEY_VERSION,
	PGP_RULE_SIG_VERSION,
	PGP_RULE_NO_FLAGS
};

/* Packet type and version in one number. */
#define PGP_CONTAINER_NUMBER(type, version) ((uint8_t)((unsigned)(type) | (unsigned)(version) << 6))

struct pgp_policy_rule {
	const char *name;            /* lower case, what an override says; several rows may share it */
	const char *subject;         /* for people: "SHA-1", "RSA of less than 2048 bits" */
	uint8_t kind;                /* enum pgp_rule_kind */
	uint8_t number;              /* of the registry, the version, or PGP_CONTAINER_NUMBER() */
	bool missing;                /* we do not have it: no override helps */
	uint8_t archive;             /* uses that the archive policy opens */
	uint16_t bits_min, bits_max; /* algorithms by size; 0 and 0: any */
	uint64_t until[PGP_USES];
};

/* The n-th rule, NULL behind the last. */
const struct pgp_policy_rule *pgp_policy_rule(size_t n);
/* "data", "self", ... as overrides say it. */
const char *pgp_use_name(enum pgp_use use);

#endif
