/* SPDX-License-Identifier: ISC */
#include "sasl/sasl.h"

#include "base/base64.h"
#include "unit.h"

struct row {
	const char *name;
	struct slice text;    /* as on the wire */
	struct slice decoded; /* when text is empty: encoded here */
	bool initial;
	int want;
	const char *authorize, *identity, *password;
};

/* SLICE() for tables: a constant initializer. */
#define BYTES(lit) \
	{ \
		(const uint8_t *)("" lit), sizeof(lit) - 1 \
	}

static const struct row rows[] = {
	{ "rfc 4616 first example", { NULL, 0 }, BYTES("\0tim\0tanstaaftanstaaf"), true, SASL_STEP_CHECK, "", "tim",
	    "tanstaaftanstaaf" },
	{ "rfc 4616 second example", { NULL, 0 }, BYTES("Ursel\0Kurt\0xipj3plmq"), false, SASL_STEP_CHECK, "Ursel",
	    "Kurt", "xipj3plmq" },
	{ "utf-8", { NULL, 0 }, BYTES("\0j\xc3\xbcrgen\0p\xc3\xa4ss"), true, SASL_STEP_CHECK, "", "j\xc3\xbcrgen",
	    "p\xc3\xa4ss" },
	{ "not utf-8", { NULL, 0 }, BYTES("\0a\0\xff"), true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "no nul", { NULL, 0 }, BYTES("abc"), true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "one nul", { NULL, 0 }, BYTES("a\0b"), true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "three nuls: a password cannot hide one", { NULL, 0 }, BYTES("\0a\0b\0c"), true, ERR_SYNTAX, NULL, NULL,
	    NULL },
	{ "nul at the end", { NULL, 0 }, BYTES("\0a\0b\0"), true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "no identity", { NULL, 0 }, BYTES("\0\0b"), true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "no password", { NULL, 0 }, BYTES("\0a\0"), true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "initial empty", BYTES("="), { NULL, 0 }, true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "given up", BYTES("*"), { NULL, 0 }, false, ERR_DENIED, NULL, NULL, NULL },
	{ "star as initial response is bad base64", BYTES("*"), { NULL, 0 }, true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "tab in base64", BYTES("AGEA\tYg=="), { NULL, 0 }, true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "space in base64", BYTES("AGEA Yg=="), { NULL, 0 }, true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "nul in base64", BYTES("AGEA\0Yg=="), { NULL, 0 }, true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "no padding", BYTES("AGEAYg"), { NULL, 0 }, true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "too much padding", BYTES("AGEAYg==="), { NULL, 0 }, true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "padding in the middle", BYTES("AGE=AGEAYg=="), { NULL, 0 }, true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "bits under the padding", BYTES("AGEAYh=="), { NULL, 0 }, true, ERR_SYNTAX, NULL, NULL, NULL },
	{ "right", BYTES("AGEAYg=="), { NULL, 0 }, true, SASL_STEP_CHECK, "", "a", "b" },
};

static void
plain_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct sasl_server s;
		struct buf text;
		int got;

		buf_init(&text, SASL_TEXT_MAX);
		(void)(r->decoded.len > 0 ? base64_write(&text, r->decoded) : buf_put_slice(&text, r->text));
		sasl_server_init(&s);
		assert_int_equal(sasl_server_begin(&s, SLICE("plain"), true, NULL), 0);
		got = sasl_server_response(&s, buf_slice(&text), r->initial, NULL);
		if (got != r->want)
			fail_msg("%s: %d, not %d", r->name, got, r->want);
		if (got == SASL_STEP_CHECK) {
			assert_slice(s.credentials.authorize, r->authorize);
			assert_slice(s.credentials.identity, r->identity);
			assert_slice(s.credentials.password, r->password);
		}
		assert_int_equal(sasl_server_response(&s, SLICE("AGEAYg=="), false, NULL), ERR_ORDER);
		sasl_server_done(&s);
		buf_done(&text);
	}
}

static void
limits(void **state)
{
	static uint8_t big[SASL_TEXT_MAX + 4];
	struct sasl_server s;

	(void)state;
	memset(big, 'A', sizeof big);
	sasl_server_init(&s);
	assert_int_equal(sasl_server_begin(&s, SLICE("PLAIN"), true, NULL), 0);
	assert_int_equal(sasl_server_response(&s, slice_of(big, sizeof big), false, NULL), ERR_LIMIT);
	assert_int_equal(sasl_server_begin(&s, SLICE("PLAIN"), false, NULL), ERR_POLICY);
	assert_int_equal(sasl_server_begin(&s, SLICE("CRAM-MD5"), true, NULL), ERR_UNSUPPORTED);
	assert_int_equal(sasl_server_begin(&s, SLICE_EMPTY, true, NULL), ERR_UNSUPPORTED);
	sasl_server_done(&s);
}

static void
offers(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(sasl_offer(&b, false), 0);
	assert_slice(buf_slice(&b), "");
	assert_int_equal(sasl_offer(&b, true), 0);
	assert_slice(buf_slice(&b), "PLAIN");
	buf_done(&b);
}

static void
client_to_server(void **state)
{
	const struct sasl_credentials who = { .identity = SLICE("alice@example.org"),
		.password = SLICE("s p\xc3\xa4 m") };
	struct sasl_client c;
	struct sasl_server s;
	struct buf out;

	(void)state;
	buf_init(&out, SASL_TEXT_MAX);
	assert_ok(sasl_client_init(&c, SLICE("CRAM-MD5 plain LOGIN"), &who, true, &unit_error));
	assert_string_equal(sasl_client_name(&c), "PLAIN");
	assert_ok(sasl_client_respond(&c, SLICE_EMPTY, &out, &unit_error));
	sasl_server_init(&s);
	assert_ok(sasl_server_begin(&s, SLICE("PLAIN"), true, &unit_error));
	assert_int_equal(sasl_server_response(&s, buf_slice(&out), true, NULL), SASL_STEP_CHECK);
	assert_slices(s.credentials.identity, who.identity);
	assert_slices(s.credentials.password, who.password);
	assert_int_equal(sasl_client_respond(&c, SLICE(""), &out, NULL), ERR_ORDER);
	sasl_server_done(&s);
	sasl_client_done(&c);
	buf_done(&out);
}

static void
client_refuses(void **state)
{
	const struct sasl_credentials who = { .identity = SLICE("a"), .password = SLICE("b") };
	const struct sasl_credentials nul = { .identity = SLICE("a"), .password = SLICE("b\0c") };
	const struct sasl_credentials none = { .identity = SLICE("a") };
	struct sasl_client c;

	(void)state;
	assert_int_equal(sasl_client_init(&c, SLICE("PLAIN"), &who, false, NULL), ERR_POLICY);
	assert_int_equal(sasl_client_init(&c, SLICE("XPLAIN PLAINX"), &who, true, NULL), ERR_UNSUPPORTED);
	assert_int_equal(sasl_client_init(&c, SLICE("PLAIN"), &nul, true, NULL), ERR_USAGE);
	assert_int_equal(sasl_client_init(&c, SLICE("PLAIN"), &none, true, NULL), ERR_USAGE);
}

UNIT_MAIN(
    UNIT_TEST(plain_rows), UNIT_TEST(limits), UNIT_TEST(offers), UNIT_TEST(client_to_server), UNIT_TEST(client_refuses))
