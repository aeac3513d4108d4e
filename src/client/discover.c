/* SPDX-License-Identifier: ISC */
#include "client/discover.h"

#include <stdio.h>
#include <string.h>

#include "base/xml.h"
#include "http/form.h"
#include "net/fetch.h"
#include "os/xml_late.h"

#define TEXT_MAX 400u /* octets of one value */
#define HTTPS_PORT 443u

/* ---- the document ---- */

enum value { VALUE_NONE, VALUE_HOST, VALUE_PORT, VALUE_SOCKET, VALUE_AUTHENTICATION, VALUE_USER };

struct reading {
	struct account *account; /* servers as they are found */
	bool found[ACCOUNT_SERVICES];
	unsigned depth;
	bool provider;  /* inside emailProvider */
	bool in_server; /* inside a server that we may want */
	enum account_service service;
	enum value reading;
	struct buf text;
	struct account_server server;
	bool usable, password, user;
};

static enum value
value_of(struct slice name)
{
	static const char *const names[] = {
		[VALUE_NONE] = "",
		[VALUE_HOST] = "hostname",
		[VALUE_PORT] = "port",
		[VALUE_SOCKET] = "socketType",
		[VALUE_AUTHENTICATION] = "authentication",
		[VALUE_USER] = "username",
	};

	for (size_t i = 1; i < sizeof names / sizeof names[0]; i++)
		if (slice_eq_str(name, names[i]))
			return (enum value)i;
	return VALUE_NONE;
}

static void
begin_server(struct reading *r, const struct xml_element *element)
{
	struct slice type = xml_attribute(element, "type");
	bool in = slice_eq_str(element->name, "incomingServer") && slice_eq_str(type, "imap");
	bool out = slice_eq_str(element->name, "outgoingServer") && slice_eq_str(type, "smtp");

	r->service = in ? ACCOUNT_IMAP : ACCOUNT_SMTP;
	/* The provider prefers the first (3.4.1). */
	r->in_server = (in || out) && !r->found[r->service];
	r->server = (struct account_server){ .port = 0 };
	r->usable = r->user = true;
	r->password = false;
}

static int
on_begin(void *ctx, const struct xml_element *element, struct error *e)
{
	struct reading *r = ctx;

	r->depth = element->depth;
	if (r->depth == 1 && !slice_eq_str(element->name, "clientConfig"))
		return error_set(e, ERR_SYNTAX, "the document has no settings of a mail client");
	if (r->depth == 2)
		r->provider = slice_eq_str(element->name, "emailProvider");
	else if (r->depth == 3 && r->provider)
		begin_server(r, element);
	else if (r->depth == 4 && r->in_server)
		r->reading = value_of(element->name);
	else
		r->reading = VALUE_NONE;
	buf_clear(&r->text);
	return 0;
}

static int
on_text(void *ctx, struct slice piece, struct error *e)
{
	struct reading *r = ctx;

	if (r->reading != VALUE_NONE && buf_put_slice(&r->text, piece) != 0)
		return error_set(e, ERR_LIMIT, "a setting has more than %u octets", TEXT_MAX);
	return 0;
}

static bool
take_host(struct account_server *s, struct slice host)
{
	for (size_t i = 0; i < host.len; i++)
		if (host.data[i] <= ' ' || host.data[i] > 126)
			return false;
	if (host.len == 0 || host.len >= sizeof s->host)
		return false;
	memcpy(s->host, host.data, host.len);
	s->host[host.len] = '\0';
	return true;
}

static void
take_value(struct reading *r, struct slice text)
{
	uint64_t port = 0;

	switch (r->reading) {
	case VALUE_HOST:
		r->usable = r->usable && take_host(&r->server, text);
		break;
	case VALUE_PORT:
		r->usable = r->usable && slice_to_u64(text, UINT16_MAX, &port) && port != 0;
		r->server.port = (uint16_t)port;
		break;
	case VALUE_SOCKET:
		r->server.start_tls = slice_eq_str(text, "STARTTLS");
		r->usable = r->usable && (r->server.start_tls || slice_eq_str(text, "SSL"));
		break;
	case VALUE_AUTHENTICATION:
		r->password |= slice_eq_str(text, "password-cleartext");
		break;
	case VALUE_USER:
		r->user = slice_eq_str(text, "%EMAILADDRESS%") || slice_eq_str(text, r->account->address);
		break;
	case VALUE_NONE:
		break;
	}
}

static int
on_end(void *ctx, struct error *e)
{
	struct reading *r = ctx;

	(void)e;
	if (r->depth == 4 && r->in_server)
		take_value(r, slice_trim(buf_slice(&r->text)));
	if (r->depth == 3 && r->in_server && r->usable && r->password && r->user && r->server.host[0] != '\0' &&
	    r->server.port != 0) {
		r->account->servers[r->service] = r->server;
		r->found[r->service] = true;
	}
	if (r->depth <= 3)
		r->in_server = false;
	r->reading = VALUE_NONE;
	r->depth--;
	return 0;
}

int
discover_read(struct account *a, struct slice document, struct error *e)
{
	static const struct xml_handler handler = { on_begin, on_text, on_end };
	const struct xml_library *xml = xml_late(e);
	struct account found = *a;
	struct reading r = { .account = &found };
	int rc;

	if (xml == NULL)
		return ERR_IO;
	buf_init(&r.text, TEXT_MAX);
	rc = xml_read_by(xml, document, &handler, &r, e);
	buf_done(&r.text);
	if (rc != 0)
		return rc;
	if (!r.found[ACCOUNT_IMAP] || !r.found[ACCOUNT_SMTP])
		return error_set(e, ERR_NOT_FOUND, "the settings name no servers that can be used from here");
	found.servers[ACCOUNT_HTTPS] = found.servers[ACCOUNT_SMTP];
	found.servers[ACCOUNT_HTTPS].port = HTTPS_PORT;
	found.servers[ACCOUNT_HTTPS].start_tls = false;
	*a = found;
	return 0;
}

/* ---- where it is ---- */

static int
fetch_from(struct account *a, const char *url, struct error *e)
{
	const struct fetch_request request = { .url = url, .pin = account_pin(a), .timeout_ms = DISCOVER_WAIT_MS };
	BUF_OWNED struct buf document = { 0 };
	unsigned status = 0;
	int rc;

	buf_init(&document, XML_DOCUMENT_MAX);
	rc = fetch(&request, &document, &status, e);
	if (rc == 0 && status == 200)
		rc = discover_read(a, buf_slice(&document), e);
	else if (rc == 0)
		rc = error_set(e, ERR_NOT_FOUND, "there are no settings at %.150s", url);
	return rc;
}

int
discover_servers(struct account *a, struct error *e)
{
	struct slice d = account_domain(a);
	char url[1600];
	BUF_OWNED struct buf address = { 0 };
	int rc;

	buf_init(&address, 3u * ACCOUNT_ADDRESS_MAX);
	if (http_percent_encode(slice_str(a->address), &address) != 0)
		return error_nomem(e);
	(void)snprintf(url, sizeof url, "https://autoconfig.%.*s/mail/config-v1.1.xml?emailaddress=%.*s", (int)d.len,
	    (const char *)d.data, (int)address.len, (const char *)address.data);
	rc = fetch_from(a, url, e);
	if (rc == 0)
		return 0;
	/* Without the address: that is only told to the provider's own name (4.1). */
	(void)snprintf(url, sizeof url, "https://%.*s/.well-known/autoconfig/mail/config-v1.1.xml", (int)d.len,
	    (const char *)d.data);
	rc = fetch_from(a, url, e);
	return rc == 0 ? 0 : error_set(e, ERR_NOT_FOUND, "the domain publishes no settings of its servers");
}
