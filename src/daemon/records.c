/* SPDX-License-Identifier: ISC */
#include "daemon/records.h"

#include <string.h>

#include "net/dns.h"
#include "service/policy/own.h"
#include "service/web/autoconfig.h"

#define PRIORITY_FIRST 0u
#define PRIORITY_SECOND 10u
#define PRIORITY_POP3 20u /* RFC 6186 3.4: IMAP is preferred */
#define MX_PREFERENCE 10u
#define RDATA_MAX 2400u
#define STRING_MAX 255u /* octets of a TXT record's string */

struct maker {
	const struct records_source *source;
	struct slice host; /* our own name */
	struct arena *a;
	struct records *out;
	struct error *e;
	int rc; /* sticky */
};

uint16_t
records_port(const struct config *config, const char *name)
{
	for (int i = 0; i < CONFIG_PORT_COUNT; i++)
		if (strcmp(config_port_names[i], name) == 0 && config->ports[i] > 0)
			return (uint16_t)config->ports[i];
	return 0;
}

/* ---- one record ---- */

static struct slice
under(struct maker *m, const char *prefix)
{
	return arena_printf(m->a, "%s%.*s", prefix, (int)m->source->domain.len, (const char *)m->source->domain.data);
}

static void
add(struct maker *m, struct record r)
{
	if (m->rc != 0)
		return;
	if (m->out->count == RECORDS_MAX)
		m->rc = error_set(m->e, ERR_LIMIT, "a domain has at most %u records", RECORDS_MAX);
	else if (m->a->err != 0)
		m->rc = error_nomem(m->e);
	else
		m->out->list[m->out->count++] = r;
}

/* RDATA that was written to b, whose end this is. */
static struct slice
keep(struct maker *m, struct buf *b)
{
	struct slice kept = SLICE_EMPTY;

	if (m->rc == 0 && b->err != 0)
		m->rc = error_nomem(m->e);
	if (m->rc == 0)
		kept = arena_copy(m->a, buf_slice(b));
	buf_done(b);
	return kept;
}

/* Numbers of 16 bits, then a name: MX, SRV, CNAME. */
static struct slice
numbers_and_name(struct maker *m, const uint16_t *numbers, size_t count, struct slice name)
{
	struct buf b;

	buf_init(&b, RDATA_MAX);
	for (size_t i = 0; i < count; i++)
		(void)buf_put_u16(&b, numbers[i]);
	if (m->rc == 0)
		m->rc = dns_name_put(name, &b, m->e);
	return keep(m, &b);
}

int
records_text_put(struct slice words, struct buf *rdata_out)
{
	do {
		size_t len = size_min(words.len, STRING_MAX);

		(void)buf_put_u8(rdata_out, (uint8_t)len);
		(void)buf_put_slice(rdata_out, slice_sub(words, 0, len));
		words = slice_from(words, len);
	} while (words.len > 0);
	return rdata_out->err;
}

int
records_text_get(struct slice rdata, struct buf *text_out)
{
	while (rdata.len > 0) {
		size_t len = rdata.data[0];

		if (len + 1 > rdata.len)
			return ERR_SYNTAX;
		(void)buf_put_slice(text_out, slice_sub(rdata, 1, len));
		rdata = slice_from(rdata, len + 1);
	}
	return text_out->err;
}

static struct slice
text(struct maker *m, struct slice words)
{
	struct buf b;

	buf_init(&b, RDATA_MAX);
	(void)records_text_put(words, &b);
	return keep(m, &b);
}

bool
records_is_inside(struct slice h, struct slice d)
{
	return slice_ieq(h, d) ||
	    (h.len > d.len && h.data[h.len - d.len - 1] == '.' && slice_ieq(slice_from(h, h.len - d.len), d));
}

/* ---- the records ---- */

static void
add_mx(struct maker *m)
{
	const uint16_t preference = MX_PREFERENCE;

	add(m,
	    (struct record){ .name = m->source->domain,
		.type = DNS_MX,
		.rdata = numbers_and_name(m, &preference, 1, m->host),
		.need = RECORD_NEEDED,
		.why = "Mail to the domain comes to this server" });
}

static bool
is_wildcard(const char *address)
{
	return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

/* Those that the configuration names; when it says all, nobody knows here which of them others can reach. */
static void
add_addresses(struct maker *m)
{
	const struct config *c = m->source->config;
	bool known = false;

	for (size_t i = 0; i < c->listen_count; i++) {
		BUF_OWNED struct buf octets = { 0 };

		buf_init(&octets, 16);
		if (is_wildcard(c->listen[i]) || dns_address_put(c->listen[i], &octets) != 0)
			continue;
		add(m,
		    (struct record){ .name = m->host,
			.type = (uint16_t)dns_address_type(c->listen[i]),
			.rdata = arena_copy(m->a, buf_slice(&octets)),
			.rule = RECORD_RESOLVES,
			.why = "The address of this server" });
		known = true;
	}
	if (!known)
		add(m,
		    (struct record){ .name = m->host,
			.type = DNS_A,
			.rule = RECORD_RESOLVES,
			.why = "The address of this server; put it in, and one of type AAAA for IPv6" });
}

static const struct service_row {
	const char *port, *label;
	uint16_t priority;
	const char *why;
} services[] = {
	{ "submissions", "_submissions._tcp.", PRIORITY_FIRST, "Mail clients find where to send, over TLS" },
	{ "submission", "_submission._tcp.", PRIORITY_SECOND, "Mail clients find where to send, with STARTTLS" },
	{ "imaps", "_imaps._tcp.", PRIORITY_FIRST, "Mail clients find where to read, over TLS" },
	{ "imap", "_imap._tcp.", PRIORITY_SECOND, "Mail clients find where to read, with STARTTLS" },
	{ "pop3s", "_pop3s._tcp.", PRIORITY_POP3, "Mail clients that only know POP3 find it, over TLS" },
	{ "pop3", "_pop3._tcp.", PRIORITY_POP3 + PRIORITY_SECOND,
	    "Mail clients that only know POP3 find it, with STARTTLS" },
};

static void
add_service(struct maker *m, const struct service_row *row)
{
	uint16_t port = records_port(m->source->config, row->port);
	const uint16_t there[] = { row->priority, 1, port }, absent[] = { 0, 0, 0 };

	add(m,
	    (struct record){ .name = under(m, row->label),
		.type = DNS_SRV,
		.rdata = numbers_and_name(m, port != 0 ? there : absent, 3, port != 0 ? m->host : SLICE(".")),
		.need = port != 0 ? RECORD_NEEDED : RECORD_ADVISED,
		.why = port != 0 ? row->why : "There is no such service here" });
}

static void
add_alias(struct maker *m, const char *prefix, const char *why)
{
	struct slice name = under(m, prefix);

	if (slice_ieq(name, m->host))
		return; /* it has addresses */
	add(m,
	    (struct record){ .name = name,
		.type = DNS_CNAME,
		.rdata = numbers_and_name(m, NULL, 0, m->host),
		.rule = RECORD_LEADS_HERE,
		.why = why });
}

static void
add_web(struct maker *m)
{
	uint16_t port = records_port(m->source->config, "https");
	const uint16_t outlook[] = { 0, 1, port };

	if (port == 0)
		return;
	add_alias(m, AUTOCONFIG_PREFIX, "Thunderbird and others ask there for the settings");
	add_alias(m, AUTODISCOVER_PREFIX, "Outlook asks there for the settings");
	add(m,
	    (struct record){ .name = under(m, "_autodiscover._tcp."),
		.type = DNS_SRV,
		.rdata = numbers_and_name(m, outlook, 3, m->host),
		.need = RECORD_ADVISED,
		.why = "Outlook asks where this leads, too, under the name that every certificate has" });
	add_alias(m, OPENPGPKEY_PREFIX, "The Web Key Directory: others find the OpenPGP certificates of the accounts");
}

int
records_tlsa_put(const uint8_t pin[TLS_PIN_SIZE], struct buf *rdata_out)
{
	(void)buf_put_u8(rdata_out, TLSA_DANE_EE);
	(void)buf_put_u8(rdata_out, TLSA_SPKI);
	(void)buf_put_u8(rdata_out, TLSA_SHA256);
	return buf_put(rdata_out, pin, TLS_PIN_SIZE);
}

static void
add_tlsa(struct maker *m)
{
	struct buf b;

	if (m->source->pin == NULL || records_port(m->source->config, "smtp") == 0)
		return;
	buf_init(&b, RDATA_MAX);
	(void)records_tlsa_put(m->source->pin, &b);
	add(m,
	    (struct record){ .name = arena_printf(m->a, "_25._tcp.%.*s", (int)m->host.len, (const char *)m->host.data),
		.type = DNS_TLSA,
		.rdata = keep(m, &b),
		.need = RECORD_ADVISED,
		.rule = RECORD_OR_NONE,
		.why = "The key of this server, for senders that check DANE. Only of use where the zone is signed "
		       "(DNSSEC); before the key changes, publish the next one beside it" });
}

static void
add_dkim(struct maker *m)
{
	static const char *const why[] = {
		[KEYS_DKIM_SIGNS] = "The key that mail of the domain is signed with (DKIM)",
		[KEYS_DKIM_WAITS] = "A key that mail will be signed with: 'letterlockd domain dkim activate' looks for "
				    "this record, and begins",
		[KEYS_DKIM_RETIRED] = "A key that signed until lately; 'letterlockd domain dkim retire' lets it go",
	};

	for (size_t i = 0; m->source->dkim != NULL && i < m->source->dkim->count; i++) {
		const struct dkim_kept *k = &m->source->dkim->list[i];

		add(m,
		    (struct record){ .name = k->name,
			.type = DNS_TXT,
			.rdata = text(m, k->record),
			.need = k->state == KEYS_DKIM_SIGNS ? RECORD_NEEDED : RECORD_ADVISED,
			.rule = RECORD_DKIM,
			.why = why[k->state] });
	}
}

/* The policy over HTTPS (RFC 8461), and where others tell of TLS (RFC 8460). */
static void
add_policies(struct maker *m)
{
	const enum sts_mode mode = (enum sts_mode)m->source->config->mta_sts;
	struct buf words BUF_OWNED = { 0 };
	struct slice rua;

	buf_init(&words, RDATA_MAX);
	if (mode != STS_NONE && own_sts_record(mode, m->host, &words) == 0) {
		add(m,
		    (struct record){ .name = under(m, OWN_STS_RECORD_PREFIX),
			.type = DNS_TXT,
			.rdata = text(m, buf_slice(&words)),
			.need = RECORD_NEEDED,
			.why = "The MTA-STS policy of the setting mta_sts is there: other servers fetch it, and give "
			       "mail only "
			       "to this server, over TLS" });
		add_alias(m, OWN_STS_PREFIX, "Other servers fetch the MTA-STS policy there");
	}
	rua = arena_printf(m->a, "v=TLSRPTv1; rua=mailto:postmaster@%.*s", (int)m->source->domain.len,
	    (const char *)m->source->domain.data);
	add(m,
	    (struct record){ .name = under(m, "_smtp._tls."),
		.type = DNS_TXT,
		.rdata = text(m, rua),
		.need = RECORD_ADVISED,
		.rule = RECORD_BEGINS,
		.why =
		    "A suggestion, TLS reports: other servers tell that address each day how TLS with this one went" });
}

static void
add_advice(struct maker *m)
{
	add(m,
	    (struct record){ .name = m->source->domain,
		.type = DNS_TXT,
		.rdata = text(m, SLICE("v=spf1 mx -all")),
		.need = RECORD_ADVISED,
		.rule = RECORD_BEGINS,
		.why = "A suggestion, SPF: only this server sends mail of the domain. Name others before -all" });
	add(m,
	    (struct record){ .name = under(m, "_dmarc."),
		.type = DNS_TXT,
		.rdata = text(m,
		    arena_printf(m->a, "v=DMARC1; p=none; rua=mailto:postmaster@%.*s", (int)m->source->domain.len,
			(const char *)m->source->domain.data)),
		.need = RECORD_ADVISED,
		.rule = RECORD_BEGINS,
		.why = "A suggestion, DMARC: what others do with mail that only claims to be the domain's, and whom "
		       "they tell: "
		       "'letterlockd domain reports' sums it up" });
}

int
records_make(const struct records_source *source, struct arena *a, struct records *out, struct error *e)
{
	struct maker m = { .source = source, .host = slice_str(source->config->hostname), .a = a, .out = out, .e = e };
	BUF_OWNED struct buf name = { 0 };

	out->count = 0;
	buf_init(&name, RDATA_MAX);
	m.rc = dns_name_put(source->domain, &name, e);
	add_mx(&m);
	if (records_is_inside(m.host, m.source->domain)) {
		add_addresses(&m);
		add_tlsa(&m);
	}
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
		add_service(&m, &services[i]);
	add_web(&m);
	add_dkim(&m);
	add_policies(&m);
	add_advice(&m);
	return m.rc;
}

size_t
records_names(const struct records_source *source, struct arena *a, const char *names_out[RECORDS_NAMES_MAX])
{
	static const char *const prefixes[] = { AUTOCONFIG_PREFIX, AUTODISCOVER_PREFIX, OPENPGPKEY_PREFIX,
		OWN_STS_PREFIX };
	const bool sts = source->config->mta_sts != STS_NONE;
	size_t n = 0;

	names_out[n++] = source->config->hostname;
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0] - (sts ? 0 : 1); i++) {
		struct slice name =
		    arena_printf(a, "%s%.*s", prefixes[i], (int)source->domain.len, (const char *)source->domain.data);
		const char *text_of = arena_cstr(a, name);

		if (text_of != NULL && records_port(source->config, "https") != 0)
			names_out[n++] = text_of;
	}
	return n;
}
