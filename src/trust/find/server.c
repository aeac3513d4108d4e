/* SPDX-License-Identifier: ISC */
#include "trust/find/server.h"

#include <string.h>

#include "base/idn.h"
#include "net/fetch.h"
#include "trust/find/find.h"

#define URL_MAX 4096u
#define HTTPS_PORT 443u
#define HKP_PORT 11371u

void
find_escape(struct buf *out, struct slice in)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i], l = ascii_lower(c);

		if ((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c) != NULL))
			(void)buf_put_u8(out, c);
		else
			(void)buf_putf(out, "%%%02X", c);
	}
}

/* ---- names ---- */

static const struct scheme {
	const char *name;
	enum find_protocol protocol;
	bool clear;
	uint16_t port;
} schemes[] = {
	{ "hkps", FIND_HKP, false, HTTPS_PORT },
	{ "https", FIND_HKP, false, HTTPS_PORT },
	{ "vks", FIND_VKS, false, HTTPS_PORT },
	{ "hkp", FIND_HKP, true, HKP_PORT },
	{ "http", FIND_HKP, true, 80 },
};

/* Letters, digits, dots, hyphens; a v6 address also has colons. */
static bool
is_host(struct slice host, bool v6)
{
	for (size_t i = 0; i < host.len; i++) {
		uint8_t c = host.data[i], l = ascii_lower(c);

		if (!((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || (v6 && c == ':')))
			return false;
	}
	return host.len > 0;
}

static bool
take_host(struct slice text, struct find_server *out)
{
	BUF_OWNED struct buf name = { .max = sizeof out->host - 1 };
	bool v6 = slice_starts(text, SLICE("["));
	struct slice host, port;
	uint64_t number;

	if (v6) {
		host = slice_split(slice_from(text, 1), ']', &port);
		if (port.len > 0 && port.data[0] != ':')
			return false;
		port = slice_from(port, 1);
	} else {
		host = slice_split(text, ':', &port);
	}
	if (v6 ? buf_put_slice(&name, host) != 0 : idn_to_ascii(host, &name, NULL) != 0)
		return false;
	if (!is_host(buf_slice(&name), v6) || name.len >= sizeof out->host)
		return false;
	if (port.len > 0 && (!slice_to_u64(port, UINT16_MAX, &number) || number == 0))
		return false;
	memcpy(out->host, name.data, name.len);
	out->host[name.len] = '\0';
	if (port.len > 0)
		out->port = (uint16_t)number;
	return true;
}

int
find_server_parse(struct slice text, bool clear_permitted, struct find_server *out, struct error *e)
{
	const struct scheme *scheme = &schemes[0];
	struct find_server s = { 0 };
	size_t at;

	text = slice_trim(text);
	at = slice_search(text, SLICE("://"));
	if (at != SIZE_MAX) {
		scheme = NULL;
		for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
			if (slice_ieq_str(slice_sub(text, 0, at), schemes[i].name))
				scheme = &schemes[i];
		}
	}
	if (scheme != NULL) {
		s.protocol = scheme->protocol;
		s.clear = scheme->clear;
		s.port = scheme->port;
		text = at == SIZE_MAX ? text : slice_from(text, at + 3);
		if (slice_ends(text, SLICE("/")))
			text = slice_sub(text, 0, text.len - 1);
	}
	if (scheme == NULL || !take_host(text, &s))
		return error_set(e, ERR_USAGE,
		    "'%.*s' is no key server; write hkps://HOST, vks://HOST, or hkp://HOST for one without TLS",
		    (int)size_min(text.len, 100), text.len == 0 ? "" : (const char *)text.data);
	if (s.clear && !clear_permitted)
		return error_set(e, ERR_POLICY,
		    "%s would be asked in clear, so that everybody on the way sees whom you write to; permit it with "
		    "--allow-clear",
		    s.host);
	*out = s;
	return 0;
}

void
find_server_put(const struct find_server *s, struct buf *out)
{
	bool v6 = strchr(s->host, ':') != NULL;

	(void)buf_putf(out, "%s://%s%s%s", s->clear ? "http" : "https", v6 ? "[" : "", s->host, v6 ? "]" : "");
	if (s->port != (s->clear ? 80u : HTTPS_PORT))
		(void)buf_putf(out, ":%u", s->port);
}

/* ---- requests ---- */

int
find_server_ask(const struct find_web *web, const struct find_server *s, const struct find_request *request,
    struct buf *answer, unsigned *status, struct error *e)
{
	BUF_OWNED struct buf url = { .max = URL_MAX };
	struct fetch_request r = { .pin = s->pin,
		.ca_file = web->ca_file,
		.proxy = web->proxy,
		.resolve = web->resolve,
		.timeout_ms = web->timeout_ms == 0 ? FIND_TIMEOUT_MS : web->timeout_ms,
		.allow_http = s->clear,
		.redirects = 2,
		.body = request->body,
		.content_type = request->content_type,
		.method = request->method,
		.bearer = request->bearer,
		.accept = request->accept,
		.user = request->user,
		.password = request->password };

	find_server_put(s, &url);
	(void)buf_put_str(&url, request->path);
	(void)buf_put_u8(&url, 0);
	if (url.err != 0)
		return error_set(e, url.err, "this is too long to ask for");
	r.url = (const char *)url.data;
	return fetch(&r, answer, status, e);
}
