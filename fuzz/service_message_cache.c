/* SPDX-License-Identifier: ISC */
/* Any message: what is remembered about it can be read, and its parts lie inside it. Any bytes as a cache: refused. */
#include <stdlib.h>

#include "service/imap/message_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct slice cache, uint64_t size)
{
	struct message_cache c;
	struct mime_part *root = NULL;
	struct arena a;

	arena_init(&a, 64u << 20);
	if (message_cache_read(cache, &a, &c, &root, NULL) != 0 || c.envelope.len < 2 || c.structure.len < 2)
		abort();
	for (const struct mime_part *p = root; p != NULL; p = mime_part_walk(root, p))
		if (p->header > size || p->header_len > size - p->header || p->body > size ||
		    p->body_len > size - p->body)
			abort();
	arena_done(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_cache_maker *m = message_cache_maker_new();
	struct message_cache c;
	struct mime_part *root = NULL;
	struct arena a;
	struct buf out;

	buf_init(&out, 8u << 20);
	message_cache_maker_feed(m, slice_of(data, size / 2));
	message_cache_maker_feed(m, slice_of(data + size / 2, size - size / 2));
	if (message_cache_maker_end(m, &out) == 0)
		check(buf_slice(&out), size);
	message_cache_maker_free(m);
	arena_init(&a, 64u << 20);
	(void)message_cache_read(slice_of(data, size), &a, &c, &root, NULL);
	arena_done(&a);
	buf_done(&out);
	return 0;
}
