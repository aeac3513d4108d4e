/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/mem.h"
#include "base/xml.h"

/* What was read, as one line: (space name attribute=value text). */
static int
begin(void *ctx, const struct xml_element *element, struct error *e)
{
	struct slice type = xml_attribute(element, "type");

	(void)e;
	(void)buf_putf(ctx, "(%.*s|%.*s", (int)element->space.len, (const char *)element->space.data,
	    (int)element->name.len, (const char *)element->name.data);
	return buf_putf(ctx, type.len > 0 ? "@%.*s " : "%.*s ", (int)type.len, (const char *)type.data);
}

static int
text(void *ctx, struct slice piece, struct error *e)
{
	(void)e;
	return slice_eq_str(piece, "stop") ? error_set(e, ERR_DENIED, "stop") : buf_put_slice(ctx, piece);
}

static int
end(void *ctx, struct error *e)
{
	(void)e;
	return buf_put_str(ctx, ")");
}

static const struct xml_handler handler = { begin, text, end };

static const struct {
	const char *document;
	int rc;
	const char *read;
} rows[] = {
	{ "<a/>", 0, "(|a )" },
	{ "<?xml version=\"1.0\"?>\n<a><b type=\"imap\" id=\"1\">x &lt; &amp; &#233;</b><!-- no --><?nor this?></a>", 0,
	    "(|a (|b@imap x < & \xc3\xa9))" },
	{ "<a xmlns=\"urn:x\" xmlns:p=\"urn:y\"><p:b/><c p:type=\"no\"/></a>", 0, "(urn:x|a (urn:y|b )(urn:x|c ))" },
	{ "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>", 0, "(|a \xc3\xa9)" },
	{ "<a><![CDATA[<b>]]></a>", 0, "(|a <b>)" },
	{ "", ERR_SYNTAX },
	{ "<a>", ERR_SYNTAX },
	{ "<a></b>", ERR_SYNTAX },
	{ "<a>&nothing;</a>", ERR_SYNTAX },
	{ "<a/><b/>", ERR_SYNTAX },
	{ "<a>\xff</a>", ERR_SYNTAX },
	{ "<?xml version=\"1.0\" encoding=\"x-ours\"?><a/>", ERR_SYNTAX },
	{ "<p:a/>", ERR_SYNTAX },
	{ "<a>stop</a>", ERR_DENIED },
	/* Entities that grow, that read files, and a document type that only might. */
	{ "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>", ERR_POLICY },
	{ "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>", ERR_POLICY },
	{ "<!DOCTYPE a SYSTEM \"http://example.org/a.dtd\"><a/>", ERR_POLICY },
	{ "<!DOCTYPE a><a/>", ERR_POLICY },
};

static void
documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf read;
		int rc;

		buf_init(&read, 1000);
		rc = xml_read(slice_str(rows[i].document), &handler, &read, &unit_error);
		if (rc != rows[i].rc)
			fail_msg("%s: %d %s", rows[i].document, rc, unit_error.text);
		if (rc == 0)
			assert_slice(buf_slice(&read), rows[i].read);
		buf_done(&read);
	}
}

static int
read_repeated(const char *front, const char *piece, bool number, size_t times, const char *back)
{
	struct buf document, read;
	int rc;

	buf_init(&document, 1 << 20);
	buf_init(&read, 1 << 20);
	(void)buf_put_str(&document, front);
	for (size_t i = 0; i < times; i++) {
		(void)buf_put_str(&document, piece);
		if (number)
			(void)buf_putf(&document, "%zu='' ", i);
	}
	(void)buf_put_str(&document, back);
	rc = xml_read(buf_slice(&document), &handler, &read, NULL);
	buf_done(&document);
	buf_done(&read);
	return rc;
}

static void
bounds(void **state)
{
	(void)state;
	assert_int_equal(read_repeated("<a>", "<b/>", false, XML_ELEMENTS_MAX - 1, "</a>"), 0);
	assert_int_equal(read_repeated("<a>", "<b/>", false, XML_ELEMENTS_MAX, "</a>"), ERR_LIMIT);
	assert_int_equal(read_repeated("", "<a>", false, XML_DEPTH_MAX + 1, ""), ERR_LIMIT);
	assert_int_equal(read_repeated("<a ", "b", true, XML_ATTRIBUTES_MAX, "/>"), 0);
	assert_int_equal(read_repeated("<a ", "b", true, XML_ATTRIBUTES_MAX + 1, "/>"), ERR_LIMIT);
	assert_int_equal(read_repeated("<a>", "0123456789abcdef", false, XML_DOCUMENT_MAX / 16, "</a>"), ERR_LIMIT);
}

static void
bounds_can_be_others(void **state)
{
	static const struct xml_bounds few = { .octets = 20, .elements = 2 };
	const struct xml_handler bounded = { begin, text, end, &few };
	struct buf read;

	(void)state;
	buf_init(&read, 1000);
	assert_ok(xml_read(SLICE("<a><b/></a>"), &bounded, &read, &unit_error));
	assert_int_equal(xml_read(SLICE("<a><b/><b/></a>"), &bounded, &read, NULL), ERR_LIMIT);
	assert_int_equal(xml_read(SLICE("<a>              </a>"), &bounded, &read, NULL), ERR_LIMIT);
	buf_done(&read);
}

static void
without_memory(void **state)
{
	int rc = ERR_NOMEM;

	(void)state;
	for (long n = 0; rc == ERR_NOMEM && n < 1000; n++) {
		struct buf read;

		buf_init(&read, 1000);
		mem_fail_after(n);
		rc = xml_read(slice_str(rows[1].document), &handler, &read, &unit_error);
		mem_fail_after(-1);
		buf_done(&read);
	}
	assert_int_equal(rc, 0);
}

static void
text_is_escaped(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_ok(xml_put_element(&out, 1, "a", slice_of("<&>\"'\r\n\0\x01\xff\xc3\xa9", 12)));
	assert_slice(
	    buf_slice(&out), "  <a>&lt;&amp;&gt;&quot;&#39;&#13;\n\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9</a>\n");
	buf_done(&out);
}

UNIT_MAIN(UNIT_TEST(documents), UNIT_TEST(bounds), UNIT_TEST(bounds_can_be_others), UNIT_TEST(without_memory),
    UNIT_TEST(text_is_escaped))
