/* SPDX-License-Identifier: ISC */
#include "imap/mutf7.h"

#include <stdbool.h>

#include "base/utf8.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int
digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == ',' ? 63 : -1;
}

/* Base64 of UTF-16 units, most significant bits first. */
struct shift {
	uint32_t bits;
	unsigned count;
};

static void
shift_put(struct buf *out, struct shift *s, uint32_t unit)
{
	s->bits = (s->bits & 0x3f) << 16 | unit;
	for (s->count += 16; s->count >= 6; s->count -= 6)
		(void)buf_put_u8(out, (uint8_t)alphabet[s->bits >> (s->count - 6) & 0x3f]);
}

static void
shift_end(struct buf *out, struct shift *s)
{
	if (s->count > 0)
		(void)buf_put_u8(out, (uint8_t)alphabet[s->bits << (6 - s->count) & 0x3f]);
	(void)buf_put_u8(out, '-');
	*s = (struct shift){ 0 };
}

int
imap_mutf7_write(struct buf *out, struct slice in, struct error *e)
{
	struct shift s = { 0 };
	size_t start = out->len;
	bool shifted = false;
	uint32_t v = 0;
	size_t n;

	for (size_t i = 0; i < in.len; i += n) {
		bool plain;

		n = utf8_decode(slice_from(in, i), &v);
		if (n == 0) {
			buf_truncate(out, start);
			return error_set_at(e, ERR_SYNTAX, i, "A mailbox name is not valid UTF-8.");
		}
		plain = v >= 0x20 && v < 0x7f;
		if (plain == shifted) {
			if (shifted)
				shift_end(out, &s);
			else
				(void)buf_put_u8(out, '&');
			shifted = !shifted;
		}
		if (plain) {
			(void)buf_put_u8(out, (uint8_t)v);
			if (v == '&')
				(void)buf_put_u8(out, '-');
		} else if (v < 0x10000) {
			shift_put(out, &s, v);
		} else {
			shift_put(out, &s, 0xd800 + ((v - 0x10000) >> 10));
			shift_put(out, &s, 0xdc00 + ((v - 0x10000) & 0x3ff));
		}
	}
	if (shifted)
		shift_end(out, &s);
	return out->err == 0 ? 0 : error_set(e, out->err, "A mailbox name is too long.");
}

/* One UTF-16 unit of a shifted run; *high is a surrogate that waits for its other half. */
static bool
unit_take(struct buf *out, uint32_t *high, uint32_t unit)
{
	if (*high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return false;
		(void)utf8_put(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return true;
	}
	if (unit >= 0xd800 && unit < 0xdc00) {
		*high = unit;
		return true;
	}
	if ((unit >= 0xdc00 && unit < 0xe000) || (unit >= 0x20 && unit < 0x7f) || unit == 0)
		return false;
	(void)utf8_put(out, unit);
	return true;
}

/* A run from behind its '&' on: octets taken with its '-', or 0 when it is wrong. */
static size_t
run_parse(struct buf *out, struct slice in)
{
	struct shift s = { 0 };
	uint32_t high = 0;
	size_t i;

	for (i = 0; i < in.len && in.data[i] != '-'; i++) {
		int d = digit(in.data[i]);

		if (d < 0)
			return 0;
		s.bits = s.bits << 6 | (uint32_t)d;
		s.count += 6;
		if (s.count >= 16) {
			s.count -= 16;
			if (!unit_take(out, &high, s.bits >> s.count & 0xffff))
				return 0;
			s.bits &= (1u << s.count) - 1;
		}
	}
	/* Closed, no half character, no whole superfluous digit, and unused bits zero. */
	if (i == in.len || high != 0 || s.count >= 6 || s.bits != 0)
		return 0;
	/* "&...-&...-" is one run written as two; "&...-&-" is a run and an ampersand. */
	if (i + 2 < in.len && in.data[i + 1] == '&' && in.data[i + 2] != '-')
		return 0;
	return i + 1;
}

int
imap_mutf7_parse(struct buf *out, struct slice in, struct error *e)
{
	size_t start = out->len;
	size_t i = 0;

	while (i < in.len) {
		uint8_t c = in.data[i++];
		size_t n = 0;

		if (c >= 0x20 && c < 0x7f && c != '&') {
			(void)buf_put_u8(out, c);
			continue;
		}
		if (c == '&' && i < in.len && in.data[i] == '-') {
			(void)buf_put_u8(out, '&');
			n = 1;
		} else if (c == '&') {
			n = run_parse(out, slice_from(in, i));
		}
		if (n == 0) {
			buf_truncate(out, start);
			return error_set_at(e, ERR_SYNTAX, i - 1, "A mailbox name is not in modified UTF-7.");
		}
		i += n;
	}
	return out->err == 0 ? 0 : error_set(e, out->err, "A mailbox name is too long.");
}
