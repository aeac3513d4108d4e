/* SPDX-License-Identifier: ISC */
#include "service/web/autoconfig.h"

#include "base/idn.h"
#include "base/utf8.h"
#include "base/xml.h"

#define NAME_MAX_OCTETS 60u       /* draft-ietf-mailmaint-autoconfig 3.2.4 */
#define NAME_SHORT_MAX_OCTETS 20u /* the same */
#define HTTPS_PORT 443u

/* ---- servers ---- */

size_t
autoconfig_servers(const struct autoconfig_ports *ports, struct autoconfig_server out[AUTOCONFIG_SERVERS_MAX])
{
	/* RFC 8314 3: TLS from the first octet before STARTTLS. */
	const struct autoconfig_server all[AUTOCONFIG_SERVERS_MAX] = {
		{ AUTOCONFIG_IMAP, ports->imaps, false },
		{ AUTOCONFIG_IMAP, ports->imap, true },
		{ AUTOCONFIG_POP3, ports->pop3s, false },
		{ AUTOCONFIG_POP3, ports->pop3, true },
		{ AUTOCONFIG_SMTP, ports->submissions, false },
		{ AUTOCONFIG_SMTP, ports->submission, true },
	};
	size_t n = 0;

	for (size_t i = 0; i < AUTOCONFIG_SERVERS_MAX; i++)
		if (all[i].port != 0)
			out[n++] = all[i];
	return n;
}

bool
autoconfig_best(
    const struct autoconfig_ports *ports, enum autoconfig_protocol protocol, struct autoconfig_server *server_out)
{
	struct autoconfig_server servers[AUTOCONFIG_SERVERS_MAX];
	size_t n = autoconfig_servers(ports, servers);

	for (size_t i = 0; i < n; i++) {
		if (servers[i].protocol == protocol) {
			*server_out = servers[i];
			return true;
		}
	}
	return false;
}

bool
autoconfig_is_useful(const struct autoconfig_ports *ports)
{
	struct autoconfig_server s;

	return autoconfig_best(ports, AUTOCONFIG_SMTP, &s) &&
	    (autoconfig_best(ports, AUTOCONFIG_IMAP, &s) || autoconfig_best(ports, AUTOCONFIG_POP3, &s));
}

/* ---- what is asked for ---- */

struct slice
autoconfig_host_name(struct slice host)
{
	struct slice port, name = slice_split(host, ':', &port);

	return slice_ends(name, SLICE(".")) ? slice_sub(name, 0, name.len - 1) : name;
}

static struct slice
find_domain(const struct autoconfig *a, struct slice name)
{
	for (size_t i = 0; i < a->domain_count; i++)
		if (slice_ieq(a->domains[i], name))
			return a->domains[i];
	return SLICE_EMPTY;
}

static struct slice
domain_of_name(const struct autoconfig *a, struct slice name)
{
	static const char *const prefixes[] = { AUTOCONFIG_PREFIX, AUTODISCOVER_PREFIX, OPENPGPKEY_PREFIX };
	struct slice found = find_domain(a, name);

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0] && found.len == 0; i++)
		if (slice_istarts(name, slice_str(prefixes[i])))
			found = find_domain(a, slice_from(name, slice_str(prefixes[i]).len));
	return found;
}

bool
autoconfig_is_our_name(const struct autoconfig *a, struct slice name)
{
	return slice_ieq(name, a->hostname) || domain_of_name(a, name).len > 0;
}

static struct slice
domain_of_address(const struct autoconfig *a, struct slice address)
{
	size_t at = slice_find_last(address, '@');
	BUF_OWNED struct buf ascii = { 0 };

	buf_init(&ascii, IDN_NAME_MAX);
	if (at == SIZE_MAX || idn_to_ascii(slice_from(address, at + 1), &ascii, NULL) != 0)
		return SLICE_EMPTY;
	return find_domain(a, buf_slice(&ascii));
}

struct slice
autoconfig_domain(const struct autoconfig *a, struct slice address, struct slice host)
{
	struct slice name = autoconfig_host_name(host), found;

	if (address.len > 0)
		return domain_of_address(a, address);
	found = domain_of_name(a, name);
	if (found.len == 0 && slice_ieq(name, a->hostname) && a->domain_count > 0)
		found = a->domains[0];
	return found;
}

bool
autoconfig_is_address(struct slice text)
{
	size_t at = slice_find_last(text, '@');

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] == 0x7f)
			return false;
	return at != SIZE_MAX && at > 0 && at + 1 < text.len && text.len <= AUTOCONFIG_ADDRESS_MAX && utf8_valid(text);
}

/* ---- config-v1.1.xml ---- */

static void
put_number(struct buf *out, unsigned depth, const char *name, unsigned number)
{
	(void)buf_putf(out, "%*s<%s>%u</%s>\n", (int)depth * 2, "", name, number, name);
}

static void
put_thunderbird_server(const struct autoconfig *a, const struct autoconfig_server *s, struct buf *out)
{
	static const char *const types[] = { "imap", "pop3", "smtp" };
	const char *element = s->protocol == AUTOCONFIG_SMTP ? "outgoingServer" : "incomingServer";

	(void)buf_putf(out, "    <%s type=\"%s\">\n", element, types[s->protocol]);
	(void)xml_put_element(out, 3, "hostname", a->hostname);
	put_number(out, 3, "port", s->port);
	(void)xml_put_element(out, 3, "socketType", s->start_tls ? SLICE("STARTTLS") : SLICE("SSL"));
	/* A password in clear text, but inside TLS. Who has no OAuth client for this server passes OAuth2 over. */
	(void)xml_put_element(out, 3, "authentication", SLICE("password-cleartext"));
	if (a->oauth2)
		(void)xml_put_element(out, 3, "authentication", SLICE("OAuth2"));
	(void)xml_put_element(out, 3, "username", SLICE("%EMAILADDRESS%"));
	(void)buf_putf(out, "    </%s>\n", element);
}

/* The domain of the host that takes mail: for domains that are only found by it (3.2.3, 4.3). */
static void
put_mx_domain(const struct autoconfig *a, struct buf *out)
{
	struct slice base, first = slice_split(a->hostname, '.', &base);

	(void)first;
	if (slice_find(base, '.') == SIZE_MAX)
		return;
	(void)buf_put_str(out, "    <domain purpose=\"mx\">");
	(void)xml_put_text(out, base);
	(void)buf_put_str(out, "</domain>\n");
}

static void
put_page_address(const struct autoconfig *a, struct buf *out)
{
	(void)buf_put_str(out, "https://" AUTOCONFIG_PREFIX);
	(void)xml_put_text(out, a->domain);
	if (a->ports.https != HTTPS_PORT)
		(void)buf_putf(out, ":%u", a->ports.https);
	(void)buf_put_str(out, "/");
}

static void
put_documentation(const struct autoconfig *a, struct buf *out)
{
	if (a->ports.https == 0)
		return;
	(void)buf_put_str(out, "    <documentation url=\"");
	put_page_address(a, out);
	(void)buf_put_str(out,
	    "\">\n      <descr lang=\"en\">The settings of mail programs</descr>\n"
	    "    </documentation>\n");
}

int
autoconfig_write_thunderbird(const struct autoconfig *a, struct buf *out)
{
	struct autoconfig_server servers[AUTOCONFIG_SERVERS_MAX];
	size_t n = autoconfig_servers(&a->ports, servers);

	/* Version 1.2 of the draft has the same elements; older clients know only 1.1. */
	(void)buf_put_str(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\">\n"
	    "  <emailProvider id=\"");
	(void)xml_put_text(out, a->domain);
	(void)buf_put_str(out, "\">\n");
	/* Not our others: who has their mail here is nobody's business. The one for the mail exchanger is enough for them. */
	(void)xml_put_element(out, 2, "domain", a->domain);
	put_mx_domain(a, out);
	(void)xml_put_element(out, 2, "displayName", utf8_cut_octets(a->domain, NAME_MAX_OCTETS));
	(void)xml_put_element(out, 2, "displayShortName", utf8_cut_octets(a->domain, NAME_SHORT_MAX_OCTETS));
	for (size_t i = 0; i < n; i++)
		put_thunderbird_server(a, &servers[i], out);
	put_documentation(a, out);
	return buf_put_str(out, "  </emailProvider>\n</clientConfig>\n");
}

/* ---- the page ---- */

int
autoconfig_write_page(const struct autoconfig *a, struct buf *out)
{
	static const char *const names[] = { "Incoming mail, IMAP", "Incoming mail, POP3", "Outgoing mail, SMTP" };
	struct autoconfig_server servers[AUTOCONFIG_SERVERS_MAX];
	size_t n = autoconfig_servers(&a->ports, servers);

	(void)buf_put_str(out, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n<title>Mail of ");
	(void)xml_put_text(out, a->domain);
	(void)buf_put_str(out, "</title>\n<h1>Mail of ");
	(void)xml_put_text(out, a->domain);
	(void)buf_put_str(out,
	    "</h1>\n<p>Most mail programs find these settings by themselves, from the address. "
	    "The user name is the whole\naddress; the password is only sent inside TLS.</p>\n"
	    "<table>\n<tr><th>For<th>Server<th>Port<th>Security\n");
	for (size_t i = 0; i < n; i++) {
		(void)buf_putf(out, "<tr><td>%s<td>", names[servers[i].protocol]);
		(void)xml_put_text(out, a->hostname);
		(void)buf_putf(out, "<td>%u<td>%s\n", servers[i].port, servers[i].start_tls ? "STARTTLS" : "SSL/TLS");
	}
	(void)buf_put_str(out,
	    "</table>\n<p>iPhone, iPad and Mac: "
	    "<a href=\"/mail/profile.mobileconfig\">a profile with these settings</a>.</p>\n");
	return buf_put_str(out, "</html>\n");
}
