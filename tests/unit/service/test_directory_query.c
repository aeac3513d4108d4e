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
	{ "op=get&search=FBFCC82A015E7330", 0, DIRECTORY_GET, DIRECTORY_BY_KEY_ID, false, "fbfcc82a015e7330" },
	{ "op=get&search=D1A66E1A23B182C9980F788CFBFCC82A015E7330", 0, DIRECTORY_GET, DIRECTORY_BY_FINGERPRINT, false,
	    "d1a66e1a23b182c9980f788cfbfcc82a015e7330" },
	/* Eight digits with "0x" are a key ID; without they may be a name. */
	{ "op=get&search=0x015E7330", 0, DIRECTORY_GET, DIRECTORY_BY_SHORT_ID, false, "015e7330" },
	{ "op=get&search=deadbeef", 0, DIRECTORY_GET, DIRECTORY_BY_TEXT, false, "deadbeef" },
	{ "op=get&search=0x015E73", ERR_SYNTAX },
	{ "op=get&search=0x", ERR_SYNTAX },
	{ "op=hget&search=00112233445566778899aabbccddeeff", ERR_UNSUPPORTED },
	{ "op=delete&search=abc", ERR_UNSUPPORTED },
	{ "op=get&search=ab", ERR_SYNTAX },
	{ "op=get&search=Alice&exact=on", ERR_SYNTAX },
	{ "op=get", ERR_SYNTAX },
	{ "op=get&search=", ERR_SYNTAX },
	{ "op=get&search=%4", ERR_SYNTAX },
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

static void
options(void **state)
{
	struct directory_query q;
	struct buf text;

	(void)state;
	buf_init(&text, 1000);
	assert_int_equal(directory_query_parse(SLICE("op=stats"), &text, &q, NULL), 0);
	assert_int_equal(q.op, DIRECTORY_STATS);
	assert_false(q.json);
	assert_int_equal(directory_query_parse(SLICE("op=index&options=json,mr&x=y&search=a@b"), &text, &q, NULL), 0);
	assert_true(q.json && q.machine_readable);
	buf_done(&text);
}

static const struct {
	bool vks;
	const char *path;
	int rc;
	enum directory_by by;
	uint32_t version;
	size_t octets;
	const char *text;
} paths[] = {
	{ false, "by-vfingerprint/04D1A66E1A23B182C9980F788CFBFCC82A015E7330", 0, DIRECTORY_BY_FINGERPRINT, 4, 20, "" },
	{ false, "by-vfingerprint/04/d1a66e1a23b182c9980f788cfbfcc82a015e7330", 0, DIRECTORY_BY_FINGERPRINT, 4, 20,
	    "" },
	{ false, "by-vfingerprint/06D1A66E1A23B182C9980F788CFBFCC82A015E7330D1A66E1A23B182C9980F788C", 0,
	    DIRECTORY_BY_FINGERPRINT, 6, 32, "" },
	/* The version is part of the name. */
	{ false, "by-vfingerprint/06D1A66E1A23B182C9980F788CFBFCC82A015E7330", ERR_NOT_FOUND },
	{ false, "by-vfingerprint/D1A66E1A23B182C9980F788CFBFCC82A015E7330", ERR_NOT_FOUND },
	{ false, "by-vfingerprint/0x04D1A66E1A23B182C9980F788CFBFCC82A015E7330", ERR_NOT_FOUND },
	{ false, "by-vfingerprint/05D1A66E1A23B182C9980F788CFBFCC82A015E7330", ERR_NOT_FOUND },
	{ false, "by-vfingerprint/", ERR_DENIED },
	{ false, "by-vfingerprint", ERR_DENIED },
	{ false, "by-keyid/FBFCC82A015E7330", 0, DIRECTORY_BY_KEY_ID, 4, 8, "" },
	{ false, "by-keyid/0xFBFCC82A015E7330", ERR_NOT_FOUND },
	{ false, "by-keyid/015E7330", ERR_NOT_FOUND },
	{ false, "by-identity/alice%40example.org", 0, DIRECTORY_BY_ADDRESS, 0, 0, "alice@example.org" },
	{ false, "by-identity/a%2fb@example.org", 0, DIRECTORY_BY_ADDRESS, 0, 0, "a/b@example.org" },
	{ false, "by-identity/alice", ERR_NOT_FOUND },
	{ false, "by-identity/%4", ERR_SYNTAX },
	{ false, "by-fingerprint/D1A66E1A23B182C9980F788CFBFCC82A015E7330", ERR_UNSUPPORTED },
	{ false, "", ERR_UNSUPPORTED },
	{ true, "by-fingerprint/D1A66E1A23B182C9980F788CFBFCC82A015E7330", 0, DIRECTORY_BY_FINGERPRINT, 4, 20, "" },
	{ true, "by-fingerprint/D1A66E1A23B182C9980F788CFBFCC82A015E7330D1A66E1A23B182C9980F788C", 0,
	    DIRECTORY_BY_FINGERPRINT, 6, 32, "" },
	{ true, "by-fingerprint/0xD1A66E1A23B182C9980F788CFBFCC82A015E7330", ERR_NOT_FOUND },
	{ true, "by-keyid/FBFCC82A015E7330", 0, DIRECTORY_BY_KEY_ID, 4, 8, "" },
	{ true, "by-email/alice%40example.org", 0, DIRECTORY_BY_ADDRESS, 4, 0, "alice@example.org" },
	{ true, "by-email/", ERR_NOT_FOUND },
	{ true, "by-name/alice", ERR_NOT_FOUND },
};

static void
paths_of_v2_and_vks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct slice path = slice_str(paths[i].path);
		struct directory_path p;
		struct buf text;
		int rc;

		buf_init(&text, 1000);
		rc =
		    paths[i].vks ? directory_path_vks(path, &text, &p, NULL) : directory_path_v2(path, &text, &p, NULL);
		if (rc != paths[i].rc)
			fail_msg("path %s: %d", paths[i].path, rc);
		if (rc == 0) {
			assert_int_equal(p.by, paths[i].by);
			assert_int_equal(p.version, paths[i].version);
			assert_int_equal(p.octet_count, paths[i].octets);
			assert_slice(p.text, paths[i].text);
		}
		buf_done(&text);
	}
}

static void
days(void **state)
{
	uint64_t day;

	(void)state;
	assert_int_equal(directory_path_day(SLICE("1970-01-02"), &day, NULL), 0);
	assert_int_equal(day, 1);
	assert_int_equal(directory_path_day(SLICE("2024-02-29"), &day, NULL), 0);
	assert_int_equal(day, 19782);
	for (const char *const *bad = (const char *const[]){ "", "2023-02-29", "2024-2-29", "2024-02-29T", "20240229",
		 "1969-12-31", "abcd-ef-gh", NULL };
	     *bad != NULL; bad++)
		assert_int_equal(directory_path_day(slice_str(*bad), &day, NULL), ERR_SYNTAX);
}

UNIT_MAIN(UNIT_TEST(queries), UNIT_TEST(a_long_search_is_refused), UNIT_TEST(options), UNIT_TEST(paths_of_v2_and_vks),
    UNIT_TEST(days))
