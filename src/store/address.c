/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/idn.h"
#include "base/utf8.h"
#include "crypto/hash.h"
#include "store/address.h"
#include "store/internal.h"

struct slice
address_domain(struct slice address)
{
	size_t at = slice_find_last(address, '@');

	return at == SIZE_MAX ? SLICE_EMPTY : slice_from(address, at + 1);
}

int
domain_key(struct arena *a, struct slice domain, struct slice *key_out, struct error *e)
{
	struct buf ascii;
	int rc = 0;

	if (utf8_is_ascii(domain)) {
		*key_out = fold_ascii(a, domain);
		return arena_check(a, e);
	}
	buf_init(&ascii, STORE_DOMAIN_MAX);
	rc = idn_to_ascii(domain, &ascii, e);
	*key_out = arena_copy(a, buf_slice(&ascii));
	buf_done(&ascii);
	return rc != 0 ? rc : arena_check(a, e);
}

static int
put_key(struct slice address, struct buf *out, struct error *e)
{
	struct slice domain = address_domain(address), local = slice_sub(address, 0, address.len - domain.len);
	size_t begin = out->len;
	int rc = utf8_normalize(out, local);

	if (rc != 0)
		return error_set(e, rc, "a local part is UTF-8");
	for (size_t i = begin; i < out->len; i++)
		out->data[i] = ascii_lower(out->data[i]);
	rc = idn_to_ascii(domain, out, e);
	if (rc == 0 && out->len - begin > STORE_ADDRESS_MAX)
		rc = error_set(e, ERR_LIMIT, "an address has at most %u octets", STORE_ADDRESS_MAX);
	return rc;
}

int
store_address_key(struct slice address, struct buf *out, struct error *e)
{
	if (!utf8_is_ascii(address))
		return put_key(address, out, e);
	for (size_t i = 0; i < address.len; i++)
		(void)buf_put_u8(out, ascii_lower(address.data[i]));
	return out->err == 0 ? 0 : error_set(e, out->err, "no room for an address");
}

int
address_key(struct arena *a, struct slice address, struct slice *key_out, struct error *e)
{
	struct buf key;
	int rc;

	if (utf8_is_ascii(address)) {
		*key_out = fold_ascii(a, address);
		return arena_check(a, e);
	}
	buf_init(&key, STORE_ADDRESS_KEY_ROOM);
	rc = put_key(address, &key, e);
	*key_out = arena_copy(a, buf_slice(&key));
	buf_done(&key);
	return rc != 0 ? rc : arena_check(a, e);
}

static int
check_characters(struct slice text, struct error *e)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] <= 0x20 || text.data[i] == 0x7f)
			return error_set_at(e, ERR_SYNTAX, i, "an address has no spaces and no control characters");
	}
	return 0;
}

/* Dot-string of RFC 5321 section 4.1.2, with RFC 6531's letters. */
static bool
is_dot_string(struct slice local)
{
	bool dot = true;

	for (size_t i = 0; i < local.len; i++) {
		uint8_t c = ascii_lower(local.data[i]);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80 ||
		    (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);

		if (!plain && (c != '.' || dot))
			return false;
		dot = c == '.';
	}
	return !dot;
}

int
address_check(struct slice address, struct error *e)
{
	size_t at = slice_find_last(address, '@');
	int rc;

	if (at == SIZE_MAX || at == 0 || at + 1 >= address.len)
		return error_set(e, ERR_SYNTAX, "an address is local-part@domain");
	rc = check_characters(address, e);
	if (rc != 0)
		return rc;
	/* What SMTP takes no recipient with must not be anybody's: no mail could come. */
	if (at > STORE_LOCAL_PART_MAX)
		return error_set(
		    e, ERR_SYNTAX, "in front of its @ an address has at most %u octets", STORE_LOCAL_PART_MAX);
	if (address.data[0] != '"' && !is_dot_string(slice_sub(address, 0, at)))
		return error_set(e, ERR_SYNTAX,
		    "in front of its @ an address has letters, digits, !#$%%&'*+-/=?^_`{|}~, and single dots between");
	return 0;
}

int
alias_check(struct slice address, struct error *e)
{
	if (!address_is_whole_domain(address))
		return address_check(address, e);
	if (address.len < 2 || slice_find_last(address, '@') != 0)
		return error_set(e, ERR_SYNTAX, "an address is local-part@domain, or @domain for all of a domain");
	return check_characters(address, e);
}

struct slice
address_shortened(struct arena *a, struct slice key, uint8_t separator)
{
	struct slice domain = address_domain(key), local = slice_sub(key, 0, key.len - domain.len);
	size_t at = separator == 0 || local.len < 2 ? SIZE_MAX : slice_find(local, separator);

	if (at == SIZE_MAX || at == 0 || local.data[0] == '"')
		return SLICE_EMPTY;
	return arena_printf(
	    a, "%.*s@%.*s", (int)at, (const char *)local.data, (int)domain.len, (const char *)domain.data);
}

bool
address_is_reserved(struct slice address)
{
	size_t at = slice_find_last(address, '@');
	struct slice local = slice_sub(address, 0, at == SIZE_MAX ? address.len : at);

	return slice_ieq_str(local, "postmaster") || slice_ieq_str(local, "abuse");
}

int
store_address_name(struct slice address, uint8_t *out, struct error *e)
{
	static const char label[] = "letterlock private address"; /* and its NUL */
	struct buf text BUF_OWNED = { 0 };

	buf_init(&text, sizeof label + STORE_ADDRESS_MAX);
	(void)buf_put_slice(&text, slice_of(label, sizeof label));
	for (size_t i = 0; i < address.len && text.err == 0; i++)
		(void)buf_put_u8(&text, ascii_lower(address.data[i]));
	if (text.err != 0)
		return error_set(e, text.err, "an address has at most %u octets", STORE_ADDRESS_MAX);
	return hash_once(HASH_SHA256, buf_slice(&text), out, e);
}
