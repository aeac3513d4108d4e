/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/canon.h"

#include <string.h>

const char *
dkim_canon_name(enum dkim_canon how)
{
	return how == DKIM_RELAXED ? "relaxed" : "simple";
}

bool
dkim_canon_of(struct slice name, enum dkim_canon *out)
{
	bool relaxed = slice_ieq_str(name, "relaxed");

	if (!relaxed && !slice_ieq_str(name, "simple"))
		return false;
	*out = relaxed ? DKIM_RELAXED : DKIM_SIMPLE;
	return true;
}

static bool
is_wsp(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Without the line end that ends it. */
static struct slice
cut_end(struct slice whole)
{
	if (whole.len > 0 && whole.data[whole.len - 1] == '\n')
		whole.len--;
	if (whole.len > 0 && whole.data[whole.len - 1] == '\r')
		whole.len--;
	return whole;
}

/* A fold is a line end with white space behind it; any other CR or LF is a character. */
static size_t
fold_length(struct slice in, size_t at)
{
	size_t end = at;

	if (end < in.len && in.data[end] == '\r')
		end++;
	if (end >= in.len || in.data[end] != '\n')
		return 0;
	end++;
	return end < in.len && is_wsp(in.data[end]) ? end - at : 0;
}

/* Unfolded, white space made one space each, none at the ends. */
static void
put_relaxed_value(struct slice value, struct buf *out)
{
	bool space = false, any = false;
	size_t at = 0, start, fold;

	while (at < value.len) {
		if (is_wsp(value.data[at])) {
			space = true;
			at++;
			continue;
		}
		if ((fold = fold_length(value, at)) > 0) {
			at += fold;
			continue;
		}
		if (space && any)
			(void)buf_put_u8(out, ' ');
		start = at++;
		while (at < value.len && !is_wsp(value.data[at]) && value.data[at] != '\r' && value.data[at] != '\n')
			at++;
		(void)buf_put_slice(out, slice_sub(value, start, at - start));
		space = false;
		any = true;
	}
}

static void
put_relaxed_name(struct slice name, struct buf *out)
{
	while (name.len > 0 && is_wsp(name.data[name.len - 1]))
		name.len--;
	for (size_t i = 0; i < name.len; i++)
		(void)buf_put_u8(out, ascii_lower(name.data[i]));
	(void)buf_put_u8(out, ':');
}

static void
put_relaxed(struct slice name, struct slice value, struct buf *out)
{
	put_relaxed_name(name, out);
	put_relaxed_value(value, out);
}

static struct slice
name_of(struct slice field, size_t *colon_out)
{
	size_t colon = slice_find(field, ':');

	*colon_out = colon == SIZE_MAX ? field.len : colon;
	return slice_sub(field, 0, *colon_out);
}

int
dkim_canon_field(enum dkim_canon how, struct slice whole, struct buf *out)
{
	struct slice field = cut_end(whole), name;
	size_t colon;

	if (how == DKIM_SIMPLE) {
		(void)buf_put_slice(out, field);
		return buf_put_str(out, "\r\n");
	}
	name = name_of(field, &colon);
	put_relaxed(name, slice_from(field, colon + 1), out);
	return buf_put_str(out, "\r\n");
}

/* Behind the '=' of the tag b=, up to its ';' or the end: [*from_out, *to_out) of the value. */
static void
find_b(struct slice value, size_t *from_out, size_t *to_out)
{
	size_t at = 0;

	*from_out = *to_out = value.len;
	while (at < value.len) {
		struct slice rest = slice_from(value, at);
		size_t end = slice_find(rest, ';'), equals;

		end = end == SIZE_MAX ? rest.len : end;
		equals = slice_find(slice_sub(rest, 0, end), '=');
		if (equals != SIZE_MAX && slice_eq(slice_trim(slice_sub(rest, 0, equals)), SLICE("b"))) {
			*from_out = at + equals + 1;
			*to_out = at + end;
			return;
		}
		at += end + 1;
	}
}

int
dkim_canon_signature(enum dkim_canon how, struct slice whole, struct buf *out)
{
	struct slice field = cut_end(whole), name, value;
	size_t colon, from, to;
	struct buf without;
	int rc;

	name = name_of(field, &colon);
	value = slice_from(field, colon + 1);
	find_b(value, &from, &to);
	if (how == DKIM_SIMPLE) {
		(void)buf_put_slice(out, slice_sub(field, 0, colon + 1));
		(void)buf_put_slice(out, slice_sub(value, 0, from));
		return buf_put_slice(out, slice_from(value, to));
	}
	buf_init(&without, value.len + 1);
	(void)buf_put_slice(&without, slice_sub(value, 0, from));
	rc = buf_put_slice(&without, slice_from(value, to));
	if (rc == 0)
		put_relaxed(name, buf_slice(&without), out);
	buf_done(&without);
	return rc != 0 ? rc : out->err;
}

/* ---- choice ---- */

/* Only to look for equal names quickly: names that differ and share it cost a comparison. */
static uint32_t
name_hash(struct slice name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ ascii_lower(name.data[i])) * 16777619u;
	return h;
}

int
dkim_header_parse(struct slice block, struct arena *a, struct dkim_header *out, struct error *e)
{
	uint32_t *hashes;
	int rc = mime_header_parse(block, a, &out->mime, e);

	if (rc != 0)
		return rc;
	if (out->mime.cut)
		return error_set(e, ERR_LIMIT, "The header is larger than %u octets or %u fields.", MIME_HEADER_MAX,
		    MIME_FIELDS_MAX);
	if (out->mime.length != block.len)
		return error_set_at(e, ERR_SYNTAX, out->mime.length, "A line of the header is no field.");
	hashes = arena_array(a, out->mime.count + 1, sizeof *hashes);
	if (hashes == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < out->mime.count; i++)
		hashes[i] = name_hash(out->mime.fields[i].name);
	out->hashes = hashes;
	return 0;
}

void
dkim_choice_init(struct dkim_choice *c, const struct dkim_header *header)
{
	*c = (struct dkim_choice){ .header = header };
}

static bool
is_free(const struct dkim_choice *c, size_t i, uint32_t hash, struct slice name)
{
	return c->header->hashes[i] == hash && (c->taken[i / 8] & 1u << i % 8) == 0 &&
	    slice_ieq(c->header->mime.fields[i].name, name);
}

const struct mime_field *
dkim_choice_take(struct dkim_choice *c, struct slice name)
{
	uint32_t hash = name_hash(name);

	for (size_t i = c->header->mime.count; i-- > 0;) {
		if (is_free(c, i, hash, name)) {
			c->taken[i / 8] |= (uint8_t)(1u << i % 8);
			return &c->header->mime.fields[i];
		}
	}
	return NULL;
}

size_t
dkim_choice_left(const struct dkim_choice *c, struct slice name)
{
	uint32_t hash = name_hash(name);
	size_t left = 0;

	for (size_t i = 0; i < c->header->mime.count; i++)
		left += is_free(c, i, hash, name);
	return left;
}
