/* SPDX-License-Identifier: ISC */
/*
 * What is asked of the process that speaks DNS (net/dns.h), as messages with
 * schemas over os/port.h, and what askers do with it.
 *
 * lookup   the records of a name, and whether they are to be believed. The errors are those of net/dns.h; ERR_FULL: it was
 *          not asked, as too many others are being looked up
 * route    where mail for a domain goes (RFC 5321 section 5.1): its hosts with their addresses, and for DANE (RFC 7672) what
 *          is known surely. ERR_NOT_FOUND: there is no such domain, or it has neither MX nor address; for good. Everything
 *          else is for now, and mail waits: ERR_TIMEOUT and ERR_NET (no server could say), ERR_POLICY (bogus: signed, and
 *          wrong; the sentence says whose), ERR_LIMIT
 * sts      the policy that a domain publishes over HTTPS (MTA-STS, RFC 8461): its TXT record, and the file when the id is
 *          another than the one that is known. ERR_NOT_FOUND: it has none now; ERR_NET, ERR_TIMEOUT, ERR_TLS, ERR_SYNTAX:
 *          it could not be had, which does not end a policy that is known (section 5.1)
 * post     a report is given to a web server (RFC 8460 section 5.4)
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

struct resolve_route {
	struct slice domain; /* A-labels, without the last dot */
	uint32_t port;       /* whose TLSA records are asked for; 0: 25 */
	bool
	    direct; /* it is the host itself, by the operator's word, which counts as a signed one: no MX is asked for */
};

#define RESOLVE_HOSTS_MAX 16u     /* of a domain: those that are preferred; the others are left out */
#define RESOLVE_ADDRESSES_MAX 16u /* of a host, of both kinds */
#define RESOLVE_TLSA_MAX 16u      /* of a host; one with more counts as one whose records are not known now */

enum resolve_tlsa {
	RESOLVE_TLSA_NONE = 0,   /* surely none, or not asked: something on the way is not signed. No DANE */
	RESOLVE_TLSA_USABLE = 1, /* secure, and at least one can be used: it must match */
	RESOLVE_TLSA_BAD = 2, /* secure, and none can be used: TLS is a must, whoever answers (RFC 7672 section 2.2) */
	RESOLVE_TLSA_FAILED =
	    3, /* could not be asked, or too many: nothing may be sent to this host now (section 2.2) */
};

struct resolve_host {
	struct slice name; /* without the last dot */
	uint32_t preference;
	bool secure; /* the MX record and the addresses are */
	const struct slice
	    *addresses; /* 4 or 16 octets each; none: it has none, or failure says why they are not known */
	size_t address_count;
	struct slice failure;             /* a sentence; empty: the addresses are known */
	uint32_t tlsa;                    /* enum resolve_tlsa */
	struct slice tlsa_base;           /* USABLE: the name whose records they are, behind CNAMEs (section 2.2.2) */
	const struct slice *tlsa_records; /* USABLE: RDATA */
	size_t tlsa_count;
};

struct resolve_routed {
	bool null_mx;                     /* it takes no mail (RFC 7505): no hosts */
	bool implicit;                    /* it has no MX: the domain is the host (RFC 5321 section 5.1) */
	bool secure;                      /* the MX records, or that there are none */
	const struct resolve_host *hosts; /* by preference; equal ones in random order */
	size_t host_count;
};

struct resolve_sts {
	struct slice domain;
	struct slice known_id; /* of the policy that is known; empty: none */
};

#define RESOLVE_STS_ID_MAX 32u             /* RFC 8461 section 3.1 */
#define RESOLVE_STS_POLICY_MAX (64u << 10) /* octets of the file (section 3.2: may be refused above) */

struct resolve_sts_found {
	struct slice id;
	struct slice policy; /* the file as it is; empty: id is the known one */
};

/* What is given to a web server by POST. Whatever it answers is its status; errors say that it has not answered. */
struct resolve_post {
	struct slice url; /* https, at port 443 */
	struct slice type;
	struct slice body;
};

#define RESOLVE_URL_MAX 1024u         /* octets: a TXT record has few more */
#define RESOLVE_POST_MAX (768u << 10) /* octets: what a letter may have in base64 */

struct resolve_posted {
	uint32_t status; /* of HTTP */
};

#define RESOLVE_METHODS(X) \
	X(lookup, 1, resolve_lookup, dns_answer) \
	X(route, 2, resolve_route, resolve_routed) \
	X(sts, 3, resolve_sts, resolve_sts_found) \
	X(post, 4, resolve_post, resolve_posted)

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

struct resolver_end;

/*
 * Answers from d, which stays the caller's. authorities: PEM of those whom
 * fetches believe, copied; empty: nothing is fetched. Loads libcurl now, so
 * that no file is opened later. ERR_NOMEM, ERR_NET (libcurl is not there).
 */
int resolver_end_new(struct dns *d, struct slice authorities, struct resolver_end **end_out, struct error *e);
/* Starts the threads that fetch. */
int resolver_end_start(struct resolver_end *end, struct error *e);
struct port_service resolve_service(struct resolver_end *end);
/* Behind the servers of this and dns_free(): nothing is asked any more, and late answers are dropped. NULL is permitted. */
void resolver_end_free(struct resolver_end *end);

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
