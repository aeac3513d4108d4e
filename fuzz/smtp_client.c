/* SPDX-License-Identifier: ISC */
/*
 * First octet: flags; the rest is what a server says. No password and no REQUIRETLS without TLS, no bare CR or LF,
 * patience always has an end while something is waited for, and it ends.
 */
#include <stdlib.h>

#include "smtp/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slice recipients[] = { { (const uint8_t *)"a@b", 3 }, { (const uint8_t *)"c@d", 3 } };

static const struct smtp_client_dsn dsn[] = { { .notify = 14 },
	{ .notify = 1, .orcpt = { (const uint8_t *)"rfc822;c@d", 10 } } };

static void
check_output(struct smtp_client *m, bool tls)
{
	struct slice out = smtp_client_output(m);

	if (!tls &&
	    (slice_search(out, SLICE("AUTH")) != SIZE_MAX || slice_search(out, SLICE("REQUIRETLS")) != SIZE_MAX))
		abort();
	if (out.len > 0 && smtp_client_patience_ms(m) == MACHINE_NEVER)
		abort();
	for (size_t i = 0; i < out.len; i++)
		if ((out.data[i] == '\n' && (i == 0 || out.data[i - 1] != '\r')) ||
		    (out.data[i] == '\r' && (i + 1 == out.len || out.data[i + 1] != '\n')))
			abort();
	smtp_client_sent(m, out.len);
}

static void
react(struct smtp_client *m, const struct smtp_client_event *ev, bool *tls)
{
	const struct smtp_client_message letter = { .from = SLICE("x@y"),
		.recipients = recipients,
		.recipient_count = 2,
		.size = 10,
		.dsn = dsn,
		.ret = SMTP_RETURN_FULL,
		.envid = SLICE("id"),
		.require_tls = smtp_client_has_require_tls(m) };
	const struct slice text = SLICE("a\n.\r.\r\n\r\r\n.b");

	if (ev->what == SMTP_CLIENT_START_TLS) {
		smtp_client_secured(m);
		*tls = true;
	} else if (ev->what == SMTP_CLIENT_READY) {
		if (smtp_client_send(m, &letter, NULL) != 0)
			smtp_client_quit(m);
	} else if (ev->what == SMTP_CLIENT_BODY) {
		if (smtp_client_put(m, text) != text.len)
			abort();
		smtp_client_end(m);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sasl_credentials who = { .identity = SLICE("a"), .password = SLICE("b") };
	struct smtp_client_config config = { .hello = SLICE("h") };
	struct smtp_client_event ev;
	struct smtp_client *m;
	struct slice in;
	bool tls;

	if (size < 1)
		return 0;
	in = slice_of(data + 1, size - 1);
	config.tls = tls = (data[0] & 1) != 0;
	config.start_tls = !tls && (data[0] & 2) != 0;
	config.start_tls_if_offered = !tls && (data[0] & 16) != 0;
	config.credentials = (data[0] & 4) != 0 ? &who : NULL;
	if (smtp_client_new(&config, &m, NULL) != 0)
		abort();
	for (;;) {
		size_t took = smtp_client_feed(m, slice_sub(in, 0, (data[0] & 8) != 0 ? 1 : in.len), 0);

		in = slice_from(in, took);
		while (smtp_client_next(m, &ev) != SMTP_CLIENT_NOTHING && ev.what != SMTP_CLIENT_FAILED)
			react(m, &ev, &tls);
		check_output(m, tls);
		if (in.len == 0 || took == 0 || ev.what == SMTP_CLIENT_FAILED)
			break;
	}
	smtp_client_free(m);
	return 0;
}
