/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"
#include "mail.h"
#include "mime/compose.h"
#include "mime/decode.h"
#include "mime/word.h"

static struct mime_address joe = { .name = { (const uint8_t *)"J\xc3\xb6rg", 5 },
	.local = { (const uint8_t *)"joe", 3 },
	.domain = { (const uint8_t *)"a.test", 6 } };
static struct mime_address ann = { .local = { (const uint8_t *)"ann", 3 }, .domain = { (const uint8_t *)"b.test", 6 } };

static struct mime_letter
sample(void)
{
	return (struct mime_letter){ .from = { .items = &joe, .count = 1 },
		.to = { .items = &ann, .count = 1 },
		.subject = slice_str("Gr\xc3\xbc\xc3\x9f\x65"),
		.date = 1700000000,
		.zone = 60,
		.message_id = slice_str("<1@a.test>"),
		.text = slice_str("Hello,\n\nfine.\n") };
}

/* Lines end with CRLF and are short, all is ASCII. */
static void
check_wire(struct slice s)
{
	assert_true(utf8_is_ascii(s));
	assert_true(slice_ends(s, SLICE("\r\n")));
	while (s.len > 0) {
		struct slice line = slice_split(s, '\n', &s);

		assert_true(line.len > 0 && line.data[line.len - 1] == '\r');
		assert_true(slice_find(line, '\r') == line.len - 1);
		assert_true(line.len <= MIME_FOLD_MAX + 1);
	}
}

static void
plain_letter(void **state)
{
	struct mime_letter l = sample();
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	assert_ok(mime_compose(&l, mime_sink_buf(&b), &unit_error));
	check_wire(buf_slice(&b));
	assert_slice(buf_slice(&b),
	    "Date: Tue, 14 Nov 2023 23:13:20 +0100\r\n"
	    "From: =?utf-8?Q?J=C3=B6rg?= <joe@a.test>\r\n"
	    "To: ann@b.test\r\n"
	    "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"
	    "Message-ID: <1@a.test>\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\nHello,\r\n\r\nfine.\r\n");
	buf_done(&b);
}

static const struct {
	const char *text, *encoding, *back; /* back: NULL for text itself */
} bodies[] = {
	{ "a\nb\n", "7bit", NULL },
	{ "a\r\nb", "7bit", "a\nb\n" },
	{ "", "7bit", NULL },
	{ "\xc3\xa4 is only one of many other letters in this text\n", "quoted-printable", NULL },
	{ "\xd0\x9f\xd0\xb8\xd1\x81\n", "base64", NULL },
	{ "trailing \n", "quoted-printable", NULL },
	{ "From me\n.\n", "quoted-printable", NULL },
	{ "nul \x01 octet and some more text around it\n", "quoted-printable", NULL },
	{ "a line that is far longer than seventy-eight characters and so must be cut somewhere by soft breaks, which "
	  "hide\n",
	    "quoted-printable", NULL },
	{ "-- \nsignature\n", "quoted-printable", NULL },
};

static void
texts_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct mime_letter l = sample();
		struct mime_part *root;
		struct buf b, text;
		struct arena a;

		buf_init(&b, 1 << 16);
		buf_init(&text, 1 << 16);
		arena_init(&a, 1 << 20);
		l.text = slice_str(bodies[i].text);
		assert_ok(mime_compose(&l, mime_sink_buf(&b), &unit_error));
		check_wire(buf_slice(&b));
		assert_ok(mime_parse(buf_slice(&b), &a, &root, &unit_error));
		assert_slice(root->encoding_name, bodies[i].encoding);
		assert_int_equal(mime_part_text(buf_slice(&b), root, &text), 0);
		assert_slice(buf_slice(&text), bodies[i].back != NULL ? bodies[i].back : bodies[i].text);
		buf_done(&b);
		buf_done(&text);
		arena_done(&a);
	}
}

static void
injection_is_refused(void **state)
{
	static const struct mime_extra bad_name = { "X: y", { (const uint8_t *)"z", 1 } };
	static const struct mime_extra bad_value = { "X-Y", { (const uint8_t *)"a\r\nBcc: x", 9 } };
	struct mime_address bad = ann;
	struct mime_letter rows[9];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < 9; i++)
		rows[i] = sample();
	bad.domain = slice_str("b.test>\r\nBcc: <x@y");
	rows[0].subject = slice_str("a\r\nBcc: x");
	rows[1].to.items = &bad;
	rows[2].message_id = slice_str("<a>\r\nX: <b>");
	rows[3].extra = &bad_name;
	rows[3].extra_count = 1;
	rows[4].extra = &bad_value;
	rows[4].extra_count = 1;
	rows[5].from.count = 0;
	rows[6].message_id = SLICE_EMPTY;
	rows[7].subject = slice_str("a\nb");
	rows[8].references = &rows[0].subject;
	rows[8].reference_count = 1;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(mime_compose(&rows[i], mime_sink_buf(&b), NULL), ERR_USAGE);
	buf_done(&b);
}

/* Gives `left` octets of a pattern, in odd pieces. */
static int
read_pattern(void *ctx, uint8_t *to, size_t room, size_t *got, struct error *e)
{
	size_t *left = ctx;
	size_t n = size_min(size_min(*left, room), 1001);

	(void)e;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)((*left - i) * 7);
	*left -= n;
	*got = n;
	return 0;
}

/* Parses what comes without keeping it. */
struct watch {
	struct mime_parser parser;
	size_t piece_max;
};

static int
watch_piece(void *ctx, struct slice piece, struct error *e)
{
	struct watch *w = ctx;

	(void)e;
	if (piece.len > w->piece_max)
		w->piece_max = piece.len;
	return mime_parser_feed(&w->parser, piece);
}

static void
attachments_stream(void **state)
{
	size_t left = 20 << 20;
	struct mime_attachment files[2] = {
		{ .name = slice_str("\xc3\xa4 picture of something\r\nBcc: x.png"),
		    .type = slice_str("image/png"),
		    .read = read_pattern,
		    .ctx = &left },
		{ .name = slice_str("mail.eml"), .type = slice_str("message/rfc822"), .data = slice_str("A: b\n\nc") },
	};
	struct mime_letter l = sample();
	struct watch w = { 0 };
	struct mime_part *root;
	struct arena a;
	struct buf name;

	(void)state;
	l.attachments = files;
	l.attachment_count = 2;
	arena_init(&a, 1 << 20);
	buf_init(&name, 1000);
	mime_parser_init(&w.parser, &a);
	assert_ok(mime_compose(&l, (struct mime_sink){ watch_piece, &w }, &unit_error));
	assert_ok(mime_parser_end(&w.parser, &root, &unit_error));
	mime_parser_done(&w.parser);
	assert_true(w.piece_max < 65536);
	assert_true(mime_part_is(root, "multipart/mixed"));
	assert_true(root->closed);
	assert_int_equal(root->child->next->body_len, ((20u << 20) + 2) / 3 * 4 + 2 * (((20u << 20) + 56) / 57));
	assert_int_equal(mime_part_filename(root->child->next, &name), 0);
	assert_slice(buf_slice(&name), "\xc3\xa4 picture of something  Bcc_ x.png");
	assert_true(mime_part_is(root->child->next->next, "application/octet-stream"));
	assert_null(root->child->next->next->next);
	buf_done(&name);
	arena_done(&a);
}

static void
message_ids(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 200);
	assert_ok(mime_message_id(slice_of("\x01\xff", 2), slice_str("a.test"), &b, &unit_error));
	assert_slice(buf_slice(&b), "<01ff@a.test>");
	assert_int_equal(mime_message_id(slice_of("\x01", 1), slice_str("a b"), &b, NULL), ERR_USAGE);
	assert_int_equal(mime_message_id(slice_of("\x01", 1), slice_str("a@b"), &b, NULL), ERR_USAGE);
	assert_int_equal(b.len, 13);
	buf_done(&b);
}

static void
long_lists_are_folded(void **state)
{
	struct mime_address many[100];
	struct mime_letter l = sample();
	struct slice ids[30];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		many[i] = i % 2 ? joe : ann;
	for (size_t i = 0; i < 30; i++)
		ids[i] = slice_str("<0123456789012345678901234567890123456789@a.test>");
	l.cc = (struct mime_addresses){ .items = many, .count = 100 };
	l.references = ids;
	l.reference_count = 30;
	buf_init(&b, 1 << 16);
	assert_ok(mime_compose(&l, mime_sink_buf(&b), &unit_error));
	check_wire(buf_slice(&b));
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(plain_letter), UNIT_TEST(texts_come_back), UNIT_TEST(injection_is_refused),
    UNIT_TEST(attachments_stream), UNIT_TEST(message_ids), UNIT_TEST(long_lists_are_folded))
