/* SPDX-License-Identifier: ISC */
/*
 * Any bytes to the machine behind login, over a maildrop of a few messages. Whole and in pieces it gives the same output;
 * it asks only about messages that are there and not marked, and for removal at QUIT only, when something is marked.
 */
#include <stdlib.h>

#include "pop3/limits.h"
#include "pop3/server.h"
#include "pop3/write.h"

#define MESSAGES 12u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
give(struct pop3_server *m, const char *text)
{
	struct pop3_lines lines;
	struct buf piece;

	buf_init(&piece, POP3_PIECE_MAX);
	pop3_lines_init(&lines);
	(void)pop3_write_ok(&piece, "follows");
	(void)pop3_lines_put(&lines, slice_str(text), &piece);
	(void)pop3_lines_end(&lines, &piece);
	(void)pop3_server_give(m, &piece);
	buf_done(&piece);
	pop3_server_end(m);
}

static void
answer(struct pop3_server *m, const struct pop3_event *ev)
{
	switch (ev->type) {
	case POP3_EVENT_RETRIEVE:
		if (!pop3_server_is_listed(m, ev->message) || ev->size != pop3_server_size(m, ev->message))
			abort();
		if (ev->message == MESSAGES)
			pop3_server_err(m, NULL, "That message is gone");
		else
			give(m, ev->all ? "a\r\n.b\r\n" : "a\r\n");
		break;
	case POP3_EVENT_UNIQUE:
		if (!ev->all && !pop3_server_is_listed(m, ev->message))
			abort();
		give(m, "1 1.1\r\n");
		break;
	case POP3_EVENT_UPDATE:
		if (pop3_server_marked(m, 1) == 0)
			abort();
		pop3_server_ok(m, "Bye");
		break;
	case POP3_EVENT_CLOSE:
	case POP3_EVENT_NONE:
		break;
	}
}

static void
run(struct slice in, size_t step, struct buf *out)
{
	const struct pop3_server_options options = { .tls = true, .name = SLICE("x") };
	struct pop3_event ev = { 0 };
	struct pop3_server *m;

	if (pop3_server_new(&options, 0, &m, NULL) != 0)
		return;
	for (uint32_t i = 0; i < MESSAGES; i++)
		(void)pop3_server_add(m, i * 1000, NULL);
	pop3_server_open(m);
	for (;;) {
		size_t n = pop3_server_ops.feed(m, slice_sub(in, 0, step), 0);

		in = slice_from(in, n);
		pop3_server_next(m, 0, &ev);
		answer(m, &ev);
		(void)buf_put_slice(out, pop3_server_ops.output(m));
		pop3_server_ops.sent(m, pop3_server_ops.output(m).len);
		if (ev.type == POP3_EVENT_CLOSE || (ev.type == POP3_EVENT_NONE && n == 0 && in.len == 0))
			break;
	}
	pop3_server_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, pieces;

	buf_init(&whole, 16u << 20);
	buf_init(&pieces, 16u << 20);
	run(slice_of(data, size), SIZE_MAX, &whole);
	run(slice_of(data, size), 3, &pieces);
	if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)))
		abort();
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
