/* SPDX-License-Identifier: ISC */
/*
 * Has the domains' CAs certify what the store says is verified: in mail, on a
 * thread of its own. Every few seconds it asks which CAs there are, which
 * published user IDs of their domains are not certified, or soon not any more,
 * has them certified (service/keys/keys.h), and puts the certificates back. It
 * keeps nothing in mind that is not in the store, so a crash loses nothing.
 *
 * Only addresses that an account, a mail with a token or the operator vouches
 * for are certified: not those that the setting directory_open let in, nor
 * those that another directory verified.
 */
#ifndef SERVICE_KEYS_CERTIFIER_H
#define SERVICE_KEYS_CERTIFIER_H

#include "base/error.h"
#include "os/port.h"

#define CERTIFIER_TICK_MS 1000 /* between looks; without a CA: CERTIFIER_IDLE_MS */
#define CERTIFIER_IDLE_MS 3000
#define CERTIFIER_AT_ONCE 50u /* certificates of one look */

struct certifier;

/* Both ports are the caller's and stay open until certifier_free(). */
int certifier_new(struct port *store, struct port *keys, struct certifier **certifier_out, struct error *e);
/* Waits for the certificate that it is at. NULL is permitted. */
void certifier_free(struct certifier *c);

/* One look, without the thread: how many user IDs were certified. For tests. */
int certifier_look(struct port *store, struct port *keys, size_t *certified_out, struct error *e);

#endif
