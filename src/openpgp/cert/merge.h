/* SPDX-License-Identifier: ISC */
/*
 * Two copies of one certificate made one, and certificates put in order, cut
 * down, and made ready to travel.
 *
 * Packets are the same when their type and body are, whatever their header
 * looks like; a key is the same when its public part is; a signature is the
 * same when all but its unhashed area is. Of two that differ only there the one
 * that has an issuer and a back signature stays. All calls take time linear in
 * the number of packets (ordering: n log n) and keep what they do not
 * understand, byte for byte, unless they say otherwise.
 *
 * Limits: PGP_CERT_MAX, PGP_CERT_PACKETS_MAX of the result.
 */
#ifndef OPENPGP_MERGE_H
#define OPENPGP_MERGE_H

#include "openpgp/cert/cert.h"
#include "openpgp/judge/policy.h"

/*
 * Appends the components of both, each with the signatures of both, none
 * twice, in a's order, what only b has behind it; user IDs before subkeys. So a
 * copy without a revocation does not hide the revocation. Secret parts stay: of
 * two, a's, unless that is only a stub. *changed_out: whether b had anything
 * that a has not. ERR_USAGE when they are not the same certificate; ERR_LIMIT,
 * ERR_NOMEM.
 */
int pgp_merge(const struct pgp_cert *a, const struct pgp_cert *b, struct buf *out, bool *changed_out, struct error *e);

/*
 * Appends the same packets in canonical order: primary key, user IDs and
 * attributes, subkeys, and what is not understood; behind each its revocations,
 * then self-signatures, then others', each newest first, then what is no
 * signature. Duplicates go. The order does not depend on the one that they came
 * in, but for components of one kind. Idempotent.
 */
int pgp_cert_canonical(const struct pgp_cert *c, struct buf *out, struct error *e);

/*
 * Appends c with self-signatures put behind the component that they verify
 * for, where software has put them behind another; at most
 * PGP_REPAIR_TRIES_MAX verifications. *changed_out: whether one was moved; when
 * not, out gets the same octets.
 */
int pgp_cert_repair(const struct pgp_cert *c, struct buf *out, bool *changed_out, struct error *e);

/* ---- cutting down ---- */

enum pgp_third_party {
	PGP_THIRD_PARTY_KEEP,
	PGP_THIRD_PARTY_LIVE,     /* drop those that are expired, superseded by the same issuer, or revoked by it */
	PGP_THIRD_PARTY_APPROVED, /* only those that the owner approved (certify.h) */
	PGP_THIRD_PARTY_DROP
};

/*
 * What a copy leaves out; everything else stays. All of it zero keeps all but
 * what never travels: certifications marked as local, designated revokers
 * marked as sensitive, trust packets; in signatures' unhashed areas what is
 * neither an issuer nor an embedded signature.
 */
struct pgp_export {
	bool secret;        /* keep secret parts; else the public certificate */
	bool keep_local;    /* keep what never travels: for one's own store */
	bool keep_unhashed; /* leave unhashed areas as they are */
	bool newest_only;   /* of self-signatures of one kind only the newest that counts (and all revocations) */
	bool
	    live_only; /* drop subkeys and user IDs that are expired, revoked or not bound; revocations of them go too */
	bool no_attributes; /* drop user attributes (photos) */
	/*
	 * Drop others' signatures of a later version than the certificate's: gpg 2.2 refuses a whole v4 certificate for one
	 * v6 signature on it.
	 */
	bool no_later_versions;
	enum pgp_third_party third_party;
	struct slice only_address;       /* not empty: only user IDs of this address */
	const struct pgp_policy *policy; /* needed with newest_only, live_only, LIVE and APPROVED */
};

/* Appends the copy, canonical. ERR_POLICY when the certificate does not stand and live_only was asked for. */
int pgp_cert_export(const struct pgp_cert *c, const struct pgp_export *how, struct buf *out, struct error *e);

/*
 * Appends the minimal certificate that Autocrypt Level 1 wants (section 2.1.1
 * of it): primary key, one user ID (of address, else the primary one) with its
 * self-signature, one encryption subkey with its binding signature; v6 with its
 * direct-key signature. ERR_POLICY when there is no good encryption key or user
 * ID.
 */
int pgp_cert_export_autocrypt(
    const struct pgp_cert *c, struct slice address, const struct pgp_policy *policy, struct buf *out, struct error *e);

#endif
