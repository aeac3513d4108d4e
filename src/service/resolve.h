/* SPDX-License-Identifier: ISC */
/*
 * What is asked of the process that speaks DNS (net/dns.h), as messages with
 * schemas over os/port.h, and what askers do with it.
 *
 * lookup   the records of a name, and whether they are to be believed. The errors are those of net/dns.h
 *
 * An address has a confirmed name when a PTR record of it names a host that
 * has this address ("FCrDNS"; RFC 8601 section 2.7.3, iprev). It says who runs
 * the network that the address is in, no more. Nobody waits for it:
 *
 *   struct resolve_name *n = resolve_name_begin(port, "192.0.2.1");
 *   ...
 *   if (resolve_name_get(n).len > 0)   it is confirmed by now
 *   resolve_name_release(n);           at any time; NULL is permitted
 */
#ifndef SERVICE_RESOLVE_H
#define SERVICE_RESOLVE_H

#include "base/error.h"
#include "net/dns.h"
#include "os/port.h"

struct resolve_lookup {
	struct slice name;
	uint32_t type; /* enum dns_type, or any other up to 65535 */
};

#define RESOLVE_METHODS(X) X(lookup, 1, resolve_lookup, dns_answer)

#define RESOLVE_METHOD_NUMBER(name, number, request, reply) RESOLVE_METHOD_##name = (number),
enum resolve_method { RESOLVE_METHODS(RESOLVE_METHOD_NUMBER) };
#undef RESOLVE_METHOD_NUMBER

extern const struct port_interface resolve_interface;

#define RESOLVE_CALL(name, number, request, reply) \
	static inline int resolve_##name( \
	    struct port *p, const struct request *in, struct arena *a, struct reply *out, struct error *e) \
	{ \
		return port_call(p, (number), in, a, out, e); \
	} \
	static inline int resolve_##name##_submit( \
	    struct port *p, const struct request *in, port_done_fn *done, void *ctx, struct error *e) \
	{ \
		return port_submit(p, (number), in, done, ctx, e); \
	}
RESOLVE_METHODS(RESOLVE_CALL)
#undef RESOLVE_CALL

/* ---- the resolver's end ---- */

/* Answers from d. It is freed behind the servers of this: nothing is asked any more, and late answers are dropped. */
struct port_service resolve_service(struct dns *d);

/* ---- the confirmed name of an address ---- */

struct resolve_name;

/*
 * Asks, and goes on asking by itself: RESOLVE_NAMES_MAX names at most, and
 * nothing more after RESOLVE_NAME_MS. NULL: nothing is asked (no address, no
 * memory, the port is closed or full). The port may be closed before release.
 */
struct resolve_name *resolve_name_begin(struct port *port, const char *address);
/* A valid host name that is confirmed by now, or empty. Lives until the release. Any thread. NULL is permitted. */
struct slice resolve_name_get(const struct resolve_name *n);
/* "pass", "fail", "temperror" or "permerror" (RFC 8601 section 2.7.3); NULL: it is not known yet, or not asked. Any thread. */
const char *resolve_name_word(const struct resolve_name *n);
void resolve_name_release(struct resolve_name *n);

#endif
