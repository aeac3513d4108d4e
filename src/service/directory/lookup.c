/* SPDX-License-Identifier: ISC */
/* Look-ups: HKP v1 and v2 and the Web Key Directory. All on a worker: parsing, and reads that wait for the store. */
#include <string.h>

#include "base/zbase32.h"
#include "crypto/hash.h"
#include "http/form.h"
#include "openpgp/frame/armor.h"
#include "openpgp/judge/verify.h"
#include "os/clock.h"
#include "service/web/autoconfig.h"
#include "service/directory/directory.h"
#include "service/web/call.h"
#include "service/directory/query.h"
#include "store/store.h"

#define TYPE_ARMORED "application/pgp-keys"
#define TYPE_BINARY "application/octet-stream"

static int
find(struct web_call *call, uint32_t by, struct slice value, struct store_certificates *found, struct error *e)
{
	const struct store_certificate_find request = { .by = by, .value = value, .limit = DIRECTORY_MATCHES_MAX };

	return store_certificate_find(call->service->ports.store, &request, &call->arena, found, e);
}

/* Leaves only those of one version; 0 for all. ERR_NOT_FOUND when none is left. */
static int
only_version(struct store_certificates *found, uint32_t version, struct error *e)
{
	size_t n = 0;

	for (size_t i = 0; i < found->certificate_count; i++)
		if (version == 0 || found->certificates[i].version == version)
			found->certificates[n++] = found->certificates[i];
	found->certificate_count = n;
	return n > 0 ? 0 : error_set(e, ERR_NOT_FOUND, "No certificate here matches.");
}

/* ---- HKP v1: index ---- */

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
	if (s == PGP_STANDING_REVOKED_HARD || s == PGP_STANDING_REVOKED_SOFT)
		return "r";
	return s == PGP_STANDING_EXPIRED ? "e" : "";
}

static void
put_index_users(struct buf *out, const struct pgp_cert_judgement *j)
{
	for (size_t i = 0; i < j->count; i++) {
		const struct pgp_component_judgement *c = &j->components[i];

		if (c->component->kind != PGP_COMPONENT_USER_ID)
			continue;
		(void)buf_put_str(out, "uid:");
		(void)http_percent_encode(c->component->packet.body, out);
		(void)buf_put_str(out, ":");
		put_time(out, c->sig.len > 0 ? c->parsed.created : 0);
		put_time(out,
		    c->sig.len > 0 && c->parsed.expires != 0 ? (uint64_t)c->parsed.created + c->parsed.expires : 0);
		(void)buf_putf(out, "%s\n", flag_of(c->standing));
	}
}

/* pub:FINGERPRINT:ALGORITHM:BITS:CREATED:EXPIRES:FLAGS and its uid: lines. */
static void
put_index_entry(struct buf *out, const struct pgp_cert_judgement *j)
{
	const struct pgp_key *key = j->cert->primary;

	(void)buf_put_str(out, "pub:");
	(void)pgp_fingerprint_write(&key->fingerprint, out);
	(void)buf_putf(out, ":%u:%u:", key->algorithm, pgp_key_bits(key));
	put_time(out, key->created);
	put_time(out, j->components[0].expires);
	(void)buf_putf(out, "%s\n", flag_of(j->standing));
	put_index_users(out, j);
}

static void
put_index(struct web_call *call, const struct store_certificates *found)
{
	uint64_t now = clock_unix();
	const struct pgp_policy policy = pgp_policy_default(now);
	struct buf entries;
	size_t count = 0;

	buf_init(&entries, WEB_ANSWER_MAX);
	for (size_t i = 0; i < found->certificate_count; i++) {
		struct pgp_cert_judgement j;
		struct pgp_cert *cert;
		size_t used;

		if (pgp_cert_parse(found->certificates[i].data, &cert, &used, NULL) != 0)
			continue;
		if (pgp_cert_judge(cert, &policy, now, &j, NULL) == 0) {
			put_index_entry(&entries, &j);
			pgp_cert_judgement_done(&j);
			count++;
		}
		pgp_cert_free(cert);
	}
	(void)buf_putf(&call->answer, "info:1:%zu\n", count);
	(void)buf_put_slice(&call->answer, buf_slice(&entries));
	if (found->more)
		(void)buf_putf(&call->answer, "# only the first %u are shown\n", DIRECTORY_MATCHES_MAX);
	buf_done(&entries);
}

/* ---- HKP v1: get ---- */

static int
put_armored(struct web_call *call, const struct store_certificates *found, struct error *e)
{
	struct buf binary;
	int rc;

	buf_init(&binary, WEB_ANSWER_MAX);
	for (size_t i = 0; i < found->certificate_count; i++)
		(void)buf_put_slice(&binary, found->certificates[i].data);
	rc = binary.err;
	if (rc == 0)
		rc = pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, true, buf_slice(&binary), &call->answer, e);
	buf_done(&binary);
	return rc;
}

static void
work_lookup(struct web_call *call)
{
	static const uint32_t by[] = {
		[DIRECTORY_BY_FINGERPRINT] = STORE_BY_FINGERPRINT,
		[DIRECTORY_BY_KEY_ID] = STORE_BY_KEY_ID,
		[DIRECTORY_BY_ADDRESS] = STORE_BY_ADDRESS,
		[DIRECTORY_BY_TEXT] = STORE_BY_TEXT,
	};
	struct store_certificates found;
	struct directory_query q;
	struct error e;
	BUF_OWNED struct buf text = { 0 };
	int rc;

	buf_init(&text, 3 * DIRECTORY_SEARCH_MAX);
	rc = directory_query_parse(call->query, &text, &q, &e);
	if (rc == 0)
		rc = find(call, by[q.by], q.octet_count > 0 ? slice_of(q.octets, q.octet_count) : q.text, &found, &e);
	if (rc == 0)
		rc = only_version(&found, 4, &e);
	if (rc == 0 && q.op == DIRECTORY_GET)
		rc = put_armored(call, &found, &e);
	else if (rc == 0)
		put_index(call, &found);
	if (rc != 0)
		web_call_fail(call, &e);
	else
		web_call_finish(call, 200, q.op == DIRECTORY_GET ? TYPE_ARMORED : "text/plain; charset=utf-8");
}

void
directory_lookup(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_lookup);
}

/* ---- HKP v2, in part ---- */

static void
answer_binary(struct web_call *call, const struct store_certificates *found, const char *type)
{
	for (size_t i = 0; i < found->certificate_count; i++)
		(void)buf_put_slice(&call->answer, found->certificates[i].data);
	web_call_finish(call, 200, type);
}

static int
find_by_path(struct web_call *call, struct slice text, struct store_certificates *found, struct error *e)
{
	const struct slice fingerprint = SLICE("by-vfingerprint/"), identity = SLICE("by-identity/");
	struct pgp_fingerprint f;

	if (slice_starts(text, fingerprint)) {
		/* Two digits of version stand before the fingerprint. */
		int rc = pgp_fingerprint_parse(slice_from(text, fingerprint.len + 2), &f, e);

		return rc != 0 ? rc : find(call, STORE_BY_FINGERPRINT, slice_of(f.bytes, f.len), found, e);
	}
	if (slice_starts(text, identity))
		return find(call, STORE_BY_ADDRESS, directory_query_address(slice_from(text, identity.len)), found, e);
	return error_set(e, ERR_NOT_FOUND, "There is nothing here.");
}

static void
work_certificate(struct web_call *call)
{
	struct store_certificates found;
	struct error e;
	BUF_OWNED struct buf text = { 0 };
	int rc;

	buf_init(&text, 1024);
	rc = http_percent_decode(slice_from(call->path, strlen("/pks/v2/certs/")), false, &text, &e);
	if (rc == 0)
		rc = find_by_path(call, buf_slice(&text), &found, &e);
	if (rc == 0)
		rc = only_version(&found, 0, &e);
	if (rc != 0)
		web_call_fail(call, &e);
	else
		answer_binary(call, &found, TYPE_ARMORED);
}

void
directory_certificate(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_certificate);
}

/* ---- Web Key Directory ---- */

/* The domain of the advanced path, or of the Host field without its port. */
static struct slice
wkd_domain(struct web_call *call, struct slice *rest)
{
	if (slice_starts(*rest, SLICE("hu/")) || slice_eq_str(*rest, "policy"))
		return autoconfig_host_name(call->host);
	return slice_split(*rest, '/', rest);
}

/* Whether hash names this local part: z-base-32 of SHA-1 of it in lower case (draft-koch 3.1). */
static bool
wkd_hash_is(struct slice hash, struct slice local)
{
	uint8_t digest[HASH_SIZE_MAX];
	BUF_OWNED struct buf lower = { 0 }, text = { 0 };
	bool same;

	buf_init(&lower, DIRECTORY_SEARCH_MAX);
	buf_init(&text, 64);
	for (size_t i = 0; i < local.len; i++)
		(void)buf_put_u8(&lower, ascii_lower(local.data[i]));
	same = lower.err == 0 && hash_once(HASH_SHA1, buf_slice(&lower), digest, NULL) == 0 &&
	    zbase32_write(&text, slice_of(digest, hash_size(HASH_SHA1))) == 0 && slice_eq(buf_slice(&text), hash);
	return same;
}

static int
wkd_find(
    struct web_call *call, struct slice hash, struct slice domain, struct store_certificates *found, struct error *e)
{
	BUF_OWNED struct buf address = { 0 };
	int rc;

	buf_init(&address, DIRECTORY_SEARCH_MAX);
	rc = http_form_value(call->query, "l", &address, e);
	if (rc == 0 && !wkd_hash_is(hash, buf_slice(&address)))
		rc = error_set(e, ERR_NOT_FOUND, "The name does not fit its hash.");
	(void)buf_put_str(&address, "@");
	(void)buf_put_slice(&address, domain);
	if (rc == 0 && address.err != 0)
		rc = error_set(e, ERR_NOT_FOUND, "Nobody has so long a name.");
	if (rc == 0)
		rc = find(call, STORE_BY_ADDRESS, buf_slice(&address), found, e);
	return rc != 0 ? rc : only_version(found, 4, e);
}

/* draft-koch 4.5: the file has to be there, and may be empty. Who asks there looks for a domain's directory: ours, or none. */
static void
answer_policy(struct web_call *call, struct slice domain)
{
	const struct store_address_find request = { .address = arena_printf(&call->arena, "policy@%.*s",
							(int)domain.len, (const char *)domain.data) };
	struct store_address_found found = { 0 };

	if (!slice_ieq(domain, call->service->settings.hostname) && request.address.len <= STORE_ADDRESS_MAX)
		(void)store_address_find(call->service->ports.store, &request, &call->arena, &found, NULL);
	if (found.domain_known || slice_ieq(domain, call->service->settings.hostname))
		web_call_finish(call, 200, "text/plain");
	else
		web_call_say(call, 404, "There is nothing here.");
}

static void
work_wkd(struct web_call *call)
{
	struct slice rest = slice_from(call->path, strlen("/.well-known/openpgpkey/"));
	struct slice domain = wkd_domain(call, &rest);
	struct store_certificates found;
	struct error e;

	if (slice_eq_str(rest, "policy"))
		answer_policy(call, domain);
	else if (!slice_starts(rest, SLICE("hu/")))
		web_call_say(call, 404, "There is nothing here.");
	else if (wkd_find(call, slice_from(rest, 3), domain, &found, &e) != 0)
		web_call_fail(call, &e);
	else
		answer_binary(call, &found, TYPE_BINARY);
}

void
directory_wkd(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_wkd);
}
