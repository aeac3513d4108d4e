/* SPDX-License-Identifier: ISC */
#include "net/fetch.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "net/curl_late.h"
#include "net/tls.h"
#include "os/clock.h"

#define FETCH_TIMEOUT_MS 30000
#define FETCH_HEADER_MAX 4096u
#define FETCH_URL_MAX 8192u

/* An option libcurl refuses must not be missing silently: the first failure stays. */
#define SET(option, value) \
	do { \
		if (rc == CURLE_OK) \
			rc = late->easy_setopt(curl, (option), (value)); \
	} while (0)

static size_t
on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct buf *body = ctx;

	return buf_put(body, data, size * count) == 0 ? size * count : 0;
}

/* One more line of the request's header; the list is NULL when there is no memory. */
static bool
add_header(const struct curl_late *late, struct curl_slist **headers, const char *name, const char *value)
{
	BUF_OWNED struct buf line = { .max = FETCH_HEADER_MAX };
	struct curl_slist *longer;

	(void)buf_putf(&line, "%s: %s", name, value);
	(void)buf_put_u8(&line, 0);
	/* A token from a letter or a server must not begin a line of its own. */
	if (line.err != 0 || strpbrk(value, "\r\n") != NULL)
		return false;
	longer = late->slist_append(*headers, (const char *)line.data);
	if (longer != NULL)
		*headers = longer;
	return longer != NULL;
}

static CURLcode
set_headers(const struct curl_late *late, CURL *curl, const struct fetch_request *r, struct curl_slist **headers)
{
	BUF_OWNED struct buf bearer = { .max = FETCH_HEADER_MAX };
	CURLcode rc = CURLE_OK;
	bool good = true;

	if (r->content_type != NULL)
		good = add_header(late, headers, "Content-Type", r->content_type);
	if (r->accept != NULL)
		good = good && add_header(late, headers, "Accept", r->accept);
	if (r->bearer != NULL) {
		(void)buf_putf(&bearer, "Bearer %s", r->bearer);
		(void)buf_put_u8(&bearer, 0);
		good = good && bearer.err == 0 && add_header(late, headers, "Authorization", (const char *)bearer.data);
	}
	if (!good)
		return CURLE_BAD_FUNCTION_ARGUMENT;
	if (*headers != NULL)
		SET(CURLOPT_HTTPHEADER, *headers);
	return rc;
}

static CURLcode
set_body(const struct curl_late *late, CURL *curl, const struct fetch_request *r)
{
	CURLcode rc = CURLE_OK;

	if (r->content_type != NULL) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
		SET(CURLOPT_POSTFIELDS, r->body.len == 0 ? "" : (const char *)r->body.data);
	}
	if (r->method != NULL)
		SET(CURLOPT_CUSTOMREQUEST, r->method);
	return rc;
}

static CURLcode
set_trust(const struct curl_late *late, CURL *curl, const struct fetch_request *r)
{
	char pin[16 + 48] = "sha256//";
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (r->authorities.len > 0) {
		struct curl_blob blob = { .data = (void *)(uintptr_t)r->authorities.data, .len = r->authorities.len };

		SET(CURLOPT_CAINFO_BLOB, &blob);
		SET(CURLOPT_CAPATH, NULL);
	} else if (r->ca_file != NULL) {
		SET(CURLOPT_CAINFO, r->ca_file);
	}
	if (r->pin.len == 0)
		return rc;
	if (r->pin.len != TLS_PIN_SIZE)
		return CURLE_BAD_FUNCTION_ARGUMENT;
	/* The pin alone decides: libcurl checks it also when it does not check the chain. */
	(void)EVP_EncodeBlock((unsigned char *)pin + 8, r->pin.data, TLS_PIN_SIZE);
	SET(CURLOPT_PINNEDPUBLICKEY, pin);
	SET(CURLOPT_SSL_VERIFYPEER, 0L);
	SET(CURLOPT_SSL_VERIFYHOST, 0L);
	return rc;
}

static CURLcode
set_options(const struct curl_late *late, CURL *curl, const struct fetch_request *r, struct buf *body)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_PROTOCOLS_STR, r->allow_http ? "https,http" : "https");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, r->proxy == NULL ? "" : r->proxy);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_USERAGENT, "letterlock");
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, body);
	if (r->user != NULL) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERNAME, r->user);
		SET(CURLOPT_PASSWORD, r->password == NULL ? "" : r->password);
	}
	return rc;
}

static int
failure(const struct curl_late *late, CURLcode code, const char *url, const struct buf *body, const char *text,
    struct error *e)
{
	static const struct {
		CURLcode curl;
		int ours;
	} codes[] = {
		{ CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT },
		{ CURLE_UNSUPPORTED_PROTOCOL, ERR_USAGE },
		{ CURLE_URL_MALFORMAT, ERR_USAGE },
		{ CURLE_COULDNT_RESOLVE_HOST, ERR_NOT_FOUND },
		{ CURLE_BAD_FUNCTION_ARGUMENT, ERR_USAGE },
		{ CURLE_PEER_FAILED_VERIFICATION, ERR_TLS },
		{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_TLS },
		{ CURLE_SSL_CONNECT_ERROR, ERR_TLS },
		{ CURLE_SSL_CACERT_BADFILE, ERR_TLS },
		{ CURLE_OUT_OF_MEMORY, ERR_NOMEM },
	};
	int ours = ERR_NET;

	if (body->err == ERR_LIMIT)
		return error_set(e, ERR_LIMIT, "the answer of %s is larger than %zu octets", url, body->max);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].curl == code)
			ours = codes[i].ours;
	return error_set(e, ours, "%s: %s", url, text[0] == '\0' ? late->easy_strerror(code) : text);
}

/* One request that is under way, and those that a redirect makes of it. */
struct fetching {
	const struct curl_late *late;
	CURL *curl;
	struct curl_slist *headers, *resolve;
	const struct fetch_request *request;
	struct buf url; /* NUL-terminated */
	char text[CURL_ERROR_SIZE];
};

static CURLcode
prepare(struct fetching *f, struct buf *body)
{
	const struct fetch_request *r = f->request;
	const struct curl_late *late = f->late;
	CURL *curl = f->curl;
	CURLcode rc = set_options(late, curl, r, body);

	SET(CURLOPT_ERRORBUFFER, f->text);
	if (r->resolve != NULL) {
		f->resolve = late->slist_append(NULL, r->resolve);
		SET(CURLOPT_RESOLVE, f->resolve);
	}
	if ((r->user != NULL || r->bearer != NULL) && r->allow_http && strncmp(r->url, "https:", 6) != 0)
		return CURLE_UNSUPPORTED_PROTOCOL; /* a password never goes in clear */
	if (rc == CURLE_OK)
		rc = set_trust(late, curl, r);
	if (rc == CURLE_OK)
		rc = set_headers(late, curl, r, &f->headers);
	return rc == CURLE_OK ? set_body(late, curl, r) : rc;
}

/* "https://host:port" of a URL, without a user's name in it. */
static struct slice
url_origin(struct slice url)
{
	size_t slashes = slice_search(url, SLICE("://")), end;

	if (slashes == SIZE_MAX)
		return SLICE_EMPTY;
	for (end = slashes + 3; end < url.len && memchr("/?#", url.data[end], 3) == NULL; end++)
		;
	return slice_sub(url, 0, end);
}

/* Where a redirect leads, when it may be followed: f->url is that then. */
static int
follow(struct fetching *f, const char *to, struct error *e)
{
	struct slice from = url_origin(slice_str((const char *)f->url.data)), target = url_origin(slice_str(to));
	bool same = slice_ieq(from, target);

	if (slice_find(target, '@') != SIZE_MAX || (!slice_istarts(target, SLICE("https://")) && !same))
		return error_set(e, ERR_POLICY, "a redirect that is not https is not followed: %.200s", to);
	if (!same && (!f->request->other_hosts || f->request->user != NULL || f->request->bearer != NULL))
		return error_set(e, ERR_POLICY, "a redirect to another host, %.*s, is not followed",
		    (int)size_min(target.len, 200), (const char *)target.data);
	buf_clear(&f->url);
	(void)buf_put_str(&f->url, to);
	(void)buf_put_u8(&f->url, 0);
	return f->url.err == 0 ? 0 : error_set(e, ERR_LIMIT, "a redirect leads to an address that is too long");
}

/* One step: *again says that there is a redirect to follow. */
static int
step(struct fetching *f, int64_t ends_ms, struct buf *body, unsigned *status_out, const char **to, struct error *e)
{
	const struct curl_late *late = f->late;
	CURL *curl = f->curl;
	CURLcode rc = CURLE_OK;
	int64_t left = ends_ms - clock_ms();
	size_t kept = body->len;
	long status = 0;

	*to = NULL;
	SET(CURLOPT_URL, (const char *)f->url.data);
	SET(CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
	if (rc == CURLE_OK)
		rc = late->easy_perform(curl);
	(void)late->easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (rc != CURLE_OK)
		return failure(late, rc, (const char *)f->url.data, body, f->text, e);
	*status_out = (unsigned)status;
	if (f->request->redirects > 0 && f->request->content_type == NULL)
		(void)late->easy_getinfo(curl, CURLINFO_REDIRECT_URL, to);
	if (*to != NULL)
		buf_truncate(body, kept);
	return 0;
}

static int
run(struct fetching *f, struct buf *body, unsigned *status_out, struct error *e)
{
	const struct fetch_request *r = f->request;
	int64_t ends = clock_ms() + (r->timeout_ms == 0 ? FETCH_TIMEOUT_MS : r->timeout_ms);
	unsigned most = r->redirects < FETCH_REDIRECTS_MAX ? r->redirects : FETCH_REDIRECTS_MAX;
	CURLcode prepared = prepare(f, body);
	const char *to;
	int rc;

	if (prepared != CURLE_OK)
		return failure(f->late, prepared, r->url, body, f->text, e);
	for (unsigned i = 0;; i++) {
		rc = step(f, ends, body, status_out, &to, e);
		if (rc != 0 || to == NULL)
			return rc;
		if (i == most)
			return error_set(e, ERR_POLICY, "a redirect leads on again and again: %.200s", r->url);
		rc = follow(f, to, e);
		if (rc != 0)
			return rc;
	}
}

/* Parameters do not count. */
static int
check_type(const struct fetching *f, struct error *e)
{
	const char *type = NULL;
	struct slice rest;

	(void)f->late->easy_getinfo(f->curl, CURLINFO_CONTENT_TYPE, &type);
	if (f->request->media_type == NULL ||
	    (type != NULL &&
		slice_ieq_str(slice_trim(slice_split(slice_str(type), ';', &rest)), f->request->media_type)))
		return 0;
	return error_set(e, ERR_SYNTAX, "%s: this is not %s", f->request->url, f->request->media_type);
}

int
fetch(const struct fetch_request *request, struct buf *body_out, unsigned *status_out, struct error *e)
{
	struct fetching f = { .late = curl_late(e), .request = request };
	int rc;

	if (f.late == NULL)
		return ERR_NET;
	f.curl = f.late->easy_init();
	if (f.curl == NULL)
		return error_nomem(e);
	buf_init(&f.url, FETCH_URL_MAX);
	(void)buf_put_str(&f.url, request->url);
	rc = buf_put_u8(&f.url, 0) == 0 ? run(&f, body_out, status_out, e)
					: error_set(e, ERR_USAGE, "this address is too long");
	if (rc == 0 && *status_out == 200)
		rc = check_type(&f, e);
	f.late->slist_free_all(f.headers);
	f.late->slist_free_all(f.resolve);
	f.late->easy_cleanup(f.curl);
	buf_done(&f.url);
	return rc;
}
