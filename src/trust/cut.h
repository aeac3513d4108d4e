/* SPDX-License-Identifier: ISC */
/*
 * What of a certificate is kept. Anybody can put signatures into somebody's
 * certificate, and certificates with 100,000 of them have been made to break
 * programs. So of each user ID others' signatures are kept up to
 * TRUST_OTHERS_MAX: first those whose issuer is known, then in the
 * certificate's order (a merge puts what was there first, so that what comes
 * later does not push it out), at most TRUST_OTHERS_EACH_MAX of one issuer.
 * Signatures that say they are the holder's own are kept unseen up to
 * TRUST_SELF_MAX a component; of more, those that verify, as far as checking
 * is bounded.
 *
 * A component with few signatures is kept byte for byte. Cost: one pass, and at
 * most TRUST_CUT_CHECKS_MAX failing verifications.
 */
#ifndef TRUST_CUT_H
#define TRUST_CUT_H

#include "openpgp/cert/cert.h"

/* Whether a certificate with this primary key ID is one of ours. */
typedef bool trust_cut_known(void *ctx, uint64_t key_id);

/*
 * Appends what is kept. Whether anything was left out: *cut_out. ERR_LIMIT when
 * it does not fit into out even without others' signatures; ERR_NOMEM,
 * ERR_CRYPTO.
 */
int
trust_cut(const struct pgp_cert *c, trust_cut_known *known, void *ctx, struct buf *out, bool *cut_out, struct error *e);

#endif
