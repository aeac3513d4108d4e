/* SPDX-License-Identifier: ISC */
#include "base/base64.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "mime/decode.h"
#include "mime/header.h"
#include "mime/word.h"

#define CHARSET_MAX 60u /* octets of a charset's name with its language */
#define TEXT_MAX 4000u  /* octets of one word's text; the standard has 75 for all, some senders never cut */

struct word {
	struct slice charset;
	uint8_t encoding; /* 'q' or 'b' */
	struct slice text;
	size_t end; /* position behind it */
};

struct decoding {
	struct slice in;
	size_t next_end;      /* the first "?=" at or behind some position, SIZE_MAX for none; it only grows */
	struct slice charset; /* of `octets` */
	struct buf octets;    /* of adjacent words of one charset, not yet converted */
	struct buf *out;
};

/* The first "?=" from `from` on: each octet is looked at once in all calls together. */
static size_t
find_end(struct decoding *d, size_t from)
{
	if (d->next_end != SIZE_MAX && d->next_end < from) {
		size_t at = slice_search(slice_from(d->in, from), SLICE("?="));

		d->next_end = at == SIZE_MAX ? SIZE_MAX : from + at;
	}
	return d->next_end;
}

/* "=?charset*lang?q?text?=" at position at. */
static bool
word_at(struct decoding *d, size_t at, struct word *w)
{
	struct slice rest, head = slice_sub(d->in, at + 2, CHARSET_MAX + 1);
	size_t mark = slice_find(head, '?'), end;

	if (slice_sub(d->in, at, 2).len < 2 || mark == SIZE_MAX || mark == 0)
		return false;
	w->charset = slice_split(slice_sub(head, 0, mark), '*', &rest);
	if (slice_find(w->charset, ' ') != SIZE_MAX)
		return false;
	head = slice_sub(d->in, at + 2 + mark, 3);
	if (head.len < 3 || head.data[2] != '?')
		return false;
	w->encoding = ascii_lower(head.data[1]);
	at += 2 + mark + 3;
	end = find_end(d, at);
	if ((w->encoding != 'q' && w->encoding != 'b') || end == SIZE_MAX || end - at > TEXT_MAX)
		return false;
	w->text = slice_sub(d->in, at, end - at);
	w->end = end + 2;
	return true;
}

static void
decode_q(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i];
		struct slice digits = slice_sub(in, i + 1, 2);
		int high = digits.len == 2 ? hex_digit(digits.data[0]) : -1;
		int low = digits.len == 2 ? hex_digit(digits.data[1]) : -1;

		if (c == '=' && high >= 0 && low >= 0) {
			c = (uint8_t)(high << 4 | low);
			i += 2;
		} else if (c == '_')
			c = ' ';
		(void)buf_put_u8(out, c);
	}
}

static void
decode_b(struct slice in, struct buf *out)
{
	struct base64_decoder b;

	base64_decoder_init(&b, BASE64_TOLERANT);
	(void)base64_decoder_feed(&b, in, out);
	(void)base64_decoder_end(&b, out, NULL);
}

/* Appends text without controls: one line stays one line. */
static void
put_line(struct slice in, struct buf *out)
{
	uint8_t *to = buf_reserve(out, in.len);

	if (to == NULL)
		return;
	for (size_t i = 0; i < in.len; i++)
		to[i] = in.data[i] < 32 || in.data[i] == 127 ? ' ' : in.data[i];
	buf_commit(out, in.len);
}

static void
put_converted(struct decoding *d, struct slice charset, struct slice octets)
{
	struct buf text;

	buf_init(&text, d->out->max);
	if (mime_charset_text(charset, octets, &text) != 0)
		d->out->err = text.err;
	put_line(buf_slice(&text), d->out);
	buf_done(&text);
}

/* Converts what the words so far gave. */
static void
flush(struct decoding *d)
{
	if (d->octets.err != 0)
		d->out->err = d->octets.err;
	if (d->octets.len > 0)
		put_converted(d, d->charset, buf_slice(&d->octets));
	buf_clear(&d->octets);
}

static void
put_word(struct decoding *d, const struct word *w)
{
	if (!slice_ieq(d->charset, w->charset))
		flush(d);
	d->charset = w->charset;
	if (w->encoding == 'q')
		decode_q(w->text, &d->octets);
	else
		decode_b(w->text, &d->octets);
}

/* Text between words: spaces alone between two words are dropped (RFC 2047 6.2). */
static void
put_text(struct decoding *d, struct slice text, bool between)
{
	if (text.len == 0 || (between && slice_trim(text).len == 0))
		return;
	flush(d);
	if (utf8_is_ascii(text))
		put_line(text, d->out);
	else
		put_converted(d, SLICE_EMPTY, text);
}

static void
decode_all(struct decoding *d)
{
	size_t text = 0, at = 0;
	bool after_word = false;
	struct word w;

	for (;;) {
		size_t mark = slice_search(slice_from(d->in, at), SLICE("=?"));

		if (mark == SIZE_MAX)
			break;
		at += mark;
		if (!word_at(d, at, &w)) {
			at += 2;
			continue;
		}
		put_text(d, slice_sub(d->in, text, at - text), after_word);
		put_word(d, &w);
		after_word = true;
		text = at = w.end;
	}
	put_text(d, slice_from(d->in, text), false);
	flush(d);
}

int
mime_text_decode(struct slice value, struct buf *out)
{
	struct decoding d = { .out = out };
	struct buf flat;

	buf_init(&flat, value.len + 1);
	buf_init(&d.octets, value.len + 16);
	if (mime_unfold(value, &flat) == 0) {
		d.in = buf_slice(&flat);
		d.next_end = 0;
		decode_all(&d);
	} else
		out->err = flat.err;
	buf_done(&d.octets);
	buf_done(&flat);
	return out->err;
}
