/* SPDX-License-Identifier: ISC */
/* What the resolver is told when it starts, for it opens no file: whom to ask, and the keys of DNS's root. */
#ifndef DAEMON_RESOLVING_H
#define DAEMON_RESOLVING_H

#include "base/buf.h"
#include "daemon/config.h"
#include "net/dns.h"

struct resolving {
	struct slice servers[DNS_SERVERS_MAX];
	size_t server_count;
	struct buf resolv_conf, anchors; /* texts of files; servers may point into the first */
};

/*
 * The configuration's name servers or else the system's, and its anchors. A
 * file that cannot be read is none, with a line in the log: without name
 * servers DNS is asked from its root, without anchors nothing is validated.
 */
void resolving_read(const struct config *config, struct resolving *out);
void resolving_done(struct resolving *r);

#endif
