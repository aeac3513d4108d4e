/* SPDX-License-Identifier: ISC */
/*
 * Two copies of one certificate, made one: the components of both, each with
 * the signatures of both, none twice, in the order in which the first has
 * them. So a copy without a revocation does not hide the revocation.
 */
#ifndef TRUST_MERGE_H
#define TRUST_MERGE_H

#include "openpgp/cert.h"

/*
 * Appends the merged certificate (binary). *changed_out: whether b had
 * anything that a has not. ERR_USAGE when they are not the same certificate,
 * ERR_LIMIT, ERR_NOMEM.
 */
int
trust_merge(const struct pgp_cert *a, const struct pgp_cert *b, struct buf *out, bool *changed_out, struct error *e);

#endif
