/* SPDX-License-Identifier: ISC */
#include "trust/lookup.h"

#include <string.h>

#include "net/fetch.h"
#include "openpgp/frame/armor.h"
#include "openpgp/judge/verify.h"

#define URL_MAX 2048u
#define REPLY_MAX 4096u

#define HTTP_OK 200u
#define HTTP_NOT_FOUND 404u

/* RFC 3986 section 2.1: all but the unreserved characters. */
static void
put_escaped(struct buf *out, struct slice in)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i], l = ascii_lower(c);

		if ((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c) != NULL))
			(void)buf_put_u8(out, c);
		else
			(void)buf_putf(out, "%%%02X", c);
	}
}

static void
put_origin(struct buf *out, const struct trust_directory *d)
{
	bool v6 = strchr(d->host, ':') != NULL;

	(void)buf_putf(out, "https://%s%s%s:%u", v6 ? "[" : "", d->host, v6 ? "]" : "", d->port);
}

/* ---- asking ---- */

struct question {
	struct trust_store *store;
	const struct trust_directory *directory;
	struct slice address;
	const struct pgp_policy *policy;
};

/* Binary of all versions (HKP v2), and what older servers have (v1). */
static const char *const paths[] = { "/pks/v2/certs/by-identity/", "/pks/lookup?op=get&options=mr&search=" };

static int
ask(const struct question *q, const char *path, struct buf *answer, unsigned *status, struct error *e)
{
	BUF_OWNED struct buf url = { .max = URL_MAX };
	struct fetch_request request = { .pin = q->directory->pin };

	put_origin(&url, q->directory);
	(void)buf_put_str(&url, path);
	put_escaped(&url, q->address);
	(void)buf_put_u8(&url, 0);
	if (url.err != 0)
		return error_set(e, url.err, "the address is too long to ask for");
	request.url = (const char *)url.data;
	return fetch(&request, answer, status, e);
}

/* A valid user ID of the address, and a key to encrypt to. */
static bool
fits(const struct question *q, const struct pgp_cert *c)
{
	const struct pgp_key *key;
	struct pgp_cert_judgement j;
	bool found = false;

	if (pgp_cert_judge(c, q->policy, q->policy->now, &j, NULL) != 0)
		return false;
	for (size_t i = 0; i < j.count && !found; i++) {
		const struct pgp_component *k = j.components[i].component;

		found = k->kind == PGP_COMPONENT_USER_ID && j.components[i].standing == PGP_STANDING_GOOD &&
		    slice_ieq(pgp_user_id_address(k->packet.body), q->address);
	}
	found = found && pgp_judged_keys_for(&j, q->policy, PGP_FLAG_ENCRYPT, &key, 1, NULL) == 1;
	pgp_cert_judgement_done(&j);
	return found;
}

/* A directory counts as the address's own only for the domain that it serves. */
static enum trust_origin
origin_for(const struct question *q)
{
	size_t at = slice_find_last(q->address, '@');

	if (q->directory->domain == NULL ||
	    (at != SIZE_MAX && slice_ieq_str(slice_from(q->address, at + 1), q->directory->domain)))
		return TRUST_DIRECTORY;
	return TRUST_KEYSERVER;
}

static int
keep(const struct question *q, const struct pgp_certs *certs, size_t *kept, struct error *e)
{
	BUF_OWNED struct buf from = { .max = TRUST_FROM_MAX };
	struct trust_put put = { .origin = origin_for(q), .policy = *q->policy };
	int rc = 0;

	put_origin(&from, q->directory);
	put.from = buf_slice(&from);
	for (size_t i = 0; i < size_min(certs->count, TRUST_CANDIDATES_MAX) && rc == 0; i++) {
		put.cert = certs->items[i];
		if (!fits(q, put.cert))
			continue;
		rc = trust_store_put(q->store, &put, NULL, e);
		*kept += rc == 0;
	}
	return rc;
}

static int
ask_one_way(const struct question *q, const char *path, size_t *kept, struct error *e)
{
	BUF_OWNED struct buf answer = { .max = TRUST_ANSWER_MAX };
	struct pgp_certs certs = { 0 };
	unsigned status = 0;
	int rc = ask(q, path, &answer, &status, e);

	if (rc != 0 || status != HTTP_OK)
		return rc;
	if (pgp_certs_parse(buf_slice(&answer), &certs, NULL) == 0)
		rc = keep(q, &certs, kept, e);
	pgp_certs_done(&certs);
	return rc;
}

static int
ask_directory(const struct question *q, struct error *e)
{
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; i < sizeof paths / sizeof paths[0] && rc == 0 && kept == 0; i++)
		rc = ask_one_way(q, paths[i], &kept, e);
	return rc;
}

int
trust_lookup(struct trust_store *s, const struct trust_directory *d, struct slice address, bool ask_again,
    const struct pgp_policy *policy, const struct trust_entry **entry_out, struct error *e)
{
	const struct question q = { .store = s, .directory = d, .address = address, .policy = policy };
	const struct trust_entry *entry = trust_store_choose(s, address, NULL);
	int rc = 0;

	if (d->host != NULL && (entry == NULL || ask_again))
		rc = ask_directory(&q, e);
	entry = trust_store_choose(s, address, NULL);
	*entry_out = entry;
	if (entry != NULL)
		return 0;
	if (rc != 0)
		return rc;
	return error_set(e, ERR_NOT_FOUND, "no certificate of %.*s is known here or in the directory",
	    (int)size_min(address.len, 100), address.len == 0 ? "" : (const char *)address.data);
}

/* ---- publishing ---- */

static int
post(const struct trust_directory *d, struct slice body, const char *user, const char *password, struct error *e)
{
	BUF_OWNED struct buf url = { .max = URL_MAX };
	BUF_OWNED struct buf reply = { .max = REPLY_MAX };
	struct fetch_request request = { .body = body,
		.content_type = "application/x-www-form-urlencoded",
		.user = user,
		.password = password,
		.pin = d->pin };
	unsigned status = 0;
	int rc;

	put_origin(&url, d);
	(void)buf_put(&url, "/pks/add", sizeof "/pks/add");
	if (url.err != 0)
		return error_set(e, url.err, "the directory's name is too long");
	request.url = (const char *)url.data;
	rc = fetch(&request, &reply, &status, e);
	if (rc != 0)
		return rc;
	if (status >= 200 && status < 300)
		return 0;
	return error_set(e, status == HTTP_NOT_FOUND ? ERR_UNSUPPORTED : ERR_DENIED,
	    "the directory did not take the certificate (HTTP status %u)", status);
}

int
trust_publish(const struct trust_directory *d, const struct pgp_cert *cert, const char *user, const char *password,
    struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX };
	BUF_OWNED struct buf armored = { .max = 2 * TRUST_CERT_MAX };
	BUF_OWNED struct buf body = { .max = 6 * TRUST_CERT_MAX };
	int rc = pgp_cert_write_public(cert, &bytes);

	if (rc == 0)
		rc = pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, cert->primary->version == 4, buf_slice(&bytes), &armored, e);
	(void)buf_put_str(&body, "keytext=");
	put_escaped(&body, buf_slice(&armored));
	if (rc != 0 || body.err != 0)
		return error_set(e, ERR_LIMIT, "this certificate is too large to be published");
	return post(d, buf_slice(&body), user, password, e);
}
