/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/codec.h"

struct inner {
	uint32_t id;
	struct slice name;
};

struct outer {
	bool flag;
	int64_t when;
	struct inner one;
	const struct inner *many;
	size_t many_count;
	const uint32_t *uids;
	size_t uid_count;
};

static const struct codec_field inner_fields[] = {
	CODEC_FIELD(struct inner, id, CODEC_U32, 1000),
	CODEC_FIELD(struct inner, name, CODEC_BYTES, 16),
};
static const struct codec_schema inner_schema = CODEC_SCHEMA(inner, inner_fields);
static const struct codec_field outer_fields[] = {
	CODEC_FIELD(struct outer, flag, CODEC_BOOL, 0),
	CODEC_FIELD(struct outer, when, CODEC_I64, 0),
	CODEC_FIELD_STRUCT(struct outer, one, &inner_schema),
	CODEC_FIELD_LIST(struct outer, many, many_count, &inner_schema, 3),
	CODEC_FIELD_LIST(struct outer, uids, uid_count, &codec_schema_u32, 0),
};
static const struct codec_schema outer_schema = CODEC_SCHEMA(outer, outer_fields);

static const struct inner two[] = { { 1, { (const uint8_t *)"a", 1 } }, { 2, { NULL, 0 } } };
static const uint32_t uids[] = { 5, 6, 7 };
static const struct outer sample = {
	.flag = true,
	.when = -5,
	.one = { 999, { (const uint8_t *)"one", 3 } },
	.many = two,
	.many_count = 2,
	.uids = uids,
	.uid_count = 3,
};

static void
what_is_encoded_is_decoded(void **state)
{
	struct buf b;
	struct arena a;
	struct outer got;
	struct codec_frame f;
	size_t used;

	(void)state;
	buf_init(&b, 1000);
	arena_init(&a, 10000);
	assert_ok(codec_frame_put(&b, 7, 42, &outer_schema, &sample, &unit_error));
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(codec_frame_next(slice_sub(buf_slice(&b), 0, n), &f, &used, NULL), 0);
	assert_int_equal(codec_frame_next(buf_slice(&b), &f, &used, NULL), 1);
	assert_int_equal(used, b.len);
	assert_int_equal(f.type, 7);
	assert_int_equal(f.ticket, 42);
	assert_ok(codec_decode(&outer_schema, f.body, &a, &got, &unit_error));
	assert_true(got.flag && got.when == -5 && got.one.id == 999);
	assert_slice(got.one.name, "one");
	assert_int_equal(got.many_count, 2);
	assert_slice(got.many[0].name, "a");
	assert_int_equal(got.uids[2], 7);
	buf_done(&b);
	arena_done(&a);
}

static void
cut_flipped_and_over_long_input_is_refused(void **state)
{
	struct buf b;
	struct arena a;
	struct outer got;

	(void)state;
	buf_init(&b, 1000);
	arena_init(&a, 1000000);
	assert_ok(codec_encode(&outer_schema, &sample, &b, &unit_error));
	for (size_t n = 0; n < b.len; n++)
		assert_true(codec_decode(&outer_schema, slice_sub(buf_slice(&b), 0, n), &a, &got, NULL) < 0);
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		(void)codec_decode(&outer_schema, buf_slice(&b), &a, &got, NULL);
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		arena_done(&a);
	}
	(void)buf_put_u8(&b, 0);
	assert_int_equal(codec_decode(&outer_schema, buf_slice(&b), &a, &got, NULL), ERR_SYNTAX);
	buf_done(&b);
	arena_done(&a);
}

static void
maxima_hold_when_encoding(void **state)
{
	struct buf b;
	struct outer m = sample;

	(void)state;
	buf_init(&b, 1000);
	m.one.id = 1001;
	assert_int_equal(codec_frame_put(&b, 1, 1, &outer_schema, &m, NULL), ERR_LIMIT);
	assert_int_equal(b.len, 0);
	m.one.id = 1;
	m.one.name = SLICE("longer than sixteen octets");
	assert_int_equal(codec_encode(&outer_schema, &m, &b, NULL), ERR_LIMIT);
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(what_is_encoded_is_decoded), UNIT_TEST(cut_flipped_and_over_long_input_is_refused),
    UNIT_TEST(maxima_hold_when_encoding))
