/* SPDX-License-Identifier: ISC */
#include "service/directory/query.h"

#include "http/form.h"

static const struct {
	const char *name;
	enum directory_op op;
} ops[] = {
	{ "get", DIRECTORY_GET },
	{ "index", DIRECTORY_INDEX },
	{ "vindex", DIRECTORY_INDEX },
	{ "stats", DIRECTORY_STATS },
};

static int
hex_value(uint8_t c)
{
	uint8_t d = ascii_lower(c);

	if (d >= '0' && d <= '9')
		return d - '0';
	return d >= 'a' && d <= 'f' ? d - 'a' + 10 : -1;
}

static const struct {
	size_t digits;
	enum directory_by by;
	bool bare; /* also without "0x" */
} names[] = {
	{ 8, DIRECTORY_BY_SHORT_ID, false },
	{ 16, DIRECTORY_BY_KEY_ID, true },
	{ 40, DIRECTORY_BY_FINGERPRINT, true },
	{ 64, DIRECTORY_BY_FINGERPRINT, true },
};

/* Hex digits into octets. ERR_NOT_FOUND: it is none, search for it as text. */
static int
parse_hex(struct slice text, struct directory_query *q, struct error *e)
{
	bool marked = slice_istarts(text, SLICE("0x"));
	struct slice digits = slice_from(text, marked ? 2 : 0);
	size_t k = 0;

	for (size_t i = 0; i < digits.len; i++)
		if (hex_value(digits.data[i]) < 0)
			return ERR_NOT_FOUND;
	while (k < sizeof names / sizeof names[0] && (names[k].digits != digits.len || !(marked || names[k].bare)))
		k++;
	if (k == sizeof names / sizeof names[0])
		return marked ? error_set(e, ERR_SYNTAX,
				    "search for a fingerprint (40 or 64 hex digits) or a key ID of 16 (or 8)")
			      : ERR_NOT_FOUND;
	for (size_t i = 0; i < digits.len; i += 2)
		q->octets[i / 2] = (uint8_t)(hex_value(digits.data[i]) << 4 | hex_value(digits.data[i + 1]));
	q->octet_count = digits.len / 2;
	q->by = names[k].by;
	return 0;
}

struct slice
directory_query_address(struct slice text)
{
	struct slice address = slice_trim(text);
	size_t open = slice_find_last(address, '<'), at;

	if (open != SIZE_MAX && slice_ends(address, SLICE(">")))
		address = slice_sub(address, open + 1, address.len - open - 2);
	at = slice_find_last(address, '@');
	if (at == SIZE_MAX || at == 0 || at + 1 == address.len)
		return SLICE_EMPTY;
	for (size_t i = 0; i < address.len; i++)
		if (address.data[i] <= ' ' || address.data[i] == 0x7f || address.data[i] == '<' ||
		    address.data[i] == '>')
			return SLICE_EMPTY;
	return address;
}

static int
parse_search(struct slice text, bool exact, struct directory_query *q, struct error *e)
{
	int rc = parse_hex(text, q, e);

	if (rc != ERR_NOT_FOUND)
		return rc;
	q->text = directory_query_address(text);
	q->by = DIRECTORY_BY_ADDRESS;
	if (q->text.len > 0)
		return 0;
	if (exact)
		return error_set(e, ERR_SYNTAX, "an exact search is for an address or a fingerprint");
	q->text = slice_trim(text);
	q->by = DIRECTORY_BY_TEXT;
	if (q->text.len < DIRECTORY_SEARCH_MIN)
		return error_set(e, ERR_SYNTAX, "search for at least %u characters", DIRECTORY_SEARCH_MIN);
	return 0;
}

static bool
is_on(struct slice value)
{
	return slice_ieq_str(value, "on") || slice_eq_str(value, "1");
}

static void
parse_options(struct slice value, struct directory_query *q)
{
	while (value.len > 0) {
		struct slice option = slice_split(value, ',', &value);

		q->machine_readable |= slice_ieq_str(option, "mr");
		q->json |= slice_ieq_str(option, "json");
	}
}

/* A variable that is not known is passed over: fingerprint=on, which we always do, and what is still to come. */
static int
parse_pairs(struct slice query, bool *exact, struct directory_query *q, struct error *e)
{
	struct slice name, value, op = SLICE_EMPTY;

	while (http_form_next(&query, &name, &value)) {
		if (slice_eq_str(name, "op"))
			op = value;
		else if (slice_eq_str(name, "exact"))
			*exact = is_on(value);
		else if (slice_eq_str(name, "options"))
			parse_options(value, q);
	}
	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
		if (slice_ieq_str(op, ops[i].name)) {
			q->op = ops[i].op;
			return 0;
		}
	}
	return error_set(e, op.len == 0 ? ERR_SYNTAX : ERR_UNSUPPORTED, "op is get, index, vindex or stats");
}

int
directory_query_parse(struct slice query, struct buf *text, struct directory_query *query_out, struct error *e)
{
	struct directory_query q = { 0 };
	bool exact = false;
	int rc = parse_pairs(query, &exact, &q, e);

	if (rc == 0 && q.op != DIRECTORY_STATS) {
		rc = http_form_value(query, "search", text, e);
		if (rc == ERR_NOT_FOUND)
			rc = error_set(e, ERR_SYNTAX, "the query has no search");
		if (rc == 0 && text->len > DIRECTORY_SEARCH_MAX)
			rc = error_set(e, ERR_LIMIT, "the search text has more than %u octets", DIRECTORY_SEARCH_MAX);
		if (rc == 0)
			rc = parse_search(buf_slice(text), exact, &q, e);
	}
	if (rc == 0)
		*query_out = q;
	return rc;
}
