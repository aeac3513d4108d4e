/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "mail.h"
#include "mime/decode.h"

/* A tree as text: type[children] with body text in quotes for leaves, ! for cut, + for a multipart that was closed. */
static void
show(struct slice message, const struct mime_part *p, struct buf *out)
{
	struct slice body = mime_part_body(message, p);

	(void)buf_put_slice(out, p->type.value);
	if (p->cut)
		(void)buf_put_u8(out, '!');
	if (p->closed)
		(void)buf_put_u8(out, '+');
	if (p->kind == MIME_LEAF) {
		(void)buf_put_u8(out, '\'');
		for (size_t i = 0; i < body.len; i++) {
			if (body.data[i] != '\r')
				(void)buf_put_u8(out, body.data[i] == '\n' ? '~' : body.data[i]);
		}
		(void)buf_putf(out, "'%u", (unsigned)p->body_lines);
		return;
	}
	(void)buf_put_u8(out, '[');
	for (const struct mime_part *c = p->child; c != NULL; c = c->next) {
		show(message, c, out);
		if (c->next != NULL)
			(void)buf_put_u8(out, ' ');
	}
	(void)buf_put_u8(out, ']');
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"

static const struct {
	const char *in;
	const char *want;
} trees[] = {
	{ "A: b\n\nhello\n", "text/plain'hello~'1" },
	{ "A: b\n\nhello", "text/plain'hello'1" },
	{ "A: b\n\n", "text/plain''0" },
	{ "A: b", "text/plain''0" },
	{ "", "text/plain''0" },
	{ "no header\nat all\n", "text/plain'no header~at all~'2" },
	{ "Content-Type: text/HTML\n\nx\ny", "text/html'x~y'2" },
	{ "Content-Type: nonsense\n\nx", "text/plain'x'1" },
	{ MIXED "pre\n--b\n\none\n--b\nContent-Type: a/b\n\ntwo\n\n--b--\nepi\n",
	    "multipart/mixed+[text/plain'one'1 a/b'two~'1]" },
	{ MIXED "--b\n\n\n--b\n\n--b--", "multipart/mixed+[text/plain''0 text/plain''0]" },
	{ MIXED "--b\r\n\r\na\r\nb\r\n--b--\r\n", "multipart/mixed+[text/plain'a~b'2]" },
	{ MIXED "--b\n--b\n--b--\n", "multipart/mixed+[text/plain''0 text/plain''0]" },
	{ MIXED "--b  \t\n\nx\n--b-- \n", "multipart/mixed+[text/plain'x'1]" },
	{ MIXED "--b\n\nx\n--bb\n--b-\n-- b\n--b--x\n --b\n--b--\n",
	    "multipart/mixed+[text/plain'x~--bb~--b-~-- b~--b--x~ --b'6]" },
	{ MIXED "--b\n\nno end\n", "multipart/mixed[text/plain'no end~'1]" },
	{ MIXED "no parts\n", "multipart/mixed[]" },
	{ MIXED "--b\nX: y\nno blank\n--b--\n", "multipart/mixed+[text/plain'no blank'1]" },
	{ MIXED "--b\nX: y\n--b--\n", "multipart/mixed+[text/plain''0]" },
	{ MIXED "--b\n\nx\n--b--\n--b\n\ny\n", "multipart/mixed+[text/plain'x'1]" },
	{ "Content-Type: multipart/mixed\n\n--b\n", "text/plain'--b~'1" },
	{ "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n", "text/plain'--~'1" },
	{ "Content-Type: multipart/mixed; boundary=\"b \"\n\n--b\n\nx\n--b--", "multipart/mixed+[text/plain'x'1]" },
	{ "Content-Type: multipart/mixed; boundary=a:b\n\n--a:b\nX: y\n--a:b\n\nx\n--a:b--",
	    "multipart/mixed+[text/plain''0 text/plain'x'1]" },
	/* PITFALLS Server 6: boundaries that are prefixes of each other */
	{ MIXED "--b\nContent-Type: multipart/x; boundary=bb\n\n--bb\n\nin\n--bb--\n--b\n\nout\n--b--\n",
	    "multipart/mixed+[multipart/x+[text/plain'in'1] text/plain'out'1]" },
	{ "Content-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Type: multipart/x; "
	  "boundary=b\n\n--b\n\nin\n--b--\n--bb\n\nout\n--bb--\n",
	    "multipart/mixed+[multipart/x+[text/plain'in'1] text/plain'out'1]" },
	{ MIXED "--b\nContent-Type: multipart/x; boundary=\"b--\"\n\n--b--\n\nin\n--b----\n--b--\n",
	    "multipart/mixed+[multipart/x+[text/plain'in'1]]" },
	/* the same boundary inside: the inner one counts */
	{ MIXED "--b\nContent-Type: multipart/x; boundary=b\n\n--b\n\nin\n--b--\n--b\n\nout\n--b--\n",
	    "multipart/mixed+[multipart/x+[text/plain'in'1] text/plain'out'1]" },
	{ MIXED "--b\nContent-Type: multipart/x; boundary=i\n\n--i\n\nin\n--b\n\nout\n--b--\n",
	    "multipart/mixed+[multipart/x[text/plain'in'1] text/plain'out'1]" },
	{ MIXED "--b\nContent-Type: message/rfc822\n\nSubject: i\n\ninner\n--b--\n",
	    "multipart/mixed+[message/rfc822[text/plain'inner'1]]" },
	{ MIXED "--b\nContent-Type: message/rfc822\n\n--b--\n", "multipart/mixed+[message/rfc822[text/plain''0]]" },
	{ MIXED "--b\nContent-Type: message/rfc822\n--b--\n", "multipart/mixed+[message/rfc822[text/plain''0]]" },
	{ "Content-Type: message/rfc822\nnot a field\n", "message/rfc822[text/plain'not a field~'1]" },
	{ MIXED "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3Vi\n--b--\n",
	    "multipart/mixed+[message/rfc822'U3Vi'1]" },
	{ "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nhi\n--b\nContent-Type: "
	  "text/plain\n\nt\n--b--\n",
	    "multipart/digest+[message/rfc822[text/plain'hi'1] text/plain't'1]" },
	{ MIXED "--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; "
		"boundary=c\n\n--c\n\nin\n--b\n\nout\n--b--\n",
	    "multipart/mixed+[message/rfc822[multipart/mixed[text/plain'in'1]] text/plain'out'1]" },
};

static void
trees_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
		struct slice in = slice_str(trees[i].in);
		struct mime_part *root;
		struct arena a;
		struct buf b;

		arena_init(&a, 1 << 20);
		buf_init(&b, 1 << 16);
		assert_ok(mime_parse(in, &a, &root, &unit_error));
		check_tree(root, in.len);
		show(in, root, &b);
		if (!slice_eq_str(buf_slice(&b), trees[i].want))
			fail_msg("row %zu: %.*s", i, (int)b.len, (const char *)b.data);
		buf_done(&b);
		arena_done(&a);
	}
}

static void
check_pieces(struct slice in, size_t piece)
{
	struct mime_part *whole, *pieces;
	struct mime_parser p;
	struct arena a;

	arena_init(&a, MIME_ARENA_MAX * 2);
	assert_ok(mime_parse(in, &a, &whole, &unit_error));
	check_tree(whole, in.len);
	mime_parser_init(&p, &a);
	for (size_t at = 0; at < in.len; at += piece)
		assert_int_equal(mime_parser_feed(&p, slice_sub(in, at, piece)), 0);
	assert_ok(mime_parser_end(&p, &pieces, &unit_error));
	check_same(whole, pieces);
	mime_parser_done(&p);
	arena_done(&a);
}

static void
pieces_give_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
		check_pieces(slice_str(trees[i].in), 1);
		check_pieces(slice_str(trees[i].in), 7);
	}
}

/* Cut at every length, each bit flipped: never fails, offsets hold. */
static void
damage_is_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
		size_t len = strlen(trees[i].in);

		for (size_t k = 0; k < len; k++) {
			char copy[400];

			assert_true(len < sizeof copy);
			memcpy(copy, trees[i].in, len);
			check_pieces(slice_of(copy, k), 3);
			copy[k] = (char)(copy[k] ^ 1 << k % 8);
			check_pieces(slice_of(copy, len), 5);
		}
	}
}

/* PITFALLS Server 7: MIME bombs are bounded, and nothing is lost. */
static void
too_many_parts_end_in_a_leaf(void **state)
{
	const struct mime_part *last = NULL;
	struct mime_part *root;
	struct arena a;
	struct buf b;
	size_t n = 0;

	(void)state;
	buf_init(&b, 1 << 20);
	arena_init(&a, MIME_ARENA_MAX);
	(void)buf_put_str(&b, MIXED);
	for (size_t i = 0; i < MIME_PARTS_MAX * 5; i++)
		(void)buf_put_str(&b, "--b\n\nx\n");
	(void)buf_put_str(&b, "--b--\n");
	assert_ok(mime_parse(buf_slice(&b), &a, &root, &unit_error));
	check_tree(root, b.len);
	for (const struct mime_part *c = root->child; c != NULL; c = c->next) {
		last = c;
		n++;
	}
	assert_int_equal(n, MIME_PARTS_MAX - 1);
	assert_non_null(last);
	assert_true(last->cut);
	assert_int_equal(last->body + last->body_len, b.len);
	check_pieces(buf_slice(&b), 10007);
	buf_done(&b);
	arena_done(&a);
}

static void
too_deep_is_a_leaf(void **state)
{
	const struct mime_part *p;
	struct mime_part *root;
	struct arena a;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	arena_init(&a, MIME_ARENA_MAX);
	for (unsigned i = 0; i < 1000; i++)
		(void)buf_putf(&b, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i, i);
	(void)buf_put_str(&b, "\ninside\n");
	assert_ok(mime_parse(buf_slice(&b), &a, &root, &unit_error));
	check_tree(root, b.len);
	for (p = root; p->child != NULL; p = p->child)
		;
	assert_int_equal(p->depth, MIME_DEPTH_MAX);
	assert_true(p->cut);
	assert_int_equal(p->body + p->body_len, b.len);
	buf_clear(&b);
	for (unsigned i = 0; i < 1000; i++)
		(void)buf_put_str(&b, "Content-Type: message/rfc822\n\n");
	assert_ok(mime_parse(buf_slice(&b), &a, &root, &unit_error));
	check_tree(root, b.len);
	buf_done(&b);
	arena_done(&a);
}

static void
too_long_headers_are_passed_over(void **state)
{
	static const char *const units[] = { "A: b\n", "a:\n", "A", " \n", "Content-Type: a/b; x=y;\n", "--b\n" };

	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		struct mime_part *root;
		struct arena a;
		struct buf b;

		buf_init(&b, 8 << 20);
		arena_init(&a, MIME_ARENA_MAX);
		(void)buf_put_str(&b, MIXED);
		for (size_t k = 0; k < 12; k++) {
			(void)buf_put_str(&b, "--b\nX: y\n");
			while (b.len < (k + 1) * MIME_HEADER_MAX * 6 / 5)
				(void)buf_put_str(&b, units[i]);
			(void)buf_put_str(&b, "\n\nbody\n");
		}
		assert_ok(mime_parse(buf_slice(&b), &a, &root, &unit_error));
		check_tree(root, b.len);
		arena_done(&a);
		check_pieces(buf_slice(&b), 65536);
		buf_done(&b);
	}
}

static void
names_are_safe(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "a.txt", "a.txt" },
		{ "../../etc/passwd", "passwd" },
		{ "C:\\\\x\\\\y.doc", "y.doc" },
		{ ".bashrc", "bashrc" },
		{ "a\tb<c>.txt", "a b_c_.txt" },
		{ "..", "" },
		{ "-rf", "rf" },
		{ "/tmp/--~x", "x" },
		{ "\xe2\x80\xaegnp.exe", "_gnp.exe" },
		{ "\xc3\xa4.txt", "\xc3\xa4.txt" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mime_part *root;
		struct buf b, name;
		struct arena a;

		arena_init(&a, 1 << 20);
		buf_init(&b, 1000);
		buf_init(&name, 1000);
		(void)buf_putf(&b, "Content-Disposition: attachment; filename=\"%s\"\n\n", rows[i].in);
		assert_ok(mime_parse(buf_slice(&b), &a, &root, &unit_error));
		assert_true(mime_part_is_attachment(root));
		assert_int_equal(mime_part_filename(root, &name), 0);
		assert_slice(buf_slice(&name), rows[i].want);
		buf_done(&b);
		buf_done(&name);
		arena_done(&a);
	}
}

static void
text_is_read(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "\r\na\r\nb\r\n", "a\nb\n" },
		{ "Content-Type: text/plain; charset=iso-8859-1\n\n\xe4", "\xc3\xa4" },
		{ "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A4 =\nx "
		  "=3D\n",
		    "\xc3\xa4 x =\n" },
		{ "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: BASE64\n\nw6QNCng=\n",
		    "\xc3\xa4\nx" },
		{ "Content-Type: text/plain; charset=x-unknown\n\n\xe4", "\xc3\xa4" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mime_part *root;
		struct arena a;
		struct buf b;

		arena_init(&a, 1 << 20);
		buf_init(&b, 1000);
		assert_ok(mime_parse(slice_str(rows[i].in), &a, &root, &unit_error));
		assert_int_equal(mime_part_text(slice_str(rows[i].in), root, &b), 0);
		assert_slice(buf_slice(&b), rows[i].want);
		buf_done(&b);
		arena_done(&a);
	}
}

/* Other people's broken mail: the samples of Python's email package (libpython3.11-testsuite). */
static void
foreign_samples(void **state)
{
	static uint8_t data[1 << 20];
	unsigned found = 0;
	char path[200];

	(void)state;
	for (int i = 1; i <= 46; i++) {
		size_t n;
		FILE *f;

		(void)snprintf(path, sizeof path, "/usr/lib/python3.11/test/test_email/data/msg_%02d.txt", i);
		f = fopen(path, "rb");
		if (f == NULL)
			continue;
		n = fread(data, 1, sizeof data, f);
		(void)fclose(f);
		found++;
		check_pieces(slice_of(data, n), 1);
		check_pieces(slice_of(data, n), 4096);
	}
	if (found == 0)
		print_message("# skipped: libpython3.11-testsuite is not installed\n");
}

UNIT_MAIN(UNIT_TEST(trees_are_right), UNIT_TEST(pieces_give_the_same), UNIT_TEST(damage_is_survived),
    UNIT_TEST(too_many_parts_end_in_a_leaf), UNIT_TEST(too_deep_is_a_leaf), UNIT_TEST(too_long_headers_are_passed_over),
    UNIT_TEST(names_are_safe), UNIT_TEST(text_is_read), UNIT_TEST(foreign_samples))
