/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "mime/address.h"
#include "mime/lex.h"
#include "mime/word.h"

/* A list that grows in an arena by doubling. */
struct list {
	struct mime_address *items;
	size_t count, cap;
};

struct parsing {
	struct mime_lex lex;
	struct arena *a;
	struct list list;
	struct buf phrase; /* words with one space where spaces or comments stood */
	struct buf local;  /* the same words without any */
	bool quoted;       /* one of the words was quoted */
	bool gap;          /* two words without a dot between: no local part */
	bool in_group;
	bool broken;
	bool cut;
};

static int
append(struct parsing *p, struct mime_address item)
{
	struct list *l = &p->list;

	if (l->count == MIME_ADDRESSES_MAX) {
		p->cut = true;
		return 0;
	}
	if (l->count == l->cap) {
		size_t cap = l->cap == 0 ? 4 : l->cap * 2;
		struct mime_address *items = arena_array(p->a, cap, sizeof *items);

		if (items == NULL)
			return p->a->err;
		if (l->count > 0)
			memcpy(items, l->items, l->count * sizeof *items);
		l->items = items;
		l->cap = cap;
	}
	l->items[l->count++] = item;
	return 0;
}

/* One word or dot of a phrase or a local part; false when none is next. */
static bool
take_word(struct parsing *p, bool space)
{
	struct mime_lex *l = &p->lex;
	int c = mime_lex_peek(l);
	size_t start = l->at, from = p->phrase.len;
	bool dot = from > 0 && p->phrase.data[from - 1] == '.';

	if (c != '"' && c != '.' && !mime_is_atext(c))
		return false;
	if (space && from > 0)
		(void)buf_put_u8(&p->phrase, ' ');
	if (c == '.') {
		l->at++;
		(void)buf_put_u8(&p->phrase, '.');
		(void)buf_put_u8(&p->local, '.');
		return true;
	}
	p->gap |= p->local.len > 0 && p->local.data[p->local.len - 1] != '.' && !dot;
	from = p->phrase.len;
	if (c == '"') {
		p->quoted = true;
		mime_lex_quoted(l, &p->phrase);
	} else {
		while (mime_is_atext(mime_lex_peek(l)))
			l->at++;
		(void)buf_put_slice(&p->phrase, slice_sub(l->in, start, l->at - start));
	}
	(void)buf_put_slice(&p->local, slice_from(buf_slice(&p->phrase), from));
	return true;
}

static void
take_words(struct parsing *p)
{
	bool space;

	buf_clear(&p->phrase);
	buf_clear(&p->local);
	p->quoted = p->gap = false;
	p->lex.comment = SLICE_EMPTY;
	do {
		space = mime_lex_skip(&p->lex);
	} while (take_word(p, space));
}

/* "[...]" or words with dots between; without spaces. Returns an empty slice when it is neither. */
static struct slice
take_domain(struct parsing *p)
{
	struct mime_lex *l = &p->lex;
	bool gap = false, space = false;

	buf_clear(&p->local);
	(void)mime_lex_skip(l);
	if (mime_lex_peek(l) == '[') {
		while (mime_lex_peek(l) >= 0 && mime_lex_peek(l) != ']') {
			if (!mime_is_space(mime_lex_peek(l)))
				(void)buf_put_u8(&p->local, (uint8_t)mime_lex_peek(l));
			l->at++;
		}
		if (mime_lex_peek(l) < 0)
			return SLICE_EMPTY;
		l->at++;
		(void)buf_put_u8(&p->local, ']');
	}
	while (mime_is_atext(mime_lex_peek(l)) || mime_lex_peek(l) == '.') {
		uint8_t c = (uint8_t)mime_lex_peek(l);

		gap |= space && c != '.' && p->local.len > 0 && p->local.data[p->local.len - 1] != '.';
		(void)buf_put_u8(&p->local, c);
		l->at++;
		space = mime_lex_skip(l);
	}
	(void)mime_lex_skip(l);
	return gap ? SLICE_EMPTY : arena_copy(p->a, buf_slice(&p->local));
}

/* Passes over what cannot be read, to a ',' or ';' or the end. */
static void
give_up(struct parsing *p)
{
	struct mime_lex *l = &p->lex;
	int c;

	p->broken = true;
	for (;;) {
		(void)mime_lex_skip(l);
		c = mime_lex_peek(l);
		if (c < 0 || c == ',' || c == ';')
			return;
		if (c == '"') {
			buf_clear(&p->phrase);
			mime_lex_quoted(l, &p->phrase);
		} else
			l->at++;
	}
}

/* After "<": an obsolete route "@a,@b:" (RFC 5322 4.4). False when it is broken. */
static bool
take_route(struct parsing *p, struct slice *route_out)
{
	struct mime_lex *l = &p->lex;
	struct slice domain;

	buf_clear(&p->phrase);
	(void)mime_lex_skip(l);
	while (mime_lex_peek(l) == '@' || (mime_lex_peek(l) == ',' && p->phrase.len > 0)) {
		if (l->in.data[l->at++] == '@') {
			domain = take_domain(p);
			if (domain.len == 0)
				return false;
			(void)buf_put_str(&p->phrase, p->phrase.len > 0 ? ",@" : "@");
			(void)buf_put_slice(&p->phrase, domain);
		}
		(void)mime_lex_skip(l);
	}
	if (p->phrase.len == 0)
		return true;
	*route_out = arena_copy(p->a, buf_slice(&p->phrase));
	return mime_lex_peek(l) == ':' && l->at++ < l->in.len;
}

/* "<...>" whose '<' is next; the name is set already. */
static bool
take_angle(struct parsing *p, struct mime_address *m)
{
	struct mime_lex *l = &p->lex;

	l->at++;
	if (!take_route(p, &m->route))
		return false;
	take_words(p);
	m->local = arena_copy(p->a, buf_slice(&p->local));
	if (p->gap)
		return false;
	if (mime_lex_peek(l) == '@') {
		l->at++;
		m->domain = take_domain(p);
		if (m->domain.len == 0)
			return false;
	}
	if (mime_lex_peek(l) != '>')
		return false;
	l->at++;
	(void)mime_lex_skip(l);
	return true;
}

/* "local@domain" whose '@' is next; a comment may give the name. Real mail also has "a@b <c@d>": then a@b is a name. */
static bool
take_bare(struct parsing *p, struct mime_address *m)
{
	struct mime_lex *l = &p->lex;

	if (p->gap || p->local.len == 0)
		return false;
	m->local = arena_copy(p->a, buf_slice(&p->local));
	l->at++;
	m->domain = take_domain(p);
	if (m->domain.len == 0)
		return false;
	if (mime_lex_peek(l) == '<') {
		p->broken = true;
		m->has_name = true;
		m->name = arena_printf(p->a, "%.*s@%.*s", (int)m->local.len, (const char *)m->local.data,
		    (int)m->domain.len, (const char *)m->domain.data);
		return take_angle(p, m);
	}
	if (l->comment.len > 0) {
		buf_clear(&p->phrase);
		mime_lex_unescape(l->comment, &p->phrase);
		m->name = arena_copy(p->a, buf_slice(&p->phrase));
		m->has_name = true;
	}
	return true;
}

/* Does a member end here? */
static bool
at_end_of_member(const struct parsing *p)
{
	int c = mime_lex_peek(&p->lex);

	return c < 0 || c == ',' || c == ';';
}

/* A member that begins with words and is no group: 1 with an address, 0 with nothing, -1 when it is broken. */
static int
take_mailbox(struct parsing *p, struct mime_address *m)
{
	int c = mime_lex_peek(&p->lex);

	if (c == '<') {
		m->name = arena_copy(p->a, buf_slice(&p->phrase));
		m->has_name = p->phrase.len > 0 || p->quoted;
		return take_angle(p, m) ? 1 : -1;
	}
	if (c == '@')
		return take_bare(p, m) ? 1 : -1;
	if (p->local.len == 0 && !p->quoted && at_end_of_member(p))
		return 0;
	if (p->gap || p->quoted || !at_end_of_member(p))
		return -1;
	m->local = arena_copy(p->a, buf_slice(&p->local));
	return 1;
}

static int
take_member(struct parsing *p)
{
	struct mime_address m = { .kind = MIME_ADDRESS_MAILBOX };
	int got, rc = 0;

	take_words(p);
	if (mime_lex_peek(&p->lex) == ':' && !p->in_group) {
		p->lex.at++;
		p->in_group = true;
		m.kind = MIME_ADDRESS_GROUP;
		m.name = arena_copy(p->a, buf_slice(&p->phrase));
		m.has_name = true;
		return append(p, m);
	}
	got = take_mailbox(p, &m);
	if (got > 0)
		rc = append(p, m);
	if (got < 0 || !at_end_of_member(p))
		give_up(p);
	return rc;
}

/* ',' or ';' after a member; the end of an open group at the end. */
static int
take_separator(struct parsing *p)
{
	static const struct mime_address group_end = { .kind = MIME_ADDRESS_GROUP_END };
	int c = mime_lex_peek(&p->lex);

	if (c == ',' || c == ';')
		p->lex.at++;
	if (c == ';' && !p->in_group)
		p->broken = true;
	if (!p->in_group || (c >= 0 && c != ';'))
		return 0;
	p->in_group = false;
	p->broken |= c < 0;
	return append(p, group_end);
}

int
mime_addresses_parse(struct slice value, struct arena *a, struct mime_addresses *out, struct error *e)
{
	struct parsing p = { .lex = { .in = value }, .a = a };
	int rc = 0;

	buf_init(&p.phrase, value.len * 2 + 16);
	buf_init(&p.local, value.len + 16);
	while (rc == 0 && (p.lex.at < value.len || p.in_group)) {
		rc = take_member(&p);
		if (rc == 0 &&
		    (p.list.count == 0 || mime_lex_peek(&p.lex) < 0 || mime_lex_peek(&p.lex) == ',' ||
			mime_lex_peek(&p.lex) == ';'))
			rc = take_separator(&p);
	}
	if (p.phrase.err != 0 || p.local.err != 0)
		rc = p.phrase.err != 0 ? p.phrase.err : p.local.err;
	if (rc == 0)
		rc = a->err;
	buf_done(&p.phrase);
	buf_done(&p.local);
	if (rc != 0)
		return error_set(e, rc, "There is no memory left for the addresses of a header field.");
	*out = (struct mime_addresses){ p.list.items, p.list.count, p.broken || p.lex.broken, p.cut };
	return 0;
}

int
mime_address_parse_one(struct slice value, struct arena *a, struct mime_address *out, struct error *e)
{
	struct mime_addresses list;
	int rc = mime_addresses_parse(value, a, &list, e);

	if (rc != 0)
		return rc;
	if (list.broken || list.count != 1 || list.items[0].kind != MIME_ADDRESS_MAILBOX ||
	    list.items[0].local.len == 0 || list.items[0].domain.len == 0)
		return error_set(
		    e, ERR_SYNTAX, "This is not one mail address; write name@domain or Name <name@domain>.");
	*out = list.items[0];
	return 0;
}

int
mime_address_name(const struct mime_address *m, struct buf *out)
{
	return mime_text_decode(m->name, out);
}

/* RFC 5322 dot-atom-text. */
static bool
is_dot_atom(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool dot = s.data[i] == '.';

		if (dot ? i == 0 || i + 1 == s.len || s.data[i - 1] == '.' : !mime_is_atext(s.data[i]))
			return false;
	}
	return s.len > 0;
}

int
mime_address_spec(const struct mime_address *m, struct buf *out)
{
	if (is_dot_atom(m->local))
		(void)buf_put_slice(out, m->local);
	else
		mime_put_quoted(m->local, out);
	if (m->domain.len > 0) {
		(void)buf_put_u8(out, '@');
		(void)buf_put_slice(out, m->domain);
	}
	return out->err;
}

/* RFC 5322 atoms with single spaces between: a phrase without quotes. */
static bool
is_phrase(struct slice s)
{
	bool word = false;

	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == ' ' && !word)
			return false;
		word = s.data[i] != ' ';
		if (word && (!mime_is_atext(s.data[i]) || s.data[i] > 126))
			return false;
	}
	return word && slice_search(s, SLICE("=?")) == SIZE_MAX;
}

static bool
is_printable_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < 32 || s.data[i] > 126)
			return false;
	}
	return slice_search(s, SLICE("=?")) == SIZE_MAX;
}

int
mime_address_write(const struct mime_address *m, size_t column, struct buf *out)
{
	BUF_OWNED struct buf name = { 0 };

	buf_init(&name, out->max);
	if (mime_address_name(m, &name) != 0)
		out->err = name.err;
	if (name.len == 0)
		return mime_address_spec(m, out);
	if (is_phrase(buf_slice(&name)))
		(void)buf_put_slice(out, buf_slice(&name));
	else if (is_printable_ascii(buf_slice(&name)))
		mime_put_quoted(buf_slice(&name), out);
	else
		(void)mime_text_encode(buf_slice(&name), true, column, out);
	(void)buf_put_str(out, " <");
	(void)mime_address_spec(m, out);
	return buf_put_u8(out, '>');
}

bool
mime_address_same(const struct mime_address *a, const struct mime_address *b)
{
	return slice_ieq(a->local, b->local) && slice_ieq(a->domain, b->domain);
}
