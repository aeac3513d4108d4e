/* SPDX-License-Identifier: ISC */
/* Answers: doubled dots, the end of a multi-line answer, TOP's lines, texts and codes. */
#include "base/buf.h"
#include "pop3/write.h"
#include "unit.h"

static void
put(struct slice in, size_t step, struct buf *out)
{
	struct pop3_lines l;

	pop3_lines_init(&l);
	while (in.len > 0) {
		(void)pop3_lines_put(&l, slice_sub(in, 0, step), out);
		in = slice_from(in, step);
	}
	assert_ok(pop3_lines_end(&l, out));
}

static void
expect(const char *in, const char *want)
{
	for (size_t step = 1; step <= strlen(in) + 1; step++) {
		struct buf out;

		buf_init(&out, 1u << 20);
		put(slice_str(in), step, &out);
		assert_slice(buf_slice(&out), want);
		buf_done(&out);
	}
}

static void
dots(void **state)
{
	(void)state;
	expect("", ".\r\n");
	expect("a\r\n", "a\r\n.\r\n");
	expect(".\r\n", "..\r\n.\r\n");
	expect("..\r\n", "...\r\n.\r\n");
	expect("a.b.\r\n.c\r\n", "a.b.\r\n..c\r\n.\r\n");
	expect("\r\n.\r\n", "\r\n..\r\n.\r\n");
	expect("a\r\n.\r\n.\r\n", "a\r\n..\r\n..\r\n.\r\n");
}

/* Pitfall, smuggling: no form of a line's end lets a message end the answer, or begin another one. */
static void
pitfall_message_that_forges_answers(void **state)
{
	(void)state;
	expect("a\n.\n+OK forged\r\n", "a\n..\n+OK forged\r\n.\r\n");
	expect("a\n.\r\n", "a\n..\r\n.\r\n");
	expect("a\r.\r+OK\r\n", "a\r..\r+OK\r\n.\r\n");
	expect("a\r.\r\n", "a\r..\r\n.\r\n");
	expect("a\r\n.", "a\r\n..\r\n.\r\n");
	expect("a", "a\r\n.\r\n");
	expect("a\n", "a\n\r\n.\r\n");
	expect("a\r", "a\r\r\n.\r\n");
	expect("\n", "\n\r\n.\r\n");
	expect("\r", "\r\r\n.\r\n");
}

/* Dots at every place of long lines and blocks, against the plain rule. */
static void
dots_in_long_texts(void **state)
{
	static const char alphabet[] = "..\r\n\n\rabcdefgh";
	uint32_t seed = 1;

	(void)state;
	for (size_t round = 0; round < 300; round++) {
		struct buf in, want, got;
		uint8_t last = '\n', before = '\r';

		buf_init(&in, 4096);
		buf_init(&want, 16384);
		buf_init(&got, 16384);
		for (size_t i = 0; i < round; i++) {
			seed = seed * 1103515245u + 12345u;
			(void)buf_put_u8(
			    &in, (uint8_t)alphabet[(seed >> 16) % (round % 3 == 0 ? 6 : sizeof alphabet - 1)]);
		}
		for (size_t i = 0; i < in.len; i++) {
			if (in.data[i] == '.' && (last == '\n' || last == '\r'))
				(void)buf_put_u8(&want, '.');
			(void)buf_put_u8(&want, in.data[i]);
			before = last;
			last = in.data[i];
		}
		(void)buf_put_str(&want, before == '\r' && last == '\n' ? ".\r\n" : "\r\n.\r\n");
		put(buf_slice(&in), round % 7 == 0 ? SIZE_MAX : round % 7 * 13, &got);
		assert_slices(buf_slice(&got), buf_slice(&want));
		buf_done(&in);
		buf_done(&want);
		buf_done(&got);
	}
}

static void
first_lines(void **state)
{
	uint32_t left = 2;

	(void)state;
	assert_slice(pop3_first_lines(SLICE("a\r\nb\r\nc\r\n"), &left), "a\r\nb\r\n");
	assert_int_equal(left, 0);
	assert_slice(pop3_first_lines(SLICE("a\r\n"), &left), "");
	left = 5;
	assert_slice(pop3_first_lines(SLICE("a\r\nb"), &left), "a\r\nb");
	assert_int_equal(left, 4);
	assert_slice(pop3_first_lines(SLICE_EMPTY, &left), "");
	left = 1;
	assert_slice(pop3_first_lines(SLICE("\n\n"), &left), "\n");
}

/* RFC 2449 section 3: a text has no "[" of its own; RFC 1939 section 3: 512 octets. */
static void
status_lines(void **state)
{
	char many[2000];
	struct buf out;

	(void)state;
	buf_init(&out, 8192);
	assert_ok(pop3_write_ok(&out, "a [b]\r\n-ERR c\x80"));
	assert_slice(buf_slice(&out),
	    "+OK a ?b]"
	    "?"
	    "?-ERR c?\r\n");
	buf_clear(&out);
	assert_ok(pop3_write_err(&out, "SYS/TEMP", "x"));
	assert_ok(pop3_write_err(&out, NULL, "y"));
	assert_slice(buf_slice(&out), "-ERR [SYS/TEMP] x\r\n-ERR y\r\n");
	buf_clear(&out);
	memset(many, 'x', sizeof many);
	many[sizeof many - 1] = '\0';
	assert_ok(pop3_write_err(&out, "SYS/TEMP", many));
	assert_true(out.len <= 512 && slice_ends(buf_slice(&out), SLICE("x\r\n")));
	buf_done(&out);
}

static void
languages(void **state)
{
	static const struct {
		const char *range, *want;
	} rows[] = { { "", "+OK Language listing follows\r\nen English\r\n.\r\n" },
		{ "en", "+OK en The answers are in English\r\n" }, { "EN-gb", "+OK en The answers are in English\r\n" },
		{ "*", "+OK en The answers are in English\r\n" }, { "e", "-ERR There is only English here\r\n" },
		{ "eng", "-ERR There is only English here\r\n" },
		{ "en-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "-ERR There is only English here\r\n" } };
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_init(&out, 8192);
		assert_ok(pop3_write_language(&out, slice_str(rows[i].range)));
		assert_slice(buf_slice(&out), rows[i].want);
		buf_done(&out);
	}
}

UNIT_MAIN(UNIT_TEST(dots), UNIT_TEST(pitfall_message_that_forges_answers), UNIT_TEST(dots_in_long_texts),
    UNIT_TEST(first_lines), UNIT_TEST(status_lines), UNIT_TEST(languages))
