/* SPDX-License-Identifier: ISC */
#include "base/codec.h"

#include <string.h>

#include "base/limits.h"
#include "base/reader.h"

static const struct codec_field u32_fields[] = { { .name = "u32", .type = CODEC_U32 } };
static const struct codec_field u64_fields[] = { { .name = "u64", .type = CODEC_U64 } };
static const struct codec_field slice_fields[] = { { .name = "slice", .type = CODEC_BYTES } };

const struct codec_schema codec_schema_u32 = { "u32", sizeof(uint32_t), u32_fields, 1 };
const struct codec_schema codec_schema_u64 = { "u64", sizeof(uint64_t), u64_fields, 1 };
const struct codec_schema codec_schema_slice = { "slice", sizeof(struct slice), slice_fields, 1 };

static int encode_struct(const struct codec_schema *s, const uint8_t *m, struct buf *out, int depth, struct error *e);
static int
decode_struct(const struct codec_schema *s, struct reader *r, struct arena *a, uint8_t *m, int depth, struct error *e);

static uint64_t
number_at(enum codec_type type, const uint8_t *p)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64 = 0;

	if (type == CODEC_BOOL || type == CODEC_U8) {
		memcpy(&u8, p, sizeof u8);
		return u8;
	}
	if (type == CODEC_U16) {
		memcpy(&u16, p, sizeof u16);
		return u16;
	}
	if (type == CODEC_U32) {
		memcpy(&u32, p, sizeof u32);
		return u32;
	}
	memcpy(&u64, p, sizeof u64);
	return u64;
}

static size_t
number_size(enum codec_type type)
{
	if (type == CODEC_BOOL || type == CODEC_U8)
		return 1;
	return type == CODEC_U16 ? 2 : type == CODEC_U32 ? 4 : 8;
}

static uint64_t
number_max(const struct codec_field *f)
{
	if (f->type == CODEC_BOOL)
		return 1;
	return f->max == 0 || f->type == CODEC_I64 ? UINT64_MAX : f->max;
}

static uint64_t
count_max(const struct codec_field *f)
{
	if (f->max != 0)
		return f->max;
	return f->type == CODEC_LIST ? CODEC_LIST_MAX : CODEC_FRAME_MAX;
}

static int
over(struct error *e, const struct codec_schema *s, const struct codec_field *f)
{
	return error_set(e, ERR_LIMIT, "message %s: field %s is over its maximum", s->name, f->name);
}

static int
encode_list(const struct codec_schema *s, const struct codec_field *f, const uint8_t *m, struct buf *out, int depth,
    struct error *e)
{
	const uint8_t *elements;
	size_t count;

	memcpy(&elements, m + f->offset, sizeof elements);
	memcpy(&count, m + f->count_offset, sizeof count);
	if (count > count_max(f))
		return over(e, s, f);
	(void)buf_put_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		int rc = encode_struct(f->of, elements + i * f->of->size, out, depth, e);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
encode_number(
    const struct codec_schema *s, const struct codec_field *f, const uint8_t *m, struct buf *out, struct error *e)
{
	uint64_t v = number_at(f->type, m + f->offset);
	uint8_t wire[8];
	size_t n = number_size(f->type);

	if (v > number_max(f))
		return over(e, s, f);
	for (size_t i = 0; i < n; i++)
		wire[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	(void)buf_put(out, wire, n);
	return 0;
}

static int
encode_field(const struct codec_schema *s, const struct codec_field *f, const uint8_t *m, struct buf *out, int depth,
    struct error *e)
{
	struct slice bytes;

	if (f->type == CODEC_STRUCT)
		return encode_struct(f->of, m + f->offset, out, depth, e);
	if (f->type == CODEC_LIST)
		return encode_list(s, f, m, out, depth, e);
	if (f->type != CODEC_BYTES)
		return encode_number(s, f, m, out, e);
	memcpy(&bytes, m + f->offset, sizeof bytes);
	if (bytes.len > count_max(f))
		return over(e, s, f);
	(void)buf_put_u32(out, (uint32_t)bytes.len);
	(void)buf_put_slice(out, bytes);
	return 0;
}

static int
encode_struct(const struct codec_schema *s, const uint8_t *m, struct buf *out, int depth, struct error *e)
{
	if (depth >= CODEC_DEPTH_MAX)
		return error_set(e, ERR_LIMIT, "message %s is nested too deep", s->name);
	for (size_t i = 0; i < s->field_count; i++) {
		int rc = encode_field(s, &s->fields[i], m, out, depth + 1, e);

		if (rc != 0)
			return rc;
	}
	if (out->err != 0)
		return error_set(e, out->err, "message %s does not fit", s->name);
	return 0;
}

int
codec_encode(const struct codec_schema *schema, const void *message, struct buf *out, struct error *e)
{
	return encode_struct(schema, message, out, 0, e);
}

static int
decode_number(const struct codec_schema *s, const struct codec_field *f, struct reader *r, uint8_t *m, struct error *e)
{
	size_t n = number_size(f->type);
	struct slice wire = reader_get(r, n);
	uint64_t v = 0;

	for (size_t i = 0; i < wire.len; i++)
		v = v << 8 | wire.data[i];
	if (v > number_max(f))
		return over(e, s, f);
	if (n == 1) {
		m[f->offset] = (uint8_t)v;
	} else if (n == 2) {
		uint16_t w = (uint16_t)v;

		memcpy(m + f->offset, &w, sizeof w);
	} else if (n == 4) {
		uint32_t w = (uint32_t)v;

		memcpy(m + f->offset, &w, sizeof w);
	} else {
		memcpy(m + f->offset, &v, sizeof v);
	}
	return 0;
}

/* The least number of octets that one element takes on the wire: bounds a list's count before memory is taken for it. */
static size_t
wire_min(const struct codec_schema *s, int depth)
{
	size_t n = 0;

	if (depth >= CODEC_DEPTH_MAX)
		return 1;
	for (size_t i = 0; i < s->field_count; i++) {
		const struct codec_field *f = &s->fields[i];

		if (f->type == CODEC_STRUCT)
			n += wire_min(f->of, depth + 1);
		else if (f->type == CODEC_BYTES || f->type == CODEC_LIST)
			n += 4;
		else
			n += number_size(f->type);
	}
	return n == 0 ? 1 : n;
}

static int
decode_list(const struct codec_schema *s, const struct codec_field *f, struct reader *r, struct arena *a, uint8_t *m,
    int depth, struct error *e)
{
	size_t count = reader_get_u32(r);
	uint8_t *elements;

	if (count > count_max(f))
		return over(e, s, f);
	if (r->err != 0 || count > reader_left(r) / wire_min(f->of, depth))
		return error_set(e, ERR_TRUNCATED, "message %s: list %s is cut short", s->name, f->name);
	elements = arena_array(a, count, f->of->size);
	if (elements == NULL)
		return error_set(e, a->err, "message %s: no memory for list %s", s->name, f->name);
	for (size_t i = 0; i < count; i++) {
		int rc = decode_struct(f->of, r, a, elements + i * f->of->size, depth, e);

		if (rc != 0)
			return rc;
	}
	memcpy(m + f->offset, &elements, sizeof elements);
	memcpy(m + f->count_offset, &count, sizeof count);
	return 0;
}

static int
decode_bytes(const struct codec_schema *s, const struct codec_field *f, struct reader *r, struct arena *a, uint8_t *m,
    struct error *e)
{
	size_t len = reader_get_u32(r);
	struct slice got;

	if (len > count_max(f))
		return over(e, s, f);
	got = reader_get(r, len);
	if (r->err != 0)
		return error_set(e, ERR_TRUNCATED, "message %s: field %s is cut short", s->name, f->name);
	got = arena_copy(a, got);
	if (a->err != 0)
		return error_set(e, a->err, "message %s: no memory for field %s", s->name, f->name);
	memcpy(m + f->offset, &got, sizeof got);
	return 0;
}

static int
decode_struct(const struct codec_schema *s, struct reader *r, struct arena *a, uint8_t *m, int depth, struct error *e)
{
	if (depth >= CODEC_DEPTH_MAX)
		return error_set(e, ERR_LIMIT, "message %s is nested too deep", s->name);
	for (size_t i = 0; i < s->field_count; i++) {
		const struct codec_field *f = &s->fields[i];
		int rc;

		if (f->type == CODEC_STRUCT)
			rc = decode_struct(f->of, r, a, m + f->offset, depth + 1, e);
		else if (f->type == CODEC_LIST)
			rc = decode_list(s, f, r, a, m, depth + 1, e);
		else if (f->type == CODEC_BYTES)
			rc = decode_bytes(s, f, r, a, m, e);
		else
			rc = decode_number(s, f, r, m, e);
		if (rc != 0)
			return rc;
	}
	if (r->err != 0)
		return error_set_at(e, ERR_TRUNCATED, r->at, "message %s is cut short", s->name);
	return 0;
}

int
codec_decode(const struct codec_schema *schema, struct slice in, struct arena *a, void *message_out, struct error *e)
{
	struct reader r = reader_of(in);
	int rc;

	memset(message_out, 0, schema->size);
	rc = decode_struct(schema, &r, a, message_out, 0, e);
	if (rc != 0)
		return rc;
	if (reader_left(&r) != 0)
		return error_set_at(e, ERR_SYNTAX, r.at, "message %s has octets left over", schema->name);
	return 0;
}

int
codec_frame_put(struct buf *out, uint16_t type, uint64_t ticket, const struct codec_schema *schema, const void *message,
    struct error *e)
{
	size_t start = out->len, body;
	int rc;

	(void)buf_put_u32(out, 0);
	(void)buf_put_u16(out, type);
	(void)buf_put_u64(out, ticket);
	rc = codec_encode(schema, message, out, e);
	if (rc == 0 && out->len - start - 4 > CODEC_FRAME_MAX)
		rc = error_set(e, ERR_LIMIT, "message %s is larger than a frame may be", schema->name);
	if (rc != 0) {
		buf_truncate(out, start);
		return rc;
	}
	body = out->len - start - 4;
	for (size_t i = 0; i < 4; i++)
		out->data[start + i] = (uint8_t)(body >> (8 * (3 - i)));
	return 0;
}

int
codec_frame_next(struct slice in, struct codec_frame *frame_out, size_t *used_out, struct error *e)
{
	struct reader r = reader_of(in);
	size_t len;

	if (in.len < 4)
		return 0;
	len = reader_get_u32(&r);
	if (len > CODEC_FRAME_MAX)
		return error_set(e, ERR_LIMIT, "a frame of %zu octets is larger than a frame may be", len);
	if (len < CODEC_FRAME_HEAD - 4)
		return error_set(e, ERR_SYNTAX, "a frame of %zu octets is too short for its head", len);
	if (in.len - 4 < len)
		return 0;
	frame_out->type = reader_get_u16(&r);
	frame_out->ticket = reader_get_u64(&r);
	frame_out->body = slice_sub(in, r.at, len + 4 - r.at);
	*used_out = len + 4;
	return 1;
}
