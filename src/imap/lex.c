/* SPDX-License-Identifier: ISC */
#include "imap/lex.h"

#include <string.h>

#include "imap/limits.h"
#include "imap/mutf7.h"

/* atom-specials: "(" ")" "{" SP CTL "%" "*" DQUOTE "\" "]" */
bool
imap_is_atom_char(uint8_t c)
{
	return c > 0x20 && c < 0x7f && c != '(' && c != ')' && c != '{' && c != '%' && c != '*' && c != '"' &&
	    c != '\\' && c != ']';
}

bool
imap_is_astring_char(uint8_t c)
{
	return imap_is_atom_char(c) || c == ']';
}

static bool
is_list_char(uint8_t c)
{
	return imap_is_astring_char(c) || c == '%' || c == '*';
}

int
imap_lex_peek(const struct imap_lex *l)
{
	return l->at < l->in.len ? l->in.data[l->at] : -1;
}

bool
imap_lex_at_end(const struct imap_lex *l)
{
	return l->at == l->in.len;
}

bool
imap_lex_try(struct imap_lex *l, char c)
{
	if (imap_lex_peek(l) != (uint8_t)c)
		return false;
	l->at++;
	return true;
}

bool
imap_lex_try_word(struct imap_lex *l, const char *word)
{
	size_t n = strlen(word);

	if (!slice_ieq_str(slice_sub(l->in, l->at, n), word))
		return false;
	if (l->at + n < l->in.len && imap_is_atom_char(l->in.data[l->at + n]))
		return false;
	l->at += n;
	return true;
}

int
imap_lex_fail(struct imap_lex *l, const char *expected)
{
	return error_set_at(l->e, ERR_SYNTAX, l->at, "Expected %s at octet %zu of the command.", expected, l->at + 1);
}

int
imap_lex_char(struct imap_lex *l, char c)
{
	const char text[] = { '\'', c, '\'', '\0' };

	return imap_lex_try(l, c) ? 0 : imap_lex_fail(l, text);
}

int
imap_lex_space(struct imap_lex *l)
{
	return imap_lex_try(l, ' ') ? 0 : imap_lex_fail(l, "a space");
}

int
imap_lex_end(struct imap_lex *l)
{
	return imap_lex_at_end(l) ? 0 : imap_lex_fail(l, "the end of the line");
}

static int
take_while(struct imap_lex *l, bool (*belongs)(uint8_t), const char *expected, struct slice *out)
{
	size_t from = l->at;
	size_t i = from;

	while (i < l->in.len && belongs(l->in.data[i]))
		i++;
	if (i == from)
		return imap_lex_fail(l, expected);
	l->at = i;
	*out = slice_sub(l->in, from, i - from);
	return 0;
}

int
imap_lex_atom(struct imap_lex *l, struct slice *out)
{
	return take_while(l, imap_is_atom_char, "an atom", out);
}

static int
no_room(struct imap_lex *l)
{
	return error_set_at(l->e, l->arena->err, l->at, "The command is too large.");
}

/* Undoes the escapes of a quoted string's inside, which was looked through already. */
static int
unescape(struct imap_lex *l, struct slice inside, struct slice *out)
{
	uint8_t *p = arena_alloc(l->arena, inside.len);
	size_t n = 0;

	if (p == NULL)
		return no_room(l);
	for (size_t i = 0; i < inside.len; i++) {
		if (inside.data[i] == '\\')
			i++;
		p[n++] = inside.data[i];
	}
	*out = slice_of(p, n);
	return 0;
}

static int
quoted(struct imap_lex *l, struct slice *out)
{
	size_t from = l->at + 1;
	bool escaped = false;
	size_t i;

	for (i = from; i < l->in.len && l->in.data[i] != '"'; i++) {
		uint8_t c = l->in.data[i];

		if (c == '\r' || c == '\n' || c == 0)
			break;
		if (c != '\\')
			continue;
		escaped = true;
		i++;
		if (i >= l->in.len || (l->in.data[i] != '"' && l->in.data[i] != '\\'))
			break;
	}
	if (i >= l->in.len || l->in.data[i] != '"')
		return imap_lex_fail(l, "a whole quoted string");
	l->at = i + 1;
	*out = slice_sub(l->in, from, i - from);
	return escaped ? unescape(l, *out, out) : 0;
}

static int
literal(struct imap_lex *l, struct slice *out)
{
	struct slice rest = slice_from(l->in, l->at + 1);
	size_t close = slice_find(rest, '}');
	struct slice digits = slice_sub(rest, 0, close);
	uint64_t n = 0;

	if (close != SIZE_MAX && digits.len > 0 && digits.data[digits.len - 1] == '+')
		digits.len--;
	if (close == SIZE_MAX || !slice_to_u64(digits, UINT32_MAX, &n) || rest.len < close + 3 ||
	    rest.data[close + 1] != '\r' || rest.data[close + 2] != '\n' || rest.len - close - 3 < n)
		return imap_lex_fail(l, "a whole literal");
	*out = slice_sub(rest, close + 3, (size_t)n);
	l->at += 1 + close + 3 + (size_t)n;
	return 0;
}

int
imap_lex_string(struct imap_lex *l, struct slice *out)
{
	int c = imap_lex_peek(l);

	return c == '"' ? quoted(l, out) : c == '{' ? literal(l, out) : imap_lex_fail(l, "a string");
}

int
imap_lex_astring(struct imap_lex *l, struct slice *out)
{
	int c = imap_lex_peek(l);

	if (c == '"' || c == '{')
		return imap_lex_string(l, out);
	return take_while(l, imap_is_astring_char, "an atom or string", out);
}

int
imap_lex_nstring(struct imap_lex *l, struct slice *out, bool *nil_out)
{
	bool nil = imap_lex_try_word(l, "NIL");

	if (nil_out != NULL)
		*nil_out = nil;
	*out = SLICE_EMPTY;
	return nil ? 0 : imap_lex_string(l, out);
}

int
imap_lex_number64(struct imap_lex *l, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = l->at;

	for (; i < l->in.len && l->in.data[i] >= '0' && l->in.data[i] <= '9'; i++) {
		if (v > (UINT64_MAX - 9) / 10)
			return imap_lex_fail(l, "a smaller number");
		v = v * 10 + (uint64_t)(l->in.data[i] - '0');
	}
	if (i == l->at)
		return imap_lex_fail(l, "a number");
	l->at = i;
	*out = v;
	return 0;
}

int
imap_lex_number(struct imap_lex *l, uint32_t *out)
{
	size_t from = l->at;
	uint64_t v = 0;
	int rc = imap_lex_number64(l, &v);

	if (rc != 0)
		return rc;
	if (v > UINT32_MAX) {
		l->at = from;
		return imap_lex_fail(l, "a number below 4294967296");
	}
	*out = (uint32_t)v;
	return 0;
}

static bool
is_set_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || c == ':' || c == ',' || c == '*';
}

int
imap_lex_set(struct imap_lex *l, struct imap_set *out)
{
	struct slice text;
	size_t from = l->at;
	int rc = take_while(l, is_set_char, "a sequence set", &text);

	if (rc != 0)
		return rc;
	rc = imap_set_parse(text, l->arena, out, l->e);
	if (rc == ERR_SYNTAX) {
		l->at = from;
		return imap_lex_fail(l, "a sequence set");
	}
	return rc;
}

/* Modified UTF-7 to UTF-8 in the arena; pure ASCII without '&' stays where it is. */
static int
decode_name(struct imap_lex *l, struct slice in, struct slice *out)
{
	struct buf b;
	int rc;

	buf_init(&b, IMAP_MAILBOX_MAX);
	rc = imap_mutf7_parse(&b, in, l->e);
	if (rc == 0) {
		*out = arena_copy(l->arena, buf_slice(&b));
		rc = l->arena->err != 0 ? no_room(l) : 0;
	}
	buf_done(&b);
	return rc;
}

int
imap_lex_mailbox(struct imap_lex *l, struct slice *out)
{
	struct slice raw;
	int rc = imap_lex_astring(l, &raw);

	if (rc != 0)
		return rc;
	if (slice_ieq_str(raw, "INBOX")) {
		*out = SLICE("INBOX");
		return 0;
	}
	return decode_name(l, raw, out);
}

int
imap_lex_list_mailbox(struct imap_lex *l, struct slice *out)
{
	struct slice raw;
	int c = imap_lex_peek(l);
	int rc = c == '"' || c == '{' ? imap_lex_string(l, &raw)
				      : take_while(l, is_list_char, "a mailbox name or pattern", &raw);

	return rc != 0 ? rc : decode_name(l, raw, out);
}

static int
flag_add(struct imap_lex *l, struct imap_flags *out, struct slice name)
{
	if (out->keyword_count == IMAP_FLAGS_MAX)
		return error_set_at(l->e, ERR_LIMIT, l->at, "More than %u keywords in one command.", IMAP_FLAGS_MAX);
	out->keywords[out->keyword_count++] = name;
	return 0;
}

static int
flag_get(struct imap_lex *l, struct imap_flags *out)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} system[] = { { "Seen", IMAP_SEEN }, { "Answered", IMAP_ANSWERED }, { "Flagged", IMAP_FLAGGED },
		{ "Deleted", IMAP_DELETED }, { "Draft", IMAP_DRAFT } };
	bool backslash = imap_lex_try(l, '\\');
	struct slice name;
	int rc = imap_lex_atom(l, &name);

	if (rc != 0)
		return rc;
	if (!backslash)
		return flag_add(l, out, name);
	for (size_t i = 0; i < sizeof system / sizeof system[0]; i++) {
		if (slice_ieq_str(name, system[i].name)) {
			out->system |= system[i].bit;
			return 0;
		}
	}
	return error_set_at(
	    l->e, ERR_SYNTAX, l->at, "No such system flag here: a keyword does not begin with a backslash.");
}

int
imap_lex_flags(struct imap_lex *l, bool bare, struct imap_flags *out)
{
	bool list = imap_lex_try(l, '(');
	int rc = 0;

	if (!list && !bare)
		return imap_lex_fail(l, "a flag list");
	*out = (struct imap_flags){ .keywords = arena_array(l->arena, IMAP_FLAGS_MAX, sizeof(struct slice)) };
	if (out->keywords == NULL)
		return no_room(l);
	if (list && imap_lex_try(l, ')'))
		return 0;
	do
		rc = flag_get(l, out);
	while (rc == 0 && imap_lex_try(l, ' '));
	if (rc == 0 && list)
		rc = imap_lex_char(l, ')');
	return rc;
}
