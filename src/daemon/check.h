/* SPDX-License-Identifier: ISC */
/*
 * What `letterlockd check` finds out, said as it goes: one line, or one JSON
 * object a line, for each thing that is looked at. The parts are check.c
 * (folder, certificate), check_records.c (DNS) and check_ports.c.
 */
#ifndef DAEMON_CHECK_H
#define DAEMON_CHECK_H

#include "base/arena.h"
#include "base/slice.h"
#include "daemon/config.h"
#include "net/dns.h"

enum check_result {
	CHECK_OK,
	CHECK_MISSING,   /* a problem */
	CHECK_DIFFERENT, /* a problem */
	CHECK_ADVICE,    /* it may stay so */
	CHECK_UNKNOWN,   /* it could not be looked at */
};

struct check_line {
	enum check_result result;
	const char
	    *what; /* "record", "name", "certificate", "port", "reverse", "resolver", "postmaster", "dkim", "outside" */
	struct slice name;
	const char *type;    /* of records; NULL */
	struct slice found;  /* empty: nothing */
	struct slice wanted; /* empty: nothing in particular */
	const char *why;     /* a sentence without its full stop; NULL */
};

#define CHECK_ADDRESSES_MAX 32u

struct check {
	const struct config *config;
	bool json;
	const uint8_t *pin;       /* of our certificate; NULL: there is none */
	struct slice certificate; /* PEM; empty: there is none */
	struct arena *arena;
	struct dns *dns;
	struct port *store;                          /* while records are looked at; NULL: there is none yet */
	struct slice addresses[CHECK_ADDRESSES_MAX]; /* our own name's, as RDATA */
	size_t address_count;
	unsigned problems, unknown, bogus;
};

void check_say(struct check *c, const struct check_line *line);

/*
 * Our own name and its addresses, and then each domain with its records and the names in the certificate. ERR_NET,
 * ERR_TIMEOUT: DNS cannot be asked at all.
 */
int check_records(struct check *c, const struct slice *domains, size_t domain_count, struct error *e);
/* Whether each port is answered, by the server that runs on the data folder; without one it is said. */
void check_ports(struct check *c);

#endif
