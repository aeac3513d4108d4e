/* SPDX-License-Identifier: ISC */
/*
 * How many connections there are: in all, from each address, and from each
 * prefix, over all processes that accept ("fronts").
 *
 *   address   an IPv4 address, or an IPv6 /64, because one machine has a whole one
 *   prefix    an IPv4 /24, or an IPv6 /48, because one customer has a whole one
 *
 * The parent makes one mapping (peers_share) and hands its descriptor to every
 * front. It holds count-min sketches: rows of counters, in each of which an
 * address has one cell by a keyed hash; what an address has is the smallest of
 * its cells. Every cell has a counter for each front and only that front
 * counts there, so that when a front dies the parent gives back all that it
 * had counted (peers_clear). A connection is counted first and looked at then,
 * so that two fronts cannot both take the last place; at that moment both may
 * be refused it.
 *
 * A front that was taken over can write nonsense into the mapping. That makes
 * others admit or refuse wrongly and nothing else: it holds no pointer, index
 * or length that anybody uses, its size is sealed, counters stop at both ends.
 *
 * How wrong is it when all is well? Never too low; too high by what others have
 * in all of an address's cells. With 100,000 connections and a limit of 50 the
 * worst case is 2,000 addresses with 50 each: a cell of a row has one of them
 * with 1 - exp(-2000/32768) = 5.9 %, all PEERS_ADDRESS_ROWS cells of a newcomer
 * with 4e-8. Who has 10 connections is refused the next one with at most 2e-7,
 * who has 25 with 2e-6, and who has 45 with 4e-3; with 100,000 different
 * addresses the 50th place is on average the 49th. For prefixes, with a limit
 * of 500, a newcomer is refused with 2e-8.
 *
 * A front's counters are 512 KiB, touched as they are used: 4 MiB for 8.
 */
#ifndef NET_PEERS_H
#define NET_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define PEERS_FRONTS_MAX 64u
#define PEERS_FRONT_NONE UINT32_MAX /* the parent: looks and clears, counts nothing */
#define PEERS_ADDRESS_ROWS 6u
#define PEERS_ADDRESS_CELLS 32768u
#define PEERS_PREFIX_ROWS 4u
#define PEERS_PREFIX_CELLS 16384u
#define PEERS_MINE_MAX 65535u /* connections of one front: what a counter holds */

/* A family: counted among all, but by no address. For a listener whose clients the administrator chose. */
#define PEERS_TRUSTED 1

struct peers;
struct sockaddr;

/* What a peer is counted by: all of an IPv4 address, the first 8 octets of an IPv6 one. */
struct peer_key {
	uint8_t family; /* 4 or 6; 0: another kind of socket, all counted together; PEERS_TRUSTED */
	uint8_t bytes[8];
};

struct peers_limits {
	uint32_t total;
	uint32_t each;   /* of one address */
	uint32_t prefix; /* of one prefix */
};

/* IPv4 mapped into IPv6 counts as IPv4. */
struct peer_key peer_key_of(const struct sockaddr *address);

/* For a process that accepts alone. ERR_NOMEM, ERR_IO (no random octets). */
int peers_new(const struct peers_limits *limits, struct peers **peers_out, struct error *e);

/* In the parent: the mapping for 1 to PEERS_FRONTS_MAX fronts, as a descriptor (close-on-exec). ERR_USAGE, ERR_IO. */
int peers_share(uint32_t fronts, int *fd_out, struct error *e);
/*
 * One front's view, or with PEERS_FRONT_NONE the parent's. The descriptor stays
 * the caller's and is not needed afterwards. A front has one view at a time.
 * ERR_USAGE (no such front, or no descriptor of peers_share()), ERR_NOMEM.
 */
int peers_open(int fd, uint32_t front, const struct peers_limits *limits, struct peers **peers_out, struct error *e);
/* What is still counted stays counted in a shared mapping. NULL is permitted. */
void peers_free(struct peers *p);

/* --- any thread --- */

/* Counts one more. ERR_LIMIT, and a sentence that says which limit, with nothing counted; ERR_USAGE for the parent. */
int peers_add(struct peers *p, struct peer_key key, struct error *e);
/* Once for each successful peers_add() of the same view. */
void peers_remove(struct peers *p, struct peer_key key);
/* Of all fronts. */
uint32_t peers_total(const struct peers *p);
/* No more are taken, of nobody. */
bool peers_are_all(const struct peers *p);
/* Of this view alone; not from the mapping, so nobody else can falsify it. */
uint32_t peers_mine(const struct peers *p);
/* For a reload: holds for the next peers_add(). */
void peers_limits_set(struct peers *p, const struct peers_limits *limits);

/*
 * In the parent: gives back what a front had counted that is dead and not yet
 * started again. It looks at the whole mapping, some milliseconds for 8 fronts.
 */
void peers_clear(struct peers *p, uint32_t front);

#endif
