/* SPDX-License-Identifier: ISC */
/* What the files of the resolver's end share (service/resolve.h). */
#ifndef SERVICE_RESOLVE_INTERNAL_H
#define SERVICE_RESOLVE_INTERNAL_H

#include "net/tls_outgoing.h"
#include "service/resolve.h"

/* Answers the job, later. */
void resolve_route_run(struct dns *d, struct port_job *job);

#endif
