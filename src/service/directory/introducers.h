/* SPDX-License-Identifier: ISC */
/*
 * Whose certifications an upload keeps though its owner did not approve them:
 * the CAs of the domains in its user IDs. A domain's CA is a certificate that
 * the operator published for openpgp-ca@DOMAIN (`letterlockd directory ca new`
 * does, and `directory publish` for one that is kept elsewhere); one that
 * anybody else had published there, by mail, an account or a mirror, is none.
 * Without this anybody could wipe what a CA certified by sending the bare
 * certificate again.
 */
#ifndef SERVICE_DIRECTORY_INTRODUCERS_H
#define SERVICE_DIRECTORY_INTRODUCERS_H

#include "openpgp/cert/cert.h"
#include "os/port.h"

#define DIRECTORY_INTRODUCERS_MAX 8u        /* of one upload */
#define DIRECTORY_INTRODUCER_DOMAINS_MAX 8u /* that are asked for, of one upload */

/* Empty when born. */
struct directory_introducers {
	struct pgp_cert *certs[DIRECTORY_INTRODUCERS_MAX];
	size_t count;
	struct slice domains[DIRECTORY_INTRODUCER_DOMAINS_MAX]; /* asked for; in the certificates */
	size_t domain_count;
};

/* Of the domains in that certificate's user IDs, which must outlive it, as must the arena; NULL for none. End with _done(), also on error. */
int directory_introducers_add(struct port *store, struct arena *a, const struct pgp_cert *cert,
    struct directory_introducers *in, struct error *e);
void directory_introducers_done(struct directory_introducers *in);

#endif
