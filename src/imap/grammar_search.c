/* SPDX-License-Identifier: ISC */
/* The keys of SEARCH (RFC 3501 6.4.4 and search-key in section 9). */
#include "base/date.h"
#include "imap/grammar.h"
#include "imap/limits.h"

static int search_key(struct imap_lex *l, struct imap_search **out);

enum argument {
	ARG_NONE,
	ARG_NOT_FLAG, /* none; the flag must not be set */
	ARG_TEXT,
	ARG_FIELD, /* text; name is in the row */
	ARG_HEADER,
	ARG_KEYWORD,
	ARG_UNKEYWORD,
	ARG_DATE,
	ARG_NUMBER,
	ARG_SET,
	ARG_NOT,
	ARG_OR,
	ARG_NEW,
	ARG_OLD,
};

static const struct row {
	const char *word;
	enum imap_key key;
	enum argument argument;
	uint32_t flag;
	const char *field;
} rows[] = {
	{ "ALL", IMAP_KEY_ALL, ARG_NONE, 0, NULL },
	{ "ANSWERED", IMAP_KEY_FLAG, ARG_NONE, IMAP_ANSWERED, NULL },
	{ "BCC", IMAP_KEY_HEADER, ARG_FIELD, 0, "Bcc" },
	{ "BEFORE", IMAP_KEY_BEFORE, ARG_DATE, 0, NULL },
	{ "BODY", IMAP_KEY_BODY, ARG_TEXT, 0, NULL },
	{ "CC", IMAP_KEY_HEADER, ARG_FIELD, 0, "Cc" },
	{ "DELETED", IMAP_KEY_FLAG, ARG_NONE, IMAP_DELETED, NULL },
	{ "DRAFT", IMAP_KEY_FLAG, ARG_NONE, IMAP_DRAFT, NULL },
	{ "FLAGGED", IMAP_KEY_FLAG, ARG_NONE, IMAP_FLAGGED, NULL },
	{ "FROM", IMAP_KEY_HEADER, ARG_FIELD, 0, "From" },
	{ "HEADER", IMAP_KEY_HEADER, ARG_HEADER, 0, NULL },
	{ "KEYWORD", IMAP_KEY_KEYWORD, ARG_KEYWORD, 0, NULL },
	{ "LARGER", IMAP_KEY_LARGER, ARG_NUMBER, 0, NULL },
	{ "NEW", IMAP_KEY_AND, ARG_NEW, 0, NULL },
	{ "NOT", IMAP_KEY_NOT, ARG_NOT, 0, NULL },
	{ "OLD", IMAP_KEY_NOT, ARG_OLD, 0, NULL },
	{ "ON", IMAP_KEY_ON, ARG_DATE, 0, NULL },
	{ "OR", IMAP_KEY_OR, ARG_OR, 0, NULL },
	{ "RECENT", IMAP_KEY_FLAG, ARG_NONE, IMAP_RECENT, NULL },
	{ "SEEN", IMAP_KEY_FLAG, ARG_NONE, IMAP_SEEN, NULL },
	{ "SENTBEFORE", IMAP_KEY_SENTBEFORE, ARG_DATE, 0, NULL },
	{ "SENTON", IMAP_KEY_SENTON, ARG_DATE, 0, NULL },
	{ "SENTSINCE", IMAP_KEY_SENTSINCE, ARG_DATE, 0, NULL },
	{ "SINCE", IMAP_KEY_SINCE, ARG_DATE, 0, NULL },
	{ "SMALLER", IMAP_KEY_SMALLER, ARG_NUMBER, 0, NULL },
	{ "SUBJECT", IMAP_KEY_HEADER, ARG_FIELD, 0, "Subject" },
	{ "TEXT", IMAP_KEY_TEXT, ARG_TEXT, 0, NULL },
	{ "TO", IMAP_KEY_HEADER, ARG_FIELD, 0, "To" },
	{ "UID", IMAP_KEY_UID, ARG_SET, 0, NULL },
	{ "UNANSWERED", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_ANSWERED, NULL },
	{ "UNDELETED", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_DELETED, NULL },
	{ "UNDRAFT", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_DRAFT, NULL },
	{ "UNFLAGGED", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_FLAGGED, NULL },
	{ "UNKEYWORD", IMAP_KEY_KEYWORD, ARG_UNKEYWORD, 0, NULL },
	{ "UNSEEN", IMAP_KEY_FLAG, ARG_NOT_FLAG, IMAP_SEEN, NULL },
};

static struct imap_search *
node_new(struct imap_lex *l, struct imap_search node)
{
	struct imap_search *s = arena_alloc(l->arena, sizeof *s);

	if (s != NULL)
		*s = node;
	return s;
}

static int
no_room(struct imap_lex *l)
{
	return error_set_at(l->e, l->arena->err, l->at, "The command is too large.");
}

static int
negate(struct imap_lex *l, struct imap_search **s)
{
	struct imap_search *not = node_new(l, (struct imap_search){ .key = IMAP_KEY_NOT, .child = *s });

	if (not == NULL)
		return no_room(l);
	*s = not ;
	return 0;
}

static int
flag_key(struct imap_lex *l, uint32_t flag, bool set, struct imap_search **out)
{
	*out = node_new(l, (struct imap_search){ .key = IMAP_KEY_FLAG, .number = flag });
	if (*out == NULL)
		return no_room(l);
	return set ? 0 : negate(l, out);
}

/* NEW is (RECENT UNSEEN), OLD is NOT RECENT. */
static int
fixed_key(struct imap_lex *l, enum argument argument, struct imap_search *s)
{
	int rc = flag_key(l, IMAP_RECENT, true, &s->child);

	return rc != 0 || argument == ARG_OLD ? rc : flag_key(l, IMAP_SEEN, false, &s->child->next);
}

static int
date_get(struct imap_lex *l, int64_t *date)
{
	struct slice text;
	int rc = imap_lex_peek(l) == '"' ? imap_lex_string(l, &text) : imap_lex_atom(l, &text);

	if (rc != 0)
		return rc;
	return date_parse_imap_day(text, date, NULL) == 0 ? 0 : imap_lex_fail(l, "a date before this place");
}

static int
enter(struct imap_lex *l)
{
	if (++l->depth > IMAP_DEPTH_MAX)
		return error_set_at(l->e, ERR_LIMIT, l->at, "Search keys are nested deeper than %u.", IMAP_DEPTH_MAX);
	return 0;
}

/* NOT: one key; OR: two. */
static int
children(struct imap_lex *l, bool two, struct imap_search *s)
{
	int rc = enter(l);

	if (rc == 0)
		rc = search_key(l, &s->child);
	if (rc == 0 && two) {
		rc = imap_lex_space(l);
		if (rc == 0)
			rc = search_key(l, &s->child->next);
	}
	l->depth--;
	return rc;
}

static int
header_argument(struct imap_lex *l, struct imap_search *s)
{
	int rc = imap_lex_astring(l, &s->name);

	if (rc == 0)
		rc = imap_lex_space(l);
	return rc != 0 ? rc : imap_lex_astring(l, &s->text);
}

static int
argument_get(struct imap_lex *l, enum argument argument, struct imap_search *s)
{
	uint32_t n = 0;
	int rc = imap_lex_space(l);

	if (rc != 0)
		return rc;
	switch (argument) {
	case ARG_TEXT:
	case ARG_FIELD:
		return imap_lex_astring(l, &s->text);
	case ARG_HEADER:
		return header_argument(l, s);
	case ARG_KEYWORD:
	case ARG_UNKEYWORD:
		return imap_lex_atom(l, &s->text);
	case ARG_DATE:
		return date_get(l, &s->date);
	case ARG_NUMBER:
		rc = imap_lex_number(l, &n);
		s->number = n;
		return rc;
	case ARG_SET:
		return imap_lex_set(l, &s->set);
	case ARG_NOT:
	case ARG_OR:
		return children(l, argument == ARG_OR, s);
	case ARG_NONE:
	case ARG_NOT_FLAG:
	case ARG_NEW:
	case ARG_OLD:
		break;
	}
	return 0;
}

static bool
takes_argument(enum argument argument)
{
	return argument != ARG_NONE && argument != ARG_NOT_FLAG && argument != ARG_NEW && argument != ARG_OLD;
}

static int
row_key(struct imap_lex *l, const struct row *row, struct imap_search **out)
{
	struct imap_search *s = node_new(l, (struct imap_search){ .key = row->key, .number = row->flag });
	int rc = 0;

	if (s == NULL)
		return no_room(l);
	s->name = slice_str(row->field);
	if (takes_argument(row->argument))
		rc = argument_get(l, row->argument, s);
	else if (row->argument == ARG_NEW || row->argument == ARG_OLD)
		rc = fixed_key(l, row->argument, s);
	*out = s;
	if (rc == 0 && (row->argument == ARG_NOT_FLAG || row->argument == ARG_UNKEYWORD))
		rc = negate(l, out);
	return rc;
}

/* Keys up to ")" or the end, as one AND. */
static int
key_list(struct imap_lex *l, struct imap_search **out)
{
	struct imap_search *and = node_new(l, (struct imap_search){ .key = IMAP_KEY_AND });
	struct imap_search **tail;
	int rc;

	if (and == NULL)
		return no_room(l);
	*out = and;
	tail = &and->child;
	do {
		rc = search_key(l, tail);
		if (rc == 0)
			tail = &(*tail)->next;
	} while (rc == 0 && imap_lex_try(l, ' '));
	return rc;
}

static int
parenthesized(struct imap_lex *l, struct imap_search **out)
{
	int rc = enter(l);

	if (rc == 0)
		rc = key_list(l, out);
	if (rc == 0)
		rc = imap_lex_char(l, ')');
	l->depth--;
	return rc;
}

static int
search_key(struct imap_lex *l, struct imap_search **out)
{
	int c = imap_lex_peek(l);

	if (++l->keys > IMAP_SEARCH_KEYS_MAX)
		return error_set_at(l->e, ERR_LIMIT, l->at, "More than %u search keys.", IMAP_SEARCH_KEYS_MAX);
	if (imap_lex_try(l, '('))
		return parenthesized(l, out);
	if (c == '*' || (c >= '0' && c <= '9')) {
		*out = node_new(l, (struct imap_search){ .key = IMAP_KEY_SEQUENCE });
		return *out == NULL ? no_room(l) : imap_lex_set(l, &(*out)->set);
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (imap_lex_try_word(l, rows[i].word))
			return row_key(l, &rows[i], out);
	return imap_lex_fail(l, "a search key");
}

int
imap_lex_search(struct imap_lex *l, const struct imap_search **search_out, struct slice *charset_out)
{
	struct imap_search *s = NULL;
	int rc = 0;

	*charset_out = SLICE_EMPTY;
	if (imap_lex_try_word(l, "CHARSET")) {
		rc = imap_lex_space(l);
		if (rc == 0)
			rc = imap_lex_astring(l, charset_out);
		if (rc == 0)
			rc = imap_lex_space(l);
	}
	if (rc == 0)
		rc = key_list(l, &s);
	*search_out = s;
	return rc;
}

int
imap_search_parse(struct slice text, struct arena *a, const struct imap_search **search_out, struct slice *charset_out,
    struct error *e)
{
	struct imap_lex l = { .in = text, .arena = a, .e = e };
	int rc = imap_lex_search(&l, search_out, charset_out);

	return rc != 0 ? rc : imap_lex_end(&l);
}
