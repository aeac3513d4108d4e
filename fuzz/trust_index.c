/* SPDX-License-Identifier: ISC */
/* An index that is read has only what a store can take: whole fingerprints, known origins, as many as it says. */
#include <stdlib.h>

#include "trust/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct trust_index_entry *entry)
{
	enum trust_origin origin;

	if (entry->fingerprint.len != 20 && entry->fingerprint.len != 32)
		abort();
	if (!trust_origin_parse(slice_str(trust_origin_name(entry->origin)), &origin) || origin != entry->origin)
		abort();
	if (entry->from.len > 0 && entry->from.data == NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust_index_entry *entries;
	struct arena a;
	size_t n;

	arena_init(&a, 1 << 24);
	if (trust_index_parse(slice_of(data, size), &a, &entries, &n, NULL) == 0) {
		if (n > TRUST_INDEX_CERTS_MAX)
			abort();
		for (size_t i = 0; i < n; i++)
			check(&entries[i]);
	}
	arena_done(&a);
	return 0;
}
