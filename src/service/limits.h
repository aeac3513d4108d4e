/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the service floor. Settings may lower them, never lift them.
 */
#ifndef SERVICE_LIMITS_H
#define SERVICE_LIMITS_H

#define SERVICE_PASSWORD_MAX 1024u /* octets of a password */
#define SERVICE_IDENTITY_MAX 320u  /* octets of an account's address as it signs in */
#define SERVICE_RECEIVED_MAX \
	100u /* Received fields before a message is a loop (RFC 5321 6.3 wants at least 100); the same for Delivered-To */
#define SERVICE_RECIPIENTS_MAX 1000u /* of one message (RFC 5321 4.5.3.1.8 wants at least 100) */
#define SERVICE_NAMED_MAX \
	10000u /* accounts behind a message's recipients, each as often as it is named: what it costs */
#define SERVICE_INLINE_MAX (256u << 10) /* octets of a message that travels in one request; larger ones are staged */
#define SERVICE_HEADER_MAX (256u << 10) /* octets of a received message's header; longer ones are refused */
#define SERVICE_FROM_MAX 16u            /* addresses in From, Sender and their kin of a submitted message */
#define SERVICE_REPORT_HEADER_MAX \
	(64u << 10)                 /* octets of a header that a report on the delivery shows; none of longer ones */
#define SERVICE_RECEIVING_MAX 4096u /* messages under way at once: each may hold SERVICE_INLINE_MAX and more */
#define SERVICE_FRONT_OUTPUT_HIGH (8u << 10) /* with so much unsent a stranger is heard no further */
#define SERVICE_AUTH_WAITING 256u            /* password checks in the queue; more are told to come again later */
#define SERVICE_AUTH_THREADS 2u           /* password checks of strangers, and of who is known: AUTH_MEMORY_KIB each */
#define SERVICE_EXCHANGE_MS 60000         /* a client's time for its next message of SASL; IMAP gives it as much */
#define SERVICE_LOOKUP_MS 5               /* after which SCRAM says a salt: longer than looking for it takes */
#define SERVICE_EXCHANGES_MAX 4096u       /* exchanges that wait for their clients, in all, */
#define SERVICE_EXCHANGES_ADDRESS_MAX 32u /* of one address, */
#define SERVICE_EXCHANGES_PREFIX_MAX 128u /* and of its prefix: each takes some KiB of auth */
#define RESOLVE_NAMES_MAX 3u /* names that an address is said to have; more are not looked at (RFC 7208 4.6.4 has 10) */
#define RESOLVE_STS_FETCH_MS 30000 /* for the file of a policy; RFC 8461 section 3.3 suggests at most a minute */
#define RESOLVE_FETCH_THREADS 4u   /* policies that are fetched at once, */
#define RESOLVE_FETCHES_MAX 256u   /* and that wait for it; more are tried again with the message */
#define RESOLVE_NAME_MS 5000       /* after this nothing more is asked for the name of an address */

#endif
