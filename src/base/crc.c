/* SPDX-License-Identifier: ISC */
#include "base/crc.h"

#include <string.h>

#include "base/crc_table.h"

/* r: the register's 24 bits above eight zero bits, so that it is a register of 32 for the polynomial 1864cfb00. */
static uint32_t
crc24_by_table(uint32_t r, const uint8_t *p, size_t n)
{
	for (; n >= 8; n -= 8, p += 8) {
		r ^= (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
		r = crc24_table[7][r >> 24] ^ crc24_table[6][r >> 16 & 255] ^ crc24_table[5][r >> 8 & 255] ^
		    crc24_table[4][r & 255] ^ crc24_table[3][p[4]] ^ crc24_table[2][p[5]] ^ crc24_table[1][p[6]] ^
		    crc24_table[0][p[7]];
	}
	for (; n > 0; n--)
		r = r << 8 ^ crc24_table[0][r >> 24 ^ *p++];
	return r;
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

#define CLMUL __attribute__((target("pclmul,ssse3")))
#define FOLD_MIN 128u /* octets from which folding pays */

/* Octet 0 is the highest in the polynomial. */
CLMUL static inline __m128i
load_swapped(const uint8_t *p)
{
	const __m128i swap = _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);

	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), swap);
}

/* v times x^D plus next, modulo the polynomial: k holds x^(D+64) above x^D. */
CLMUL static inline __m128i
fold(__m128i v, __m128i k, __m128i next)
{
	return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(v, k, 0x11), _mm_clmulepi64_si128(v, k, 0x00)), next);
}

/*
 * Carry-less multiplication (Gopal et al., "Fast CRC Computation for Generic
 * Polynomials Using PCLMULQDQ"): four lanes of 16 octets are moved on by 64
 * octets at a time; the 16 octets that remain go through the table.
 */
CLMUL static uint32_t
crc24_by_folding(uint32_t r, const uint8_t *p, size_t n)
{
	const __m128i by_64 = _mm_set_epi64x(0x1f428700, 0x467d2400); /* x^576, x^512 mod 1864cfb00 */
	const __m128i by_16 = _mm_set_epi64x(0x2c8c9d00, 0x64e4d700); /* x^192, x^128 */
	__m128i lane[4], v;
	uint8_t rest[16];

	for (size_t i = 0; i < 4; i++)
		lane[i] = load_swapped(p + 16 * i);
	lane[0] = _mm_xor_si128(lane[0], _mm_slli_si128(_mm_cvtsi32_si128((int)r), 12));
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		for (size_t i = 0; i < 4; i++)
			lane[i] = fold(lane[i], by_64, load_swapped(p + 16 * i));
	}
	v = fold(fold(fold(lane[0], by_16, lane[1]), by_16, lane[2]), by_16, lane[3]);
	for (; n >= 16; p += 16, n -= 16)
		v = fold(v, by_16, load_swapped(p));
	v = _mm_shuffle_epi8(v, _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
	_mm_storeu_si128((__m128i *)(void *)rest, v);
	return crc24_by_table(crc24_by_table(0, rest, sizeof rest), p, n);
}

uint32_t
crc24(uint32_t crc, struct slice in)
{
	if (in.len >= FOLD_MIN && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3"))
		return crc24_by_folding(crc << 8, in.data, in.len) >> 8;
	return crc24_by_table(crc << 8, in.data, in.len) >> 8;
}

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
crc24(uint32_t crc, struct slice in)
{
	return crc24_by_table(crc << 8, in.data, in.len) >> 8;
}

uint32_t
crc32c(uint32_t crc, struct slice in)
{
	return ~crc32c_by_table(~crc, in.data, in.len);
}

#endif
