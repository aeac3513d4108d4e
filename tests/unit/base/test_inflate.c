/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/buf.h"
#include "base/inflate.h"
#include "base/mem.h"

#define DATA 100000u

static int
pack(enum inflate_format format, struct slice in, size_t step, struct buf *out)
{
	struct deflater *z;
	uint8_t piece[97];
	size_t n;
	int rc = 0;

	assert_ok(deflater_new(format, 6, &z, &unit_error));
	while (rc == 0) {
		struct slice part = slice_sub(in, 0, step);

		rc = deflater_step(z, &part, part.len == in.len, piece, sizeof piece, &n, &unit_error);
		in = slice_from(in, size_min(in.len, step) - part.len);
		(void)buf_put(out, piece, n);
	}
	deflater_free(z);
	return rc;
}

static int
unpack(const struct inflater_options *o, struct slice *in, size_t step, struct buf *out)
{
	struct inflater *z;
	uint8_t piece[1000];
	size_t n = 1, taken;
	int rc = 0;

	assert_ok(inflater_new(o, &z, &unit_error));
	while (rc == 0) {
		struct slice part = slice_sub(*in, 0, step);

		taken = part.len;
		rc = inflater_step(z, &part, piece, sizeof piece, &n, &unit_error);
		*in = slice_from(*in, taken - part.len);
		(void)buf_put(out, piece, n);
		if (rc == 0 && n == 0 && in->len == 0)
			rc = ERR_TRUNCATED;
	}
	inflater_free(z);
	return rc;
}

static void
fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i % 251 * (i / 1000));
}

static void
what_went_in_comes_out(void **state)
{
	static uint8_t data[DATA];
	struct buf packed, back;

	(void)state;
	fill(data, sizeof data);
	for (int f = INFLATE_RAW; f <= INFLATE_BZIP2; f++) {
		struct inflater_options o = { .format = (enum inflate_format)f, .output_max = DATA };
		struct slice in;

		buf_init(&packed, 200000);
		buf_init(&back, 200000);
		assert_int_equal(pack(o.format, slice_of(data, sizeof data), 777, &packed), 1);
		(void)buf_put_str(&packed, "behind");
		in = buf_slice(&packed);
		assert_int_equal(unpack(&o, &in, 13, &back), 1);
		assert_slice(in, "behind");
		assert_slices(buf_slice(&back), slice_of(data, sizeof data));
		buf_clear(&back);
		o.output_max = DATA - 1;
		in = buf_slice(&packed);
		assert_int_equal(unpack(&o, &in, 1000000, &back), ERR_LIMIT);
		assert_int_equal(back.len, DATA - 1);
		o.output_max = DATA;
		for (size_t cut = 0; cut < packed.len - 6; cut += 1 + packed.len / 50) {
			in = slice_sub(buf_slice(&packed), 0, cut);
			buf_clear(&back);
			assert_int_equal(unpack(&o, &in, 1000000, &back), ERR_TRUNCATED);
		}
		buf_done(&packed);
		buf_done(&back);
	}
}

static void
bzip2_is_read(void **state)
{
	/* "letterlock\n" as bzip2 writes it */
	static const uint8_t packed[] = {
		0x42,
		0x5a,
		0x68,
		0x39,
		0x31,
		0x41,
		0x59,
		0x26,
		0x53,
		0x59,
		0x5f,
		0xcc,
		0xfd,
		0x38,
		0x00,
		0x00,
		0x02,
		0xc1,
		0x80,
		0x00,
		0x10,
		0x0a,
		0x0c,
		0x94,
		0x00,
		0x20,
		0x00,
		0x31,
		0x0c,
		0x08,
		0x20,
		0x66,
		0xa6,
		0x88,
		0x9c,
		0x11,
		0x43,
		0x3c,
		0x5d,
		0xc9,
		0x14,
		0xe1,
		0x42,
		0x41,
		0x7f,
		0x33,
		0xf4,
		0xe0,
	};
	struct inflater_options o = { .format = INFLATE_BZIP2, .output_max = 100 };
	struct slice in = slice_of(packed, sizeof packed);
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(unpack(&o, &in, 3, &b), 1);
	assert_slice(buf_slice(&b), "letterlock\n");
	assert_int_equal(in.len, 0);
	for (size_t i = 0; i < sizeof packed; i++) {
		uint8_t copy[sizeof packed];

		memcpy(copy, packed, sizeof packed);
		copy[i] ^= 4;
		in = slice_of(copy, sizeof copy);
		buf_clear(&b);
		if (unpack(&o, &in, 100, &b) == 1)
			assert_slice(buf_slice(&b), "letterlock\n");
	}
	buf_done(&b);
}

/* 16 MiB of zeros in some 16 KiB: the ratio ends it early. */
static void
a_bomb_is_refused(void **state)
{
	static uint8_t zeros[16 << 20];
	struct inflater_options o = { .format = INFLATE_RAW, .output_max = UINT64_MAX, .ratio_max = 200 };
	struct buf packed, back;
	struct slice in;

	(void)state;
	buf_init(&packed, 1 << 20);
	buf_init(&back, 32 << 20);
	assert_int_equal(pack(INFLATE_RAW, slice_of(zeros, sizeof zeros), 1 << 20, &packed), 1);
	in = buf_slice(&packed);
	assert_int_equal(unpack(&o, &in, 100, &back), ERR_LIMIT);
	assert_true(back.len <= 2 << 20);
	buf_done(&packed);
	buf_done(&back);
}

static void
no_memory_is_an_error(void **state)
{
	struct inflater_options o = { .format = INFLATE_ZLIB, .output_max = 10 };
	struct inflater *z;
	struct deflater *d;

	(void)state;
	for (long n = 0; n < 2; n++) {
		mem_fail_after(n);
		assert_int_equal(inflater_new(&o, &z, NULL), ERR_NOMEM);
		for (int f = INFLATE_RAW; f <= INFLATE_BZIP2; f++) {
			mem_fail_after(n);
			assert_int_equal(deflater_new((enum inflate_format)f, 6, &d, NULL), ERR_NOMEM);
		}
	}
	mem_fail_after(-1);
	inflater_free(NULL);
	deflater_free(NULL);
}

UNIT_MAIN(UNIT_TEST(what_went_in_comes_out), UNIT_TEST(bzip2_is_read), UNIT_TEST(a_bomb_is_refused),
    UNIT_TEST(no_memory_is_an_error))
