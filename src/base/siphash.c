/* SPDX-License-Identifier: ISC */
#include "base/siphash.h"

struct state {
	uint64_t a, b, c, d;
};

static uint64_t
get_le(const uint8_t *data, size_t len)
{
	uint64_t x = 0;

	for (size_t i = 0; i < len; i++)
		x |= (uint64_t)data[i] << 8 * i;
	return x;
}

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
rounds(struct state *s, int count)
{
	for (; count > 0; count--) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotate(s->b, 13) ^ s->a;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a = rotate(s->a, 32) + s->d;
		s->c += s->b;
		s->d = rotate(s->d, 21) ^ s->a;
		s->b = rotate(s->b, 17) ^ s->c;
		s->c = rotate(s->c, 32);
	}
}

static void
absorb(struct state *s, uint64_t word)
{
	s->d ^= word;
	rounds(s, 2);
	s->a ^= word;
}

uint64_t
siphash(const uint8_t key[SIPHASH_KEY_SIZE], struct slice in)
{
	uint64_t k0 = get_le(key, 8), k1 = get_le(key + 8, 8);
	/* "somepseudorandomlygeneratedbytes" */
	struct state s = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
		k1 ^ 0x7465646279746573u };
	size_t at = 0;

	for (; in.len - at >= 8; at += 8)
		absorb(&s, get_le(in.data + at, 8));
	absorb(&s, get_le(in.data + at, in.len - at) | (uint64_t)in.len << 56);
	s.c ^= 0xff;
	rounds(&s, 4);
	return s.a ^ s.b ^ s.c ^ s.d;
}
