/* SPDX-License-Identifier: ISC */
#include "client/servers.h"

#include <stdio.h>
#include <string.h>

#include "net/srv.h"

static const struct usual {
	const char *scheme;
	uint16_t port;
	enum account_service service;
	bool start_tls;
} usuals[] = {
	{ "submissions", 465, ACCOUNT_SMTP, false },
	{ "imaps", 993, ACCOUNT_IMAP, false },
	{ "https", 443, ACCOUNT_HTTPS, false },
	{ "submission", 587, ACCOUNT_SMTP, true },
	{ "imap", 143, ACCOUNT_IMAP, true },
};

#define USUALS (sizeof usuals / sizeof usuals[0])

static struct client_config
config_of(const struct account *a, const struct account_server *s)
{
	return (struct client_config){
		.host = s->host, .port = s->port, .implicit_tls = !s->start_tls, .pin = account_pin(a)
	};
}

int
servers_connect(
    const struct account *a, enum account_service s, struct client **out, struct tls_peer *peer_out, struct error *e)
{
	struct client_config config = config_of(a, &a->servers[s]);
	int rc;

	if (config.host[0] == '\0')
		return error_set(e, ERR_USAGE, "no %s server is set up: run `letterlock setup` with --server",
		    account_service_name(s));
	rc = client_connect(&config, out, peer_out, e);
	return rc == 0 ? 0
		       : error_context(e, "%s server %s port %u", account_service_name(s), config.host, config.port);
}

void
servers_sasl(const struct account *a, enum account_service s, const struct client *c, struct servers_sasl *out)
{
	static const unsigned permitted[] = { [ACCOUNT_SIGN_IN_ANY] = SASL_SET_ALL,
		[ACCOUNT_SIGN_IN_BOUND] = SASL_BIT(SASL_SCRAM_SHA_256_PLUS),
		[ACCOUNT_SIGN_IN_SCRAM] = SASL_SET_SCRAM,
		[ACCOUNT_SIGN_IN_PASSWORD] = SASL_SET_PASSWORD };

	client_tls_bindings(c, &out->data);
	out->channel = (struct sasl_channel){ .tls = client_is_tls(c),
		.exporter = slice_of(out->data.exporter, out->data.exporter_len),
		.end_point = slice_of(out->data.end_point, out->data.end_point_len) };
	out->permitted = permitted[a->servers[s].sign_in];
}

/* ---- asking a server what it is ---- */

struct probe {
	uint8_t first[4];
	size_t len;
};

static size_t
probe_feed(void *machine, struct slice in, int64_t now_ms)
{
	struct probe *p = machine;
	size_t n = size_min(in.len, sizeof p->first - p->len);

	(void)now_ms;
	if (n > 0)
		memcpy(p->first + p->len, in.data, n);
	p->len += n;
	return in.len;
}

static struct slice
probe_output(void *machine)
{
	(void)machine;
	return SLICE_EMPTY;
}

static void
probe_sent(void *machine, size_t len)
{
	(void)machine;
	(void)len;
}

static int64_t
probe_deadline(const void *machine)
{
	(void)machine;
	return MACHINE_NEVER;
}

static const struct machine_ops probe_ops = { probe_feed, probe_output, probe_sent, probe_deadline };

static int
wait_for_greeting(struct client *c, enum account_service *out, struct error *e)
{
	struct probe p = { .len = 0 };
	int rc = 0;

	while (rc == 0 && p.len < sizeof p.first)
		rc = client_step(c, &probe_ops, &p, e);
	if (rc == ERR_TIMEOUT && p.len == 0) {
		*out = ACCOUNT_HTTPS;
		return 0;
	}
	if (rc != 0)
		return rc;
	if (memcmp(p.first, "220", 3) == 0)
		*out = ACCOUNT_SMTP;
	else if (memcmp(p.first, "* ", 2) == 0)
		*out = ACCOUNT_IMAP;
	else
		return error_set(e, ERR_UNSUPPORTED, "this server speaks neither SMTP nor IMAP nor HTTPS");
	return 0;
}

static int
find_out(const struct account *a, const struct account_server *s, enum account_service *out, struct error *e)
{
	struct client_config config = config_of(a, s);
	struct client *c;
	int rc;

	rc = client_connect(&config, &c, NULL, e);
	if (rc != 0)
		return error_context(e, "server %s port %u", s->host, s->port);
	client_close(c);
	config.timeout_ms = SERVERS_PROBE_MS;
	rc = client_connect(&config, &c, NULL, e);
	if (rc != 0)
		return rc;
	rc = wait_for_greeting(c, out, e);
	client_close(c);
	return rc;
}

/* ---- the text ---- */

static int
wrong(const char *text, struct error *e)
{
	return error_set(e, ERR_USAGE, "'%.100s' is no server: say HOST, HOST:PORT, or imaps://HOST:PORT", text);
}

/* HOST, HOST:PORT, [V6], [V6]:PORT; port 0 when it is not said. */
static bool
split(struct slice in, struct account_server *s)
{
	struct slice host = in, port = SLICE_EMPTY;
	size_t end = slice_find_last(in, ':');
	uint64_t n = 0;

	if (in.len > 0 && in.data[0] == '[') {
		end = slice_find(in, ']');
		if (end == SIZE_MAX)
			return false;
		host = slice_sub(in, 1, end - 1);
		port = slice_from(in, end + 1);
		if (port.len > 0 && port.data[0] != ':')
			return false;
		port = slice_from(port, 1);
	} else if (end != SIZE_MAX) {
		host = slice_sub(in, 0, end);
		port = slice_from(in, end + 1);
	}
	if (host.len == 0 || host.len >= sizeof s->host || (port.len > 0 && !slice_to_u64(port, 65535, &n)))
		return false;
	memcpy(s->host, host.data, host.len);
	s->host[host.len] = '\0';
	s->port = (uint16_t)n;
	return true;
}

static void
put(struct account *a, const struct usual *u, const struct account_server *s)
{
	struct account_server *to = &a->servers[u->service];

	*to = *s;
	to->start_tls = u->start_tls;
	if (to->port == 0)
		to->port = u->port;
}

static int
add_with_scheme(struct account *a, struct slice scheme, struct slice rest, const char *text, struct error *e)
{
	struct account_server s = { .port = 0 };

	if (!split(rest, &s))
		return wrong(text, e);
	for (size_t i = 0; i < USUALS; i++) {
		if (slice_ieq_str(scheme, usuals[i].scheme)) {
			put(a, &usuals[i], &s);
			return 0;
		}
	}
	return wrong(text, e);
}

static int
add_without_scheme(struct account *a, const struct account_server *s, struct error *e)
{
	enum account_service service = ACCOUNT_SMTP;
	int rc;

	for (size_t i = 0; i < USUALS; i++) {
		if (s->port == usuals[i].port) {
			put(a, &usuals[i], s);
			return 0;
		}
	}
	rc = find_out(a, s, &service, e);
	if (rc == 0)
		a->servers[service] = *s;
	return rc;
}

/* ---- the domain's own word ---- */

static bool
is_within(struct slice name, struct slice domain)
{
	return slice_ieq(name, domain) ||
	    (name.len > domain.len && name.data[name.len - domain.len - 1] == '.' &&
		slice_ieq(slice_from(name, name.len - domain.len), domain));
}

bool
servers_are_elsewhere(const struct account *a)
{
	struct slice domain = account_domain(a);

	return !is_within(slice_str(a->servers[ACCOUNT_IMAP].host), domain) ||
	    !is_within(slice_str(a->servers[ACCOUNT_SMTP].host), domain);
}

/* TLS from the first octet before STARTTLS (RFC 8314 3). ERR_NOT_FOUND when neither is there. */
static int
find_service(struct account *a, enum account_service service, struct error *e)
{
	int rc = ERR_NOT_FOUND;

	for (int start_tls = 0; start_tls <= 1 && rc == ERR_NOT_FOUND; start_tls++) {
		for (size_t i = 0; i < USUALS && rc == ERR_NOT_FOUND; i++) {
			struct account_server s = { .port = 0 };
			struct srv_target found;
			char label[24];

			if (usuals[i].service != service || usuals[i].start_tls != (start_tls == 1))
				continue;
			(void)snprintf(label, sizeof label, "_%s", usuals[i].scheme);
			rc = srv_find(label, account_domain(a), &found, e);
			if (rc != 0)
				continue;
			(void)snprintf(s.host, sizeof s.host, "%s", found.host);
			s.port = found.port;
			put(a, &usuals[i], &s);
		}
	}
	return rc;
}

int
servers_by_domain(struct account *a, struct error *e)
{
	struct account found = *a;
	int rc = find_service(&found, ACCOUNT_IMAP, e);

	if (rc == 0)
		rc = find_service(&found, ACCOUNT_SMTP, e);
	if (rc != 0)
		return rc;
	found.servers[ACCOUNT_HTTPS] = found.servers[ACCOUNT_SMTP];
	found.servers[ACCOUNT_HTTPS].port = 443;
	found.servers[ACCOUNT_HTTPS].start_tls = false;
	*a = found;
	return 0;
}

bool
servers_is_usual(const char *text)
{
	struct account_server s = { .port = 0 };
	bool found = slice_search(slice_str(text), SLICE("://")) != SIZE_MAX;

	if (found || !split(slice_str(text), &s))
		return found;
	found = s.port == 0;
	for (size_t i = 0; i < USUALS && !found; i++)
		found = s.port == usuals[i].port;
	return found;
}

int
servers_add(struct account *a, const char *text, struct error *e)
{
	struct slice in = slice_str(text);
	struct account_server s = { .port = 0 };
	size_t scheme = slice_search(in, SLICE("://"));

	if (scheme != SIZE_MAX)
		return add_with_scheme(a, slice_sub(in, 0, scheme), slice_from(in, scheme + 3), text, e);
	if (!split(in, &s))
		return wrong(text, e);
	if (s.port != 0)
		return add_without_scheme(a, &s, e);
	for (size_t i = 0; i < ACCOUNT_SERVICES; i++) /* the first three are those with implicit TLS */
		put(a, &usuals[i], &s);
	return 0;
}
