/* SPDX-License-Identifier: ISC */
/* letterlockd domain records DOMAIN: the records as lines of a zone file, or as JSON. */
#include <stdio.h>
#include <string.h>

#include "base/idn.h"
#include "daemon/records.h"
#include "daemon/records_keys.h"
#include "net/dns.h"
#include "service/directory/dane.h"
#include "store/store.h"

#define REPLY_BUDGET (8u << 20)
#define TEXT_MAX 2048u

/* In A-labels, of the arena. */
static int
add_ascii(struct arena *a, struct slice domain, struct slice *list, size_t *count, struct error *e)
{
	BUF_OWNED struct buf ascii = { 0 };
	int rc;

	buf_init(&ascii, IDN_NAME_MAX);
	rc = idn_to_ascii(domain, &ascii, e);
	for (size_t i = 0; i < *count && rc == 0; i++)
		if (slice_ieq(list[i], buf_slice(&ascii)))
			return 0;
	if (rc == 0)
		list[(*count)++] = arena_copy(a, buf_slice(&ascii));
	return rc;
}

int
records_domains(struct place *p, const struct config *config, struct arena *a, struct slice **domains_out,
    size_t *count_out, struct error *e)
{
	struct store_domains known = { 0 };
	size_t count = 0;
	struct slice *list;
	int rc = p == NULL ? 0 : store_domain_list(p->port, &(struct store_nothing){ 0 }, a, &known, e);

	if (rc != 0)
		return rc;
	list = arena_array(a, known.domain_count + config->domain_count + 1, sizeof *list);
	if (list == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < known.domain_count && rc == 0; i++)
		rc = add_ascii(a, known.domains[i], list, &count, e);
	for (size_t i = 0; i < config->domain_count && rc == 0; i++)
		rc = add_ascii(a, slice_str(config->domains[i]), list, &count, e);
	*domains_out = list;
	*count_out = count;
	return rc;
}

struct slice
records_find(const struct slice *domains, size_t count, const char *name)
{
	BUF_OWNED struct buf ascii = { 0 };

	buf_init(&ascii, IDN_NAME_MAX);
	if (idn_to_ascii(slice_str(name), &ascii, NULL) != 0)
		return SLICE_EMPTY;
	for (size_t i = 0; i < count; i++)
		if (slice_ieq(domains[i], buf_slice(&ascii)))
			return domains[i];
	return SLICE_EMPTY;
}

bool
records_pin(const struct config *config, uint8_t pin_out[TLS_PIN_SIZE])
{
	BUF_OWNED struct buf certificate = { 0 };

	buf_init(&certificate, 1 << 18);
	return place_certificate(config, &certificate, NULL) == 0 &&
	    tls_certificate_pin(buf_slice(&certificate), pin_out, NULL) == 0;
}

/* ---- lines ---- */

static void
print_line(const struct record *r, const char *why_before)
{
	BUF_OWNED struct buf data = { 0 };
	char type[DNS_TYPE_TEXT];

	buf_init(&data, TEXT_MAX);
	if (why_before == NULL || strcmp(why_before, r->why) != 0)
		(void)printf("; %s.\n", r->why);
	if (r->rdata.len == 0)
		(void)buf_put_str(&data, "(the address)");
	else
		(void)dns_record_text(r->type, r->rdata, &data, NULL);
	(void)printf("%s%.*s. %u IN %s %.*s\n", r->rdata.len == 0 ? "; " : "", (int)r->name.len,
	    (const char *)r->name.data, RECORDS_TTL, dns_type_text(r->type, type), (int)data.len,
	    (const char *)data.data);
}

static void
print_json(const struct record *r)
{
	struct json_value *o = json_value_object();
	BUF_OWNED struct buf data = { 0 };
	char type[DNS_TYPE_TEXT];

	buf_init(&data, 3 * DANE_RDATA_MAX);
	json_value_set_text(o, "name", r->name);
	json_value_set_str(o, "type", dns_type_text(r->type, type));
	json_value_set_i64(o, "ttl", RECORDS_TTL);
	if (r->rdata.len > 0 && dns_record_text(r->type, r->rdata, &data, NULL) == 0)
		json_value_set_text(o, "data", buf_slice(&data));
	else
		json_value_set_null(o, "data");
	json_value_set_bool(o, "needed", r->need == RECORD_NEEDED);
	json_value_set_str(o, "why", r->why);
	verb_print_json(o);
}

/* Nobody asks which. */
static const struct {
	const char *name;
	uint16_t port;
} standard[] = { { "smtp", 25 }, { "https", 443 }, { "http", 80 } };

static void
print_head(const struct records_source *s)
{
	const char *host = s->config->hostname;
	int length = (int)s->domain.len;
	const char *domain = (const char *)s->domain.data;

	(void)printf("; The DNS records of %.*s for the exchange %s.\n", length, domain, host);
	(void)printf("; 'letterlockd check %.*s' compares them with what DNS says.\n", length, domain);
	(void)printf("; The certificate of the server needs these names: %s, autoconfig.%.*s, autodiscover.%.*s,\n"
		     "; openpgpkey.%.*s.\n",
	    host, length, domain, length, domain, length, domain);
	(void)printf("; The addresses of %s need a PTR record with this name; who gave the addresses makes it.\n"
		     "; If the domain has CAA records, they have to permit the authority that makes the certificate.\n",
	    host);
	if (strchr(host, '.') == NULL)
		(void)printf("; The setting 'hostname' is still '%s': it is to be the name under which others reach "
			     "this server.\n",
		    host);
	for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++) {
		uint16_t port = records_port(s->config, standard[i].name);

		if (port != 0 && port != standard[i].port)
			(void)printf("; Port %s is %u here, and others only come to %u.\n", standard[i].name, port,
			    standard[i].port);
	}
	if (s->pin == NULL)
		(void)printf("; There is no certificate yet: TLSA is told when there is one.\n");
	if (s->dkim->count == 0)
		(void)printf("; There is no DKIM key yet, so mail of the domain is not signed:\n"
			     "; 'letterlockd domain dkim new %.*s' makes one.\n",
		    length, domain);
}

static void
print_all(const struct records_source *s, const struct records *all, bool json)
{
	const char *before = NULL;

	if (!json)
		print_head(s);
	for (size_t i = 0; i < all->count; i++) {
		if (json)
			print_json(&all->list[i]);
		else
			print_line(&all->list[i], before);
		before = all->list[i].why;
	}
}

/* Also as RFC 3597 writes it, for name servers that do not know the type. */
static int
print_key(void *ctx, const struct record *r, struct error *e)
{
	const struct verb_input *in = ctx;
	BUF_OWNED struct buf data = { 0 };
	char type[DNS_TYPE_TEXT];

	if (in->json) {
		print_json(r);
		return 0;
	}
	buf_init(&data, 3 * DANE_RDATA_MAX);
	if (dns_record_text(r->type, r->rdata, &data, e) != 0)
		return e->code;
	(void)printf("%.*s. %u IN %s %.*s\n; %.*s. %u IN TYPE%u \\# %zu ", (int)r->name.len, (const char *)r->name.data,
	    RECORDS_TTL, dns_type_text(r->type, type), (int)data.len, (const char *)data.data, (int)r->name.len,
	    (const char *)r->name.data, RECORDS_TTL, r->type, r->rdata.len);
	for (size_t i = 0; i < r->rdata.len; i++)
		(void)printf("%02x", r->rdata.data[i]);
	(void)printf("\n");
	return 0;
}

static int
print_keys(struct place *p, const struct verb_input *in, struct slice domain, struct error *e)
{
	int rc = 0;

	if (!in->json)
		(void)printf(
		    "; The keys of addresses in %.*s, of use where the zone is signed (DNSSEC).\n"
		    "; The commented line behind each is the same record for name servers that do not know its type.\n",
		    (int)domain.len, (const char *)domain.data);
	if (in->openpgpkey)
		rc = records_openpgpkey(p->port, domain, 0, print_key, (void *)(uintptr_t)in, e);
	for (size_t i = 0; i < in->smimea_count && rc == 0; i++)
		rc = records_smimea(in->smimea[i], domain, print_key, (void *)(uintptr_t)in, e);
	return rc;
}

int
domain_records(struct place *p, const struct verb_input *in, struct error *e)
{
	struct records_source source = { .config = in->config };
	struct slice *domains;
	uint8_t pin[TLS_PIN_SIZE];
	struct dkim_keys dkim;
	struct records all;
	size_t count;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = records_domains(p, in->config, &a, &domains, &count, e);
	if (rc == 0)
		source.domain = records_find(domains, count, in->words[1]);
	if (rc == 0 && source.domain.len == 0)
		rc = error_set(
		    e, ERR_NOT_FOUND, "%s is none of our domains; 'letterlockd domain add' makes it one", in->words[1]);
	if (rc != 0)
		return rc;
	source.pin = records_pin(in->config, pin) ? pin : NULL;
	source.dkim = &dkim;
	rc = dkim_keys_read(in->config, source.domain, &a, &dkim, e);
	if (rc != 0)
		return rc;
	if (in->openpgpkey || in->smimea_count > 0)
		return print_keys(p, in, source.domain, e);
	rc = records_make(&source, &a, &all, e);
	if (rc == 0)
		print_all(&source, &all, in->json);
	return rc;
}
