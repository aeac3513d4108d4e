/* SPDX-License-Identifier: ISC */
#include "mime/param.h"
#include "unit.h"

static const struct {
	const char *in;
	const char *value;  /* the main value */
	const char *params; /* name=value|... */
	bool broken;
} values[] = {
	{ "text/plain", "text/plain", "", false },
	{ "Text / PLAIN ; Charset=UTF-8", "text/plain", "charset=UTF-8|", false },
	{ "text/plain; charset=us-ascii (Plain text)", "text/plain", "charset=us-ascii|", false },
	{ "text/plain (a (b) c); (x) charset (y) = (z) \"a;b\\\"c\"", "text/plain", "charset=a;b\"c|", false },
	{ "attachment; filename=my file.txt; size=3", "attachment", "filename=my file.txt|size=3|", false },
	{ "a/b; boundary=foo=bar?x/y", "a/b", "boundary=foo=bar?x/y|", false },
	{ "a/b;;; x=1;", "a/b", "x=1|", false },
	{ "a/b; x=1; X=2", "a/b", "x=1|", false },
	{ "a/b; x; y=2", "a/b", "y=2|", true },
	{ "a/b; =x; y=2", "a/b", "y=2|", true },
	{ "a/b; x=\"open", "a/b", "x=open|", true },
	{ "a/b; x=\"1\" junk; y=2", "a/b", "x=1|y=2|", true },
	{ "a/b; x=", "a/b", "x=|", false },
	{ "", "", "", false },
	{ "; x=1", "", "x=1|", false },
	/* RFC 2231 sections 3 and 4.1 */
	{ "message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub\"", "message/external-body",
	    "access-type=URL|url=ftp://cs.utk.edu/pub|", false },
	{ "a/b; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "a/b", "title=This is ***fun***|", false },
	{ "a/b; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't "
	  "it!\"",
	    "a/b", "title=This is even more ***fun*** isn't it!|", false },
	{ "a/b; n*1=b; n*0=a; n*3=d", "a/b", "n=ab|", false },
	{ "a/b; n=plain; n*=utf-8''%C3%A4", "a/b", "n=\xc3\xa4|", false },
	{ "a/b; n*=iso-8859-1''%E4", "a/b", "n=\xc3\xa4|", false },
	{ "a/b; n*0*=utf-8''%C3; n*1*=%A4", "a/b", "n=\xc3\xa4|", false },
	{ "a/b; n*=no-quotes%41", "a/b", "n=no-quotesA|", false },
	{ "a/b; name=\"=?utf-8?q?=C3=A4?=.txt\"", "a/b", "name=\xc3\xa4.txt|", false },
	{ "a/b; name=\"\xe4\"", "a/b", "name=\xc3\xa4|", false },
	{ "a/b; n*x=1", "a/b", "n*x=1|", false },
	{ "a/b; n*99999999999999999999=1", "a/b", "n*99999999999999999999=1|", false },
};

static void
values_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct mime_value v;
		struct arena a;
		struct buf got;

		arena_init(&a, 1 << 16);
		buf_init(&got, 1000);
		assert_ok(mime_value_parse(slice_str(values[i].in), &a, &v, &unit_error));
		assert_slice(v.value, values[i].value);
		for (size_t k = 0; k < v.count; k++)
			(void)buf_putf(&got, "%.*s=%.*s|", (int)v.params[k].name.len,
			    (const char *)v.params[k].name.data, (int)v.params[k].value.len,
			    (const char *)v.params[k].value.data);
		assert_slice(buf_slice(&got), values[i].params);
		if (v.broken != values[i].broken)
			fail_msg("row %zu: broken %d", i, v.broken);
		buf_done(&got);
		arena_done(&a);
	}
}

/* PITFALLS Server 6: many pieces of one continuation (CVE-2026-27859) stay cheap and bounded. */
static void
many_continuations(void **state)
{
	struct mime_value v;
	struct slice joined;
	struct arena a;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	arena_init(&a, 1 << 20);
	(void)buf_put_str(&b, "a/b");
	for (unsigned i = 0; i < 10000; i++)
		(void)buf_putf(&b, "; n*%u=x", i);
	assert_ok(mime_value_parse(buf_slice(&b), &a, &v, &unit_error));
	assert_true(v.broken);
	assert_int_equal(v.raw_count, MIME_PARAMS_MAX);
	assert_true(mime_value_param(&v, "n", &joined));
	assert_int_equal(joined.len, MIME_PARAMS_MAX);
	arena_done(&a);
	buf_done(&b);
}

static void
writing_comes_back(void **state)
{
	static const char *const samples[] = { "token", "with space", "quo\"te\\", "\xc3\xa4.txt", "",
		"a very long name of a file that goes on and on and on and does not fit into one line at all.txt",
		("\xd0\x9f\xd0\xb8\xd1\x81\xd1\x8c\xd0\xbc\xd0\xbe \xd0\xb8\xd0\xb7 \xd0\xb4\xd0\xbe\xd0\xbc\xd0\xb0 % "
		 "' * \xd0\xb8.pdf") };

	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		struct mime_value v;
		struct slice got, rest;
		struct arena a;
		struct buf b;

		buf_init(&b, 10000);
		arena_init(&a, 1 << 16);
		(void)buf_put_str(&b, "Content-Disposition: attachment");
		assert_int_equal(mime_param_write(&b, "filename", slice_str(samples[i])), 0);
		for (rest = buf_slice(&b); rest.len > 0;)
			assert_true(slice_split(rest, '\n', &rest).len <= MIME_FOLD_MAX + 1);
		(void)slice_split(buf_slice(&b), ':', &rest);
		assert_ok(mime_value_parse(rest, &a, &v, &unit_error));
		assert_true(mime_value_param(&v, "filename", &got));
		assert_slice(got, samples[i]);
		assert_false(v.broken);
		arena_done(&a);
		buf_done(&b);
	}
}

UNIT_MAIN(UNIT_TEST(values_are_parsed), UNIT_TEST(many_continuations), UNIT_TEST(writing_comes_back))
