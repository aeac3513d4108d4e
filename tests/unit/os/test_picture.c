/* SPDX-License-Identifier: ISC */
/* QR codes as base/qr.h writes them, read again by another library; pictures that lie about themselves. */
#include "unit.h"

#include "base/qr.h"
#include "os/picture.h"

static struct buf found;

static int
take(void *ctx, struct slice text, struct error *e)
{
	(void)ctx;
	(void)e;
	(void)buf_put_slice(&found, text);
	return buf_put_u8(&found, '\n');
}

static const char *const texts[] = {
	"OPENPGP4FPR:D1A66E1A23B182C9980F788CFBFCC82A015E7330",
	"https://example.org/?q=1&r=2",
	"A",
};

static void
codes_are_read_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (enum qr_level level = QR_LEVEL_L; level <= QR_LEVEL_H; level++) {
			struct picture p = { .grey = { .max = 1 << 24 } }, again;
			struct buf file = { .max = 1 << 24 };
			size_t count;
			struct qr q;

			found = (struct buf){ .max = 10000 };
			assert_ok(qr_make(slice_str(texts[i]), level, &q, &unit_error));
			assert_ok(qr_write_grey(&q, 4, &p.grey, &p.width));
			p.height = p.width;
			assert_ok(picture_write_png(&p, &file, &unit_error));
			assert_ok(picture_read(buf_slice(&file), &again, &unit_error));
			assert_int_equal(again.width, p.width);
			assert_slices(buf_slice(&again.grey), buf_slice(&p.grey));
			assert_ok(picture_codes(&again, take, NULL, &count, &unit_error));
			assert_int_equal(count, 1);
			assert_slices(slice_sub(buf_slice(&found), 0, found.len - 1), slice_str(texts[i]));
			picture_done(&again);
			picture_done(&p);
			buf_done(&file);
			buf_done(&found);
			qr_done(&q);
		}
	}
}

static void
no_code(void **state)
{
	struct picture p = { .width = 100, .height = 100, .grey = { .max = 10000 } };
	size_t count = 7;

	(void)state;
	for (size_t i = 0; i < 10000; i++)
		assert_ok(buf_put_u8(&p.grey, (uint8_t)(i * 7)));
	assert_ok(picture_codes(&p, take, NULL, &count, &unit_error));
	assert_int_equal(count, 0);
	picture_done(&p);
}

/* A header that says 20,000 x 20,000, and one that says nothing. */
static void
bounds(void **state)
{
	static const char large[] =
	    "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x4e\x20\0\0\x4e\x20\x08\0\0\0\0\x4a\x2b\x89\x41";
	struct picture p = { .width = 30, .height = 30, .grey = { .max = 900 } }, again;
	struct buf file = { .max = 1 << 20 };

	(void)state;
	assert_int_equal(picture_read(SLICE_EMPTY, &again, &unit_error), ERR_SYNTAX);
	assert_int_equal(picture_read(SLICE("GIF89a"), &again, &unit_error), ERR_SYNTAX);
	assert_int_equal(picture_read(SLICE("\xff\xd8\xff\xe0"), &again, &unit_error), ERR_SYNTAX);
	assert_int_not_equal(picture_read(slice_of(large, sizeof large - 1), &again, &unit_error), 0);
	for (size_t i = 0; i < 900; i++)
		assert_ok(buf_put_u8(&p.grey, (uint8_t)(i * i)));
	assert_ok(picture_write_png(&p, &file, &unit_error));
	for (size_t i = 0; i < file.len; i++)
		if (picture_read(slice_sub(buf_slice(&file), 0, i), &again, &unit_error) == 0)
			picture_done(&again);
	/* The same picture, that says it had 2^20 x 30 pixels. */
	file.data[17] = 0x10;
	assert_int_not_equal(picture_read(buf_slice(&file), &again, &unit_error), 0);
	picture_done(&p);
	buf_done(&file);
}

UNIT_MAIN(UNIT_TEST(codes_are_read_again), UNIT_TEST(no_code), UNIT_TEST(bounds))
