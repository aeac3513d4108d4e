/* SPDX-License-Identifier: ISC */
#include "mail.h"
#include "mime/bodystructure.h"
#include "mime/envelope.h"
#include "mime/section.h"

static const struct {
	const char *header, *want;
} envelopes[] = {
	{ "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
	  "From: Terry Gray <gray@cac.washington.edu>\r\n"
	  "Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
	  "To: imap@cac.washington.edu\r\n"
	  "Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
	  "Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n",
	    /* RFC 3501 section 8 */
	    "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" "
	    "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	    "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	    "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	    "((NIL NIL \"imap\" \"cac.washington.edu\")) "
	    "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
	    "\"<B27397-0100000@cac.washington.edu>\")" },
	{ "\n", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "Subject:\nFrom:\nTo: g:a@b;\nCc: root\n\n",
	    "(NIL \"\" NIL NIL NIL ((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)) ((NIL NIL \"root\" "
	    "\"\")) NIL NIL NIL)" },
	{ "Subject: \"q\" \\\nFrom: a@b\nSender: s@b\nReply-To: <@x:r@b>\n\n",
	    "(NIL \"\\\"q\\\" \\\\\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"s\" \"b\")) ((NIL \"@x\" \"r\" \"b\")) NIL "
	    "NIL NIL NIL NIL)" },
	{ "Subject: \xc3\xa4\nTo: a@b\nTo: c@d\n\n",
	    "(NIL {2}\r\n\xc3\xa4 NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)" },
};

static void
envelopes_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof envelopes / sizeof envelopes[0]; i++) {
		struct buf b;

		buf_init(&b, 10000);
		assert_ok(mime_envelope_put(&b, slice_str(envelopes[i].header), &unit_error));
		assert_slice(buf_slice(&b), envelopes[i].want);
		buf_done(&b);
	}
}

static const struct {
	const char *message, *body, *extension; /* extension: NULL, or the whole of BODYSTRUCTURE */
} structures[] = {
	{ "A: b\r\n\r\nx\r\ny\r\n", "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 6 2)",
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 6 2 NIL NIL NIL NIL)" },
	{ "Content-Type: multipart/mixed; boundary=b\r\nContent-Language: de, en\r\n\r\n"
	  "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nx\r\n"
	  "--b\r\nContent-Type: text/plain; charset=us-ascii; name=\"cc.diff\"\r\n"
	  "Content-ID: <960723163407.20117h@cac.washington.edu>\r\nContent-Description: Compiler diff\r\n"
	  "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename*=utf-8''%41\r\n"
	  "Content-MD5: abc\r\nContent-Language: de\r\nContent-Location: http://x\r\n\r\nQUI=\r\n--b--\r\n",
	    "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"8BIT\" 1 1)"
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\" \"NAME\" \"cc.diff\") "
	    "\"<960723163407.20117h@cac.washington.edu>\" "
	    "\"Compiler diff\" \"BASE64\" 4 1) \"MIXED\")",
	    "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"8BIT\" 1 1 NIL NIL NIL NIL)"
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\" \"NAME\" \"cc.diff\") "
	    "\"<960723163407.20117h@cac.washington.edu>\" "
	    "\"Compiler diff\" \"BASE64\" 4 1 \"abc\" (\"ATTACHMENT\" (\"FILENAME*\" \"utf-8''%41\")) \"de\" "
	    "\"http://x\") "
	    "\"MIXED\" (\"BOUNDARY\" \"b\") NIL (\"de\" \"en\") NIL)" },
	{ "Content-Type: message/rfc822\r\n\r\nSubject: i\r\nContent-Type: image/png\r\n\r\nx\r\n",
	    "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 42 (NIL \"i\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	    "(\"IMAGE\" \"PNG\" NIL NIL NIL \"7BIT\" 3) 4)",
	    NULL },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n",
	    "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0) \"MIXED\")", NULL },
	{ "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQUI=\r\n",
	    "(\"APPLICATION\" \"OCTET-STREAM\" NIL NIL NIL \"BASE64\" 6)", NULL },
};

static void
structures_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof structures / sizeof structures[0]; i++) {
		struct mime_part *root;
		struct arena a;
		struct buf b;

		arena_init(&a, 1 << 20);
		buf_init(&b, 10000);
		assert_ok(mime_parse(slice_str(structures[i].message), &a, &root, &unit_error));
		assert_ok(mime_bodystructure_write(&b, root, false, &unit_error));
		assert_slice(buf_slice(&b), structures[i].body);
		buf_clear(&b);
		assert_ok(mime_bodystructure_write(&b, root, true, &unit_error));
		if (structures[i].extension != NULL)
			assert_slice(buf_slice(&b), structures[i].extension);
		buf_done(&b);
		arena_done(&a);
	}
}

/* The shape of RFC 3501 6.4.5's example: 1 text, 2 application, 3 message (3.1, 3.2), 4 multipart (4.1, 4.2 message). */
static const char example[] = "Subject: outer\n"
			      "Content-Type: multipart/mixed; boundary=a\n\n"
			      "--a\nX: 1\n\ntext1\n"
			      "--a\nContent-Type: application/octet-stream\n\napp2\n"
			      "--a\nContent-Type: message/rfc822\n\n"
			      "Subject: three\nContent-Type: multipart/mixed; boundary=c\n\n"
			      "--c\n\ntext31\n--c\nContent-Type: application/x\n\napp32\n--c--\n"
			      "--a\nContent-Type: multipart/mixed; boundary=d\n\n"
			      "--d\nContent-Type: image/gif\n\ngif41\n"
			      "--d\nContent-Type: message/rfc822\n\nSubject: four\n\nonly421\n--d--\n"
			      "--a--\n";

static const struct {
	uint32_t numbers[4];
	size_t count;
	enum mime_section_kind kind;
	const char *starts; /* NULL: no such section */
	const char *ends;
} sections[] = {
	{ { 0 }, 0, MIME_SECTION_ALL, "Subject: outer", "--a--\n" },
	{ { 0 }, 0, MIME_SECTION_HEADER, "Subject: outer", "boundary=a\n\n" },
	{ { 0 }, 0, MIME_SECTION_TEXT, "--a\nX: 1", "--a--\n" },
	{ { 0 }, 0, MIME_SECTION_MIME, NULL, NULL },
	{ { 1 }, 1, MIME_SECTION_ALL, "text1", "text1" },
	{ { 1 }, 1, MIME_SECTION_MIME, "X: 1\n\n", "X: 1\n\n" },
	{ { 1 }, 1, MIME_SECTION_HEADER, NULL, NULL },
	{ { 1 }, 1, MIME_SECTION_TEXT, NULL, NULL },
	{ { 1, 1 }, 2, MIME_SECTION_ALL, NULL, NULL },
	{ { 2 }, 1, MIME_SECTION_ALL, "app2", "app2" },
	{ { 3 }, 1, MIME_SECTION_ALL, "Subject: three", "--c--" },
	{ { 3 }, 1, MIME_SECTION_HEADER, "Subject: three", "boundary=c\n\n" },
	{ { 3 }, 1, MIME_SECTION_TEXT, "--c\n\ntext31", "--c--" },
	{ { 3 }, 1, MIME_SECTION_MIME, "Content-Type: message", "rfc822\n\n" },
	{ { 3, 1 }, 2, MIME_SECTION_ALL, "text31", "text31" },
	{ { 3, 2 }, 2, MIME_SECTION_ALL, "app32", "app32" },
	{ { 3, 2 }, 2, MIME_SECTION_MIME, "Content-Type: application/x\n\n", "\n\n" },
	{ { 3, 3 }, 2, MIME_SECTION_ALL, NULL, NULL },
	{ { 4 }, 1, MIME_SECTION_ALL, "--d\nContent-Type: image", "--d--" },
	{ { 4, 1 }, 2, MIME_SECTION_MIME, "Content-Type: image/gif\n\n", "\n\n" },
	{ { 4, 2 }, 2, MIME_SECTION_ALL, "Subject: four", "only421" },
	{ { 4, 2 }, 2, MIME_SECTION_HEADER, "Subject: four\n\n", "\n\n" },
	{ { 4, 2 }, 2, MIME_SECTION_TEXT, "only421", "only421" },
	{ { 4, 2, 1 }, 3, MIME_SECTION_ALL, "only421", "only421" },
	{ { 4, 2, 2 }, 3, MIME_SECTION_ALL, NULL, NULL },
	{ { 5 }, 1, MIME_SECTION_ALL, NULL, NULL },
	{ { 0 }, 1, MIME_SECTION_ALL, NULL, NULL },
};

static void
sections_are_found(void **state)
{
	struct slice in = SLICE_EMPTY;
	struct mime_part *root;
	struct arena a;

	(void)state;
	in = slice_str(example);
	arena_init(&a, 1 << 20);
	assert_ok(mime_parse(in, &a, &root, &unit_error));
	check_tree(root, in.len);
	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
		struct mime_range r = { 0 };
		struct slice got;
		int rc = mime_section_find(root, sections[i].numbers, sections[i].count, sections[i].kind, &r, NULL);

		if ((rc == 0) != (sections[i].starts != NULL))
			fail_msg("row %zu: %d", i, rc);
		if (rc != 0)
			continue;
		got = slice_sub(in, (size_t)r.offset, (size_t)r.length);
		if (!slice_starts(got, slice_str(sections[i].starts)) || !slice_ends(got, slice_str(sections[i].ends)))
			fail_msg("row %zu: %.*s", i, (int)got.len, (const char *)got.data);
	}
	arena_done(&a);
}

static void
single_part_messages(void **state)
{
	static const uint32_t one[] = { 1, 1 };
	struct mime_range r;
	struct mime_part *root;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_ok(mime_parse(slice_str("A: b\n\nbody"), &a, &root, &unit_error));
	assert_ok(mime_section_find(root, one, 1, MIME_SECTION_ALL, &r, &unit_error));
	assert_int_equal(r.offset, 6);
	assert_int_equal(r.length, 4);
	assert_ok(mime_section_find(root, one, 1, MIME_SECTION_MIME, &r, &unit_error));
	assert_int_equal(r.length, 6);
	assert_int_equal(mime_section_find(root, one, 2, MIME_SECTION_ALL, &r, NULL), ERR_NOT_FOUND);
	arena_done(&a);
}

UNIT_MAIN(UNIT_TEST(envelopes_are_written), UNIT_TEST(structures_are_written), UNIT_TEST(sections_are_found),
    UNIT_TEST(single_part_messages))
