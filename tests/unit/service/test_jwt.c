/* SPDX-License-Identifier: ISC */
/* Access tokens: claims by table, every octet of one changed. tests/e2e/test_signin.py has others' tokens of all kinds. */
#include "service/signin/jwt.h"

#include "base/base64.h"
#include "crypto/sign.h"
#include "unit.h"

#define NOW 1700000000u
#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}"
#define CLAIMS(more) \
	"{\"iss\":\"https://id.example\",\"aud\":\"mail\",\"exp\":1700000300,\"email\":\"alice@example.org\"" more "}"

static struct secret secret;
static struct buf keys; /* a JWK set with the public key */

/* base64url without padding */
static void
put_url(struct buf *out, struct slice in)
{
	size_t from = out->len;

	(void)base64_write(out, in);
	while (out->len > from && out->data[out->len - 1] == '=')
		buf_truncate(out, out->len - 1);
	for (size_t i = from; i < out->len; i++)
		out->data[i] = out->data[i] == '+' ? '-' : out->data[i] == '/' ? '_' : out->data[i];
}

static int
setup(void **state)
{
	uint8_t public_key[SIGN_PUBLIC_MAX];

	(void)state;
	assert_ok(sign_generate(SIGN_ED25519, &secret, public_key, &unit_error));
	buf_init(&keys, 4096);
	(void)buf_put_str(&keys, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k1\",\"x\":\"");
	put_url(&keys, slice_of(public_key, 32));
	return buf_put_str(&keys, "\"}]}");
}

static int
teardown(void **state)
{
	(void)state;
	secret_done(&secret);
	buf_done(&keys);
	return 0;
}

static void
make_token(struct buf *out, const char *header, const char *claims)
{
	uint8_t signature[SIGN_SIGNATURE_MAX];

	put_url(out, slice_str(header));
	(void)buf_put_u8(out, '.');
	put_url(out, slice_str(claims));
	assert_ok(sign_make(SIGN_ED25519, secret_slice(&secret), buf_slice(out), signature, &unit_error));
	(void)buf_put_u8(out, '.');
	put_url(out, slice_of(signature, 64));
}

static struct token_validator *
validator(struct slice claim, struct slice type)
{
	const struct jwt_options options = { .keys = buf_slice(&keys),
		.issuer = SLICE("https://id.example"),
		.audience = SLICE("mail"),
		.claim = claim,
		.type = type };
	struct token_validator *v = NULL;

	assert_ok(jwt_validator_new(&options, &v, &unit_error));
	return v;
}

static int
check(const struct token_validator *v, struct slice token, uint64_t now, struct buf *address, struct error *e)
{
	buf_clear(address);
	return v->check(v->ctx, token, now, address, e);
}

static void
claims(void **state)
{
	static const struct row {
		const char *name, *header, *claims;
		int want;
	} rows[] = {
		{ "good", HEADER, CLAIMS(""), 0 },
		{ "several audiences", HEADER,
		    "{\"iss\":\"https://"
		    "id.example\",\"aud\":[\"web\",\"mail\"],\"exp\":1700000300,\"email\":\"alice@example.org\"}",
		    0 },
		{ "typ as a whole media type", "{\"alg\":\"EdDSA\",\"typ\":\"application/AT+JWT\"}", CLAIMS(""), 0 },
		{ "without a kid", "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", CLAIMS(""), 0 },
		{ "verified", HEADER, CLAIMS(",\"email_verified\":true"), 0 },
		{ "begins within the leeway", HEADER, CLAIMS(",\"nbf\":1700000060"), 0 },
		{ "begins behind it", HEADER, CLAIMS(",\"nbf\":1700000061"), ERR_PASSWORD },
		{ "made in the future", HEADER, CLAIMS(",\"iat\":1700000061"), ERR_PASSWORD },
		{ "a time below zero", HEADER, CLAIMS(",\"nbf\":-1"), ERR_PASSWORD },
		{ "a time that is a text", HEADER, CLAIMS(",\"nbf\":\"1\""), ERR_PASSWORD },
		{ "not verified", HEADER, CLAIMS(",\"email_verified\":false"), ERR_PASSWORD },
		{ "verified, as text", HEADER, CLAIMS(",\"email_verified\":\"true\""), 0 },
		{ "not verified, as text", HEADER, CLAIMS(",\"email_verified\":\"false\""), ERR_PASSWORD },
		{ "verified or not: null", HEADER, CLAIMS(",\"email_verified\":null"), ERR_PASSWORD },
		{ "verified or not: a number", HEADER, CLAIMS(",\"email_verified\":0"), ERR_PASSWORD },
		{ "a name twice", HEADER, CLAIMS(",\"email\":\"bob@example.org\""), ERR_PASSWORD },
		{ "another kid", "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"k2\"}", CLAIMS(""), ERR_PASSWORD },
		{ "no typ", "{\"alg\":\"EdDSA\"}", CLAIMS(""), ERR_PASSWORD },
		{ "another typ", "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", CLAIMS(""), ERR_PASSWORD },
		{ "crit", "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"crit\":[\"exp\"]}", CLAIMS(""), ERR_PASSWORD },
		{ "another algorithm's name", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", CLAIMS(""), ERR_PASSWORD },
		{ "no algorithm", "{\"alg\":\"none\",\"typ\":\"at+jwt\"}", CLAIMS(""), ERR_PASSWORD },
		{ "no object", HEADER, "[]", ERR_PASSWORD },
		{ "no JSON", HEADER, "{", ERR_PASSWORD },
		{ "an audience that only begins like ours", HEADER,
		    "{\"iss\":\"https://"
		    "id.example\",\"aud\":\"mailer\",\"exp\":1700000300,\"email\":\"alice@example.org\"}",
		    ERR_PASSWORD },
		{ "an issuer with more behind", HEADER,
		    "{\"iss\":\"https://id.example/"
		    "\",\"aud\":\"mail\",\"exp\":1700000300,\"email\":\"alice@example.org\"}",
		    ERR_PASSWORD },
		{ "no address", HEADER,
		    "{\"iss\":\"https://id.example\",\"aud\":\"mail\",\"exp\":1700000300,\"email\":\"alice\"}",
		    ERR_PASSWORD },
	};
	struct token_validator *v = validator(SLICE_EMPTY, SLICE_EMPTY);
	struct buf token, address;

	(void)state;
	buf_init(&token, JWT_PARTS_MAX);
	buf_init(&address, 320);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct error e = { 0 };
		int rc;

		buf_clear(&token);
		make_token(&token, rows[i].header, rows[i].claims);
		rc = check(v, buf_slice(&token), NOW, &address, &e);
		if (rc != rows[i].want || (rc == 0) != slice_eq_str(buf_slice(&address), "alice@example.org"))
			fail_msg("%s: %d %s", rows[i].name, rc, e.text);
	}
	buf_done(&token);
	buf_done(&address);
	jwt_validator_free(v);
}

/* The end, with the leeway; another claim and another typ, when the operator says so. */
static void
times_and_settings(void **state)
{
	struct token_validator *v = validator(SLICE_EMPTY, SLICE_EMPTY), *other = validator(SLICE("upn"), SLICE("JWT"));
	struct buf token, address;

	(void)state;
	buf_init(&token, JWT_PARTS_MAX);
	buf_init(&address, 320);
	make_token(&token, HEADER, CLAIMS(""));
	assert_int_equal(check(v, buf_slice(&token), 1700000300 + JWT_LEEWAY_S - 1, &address, NULL), 0);
	assert_int_equal(check(v, buf_slice(&token), 1700000300 + JWT_LEEWAY_S, &address, NULL), ERR_PASSWORD);
	assert_int_equal(check(v, buf_slice(&token), UINT64_MAX, &address, NULL), ERR_PASSWORD);
	assert_int_equal(check(other, buf_slice(&token), NOW, &address, NULL), ERR_PASSWORD);
	buf_clear(&token);
	make_token(&token, "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", CLAIMS(",\"upn\":\"bob@example.org\""));
	assert_int_equal(check(other, buf_slice(&token), NOW, &address, NULL), 0);
	assert_true(slice_eq_str(buf_slice(&address), "bob@example.org"));
	buf_done(&token);
	buf_done(&address);
	jwt_validator_free(v);
	jwt_validator_free(other);
}

/* Cut anywhere, or with any bit another, it is worth nothing. */
static void
every_octet_counts(void **state)
{
	struct token_validator *v = validator(SLICE_EMPTY, SLICE_EMPTY);
	struct buf token, address;

	(void)state;
	buf_init(&token, JWT_PARTS_MAX);
	buf_init(&address, 320);
	make_token(&token, HEADER, CLAIMS(""));
	for (size_t i = 0; i < token.len; i++)
		assert_int_equal(check(v, slice_sub(buf_slice(&token), 0, i), NOW, &address, NULL), ERR_PASSWORD);
	for (size_t i = 0; i < token.len * 8; i++) {
		token.data[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(check(v, buf_slice(&token), NOW, &address, NULL), ERR_PASSWORD);
		token.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	(void)buf_put_u8(&token, '=');
	assert_int_equal(check(v, buf_slice(&token), NOW, &address, NULL), ERR_PASSWORD);
	buf_done(&token);
	buf_done(&address);
	jwt_validator_free(v);
}

#define TEN(x) x x x x x x x x x x
#define N2048 "\"n\":\"" TEN(TEN("___") "____") "_w\"" /* all ones */

static void
key_files(void **state)
{
	static const struct row {
		const char *name, *text;
		int want;
	} rows[] = {
		{ "no keys", "{\"keys\":[]}", ERR_NOT_FOUND },
		{ "no set", "{}", ERR_SYNTAX },
		{ "no JSON", "{", ERR_SYNTAX },
		{ "a symmetric key", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", ERR_NOT_FOUND },
		{ "for encryption", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"x\":\"AA\"}]}",
		    ERR_NOT_FOUND },
		{ "another curve", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AA\"}]}", ERR_NOT_FOUND },
		{ "for another algorithm",
		    "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", ERR_NOT_FOUND },
		{ "a short key", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}]}", ERR_SYNTAX },
		{ "a key without its octets", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}]}", ERR_SYNTAX },
		{ "a small RSA key", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", ERR_UNSUPPORTED },
		{ "an RSA key", "{\"keys\":[{\"kty\":\"RSA\"," N2048 ",\"e\":\"AQAB\"}]}", 0 },
		{ "an exponent of 1", "{\"keys\":[{\"kty\":\"RSA\"," N2048 ",\"e\":\"AQ\"}]}", ERR_UNSUPPORTED },
		{ "an exponent of 1, long", "{\"keys\":[{\"kty\":\"RSA\"," N2048 ",\"e\":\"AAAB\"}]}",
		    ERR_UNSUPPORTED },
		{ "an even exponent", "{\"keys\":[{\"kty\":\"RSA\"," N2048 ",\"e\":\"AQAA\"}]}", ERR_UNSUPPORTED },
		{ "padding", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQ==\",\"e\":\"AQAB\"}]}", ERR_SYNTAX },
		{ "nothing", "", ERR_NOT_FOUND },
		{ "a private key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ERR_UNSUPPORTED },
		{ "a broken PEM key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", ERR_SYNTAX },
		{ "a PEM key that is cut", "-----BEGIN PUBLIC KEY-----\nAAAA\n", ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct error e = { 0 };
		struct jwt_keys k;
		int rc = jwt_keys_parse(slice_str(rows[i].text), &k, &e);

		if (rc != rows[i].want)
			fail_msg("%s: %d %s", rows[i].name, rc, e.text);
		if (rc == 0)
			jwt_keys_done(&k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(claims), UNIT_TEST(times_and_settings),
		UNIT_TEST(every_octet_counts), UNIT_TEST(key_files) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
