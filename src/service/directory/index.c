/* SPDX-License-Identifier: ISC */
/* Lists of certificates: for programs (HKP v1 and v2) and for people. */
#include "base/date.h"
#include "base/json.h"
#include "base/xml.h"
#include "http/form.h"
#include "openpgp/ids.h"
#include "openpgp/judge/verify.h"
#include "os/clock.h"
#include "service/directory/answer.h"
#include "service/directory/directory.h"

/* Each certificate, parsed and judged, to put. Returns how many there were. */
static size_t
each(struct web_call *call, void (*put)(void *out, const struct pgp_cert_judgement *j), void *out)
{
	uint64_t now = clock_unix();
	const struct pgp_policy policy = pgp_policy_default(now);
	size_t count = 0;

	for (size_t i = 0; i < call->found->count; i++) {
		struct pgp_cert_judgement j;
		struct pgp_cert *cert;
		size_t used;

		if (pgp_cert_parse(call->found->certificates[i], &cert, &used, NULL) != 0)
			continue;
		if (pgp_cert_judge(cert, &policy, now, &j, NULL) == 0) {
			put(out, &j);
			pgp_cert_judgement_done(&j);
			count++;
		}
		pgp_cert_free(cert);
	}
	return count;
}

static bool
is_revoked(enum pgp_standing s)
{
	return s == PGP_STANDING_REVOKED_HARD || s == PGP_STANDING_REVOKED_SOFT;
}

static uint64_t
user_expires(const struct pgp_component_judgement *c)
{
	return c->sig.len > 0 && c->parsed.expires != 0 ? (uint64_t)c->parsed.created + c->parsed.expires : 0;
}

/* ---- for programs, HKP v1 ---- */

/* RFC 9580 names the time 0 as none; HKP leaves the field empty. */
static void
put_time(struct buf *out, uint64_t seconds)
{
	if (seconds != 0)
		(void)buf_putf(out, "%llu", (unsigned long long)seconds);
	(void)buf_put_str(out, ":");
}

static const char *
flag_of(enum pgp_standing s)
{
	if (is_revoked(s))
		return "r";
	return s == PGP_STANDING_EXPIRED ? "e" : "";
}

/* pub:FINGERPRINT:ALGORITHM:BITS:CREATED:EXPIRES:FLAGS and its uid: lines. */
static void
put_machine(void *to, const struct pgp_cert_judgement *j)
{
	const struct pgp_key *key = j->cert->primary;
	struct buf *out = to;

	(void)buf_put_str(out, "pub:");
	(void)pgp_fingerprint_write(&key->fingerprint, out);
	(void)buf_putf(out, ":%u:%u:", key->algorithm, pgp_key_bits(key));
	put_time(out, key->created);
	put_time(out, j->components[0].expires);
	(void)buf_putf(out, "%s\n", flag_of(j->standing));
	for (size_t i = 0; i < j->count; i++) {
		const struct pgp_component_judgement *c = &j->components[i];

		if (c->component->kind != PGP_COMPONENT_USER_ID)
			continue;
		(void)buf_put_str(out, "uid:");
		(void)http_percent_encode(c->component->packet.body, out);
		(void)buf_put_str(out, ":");
		put_time(out, c->sig.len > 0 ? c->parsed.created : 0);
		put_time(out, user_expires(c));
		(void)buf_putf(out, "%s\n", flag_of(c->standing));
	}
}

void
directory_index_machine(struct web_call *call)
{
	BUF_OWNED struct buf entries = { 0 };
	size_t count;

	buf_init(&entries, WEB_ANSWER_MAX);
	count = each(call, put_machine, &entries);
	(void)buf_putf(&call->answer, "info:1:%zu\n", count);
	/* Clients pass over lines that they do not know. */
	if (call->found->query.by == DIRECTORY_BY_SHORT_ID)
		(void)buf_put_str(
		    &call->answer, "# Anybody can make a key with these 8 digits: compare the whole fingerprint.\n");
	(void)buf_put_slice(&call->answer, buf_slice(&entries));
	if (call->found->more)
		(void)buf_putf(&call->answer, "# only the first %zu are shown\n", call->found->count);
	web_call_finish(call, 200, DIRECTORY_TYPE_TEXT);
}

/* ---- for people ---- */

static void
put_day(struct buf *out, uint64_t seconds)
{
	size_t start = out->len;

	(void)buf_put_str(out, "<td>");
	start = out->len;
	if (seconds != 0 && date_write_rfc3339(out, (int64_t)seconds) == 0)
		buf_truncate(out, start + 10);
}

static void
put_html_users(struct buf *out, const struct pgp_cert_judgement *j)
{
	(void)buf_put_str(out, "<td>");
	for (size_t i = 0; i < j->count; i++) {
		const struct pgp_component_judgement *c = &j->components[i];

		if (c->component->kind != PGP_COMPONENT_USER_ID)
			continue;
		(void)xml_put_text(out, c->component->packet.body);
		(void)buf_put_str(out, is_revoked(c->standing) ? " (revoked)<br>" : "<br>");
	}
}

static void
put_html(void *to, const struct pgp_cert_judgement *j)
{
	const struct pgp_key *key = j->cert->primary;
	struct buf *out = to;

	(void)buf_put_str(out, "<tr><td><a href=\"/pks/lookup?op=get&amp;search=0x");
	(void)pgp_fingerprint_write(&key->fingerprint, out);
	(void)buf_put_str(out, "\"><code>");
	(void)pgp_fingerprint_write(&key->fingerprint, out);
	(void)buf_put_str(out, "</code></a>");
	put_html_users(out, j);
	put_day(out, key->created);
	put_day(out, j->components[0].expires);
	(void)buf_putf(out, "<td>%s\n",
	    is_revoked(j->standing)                   ? "revoked"
		: j->standing == PGP_STANDING_EXPIRED ? "expired"
						      : "");
}

void
directory_index_html(struct web_call *call)
{
	struct buf *out = &call->answer;

	(void)buf_put_str(out,
	    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Key directory</title>\n"
	    "<h1>Certificates that match</h1>\n");
	if (call->found->query.by == DIRECTORY_BY_SHORT_ID)
		(void)buf_put_str(out,
		    "<p><strong>Anybody can make a key with these 8 digits. Compare the whole fingerprint.</strong>\n");
	(void)buf_put_str(out, "<table>\n<tr><th>Fingerprint<th>User IDs<th>Made<th>Expires<th>\n");
	(void)each(call, put_html, out);
	(void)buf_put_str(out, "</table>\n");
	if (call->found->more)
		(void)buf_putf(out, "<p>Only the first %zu are shown.\n", call->found->count);
	(void)buf_put_str(out, "</html>\n");
	web_call_finish(call, 200, "text/html; charset=utf-8");
}

/* ---- for programs, HKP v2 (draft-ietf-openpgp-hkp 7.1.1) ---- */

static void
set_time(struct json_value *v, const char *name, uint64_t seconds)
{
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, 32);
	if (seconds != 0 && date_write_rfc3339(&text, (int64_t)seconds) == 0)
		json_value_set_text(v, name, buf_slice(&text));
}

static struct json_value *
json_key(const struct pgp_key *key, const struct pgp_component_judgement *c)
{
	struct json_value *v = json_value_object(), *algorithm = json_value_object();
	BUF_OWNED struct buf hex = { 0 };

	buf_init(&hex, 80);
	(void)pgp_fingerprint_write(&key->fingerprint, &hex);
	for (size_t i = 0; i < hex.len; i++)
		hex.data[i] = ascii_lower(hex.data[i]);
	json_value_set_i64(v, "version", key->version);
	json_value_set_text(v, "fingerprint", buf_slice(&hex));
	set_time(v, "creation", key->created);
	set_time(v, "expiration", c->expires);
	json_value_set_bool(v, "isRevoked", is_revoked(c->standing));
	json_value_set_i64(algorithm, "code", key->algorithm);
	json_value_set_str(algorithm, "name", pgp_algorithm_name(key->algorithm));
	json_value_set_i64(algorithm, "bitLength", pgp_key_bits(key));
	json_value_set(v, "algorithm", algorithm);
	return v;
}

static struct json_value *
json_user(const struct pgp_component_judgement *c)
{
	struct json_value *v = json_value_object();

	json_value_set_text(v, "uidString", c->component->packet.body);
	set_time(v, "creation", c->sig.len > 0 ? c->parsed.created : 0);
	set_time(v, "expiration", user_expires(c));
	json_value_set_bool(v, "isRevoked", is_revoked(c->standing));
	return v;
}

static void
put_json(void *to, const struct pgp_cert_judgement *j)
{
	struct json_value *cert = json_key(j->cert->primary, &j->components[0]), *users = json_value_list(),
			  *subkeys = json_value_list();

	for (size_t i = 0; i < j->count; i++) {
		const struct pgp_component_judgement *c = &j->components[i];

		if (c->component->kind == PGP_COMPONENT_USER_ID)
			json_value_append(users, json_user(c));
		else if (c->component->kind == PGP_COMPONENT_SUBKEY && c->component->key != NULL)
			json_value_append(subkeys, json_key(c->component->key, c));
	}
	json_value_set(cert, "userIDs", users);
	json_value_set(cert, "subkeys", subkeys);
	json_value_append(to, cert);
}

void
directory_index_json(struct web_call *call)
{
	struct json_value *list = json_value_list();
	struct error e;
	int rc;

	(void)each(call, put_json, list);
	rc = json_value_write(list, false, &call->answer, &e);
	json_value_free(list);
	(void)buf_put_str(&call->answer, "\n");
	if (rc != 0)
		web_call_fail(call, &e);
	else
		web_call_finish(call, 200, "application/json");
}
