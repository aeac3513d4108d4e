/* SPDX-License-Identifier: ISC */
#include "base/mem.h"
#include "mailauth/results/results.h"
#include "mime/limits.h"
#include "unit.h"

#define ARENA (1u << 20)
/* SLICE() for tables, where only constants may stand. */
#define TEXT(lit) \
	{ \
		(const uint8_t *)("" lit), sizeof(lit) - 1 \
	}

/* "server[/version] method[/version]=result(comment)!reason type.name=value ..." */
static void
describe(const struct auth_results *r, struct buf *out)
{
	(void)buf_putf(
	    out, "%u %.*s/%u", r->instance, (int)r->server.len, (const char *)r->server.data, (unsigned)r->version);
	for (size_t i = 0; i < r->count; i++) {
		const struct auth_result *m = &r->results[i];

		(void)buf_putf(out, " %.*s/%u=%.*s(%.*s)!%.*s", (int)m->method.len, (const char *)m->method.data,
		    (unsigned)m->version, (int)m->result.len, (const char *)m->result.data, (int)m->comment.len,
		    (const char *)m->comment.data, (int)m->reason.len, (const char *)m->reason.data);
		for (size_t k = 0; k < m->property_count; k++)
			(void)buf_putf(out, " %.*s.%.*s=%.*s", (int)m->properties[k].type.len,
			    (const char *)m->properties[k].type.data, (int)m->properties[k].name.len,
			    (const char *)m->properties[k].name.data, (int)m->properties[k].value.len,
			    (const char *)m->properties[k].value.data);
	}
}

static const struct {
	const char *value;
	int rc;
	const char *read;
} rows[] = {
	/* RFC 8601 appendix B */
	{ " example.org 1; none", 0, "0 example.org/1" },
	{ " example.com;\r\n          spf=pass smtp.mailfrom=example.net", 0,
	    "0 example.com/0 spf/0=pass()! smtp.mailfrom=example.net" },
	{ " example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net",
	    0,
	    "0 example.com/0 auth/0=pass(cram-md5)! smtp.auth=sender@example.net spf/0=pass()! "
	    "smtp.mailfrom=example.net" },
	{ " example.com;\r\n dkim=pass (good signature) header.d=example.com", 0,
	    "0 example.com/0 dkim/0=pass(good signature)! header.d=example.com" },
	{ " example.com;\r\n dkim=pass reason=\"good signature\"\r\n  header.i=@mail-router.example.net;\r\n"
	  " dkim=fail reason=\"bad signature\"\r\n  header.i=@newyork.example.com",
	    0,
	    "0 example.com/0 dkim/0=pass()!good signature header.i=@mail-router.example.net"
	    " dkim/0=fail()!bad signature header.i=@newyork.example.com" },
	/* B.6: comments everywhere */
	{ " foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
	  "  policy (A dot can go here) . (like that) expired\r\n  (this surprised me) = (as I wasn't expecting it) "
	  "1362471462",
	    0, "0 foo.example.net/1 dkim/1=fail()! policy.expired=1362471462" },
	/* what others write */
	{ "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.example; dkim=none;action=none header.from=b.example", 0,
	    "0 /0 spf/0=pass(sender IP is 192.0.2.1)! smtp.mailfrom=a.example dkim/0=none()!"
	    " action/0=none()! header.from=b.example" },
	{ "a; dmarc=pass action=none header.from=b", 0, "0 a/0 dmarc/0=pass()! .action=none header.from=b" },
	{ "a; spf=none smtp.mailfrom=", 0, "0 a/0 spf/0=none()! smtp.mailfrom=" },
	{ "a; dkim=pass header.b=ab/c+= header.i=\"x y\"@z;", 0,
	    "0 a/0 dkim/0=pass()! header.b=ab/c+= header.i=x y@z" },
	{ "\"a b\" ; dkim=pass header.i=\"q\\\"\r\n r\"", 0, "0 a b/0 dkim/0=pass()! header.i=q\" r" },
	{ "a;none;", ERR_SYNTAX, "" },
	{ "a; none", 0, "0 a/0" },
	{ "a", 0, "0 a/0" },
	{ "a; none=pass", 0, "0 a/0 none/0=pass()!" },
	{ "m\xc3\xbcller.example; spf=pass smtp.mailfrom=\xc3\xa9@m\xc3\xbcller.example", 0,
	    "0 m\xc3\xbcller.example/0 spf/0=pass()! smtp.mailfrom=\xc3\xa9@m\xc3\xbcller.example" },
	/* what is none */
	{ "", ERR_SYNTAX, "" },
	{ " (only a comment)", ERR_SYNTAX, "" },
	{ ";spf=pass", ERR_SYNTAX, "" },
	{ "a 2; spf=pass", ERR_UNSUPPORTED, "" },
	{ "a b; spf=pass", ERR_SYNTAX, "" },
	{ "a; spf", ERR_SYNTAX, "" },
	{ "a; spf=", ERR_SYNTAX, "" },
	{ "a; =pass", ERR_SYNTAX, "" },
	{ "a; spf/x=pass", ERR_SYNTAX, "" },
	{ "a; spf=pass smtp.mailfrom", ERR_SYNTAX, "" },
	{ "a; spf=pass smtp.=x", ERR_SYNTAX, "" },
	{ "a; spf=pass smtp.mailfrom=\"x", ERR_SYNTAX, "" },
	{ "a; spf=pass (open", ERR_SYNTAX, "" },
	{ "a; spf=pass dkim=pass", 0, "0 a/0 spf/0=pass()! .dkim=pass" },
};

static void
fields_of_others_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_results r = { 0 };
		struct arena a;
		struct buf got;
		int rc;

		arena_init(&a, ARENA);
		buf_init(&got, 4096);
		rc = auth_results_parse(slice_str(rows[i].value), false, &a, &r, &unit_error);
		if (rc != rows[i].rc)
			fail_msg("%s: %d %s", rows[i].value, rc, unit_error.text);
		if (rc == 0) {
			describe(&r, &got);
			assert_slice(buf_slice(&got), rows[i].read);
		}
		buf_done(&got);
		arena_done(&a);
	}
}

static void
another_version_is_told_with_its_server(void **state)
{
	struct auth_results r = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, ARENA);
	assert_int_equal(auth_results_parse(SLICE("a.example 7; ?"), false, &a, &r, NULL), ERR_UNSUPPORTED);
	assert_slice(r.server, "a.example");
	assert_int_equal(r.version, 7);
	arena_done(&a);
}

static void
of_arc_the_number_stands_in_front(void **state)
{
	static const char *const bad[] = { "a; spf=pass", "i=0; a; none", "i=51; a; none", "i=1 a; none", "i=; a; none",
		"j=1; a; none", "i=1x; a; none", "i=1;" };
	struct auth_results r = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, ARENA);
	assert_ok(auth_results_parse(SLICE(" i = 50 (last) ; a.example; arc=none"), true, &a, &r, &unit_error));
	assert_int_equal(r.instance, 50);
	assert_slice(r.server, "a.example");
	assert_slice(auth_results_find(&r, "ARC")->result, "none");
	assert_null(auth_results_find(&r, "spf"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(auth_results_parse(slice_str(bad[i]), true, &a, &r, NULL), ERR_SYNTAX);
	arena_done(&a);
}

static const struct auth_property spf_properties[] = {
	{ TEXT("smtp"), TEXT("mailfrom"), TEXT("a b@example.com") },
	{ TEXT("smtp"), TEXT("helo"), TEXT("") },
	{ TEXT("smtp"), TEXT("remote-ip"), TEXT("2001:db8::1") },
};
static const struct auth_property dkim_properties[] = {
	{ TEXT("header"), TEXT("d"), TEXT("example.com") },
	{ TEXT("header"), TEXT("i"), TEXT("@example.com") },
	{ TEXT("header"), TEXT("b"), TEXT("ab/c+dEf") },
	{ TEXT("header"), TEXT("s"), TEXT("a-long-selector-of-2026-11-for-this-example") },
};
static const struct auth_result results[] = {
	{ .method = TEXT("spf"),
	    .result = TEXT("pass"),
	    .comment = TEXT("it (really) is"),
	    .properties = spf_properties,
	    .property_count = 3 },
	{ .method = TEXT("dkim"),
	    .result = TEXT("fail"),
	    .reason = TEXT("the \"body\" has changed"),
	    .properties = dkim_properties,
	    .property_count = 4 },
};

static void
a_field_is_folded_and_quoted(void **state)
{
	struct auth_results r = { .server = SLICE("mx.example.org"), .results = results, .count = 2 };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_ok(auth_results_write(&r, &out, &unit_error));
	assert_slice(buf_slice(&out),
	    "Authentication-Results: mx.example.org;\r\n"
	    " spf=pass (it \\(really\\) is) smtp.mailfrom=\"a b\"@example.com\r\n"
	    " smtp.remote-ip=\"2001:db8::1\";\r\n"
	    " dkim=fail reason=\"the \\\"body\\\" has changed\" header.d=example.com\r\n"
	    " header.i=@example.com header.b=\"ab/c+dEf\"\r\n"
	    " header.s=a-long-selector-of-2026-11-for-this-example\r\n");
	buf_clear(&out);
	r.count = 0;
	r.instance = 3;
	assert_ok(auth_results_write(&r, &out, &unit_error));
	assert_slice(buf_slice(&out), "ARC-Authentication-Results: i=3; mx.example.org; none\r\n");
	buf_done(&out);
}

/* A stranger's text stays one value, whatever it is, and is read back as what it was, control characters aside. */
static void
no_text_leaves_its_value(void **state)
{
	static const struct {
		struct slice text;
		const char *back;
	} texts[] = {
		{ TEXT("x; dkim=pass header.d=bank.example"), "x; dkim=pass header.d=bank.example" },
		{ TEXT("x\r\nBcc: y"), "x??Bcc: y" },
		{ TEXT("x\r\n\r\nbody"), "x????body" },
		{ TEXT("x\" ; dkim=pass"), "x\" ; dkim=pass" },
		{ TEXT("x\\"), "x\\" },
		{ TEXT("x\\\"; arc=pass"), "x\\\"; arc=pass" },
		{ TEXT("(x"), "(x" },
		{ TEXT("x) dkim=pass"), "x) dkim=pass" },
		{ TEXT("x\0y"), "x?y" },
		{ TEXT("\xff\xfe"), "??" },
		{ TEXT("\xe2\x80\xa8"), "\xe2\x80\xa8" },
		{ TEXT("\xc2\x85"), "?" },
		{ TEXT("a@b@c; d=e"), "a@b@c; d=e" },
		{ TEXT("; dkim=pass@example.org"), "; dkim=pass@example.org" },
		{ TEXT("\" x=pass@example.org"), "\" x=pass@example.org" },
		{ TEXT("a@exa mple.org"), "a@exa mple.org" },
		{ TEXT("a@.org"), "a@.org" },
		{ TEXT("@"), "@" },
		{ TEXT("a@"), "a@" },
		{ TEXT(".a.@b"), ".a.@b" },
		{ TEXT("a..b@b"), "a..b@b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct auth_property property = { SLICE("smtp"), SLICE("mailfrom"), texts[i].text };
		const struct auth_result result = { .method = SLICE("spf"),
			.result = SLICE("none"),
			.reason = texts[i].text,
			.comment = texts[i].text,
			.properties = &property,
			.property_count = 1 };
		struct auth_results r = { .server = SLICE("mx.example.org"), .results = &result, .count = 1 },
				    back = { 0 };
		struct arena a;
		struct buf out;
		struct slice value;

		arena_init(&a, ARENA);
		buf_init(&out, 4096);
		assert_ok(auth_results_write(&r, &out, &unit_error));
		value = slice_from(buf_slice(&out), sizeof("Authentication-Results:") - 1);
		assert_ok(auth_results_parse(slice_sub(value, 0, value.len - 2), false, &a, &back, &unit_error));
		assert_int_equal(back.count, 1);
		assert_int_equal(back.results[0].property_count, 1);
		assert_slice(auth_result_property(&back.results[0], "smtp", "mailfrom"), texts[i].back);
		assert_slice(back.results[0].reason, texts[i].back);
		for (size_t k = 0; k + 1 < out.len; k++) /* each line end is followed by a space, or is the last */
			assert_true(out.data[k] != '\n' || out.data[k + 1] == ' ');
		buf_done(&out);
		arena_done(&a);
	}
}

static void
names_that_are_none_are_our_fault(void **state)
{
	static const char *const bad[] = { "", "d kim", "dkim=", "dkim;", "dk\r\nim", "d(im" };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct auth_property property = { SLICE("header"), SLICE("d"), SLICE("x") };
		struct auth_result result = {
			.method = SLICE("dkim"), .result = SLICE("pass"), .properties = &property, .property_count = 1
		};
		struct auth_results r = { .server = SLICE("a"), .results = &result, .count = 1 };

		result.method = slice_str(bad[i]);
		assert_int_equal(auth_results_write(&r, &out, NULL), ERR_USAGE);
		result.method = SLICE("dkim");
		result.result = slice_str(bad[i]);
		assert_int_equal(auth_results_write(&r, &out, NULL), ERR_USAGE);
		result.result = SLICE("pass");
		property.name = slice_str(bad[i]);
		assert_int_equal(auth_results_write(&r, &out, NULL), ERR_USAGE);
		property.name = SLICE("d");
		property.type = slice_str(bad[i]);
		assert_int_equal(auth_results_write(&r, &out, NULL), ERR_USAGE);
	}
	assert_int_equal(auth_results_write(&(struct auth_results){ 0 }, &out, NULL), ERR_USAGE);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void
lines_stay_short_enough_and_fields_bounded(void **state)
{
	struct auth_property property = { SLICE("smtp"), SLICE("mailfrom"), SLICE_EMPTY };
	struct auth_result many[MAILAUTH_RESULTS_MAX + 1];
	struct auth_results r = { .server = SLICE("a"), .results = many, .count = 1 };
	struct buf out;
	uint8_t text[2000];
	size_t start = 0;

	(void)state;
	memset(text, '"', sizeof(text));
	property.value = slice_of(text, sizeof(text));
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = (struct auth_result){ .method = SLICE("spf"),
			.result = SLICE("none"),
			.reason = property.value,
			.properties = &property,
			.property_count = 1 };
	buf_init(&out, 1 << 20);
	assert_ok(auth_results_write(&r, &out, &unit_error));
	for (size_t i = 0; i < out.len; i++) {
		assert_true(i - start < MIME_MESSAGE_LINE_MAX);
		if (out.data[i] == '\n')
			start = i + 1;
	}
	buf_clear(&out);
	r.count = MAILAUTH_RESULTS_MAX;
	assert_int_equal(auth_results_write(&r, &out, NULL), ERR_LIMIT);
	r.count++;
	assert_int_equal(auth_results_write(&r, &out, NULL), ERR_USAGE);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void
too_much_is_not_read(void **state)
{
	struct auth_results r = { 0 };
	struct arena a;
	struct buf value;

	(void)state;
	arena_init(&a, ARENA);
	buf_init(&value, 1 << 20);
	(void)buf_put_str(&value, "a");
	for (size_t i = 0; i < MAILAUTH_RESULTS_MAX; i++)
		(void)buf_put_str(&value, ";x=y");
	assert_ok(auth_results_parse(buf_slice(&value), false, &a, &r, &unit_error));
	assert_int_equal(r.count, MAILAUTH_RESULTS_MAX);
	(void)buf_put_str(&value, ";x=y");
	assert_int_equal(auth_results_parse(buf_slice(&value), false, &a, &r, NULL), ERR_LIMIT);
	buf_clear(&value);
	(void)buf_put_str(&value, "a;x=y");
	for (size_t i = 0; i < MAILAUTH_PROPERTIES_MAX; i++)
		(void)buf_put_str(&value, " p.q=r");
	assert_ok(auth_results_parse(buf_slice(&value), false, &a, &r, &unit_error));
	(void)buf_put_str(&value, " p.q=r");
	assert_int_equal(auth_results_parse(buf_slice(&value), false, &a, &r, NULL), ERR_LIMIT);
	while (value.len <= MAILAUTH_RESULTS_FIELD_MAX)
		(void)buf_put_u8(&value, ' ');
	assert_int_equal(auth_results_parse(buf_slice(&value), false, &a, &r, NULL), ERR_LIMIT);
	buf_done(&value);
	arena_done(&a);
}

static const struct {
	const char *value;
	bool ours;
} claims[] = {
	{ "mx.example.org; spf=pass", true },
	{ " mx.example.org", true },
	{ "\r\n\tmx.example.org\r\n ;none", true },
	{ "MX.Example.ORG; none", true },
	{ "mx.example.org.; none", true },
	{ "mx.example.org..; none", true },
	{ "(x) mx.example.org (y) ; none", true },
	{ "(a(b)\\)c)mx.example.org;none", true },
	{ "mx.example.org 1; none", true },
	{ "mx.example.org1; none", true },
	{ "mx.example.org(x)1; none", true },
	{ "mx.example.org/1; none", true },
	{ "mx.example.org foo; none", true },
	{ "\"mx.example.org\"; none", true },
	{ "\"mx.exa\\mple.org\"; none", true },
	{ "\" mx.example.org \"; none", true },
	{ "\"mx\".example.org; none", true },
	{ "mx.exam(x)ple.org; none", true },
	{ "mx . example . org; none", true },
	{ "mx.\r\n example.org; none", true },
	{ "sub.mx.example.org; none", true },
	{ "mx.example.org, spf=pass", true },
	{ "mx.example.org:25; none", true },
	{ "<mx.example.org>; none", true },
	{ "mx.exa\xc2\xadmple.org; none", true },    /* a soft hyphen, which IDNA passes over */
	{ "\xef\xbd\x8dx.example.org; none", true }, /* a full-width m */
	{ "mx\xe3\x80\x82"
	  "example\xe3\x80\x82org; none",
	    true }, /* ideographic dots */
	/* nobody can tell whose they are */
	{ "", true },
	{ ";none", true },
	{ "(comment)", true },
	{ "spf=pass smtp.mailfrom=x", true },
	{ "x}y=pass smtp.mailfrom=x", true },
	{ "other.example (open ; none", true },
	{ "\"other.example ; none", true },
	{ "\xff.example; none", true },
	{ "other.example 2; none", true },
	{ "other.example 99999999999999999999; none", true },
	/* others' */
	{ "other.example; none", false },
	{ "other.example 1; none", false },
	{ "example.org; none", false },
	{ "mx.example.organic.example; none", false },
	{ "badmx.example.org; none", false },
	{ "mx-example.org; none", false },
	{ "other.example; spf=pass smtp.helo=mx.example.org", false },
	{ "(mx.example.org) other.example; none", false },
	{ "m\xc3\xbcller.example; none", false },
};

static void
a_claim_to_be_ours_is_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		if (auth_results_claims(slice_str(claims[i].value), SLICE("mx.example.org")) != claims[i].ours)
			fail_msg("%s", claims[i].value);
	assert_true(auth_results_claims(SLICE("m\xc3\xbcller.example; none"), SLICE("xn--mller-kva.example")));
	assert_true(auth_results_claims(SLICE("xn--mller-kva.example; none"), SLICE("M\xc3\x9cller.example.")));
}

static void
without_memory_it_says_so(void **state)
{
	struct auth_results r = { .server = SLICE("a"), .results = results, .count = 2 }, back;
	const struct slice text = SLICE("\"a\"; spf=pass x.y=\"z\"");
	int rc = ERR_NOMEM;

	(void)state;
	for (long n = 0; rc != 0; n++) {
		struct buf out;

		buf_init(&out, 4096);
		mem_fail_after(n);
		rc = auth_results_write(&r, &out, NULL);
		mem_fail_after(-1);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		buf_done(&out);
	}
	rc = ERR_NOMEM;
	for (long n = 0; rc != 0; n++) {
		struct arena a;

		arena_init(&a, ARENA);
		mem_fail_after(n);
		rc = auth_results_parse(text, false, &a, &back, NULL);
		mem_fail_after(-1);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		arena_done(&a);
	}
}

UNIT_MAIN(UNIT_TEST(fields_of_others_are_read), UNIT_TEST(another_version_is_told_with_its_server),
    UNIT_TEST(of_arc_the_number_stands_in_front), UNIT_TEST(a_field_is_folded_and_quoted),
    UNIT_TEST(no_text_leaves_its_value), UNIT_TEST(names_that_are_none_are_our_fault),
    UNIT_TEST(lines_stay_short_enough_and_fields_bounded), UNIT_TEST(too_much_is_not_read),
    UNIT_TEST(a_claim_to_be_ours_is_seen), UNIT_TEST(without_memory_it_says_so))
