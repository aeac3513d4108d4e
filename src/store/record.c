/* SPDX-License-Identifier: ISC */
#include "store/record.h"

#include "base/crc.h"
#include "base/reader.h"

static const char magic[4] = { 'L', 'L', 'b', '1' };

uint64_t
record_size(uint64_t length)
{
	return RECORD_HEAD + length + (length + RECORD_BLOCK - 1) / RECORD_BLOCK * RECORD_CHECK;
}

void
record_put_head(struct buf *out, uint64_t body, uint64_t length)
{
	size_t start = out->len;

	(void)buf_put(out, magic, sizeof magic);
	(void)buf_put_u32(out, RECORD_BLOCK);
	(void)buf_put_u64(out, body);
	(void)buf_put_u64(out, length);
	(void)buf_put_u32(out, 0);
	if (out->err == 0)
		(void)buf_put_u32(out, crc32c(0, slice_from(buf_slice(out), start)));
}

static uint32_t
block_check(uint64_t body, uint64_t block, struct slice data)
{
	uint8_t whose[16];

	for (size_t i = 0; i < 8; i++) {
		whose[i] = (uint8_t)(body >> (8 * (7 - i)));
		whose[8 + i] = (uint8_t)(block >> (8 * (7 - i)));
	}
	return crc32c(crc32c(0, slice_of(whose, sizeof whose)), data);
}

void
record_put_block(struct buf *out, uint64_t body, uint64_t block, struct slice data)
{
	(void)buf_put_slice(out, data);
	(void)buf_put_u32(out, block_check(body, block, data));
}

void
record_put(struct buf *out, uint64_t body, struct slice data)
{
	(void)buf_reserve(out, (size_t)record_size(data.len));
	record_put_head(out, body, data.len);
	for (size_t at = 0; at < data.len; at += RECORD_BLOCK)
		record_put_block(out, body, at / RECORD_BLOCK, slice_sub(data, at, RECORD_BLOCK));
}

int
record_get_head(struct slice in, uint64_t *body_out, uint64_t *length_out, struct error *e)
{
	struct reader r = reader_of(in);
	struct slice start = reader_get(&r, sizeof magic);
	uint32_t block = reader_get_u32(&r);
	uint64_t body = reader_get_u64(&r), length = reader_get_u64(&r);
	uint32_t zero = reader_get_u32(&r), check = reader_get_u32(&r);

	if (r.err != 0)
		return error_set(e, ERR_TRUNCATED, "a stored body is cut short in its head");
	if (!slice_eq(start, slice_of(magic, sizeof magic)) || check != crc32c(0, slice_sub(in, 0, RECORD_HEAD - 4)))
		return error_set(e, ERR_INTEGRITY, "a stored body's head was changed on disk");
	if (block != RECORD_BLOCK || zero != 0)
		return error_set(e, ERR_UNSUPPORTED, "a stored body was written by a newer Letterlock");
	*body_out = body;
	*length_out = length;
	return 0;
}

struct record_range
record_range(uint64_t length, uint64_t offset, uint64_t len)
{
	uint64_t first = offset / RECORD_BLOCK, end = (offset + len + RECORD_BLOCK - 1) / RECORD_BLOCK;
	uint64_t octets = (end - first) * RECORD_STEP, behind = end * RECORD_BLOCK;

	if (len == 0)
		return (struct record_range){ .from = RECORD_HEAD + first * RECORD_STEP, .block = first };
	if (behind > length)
		octets -= behind - length;
	return (struct record_range){ RECORD_HEAD + first * RECORD_STEP, octets, first };
}

int
record_get_range(
    struct slice read, uint64_t body, uint64_t length, uint64_t offset, uint64_t len, struct buf *out, struct error *e)
{
	uint64_t block = offset / RECORD_BLOCK, end = offset + len;
	struct reader r = reader_of(read);

	for (; block * RECORD_BLOCK < end; block++) {
		uint64_t start = block * RECORD_BLOCK, left = length - start;
		struct slice data = reader_get(&r, left < RECORD_BLOCK ? (size_t)left : RECORD_BLOCK);
		uint32_t check = reader_get_u32(&r);
		size_t skip = offset > start ? (size_t)(offset - start) : 0;
		size_t take = end - start < data.len ? (size_t)(end - start) : data.len;

		if (r.err != 0)
			return error_set_at(e, ERR_TRUNCATED, start, "a stored body is cut short on disk");
		if (check != block_check(body, block, data))
			return error_set_at(e, ERR_INTEGRITY, start, "a stored body was changed on disk");
		(void)buf_put_slice(out, slice_sub(data, skip, take - skip));
	}
	return out->err == 0 ? 0 : error_set(e, out->err, "no room for a body's octets");
}
