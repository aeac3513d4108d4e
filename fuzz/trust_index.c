/* SPDX-License-Identifier: ISC */
/* An index that is read is written, and is then read as the same. */
#include <stdlib.h>

#include "trust/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust_entry *entries, *again;
	struct arena a, b;
	struct buf first, second;
	size_t n, m;

	arena_init(&a, 1 << 24);
	arena_init(&b, 1 << 24);
	buf_init(&first, 1 << 24);
	buf_init(&second, 1 << 24);
	if (trust_index_parse(slice_of(data, size), &a, &entries, &n, NULL) == 0 &&
	    trust_index_write(entries, n, &first, NULL) == 0) {
		if (trust_index_parse(buf_slice(&first), &b, &again, &m, NULL) != 0 || n != m ||
		    trust_index_write(again, m, &second, NULL) != 0 || !slice_eq(buf_slice(&first), buf_slice(&second)))
			abort();
	}
	buf_done(&first);
	buf_done(&second);
	arena_done(&a);
	arena_done(&b);
	return 0;
}
