/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima and default times of the net floor. Settings may lower them, never lift the hard ones.
 */
#ifndef NET_LIMITS_H
#define NET_LIMITS_H

#define CONN_INPUT_MAX (16u << 10)   /* octets read ahead that a session has not taken; one TLS record */
#define CONN_OUTPUT_HIGH (64u << 10) /* with so much output waiting nothing more is read */
#define CONN_OUTPUT_LOW (32u << 10)  /* below this the session is run to make more */
#define CONN_TURN_MAX (256u << 10)   /* octets read and written in one turn before others have theirs */
#define CONN_PEER_MAX 48             /* octets of a peer's address as text, NUL included */

#define NET_HANDSHAKE_MS 30000   /* a TLS handshake must end within this */
#define NET_STALL_MS 120000      /* a peer that takes no output for this long is gone */
#define NET_LINGER_MS 2000       /* after our end of a connection: time for the peer to read our last words */
#define NET_LINGER_LAST_MS 100   /* the same when the whole server stops */
#define NET_CONNECTIONS 18000u   /* of one process; descriptors end at 20,000 on common systems */
#define NET_CONNECTIONS_PEER 50u /* of one IPv4 address or IPv6 /64 */
#define NET_PREFIX_PEERS 10u     /* an IPv4 /24 or IPv6 /48 may have as many as so many addresses */

#define DNS_NAME_MAX 255u              /* octets of a name on the wire (RFC 1035 section 2.3.4) */
#define DNS_TEXT_MAX 1023u             /* octets of its text, with every octet escaped */
#define DNS_ALIASES_MAX 16u            /* CNAMEs from the name that was asked for to the records */
#define DNS_RECORDS_MAX 256u           /* of one answer; one with more is refused */
#define DNS_RECORDS_OCTETS (32u << 10) /* of their RDATA together, names uncompressed */
#define DNS_REASON_MAX 256u            /* octets of what libunbound says about a bogus answer; more is cut */
#define DNS_SERVERS_MAX 8u             /* that are asked */
#define DNS_ANCHORS_MAX (32u << 10)    /* octets of the trust anchors' text */
#define DNS_IN_FLIGHT_MAX 1024u        /* look-ups, with those that were given up and that libunbound still has */
#define DNS_LOOKUP_MS 5000             /* one look-up; a resolver's client waits no longer either */
#define DNS_SUSPECT_MS 1000            /* a look-up that takes longer is reason to ask whether the servers are there: */
#define DNS_ALIVE_ROUNDS 3u            /* so many questions without an answer, */
#define DNS_ALIVE_ROUND_MS 700         /* with so much time for each, say that they are not: two may be lost; */
#define DNS_ALIVE_AGAIN_MS 1000        /* then they are asked so often, whether they are there again */
#define DNS_ALIVE_FRESH_MS 1000        /* and not again so soon after they were heard */
#define DNS_SILENT_TRIES_MAX 64u       /* look-ups that libunbound may hold meanwhile; more are not given to it */

#define PROBE_LINE_MAX 2048u /* octets of a line of a server that is looked at; RFC 5321 4.5.3.1.5 says 512 */

#endif
