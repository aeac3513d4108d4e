/* SPDX-License-Identifier: ISC */
#include "pop3/command.h"

enum arguments {
	NOTHING,
	TEXT,      /* the rest of the line, as it is */
	RANGE,     /* one word, or nothing */
	MECHANISM, /* a word, and perhaps another */
	MESSAGE,
	MESSAGE_OR_NOTHING,
	MESSAGE_AND_LINES,
};

static const struct row {
	const char *name;
	enum pop3_verb verb;
	uint32_t states;
	enum arguments arguments;
} rows[] = {
	{ "CAPA", POP3_CAPA, POP3_STATE_AUTHORIZATION | POP3_STATE_TRANSACTION, NOTHING },
	{ "STLS", POP3_STLS, POP3_STATE_AUTHORIZATION, NOTHING },
	{ "USER", POP3_USER, POP3_STATE_AUTHORIZATION, TEXT },
	{ "PASS", POP3_PASS, POP3_STATE_AUTHORIZATION, TEXT },
	{ "AUTH", POP3_AUTH, POP3_STATE_AUTHORIZATION, MECHANISM },
	{ "APOP", POP3_APOP, POP3_STATE_AUTHORIZATION, TEXT },
	{ "UTF8", POP3_UTF8, POP3_STATE_AUTHORIZATION, NOTHING },
	{ "LANG", POP3_LANG, POP3_STATE_AUTHORIZATION | POP3_STATE_TRANSACTION, RANGE },
	{ "QUIT", POP3_QUIT, POP3_STATE_AUTHORIZATION | POP3_STATE_TRANSACTION, NOTHING },
	{ "STAT", POP3_STAT, POP3_STATE_TRANSACTION, NOTHING },
	{ "LIST", POP3_LIST, POP3_STATE_TRANSACTION, MESSAGE_OR_NOTHING },
	{ "RETR", POP3_RETR, POP3_STATE_TRANSACTION, MESSAGE },
	{ "DELE", POP3_DELE, POP3_STATE_TRANSACTION, MESSAGE },
	{ "NOOP", POP3_NOOP, POP3_STATE_TRANSACTION, NOTHING },
	{ "RSET", POP3_RSET, POP3_STATE_TRANSACTION, NOTHING },
	{ "TOP", POP3_TOP, POP3_STATE_TRANSACTION, MESSAGE_AND_LINES },
	{ "UIDL", POP3_UIDL, POP3_STATE_TRANSACTION, MESSAGE_OR_NOTHING },
};

const char *
pop3_verb_name(enum pop3_verb verb)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].verb == verb)
			return rows[i].name;
	return "";
}

/* Digits only. A number that is too large is no syntax error: there is no such message. */
static bool
number(struct slice word, uint32_t *out)
{
	uint64_t n = 0;

	if (word.len == 0)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.data[i] < '0' || word.data[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(word.data[i] - '0');
		if (n > UINT32_MAX)
			n = UINT32_MAX;
	}
	*out = (uint32_t)n;
	return true;
}

/* Some clients put a space behind the last argument. */
static struct slice
without_spaces(struct slice s)
{
	while (s.len > 0 && s.data[s.len - 1] == ' ')
		s.len--;
	return s;
}

static int
parse_messages(enum arguments arguments, struct slice rest, struct pop3_command *out, struct error *e)
{
	struct slice lines = SLICE_EMPTY, message = slice_split(rest, ' ', &lines);

	if (arguments == MESSAGE_OR_NOTHING && rest.len == 0)
		return 0;
	if (!number(message, &out->message))
		return error_set(e, ERR_SYNTAX, "%s takes a message number", pop3_verb_name(out->verb));
	if (arguments == MESSAGE_AND_LINES && !number(lines, &out->lines))
		return error_set(e, ERR_SYNTAX, "TOP takes a message number and a number of lines");
	if (arguments != MESSAGE_AND_LINES && lines.len > 0)
		return error_set(e, ERR_SYNTAX, "%s takes one message number", pop3_verb_name(out->verb));
	out->has_message = true;
	return 0;
}

static int
parse_words(enum arguments arguments, struct slice rest, struct pop3_command *out, struct error *e)
{
	struct slice second = SLICE_EMPTY;

	out->has_initial = arguments == MECHANISM && slice_find(rest, ' ') != SIZE_MAX;
	out->text = slice_split(rest, ' ', &second);
	if (arguments == RANGE && second.len > 0)
		return error_set(e, ERR_SYNTAX, "LANG takes one language, or nothing");
	if (arguments == MECHANISM && out->text.len == 0)
		return error_set(e, ERR_SYNTAX, "AUTH takes the name of a mechanism: see CAPA");
	if (slice_find(second, ' ') != SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "AUTH takes a mechanism and one response");
	out->initial = second;
	return 0;
}

static int
parse_arguments(enum arguments arguments, struct slice rest, struct pop3_command *out, struct error *e)
{
	switch (arguments) {
	case NOTHING:
		if (without_spaces(rest).len > 0)
			return error_set(e, ERR_SYNTAX, "%s takes no argument", pop3_verb_name(out->verb));
		return 0;
	case TEXT:
		/* RFC 1939 7, PASS: spaces are the password's. */
		out->text = out->verb == POP3_PASS ? rest : without_spaces(rest);
		if (out->text.len == 0)
			return error_set(e, ERR_SYNTAX, "%s takes an argument", pop3_verb_name(out->verb));
		return 0;
	case RANGE:
	case MECHANISM:
		return parse_words(arguments, without_spaces(rest), out, e);
	case MESSAGE:
	case MESSAGE_OR_NOTHING:
	case MESSAGE_AND_LINES:
		return parse_messages(arguments, without_spaces(rest), out, e);
	}
	return error_set(e, ERR_INTERNAL, "a command without arguments in the table");
}

int
pop3_command_parse(struct slice line, uint32_t state, struct pop3_command *out, struct error *e)
{
	struct slice rest = SLICE_EMPTY, word = slice_split(line, ' ', &rest);

	*out = (struct pop3_command){ .verb = POP3_VERB_COUNT };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!slice_ieq_str(word, rows[i].name))
			continue;
		out->verb = rows[i].verb;
		if ((rows[i].states & state) == 0)
			return error_set(e, ERR_ORDER,
			    state == POP3_STATE_AUTHORIZATION ? "%s is for those who have signed in"
							      : "%s is for those who have not signed in",
			    rows[i].name);
		return parse_arguments(rows[i].arguments, rest, out, e);
	}
	return error_set(e, ERR_UNSUPPORTED, "there is no such command");
}
