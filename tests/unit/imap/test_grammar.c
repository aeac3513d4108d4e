/* SPDX-License-Identifier: ISC */
/* Commands, data items, search keys, patterns (RFC 3501 section 9). */
#include <time.h>

#include "imap/command.h"
#include "imap/limits.h"
#include "imap/pattern.h"
#include "imap/write.h"
#include "unit.h"

#define START IMAP_STATE_START
#define IN IMAP_STATE_AUTHENTICATED
#define SEL IMAP_STATE_SELECTED

static const struct {
	const char *text;
	uint32_t state;
	int rc;
} commands[] = {
	{ "a NOOP", START, 0 },
	{ "a noop", SEL, 0 },
	{ "a LOGIN x y", START, 0 },
	{ "a LOGIN x y", IN, ERR_ORDER },
	{ "a LOGIN {1}\r\nx {1+}\r\ny", START, 0 },
	{ "a LOGIN \"x\\\"\" \"\"", START, 0 },
	{ "a LOGIN \"x\\y\" z", START, ERR_SYNTAX },
	{ "a LOGIN x", START, ERR_SYNTAX },
	{ "a LOGIN x y z", START, ERR_SYNTAX },
	{ "a AUTHENTICATE PLAIN", START, 0 },
	{ "a AUTHENTICATE PLAIN AAA=", START, 0 },
	{ "+a NOOP", START, ERR_SYNTAX },
	{ "a", START, ERR_SYNTAX },
	{ " NOOP", START, ERR_SYNTAX },
	{ "a  NOOP", START, ERR_SYNTAX },
	{ "a XYZZY", IN, ERR_UNSUPPORTED },
	{ "a UID NOOP", SEL, ERR_UNSUPPORTED },
	{ "a UID", SEL, ERR_SYNTAX },
	{ "a SELECT INBOX", IN, 0 },
	{ "a SELECT \"\"", IN, 0 },
	{ "a SELECT a]b", IN, 0 },
	{ "a SELECT a*b", IN, ERR_SYNTAX },
	{ "a LIST \"\" a*%", IN, 0 },
	{ "a LIST \"\" (", IN, ERR_SYNTAX },
	{ "a STATUS x (MESSAGES UNSEEN)", IN, 0 },
	{ "a STATUS x (messages,unseen)", IN, ERR_SYNTAX },
	{ "a STATUS x MESSAGES", IN, ERR_SYNTAX },
	{ "a ID NIL", START, 0 },
	{ "a ID ()", START, 0 },
	{ "a ID (\"a\" \"b\" \"c\" NIL)", START, 0 },
	{ "a ID (\"a\")", START, ERR_SYNTAX },
	{ "a ENABLE CONDSTORE", IN, 0 },
	{ "a ENABLE", IN, ERR_SYNTAX },
	{ "a FETCH 1 FLAGS", IN, ERR_ORDER },
	{ "a FETCH 1:* (FLAGS UID)", SEL, 0 },
	{ "a UID FETCH 1,2:4,* ALL", SEL, 0 },
	{ "a FETCH 1 (ALL)", SEL, ERR_SYNTAX },
	{ "a FETCH 1 ()", SEL, ERR_SYNTAX },
	{ "a FETCH 0 FLAGS", SEL, ERR_SYNTAX },
	{ "a STORE 1 +FLAGS.SILENT (\\Seen)", SEL, 0 },
	{ "a STORE 1 FLAGS \\Seen \\Deleted word", SEL, 0 },
	{ "a STORE 1 FLAGS ()", SEL, 0 },
	{ "a STORE 1 FLAGS", SEL, ERR_SYNTAX },
	{ "a STORE 1 FLAGS (\\Recent)", SEL, ERR_SYNTAX },
	{ "a STORE 1 FLAGS (\\Seen", SEL, ERR_SYNTAX },
	{ "a COPY 1:2 INBOX", SEL, 0 },
	{ "a EXPUNGE", SEL, 0 },
	{ "a EXPUNGE 1", SEL, ERR_SYNTAX },
	{ "a UID EXPUNGE 1:5", SEL, 0 },
	{ "a UID EXPUNGE", SEL, ERR_SYNTAX },
	{ "a SEARCH ALL", SEL, 0 },
	{ "a UID SEARCH CHARSET UTF-8 TEXT {2}\r\n\xc3\xbc", SEL, 0 },
	{ "a APPEND INBOX x", IN, ERR_SYNTAX },
};

static void
command_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		struct imap_command c;
		struct arena a;
		int rc;

		arena_init(&a, IMAP_ARENA_MAX);
		rc = imap_command_parse(slice_str(commands[i].text), commands[i].state, &a, &c, &unit_error);
		if (rc != commands[i].rc)
			fail_msg("%s: %d", commands[i].text, rc);
		arena_done(&a);
	}
}

static const struct {
	const char *text;
	const char *name; /* what the response calls the (only) item; NULL: refused */
} items[] = {
	{ "UID", "UID" },
	{ "body[]", "BODY[]" },
	{ "BODY", "BODY" },
	{ "BODYSTRUCTURE", "BODYSTRUCTURE" },
	{ "BODY.PEEK[TEXT]", "BODY[TEXT]" },
	{ "BODY[1]", "BODY[1]" },
	{ "BODY[4.2.2.1]", "BODY[4.2.2.1]" },
	{ "BODY[4.1.MIME]", "BODY[4.1.MIME]" },
	{ "BODY[3.HEADER]<10.20>", "BODY[3.HEADER]<10>" },
	{ "BODY[HEADER.FIELDS (DATE FROM)]", "BODY[HEADER.FIELDS (DATE FROM)]" },
	{ "BODY[1.HEADER.FIELDS.NOT (\"X y\")]<0.1>", "BODY[1.HEADER.FIELDS.NOT (\"X y\")]<0>" },
	{ "BODY[HEADER.FIELDS ({1}\r\nA)]", "BODY[HEADER.FIELDS (A)]" },
	{ "RFC822", "RFC822" },
	{ "RFC822.HEADER", "RFC822.HEADER" },
	{ "RFC822.TEXT", "RFC822.TEXT" },
	{ "RFC822.SIZE", "RFC822.SIZE" },
	{ "BODY[MIME]", NULL },
	{ "BODY[0]", NULL },
	{ "BODY[1.0]", NULL },
	{ "BODY[1.]", NULL },
	{ "BODY[1 ]", NULL },
	{ "BODY[1TEXT]", NULL },
	{ "BODY[.1]", NULL },
	{ "BODY[TEXT.1]", NULL },
	{ "BODY[HEADER.FIELDS ()]", NULL },
	{ "BODY[HEADER.FIELDS]", NULL },
	{ "BODY[]<0>", NULL },
	{ "BODY[]<0.0>", NULL },
	{ "BODY[]<-1.1>", NULL },
	{ "BODY[", NULL },
	{ "BODY.PEEK", NULL },
	{ "RFC822.PEEK", NULL },
	{ "UIDX", NULL },
};

static void
item_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		const struct imap_item *parsed;
		size_t count = 0;
		struct arena a;
		struct buf b;
		int rc;

		arena_init(&a, IMAP_ARENA_MAX);
		buf_init(&b, 1000);
		rc = imap_items_parse(slice_str(items[i].text), &a, &parsed, &count, &unit_error);
		if ((rc == 0) != (items[i].name != NULL))
			fail_msg("%s: %d", items[i].text, rc);
		if (rc == 0) {
			assert_int_equal(count, 1);
			assert_ok(imap_write_item_name(&b, &parsed[0]));
			assert_slice(buf_slice(&b), items[i].name);
		}
		arena_done(&a);
		buf_done(&b);
	}
}

static const struct {
	const char *text;
	int rc;
} searches[] = {
	{ "ALL", 0 },
	{ "1:5 UNSEEN", 0 },
	{ "OR FROM a (TO b CC c)", 0 },
	{ "NOT NOT NEW", 0 },
	{ "SINCE 1-Feb-1994 BEFORE \"01-Mar-1994\"", 0 },
	{ "SENTON 29-Feb-2024", 0 },
	{ "HEADER X-A \"\"", 0 },
	{ "KEYWORD $a UNKEYWORD b", 0 },
	{ "LARGER 1 SMALLER 4294967295", 0 },
	{ "UID 1:*", 0 },
	{ "CHARSET UTF-8 SUBJECT x", 0 },
	{ "", ERR_SYNTAX },
	{ "CHARSET UTF-8", ERR_SYNTAX },
	{ "OR FROM a", ERR_SYNTAX },
	{ "()", ERR_SYNTAX },
	{ "(ALL", ERR_SYNTAX },
	{ "SINCE 32-Feb-1994", ERR_SYNTAX },
	{ "SINCE 1-Foo-1994", ERR_SYNTAX },
	{ "LARGER -1", ERR_SYNTAX },
	{ "LARGER 4294967296", ERR_SYNTAX },
	{ "ALLX", ERR_SYNTAX },
};

static void
search_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++) {
		const struct imap_search *s;
		struct slice charset;
		struct arena a;
		int rc;

		arena_init(&a, IMAP_ARENA_MAX);
		rc = imap_search_parse(slice_str(searches[i].text), &a, &s, &charset, &unit_error);
		if (rc != searches[i].rc)
			fail_msg("%s: %d", searches[i].text, rc);
		arena_done(&a);
	}
}

static const struct {
	const char *pattern;
	const char *name;
	bool match;
} patterns[] = {
	{ "*", "a/b", true },
	{ "%", "a/b", false },
	{ "%", "a", true },
	{ "%/%", "a/b", true },
	{ "a*", "ab/c", true },
	{ "a%", "ab/c", false },
	{ "%*", "a/b", true },
	{ "*%", "a/b", true },
	{ "%%", "a/b", false },
	{ "inbox", "INBOX", true },
	{ "inb*", "INBOX/x", true },
	{ "A", "a", false },
	{ "", "", true },
	{ "a", "", false },
	{ "*b*d", "abcd", true },
	{ "*b*d", "abcde", false },
	{ "a/%/c", "a/b/c", true },
	{ "a/%/c", "a/b/d/c", false },
};

static void
pattern_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		if (imap_pattern_match(slice_str(patterns[i].pattern), slice_str(patterns[i].name)) !=
		    patterns[i].match)
			fail_msg("%s %s", patterns[i].pattern, patterns[i].name);
}

/* Pitfall, LIST patterns with many wildcards (CVE-2026-33607): a thousand of them against a long name, at once. */
static void
pitfall_list_wildcards(void **state)
{
	struct timespec before, after;
	struct buf pattern, name;

	(void)state;
	buf_init(&pattern, 1000);
	buf_init(&name, 1000);
	for (int i = 0; i < 499; i++)
		(void)buf_put_str(&pattern, "*a");
	(void)buf_put_str(&pattern, "b");
	for (int i = 0; i < 1000; i++)
		(void)buf_put_str(&name, "a");
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < 20; i++)
		assert_false(imap_pattern_match(buf_slice(&pattern), buf_slice(&name)));
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 5);
	buf_done(&pattern);
	buf_done(&name);
}

/* Pitfall, nesting: thousands of parentheses are refused at a small depth, whatever the command. */
static void
pitfall_parentheses(void **state)
{
	static const char *const begins[] = { "a SEARCH ", "a STATUS x ", "a STORE 1 FLAGS ", "a FETCH 1 ", "a ID " };

	(void)state;
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
		struct imap_command c;
		struct arena a;
		struct buf b;

		arena_init(&a, IMAP_ARENA_MAX);
		buf_init(&b, 1u << 20);
		(void)buf_put_str(&b, begins[i]);
		for (int k = 0; k < 60000; k++)
			(void)buf_put_str(&b, "(");
		assert_int_not_equal(imap_command_parse(buf_slice(&b), SEL, &a, &c, &unit_error), 0);
		arena_done(&a);
		buf_done(&b);
	}
}

/* Pitfall, ID with many parameters. */
static void
pitfall_id_parameters(void **state)
{
	struct imap_command c;
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, IMAP_ARENA_MAX);
	buf_init(&b, 1u << 20);
	(void)buf_put_str(&b, "a ID (\"a\" NIL");
	for (int k = 0; k < 5000; k++)
		(void)buf_put_str(&b, " \"a\" NIL");
	(void)buf_put_str(&b, ")");
	assert_int_equal(imap_command_parse(buf_slice(&b), START, &a, &c, &unit_error), ERR_LIMIT);
	arena_done(&a);
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(command_table), UNIT_TEST(item_table), UNIT_TEST(search_table), UNIT_TEST(pattern_table),
    UNIT_TEST(pitfall_list_wildcards), UNIT_TEST(pitfall_parentheses), UNIT_TEST(pitfall_id_parameters))
