/* SPDX-License-Identifier: ISC */
/*
 * Where a destination's mail goes: its hosts in the order in which they are
 * tried, each with addresses and with what TLS has to be there
 * (service/policy/policy.h). Hosts that are ourselves are not in it, and none
 * that is less preferred than we (RFC 5321 section 5.1).
 */
#ifndef SERVICE_RELAY_ROUTE_H
#define SERVICE_RELAY_ROUTE_H

#include "base/arena.h"
#include "service/policy/policy.h"

struct destination;
struct relay_reason;

struct route_host {
	struct slice name;
	const char **addresses; /* numeric texts */
	size_t address_count;
	uint16_t port;
	uint32_t preference;
	bool signs_in;
	struct policy_decision decision; /* not permitted, or without addresses: decision.why */
	int64_t down_until;              /* it could not be reached: it is passed over while there are others */
};

struct route {
	unsigned refs;
	struct arena arena;
	struct route_host *hosts;
	size_t host_count;
	int64_t until; /* then it is asked for anew */
	/* Without hosts: why. */
	struct relay_reason *reason;
};

/* Asks for d's. It comes by destination_routed(), perhaps before this returns. */
void route_ask(struct destination *d);
void route_release(struct route *route);

#endif
