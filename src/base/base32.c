/* SPDX-License-Identifier: ISC */
#include "base/base32.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

int
base32_write(struct buf *out, struct slice in)
{
	uint32_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < in.len; i++) {
		bits = (bits << 8 | in.data[i]) & 0xfffu;
		for (count += 8; count >= 5; count -= 5)
			(void)buf_put_u8(out, (uint8_t)alphabet[bits >> (count - 5) & 31u]);
	}
	if (count > 0)
		(void)buf_put_u8(out, (uint8_t)alphabet[bits << (5 - count) & 31u]);
	return out->err;
}

/* -1: none. */
static int
value_of(uint8_t c)
{
	c = ascii_upper(c);
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return c == '0' ? 'O' - 'A' : c == '1' ? 'I' - 'A' : c == '8' ? 'B' - 'A' : -1;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
base32_parse(struct slice text, struct buf *out, struct error *e)
{
	uint32_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < text.len; i++) {
		int v = value_of(text.data[i]);

		if (is_space(text.data[i]))
			continue;
		if (v < 0)
			return error_set_at(e, ERR_SYNTAX, i, "a character that is no base32");
		bits = (bits << 5 | (uint32_t)v) & 0xfffu;
		count += 5;
		if (count < 8)
			continue;
		count -= 8;
		(void)buf_put_u8(out, (uint8_t)(bits >> count));
	}
	if (count >= 5 || (bits & ((1u << count) - 1)) != 0)
		return error_set_at(e, ERR_SYNTAX, text.len, "base32 that ends in the middle");
	return out->err == 0 ? 0 : error_set(e, out->err, "there is too much base32");
}
