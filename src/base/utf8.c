/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"

#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <uniwidth.h>

#include "base/error.h"
#include "base/mem.h"

/* RFC 3629 section 4: what the second octet may be depends on the first. */
struct lead {
	uint8_t from, to, length, second_from, second_to;
};

static const struct lead leads[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct lead *
lead_of(uint8_t octet)
{
	for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
		if (octet >= leads[i].from && octet <= leads[i].to)
			return &leads[i];
	}
	return NULL;
}

/* How many octets of the front are as they should be, and how many there should be (0 for no lead). */
static size_t
good_front(struct slice in, size_t *want_out)
{
	const struct lead *lead = lead_of(in.data[0]);
	size_t n;

	*want_out = lead == NULL ? 0 : lead->length;
	if (lead == NULL)
		return 0;
	if (in.len < 2 || in.data[1] < lead->second_from || in.data[1] > lead->second_to)
		return 1;
	for (n = 2; n < lead->length && n < in.len && (in.data[n] & 0xc0) == 0x80; n++)
		;
	return n;
}

size_t
utf8_decode(struct slice in, uint32_t *point_out)
{
	size_t want;
	uint32_t point;

	if (in.len == 0)
		return 0;
	if (in.data[0] < 0x80) {
		*point_out = in.data[0];
		return 1;
	}
	if (good_front(in, &want) != want || want == 0)
		return 0;
	point = in.data[0] & (0x7fu >> want);
	for (size_t i = 1; i < want; i++)
		point = point << 6 | (in.data[i] & 0x3fu);
	*point_out = point;
	return want;
}

size_t
utf8_malformed_length(struct slice in)
{
	size_t want, good = in.len == 0 ? 0 : good_front(in, &want);

	return good == 0 ? 1 : good;
}

/* Octets at the front that are ASCII, eight at a time. */
static size_t
ascii_front(struct slice in)
{
	size_t at = 0;
	uint64_t word;

	for (; at + 8 <= in.len; at += 8) {
		memcpy(&word, in.data + at, 8);
		if (word & 0x8080808080808080u)
			break;
	}
	while (at < in.len && in.data[at] < 0x80)
		at++;
	return at;
}

bool
utf8_is_ascii(struct slice in)
{
	return ascii_front(in) == in.len;
}

bool
utf8_valid(struct slice in)
{
	uint32_t point;
	size_t n;

	for (in = slice_from(in, ascii_front(in)); in.len > 0; in = slice_from(in, ascii_front(in))) {
		n = utf8_decode(in, &point);
		if (n == 0)
			return false;
		in = slice_from(in, n);
	}
	return true;
}

int
utf8_put(struct buf *out, uint32_t point)
{
	uint8_t o[4];

	if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		point = UTF8_REPLACEMENT;
	if (point < 0x80)
		return buf_put_u8(out, (uint8_t)point);
	o[3] = (uint8_t)(0x80 | (point & 0x3f));
	o[2] = (uint8_t)(point >> 6 & 0x3f);
	if (point < 0x800) {
		o[2] |= 0xc0;
		return buf_put(out, o + 2, 2);
	}
	o[2] |= 0x80;
	o[1] = (uint8_t)(point >> 12 & 0x3f);
	if (point < 0x10000) {
		o[1] |= 0xe0;
		return buf_put(out, o + 1, 3);
	}
	o[1] |= 0x80;
	o[0] = (uint8_t)(0xf0 | point >> 18);
	return buf_put(out, o, 4);
}

int
utf8_put_repaired(struct buf *out, struct slice in)
{
	while (in.len > 0 && out->err == 0) {
		uint32_t point;
		size_t n = ascii_front(in);

		if (n > 0) {
			(void)buf_put(out, in.data, n);
		} else if ((n = utf8_decode(in, &point)) > 0) {
			(void)buf_put(out, in.data, n);
		} else {
			n = utf8_malformed_length(in);
			(void)utf8_put(out, UTF8_REPLACEMENT);
		}
		in = slice_from(in, n);
	}
	return out->err;
}

static int
fold_ascii(struct buf *out, struct slice in)
{
	uint8_t *p = buf_reserve(out, in.len);

	if (p == NULL)
		return out->err;
	for (size_t i = 0; i < in.len; i++)
		p[i] = ascii_lower(in.data[i]);
	buf_commit(out, in.len);
	return 0;
}

int
utf8_fold(struct buf *out, struct slice in)
{
	while (in.len > 0 && out->err == 0) {
		uint32_t point;
		size_t n = ascii_front(in);

		if (n > 0) {
			(void)fold_ascii(out, slice_sub(in, 0, n));
		} else if ((n = utf8_decode(in, &point)) > 0) {
			(void)utf8_put(out, uc_tolower(uc_toupper(point)));
		} else {
			n = 1;
			(void)buf_put_u8(out, in.data[0]);
		}
		in = slice_from(in, n);
	}
	return out->err;
}

bool
utf8_fold_contains(struct slice hay, struct slice needle_folded)
{
	struct buf b;
	bool found;

	buf_init(&b, SIZE_MAX);
	found = utf8_fold(&b, hay) == 0 && slice_search(buf_slice(&b), needle_folded) != SIZE_MAX;
	buf_done(&b);
	return found;
}

/* Octets of the character at the front, and its columns. */
static size_t
one_character(struct slice in, size_t *columns_out)
{
	uint32_t point;
	size_t n = utf8_decode(in, &point);
	int width = n == 0 ? 1 : uc_width(point, "UTF-8");

	*columns_out = width < 0 ? 1 : (size_t)width;
	return n == 0 ? 1 : n;
}

struct slice
utf8_cut_columns(struct slice in, size_t columns)
{
	size_t at = 0, used = 0, n, width;

	while (at < in.len) {
		n = one_character(slice_from(in, at), &width);
		if (width > columns - used)
			break;
		used += width;
		at += n;
	}
	return slice_sub(in, 0, at);
}

int
utf8_normalize(struct buf *out, struct slice in)
{
	size_t len = 0;
	uint8_t *whole;

	if (utf8_is_ascii(in))
		return buf_put_slice(out, in);
	if (!utf8_valid(in))
		return ERR_SYNTAX;
	whole = u8_normalize(UNINORM_NFC, in.data, in.len, NULL, &len);
	if (whole == NULL)
		return ERR_NOMEM;
	(void)buf_put(out, whole, len);
	mem_free(whole);
	return out->err;
}

size_t
utf8_columns(struct slice in)
{
	size_t at = 0, used = 0, width;

	while (at < in.len) {
		at += one_character(slice_from(in, at), &width);
		used += width;
	}
	return used;
}

struct slice
utf8_cut_octets(struct slice in, size_t len)
{
	size_t back;

	if (len >= in.len)
		return in;
	for (back = 0; back < 4 && back < len && (in.data[len - back] & 0xc0) == 0x80; back++)
		;
	return slice_sub(in, 0, (in.data[len - back] & 0xc0) == 0x80 ? len : len - back);
}
