/* SPDX-License-Identifier: ISC */
/*
 * A reader takes wire fields off a slice with one sticky error: reading past
 * the end gives zeros and sets err to ERR_TRUNCATED, checked once at the end.
 * Numbers are in network byte order. Slices returned point into the input.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/error.h"
#include "base/slice.h"

struct reader {
	struct slice in;
	size_t at;
	int err;
};

static inline struct reader
reader_of(struct slice in)
{
	return (struct reader){ .in = in };
}

static inline size_t
reader_left(const struct reader *r)
{
	return r->in.len - r->at;
}

uint8_t reader_get_u8(struct reader *r);
uint16_t reader_get_u16(struct reader *r);
uint32_t reader_get_u32(struct reader *r);
uint64_t reader_get_u64(struct reader *r);
struct slice reader_get(struct reader *r, size_t len);
struct slice reader_rest(struct reader *r); /* all that is left, taken */

#endif
