/* SPDX-License-Identifier: ISC */
/*
 * Autocrypt Level 1 in letters that go out and come in: our own certificate in
 * the header, those of the others in the payload of a letter that is sealed for
 * several, and what is learnt of a peer from what comes.
 *
 * We say that encryption is preferred: what can be sealed is.
 *
 * What came so is kept as evidence and as the peer's state (trust/peers.h). It
 * makes nothing believed and replaces nothing: a header can be forged.
 */
#ifndef CLIENT_AUTOCRYPT_H
#define CLIENT_AUTOCRYPT_H

#include "client/key/keyring.h"
#include "letter/open.h"
#include "trust/peers.h"

#define AUTOCRYPT_LINES_MAX (1u << 20) /* octets of all header lines of one letter */

/* Appends the header line of our own certificate. ERR_LIMIT, ERR_POLICY: out is as it was. */
int autocrypt_put(const struct pgp_cert *own, struct slice address, const struct pgp_policy *policy, struct buf *out,
    struct error *e);
/* The same of somebody else's, for the payload; nothing when it is too large. */
void autocrypt_put_gossip(
    const struct pgp_cert *cert, struct slice address, const struct pgp_policy *policy, struct buf *out);

/* A mail as it came, before it is opened, so that its key can verify it. own: our address, of which nothing is learnt. */
void autocrypt_take(struct keyring *k, struct slice raw, const char *own);
/* The same mail when it is open: what it says about others. */
void autocrypt_take_gossip(struct keyring *k, const struct letter_opened *o, const char *own);

/* The standard's recommendation for one recipient; TRUST_ADVICE_AVAILABLE when nothing is known but usable. */
enum trust_advice autocrypt_advice(struct keyring *k, struct slice address, bool usable);

#endif
