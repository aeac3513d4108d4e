/* SPDX-License-Identifier: ISC */
/* Any bytes: an address that was read is written so that it reads the same. */
#include <stdlib.h>

#include "mime/address.h"

static bool
writable(const struct mime_address *m)
{
	for (size_t i = 0; i < m->local.len; i++) {
		if (m->local.data[i] < 32 || m->local.data[i] == 127)
			return false;
	}
	return m->kind == MIME_ADDRESS_MAILBOX && m->local.len > 0 && m->domain.len > 0;
}

static void
check(const struct mime_address *m)
{
	struct mime_address back;
	struct arena a;
	struct buf b;

	if (!writable(m))
		return;
	arena_init(&a, MIME_ARENA_MAX);
	buf_init(&b, 1 << 24);
	if (mime_address_write(m, 6, &b) != 0)
		abort();
	if (mime_address_parse_one(buf_slice(&b), &a, &back, NULL) != 0 || !mime_address_same(m, &back))
		abort();
	buf_done(&b);
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_addresses list;
	struct slice *ids;
	struct arena a;
	int depth = 0;
	size_t count;

	arena_init(&a, MIME_ARENA_MAX);
	if (mime_addresses_parse(slice_of(data, size), &a, &list, NULL) != 0)
		abort();
	for (size_t i = 0; i < list.count; i++) {
		depth += (list.items[i].kind == MIME_ADDRESS_GROUP) - (list.items[i].kind == MIME_ADDRESS_GROUP_END);
		if (depth < 0 || depth > 1)
			abort();
		check(&list.items[i]);
	}
	if (depth != 0 && !list.cut)
		abort();
	if (mime_ids_parse(slice_of(data, size), &a, &ids, &count, NULL) != 0)
		abort();
	arena_done(&a);
	return 0;
}
