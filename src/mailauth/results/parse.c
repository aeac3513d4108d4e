/* SPDX-License-Identifier: ISC */
#include "base/buf.h"
#include "mailauth/results/results.h"
#include "mime/lex.h"

struct parsing {
	struct mime_lex lex;
	struct arena *arena;
	struct error *e;
};

static int
syntax(const struct parsing *p, const char *wanted)
{
	return error_set_at(p->e, ERR_SYNTAX, p->lex.at, "the authentication results are not understood: %s", wanted);
}

static int
no_memory(const struct parsing *p)
{
	return p->arena->err == ERR_LIMIT ? error_set(p->e, ERR_LIMIT, "the authentication results are too large")
					  : error_nomem(p->e);
}

/* ---- words ---- */

static bool
is_keyword_octet(int c)
{
	return mime_is_token(c) && c != '.' && c < 127;
}

static struct slice
take_run(struct parsing *p, bool (*belongs)(int c))
{
	size_t start = p->lex.at;

	while (belongs(mime_lex_peek(&p->lex)))
		p->lex.at++;
	return slice_sub(p->lex.in, start, p->lex.at - start);
}

/* What a value may hold without quotes. Many write '/', ':' or '=' so, which are no token. */
static bool
is_value_octet(int c)
{
	return c > 32 && c != 127 && c != ';' && c != '(' && c != ')' && c != '"';
}

/* In front of "=": "smtp.mailfrom", "dkim/1", or the method's. */
static bool
is_id_octet(int c)
{
	return is_value_octet(c) && c != '=';
}

/* A quoted string, and what follows it at once ("odd name"@example.org). */
static int
take_quoted(struct parsing *p, struct slice *out)
{
	BUF_OWNED struct buf text = { .max = p->lex.in.len };

	mime_lex_quoted(&p->lex, &text);
	if (p->lex.broken)
		return syntax(p, "a quoted string has no end");
	(void)buf_put_slice(&text, take_run(p, is_value_octet));
	*out = arena_copy(p->arena, buf_slice(&text));
	if (text.err == ERR_NOMEM)
		return error_nomem(p->e);
	return text.len > 0 && out->len == 0 ? no_memory(p) : 0;
}

static int
take_value(struct parsing *p, bool (*belongs)(int c), struct slice *out)
{
	(void)mime_lex_skip(&p->lex);
	if (mime_lex_peek(&p->lex) == '"')
		return take_quoted(p, out);
	*out = take_run(p, belongs);
	return 0;
}

/* Whether c comes next, with space and comments in front. */
static bool
take_octet(struct parsing *p, int c)
{
	(void)mime_lex_skip(&p->lex);
	if (mime_lex_peek(&p->lex) != c)
		return false;
	p->lex.at++;
	return true;
}

static bool
at_end(struct parsing *p)
{
	(void)mime_lex_skip(&p->lex);
	return p->lex.at >= p->lex.in.len;
}

/* ---- one result ---- */

/* "ptype.property=value", "reason=value", or a word of others without a dot. */
static int
take_property(struct parsing *p, struct auth_property *out, bool *reason)
{
	struct auth_property property = { .name = take_run(p, is_keyword_octet) };

	if (property.name.len > 0 && take_octet(p, '.')) {
		property.type = property.name;
		(void)mime_lex_skip(&p->lex);
		property.name = take_run(p, is_keyword_octet);
	}
	if (property.name.len == 0 || !take_octet(p, '='))
		return syntax(p, "a property has no value");
	*reason = property.type.len == 0 && slice_ieq_str(property.name, "reason");
	*out = property;
	return take_value(p, is_value_octet, &out->value);
}

static int
take_properties(struct parsing *p, struct auth_result *result)
{
	struct auth_property found[MAILAUTH_PROPERTIES_MAX], next;
	struct auth_property *kept;
	bool reason = false;
	int rc;

	while (!at_end(p) && mime_lex_peek(&p->lex) != ';') {
		rc = take_property(p, &next, &reason);
		if (rc != 0)
			return rc;
		if (reason)
			result->reason = next.value;
		else if (result->property_count == MAILAUTH_PROPERTIES_MAX)
			return error_set(p->e, ERR_LIMIT, "a result has over %u properties", MAILAUTH_PROPERTIES_MAX);
		else
			found[result->property_count++] = next;
	}
	if (result->property_count == 0)
		return 0;
	kept = arena_array(p->arena, result->property_count, sizeof(*kept));
	if (kept == NULL)
		return no_memory(p);
	for (size_t i = 0; i < result->property_count; i++)
		kept[i] = found[i];
	result->properties = kept;
	return 0;
}

static int
take_result(struct parsing *p, struct auth_result *result)
{
	(void)mime_lex_skip(&p->lex);
	result->method = take_run(p, is_keyword_octet);
	if (take_octet(p, '/')) {
		(void)mime_lex_skip(&p->lex);
		if (!slice_to_u64(take_run(p, is_keyword_octet), UINT32_MAX, &result->version))
			return syntax(p, "a method's version is no number");
	}
	if (result->method.len == 0 || !take_octet(p, '='))
		return syntax(p, "a method has no result");
	(void)mime_lex_skip(&p->lex);
	result->result = take_run(p, is_keyword_octet);
	if (result->result.len == 0)
		return syntax(p, "a method has no result");
	p->lex.comment = SLICE_EMPTY;
	(void)mime_lex_skip(&p->lex);
	result->comment = p->lex.comment;
	return take_properties(p, result);
}

/* ---- the field ---- */

/* ARC's "i=1;" */
static int
take_instance(struct parsing *p, struct auth_results *out)
{
	uint64_t instance = 0;

	(void)mime_lex_skip(&p->lex);
	if (!slice_ieq_str(take_run(p, is_keyword_octet), "i") || !take_octet(p, '='))
		return syntax(p, "it does not begin with i=");
	(void)mime_lex_skip(&p->lex);
	if (!slice_to_u64(take_run(p, is_keyword_octet), MAILAUTH_ARC_SETS_MAX, &instance) || instance == 0)
		return syntax(p, "i= is no number from 1 to 50");
	if (!take_octet(p, ';'))
		return syntax(p, "there is no semicolon behind i=");
	out->instance = (uint32_t)instance;
	return 0;
}

/* The identifier and the version. Some write none: their field begins with the first result. */
static int
take_server(struct parsing *p, struct auth_results *out)
{
	size_t start;
	int rc;

	(void)mime_lex_skip(&p->lex);
	start = p->lex.at;
	rc = take_value(p, is_id_octet, &out->server);
	if (rc != 0)
		return rc;
	(void)mime_lex_skip(&p->lex);
	if (mime_lex_peek(&p->lex) == '=') {
		p->lex.at = start;
		out->server = SLICE_EMPTY;
		return 0;
	}
	if (out->server.len == 0)
		return syntax(p, "it does not say by whom it is");
	if (!at_end(p) && mime_lex_peek(&p->lex) != ';' &&
	    !slice_to_u64(take_run(p, is_id_octet), UINT32_MAX, &out->version))
		return syntax(p, "something stands behind the name of who found this out");
	return out->version > 1
	    ? error_set(p->e, ERR_UNSUPPORTED, "these authentication results are of another version")
	    : 0;
}

static bool
is_none(const struct parsing *p)
{
	struct parsing ahead = *p;

	(void)mime_lex_skip(&ahead.lex);
	return slice_ieq_str(take_run(&ahead, is_keyword_octet), "none") && at_end(&ahead);
}

static int
take_results(struct parsing *p, struct auth_result *found, struct auth_results *out)
{
	bool first = out->server.len == 0; /* nothing is in front of it */
	int rc = 0;

	while (rc == 0 && !at_end(p)) {
		if (!first && !take_octet(p, ';'))
			return syntax(p, "a semicolon is missing");
		first = false;
		if (at_end(p) || (out->count == 0 && is_none(p)))
			return 0;
		if (out->count == MAILAUTH_RESULTS_MAX)
			return error_set(p->e, ERR_LIMIT, "there are over %u results", MAILAUTH_RESULTS_MAX);
		found[out->count] = (struct auth_result){ 0 };
		rc = take_result(p, &found[out->count]);
		out->count += rc == 0;
	}
	return rc;
}

int
auth_results_parse(struct slice value, bool arc, struct arena *a, struct auth_results *out, struct error *e)
{
	struct parsing p = { .lex = { .in = value }, .arena = a, .e = e };
	struct auth_results results = { 0 };
	struct auth_result found[MAILAUTH_RESULTS_MAX], *kept;
	int rc = 0;

	if (value.len > MAILAUTH_RESULTS_FIELD_MAX)
		return error_set(
		    e, ERR_LIMIT, "the authentication results are more than %u octets", MAILAUTH_RESULTS_FIELD_MAX);
	if (arc)
		rc = take_instance(&p, &results);
	if (rc == 0)
		rc = take_server(&p, &results);
	if (rc == ERR_UNSUPPORTED)
		*out = results;
	if (rc == 0)
		rc = take_results(&p, found, &results);
	if (rc == 0 && p.lex.broken)
		rc = syntax(&p, "a comment has no end");
	if (rc != 0)
		return rc;
	kept = arena_array(a, results.count + 1, sizeof(*kept));
	if (kept == NULL)
		return no_memory(&p);
	for (size_t i = 0; i < results.count; i++)
		kept[i] = found[i];
	results.results = kept;
	*out = results;
	return 0;
}

const struct auth_result *
auth_results_find(const struct auth_results *r, const char *method)
{
	for (size_t i = 0; i < r->count; i++)
		if (slice_ieq_str(r->results[i].method, method))
			return &r->results[i];
	return NULL;
}

struct slice
auth_result_property(const struct auth_result *r, const char *type, const char *name)
{
	for (size_t i = 0; i < r->property_count; i++)
		if (slice_ieq_str(r->properties[i].type, type) && slice_ieq_str(r->properties[i].name, name))
			return r->properties[i].value;
	return SLICE_EMPTY;
}
