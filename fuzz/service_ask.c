/* SPDX-License-Identifier: ISC */
/*
 * Any octets as the request or the reply of each question between processes (the first octet says which): what is taken
 * keeps to the schema, so that it can be written, and read, again as the same octets.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "service/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
again(const struct codec_schema *schema, struct slice in)
{
	struct arena a ARENA_OWNED = { 0 };
	struct buf out BUF_OWNED = { 0 };
	void *message;

	arena_init(&a, 4u << 20);
	buf_init(&out, 4u << 20);
	message = arena_alloc(&a, schema->size);
	if (message == NULL || codec_decode(schema, in, &a, message, NULL) != 0)
		return;
	if (codec_encode(schema, message, &out, NULL) != 0 || !slice_eq(buf_slice(&out), in))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct port_method *m;

	if (size == 0)
		return 0;
	m = &ask_interface.methods[data[0] / 2 % ask_interface.method_count];
	again(data[0] % 2 == 0 ? m->request : m->reply, slice_from(slice_of(data, size), 1));
	return 0;
}
