/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/crc.h"

/* The loop of RFC 9580 section 6.1.1. */
static uint32_t
crc24_by_the_book(struct slice in)
{
	uint32_t crc = CRC24_INIT;

	for (size_t i = 0; i < in.len; i++) {
		crc ^= (uint32_t)in.data[i] << 16;
		for (int k = 0; k < 8; k++) {
			crc <<= 1;
			if (crc & 0x1000000)
				crc ^= 0x864cfb;
		}
	}
	return crc & 0xffffff;
}

static uint32_t
crc32c_by_the_book(struct slice in)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < in.len; i++) {
		crc ^= in.data[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static void
known_values(void **state)
{
	(void)state;
	assert_int_equal(crc24(CRC24_INIT, SLICE_EMPTY), 0xb704ce);
	assert_int_equal(crc24(CRC24_INIT, SLICE("123456789")), 0x21cf02);
	assert_int_equal(crc32c(0, SLICE("123456789")), 0xe3069283);
	assert_int_equal(crc32c(0, SLICE_EMPTY), 0);
}

static void
every_length_whole_and_in_two_pieces(void **state)
{
	uint8_t data[700];

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 167 + (i >> 3));
	for (size_t n = 0; n <= sizeof data; n++) {
		struct slice in = slice_of(data, n), a = slice_sub(in, 0, n / 3), b = slice_from(in, n / 3);

		assert_int_equal(crc24(CRC24_INIT, in), crc24_by_the_book(in));
		assert_int_equal(crc24(crc24(CRC24_INIT, a), b), crc24_by_the_book(in));
		assert_int_equal(crc32c(0, in), crc32c_by_the_book(in));
		assert_int_equal(crc32c(crc32c(0, a), b), crc32c_by_the_book(in));
	}
}

UNIT_MAIN(UNIT_TEST(known_values), UNIT_TEST(every_length_whole_and_in_two_pieces))
