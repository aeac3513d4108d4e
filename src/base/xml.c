/* SPDX-License-Identifier: ISC */
#include "base/xml.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "base/xml_library.h"

#define SEPARATOR ' ' /* between namespace and name: stands in neither */
/* Expat's table of names is keyed against collisions; in documents so small they cost nothing, and no chance is needed. */
#define SALT 0x6c6c6b78u

static const XML_Memory_Handling_Suite memory = { mem_alloc, mem_realloc, mem_free };

static const struct xml_bounds of_settings = { .octets = XML_DOCUMENT_MAX, .elements = XML_ELEMENTS_MAX };

struct reading {
	const struct xml_bounds *bounds;
	const struct xml_handler *handler;
	void *ctx;
	const struct xml_library *xml;
	XML_Parser parser;
	struct error *e;
	unsigned depth;
	size_t elements;
	int rc;
};

static void
stop(struct reading *r, int rc)
{
	r->rc = rc;
	(void)r->xml->StopParser(r->parser, XML_FALSE);
}

static uint64_t
where(const struct reading *r)
{
	XML_Index at = r->xml->GetCurrentByteIndex(r->parser);

	return at < 0 ? ERROR_NO_OFFSET : (uint64_t)at;
}

/* ---- what expat calls ---- */

static bool
within_bounds(struct reading *r, const char **attributes)
{
	size_t count = 0;

	while (attributes[count] != NULL)
		count += 2;
	return ++r->depth <= XML_DEPTH_MAX && ++r->elements <= r->bounds->elements && count / 2 <= XML_ATTRIBUTES_MAX;
}

static void XMLCALL
on_begin(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = ctx;
	struct xml_element element;
	struct slice rest;
	int rc;

	if (r->rc != 0)
		return;
	if (!within_bounds(r, attributes)) {
		stop(r, error_set_at(r->e, ERR_LIMIT, where(r), "the document has more elements than are read here"));
		return;
	}
	if (r->handler->begin == NULL)
		return;
	element = (struct xml_element){
		.space = slice_split(slice_str(name), SEPARATOR, &rest), .depth = r->depth, .attributes = attributes
	};
	element.name = rest;
	if (rest.len == 0) {
		element.name = element.space;
		element.space = SLICE_EMPTY;
	}
	rc = r->handler->begin(r->ctx, &element, r->e);
	if (rc != 0)
		stop(r, rc);
}

static void XMLCALL
on_end(void *ctx, const XML_Char *name)
{
	struct reading *r = ctx;
	int rc;

	(void)name;
	if (r->rc != 0)
		return;
	r->depth--;
	rc = r->handler->end == NULL ? 0 : r->handler->end(r->ctx, r->e);
	if (rc != 0)
		stop(r, rc);
}

static void XMLCALL
on_text(void *ctx, const XML_Char *text, int len)
{
	struct reading *r = ctx;
	int rc;

	if (r->rc != 0 || r->handler->text == NULL)
		return;
	rc = r->handler->text(r->ctx, slice_of(text, (size_t)len), r->e);
	if (rc != 0)
		stop(r, rc);
}

static void XMLCALL
on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id, int has_internal)
{
	struct reading *r = ctx;

	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal;
	if (r->rc == 0)
		stop(r,
		    error_set_at(
			r->e, ERR_POLICY, where(r), "the document has a document type, which may declare entities"));
}

/* ---- reading ---- */

static int
failed(const struct reading *r)
{
	enum XML_Error code = r->xml->GetErrorCode(r->parser);

	if (r->rc != 0)
		return r->rc;
	if (code == XML_ERROR_NO_MEMORY)
		return error_nomem(r->e);
	return error_set_at(r->e, ERR_SYNTAX, where(r), "the document is no XML: %s", r->xml->ErrorString(code));
}

int
xml_read_by(
    const struct xml_library *xml, struct slice document, const struct xml_handler *handler, void *ctx, struct error *e)
{
	static const XML_Char separator[] = { SEPARATOR, '\0' };
	struct reading r = { .handler = handler, .ctx = ctx, .e = e, .xml = xml };
	int rc = 0;

	r.bounds = handler->bounds != NULL ? handler->bounds : &of_settings;
	if (document.len > r.bounds->octets)
		return error_set(e, ERR_LIMIT, "the document has more than %zu octets", r.bounds->octets);
	r.parser = xml->ParserCreate_MM(NULL, &memory, separator);
	if (r.parser == NULL)
		return error_nomem(e);
	(void)xml->SetHashSalt(r.parser, SALT);
	xml->SetUserData(r.parser, &r);
	xml->SetElementHandler(r.parser, on_begin, on_end);
	xml->SetCharacterDataHandler(r.parser, on_text);
	xml->SetStartDoctypeDeclHandler(r.parser, on_doctype);
	if (xml->Parse(r.parser, document.len == 0 ? "" : (const char *)document.data, (int)document.len, XML_TRUE) !=
	    XML_STATUS_OK)
		rc = failed(&r);
	xml->ParserFree(r.parser);
	return rc;
}

struct slice
xml_attribute(const struct xml_element *element, const char *name)
{
	for (const char *const *a = element->attributes; *a != NULL; a += 2)
		if (slice_eq_str(slice_str(a[0]), name))
			return slice_str(a[1]);
	return SLICE_EMPTY;
}

/* ---- writing ---- */

/* XML 1.0 2.2: what a document may hold at all. */
static bool
is_character(uint32_t point)
{
	return point >= ' ' ? point != 0xfffe && point != 0xffff : point == '\t' || point == '\n' || point == '\r';
}

static const char *
escape_of(uint32_t point)
{
	switch (point) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\r': /* as it is, a reader would make a line feed of it */
		return "&#13;";
	default:
		return NULL;
	}
}

int
xml_put_text(struct buf *out, struct slice text)
{
	while (text.len > 0) {
		uint32_t point = UTF8_REPLACEMENT;
		size_t len = utf8_decode(text, &point);
		const char *escape = escape_of(point);

		if (escape != NULL)
			(void)buf_put_str(out, escape);
		else
			(void)utf8_put(out, is_character(point) ? point : UTF8_REPLACEMENT);
		text = slice_from(text, len > 0 ? len : utf8_malformed_length(text));
	}
	return out->err;
}

int
xml_put_element(struct buf *out, unsigned depth, const char *name, struct slice text)
{
	(void)buf_putf(out, "%*s<%s>", (int)depth * 2, "", name);
	(void)xml_put_text(out, text);
	return buf_putf(out, "</%s>\n", name);
}
