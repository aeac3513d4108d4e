/* SPDX-License-Identifier: ISC */
/*
 * First octet: flags; then, between line ends, what the server offers and its challenges, decoded (flag 1: as text on
 * the wire). A server that has not proven itself is not believed, and PLAIN is tried again only where it may be.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "sasl/client.h"

#define WIRE 1u
#define BINDINGS 2u
#define TOKEN 4u
#define SCRAM_ONLY 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool fine)
{
	if (!fine)
		abort();
}

static int
respond(struct sasl_client *c, struct slice challenge, bool wire, struct buf *out)
{
	struct buf text;
	int rc;

	buf_init(&text, SASL_TEXT_MAX * 2);
	if (!wire)
		check(base64_write(&text, challenge) == 0);
	buf_clear(out);
	rc = sasl_client_respond(c, wire ? challenge : buf_slice(&text), out, NULL);
	buf_done(&text);
	return rc;
}

static void
exchange(struct sasl_client *c, struct slice in, unsigned flags)
{
	bool scram = (SASL_SET_SCRAM & SASL_BIT(c->mechanism)) != 0;
	struct buf out, plain;
	unsigned rounds = 0;
	int rc = 0;

	buf_init(&out, SASL_TEXT_MAX);
	buf_init(&plain, SASL_MESSAGE_MAX);
	while (rc == 0 && (in.len > 0 || rounds == 0)) {
		struct slice line = slice_split(in, '\n', &in);

		rc = respond(c, line, (flags & WIRE) != 0, &out);
		if (rc == 0)
			check(slice_eq_str(buf_slice(&out), "=") || base64_parse(buf_slice(&out), &plain, NULL) == 0);
		buf_clear(&plain);
		rounds += rc == 0;
	}
	check(rounds <= 3);
	/* The nonce is known, but nobody computes a proof over it by chance. */
	if (scram)
		check(sasl_client_finish(c, NULL) == ERR_INTEGRITY);
	if (sasl_client_fallback(c) != 0)
		check(scram && (rc == 0 || rc == ERR_PASSWORD));
	if ((flags & SCRAM_ONLY) != 0)
		check((sasl_client_fallback(c) & SASL_SET_PASSWORD) == 0);
	buf_wipe_done(&out);
	buf_done(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sasl_credentials who = { .identity = SLICE("a,b=c"), .password = SLICE("p\xc3\xa4ss") };
	struct sasl_client_config config = {
		.credentials = &who, .channel = { .tls = true }, .nonce = SLICE("client")
	};
	struct sasl_client c;
	struct slice in;

	if (size < 1 || size > SASL_MESSAGE_MAX)
		return 0;
	if ((data[0] & BINDINGS) != 0)
		config.channel.exporter = SLICE("12345678901234567890123456789012");
	if ((data[0] & TOKEN) != 0)
		who.token = SLICE("token");
	if ((data[0] & SCRAM_ONLY) != 0)
		config.permitted = SASL_SET_SCRAM;
	config.offered = slice_split(slice_of(data + 1, size - 1), '\n', &in);
	if (sasl_client_init(&c, &config, NULL) == 0)
		exchange(&c, in, data[0]);
	sasl_client_done(&c);
	return 0;
}
