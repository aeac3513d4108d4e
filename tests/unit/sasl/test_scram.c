/* SPDX-License-Identifier: ISC */
#include "sasl/scram.h"

#include "base/mem.h"
#include "sasl/scram_message.h"
#include "unit.h"

#define BYTES(lit) \
	{ \
		(const uint8_t *)("" lit), sizeof(lit) - 1 \
	}

/* RFC 7677 section 3's user: what is kept of "pencil" under its salt. Computed by another program (Python's hashlib). */
static const char pencil[] =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

static void
verifier_of_pencil(void **state)
{
	static const uint8_t salt[] = { 0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12,
		0x36, 0xfa, 0x81 };
	struct scram_verifier v, again;
	struct buf b;

	(void)state;
	buf_init(&b, SCRAM_VERIFIER_TEXT_MAX);
	assert_ok(scram_verifier_make(SLICE("pencil"), slice_of(salt, sizeof salt), 4096, &v, &unit_error));
	assert_int_equal(scram_verifier_write(&v, &b), 0);
	assert_slice(buf_slice(&b), pencil);
	assert_ok(scram_verifier_parse(buf_slice(&b), &again, &unit_error));
	assert_memory_equal(&again, &v, sizeof v);
	assert_true(scram_verifier_is(buf_slice(&b)));
	buf_done(&b);
}

static void
fresh_salts(void **state)
{
	struct scram_verifier a, b;

	(void)state;
	assert_ok(scram_verifier_make(SLICE("x"), SLICE_EMPTY, 4096, &a, &unit_error));
	assert_ok(scram_verifier_make(SLICE("x"), SLICE_EMPTY, 4096, &b, &unit_error));
	assert_int_equal(a.salt_len, SCRAM_SALT_SIZE);
	assert_memory_not_equal(a.salt, b.salt, SCRAM_SALT_SIZE);
	assert_memory_not_equal(a.stored_key, b.stored_key, SCRAM_KEY_SIZE);
}

static void
refused_to_make(void **state)
{
	static uint8_t big[SASL_PASSWORD_MAX + 1];
	struct scram_verifier v;

	(void)state;
	memset(big, 'x', sizeof big);
	assert_int_equal(scram_verifier_make(SLICE("x"), SLICE_EMPTY, 4095, &v, NULL), ERR_USAGE);
	assert_int_equal(scram_verifier_make(SLICE("x"), SLICE_EMPTY, SCRAM_ITERATIONS_MAX + 1, &v, NULL), ERR_USAGE);
	assert_int_equal(scram_verifier_make(SLICE("x"), slice_of(big, SCRAM_SALT_MAX + 1), 4096, &v, NULL), ERR_USAGE);
	assert_int_equal(scram_verifier_make(slice_of(big, sizeof big), SLICE_EMPTY, 4096, &v, NULL), ERR_USAGE);
	assert_int_equal(scram_verifier_make(SLICE(""), SLICE_EMPTY, 4096, &v, NULL), ERR_POLICY);
	assert_int_equal(scram_verifier_make(SLICE("\xc2\xad"), SLICE_EMPTY, 4096, &v, NULL), ERR_POLICY);
	assert_int_equal(scram_verifier_make(SLICE("\x07"), SLICE_EMPTY, 4096, &v, NULL), ERR_POLICY);
	assert_int_equal(scram_verifier_make(SLICE("\xff"), SLICE_EMPTY, 4096, &v, NULL), ERR_SYNTAX);
	assert_int_equal(scram_verifier_make(SLICE("a\0b"), SLICE_EMPTY, 4096, &v, NULL), ERR_SYNTAX);
}

#define KEYS "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static void
texts(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" KEYS, 0 },
		{ "SCRAM-SHA-256$2000000:AA==$" KEYS, 0 },
		{ "SCRAM-SHA-256$2000001:AA==$" KEYS, ERR_LIMIT },
		{ "SCRAM-SHA-256$4095:AA==$" KEYS, ERR_LIMIT },
		{ "SCRAM-SHA-256$18446744073709551617:AA==$" KEYS, ERR_LIMIT },
		{ "SCRAM-SHA-256$04096:AA==$" KEYS, ERR_SYNTAX },
		{ "SCRAM-SHA-256$+4096:AA==$" KEYS, ERR_SYNTAX },
		{ "SCRAM-SHA-256$:AA==$" KEYS, ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096:$" KEYS, ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096$" KEYS, ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096:AA=$" KEYS, ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096:AB==$" KEYS, ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096:AA==$" KEYS "\n", ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096:AA==$" KEYS ":AA==", ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096:AA==$AA==:AA==", ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096:AA==$AA==", ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096:AA==", ERR_SYNTAX },
		{ "SCRAM-SHA-256$4096:"
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=$" KEYS,
		    ERR_LIMIT },
		{ "SCRAM-SHA-1$4096:AA==$" KEYS, ERR_UNSUPPORTED },
		{ "scram-sha-256$4096:AA==$" KEYS, ERR_UNSUPPORTED },
		{ "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAA$AAAA", ERR_UNSUPPORTED },
		{ "", ERR_UNSUPPORTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct scram_verifier v;
		int rc = scram_verifier_parse(slice_str(rows[i].text), &v, NULL);

		if (rc != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].text, rc, rows[i].want);
	}
}

static void
make_without_memory(void **state)
{
	struct scram_verifier v;
	int rc = -1;
	long n = 0;

	(void)state;
	for (; rc != 0 && n < 50; n++) {
		mem_fail_after(n);
		rc = scram_verifier_make(SLICE("pencil"), SLICE_EMPTY, 4096, &v, NULL);
		mem_fail_after(-1);
		assert_true(rc == 0 || rc == ERR_NOMEM);
	}
	assert_int_equal(rc, 0);
}

/* ---- messages ---- */

/* RFC 5802 section 5's example is of SCRAM-SHA-1; its first two messages are the same grammar. */
static void
messages_of_rfc_5802(void **state)
{
	struct scram_client_first c;
	struct scram_server_first s;

	(void)state;
	assert_ok(scram_client_first_parse(SLICE("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"), &c, &unit_error));
	assert_int_equal(c.header.flag, 'n');
	assert_slice(c.header_text, "n,,");
	assert_slice(c.name, "user");
	assert_slice(c.nonce, "fyko+d2lbbFgONRv9qkxdawL");
	assert_ok(scram_server_first_parse(
	    SLICE("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"), &s, &unit_error));
	assert_slice(s.nonce, "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j");
	assert_int_equal(s.salt_len, 12);
	assert_int_equal(s.iterations, 4096);
}

static void
client_first_rows(void **state)
{
	static const struct {
		struct slice text;
		int want;
	} rows[] = {
		{ BYTES("n,,n=u,r=x"), 0 },
		{ BYTES("y,,n=u,r=x"), 0 },
		{ BYTES("p=tls-exporter,,n=u,r=x"), 0 },
		{ BYTES("n,a=v,n=u,r=x"), 0 },
		{ BYTES("n,a=v=2Cw=3D,n=u,r=x"), 0 },
		{ BYTES("n,,n=u,r=x,z=1,y=2=3"), 0 },
		{ BYTES(""), ERR_SYNTAX },
		{ BYTES(","), ERR_SYNTAX },
		{ BYTES(",,"), ERR_SYNTAX },
		{ BYTES("n,,"), ERR_SYNTAX },
		{ BYTES("N,,n=u,r=x"), ERR_SYNTAX },
		{ BYTES("nn,,n=u,r=x"), ERR_SYNTAX },
		{ BYTES("p,,n=u,r=x"), ERR_SYNTAX },
		{ BYTES("p=,,n=u,r=x"), ERR_SYNTAX },
		{ BYTES("p=a b,,n=u,r=x"), ERR_SYNTAX },
		{ BYTES("p=tls\0exporter,,n=u,r=x"), ERR_SYNTAX },
		{ BYTES("F,n,,n=u,r=x"), ERR_SYNTAX },
		{ BYTES("n,a=,n=u,r=x"), ERR_SYNTAX },
		{ BYTES("n,v,n=u,r=x"), ERR_SYNTAX },
		{ BYTES("n,,r=x,n=u"), ERR_SYNTAX },
		{ BYTES("n,,n=u"), ERR_SYNTAX },
		{ BYTES("n,,n=,r=x"), ERR_SYNTAX },
		{ BYTES("n,,n=u,r="), ERR_SYNTAX },
		{ BYTES("n,,n=u,r=x,"), ERR_SYNTAX },
		{ BYTES("n,,n=u,r=x y"), ERR_SYNTAX },
		{ BYTES("n,,n=u,r=x\t"), ERR_SYNTAX },
		{ BYTES("n,,n=u,r=\xc3\xa4"), ERR_SYNTAX },
		{ BYTES("n,,n=u\0,r=x"), ERR_SYNTAX },
		{ BYTES("n,,n=\xff,r=x"), ERR_SYNTAX },
		{ BYTES("n,,m=ext,n=u,r=x"), ERR_UNSUPPORTED },
		{ BYTES("n,,n=u,r=x,m=ext"), ERR_UNSUPPORTED },
		{ BYTES("n,,n=u,r=x,z"), ERR_SYNTAX },
		{ BYTES("n,,n=u,r=x,z="), ERR_SYNTAX },
		{ BYTES("n,,n=u,r=x,1=2"), ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct scram_client_first m;
		int rc = scram_client_first_parse(rows[i].text, &m, NULL);

		if (rc != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].text.data, rc, rows[i].want);
	}
}

#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static void
later_rows(void **state)
{
	static const struct {
		char which; /* server-first, client-final, server-final */
		struct slice text;
		int want;
	} rows[] = {
		{ 's', BYTES("r=x,s=AA==,i=4096"), 0 },
		{ 's', BYTES("r=x,s=AA==,i=4096,z=1"), 0 },
		{ 's', BYTES("m=x,r=x,s=AA==,i=4096"), ERR_UNSUPPORTED },
		{ 's', BYTES("r=x,s=AA==,i=0"), ERR_SYNTAX },
		{ 's', BYTES("r=x,s=AA==,i=-1"), ERR_SYNTAX },
		{ 's', BYTES("r=x,s=AA==,i=4096x"), ERR_SYNTAX },
		{ 's', BYTES("r=x,s=AA==,i="), ERR_SYNTAX },
		{ 's', BYTES("r=x,s=AA=,i=4096"), ERR_SYNTAX },
		{ 's', BYTES("r=x,s=,i=4096"), ERR_SYNTAX },
		{ 's', BYTES("r=x,i=4096,s=AA=="), ERR_SYNTAX },
		{ 's', BYTES("s=AA==,i=4096"), ERR_SYNTAX },
		{ 's', BYTES("e=other-error"), ERR_SYNTAX },
		{ 's', BYTES(""), ERR_SYNTAX },
		{ 'c', BYTES("c=biws,r=x,p=" PROOF), 0 },
		{ 'c', BYTES("c=biws,r=x,z=1,p=" PROOF), 0 },
		{ 'c', BYTES("c=biws,r=x,p=" PROOF ",z=1"), ERR_SYNTAX },
		{ 'c', BYTES("c=biws,r=x,p=AAAA"), ERR_SYNTAX },
		{ 'c', BYTES("c=biws,r=x"), ERR_SYNTAX },
		{ 'c', BYTES("c=biws,r=x,p="), ERR_SYNTAX },
		{ 'c', BYTES("c=biws,r=x,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR="), ERR_SYNTAX },
		{ 'c', BYTES("c=biws,r=x,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ"), ERR_SYNTAX },
		{ 'c', BYTES("r=x,c=biws,p=" PROOF), ERR_SYNTAX },
		{ 'c', BYTES("p=" PROOF), ERR_SYNTAX },
		{ 'c', BYTES("c=biws,r=x,m=1,p=" PROOF), ERR_UNSUPPORTED },
		{ 'c', BYTES(""), ERR_SYNTAX },
		{ 'f', BYTES("v=" PROOF), 0 },
		{ 'f', BYTES("v=" PROOF ",z=1"), 0 },
		{ 'f', BYTES("e=unknown-user"), 0 },
		{ 'f', BYTES("v="), ERR_SYNTAX },
		{ 'f', BYTES("v=AAAA"), ERR_SYNTAX },
		{ 'f', BYTES("m=1"), ERR_UNSUPPORTED },
		{ 'f', BYTES("x=1"), ERR_SYNTAX },
		{ 'f', BYTES(""), ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct scram_server_first s;
		struct scram_client_final c;
		struct scram_server_final f;
		int rc = rows[i].which == 's' ? scram_server_first_parse(rows[i].text, &s, NULL)
		    : rows[i].which == 'c'    ? scram_client_final_parse(rows[i].text, &c, NULL)
					      : scram_server_final_parse(rows[i].text, &f, NULL);

		if (rc != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].text.data, rc, rows[i].want);
	}
}

UNIT_MAIN(UNIT_TEST(verifier_of_pencil), UNIT_TEST(fresh_salts), UNIT_TEST(refused_to_make), UNIT_TEST(texts),
    UNIT_TEST(make_without_memory), UNIT_TEST(messages_of_rfc_5802), UNIT_TEST(client_first_rows),
    UNIT_TEST(later_rows))
