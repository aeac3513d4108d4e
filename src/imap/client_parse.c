/* SPDX-License-Identifier: ISC */
#include "imap/client_parse.h"

#include "imap/limits.h"
#include "imap/mutf7.h"

void
imap_parse_text(struct slice in, struct slice *code, struct slice *text)
{
	size_t close = in.len > 0 && in.data[0] == '[' ? slice_find(in, ']') : SIZE_MAX;

	*code = SLICE_EMPTY;
	*text = in;
	if (close == SIZE_MAX)
		return;
	*code = slice_sub(in, 1, close - 1);
	*text = slice_trim(slice_from(in, close + 1));
}

uint32_t
imap_parse_code_number(struct slice code, const char *word)
{
	struct slice rest;
	uint64_t n = 0;

	if (!slice_ieq_str(slice_split(code, ' ', &rest), word))
		return 0;
	/* APPENDUID has two: the first. */
	(void)slice_to_u64(slice_split(rest, ' ', &rest), UINT32_MAX, &n);
	return (uint32_t)n;
}

/* A balanced list as text, whatever is in it. */
static int
skip_list(struct imap_lex *l, struct slice *out)
{
	size_t from = l->at;
	unsigned depth = 0;
	struct slice ignored;
	int rc = 0;

	do {
		int c = imap_lex_peek(l);

		if (c == '"' || c == '{') {
			rc = imap_lex_string(l, &ignored);
		} else if (c < 0) {
			rc = imap_lex_fail(l, "')'");
		} else {
			depth += c == '(';
			depth -= c == ')';
			l->at++;
		}
	} while (rc == 0 && depth > 0);
	*out = slice_sub(l->in, from, l->at - from);
	return rc;
}

static bool
ends_name(int c)
{
	return c == ' ' || c == ')' || c == '(' || c == '"' || c == '{';
}

/* "FLAGS", "BODY[1.HEADER.FIELDS (A "b")]<0>": up to the space outside of the brackets. */
static int
item_name(struct imap_lex *l, struct slice *out)
{
	size_t from = l->at;
	bool bracket = false;
	struct slice ignored;
	int rc = 0;

	for (; rc == 0 && !imap_lex_at_end(l);) {
		int c = imap_lex_peek(l);

		if (!bracket && ends_name(c))
			break;
		if (bracket && (c == '"' || c == '{')) {
			rc = imap_lex_string(l, &ignored);
			continue;
		}
		bracket = c == '[' || (bracket && c != ']');
		l->at++;
	}
	*out = slice_sub(l->in, from, l->at - from);
	return rc != 0 || out->len > 0 ? rc : imap_lex_fail(l, "a data item");
}

static bool
is_value_char(uint8_t c)
{
	return c > 0x20 && c != ')' && c != '(' && c != 0x7f;
}

static int
item_value(struct imap_lex *l, struct imap_client_item *item)
{
	size_t from = l->at;
	int c = imap_lex_peek(l);

	if (c == '(')
		return skip_list(l, &item->value);
	if (c == '"' || c == '{')
		return imap_lex_string(l, &item->value);
	while (!imap_lex_at_end(l) && is_value_char((uint8_t)imap_lex_peek(l)))
		l->at++;
	item->value = slice_sub(l->in, from, l->at - from);
	item->nil = slice_ieq_str(item->value, "NIL");
	if (item->nil)
		item->value = SLICE_EMPTY;
	return l->at > from ? 0 : imap_lex_fail(l, "a value");
}

static void
take_flags(struct slice list, struct imap_client_event *ev)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} names[] = { { "\\Seen", IMAP_SEEN }, { "\\Answered", IMAP_ANSWERED }, { "\\Flagged", IMAP_FLAGGED },
		{ "\\Deleted", IMAP_DELETED }, { "\\Draft", IMAP_DRAFT }, { "\\Recent", IMAP_RECENT } };
	struct slice rest = list.len >= 2 ? slice_sub(list, 1, list.len - 2) : SLICE_EMPTY;

	ev->has_flags = true;
	ev->flags = 0;
	ev->flag_list = rest;
	while (rest.len > 0) {
		struct slice word = slice_split(rest, ' ', &rest);

		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
			if (slice_ieq_str(word, names[i].name))
				ev->flags |= names[i].bit;
	}
}

/* Numbers and flags that every caller wants. */
static int
take_item(struct imap_lex *l, const struct imap_client_item *item, struct imap_client_event *ev)
{
	uint64_t n = 0;

	if (slice_ieq_str(item->name, "FLAGS")) {
		if (item->value.len < 2 || item->value.data[0] != '(')
			return imap_lex_fail(l, "a flag list before this place");
		take_flags(item->value, ev);
	} else if (slice_ieq_str(item->name, "UID")) {
		if (!slice_to_u64(item->value, UINT32_MAX, &n) || n == 0)
			return imap_lex_fail(l, "a UID before this place");
		ev->uid = (uint32_t)n;
	} else if (slice_ieq_str(item->name, "RFC822.SIZE")) {
		if (!slice_to_u64(item->value, INT64_MAX, &ev->size))
			return imap_lex_fail(l, "a size before this place");
	}
	return 0;
}

int
imap_parse_fetch(struct imap_lex *l, bool streamed, struct imap_client_event *ev)
{
	struct imap_client_item *items = arena_array(l->arena, IMAP_ITEMS_MAX, sizeof *items);
	int rc = imap_lex_char(l, '(');

	if (items == NULL)
		return error_set(l->e, l->arena->err, "no room for a response");
	ev->items = items;
	ev->item_count = 0;
	if (rc == 0 && imap_lex_try(l, ')'))
		return imap_lex_end(l);
	do {
		struct imap_client_item *item = &items[ev->item_count];

		if (rc == 0 && ev->item_count == IMAP_ITEMS_MAX)
			rc = error_set(l->e, ERR_LIMIT, "a response with more than %u data items", IMAP_ITEMS_MAX);
		if (rc == 0)
			rc = item_name(l, &item->name);
		if (rc == 0)
			rc = imap_lex_space(l);
		if (rc == 0)
			rc = item_value(l, item);
		if (rc == 0)
			rc = take_item(l, item, ev);
		if (rc != 0)
			return rc;
		item->streamed = streamed && item->nil && slice_istarts(item->name, SLICE("BODY["));
		ev->item_count++;
	} while (imap_lex_try(l, ' '));
	rc = imap_lex_char(l, ')');
	return rc != 0 ? rc : imap_lex_end(l);
}

int
imap_parse_list(struct imap_lex *l, struct imap_client_event *ev)
{
	struct slice separator = SLICE_EMPTY;
	struct slice raw;
	struct buf name;
	int rc = imap_lex_peek(l) == '(' ? skip_list(l, &ev->list_flags) : imap_lex_fail(l, "'('");

	if (rc == 0)
		rc = imap_lex_space(l);
	if (rc == 0)
		rc = imap_lex_nstring(l, &separator, NULL);
	if (rc == 0)
		rc = imap_lex_space(l);
	if (rc == 0)
		rc = imap_lex_astring(l, &raw);
	if (rc != 0)
		return rc;
	ev->list_flags = slice_sub(ev->list_flags, 1, ev->list_flags.len - 2);
	ev->separator = separator.len == 1 ? separator.data[0] : 0;
	buf_init(&name, IMAP_MAILBOX_MAX);
	ev->name = raw;
	if (imap_mutf7_parse(&name, raw, NULL) == 0)
		ev->name = arena_copy(l->arena, buf_slice(&name));
	buf_done(&name);
	return 0;
}

int
imap_parse_numbers(struct imap_lex *l, struct imap_client_event *ev)
{
	/* One number takes at least two octets. */
	size_t room = (l->in.len - l->at) / 2 + 1;
	uint32_t *numbers = arena_array(l->arena, room, sizeof *numbers);
	int rc = 0;

	if (numbers == NULL)
		return error_set(l->e, l->arena->err, "no room for a response");
	ev->numbers = numbers;
	ev->number_count = 0;
	while (rc == 0 && imap_lex_try(l, ' ')) {
		/* Some servers end the line with a space. RFC 7162 may put "(MODSEQ n)" there; we do not ask for it. */
		if (imap_lex_at_end(l))
			break;
		rc = imap_lex_number(l, &numbers[ev->number_count]);
		ev->number_count += rc == 0;
	}
	return rc != 0 ? rc : imap_lex_end(l);
}
