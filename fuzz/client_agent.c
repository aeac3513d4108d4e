/* SPDX-License-Identifier: ISC */
/* A frame to the agent is refused, or decodes to a request that encodes to the same octets. */
#include <stdlib.h>

#include "client/agent/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one(const struct codec_frame *f, const struct codec_schema *schema, struct slice whole)
{
	union {
		struct agent_unlock unlock;
		struct agent_sign sign;
		struct agent_open open;
		struct agent_list list;
		struct agent_password password;
		struct agent_opened opened;
		struct agent_status status;
		struct agent_tokens tokens;
		struct agent_ask ask;
	} message;
	struct arena a;
	struct buf b;

	if (schema->size > sizeof message)
		abort();
	arena_init(&a, 1 << 22);
	buf_init(&b, 1 << 22);
	if (codec_decode(schema, f->body, &a, &message, NULL) == 0 &&
	    (codec_frame_put(&b, f->type, f->ticket, schema, &message, NULL) != 0 || !slice_eq(buf_slice(&b), whole)))
		abort();
	arena_done(&a);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	const struct agent_schemas *s;
	struct codec_frame f;
	size_t used;

	if (codec_frame_next(in, &f, &used, NULL) != 1)
		return 0;
	s = agent_schemas(f.type);
	if (s == NULL)
		return 0;
	one(&f, s->request, slice_sub(in, 0, used));
	one(&f, s->reply, slice_sub(in, 0, used));
	return 0;
}
