/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "base/idn.h"
#include "base/mem.h"

static int
ascii(const char *name, char out[300])
{
	struct buf b;
	struct error e;
	int rc;

	buf_init(&b, 290);
	rc = idn_to_ascii(slice_str(name), &b, &e);
	(void)snprintf(out, 300, "%.*s", (int)b.len, (const char *)b.data);
	buf_done(&b);
	return rc;
}

static void
u_labels_are_a_labels(void **state)
{
	static const struct {
		const char *name, *ascii;
	} rows[] = {
		{ "example.org", "example.org" },
		{ "EXAMPLE.Org", "example.org" },
		{ "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
		{ "b\xc3\xbc"
		  "cher.example",
		    "xn--bcher-kva.example" },
		{ "B\xc3\x9c"
		  "cher.Example",
		    "xn--bcher-kva.example" },
		/* the same letter, put together from two points */
		{ "bu\xcc\x88"
		  "cher.example",
		    "xn--bcher-kva.example" },
		/* RFC 5891: sharp s stays what it is */
		{ "fa\xc3\x9f.example", "xn--fa-hia.example" },
		{ "\xe4\xbe\x8b\xe3\x81\x88.jp", "xn--r8jz45g.jp" },
		/* an ideographic full stop parts labels */
		{ "\xe4\xbe\x8b\xe3\x81\x88\xe3\x80\x82jp", "xn--r8jz45g.jp" },
	};
	char out[300];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(ascii(rows[i].name, out), 0);
		assert_string_equal(out, rows[i].ascii);
	}
}

static void
no_names(void **state)
{
	static const char *const rows[] = {
		"\xff.example", /* no UTF-8 */
		"\xcc\x88"      /* begins with a combining mark */
		"a.example",
		"a\xe2\x80\x8d" /* a joiner with nothing to join (RFC 5892 appendix A) */
		"b.example",
		"\xd7\x90" /* right-to-left, then a Latin letter (RFC 5893) */
		"a.example",
		"evil\xef\xbc\xa0" /* fullwidth forms: a commercial at, a solidus; a space in front of a full stop */
		"example.org",
		"example.org\xef\xbc\x8f"
		"x",
		"a b\xe3\x80\x82"
		"example",
	};
	char out[300], longest[400] = "\xc3\xbc";

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(ascii(rows[i], out), ERR_SYNTAX);
	memset(longest + 2, 'a', 62);
	assert_int_equal(ascii(longest, out), ERR_SYNTAX); /* a label over 63 octets */
	memset(longest + 2, 'a', 254);
	assert_int_equal(ascii(longest, out), ERR_LIMIT);
}

static void
no_memory(void **state)
{
	struct buf b;
	struct error e;

	(void)state;
	buf_init(&b, 100);
	mem_fail_after(0);
	assert_int_equal(idn_to_ascii(SLICE("\xc3\xbc.example"), &b, &e), ERR_NOMEM);
	mem_fail_after(-1);
	buf_done(&b);
	buf_init(&b, 5);
	assert_int_equal(idn_to_ascii(SLICE("example.org"), &b, &e), ERR_LIMIT);
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(u_labels_are_a_labels), UNIT_TEST(no_names), UNIT_TEST(no_memory))
