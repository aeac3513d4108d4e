/* SPDX-License-Identifier: ISC */
/* Shared by the files behind change.h; nobody else includes it. */
#ifndef OPENPGP_CHANGE_INTERNAL_H
#define OPENPGP_CHANGE_INTERNAL_H

#include "openpgp/cert/rewrite.h"
#include "openpgp/judge/verify.h"

/* A change that is being made. */
struct pgp_changing {
	const struct pgp_change *c;
	struct pgp_rewrite w;
	struct pgp_cert_judgement j; /* as of now, by a policy that takes SHA-1 in self-signatures */
	uint64_t latest;             /* self-signatures made after it are from the future, and no base for anything */
	uint32_t now;
};

/*
 * standing: whether the certificate must be there to be continued: not revoked. ERR_POLICY when it is.
 * Done with pgp_changing_done(), which a failed call has done itself.
 */
int pgp_changing_begin(struct pgp_changing *g, const struct pgp_change *c, bool standing, struct error *e);
void pgp_changing_done(struct pgp_changing *g);
/* Writes the certificate when rc is 0, ends the change, and gives rc or what writing gave. */
int pgp_changing_end(struct pgp_changing *g, int rc, struct buf *out, struct error *e);

/* The component's newest binding self-signature. */
int
pgp_changing_binding(const struct pgp_changing *g, const struct pgp_component *k, struct pgp_sig *out, struct error *e);
/* Whether its holder has taken it back. */
bool pgp_changing_revoked(const struct pgp_changing *g, const struct pgp_component *k);
/* The time of a signature that replaces old: now, or just behind it. */
uint32_t pgp_changing_time(const struct pgp_changing *g, const struct pgp_sig *old);
/*
 * Makes a self-signature anew: its subpackets but the dropped types (ends with
 * 0), and what already stands in w.subpackets; with the subkey's back signature.
 */
int pgp_changing_renew(struct pgp_changing *g, const struct pgp_component *k, const struct pgp_sig *old,
    const uint8_t *dropped, struct error *e);
/* The component of a user ID with these octets; NULL when there is none. */
const struct pgp_component *pgp_changing_user(const struct pgp_changing *g, struct slice user_id);
/* Makes a subkey and binds it. */
int pgp_changing_subkey(struct pgp_changing *g, const struct pgp_subkey_spec *spec, enum pgp_protection protection,
    struct slice passphrase, struct error *e);

#endif
