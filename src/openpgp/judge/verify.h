/* SPDX-License-Identifier: ISC */
/*
 * What a certificate and a signature are worth: verdicts with reasons.
 *
 * pgp_cert_judge() walks a certificate's self-signatures once, as of a time,
 * and says of every key and user ID whether it is bound, expired or revoked and
 * what it may do. pgp_cert_judge() at a signature's time decides about that
 * signature; at the policy's now it decides which key to encrypt to or to sign
 * with.
 *
 * A hard revocation (compromised, no reason or an unknown one given) voids the
 * past as well and does not expire; a soft one (superseded, retired) only what
 * comes after it, until it expires or a newer self-signature takes it back.
 *
 * The most recent self-signature that was made not after the time asked about
 * and not expired then counts. When all of them are newer (the holder extended
 * the key and threw the old ones away) the oldest does, so that signatures made
 * before stay good; a subkey, though, counts as bound before its binding only
 * as far back as its back signature reaches, for until then it had agreed to
 * nothing.
 *
 * Who signed is a hint (sig.h), the digest's first octets sort out what is
 * malformed, and only so many checks may fail (limits.h): see
 * judge_internal.h for what a flooded certificate costs.
 */
#ifndef OPENPGP_VERIFY_H
#define OPENPGP_VERIFY_H

#include "openpgp/cert/cert.h"
#include "openpgp/judge/policy.h"
#include "openpgp/sig/sig.h"

enum pgp_standing {
	PGP_STANDING_GOOD,
	PGP_STANDING_UNBOUND,           /* no valid self-signature or binding (or one that policy refuses) */
	PGP_STANDING_NO_BACK_SIGNATURE, /* a signing subkey that did not agree (type 0x19) */
	PGP_STANDING_EXPIRED,
	PGP_STANDING_REVOKED_HARD,
	PGP_STANDING_REVOKED_SOFT,
	PGP_STANDING_NOT_YET, /* made after the time asked about */
	PGP_STANDING_POLICY,
	PGP_STANDING_NOT_UNDERSTOOD
};
const char *pgp_standing_name(enum pgp_standing s);

struct pgp_component_judgement {
	const struct pgp_component *component;
	enum pgp_standing standing;
	char reason[160]; /* a sentence's end: "revoked: key is superseded" */
	uint32_t flags;   /* keys: PGP_FLAG_*; missing flags are none */
	uint64_t expires; /* keys: unix seconds, 0 never */
	bool primary_user_id;
	bool late;             /* what counted was made after the time asked about */
	struct slice sig;      /* the self-signature that counted, packet body; empty when none */
	struct pgp_sig parsed; /* the same, parsed; when sig is not empty */
};

struct pgp_cert_judgement {
	const struct pgp_cert *cert;
	uint64_t at;
	struct pgp_component_judgement *components; /* as many as the certificate has */
	size_t count;
	enum pgp_standing standing; /* of the primary key, that is of the whole */
	bool says_flags; /* the primary key's Key Flags stand somewhere; without them see policy.h, "no-flags" */
	bool unverified_revocation; /* somebody who may revoke did, and that certificate is not at hand */
	bool cut_short;             /* a flood: not every signature could be checked */
	uint32_t features;          /* of the certificate: direct-key or primary user ID self-signature */
	struct slice preferred_aead, preferred_ciphers, preferred_hashes;
	size_t primary_user_id; /* index into components; SIZE_MAX when none is good */
	struct arena arena;
};

/* at: unix seconds (the signature's time, or policy->now). Free with pgp_cert_judgement_done(). ERR_NOMEM, ERR_LIMIT. */
int pgp_cert_judge(const struct pgp_cert *c, const struct pgp_policy *policy, uint64_t at,
    struct pgp_cert_judgement *out, struct error *e);
/* The same with certificates at hand among which designated revokers are looked for (section 5.2.3.23). */
int pgp_cert_judge_among(const struct pgp_cert *c, const struct pgp_certs *others, const struct pgp_policy *policy,
    uint64_t at, struct pgp_cert_judgement *out, struct error *e);
void pgp_cert_judgement_done(struct pgp_cert_judgement *j);

/*
 * The same key, user ID or attribute once more, as certificates that were
 * merged carelessly have it: what stands behind one of them counts for both.
 * User IDs over PGP_DOUBLE_MAX octets are not compared.
 */
bool pgp_component_is_same(const struct pgp_component *a, const struct pgp_component *b);

/* The judgement of one key of the certificate; NULL when it is not of it. */
const struct pgp_component_judgement *pgp_judged_key(const struct pgp_cert_judgement *j, const struct pgp_key *key);

/*
 * Keys for a purpose, in the certificate's order, at most max; the count is
 * returned. wanted: PGP_FLAG_SIGN or PGP_FLAG_ENCRYPT (any of its bits).
 * Empty when the certificate as a whole is not good. When there is none, e
 * says why the best candidate was refused (may be NULL).
 */
size_t pgp_judged_keys_for(const struct pgp_cert_judgement *j, const struct pgp_policy *policy, uint32_t wanted,
    const struct pgp_key **out, size_t max, struct error *e);

/* ---- data signatures ---- */

enum pgp_verdict_kind {
	PGP_VERDICT_GOOD,
	PGP_VERDICT_BAD,    /* the signature does not fit: text or signature was changed */
	PGP_VERDICT_NO_KEY, /* none of the certificates made it */
	PGP_VERDICT_INVALID /* it fits, and yet must not count: see reason */
};

struct pgp_verdict {
	enum pgp_verdict_kind kind;
	/*
	 * The same as an error code: 0 with GOOD, ERR_SIGNATURE with BAD, ERR_NO_KEY; with INVALID ERR_SYNTAX (malformed, or
	 * something critical in it is unknown), ERR_UNSUPPORTED (an algorithm), ERR_POLICY (a rule, whose name ends the
	 * reason, or standing: expired, revoked, not bound).
	 */
	int code;
	enum pgp_standing standing; /* with INVALID: of the key or the certificate */
	uint8_t sig_type;
	uint8_t hash;
	uint32_t created;            /* of the signature */
	const struct pgp_cert *cert; /* who; NULL with NO_KEY */
	const struct pgp_key *key;   /* the signing (sub)key */
	uint64_t issuer;             /* key ID that the signature names; 0 when none */
	struct pgp_fingerprint issuer_fpr;
	bool recipients_named; /* it names intended recipients */
	/* With GOOD: the user ID that it names, when that is a good one of the certificate's, which owns it; else empty. */
	struct slice signer_user_id;
	char reason[200]; /* a sentence; empty with GOOD */
};

/*
 * Judges one data signature whose data went into h. Every certificate that has
 * a candidate key is tried (key IDs collide); the best verdict counts.
 */
int pgp_verify_data(const struct pgp_sig *s, const struct pgp_hash *h, const struct pgp_certs *certs,
    const struct pgp_policy *policy, struct pgp_verdict *out, struct error *e);

#endif
