/* SPDX-License-Identifier: ISC */
#include "http/multipart.h"

#include <string.h>

#include "http/form.h"
#include "http/limits.h"

/* ---- parameters: name=token or name="text" ---- */

/* The next parameter of a field's value, behind its first word; *rest moves on. */
static int
next_parameter(struct slice *rest, struct slice *name, struct slice *value, struct error *e)
{
	struct slice r = slice_trim(*rest);
	size_t end;

	if (r.len == 0)
		return ERR_NOT_FOUND;
	if (r.data[0] != ';')
		return error_set(e, ERR_SYNTAX, "a parameter must stand behind a semicolon");
	*name = slice_trim(slice_split(slice_from(r, 1), '=', &r));
	if (r.len > 0 && r.data[0] == '"') {
		/* Browsers write a quote in a name as %22, so that there is none in between. */
		end = slice_find(slice_from(r, 1), '"');
		if (end == SIZE_MAX)
			return error_set(e, ERR_SYNTAX, "the quotes of a parameter are not closed");
		*value = slice_sub(r, 1, end);
		*rest = slice_from(r, end + 2);
		return 0;
	}
	end = slice_find(r, ';');
	*value = slice_trim(slice_sub(r, 0, end));
	*rest = end == SIZE_MAX ? SLICE_EMPTY : slice_from(r, end);
	return 0;
}

/* Of two of one name neither is believed. ERR_NOT_FOUND. */
static int
find_parameter(struct slice rest, const char *wanted, struct slice *value_out, struct error *e)
{
	struct slice name, value;
	bool found = false;
	int rc;

	while ((rc = next_parameter(&rest, &name, &value, e)) == 0) {
		if (!slice_ieq_str(name, wanted))
			continue;
		if (found)
			return error_set(e, ERR_SYNTAX, "'%s' stands there twice", wanted);
		*value_out = value;
		found = true;
	}
	return rc != ERR_NOT_FOUND || found ? (rc == ERR_NOT_FOUND ? 0 : rc) : ERR_NOT_FOUND;
}

static struct slice
first_word(struct slice value, struct slice *parameters)
{
	size_t end = slice_find(value, ';');

	*parameters = end == SIZE_MAX ? SLICE_EMPTY : slice_from(value, end);
	return slice_trim(slice_sub(value, 0, end));
}

/* ---- boundaries ---- */

bool
http_is_multipart(struct slice content_type)
{
	struct slice parameters;

	return slice_ieq_str(first_word(content_type, &parameters), "multipart/form-data");
}

/* RFC 2046 5.1.1: bchars, at most 70, the last one no space. */
static bool
boundary_is_good(struct slice b)
{
	for (size_t i = 0; i < b.len; i++) {
		uint8_t c = ascii_lower(b.data[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			(c != 0 && strchr("'()+_,-./:=? ", c) != NULL)))
			return false;
	}
	return b.len > 0 && b.len <= HTTP_BOUNDARY_MAX && b.data[b.len - 1] != ' ';
}

/* Where the next line is that begins with this boundary, or SIZE_MAX. */
static size_t
find_boundary(struct slice text, struct slice boundary)
{
	for (size_t at = 0; at < text.len;) {
		size_t found = slice_search(slice_from(text, at), SLICE("--"));

		if (found == SIZE_MAX)
			return SIZE_MAX;
		at += found;
		if (slice_starts(slice_from(text, at + 2), boundary) &&
		    (at == 0 || (at >= 2 && text.data[at - 2] == '\r' && text.data[at - 1] == '\n')))
			return at;
		at++;
	}
	return SIZE_MAX;
}

int
http_multipart_begin(struct slice content_type, struct slice body, struct http_multipart *out, struct error *e)
{
	struct slice parameters, boundary;
	size_t at;
	int rc;

	if (!http_is_multipart(content_type))
		return error_set(e, ERR_UNSUPPORTED, "the form is not multipart/form-data");
	(void)first_word(content_type, &parameters);
	rc = find_parameter(parameters, "boundary", &boundary, e);
	if (rc == ERR_NOT_FOUND || (rc == 0 && !boundary_is_good(boundary)))
		rc = error_set(e, ERR_SYNTAX, "the form's boundary is missing, or is none that RFC 2046 permits");
	if (rc != 0)
		return rc;
	at = find_boundary(body, boundary);
	if (at == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "the form's boundary does not stand in it");
	*out = (struct http_multipart){ .rest = slice_from(body, at), .boundary = boundary };
	return 0;
}

/* ---- a part ---- */

static int
take_disposition(struct slice value, struct http_part *part, struct error *e)
{
	struct slice parameters;
	int rc;

	if (!slice_ieq_str(first_word(value, &parameters), "form-data"))
		return error_set(e, ERR_SYNTAX, "a part of the form is not form-data");
	rc = find_parameter(parameters, "name", &part->name, e);
	if (rc == ERR_NOT_FOUND || (rc == 0 && part->name.len == 0))
		rc = error_set(e, ERR_SYNTAX, "a part of the form has no name");
	if (rc != 0)
		return rc;
	rc = find_parameter(parameters, "filename", &part->file_name, e);
	part->is_file = rc == 0;
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* The header fields up to the empty line; *rest stands behind it. */
static int
take_head(struct slice *rest, struct http_part *part, struct error *e)
{
	const struct slice crlf = SLICE("\r\n");
	size_t taken = 0;

	for (size_t n = 0; n <= HTTP_PART_FIELDS_MAX; n++) {
		size_t end = slice_search(*rest, crlf);
		struct slice line = slice_sub(*rest, 0, end), value, name;
		int rc;

		if (end == SIZE_MAX)
			return error_set(e, ERR_SYNTAX, "a part of the form ends within its head");
		*rest = slice_from(*rest, end + crlf.len);
		if (line.len == 0)
			return part->name.len > 0 ? 0
						  : error_set(e, ERR_SYNTAX, "a part of the form has no disposition");
		if ((taken += line.len) > HTTP_PART_HEAD_MAX)
			break;
		name = slice_split(line, ':', &value);
		if (!slice_ieq_str(name, "Content-Disposition"))
			continue;
		if (part->name.len > 0)
			return error_set(e, ERR_SYNTAX, "a part of the form has two dispositions");
		if ((rc = take_disposition(value, part, e)) != 0)
			return rc;
	}
	return error_set(e, ERR_LIMIT, "the head of a part of the form is too large");
}

int
http_multipart_next(struct http_multipart *m, struct http_part *part_out, struct error *e)
{
	struct http_part part = { 0 };
	struct slice rest = slice_from(m->rest, 2 + m->boundary.len);
	size_t end;
	int rc;

	if (slice_starts(rest, SLICE("--")))
		return error_set(e, ERR_NOT_FOUND, "the form has no more parts");
	if (!slice_starts(rest, SLICE("\r\n")))
		return error_set(e, ERR_SYNTAX, "something stands behind a boundary of the form");
	if (m->parts >= HTTP_PARTS_MAX)
		return error_set(e, ERR_LIMIT, "the form has more than %u parts", HTTP_PARTS_MAX);
	rest = slice_from(rest, 2);
	rc = take_head(&rest, &part, e);
	if (rc != 0)
		return rc;
	end = find_boundary(rest, m->boundary);
	if (end == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "the form ends within a part");
	/* An empty part may have nothing before its boundary but the head's own end of line. */
	part.content = slice_sub(rest, 0, end >= 2 ? end - 2 : 0);
	m->rest = slice_from(rest, end);
	m->parts++;
	*part_out = part;
	return 0;
}

/* ---- either kind of form ---- */

static int
multipart_field(struct slice content_type, struct slice body, const char *name, struct buf *out, struct error *e)
{
	struct http_multipart m;
	struct http_part part;
	int rc = http_multipart_begin(content_type, body, &m, e);

	while (rc == 0 && (rc = http_multipart_next(&m, &part, e)) == 0)
		if (slice_eq_str(part.name, name))
			return buf_put_slice(out, part.content) == 0
			    ? 0
			    : error_set(e, out->err, "'%s' has more than %zu octets", name, out->max);
	return rc == ERR_NOT_FOUND ? error_set(e, ERR_NOT_FOUND, "'%s' is missing", name) : rc;
}

int
http_form_field(struct slice content_type, struct slice body, const char *name, struct buf *out, struct error *e)
{
	return http_is_multipart(content_type) ? multipart_field(content_type, body, name, out, e)
					       : http_form_value(body, name, out, e);
}
