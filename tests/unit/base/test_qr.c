/* SPDX-License-Identifier: ISC */
/* The codes are read by another library in os/test_picture.c; here is what needs none. */
#include "unit.h"

#include "base/mem.h"
#include "base/qr.h"

static const struct {
	const char *text;
	enum qr_level level;
	unsigned width; /* by tables 1 and 7 of ISO/IEC 18004 */
} rows[] = {
	{ "A", QR_LEVEL_L, 21 },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAA", QR_LEVEL_L, 21 },  /* 25 in capitals are the most of version 1 */
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAA", QR_LEVEL_L, 25 }, /* 26 are not */
	{ "aaaaaaaaaaaaaaaaa", QR_LEVEL_L, 21 },          /* 17 octets are */
	{ "aaaaaaaaaaaaaaaaaa", QR_LEVEL_L, 25 },
	{ "OPENPGP4FPR:D1A66E1A23B182C9980F788CFBFCC82A015E7330", QR_LEVEL_M, 29 },
	{ "AAAAAAAAAA", QR_LEVEL_H, 21 },
	{ "AAAAAAAAAAA", QR_LEVEL_H, 25 },
};

static void
widths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct qr q;

		assert_ok(qr_make(slice_str(rows[i].text), rows[i].level, &q, &unit_error));
		assert_int_equal(q.width, rows[i].width);
		/* A finder's corner, its light ring, its centre; nothing outside. */
		assert_true(qr_is_dark(&q, 0, 0) && qr_is_dark(&q, q.width - 1, 0) && qr_is_dark(&q, 0, q.width - 1));
		assert_false(qr_is_dark(&q, 1, 1));
		assert_true(qr_is_dark(&q, 3, 3));
		assert_false(qr_is_dark(&q, q.width, 0) || qr_is_dark(&q, 0, q.width) || qr_is_dark(&q, UINT32_MAX, 0));
		qr_done(&q);
	}
}

static void
limits(void **state)
{
	static uint8_t text[QR_TEXT_MAX + 1];
	struct qr q;

	(void)state;
	assert_int_equal(qr_make(SLICE_EMPTY, QR_LEVEL_L, &q, &unit_error), ERR_USAGE);
	qr_done(&q);
	memset(text, 'A', sizeof text);
	assert_ok(qr_make(slice_of(text, QR_TEXT_MAX), QR_LEVEL_L, &q, &unit_error));
	assert_int_equal(q.width, QR_WIDTH_MAX);
	qr_done(&q);
	assert_int_equal(qr_make(slice_of(text, QR_TEXT_MAX + 1), QR_LEVEL_L, &q, &unit_error), ERR_LIMIT);
	qr_done(&q);
	memset(text, 'a', sizeof text);
	assert_ok(qr_make(slice_of(text, 2953), QR_LEVEL_L, &q, &unit_error));
	qr_done(&q);
	assert_int_equal(qr_make(slice_of(text, 2954), QR_LEVEL_L, &q, &unit_error), ERR_LIMIT);
	qr_done(&q);
	mem_fail_after(0);
	assert_int_equal(qr_make(SLICE("a"), QR_LEVEL_L, &q, &unit_error), ERR_NOMEM);
	mem_fail_after(-1);
	qr_done(&q);
}

static size_t
lines_of(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

static void
forms(void **state)
{
	BUF_OWNED struct buf b = { .max = 1 << 20 };
	unsigned side;
	struct qr q;

	(void)state;
	assert_ok(qr_make(SLICE("OPENPGP4FPR:0123"), QR_LEVEL_M, &q, &unit_error));
	assert_int_equal(q.width, 21);
	assert_ok(qr_write_svg(&q, SLICE("a <b> & \"c\""), &b));
	assert_true(slice_starts(buf_slice(&b), SLICE("<svg xmlns=")) && slice_ends(buf_slice(&b), SLICE("</svg>")));
	assert_true(slice_search(buf_slice(&b), SLICE("viewBox=\"0 0 29 29\"")) != SIZE_MAX);
	assert_true(slice_search(buf_slice(&b), SLICE("<title>a &lt;b&gt; &amp; ")) != SIZE_MAX);
	assert_true(slice_search(buf_slice(&b), SLICE("d=\"M4 4h7v1h-7z")) != SIZE_MAX); /* the finder's first row */
	buf_clear(&b);
	assert_ok(qr_write_terminal(&q, false, &b));
	assert_int_equal(lines_of(&b), 15);
	assert_true(slice_starts(buf_slice(&b), SLICE("\xE2\x96\x88")));
	buf_clear(&b);
	assert_ok(qr_write_grey(&q, 3, &b, &side));
	assert_int_equal(side, 87);
	assert_int_equal(b.len, 87 * 87);
	assert_int_equal(b.data[0], 255);
	assert_int_equal(b.data[12 * 87 + 12], 0);
	assert_int_equal(b.data[12 * 87 + 11], 255);
	qr_done(&q);
}

UNIT_MAIN(UNIT_TEST(widths), UNIT_TEST(limits), UNIT_TEST(forms))
