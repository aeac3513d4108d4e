/* SPDX-License-Identifier: ISC */
/*
 * A request's head: request line and header fields (RFC 9112 3, 5), and what
 * they say of the body and the connection (RFC 9112 6, 9). Used by server.c.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/server.h"

struct http_head {
	struct http_request request;
	struct http_field fields[HTTP_FIELDS_MAX];
	bool chunked;
	bool keep_alive;
	bool expects_continue;
};

/*
 * head ends with the empty line, CR LF included. Returns 0, or the status that
 * the request is to be answered with before the connection is closed.
 */
unsigned http_head_parse(struct slice head, struct http_head *out);

/* A token of RFC 9110 5.6.2, not empty. */
bool http_is_token(struct slice s);

#endif
