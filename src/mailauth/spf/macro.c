/* SPDX-License-Identifier: ISC */
#include "mailauth/spf/macro.h"

#include <string.h>

#include "mailauth/limits.h"
#include "mailauth/spf/address.h"

#define VALUE_MAX (2u * MAILAUTH_SPF_SENDER_MAX) /* octets that one letter stands for */
#define PARTS_MAX 1000u                          /* a count of parts above is all of them */

enum piece_kind { PIECE_LITERAL, PIECE_FIXED, PIECE_LETTER };

struct piece {
	enum piece_kind kind;
	struct slice text; /* PIECE_LITERAL: as it is; PIECE_FIXED: what it stands for */
	uint8_t letter;    /* small */
	bool escape;       /* it was a capital: for URLs */
	bool reverse;
	bool counted;
	unsigned int count;      /* of parts that are kept, from the right */
	struct slice delimiters; /* empty: dots */
};

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(uint8_t c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/* "l1r-" without its braces. */
static bool
read_letter(struct slice in, struct piece *out)
{
	size_t at = 1;

	*out = (struct piece){ .kind = PIECE_LETTER };
	if (in.len == 0 || memchr("slodiphcrtv", ascii_lower(in.data[0]), 11) == NULL)
		return false;
	out->letter = ascii_lower(in.data[0]);
	out->escape = out->letter != in.data[0];
	for (; at < in.len && is_digit(in.data[at]); at++) {
		out->counted = true;
		out->count = out->count * 10 + (in.data[at] - (unsigned int)'0');
		if (out->count > PARTS_MAX)
			out->count = PARTS_MAX;
	}
	if (out->counted && out->count == 0)
		return false;
	if (at < in.len && ascii_lower(in.data[at]) == 'r') {
		out->reverse = true;
		at++;
	}
	out->delimiters = slice_from(in, at);
	for (size_t i = 0; i < out->delimiters.len; i++)
		if (memchr(".-+,/_=", out->delimiters.data[i], 7) == NULL)
			return false;
	return true;
}

static bool
read_percent(struct slice *rest, struct piece *out)
{
	static const char fixed[] = "%_-";
	static const struct slice means[] = { { (const uint8_t *)"%", 1 }, { (const uint8_t *)" ", 1 },
		{ (const uint8_t *)"%20", 3 } };
	const char *found;
	size_t end;

	if (rest->len < 2)
		return false;
	if (rest->data[1] == '{') {
		if ((end = slice_find(*rest, '}')) == SIZE_MAX || !read_letter(slice_sub(*rest, 2, end - 2), out))
			return false;
		*rest = slice_from(*rest, end + 1);
		return true;
	}
	if ((found = memchr(fixed, rest->data[1], 3)) == NULL)
		return false;
	*out = (struct piece){ .kind = PIECE_FIXED, .text = means[found - fixed] };
	*rest = slice_from(*rest, 2);
	return true;
}

/* The next piece of what is not empty. False: it is none. */
static bool
read_piece(struct slice *rest, struct piece *out)
{
	size_t len = slice_find(*rest, '%');

	if (len == 0)
		return read_percent(rest, out);
	*out = (struct piece){ .kind = PIECE_LITERAL, .text = slice_sub(*rest, 0, len) };
	*rest = slice_from(*rest, out->text.len);
	return true;
}

static bool
is_literal(struct slice text, bool spaces)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] > '~' || text.data[i] < ' ' || (text.data[i] == ' ' && !spaces))
			return false;
	return true;
}

/* ( "." toplabel [ "." ] ) at the end of what follows the last macro. */
static bool
has_top_label(struct slice tail)
{
	bool digits = true;
	size_t dot;

	if (tail.len > 0 && tail.data[tail.len - 1] == '.')
		tail.len--;
	if ((dot = slice_find_last(tail, '.')) == SIZE_MAX)
		return false;
	tail = slice_from(tail, dot + 1);
	for (size_t i = 0; i < tail.len; i++) {
		uint8_t c = tail.data[i];

		if (!is_digit(c) && !is_alpha(c) && (c != '-' || i == 0 || i + 1 == tail.len))
			return false;
		digits = digits && is_digit(c);
	}
	return tail.len > 0 && !digits;
}

int
spf_macro_check(struct slice text, enum spf_macro_use use, struct error *e)
{
	struct slice rest = text, tail = SLICE_EMPTY;
	bool macro_last = false;
	struct piece p;

	while (rest.len > 0) {
		if (!read_piece(&rest, &p))
			return error_set(e, ERR_SYNTAX, "A '%%' stands there that begins no macro.");
		if (p.kind == PIECE_LITERAL && !is_literal(p.text, use == SPF_MACRO_TEXT))
			return error_set(e, ERR_SYNTAX, "There is a character that is not printable ASCII.");
		if (p.kind == PIECE_LETTER && use != SPF_MACRO_TEXT && memchr("crt", p.letter, 3) != NULL)
			return error_set(
			    e, ERR_SYNTAX, "The macro '%c' is only for the text of an explanation.", p.letter);
		macro_last = p.kind != PIECE_LITERAL;
		tail = macro_last ? SLICE_EMPTY : p.text;
	}
	if (use == SPF_MACRO_DOMAIN && !macro_last && !has_top_label(tail))
		return error_set(e, ERR_SYNTAX, "There is no full domain name where one should be.");
	return 0;
}

bool
spf_macro_uses(struct slice text, const char *letters)
{
	struct piece p;

	while (text.len > 0 && read_piece(&text, &p))
		if (p.kind == PIECE_LETTER && strchr(letters, p.letter) != NULL)
			return true;
	return false;
}

static void
put_value(uint8_t letter, const struct spf_macro_values *v, struct buf *out)
{
	switch (letter) {
	case 's':
		(void)buf_put_slice(out, v->sender);
		break;
	case 'l':
		(void)buf_put_slice(out, v->local);
		break;
	case 'o':
		(void)buf_put_slice(out, v->sender_domain);
		break;
	case 'd':
		(void)buf_put_slice(out, v->domain);
		break;
	case 'i':
		(void)spf_address_put_dotted(out, v->ip);
		break;
	case 'p':
		(void)buf_put_slice(out, v->validated);
		break;
	case 'h':
		(void)buf_put_slice(out, v->helo);
		break;
	case 'c':
		(void)spf_address_put(out, v->ip);
		break;
	case 'r':
		(void)buf_put_slice(out, v->receiver);
		break;
	case 't':
		(void)buf_putf(out, "%llu", (unsigned long long)v->now);
		break;
	default: /* v */
		(void)buf_put_str(out, v->ip.len == 4 ? "in-addr" : "ip6");
	}
}

static bool
is_delimiter(const struct piece *p, uint8_t c)
{
	return p->delimiters.len == 0 ? c == '.' : slice_find(p->delimiters, c) != SIZE_MAX;
}

/* The part of value that begins at from; *next_out: where the next one does, past the end after the last. */
static struct slice
part_at(const struct piece *p, struct slice value, size_t from, size_t *next_out)
{
	size_t end = from;

	while (end < value.len && !is_delimiter(p, value.data[end]))
		end++;
	*next_out = end + 1;
	return slice_sub(value, from, end - from);
}

/* The same from behind; *end_inout becomes where the one before it ends, SIZE_MAX after the first. */
static struct slice
part_before(const struct piece *p, struct slice value, size_t *end_inout)
{
	size_t end = *end_inout, from = end;

	while (from > 0 && !is_delimiter(p, value.data[from - 1]))
		from--;
	*end_inout = from == 0 ? SIZE_MAX : from - 1;
	return slice_sub(value, from, end - from);
}

static void
put_part(struct slice part, bool first, struct buf *out)
{
	if (!first)
		(void)buf_put_u8(out, '.');
	(void)buf_put_slice(out, part);
}

/* Splits, turns round, keeps the count of parts on the right, and joins with dots. */
static void
transform(const struct piece *p, struct slice value, struct buf *out)
{
	size_t parts = 1, skip, at = 0, end = value.len;

	for (size_t i = 0; i < value.len; i++)
		parts += is_delimiter(p, value.data[i]);
	skip = p->counted && p->count < parts ? parts - p->count : 0;
	for (size_t i = 0; i < parts; i++) {
		struct slice part = p->reverse ? part_before(p, value, &end) : part_at(p, value, at, &at);

		if (i >= skip)
			put_part(part, i == skip, out);
	}
}

static void
put_escaped(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (is_alpha(c) || is_digit(c) || memchr("-._~", c, 4) != NULL)
			(void)buf_put_u8(out, c);
		else
			(void)buf_putf(out, "%%%02X", c);
	}
}

static int
put_letter(const struct piece *p, const struct spf_macro_values *v, struct buf *out)
{
	BUF_OWNED struct buf value = { .max = VALUE_MAX }, changed = { .max = VALUE_MAX };
	struct slice text;

	put_value(p->letter, v, &value);
	text = buf_slice(&value);
	if (p->counted || p->reverse || p->delimiters.len > 0) {
		transform(p, text, &changed);
		text = buf_slice(&changed);
	}
	if (value.err != 0 || changed.err != 0)
		return out->err = value.err != 0 ? value.err : changed.err;
	if (p->escape)
		put_escaped(text, out);
	else
		(void)buf_put_slice(out, text);
	return out->err;
}

int
spf_macro_expand(struct slice text, const struct spf_macro_values *values, struct buf *out)
{
	struct piece p;

	while (text.len > 0 && out->err == 0 && read_piece(&text, &p)) {
		if (p.kind == PIECE_LETTER)
			(void)put_letter(&p, values, out);
		else
			(void)buf_put_slice(out, p.text);
	}
	return out->err;
}
