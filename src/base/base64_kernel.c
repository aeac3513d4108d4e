/* SPDX-License-Identifier: ISC */
/*
 * The inner loops of base64. The vector form is the one known from Mula and
 * Lemire ("Faster Base64 Encoding and Decoding using AVX2 Instructions"): six
 * bits are moved to octets by two multiplications, and letters are found by
 * adding an offset that a shuffle looks up by range.
 */
#include "base/base64_kernel.h"

static void
encode_groups(const uint8_t *in, size_t len, uint8_t *out)
{
	for (size_t i = 0; i + 3 <= len; i += 3, out += 4) {
		uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];

		out[0] = base64_alphabet[v >> 18];
		out[1] = base64_alphabet[v >> 12 & 63];
		out[2] = base64_alphabet[v >> 6 & 63];
		out[3] = base64_alphabet[v & 63];
	}
}

static void
encode_table(const uint8_t *in, size_t len, size_t readable, uint8_t *out, int slack)
{
	(void)readable;
	(void)slack;
	encode_groups(in, len, out);
}

static size_t
decode_table(const uint8_t *in, size_t len, uint8_t *out)
{
	size_t i;

	for (i = 0; i + 4 <= len; i += 4, out += 3) {
		uint8_t a = base64_values[in[i]], b = base64_values[in[i + 1]];
		uint8_t c = base64_values[in[i + 2]], d = base64_values[in[i + 3]];

		if ((a | b | c | d) & 0x80)
			break;
		out[0] = (uint8_t)(a << 2 | b >> 4);
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[2] = (uint8_t)(c << 6 | d);
	}
	return i;
}

const struct base64_kernel base64_kernel_table = { encode_table, decode_table };

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i
encode_block(const uint8_t *in)
{
	const __m256i spread = _mm256_setr_epi8(
	    1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
	const __m256i offsets = _mm256_setr_epi8(65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0, 65, 71,
	    -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0);
	__m128i low = _mm_loadu_si128((const __m128i *)(const void *)in);
	__m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + 12));
	__m256i v = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread);
	__m256i a =
	    _mm256_mulhi_epu16(_mm256_and_si256(v, _mm256_set1_epi32(0x0fc0fc00)), _mm256_set1_epi32(0x04000040));
	__m256i b =
	    _mm256_mullo_epi16(_mm256_and_si256(v, _mm256_set1_epi32(0x003f03f0)), _mm256_set1_epi32(0x01000010));
	__m256i six = _mm256_or_si256(a, b);
	__m256i range = _mm256_subs_epu8(six, _mm256_set1_epi8(51));

	range = _mm256_sub_epi8(range, _mm256_cmpgt_epi8(six, _mm256_set1_epi8(25)));
	return _mm256_add_epi8(six, _mm256_shuffle_epi8(offsets, range));
}

AVX2 static void
encode_avx2(const uint8_t *in, size_t len, size_t readable, uint8_t *out, int slack)
{
	size_t i = 0, o = 0;

	for (; i + 24 <= len && i + 28 <= readable; i += 24, o += 32)
		_mm256_storeu_si256((__m256i *)(void *)(out + o), encode_block(in + i));
	/* The end of a line in the middle of a text: a whole block again, of which only the front counts. */
	if (slack && i < len && len - i < 24 && i + 28 <= readable)
		_mm256_storeu_si256((__m256i *)(void *)(out + o), encode_block(in + i));
	else
		encode_groups(in + i, len - i, out + o);
}

/* Which of the 32 characters are outside of the alphabet, one bit each. */
AVX2 static inline uint32_t
decode_block(__m256i v, uint8_t *out)
{
	const __m256i low_classes =
	    _mm256_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b,
		0x1a, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
	const __m256i high_classes =
	    _mm256_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10,
		0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
	const __m256i offsets = _mm256_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 19, 4,
	    -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
	const __m256i pack = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5, 4,
	    10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
	const __m256i slash = _mm256_set1_epi8(0x2f);
	__m256i high = _mm256_and_si256(_mm256_srli_epi32(v, 4), slash);
	__m256i classes = _mm256_and_si256(
	    _mm256_shuffle_epi8(low_classes, _mm256_and_si256(v, slash)), _mm256_shuffle_epi8(high_classes, high));
	uint32_t wrong = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(classes, _mm256_setzero_si256()));

	v = _mm256_add_epi8(v, _mm256_shuffle_epi8(offsets, _mm256_add_epi8(_mm256_cmpeq_epi8(v, slash), high)));
	v = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
	v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));
	v = _mm256_shuffle_epi8(v, pack);
	v = _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
	_mm256_storeu_si256((__m256i *)(void *)out, v);
	return wrong;
}

AVX2 static size_t
decode_avx2(const uint8_t *in, size_t len, uint8_t *out)
{
	size_t i = 0;

	while (i + 32 <= len) {
		uint32_t wrong = decode_block(_mm256_loadu_si256((const __m256i *)(const void *)(in + i)), out);
		size_t good;

		if (wrong == 0) {
			i += 32;
			out += 24;
			continue;
		}
		good = (size_t)__builtin_ctz(wrong) / 4 * 4;
		return i + good;
	}
	return i + decode_table(in + i, len - i, out);
}

static const struct base64_kernel kernel_avx2 = { encode_avx2, decode_avx2 };

const struct base64_kernel *
base64_kernel(void)
{
	return __builtin_cpu_supports("avx2") ? &kernel_avx2 : &base64_kernel_table;
}

#else

const struct base64_kernel *
base64_kernel(void)
{
	return &base64_kernel_table;
}

#endif
