/* SPDX-License-Identifier: ISC */
/*
 * Self-signatures as they are made and continued; for generate.c, change*.c,
 * update.c, certify.c, approve.c, repair.c, export.c and judge.c only.
 */
#ifndef OPENPGP_SELFSIG_H
#define OPENPGP_SELFSIG_H

#include "openpgp/cert/cert.h"
#include "openpgp/judge/policy.h"
#include "openpgp/sig/sig.h"

/* What a self-signature does on its component. */
enum pgp_selfsig_role {
	PGP_SELFSIG_NONE,
	PGP_SELFSIG_BINDING, /* direct key, certification or subkey binding */
	PGP_SELFSIG_REVOCATION,
	PGP_SELFSIG_APPROVAL /* of others' certifications */
};
enum pgp_selfsig_role pgp_selfsig_role(enum pgp_component_kind kind, uint8_t sig_type);

/* What signatures behind this component are over. */
struct pgp_sig_target pgp_component_target(const struct pgp_cert *c, const struct pgp_component *k);

/* Whether it says that the certificate's own key made it. Others' need not be looked at. */
bool pgp_selfsig_claimed(const struct pgp_sig *s, const struct pgp_cert *c);

/* How many signatures of one component may turn out to be forged before the rest of them is left: a bound for the whole. */
unsigned pgp_selfsig_checks(const struct pgp_cert *c);

/*
 * The newest correct self-signature of a role behind k, not made after latest
 * (unix seconds). Policy is not asked, but for MD5, which proves nothing: this
 * is what a change continues, and a SHA-1 signature is what it has to heal.
 * ERR_NOT_FOUND when there is none, or none among the forgeries that
 * pgp_selfsig_checks() bounds; ERR_NOMEM, ERR_CRYPTO.
 */
int pgp_selfsig_newest(const struct pgp_cert *c, const struct pgp_component *k, enum pgp_selfsig_role role,
    uint64_t latest, struct pgp_sig *out, struct error *e);

/*
 * The back signature in a subkey's binding, of several any that is good: 0 when
 * it is there and correct and policy takes its hash; ERR_POLICY when there is
 * only a weak one; ERR_NOT_FOUND, ERR_SIGNATURE; ERR_NOMEM, ERR_CRYPTO. out: its
 * body, also with ERR_POLICY; else empty.
 */
int pgp_selfsig_back_check(const struct pgp_cert *c, const struct pgp_component *k, const struct pgp_sig *binding,
    const struct pgp_policy *policy, struct slice *out, struct error *e);

/* ---- subpackets ---- */

void pgp_put_octet(struct buf *subpackets, uint8_t type, bool critical, uint8_t v);
void pgp_put_number(struct buf *subpackets, uint8_t type, bool critical, uint32_t v);
void pgp_put_flags(struct buf *subpackets, uint8_t type, bool critical, uint32_t flags);
/* What a new key prefers and can: features, ciphers, hashes, and with v2 the AEAD modes. */
void pgp_put_preferences(struct buf *subpackets, bool v2);
/* ERR_USAGE when the text is no UTF-8 or too long. */
int pgp_put_reason(struct buf *subpackets, uint8_t reason, struct slice text, struct error *e);

/*
 * Appends the hashed subpackets of an old self-signature for one that is made
 * at created, without those whose types stand in dropped (ends with 0), and
 * without its times, its issuer and its back signature. The end of the
 * signature's own life stays the same moment.
 */
void pgp_carry_subpackets(struct buf *subpackets, const struct pgp_sig *old, uint32_t created, const uint8_t *dropped);

#endif
