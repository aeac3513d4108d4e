/* SPDX-License-Identifier: ISC */
/* Decoding in pieces gives the same; what is encoded decodes to itself, in lines that are short enough. */
#include <stdlib.h>

#include "base/quoted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode(struct slice in, size_t piece, struct buf *out)
{
	struct quoted_decoder c;

	quoted_decoder_init(&c);
	for (size_t at = 0; at < in.len; at += piece)
		(void)quoted_decoder_put(&c, slice_sub(in, at, piece), out);
	(void)quoted_decoder_end(&c, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), rest, line;
	struct quoted_encoder c;
	struct buf a, b;

	buf_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	decode(in, 1, &a);
	decode(in, 1000, &b);
	if (!slice_eq(buf_slice(&a), buf_slice(&b)))
		abort();
	buf_clear(&a);
	buf_clear(&b);
	quoted_encoder_init(&c, QUOTED_BINARY);
	(void)quoted_encoder_put(&c, in, &a);
	(void)quoted_encoder_end(&c, &a);
	decode(buf_slice(&a), 7, &b);
	if (!slice_eq(buf_slice(&b), in))
		abort();
	for (rest = buf_slice(&a); rest.len > 0;) {
		line = slice_split(rest, '\n', &rest);
		if (line.len > QUOTED_LINE_MAX + 1)
			abort();
	}
	buf_done(&a);
	buf_done(&b);
	return 0;
}
