/* SPDX-License-Identifier: ISC */
/* Sequence sets: resolved they ascend without touching, and written they parse to themselves. */
#include <stdlib.h>

#include "imap/set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_set set, again;
	struct arena a;
	struct buf b;

	arena_init(&a, 16u << 20);
	buf_init(&b, 16u << 20);
	if (imap_set_parse(slice_of(data, size), &a, &set, NULL) == 0) {
		imap_set_resolve(&set, 1000);
		for (size_t i = 0; i < set.count; i++)
			if (set.ranges[i].first == 0 || set.ranges[i].first > set.ranges[i].last ||
			    (i > 0 && set.ranges[i].first <= set.ranges[i - 1].last + 1))
				abort();
		if (imap_set_write(&b, &set) != 0 || imap_set_parse(buf_slice(&b), &a, &again, NULL) != 0 ||
		    again.count != set.count)
			abort();
	}
	arena_done(&a);
	buf_done(&b);
	return 0;
}
