/* SPDX-License-Identifier: ISC */
/*
 * The processes of the exchange, and which of them may ask what of which: one
 * table, permit.c. Calls that are not in it are refused by the asked end
 * (ERR_DENIED), whatever the asking process believes. What a client's
 * connection may do on a trunk is the table in net/trunk_io.c, and what the
 * parent and its children say to each other the one in daemon/process.c.
 */
#ifndef SERVICE_PERMIT_H
#define SERVICE_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "os/port.h"

enum process_kind {
	PROCESS_PARENT,   /* starts the others */
	PROCESS_FRONT,    /* strangers: sockets, TLS, greeting, authentication */
	PROCESS_MX,       /* strangers' mail behind front */
	PROCESS_WEB,      /* strangers' HTTP behind front */
	PROCESS_AUTH,     /* checks passwords */
	PROCESS_RESOLVER, /* speaks DNS */
	PROCESS_KEYS,     /* has the exchange's own secret keys, and signs with them */
	PROCESS_RELAY,    /* sends on to other servers */
	PROCESS_FILTER,   /* asks another program about strangers' mail; only with a milter */
	PROCESS_MAIL,     /* has the store; the last child */
	PROCESS_CONTROL,  /* letterlockd's other verbs, through the control socket */
	PROCESS_ROLES,
};

extern const char *const process_names[PROCESS_ROLES];

/* A process has a number that is not used again while the parent lives; its role is in it. */
static inline uint64_t
process_number(enum process_kind role, uint64_t serial)
{
	return serial << 8 | (uint64_t)role;
}

static inline enum process_kind
process_kind_of(uint64_t number)
{
	return (enum process_kind)(number & 0xff);
}

bool permit_call(enum process_kind from, enum process_kind to, const struct port_interface *interface, uint16_t method);

#define PERMIT_HANDLERS_MAX 96u

/* What is left of a service for one role. Valid as long as all is. */
struct permit_service {
	struct port_service service;
	struct port_handler handlers[PERMIT_HANDLERS_MAX];
};

void
permit_only(struct permit_service *out, const struct port_service *all, enum process_kind from, enum process_kind to);

#endif
