/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/hex.h"
#include "mime/decode.h"
#include "mime/lex.h"
#include "mime/param.h"
#include "mime/word.h"

#define PLAIN (-1) /* section of a parameter that is no piece */

/* One parameter as written: name, name*, name*0 or name*0*. */
struct piece {
	struct slice base;
	int32_t section;
	bool extended;
};

struct parsing {
	struct mime_lex lex;
	struct arena *a;
	struct buf text; /* of the token at hand */
	struct mime_param raw[MIME_PARAMS_MAX];
	struct piece pieces[MIME_PARAMS_MAX];
	size_t count;
	bool broken;
};

static struct slice
copy_lower(struct arena *a, struct slice s)
{
	uint8_t *to = arena_alloc(a, s.len + 1);

	if (to == NULL)
		return SLICE_EMPTY;
	for (size_t i = 0; i < s.len; i++)
		to[i] = ascii_lower(s.data[i]);
	return slice_of(to, s.len);
}

/* What stands before the first ';': without spaces, comments and quotes. */
static struct slice
parse_main(struct parsing *p)
{
	struct mime_lex *l = &p->lex;
	int c;

	buf_clear(&p->text);
	(void)mime_lex_skip(l);
	while ((c = mime_lex_peek(l)) >= 0 && c != ';') {
		if (c == '"')
			mime_lex_quoted(l, &p->text);
		else {
			(void)buf_put_u8(&p->text, (uint8_t)c);
			l->at++;
		}
		(void)mime_lex_skip(l);
	}
	return copy_lower(p->a, buf_slice(&p->text));
}

/* A value without quotes reaches to the ';' or a comment: some senders leave spaces in. */
static struct slice
parse_bare(struct mime_lex *l)
{
	size_t start = l->at;
	struct slice s;

	while (l->at < l->in.len && l->in.data[l->at] != ';') {
		if (l->in.data[l->at] == '(' && l->at > start && mime_is_space(l->in.data[l->at - 1]))
			break;
		l->at++;
	}
	s = slice_sub(l->in, start, l->at - start);
	return slice_trim(s);
}

static void
to_semicolon(struct parsing *p)
{
	struct mime_lex *l = &p->lex;

	(void)mime_lex_skip(l);
	while (mime_lex_peek(l) >= 0 && mime_lex_peek(l) != ';') {
		p->broken = true;
		l->at++;
		(void)mime_lex_skip(l);
	}
}

static struct piece
piece_of(struct slice name)
{
	struct piece p = { .section = PLAIN };
	struct slice rest;
	uint64_t section;

	p.base = slice_split(name, '*', &rest);
	if (p.base.len == name.len)
		return p;
	if (rest.len == 0) {
		p.extended = true;
		return p;
	}
	if (rest.data[rest.len - 1] == '*') {
		p.extended = true;
		rest.len--;
	}
	if (slice_to_u64(rest, MIME_PARAMS_MAX, &section))
		p.section = (int32_t)section;
	else
		p = (struct piece){ .base = name, .section = PLAIN };
	return p;
}

static void
parse_param(struct parsing *p)
{
	struct mime_lex *l = &p->lex;
	struct slice name, value;
	size_t start = l->at;

	while (mime_lex_peek(l) > 32 && strchr(";=(\"", mime_lex_peek(l)) == NULL)
		l->at++;
	name = slice_sub(l->in, start, l->at - start);
	(void)mime_lex_skip(l);
	if (mime_lex_peek(l) != '=' || name.len == 0) {
		p->broken = true;
		l->at += l->at == start && l->at < l->in.len;
		to_semicolon(p);
		return;
	}
	l->at++;
	(void)mime_lex_skip(l);
	buf_clear(&p->text);
	if (mime_lex_peek(l) == '"')
		mime_lex_quoted(l, &p->text);
	else
		mime_lex_unescape(parse_bare(l), &p->text);
	value = buf_slice(&p->text);
	to_semicolon(p);
	if (p->count == MIME_PARAMS_MAX) {
		p->broken = true;
		return;
	}
	p->raw[p->count].name = arena_copy(p->a, name);
	p->raw[p->count].value = arena_copy(p->a, value);
	p->pieces[p->count] = piece_of(copy_lower(p->a, name));
	p->count++;
}

static size_t
find_piece(const struct parsing *p, struct slice base, int32_t section, bool extended_only)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct piece *q = &p->pieces[i];

		if (q->section == section && (q->extended || !extended_only) && slice_eq(q->base, base))
			return i;
	}
	return SIZE_MAX;
}

static void
put_percent(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		struct slice digits = slice_sub(s, i + 1, 2);
		int high = digits.len == 2 ? hex_digit(digits.data[0]) : -1;
		int low = digits.len == 2 ? hex_digit(digits.data[1]) : -1;

		if (s.data[i] == '%' && high >= 0 && low >= 0) {
			(void)buf_put_u8(out, (uint8_t)(high << 4 | low));
			i += 2;
		} else
			(void)buf_put_u8(out, s.data[i]);
	}
}

/* charset'language'text of a first extended piece. */
static struct slice
split_charset(struct slice value, struct slice *charset)
{
	struct slice rest, text;

	*charset = slice_split(value, '\'', &rest);
	if (charset->len == value.len) {
		*charset = SLICE_EMPTY;
		return value;
	}
	(void)slice_split(rest, '\'', &text);
	return text;
}

/* The octets of one name's value, from its extended form or its pieces; false when it has neither. */
static bool
join(struct parsing *p, struct slice base, struct slice *charset, struct buf *out)
{
	size_t i = find_piece(p, base, PLAIN, true);
	int32_t section = i == SIZE_MAX ? 0 : PLAIN;

	*charset = SLICE_EMPTY;
	if (i == SIZE_MAX)
		i = find_piece(p, base, 0, false);
	if (i == SIZE_MAX)
		return false;
	while (i != SIZE_MAX) {
		struct slice value = p->raw[i].value;

		if (section <= 0 && p->pieces[i].extended)
			value = split_charset(value, charset);
		if (p->pieces[i].extended)
			put_percent(value, out);
		else
			(void)buf_put_slice(out, value);
		if (section == PLAIN)
			break;
		i = find_piece(p, base, ++section, false);
	}
	return true;
}

static struct slice
value_of(struct parsing *p, struct slice base)
{
	struct slice charset, result;
	struct buf octets, text;
	size_t i;

	buf_init(&octets, MIME_PARAM_MAX);
	buf_init(&text, MIME_PARAM_MAX * 3);
	if (join(p, base, &charset, &octets))
		(void)mime_charset_text(charset, buf_slice(&octets), &text);
	else if ((i = find_piece(p, base, PLAIN, false)) != SIZE_MAX)
		(void)mime_text_decode(p->raw[i].value, &text);
	p->broken |= octets.err == ERR_LIMIT || text.err == ERR_LIMIT;
	result = arena_copy(p->a, buf_slice(&text));
	buf_done(&octets);
	buf_done(&text);
	return result;
}

static void
collect(struct parsing *p, struct mime_value *out)
{
	struct mime_param *raw = arena_array(p->a, p->count + 1, sizeof *raw);
	struct mime_param *params = arena_array(p->a, p->count + 1, sizeof *params);
	size_t n = 0;

	if (raw == NULL || params == NULL)
		return;
	for (size_t i = 0; i < p->count; i++) {
		bool seen = false;

		raw[i] = p->raw[i];
		for (size_t k = 0; k < n && !seen; k++)
			seen = slice_eq(params[k].name, p->pieces[i].base);
		if (!seen)
			params[n++] = (struct mime_param){ p->pieces[i].base, value_of(p, p->pieces[i].base) };
	}
	*out = (struct mime_value){ out->value, raw, p->count, params, n, p->broken || p->lex.broken };
}

int
mime_value_parse(struct slice field, struct arena *a, struct mime_value *out, struct error *e)
{
	struct parsing p = { .lex = { .in = field }, .a = a };
	struct mime_value v = { 0 };

	buf_init(&p.text, field.len + 1);
	v.value = parse_main(&p);
	while (mime_lex_peek(&p.lex) == ';') {
		p.lex.at++;
		(void)mime_lex_skip(&p.lex);
		if (mime_lex_peek(&p.lex) >= 0 && mime_lex_peek(&p.lex) != ';')
			parse_param(&p);
	}
	collect(&p, &v);
	if (p.text.err != 0)
		a->err = p.text.err;
	buf_done(&p.text);
	if (a->err != 0)
		return error_set(e, a->err, "There is no memory left for the parameters of a header field.");
	*out = v;
	return 0;
}

bool
mime_value_param(const struct mime_value *v, const char *name, struct slice *value_out)
{
	for (size_t i = 0; i < v->count; i++) {
		if (slice_eq_str(v->params[i].name, name)) {
			*value_out = v->params[i].value;
			return true;
		}
	}
	return false;
}
