/* SPDX-License-Identifier: ISC */
/*
 * How a body stands in a file: a head, then its octets in blocks, each with
 * its own checksum, so that any range can be read and checked without the
 * rest.
 *
 *   head   "LLb1", u32 RECORD_BLOCK, u64 body, u64 length, u32 0, u32 CRC-32C of the 28 octets before
 *   block  RECORD_BLOCK octets (the last one what is left), u32 CRC-32C of body, block number and the octets
 *
 * Numbers are in network byte order. The checksum of a block covers whose it
 * is, so octets of another body, or of another place in it, do not pass.
 * Pure: works on memory.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define RECORD_HEAD 32u
#define RECORD_BLOCK 16384u
#define RECORD_CHECK 4u
#define RECORD_STEP (RECORD_BLOCK + RECORD_CHECK)

/* Octets that a body of that length takes, head included. */
uint64_t record_size(uint64_t length);

void record_put_head(struct buf *out, uint64_t body, uint64_t length);
/* One block: at most RECORD_BLOCK octets; only the last may be shorter. */
void record_put_block(struct buf *out, uint64_t body, uint64_t block, struct slice data);
/* Head and all blocks. */
void record_put(struct buf *out, uint64_t body, struct slice data);

/* ERR_TRUNCATED, ERR_INTEGRITY. */
int record_get_head(struct slice in, uint64_t *body_out, uint64_t *length_out, struct error *e);

/* Where in the record the blocks stand that hold octets offset to offset + len (which is not behind the end). */
struct record_range {
	uint64_t from;   /* octets from the record's start */
	uint64_t octets; /* to read */
	uint64_t block;  /* the first one's number */
};
struct record_range record_range(uint64_t length, uint64_t offset, uint64_t len);

/*
 * From what was read of such a range: checks each block and appends octets
 * offset to offset + len to out. ERR_TRUNCATED, ERR_INTEGRITY.
 */
int record_get_range(
    struct slice read, uint64_t body, uint64_t length, uint64_t offset, uint64_t len, struct buf *out, struct error *e);

#endif
