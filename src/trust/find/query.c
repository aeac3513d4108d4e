/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/hex.h"
#include "trust/find/find_internal.h"

#define SHORT_DIGITS 8u
#define LONG_DIGITS 16u
#define NAME_LEAST 3u /* octets of a name; everybody has a shorter one */

static const char *const source_names[FIND_SOURCES] = { "store", "wkd", "dns", "exchange", "keyserver" };

const char *
find_source_name(enum find_source s)
{
	return (unsigned)s < FIND_SOURCES ? source_names[s] : "unknown";
}

const char *
find_outcome_name(enum find_outcome o)
{
	static const char *const names[] = { "new", "changed", "known", "candidate" };

	return (unsigned)o < sizeof names / sizeof names[0] ? names[o] : "unknown";
}

int
find_sources_parse(struct slice text, unsigned *out, struct error *e)
{
	unsigned bits = 0;

	while (text.len > 0) {
		struct slice name = slice_trim(slice_split(text, ',', &text));
		unsigned i = 0;

		while (i < FIND_SOURCES && !slice_eq_str(name, source_names[i]))
			i++;
		if (i == FIND_SOURCES)
			return error_set(e, ERR_USAGE,
			    "'%.*s' is no source; there are store, wkd, dns, exchange and keyserver",
			    (int)size_min(name.len, 40), name.len == 0 ? "" : (const char *)name.data);
		bits |= 1u << i;
	}
	if (bits == 0)
		return error_set(e, ERR_USAGE, "say which sources: store, wkd, dns, exchange, keyserver");
	*out = bits;
	return 0;
}

bool
find_split_address(struct slice address, struct slice *local, struct slice *domain)
{
	size_t at = slice_find_last(address, '@');

	if (at == SIZE_MAX || at == 0 || at + 1 == address.len)
		return false;
	*local = slice_sub(address, 0, at);
	*domain = slice_from(address, at + 1);
	return true;
}

/* A key ID of 8 or 16 digits, with or without "0x". */
static bool
parse_key_id(struct slice text, struct find_query *out)
{
	uint64_t id = 0;

	if (slice_istarts(text, SLICE("0x")))
		text = slice_from(text, 2);
	if (text.len != SHORT_DIGITS && text.len != LONG_DIGITS)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int digit = hex_digit(text.data[i]);

		if (digit < 0)
			return false;
		id = id << 4 | (uint64_t)digit;
	}
	out->kind = text.len == SHORT_DIGITS ? FIND_SHORT : FIND_KEY_ID;
	out->key_id = id;
	return true;
}

int
find_query_parse(struct slice text, struct find_query *out, struct error *e)
{
	struct find_query q = { .text = slice_trim(text) };
	struct slice local, domain;

	for (size_t i = 0; i < q.text.len; i++) {
		if (q.text.data[i] < ' ' || q.text.data[i] == 0x7f)
			return error_set(e, ERR_USAGE, "what is looked for must stand on one line");
	}
	if (q.text.len > TRUST_ADDRESS_MAX)
		return error_set(e, ERR_USAGE, "this is too long to look for");
	if (pgp_fingerprint_parse(q.text, &q.fingerprint, NULL) == 0) {
		q.kind = FIND_FINGERPRINT;
	} else if (!parse_key_id(q.text, &q)) {
		bool address = find_split_address(q.text, &local, &domain) && slice_find(q.text, ' ') == SIZE_MAX;

		q.kind = address ? FIND_ADDRESS : FIND_NAME;
		if (!address && q.text.len < NAME_LEAST)
			return error_set(e, ERR_USAGE, "say an address, a fingerprint, a key ID, or more of a name");
	}
	*out = q;
	return 0;
}
