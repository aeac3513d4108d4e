/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "mime/limits.h"
#include "mime/word.h"

#define FRAME 12u                         /* "=?utf-8?Q?" and "?=" */
#define WORD_TEXT (MIME_WORD_MAX - FRAME) /* characters of encoded text in one word */

/* RFC 2047 4.2, and 5 (3) for phrases: what Q leaves as it is. */
static bool
is_q_plain(uint8_t c, bool phrase)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/";

	if (memchr(letters, c, sizeof letters - 1) != NULL)
		return true;
	return !phrase && c > 32 && c < 127 && c != '=' && c != '?' && c != '_';
}

static size_t
q_length(struct slice s, bool phrase)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.data[i] == ' ' || is_q_plain(s.data[i], phrase) ? 1 : 3;
	return n;
}

static void
put_q(struct slice s, bool phrase, struct buf *out)
{
	(void)buf_put_str(out, "=?utf-8?Q?");
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (c == ' ')
			(void)buf_put_u8(out, '_');
		else if (is_q_plain(c, phrase))
			(void)buf_put_u8(out, c);
		else
			(void)buf_putf(out, "=%02X", c);
	}
	(void)buf_put_str(out, "?=");
}

static void
put_b(struct slice s, struct buf *out)
{
	(void)buf_put_str(out, "=?utf-8?B?");
	(void)base64_write(out, s);
	(void)buf_put_str(out, "?=");
}

/* The longest front of whole characters that fits into `room` characters of one word; at least one character. */
static size_t
cut_word(struct slice s, bool q, bool phrase, size_t room)
{
	size_t n = 0, length = 0;
	uint32_t c;

	while (n < s.len) {
		size_t k = utf8_decode(slice_from(s, n), &c);
		size_t more = q ? q_length(slice_sub(s, n, k), phrase) : k;

		if (n > 0 && length + more > (q ? room : room / 4 * 3))
			break;
		length += more;
		n += k;
	}
	return n;
}

static void
put_words(struct slice s, bool phrase, size_t column, struct buf *out)
{
	size_t b = base64_length(s.len);
	bool q = q_length(s, phrase) <= b + b / 8;
	size_t room = WORD_TEXT;

	if (column + FRAME + 20 > MIME_FOLD_MAX)
		(void)buf_put_str(out, "\r\n ");
	else if (column + FRAME + room > MIME_FOLD_MAX - 2)
		room = MIME_FOLD_MAX - 2 - column - FRAME;
	while (s.len > 0) {
		size_t n = cut_word(s, q, phrase, room);

		if (q)
			put_q(slice_sub(s, 0, n), phrase, out);
		else
			put_b(slice_sub(s, 0, n), out);
		s = slice_from(s, n);
		if (s.len > 0)
			(void)buf_put_str(out, "\r\n ");
		room = WORD_TEXT;
	}
}

/* Valid UTF-8 on one line. */
static void
clean(struct slice text, struct buf *out)
{
	struct slice t = slice_trim(text);
	size_t from = out->len;

	(void)utf8_put_repaired(out, t);
	for (size_t i = from; i < out->len; i++) {
		if (out->data[i] < 32 || out->data[i] == 127)
			out->data[i] = ' ';
	}
}

/* Plain text, folded at spaces: a line end before the first word that would go over the edge. */
static void
put_folded(struct slice s, size_t column, struct buf *out)
{
	size_t at = 0;

	while (at < s.len) {
		struct slice left = slice_from(s, at + 1);
		size_t next = slice_find(left, ' ');
		size_t n = next == SIZE_MAX ? s.len - at : next + 1;
		bool edge = s.data[at] == ' ' && column + n > MIME_FOLD_MAX;

		/* A line must not be of spaces only: fold only before a space that a word follows. */
		if (edge && n > 1) {
			(void)buf_put_str(out, "\r\n");
			column = 0;
		}
		(void)buf_put_slice(out, slice_sub(s, at, n));
		column += n;
		at += n;
	}
}

/* Nothing that must be encoded: printable ASCII, nothing like a word, no word too long for a line. */
static bool
is_plain(struct slice s)
{
	size_t run = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] > 126)
			return false;
		/* Folding between two spaces would leave one at a line's end (RFC 3156 section 3). */
		if (s.data[i] == ' ' && run == 0 && s.len > MIME_FOLD_MAX / 2)
			return false;
		run = s.data[i] == ' ' ? 0 : run + 1;
		if (run > MIME_MESSAGE_LINE_MAX - 100)
			return false;
	}
	return slice_search(s, SLICE("=?")) == SIZE_MAX;
}

int
mime_text_encode(struct slice text, bool phrase, size_t column, struct buf *out)
{
	BUF_OWNED struct buf flat = { 0 };

	buf_init(&flat, text.len * 3 + 1);
	clean(text, &flat);
	if (flat.err != 0)
		out->err = flat.err;
	if (!phrase && is_plain(buf_slice(&flat)))
		put_folded(buf_slice(&flat), column, out);
	else
		put_words(buf_slice(&flat), phrase, column, out);
	return out->err;
}
