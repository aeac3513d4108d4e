/* SPDX-License-Identifier: ISC */
/*
 * Any bytes to the two server machines. Whole and in pieces they give the same
 * output; a refused or taken command never stops the machine.
 */
#include <stdlib.h>

#include "imap/login.h"
#include "imap/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run_server(struct slice in, size_t step, struct buf *out)
{
	struct imap_server_options options = { .append_max = 4096, .name = SLICE("x"), .version = SLICE("1") };
	struct imap_server *m;
	struct imap_event ev = { 0 };

	if (imap_server_new(&options, 0, &m, NULL) != 0)
		return;
	imap_server_set_state(m, IMAP_STATE_SELECTED);
	for (;;) {
		size_t n = imap_server_ops.feed(m, slice_sub(in, 0, step), 0);

		in = slice_from(in, n);
		imap_server_next(m, 0, &ev);
		if (ev.type == IMAP_EVENT_COMMAND &&
		    (ev.command->verb == IMAP_VERB_APPEND || ev.command->verb == IMAP_VERB_IDLE))
			imap_server_go(m);
		else if (ev.type == IMAP_EVENT_COMMAND || ev.type == IMAP_EVENT_END)
			imap_server_done(m, IMAP_OK, SLICE_EMPTY, SLICE("Done."));
		else if (ev.type == IMAP_EVENT_DATA)
			(void)buf_put_slice(out, ev.data);
		(void)buf_put_slice(out, imap_server_ops.output(m));
		imap_server_ops.sent(m, imap_server_ops.output(m).len);
		if (ev.type == IMAP_EVENT_CLOSE || (ev.type == IMAP_EVENT_NONE && n == 0 && in.len == 0))
			break;
	}
	imap_server_free(m);
}

static void
run_login(struct slice in, size_t step, struct buf *out)
{
	struct imap_login_options options = { .offer = { .tls = true, .bindings = true, .mechanisms = SASL_SET_ALL },
		.greeting = true,
		.name = SLICE("x") };
	struct imap_login *m;
	struct imap_login_event ev = { 0 };

	if (imap_login_new(&options, 0, &m, NULL) != 0)
		return;
	for (;;) {
		size_t n = imap_login_ops.feed(m, slice_sub(in, 0, step), 0);

		in = slice_from(in, n);
		imap_login_next(m, 0, &ev);
		if (ev.type == IMAP_LOGIN_EXCHANGE && ev.message.len % 3 == 0)
			imap_login_challenge(m, ev.message);
		else if (ev.type == IMAP_LOGIN_EXCHANGE && ev.message.len % 3 == 1)
			imap_login_malformed(m);
		else if (ev.type == IMAP_LOGIN_PASSWORD || ev.type == IMAP_LOGIN_EXCHANGE)
			imap_login_refuse(m, SLICE("AUTHENTICATIONFAILED"), SLICE("No."));
		(void)buf_put_slice(out, imap_login_ops.output(m));
		imap_login_ops.sent(m, imap_login_ops.output(m).len);
		if (ev.type == IMAP_LOGIN_CLOSE || (ev.type == IMAP_LOGIN_NONE && n == 0))
			break;
	}
	imap_login_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void (*const runs[])(struct slice, size_t, struct buf *) = { run_server, run_login };

	for (size_t i = 0; i < 2; i++) {
		struct buf whole, pieces;

		buf_init(&whole, 16u << 20);
		buf_init(&pieces, 16u << 20);
		runs[i](slice_of(data, size), SIZE_MAX, &whole);
		runs[i](slice_of(data, size), 3, &pieces);
		if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)))
			abort();
		buf_done(&whole);
		buf_done(&pieces);
	}
	return 0;
}
