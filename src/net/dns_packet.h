/* SPDX-License-Identifier: ISC */
/*
 * A DNS answer as it is on the wire (RFC 1035 section 4): its records of one
 * type, found from the name in its question through CNAMEs, with names in
 * their RDATA uncompressed (the types of RFC 3597 section 4 have them). Total:
 * no packet is trusted, libunbound's own neither. Pure.
 */
#ifndef NET_DNS_PACKET_H
#define NET_DNS_PACKET_H

#include "base/arena.h"
#include "base/buf.h"
#include "net/dns.h"

/*
 * Fills rcode, canonical, ttl and records; the rest is left alone. Memory is
 * a's. ERR_SYNTAX, ERR_LIMIT (DNS_RECORDS_MAX, DNS_RECORDS_OCTETS,
 * DNS_ALIASES_MAX), ERR_NOMEM.
 */
int dns_packet_read(struct slice packet, uint16_t type, struct arena *a, struct dns_answer *out, struct error *e);

#endif
