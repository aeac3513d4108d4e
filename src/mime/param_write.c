/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "mime/lex.h"
#include "mime/param.h"

#define QUOTED_MAX 60u /* octets of a value that is written in one piece */
#define PIECE_MAX 50u  /* characters of one RFC 2231 piece */

static size_t
column_of(const struct buf *out)
{
	size_t lf = slice_find_last(buf_slice(out), '\n');

	return lf == SIZE_MAX ? out->len : out->len - lf - 1;
}

/* "; " or a fold, so that length more characters stay in the line. */
static void
put_separator(struct buf *out, size_t length)
{
	(void)buf_put_str(out, column_of(out) + 3 + length > MIME_LINE_MAX ? ";\r\n " : "; ");
}

/* RFC 2231 attribute-char: token without "*'%". */
static bool
is_attribute(uint8_t c)
{
	return mime_is_token(c) && strchr("*'%", c) == NULL;
}

static bool
fits_quoted(struct slice v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.data[i] > 126)
			return false;
	}
	return v.len <= QUOTED_MAX && slice_search(v, SLICE("=?")) == SIZE_MAX;
}

static bool
is_all_token(struct slice v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (!mime_is_token(v.data[i]))
			return false;
	}
	return v.len > 0;
}

static void
put_attribute(struct buf *text, uint8_t c)
{
	if (c < 32 || c == 127)
		c = ' ';
	if (is_attribute(c))
		(void)buf_put_u8(text, c);
	else
		(void)buf_putf(text, "%%%02X", c);
}

static void
put_extended(struct buf *out, const char *name, struct slice v)
{
	size_t name_len = strlen(name), n = 0;
	BUF_OWNED struct buf text = { 0 };
	bool whole;

	buf_init(&text, MIME_PARAM_MAX * 4);
	(void)buf_put_str(&text, "utf-8''");
	for (size_t i = 0; i < v.len; i++)
		put_attribute(&text, v.data[i]);
	if (text.err != 0)
		out->err = text.err;
	whole = text.len <= PIECE_MAX;
	for (size_t at = 0; at < text.len; n++) {
		struct slice piece = slice_sub(buf_slice(&text), at, PIECE_MAX);

		/* Not inside of a %XX. */
		for (size_t back = 1; back <= 2 && at + piece.len < text.len && piece.len > 3; back++) {
			if (piece.data[piece.len - back] == '%') {
				piece.len -= back;
				break;
			}
		}
		put_separator(out, name_len + 5 + piece.len);
		if (whole)
			(void)buf_putf(out, "%s*=", name);
		else
			(void)buf_putf(out, "%s*%zu*=", name, n);
		(void)buf_put_slice(out, piece);
		at += piece.len;
	}
}

int
mime_param_write(struct buf *out, const char *name, struct slice value)
{
	size_t name_len = strlen(name);

	if (!fits_quoted(value)) {
		put_extended(out, name, value);
		return out->err;
	}
	put_separator(out, name_len + 3 + value.len);
	(void)buf_putf(out, "%s=", name);
	if (is_all_token(value))
		(void)buf_put_slice(out, value);
	else
		mime_put_quoted(value, out);
	return out->err;
}
