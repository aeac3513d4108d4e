/* SPDX-License-Identifier: ISC */
/*
 * Who reads the mail to postmaster and abuse, which every domain must take
 * (RFC 5321 section 4.5.1, RFC 2142): complaints, reports, and the codes by
 * which authorities give certificates for the domain. So nobody becomes its
 * reader by accident: where nobody has these addresses and the configuration
 * names nobody, it is who had the first account, and that one does not go
 * before another reader is named.
 */
#ifndef DAEMON_POSTMASTER_H
#define DAEMON_POSTMASTER_H

#include "base/error.h"
#include "daemon/check.h"
#include "daemon/config.h"
#include "os/port.h"
#include "store/types.h"

/* Whose mailboxes an address leads to; any address. */
int postmaster_resolve(struct port *store, const struct config *config, struct slice address, struct arena *a,
    struct store_address_resolved *out, struct error *e);
/* Says who reads it, domain by domain, and whether 'postmaster' in the configuration is anybody's address. */
int postmaster_check(struct check *c, struct port *store, const struct slice *domains, size_t count, struct error *e);
/* ERR_ORDER: without this account mail to a postmaster would go to another one that nobody chose. */
int postmaster_may_go(struct port *store, const struct config *config, uint64_t account, struct error *e);

#endif
