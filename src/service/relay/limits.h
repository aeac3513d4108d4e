/* SPDX-License-Identifier: ISC */
/* Maxima and times of the relay. */
#ifndef SERVICE_RELAY_LIMITS_H
#define SERVICE_RELAY_LIMITS_H

#define RELAY_CONNECTIONS 1000u    /* in all, unless it is set */
#define RELAY_CONNECTING_PART 4u   /* all but one part in so many may be connecting: the others are for who answers */
#define RELAY_CONCURRENCY_FIRST 2u /* connections to one destination, at first */
#define RELAY_CONCURRENCY_MAX 20u  /* and at most, unless it is set */
#define RELAY_JOBS_MAX 10000u      /* entries in hand: each some KiB */
#define RELAY_LEASE_MAX 256u       /* of one question: QUEUE_LEASE_MESSAGES_MAX */
#define RELAY_LEASE_DOMAIN_MAX 32u /* of one domain and question */
#define RELAY_AHEAD 4u             /* entries in hand for each connection that a destination may have */
#define RELAY_RECIPIENTS_MAX 100u  /* of one transaction: what every server takes (RFC 5321 section 4.5.3.1.8) */
#define RELAY_MESSAGES_MAX 100u    /* over one connection: its server may balance its load again then */
#define RELAY_ADDRESSES_MAX \
	5u /* of one route that are tried for one message; RFC 5321 section 5.1 wants two at least */
#define RELAY_PIECE (64u << 10)               /* octets of text that are asked of mail at once */
#define RELAY_TRANSACTION_BUDGET (256u << 10) /* octets of what is kept of its recipients */
#define RELAY_REASON_MAX 512u                 /* octets of a reply or reason */
#define RELAY_HASH_SIZE 4096u
#define RELAY_KEY_MAX 700u /* of a destination: a name, and numbers */

#define RELAY_CONNECT_MS 30000   /* to connect: RFC 5321 says nothing, and kernels try for two minutes */
#define RELAY_ROUTE_MS 60000     /* a route is used again; the resolver has its own memory */
#define RELAY_QUIT_MS 5000       /* for the answer to QUIT, on which nothing hangs */
#define RELAY_IDLE_MS 5000       /* a connection waits for the next message */
#define RELAY_HOST_DOWN_MS 60000 /* a host that cannot be reached is not tried first */
#define RELAY_RENEW_MS 300000    /* leases are renewed: a third of QUEUE_LEASE_S */
#define RELAY_WAIT_MS 60000u     /* mail answers a lease when something is due; asked anew after this */
#define RELAY_WAIT_FULL_MS 200u  /* the same while some destinations have enough: they may have not soon */
#define RELAY_AGAIN_MS 1000      /* after mail could not be asked */
#define RELAY_SWEEP_MS 5000      /* destinations that nobody needs are looked for */
#define RELAY_STALL_MS 180000    /* RFC 5321 section 4.5.3.2.5: for one piece of text to go out */

#endif
