/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"
#include "mailauth/results/results.h"
#include "mime/lex.h"
#include "mime/limits.h"

#define INDENT 1u /* columns of a continuation line's space */

/* Keyword (RFC 5321 section 4.1.2): what methods, results and properties are named by. */
static bool
is_keyword(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = ascii_lower(s.data[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return s.len > 0;
}

/* ---- values ---- */

/* s, cut at MAILAUTH_RESULTS_VALUE_MAX, with '?' for control characters and for what is not UTF-8. */
static void
put_clean(struct slice s, struct buf *out)
{
	s = slice_sub(s, 0, MAILAUTH_RESULTS_VALUE_MAX);
	while (s.len > 0) {
		uint32_t point = 0;
		size_t len = utf8_decode(s, &point);
		bool good = len > 0 && point >= 0x20 && point != 0x7f && !(point >= 0x80 && point < 0xa0);

		if (good)
			(void)buf_put_slice(out, slice_sub(s, 0, len));
		else
			(void)buf_put_u8(out, '?');
		s = slice_from(s, len > 0 ? len : utf8_malformed_length(s));
	}
}

static bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!mime_is_token(s.data[i]))
			return false;
	return s.len > 0;
}

/* Letters of any script, digits, '-', '_' and dots: U-labels need no quotes (RFC 8601 section 2.2, "domain-name"). */
static bool
is_domain(struct slice s)
{
	struct slice rest = s;

	while (rest.len > 0) {
		struct slice label = slice_split(rest, '.', &rest);

		for (size_t i = 0; i < label.len; i++)
			if (label.data[i] < 0x80 && !is_keyword(slice_sub(label, i, 1)))
				return false;
		if (label.len == 0)
			return false;
	}
	return s.len > 0 && s.data[s.len - 1] != '.';
}

static bool
is_dot_atom(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!mime_is_atext(s.data[i]) && !(s.data[i] == '.' && i > 0 && s.data[i - 1] != '.' && i + 1 < s.len))
			return false;
	return s.len > 0;
}

/* An address keeps its form, [[local-part] "@"] domain-name; all else is a token, or quoted. */
static void
put_value(struct slice raw, struct buf *out)
{
	BUF_OWNED struct buf clean = { .max = MAILAUTH_RESULTS_VALUE_MAX };
	struct slice s;
	size_t at;

	put_clean(raw, &clean);
	if (clean.err != 0)
		out->err = clean.err;
	s = buf_slice(&clean);
	at = slice_find_last(s, '@');
	if (at != SIZE_MAX && is_domain(slice_from(s, at + 1))) {
		struct slice local = slice_sub(s, 0, at);

		if (local.len > 0 && !is_dot_atom(local))
			mime_put_quoted(local, out);
		else
			(void)buf_put_slice(out, local);
		(void)buf_put_slice(out, slice_from(s, at));
	} else if (is_token(s) || is_domain(s)) {
		(void)buf_put_slice(out, s);
	} else {
		mime_put_quoted(s, out);
	}
}

static void
put_comment(struct slice raw, struct buf *out)
{
	BUF_OWNED struct buf clean = { .max = MAILAUTH_RESULTS_VALUE_MAX };

	put_clean(raw, &clean);
	if (clean.err != 0)
		out->err = clean.err;
	(void)buf_put_u8(out, '(');
	for (size_t i = 0; i < clean.len; i++) {
		if (clean.data[i] == '(' || clean.data[i] == ')' || clean.data[i] == '\\')
			(void)buf_put_u8(out, '\\');
		(void)buf_put_u8(out, clean.data[i]);
	}
	(void)buf_put_u8(out, ')');
}

/* ---- lines ---- */

struct lines {
	struct buf *out;
	size_t column;
};

static void
new_line(struct lines *l)
{
	(void)buf_put_str(l->out, "\r\n ");
	l->column = INDENT;
}

/* A piece that holds no place to fold, with a space or a fold in front. */
static void
put_piece(struct lines *l, const struct buf *piece)
{
	if (piece->err != 0)
		l->out->err = piece->err;
	if (l->column > INDENT && l->column + 1 + piece->len > MIME_FOLD_MAX) {
		new_line(l);
	} else if (l->column > INDENT) {
		(void)buf_put_u8(l->out, ' ');
		l->column++;
	}
	(void)buf_put_slice(l->out, buf_slice(piece));
	l->column += piece->len;
}

static void
put_property(struct lines *l, const struct auth_property *p, struct buf *piece)
{
	if (p->value.len == 0)
		return;
	buf_clear(piece);
	(void)buf_put_slice(piece, p->type);
	(void)buf_put_u8(piece, '.');
	(void)buf_put_slice(piece, p->name);
	(void)buf_put_u8(piece, '=');
	put_value(p->value, piece);
	put_piece(l, piece);
}

static void
put_result(struct lines *l, const struct auth_result *r, struct buf *piece)
{
	(void)buf_put_u8(l->out, ';');
	new_line(l);
	buf_clear(piece);
	(void)buf_put_slice(piece, r->method);
	(void)buf_put_u8(piece, '=');
	(void)buf_put_slice(piece, r->result);
	put_piece(l, piece);
	if (r->comment.len > 0) {
		buf_clear(piece);
		put_comment(r->comment, piece);
		put_piece(l, piece);
	}
	if (r->reason.len > 0) {
		buf_clear(piece);
		(void)buf_put_str(piece, "reason=");
		put_value(r->reason, piece);
		put_piece(l, piece);
	}
	for (size_t i = 0; i < r->property_count; i++)
		put_property(l, &r->properties[i], piece);
}

/* ---- the field ---- */

static int
check(const struct auth_results *r, struct error *e)
{
	bool good = r->server.len > 0 && r->count <= MAILAUTH_RESULTS_MAX;

	for (size_t i = 0; good && i < r->count; i++) {
		const struct auth_result *result = &r->results[i];

		good = is_keyword(result->method) && is_keyword(result->result) &&
		    result->property_count <= MAILAUTH_PROPERTIES_MAX;
		for (size_t k = 0; good && k < result->property_count; k++)
			good = is_keyword(result->properties[k].type) && is_keyword(result->properties[k].name);
	}
	return good
	    ? 0
	    : error_set(e, ERR_USAGE, "authentication results without a name, or with one that cannot be written");
}

int
auth_results_write(const struct auth_results *r, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf field = { .max = MAILAUTH_RESULTS_FIELD_MAX };
	BUF_OWNED struct buf piece = { .max = MAILAUTH_RESULTS_FIELD_MAX };
	struct lines l = { .out = &field };
	int rc = check(r, e);

	if (rc != 0)
		return rc;
	if (r->instance > 0)
		(void)buf_putf(&field, "ARC-Authentication-Results: i=%u; ", r->instance);
	else
		(void)buf_put_str(&field, "Authentication-Results: ");
	put_value(r->server, &field);
	for (size_t i = 0; i < r->count; i++)
		put_result(&l, &r->results[i], &piece);
	(void)buf_put_str(&field, r->count == 0 ? "; none\r\n" : "\r\n");
	if (field.err == 0 && buf_put_slice(out, buf_slice(&field)) == 0)
		return 0;
	return field.err == ERR_NOMEM || out->err == ERR_NOMEM
	    ? error_nomem(e)
	    : error_set(e, ERR_LIMIT, "the authentication results are more than %u octets", MAILAUTH_RESULTS_FIELD_MAX);
}
