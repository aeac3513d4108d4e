/* SPDX-License-Identifier: ISC */
/* The parts of finding that ask nobody: questions, servers' names, lists, buckets, logs, answers. */
#include "unit.h"

#include <stdio.h>

#include "base/hex.h"
#include "trust/find/bucket.h"
#include "trust/find/find.h"
#include "trust/find/index.h"
#include "trust/find/refresh.h"
#include "trust/publish/publish.h"

static const struct {
	const char *in;
	int rc;
	enum find_kind kind;
	uint64_t key_id;
} queries[] = {
	{ "bob@example.org", 0, FIND_ADDRESS, 0 },
	{ "  bob@example.org ", 0, FIND_ADDRESS, 0 },
	{ "0123456789abcdef0123456789ABCDEF01234567", 0, FIND_FINGERPRINT, 0 },
	{ "0123 4567 89ab cdef 0123  4567 89AB CDEF 0123 4567", 0, FIND_FINGERPRINT, 0 },
	{ "0x0123456789abcdef", 0, FIND_KEY_ID, 0x0123456789abcdef },
	{ "5BFC8B9D", 0, FIND_SHORT, 0x5bfc8b9d },
	{ "Bob Baker", 0, FIND_NAME, 0 },
	{ "Bob <bob@example.org>", 0, FIND_NAME, 0 },
	{ "@example.org", 0, FIND_NAME, 0 },
	{ "bob@", 0, FIND_NAME, 0 },
	{ "ab", ERR_USAGE, 0, 0 },
	{ "", ERR_USAGE, 0, 0 },
	{ "bob@example.org\r\nX: y", ERR_USAGE, 0, 0 },
};

static void
questions_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
		struct find_query q = { 0 };
		int rc = find_query_parse(slice_str(queries[i].in), &q, &unit_error);

		if (rc != queries[i].rc || (rc == 0 && (q.kind != queries[i].kind || q.key_id != queries[i].key_id)))
			fail_msg("%s: %d %d", queries[i].in, rc, (int)q.kind);
	}
}

static const struct {
	const char *in;
	bool clear;
	int rc;
	const char *url;
	enum find_protocol protocol;
} servers[] = {
	{ "keys.example.org", false, 0, "https://keys.example.org", FIND_HKP },
	{ "hkps://keys.example.org", false, 0, "https://keys.example.org", FIND_HKP },
	{ "HKPS://Keys.Example.ORG/", false, 0, "https://keys.example.org", FIND_HKP },
	{ "https://keys.example.org:8443", false, 0, "https://keys.example.org:8443", FIND_HKP },
	{ "vks://keys.example.org", false, 0, "https://keys.example.org", FIND_VKS },
	{ "hkp://keys.example.org", true, 0, "http://keys.example.org:11371", FIND_HKP },
	{ "hkp://keys.example.org", false, ERR_POLICY, "", FIND_HKP },
	{ "http://keys.example.org", false, ERR_POLICY, "", FIND_HKP },
	{ "http://keys.example.org", true, 0, "http://keys.example.org", FIND_HKP },
	{ "hkps://[::1]:8443", false, 0, "https://[::1]:8443", FIND_HKP },
	{ "hkps://k\xc3\xa4se.example", false, 0, "https://xn--kse-qla.example", FIND_HKP },
	{ "ftp://keys.example.org", true, ERR_USAGE, "", FIND_HKP },
	{ "hkps://user@keys.example.org", false, ERR_USAGE, "", FIND_HKP },
	{ "hkps://keys.example.org/path", false, ERR_USAGE, "", FIND_HKP },
	{ "hkps://keys.example.org:0", false, ERR_USAGE, "", FIND_HKP },
	{ "hkps://keys.example.org:65536", false, ERR_USAGE, "", FIND_HKP },
	{ "hkps://", false, ERR_USAGE, "", FIND_HKP },
	{ "", false, ERR_USAGE, "", FIND_HKP },
	{ "hkps://a b", false, ERR_USAGE, "", FIND_HKP },
	{ "hkps://[::1]x", false, ERR_USAGE, "", FIND_HKP },
};

static void
servers_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
		struct find_server s = { 0 };
		struct buf url = { .max = 1000 };
		int rc = find_server_parse(slice_str(servers[i].in), servers[i].clear, &s, &unit_error);

		if (rc == 0)
			find_server_put(&s, &url);
		if (rc != servers[i].rc || !slice_eq_str(buf_slice(&url), servers[i].url) ||
		    s.protocol != servers[i].protocol)
			fail_msg("%s: %d %.*s", servers[i].in, rc, (int)url.len, (const char *)url.data);
		buf_done(&url);
	}
}

static void
sources_are_named(void **state)
{
	unsigned bits = 0;

	(void)state;
	assert_ok(find_sources_parse(SLICE("wkd, dns"), &bits, &unit_error));
	assert_int_equal(bits, FIND_BIT(FIND_WKD) | FIND_BIT(FIND_DNS));
	assert_int_equal(find_sources_parse(SLICE("wkd,ldap"), &bits, &unit_error), ERR_USAGE);
	assert_int_equal(find_sources_parse(SLICE(""), &bits, &unit_error), ERR_USAGE);
}

/* ---- lists ---- */

static int
collect(void *ctx, const struct find_candidate *c)
{
	(void)buf_putf(ctx, "%zu %llx %.*s%s%s%s|", (size_t)c->fingerprint.len, (unsigned long long)c->key_id,
	    (int)c->name.len, c->name.len == 0 ? "" : (const char *)c->name.data, c->revoked ? " r" : "",
	    c->expired ? " e" : "", c->disabled ? " d" : "");
	return 0;
}

#define PRINT "0123456789ABCDEF0123456789ABCDEF01234567"

static const struct {
	const char *in;
	int rc;
	const char *out;
} lists[] = {
	{ "info:1:1\r\npub:" PRINT ":22:256:1:2:\r\nuid:Bob%20%3ca%3ab%3e:1::\r\nuid:other:::\r\n", 0,
	    "20 89abcdef01234567 Bob <a:b>|" },
	{ "info:1:2\npub:" PRINT ":1:2048:::re\npub:89ABCDEF01234567:::::d\nuid:x:::\n", 0,
	    "20 89abcdef01234567  r e|0 89abcdef01234567 x d|" },
	{ "info:1:0\n", 0, "" },
	{ "info:1:1\npub:nothing:::::\nuid:x\n", 0, "" },
	{ "info:1:1\npub:" PRINT "\nuid:50%\n", 0, "20 89abcdef01234567 50%|" },
	{ "info:1:1\npub:" PRINT "\nuid:a%4\nuid:b\n", 0, "20 89abcdef01234567 a%4|" },
	{ "<html>no</html>", ERR_SYNTAX, "" },
	{ "", ERR_SYNTAX, "" },
};

static void
lists_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		struct buf got = { .max = 10000 };
		int rc = find_index_read(slice_str(lists[i].in), collect, &got, &unit_error);

		if (rc != lists[i].rc || !slice_eq_str(buf_slice(&got), lists[i].out))
			fail_msg("row %zu: %d %.*s", i, rc, (int)got.len, (const char *)got.data);
		buf_done(&got);
	}
}

/* ---- private look-ups ---- */

static void
names_of_addresses(void **state)
{
	uint8_t name[FIND_BUCKET_NAME];
	struct buf hex = { .max = 100 };

	(void)state;
	/* printf 'letterlock private address\0bob@example.org' | sha256sum */
	assert_ok(find_bucket_address_name(SLICE("bob@example.org"), name, &unit_error));
	(void)hex_write(&hex, slice_of(name, sizeof name));
	assert_slice(buf_slice(&hex), "d5728cbbb20616e580c945c4349f3bc303c9e3139478c3b8abec67f517080b20");
	buf_clear(&hex);
	find_bucket_put_digits(name, 3, &hex);
	assert_slice(buf_slice(&hex), "d57");
	buf_done(&hex);
}

static void
parameters_are_read(void **state)
{
	static const struct {
		const char *in;
		bool good;
	} rows[] = { { "{\"digits\":3,\"least\":50}", true }, { "{\"digits\":0,\"least\":1,\"more\":true}", true },
		{ "{\"digits\":9,\"least\":50}", false }, { "{\"digits\":-1,\"least\":50}", false },
		{ "{\"digits\":3}", false }, { "{\"digits\":\"3\",\"least\":50}", false }, { "[]", false },
		{ "", false } };
	unsigned digits, least;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(
		    find_bucket_parameters(slice_str(rows[i].in), &digits, &least, NULL) == 0, rows[i].good);
}

/* Every cut of a good bucket is refused or shorter, and nothing is read behind it. */
static void
a_bucket_that_is_cut(void **state)
{
	uint8_t raw[4 + 2 * (32 + 4 + 8)] = "LLB1";
	size_t entries = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t *entry = raw + 4 + i * 44;

		entry[0] = (uint8_t)(i + 1);
		entry[35] = 8;
		entry[39] = 4;
	}
	for (size_t len = 0; len <= sizeof raw; len++) {
		struct slice name, octets, certificate;
		struct find_bucket b;
		uint8_t *copy = malloc(len + 1);
		size_t n = 0;

		memcpy(copy, raw, len);
		if (find_bucket_begin(slice_of(copy, len), &b, NULL) == 0) {
			while (find_bucket_next(&b, &name, &octets, NULL) == 1) {
				assert_ok(find_bucket_bare(octets, &certificate, &unit_error));
				assert_int_equal(certificate.len, 4);
				n++;
			}
		}
		assert_true(n == 0 || len >= 4 + n * 44);
		entries += n;
		free(copy);
	}
	assert_true(entries > 2);
}

static void
bare_entries_have_a_length_of_their_own(void **state)
{
	static const uint8_t rows[][6] = { { 0, 0, 0, 3, 1, 2 }, { 0, 0, 0, 0, 1, 2 }, { 255, 255, 255, 255, 1, 2 } };
	struct slice out;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(find_bucket_bare(slice_of(rows[i], sizeof rows[i]), &out, NULL), ERR_SYNTAX);
	assert_int_equal(find_bucket_bare(SLICE("abc"), &out, NULL), ERR_SYNTAX);
}

/* ---- logs ---- */

static int
add(void *ctx, uint32_t prefix)
{
	(void)buf_putf(ctx, "%08x ", prefix);
	return 0;
}

static void
logs_are_read(void **state)
{
	static const struct {
		const char *in;
		int rc;
		const char *out;
	} rows[] = { { "01234567\r\nFEDCBA98\r\n", 0, "01234567 fedcba98 " }, { "", 0, "" }, { "\r\n\n", 0, "" },
		{ "abcdef00", 0, "abcdef00 " }, { "01234567\r\n0123456\r\n", ERR_SYNTAX, "01234567 " },
		{ "<html>", ERR_SYNTAX, "" }, { "012345678", ERR_SYNTAX, "" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf got = { .max = 1000 };

		assert_int_equal(find_prefixlog_read(slice_str(rows[i].in), add, &got, &unit_error), rows[i].rc);
		assert_slice(buf_slice(&got), rows[i].out);
		buf_done(&got);
	}
}

/* ---- publishing ---- */

static void
a_vks_answer_is_read(void **state)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"token\":\"t\"}", "{\"token\":\"\",\"status\":{}}",
		"{\"token\":1,\"status\":{}}", "{\"token\":\"t\",\"status\":[]}" };
	static struct publish_status s;

	(void)state;
	assert_ok(publish_status_parse(
	    SLICE("{\"key_fpr\":\"X\",\"token\":\"t0\",\"status\":{\"a@example.org\":\"unpublished\","
		  "\"b@example.org\":\"pending\",\"c@example.org\":\"published\",\"d@example.org\":\"revoked\","
		  "\"e@example.org\":\"eaten\",\"f@example.org\":7}}"),
	    &s, &unit_error));
	assert_string_equal(s.token, "t0");
	assert_int_equal(s.count, 5);
	for (size_t i = 0; i < s.count; i++)
		assert_int_equal(s.addresses[i].state, i);
	assert_string_equal(s.addresses[1].address, "b@example.org");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_true(publish_status_parse(slice_str(bad[i]), &s, NULL) != 0);
}

UNIT_MAIN(UNIT_TEST(questions_are_understood), UNIT_TEST(servers_are_named), UNIT_TEST(sources_are_named),
    UNIT_TEST(lists_are_read), UNIT_TEST(names_of_addresses), UNIT_TEST(parameters_are_read),
    UNIT_TEST(a_bucket_that_is_cut), UNIT_TEST(bare_entries_have_a_length_of_their_own), UNIT_TEST(logs_are_read),
    UNIT_TEST(a_vks_answer_is_read))
