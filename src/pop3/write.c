/* SPDX-License-Identifier: ISC */
#include "pop3/write.h"

#include <string.h>

#include "pop3/limits.h"

#define LINES_BLOCK 64u /* octets that are looked at together */
#define LINES_ROOM 512u /* for dots and the end */
#define OVERHEAD 64u    /* octets of a status line around its text */

/* RFC 2449 section 3: text that begins no response code has no "[". */
static void
put_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	if (len > POP3_STATUS_MAX - OVERHEAD)
		len = POP3_STATUS_MAX - OVERHEAD;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)text[i];

		(void)buf_put_u8(out, c < 0x20 || c > 0x7e || c == '[' ? '?' : c);
	}
}

int
pop3_write_ok(struct buf *out, const char *text)
{
	(void)buf_put_str(out, "+OK ");
	put_text(out, text);
	return buf_put_str(out, "\r\n");
}

int
pop3_write_err(struct buf *out, const char *code, const char *text)
{
	(void)buf_put_str(out, "-ERR ");
	if (code != NULL)
		(void)buf_putf(out, "[%.32s] ", code);
	put_text(out, text);
	return buf_put_str(out, "\r\n");
}

int
pop3_write_capabilities(struct buf *out, const struct pop3_capabilities *c)
{
	(void)buf_put_str(out, "+OK Capability list follows\r\n");
	(void)buf_put_str(out, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n");
	(void)buf_put_str(out, "UTF8 USER\r\nLANG\r\n");
	if (c->authorization && !c->tls && c->can_start_tls)
		(void)buf_put_str(out, "STLS\r\n");
	if (c->tls)
		(void)buf_put_str(out, "USER\r\n");
	if (c->mechanisms.len > 0) {
		(void)buf_put_str(out, "SASL ");
		(void)buf_put_slice(out, c->mechanisms);
		(void)buf_put_str(out, "\r\n");
	}
	(void)buf_put_str(out, "IMPLEMENTATION ");
	(void)buf_put_slice(out, c->name);
	return buf_put_str(out, "\r\n.\r\n");
}

/* The look-up of RFC 4647 3.4 in a list of one tag. */
static bool
means_english(struct slice range)
{
	return slice_eq_str(range, "*") || slice_ieq_str(range, "en") || slice_istarts(range, SLICE("en-"));
}

int
pop3_write_language(struct buf *out, struct slice range)
{
	if (range.len == 0)
		return buf_put_str(out, "+OK Language listing follows\r\nen English\r\n.\r\n");
	if (range.len > POP3_LANGUAGE_RANGE_MAX || !means_english(range))
		return pop3_write_err(out, NULL, "There is only English here");
	return pop3_write_ok(out, "en The answers are in English");
}

/* ---- lines ---- */

void
pop3_lines_init(struct pop3_lines *l)
{
	*l = (struct pop3_lines){ '\r', '\n' };
}

static bool
begins_line(const uint8_t *at)
{
	return at[0] == '.' && (at[-1] == '\n' || at[-1] == '\r');
}

/* Whether one of the LINES_BLOCK octets at p is such a dot: without a branch, so that compilers use their vectors. */
static bool
any_in_block(const uint8_t *p)
{
	unsigned char any = 0;

	for (size_t i = 0; i < LINES_BLOCK; i++)
		any |= (unsigned char)((p[i] == '.') & ((p[i - 1] == '\n') | (p[i - 1] == '\r')));
	return any != 0;
}

/* The first dot from `from` (at least 1) on that begins a line; in.len: none. */
static size_t
next_dot(struct slice in, size_t from)
{
	while (in.len - from >= LINES_BLOCK && !any_in_block(in.data + from))
		from += LINES_BLOCK;
	while (from < in.len && !begins_line(in.data + from))
		from++;
	return from;
}

int
pop3_lines_put(struct pop3_lines *l, struct slice octets, struct buf *out)
{
	size_t from = 0;

	if (octets.len == 0)
		return out->err;
	(void)buf_reserve(out, octets.len + LINES_ROOM);
	if (octets.data[0] == '.' && (l->last == '\n' || l->last == '\r'))
		(void)buf_put_u8(out, '.');
	for (size_t dot = 1; (dot = next_dot(octets, dot)) < octets.len; dot++) {
		(void)buf_put_slice(out, slice_sub(octets, from, dot - from));
		(void)buf_put_u8(out, '.');
		from = dot;
	}
	l->before = octets.len > 1 ? octets.data[octets.len - 2] : l->last;
	l->last = octets.data[octets.len - 1];
	return buf_put_slice(out, slice_from(octets, from));
}

int
pop3_lines_end(struct pop3_lines *l, struct buf *out)
{
	if (l->before != '\r' || l->last != '\n')
		(void)buf_put_str(out, "\r\n");
	return buf_put_str(out, ".\r\n");
}

struct slice
pop3_first_lines(struct slice body, uint32_t *left)
{
	size_t n = 0;

	while (n<body.len && * left> 0) {
		const uint8_t *lf = memchr(body.data + n, '\n', body.len - n);

		if (lf == NULL)
			return body;
		n = (size_t)(lf - body.data) + 1;
		(*left)--;
	}
	return slice_sub(body, 0, n);
}
