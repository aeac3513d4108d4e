/* SPDX-License-Identifier: ISC */
/* Names, addresses and servers as text. */
#include <arpa/inet.h>
#include <string.h>

#include "net/dns.h"

#define ADDRESS_TEXT_MAX 64u

/* ---- servers ---- */

static bool
address_valid(struct slice text)
{
	char copy[ADDRESS_TEXT_MAX];
	struct in6_addr any;

	if (text.len >= sizeof copy || slice_find(text, 0) != SIZE_MAX)
		return false;
	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return inet_pton(AF_INET, copy, &any) == 1 || inet_pton(AF_INET6, copy, &any) == 1;
}

bool
dns_server_valid(struct slice text)
{
	struct slice port, address = slice_split(text, '@', &port);
	uint64_t number;

	if (address.len < text.len && (!slice_to_u64(port, 65535, &number) || number == 0))
		return false;
	return address_valid(address);
}

size_t
dns_servers_find(struct slice text, struct slice out[DNS_SERVERS_MAX])
{
	size_t n = 0;

	while (text.len > 0 && n < DNS_SERVERS_MAX) {
		struct slice line = slice_trim(slice_split(text, '\n', &text)), address, rest;

		if (!slice_starts(line, SLICE("nameserver")))
			continue;
		address = slice_from(line, 10);
		if (address.len == 0 || (address.data[0] != ' ' && address.data[0] != '\t'))
			continue;
		address = slice_trim(address);
		address = slice_split(slice_split(address, '\t', &rest), ' ', &rest);
		if (address_valid(address))
			out[n++] = address;
	}
	return n;
}

/* ---- names ---- */

static void
put_label(struct slice label, struct buf *out)
{
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = label.data[i];

		if (c <= ' ' || c > 126)
			(void)buf_putf(out, "\\%03u", c);
		else if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '@' || c == '(' || c == ')' || c == '$')
			(void)buf_putf(out, "\\%c", c);
		else
			(void)buf_put_u8(out, c);
	}
}

int
dns_name_text(struct slice rdata, struct buf *out, struct error *e)
{
	size_t at = 0, len = SIZE_MAX;

	for (; at < rdata.len && at < DNS_NAME_MAX && (len = rdata.data[at]) != 0; at += 1 + len) {
		if (len > 63 || rdata.len - at < 1 + len)
			return error_set_at(e, ERR_SYNTAX, at, "what should be a name is none");
		if (at > 0)
			(void)buf_put_u8(out, '.');
		put_label(slice_sub(rdata, at + 1, len), out);
	}
	if (len != 0 || at + 1 != rdata.len || rdata.len > DNS_NAME_MAX)
		return error_set_at(e, ERR_SYNTAX, at, "what should be a name is none");
	if (at == 0)
		(void)buf_put_u8(out, '.');
	return out->err == 0 ? 0 : error_set(e, out->err, "no room for a name");
}

/* ---- addresses ---- */

/* Its octets, 4 or 16; 0: it is none. An IPv4 address that a socket of IPv6 shows is one of IPv4. */
static size_t
address_read(const char *address, uint8_t out[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

	if (inet_pton(AF_INET, address, out) == 1)
		return 4;
	if (inet_pton(AF_INET6, address, out) != 1)
		return 0;
	if (memcmp(out, mapped, sizeof mapped) != 0)
		return 16;
	memmove(out, out + sizeof mapped, 4);
	return 4;
}

int
dns_reverse_name(const char *address, struct buf *out, struct error *e)
{
	uint8_t octets[16];
	size_t len = address_read(address, octets);

	if (len == 0)
		return error_set(e, ERR_SYNTAX, "that is no address");
	for (size_t i = len; i-- > 0;)
		(void)(len == 4 ? buf_putf(out, "%u.", octets[i])
				: buf_putf(out, "%x.%x.", octets[i] & 15u, octets[i] >> 4));
	(void)buf_put_str(out, len == 4 ? "in-addr.arpa" : "ip6.arpa");
	return out->err == 0 ? 0 : error_set(e, out->err, "no room for a name");
}

int
dns_address_put(const char *address, struct buf *out)
{
	uint8_t octets[16];
	size_t len = address_read(address, octets);

	return len == 0 ? ERR_SYNTAX : buf_put(out, octets, len);
}

enum dns_type
dns_address_type(const char *address)
{
	uint8_t octets[16];

	return address_read(address, octets) == 4 ? DNS_A : DNS_AAAA;
}

bool
dns_address_is(struct slice rdata, const char *address)
{
	uint8_t octets[16];
	size_t len = address_read(address, octets);

	return len != 0 && slice_eq(rdata, slice_of(octets, len));
}
