/* SPDX-License-Identifier: ISC */
#include "sasl/exchange.h"

#include "base/mem.h"

#define NAMES "SCRAM-SHA-256-PLUS SCRAM-SHA-256 OAUTHBEARER XOAUTH2 PLAIN LOGIN"

static const struct sasl_credentials alice = { .identity = { (const uint8_t *)"alice@example.org", 17 },
	.password = { (const uint8_t *)"p\xc3\xa4ss", 5 } };
static const uint8_t exporter[32] = "one connection's own octets.....";
static const uint8_t end_point[32] = "the hash of its certificate.....";

static struct exchange
fresh(const struct scram_verifier *v)
{
	return (struct exchange){
		.client = { .offered = SLICE(NAMES),
		    .credentials = &alice,
		    .channel = { true, slice_of(exporter, 32), slice_of(end_point, 32) } },
		.server = { .channel = { true, slice_of(exporter, 32), slice_of(end_point, 32) },
		    .plus_offered = true,
		    .fake_key = SLICE("0123456789abcdef") },
		.offer = { true, true, SASL_SET_ALL },
		.identity = alice.identity,
		.password = alice.password,
		.token = SLICE("a-token"),
		.verifiers = v,
		.verifier_count = v == NULL ? 0 : 1,
	};
}

static void
make(struct scram_verifier *v, const char *password, struct slice salt)
{
	assert_ok(scram_verifier_make(slice_str(password), salt, SCRAM_ITERATIONS_MIN, v, &unit_error));
}

static void
right_and_wrong(void **state)
{
	static const struct sasl_credentials token = { .identity = { (const uint8_t *)"alice@example.org", 17 },
		.token = { (const uint8_t *)"a-token", 7 } };
	struct scram_verifier v;

	(void)state;
	make(&v, "p\xc3\xa4ss", SLICE_EMPTY);
	for (unsigned m = 1; m < SASL_MECHANISM_COUNT; m++) {
		for (unsigned way = 0; way < 4; way++) {
			struct exchange x = fresh(&v);
			bool wrong = (way & 1) != 0;

			x.client.offered = slice_str(sasl_mechanism_name((enum sasl_mechanism)m));
			x.server.plus_offered = m == SASL_SCRAM_SHA_256_PLUS;
			x.no_initial = (way & 2) != 0;
			if ((SASL_SET_TOKEN & SASL_BIT(m)) != 0)
				x.client.credentials = &token;
			if (wrong) {
				x.password = SLICE("other");
				x.token = SLICE("other");
				x.verifier_count = 0;
			}
			exchange_run(&x, NULL);
			assert_int_equal(x.used, m);
			assert_int_equal(x.client_rc, 0);
			assert_int_equal(x.server_rc, wrong ? ERR_PASSWORD : SASL_STEP_DONE);
		}
	}
}

static void
the_best_is_taken(void **state)
{
	static const struct sasl_credentials both = { .identity = { (const uint8_t *)"a", 1 },
		.password = { (const uint8_t *)"b", 1 },
		.token = { (const uint8_t *)"c", 1 } };
	static const struct sasl_credentials new_character = { .identity = { (const uint8_t *)"a", 1 },
		.password = { (const uint8_t *)"\xf0\x9f\x98\x80", 4 } };
	static const struct {
		const char *offered;
		const struct sasl_credentials *who;
		bool bindings;
		unsigned permitted;
		int want; /* a mechanism, or an error */
	} rows[] = {
		{ NAMES, &alice, true, 0, SASL_SCRAM_SHA_256_PLUS },
		{ NAMES, &alice, false, 0, SASL_SCRAM_SHA_256 },
		{ "PLAIN scram-sha-256", &alice, true, 0, SASL_SCRAM_SHA_256 },
		{ "LOGIN PLAIN", &alice, true, 0, SASL_PLAIN },
		{ "LOGIN", &alice, true, 0, SASL_LOGIN },
		{ "OAUTHBEARER PLAIN", &alice, true, 0, SASL_PLAIN },
		{ "OAUTHBEARER PLAIN", &both, true, 0, SASL_OAUTHBEARER },
		{ "XOAUTH2 PLAIN", &both, true, 0, SASL_XOAUTH2 },
		{ NAMES, &alice, true, SASL_SET_PASSWORD, SASL_PLAIN },
		{ "PLAIN LOGIN", &alice, true, SASL_SET_SCRAM, ERR_UNSUPPORTED },
		{ "XPLAIN PLAINX CRAM-MD5", &alice, true, 0, ERR_UNSUPPORTED },
		{ "", &alice, true, 0, ERR_UNSUPPORTED },
		{ "SCRAM-SHA-256-PLUS", &alice, false, 0, ERR_UNSUPPORTED },
		/* SASLprep has no characters that are newer than it is: then the password goes as it is. */
		{ NAMES, &new_character, true, 0, SASL_PLAIN },
		{ "SCRAM-SHA-256", &new_character, true, 0, ERR_POLICY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct exchange x = fresh(NULL);
		struct sasl_client c;
		int rc;

		x.client.offered = slice_str(rows[i].offered);
		x.client.credentials = rows[i].who;
		x.client.permitted = rows[i].permitted;
		if (!rows[i].bindings)
			x.client.channel.exporter = x.client.channel.end_point = SLICE_EMPTY;
		rc = sasl_client_init(&c, &x.client, NULL);
		if ((rc != 0 ? rc : (int)c.mechanism) != rows[i].want)
			fail_msg("%s: %d, %d", rows[i].offered, rc, (int)c.mechanism);
		sasl_client_done(&c);
	}
}

static void
client_refuses(void **state)
{
	const struct sasl_credentials nul = { .identity = SLICE("a"), .password = SLICE("b\0c") };
	const struct sasl_credentials none = { .identity = SLICE("a") };
	const struct sasl_credentials bad_token = { .identity = SLICE("a"), .token = SLICE("a\1b") };
	struct exchange x = fresh(NULL);
	struct sasl_client c;

	(void)state;
	x.client.credentials = &nul;
	assert_int_equal(sasl_client_init(&c, &x.client, NULL), ERR_USAGE);
	x.client.credentials = &none;
	assert_int_equal(sasl_client_init(&c, &x.client, NULL), ERR_USAGE);
	x.client.credentials = &bad_token;
	assert_int_equal(sasl_client_init(&c, &x.client, NULL), ERR_USAGE);
	x.client.credentials = &alice;
	x.client.channel.tls = false;
	assert_int_equal(sasl_client_init(&c, &x.client, NULL), ERR_POLICY);
	assert_int_equal(sasl_client_respond(&c, SLICE_EMPTY, NULL, NULL), ERR_ORDER);
	assert_int_equal(sasl_client_finish(&c, NULL), ERR_ORDER);
	assert_int_equal(sasl_client_fallback(&c), 0);
}

/* Somebody between the two: TLS on either side is another one. */
static void
pitfall_9_channels_that_differ(void **state)
{
	static const uint8_t other[32] = "another connection's octets.....";
	struct scram_verifier v;
	struct exchange x;

	(void)state;
	make(&v, "p\xc3\xa4ss", SLICE_EMPTY);
	x = fresh(&v);
	x.client.channel.exporter = slice_of(other, 32);
	exchange_run(&x, NULL);
	assert_int_equal(x.used, SASL_SCRAM_SHA_256_PLUS);
	assert_int_equal(x.server_rc, ERR_INTEGRITY);

	x = fresh(&v);
	x.client.channel.exporter = x.server.channel.exporter = SLICE_EMPTY;
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, SASL_STEP_DONE);
	x.client.channel.end_point = slice_of(other, 32);
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, ERR_INTEGRITY);

	/* The types are not the same thing, though the octets are. */
	x = fresh(&v);
	x.client.channel.exporter = SLICE_EMPTY;
	x.client.channel.end_point = slice_of(exporter, 32);
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, ERR_INTEGRITY);

	/* Data that the server does not have. */
	x = fresh(&v);
	x.server.channel.exporter = SLICE_EMPTY;
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, ERR_UNSUPPORTED);
}

/* RFC 5802 section 6: -PLUS is taken out of the list on its way to the client. */
static void
pitfall_9_downgrade_is_noticed(void **state)
{
	struct scram_verifier v;
	struct exchange x;

	(void)state;
	make(&v, "p\xc3\xa4ss", SLICE_EMPTY);
	x = fresh(&v);
	x.client.offered = SLICE("SCRAM-SHA-256 PLAIN");
	exchange_run(&x, NULL);
	assert_int_equal(x.used, SASL_SCRAM_SHA_256);
	assert_int_equal(x.server_rc, ERR_POLICY);
	/* A server that has none has nothing to notice. */
	x.server.plus_offered = false;
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, SASL_STEP_DONE);
	/* A client without binding data says so, and may. */
	x.server.plus_offered = true;
	x.client.channel.exporter = x.client.channel.end_point = SLICE_EMPTY;
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, SASL_STEP_DONE);
	/* And so does one that is told not to use -PLUS though it saw it. */
	x = fresh(&v);
	x.client.permitted = SASL_BIT(SASL_SCRAM_SHA_256);
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, SASL_STEP_DONE);
}

static void
several_passwords(void **state)
{
	struct scram_verifier v[4];
	struct exchange x;

	(void)state;
	make(&v[0], "first", SLICE_EMPTY);
	make(&v[1], "second", scram_verifier_salt(&v[0]));
	make(&v[2], "p\xc3\xa4ss", SLICE_EMPTY); /* of another salt: cannot be right */
	make(&v[3], "p\xc3\xa4ss", scram_verifier_salt(&v[0]));
	x = fresh(v);
	x.verifier_count = 4;
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, SASL_STEP_DONE);
	assert_int_equal(x.client_rc, 0);
	assert_int_equal(x.verifier, 3);
	x.verifier_count = 3;
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, ERR_PASSWORD);
}

static void
fallback(void **state)
{
	struct scram_verifier v;
	struct exchange x;

	(void)state;
	make(&v, "other", SLICE_EMPTY);
	x = fresh(&v);
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, ERR_PASSWORD);
	assert_int_equal(x.fallback, SASL_SET_PASSWORD);
	x.client.permitted = x.fallback;
	exchange_run(&x, NULL);
	assert_int_equal(x.used, SASL_PLAIN);
	assert_int_equal(x.server_rc, SASL_STEP_DONE);
	assert_int_equal(x.fallback, 0);
	/* Not with what was forbidden, nor where it is not offered. */
	x = fresh(&v);
	x.client.permitted = SASL_SET_SCRAM;
	exchange_run(&x, NULL);
	assert_int_equal(x.fallback, 0);
	x = fresh(&v);
	x.client.offered = SLICE("SCRAM-SHA-256-PLUS");
	exchange_run(&x, NULL);
	assert_int_equal(x.fallback, 0);
	/* A type of binding that the server does not have: SCRAM without, unless that is forbidden. */
	x = fresh(&v);
	x.server.channel.exporter = SLICE_EMPTY;
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, ERR_UNSUPPORTED);
	assert_int_equal(x.fallback, SASL_BIT(SASL_SCRAM_SHA_256) | SASL_SET_PASSWORD);
	x.client.permitted = x.fallback;
	exchange_run(&x, NULL);
	assert_int_equal(x.used, SASL_SCRAM_SHA_256);
	assert_int_equal(x.server_rc, ERR_PASSWORD);
	assert_int_equal(x.fallback, SASL_SET_PASSWORD);
	x.client.permitted = SASL_BIT(SASL_SCRAM_SHA_256_PLUS);
	exchange_run(&x, NULL);
	assert_int_equal(x.fallback, 0);
	/* Also when it is refused at once; not after yes. */
	x = fresh(&v);
	x.client.offered = SLICE("SCRAM-SHA-256 PLAIN");
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, ERR_POLICY);
	assert_int_equal(x.fallback, SASL_BIT(SASL_PLAIN));
	make(&v, "p\xc3\xa4ss", SLICE_EMPTY);
	x = fresh(&v);
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, SASL_STEP_DONE);
	assert_int_equal(x.fallback, 0);
}

/* RFC 4013: one password, however it is typed. */
static void
passwords_are_prepared(void **state)
{
	static const struct sasl_credentials other = {
		.identity = { (const uint8_t *)"al\xc2\xad\x69\x63\x65@example.org", 19 },
		.password = { (const uint8_t *)"pa\xcc\x88ss", 6 }
	};
	struct scram_verifier v;
	struct exchange x;

	(void)state;
	make(&v, "p\xc3\xa4ss", SLICE_EMPTY);
	x = fresh(&v);
	x.client.credentials = &other;
	exchange_run(&x, NULL);
	assert_int_equal(x.server_rc, SASL_STEP_DONE);
	assert_int_equal(x.client_rc, 0);
}

static void
every_allocation_fails(void **state)
{
	static const struct sasl_credentials token = { .identity = { (const uint8_t *)"alice@example.org", 17 },
		.token = { (const uint8_t *)"a-token", 7 } };
	struct scram_verifier v;

	(void)state;
	make(&v, "p\xc3\xa4ss", SLICE_EMPTY);
	for (unsigned way = 2; way < 2 * SASL_MECHANISM_COUNT; way++) {
		enum sasl_mechanism m = (enum sasl_mechanism)(way / 2);
		int end = way % 2 == 0 ? SASL_STEP_DONE : ERR_PASSWORD; /* refused: OAUTHBEARER says why */
		bool whole = false;
		long n = 0;

		for (; !whole && n < 200; n++) {
			struct exchange x = fresh(&v);

			x.client.offered = slice_str(sasl_mechanism_name(m));
			x.server.plus_offered = m == SASL_SCRAM_SHA_256_PLUS;
			if ((SASL_SET_TOKEN & SASL_BIT(m)) != 0)
				x.client.credentials = &token;
			if (end == ERR_PASSWORD) {
				x.password = x.token = SLICE("other");
				x.verifier_count = 0;
			}
			mem_fail_after(n);
			exchange_run(&x, NULL);
			mem_fail_after(-1);
			whole = x.client_rc == 0 && x.server_rc == end;
			if (!whole && x.client_rc != ERR_NOMEM && x.server_rc != ERR_NOMEM)
				fail_msg("%s, allocation %ld: client %d, server %d", sasl_mechanism_name(m), n,
				    x.client_rc, x.server_rc);
		}
		assert_true(whole && n > 3);
	}
}

UNIT_MAIN(UNIT_TEST(right_and_wrong), UNIT_TEST(the_best_is_taken), UNIT_TEST(client_refuses),
    UNIT_TEST(pitfall_9_channels_that_differ), UNIT_TEST(pitfall_9_downgrade_is_noticed), UNIT_TEST(several_passwords),
    UNIT_TEST(fallback), UNIT_TEST(passwords_are_prepared), UNIT_TEST(every_allocation_fails))
