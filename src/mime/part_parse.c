/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/mem.h"
#include "mime/decode.h"
#include "mime/header_line.h"
#include "mime/lex.h"
#include "mime/part.h"

/* A multipart whose delimiters are looked for. */
struct open_multipart {
	struct mime_part *part;
	struct mime_part *last; /* its newest child */
	struct slice boundary;
};

/* A line as the parser sees it. */
struct line {
	struct slice kept; /* its front: all of it, or as much as is held */
	uint64_t length;   /* octets, the line end included */
	size_t eol;        /* 0, 1 or 2 */
};

struct mime_parser_state {
	struct arena *arena;
	struct mime_part *root;
	struct mime_part *part; /* the innermost open one */
	bool in_header;         /* of part */
	bool any;               /* a field was seen in this header */
	bool block_cut;         /* lines of this header were dropped */
	struct buf block;       /* this header so far */
	size_t charged;         /* by all headers, see MIME_HEADERS_MAX */
	size_t parts;
	struct open_multipart open[MIME_DEPTH_MAX + 1];
	size_t opened;

	uint64_t at;          /* offset of the line at hand */
	uint64_t line_ends;   /* before it */
	uint64_t last_length; /* of the line before it, without its end */
	size_t last_eol;

	struct buf held;     /* front of a line that is not whole yet */
	uint64_t held_total; /* octets of it so far */
	uint8_t held_last;   /* its last octet */
};

/* Where open parts end: at an offset, with so many lines in the message before it. */
struct end {
	uint64_t at;
	uint64_t lines;
};

/* Until a part is closed its body_lines are those before its body. */
static void
close_part(struct mime_part *p, struct end end)
{
	if (end.at <= p->body) {
		p->body_len = 0;
		p->body_lines = 0;
		return;
	}
	p->body_len = end.at - p->body;
	p->body_lines = end.lines - p->body_lines;
}

/* Closes the part at hand and its parents up to, not including, keep. */
static void
close_to(struct mime_parser_state *s, const struct mime_part *keep, struct end end)
{
	while (s->part != keep) {
		close_part(s->part, end);
		s->part = s->part->parent;
	}
}

static int
new_part(struct mime_parser_state *s, struct mime_part *parent, struct mime_part **link, uint32_t number, uint64_t at)
{
	struct mime_part *p = arena_alloc(s->arena, sizeof *p);

	if (p == NULL)
		return s->arena->err;
	p->parent = parent;
	p->number = number;
	p->depth = parent == NULL ? 0 : parent->depth + 1;
	p->header = at;
	*link = p;
	s->part = p;
	s->parts++;
	s->in_header = true;
	s->any = false;
	s->block_cut = false;
	buf_clear(&s->block);
	return 0;
}

static bool
is_type(struct slice v)
{
	size_t slash = slice_find(v, '/');

	if (slash == SIZE_MAX || slash == 0 || slash + 1 == v.len)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (i != slash && !mime_is_token(v.data[i]))
			return false;
	}
	return true;
}

static void
set_type(struct mime_part *p, const char *type)
{
	struct slice rest;

	if (type != NULL)
		p->type.value = slice_str(type);
	p->media = slice_split(p->type.value, '/', &rest);
	p->subtype = rest;
}

/* As written, since it is compared with octets; joined when it came in pieces. */
static struct slice
boundary_of(const struct mime_part *p)
{
	struct slice b = SLICE_EMPTY;

	for (size_t i = 0; i < p->type.raw_count && b.len == 0; i++) {
		if (slice_ieq_str(p->type.raw[i].name, "boundary"))
			b = p->type.raw[i].value;
	}
	if (b.len == 0)
		(void)mime_value_param(&p->type, "boundary", &b);
	while (b.len > 0 && mime_is_space(b.data[b.len - 1]))
		b.len--;
	return b;
}

/* Field values become the part's properties. */
static int
read_fields(struct mime_parser_state *s, struct mime_part *p)
{
	const struct mime_header *h = &p->fields;
	const struct mime_field *disposition = mime_header_find(h, "Content-Disposition");
	bool digest = p->parent != NULL && mime_part_is(p->parent, "multipart/digest");
	int rc;

	rc = mime_value_parse(mime_header_value(h, "Content-Type"), s->arena, &p->type, NULL);
	if (rc == 0 && disposition != NULL)
		rc = mime_value_parse(disposition->value, s->arena, &p->disposition, NULL);
	if (rc != 0)
		return rc;
	p->type_given = is_type(p->type.value);
	if (!p->type_given)
		p->type = (struct mime_value){ 0 };
	set_type(p, p->type_given ? NULL : digest ? "message/rfc822" : "text/plain");
	p->encoding_name = mime_header_value(h, "Content-Transfer-Encoding");
	p->encoding = mime_encoding_of(p->encoding_name);
	return 0;
}

static bool
is_message(const struct mime_part *p)
{
	/* RFC 2046 5.2.1: an encoded message/rfc822 is not permitted; such a one stays closed. */
	return (mime_part_is(p, "message/rfc822") || mime_part_is(p, "message/global")) && p->encoding != MIME_BASE64 &&
	    p->encoding != MIME_QP;
}

static void
cut(struct mime_part *p)
{
	p->cut = true;
	p->kind = MIME_LEAF;
	p->type = (struct mime_value){ 0 };
	set_type(p, "application/octet-stream");
}

/* Leaf, multipart or message; opens what is inside. */
static int
enter_body(struct mime_parser_state *s, struct mime_part *p)
{
	bool deeper = p->depth < MIME_DEPTH_MAX && s->parts < MIME_PARTS_MAX;

	if (s->parts >= MIME_PARTS_MAX && p->depth > 0) {
		s->opened = 0; /* no delimiter counts any more: the last part holds all the rest */
		cut(p);
		return 0;
	}
	if (slice_eq_str(p->media, "multipart")) {
		struct slice boundary = boundary_of(p);

		if (!deeper)
			cut(p);
		else if (boundary.len == 0 || boundary.len > MIME_BOUNDARY_MAX)
			set_type(p, "text/plain"); /* RFC 2045 5.2 for what cannot be read as a type */
		else {
			p->kind = MIME_MULTIPART;
			s->open[s->opened++] = (struct open_multipart){ p, NULL, boundary };
		}
		return 0;
	}
	if (!is_message(p))
		return 0;
	if (!deeper) {
		cut(p);
		return 0;
	}
	p->kind = MIME_MESSAGE;
	return new_part(s, p, &p->child, 1, p->body);
}

/* The header of the part at hand ends at that offset, with so many line ends before it. */
static int
finish_header(struct mime_parser_state *s, uint64_t end, uint64_t line_ends)
{
	struct mime_part *p = s->part;
	int rc;

	s->in_header = false;
	p->header_len = end - p->header;
	p->body = end;
	p->body_lines = line_ends;
	s->charged += s->block.len;
	if (s->charged > MIME_HEADERS_MAX) {
		cut(p);
		return 0;
	}
	p->block = arena_copy(s->arena, buf_slice(&s->block));
	rc = mime_header_parse(p->block, s->arena, &p->fields, NULL);
	if (rc == 0)
		rc = read_fields(s, p);
	if (rc != 0)
		return rc;
	s->charged += p->fields.count * MIME_FIELD_COST;
	p->fields.cut |= s->block_cut;
	return enter_body(s, p);
}

/* Which open multipart this line delimits, innermost first; SIZE_MAX for none. */
static size_t
find_delimiter(const struct mime_parser_state *s, const struct line *l, bool *last_out)
{
	struct slice t = l->kept;

	if (l->length > MIME_LINE_KEPT || t.len < 3 || t.data[0] != '-' || t.data[1] != '-')
		return SIZE_MAX;
	t = slice_sub(t, 2, t.len - 2 - l->eol);
	while (t.len > 0 && (t.data[t.len - 1] == ' ' || t.data[t.len - 1] == '\t'))
		t.len--;
	for (size_t i = s->opened; i-- > 0;) {
		struct slice b = s->open[i].boundary;

		if (!slice_starts(t, b))
			continue;
		*last_out = slice_eq_str(slice_from(t, b.len), "--");
		if (*last_out || t.len == b.len)
			return i;
	}
	return SIZE_MAX;
}

static int
delimit(struct mime_parser_state *s, size_t i, bool last, uint64_t next_line)
{
	struct open_multipart *m = &s->open[i];
	struct end end = { s->at - s->last_eol, s->line_ends - (s->last_eol > 0) + (s->last_length > 0) };
	struct mime_part **link;
	uint32_t number;
	int rc;

	close_to(s, m->part, end);
	s->opened = i + 1;
	if (last) {
		m->part->closed = true;
		s->opened = i;
		return 0;
	}
	link = m->last == NULL ? &m->part->child : &m->last->next;
	number = m->last == NULL ? 1 : m->last->number + 1;
	rc = new_part(s, m->part, link, number, next_line);
	m->last = s->part;
	return rc;
}

/* A line of a header; *body_out says that it belongs to the body instead. */
static int
header_line(struct mime_parser_state *s, const struct line *l, bool *body_out)
{
	enum header_line kind = header_line_of(l->kept, s->at == s->part->header, s->any);

	*body_out = kind == LINE_OTHER;
	if (kind == LINE_OTHER)
		return finish_header(s, s->at, s->line_ends);
	s->any |= kind == LINE_FIELD;
	if (l->length != l->kept.len || s->block.len + l->kept.len > MIME_HEADER_MAX)
		s->block_cut = true;
	if (!s->block_cut && buf_put_slice(&s->block, l->kept) != 0)
		return s->block.err;
	if (kind == LINE_EMPTY)
		return finish_header(s, s->at + l->length, s->line_ends + (l->eol > 0));
	return 0;
}

static int
take_line(struct mime_parser_state *s, const struct line *l)
{
	bool last, body = false;
	size_t i = find_delimiter(s, l, &last);
	int rc = 0;

	if (i != SIZE_MAX) {
		if (s->in_header)
			rc = finish_header(s, s->at, s->line_ends);
		/* A message/rfc822 whose header never began. */
		while (rc == 0 && s->in_header)
			rc = finish_header(s, s->at, s->line_ends);
		if (rc == 0 && i < s->opened)
			rc = delimit(s, i, last, s->at + l->length);
	} else {
		/* Where one header ends without an empty line, the next one may begin: message/rfc822. */
		while (rc == 0 && s->in_header) {
			rc = header_line(s, l, &body);
			if (!body)
				break;
		}
	}
	s->at += l->length;
	s->line_ends += l->eol > 0;
	s->last_length = l->length - l->eol;
	s->last_eol = l->eol;
	return rc;
}

/* The open line goes on with these octets. */
static int
hold(struct mime_parser_state *s, struct slice piece)
{
	size_t room = (s->in_header ? MIME_HEADER_MAX : MIME_LINE_KEPT) + 1u;

	if (piece.len == 0)
		return 0;
	if (s->held.len < room)
		(void)buf_put_slice(&s->held, slice_sub(piece, 0, room - s->held.len));
	s->held_total += piece.len;
	s->held_last = piece.data[piece.len - 1];
	return s->held.err;
}

/* The held line and its last octets, which end it or are the message's last. */
static int
take_held(struct mime_parser_state *s, struct slice tail)
{
	uint8_t before = s->held_total > 0 ? s->held_last : 0;
	struct line l = { .eol = header_line_eol(tail) };
	int rc;

	if (tail.len == 1 && l.eol == 1 && before == '\r')
		l.eol = 2;
	rc = hold(s, tail);
	l.kept = buf_slice(&s->held);
	l.length = s->held_total;
	if (rc == 0)
		rc = take_line(s, &l);
	buf_clear(&s->held);
	s->held_total = 0;
	return rc;
}

void
mime_parser_init(struct mime_parser *p, struct arena *a)
{
	struct mime_parser_state *s = mem_alloc(sizeof *s);

	*p = (struct mime_parser){ .state = s, .err = s == NULL ? ERR_NOMEM : 0 };
	if (s == NULL)
		return;
	s->arena = a;
	buf_init(&s->block, MIME_HEADER_MAX);
	buf_init(&s->held, MIME_HEADER_MAX + 2);
	p->err = new_part(s, NULL, &s->root, 1, 0);
}

int
mime_parser_feed(struct mime_parser *p, struct slice piece)
{
	struct mime_parser_state *s = p->state;

	while (piece.len > 0 && p->err == 0) {
		size_t n = header_line_length(piece);
		struct slice line = slice_sub(piece, 0, n);

		piece = slice_from(piece, n);
		if (line.data[n - 1] != '\n')
			p->err = hold(s, line);
		else if (s->held_total > 0)
			p->err = take_held(s, line);
		else
			p->err = take_line(s, &(struct line){ line, n, header_line_eol(line) });
	}
	return p->err;
}

int
mime_parser_end(struct mime_parser *p, struct mime_part **root_out, struct error *e)
{
	struct mime_parser_state *s = p->state;

	if (p->err == 0 && s->held_total > 0)
		p->err = take_held(s, SLICE_EMPTY);
	while (p->err == 0 && s->in_header)
		p->err = finish_header(s, s->at, s->line_ends);
	if (p->err != 0)
		return error_set(e, p->err, "There is no memory left for the structure of a message.");
	close_to(s, NULL, (struct end){ s->at, s->line_ends + (s->last_eol == 0 && s->last_length > 0) });
	*root_out = s->root;
	return 0;
}

void
mime_parser_done(struct mime_parser *p)
{
	if (p->state != NULL) {
		buf_done(&p->state->block);
		buf_done(&p->state->held);
	}
	mem_free(p->state);
	*p = (struct mime_parser){ .err = ERR_ORDER };
}

int
mime_parse(struct slice message, struct arena *a, struct mime_part **root_out, struct error *e)
{
	struct mime_parser p;
	int rc;

	mime_parser_init(&p, a);
	(void)mime_parser_feed(&p, message);
	rc = mime_parser_end(&p, root_out, e);
	mime_parser_done(&p);
	return rc;
}
