/* SPDX-License-Identifier: ISC */
/* Any document: what begins also ends, within the bounds; and any text that is written reads back as the same text. */
#include <stdlib.h>

#include "base/utf8.h"
#include "base/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	size_t begun, ended;
	struct buf text;
};

static int
begin(void *ctx, const struct xml_element *element, struct error *e)
{
	struct seen *s = ctx;

	(void)e;
	if (element->name.len == 0 || element->depth == 0 || element->depth > XML_DEPTH_MAX ||
	    ++s->begun > XML_ELEMENTS_MAX)
		abort();
	(void)xml_attribute(element, "type");
	return 0;
}

static int
text(void *ctx, struct slice piece, struct error *e)
{
	(void)e;
	if (!utf8_valid(piece))
		abort();
	return buf_put_slice(&((struct seen *)ctx)->text, piece);
}

static int
end(void *ctx, struct error *e)
{
	(void)e;
	((struct seen *)ctx)->ended++;
	return 0;
}

static const struct xml_handler handler = { begin, text, end };

/* Written once it may have lost what XML cannot hold; written again it must not lose anything. */
static void
round_trip(struct slice in)
{
	struct seen once = { 0 }, twice = { 0 };
	struct buf document;

	buf_init(&document, 8u * XML_DOCUMENT_MAX);
	buf_init(&once.text, XML_DOCUMENT_MAX);
	buf_init(&twice.text, XML_DOCUMENT_MAX);
	if (xml_put_element(&document, 0, "a", in) != 0 || xml_read(buf_slice(&document), &handler, &once, NULL) != 0)
		abort();
	buf_clear(&document);
	if (xml_put_element(&document, 1, "a", buf_slice(&once.text)) != 0 ||
	    xml_read(buf_slice(&document), &handler, &twice, NULL) != 0)
		abort();
	if (!slice_eq(buf_slice(&once.text), buf_slice(&twice.text)) || (utf8_is_ascii(in) && once.text.len < in.len))
		abort();
	buf_done(&document);
	buf_done(&once.text);
	buf_done(&twice.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { 0 };

	buf_init(&s.text, XML_DOCUMENT_MAX * 2);
	if (xml_read(slice_of(data, size), &handler, &s, NULL) == 0 && (s.begun == 0 || s.begun != s.ended))
		abort();
	buf_done(&s.text);
	if (size < 4000)
		round_trip(slice_of(data, size));
	return 0;
}
