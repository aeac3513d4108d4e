/* SPDX-License-Identifier: ISC */
/* Any bytes as a bucket: entries lie inside of it, in order, and no entry opens that nobody sealed. As parameters: in range. */
#include <stdlib.h>
#include <string.h>

#include "trust/find/bucket.h"

static void
check(struct slice in, const uint8_t *before, struct slice name, struct slice octets)
{
	struct buf opened = { .max = FIND_BUCKET_MAX };
	struct slice bare;

	/* An empty one lies nowhere. */
	if (name.data < before || octets.len > (size_t)(in.data + in.len - (name.data + FIND_BUCKET_NAME + 4)) ||
	    (octets.len > 0 && octets.data != name.data + FIND_BUCKET_NAME + 4))
		abort();
	if (find_bucket_bare(octets, &bare, NULL) == 0 &&
	    (bare.len == 0 || bare.data != octets.data + 4 || bare.len > octets.len - 4))
		abort();
	if (octets.len < 4096 && find_bucket_open(SLICE("bob@example.org"), name, octets, &opened, NULL) == 0)
		abort();
	buf_done(&opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), name, octets;
	unsigned digits, least;
	struct find_bucket b;
	const uint8_t *before = data;

	if (find_bucket_parameters(in, &digits, &least, NULL) == 0 && (digits > FIND_BUCKET_DIGITS_MAX || least == 0))
		abort();
	if (find_bucket_begin(in, &b, NULL) != 0)
		return 0;
	while (find_bucket_next(&b, &name, &octets, NULL) == 1) {
		check(in, before, name, octets);
		before = name.data + FIND_BUCKET_NAME + 4 + octets.len;
	}
	return 0;
}
