/* SPDX-License-Identifier: ISC */
/*
 * A revocation certificate that comes alone: one key revocation signature
 * (type 0x20), as `gpg --gen-revoke` writes it, without the key. Together with
 * the primary key that the directory has it is a certificate again, and goes
 * the way of all others: it counts only when it verifies.
 */
#ifndef SERVICE_DIRECTORY_REVOCATION_H
#define SERVICE_DIRECTORY_REVOCATION_H

#include "openpgp/sig/sig.h"

struct directory_revocation {
	struct buf octets;  /* the packet; the caller's, done in any case */
	struct pgp_sig sig; /* points into octets */
};

/* Armored or binary. ERR_NOT_FOUND when it is something else. octets is initialised in any case. */
int directory_revocation_parse(struct slice text, struct directory_revocation *out, struct error *e);
void directory_revocation_done(struct directory_revocation *r);

/* Appends the primary key of this certificate's octets and the revocation: a certificate. */
int directory_revocation_join(
    const struct directory_revocation *r, struct slice certificate, struct buf *out, struct error *e);

#endif
