/* SPDX-License-Identifier: ISC */
#include "service/resolve_web.h"

#include <arpa/inet.h>

#include "base/arena.h"

const char *
resolve_web_text(const struct resolve_web *w)
{
	struct buf text;
	const char *out;

	buf_init(&text, 4096);
	(void)buf_putf(&text, "%.*s:443:", (int)w->host.len, (const char *)w->host.data);
	for (size_t i = 0; i < w->address_count; i++) {
		char address[INET6_ADDRSTRLEN];
		bool six = w->addresses[i].len == 16;

		(void)inet_ntop(six ? AF_INET6 : AF_INET, w->addresses[i].data, address, sizeof address);
		(void)buf_putf(&text, "%s%s%s%s", i > 0 ? "," : "", six ? "[" : "", address, six ? "]" : "");
	}
	out = text.err == 0 ? arena_cstr(w->arena, buf_slice(&text)) : NULL;
	buf_done(&text);
	return out;
}

static void
fail(struct resolve_web *w, int code, const char *text)
{
	struct error e;

	(void)error_set(&e, code, "%s", text);
	w->failed(w->ctx, &e);
}

static void
on_address(void *ctx, const struct dns_answer *answer, const struct error *e)
{
	struct resolve_web *w = ctx;

	(void)e;
	if (answer != NULL && answer->security != DNS_BOGUS)
		for (size_t i = 0; i < answer->record_count && w->address_count < RESOLVE_WEB_ADDRESSES_MAX; i++)
			if (answer->records[i].len == 4 || answer->records[i].len == 16)
				w->addresses[w->address_count++] = arena_copy(w->arena, answer->records[i]);
	if (--w->pending > 0)
		return;
	if (w->arena->err != 0)
		fail(w, ERR_LIMIT, "the web server's records are more than there is room for");
	else if (w->address_count == 0)
		fail(w, ERR_NET, "the web server has no address");
	else if (pool_submit(w->end->pool, w->work, w->ctx) != 0)
		fail(w, ERR_TIMEOUT, "too much is being fetched now");
}

void
resolve_web_begin(struct resolve_web *w)
{
	static const uint16_t types[] = { DNS_AAAA, DNS_A };
	const size_t last = sizeof types / sizeof types[0];

	w->pending = (unsigned)last;
	for (size_t i = 0; i < last; i++)
		if (dns_lookup(w->end->dns, w->host, types[i], on_address, w, NULL) != 0)
			on_address(w, NULL, NULL);
}
