/* SPDX-License-Identifier: ISC */
/*
 * Certifications of other people's certificates, their revocation, and the
 * owner's approval of certifications that others made (RFC 9580 sections
 * 5.2.1.4 to 5.2.1.7, 5.2.1.13, 5.2.3.19 to 5.2.3.24).
 *
 * Each call appends the whole target certificate with the new signature in its
 * place.
 *
 * Approval ("1PA3PC": first party approves third party certifications) is a
 * signature of type 0x16 by the owner over the user ID, whose hashed subpacket
 * 37 lists digests of the certifications that may travel with it. The newest
 * one counts; an empty one approves nothing. Key servers that keep others'
 * certifications off a certificate let those through.
 */
#ifndef OPENPGP_CERTIFY_H
#define OPENPGP_CERTIFY_H

#include "openpgp/cert/change.h"
#include "openpgp/sig/sig.h"

struct pgp_certify_spec {
	uint8_t type;     /* PGP_SIG_CERT_*; 0: generic (0x10) */
	uint32_t created; /* unix seconds */
	uint32_t expires; /* seconds after created; 0 never */
	bool local;       /* not exportable: for one's own use only */
	bool not_revocable;
	uint8_t depth;      /* of trust (section 5.2.3.21); 0 none: a plain certification */
	uint8_t amount;     /* 60 partial, 120 complete */
	struct slice regex; /* with depth: limits it; "<[^>]+[@.]example\\.org>$"; empty none */
	struct slice policy_uri;
	const struct pgp_notation *notations;
	size_t notation_count; /* at most PGP_NOTATIONS_MAX */
	uint8_t reason;        /* revoking: PGP_REASON_NONE or PGP_REASON_USER_ID_INVALID, and its text */
	struct slice reason_text;
};

/*
 * signer (whose primary key keys holds) certifies the user ID of target. That a
 * v6 key certifies a v4 one is permitted, but gpg 2.2 then refuses the whole
 * certificate: see no_later_versions of struct pgp_export.
 * ERR_NOT_FOUND when target has no such user ID; ERR_USAGE a malformed spec, or
 * signer and target are the same; whether signer may certify is the caller's
 * question (pgp_judged_keys_for()).
 */
int pgp_certify_user(const struct pgp_certify_spec *spec, const struct pgp_cert *target, struct slice user_id,
    const struct pgp_cert *signer, struct pgp_keyring_ops keys, struct buf *out, struct error *e);
/* Takes back what signer said of it before. ERR_NOT_FOUND when there is no certification of signer's to take back. */
int pgp_certify_revoke(const struct pgp_certify_spec *spec, const struct pgp_cert *target, struct slice user_id,
    const struct pgp_cert *signer, struct pgp_keyring_ops keys, struct buf *out, struct error *e);

/* Asked of each third-party certification of a user ID: shall it be approved? */
typedef bool pgp_approve_choice(void *ctx, const struct pgp_sig *certification);

/*
 * The owner approves those certifications of the user ID that choose says
 * (NULL: all); replaces what was approved before. ERR_NOT_FOUND, ERR_LIMIT over
 * PGP_APPROVALS_MAX.
 */
int pgp_change_approve(const struct pgp_change *c, struct slice user_id, pgp_approve_choice *choose, void *ctx,
    struct buf *out, struct error *e);

/* What the owner approved of a user ID or attribute; points into the certificate. */
struct pgp_approval {
	uint8_t hash;
	bool ordered;         /* the digests ascend, as they should */
	struct slice digests; /* one after the other; empty when nothing is approved */
};
/* The owner's newest valid approval for a component of c, whose signature is checked; an empty one when there is none. */
int pgp_approval_find(const struct pgp_cert *c, const struct pgp_component *k, const struct pgp_policy *policy,
    struct pgp_approval *out, struct error *e);
/*
 * Whether a certification (a signature packet's body, of that component) is
 * approved. ERR_UNSUPPORTED for signatures of a version that cannot be;
 * ERR_NOMEM, ERR_CRYPTO.
 */
int pgp_approval_has(const struct pgp_approval *a, struct slice certification, bool *out, struct error *e);

#endif
