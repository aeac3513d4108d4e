/* SPDX-License-Identifier: ISC */
/*
 * Web Key Directory (draft-koch-openpgp-webkey-service section 3.1): the
 * advanced method, and the direct one only where there is no host openpgpkey.
 */
#include "base/idn.h"
#include "net/fetch.h"
#include "trust/find/find_internal.h"
#include "trust/pages/pages.h"

#define URL_MAX 2048u
#define REDIRECTS 3u
#define HTTP_OK 200u

struct wkd {
	struct slice local;
	struct buf domain; /* A-labels */
	struct buf hash;   /* 32 characters */
};

static void
put_url(const struct wkd *w, bool advanced, struct buf *out)
{
	int n = (int)w->domain.len;
	const char *domain = (const char *)w->domain.data;

	if (advanced)
		(void)buf_putf(out, "https://openpgpkey.%.*s/.well-known/openpgpkey/%.*s/hu/", n, domain, n, domain);
	else
		(void)buf_putf(out, "https://%.*s/.well-known/openpgpkey/hu/", n, domain);
	(void)buf_put_slice(out, buf_slice(&w->hash));
	(void)buf_put_str(out, "?l=");
	find_escape(out, w->local);
	(void)buf_put_u8(out, 0);
}

static int
ask(struct finding *f, const struct wkd *w, bool advanced, struct error *e)
{
	BUF_OWNED struct buf url = { .max = URL_MAX }, answer = { .max = TRUST_ANSWER_MAX };
	const struct find_web *web = &f->place->web;
	struct find_from from = { .source = FIND_WKD, .origin = TRUST_WKD, .only = f->query->text };
	struct fetch_request r = { .proxy = web->proxy,
		.ca_file = web->ca_file,
		.resolve = web->resolve,
		.timeout_ms = web->timeout_ms == 0 ? FIND_TIMEOUT_MS : web->timeout_ms,
		.redirects = REDIRECTS };
	unsigned status = 0;
	size_t taken = 0;
	int rc;

	put_url(w, advanced, &url);
	if (url.err != 0)
		return error_set(e, url.err, "this address is too long for a Web Key Directory");
	r.url = (const char *)url.data;
	from.where = slice_str(r.url);
	find_say(f, "asking", from.where);
	rc = fetch(&r, &answer, &status, e);
	if (rc != 0 || status != HTTP_OK)
		return rc;
	return find_take(f, &from, buf_slice(&answer), &taken, e);
}

int
find_wkd(struct finding *f, struct error *e)
{
	struct wkd w = { .domain = { .max = 255 }, .hash = { .max = 100 } };
	struct slice domain;
	int rc = 0;

	if (!find_split_address(f->query->text, &w.local, &domain))
		return 0;
	if (idn_to_ascii(domain, &w.domain, e) != 0)
		rc = error_set(e, ERR_USAGE, "the address's domain is none");
	if (rc == 0)
		rc = trust_pages_hash(w.local, &w.hash, e);
	if (rc == 0)
		rc = ask(f, &w, true, e);
	/* A host that does not answer is no reason to fall back, only one that does not exist. */
	if (rc == ERR_NOT_FOUND)
		rc = ask(f, &w, false, e);
	buf_done(&w.domain);
	buf_done(&w.hash);
	return rc == ERR_NOT_FOUND ? 0 : rc; /* no such domain has no directory either */
}
