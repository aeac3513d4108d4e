/* SPDX-License-Identifier: ISC */
/*
 * First octet: the mechanism and flags; then messages of a client between octets 0xff 0x0a, as text on the wire (flag
 * 8) or decoded. The driver has two verifiers, knows one password and one token. Nobody gets in without them, a message
 * too many is refused, and what is accepted of PLAIN is what our client would have sent for it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "sasl/client.h"
#include "sasl/relay.h"
#include "sasl/server.h"

#define WIRE 8u
#define INITIAL 16u
#define PLUS_OFFERED 32u
#define UNKNOWN 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool fine)
{
	if (!fine)
		abort();
}

static int
answer(struct sasl_server *s, int step, unsigned flags)
{
	const struct scram_verifier verifiers[2] = { { .iterations = 4096, .salt_len = 3, .salt = "abc" },
		{ .iterations = 4096, .salt_len = 3, .salt = "abc", .stored_key = "x" } };
	const struct sasl_server_token token = { .valid = slice_eq_str(s->credentials.token, "token"),
		.scope = SLICE("mail \"\xff") };

	switch (step) {
	case SASL_STEP_CHECK:
		check(s->credentials.identity.len > 0 && s->credentials.password.len > 0);
		return sasl_server_checked(s, slice_eq_str(s->credentials.password, "secret"), NULL);
	case SASL_STEP_LOOKUP:
		check(s->credentials.identity.len > 0);
		return sasl_server_found(s, verifiers, (flags & UNKNOWN) != 0 ? 0 : 2, SLICE_EMPTY, NULL);
	case SASL_STEP_TOKEN:
		return sasl_server_validated(s, &token, NULL);
	default:
		return step;
	}
}

/* The same credentials from our client: the same text. */
static void
again(const struct sasl_server *s, struct slice message)
{
	const struct sasl_client_config config = { .offered = SLICE("PLAIN"),
		.credentials = &s->credentials,
		.channel = { .tls = true },
		.permitted = SASL_BIT(SASL_PLAIN) };
	struct sasl_client c;
	struct buf out, want;

	buf_init(&out, SASL_TEXT_MAX);
	buf_init(&want, SASL_TEXT_MAX);
	check(sasl_client_init(&c, &config, NULL) == 0 && sasl_client_respond(&c, SLICE_EMPTY, &out, NULL) == 0);
	check(base64_write(&want, message) == 0 && slice_eq(buf_slice(&out), buf_slice(&want)));
	sasl_client_done(&c);
	buf_done(&out);
	buf_done(&want);
}

static int
one(struct sasl_server *s, struct sasl_relay *r, struct slice text, unsigned flags, bool first)
{
	int rc;

	if ((flags & WIRE) != 0) {
		rc = sasl_relay_response(r, text, first && (flags & INITIAL) != 0, NULL);
		if (rc != 0)
			return rc;
		text = buf_slice(&r->message);
	}
	rc = sasl_server_message(s, text, NULL);
	if (rc == SASL_STEP_CHECK && (flags & 7) == SASL_PLAIN)
		again(s, text);
	while (rc > SASL_STEP_CHALLENGE && rc != SASL_STEP_DONE)
		rc = answer(s, rc, flags);
	return rc;
}

static void
run(struct sasl_server *s, struct sasl_relay *r, struct slice in, unsigned flags)
{
	bool first = true;
	int rc = SASL_STEP_CHALLENGE;

	while (rc == SASL_STEP_CHALLENGE && (in.len > 0 || first)) {
		size_t end = slice_search(in, SLICE("\xff\n"));
		struct slice text = slice_sub(in, 0, end);

		in = end == SIZE_MAX ? SLICE_EMPTY : slice_from(in, end + 2);
		rc = one(s, r, text, flags, first);
		first = false;
	}
	if (rc == SASL_STEP_DONE)
		check(slice_eq_str(s->credentials.password, "secret") || slice_eq_str(s->credentials.token, "token"));
	if (rc == SASL_STEP_DONE || rc < 0)
		check(sasl_server_message(s, SLICE("x"), NULL) == ERR_ORDER || (flags & WIRE) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sasl_offer offer = { true, true, SASL_SET_ALL };
	struct sasl_server_config config = {
		.channel = { true, SLICE("12345678901234567890123456789012"), SLICE("end point") },
		.fake_key = SLICE("0123456789abcdef"),
		.nonce = SLICE("server"),
	};
	struct sasl_server s;
	struct sasl_relay r;

	if (size < 1)
		return 0;
	config.mechanism = (enum sasl_mechanism)(data[0] & 7);
	config.plus_offered = (data[0] & PLUS_OFFERED) != 0;
	sasl_relay_init(&r);
	if (sasl_server_init(&s, &config, NULL) == 0) {
		check(sasl_relay_begin(&r, slice_str(sasl_mechanism_name(config.mechanism)), &offer, NULL) == 0);
		run(&s, &r, slice_of(data + 1, size - 1), data[0]);
	} else {
		check(config.mechanism == SASL_NONE || config.mechanism >= SASL_MECHANISM_COUNT);
	}
	sasl_relay_done(&r);
	sasl_server_done(&s);
	return 0;
}
