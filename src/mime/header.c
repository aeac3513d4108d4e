/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "mime/header.h"
#include "mime/header_line.h"

/* A walk over the fields of a block. */
struct walk {
	struct slice in;
	size_t at;
	bool any;
	bool blank; /* the empty line was taken */
};

static struct slice
line_at(const struct walk *w)
{
	struct slice left = slice_from(w->in, w->at);

	return slice_sub(left, 0, header_line_length(left));
}

static void
field_cut(struct slice whole, struct mime_field *f)
{
	size_t colon = slice_find(whole, ':');

	f->whole = whole;
	f->name = slice_trim(slice_sub(whole, 0, colon));
	f->value = slice_from(whole, colon + 1);
	f->value.len -= header_line_eol(f->value);
}

/* The next field; false at the block's end, which is then w->at. */
static bool
walk_next(struct walk *w, struct mime_field *f)
{
	while (w->at < w->in.len) {
		struct slice line = line_at(w);
		enum header_line kind = header_line_of(line, w->at == 0, w->any);
		size_t start = w->at;

		if (kind == LINE_OTHER)
			return false;
		w->at += line.len;
		if (kind == LINE_EMPTY) {
			w->blank = true;
			return false;
		}
		if (kind != LINE_FIELD)
			continue;
		w->any = true;
		while (w->at < w->in.len && (w->in.data[w->at] == ' ' || w->in.data[w->at] == '\t'))
			w->at += line_at(w).len;
		field_cut(slice_sub(w->in, start, w->at - start), f);
		return true;
	}
	return false;
}

int
mime_header_parse(struct slice in, struct arena *a, struct mime_header *out, struct error *e)
{
	struct walk w = { .in = in };
	struct mime_header h = { 0 };
	struct mime_field *fields, f;
	size_t n = 0;

	while (walk_next(&w, &f)) {
		if (w.at > MIME_HEADER_MAX || h.count == MIME_FIELDS_MAX)
			h.cut = true;
		else
			h.count++;
	}
	h.length = w.at;
	h.no_blank = !w.blank;
	fields = arena_array(a, h.count + 1, sizeof *fields);
	if (fields == NULL)
		return error_set(e, a->err, "There is no memory left for the header fields.");
	w = (struct walk){ .in = in };
	while (n < h.count && walk_next(&w, &fields[n]))
		n++;
	h.fields = fields;
	*out = h;
	return 0;
}

size_t
mime_header_length(struct slice in)
{
	struct walk w = { .in = in };
	struct mime_field f;

	while (walk_next(&w, &f))
		;
	return w.at;
}

const struct mime_field *
mime_header_next(const struct mime_header *h, const struct mime_field *after, const char *name)
{
	size_t i = after == NULL ? 0 : (size_t)(after - h->fields) + 1;

	for (; i < h->count; i++) {
		if (slice_ieq_str(h->fields[i].name, name))
			return &h->fields[i];
	}
	return NULL;
}

const struct mime_field *
mime_header_find(const struct mime_header *h, const char *name)
{
	return mime_header_next(h, NULL, name);
}

size_t
mime_header_count(const struct mime_header *h, const char *name)
{
	const struct mime_field *f = NULL;
	size_t n = 0;

	while ((f = mime_header_next(h, f, name)) != NULL)
		n++;
	return n;
}

struct slice
mime_header_value(const struct mime_header *h, const char *name)
{
	const struct mime_field *f = mime_header_find(h, name);

	return f == NULL ? SLICE_EMPTY : slice_trim(f->value);
}

/* Writes the unfolded value to `to`, which has room for value.len octets; returns the length. */
static size_t
unfold(struct slice value, uint8_t *to)
{
	struct slice v = slice_trim(value);
	size_t n = 0;

	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.data[i];

		if (c == '\n' || (c == '\r' && i + 1 < v.len && v.data[i + 1] == '\n'))
			continue;
		to[n++] = c == '\r' ? ' ' : c;
	}
	return n;
}

int
mime_unfold(struct slice value, struct buf *out)
{
	uint8_t *to = buf_reserve(out, value.len);

	if (to != NULL)
		buf_commit(out, unfold(value, to));
	return out->err;
}

struct slice
mime_unfold_copy(struct slice value, struct arena *a)
{
	uint8_t *to = arena_alloc(a, value.len + 1);

	return to == NULL ? SLICE_EMPTY : slice_of(to, unfold(value, to));
}

static bool
is_listed(struct slice name, const struct slice *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_ieq(name, names[i]))
			return true;
	}
	return false;
}

int
mime_header_select(struct slice block, const struct slice *names, size_t count, bool exclude, struct buf *out)
{
	struct walk w = { .in = block };
	struct mime_field f;

	while (walk_next(&w, &f)) {
		if (is_listed(f.name, names, count) == exclude)
			continue;
		(void)buf_put_slice(out, f.whole);
		if (header_line_eol(f.whole) == 0)
			(void)buf_put_str(out, "\r\n");
	}
	return buf_put_str(out, "\r\n");
}

void
mime_header_scan_init(struct mime_header_scan *s)
{
	*s = (struct mime_header_scan){ .state = LINE_START };
}

static void
scan_line_end(struct mime_header_scan *s)
{
	s->any |= s->state == LINE_FIELD;
	s->length += s->line;
	s->line = 0;
	s->state = LINE_START;
	s->from = 0;
	s->later = true;
}

/* Takes octets until the open line is decided; returns how many. */
static size_t
scan_decide(struct mime_header_scan *s, struct slice in)
{
	struct header_line_at at = {
		.state = s->state, .position = s->line, .from = s->from, .first = !s->later, .any = s->any
	};
	size_t n = 0;

	while (n < in.len && at.state < LINE_FIELD) {
		uint8_t c = in.data[n++];

		(void)header_line_step(&at, c);
	}
	s->line += n;
	s->state = (uint8_t)at.state;
	s->from = (uint8_t)at.from;
	return n;
}

size_t
mime_header_scan_feed(struct mime_header_scan *s, struct slice in)
{
	size_t at = 0;

	while (at < in.len && !s->done) {
		struct slice rest;
		size_t n;

		at += scan_decide(s, slice_from(in, at));
		if (s->state == LINE_EMPTY)
			s->length += s->line;
		if (s->state == LINE_EMPTY || s->state == LINE_OTHER) {
			s->done = true;
			break;
		}
		if (s->state < LINE_FIELD)
			break;
		rest = slice_from(in, at);
		n = header_line_length(rest);
		at += n;
		s->line += n;
		if (n > 0 && rest.data[n - 1] == '\n')
			scan_line_end(s);
	}
	return at;
}

void
mime_header_scan_end(struct mime_header_scan *s)
{
	if (!s->done && s->state >= LINE_FIELD)
		s->length += s->line;
	s->done = true;
}
