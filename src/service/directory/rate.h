/* SPDX-License-Identifier: ISC */
/*
 * How often one address may ask the key directory: token buckets, one table
 * for reads, one for what writes. An IPv4 address has a bucket of its own, an
 * IPv6 one shares that of its /64, because one machine has a whole one.
 *
 *   rate_take(table, peer, now)   0: go on; else in how many seconds it is worth asking again (429, Retry-After)
 *
 * A bucket holds a minute's worth and is filled steadily. The table never
 * grows: a newcomer takes the place of one of the RATE_WAYS buckets of its
 * set, the fullest, which knows least. The set is found by a keyed hash, so
 * nobody can choose addresses that push out somebody else's bucket; who has
 * many addresses has many buckets, and is for the limits on connections.
 *
 * 65,536 buckets of 24 octets: 1.5 MiB, touched as they are used.
 */
#ifndef SERVICE_DIRECTORY_RATE_H
#define SERVICE_DIRECTORY_RATE_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define RATE_BUCKETS 65536u
#define RATE_WAYS 8u
#define RATE_PER_MINUTE_MAX 1000000u

#define RATE_READS_DEFAULT 1200u /* a class behind one address that refreshes its keys */
#define RATE_WRITES_DEFAULT 60u

struct rate;

/* per_minute: 0 for no bound; at most RATE_PER_MINUTE_MAX. ERR_NOMEM, ERR_CRYPTO. */
int rate_new(uint32_t per_minute, struct rate **rate_out, struct error *e);
void rate_free(struct rate *r); /* NULL is permitted */

/* peer: an address as text, as conn_peer() has it; all that are none share one bucket. Any thread. */
uint32_t rate_take(struct rate *r, struct slice peer, int64_t now_ms);

#endif
