/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/date.h"
#include "client/audit/say.h"

static struct json_value *
finding_json(const struct audit_finding *f)
{
	const struct audit_row *row = &audit_rows[f->check];
	struct json_value *o = json_value_object();

	json_value_set_str(o, "check", row->id);
	json_value_set_str(o, "group", audit_group_titles[row->group]);
	json_value_set_str(o, "title", row->title);
	json_value_set_str(o, "result", audit_result_word(f->result));
	if (f->subject.len > 0)
		json_value_set_text(o, "subject", f->subject);
	json_value_set_text(o, "found", f->found);
	if (f->result != AUDIT_GOOD && f->result != AUDIT_UNKNOWN)
		json_value_set_str(o, "advice", row->advice);
	return o;
}

static void
set_time(struct json_value *o, const char *name, int64_t when)
{
	BUF_OWNED struct buf text = { .max = 64 };

	if (date_write_rfc3339(&text, when) == 0)
		json_value_set_text(o, name, buf_slice(&text));
}

static struct json_value *
certificate_json(const struct probe_seen *s)
{
	struct json_value *o = json_value_object();
	char pin[TLS_PIN_TEXT];

	json_value_set_str(o, "subject", s->peer.subject);
	json_value_set_str(o, "issuer", s->peer.issuer);
	json_value_set_str(o, "names", s->peer.names);
	set_time(o, "begins", s->begins);
	set_time(o, "ends", s->ends);
	json_value_set_str(o, "key", s->key);
	json_value_set_i64(o, "key_bits", s->key_bits);
	json_value_set_str(o, "signature", s->signature);
	json_value_set_i64(o, "chain_length", s->chain_length);
	json_value_set_bool(o, "covers_name", s->covers_name);
	json_value_set_bool(o, "authorities", s->chain_good);
	if (!s->chain_good)
		json_value_set_str(o, "authorities_why", s->chain_reason);
	json_value_set_bool(o, "dane", s->dane_good);
	tls_pin_text(s->peer.pin, pin);
	json_value_set_str(o, "pin", pin);
	return o;
}

static struct json_value *
versions_json(const struct audit_look *look)
{
	struct json_value *o = json_value_object();

	for (unsigned i = 0; i < AUDIT_VERSIONS; i++) {
		const char *name = probe_version_text((uint16_t)(PROBE_SSL_3_0 + i));

		if (look->versions[i] == AUDIT_NOT_KNOWN)
			json_value_set_null(o, name);
		else
			json_value_set_bool(o, name, look->versions[i] == AUDIT_YES);
	}
	return o;
}

static struct json_value *
tls_json(const struct audit_look *look)
{
	struct json_value *o = json_value_object(), *weak = json_value_list();
	char text[PROBE_SUITE_TEXT];

	json_value_set_str(o, "version", probe_version_text(look->seen.version));
	json_value_set_str(o, "cipher", look->seen.cipher);
	json_value_set_str(o, "group", look->seen.group);
	json_value_set_bool(o, "forward_secret", look->seen.forward_secret);
	if (!look->brief)
		json_value_set(o, "versions", versions_json(look));
	for (size_t i = 0; i < look->weak_count; i++)
		json_value_append_text(weak, slice_str(probe_suite_name(look->weak[i], text)));
	json_value_set(o, "weak_ciphers", weak);
	json_value_set(o, "certificate", certificate_json(&look->seen));
	return o;
}

static struct json_value *
look_json(const struct audit_look *look)
{
	struct json_value *o = json_value_object(), *hello = json_value_list();

	json_value_set_str(o, "address", look->address);
	json_value_set_i64(o, "port", look->port);
	json_value_set_bool(o, "reached", look->reached);
	if (look->failed.code != 0)
		json_value_set_str(o, "error", look->failed.text);
	json_value_set_str(o, "greeting", look->greeting);
	for (size_t i = 0; i < look->hello_count; i++)
		json_value_append_text(hello, slice_str(look->hello[i]));
	json_value_set(o, "hello", hello);
	json_value_set_bool(o, "starttls_offered", look->offered);
	json_value_set_bool(o, "starttls_accepted", look->accepted);
	if (look->tls)
		json_value_set(o, "tls", tls_json(look));
	else if (look->tls_failed.code != 0)
		json_value_set_str(o, "tls_error", look->tls_failed.text);
	return o;
}

static struct json_value *
host_json(const struct audit *a, const struct audit_host *h)
{
	static const char *const locks[] = { "unknown", "open", "loose", "closed" };
	struct json_value *o = json_value_object(), *looks = json_value_list(), *tlsa = json_value_list();

	json_value_set_str(o, "name", h->name);
	json_value_set_i64(o, "preference", h->preference);
	json_value_set_bool(o, "dnssec", h->secure);
	json_value_set_str(o, "lock", locks[audit_lock_of(a, h)]);
	for (size_t i = 0; i < h->tlsa_count; i++) {
		BUF_OWNED struct buf text = { .max = 4096 };

		if (dns_record_text(DNS_TLSA, h->tlsa[i], &text, NULL) == 0)
			json_value_append_text(tlsa, buf_slice(&text));
	}
	json_value_set(o, "tlsa", tlsa);
	for (size_t i = 0; i < h->look_count; i++)
		json_value_append(looks, look_json(&h->looks[i]));
	json_value_set(o, "addresses", looks);
	return o;
}

struct json_value *
audit_json(const struct audit *a)
{
	struct json_value *o = json_value_object(), *findings = json_value_list(), *hosts = json_value_list();

	json_value_set_text(o, "domain", a->settings->domain);
	set_time(o, "time", (int64_t)a->now);
	json_value_set_text(o, "verdict", a->verdict);
	for (size_t i = 0; i < a->finding_count; i++)
		json_value_append(findings, finding_json(&a->findings[i]));
	json_value_set(o, "findings", findings);
	for (size_t i = 0; i < a->host_count; i++)
		json_value_append(hosts, host_json(a, &a->hosts[i]));
	json_value_set(o, "hosts", hosts);
	return o;
}
