/* SPDX-License-Identifier: ISC */
/*
 * A digest computed on another core beside the engine (openpgp/hasher.h): one
 * thread that takes pieces in their order from a short queue. Without a thread
 * (none could be made) the same calls hash at once.
 */
#ifndef CLIENT_SIDE_HASH_H
#define CLIENT_SIDE_HASH_H

#include "openpgp/sig/hasher.h"

struct side_hash;

/* ERR_NOMEM. */
int side_hash_new(struct side_hash **out, struct error *e);
struct pgp_hasher side_hash_hasher(struct side_hash *s);
/* The digest of the last finish(), hash_size() octets; NULL when there was none. */
const uint8_t *side_hash_digest(const struct side_hash *s);
void side_hash_free(struct side_hash *s); /* NULL is permitted; waits for the thread */

#endif
