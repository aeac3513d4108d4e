/* SPDX-License-Identifier: ISC */
/* The table of commands: every one in both states, arguments, and what is none of them. */
#include "pop3/command.h"

#include <stdio.h>

#include "unit.h"

#define AUTHORIZATION POP3_STATE_AUTHORIZATION
#define TRANSACTION POP3_STATE_TRANSACTION

static const struct {
	const char *line;
	uint32_t states; /* in which it parses */
	struct pop3_command want;
} good[] = {
	{ "CAPA", AUTHORIZATION | TRANSACTION, { .verb = POP3_CAPA } },
	{ "cApA", AUTHORIZATION | TRANSACTION, { .verb = POP3_CAPA } },
	{ "STLS", AUTHORIZATION, { .verb = POP3_STLS } },
	{ "UTF8", AUTHORIZATION, { .verb = POP3_UTF8 } },
	{ "QUIT", AUTHORIZATION | TRANSACTION, { .verb = POP3_QUIT } },
	{ "QUIT  ", AUTHORIZATION | TRANSACTION, { .verb = POP3_QUIT } },
	{ "STAT", TRANSACTION, { .verb = POP3_STAT } },
	{ "NOOP", TRANSACTION, { .verb = POP3_NOOP } },
	{ "RSET", TRANSACTION, { .verb = POP3_RSET } },
	{ "LIST", TRANSACTION, { .verb = POP3_LIST } },
	{ "LIST ", TRANSACTION, { .verb = POP3_LIST } },
	{ "LIST 1", TRANSACTION, { .verb = POP3_LIST, .has_message = true, .message = 1 } },
	{ "list 0017", TRANSACTION, { .verb = POP3_LIST, .has_message = true, .message = 17 } },
	{ "LIST 4294967296", TRANSACTION, { .verb = POP3_LIST, .has_message = true, .message = UINT32_MAX } },
	{ "LIST 36893488147419103233", TRANSACTION, { .verb = POP3_LIST, .has_message = true, .message = UINT32_MAX } },
	{ "UIDL", TRANSACTION, { .verb = POP3_UIDL } },
	{ "UIDL 3", TRANSACTION, { .verb = POP3_UIDL, .has_message = true, .message = 3 } },
	{ "RETR 2", TRANSACTION, { .verb = POP3_RETR, .has_message = true, .message = 2 } },
	{ "DELE 2 ", TRANSACTION, { .verb = POP3_DELE, .has_message = true, .message = 2 } },
	{ "TOP 1 0", TRANSACTION, { .verb = POP3_TOP, .has_message = true, .message = 1 } },
	{ "TOP 1 10", TRANSACTION, { .verb = POP3_TOP, .has_message = true, .message = 1, .lines = 10 } },
	{ "TOP 1 99999999999", TRANSACTION,
	    { .verb = POP3_TOP, .has_message = true, .message = 1, .lines = UINT32_MAX } },
	{ "USER alice@example.org", AUTHORIZATION,
	    { .verb = POP3_USER, .text = { (const void *)"alice@example.org", 17 } } },
	{ "USER a b ", AUTHORIZATION, { .verb = POP3_USER, .text = { (const void *)"a b", 3 } } },
	{ "PASS secret", AUTHORIZATION, { .verb = POP3_PASS, .text = { (const void *)"secret", 6 } } },
	{ "PASS  two  words ", AUTHORIZATION, { .verb = POP3_PASS, .text = { (const void *)" two  words ", 12 } } },
	{ "APOP a b", AUTHORIZATION, { .verb = POP3_APOP, .text = { (const void *)"a b", 3 } } },
	{ "AUTH PLAIN", AUTHORIZATION, { .verb = POP3_AUTH, .text = { (const void *)"PLAIN", 5 } } },
	{ "AUTH PLAIN =", AUTHORIZATION,
	    { .verb = POP3_AUTH,
		.text = { (const void *)"PLAIN", 5 },
		.has_initial = true,
		.initial = { (const void *)"=", 1 } } },
	{ "LANG", AUTHORIZATION | TRANSACTION, { .verb = POP3_LANG } },
	{ "LANG *", AUTHORIZATION | TRANSACTION, { .verb = POP3_LANG, .text = { (const void *)"*", 1 } } },
};

static void
good_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		for (uint32_t s = AUTHORIZATION; s <= TRANSACTION; s++) {
			struct pop3_command c;
			int rc = pop3_command_parse(slice_str(good[i].line), s, &c, &unit_error);

			if (rc != ((good[i].states & s) != 0 ? 0 : ERR_ORDER))
				fail_msg("'%s' in state %u: %d", good[i].line, s, rc);
			assert_int_equal(c.verb, good[i].want.verb);
			if (rc != 0)
				continue;
			assert_int_equal(c.has_message, good[i].want.has_message);
			assert_int_equal(c.message, good[i].want.message);
			assert_int_equal(c.lines, good[i].want.lines);
			assert_slices(c.text, good[i].want.text);
			assert_int_equal(c.has_initial, good[i].want.has_initial);
			assert_slices(c.initial, good[i].want.initial);
		}
	}
}

static void
bad_lines(void **state)
{
	static const struct {
		const char *line;
		int rc;
	} rows[] = {
		{ "", ERR_UNSUPPORTED },
		{ " ", ERR_UNSUPPORTED },
		{ " STAT", ERR_UNSUPPORTED },
		{ "STATS", ERR_UNSUPPORTED },
		{ "STA", ERR_UNSUPPORTED },
		{ "XTND", ERR_UNSUPPORTED },
		{ "STAT\t", ERR_UNSUPPORTED },
		{ "STAT 1", ERR_SYNTAX },
		{ "CAPA x", ERR_SYNTAX },
		{ "LIST a", ERR_SYNTAX },
		{ "LIST +1", ERR_SYNTAX },
		{ "LIST -1", ERR_SYNTAX },
		{ "LIST 1a", ERR_SYNTAX },
		{ "LIST  1", ERR_SYNTAX },
		{ "LIST 1 2", ERR_SYNTAX },
		{ "UIDL 1\t", ERR_SYNTAX },
		{ "RETR", ERR_SYNTAX },
		{ "RETR ", ERR_SYNTAX },
		{ "RETR 1 1", ERR_SYNTAX },
		{ "DELE", ERR_SYNTAX },
		{ "TOP", ERR_SYNTAX },
		{ "TOP 1", ERR_SYNTAX },
		{ "TOP 1 x", ERR_SYNTAX },
		{ "TOP x 1", ERR_SYNTAX },
		{ "TOP 1  1", ERR_SYNTAX },
		{ "TOP 1 1 1", ERR_SYNTAX },
		{ "LANG en de", ERR_SYNTAX },
	};
	struct pop3_command c;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (pop3_command_parse(slice_str(rows[i].line), TRANSACTION, &c, &unit_error) != rows[i].rc)
			fail_msg("'%s': not %d", rows[i].line, rows[i].rc);
	assert_int_equal(pop3_command_parse(SLICE("USER"), AUTHORIZATION, &c, NULL), ERR_SYNTAX);
	assert_int_equal(pop3_command_parse(SLICE("PASS "), AUTHORIZATION, &c, NULL), ERR_SYNTAX);
	assert_int_equal(pop3_command_parse(SLICE("AUTH"), AUTHORIZATION, &c, NULL), ERR_SYNTAX);
	assert_int_equal(pop3_command_parse(SLICE("AUTH PLAIN a b"), AUTHORIZATION, &c, NULL), ERR_SYNTAX);
}

/* What is said of a line repeats nothing of it: it may be a password, or somebody's answer. */
static void
sentences_repeat_nothing(void **state)
{
	static const char *const lines[] = { "Pw-secret", "LIST Pw-secret", "TOP 1 Pw-secret", "QUIT Pw-secret",
		"LANG x Pw-secret", "PASS Pw-secret" };
	struct pop3_command c;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_true(pop3_command_parse(slice_str(lines[i]), TRANSACTION, &c, &unit_error) != 0);
		assert_true(slice_search(slice_str(unit_error.text), SLICE("secret")) == SIZE_MAX);
	}
}

static void
names(void **state)
{
	(void)state;
	for (int v = 0; v < POP3_VERB_COUNT; v++)
		assert_true(strlen(pop3_verb_name((enum pop3_verb)v)) >= 3);
	assert_string_equal(pop3_verb_name(POP3_VERB_COUNT), "");
}

UNIT_MAIN(UNIT_TEST(good_lines), UNIT_TEST(bad_lines), UNIT_TEST(sentences_repeat_nothing), UNIT_TEST(names))
