/* SPDX-License-Identifier: ISC */
/*
 * First octet: flags, the lowest two the role. The rest is what a client sends:
 * once in one piece, once in small ones. Events and answers must be the same;
 * no text that is kept has a bare CR or LF or a NUL, by DATA or by BDAT; what
 * is held stays bounded.
 */
#include <stdlib.h>
#include <string.h>

#include "smtp/server.h"

#define TRACE_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct smtp_server *m;
	struct buf trace; /* events and output */
	struct buf text;  /* of the message under way: it counts when it is kept */
	bool over;
};

static void
check_text(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r')) ||
		    (text.data[i] == '\r' && (i + 1 == text.len || text.data[i + 1] != '\n')))
			abort();
}

static void
note(struct run *r, const struct smtp_server_event *ev)
{
	if (ev->what == SMTP_SERVER_CHUNK) {
		if (memchr(ev->chunk.data, 0, ev->chunk.len) != NULL)
			abort();
		(void)buf_put_slice(&r->text, ev->chunk);
		return;
	}
	if (ev->what == SMTP_SERVER_END) {
		if (ev->size != r->text.len)
			abort();
		check_text(buf_slice(&r->text));
		(void)buf_put_slice(&r->trace, buf_slice(&r->text));
	}
	if (ev->what == SMTP_SERVER_END || ev->what == SMTP_SERVER_RESET)
		buf_clear(&r->text);
	(void)buf_putf(&r->trace, "[%d]", (int)ev->what);
	(void)buf_put_slice(&r->trace, ev->path.mailbox);
	(void)buf_put_slice(&r->trace, ev->envid);
	(void)buf_put_slice(&r->trace, ev->orcpt);
	(void)buf_putf(&r->trace, "%d.%u.%s", (int)ev->ret, ev->notify, smtp_server_protocol(r->m));
	if (ev->path.utf8 && strncmp(smtp_server_protocol(r->m), "UTF8", 4) != 0 && smtp_server_is_esmtp(r->m))
		abort();
	if (ev->what == SMTP_SERVER_AUTHENTICATE)
		(void)buf_put_slice(&r->trace, ev->message);
}

static enum smtp_reply
agree(struct run *r, const struct smtp_server_event *ev)
{
	static const enum smtp_reply replies[] = { [SMTP_SERVER_AUTHENTICATE] = SMTP_REPLY_AUTH_OK,
		[SMTP_SERVER_MAIL] = SMTP_REPLY_SENDER_OK,
		[SMTP_SERVER_RECIPIENT] = SMTP_REPLY_RECIPIENT_OK,
		[SMTP_SERVER_DATA] = SMTP_REPLY_DATA_GO,
		[SMTP_SERVER_END] = SMTP_REPLY_KEPT,
		[SMTP_SERVER_CLOSE] = SMTP_REPLY_NONE };

	if (ev->what == SMTP_SERVER_AUTHENTICATE && ev->message.len % 2 == 1)
		return SMTP_REPLY_AUTH_WRONG;
	if (ev->what == SMTP_SERVER_RECIPIENT && slice_starts(ev->path.local, SLICE("x")))
		return SMTP_REPLY_RECIPIENT_UNKNOWN;
	(void)r;
	return replies[ev->what];
}

static void
pump(struct run *r)
{
	struct smtp_server_event ev;

	while (!r->over && smtp_server_next(r->m, 0, &ev) != SMTP_SERVER_NOTHING) {
		enum smtp_reply reply = agree(r, &ev);

		if (ev.what == SMTP_SERVER_AUTHENTICATE && ev.message.len % 3 == 0) {
			smtp_server_challenge(r->m, ev.message, 0);
			continue;
		}
		note(r, &ev);
		r->over = ev.what == SMTP_SERVER_CLOSE || ev.what == SMTP_SERVER_START_TLS;
		do
			smtp_server_answer(r->m, reply, SLICE_EMPTY, 0);
		while (smtp_server_answers_due(r->m) > 0);
		if (reply == SMTP_REPLY_AUTH_OK && smtp_server_renew(r->m, 0, &r->m, NULL) != 0)
			abort();
	}
	if (smtp_server_output(r->m).len > SMTP_OUTPUT_MAX)
		abort();
}

static void
run(struct run *r, uint8_t flags, struct slice in, size_t piece)
{
	static const enum smtp_server_role roles[4] = { SMTP_SERVER_MX, SMTP_SERVER_SUBMISSION, SMTP_SERVER_LMTP,
		SMTP_SERVER_MX };
	const struct smtp_server_config config = {
		.role = roles[flags & 3],
		.hostname = SLICE("h"),
		.size_max = (flags & 16) != 0 ? 64 : 65536,
		.recipients_max = (flags & 4) != 0 ? 2 : 0,
		.tls = (flags & 8) != 0,
		.can_start_tls = (flags & 8) == 0,
		.mechanisms = SASL_SET_ALL,
	};

	*r = (struct run){ 0 };
	buf_init(&r->trace, TRACE_MAX);
	buf_init(&r->text, TRACE_MAX);
	if (smtp_server_new(&config, false, 0, &r->m, NULL) != 0)
		abort();
	while (in.len > 0 && !r->over) {
		size_t took = smtp_server_feed(r->m, slice_sub(in, 0, piece), 0);

		pump(r);
		(void)buf_put_slice(&r->trace, smtp_server_output(r->m));
		smtp_server_sent(r->m, smtp_server_output(r->m).len);
		pump(r);
		in = slice_from(in, took);
		if (took == 0 && smtp_server_feed(r->m, slice_sub(in, 0, 1), 0) == 0 && !r->over)
			abort(); /* stuck */
	}
	smtp_server_free(r->m);
	buf_done(&r->text);
}

/* Output stands at different places between the events, so the lengths are compared. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole, pieces;

	if (size < 2 || size > 60000)
		return 0;
	run(&whole, data[0], slice_of(data + 1, size - 1), size);
	run(&pieces, data[0], slice_of(data + 1, size - 1), 1 + data[0] % 3);
	if (whole.trace.err == 0 && whole.trace.len != pieces.trace.len)
		abort();
	buf_done(&whole.trace);
	buf_done(&pieces.trace);
	return 0;
}
