/* SPDX-License-Identifier: ISC */
/*
 * Mailbox names: UTF-8, levels separated by '/'. The first level "INBOX" is
 * one whatever its case (RFC 3501 5.1). Wildcards of LIST are refused, since
 * nobody could name such a mailbox alone.
 */
#include "base/utf8.h"
#include "store/internal.h"

static int
level_check(struct slice level, struct error *e)
{
	if (level.len == 0)
		return error_set(e, ERR_SYNTAX, "a mailbox name cannot have an empty level");
	for (size_t i = 0; i < level.len; i++) {
		uint8_t c = level.data[i];

		if (c < 0x20 || c == 0x7f || c == '*' || c == '%')
			return error_set_at(e, ERR_SYNTAX, i, "a mailbox name cannot have that character");
	}
	return 0;
}

int
name_check(struct slice name, struct slice *out, struct error *e)
{
	struct slice rest = name, first;
	unsigned depth = 0;
	int rc = 0;

	if (name.len > 1 && name.data[name.len - 1] == '/')
		rest = name = slice_sub(name, 0, name.len - 1);
	if (name.len == 0 || name.len > STORE_NAME_MAX)
		return error_set(e, ERR_SYNTAX, "a mailbox name has 1 to %u octets", STORE_NAME_MAX);
	if (!utf8_valid(name))
		return error_set(e, ERR_SYNTAX, "a mailbox name must be UTF-8");
	if (name.data[name.len - 1] == '/')
		return error_set(e, ERR_SYNTAX, "a mailbox name cannot have an empty level");
	do {
		first = slice_split(rest, '/', &rest);
		rc = level_check(first, e);
	} while (rc == 0 && rest.len > 0 && ++depth < STORE_NAME_DEPTH_MAX);
	if (rc == 0 && rest.len > 0)
		return error_set(e, ERR_LIMIT, "a mailbox name has at most %u levels", STORE_NAME_DEPTH_MAX);
	*out = name;
	return rc;
}

struct slice
name_kept(struct arena *a, struct slice name)
{
	struct slice rest, first = slice_split(name, '/', &rest);
	uint8_t *p;

	if (!slice_ieq(first, SLICE("INBOX")))
		return arena_copy(a, name);
	p = arena_alloc(a, name.len);
	if (p == NULL)
		return SLICE_EMPTY;
	for (size_t i = 0; i < name.len; i++)
		p[i] = i < 5 ? ascii_upper(name.data[i]) : name.data[i];
	return slice_of(p, name.len);
}

struct slice
name_superior(struct slice name)
{
	size_t at = slice_find_last(name, '/');

	return at == SIZE_MAX ? SLICE_EMPTY : slice_sub(name, 0, at);
}

struct slice
name_first_inferior(struct arena *a, struct slice name)
{
	return arena_printf(a, "%.*s/", (int)name.len, (const char *)name.data);
}

struct slice
name_behind_inferiors(struct arena *a, struct slice name)
{
	return arena_printf(a, "%.*s0", (int)name.len, (const char *)name.data);
}
