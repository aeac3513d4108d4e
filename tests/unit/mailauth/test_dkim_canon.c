/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/canon.h"

#include "crypto/hash.h"
#include "unit.h"

static const char *const cr_lf = "\r\n";

static void
put(void *ctx, struct slice octets)
{
	(void)buf_put_slice(ctx, octets);
}

static struct buf
body(enum dkim_canon how, struct slice in, size_t piece)
{
	struct buf out;
	struct dkim_body_canon c = { .how = how, .put = put, .ctx = &out };

	buf_init(&out, 1 << 22);
	for (size_t at = 0; at < in.len; at += piece)
		dkim_body_canon_feed(&c, slice_sub(in, at, piece));
	dkim_body_canon_end(&c);
	return out;
}

static void
field(enum dkim_canon how, const char *in, const char *expected)
{
	BUF_OWNED struct buf out = { 0 };

	buf_init(&out, 4096);
	assert_ok(dkim_canon_field(how, slice_str(in), &out));
	assert_slice(buf_slice(&out), expected);
}

static void
signature(enum dkim_canon how, const char *in, const char *expected)
{
	BUF_OWNED struct buf out = { 0 };

	buf_init(&out, 4096);
	assert_ok(dkim_canon_signature(how, slice_str(in), &out));
	assert_slice(buf_slice(&out), expected);
}

/* RFC 6376 section 3.4.5. */
static void
fields(void **state)
{
	(void)state;
	field(DKIM_RELAXED, "A: X\r\n", "a:X\r\n");
	field(DKIM_RELAXED, "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n");
	field(DKIM_SIMPLE, "B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n");
	field(DKIM_RELAXED, "Empty:\r\n", "empty:\r\n");
	field(DKIM_RELAXED, "Empty: \r\n \t\r\n", "empty:\r\n");
	field(DKIM_RELAXED, "No-End: a", "no-end:a\r\n");
	field(DKIM_SIMPLE, "No-End: a", "No-End: a\r\n");
	field(DKIM_RELAXED, "C:\r\n \xc3\xa4\r\n\t\r\n  b \r\n", "c:\xc3\xa4 b\r\n");
	field(DKIM_RELAXED, "Cr: a\rb\r\n", "cr:a\rb\r\n"); /* a CR alone is a character */
}

static void
own_signature_is_taken_out(void **state)
{
	(void)state;
	signature(DKIM_SIMPLE, "DKIM-Signature: a=x; b=AB\r\n\tCD ; c=y\r\n", "DKIM-Signature: a=x; b=; c=y");
	signature(DKIM_RELAXED, "DKIM-Signature: a=x;\r\n\tb = AB\r\n\tCD ; bh=z\r\n", "dkim-signature:a=x; b =; bh=z");
	signature(DKIM_RELAXED, "DKIM-Signature: bh=b=; b=\r\n AB=\r\n", "dkim-signature:bh=b=; b=");
	signature(DKIM_RELAXED, "DKIM-Signature: b=AB", "dkim-signature:b=");
	signature(DKIM_RELAXED, "DKIM-Signature: a=x", "dkim-signature:a=x");
}

static const struct body_row {
	const char *in, *simple, *relaxed;
} bodies[] = {
	{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	{ "", "\r\n", "" },
	{ "\r\n", "\r\n", "" },
	{ "\r\n\r\n\r\n", "\r\n", "" },
	{ " \t\r\n", " \t\r\n", "" },
	{ " ", " \r\n", "" },
	{ "a", "a\r\n", "a\r\n" },
	{ "a \t", "a \t\r\n", "a\r\n" },
	{ "a\r\n \r\n\r\n", "a\r\n \r\n", "a\r\n" },
	{ "\r\n\r\na\r\n\r\nb", "\r\n\r\na\r\n\r\nb\r\n", "\r\n\r\na\r\n\r\nb\r\n" },
	{ "  a\t\tb  c \r\n", "  a\t\tb  c \r\n", " a b c\r\n" },
	{ "a\rb\r\r\n", "a\rb\r\r\n", "a\rb\r\r\n" },
	{ "a\nb \n c\r\n", "a\nb \n c\r\n", "a\nb \n c\r\n" },
	{ "a \r", "a \r\r\n", "a \r\r\n" },
	{ "a\tb", "a\tb\r\n", "a b\r\n" },
	{ "0123456789012345678901234567890123456789012345678901234567890123 "
	  "\r\n456789\t0123456789012345678901234567890 1 "
	  "\r\n",
	    "0123456789012345678901234567890123456789012345678901234567890123 "
	    "\r\n456789\t0123456789012345678901234567890 "
	    "1 \r\n",
	    "0123456789012345678901234567890123456789012345678901234567890123\r\n456789 "
	    "0123456789012345678901234567890 "
	    "1\r\n" },
};

static void
whole_and_in_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct slice in = slice_str(bodies[i].in);

		for (size_t piece = 1; piece <= in.len + 1; piece++) {
			struct buf simple = body(DKIM_SIMPLE, in, piece), relaxed = body(DKIM_RELAXED, in, piece);

			assert_slice(buf_slice(&simple), bodies[i].simple);
			assert_slice(buf_slice(&relaxed), bodies[i].relaxed);
			buf_done(&simple);
			buf_done(&relaxed);
		}
	}
}

/* Long texts of these parts, so that stretches begin and end everywhere: at once as octet by octet. */
static void
stretches(void **state)
{
	static const char *const parts[] = { "word", " ", "  ", "\t", "\r\n", " \r\n", "\r\n\r\n", "x", "\r",
		"a longer piece of text without anything in it", ".", "\r\n \t\r\n" };
	uint32_t random = 1;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		BUF_OWNED struct buf in = { 0 };

		buf_init(&in, 1 << 16);
		for (unsigned i = 0; i < 3 + round; i++) {
			random = random * 1664525u + 1013904223u;
			(void)buf_put_str(&in, parts[(random >> 16) % (sizeof parts / sizeof parts[0])]);
		}
		for (int how = DKIM_SIMPLE; how <= DKIM_RELAXED; how++) {
			struct buf whole = body((enum dkim_canon)how, buf_slice(&in), in.len + 1);
			struct buf octets = body((enum dkim_canon)how, buf_slice(&in), 1);
			struct buf again = body((enum dkim_canon)how, buf_slice(&whole), 7);

			assert_slices(buf_slice(&whole), buf_slice(&octets));
			assert_slices(buf_slice(&again), buf_slice(&whole)); /* what is canonical stays so */
			buf_done(&whole);
			buf_done(&octets);
			buf_done(&again);
		}
	}
}

static void
hashes_at_marks(void **state)
{
	static const struct slice in = { (const uint8_t *)"ab  c\r\n\r\ndef \r\n", 15 }; /* "ab c\r\n\r\ndef\r\n" */
	struct dkim_body *b;
	uint8_t expected[HASH_SIZE_MAX];

	(void)state;
	assert_ok(dkim_body_new(DKIM_RELAXED, &b, &unit_error));
	assert_ok(dkim_body_mark(b, 13, &unit_error));
	assert_ok(dkim_body_mark(b, 0, &unit_error));
	assert_ok(dkim_body_mark(b, 4, &unit_error));
	assert_ok(dkim_body_mark(b, 4, &unit_error));
	assert_ok(dkim_body_mark(b, 14, &unit_error));
	for (size_t i = 0; i < in.len; i++)
		dkim_body_put(b, slice_sub(in, i, 1));
	assert_ok(dkim_body_end(b, &unit_error));
	assert_int_equal(dkim_body_length(b), 13);
	assert_ok(hash_once(HASH_SHA256, SLICE("ab c\r\n\r\ndef\r\n"), expected, &unit_error));
	assert_memory_equal(dkim_body_hash(b, DKIM_BODY_WHOLE), expected, DKIM_BODY_HASH_SIZE);
	assert_memory_equal(dkim_body_hash(b, 13), expected, DKIM_BODY_HASH_SIZE);
	assert_ok(hash_once(HASH_SHA256, SLICE("ab c"), expected, &unit_error));
	assert_memory_equal(dkim_body_hash(b, 4), expected, DKIM_BODY_HASH_SIZE);
	assert_ok(hash_once(HASH_SHA256, SLICE(""), expected, &unit_error));
	assert_memory_equal(dkim_body_hash(b, 0), expected, DKIM_BODY_HASH_SIZE);
	assert_null(dkim_body_hash(b, 14)); /* there are not so many */
	assert_null(dkim_body_hash(b, 5));  /* it was not asked for */
	dkim_body_free(b);
}

static void
no_more_marks_than_signatures(void **state)
{
	struct dkim_body *b;

	(void)state;
	assert_ok(dkim_body_new(DKIM_SIMPLE, &b, &unit_error));
	for (uint64_t i = 0; i < MAILAUTH_DKIM_MARKS_MAX; i++)
		assert_ok(dkim_body_mark(b, i, &unit_error));
	assert_int_equal(dkim_body_mark(b, 99, &unit_error), ERR_LIMIT);
	assert_ok(dkim_body_mark(b, 3, &unit_error));
	dkim_body_free(b);
}

/* RFC 6376 section 5.4.2. */
static void
from_the_bottom(void **state)
{
	const struct slice block = SLICE("Received: A\r\nreceived: B\r\nX: 1\r\nRECEIVED : C\r\n\r\n");
	struct dkim_choice c;
	struct dkim_header h;
	ARENA_OWNED struct arena a = { 0 };

	(void)state;
	arena_init(&a, 1 << 16);
	assert_ok(dkim_header_parse(block, &a, &h, &unit_error));
	dkim_choice_init(&c, &h);
	assert_int_equal(dkim_choice_left(&c, SLICE("Received")), 3);
	assert_slice(dkim_choice_take(&c, SLICE("Received"))->whole, "RECEIVED : C\r\n");
	assert_slice(dkim_choice_take(&c, SLICE("rEceived"))->whole, "received: B\r\n");
	assert_int_equal(dkim_choice_left(&c, SLICE("Received")), 1);
	assert_slice(dkim_choice_take(&c, SLICE("received"))->whole, "Received: A\r\n");
	assert_null(dkim_choice_take(&c, SLICE("Received")));
	assert_null(dkim_choice_take(&c, SLICE("Y")));
	assert_slice(dkim_choice_take(&c, SLICE("x"))->whole, "X: 1\r\n");
}

static void
headers_that_are_none(void **state)
{
	ARENA_OWNED struct arena a = { 0 };
	struct dkim_header h;
	BUF_OWNED struct buf many = { 0 };

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(dkim_header_parse(SLICE("A: 1\r\nno field\r\n\r\n"), &a, &h, &unit_error), ERR_SYNTAX);
	assert_int_equal(dkim_header_parse(SLICE("A: 1\r\n\r\nB: 2\r\n"), &a, &h, &unit_error), ERR_SYNTAX);
	assert_ok(dkim_header_parse(SLICE("A: 1\r\n"), &a, &h, &unit_error));
	assert_ok(dkim_header_parse(SLICE(""), &a, &h, &unit_error));
	buf_init(&many, 1 << 20);
	for (unsigned i = 0; i <= MIME_FIELDS_MAX; i++)
		(void)buf_putf(&many, "A: 1%s", cr_lf);
	assert_int_equal(dkim_header_parse(buf_slice(&many), &a, &h, &unit_error), ERR_LIMIT);
}

UNIT_MAIN(UNIT_TEST(fields), UNIT_TEST(own_signature_is_taken_out), UNIT_TEST(whole_and_in_pieces),
    UNIT_TEST(stretches), UNIT_TEST(hashes_at_marks), UNIT_TEST(no_more_marks_than_signatures),
    UNIT_TEST(from_the_bottom), UNIT_TEST(headers_that_are_none))
