/* SPDX-License-Identifier: ISC */
#include "base/base64.h"
#include "sasl/plain.h"
#include "sasl/relay.h"
#include "unit.h"

static const struct sasl_offer all = { true, true, SASL_SET_ALL };

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
	{ "rfc 4616 first example", { NULL, 0 }, BYTES("\0tim\0tanstaaftanstaaf"), true, 0, "", "tim",
	    "tanstaaftanstaaf" },
	{ "rfc 4616 second example", { NULL, 0 }, BYTES("Ursel\0Kurt\0xipj3plmq"), false, 0, "Ursel", "Kurt",
	    "xipj3plmq" },
	{ "utf-8", { NULL, 0 }, BYTES("\0j\xc3\xbcrgen\0p\xc3\xa4ss"), true, 0, "", "j\xc3\xbcrgen", "p\xc3\xa4ss" },
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
	{ "right", BYTES("AGEAYg=="), { NULL, 0 }, true, 0, "", "a", "b" },
};

static void
pitfall_9_plain_and_base64(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct sasl_credentials c = { 0 };
		struct sasl_relay relay;
		struct buf text;
		int got;

		buf_init(&text, SASL_TEXT_MAX);
		(void)(r->decoded.len > 0 ? base64_write(&text, r->decoded) : buf_put_slice(&text, r->text));
		sasl_relay_init(&relay);
		assert_ok(sasl_relay_begin(&relay, SLICE("plain"), &all, &unit_error));
		got = sasl_relay_response(&relay, buf_slice(&text), r->initial, NULL);
		if (got == 0)
			got = plain_parse(buf_slice(&relay.message), &c, NULL);
		if (got != r->want)
			fail_msg("%s: %d, not %d", r->name, got, r->want);
		if (got == 0) {
			assert_slice(c.authorize, r->authorize);
			assert_slice(c.identity, r->identity);
			assert_slice(c.password, r->password);
		}
		sasl_relay_done(&relay);
		assert_int_equal(sasl_relay_response(&relay, SLICE("AGEAYg=="), false, NULL), ERR_ORDER);
		buf_done(&text);
	}
}

static void
limits(void **state)
{
	static uint8_t big[SASL_TEXT_MAX + 4];
	struct sasl_relay r;

	(void)state;
	memset(big, 'A', sizeof big);
	sasl_relay_init(&r);
	assert_int_equal(sasl_relay_begin(&r, SLICE("PLAIN"), &all, NULL), 0);
	assert_int_equal(sasl_relay_response(&r, slice_of(big, sizeof big), false, NULL), ERR_LIMIT);
	assert_int_equal(r.mechanism, SASL_NONE);
	assert_int_equal(sasl_relay_begin(&r, SLICE("PLAIN"), &all, NULL), 0);
	assert_int_equal(sasl_relay_response(&r, slice_of(big, SASL_TEXT_MAX), false, NULL), 0);
	for (unsigned i = 1; i < SASL_ROUNDS_MAX; i++)
		assert_int_equal(sasl_relay_response(&r, SLICE("AA=="), false, NULL), 0);
	assert_int_equal(sasl_relay_response(&r, SLICE("AA=="), false, NULL), ERR_ORDER);
	sasl_relay_done(&r);
}

static const struct {
	const char *name;
	struct sasl_offer offer;
	const char *offered;
} offers[] = {
	{ "nothing without tls", { false, true, SASL_SET_ALL }, "" },
	{ "all, the best first", { true, true, SASL_SET_ALL },
	    " SCRAM-SHA-256-PLUS SCRAM-SHA-256 OAUTHBEARER XOAUTH2 PLAIN LOGIN" },
	{ "no binding data, no plus", { true, false, SASL_SET_SCRAM | SASL_BIT(SASL_PLAIN) }, " SCRAM-SHA-256 PLAIN" },
	{ "plain only", { true, true, SASL_BIT(SASL_PLAIN) }, " PLAIN" },
	{ "plus only", { true, true, SASL_BIT(SASL_SCRAM_SHA_256_PLUS) }, " SCRAM-SHA-256-PLUS" },
	{ "nothing configured", { true, true, 0 }, "" },
};

/* What is offered can be begun, and nothing else. */
static void
offered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
		struct sasl_relay r;
		struct buf b;

		buf_init(&b, 200);
		assert_int_equal(sasl_offer_write(&offers[i].offer, " ", &b), 0);
		assert_slice(buf_slice(&b), offers[i].offered);
		sasl_relay_init(&r);
		for (unsigned m = 1; m < SASL_MECHANISM_COUNT; m++) {
			struct slice name = slice_str(sasl_mechanism_name((enum sasl_mechanism)m));
			bool can = (sasl_offer_set(&offers[i].offer) & SASL_BIT(m)) != 0;

			assert_int_equal(sasl_relay_begin(&r, name, &offers[i].offer, NULL) == 0, can);
			assert_int_equal(r.mechanism, can ? m : SASL_NONE);
		}
		sasl_relay_done(&r);
		buf_done(&b);
	}
}

static void
refusals(void **state)
{
	const struct sasl_offer clear = { false, false, SASL_SET_ALL };
	struct sasl_relay r;

	(void)state;
	sasl_relay_init(&r);
	assert_int_equal(sasl_relay_begin(&r, SLICE("PLAIN"), &clear, NULL), ERR_POLICY);
	assert_int_equal(sasl_relay_begin(&r, SLICE("SCRAM-SHA-256"), &clear, NULL), ERR_POLICY);
	assert_int_equal(sasl_relay_begin(&r, SLICE("CRAM-MD5"), &all, NULL), ERR_UNSUPPORTED);
	assert_int_equal(sasl_relay_begin(&r, SLICE_EMPTY, &all, NULL), ERR_UNSUPPORTED);
	assert_int_equal(sasl_relay_begin(&r, SLICE("PLAIN\0"), &all, NULL), ERR_UNSUPPORTED);
	assert_int_equal(sasl_relay_response(&r, SLICE("AA=="), true, NULL), ERR_ORDER);
}

static void
first_challenges(void **state)
{
	struct sasl_relay r;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	sasl_relay_init(&r);
	assert_ok(sasl_relay_begin(&r, SLICE("SCRAM-SHA-256"), &all, &unit_error));
	assert_int_equal(sasl_relay_first(&r, &b), 0);
	assert_slice(buf_slice(&b), "");
	assert_ok(sasl_relay_begin(&r, SLICE("login"), &all, &unit_error));
	assert_int_equal(sasl_relay_first(&r, &b), 0);
	assert_slice(buf_slice(&b), "VXNlcm5hbWU6");
	sasl_relay_done(&r);
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(pitfall_9_plain_and_base64), UNIT_TEST(limits), UNIT_TEST(offered), UNIT_TEST(refusals),
    UNIT_TEST(first_challenges))
