/* SPDX-License-Identifier: ISC */
/*
 * Private look-ups (doc/private-lookup.md): who asks names a bucket that many
 * fit into, and gets all that is in it, at least DIRECTORY_BUCKET_LEAST entries
 * or all that there are. By address an entry can only be opened by who knows
 * the address. Pure: entries in, octets out.
 */
#ifndef SERVICE_DIRECTORY_PRIVATE_H
#define SERVICE_DIRECTORY_PRIVATE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define DIRECTORY_BUCKET_LEAST 50u
#define DIRECTORY_BUCKET_DIGITS_MAX 8u
#define DIRECTORY_BUCKET_NAME 32u
#define DIRECTORY_BUCKET_STEP 1024u /* entries' lengths are multiples of it, before they are encrypted */
#define DIRECTORY_BUCKET_MAGIC "LLB1"

/* How many hex digits make buckets of at least DIRECTORY_BUCKET_LEAST of so many entries on average. */
unsigned directory_bucket_digits(uint64_t entries);
/*
 * A bucket's digits into its first name and the one behind its last (empty: it reaches to the end), octet_count octets each.
 * ERR_SYNTAX: not exactly so many digits.
 */
struct directory_bucket_range {
	uint8_t from[DIRECTORY_BUCKET_NAME], upto[DIRECTORY_BUCKET_NAME];
	size_t octet_count;
	bool to_the_end;
};
int directory_bucket_range(struct slice hex, unsigned digits, struct directory_bucket_range *out, struct error *e);

/* Appends an entry that only who knows the address can open. name: DIRECTORY_BUCKET_NAME octets. ERR_CRYPTO, ERR_NOMEM, ERR_LIMIT. */
int directory_bucket_put_sealed(
    struct slice name, struct slice address, struct slice certificate, struct buf *out, struct error *e);
/* Appends a bare entry; a shorter name is filled up with zeros. */
int directory_bucket_put_bare(struct slice name, struct slice certificate, struct buf *out, struct error *e);

#endif
