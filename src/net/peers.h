/* SPDX-License-Identifier: ISC */
/*
 * How many connections there are, in all and from each peer: an IPv4 address,
 * or an IPv6 /64, because one machine has a whole one. Calls are for any
 * thread. Addresses are hashed with a key of this process, so that nobody can
 * choose addresses that share a chain.
 */
#ifndef NET_PEERS_H
#define NET_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct peers;
struct sockaddr;

/* The address under which a peer is counted. */
struct peer_key {
	uint8_t family; /* 4 or 6 */
	uint8_t bytes[8];
};

int peers_new(uint32_t total_max, uint32_t each_max, struct peers **peers_out, struct error *e);
void peers_free(struct peers *p);

/* IPv4 mapped into IPv6 counts as IPv4. */
struct peer_key peer_key_of(const struct sockaddr *address);

/* Counts one more. ERR_LIMIT when the peer or all together have too many; nothing is counted then. */
int peers_add(struct peers *p, struct peer_key key, struct error *e);
void peers_remove(struct peers *p, struct peer_key key);
uint32_t peers_total(struct peers *p);

#endif
