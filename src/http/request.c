/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include <string.h>

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET },
	{ "HEAD", HTTP_HEAD },
	{ "POST", HTTP_POST },
	{ "PUT", HTTP_PUT },
	{ "DELETE", HTTP_DELETE },
	{ "OPTIONS", HTTP_OPTIONS },
};

static bool
is_alnum(uint8_t c)
{
	uint8_t d = ascii_lower(c);

	return (d >= 'a' && d <= 'z') || (c >= '0' && c <= '9');
}

bool
http_is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.data[i]) && (s.data[i] == 0 || strchr("!#$%&'*+-.^_`|~", s.data[i]) == NULL))
			return false;
	return s.len > 0;
}

/* A line without its CR LF, and the rest behind it. Bare CR or LF in it: 400. */
static unsigned
take_line(struct slice *rest, struct slice *line)
{
	size_t at = slice_search(*rest, SLICE("\r\n"));

	if (at == SIZE_MAX)
		return 400;
	*line = slice_sub(*rest, 0, at);
	*rest = slice_from(*rest, at + 2);
	if (slice_find(*line, '\r') != SIZE_MAX || slice_find(*line, '\n') != SIZE_MAX)
		return 400;
	return 0;
}

static unsigned
parse_version(struct slice v, struct http_head *h)
{
	if (v.len != 8 || !slice_starts(v, SLICE("HTTP/")) || v.data[6] != '.' || v.data[5] < '0' || v.data[5] > '9' ||
	    v.data[7] < '0' || v.data[7] > '9')
		return 400;
	if (v.data[5] != '1')
		return 505;
	h->keep_alive = v.data[7] != '0';
	return 0;
}

/* uri-host [":" port] (RFC 9110 section 7.2): a name, or a literal in brackets, and digits. May be empty. */
static bool
is_host(struct slice s)
{
	bool literal = slice_starts(s, SLICE("["));
	size_t at = literal ? 1 : 0;

	while (at < s.len && (is_alnum(s.data[at]) || strchr(literal ? ".:" : ".-_", s.data[at]) != NULL))
		at++;
	if (literal && (at == s.len || s.data[at++] != ']'))
		return false;
	if (at < s.len && s.data[at++] != ':')
		return false;
	while (at < s.len && s.data[at] >= '0' && s.data[at] <= '9')
		at++;
	return at == s.len;
}

static unsigned
parse_target(struct slice target, struct http_request *r)
{
	struct slice rest = target;

	for (size_t i = 0; i < target.len; i++)
		if (target.data[i] <= 0x20 || target.data[i] >= 0x7f || target.data[i] == '#')
			return 400;
	r->target = target;
	if (slice_eq_str(target, "*")) {
		r->path = target;
		return r->method == HTTP_OPTIONS ? 0 : 400;
	}
	/* RFC 9112 3.2.2: a server must accept the absolute form too; the host in it counts, and the field Host does not. */
	if (slice_istarts(rest, SLICE("http://")) || slice_istarts(rest, SLICE("https://"))) {
		rest = slice_from(rest, slice_search(rest, SLICE("//")) + 2);
		if (slice_find(rest, '/') == SIZE_MAX)
			return 400;
		r->host = slice_sub(rest, 0, slice_find(rest, '/'));
		rest = slice_from(rest, r->host.len);
		if (r->host.len == 0 || !is_host(r->host))
			return 400;
	}
	if (!slice_starts(rest, SLICE("/")))
		return 400;
	r->path = slice_split(rest, '?', &r->query);
	return 0;
}

static unsigned
parse_request_line(struct slice line, struct http_head *h)
{
	struct slice rest, method = slice_split(line, ' ', &rest);
	struct slice version, target = slice_split(rest, ' ', &version);
	unsigned status = parse_version(version, h);
	size_t i;

	if (line.len > HTTP_LINE_MAX)
		return 414;
	if (!http_is_token(method))
		return 400;
	if (status != 0)
		return status;
	for (i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (slice_eq_str(method, methods[i].name))
			break;
	if (i == sizeof methods / sizeof methods[0])
		return 501;
	h->request.method = methods[i].method;
	return parse_target(target, &h->request);
}

static unsigned
parse_field(struct slice line, struct http_field *f)
{
	size_t colon = slice_find(line, ':');

	if (colon == SIZE_MAX)
		return 400;
	f->name = slice_sub(line, 0, colon);
	f->value = slice_trim(slice_from(line, colon + 1));
	/* A line that begins with a blank is a folded one: refused with the rest (RFC 9112 5.2). */
	if (!http_is_token(f->name))
		return 400;
	for (size_t i = 0; i < f->value.len; i++)
		if ((f->value.data[i] < 0x20 && f->value.data[i] != '\t') || f->value.data[i] == 0x7f)
			return 400;
	return 0;
}

/* ---- what single fields mean ---- */

static unsigned
on_host(struct http_head *h, struct slice value)
{
	if (!is_host(value))
		return 400;
	if (h->request.host.len == 0) /* else the target has named one */
		h->request.host = value;
	return 0;
}

static unsigned
on_content_length(struct http_head *h, struct slice value)
{
	h->request.has_length = true;
	return slice_to_u64(value, UINT64_MAX / 2, &h->request.length) ? 0 : 400;
}

static unsigned
on_transfer_encoding(struct http_head *h, struct slice value)
{
	h->chunked = true;
	return slice_ieq_str(value, "chunked") ? 0 : 501;
}

static unsigned
on_expect(struct http_head *h, struct slice value)
{
	h->expects_continue = slice_ieq_str(value, "100-continue");
	return h->expects_continue ? 0 : 417;
}

static unsigned
on_connection(struct http_head *h, struct slice value)
{
	while (value.len > 0)
		if (slice_ieq_str(slice_trim(slice_split(value, ',', &value)), "close"))
			h->keep_alive = false;
	return 0;
}

static const struct {
	const char *name;
	bool once; /* a second one is an error */
	unsigned (*act)(struct http_head *h, struct slice value);
} known_fields[] = {
	{ "Host", true, on_host },
	{ "Content-Length", true, on_content_length },
	{ "Transfer-Encoding", true, on_transfer_encoding },
	{ "Expect", true, on_expect },
	{ "Connection", false, on_connection },
};
#define KNOWN_COUNT (sizeof known_fields / sizeof known_fields[0])

static unsigned
apply_field(struct http_head *h, const struct http_field *f, bool seen[KNOWN_COUNT])
{
	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		if (!slice_ieq_str(f->name, known_fields[i].name))
			continue;
		if (known_fields[i].once && seen[i])
			return 400;
		seen[i] = true;
		return known_fields[i].act(h, f->value);
	}
	return 0;
}

static unsigned
parse_fields(struct slice rest, struct http_head *h, bool seen[KNOWN_COUNT])
{
	struct http_request *r = &h->request;
	struct slice line;

	for (;;) {
		unsigned status = take_line(&rest, &line);

		if (status != 0 || line.len == 0)
			return status;
		if (r->field_count == HTTP_FIELDS_MAX)
			return 431;
		status = parse_field(line, &h->fields[r->field_count]);
		if (status == 0)
			status = apply_field(h, &h->fields[r->field_count++], seen);
		if (status != 0)
			return status;
	}
}

unsigned
http_head_parse(struct slice head, struct http_head *out)
{
	bool seen[KNOWN_COUNT] = { false };
	struct slice line, rest = head;
	unsigned status;
	bool http10;

	memset(out, 0, sizeof *out);
	out->request.fields = out->fields;
	status = take_line(&rest, &line);
	if (status == 0)
		status = parse_request_line(line, out);
	http10 = !out->keep_alive;
	if (status == 0)
		status = parse_fields(rest, out, seen);
	if (status != 0)
		return status;
	/* RFC 9112 3.2: exactly one Host with HTTP/1.1. RFC 9112 6.1, 6.3: a message with both lengths may be an attack. */
	if (!http10 && !seen[0])
		return 400;
	if (out->chunked && (out->request.has_length || http10))
		return 400;
	if (http10)
		out->expects_continue = false;
	return 0;
}

const struct http_field *
http_request_field(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->field_count; i++)
		if (slice_ieq_str(r->fields[i].name, name))
			return &r->fields[i];
	return NULL;
}
