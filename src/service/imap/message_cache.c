/* SPDX-License-Identifier: ISC */
#include "service/imap/message_cache.h"

#include "base/codec.h"
#include "base/mem.h"
#include "mime/bodystructure.h"
#include "mime/envelope.h"

#define VERSION 1u
#define TEXT_MAX (1u << 20)

/* Parents stand before their children. */
struct message_cache_part {
	uint32_t parent; /* its index + 1; 0: the root */
	uint32_t number;
	uint32_t kind; /* enum mime_kind */
	uint64_t header;
	uint64_t header_len;
	uint64_t body;
	uint64_t body_len;
};

static const struct codec_field part_fields[] = {
	CODEC_FIELD(struct message_cache_part, parent, CODEC_U32, MIME_PARTS_MAX),
	CODEC_FIELD(struct message_cache_part, number, CODEC_U32, 0),
	CODEC_FIELD(struct message_cache_part, kind, CODEC_U32, MIME_MESSAGE),
	CODEC_FIELD(struct message_cache_part, header, CODEC_U64, 0),
	CODEC_FIELD(struct message_cache_part, header_len, CODEC_U64, 0),
	CODEC_FIELD(struct message_cache_part, body, CODEC_U64, 0),
	CODEC_FIELD(struct message_cache_part, body_len, CODEC_U64, 0),
};
static const struct codec_schema part_schema = CODEC_SCHEMA(message_cache_part, part_fields);
static const struct codec_field cache_fields[] = {
	CODEC_FIELD(struct message_cache, version, CODEC_U16, 0),
	CODEC_FIELD(struct message_cache, envelope, CODEC_BYTES, TEXT_MAX),
	CODEC_FIELD(struct message_cache, body, CODEC_BYTES, TEXT_MAX),
	CODEC_FIELD(struct message_cache, structure, CODEC_BYTES, TEXT_MAX),
	CODEC_FIELD_LIST(struct message_cache, parts, part_count, &part_schema, MIME_PARTS_MAX + 1),
};
static const struct codec_schema cache_schema = CODEC_SCHEMA(message_cache, cache_fields);

struct message_cache_maker {
	struct arena arena;
	struct mime_parser parser;
};

struct message_cache_maker *
message_cache_maker_new(void)
{
	struct message_cache_maker *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return NULL;
	arena_init(&m->arena, MIME_ARENA_MAX);
	mime_parser_init(&m->parser, &m->arena);
	return m;
}

void
message_cache_maker_free(struct message_cache_maker *m)
{
	if (m == NULL)
		return;
	mime_parser_done(&m->parser);
	arena_done(&m->arena);
	mem_free(m);
}

void
message_cache_maker_feed(struct message_cache_maker *m, struct slice piece)
{
	(void)mime_parser_feed(&m->parser, piece);
}

static uint32_t
index_of(const struct mime_part *const *nodes, size_t count, const struct mime_part *p)
{
	/* A parent is near: walk back. */
	for (size_t i = count; i > 0; i--)
		if (nodes[i - 1] == p)
			return (uint32_t)i;
	return 0;
}

static int
flatten(const struct mime_part *root, struct arena *a, struct message_cache *out)
{
	size_t count = 0;
	struct message_cache_part *parts;
	const struct mime_part **nodes;

	for (const struct mime_part *p = root; p != NULL; p = mime_part_walk(root, p))
		count++;
	parts = arena_array(a, count, sizeof *parts);
	nodes = arena_array(a, count, sizeof *nodes);
	if (parts == NULL || nodes == NULL)
		return a->err;
	count = 0;
	for (const struct mime_part *p = root; p != NULL; p = mime_part_walk(root, p)) {
		parts[count] = (struct message_cache_part){ .parent = index_of(nodes, count, p->parent),
			.number = p->number,
			.kind = p->kind,
			.header = p->header,
			.header_len = p->header_len,
			.body = p->body,
			.body_len = p->body_len };
		nodes[count++] = p;
	}
	out->parts = parts;
	out->part_count = count;
	return 0;
}

int
message_cache_maker_end(struct message_cache_maker *m, struct buf *out)
{
	struct message_cache c = { .version = VERSION };
	struct mime_part *root = NULL;
	struct buf envelope;
	struct buf body;
	struct buf structure;
	int rc = mime_parser_end(&m->parser, &root, NULL);

	buf_init(&envelope, TEXT_MAX);
	buf_init(&body, TEXT_MAX);
	buf_init(&structure, TEXT_MAX);
	if (rc == 0)
		rc = mime_envelope_put(&envelope, root->block, NULL);
	if (rc == 0)
		rc = mime_bodystructure_write(&body, root, false, NULL);
	if (rc == 0)
		rc = mime_bodystructure_write(&structure, root, true, NULL);
	if (rc == 0)
		rc = flatten(root, &m->arena, &c);
	c.envelope = buf_slice(&envelope);
	c.body = buf_slice(&body);
	c.structure = buf_slice(&structure);
	if (rc == 0)
		rc = codec_encode(&cache_schema, &c, out, NULL);
	buf_done(&envelope);
	buf_done(&body);
	buf_done(&structure);
	return rc;
}

/* Hangs a part under its parent, behind its sisters. */
static void
hang(struct mime_part *nodes, struct mime_part **last, size_t i, uint32_t parent)
{
	struct mime_part *up = &nodes[parent - 1];

	nodes[i].parent = up;
	nodes[i].depth = up->depth + 1;
	if (up->child == NULL)
		up->child = &nodes[i];
	else
		last[parent - 1]->next = &nodes[i];
	last[parent - 1] = &nodes[i];
}

int
message_cache_read(
    struct slice in, struct arena *a, struct message_cache *out, struct mime_part **root_out, struct error *e)
{
	struct mime_part *nodes;
	struct mime_part **last;
	int rc = codec_decode(&cache_schema, in, a, out, e);

	if (rc != 0)
		return rc;
	if (out->version != VERSION || out->part_count == 0)
		return error_set(e, ERR_UNSUPPORTED, "a message cache of another version");
	nodes = arena_array(a, out->part_count, sizeof *nodes);
	last = arena_array(a, out->part_count, sizeof *last);
	if (nodes == NULL || last == NULL)
		return error_set(e, a->err, "no room for a message's parts");
	for (size_t i = 0; i < out->part_count; i++) {
		const struct message_cache_part *p = &out->parts[i];

		nodes[i] = (struct mime_part){ .kind = (enum mime_kind)p->kind,
			.number = p->number,
			.header = p->header,
			.header_len = p->header_len,
			.body = p->body,
			.body_len = p->body_len };
		if (p->parent > i || (p->parent == 0) != (i == 0))
			return error_set(e, ERR_SYNTAX, "a message cache with a part out of order");
		if (i > 0)
			hang(nodes, last, i, p->parent);
	}
	*root_out = &nodes[0];
	return 0;
}
