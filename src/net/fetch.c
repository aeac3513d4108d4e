/* SPDX-License-Identifier: ISC */
#include "net/fetch.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "net/curl_late.h"
#include "net/tls.h"

#define FETCH_TIMEOUT_MS 30000

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

static CURLcode
set_body(const struct curl_late *late, CURL *curl, const struct fetch_request *r, struct curl_slist **headers)
{
	CURLcode rc = CURLE_OK;
	char line[200];

	if (r->content_type == NULL)
		return CURLE_OK;
	(void)snprintf(line, sizeof line, "Content-Type: %s", r->content_type);
	*headers = late->slist_append(NULL, line);
	if (*headers == NULL)
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_HTTPHEADER, *headers);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
	SET(CURLOPT_POSTFIELDS, r->body.len == 0 ? "" : (const char *)r->body.data);
	return rc;
}

static CURLcode
set_trust(const struct curl_late *late, CURL *curl, const struct fetch_request *r)
{
	char pin[16 + 48] = "sha256//";
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (r->ca_file != NULL)
		SET(CURLOPT_CAINFO, r->ca_file);
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
	int64_t timeout = r->timeout_ms == 0 ? FETCH_TIMEOUT_MS : r->timeout_ms;
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_URL, r->url);
	SET(CURLOPT_PROTOCOLS_STR, r->allow_http ? "https,http" : "https");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_TIMEOUT_MS, (long)timeout);
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
failure(const struct curl_late *late, CURLcode code, const struct fetch_request *r, const struct buf *body,
    const char *text, struct error *e)
{
	static const struct {
		CURLcode curl;
		int ours;
	} codes[] = {
		{ CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT },
		{ CURLE_UNSUPPORTED_PROTOCOL, ERR_USAGE },
		{ CURLE_URL_MALFORMAT, ERR_USAGE },
		{ CURLE_BAD_FUNCTION_ARGUMENT, ERR_USAGE },
		{ CURLE_PEER_FAILED_VERIFICATION, ERR_TLS },
		{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_TLS },
		{ CURLE_SSL_CONNECT_ERROR, ERR_TLS },
		{ CURLE_SSL_CACERT_BADFILE, ERR_TLS },
		{ CURLE_OUT_OF_MEMORY, ERR_NOMEM },
	};
	int ours = ERR_NET;

	if (body->err == ERR_LIMIT)
		return error_set(e, ERR_LIMIT, "the answer of %s is larger than %zu octets", r->url, body->max);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].curl == code)
			ours = codes[i].ours;
	return error_set(e, ours, "%s: %s", r->url, text[0] == '\0' ? late->easy_strerror(code) : text);
}

int
fetch(const struct fetch_request *request, struct buf *body_out, unsigned *status_out, struct error *e)
{
	struct curl_slist *headers = NULL, *resolve = NULL;
	char text[CURL_ERROR_SIZE] = "";
	const struct curl_late *late = curl_late(e);
	CURL *curl;
	CURLcode rc;
	long status = 0;
	int result;

	if (late == NULL)
		return ERR_NET;
	curl = late->easy_init();
	if (curl == NULL)
		return error_nomem(e);
	rc = set_options(late, curl, request, body_out);
	SET(CURLOPT_ERRORBUFFER, text);
	if (request->resolve != NULL) {
		resolve = late->slist_append(NULL, request->resolve);
		SET(CURLOPT_RESOLVE, resolve);
	}
	if (request->user != NULL && request->allow_http && strncmp(request->url, "https:", 6) != 0)
		rc = CURLE_UNSUPPORTED_PROTOCOL; /* a password never goes in clear */
	if (rc == CURLE_OK)
		rc = set_trust(late, curl, request);
	if (rc == CURLE_OK)
		rc = set_body(late, curl, request, &headers);
	if (rc == CURLE_OK)
		rc = late->easy_perform(curl);
	(void)late->easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	result = rc == CURLE_OK ? 0 : failure(late, rc, request, body_out, text, e);
	if (result == 0)
		*status_out = (unsigned)status;
	late->slist_free_all(headers);
	late->slist_free_all(resolve);
	late->easy_cleanup(curl);
	return result;
}
