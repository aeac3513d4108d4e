/* SPDX-License-Identifier: ISC */
/* The first octet chooses the format: never more comes out than is permitted, and pieces make no difference. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/inflate.h"

#define MOST 100000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
unpack(enum inflate_format format, struct slice in, size_t piece, struct buf *out)
{
	struct inflater_options o = { .format = format, .output_max = MOST, .ratio_max = 2000 };
	struct inflater *z;
	uint8_t room[5000];
	size_t n;
	int rc = inflater_new(&o, &z, NULL);

	if (rc != 0)
		return rc;
	while (rc == 0) {
		struct slice part = slice_sub(in, 0, piece);
		size_t len = part.len;

		rc = inflater_step(z, &part, room, sizeof room, &n, NULL);
		(void)buf_put(out, room, n);
		in = slice_from(in, len - part.len);
		if (rc == 0 && n == 0 && in.len == 0)
			rc = ERR_TRUNCATED;
	}
	inflater_free(z);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_from(slice_of(data, size), 1);
	enum inflate_format format;
	struct buf a, b;

	if (size == 0)
		return 0;
	format = (enum inflate_format)(data[0] % 3);
	buf_init(&a, MOST);
	buf_init(&b, MOST);
	if (unpack(format, in, 1, &a) != unpack(format, in, SIZE_MAX / 2, &b) || a.err != 0)
		abort();
	buf_done(&a);
	buf_done(&b);
	return 0;
}
