/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "mime/lex.h"

static void
skip_comment(struct mime_lex *l)
{
	size_t start = l->at + 1;
	unsigned depth = 0;

	for (; l->at < l->in.len; l->at++) {
		uint8_t c = l->in.data[l->at];

		if (c == '\\')
			l->at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0) {
			l->comment = slice_sub(l->in, start, l->at - start);
			l->at++;
			return;
		}
	}
	l->at = l->in.len;
	l->broken = true;
}

bool
mime_lex_skip(struct mime_lex *l)
{
	size_t start = l->at;

	for (;;) {
		int c = mime_lex_peek(l);

		if (mime_is_space(c))
			l->at++;
		else if (c == '(')
			skip_comment(l);
		else
			return l->at > start;
	}
}

void
mime_lex_unescape(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (c == '\\' && i + 1 < s.len)
			c = s.data[++i];
		if (c != '\r' && c != '\n')
			(void)buf_put_u8(out, c);
	}
}

void
mime_lex_quoted(struct mime_lex *l, struct buf *out)
{
	size_t start = ++l->at;

	for (; l->at < l->in.len; l->at++) {
		uint8_t c = l->in.data[l->at];

		if (c == '"') {
			mime_lex_unescape(slice_sub(l->in, start, l->at - start), out);
			l->at++;
			return;
		}
		if (c == '\\')
			l->at++;
	}
	l->at = l->in.len;
	l->broken = true;
	mime_lex_unescape(slice_from(l->in, start), out);
}

bool
mime_is_token(int c)
{
	return c > 32 && c < 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

bool
mime_is_atext(int c)
{
	return c > 127 || (c > 32 && c < 127 && strchr("()<>@,;:\\\".[]", c) == NULL);
}

void
mime_put_quoted(struct slice s, struct buf *out)
{
	(void)buf_put_u8(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (c == '"' || c == '\\')
			(void)buf_put_u8(out, '\\');
		(void)buf_put_u8(out, c < 32 || c == 127 ? ' ' : c);
	}
	(void)buf_put_u8(out, '"');
}
