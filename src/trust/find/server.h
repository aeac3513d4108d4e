/* SPDX-License-Identifier: ISC */
/*
 * A key server as a person names it, and requests to it:
 *
 *   hkps://keys.example.org        HKP over TLS (versions 2 and 1), port 443
 *   https://keys.example.org:8443  the same
 *   vks://keys.example.org         the verifying interface (VKS) over TLS, port 443
 *   hkp://keys.example.org         HKP in clear, port 11371: only where the person permits it
 *   keys.example.org               as hkps://
 */
#ifndef TRUST_FIND_SERVER_H
#define TRUST_FIND_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

enum find_protocol { FIND_HKP, FIND_VKS };

struct find_server {
	char host[256];
	uint16_t port;
	enum find_protocol protocol;
	bool clear;       /* without TLS */
	struct slice pin; /* TLS_PIN_SIZE octets, or empty: authorities decide */
};

/* ERR_USAGE for what is no server; ERR_POLICY in clear without clear_permitted. */
int find_server_parse(struct slice text, bool clear_permitted, struct find_server *out, struct error *e);
/* Appends "https://host:port", the port only when it is not the usual one. */
void find_server_put(const struct find_server *s, struct buf *out);

/* How this machine reaches others; strings may be NULL. */
struct find_web {
	const char *proxy;   /* "socks5h://127.0.0.1:9050" */
	const char *ca_file; /* further authorities than the system's */
	const char *resolve; /* for tests: fetch.h */
	int64_t timeout_ms;  /* of one question; 0: FIND_TIMEOUT_MS */
};

/* A request; path begins with '/' and is escaped already. body and content type may be empty: GET. */
struct find_request {
	const char *path;
	struct slice body;
	const char *content_type, *method, *bearer, *accept, *user, *password;
};
/* The answer's body is appended. Errors as fetch(). */
int find_server_ask(const struct find_web *web, const struct find_server *s, const struct find_request *request,
    struct buf *answer, unsigned *status, struct error *e);

/* Appends it percent-encoded: all but RFC 3986's unreserved characters. */
void find_escape(struct buf *out, struct slice in);

#endif
