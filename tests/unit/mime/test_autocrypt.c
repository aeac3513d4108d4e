/* SPDX-License-Identifier: ISC */
#include "mime/autocrypt.h"
#include "unit.h"

#include <stdio.h>

static const struct {
	const char *name, *in;
	int rc;
	const char *addr, *keydata;
	bool mutual;
} values[] = {
	{ "plain", "addr=alice@example.org; keydata=YWJj", 0, "alice@example.org", "abc", false },
	{ "mutual", "addr=alice@example.org; prefer-encrypt=mutual; keydata=YWJj", 0, "alice@example.org", "abc",
	    true },
	{ "folded", " addr=alice@example.org;\r\n keydata=YW\r\n Jj\r\n ZGVm", 0, "alice@example.org", "abcdef",
	    false },
	{ "another preference is none", "addr=a@example.org; prefer-encrypt=nopreference; keydata=YWJj", 0,
	    "a@example.org", "abc", false },
	{ "an attribute that may be ignored", "addr=a@example.org; _monkey=ignore; keydata=YWJj", 0, "a@example.org",
	    "abc", false },
	{ "a critical attribute", "addr=a@example.org; monkey=ignore; keydata=YWJj", ERR_SYNTAX, "", "", false },
	{ "keydata is the last", "keydata=YWJj; addr=a@example.org", ERR_SYNTAX, "", "", false },
	{ "an address twice", "addr=a@example.org; addr=b@example.org; keydata=YWJj", ERR_SYNTAX, "", "", false },
	{ "a preference twice", "addr=a@example.org; prefer-encrypt=mutual; prefer-encrypt=mutual; keydata=YWJj",
	    ERR_SYNTAX, "", "", false },
	{ "no address", "keydata=YWJj", ERR_SYNTAX, "", "", false },
	{ "no key", "addr=a@example.org", ERR_SYNTAX, "", "", false },
	{ "an empty key", "addr=a@example.org; keydata=", ERR_SYNTAX, "", "", false },
	{ "a key that is cut", "addr=a@example.org; keydata=YWJ", ERR_SYNTAX, "", "", false },
	{ "a key that is no base64", "addr=a@example.org; keydata=YW*j", ERR_SYNTAX, "", "", false },
	{ "octets behind the padding", "addr=a@example.org; keydata=YQ==YQ==", ERR_SYNTAX, "", "", false },
	{ "nothing", "", ERR_SYNTAX, "", "", false },
};

static void
values_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct mime_autocrypt x = { 0 };
		struct arena a;
		int rc;

		arena_init(&a, 1 << 16);
		rc = mime_autocrypt_parse(slice_str(values[i].in), &a, &x, &unit_error);
		if (rc != values[i].rc)
			fail_msg("%s: %d %s", values[i].name, rc, unit_error.text);
		assert_slice(x.addr, values[i].addr);
		assert_slice(x.keydata, values[i].keydata);
		assert_int_equal(x.mutual, values[i].mutual);
		arena_done(&a);
	}
}

#define GOOD "Autocrypt: addr=alice@example.org; keydata=YWJj\r\n"

static const struct {
	const char *name, *header;
	int rc;
} headers[] = {
	{ "one", "Subject: x\r\n" GOOD "\r\n", 0 },
	{ "none", "Subject: x\r\n\r\n", ERR_NOT_FOUND },
	{ "several valid ones", GOOD "To: x\r\n" GOOD "\r\n", ERR_SYNTAX },
	{ "several, of which one is valid", "Autocrypt: addr=alice@example.org; v=2; keydata=YWJj\r\n" GOOD "\r\n", 0 },
	{ "another's address", "Autocrypt: addr=mallory@example.org; keydata=YWJj\r\n\r\n", ERR_NOT_FOUND },
	{ "another's beside", "Autocrypt: addr=mallory@example.org; keydata=YWJj\r\n" GOOD "\r\n", 0 },
	{ "in another case", "autocrypt: addr=Alice@EXAMPLE.org; keydata=YWJj\r\n\r\n", 0 },
	{ "gossip is another field", "Autocrypt-Gossip: addr=alice@example.org; keydata=YWJj\r\n\r\n", ERR_NOT_FOUND },
};

static void
one_field_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		struct mime_autocrypt x = { 0 };
		struct mime_header h;
		struct arena a;
		int rc;

		arena_init(&a, 1 << 20);
		assert_ok(mime_header_parse(slice_str(headers[i].header), &a, &h, &unit_error));
		rc = mime_autocrypt_find(&h, SLICE("alice@example.org"), &a, &x, &unit_error);
		if (rc != headers[i].rc)
			fail_msg("%s: %d %s", headers[i].name, rc, unit_error.text);
		if (rc == 0)
			assert_slice(x.keydata, "abc");
		arena_done(&a);
	}
}

static void
what_is_written_reads_the_same_and_no_line_is_long(void **state)
{
	static const uint8_t key[3000] = { 1, 2, 3 };
	struct mime_autocrypt x = { SLICE("alice@example.org"), true, { key, sizeof key } }, y;
	struct slice rest, line;
	struct mime_header h;
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	assert_ok(mime_autocrypt_write(&x, "Autocrypt", &b, &unit_error));
	for (rest = buf_slice(&b); rest.len > 0;) {
		line = slice_split(rest, '\n', &rest);
		assert_true(line.len <= 79);
	}
	assert_ok(mime_header_parse(buf_slice(&b), &a, &h, &unit_error));
	assert_int_equal(h.count, 1);
	assert_ok(mime_autocrypt_find(&h, x.addr, &a, &y, &unit_error));
	assert_true(slice_eq(x.keydata, y.keydata) && y.mutual);
	buf_done(&b);
	arena_done(&a);
}

/* Over 10 KiB it is neither written nor read. */
static void
a_field_has_a_size(void **state)
{
	static uint8_t key[9000];
	struct mime_autocrypt x = { SLICE("alice@example.org"), false, { key, sizeof key } }, y;
	struct mime_header h;
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	assert_int_equal(mime_autocrypt_write(&x, "Autocrypt", &b, &unit_error), ERR_LIMIT);
	assert_int_equal(b.len, 0);
	(void)buf_put_str(&b, "Autocrypt: addr=alice@example.org; keydata=");
	for (int i = 0; i < 2560; i++)
		(void)buf_put_str(&b, "AAAA");
	(void)buf_put_str(&b, "\r\n\r\n");
	assert_ok(mime_header_parse(buf_slice(&b), &a, &h, &unit_error));
	assert_int_equal(mime_autocrypt_find(&h, x.addr, &a, &y, &unit_error), ERR_NOT_FOUND);
	buf_done(&b);
	arena_done(&a);
}

static void
nothing_gets_into_the_header_by_an_address(void **state)
{
	static const char *const bad[] = { "a@b\r\nBcc: x@y", "a@b; keydata=x", "a b@c", "nobody", "" };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct mime_autocrypt x = { slice_str(bad[i]), false, SLICE("abc") };

		assert_int_equal(mime_autocrypt_write(&x, "Autocrypt", &b, &unit_error), ERR_USAGE);
		assert_int_equal(b.len, 0);
	}
	buf_done(&b);
}

static void
gossip_is_read(void **state)
{
	struct mime_autocrypt x[2];
	struct mime_header h;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_ok(mime_header_parse(SLICE("Autocrypt-Gossip: addr=bob@example.org; keydata=YWJj\r\n"
					  "Autocrypt-Gossip: addr=bob@example.org; critical=1; keydata=YWJj\r\n"
					  "Autocrypt-Gossip: addr=carol@example.org; keydata=ZGVm\r\n"
					  "Autocrypt-Gossip: addr=dave@example.org; keydata=ZGVm\r\n\r\n"),
	    &a, &h, &unit_error));
	assert_int_equal(mime_autocrypt_gossip(&h, &a, x, 2), 2);
	assert_slice(x[0].addr, "bob@example.org");
	assert_slice(x[1].addr, "carol@example.org");
	assert_slice(x[1].keydata, "def");
	arena_done(&a);
}

/* The fields of the standard's examples, when they are at hand; there keydata is "...". */
static void
the_standards_examples(void **state)
{
	const char *data = getenv("LETTERLOCK_TESTDATA");
	char path[1000], line[1000];
	size_t read = 0;
	FILE *f;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/standards/autocrypt-examples.rst", data == NULL ? "" : data);
	f = data == NULL ? NULL : fopen(path, "r");
	if (f == NULL) {
		print_message("# skipped: LETTERLOCK_TESTDATA has no standards/autocrypt-examples.rst\n");
		return; /* cmocka's own skip() says "not ok" in TAP */
	}
	while (fgets(line, sizeof line - 1, f) != NULL) {
		struct slice value = slice_trim(slice_str(line)), name = slice_split(value, ':', &value);
		struct buf text = { .max = 1000 };
		struct mime_autocrypt x;
		struct arena a;

		if (!slice_starts(name, SLICE("Autocrypt")) || !slice_ends(value, SLICE("keydata=...")))
			continue;
		arena_init(&a, 1 << 16);
		(void)buf_put_slice(&text, slice_sub(value, 0, value.len - 3));
		(void)buf_put_str(&text, "YWJj");
		assert_ok(mime_autocrypt_parse(buf_slice(&text), &a, &x, &unit_error));
		assert_true(slice_find(x.addr, '@') != SIZE_MAX);
		read++;
		buf_done(&text);
		arena_done(&a);
	}
	(void)fclose(f);
	assert_true(read >= 2);
}

UNIT_MAIN(UNIT_TEST(values_are_parsed), UNIT_TEST(one_field_counts),
    UNIT_TEST(what_is_written_reads_the_same_and_no_line_is_long), UNIT_TEST(a_field_has_a_size),
    UNIT_TEST(nothing_gets_into_the_header_by_an_address), UNIT_TEST(gossip_is_read), UNIT_TEST(the_standards_examples))
