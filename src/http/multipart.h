/* SPDX-License-Identifier: ISC */
/*
 * What a page's form sends with a file in it: multipart/form-data (RFC 7578
 * over RFC 2046 5.1.1), of which the whole body is there. Pure; parts point
 * into the body and nothing is copied or decoded: browsers send names and
 * contents as they are.
 *
 * What is read is as narrow as what browsers write: lines end with CRLF, a
 * boundary stands at the beginning of a line, a part has few header fields and
 * one Content-Disposition of form-data with a name. Anything else is refused,
 * so that no two readers can see different forms in one body.
 */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct http_multipart {
	struct slice rest;     /* from the next boundary line on */
	struct slice boundary; /* without its dashes */
	size_t parts;          /* so far */
};

struct http_part {
	struct slice name;
	struct slice file_name; /* as the browser says it: never a path here; empty: none */
	bool is_file;
	struct slice content;
};

/* Whether this is the value of a Content-Type field of such a form. */
bool http_is_multipart(struct slice content_type);
/* ERR_UNSUPPORTED: another content type; ERR_SYNTAX: no boundary, or not one that RFC 2046 permits, or none in the body. */
int http_multipart_begin(struct slice content_type, struct slice body, struct http_multipart *out, struct error *e);
/* The next part. ERR_NOT_FOUND: that was all; ERR_SYNTAX; ERR_LIMIT: more than HTTP_PARTS_MAX, or too large a head. */
int http_multipart_next(struct http_multipart *m, struct http_part *part_out, struct error *e);

/*
 * Appends the value of the first field of that name, from a body of either kind of form: as it is in a multipart one,
 * decoded in application/x-www-form-urlencoded (which any other content type is taken for). ERR_NOT_FOUND, or the
 * parsers' errors.
 */
int http_form_field(struct slice content_type, struct slice body, const char *name, struct buf *out, struct error *e);

#endif
