/* SPDX-License-Identifier: ISC */
/*
 * What stands in targets, forms and the Authorization field: percent-encoding
 * (RFC 3986 2.1), application/x-www-form-urlencoded, HTTP Basic (RFC 7617).
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* Appends the decoded text. plus: '+' is a space, as in forms. ERR_SYNTAX (a broken %XX), or out's error. */
int http_percent_decode(struct slice text, bool plus, struct buf *out, struct error *e);
/* Appends s with everything but unreserved characters (RFC 3986 2.3) as %XX. Returns out's sticky error. */
int http_percent_encode(struct slice s, struct buf *out);

/*
 * The next name=value pair of a query or form, still encoded; *rest moves on.
 * False at the end. Empty pairs are passed over; a pair without '=' has an
 * empty value.
 */
bool http_form_next(struct slice *rest, struct slice *name, struct slice *value);
/* Decodes the value of the first pair of that name (which must stand there unencoded). ERR_NOT_FOUND, or as http_percent_decode(). */
int http_form_value(struct slice form, const char *name, struct buf *out, struct error *e);

/* User and password of "Basic base64" into text_out (user ends at user_len). ERR_SYNTAX, ERR_UNSUPPORTED (another scheme). */
int
http_basic_parse(struct slice value, struct buf *text_out, struct slice *user, struct slice *password, struct error *e);

#endif
