/* SPDX-License-Identifier: ISC */
#include "mime/address.h"
#include "mime/word.h"
#include "unit.h"

static const struct {
	const char *in;
	const char *want; /* name<route|local|domain> for each; {name and } for groups */
	bool broken;
} lists[] = {
	{ "a@b", "<|a|b>", false },
	{ "", "", false },
	{ " , ,", "", false },
	{ "Joe Q. Public <john.q.public@example.com>", "Joe Q. Public<|john.q.public|example.com>", false },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	    "Mary Smith<|mary|x.test><|jdoe|example.org>Who?<|one|y.test>", false },
	{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
	    "<|boss|nil.test>Giant; \"Big\" Box<|sysservices|example.net>", false },
	{ "A Group:Ed Jones <joe@a.test>,joe@where.test,John <jdoe@one.test>;",
	    "{A GroupEd Jones<|joe|a.test><|joe|where.test>John<|jdoe|one.test>}", false },
	{ "Undisclosed recipients:;", "{Undisclosed recipients}", false },
	{ "Undisclosed recipients:", "{Undisclosed recipients}", true },
	{ "g:a@b;, c@d", "{g<|a|b>}<|c|d>", false },
	{ "g:a@b; c@d", "{g<|a|b>}<|c|d>", false },
	/* RFC 5322 A.5 */
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete<|pete|silly.test>", false },
	{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         "
	  "joe@example.org,\r\n"
	  "  John <jdoe@one.test> (my dear friend); (the end of the group)",
	    "{A GroupChris Jones<|c|public.example><|joe|example.org>John<|jdoe|one.test>}", false },
	{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "{Hidden recipients}", false },
	{ "joe@example.net (Joe Doe)", "Joe Doe<|joe|example.net>", false },
	/* RFC 5322 A.6.1 */
	{ "Joe Q. Public <@example.net,@x.test:joe@example.org>", "Joe Q. Public<@example.net,@x.test|joe|example.org>",
	    false },
	{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test   . example",
	    "Mary Smith<@node.test|mary|example.net><|jdoe|test.example>", false },
	{ "\"joe smith\"@example.com", "<|joe smith|example.com>", false },
	{ "\"a@b\"@c", "<|a@b|c>", false },
	{ "joe@[127.0.0.1]", "<|joe|[127.0.0.1]>", false },
	{ "joe.@x, .joe@x, a..b@x", "<|joe.|x><|.joe|x><|a..b|x>", false },
	{ "root", "<|root|>", false },
	{ "root, admin", "<|root|><|admin|>", false },
	{ "joe smith@x, b@c", "<|b|c>", true },
	{ "just a name, b@c", "<|b|c>", true },
	{ "a@b@c, d@e", "<|a|b><|d|e>", true },
	{ "a@, b@c", "<|b|c>", true },
	{ "x@y <a@b>", "x@y<|a|b>", true },
	{ "\"x@y\" <a@b>", "x@y<|a|b>", false },
	{ "A <a@b> <c@d>, e@f", "A<|a|b><|e|f>", true },
	{ "A <a@b, c@d", "<|c|d>", true },
	{ "<>", "<||>", false },
	{ "a@b; c@d", "<|a|b><|c|d>", true },
	{ "\"open <a@b>", "", true },
	{ "(open a@b", "", true },
	{ "=?utf-8?q?J=C3=B6rg?= <j@x>", "=?utf-8?q?J=C3=B6rg?=<|j|x>", false },
	{ "J\xc3\xb6rg <j\xc3\xb6@x>", "J\xc3\xb6rg<|j\xc3\xb6|x>", false },
	{ "\"\" <a@b>", "<|a|b>", false },
	{ "a@b(c) d", "", true },
	{ "::;;,<", "{}", true },
};

static void
show(struct buf *b, const struct mime_address *m)
{
	static const char *const forms[] = { "<", "{", "}" };

	if (m->kind == MIME_ADDRESS_MAILBOX)
		(void)buf_put_slice(b, m->name);
	(void)buf_put_str(b, forms[m->kind]);
	if (m->kind == MIME_ADDRESS_GROUP)
		(void)buf_put_slice(b, m->name);
	if (m->kind != MIME_ADDRESS_MAILBOX)
		return;
	(void)buf_put_slice(b, m->route);
	(void)buf_put_u8(b, '|');
	(void)buf_put_slice(b, m->local);
	(void)buf_put_u8(b, '|');
	(void)buf_put_slice(b, m->domain);
	(void)buf_put_u8(b, '>');
}

static void
lists_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		struct mime_addresses list;
		struct arena a;
		struct buf b;

		arena_init(&a, 1 << 16);
		buf_init(&b, 1000);
		assert_ok(mime_addresses_parse(slice_str(lists[i].in), &a, &list, &unit_error));
		for (size_t k = 0; k < list.count; k++)
			show(&b, &list.items[k]);
		if (!slice_eq_str(buf_slice(&b), lists[i].want) || list.broken != lists[i].broken)
			fail_msg("row %zu %s: %.*s broken %d", i, lists[i].in, (int)b.len, (const char *)b.data,
			    list.broken);
		buf_done(&b);
		arena_done(&a);
	}
}

static void
one_is_one(void **state)
{
	static const char *const bad[] = { "", "a", "a@b, c@d", "g:a@b;", "x@y <a@b>", "A <a@b> <c@d>", "a@b\r\n,c@d",
		"@b" };
	struct mime_address m;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(mime_address_parse_one(slice_str(bad[i]), &a, &m, NULL), ERR_SYNTAX);
	assert_ok(mime_address_parse_one(slice_str("Joe <joe@example.org>"), &a, &m, &unit_error));
	assert_slice(m.domain, "example.org");
	arena_done(&a);
}

static void
writing_comes_back(void **state)
{
	static const char *const names[] = { "", "Joe", "Joe Doe", "Doe, Joe", "J\xc3\xb6rg \"X\"",
		"=?a?q?b?=", "a\\b" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct mime_address m = { .local = slice_str(i % 2 ? "joe" : "joe doe"),
			.domain = slice_str("x.test") },
				    got;
		struct buf text, name, encoded;
		struct arena a;

		arena_init(&a, 1 << 16);
		buf_init(&text, 1000);
		buf_init(&name, 1000);
		buf_init(&encoded, 1000);
		assert_int_equal(mime_text_encode(slice_str(names[i]), true, 0, &encoded), 0);
		m.name = buf_slice(&encoded);
		assert_int_equal(mime_address_write(&m, 6, &text), 0);
		assert_ok(mime_address_parse_one(buf_slice(&text), &a, &got, &unit_error));
		assert_true(mime_address_same(&m, &got));
		assert_int_equal(mime_address_name(&got, &name), 0);
		assert_slice(buf_slice(&name), names[i]);
		buf_done(&text);
		buf_done(&name);
		buf_done(&encoded);
		arena_done(&a);
	}
}

static void
ids_are_found(void **state)
{
	struct slice *ids;
	struct arena a;
	size_t n;

	(void)state;
	arena_init(&a, 1 << 16);
	assert_ok(
	    mime_ids_parse(slice_str(" <a@b>\r\n <c@d>(x <no@no>)<e f> junk <g@h><i@j"), &a, &ids, &n, &unit_error));
	assert_int_equal(n, 3);
	assert_slice(ids[0], "<a@b>");
	assert_slice(ids[1], "<c@d>");
	assert_slice(ids[2], "<g@h>");
	arena_done(&a);
}

/* PITFALLS Server 6 and 7: huge lists, nested comments, unclosed things: bounded and linear. */
static void
bombs_are_bounded(void **state)
{
	static const char *const units[] = { "(", "a@b,", "\"", "<", "<@x,", "g:", "((a)", "a ", ".", "\\", "@" };

	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		struct mime_addresses list;
		struct arena a;
		struct buf b;

		buf_init(&b, MIME_HEADER_MAX);
		arena_init(&a, MIME_ARENA_MAX);
		while (b.len + 8 < MIME_HEADER_MAX)
			(void)buf_put_str(&b, units[i]);
		assert_ok(mime_addresses_parse(buf_slice(&b), &a, &list, &unit_error));
		assert_true(list.count <= MIME_ADDRESSES_MAX);
		assert_true(list.cut || list.count < MIME_ADDRESSES_MAX);
		arena_done(&a);
		buf_done(&b);
	}
}

UNIT_MAIN(UNIT_TEST(lists_are_parsed), UNIT_TEST(one_is_one), UNIT_TEST(writing_comes_back), UNIT_TEST(ids_are_found),
    UNIT_TEST(bombs_are_bounded))
