/* SPDX-License-Identifier: ISC */
/* Any query: what is accepted keeps its bounds, and its text lies in the buffer that was given. */
#include <stdlib.h>

#include "service/directory/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct directory_query q;
	struct slice address;
	struct buf text;

	buf_init(&text, 3 * DIRECTORY_SEARCH_MAX);
	if (directory_query_parse(slice_of(data, size), &text, &q, NULL) == 0) {
		bool by_octets = q.op != DIRECTORY_STATS &&
		    (q.by == DIRECTORY_BY_KEY_ID || q.by == DIRECTORY_BY_SHORT_ID || q.by == DIRECTORY_BY_FINGERPRINT);

		if (q.text.len > DIRECTORY_SEARCH_MAX || q.octet_count > sizeof q.octets ||
		    (q.octet_count == 0) == by_octets)
			abort();
		if (q.text.len > 0 && (q.text.data < text.data || q.text.data + q.text.len > text.data + text.len))
			abort();
		address = directory_query_address(q.text);
		if (q.by == DIRECTORY_BY_ADDRESS && !slice_eq(address, q.text))
			abort();
	}
	buf_done(&text);
	return 0;
}
