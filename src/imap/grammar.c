/* SPDX-License-Identifier: ISC */
#include "imap/grammar.h"

#include <string.h>

#include "base/date.h"
#include "imap/limits.h"

typedef int parse_fn(struct imap_lex *l, struct imap_command *c);

static int
parse_none(struct imap_lex *l, struct imap_command *c)
{
	(void)l;
	(void)c;
	return 0;
}

static int
parse_mailbox(struct imap_lex *l, struct imap_command *c)
{
	int rc = imap_lex_space(l);

	return rc != 0 ? rc : imap_lex_mailbox(l, &c->mailbox);
}

static int
parse_target(struct imap_lex *l, struct imap_command *c)
{
	int rc = imap_lex_space(l);

	return rc != 0 ? rc : imap_lex_mailbox(l, &c->target);
}

static int
parse_rename(struct imap_lex *l, struct imap_command *c)
{
	int rc = parse_mailbox(l, c);

	return rc != 0 ? rc : parse_target(l, c);
}

static int
parse_list(struct imap_lex *l, struct imap_command *c)
{
	int rc = parse_mailbox(l, c);

	if (rc == 0)
		rc = imap_lex_space(l);
	if (rc == 0)
		rc = imap_lex_list_mailbox(l, &c->pattern);
	if (rc == 0 && c->pattern.len > IMAP_PATTERN_MAX)
		rc = error_set_at(l->e, ERR_LIMIT, l->at, "A pattern over %u octets.", IMAP_PATTERN_MAX);
	return rc;
}

static int
status_item(struct imap_lex *l, uint32_t *items)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} table[] = { { "MESSAGES", IMAP_STATUS_MESSAGES }, { "RECENT", IMAP_STATUS_RECENT },
		{ "UIDNEXT", IMAP_STATUS_UIDNEXT }, { "UIDVALIDITY", IMAP_STATUS_UIDVALIDITY },
		{ "UNSEEN", IMAP_STATUS_UNSEEN } };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (imap_lex_try_word(l, table[i].name)) {
			*items |= table[i].bit;
			return 0;
		}
	}
	return imap_lex_fail(l, "a status item");
}

static int
parse_status(struct imap_lex *l, struct imap_command *c)
{
	int rc = parse_mailbox(l, c);

	if (rc == 0)
		rc = imap_lex_space(l);
	if (rc == 0)
		rc = imap_lex_char(l, '(');
	if (rc != 0)
		return rc;
	do
		rc = status_item(l, &c->status);
	while (rc == 0 && imap_lex_try(l, ' '));
	return rc != 0 ? rc : imap_lex_char(l, ')');
}

static int
date_argument(struct imap_lex *l, struct slice text, uint64_t *out)
{
	int64_t t = 0;

	if (date_parse_imap(text, &t, NULL, NULL) != 0 || t < 0)
		return imap_lex_fail(l, "a date-time from 1970 on before this place");
	*out = (uint64_t)t;
	return 0;
}

/* Up to and with the space before the literal. */
static int
parse_append_head(struct imap_lex *l, struct imap_command *c)
{
	int rc = parse_mailbox(l, c);

	if (rc == 0)
		rc = imap_lex_space(l);
	if (rc == 0 && imap_lex_peek(l) == '(') {
		rc = imap_lex_flags(l, false, &c->append.flags);
		if (rc == 0)
			rc = imap_lex_space(l);
	}
	if (rc == 0 && imap_lex_peek(l) == '"') {
		struct slice date;

		rc = imap_lex_string(l, &date);
		c->append.has_date = true;
		if (rc == 0)
			rc = date_argument(l, date, &c->append.date);
		if (rc == 0)
			rc = imap_lex_space(l);
	}
	return rc;
}

static int
parse_append(struct imap_lex *l, struct imap_command *c)
{
	int rc = parse_append_head(l, c);

	/* A whole APPEND is never seen here: its message does not go through the parser. */
	return rc != 0 ? rc : imap_lex_fail(l, "the message as a literal");
}

static int
parse_set(struct imap_lex *l, struct imap_command *c)
{
	int rc = imap_lex_space(l);

	return rc != 0 ? rc : imap_lex_set(l, &c->set);
}

static int
parse_expunge(struct imap_lex *l, struct imap_command *c)
{
	return c->uid ? parse_set(l, c) : 0;
}

static int
parse_copy(struct imap_lex *l, struct imap_command *c)
{
	int rc = parse_set(l, c);

	return rc != 0 ? rc : parse_target(l, c);
}

static int
parse_fetch(struct imap_lex *l, struct imap_command *c)
{
	int rc = parse_set(l, c);

	if (rc == 0)
		rc = imap_lex_space(l);
	return rc != 0 ? rc : imap_lex_items(l, &c->items, &c->item_count);
}

static int
parse_store(struct imap_lex *l, struct imap_command *c)
{
	int rc = parse_set(l, c);

	if (rc == 0)
		rc = imap_lex_space(l);
	if (rc != 0)
		return rc;
	c->mode = imap_lex_try(l, '+') ? IMAP_STORE_ADD : imap_lex_try(l, '-') ? IMAP_STORE_REMOVE : IMAP_STORE_SET;
	c->silent = imap_lex_try_word(l, "FLAGS.SILENT");
	if (!c->silent && !imap_lex_try_word(l, "FLAGS"))
		return imap_lex_fail(l, "FLAGS or FLAGS.SILENT");
	rc = imap_lex_space(l);
	return rc != 0 ? rc : imap_lex_flags(l, true, &c->flags);
}

static int
parse_search(struct imap_lex *l, struct imap_command *c)
{
	int rc = imap_lex_space(l);

	return rc != 0 ? rc : imap_lex_search(l, &c->search, &c->charset);
}

static int
pair_get(struct imap_lex *l, struct imap_pair *p)
{
	int rc = imap_lex_string(l, &p->name);

	if (rc == 0)
		rc = imap_lex_space(l);
	if (rc == 0)
		rc = imap_lex_nstring(l, &p->value, &p->nil);
	if (rc == 0 && (p->name.len > IMAP_ID_FIELD_MAX || p->value.len > IMAP_ID_VALUE_MAX))
		rc = error_set_at(l->e, ERR_LIMIT, l->at, "An ID field or value is too long (RFC 2971 3.3).");
	return rc;
}

static int
parse_id(struct imap_lex *l, struct imap_command *c)
{
	struct imap_pair *pairs;
	int rc = imap_lex_space(l);

	if (rc != 0 || imap_lex_try_word(l, "NIL"))
		return rc;
	rc = imap_lex_char(l, '(');
	if (rc != 0 || imap_lex_try(l, ')'))
		return rc;
	pairs = arena_array(l->arena, IMAP_ID_PAIRS_MAX, sizeof *pairs);
	if (pairs == NULL)
		return error_set(l->e, l->arena->err, "No room for ID.");
	c->pairs = pairs;
	do {
		if (c->pair_count == IMAP_ID_PAIRS_MAX)
			return error_set_at(
			    l->e, ERR_LIMIT, l->at, "More than %u ID fields (RFC 2971 3.3).", IMAP_ID_PAIRS_MAX);
		rc = pair_get(l, &pairs[c->pair_count]);
		c->pair_count++;
	} while (rc == 0 && imap_lex_try(l, ' '));
	return rc != 0 ? rc : imap_lex_char(l, ')');
}

static int
parse_enable(struct imap_lex *l, struct imap_command *c)
{
	struct slice *words = arena_array(l->arena, IMAP_FLAGS_MAX, sizeof *words);
	int rc = imap_lex_space(l);

	if (words == NULL)
		return error_set(l->e, l->arena->err, "No room for ENABLE.");
	c->words = words;
	do {
		if (c->word_count == IMAP_FLAGS_MAX)
			return error_set_at(
			    l->e, ERR_LIMIT, l->at, "More than %u capabilities in ENABLE.", IMAP_FLAGS_MAX);
		if (rc == 0)
			rc = imap_lex_atom(l, &words[c->word_count++]);
	} while (rc == 0 && imap_lex_try(l, ' '));
	return rc;
}

static int
parse_login(struct imap_lex *l, struct imap_command *c)
{
	int rc = imap_lex_space(l);

	if (rc == 0)
		rc = imap_lex_astring(l, &c->user);
	if (rc == 0)
		rc = imap_lex_space(l);
	return rc != 0 ? rc : imap_lex_astring(l, &c->password);
}

static int
parse_authenticate(struct imap_lex *l, struct imap_command *c)
{
	int rc = imap_lex_space(l);

	if (rc == 0)
		rc = imap_lex_atom(l, &c->mechanism);
	/* RFC 4959: an initial response outside of any string. */
	if (rc == 0 && imap_lex_try(l, ' ')) {
		c->has_initial = true;
		rc = imap_lex_atom(l, &c->initial);
	}
	return rc;
}

#define ANY (IMAP_STATE_START | IMAP_STATE_AUTHENTICATED | IMAP_STATE_SELECTED)
#define IN (IMAP_STATE_AUTHENTICATED | IMAP_STATE_SELECTED)

static const struct verb {
	const char *name;
	enum imap_verb verb;
	uint32_t states;
	bool uid; /* may follow UID */
	parse_fn *parse;
} verbs[] = {
	{ "CAPABILITY", IMAP_VERB_CAPABILITY, ANY, false, parse_none },
	{ "NOOP", IMAP_VERB_NOOP, ANY, false, parse_none },
	{ "LOGOUT", IMAP_VERB_LOGOUT, ANY, false, parse_none },
	{ "ID", IMAP_VERB_ID, ANY, false, parse_id },
	{ "STARTTLS", IMAP_VERB_STARTTLS, IMAP_STATE_START, false, parse_none },
	{ "LOGIN", IMAP_VERB_LOGIN, IMAP_STATE_START, false, parse_login },
	{ "AUTHENTICATE", IMAP_VERB_AUTHENTICATE, IMAP_STATE_START, false, parse_authenticate },
	{ "SELECT", IMAP_VERB_SELECT, IN, false, parse_mailbox },
	{ "EXAMINE", IMAP_VERB_EXAMINE, IN, false, parse_mailbox },
	{ "CREATE", IMAP_VERB_CREATE, IN, false, parse_mailbox },
	{ "DELETE", IMAP_VERB_DELETE, IN, false, parse_mailbox },
	{ "RENAME", IMAP_VERB_RENAME, IN, false, parse_rename },
	{ "SUBSCRIBE", IMAP_VERB_SUBSCRIBE, IN, false, parse_mailbox },
	{ "UNSUBSCRIBE", IMAP_VERB_UNSUBSCRIBE, IN, false, parse_mailbox },
	{ "LIST", IMAP_VERB_LIST, IN, false, parse_list },
	{ "LSUB", IMAP_VERB_LSUB, IN, false, parse_list },
	{ "STATUS", IMAP_VERB_STATUS, IN, false, parse_status },
	{ "APPEND", IMAP_VERB_APPEND, IN, false, parse_append },
	{ "NAMESPACE", IMAP_VERB_NAMESPACE, IN, false, parse_none },
	{ "ENABLE", IMAP_VERB_ENABLE, IN, false, parse_enable },
	{ "IDLE", IMAP_VERB_IDLE, IN, false, parse_none },
	{ "CHECK", IMAP_VERB_CHECK, IMAP_STATE_SELECTED, false, parse_none },
	{ "CLOSE", IMAP_VERB_CLOSE, IMAP_STATE_SELECTED, false, parse_none },
	{ "UNSELECT", IMAP_VERB_UNSELECT, IMAP_STATE_SELECTED, false, parse_none },
	{ "EXPUNGE", IMAP_VERB_EXPUNGE, IMAP_STATE_SELECTED, true, parse_expunge },
	{ "SEARCH", IMAP_VERB_SEARCH, IMAP_STATE_SELECTED, true, parse_search },
	{ "FETCH", IMAP_VERB_FETCH, IMAP_STATE_SELECTED, true, parse_fetch },
	{ "STORE", IMAP_VERB_STORE, IMAP_STATE_SELECTED, true, parse_store },
	{ "COPY", IMAP_VERB_COPY, IMAP_STATE_SELECTED, true, parse_copy },
	{ "MOVE", IMAP_VERB_MOVE, IMAP_STATE_SELECTED, true, parse_copy },
};

const char *
imap_verb_name(enum imap_verb verb)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (verbs[i].verb == verb)
			return verbs[i].name;
	return "?";
}

static bool
is_tag_char(uint8_t c)
{
	return imap_is_astring_char(c) && c != '+';
}

static int
tag_get(struct imap_lex *l, struct slice *out)
{
	size_t i = 0;

	while (i < l->in.len && is_tag_char(l->in.data[i]))
		i++;
	if (i == 0 || i > IMAP_TAG_MAX || i == l->in.len || l->in.data[i] != ' ')
		return error_set_at(l->e, ERR_SYNTAX, i, "Expected a tag, a space and a command.");
	*out = slice_sub(l->in, 0, i);
	l->at = i + 1;
	return 0;
}

/* Finds the row; c->name then covers "UID FETCH" or "FETCH" as the client wrote it. */
static int
verb_get(struct imap_lex *l, uint32_t state, struct imap_command *c, const struct verb **out)
{
	struct slice word;
	size_t from = l->at;
	int rc = imap_lex_atom(l, &word);

	if (rc == 0 && slice_ieq_str(word, "UID")) {
		c->uid = true;
		rc = imap_lex_space(l);
		if (rc == 0)
			rc = imap_lex_atom(l, &word);
	}
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		const struct verb *v = &verbs[i];

		if (!slice_ieq_str(word, v->name) || (c->uid && !v->uid))
			continue;
		c->verb = v->verb;
		c->name = slice_sub(l->in, from, l->at - from);
		if ((v->states & state) == 0)
			return error_set_at(
			    l->e, ERR_ORDER, from, "%s is not possible in this state of the connection.", v->name);
		*out = v;
		return 0;
	}
	return error_set_at(l->e, ERR_UNSUPPORTED, from, "There is no such command.");
}

int
imap_command_parse(struct slice text, uint32_t state, struct arena *a, struct imap_command *out, struct error *e)
{
	struct imap_lex l = { .in = text, .arena = a, .e = e };
	const struct verb *v = NULL;
	int rc;

	*out = (struct imap_command){ .verb = IMAP_VERB_COUNT };
	rc = tag_get(&l, &out->tag);
	if (rc == 0)
		rc = verb_get(&l, state, out, &v);
	if (rc == 0)
		rc = v->parse(&l, out);
	return rc != 0 ? rc : imap_lex_end(&l);
}

int
imap_command_peek(
    struct slice text, uint32_t state, struct arena *a, struct imap_command *out, bool *append_out, struct error *e)
{
	struct imap_lex l = { .in = text, .arena = a, .e = e };
	size_t brace = slice_find_last(text, '{');
	const struct verb *v = NULL;
	size_t args;
	int rc;

	*append_out = false;
	*out = (struct imap_command){ .verb = IMAP_VERB_COUNT };
	rc = tag_get(&l, &out->tag);
	if (rc == 0)
		rc = verb_get(&l, state, out, &v);
	if (rc != 0 || brace == SIZE_MAX)
		return rc;
	if (v->parse == parse_none || v->parse == parse_authenticate)
		return error_set_at(e, ERR_SYNTAX, brace, "%s takes no literal.", v->name);
	/* The first literal of an APPEND may be the mailbox; what follows is the message. */
	args = l.at;
	if (v->verb != IMAP_VERB_APPEND || brace <= args + 1)
		return 0;
	l.in = slice_sub(text, 0, brace);
	rc = parse_append_head(&l, out);
	if (rc != 0)
		return rc;
	*append_out = imap_lex_at_end(&l);
	return *append_out ? 0 : imap_lex_fail(&l, "the message as a literal");
}
