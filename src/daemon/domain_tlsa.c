/* SPDX-License-Identifier: ISC */
/*
 * letterlockd domain tlsa: the TLSA records of port 25 (RFC 7672) for the
 * certificate that is used now, and for the one that is to be next. Both stand
 * in DNS while they change places: who checks DANE gives no mail to a server
 * whose key is in none of the records that it still remembers.
 */
#include <stdio.h>

#include "daemon/records.h"
#include "net/dns.h"
#include "os/file.h"

#define REPLY_BUDGET (8u << 20)
#define CERTIFICATE_MAX (256u << 10)
#define TEXT_MAX 256u

static int
print_one(const struct verb_input *in, const uint8_t pin[TLS_PIN_SIZE], bool next, struct error *e)
{
	BUF_OWNED struct buf name = { 0 }, rdata = { 0 }, data = { 0 };
	struct json_value *o;

	buf_init(&name, TEXT_MAX + 16);
	buf_init(&rdata, TEXT_MAX);
	buf_init(&data, TEXT_MAX);
	(void)buf_putf(&name, "_25._tcp.%s", in->config->hostname);
	(void)records_tlsa_put(pin, &rdata);
	if (dns_record_text(DNS_TLSA, buf_slice(&rdata), &data, e) != 0)
		return e->code;
	if (!in->json) {
		(void)printf("; The key of the certificate that %s.\n%.*s. %u IN TLSA %.*s\n",
		    next ? "is to be used next" : "is used now", (int)name.len, (const char *)name.data, RECORDS_TTL,
		    (int)data.len, (const char *)data.data);
		return 0;
	}
	o = json_value_object();
	json_value_set_text(o, "name", buf_slice(&name));
	json_value_set_str(o, "type", "TLSA");
	json_value_set_i64(o, "ttl", RECORDS_TTL);
	json_value_set_text(o, "data", buf_slice(&data));
	json_value_set_bool(o, "next", next);
	verb_print_json(o);
	return 0;
}

/* The mail servers of all domains here have one name. */
static int
check_name(struct place *p, const struct verb_input *in, struct error *e)
{
	ARENA_OWNED struct arena a = { 0 };
	struct slice *domains;
	size_t count;
	int rc;

	if (slice_ieq(slice_str(in->words[1]), slice_str(in->config->hostname)))
		return 0;
	arena_init(&a, REPLY_BUDGET);
	rc = records_domains(p, in->config, &a, &domains, &count, e);
	if (rc == 0 && records_find(domains, count, in->words[1]).len == 0)
		rc = error_set(
		    e, ERR_NOT_FOUND, "%s is neither this server's hostname nor one of our domains", in->words[1]);
	return rc;
}

static int
read_next(const char *path, uint8_t pin_out[TLS_PIN_SIZE], struct error *e)
{
	BUF_OWNED struct buf pem = { 0 };
	int rc;

	buf_init(&pem, CERTIFICATE_MAX);
	rc = file_read(path, &pem, e);
	if (rc == 0)
		rc = tls_certificate_pin(buf_slice(&pem), pin_out, e);
	return rc == 0 ? 0 : error_context(e, "%s", path);
}

static void
say_what_to_do(const uint8_t now[TLS_PIN_SIZE], const uint8_t next[TLS_PIN_SIZE])
{
	if (slice_eq(slice_of(now, TLS_PIN_SIZE), slice_of(next, TLS_PIN_SIZE)))
		(void)printf("; They have the same key: nothing changes in DNS.\n");
	else
		(void)printf("; Publish both. Change the certificate when the time to live of the older answer is over "
			     "twice;\n; then take the first one away.\n");
}

int
domain_tlsa(struct place *p, const struct verb_input *in, struct error *e)
{
	uint8_t now[TLS_PIN_SIZE], next[TLS_PIN_SIZE];
	bool has_now;
	int rc = check_name(p, in, e);

	if (rc == 0 && in->certificate != NULL)
		rc = read_next(in->certificate, next, e);
	if (rc != 0)
		return rc;
	has_now = records_pin(in->config, now);
	if (!has_now && in->certificate == NULL)
		return error_set(e, ERR_NOT_FOUND, "there is no certificate yet; the server makes one when it starts");
	if (has_now)
		rc = print_one(in, now, false, e);
	if (rc == 0 && in->certificate != NULL)
		rc = print_one(in, next, true, e);
	if (rc == 0 && has_now && in->certificate != NULL && !in->json)
		say_what_to_do(now, next);
	return rc;
}
