/* SPDX-License-Identifier: ISC */
#include "smtp/path.h"

#include <string.h>

#include "base/utf8.h"

static bool
is_alnum(uint8_t c)
{
	uint8_t l = ascii_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 5322 3.2.3 */
static bool
is_atext(uint8_t c)
{
	return is_alnum(c) || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* What is refused would deceive who reads a log or a header. */
size_t
smtp_utf8_length(struct slice in)
{
	uint32_t point;
	size_t len = utf8_decode(in, &point);

	if (len < 2 || point < 0xa0 || (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
	    point == 0xfeff || (point & 0xfffeu) == 0xfffeu)
		return 0;
	return len;
}

/* Octets of what may stand at the front in a label of which so many characters are there, or 0. A dot ends one. */
static size_t
label_octets(struct slice in, size_t label)
{
	uint8_t c = in.data[0];
	bool edge = label == 0 || in.len == 1 || in.data[1] == '.';

	if (c > 127)
		return smtp_utf8_length(in);
	if (c == '.')
		return label > 0;
	return is_alnum(c) || (c == '-' && !edge);
}

bool
smtp_domain_valid_utf8(struct slice in)
{
	size_t label = 0;

	if (in.len > SMTP_DOMAIN_MAX)
		return false;
	while (in.len > 0) {
		size_t len = label_octets(in, label);

		label = in.data[0] == '.' ? 0 : label + 1;
		if (len == 0 || label > 63) /* punycode has at least one octet for each character */
			return false;
		in = slice_from(in, len);
	}
	return label > 0;
}

bool
smtp_domain_valid(struct slice in)
{
	size_t label = 0;

	if (in.len == 0 || in.len > SMTP_DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i];
		bool edge = label == 0 || i + 1 == in.len || in.data[i + 1] == '.';

		if (c == '.' && label > 0) {
			label = 0;
			continue;
		}
		if (!is_alnum(c) && (c != '-' || edge))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0;
}

static bool
ipv4_valid(struct slice in)
{
	for (int i = 0; i < 4; i++) {
		uint64_t number;
		struct slice part = slice_split(in, '.', &in);

		if (part.len > 3 || !slice_to_u64(part, 255, &number))
			return false;
		if (i < 3 && in.len == 0)
			return false;
	}
	return in.len == 0;
}

static bool
is_hex4(struct slice in)
{
	if (in.len < 1 || in.len > 4)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		uint8_t l = ascii_lower(in.data[i]);

		if (!((l >= '0' && l <= '9') || (l >= 'a' && l <= 'f')))
			return false;
	}
	return true;
}

/* Counts the groups of one side of "::"; an IPv4 address at the end counts two. -1: malformed. */
static int
ipv6_groups(struct slice in, bool may_end_v4)
{
	int groups = 0;

	while (in.len > 0) {
		size_t colon = slice_find(in, ':');
		struct slice part = slice_sub(in, 0, colon);

		if (colon == SIZE_MAX && may_end_v4 && slice_find(part, '.') != SIZE_MAX)
			return ipv4_valid(part) ? groups + 2 : -1;
		if (!is_hex4(part) || (colon != SIZE_MAX && colon + 1 == in.len))
			return -1;
		groups++;
		in = colon == SIZE_MAX ? SLICE_EMPTY : slice_from(in, colon + 1);
	}
	return groups;
}

static bool
ipv6_valid(struct slice in)
{
	size_t gap = slice_search(in, SLICE("::"));
	int before, after;

	if (gap == SIZE_MAX)
		return ipv6_groups(in, true) == 8;
	before = ipv6_groups(slice_sub(in, 0, gap), false);
	after = ipv6_groups(slice_from(in, gap + 2), true);
	return before >= 0 && after >= 0 && before + after <= 6;
}

bool
smtp_literal_valid(struct slice in)
{
	struct slice tag, content;

	if (in.len < 3 || in.len > SMTP_DOMAIN_MAX || in.data[0] != '[' || in.data[in.len - 1] != ']')
		return false;
	in = slice_sub(in, 1, in.len - 2);
	if (slice_find(in, ':') == SIZE_MAX)
		return ipv4_valid(in);
	tag = slice_split(in, ':', &content);
	if (slice_ieq_str(tag, "IPv6"))
		return ipv6_valid(content);
	if (!smtp_domain_valid(tag) || slice_find(tag, '.') != SIZE_MAX || content.len == 0)
		return false;
	for (size_t i = 0; i < content.len; i++)
		if (content.data[i] < 33 || content.data[i] > 126 || strchr("[\\]", content.data[i]) != NULL)
			return false;
	return true;
}

/* Length of a Quoted-string at the front, 0 when there is none. */
static size_t
quoted_length(struct slice in)
{
	size_t i = 1;

	while (i < in.len && in.data[i] != '"') {
		size_t wide;

		if (in.data[i] > 126) { /* qtextSMTP, never behind a backslash */
			if ((wide = smtp_utf8_length(slice_from(in, i))) == 0)
				return 0;
			i += wide;
			continue;
		}
		if (in.data[i] == '\\')
			i++;
		if (i >= in.len || in.data[i] < 32 || in.data[i] > 126)
			return 0;
		i++;
	}
	return i < in.len ? i + 1 : 0;
}

/* Octets of one character of an atom at the front, or 0. */
static size_t
atext_length(struct slice in)
{
	if (in.len == 0)
		return 0;
	return in.data[0] < 128 ? is_atext(in.data[0]) : smtp_utf8_length(in);
}

/* Length of a Dot-string at the front, 0 when there is none. */
static size_t
dot_string_length(struct slice in)
{
	size_t i = 0;

	while (i < in.len) {
		size_t len = atext_length(slice_from(in, i));

		if (len == 0 && in.data[i] == '.' && i > 0 && in.data[i - 1] != '.' &&
		    atext_length(slice_from(in, i + 1)) > 0)
			len = 1;
		if (len == 0)
			break;
		i += len;
	}
	return i;
}

static size_t
local_length(struct slice in)
{
	return in.len > 0 && in.data[0] == '"' ? quoted_length(in) : dot_string_length(in);
}

int
smtp_mailbox_parse(struct slice in, struct smtp_path *out, struct error *e)
{
	struct smtp_path p = { .mailbox = in };
	size_t local = local_length(in);

	if (local == 0)
		return error_set_at(e, ERR_SYNTAX, 0, "no local part that may stand before the @");
	p.local = slice_sub(in, 0, local);
	if (local == in.len || in.data[local] != '@')
		return error_set_at(e, ERR_SYNTAX, local, "an address is local@domain");
	p.domain = slice_from(in, local + 1);
	if (local > SMTP_LOCAL_MAX || p.domain.len > SMTP_DOMAIN_MAX)
		return error_set(e, ERR_LIMIT, "an address longer than 64 octets before or 255 after the @");
	p.utf8 = !utf8_is_ascii(in);
	if (!smtp_domain_valid(p.domain) && !smtp_literal_valid(p.domain) &&
	    !(p.utf8 && smtp_domain_valid_utf8(p.domain)))
		return error_set_at(e, ERR_SYNTAX, local + 1, "no domain name or address literal behind the @");
	*out = p;
	return 0;
}

/* Where the path that begins at in.data[0] == '<' ends: behind its '>', outside of a quoted string. 0: nowhere. */
static size_t
path_length(struct slice in)
{
	bool quoted = false;

	for (size_t i = 1; i < in.len; i++) {
		if (quoted && in.data[i] == '\\')
			i++;
		else if (in.data[i] == '"')
			quoted = !quoted;
		else if (in.data[i] == '>' && !quoted)
			return i + 1;
	}
	return 0;
}

/* "@a,@b:" at the front is skipped. */
static int
skip_route(struct slice *in, struct error *e)
{
	struct slice route;
	size_t colon;

	if (in->len == 0 || in->data[0] != '@')
		return 0;
	if ((colon = slice_find(*in, ':')) == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a source route without its colon");
	route = slice_sub(*in, 0, colon);
	*in = slice_from(*in, colon + 1);
	while (route.len > 0) {
		struct slice hop = slice_split(route, ',', &route);

		if (hop.len < 2 || hop.data[0] != '@' || !smtp_domain_valid(slice_from(hop, 1)))
			return error_set(e, ERR_SYNTAX, "a source route is @domain,@domain:");
	}
	return 0;
}

int
smtp_path_parse(struct slice in, struct smtp_path *out, struct slice *rest_out, struct error *e)
{
	struct smtp_path p = { 0 };
	struct slice inner;
	size_t len;
	int rc;

	if (in.len == 0 || in.data[0] != '<' || (len = path_length(in)) == 0)
		return error_set(e, ERR_SYNTAX, "an address stands in < and >");
	if (len > SMTP_PATH_MAX)
		return error_set(e, ERR_LIMIT, "a path over %u octets", SMTP_PATH_MAX);
	inner = slice_sub(in, 1, len - 2);
	if (inner.len > 0) {
		if ((rc = skip_route(&inner, e)) != 0)
			return rc;
		if (slice_ieq_str(inner, "postmaster")) {
			p.mailbox = p.local = inner;
		} else if ((rc = smtp_mailbox_parse(inner, &p, e)) != 0) {
			return rc;
		}
	}
	*out = p;
	*rest_out = slice_from(in, len);
	return 0;
}

int
smtp_path_address(const struct smtp_path *p, struct buf *out)
{
	uint8_t plain[SMTP_LOCAL_MAX];
	struct slice local = p->local;
	size_t n = 0;

	if (local.len >= 2 && local.len <= sizeof plain && local.data[0] == '"') {
		for (size_t i = 1; i + 1 < local.len; i++) {
			if (local.data[i] == '\\')
				i++;
			plain[n++] = local.data[i];
		}
		if (n > 0 && dot_string_length(slice_of(plain, n)) == n)
			local = slice_of(plain, n);
	}
	(void)buf_put_slice(out, local);
	if (p->domain.len > 0) {
		(void)buf_put_u8(out, '@');
		(void)buf_put_slice(out, p->domain);
	}
	return out->err;
}
