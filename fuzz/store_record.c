/* SPDX-License-Identifier: ISC */
/*
 * Any octets as what stands on the disk: 8 octets of length, 4 of offset, 4 of
 * length to read, then a record. Reading ends without a fault; what passes the
 * checksums is what writing it gives.
 */
#include <stdlib.h>

#include "base/reader.h"
#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct slice record, uint64_t body, uint64_t length, uint64_t offset, uint64_t len)
{
	struct record_range range = record_range(length, offset, len);
	struct slice blocks = record.len > range.from ? slice_sub(record, range.from, range.octets) : SLICE_EMPTY;
	struct buf out BUF_OWNED = { 0 }, again BUF_OWNED = { 0 };

	buf_init(&out, 1 << 20);
	buf_init(&again, 1 << 20);
	if (record_get_range(blocks, body, length, offset, len, &out, NULL) != 0)
		return;
	if (out.len != len)
		abort();
	if (offset != 0 || len != length)
		return;
	record_put(&again, body, buf_slice(&out));
	if (again.len != record_size(length) || !slice_eq(slice_from(buf_slice(&again), RECORD_HEAD), blocks))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(slice_of(data, size));
	uint64_t length = reader_get_u64(&r) & 0xfffff, body = 1, told;
	uint64_t offset = reader_get_u32(&r), len = reader_get_u32(&r);
	struct slice record = reader_rest(&r);

	if (r.err != 0)
		return 0;
	if (record_get_head(record, &body, &told, NULL) == 0 && told <= 0xfffff)
		length = told;
	if (offset > length)
		offset = length;
	if (len > length - offset)
		len = length - offset;
	check(record, body, length, offset, len);
	check(record, body, length, 0, length);
	return 0;
}
