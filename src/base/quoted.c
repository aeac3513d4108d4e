/* SPDX-License-Identifier: ISC */
#include "base/quoted.h"

#include <string.h>

#include "base/hex.h"

/* ---- the encoder ---- */

void
quoted_encoder_init(struct quoted_encoder *c, enum quoted_content content)
{
	*c = (struct quoted_encoder){ .content = content };
}

static void
escape(uint8_t octet, uint8_t out[3])
{
	static const char digits[] = "0123456789ABCDEF";

	out[0] = '=';
	out[1] = (uint8_t)digits[octet >> 4];
	out[2] = (uint8_t)digits[octet & 15];
}

/* "From " would be changed to ">From " on its way, a lone dot ends a message for careless programs. */
static bool
front_needs_escape(const struct quoted_encoder *c)
{
	return (c->len >= 5 && memcmp(c->line, "From ", 5) == 0) || (c->len > 0 && c->line[0] == '.');
}

static void
flush(struct quoted_encoder *c, const char *end, struct buf *out)
{
	struct slice line = slice_of(c->line, c->len);
	uint8_t escaped[3];

	if (front_needs_escape(c)) {
		escape(c->line[0], escaped);
		(void)buf_put(out, escaped, sizeof escaped);
		line = slice_from(line, 1);
	}
	(void)buf_put_slice(out, line);
	(void)buf_put_str(out, end);
	c->len = 0;
	c->last = 0;
}

/* What a line may hold besides a soft break's '='; less when its front may still grow by an escape. */
static size_t
room(const struct quoted_encoder *c)
{
	bool grows = c->len > 0 && (c->line[0] == 'F' || c->line[0] == '.');

	return QUOTED_LINE_MAX - 1 - (grows ? 2 : 0);
}

static void
add(struct quoted_encoder *c, const uint8_t *text, size_t len, struct buf *out)
{
	if (c->len + len > room(c))
		flush(c, "=\r\n", out);
	memcpy(c->line + c->len, text, len);
	c->last = c->len;
	c->len = (uint8_t)(c->len + len);
}

static void
add_octet(struct quoted_encoder *c, uint8_t octet, struct buf *out)
{
	uint8_t escaped[3];
	bool plain = (octet >= 33 && octet <= 126 && octet != '=') || octet == ' ' || octet == '\t';

	escape(octet, escaped);
	if (plain)
		add(c, &octet, 1, out);
	else
		add(c, escaped, sizeof escaped, out);
}

/* A blank at the end of a line would be lost: it is written as an escape. */
static void
guard_last(struct quoted_encoder *c, struct buf *out)
{
	uint8_t octet = c->len > 0 ? c->line[c->last] : 0;
	uint8_t escaped[3];

	if (octet != ' ' && octet != '\t')
		return;
	c->len = c->last;
	escape(octet, escaped);
	add(c, escaped, sizeof escaped, out);
}

static void
end_line(struct quoted_encoder *c, struct buf *out)
{
	guard_last(c, out);
	flush(c, "\r\n", out);
}

static void
put_text(struct quoted_encoder *c, uint8_t octet, struct buf *out)
{
	bool cr = c->cr;

	c->cr = false;
	if (octet == '\n') {
		end_line(c, out);
		return;
	}
	if (cr)
		add_octet(c, '\r', out);
	if (octet == '\r')
		c->cr = true;
	else
		add_octet(c, octet, out);
}

int
quoted_encoder_put(struct quoted_encoder *c, struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len && out->err == 0; i++) {
		if (c->content == QUOTED_TEXT)
			put_text(c, in.data[i], out);
		else
			add_octet(c, in.data[i], out);
	}
	return out->err;
}

int
quoted_encoder_end(struct quoted_encoder *c, struct buf *out)
{
	if (c->cr)
		add_octet(c, '\r', out);
	guard_last(c, out);
	flush(c, "", out);
	quoted_encoder_init(c, c->content);
	return out->err;
}

/* ---- the decoder ---- */

enum { TEXT, EQUALS, ONE_DIGIT, SOFT_BLANKS, SOFT_CR };

void
quoted_decoder_init(struct quoted_decoder *c)
{
	c->state = TEXT;
	c->digit = 0;
	c->blanks = 0;
	c->faults = 0;
}

static void
keep_blanks(struct quoted_decoder *c, struct buf *out)
{
	(void)buf_put(out, c->pending, c->blanks);
	c->blanks = 0;
}

static void
in_text(struct quoted_decoder *c, uint8_t octet, struct buf *out)
{
	if (octet == ' ' || octet == '\t') {
		if (c->blanks == QUOTED_BLANKS_MAX)
			keep_blanks(c, out);
		c->pending[c->blanks++] = octet;
		return;
	}
	if (octet == '\r' || octet == '\n')
		c->blanks = 0;
	keep_blanks(c, out);
	if (octet == '=')
		c->state = EQUALS;
	else
		(void)buf_put_u8(out, octet);
}

/* No encoding after all: what was held back is text. */
static void
give_back(struct quoted_decoder *c, const char *held, size_t len, struct buf *out)
{
	c->faults++;
	c->state = TEXT;
	(void)buf_put(out, held, len);
}

static void
behind_equals(struct quoted_decoder *c, uint8_t octet, struct buf *out)
{
	if (hex_digit(octet) >= 0) {
		c->digit = octet;
		c->state = ONE_DIGIT;
	} else if (octet == '\n') {
		c->state = TEXT;
	} else if (octet == '\r') {
		c->state = SOFT_CR;
	} else if (octet == ' ' || octet == '\t') {
		c->pending[c->blanks++] = octet;
		c->state = SOFT_BLANKS;
	} else {
		give_back(c, "=", 1, out);
		in_text(c, octet, out);
	}
}

static void
behind_digit(struct quoted_decoder *c, uint8_t octet, struct buf *out)
{
	char held[2] = { '=', (char)c->digit };

	if (hex_digit(octet) < 0) {
		give_back(c, held, 2, out);
		in_text(c, octet, out);
		return;
	}
	(void)buf_put_u8(out, (uint8_t)(hex_digit(c->digit) << 4 | hex_digit(octet)));
	c->state = TEXT;
}

/* Blanks between a soft break's '=' and its line end. */
static void
in_soft_blanks(struct quoted_decoder *c, uint8_t octet, struct buf *out)
{
	if ((octet == ' ' || octet == '\t') && c->blanks < QUOTED_BLANKS_MAX) {
		c->pending[c->blanks++] = octet;
	} else if (octet == '\r' || octet == '\n') {
		c->blanks = 0;
		c->state = octet == '\n' ? TEXT : SOFT_CR;
	} else {
		give_back(c, "=", 1, out);
		keep_blanks(c, out);
		in_text(c, octet, out);
	}
}

static void
behind_soft_cr(struct quoted_decoder *c, uint8_t octet, struct buf *out)
{
	c->state = TEXT;
	if (octet == '\n')
		return;
	c->faults++;
	in_text(c, octet, out);
}

int
quoted_decoder_put(struct quoted_decoder *c, struct slice in, struct buf *out)
{
	static void (*const step[])(struct quoted_decoder *, uint8_t, struct buf *) = {
		[TEXT] = in_text,
		[EQUALS] = behind_equals,
		[ONE_DIGIT] = behind_digit,
		[SOFT_BLANKS] = in_soft_blanks,
		[SOFT_CR] = behind_soft_cr,
	};

	for (size_t i = 0; i < in.len && out->err == 0; i++)
		step[c->state](c, in.data[i], out);
	return out->err;
}

int
quoted_decoder_end(struct quoted_decoder *c, struct buf *out)
{
	char held[2] = { '=', (char)c->digit };

	if (c->state == ONE_DIGIT)
		give_back(c, held, 2, out);
	quoted_decoder_init(c);
	return out->err;
}
