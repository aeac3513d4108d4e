/* SPDX-License-Identifier: ISC */
#include "imap/pattern.h"

#include <string.h>

#include "imap/limits.h"

/* The length of the first level when that is INBOX, which has no case. */
static size_t
inbox_len(struct slice name)
{
	return name.len >= 5 && slice_ieq_str(slice_sub(name, 0, 5), "INBOX") && (name.len == 5 || name.data[5] == '/')
	    ? 5
	    : 0;
}

/* at[j]: the pattern up to now matches the first j octets of the name. */
static void
wildcard(bool *at, struct slice name, bool levels)
{
	bool on = false;

	for (size_t j = 0; j <= name.len; j++) {
		if (levels && j > 0 && name.data[j - 1] == '/')
			on = false;
		on = on || at[j];
		at[j] = on;
	}
}

static void
octet(bool *at, struct slice name, size_t inbox, uint8_t c)
{
	for (size_t j = name.len; j > 0; j--) {
		uint8_t have = name.data[j - 1];
		bool same = have == c || (j <= inbox && ascii_lower(have) == ascii_lower(c));

		at[j] = at[j - 1] && same;
	}
	at[0] = false;
}

bool
imap_pattern_match(struct slice pattern, struct slice name)
{
	bool at[IMAP_MAILBOX_MAX + 1] = { true };
	size_t inbox = inbox_len(name);

	if (name.len > IMAP_MAILBOX_MAX || pattern.len > IMAP_PATTERN_MAX)
		return false;
	for (size_t i = 0; i < pattern.len; i++) {
		uint8_t c = pattern.data[i];

		/* "**" and "*%" and "%*" are "*"; a run of wildcards costs one pass. */
		if (c == '*' || c == '%') {
			bool levels = c == '%';

			while (i + 1 < pattern.len && (pattern.data[i + 1] == '*' || pattern.data[i + 1] == '%'))
				levels = pattern.data[++i] == '%' && levels;
			wildcard(at, name, levels);
		} else {
			octet(at, name, inbox, c);
		}
	}
	return at[name.len];
}
