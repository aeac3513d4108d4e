/* SPDX-License-Identifier: ISC */
/* What the files of the resolver's end share (service/resolve.h). */
#ifndef SERVICE_RESOLVE_INTERNAL_H
#define SERVICE_RESOLVE_INTERNAL_H

#include "net/tls_outgoing.h"
#include "os/pool.h"
#include "service/resolve.h"

struct resolver_end {
	struct dns *dns;
	struct pool *pool;        /* for fetches; NULL: there are none */
	struct slice authorities; /* whom fetches believe, PEM; the end's own */
};

/* Each answers the job, later. */
void resolve_route_run(struct dns *d, struct port_job *job);
void resolve_post_run(struct resolver_end *end, struct port_job *job);
void resolve_sts_run(struct resolver_end *end, struct port_job *job);

#endif
