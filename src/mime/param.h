/* SPDX-License-Identifier: ISC */
/*
 * Values with parameters: Content-Type and Content-Disposition (RFC 2045
 * section 5.1, RFC 2183, RFC 2231). Tolerant: comments anywhere, missing
 * quotes, 8-bit octets, superfluous semicolons.
 */
#ifndef MIME_PARAM_H
#define MIME_PARAM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mime/limits.h"

struct mime_param {
	struct slice name;  /* as written in `raw`; lower case in `params` */
	struct slice value; /* unquoted; in `params` also joined and in UTF-8 */
};

struct mime_value {
	struct slice value; /* "text/plain", "attachment": lower case, without spaces; empty when there is none */
	const struct mime_param *raw; /* as written, one for each piece: what IMAP shows */
	size_t raw_count;
	const struct mime_param
	    *params; /* one for each name: continuations joined, charsets converted, words decoded */
	size_t count;
	bool broken; /* something had to be skipped */
};

/*
 * Parses a field's value. Everything lives in the arena. Pieces of a
 * continuation are joined in the order of their numbers, from 0 without a gap;
 * time is linear in the input but for sorting. The first of several parameters
 * of one name counts, the extended form (name*) before the plain one. ERR_NOMEM
 * or ERR_LIMIT of the arena only.
 */
int mime_value_parse(struct slice field, struct arena *a, struct mime_value *out, struct error *e);

/* The parameter of that name, in UTF-8; false when there is none. */
bool mime_value_param(const struct mime_value *v, const char *name, struct slice *value_out);

/*
 * Appends "; name=value": as a token, quoted, or in RFC 2231's form with
 * utf-8'' and continuations, folded before each (column starts behind what was
 * written; lines stay under MIME_FOLD_MAX). Controls in value become spaces.
 */
int mime_param_write(struct buf *out, const char *name, struct slice value);

#endif
