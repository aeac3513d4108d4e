/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "http/limits.h"
#include "http/multipart.h"

#define TYPE "multipart/form-data; boundary=xyz"
#define PART(disposition, content) "--xyz\r\nContent-Disposition: " disposition "\r\n\r\n" content "\r\n"

/* Each part as name=content; with a file as name@file=content; then the code that ended it. */
static const struct {
	const char *name, *type, *body;
	int begin, end;
	const char *parts;
} rows[] = {
	{ "two fields", TYPE, PART("form-data; name=\"a\"", "1") PART("form-data; name=b", "2\r\n3") "--xyz--\r\n", 0,
	    ERR_NOT_FOUND, "a=1;b=2\r\n3;" },
	{ "a file", TYPE, PART("form-data; name=\"f\"; filename=\"x;y.asc\"", "1") "--xyz--", 0, ERR_NOT_FOUND,
	    "f@x;y.asc=1;" },
	{ "an empty file", TYPE, PART("form-data; name=\"f\"; filename=\"\"", "") "--xyz--", 0, ERR_NOT_FOUND, "f@=;" },
	{ "quoted boundary, preamble, epilogue", "Multipart/Form-Data; charset=x; Boundary=\"xyz\"",
	    "hello\r\n" PART("form-data; name=\"a\"", "1") "--xyz--\r\n--xyz\r\nmore", 0, ERR_NOT_FOUND, "a=1;" },
	{ "a line that only looks like the boundary", TYPE,
	    PART("form-data; name=\"a\"", "--xy\r\n --xyz\r\na--xyz") "--xyz--", 0, ERR_NOT_FOUND,
	    "a=--xy\r\n --xyz\r\na--xyz;" },
	{ "nothing before the end", TYPE, "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n--xyz--", 0,
	    ERR_NOT_FOUND, "a=;" },
	{ "no parts", TYPE, "--xyz--\r\n", 0, ERR_NOT_FOUND, "" },
	{ "another type", "application/x-www-form-urlencoded", "a=1", ERR_UNSUPPORTED, 0, "" },
	{ "no boundary", "multipart/form-data", "--\r\n", ERR_SYNTAX, 0, "" },
	{ "an empty boundary", "multipart/form-data; boundary=\"\"", "--\r\n", ERR_SYNTAX, 0, "" },
	{ "two boundaries", TYPE "; boundary=abc", "--xyz--\r\n", ERR_SYNTAX, 0, "" },
	{ "a boundary with a quote left open", "multipart/form-data; boundary=\"xyz", "--xyz--\r\n", ERR_SYNTAX, 0,
	    "" },
	{ "a boundary that is none", "multipart/form-data; boundary=\"x\ty\"", "--x\ty--", ERR_SYNTAX, 0, "" },
	{ "a boundary of 71",
	    "multipart/form-data; boundary="
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa--", ERR_SYNTAX, 0, "" },
	{ "no boundary in the body", TYPE, "a=1", ERR_SYNTAX, 0, "" },
	{ "something behind the boundary", TYPE, "--xyzz\r\n\r\n--xyz--", 0, ERR_SYNTAX, "" },
	{ "bare LF", TYPE, "--xyz\nContent-Disposition: form-data; name=a\n\n1\n--xyz--", 0, ERR_SYNTAX, "" },
	{ "no end", TYPE, PART("form-data; name=a", "1"), 0, ERR_SYNTAX, "" },
	{ "no disposition", TYPE, "--xyz\r\nContent-Type: a/b\r\n\r\n1\r\n--xyz--", 0, ERR_SYNTAX, "" },
	{ "two dispositions", TYPE,
	    "--xyz\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
	    "name=b\r\n\r\n1\r\n--xyz--",
	    0, ERR_SYNTAX, "" },
	{ "two names", TYPE, PART("form-data; name=a; name=b", "1") "--xyz--", 0, ERR_SYNTAX, "" },
	{ "no name", TYPE, PART("form-data", "1") "--xyz--", 0, ERR_SYNTAX, "" },
	{ "an attachment", TYPE, PART("attachment; name=a", "1") "--xyz--", 0, ERR_SYNTAX, "" },
};

static int
read_all(struct slice type, struct slice body, struct buf *out, int *begin_out)
{
	struct http_multipart m;
	struct http_part p;
	int rc = *begin_out = http_multipart_begin(type, body, &m, NULL);

	while (rc == 0 && (rc = http_multipart_next(&m, &p, NULL)) == 0) {
		(void)buf_put_slice(out, p.name);
		if (p.is_file)
			(void)buf_put_u8(out, '@');
		(void)buf_put_slice(out, p.file_name);
		(void)buf_put_u8(out, '=');
		(void)buf_put_slice(out, p.content);
		(void)buf_put_u8(out, ';');
	}
	return rc;
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf out = { 0 };
		int begin, end;

		buf_init(&out, 4096);
		end = read_all(slice_str(rows[i].type), slice_str(rows[i].body), &out, &begin);
		if (begin != rows[i].begin || (begin == 0 && end != rows[i].end) ||
		    !slice_eq_str(buf_slice(&out), rows[i].parts))
			fail_msg("%s: begin %d, end %d, '%.*s'", rows[i].name, begin, end, (int)out.len,
			    (const char *)out.data);
	}
}

/* Cut at every octet: never more than what the whole one has, and never a part that is not whole. */
static void
test_cut(void **state)
{
	const struct slice body = slice_str(rows[0].body);

	(void)state;
	for (size_t len = 0; len < body.len - 4; len++) {
		BUF_OWNED struct buf out = { 0 };
		int begin, end;

		buf_init(&out, 4096);
		end = read_all(slice_str(rows[0].type), slice_sub(body, 0, len), &out, &begin);
		assert_int_equal(end, ERR_SYNTAX);
		assert_true(slice_starts(slice_str(rows[0].parts), buf_slice(&out)));
	}
}

static void
test_many(void **state)
{
	BUF_OWNED struct buf body = { 0 }, head = { 0 }, out = { 0 };
	int begin;

	(void)state;
	buf_init(&body, 1 << 16);
	buf_init(&head, 1 << 16);
	buf_init(&out, 1 << 16);
	for (unsigned i = 0; i <= HTTP_PARTS_MAX; i++)
		(void)buf_put_str(&body, PART("form-data; name=a", ""));
	(void)buf_put_str(&body, "--xyz--");
	assert_int_equal(read_all(SLICE(TYPE), buf_slice(&body), &out, &begin), ERR_LIMIT);
	(void)buf_put_str(&head, "--xyz\r\n");
	for (unsigned i = 0; i <= HTTP_PART_FIELDS_MAX; i++)
		(void)buf_put_str(&head, "X: y\r\n");
	(void)buf_put_str(&head, "Content-Disposition: form-data; name=a\r\n\r\n1\r\n--xyz--");
	assert_int_equal(read_all(SLICE(TYPE), buf_slice(&head), &out, &begin), ERR_LIMIT);
}

static void
test_field(void **state)
{
	const struct slice body = slice_str(rows[0].body);
	BUF_OWNED struct buf out = { 0 }, small = { 0 };

	(void)state;
	buf_init(&out, 100);
	buf_init(&small, 2);
	assert_int_equal(http_form_field(SLICE(TYPE), body, "b", &out, NULL), 0);
	assert_true(slice_eq_str(buf_slice(&out), "2\r\n3"));
	assert_int_equal(http_form_field(SLICE(TYPE), body, "c", &out, NULL), ERR_NOT_FOUND);
	assert_int_equal(http_form_field(SLICE(TYPE), body, "b", &small, NULL), ERR_LIMIT);
	buf_clear(&out);
	assert_int_equal(
	    http_form_field(SLICE("application/x-www-form-urlencoded"), SLICE("a=1&b=2%263+4"), "b", &out, NULL), 0);
	assert_true(slice_eq_str(buf_slice(&out), "2&3 4"));
}

UNIT_MAIN(UNIT_TEST(test_rows), UNIT_TEST(test_cut), UNIT_TEST(test_many), UNIT_TEST(test_field))
