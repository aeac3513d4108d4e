/* SPDX-License-Identifier: ISC */
/*
 * Whether an address and a port are where this exchange itself takes mail from
 * strangers: a domain that names them, and is none of ours, would have its mail
 * go round until it has too many Received fields (RFC 5321 section 5.1).
 */
#include "service/relay/internal.h"

#include <arpa/inet.h>
#include <string.h>

/* IPv4's as IPv6 has them, so that one is equal to itself however it is written. */
static bool
octets_of(const char *text, uint8_t out[RELAY_HERE_SIZE])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(out, mapped, sizeof mapped);
	return inet_pton(AF_INET, text, out + sizeof mapped) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

static bool
is_any(const uint8_t octets[RELAY_HERE_SIZE])
{
	static const uint8_t any4[RELAY_HERE_SIZE] = { [10] = 0xff, [11] = 0xff }, any6[RELAY_HERE_SIZE];

	return memcmp(octets, any4, sizeof any4) == 0 || memcmp(octets, any6, sizeof any6) == 0;
}

static bool
is_loopback(const uint8_t octets[RELAY_HERE_SIZE])
{
	static const uint8_t four[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 }, six[RELAY_HERE_SIZE] = { [15] = 1 };

	return memcmp(octets, four, sizeof four) == 0 || memcmp(octets, six, sizeof six) == 0;
}

void
relay_take_here(struct relay *r, const struct relay_options *o)
{
	r->here_port = o->here_port;
	r->here = arena_array(&r->texts, o->here_count, sizeof *r->here);
	for (size_t i = 0; r->here != NULL && i < o->here_count; i++) {
		const char *text = arena_cstr(&r->texts, o->here[i]);

		if (text == NULL || !octets_of(text, r->here[r->here_count]))
			continue;
		if (is_any(r->here[r->here_count]))
			r->here_any = true;
		else
			r->here_count++;
	}
}

bool
relay_is_here(const struct relay *r, const char *address, uint16_t port)
{
	uint8_t octets[RELAY_HERE_SIZE];

	if (port == 0 || port != r->here_port || !octets_of(address, octets))
		return false;
	if (is_any(octets) || (r->here_any && is_loopback(octets)))
		return true;
	for (size_t i = 0; i < r->here_count; i++)
		if (memcmp(octets, r->here[i], sizeof octets) == 0)
			return true;
	return false;
}

bool
relay_leads_here(const struct relay *r, const struct conn *c, uint16_t port)
{
	return r->here_any && port == r->here_port && dial_is_here(c);
}
