/* SPDX-License-Identifier: ISC */
/* A name has one form: what parses is written back to the same octets, and the other way round. */
#include <stdlib.h>

#include "base/utf8.h"
#include "imap/mutf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct buf a, b;

	buf_init(&a, 16u << 20);
	buf_init(&b, 16u << 20);
	if (imap_mutf7_parse(&a, in, NULL) == 0 &&
	    (!utf8_valid(buf_slice(&a)) || imap_mutf7_write(&b, buf_slice(&a), NULL) != 0 ||
		!slice_eq(buf_slice(&b), in)))
		abort();
	buf_clear(&a);
	buf_clear(&b);
	/* NUL cannot be in a name. */
	if (slice_find(in, 0) == SIZE_MAX && imap_mutf7_write(&a, in, NULL) == 0 &&
	    (!utf8_is_ascii(buf_slice(&a)) || imap_mutf7_parse(&b, buf_slice(&a), NULL) != 0 ||
		!slice_eq(buf_slice(&b), in)))
		abort();
	buf_done(&a);
	buf_done(&b);
	return 0;
}
