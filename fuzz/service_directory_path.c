/* SPDX-License-Identifier: ISC */
/* Paths of HKP v2, VKS, prefixlog and private look-ups: what is taken has the form that it says it has. */
#include <stdlib.h>

#include "service/directory/private.h"
#include "service/directory/query.h"

static void
check(int rc, const struct directory_path *p)
{
	if (rc != 0)
		return;
	if (p->octet_count > sizeof p->octets || (p->octet_count == 0) != (p->by == DIRECTORY_BY_ADDRESS))
		abort();
	if (p->by == DIRECTORY_BY_ADDRESS &&
	    (slice_find(p->text, '@') == SIZE_MAX || slice_find(p->text, '\0') != SIZE_MAX))
		abort();
	if (p->by == DIRECTORY_BY_KEY_ID && p->version != 4)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice path = slice_of(data, size), address;
	struct directory_bucket_range range;
	struct directory_path p;
	struct buf text;
	uint64_t day;

	buf_init(&text, 3 * DIRECTORY_SEARCH_MAX);
	check(directory_path_v2(path, &text, &p, NULL), &p);
	buf_clear(&text);
	check(directory_path_vks(path, &text, &p, NULL), &p);
	buf_clear(&text);
	if (directory_path_identity(path, &text, &address, NULL) == 0 && address.len == 0)
		abort();
	if (directory_path_day(path, &day, NULL) == 0 && day > 3000000)
		abort();
	for (unsigned digits = 0; digits <= DIRECTORY_BUCKET_DIGITS_MAX; digits++)
		if (directory_bucket_range(path, digits, &range, NULL) == 0 && size != digits)
			abort();
	buf_done(&text);
	return 0;
}
