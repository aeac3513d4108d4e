/* SPDX-License-Identifier: ISC */
/*
 * Changes of one's own certificate: new self-signatures, user IDs, subkeys and
 * revocations (RFC 9580 sections 5.2.1, 5.2.3.10, 10.1).
 *
 * Every call takes a certificate and appends the whole changed one (binary) to
 * out; the old one stays as it is. Nothing is lost: old signatures stay behind
 * the new ones, which are the newest and so the ones that count; secret key
 * packets stay byte for byte. Several changes are made one after the other,
 * each on what the last one gave (pgp_cert_parse()).
 *
 * A new self-signature keeps every hashed subpacket of the one that it
 * replaces, also those that are not understood, but for what is changed, its
 * times and its issuer; and it always uses a current hash, so that each change
 * also heals a SHA-1 self-signature. Its time is the policy's now, or one
 * second after the one that it replaces when that is later (as gpg does it): who
 * changes a key in the very second in which it was made should wait for the
 * next, for some programs see nothing that is newer than their clock.
 *
 * Signing goes through keys, which must hold the certificate's primary key (and
 * a new or re-signed signing subkey, which signs back); that may ask a person
 * or an agent. Designated revokers that a self-signature names go on into the
 * new one; none is ever added (section 5.2.3.23).
 *
 * Common errors: ERR_USAGE (said what was wrong), ERR_NO_KEY (keys does not
 * hold what is needed), ERR_POLICY (the certificate does not stand, so that
 * there is nothing to continue), ERR_LIMIT, ERR_NOMEM, ERR_CRYPTO.
 */
#ifndef OPENPGP_CHANGE_H
#define OPENPGP_CHANGE_H

#include "openpgp/cert/generate.h"
#include "openpgp/judge/policy.h"

struct pgp_change {
	const struct pgp_cert *cert;
	struct pgp_keyring_ops keys;
	const struct pgp_policy *policy; /* now: the time of new signatures; and which old ones are continued */
};

/*
 * When a key expires: unix seconds, 0 never. key: the primary key (of the
 * certificate itself: its direct-key signature and its user IDs' are made
 * anew) or a subkey. ERR_USAGE when it is none of this certificate, or the time
 * does not lie after the key's creation.
 */
int pgp_change_expiry(
    const struct pgp_change *c, const struct pgp_key *key, uint64_t expires, struct buf *out, struct error *e);

/* ---- user IDs ---- */

/*
 * A user ID more, with the properties of the present primary one; made primary
 * when asked. ERR_EXISTS when there is a live one of these octets (a revoked
 * one comes back to life), ERR_USAGE no UTF-8 or too long.
 */
int
pgp_change_add_user(const struct pgp_change *c, struct slice user_id, bool primary, struct buf *out, struct error *e);
/* The flag goes to this user ID and away from all others. ERR_NOT_FOUND, ERR_USAGE when it is revoked. */
int pgp_change_primary_user(const struct pgp_change *c, struct slice user_id, struct buf *out, struct error *e);
/* reason: PGP_REASON_NONE or PGP_REASON_USER_ID_INVALID. ERR_NOT_FOUND. */
int pgp_change_revoke_user(const struct pgp_change *c, struct slice user_id, uint8_t reason, struct slice text,
    struct buf *out, struct error *e);

/*
 * The user ID's notations of this name ("tag@domain") become these values, text for people; those of other names stay.
 * values point into what lives on. ERR_NOT_FOUND, ERR_USAGE (revoked, or what pgp_notation_put() says), ERR_LIMIT over
 * PGP_NOTATIONS_MAX.
 */
int pgp_change_notations(const struct pgp_change *c, struct slice user_id, struct slice name,
    const struct slice *values, size_t count, struct buf *out, struct error *e);

/* ---- subkeys ---- */

/*
 * Makes a subkey and binds it. keys need hold only the primary key. The new
 * secret is written in the given protection when the certificate is a secret
 * key, else (a public certificate with its secrets elsewhere) ERR_USAGE.
 */
int pgp_change_add_subkey(const struct pgp_change *c, const struct pgp_subkey_spec *spec,
    enum pgp_protection protection, struct slice passphrase, struct buf *out, struct error *e);
int pgp_change_revoke_subkey(const struct pgp_change *c, const struct pgp_key *subkey, uint8_t reason,
    struct slice text, struct buf *out, struct error *e);

/* ---- the whole ---- */

int pgp_change_revoke(const struct pgp_change *c, uint8_t reason, struct slice text, struct buf *out, struct error *e);

/*
 * Puts a revocation that was made ahead (pgp_generate_revocation(), or another
 * program's: binary packets, v4 alone or v6 behind its key) into its
 * certificate. ERR_SIGNATURE when it is not this certificate's, ERR_SYNTAX when
 * it is no revocation. Needs no secret.
 */
int pgp_cert_revoke_with(const struct pgp_cert *c, struct slice revocation, struct buf *out, struct error *e);

struct pgp_update_options {
	bool sign_only;                 /* do not add an encryption subkey */
	bool no_added_capabilities;     /* leave features and algorithms as they were announced: only heal signatures */
	bool revoke_deprecated;         /* revoke (superseded) subkeys that policy does not accept any more */
	enum pgp_protection protection; /* of subkeys that are added */
	struct slice passphrase;
};

/*
 * Brings a secret key up to date, as the stateless interface's update-key:
 * self-signatures with hashes that are no longer (or soon not) accepted and
 * missing back signatures are made anew, features and preferences are those of
 * a new key, a missing direct-key signature (v6) is made, and where the
 * certificate has no good encryption (or signing) key left a subkey is added.
 * *changed_out: whether anything was to be done; when not, out gets the same
 * octets. A revoked certificate is ERR_POLICY; an expired one is updated and
 * stays expired.
 */
int pgp_change_update(const struct pgp_change *c, const struct pgp_update_options *options, struct buf *out,
    bool *changed_out, struct error *e);

#endif
