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
};

static int
hex_value(uint8_t c)
{
	uint8_t d = ascii_lower(c);

	if (d >= '0' && d <= '9')
		return d - '0';
	return d >= 'a' && d <= 'f' ? d - 'a' + 10 : -1;
}

/* "0x" and hex digits into octets. ERR_NOT_FOUND: it is none, search for it as text. */
static int
parse_hex(struct slice text, struct directory_query *q, struct error *e)
{
	struct slice digits = slice_from(text, 2);

	if (!slice_istarts(text, SLICE("0x")))
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < digits.len; i++)
		if (hex_value(digits.data[i]) < 0)
			return ERR_NOT_FOUND;
	if (digits.len != 16 && digits.len != 40 && digits.len != 64)
		return error_set(e, ERR_SYNTAX,
		    "search for a fingerprint (40 or 64 hex digits) or a key ID of 16; shorter ones collide at will");
	for (size_t i = 0; i < digits.len; i += 2)
		q->octets[i / 2] = (uint8_t)(hex_value(digits.data[i]) << 4 | hex_value(digits.data[i + 1]));
	q->octet_count = digits.len / 2;
	q->by = q->octet_count == 8 ? DIRECTORY_BY_KEY_ID : DIRECTORY_BY_FINGERPRINT;
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

int
directory_query_parse(struct slice query, struct buf *text, struct directory_query *query_out, struct error *e)
{
	struct slice rest = query, name, value, op = SLICE_EMPTY;
	struct directory_query q = { 0 };
	bool exact = false;
	size_t i;
	int rc;

	while (http_form_next(&rest, &name, &value)) {
		if (slice_eq_str(name, "op"))
			op = value;
		else if (slice_eq_str(name, "exact"))
			exact = is_on(value);
		else if (slice_eq_str(name, "options"))
			while (value.len > 0)
				q.machine_readable |= slice_ieq_str(slice_split(value, ',', &value), "mr");
	}
	for (i = 0; i < sizeof ops / sizeof ops[0]; i++)
		if (slice_ieq_str(op, ops[i].name))
			break;
	if (i == sizeof ops / sizeof ops[0])
		return error_set(e, op.len == 0 ? ERR_SYNTAX : ERR_UNSUPPORTED, "op is get, index or vindex");
	q.op = ops[i].op;
	rc = http_form_value(query, "search", text, e);
	if (rc == ERR_NOT_FOUND)
		rc = error_set(e, ERR_SYNTAX, "the query has no search");
	if (rc == 0 && text->len > DIRECTORY_SEARCH_MAX)
		rc = error_set(e, ERR_LIMIT, "the search text has more than %u octets", DIRECTORY_SEARCH_MAX);
	if (rc == 0)
		rc = parse_search(buf_slice(text), exact, &q, e);
	if (rc == 0)
		*query_out = q;
	return rc;
}
