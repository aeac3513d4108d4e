/* SPDX-License-Identifier: ISC */
/*
 * Any bytes to the machine before login, with TLS and without. Whole and in pieces it gives the same output; without TLS
 * it never asks about a password; what it holds stays small.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "pop3/limits.h"
#include "pop3/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run(struct slice in, size_t step, bool tls, struct buf *out)
{
	const struct pop3_login_options options = {
		.offer = { .tls = tls, .bindings = true, .mechanisms = SASL_SET_ALL },
		.can_start_tls = true,
		.greeting = true,
		.name = SLICE("x")
	};
	struct pop3_login_event ev = { 0 };
	struct pop3_login *m;

	if (pop3_login_new(&options, 0, &m, NULL) != 0)
		return;
	for (;;) {
		size_t n = pop3_login_ops.feed(m, slice_sub(in, 0, step), 0);

		in = slice_from(in, n);
		pop3_login_next(m, 0, &ev);
		if (ev.type == POP3_LOGIN_PASSWORD) {
			if (!tls || ev.user.len == 0 || ev.password.len == 0)
				abort();
			pop3_login_refuse(m, "AUTH", "No");
		}
		if (ev.type == POP3_LOGIN_EXCHANGE) {
			if (!tls)
				abort();
			if (ev.message.len % 3 == 0)
				pop3_login_challenge(m, ev.message);
			else if (ev.message.len % 3 == 1)
				pop3_login_malformed(m);
			else
				pop3_login_refuse(m, "AUTH", "No");
		}
		if (pop3_login_ops.output(m).len > POP3_OUTPUT_HIGH)
			abort();
		(void)buf_put_slice(out, pop3_login_ops.output(m));
		pop3_login_ops.sent(m, pop3_login_ops.output(m).len);
		if (ev.type == POP3_LOGIN_CLOSE || (ev.type == POP3_LOGIN_NONE && n == 0) || ev.type == POP3_LOGIN_STLS)
			break;
	}
	pop3_login_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int tls = 0; tls < 2; tls++) {
		struct buf whole, pieces;

		buf_init(&whole, 16u << 20);
		buf_init(&pieces, 16u << 20);
		run(slice_of(data, size), SIZE_MAX, tls == 1, &whole);
		run(slice_of(data, size), 3, tls == 1, &pieces);
		if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)))
			abort();
		buf_done(&whole);
		buf_done(&pieces);
	}
	return 0;
}
