/* SPDX-License-Identifier: ISC */
/* Any bytes: a frame decodes or is refused; what decodes encodes again to the same bytes. */
#include <stdlib.h>

#include "base/codec.h"

struct item {
	uint16_t kind;
	struct slice name;
};

struct message {
	bool flag;
	struct item first;
	const struct item *items;
	size_t item_count;
	const uint64_t *numbers;
	size_t number_count;
};

static const struct codec_field item_fields[] = {
	CODEC_FIELD(struct item, kind, CODEC_U16, 0),
	CODEC_FIELD(struct item, name, CODEC_BYTES, 100),
};
static const struct codec_schema item_schema = CODEC_SCHEMA(item, item_fields);
static const struct codec_field message_fields[] = {
	CODEC_FIELD(struct message, flag, CODEC_BOOL, 0),
	CODEC_FIELD_STRUCT(struct message, first, &item_schema),
	CODEC_FIELD_LIST(struct message, items, item_count, &item_schema, 50),
	CODEC_FIELD_LIST(struct message, numbers, number_count, &codec_schema_u64, 0),
};
static const struct codec_schema message_schema = CODEC_SCHEMA(message, message_fields);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct codec_frame f;
	struct message m;
	struct arena a;
	struct buf b;
	size_t used;

	if (codec_frame_next(in, &f, &used, NULL) != 1)
		return 0;
	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	if (codec_decode(&message_schema, f.body, &a, &m, NULL) == 0) {
		if (codec_frame_put(&b, f.type, f.ticket, &message_schema, &m, NULL) != 0 ||
		    !slice_eq(buf_slice(&b), slice_sub(in, 0, used)))
			abort();
	}
	buf_done(&b);
	arena_done(&a);
	return 0;
}
