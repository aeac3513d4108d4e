/* SPDX-License-Identifier: ISC */
/*
 * One side of a SASL exchange on standard input and output, a line of base64 a message, for tests beside other people's
 * programs:
 *
 *   sasl_tool server MECHANISM [NAME=VALUE]...   reads the client's messages; at the end "ok IDENTITY N" or "no WORD"
 *   sasl_tool client MECHANISMS [NAME=VALUE]...  writes them; reads challenges, or "ok" or "no"; at the end "ok", "no WORD"
 *                                                or "fallback"
 *   sasl_tool verifier PASSWORD COUNT SALT       the text of a verifier; the salt in base64
 *   sasl_tool prepare                            lines: "stored" or "query", a space, hex; answers are hex or "no WORD"
 *
 * Names: identity, authorize, password, token, exporter and end_point (hex), verifier (up to eight times),
 * plus_offered.
 */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/saslprep.h"
#include "sasl/client.h"
#include "sasl/relay.h"
#include "sasl/server.h"

#define VERIFIERS 8u

struct known {
	struct sasl_credentials who;
	struct buf exporter, end_point;
	struct scram_verifier verifiers[VERIFIERS];
	size_t verifier_count;
	bool plus_offered;
};

static char line[65536];

static bool
read_line(struct slice *out)
{
	if (fgets(line, sizeof line, stdin) == NULL)
		return false;
	*out = slice_trim(slice_str(line));
	return true;
}

static void
say(const struct buf *b)
{
	(void)printf("%.*s\n", (int)b->len, b->len == 0 ? "" : (const char *)b->data);
	(void)fflush(stdout);
}

static void
say_no(int code)
{
	(void)printf("no %s\n", error_name(code));
	(void)fflush(stdout);
}

static bool
take_option(struct known *k, const char *text)
{
	struct slice value, name = slice_split(slice_str(text), '=', &value);

	if (slice_eq_str(name, "identity"))
		k->who.identity = value;
	else if (slice_eq_str(name, "authorize"))
		k->who.authorize = value;
	else if (slice_eq_str(name, "password"))
		k->who.password = value;
	else if (slice_eq_str(name, "token"))
		k->who.token = value;
	else if (slice_eq_str(name, "exporter"))
		return hex_parse(value, &k->exporter, NULL) == 0;
	else if (slice_eq_str(name, "end_point"))
		return hex_parse(value, &k->end_point, NULL) == 0;
	else if (slice_eq_str(name, "plus_offered"))
		k->plus_offered = true;
	else if (slice_eq_str(name, "verifier") && k->verifier_count < VERIFIERS)
		return scram_verifier_parse(value, &k->verifiers[k->verifier_count++], NULL) == 0;
	else
		return false;
	return true;
}

static struct sasl_channel
channel_of(const struct known *k)
{
	return (struct sasl_channel){ true, buf_slice(&k->exporter), buf_slice(&k->end_point) };
}

/* ---- the server ---- */

static int
answer(const struct known *k, struct sasl_server *s, int step)
{
	const struct sasl_server_token token = { .valid = slice_eq(s->credentials.token, k->who.token) };
	bool known = slice_eq(s->credentials.identity, k->who.identity);

	if (s->credentials.authorize.len > 0 && !slice_eq(s->credentials.authorize, k->who.identity))
		known = false;
	if (step == SASL_STEP_CHECK)
		return sasl_server_checked(s, known && slice_eq(s->credentials.password, k->who.password), NULL);
	if (step == SASL_STEP_LOOKUP)
		return sasl_server_found(s, k->verifiers, known ? k->verifier_count : 0, SLICE_EMPTY, NULL);
	return sasl_server_validated(s, &token, NULL);
}

static int
one_message(const struct known *k, struct sasl_relay *r, struct sasl_server *s, bool first)
{
	struct slice text;
	int rc;

	if (!read_line(&text))
		return ERR_CLOSED;
	rc = sasl_relay_response(r, text, first, NULL);
	if (rc != 0)
		return rc;
	rc = sasl_server_message(s, buf_slice(&r->message), NULL);
	while (rc > SASL_STEP_CHALLENGE && rc != SASL_STEP_DONE)
		rc = answer(k, s, rc);
	return rc;
}

static int
server(const struct known *k, const char *mechanism)
{
	const struct sasl_server_config config = { .mechanism = sasl_mechanism_find(slice_str(mechanism)),
		.channel = channel_of(k),
		.plus_offered = k->plus_offered,
		.fake_key = SLICE("a secret of this process") };
	const struct sasl_offer offer = { true, k->exporter.len + k->end_point.len > 0, SASL_SET_ALL };
	struct sasl_server s;
	struct sasl_relay r;
	bool first = true;
	struct buf out;
	int rc;

	buf_init(&out, SASL_TEXT_MAX);
	sasl_relay_init(&r);
	rc = sasl_relay_begin(&r, slice_str(mechanism), &offer, NULL);
	if (sasl_server_init(&s, &config, NULL) != 0 || rc != 0)
		return 2;
	do {
		rc = one_message(k, &r, &s, first);
		first = false;
		buf_clear(&out);
		if (rc == SASL_STEP_CHALLENGE && sasl_relay_challenge(buf_slice(&s.challenge), &out) == 0)
			say(&out);
	} while (rc == SASL_STEP_CHALLENGE);
	if (rc == SASL_STEP_DONE)
		(void)printf("ok %.*s %zu\n", (int)s.credentials.identity.len,
		    s.credentials.identity.len == 0 ? "" : (const char *)s.credentials.identity.data, s.verifier);
	else
		say_no(rc);
	sasl_relay_done(&r);
	sasl_server_done(&s);
	buf_done(&out);
	return 0;
}

/* ---- the client ---- */

static int
converse(struct sasl_client *c)
{
	struct slice challenge = SLICE_EMPTY;
	struct buf out;
	int rc = 0;

	buf_init(&out, SASL_TEXT_MAX);
	for (;;) {
		buf_clear(&out);
		rc = sasl_client_respond(c, challenge, &out, NULL);
		if (rc != 0)
			break;
		say(&out);
		if (!read_line(&challenge) || slice_eq_str(challenge, "ok") || slice_eq_str(challenge, "no"))
			break;
	}
	buf_wipe_done(&out);
	if (rc == 0 && slice_eq_str(challenge, "ok"))
		rc = sasl_client_finish(c, NULL);
	else if (rc == 0)
		rc = ERR_PASSWORD;
	return rc;
}

static int
client(const struct known *k, const char *mechanisms)
{
	const struct sasl_client_config config = {
		.offered = slice_str(mechanisms), .credentials = &k->who, .channel = channel_of(k)
	};
	struct sasl_client c;
	int rc = sasl_client_init(&c, &config, NULL);

	if (rc == 0)
		rc = converse(&c);
	if (rc == 0)
		(void)printf("ok\n");
	else if (sasl_client_fallback(&c) != 0)
		(void)printf("fallback\n");
	else
		say_no(rc);
	sasl_client_done(&c);
	return 0;
}

/* ---- the others ---- */

static int
verifier(const char *password, const char *count, const char *salt)
{
	struct scram_verifier v;
	uint64_t iterations = 0;
	struct buf octets, out;
	int rc;

	buf_init(&octets, SCRAM_SALT_MAX);
	buf_init(&out, SCRAM_VERIFIER_TEXT_MAX);
	rc = base64_parse(slice_str(salt), &octets, NULL);
	if (!slice_to_u64(slice_str(count), UINT32_MAX, &iterations))
		return 2;
	if (rc == 0)
		rc = scram_verifier_make(slice_str(password), buf_slice(&octets), (uint32_t)iterations, &v, NULL);
	if (rc == 0)
		rc = scram_verifier_write(&v, &out);
	if (rc == 0)
		say(&out);
	else
		say_no(rc);
	buf_done(&octets);
	buf_done(&out);
	return 0;
}

static int
prepare(void)
{
	struct slice text, word;
	struct buf in, out, hex;

	buf_init(&in, 4096);
	buf_init(&out, SASLPREP_OUTPUT_MAX);
	buf_init(&hex, 3 * SASLPREP_OUTPUT_MAX);
	while (read_line(&text)) {
		int rc;

		buf_clear(&in);
		buf_clear(&out);
		buf_clear(&hex);
		word = slice_split(text, ' ', &text);
		rc = hex_parse(text, &in, NULL);
		if (rc == 0)
			rc = saslprep(buf_slice(&in), slice_eq_str(word, "stored"), &out, NULL);
		if (rc == 0 && hex_write(&hex, buf_slice(&out)) == 0)
			say(&hex);
		else
			say_no(rc);
	}
	buf_done(&in);
	buf_done(&out);
	buf_done(&hex);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct known k;
	int rc = 2;

	buf_init(&k.exporter, SASL_BINDING_MAX);
	buf_init(&k.end_point, SASL_BINDING_MAX);
	if (argc == 5 && strcmp(argv[1], "verifier") == 0)
		return verifier(argv[2], argv[3], argv[4]);
	if (argc == 2 && strcmp(argv[1], "prepare") == 0)
		return prepare();
	for (int i = 3; i < argc; i++)
		if (!take_option(&k, argv[i]))
			return 2;
	if (argc >= 3 && strcmp(argv[1], "server") == 0)
		rc = server(&k, argv[2]);
	else if (argc >= 3 && strcmp(argv[1], "client") == 0)
		rc = client(&k, argv[2]);
	buf_done(&k.exporter);
	buf_done(&k.end_point);
	return rc;
}
