/* SPDX-License-Identifier: ISC */
/*
 * One HTTP request as client, through libcurl (RFC 9110), with a size and a
 * time that the answer may not exceed. https:// only, unless http:// is asked
 * for. Redirects are not followed. Blocking; any thread.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct fetch_request {
	const char *url;
	struct slice body;        /* with a content type: POST; without: GET */
	const char *content_type; /* "application/x-www-form-urlencoded"; NULL: GET */
	const char *user;         /* HTTP Basic over TLS; NULL: none */
	const char *password;
	struct slice pin;    /* TLS_PIN_SIZE octets; or empty: authorities and name decide */
	const char *ca_file; /* NULL: the system's authorities */
	const char *resolve; /* "HOST:PORT:ADDRESS": connect there for that name; NULL: DNS */
	bool allow_http;
	int64_t timeout_ms; /* of the whole; 0: 30 s */
};

/*
 * The body is appended to body_out, whose maximum bounds it (ERR_LIMIT).
 * *status_out is the HTTP status (200, 404) when 0 is returned. ERR_USAGE (no
 * such scheme), ERR_NET, ERR_TIMEOUT, ERR_TLS.
 */
int fetch(const struct fetch_request *request, struct buf *body_out, unsigned *status_out, struct error *e);

#endif
