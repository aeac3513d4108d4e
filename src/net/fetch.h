/* SPDX-License-Identifier: ISC */
/*
 * One HTTP request as client, through libcurl (RFC 9110), with a size and a
 * time that the answer may not exceed. https:// only, unless http:// is asked
 * for. Redirects are followed only where the request says so, a few, never from
 * https to http, and to another host only by a permission of its own. Through a
 * proxy (SOCKS, as Tor has) where one is named: then also names are resolved
 * there. Blocking; any thread.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define FETCH_REDIRECTS_MAX 5u

struct fetch_request {
	const char *url;
	struct slice body;        /* with a content type: POST; without: GET */
	const char *content_type; /* "application/x-www-form-urlencoded"; NULL: GET */
	const char *method;       /* "PUT"; NULL: POST or GET */
	const char *accept;       /* "application/pgp-keys"; NULL: anything */
	const char *bearer;       /* a token of RFC 6750, over TLS; NULL: none */
	const char *user;         /* HTTP Basic over TLS; NULL: none */
	const char *password;
	struct slice pin;         /* TLS_PIN_SIZE octets; or empty: authorities and name decide */
	const char *ca_file;      /* NULL: the system's authorities */
	struct slice authorities; /* or their PEM text, for a process that opens no file; empty: ca_file */
	const char *media_type;   /* what the answer must be: "text/plain"; ERR_SYNTAX. NULL: anything */
	const char *resolve;      /* "HOST:PORT:ADDRESS": connect there for that name; NULL: DNS */
	const char *proxy;        /* "socks5h://127.0.0.1:9050"; NULL: none, whatever the environment says */
	bool allow_http;
	unsigned redirects; /* of a GET that are followed, at most FETCH_REDIRECTS_MAX */
	bool other_hosts;   /* they may lead to another host */
	int64_t timeout_ms; /* of the whole; 0: 30 s */
};

/*
 * The body is appended to body_out, whose maximum bounds it (ERR_LIMIT).
 * *status_out is the HTTP status (200, 404) when 0 is returned. ERR_USAGE (no
 * such scheme), ERR_NET, ERR_NOT_FOUND (there is no such host), ERR_TIMEOUT,
 * ERR_TLS, ERR_POLICY (a redirect that is not permitted, or one too many).
 */
int fetch(const struct fetch_request *request, struct buf *body_out, unsigned *status_out, struct error *e);

#endif
