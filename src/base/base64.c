/* SPDX-License-Identifier: ISC */
#include "base/base64.h"

#include <string.h>

#include "base/base64_kernel.h"

#define CHUNK 16384u /* characters decoded at a time: the room reserved ahead stays small */

size_t
base64_length(size_t len)
{
	size_t groups = len / 3 + (len % 3 != 0), n;

	return size_mul(groups, 4, &n) ? n : SIZE_MAX;
}

/* The padded last group of 1 or 2 octets, or a whole one of 3. */
static void
put_group(const uint8_t *in, size_t len, uint8_t out[4])
{
	uint8_t b = len > 1 ? in[1] : 0, c = len > 2 ? in[2] : 0;

	out[0] = base64_alphabet[in[0] >> 2];
	out[1] = base64_alphabet[(in[0] << 4 | b >> 4) & 63];
	out[2] = len > 1 ? base64_alphabet[(b << 2 | c >> 6) & 63] : '=';
	out[3] = len > 2 ? base64_alphabet[c & 63] : '=';
}

int
base64_write(struct buf *out, struct slice in)
{
	size_t whole = in.len - in.len % 3;
	uint8_t *p = buf_reserve(out, base64_length(in.len));

	if (p == NULL)
		return out->err;
	base64_kernel()->encode(in.data, whole, in.len, p, 0);
	if (whole < in.len)
		put_group(in.data + whole, in.len - whole, p + whole / 3 * 4);
	buf_commit(out, base64_length(in.len));
	return 0;
}

/* ---- the encoder ---- */

void
base64_encoder_init(struct base64_encoder *c, uint32_t line_max, const char *eol)
{
	*c = (struct base64_encoder){ .eol = eol, .line_max = line_max - line_max % 4 };
}

static void
end_line(struct base64_encoder *c, struct buf *out)
{
	(void)buf_put_str(out, c->eol);
	c->column = 0;
}

/* Lines of whole groups; out has room for everything and BASE64_SLACK behind it. */
static void
put_lines(struct base64_encoder *c, struct slice in, uint8_t *p, struct buf *out)
{
	const struct base64_kernel *kernel = base64_kernel();
	size_t eol_len = strlen(c->eol), at = 0, n;
	uint8_t *start = p;

	while (at < in.len) {
		n = in.len - at;
		if (c->line_max != 0)
			n = size_min(n, (c->line_max - c->column) / 4 * 3);
		kernel->encode(in.data + at, n, in.len - at, p, 1);
		p += n / 3 * 4;
		at += n;
		if (c->line_max == 0)
			continue;
		c->column += (uint32_t)(n / 3 * 4);
		if (c->column == c->line_max) {
			memcpy(p, c->eol, eol_len);
			p += eol_len;
			c->column = 0;
		}
	}
	buf_commit(out, (size_t)(p - start));
}

/* Near the maximum of out: group by group, exact. */
static void
put_slowly(struct base64_encoder *c, struct slice in, struct buf *out)
{
	uint8_t group[4];

	for (size_t i = 0; i < in.len && out->err == 0; i += 3) {
		put_group(in.data + i, size_min(in.len - i, 3), group);
		(void)buf_put(out, group, sizeof group);
		c->column += 4;
		if (c->line_max != 0 && c->column == c->line_max)
			end_line(c, out);
	}
}

static void
put_groups(struct base64_encoder *c, struct slice in, struct buf *out)
{
	size_t need = base64_length(in.len), lines;
	uint8_t *p = NULL;

	if (in.len == 0)
		return;
	lines = c->line_max == 0 ? 0 : need / c->line_max + 1;
	if (need < SIZE_MAX / 4 && need + lines * strlen(c->eol) + BASE64_SLACK <= out->max - out->len)
		p = buf_reserve(out, need + lines * strlen(c->eol) + BASE64_SLACK);
	if (p != NULL)
		put_lines(c, in, p, out);
	else
		put_slowly(c, in, out);
}

int
base64_encoder_put(struct base64_encoder *c, struct slice in, struct buf *out)
{
	size_t whole;

	while (c->pending_len > 0 && in.len > 0) {
		c->pending[c->pending_len++] = in.data[0];
		in = slice_from(in, 1);
		if (c->pending_len == 3) {
			put_groups(c, slice_of(c->pending, 3), out);
			c->pending_len = 0;
		}
	}
	whole = in.len - in.len % 3;
	put_groups(c, slice_sub(in, 0, whole), out);
	in = slice_from(in, whole);
	if (in.len > 0) {
		memcpy(c->pending, in.data, in.len);
		c->pending_len = (uint8_t)in.len;
	}
	return out->err;
}

int
base64_encoder_end(struct base64_encoder *c, struct buf *out)
{
	if (c->pending_len > 0)
		put_slowly(c, slice_of(c->pending, c->pending_len), out);
	if (c->line_max != 0 && c->column > 0)
		end_line(c, out);
	base64_encoder_init(c, c->line_max, c->eol);
	return out->err;
}

/* ---- the decoder ---- */

void
base64_decoder_init(struct base64_decoder *c, enum base64_manner manner)
{
	*c = (struct base64_decoder){ .manner = manner };
}

bool
base64_decoder_whole(const struct base64_decoder *c)
{
	return c->have == 0 && c->padding == 0;
}

/* The octets of an open group of 2 or 3 characters. */
static void
flush_group(struct base64_decoder *c, struct buf *out)
{
	if (c->have == 2)
		(void)buf_put_u8(out, (uint8_t)(c->bits >> 4));
	else if (c->have == 3)
		(void)buf_put_u16(out, (uint16_t)(c->bits >> 2));
	c->have = 0;
	c->bits = 0;
}

static void
take_letter(struct base64_decoder *c, uint8_t value, struct buf *out)
{
	if (c->padding > 0) { /* BASE64_TOLERANT only: a lone '=' */
		c->faults++;
		c->padding = 0;
	}
	c->bits = (c->bits << 6 | value) & 0xffffff;
	if (++c->have < 4)
		return;
	(void)buf_put_u8(out, (uint8_t)(c->bits >> 16));
	(void)buf_put_u16(out, (uint16_t)c->bits);
	c->have = 0;
	c->bits = 0;
}

static bool
unused_bits_are_zero(const struct base64_decoder *c)
{
	return (c->bits & (c->have == 2 ? 15u : 3u)) == 0;
}

/* False when it cannot stand here. */
static bool
take_padding(struct base64_decoder *c, struct buf *out)
{
	if (c->padding > 0) {
		c->ended = --c->padding == 0 && c->manner != BASE64_TOLERANT;
		return true;
	}
	if (c->have < 2)
		return false;
	if (c->manner == BASE64_STRICT && !unused_bits_are_zero(c))
		return false;
	c->padding = c->have == 2 ? 1 : 0;
	flush_group(c, out);
	c->ended = c->padding == 0 && c->manner != BASE64_TOLERANT;
	return true;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* False when the octet does not belong and was not taken. */
static bool
take_octet(struct base64_decoder *c, uint8_t octet, struct buf *out)
{
	uint8_t value = base64_values[octet];
	bool letter = value < 64 && !c->ended && (c->padding == 0 || c->manner == BASE64_TOLERANT);

	if (letter) {
		take_letter(c, value, out);
		return true;
	}
	if (octet == '=' && !c->ended && take_padding(c, out))
		return true;
	if (is_space(octet) && c->manner != BASE64_STRICT)
		return true;
	if (c->manner != BASE64_TOLERANT)
		return false;
	c->faults++;
	return true;
}

static bool
at_group(const struct base64_decoder *c)
{
	return c->have == 0 && c->padding == 0 && !c->ended;
}

/* As long as there is room for the whole piece and BASE64_SLACK behind it, groups go through the kernel. */
static size_t
feed_piece(struct base64_decoder *c, struct slice in, struct buf *out)
{
	const struct base64_kernel *kernel = base64_kernel();
	size_t at = 0, n;

	while (at < in.len && out->err == 0) {
		if (at_group(c) && in.len - at >= 4) {
			n = kernel->decode(in.data + at, in.len - at, out->data + out->len);
			out->len += n / 4 * 3;
			at += n;
			if (at == in.len)
				break;
		}
		if (!take_octet(c, in.data[at], out))
			break;
		at++;
	}
	return at;
}

static size_t
feed_slowly(struct base64_decoder *c, struct slice in, struct buf *out)
{
	size_t at = 0;

	while (at < in.len && out->err == 0 && take_octet(c, in.data[at], out))
		at++;
	return at;
}

size_t
base64_decoder_feed(struct base64_decoder *c, struct slice in, struct buf *out)
{
	size_t at = 0, n, taken;

	while (at < in.len && out->err == 0) {
		n = size_min(in.len - at, CHUNK);
		if (n + BASE64_SLACK <= out->max - out->len && buf_reserve(out, n + BASE64_SLACK) != NULL)
			taken = feed_piece(c, slice_sub(in, at, n), out);
		else
			taken = feed_slowly(c, slice_sub(in, at, n), out);
		at += taken;
		if (taken < n)
			break;
	}
	return at;
}

int
base64_decoder_end(struct base64_decoder *c, struct buf *out, struct error *e)
{
	if (out->err != 0)
		return error_set(e, out->err, "base64 holds more than is permitted here");
	if (c->manner == BASE64_TOLERANT) {
		c->faults += c->have > 0 || c->padding > 0;
		flush_group(c, out);
		c->padding = 0;
		return out->err;
	}
	if (!base64_decoder_whole(c))
		return error_set(e, ERR_TRUNCATED, "base64 ends in the middle of a group of four characters");
	return 0;
}

static int
parse(struct slice text, struct buf *out, struct error *e)
{
	struct base64_decoder c;
	size_t taken;

	base64_decoder_init(&c, BASE64_STRICT);
	taken = base64_decoder_feed(&c, text, out);
	if (taken < text.len && out->err == 0)
		return error_set_at(e, ERR_SYNTAX, taken, "this is not base64: an octet that cannot stand there");
	return base64_decoder_end(&c, out, e);
}

int
base64_parse(struct slice text, struct buf *out, struct error *e)
{
	size_t before = out->len;
	int rc = parse(text, out, e);

	if (rc != 0)
		buf_truncate(out, before);
	return rc;
}
