/* SPDX-License-Identifier: ISC */
/* Any bytes: the table, the plain length and the scanner in pieces agree where a header block ends. */
#include <stdlib.h>

#include "mime/envelope.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct mime_header_scan s;
	struct mime_header h;
	struct arena a;
	struct buf b;

	arena_init(&a, MIME_ARENA_MAX);
	buf_init(&b, 64 << 20);
	if (mime_header_parse(in, &a, &h, NULL) != 0)
		abort();
	mime_header_scan_init(&s);
	for (size_t i = 0; i < size && !s.done; i += 3)
		(void)mime_header_scan_feed(&s, slice_sub(in, i, 3));
	mime_header_scan_end(&s);
	if (h.length != mime_header_length(in) || h.length != s.length)
		abort();
	if (mime_envelope_put(&b, in, NULL) != 0)
		abort();
	buf_clear(&b);
	/* All fields and none: what is selected is a part of the block and the empty line. */
	if (mime_header_select(slice_sub(in, 0, h.length), NULL, 0, true, &b) != 0 || b.len > h.length + 4)
		abort();
	buf_done(&b);
	arena_done(&a);
	return 0;
}
