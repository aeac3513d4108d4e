/* SPDX-License-Identifier: ISC */
#include "mailauth/spf/address.h"

#include <string.h>

#define GROUPS 8u

bool
spf_address_parse4(struct slice text, uint8_t out[4])
{
	uint8_t octets[4];
	uint64_t value;

	for (unsigned int i = 0; i < 4; i++) {
		size_t dot = slice_find(text, '.');
		struct slice part = slice_split(text, '.', &text);

		if ((dot == SIZE_MAX) != (i == 3) || part.len > 3 || !slice_to_u64(part, 255, &value) ||
		    (part.len > 1 && part.data[0] == '0'))
			return false;
		octets[i] = (uint8_t)value;
	}
	memcpy(out, octets, 4);
	return true;
}

static bool
parse_group(struct slice text, uint8_t *out)
{
	unsigned int value = 0;

	if (text.len == 0 || text.len > 4)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = ascii_lower(text.data[i]);

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - (unsigned int)'0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (c - (unsigned int)'a' + 10);
		else
			return false;
	}
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
	return true;
}

/* Groups between colons, not more octets than room; an IPv4 address only where it is last. Empty text: none. */
static bool
parse_groups(struct slice text, bool dotted, size_t room, uint8_t *out, size_t *len_out)
{
	size_t len = 0;

	while (text.len > 0) {
		size_t colon = slice_find(text, ':');
		struct slice part = slice_split(text, ':', &text);

		if (colon != SIZE_MAX && text.len == 0)
			return false;
		if (len + 4 <= room && colon == SIZE_MAX && dotted && spf_address_parse4(part, out + len)) {
			len += 4;
			continue;
		}
		if (len + 2 > room || !parse_group(part, out + len))
			return false;
		len += 2;
	}
	*len_out = len;
	return true;
}

bool
spf_address_parse6(struct slice text, uint8_t out[16])
{
	uint8_t front[16] = { 0 }, back[16] = { 0 };
	size_t front_len = 0, back_len = 0, gap = slice_search(text, SLICE("::"));

	if (gap == SIZE_MAX) {
		if (!parse_groups(text, true, 16, front, &front_len) || front_len != 16)
			return false;
	} else {
		/* "::" stands for one group at least (RFC 5952 4.2.2 for writers; readers of RFC 4291 agree). */
		if (!parse_groups(slice_sub(text, 0, gap), false, 14, front, &front_len) ||
		    !parse_groups(slice_from(text, gap + 2), true, 14 - front_len, back, &back_len))
			return false;
		memcpy(front + 16 - back_len, back, back_len);
	}
	memcpy(out, front, 16);
	return true;
}

bool
spf_address_within(struct slice a, const uint8_t *network, unsigned int bits)
{
	size_t whole = size_min(bits / 8, a.len);
	uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));

	if (memcmp(a.data, network, whole) != 0)
		return false;
	return whole == a.len || ((a.data[whole] ^ network[whole]) & mask) == 0;
}

static unsigned int
group(struct slice ip, size_t i)
{
	return (unsigned int)ip.data[2 * i] << 8 | ip.data[2 * i + 1];
}

/* The longest run of zero groups, the first of equal ones, of two at least; else *len_out is 0. */
static size_t
longest_gap(struct slice ip, size_t *len_out)
{
	size_t best = 0, best_len = 0;

	for (size_t i = 0; i < GROUPS; i++) {
		size_t len = 0;

		while (i + len < GROUPS && group(ip, i + len) == 0)
			len++;
		if (len > best_len) {
			best = i;
			best_len = len;
		}
	}
	*len_out = best_len > 1 ? best_len : 0;
	return best;
}

int
spf_address_put(struct buf *out, struct slice ip)
{
	size_t gap_len, gap;

	if (ip.len == 4)
		return buf_putf(out, "%u.%u.%u.%u", ip.data[0], ip.data[1], ip.data[2], ip.data[3]);
	gap = longest_gap(ip, &gap_len);
	for (size_t i = 0; i < GROUPS; i++) {
		if (gap_len > 0 && i == gap) {
			(void)buf_put_str(out, "::");
			i += gap_len - 1;
			continue;
		}
		(void)buf_putf(out, "%s%x", i == 0 || (gap_len > 0 && i == gap + gap_len) ? "" : ":", group(ip, i));
	}
	return out->err;
}

int
spf_address_put_dotted(struct buf *out, struct slice ip)
{
	if (ip.len == 4)
		return spf_address_put(out, ip);
	for (size_t i = 0; i < ip.len; i++)
		(void)buf_putf(out, "%s%x.%x", i == 0 ? "" : ".", ip.data[i] >> 4, ip.data[i] & 15u);
	return out->err;
}

int
spf_address_put_reverse(struct buf *out, struct slice ip)
{
	for (size_t i = ip.len; i-- > 0;)
		(void)(ip.len == 4 ? buf_putf(out, "%u.", ip.data[i])
				   : buf_putf(out, "%x.%x.", ip.data[i] & 15u, ip.data[i] >> 4));
	return buf_put_str(out, ip.len == 4 ? "in-addr.arpa" : "ip6.arpa");
}
