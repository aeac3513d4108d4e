/* SPDX-License-Identifier: ISC */
#include "base/crc.h"

#include <string.h>

#include "base/crc_table.h"

uint32_t
crc24(uint32_t crc, struct slice in)
{
	const uint8_t *p = in.data;
	uint32_t r = crc << 8;
	size_t n = in.len;

	for (; n >= 8; n -= 8, p += 8) {
		r ^= (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
		r = crc24_table[7][r >> 24] ^ crc24_table[6][r >> 16 & 255] ^ crc24_table[5][r >> 8 & 255] ^
		    crc24_table[4][r & 255] ^ crc24_table[3][p[4]] ^ crc24_table[2][p[5]] ^ crc24_table[1][p[6]] ^
		    crc24_table[0][p[7]];
	}
	for (; n > 0; n--)
		r = r << 8 ^ crc24_table[0][r >> 24 ^ *p++];
	return r >> 8;
}

static uint32_t
crc32c_by_table(uint32_t r, const uint8_t *p, size_t n)
{
	for (; n >= 8; n -= 8, p += 8) {
		r ^= (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
		r = crc32c_table[7][r & 255] ^ crc32c_table[6][r >> 8 & 255] ^ crc32c_table[5][r >> 16 & 255] ^
		    crc32c_table[4][r >> 24] ^ crc32c_table[3][p[4]] ^ crc32c_table[2][p[5]] ^ crc32c_table[1][p[6]] ^
		    crc32c_table[0][p[7]];
	}
	for (; n > 0; n--)
		r = r >> 8 ^ crc32c_table[0][(r ^ *p++) & 255];
	return r;
}

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
crc32c_by_instruction(uint32_t r, const uint8_t *p, size_t n)
{
	uint64_t wide = r, word;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, 8);
		wide = _mm_crc32_u64(wide, word);
	}
	for (; n > 0; n--)
		wide = _mm_crc32_u8((uint32_t)wide, *p++);
	return (uint32_t)wide;
}

uint32_t
crc32c(uint32_t crc, struct slice in)
{
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc32c_by_instruction(~crc, in.data, in.len);
	return ~crc32c_by_table(~crc, in.data, in.len);
}

#else

uint32_t
crc32c(uint32_t crc, struct slice in)
{
	return ~crc32c_by_table(~crc, in.data, in.len);
}

#endif
