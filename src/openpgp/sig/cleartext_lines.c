/* SPDX-License-Identifier: ISC */
#include "openpgp/sig/cleartext_lines.h"

#include <string.h>

/* ---- parts of lines ---- */

void
cleartext_source_init(struct cleartext_source *s, struct pgp_source in)
{
	s->in = in;
	s->piece = SLICE_EMPTY;
	s->inside = false;
	s->ended = false;
	s->offset = 0;
}

static int
fill(struct cleartext_source *s, struct error *e)
{
	int rc;

	if (s->piece.len > 0 || s->ended)
		return 0;
	rc = pgp_source_next(s->in, &s->piece, e);
	s->ended = rc == 0 && s->piece.len == 0;
	return rc;
}

/* The line up to its end, the piece's, or max octets. */
static struct cleartext_part
cut(struct cleartext_source *s, size_t max)
{
	struct slice look = slice_sub(s->piece, 0, max);
	size_t at = slice_find(look, '\n');
	bool lf = at != SIZE_MAX;
	struct cleartext_part p = { .data = slice_sub(look, 0, lf ? at : look.len), .last = lf, .lf = lf };

	s->piece = slice_from(s->piece, p.data.len + lf);
	s->offset += p.data.len + lf;
	return p;
}

/* A line whose beginning lies in several pieces. */
static int
gather(struct cleartext_source *s, struct cleartext_part *p, struct error *e)
{
	size_t len = 0;

	for (;;) {
		int rc;

		if (p->data.len > 0)
			memcpy(s->carry + len, p->data.data, p->data.len);
		len += p->data.len;
		if (p->last || len == sizeof s->carry)
			break;
		rc = fill(s, e);
		if (rc != 0)
			return rc;
		if (s->ended)
			*p = (struct cleartext_part){ .last = true };
		else
			*p = cut(s, sizeof s->carry - len);
	}
	p->data = slice_of(s->carry, len);
	return 0;
}

int
cleartext_source_next(struct cleartext_source *s, struct cleartext_part *out, struct error *e)
{
	struct cleartext_part p;
	int rc = fill(s, e);

	if (rc != 0)
		return rc;
	if (s->ended && !s->inside)
		return 0;
	if (s->ended) {
		*out = (struct cleartext_part){ .last = true };
		s->inside = false;
		return 1;
	}
	p = cut(s, SIZE_MAX);
	if (!s->inside && !p.last && p.data.len < CLEARTEXT_HEAD)
		rc = gather(s, &p, e);
	if (rc != 0)
		return rc;
	p.first = !s->inside;
	s->inside = !p.last;
	*out = p;
	return 1;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Octets up to the last that is no blank. */
static size_t
solid(struct slice s)
{
	size_t n = s.len;

	while (n > 0 && is_blank(s.data[n - 1]))
		n--;
	return n;
}

bool
cleartext_is_border(struct slice line, const char *border)
{
	return slice_eq_str(slice_sub(line, 0, solid(line)), border);
}

/* ---- blanks ---- */

void
cleartext_blanks_init(struct cleartext_blanks *b, bool strict)
{
	buf_init(&b->held, PGP_CLEARTEXT_BLANKS_MAX);
	b->strict = strict;
}

void
cleartext_blanks_done(struct cleartext_blanks *b)
{
	buf_done(&b->held);
}

static int
emit(const struct cleartext_blanks *b, struct slice s, struct buf *out, struct error *e)
{
	if (b->strict && slice_find(s, '\r') != SIZE_MAX)
		return error_set(e, ERR_USAGE,
		    "the text has a carriage return that ends no line, which readers take differently: "
		    "make a detached signature instead");
	return buf_put_slice(out, s) == 0 ? 0 : error_set(e, out->err, "there is no room for the text");
}

int
cleartext_blanks_put(struct cleartext_blanks *b, struct slice part, struct buf *out, struct error *e)
{
	size_t n = solid(part);
	int rc = 0;

	if (n > 0) {
		rc = emit(b, buf_slice(&b->held), out, e);
		buf_clear(&b->held);
	}
	if (rc == 0)
		rc = emit(b, slice_sub(part, 0, n), out, e);
	if (rc == 0 && buf_put_slice(&b->held, slice_from(part, n)) != 0)
		rc = error_set(
		    e, b->held.err, "a line of the text has more than %u blanks in a row", PGP_CLEARTEXT_BLANKS_MAX);
	return rc;
}

int
cleartext_blanks_end(struct cleartext_blanks *b, bool lf, bool *crlf_out, struct buf *out, struct error *e)
{
	struct slice left = buf_slice(&b->held);
	int rc;

	*crlf_out = lf && left.len > 0 && left.data[left.len - 1] == '\r';
	if (*crlf_out)
		left = slice_sub(left, 0, left.len - 1);
	/* Only spaces and tabs are removed: a carriage return before them is text. */
	while (left.len > 0 && left.data[left.len - 1] != '\r')
		left = slice_sub(left, 0, left.len - 1);
	rc = emit(b, left, out, e);
	buf_clear(&b->held);
	return rc;
}
