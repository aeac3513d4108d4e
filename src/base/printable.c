/* SPDX-License-Identifier: ISC */
#include "base/printable.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* Ranges that draw nothing or change how the rest is drawn (Unicode's Cc, Cf, Zl, Zp, private use at the ends). */
static const struct range {
	uint32_t from, to;
} hidden[] = {
	{ 0x0000, 0x001f },
	{ 0x007f, 0x009f },
	{ 0x00ad, 0x00ad }, /* soft hyphen */
	{ 0x061c, 0x061c }, /* Arabic letter mark */
	{ 0x115f, 0x1160 }, /* Hangul fillers */
	{ 0x180e, 0x180e },
	{ 0x200b, 0x200f }, /* zero width, direction marks */
	{ 0x2028, 0x202e }, /* line and paragraph separators, embeddings and overrides */
	{ 0x2060, 0x206f }, /* word joiner, isolates */
	{ 0x3164, 0x3164 }, /* Hangul filler */
	{ 0xfeff, 0xfeff }, /* byte order mark */
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },
	{ 0xfffe, 0xffff },
	{ 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff }, /* tags, variation selectors */
	{ 0xf0000, 0x10ffff },
};

static bool
is_hidden(uint32_t point)
{
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		if (point <= hidden[i].to)
			return point >= hidden[i].from;
	}
	return false;
}

/* What a use makes of some characters instead of an escape, or NULL. */
static const char *
replacement(struct slice in, enum printable_use use)
{
	uint8_t c = in.data[0];
	bool crlf = c == '\r' && in.len > 1 && in.data[1] == '\n';

	switch (use) {
	case PRINTABLE_LINE:
		return c == '\t' || c == '\n' || c == '\r' ? " " : NULL;
	case PRINTABLE_TEXT:
		return crlf ? "" : c == '\n' ? "\n" : c == '\t' ? "\t" : NULL;
	case PRINTABLE_LOG:
		return c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
	}
	return NULL;
}

/* The text of one character at the front of in; returns the octets it stands for. */
static size_t
render(struct slice in, enum printable_use use, char out[16])
{
	const char *instead = replacement(in, use);
	uint32_t point = 0;
	size_t n = utf8_decode(in, &point);

	if (instead != NULL) {
		(void)snprintf(out, 16, "%s", instead);
	} else if (n == 0 || (n == 1 && is_hidden(point))) {
		(void)snprintf(out, 16, "\\x%02x", in.data[0]);
		return 1;
	} else if (is_hidden(point) || (use == PRINTABLE_LOG && n > 1)) {
		(void)snprintf(out, 16, "\\u{%x}", point);
	} else {
		memcpy(out, in.data, n);
		out[n] = '\0';
	}
	return n;
}

int
printable_put(struct buf *out, struct slice in, enum printable_use use, size_t max)
{
	size_t used = 0, mark = out->len; /* mark: where "..." would still fit */
	char text[16];

	while (in.len > 0 && out->err == 0) {
		size_t n = render(in, use, text), len = strlen(text);

		if (len > max - used) {
			buf_truncate(out, mark);
			return max < 3 ? out->err : buf_put_str(out, "...");
		}
		(void)buf_put(out, text, len);
		used += len;
		if (max - used >= 3)
			mark = out->len;
		in = slice_from(in, n);
	}
	return out->err;
}

bool
printable_is_plain(struct slice in)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i], l = ascii_lower(c);

		if (!(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') && (c == 0 || strchr("._:/@+-=[]<>", c) == NULL))
			return false;
	}
	return in.len > 0;
}
