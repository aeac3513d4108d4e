/* SPDX-License-Identifier: ISC */
#include "mime/header.h"
#include "unit.h"

#include "base/mem.h"

static const struct {
	const char *text;
	size_t length;
	size_t count;
	bool no_blank;
} blocks[] = {
	{ "A: b\r\n\r\nbody", 8, 1, false },
	{ "A: b\n\nbody", 6, 1, false },
	{ "A: b\r\n c\r\n\td\r\nB:\r\n\r\n", 20, 2, false },
	{ "A: b\r\nno field here\r\nC: d\r\n\r\n", 6, 1, true },
	{ "A: b\r\n\rC: d\r\n\r\n", 6, 1, true },
	{ "A : b\r\n\r\n", 9, 1, false },
	{ "\r\nbody", 2, 0, false },
	{ "\nA: b\n", 1, 0, false },
	{ "", 0, 0, true },
	{ "A: b", 4, 1, true },
	{ "just text", 0, 0, true },
	{ " A: b\r\n\r\n", 0, 0, true },
	{ "From joe Mon Jan  1 00:00:00 2024\nA: b\n\nx", 40, 1, false },
	{ "From : joe\n\n", 12, 1, false },
	{ "A: b\nFrom joe\nC: d\n\n", 5, 1, true },
	{ "From\n\n", 0, 0, true },
	{ "A: b\n \nC: d\n\n", 13, 2, false },
	{ "\xc3\xa4: b\n\n", 0, 0, true },
	{ ": b\n\n", 0, 0, true },
	{ "A:b\rc\n\n", 7, 1, false },
};

static void
blocks_end_where_they_must(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
		struct slice in = slice_str(blocks[i].text);
		struct mime_header h;
		struct arena a;

		arena_init(&a, 1 << 16);
		assert_ok(mime_header_parse(in, &a, &h, &unit_error));
		if (h.length != blocks[i].length || h.count != blocks[i].count || h.no_blank != blocks[i].no_blank)
			fail_msg("row %zu: length %zu count %zu no_blank %d", i, h.length, h.count, h.no_blank);
		assert_int_equal(mime_header_length(in), blocks[i].length);
		arena_done(&a);
	}
}

/* Fed in two pieces cut anywhere, the scanner sees the same length. */
static void
scan_agrees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
		struct slice in = slice_str(blocks[i].text);

		for (size_t cut = 0; cut <= in.len; cut++) {
			struct mime_header_scan s;

			mime_header_scan_init(&s);
			(void)mime_header_scan_feed(&s, slice_sub(in, 0, cut));
			for (size_t k = cut; k < in.len && !s.done; k++)
				(void)mime_header_scan_feed(&s, slice_sub(in, k, 1));
			mime_header_scan_end(&s);
			if (s.length != blocks[i].length)
				fail_msg("row %zu cut %zu: length %zu", i, cut, (size_t)s.length);
		}
	}
}

static void
fields_are_found(void **state)
{
	struct slice in = slice_str("To: a\r\nSubject: one\r\n two\r\nto:  b \r\n\r\n");
	const struct mime_field *f;
	struct mime_header h;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	assert_ok(mime_header_parse(in, &a, &h, &unit_error));
	assert_int_equal(mime_header_count(&h, "TO"), 2);
	f = mime_header_find(&h, "to");
	assert_slice(f->value, " a");
	assert_slice(f->whole, "To: a\r\n");
	f = mime_header_next(&h, f, "to");
	assert_slice(slice_trim(f->value), "b");
	assert_null(mime_header_next(&h, f, "to"));
	assert_slice(mime_unfold_copy(mime_header_value(&h, "subject"), &a), "one two");
	assert_int_equal(mime_header_value(&h, "Cc").len, 0);
	arena_done(&a);
}

static void
fields_are_selected(void **state)
{
	static const struct slice names[] = { { (const uint8_t *)"subject", 7 }, { (const uint8_t *)"X", 1 } };
	struct slice in = slice_str("To: a\r\nSubject: one\r\n two\r\nto: b\r\nx: y");
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(mime_header_select(in, names, 2, false, &out), 0);
	assert_slice(buf_slice(&out), "Subject: one\r\n two\r\nx: y\r\n\r\n");
	buf_clear(&out);
	assert_int_equal(mime_header_select(in, names, 2, true, &out), 0);
	assert_slice(buf_slice(&out), "To: a\r\nto: b\r\n\r\n");
	buf_done(&out);
}

static void
huge_headers_are_cut(void **state)
{
	struct mime_header h;
	struct arena a;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < MIME_FIELDS_MAX + 10; i++)
		(void)buf_put_str(&b, "a: b\n");
	(void)buf_put_str(&b, "\nbody");
	arena_init(&a, 1 << 20);
	assert_ok(mime_header_parse(buf_slice(&b), &a, &h, &unit_error));
	assert_int_equal(h.count, MIME_FIELDS_MAX);
	assert_true(h.cut);
	assert_int_equal(h.length, b.len - 4);
	arena_done(&a);
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(blocks_end_where_they_must), UNIT_TEST(scan_agrees), UNIT_TEST(fields_are_found),
    UNIT_TEST(fields_are_selected), UNIT_TEST(huge_headers_are_cut))
