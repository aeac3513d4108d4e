/* SPDX-License-Identifier: ISC */
/*
 * Certificates as questions of trust need them: each is read once, when a
 * signature on the way names it (or all at once, from a keyring file), and kept
 * for the questions that follow. It is the source of openpgp/judge/network.h.
 *
 * Each certificate has a number, 0 and up in the order in which they came, for
 * who keeps something beside each.
 *
 * Limit: TRUST_RING_MAX octets of certificates.
 */
#ifndef TRUST_BELIEVE_RING_H
#define TRUST_BELIEVE_RING_H

#include "openpgp/judge/network.h"
#include "trust/store.h"

struct trust_ring;

/* store: where to look, must outlive it and not change meanwhile; NULL: only what is added. Free with trust_ring_free(). */
int trust_ring_new(const struct trust_store *store, struct trust_ring **out, struct error *e);
void trust_ring_free(struct trust_ring *r); /* NULL is permitted */
/*
 * Takes the certificate over (frees it after an error, too). One that is there
 * already is merged with it: the older pointer then is no good any more, so add
 * before asking. ERR_NOMEM, ERR_LIMIT.
 */
int trust_ring_add(struct trust_ring *r, struct pgp_cert *cert, struct error *e);

/* NULL when there is none. Errors of the store. */
int
trust_ring_find(struct trust_ring *r, const struct pgp_fingerprint *f, const struct pgp_cert **out, struct error *e);
struct pgp_cert_source trust_ring_source(struct trust_ring *r);

size_t trust_ring_count(const struct trust_ring *r);
const struct pgp_cert *trust_ring_at(const struct trust_ring *r, size_t number);
/* Of one of its certificates. */
size_t trust_ring_number(const struct trust_ring *r, const struct pgp_cert *cert);

#endif
