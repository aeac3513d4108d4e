/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "base/buf.h"
#include "service/directory/query.h"

static const struct {
	const char *query;
	int rc;
	enum directory_op op;
	enum directory_by by;
	bool machine_readable;
	const char *text; /* or the octets in hex */
} rows[] = {
	/* What gpg 2.2 sends. */
	{ "op=index&options=mr&fingerprint=on&search=alice%40example.org", 0, DIRECTORY_INDEX, DIRECTORY_BY_ADDRESS,
	    true, "alice@example.org" },
	{ "op=get&options=mr&search=0xD1A66E1A23B182C9980F788CFBFCC82A015E7330", 0, DIRECTORY_GET,
	    DIRECTORY_BY_FINGERPRINT, true, "d1a66e1a23b182c9980f788cfbfcc82a015e7330" },
	{ "op=get&options=mr&search=alice%40example.org&exact=on", 0, DIRECTORY_GET, DIRECTORY_BY_ADDRESS, true,
	    "alice@example.org" },
	{ "op=get&search=0xFBFCC82A015E7330", 0, DIRECTORY_GET, DIRECTORY_BY_KEY_ID, false, "fbfcc82a015e7330" },
	{ "op=vindex&search=Alice+Liddell", 0, DIRECTORY_INDEX, DIRECTORY_BY_TEXT, false, "Alice Liddell" },
	{ "op=index&options=nm,mr&search=Alice%20%3Calice%40example.org%3E", 0, DIRECTORY_INDEX, DIRECTORY_BY_ADDRESS,
	    true, "alice@example.org" },
	{ "op=get&search=0xyz", 0, DIRECTORY_GET, DIRECTORY_BY_TEXT, false, "0xyz" },
	{ "op=get&search=0x015E7330", ERR_SYNTAX },
	{ "op=get&search=ab", ERR_SYNTAX },
	{ "op=get&search=Alice&exact=on", ERR_SYNTAX },
	{ "op=get", ERR_SYNTAX },
	{ "op=get&search=", ERR_SYNTAX },
	{ "op=get&search=%4", ERR_SYNTAX },
	{ "op=stats&search=abc", ERR_UNSUPPORTED },
	{ "search=abc", ERR_SYNTAX },
	{ "", ERR_SYNTAX },
};

static void
queries(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct directory_query q;
		char hex[65] = "";
		struct buf text;

		buf_init(&text, 1000);
		if (directory_query_parse(slice_str(rows[i].query), &text, &q, NULL) != rows[i].rc)
			fail_msg("query %s", rows[i].query);
		if (rows[i].rc == 0) {
			assert_int_equal(q.op, rows[i].op);
			assert_int_equal(q.by, rows[i].by);
			assert_int_equal(q.machine_readable, rows[i].machine_readable);
			for (size_t k = 0; k < q.octet_count; k++)
				(void)snprintf(hex + 2 * k, 3, "%02x", q.octets[k]);
			assert_slice(q.octet_count > 0 ? slice_str(hex) : q.text, rows[i].text);
		}
		buf_done(&text);
	}
}

static void
a_long_search_is_refused(void **state)
{
	struct directory_query q;
	struct buf text, query;

	(void)state;
	buf_init(&text, 1000);
	buf_init(&query, 1000);
	(void)buf_put_str(&query, "op=get&search=");
	while (query.len < 500)
		(void)buf_put_str(&query, "x");
	assert_int_equal(directory_query_parse(buf_slice(&query), &text, &q, NULL), ERR_LIMIT);
	buf_done(&text);
	buf_done(&query);
}

UNIT_MAIN(UNIT_TEST(queries), UNIT_TEST(a_long_search_is_refused))
