/* SPDX-License-Identifier: ISC */
/*
 * Where a service of a domain is (RFC 2782), by the system's resolver: for
 * command-line tools, which have no libunbound. What it says is not validated:
 * who believes a target in another domain has to have another reason
 * (RFC 6186 section 6).
 */
#ifndef NET_SRV_H
#define NET_SRV_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct srv_target {
	char host[256]; /* NUL-terminated, without last dot */
	uint16_t port;
};

/*
 * service: "_imaps". Of several targets the first by priority, and then the
 * heaviest. ERR_NOT_FOUND: there are none, or the domain says that there is no
 * such service; ERR_NET: nobody answers; ERR_SYNTAX: that is no domain.
 */
int srv_find(const char *service, struct slice domain, struct srv_target *target_out, struct error *e);

#endif
