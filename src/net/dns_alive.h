/* SPDX-License-Identifier: ISC */
/*
 * Whether the name servers that we forward to are there at all. A look-up that
 * fails does not say so: the servers of that one domain may be dead, and who
 * sends us mail chooses the domain. So a failure is only a reason to ask: each
 * server, over UDP, for the root's NS records. Any answer, a refusal too, says
 * that somebody is there.
 *
 *   dns_alive_suspect()   a look-up failed, or waits for long: they are asked, unless they were heard a moment ago
 *   dns_alive_heard()     a look-up was answered by one of them
 *   dns_alive_silent()    none has answered DNS_ALIVE_ROUNDS questions. They are asked on, each DNS_ALIVE_AGAIN_MS, until one does
 *
 * This only makes what fails fail soon: nothing that is not known becomes
 * known by it. All on the loop's thread, except new (before it starts) and free (behind it).
 */
#ifndef NET_DNS_ALIVE_H
#define NET_DNS_ALIVE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"
#include "net/loop.h"

struct dns_alive;

/* They have fallen silent, or one is heard again. */
typedef void dns_alive_fn(void *ctx, bool silent);

/* servers: as dns_server_valid(), at most DNS_SERVERS_MAX. ERR_NOMEM. */
int dns_alive_new(struct loop *l, const struct slice *servers, size_t count, dns_alive_fn *changed, void *ctx,
    struct dns_alive **out, struct error *e);
/* NULL is permitted for all of these: nobody is ever silent. */
void dns_alive_suspect(struct dns_alive *a);
void dns_alive_heard(struct dns_alive *a);
bool dns_alive_silent(const struct dns_alive *a);
void dns_alive_free(struct dns_alive *a);

#endif
