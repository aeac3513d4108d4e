/* SPDX-License-Identifier: ISC */
#include "base/reader.h"

struct slice
reader_get(struct reader *r, size_t len)
{
	struct slice s;

	if (r->err != 0 || len > reader_left(r)) {
		if (r->err == 0)
			r->err = ERR_TRUNCATED;
		return SLICE_EMPTY;
	}
	s = slice_of(r->in.data + r->at, len);
	r->at += len;
	return s;
}

static uint64_t
get_number(struct reader *r, size_t len)
{
	struct slice s = reader_get(r, len);
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.data[i];
	return v;
}

uint8_t
reader_get_u8(struct reader *r)
{
	return (uint8_t)get_number(r, 1);
}

uint16_t
reader_get_u16(struct reader *r)
{
	return (uint16_t)get_number(r, 2);
}

uint32_t
reader_get_u32(struct reader *r)
{
	return (uint32_t)get_number(r, 4);
}

uint64_t
reader_get_u64(struct reader *r)
{
	return get_number(r, 8);
}

struct slice
reader_rest(struct reader *r)
{
	return reader_get(r, reader_left(r));
}
