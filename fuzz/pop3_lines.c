/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a message's lines: whole and in pieces the answer is the same; a client that ends lines with CR LF
 * finds its end only at the end, so does one that takes every CR and LF for one; without the doubled dots it is the
 * message. TOP's lines are a front of it.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "pop3/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put(struct slice in, size_t step, struct buf *out)
{
	struct pop3_lines l;

	pop3_lines_init(&l);
	for (; in.len > 0; in = slice_from(in, step))
		(void)pop3_lines_put(&l, slice_sub(in, 0, step), out);
	(void)pop3_lines_end(&l, out);
}

static bool
is_end(uint8_t c)
{
	return c == '\r' || c == '\n';
}

/* Takes the dots out again, and looks that no line is only one. */
static void
read_back(struct slice out, struct slice want)
{
	size_t at = 0, end = out.len - 3;

	for (size_t i = 0; i < end; i++) {
		bool first = i == 0 || is_end(out.data[i - 1]);

		if (first && out.data[i] == '.') {
			if (i + 1 >= end || out.data[i + 1] != '.')
				abort();
			i++;
		}
		if (at < want.len && out.data[i] != want.data[at])
			abort();
		at++;
	}
	if (at < want.len || at > want.len + 2)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), front;
	struct buf whole, pieces;
	uint32_t left = size > 0 ? data[0] % 8u : 1;

	buf_init(&whole, 1u << 22);
	buf_init(&pieces, 1u << 22);
	put(in, SIZE_MAX, &whole);
	put(in, 1 + size % 5, &pieces);
	if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)) || !slice_ends(buf_slice(&whole), SLICE(".\r\n")))
		abort();
	if (whole.len > 3 && !slice_ends(buf_slice(&whole), SLICE("\r\n.\r\n")))
		abort();
	read_back(buf_slice(&whole), in);
	front = pop3_first_lines(in, &left);
	if (front.len > in.len || (left > 0 && front.len != in.len))
		abort();
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
