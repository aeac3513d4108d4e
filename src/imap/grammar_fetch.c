/* SPDX-License-Identifier: ISC */
/* The data items of FETCH (RFC 3501 6.4.5 and fetch-att in section 9). */
#include "imap/grammar.h"
#include "imap/limits.h"

/* The bare items; those with a section are below. Longer names first where one begins another. */
static const struct row {
	const char *name;
	struct imap_item item;
} rows[] = {
	{ "UID", { .kind = IMAP_ITEM_UID } },
	{ "FLAGS", { .kind = IMAP_ITEM_FLAGS } },
	{ "INTERNALDATE", { .kind = IMAP_ITEM_INTERNALDATE } },
	{ "RFC822.SIZE", { .kind = IMAP_ITEM_SIZE } },
	{ "ENVELOPE", { .kind = IMAP_ITEM_ENVELOPE } },
	{ "BODYSTRUCTURE", { .kind = IMAP_ITEM_BODYSTRUCTURE } },
	{ "RFC822", { .kind = IMAP_ITEM_RFC822 } },
	{ "RFC822.HEADER",
	    { .kind = IMAP_ITEM_RFC822_HEADER, .peek = true, .section = { .kind = IMAP_SECTION_HEADER } } },
	{ "RFC822.TEXT", { .kind = IMAP_ITEM_RFC822_TEXT, .section = { .kind = IMAP_SECTION_TEXT } } },
};

static const struct macro {
	const char *name;
	size_t count;
	enum imap_item_kind kinds[5];
} macros[] = {
	{ "ALL", 4, { IMAP_ITEM_FLAGS, IMAP_ITEM_INTERNALDATE, IMAP_ITEM_SIZE, IMAP_ITEM_ENVELOPE } },
	{ "FAST", 3, { IMAP_ITEM_FLAGS, IMAP_ITEM_INTERNALDATE, IMAP_ITEM_SIZE } },
	{ "FULL", 5, { IMAP_ITEM_FLAGS, IMAP_ITEM_INTERNALDATE, IMAP_ITEM_SIZE, IMAP_ITEM_ENVELOPE, IMAP_ITEM_BODY } },
};

static int
no_room(struct imap_lex *l)
{
	return error_set_at(l->e, l->arena->err, l->at, "The command is too large.");
}

static bool
next_is_digit(const struct imap_lex *l)
{
	int c = imap_lex_peek(l);

	return c >= '0' && c <= '9';
}

/* nz-number *("." nz-number); a "." that a word follows is taken too. */
static int
section_part(struct imap_lex *l, struct imap_section *s)
{
	s->part = arena_array(l->arena, IMAP_PART_DEPTH_MAX, sizeof *s->part);
	if (s->part == NULL)
		return no_room(l);
	do {
		uint32_t n = 0;
		int rc;

		if (s->part_count == IMAP_PART_DEPTH_MAX)
			return error_set_at(l->e, ERR_LIMIT, l->at, "A part number is too deep.");
		rc = imap_lex_number(l, &n);
		if (rc != 0 || n == 0)
			return imap_lex_fail(l, "a part number from 1 on");
		s->part[s->part_count++] = n;
		if (!imap_lex_try(l, '.'))
			return 0;
		if (!next_is_digit(l) && imap_lex_peek(l) == ']')
			return imap_lex_fail(l, "a part number or HEADER, TEXT, MIME");
	} while (next_is_digit(l));
	return 0;
}

static int
header_list(struct imap_lex *l, struct imap_section *s)
{
	int rc = imap_lex_space(l);

	if (rc == 0)
		rc = imap_lex_char(l, '(');
	if (rc != 0)
		return rc;
	s->fields = arena_array(l->arena, IMAP_FIELDS_MAX, sizeof *s->fields);
	if (s->fields == NULL)
		return no_room(l);
	do {
		if (s->field_count == IMAP_FIELDS_MAX)
			return error_set_at(l->e, ERR_LIMIT, l->at, "More than %u header fields.", IMAP_FIELDS_MAX);
		rc = imap_lex_astring(l, &s->fields[s->field_count++]);
	} while (rc == 0 && imap_lex_try(l, ' '));
	return rc != 0 ? rc : imap_lex_char(l, ')');
}

static int
section_text(struct imap_lex *l, struct imap_section *s)
{
	if (imap_lex_try_word(l, "HEADER.FIELDS.NOT"))
		s->kind = IMAP_SECTION_FIELDS_NOT;
	else if (imap_lex_try_word(l, "HEADER.FIELDS"))
		s->kind = IMAP_SECTION_FIELDS;
	else if (imap_lex_try_word(l, "HEADER"))
		s->kind = IMAP_SECTION_HEADER;
	else if (imap_lex_try_word(l, "TEXT"))
		s->kind = IMAP_SECTION_TEXT;
	else if (s->part_count > 0 && imap_lex_try_word(l, "MIME"))
		s->kind = IMAP_SECTION_MIME;
	else
		return imap_lex_fail(l, "HEADER, HEADER.FIELDS, TEXT or MIME");
	return s->kind == IMAP_SECTION_FIELDS || s->kind == IMAP_SECTION_FIELDS_NOT ? header_list(l, s) : 0;
}

/* From behind "[" to behind "]". */
static int
section(struct imap_lex *l, struct imap_section *s)
{
	int rc = 0;

	s->kind = IMAP_SECTION_ALL;
	if (next_is_digit(l))
		rc = section_part(l, s);
	if (rc == 0 && imap_lex_peek(l) != ']')
		rc = s->part_count > 0 && l->in.data[l->at - 1] != '.' ? imap_lex_fail(l, "']'") : section_text(l, s);
	return rc != 0 ? rc : imap_lex_char(l, ']');
}

static int
partial(struct imap_lex *l, struct imap_item *item)
{
	int rc;

	if (!imap_lex_try(l, '<'))
		return 0;
	item->partial = true;
	rc = imap_lex_number(l, &item->offset);
	if (rc == 0)
		rc = imap_lex_char(l, '.');
	if (rc == 0)
		rc = imap_lex_number(l, &item->length);
	if (rc == 0 && item->length == 0)
		rc = imap_lex_fail(l, "a length from 1 on");
	return rc != 0 ? rc : imap_lex_char(l, '>');
}

static bool
try_bracket(struct imap_lex *l, const char *word)
{
	struct slice w = slice_str(word);

	if (!slice_ieq(slice_sub(l->in, l->at, w.len), w))
		return false;
	l->at += w.len;
	return true;
}

static int
item_get(struct imap_lex *l, struct imap_item *out)
{
	bool peek = try_bracket(l, "BODY.PEEK[");

	if (peek || try_bracket(l, "BODY[")) {
		int rc;

		*out = (struct imap_item){ .kind = IMAP_ITEM_SECTION, .peek = peek };
		rc = section(l, &out->section);
		return rc != 0 ? rc : partial(l, out);
	}
	if (imap_lex_try_word(l, "BODY")) {
		*out = (struct imap_item){ .kind = IMAP_ITEM_BODY };
		return 0;
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (imap_lex_try_word(l, rows[i].name)) {
			*out = rows[i].item;
			return 0;
		}
	}
	return imap_lex_fail(l, "a data item to fetch");
}

static bool
macro_get(struct imap_lex *l, struct imap_item *items, size_t *count)
{
	for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++) {
		if (!imap_lex_try_word(l, macros[i].name))
			continue;
		for (size_t k = 0; k < macros[i].count; k++)
			items[k] = (struct imap_item){ .kind = macros[i].kinds[k] };
		*count = macros[i].count;
		return true;
	}
	return false;
}

int
imap_lex_items(struct imap_lex *l, const struct imap_item **items_out, size_t *count_out)
{
	struct imap_item *items = arena_array(l->arena, IMAP_ITEMS_MAX, sizeof *items);
	bool list;
	int rc;

	if (items == NULL)
		return no_room(l);
	*items_out = items;
	*count_out = 0;
	if (macro_get(l, items, count_out))
		return 0;
	list = imap_lex_try(l, '(');
	do {
		if (*count_out == IMAP_ITEMS_MAX)
			return error_set_at(
			    l->e, ERR_LIMIT, l->at, "More than %u data items in one FETCH.", IMAP_ITEMS_MAX);
		rc = item_get(l, &items[*count_out]);
		*count_out += 1;
	} while (rc == 0 && list && imap_lex_try(l, ' '));
	return rc != 0 || !list ? rc : imap_lex_char(l, ')');
}

int
imap_items_parse(
    struct slice text, struct arena *a, const struct imap_item **items_out, size_t *count_out, struct error *e)
{
	struct imap_lex l = { .in = text, .arena = a, .e = e };
	int rc = imap_lex_items(&l, items_out, count_out);

	return rc != 0 ? rc : imap_lex_end(&l);
}
