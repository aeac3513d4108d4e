/* SPDX-License-Identifier: ISC */
/* Any bytes as a value: what was read is written so that it reads the same. As a header: no more than it has room for. */
#include <stdlib.h>

#include "mime/autocrypt.h"

static void
check(const struct mime_autocrypt *x)
{
	struct mime_autocrypt y;
	struct mime_header h;
	struct arena a;
	struct buf b;

	arena_init(&a, MIME_ARENA_MAX);
	buf_init(&b, 1 << 20);
	if (mime_autocrypt_write(x, "Autocrypt", &b, NULL) == 0) {
		if (mime_header_parse(buf_slice(&b), &a, &h, NULL) != 0 || h.count != 1)
			abort();
		if (mime_autocrypt_find(&h, x->addr, &a, &y, NULL) != 0 || !slice_eq(x->addr, y.addr))
			abort();
		if (!slice_eq(x->keydata, y.keydata) || x->mutual != y.mutual)
			abort();
	}
	buf_done(&b);
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_autocrypt x, several[4];
	struct mime_header h;
	struct arena a;

	arena_init(&a, MIME_ARENA_MAX);
	if (mime_autocrypt_parse(slice_of(data, size), &a, &x, NULL) == 0) {
		if (x.addr.len == 0 || x.keydata.len == 0)
			abort();
		check(&x);
	}
	if (mime_header_parse(slice_of(data, size), &a, &h, NULL) == 0 && mime_autocrypt_gossip(&h, &a, several, 4) > 4)
		abort();
	arena_done(&a);
	return 0;
}
