/* SPDX-License-Identifier: ISC */
/* The server's side with messages as they stand in the RFCs, and as an attacker would write them. */
#include "sasl/server.h"

#include "base/base64.h"
#include "sasl/client.h"
#include "sasl/relay.h"
#include "unit.h"

#define BYTES(lit) \
	{ \
		(const uint8_t *)("" lit), sizeof(lit) - 1 \
	}
#define USER_NONCE "rOprNGfwEbeRWgbNEkqO"
#define BOTH_NONCES USER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static struct scram_verifier
pencil(void)
{
	struct scram_verifier v;

	assert_ok(scram_verifier_parse(
	    SLICE("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
		  "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="),
	    &v, &unit_error));
	return v;
}

static void
begin(struct sasl_server *s, enum sasl_mechanism m)
{
	const struct sasl_server_config config = {
		.mechanism = m,
		.channel = { .tls = true, .exporter = SLICE("12345678901234567890123456789012") },
		.fake_key = SLICE("0123456789abcdef"),
		.nonce = SLICE("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
	};

	assert_ok(sasl_server_init(s, &config, &unit_error));
}

/* RFC 7677 section 3. */
static void
scram_of_rfc_7677(void **state)
{
	struct scram_verifier v = pencil();
	struct sasl_server s;

	(void)state;
	begin(&s, SASL_SCRAM_SHA_256);
	assert_int_equal(sasl_server_message(&s, SLICE("n,,n=user,r=" USER_NONCE), NULL), SASL_STEP_LOOKUP);
	assert_slice(s.credentials.identity, "user");
	assert_slice(s.credentials.authorize, "");
	assert_int_equal(sasl_server_found(&s, &v, 1, SLICE_EMPTY, NULL), SASL_STEP_CHALLENGE);
	assert_slice(buf_slice(&s.challenge), "r=" BOTH_NONCES ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
	assert_int_equal(
	    sasl_server_message(&s, SLICE("c=biws,r=" BOTH_NONCES ",p=" PROOF), NULL), SASL_STEP_CHALLENGE);
	assert_slice(buf_slice(&s.challenge), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
	assert_int_equal(s.verifier, 0);
	assert_int_equal(sasl_server_message(&s, SLICE_EMPTY, NULL), SASL_STEP_DONE);
	assert_int_equal(sasl_server_message(&s, SLICE_EMPTY, NULL), ERR_ORDER);
	sasl_server_done(&s);
}

/* The same from the client's side, as it goes over the wire. */
static void
scram_client_of_rfc_7677(void **state)
{
	const struct sasl_credentials who = { .identity = SLICE("user"), .password = SLICE("pencil") };
	const struct sasl_client_config config = { .offered = SLICE("SCRAM-SHA-256"),
		.credentials = &who,
		.channel = { .tls = true },
		.nonce = SLICE(USER_NONCE) };
	static const char *const lines[][2] = {
		{ "", "n,,n=user,r=" USER_NONCE },
		{ "r=" BOTH_NONCES ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "c=biws,r=" BOTH_NONCES ",p=" PROOF },
		{ "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "" },
	};
	struct sasl_client c;
	struct buf challenge, out, want;

	(void)state;
	buf_init(&challenge, SASL_TEXT_MAX);
	buf_init(&out, SASL_TEXT_MAX);
	buf_init(&want, SASL_TEXT_MAX);
	assert_ok(sasl_client_init(&c, &config, &unit_error));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(sasl_client_finish(&c, NULL), ERR_INTEGRITY);
		buf_clear(&challenge);
		buf_clear(&out);
		buf_clear(&want);
		assert_int_equal(base64_write(&challenge, slice_str(lines[i][0])), 0);
		assert_int_equal(base64_write(&want, slice_str(lines[i][1])), 0);
		assert_ok(sasl_client_respond(&c, buf_slice(&challenge), &out, &unit_error));
		assert_slices(buf_slice(&out), buf_slice(&want));
	}
	assert_ok(sasl_client_finish(&c, &unit_error));
	assert_int_equal(sasl_client_respond(&c, SLICE_EMPTY, &out, NULL), ERR_ORDER);
	sasl_client_done(&c);
	buf_done(&challenge);
	buf_done(&out);
	buf_done(&want);
}

/* What a client gets from a server that is none; after the first: after the client's first message. */
static void
client_against_impostors(void **state)
{
	const struct sasl_credentials who = { .identity = SLICE("user"), .password = SLICE("pencil") };
	const struct sasl_client_config config = { .offered = SLICE("SCRAM-SHA-256 PLAIN"),
		.credentials = &who,
		.channel = { .tls = true },
		.nonce = SLICE(USER_NONCE) };
	static const struct {
		const char *first, *last;
		int want;
		bool fallback;
	} rows[] = {
		{ "r=" USER_NONCE ",s=AAAA,i=4096", NULL, ERR_INTEGRITY, false },
		{ "r=other-nonce-that-is-long-enough,s=AAAA,i=4096", NULL, ERR_INTEGRITY, false },
		{ "r=" BOTH_NONCES ",s=AAAA,i=4095", NULL, ERR_POLICY, false },
		{ "r=" BOTH_NONCES ",s=AAAA,i=1", NULL, ERR_POLICY, false },
		{ "r=" BOTH_NONCES ",s=AAAA,i=4294967295", NULL, ERR_POLICY, false },
		{ "r=" BOTH_NONCES ",s=AAAA,i=99999999999999999999999", NULL, ERR_POLICY, false },
		{ "nonsense", NULL, ERR_SYNTAX, false },
		{ "r=" BOTH_NONCES ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", ERR_SYNTAX, false },
		{ "r=" BOTH_NONCES ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		    "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", ERR_INTEGRITY, false },
		{ "r=" BOTH_NONCES ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "", ERR_SYNTAX, false },
		{ "r=" BOTH_NONCES ",s=AAAA,i=4096", "e=invalid-proof", ERR_PASSWORD, true },
		{ "r=" BOTH_NONCES ",s=AAAA,i=4096", "e=channel-bindings-dont-match", ERR_INTEGRITY, false },
		{ "r=" BOTH_NONCES ",s=AAAA,i=4096", "e=server-does-support-channel-binding", ERR_INTEGRITY, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sasl_client c;
		struct buf challenge, out;
		int rc;

		buf_init(&challenge, SASL_TEXT_MAX);
		buf_init(&out, SASL_TEXT_MAX);
		assert_ok(sasl_client_init(&c, &config, &unit_error));
		assert_ok(sasl_client_respond(&c, SLICE_EMPTY, &out, &unit_error));
		assert_int_equal(base64_write(&challenge, slice_str(rows[i].first)), 0);
		rc = sasl_client_respond(&c, buf_slice(&challenge), &out, NULL);
		if (rows[i].last != NULL) {
			assert_int_equal(rc, 0);
			buf_clear(&challenge);
			assert_int_equal(base64_write(&challenge, slice_str(rows[i].last)), 0);
			rc = sasl_client_respond(&c, buf_slice(&challenge), &out, NULL);
		}
		if (rc != rows[i].want)
			fail_msg("row %zu: %d, not %d", i, rc, rows[i].want);
		assert_int_equal(sasl_client_finish(&c, NULL), ERR_INTEGRITY);
		assert_int_equal(sasl_client_fallback(&c), rows[i].fallback ? SASL_BIT(SASL_PLAIN) : 0);
		sasl_client_done(&c);
		buf_done(&challenge);
		buf_done(&out);
	}
}

/* CVE-2026-33603 and its like: the octets that the proof is over, written otherwise. */
static void
pitfall_9_base64_tricks(void **state)
{
	static const struct {
		const char *name;
		struct slice text;
		int want;
	} rows[] = {
		{ "right", BYTES("c=biws,r=" BOTH_NONCES ",p=" PROOF), SASL_STEP_CHALLENGE },
		{ "tab in c", BYTES("c=bi\tws,r=" BOTH_NONCES ",p=" PROOF), ERR_SYNTAX },
		{ "space behind c", BYTES("c=biws ,r=" BOTH_NONCES ",p=" PROOF), ERR_SYNTAX },
		{ "nul in c", BYTES("c=biws\0,r=" BOTH_NONCES ",p=" PROOF), ERR_SYNTAX },
		{ "padding in c", BYTES("c=biws====,r=" BOTH_NONCES ",p=" PROOF), ERR_SYNTAX },
		{ "empty c", BYTES("c=,r=" BOTH_NONCES ",p=" PROOF), ERR_SYNTAX },
		{ "c of y,,", BYTES("c=eSws,r=" BOTH_NONCES ",p=" PROOF), ERR_INTEGRITY },
		{ "c of n,,x", BYTES("c=biwseA==,r=" BOTH_NONCES ",p=" PROOF), ERR_INTEGRITY },
		{ "c of n,a=root,", BYTES("c=bixhPXJvb3Qs,r=" BOTH_NONCES ",p=" PROOF), ERR_INTEGRITY },
		{ "two c", BYTES("c=biws,c=biws,r=" BOTH_NONCES ",p=" PROOF), ERR_SYNTAX },
		{ "tab in the proof", BYTES("c=biws,r=" BOTH_NONCES ",p=\t" PROOF), ERR_SYNTAX },
		{ "line end behind the proof", BYTES("c=biws,r=" BOTH_NONCES ",p=" PROOF "\r\n"), ERR_SYNTAX },
		{ "proof of other bits",
		    BYTES("c=biws,r=" BOTH_NONCES ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), ERR_PASSWORD },
		{ "proof of zeros", BYTES("c=biws,r=" BOTH_NONCES ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
		    ERR_PASSWORD },
		{ "only our nonce", BYTES("c=biws,r=" USER_NONCE ",p=" PROOF), ERR_INTEGRITY },
		{ "longer nonce", BYTES("c=biws,r=" BOTH_NONCES "x,p=" PROOF), ERR_INTEGRITY },
		{ "an extension that the proof is not over", BYTES("c=biws,r=" BOTH_NONCES ",x=1,p=" PROOF),
		    ERR_PASSWORD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct scram_verifier v = pencil();
		struct sasl_server s;
		int rc;

		begin(&s, SASL_SCRAM_SHA_256);
		assert_int_equal(sasl_server_message(&s, SLICE("n,,n=user,r=" USER_NONCE), NULL), SASL_STEP_LOOKUP);
		assert_int_equal(sasl_server_found(&s, &v, 1, SLICE_EMPTY, NULL), SASL_STEP_CHALLENGE);
		rc = sasl_server_message(&s, rows[i].text, NULL);
		if (rc != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].name, rc, rows[i].want);
		if (rc < 0)
			assert_int_equal(sasl_server_message(&s, SLICE_EMPTY, NULL), ERR_ORDER);
		sasl_server_done(&s);
	}
}

/* What a -PLUS mechanism and one without take for a beginning. */
static void
scram_first_flags(void **state)
{
	static const struct {
		enum sasl_mechanism mechanism;
		const char *text;
		int want;
	} rows[] = {
		{ SASL_SCRAM_SHA_256, "n,,n=user,r=x", SASL_STEP_LOOKUP },
		{ SASL_SCRAM_SHA_256, "y,,n=user,r=x", SASL_STEP_LOOKUP },
		{ SASL_SCRAM_SHA_256, "p=tls-exporter,,n=user,r=x", ERR_SYNTAX },
		{ SASL_SCRAM_SHA_256_PLUS, "p=tls-exporter,,n=user,r=x", SASL_STEP_LOOKUP },
		{ SASL_SCRAM_SHA_256_PLUS, "p=tls-server-end-point,,n=user,r=x", ERR_UNSUPPORTED },
		{ SASL_SCRAM_SHA_256_PLUS, "p=tls-unique,,n=user,r=x", ERR_UNSUPPORTED },
		{ SASL_SCRAM_SHA_256_PLUS, "p=TLS-EXPORTER,,n=user,r=x", ERR_UNSUPPORTED },
		{ SASL_SCRAM_SHA_256_PLUS, "n,,n=user,r=x", ERR_SYNTAX },
		{ SASL_SCRAM_SHA_256_PLUS, "y,,n=user,r=x", ERR_SYNTAX },
		{ SASL_SCRAM_SHA_256, "n,,n=us=er,r=x", ERR_SYNTAX },
		{ SASL_SCRAM_SHA_256, "n,,n=us=2cer,r=x", ERR_SYNTAX },
		{ SASL_SCRAM_SHA_256, "n,,n=us=2Cer=3D,r=x", SASL_STEP_LOOKUP },
		{ SASL_SCRAM_SHA_256, "n,,n=\x07,r=x", ERR_POLICY },
		{ SASL_SCRAM_SHA_256, "n,,n=\xc2\xad,r=x", ERR_POLICY },
		{ SASL_SCRAM_SHA_256, "n,a=\xc2\xad,n=user,r=x", ERR_POLICY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sasl_server s;
		int rc;

		begin(&s, rows[i].mechanism);
		rc = sasl_server_message(&s, slice_str(rows[i].text), NULL);
		if (rc != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].text, rc, rows[i].want);
		if (i == 11)
			assert_slice(s.credentials.identity, "us,er=");
		sasl_server_done(&s);
	}
}

static void
challenge_of(const char *first, struct slice name, size_t count, struct buf *out)
{
	struct scram_verifier v = pencil();
	struct sasl_server s;

	begin(&s, SASL_SCRAM_SHA_256);
	assert_int_equal(sasl_server_message(&s, slice_str(first), NULL), SASL_STEP_LOOKUP);
	assert_int_equal(sasl_server_found(&s, &v, count, name, NULL), SASL_STEP_CHALLENGE);
	buf_clear(out);
	assert_int_equal(buf_put_slice(out, buf_slice(&s.challenge)), 0);
	if (count == 0) {
		assert_int_equal(
		    sasl_server_message(&s, SLICE("c=biws,r=" BOTH_NONCES ",p=" PROOF), NULL), ERR_PASSWORD);
		/* What it would be of the real one's salt is not right either. */
	}
	sasl_server_done(&s);
}

/* Nobody sees whether an account is there: the salt stays, has the usual length, and the end is that of a wrong password. */
static void
pitfall_9_unknown_accounts_look_known(void **state)
{
	struct buf real, a, b, c, d;

	(void)state;
	buf_init(&real, 500);
	buf_init(&a, 500);
	buf_init(&b, 500);
	buf_init(&c, 500);
	buf_init(&d, 500);
	challenge_of("n,,n=user,r=" USER_NONCE, SLICE_EMPTY, 1, &real);
	challenge_of("n,,n=user,r=" USER_NONCE, SLICE_EMPTY, 0, &a);
	challenge_of("n,,n=USER,r=" USER_NONCE, SLICE_EMPTY, 0, &b);
	challenge_of("n,,n=user+x,r=" USER_NONCE, SLICE("user"), 0, &c);
	challenge_of("n,,n=user+x,r=" USER_NONCE, SLICE_EMPTY, 0, &d);
	assert_int_equal(a.len, real.len);
	assert_false(slice_eq(buf_slice(&a), buf_slice(&real)));
	assert_slices(buf_slice(&a), buf_slice(&b));
	assert_slices(buf_slice(&a), buf_slice(&c));
	assert_false(slice_eq(buf_slice(&a), buf_slice(&d)));
	buf_done(&real);
	buf_done(&a);
	buf_done(&b);
	buf_done(&c);
	buf_done(&d);
}

/* ---- LOGIN ---- */

static void
login(void **state)
{
	struct sasl_server s;

	(void)state;
	begin(&s, SASL_LOGIN);
	assert_int_equal(sasl_server_message(&s, SLICE("tim"), NULL), SASL_STEP_CHALLENGE);
	assert_slice(buf_slice(&s.challenge), "Password:");
	assert_int_equal(sasl_server_message(&s, SLICE("tanstaaftanstaaf"), NULL), SASL_STEP_CHECK);
	assert_slice(s.credentials.identity, "tim");
	assert_slice(s.credentials.password, "tanstaaftanstaaf");
	assert_int_equal(sasl_server_message(&s, SLICE("x"), NULL), ERR_ORDER);
	assert_int_equal(sasl_server_checked(&s, true, NULL), SASL_STEP_DONE);
	sasl_server_done(&s);
	for (unsigned i = 0; i < 3; i++) {
		static const struct slice bad[] = { BYTES(""), BYTES("a\0b"), BYTES("\xff") };

		begin(&s, SASL_LOGIN);
		assert_int_equal(sasl_server_message(&s, bad[i], NULL), ERR_SYNTAX);
		sasl_server_done(&s);
		begin(&s, SASL_LOGIN);
		assert_int_equal(sasl_server_message(&s, SLICE("a"), NULL), SASL_STEP_CHALLENGE);
		assert_int_equal(sasl_server_message(&s, bad[i], NULL), ERR_SYNTAX);
		sasl_server_done(&s);
	}
}

/* ---- tokens ---- */

static int
relay(enum sasl_mechanism m, const char *encoded, struct sasl_server *s)
{
	const struct sasl_offer offer = { true, false, SASL_SET_ALL };
	struct sasl_relay r;
	int rc;

	sasl_relay_init(&r);
	assert_ok(sasl_relay_begin(&r, slice_str(sasl_mechanism_name(m)), &offer, &unit_error));
	assert_ok(sasl_relay_response(&r, slice_str(encoded), true, &unit_error));
	begin(s, m);
	rc = sasl_server_message(s, buf_slice(&r.message), NULL);
	sasl_relay_done(&r);
	return rc;
}

/* RFC 7628 section 4.1. */
static void
bearer_of_rfc_7628(void **state)
{
	const struct sasl_server_token yes = { .valid = true };
	struct sasl_server s;

	(void)state;
	assert_int_equal(relay(SASL_OAUTHBEARER,
			     "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI"
			     "HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
			     &s),
	    SASL_STEP_TOKEN);
	assert_slice(s.credentials.identity, "user@example.com");
	assert_slice(s.credentials.host, "server.example.com");
	assert_int_equal(s.credentials.port, 143);
	assert_slice(s.credentials.token, "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
	assert_int_equal(sasl_server_validated(&s, &yes, NULL), SASL_STEP_DONE);
	sasl_server_done(&s);
	assert_int_equal(relay(SASL_OAUTHBEARER,
			     "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyI"
			     "HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
			     &s),
	    SASL_STEP_TOKEN);
	assert_int_equal(s.credentials.port, 587);
	sasl_server_done(&s);
}

/* Section 4.3: an empty token asks for the scope, and is never valid. */
static void
failed_bearer_of_rfc_7628(void **state)
{
	const struct sasl_server_token no = { .valid = true, /* whatever a careless driver says */
		.scope = SLICE("example_scope"),
		.discovery = SLICE("https://example.com/.well-known/openid-configuration") };
	struct sasl_server s;

	(void)state;
	assert_int_equal(
	    relay(SASL_OAUTHBEARER,
		"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE=", &s),
	    SASL_STEP_TOKEN);
	assert_slice(s.credentials.token, "");
	assert_int_equal(sasl_server_validated(&s, &no, NULL), SASL_STEP_CHALLENGE);
	assert_slice(buf_slice(&s.challenge),
	    "{\"status\":\"invalid_token\",\"scope\":\"example_scope\","
	    "\"openid-configuration\":\"https://example.com/.well-known/openid-configuration\"}");
	assert_int_equal(sasl_server_message(&s, SLICE("\1"), NULL), ERR_PASSWORD);
	assert_int_equal(sasl_server_message(&s, SLICE("\1"), NULL), ERR_ORDER);
	sasl_server_done(&s);
}

static void
xoauth2(void **state)
{
	const struct sasl_server_token no = { .valid = false, .scope = SLICE("mail") };
	struct sasl_server s;

	(void)state;
	begin(&s, SASL_XOAUTH2);
	assert_int_equal(
	    sasl_server_message(&s, SLICE("user=someuser@example.com\1auth=Bearer ya29.vF9dft4q\1\1"), NULL),
	    SASL_STEP_TOKEN);
	assert_slice(s.credentials.identity, "someuser@example.com");
	assert_slice(s.credentials.token, "ya29.vF9dft4q");
	assert_int_equal(sasl_server_validated(&s, &no, NULL), SASL_STEP_CHALLENGE);
	assert_slice(buf_slice(&s.challenge), "{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"mail\"}");
	assert_int_equal(sasl_server_message(&s, SLICE_EMPTY, NULL), ERR_PASSWORD);
	sasl_server_done(&s);
}

static void
token_messages(void **state)
{
	static const struct {
		enum sasl_mechanism mechanism;
		struct slice text;
		int want;
	} rows[] = {
		{ SASL_OAUTHBEARER, BYTES("n,,\1auth=Bearer x\1\1"), SASL_STEP_TOKEN },
		{ SASL_OAUTHBEARER, BYTES("y,,\1auth=bEaReR x\1\1"), SASL_STEP_TOKEN },
		{ SASL_OAUTHBEARER, BYTES("n,,\1unknown=\r\n\t\1auth=Bearer x\1\1"), SASL_STEP_TOKEN },
		{ SASL_OAUTHBEARER, BYTES("p=tls-exporter,,\1auth=Bearer x\1\1"), ERR_UNSUPPORTED },
		{ SASL_OAUTHBEARER, BYTES("n,,\1auth=OAuth x\1\1"), ERR_UNSUPPORTED },
		/* Section 4.4's own header is not in its grammar. */
		{ SASL_OAUTHBEARER, BYTES("n,user=someuser@example.com,\1auth=Bearer x\1\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES(""), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1auth=Bearer x\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1auth=Bearer x\1\1x"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1auth=Bearer x\1auth=Bearer y\1\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1auth=Bearer x y\1\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1auth=Bearer x\0\1\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1port=0\1auth=Bearer x\1\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1port=65536\1auth=Bearer x\1\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1port=0143\1auth=Bearer x\1\1"), ERR_SYNTAX },
		{ SASL_OAUTHBEARER, BYTES("n,,\1=x\1auth=Bearer x\1\1"), ERR_SYNTAX },
		{ SASL_XOAUTH2, BYTES("user=a\1auth=Bearer x\1\1"), SASL_STEP_TOKEN },
		{ SASL_XOAUTH2, BYTES("auth=Bearer x\1\1"), ERR_SYNTAX },
		{ SASL_XOAUTH2, BYTES("user=a\0b\1auth=Bearer x\1\1"), ERR_SYNTAX },
		{ SASL_XOAUTH2, BYTES("user=\xff\1auth=Bearer x\1\1"), ERR_SYNTAX },
		{ SASL_XOAUTH2, BYTES("user=a\1"), ERR_SYNTAX },
		{ SASL_XOAUTH2, BYTES("user=a"), ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sasl_server s;
		int rc;

		begin(&s, rows[i].mechanism);
		rc = sasl_server_message(&s, rows[i].text, NULL);
		if (rc != rows[i].want)
			fail_msg("row %zu, %s: %d, not %d", i, rows[i].text.data, rc, rows[i].want);
		sasl_server_done(&s);
	}
}

/* ---- order and bounds ---- */

static void
order(void **state)
{
	const struct sasl_server_token yes = { .valid = true };
	struct scram_verifier v = pencil();
	struct sasl_server s;

	(void)state;
	begin(&s, SASL_SCRAM_SHA_256);
	assert_int_equal(sasl_server_found(&s, &v, 1, SLICE_EMPTY, NULL), ERR_ORDER);
	assert_int_equal(sasl_server_message(&s, SLICE("n,,n=user,r=x"), NULL), SASL_STEP_LOOKUP);
	assert_int_equal(sasl_server_message(&s, SLICE("n,,n=user,r=x"), NULL), ERR_ORDER);
	assert_int_equal(sasl_server_checked(&s, true, NULL), ERR_ORDER);
	assert_int_equal(sasl_server_validated(&s, &yes, NULL), ERR_ORDER);
	sasl_server_done(&s);
	assert_int_equal(sasl_server_message(&s, SLICE("x"), NULL), ERR_ORDER);
	assert_int_equal(sasl_server_found(&s, &v, 1, SLICE_EMPTY, NULL), ERR_ORDER);
}

static void
bad_beginnings(void **state)
{
	static const struct {
		struct sasl_server_config config;
		int want;
	} rows[] = {
		{ { .mechanism = SASL_PLAIN, .channel = { .tls = true } }, 0 },
		{ { .mechanism = SASL_PLAIN }, ERR_POLICY },
		{ { .mechanism = SASL_SCRAM_SHA_256, .fake_key = BYTES("0123456789abcdef") }, ERR_POLICY },
		{ { .mechanism = SASL_SCRAM_SHA_256, .channel = { .tls = true } }, ERR_USAGE },
		{ { .mechanism = SASL_SCRAM_SHA_256_PLUS,
		      .channel = { .tls = true },
		      .fake_key = BYTES("0123456789abcdef") },
		    ERR_POLICY },
		{ { .mechanism = SASL_NONE, .channel = { .tls = true } }, ERR_UNSUPPORTED },
		{ { .mechanism = (enum sasl_mechanism)99, .channel = { .tls = true } }, ERR_UNSUPPORTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sasl_server s;

		assert_int_equal(sasl_server_init(&s, &rows[i].config, NULL), rows[i].want);
		sasl_server_done(&s);
	}
}

/* The longest name there may be, as the longest it can be written, in both places: still within all bounds. */
static void
longest_names(void **state)
{
	struct scram_verifier v = pencil();
	struct sasl_server s;
	struct buf first, last;

	(void)state;
	buf_init(&first, SASL_MESSAGE_MAX);
	buf_init(&last, SASL_MESSAGE_MAX);
	(void)buf_put_str(&first, "n,a=");
	for (unsigned i = 0; i < 900; i++)
		(void)buf_put_str(&first, "=3D");
	(void)buf_put_str(&first, ",");
	(void)buf_put_str(&last, "c=");
	(void)base64_write(&last, buf_slice(&first));
	(void)buf_put_str(&last, ",r=" BOTH_NONCES ",p=" PROOF);
	(void)buf_put_str(&first, "n=");
	for (unsigned i = 0; i < SASL_IDENTITY_MAX; i++)
		(void)buf_put_str(&first, "=2C");
	(void)buf_put_str(&first, ",r=" USER_NONCE);
	begin(&s, SASL_SCRAM_SHA_256);
	assert_int_equal(sasl_server_message(&s, buf_slice(&first), NULL), SASL_STEP_LOOKUP);
	assert_int_equal(sasl_server_found(&s, &v, 1, SLICE_EMPTY, NULL), SASL_STEP_CHALLENGE);
	assert_int_equal(sasl_server_message(&s, buf_slice(&last), NULL), ERR_PASSWORD);
	sasl_server_done(&s);
	(void)buf_put_str(&first, "x");
	while (first.len <= SCRAM_MESSAGE_MAX)
		(void)buf_put_str(&first, "x");
	begin(&s, SASL_SCRAM_SHA_256);
	assert_int_equal(sasl_server_message(&s, buf_slice(&first), NULL), ERR_LIMIT);
	sasl_server_done(&s);
	buf_done(&first);
	buf_done(&last);
}

UNIT_MAIN(UNIT_TEST(scram_of_rfc_7677), UNIT_TEST(scram_client_of_rfc_7677), UNIT_TEST(client_against_impostors),
    UNIT_TEST(pitfall_9_base64_tricks), UNIT_TEST(scram_first_flags), UNIT_TEST(pitfall_9_unknown_accounts_look_known),
    UNIT_TEST(login), UNIT_TEST(bearer_of_rfc_7628), UNIT_TEST(failed_bearer_of_rfc_7628), UNIT_TEST(xoauth2),
    UNIT_TEST(token_messages), UNIT_TEST(order), UNIT_TEST(bad_beginnings), UNIT_TEST(longest_names))
