/* SPDX-License-Identifier: ISC */
#include "base/idn.h"
#include "base/utf8.h"
#include "mailauth/dmarc/record.h"
#include "mailauth/name.h"
#include "mime/lex.h"

#define SCHEME SLICE("mailto:")

/* The address of a mailto URI (RFC 6068), its percent signs undone. */
struct mailto {
	uint8_t octets[MAILAUTH_ADDRESS_MAX];
	struct slice local, domain;
};

static int
hex_value(uint8_t c)
{
	c = ascii_lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
decode(struct slice in, struct mailto *m, size_t *len_out)
{
	size_t len = 0;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i];

		if (len == sizeof(m->octets))
			return false;
		if (c == '%') {
			int high = i + 2 < in.len ? hex_value(in.data[i + 1]) : -1;
			int low = i + 2 < in.len ? hex_value(in.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (uint8_t)(high * 16 + low);
			i += 2;
		}
		m->octets[len++] = c;
	}
	*len_out = len;
	return true;
}

/* Only such local parts as need no quotes: an address goes into a header as it is. */
static bool
is_dot_atom(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!mime_is_atext(s.data[i]) && !(s.data[i] == '.' && i > 0 && s.data[i - 1] != '.' && i + 1 < s.len))
			return false;
	return s.len > 0 && utf8_valid(s);
}

static bool
parse(struct slice uri, struct mailto *m)
{
	size_t len = 0, at;
	struct slice rest, address;

	if (!slice_istarts(uri, SCHEME))
		return false;
	address = slice_split(slice_from(uri, SCHEME.len), '?', &rest);
	if (!decode(address, m, &len))
		return false;
	address = slice_of(m->octets, len);
	at = slice_find_last(address, '@');
	if (at == SIZE_MAX)
		return false;
	m->local = slice_sub(address, 0, at);
	m->domain = slice_from(address, at + 1);
	return is_dot_atom(m->local) && mailauth_name_can_be(m->domain);
}

bool
dmarc_uri_is_mailto(struct slice uri)
{
	struct mailto m = { 0 };

	return parse(uri, &m);
}

static int
not_understood(struct error *e)
{
	return error_set(e, ERR_SYNTAX, "the address for reports is not understood");
}

int
dmarc_uri_host(struct slice uri, struct buf *out, struct error *e)
{
	struct mailto m = { 0 };

	return parse(uri, &m) ? idn_to_ascii(m.domain, out, e) : not_understood(e);
}

int
dmarc_uri_address(struct slice uri, struct buf *out, struct error *e)
{
	struct mailto m = { 0 };

	if (!parse(uri, &m))
		return not_understood(e);
	(void)buf_put_slice(out, m.local);
	if (buf_put_u8(out, '@') != 0)
		return error_set(e, out->err, "the address for reports could not be kept");
	return idn_to_ascii(m.domain, out, e);
}
