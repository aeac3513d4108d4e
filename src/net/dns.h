/* SPDX-License-Identifier: ISC */
/*
 * DNS, through libunbound, whose only owner this is: look-ups that are
 * validated by DNSSEC (RFC 4035), cached, bounded in number and time, and wait
 * on an event loop of their own.
 *
 *   dns_new()      with servers to ask or none, and trust anchors: reads no file, starts no thread
 *   dns_start()    the loop's thread; from now on no file is opened either
 *   dns_lookup()   any thread; the answer comes on the loop's
 *
 * An answer is secure (its signatures reach a trust anchor), insecure (that
 * zone is not signed, or there is no anchor above it), or bogus: signed, and
 * wrong. A bogus answer has a reason and no records: they may be forged.
 *
 * While none of the servers answers anything (net/dns_alive.h), only what is
 * remembered is answered, and everything else fails at once, with ERR_NET.
 *
 * With servers everything is forwarded to them, private reverse zones too:
 * those they know better than we. Without, libunbound asks the root and those
 * below it, and answers for private zones itself (RFC 6303).
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/limits.h"

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
	DNS_SMIMEA = 53,
	DNS_OPENPGPKEY = 61,
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_NXDOMAIN = 3,
};

enum dns_security {
	DNS_INSECURE,
	DNS_SECURE, /* also that there are no such records */
	DNS_BOGUS,
};

struct dns_answer {
	uint32_t rcode;         /* enum dns_rcode; without records: there are none of this type */
	uint32_t security;      /* enum dns_security */
	uint32_t ttl;           /* seconds, of the shortest on the way */
	struct slice canonical; /* whose the records are, behind CNAMEs; text as dns_name_text() makes it */
	struct slice reason;    /* DNS_BOGUS: why */
	struct slice *records;  /* RDATA, names in it uncompressed */
	size_t record_count;
};

struct dns_config {
	const struct slice *servers; /* as dns_server_valid(); none: from the root */
	size_t server_count;
	struct slice anchors; /* lines of DS or DNSKEY records, as in a zone file; empty: nothing is validated */
	int64_t timeout_ms;   /* 0: DNS_LOOKUP_MS */
	unsigned in_flight;   /* 0: DNS_IN_FLIGHT_MAX, which is also the most */
	void (*on_silence)(void *ctx, bool silent); /* the servers have fallen silent, or one is heard again; or NULL */
	void *on_silence_ctx;                       /* on the loop's thread */
};

struct dns;

/* ERR_USAGE (a server or an anchor that cannot be), ERR_NOMEM, ERR_IO. */
int dns_new(const struct dns_config *config, struct dns **dns_out, struct error *e);
int dns_start(struct dns *d, struct error *e);
/* Unanswered look-ups are told ERR_CLOSED, on this thread. NULL is permitted. */
void dns_free(struct dns *d);

/*
 * answer NULL: e says why. ERR_TIMEOUT; ERR_NET (no server could say);
 * ERR_LIMIT (more than an answer may hold); ERR_CLOSED. Both live until it
 * returns. On the loop's thread, once: it must not block.
 */
typedef void dns_done_fn(void *ctx, const struct dns_answer *answer, const struct error *e);

/*
 * name: as text, with or without its last dot. 0: done will be called.
 * Otherwise it will not: ERR_SYNTAX; ERR_LIMIT (too many in flight); ERR_NOMEM.
 */
int dns_lookup(struct dns *d, struct slice name, uint16_t type, dns_done_fn *done, void *ctx, struct error *e);

/*
 * The same for programs that have nothing else to do: waits. The answer is
 * copied into the arena. Errors also those that done is told.
 */
int dns_ask(struct dns *d, struct slice name, uint16_t type, struct arena *a, struct dns_answer *out, struct error *e);

/* ---- records as text ---- */

/* "MX"; "TYPE65" (RFC 3597 section 5) for those that have no name here, kept in text_out. */
#define DNS_TYPE_TEXT 12u
const char *dns_type_text(uint16_t type, char text_out[DNS_TYPE_TEXT]);
/*
 * Appends RDATA as it stands in a zone file (RFC 1035 section 5, RFC 3596,
 * 2782, 6698, 7929, 8162; RFC 3597 for types that have no form here). ERR_SYNTAX: it is
 * none of this type.
 */
int dns_record_text(uint16_t type, struct slice rdata, struct buf *out, struct error *e);
/* Appends the octets of a name of letters, digits, '-' and '_', with or without its last dot; "." is the root. ERR_SYNTAX. */
int dns_name_put(struct slice name, struct buf *out, struct error *e);

/* ---- names and addresses ---- */

/* A numeric address, perhaps with "@port". */
bool dns_server_valid(struct slice text);
/* The valid ones among the name servers of a text like /etc/resolv.conf; at most DNS_SERVERS_MAX, slices of text. */
size_t dns_servers_find(struct slice text, struct slice out[DNS_SERVERS_MAX]);
/*
 * Appends the text of an uncompressed name as it is in RDATA: without the last
 * dot, "." for the root; dots, backslashes and what does not print are escaped
 * (RFC 1035 section 5.1). ERR_SYNTAX unless rdata is one name and no more.
 */
int dns_name_text(struct slice rdata, struct buf *out, struct error *e);
/* Appends the name of an address's PTR records (RFC 1035 section 3.5, RFC 3596 section 2.5). ERR_SYNTAX. */
int dns_reverse_name(const char *address, struct buf *out, struct error *e);
/* Appends the octets of an address, 4 or 16: RDATA of A or AAAA. ERR_SYNTAX. */
int dns_address_put(const char *address, struct buf *out);
/* Which records say that a name has this address. */
enum dns_type dns_address_type(const char *address);
/* Whether an A or AAAA record is this address. */
bool dns_address_is(struct slice rdata, const char *address);

#endif
