/* SPDX-License-Identifier: ISC */
#include "base/hex.h"

static int
write_digits(struct buf *out, struct slice in, const char *digits)
{
	size_t need;
	uint8_t *p;

	if (!size_mul(in.len, 2, &need))
		need = SIZE_MAX;
	p = buf_reserve(out, need);
	if (p == NULL)
		return out->err;
	for (size_t i = 0; i < in.len; i++) {
		*p++ = (uint8_t)digits[in.data[i] >> 4];
		*p++ = (uint8_t)digits[in.data[i] & 15];
	}
	buf_commit(out, need);
	return 0;
}

int
hex_write(struct buf *out, struct slice in)
{
	return write_digits(out, in, "0123456789abcdef");
}

int
hex_write_upper(struct buf *out, struct slice in)
{
	return write_digits(out, in, "0123456789ABCDEF");
}

int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_separator(uint8_t c)
{
	return c == ' ' || c == '\t' || c == ':';
}

static int
parse(struct slice text, size_t at, bool loose, struct buf *out, struct error *e)
{
	int high = -1;

	for (; at < text.len; at++) {
		int digit = hex_digit(text.data[at]);

		if (digit < 0 && loose && is_separator(text.data[at]))
			continue;
		if (digit < 0)
			return error_set_at(
			    e, ERR_SYNTAX, at, "this is not hexadecimal: only 0-9 and a-f may stand here");
		if (high >= 0)
			(void)buf_put_u8(out, (uint8_t)(high << 4 | digit));
		high = high < 0 ? digit : -1;
	}
	if (high >= 0)
		return error_set_at(e, ERR_SYNTAX, text.len, "hexadecimal text with an odd number of digits");
	if (out->err != 0)
		return error_set(e, out->err, "hexadecimal text is longer than permitted here");
	return 0;
}

static int
parse_whole(struct slice text, size_t at, bool loose, struct buf *out, struct error *e)
{
	size_t before = out->len;
	int rc = parse(text, at, loose, out, e);

	if (rc != 0)
		buf_truncate(out, before);
	return rc;
}

int
hex_parse(struct slice text, struct buf *out, struct error *e)
{
	return parse_whole(text, 0, false, out, e);
}

int
hex_parse_loose(struct slice text, struct buf *out, struct error *e)
{
	return parse_whole(text, slice_istarts(text, SLICE("0x")) ? 2 : 0, true, out, e);
}
