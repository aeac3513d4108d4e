/* SPDX-License-Identifier: ISC */
/* Any bytes as a server's: whole and in pieces the client sees the same things in the same order, and it ends. */
#include <stdlib.h>

#include "imap/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Goes through a session by itself, so that every command's responses are reached. */
static void
command(struct imap_client *m, unsigned turn)
{
	switch (turn % 6) {
	case 0:
		if (turn > 0 || !imap_client_can(m, "AUTH=SCRAM-SHA-256"))
			(void)imap_client_select(m, SLICE("INBOX"), false, NULL);
		else
			(void)imap_client_login(m, SLICE("a"), SLICE("b"), NULL);
		break;
	case 1:
		(void)imap_client_fetch(m, SLICE("1:*"), SLICE("ALL"), NULL);
		break;
	case 2:
		(void)imap_client_fetch_body(m, 1, SLICE("1"), 0, 100, NULL);
		break;
	case 3:
		(void)imap_client_search(m, SLICE("ALL"), NULL);
		break;
	case 4:
		(void)imap_client_list(m, SLICE("*"), NULL);
		break;
	default:
		(void)imap_client_append(m, SLICE("x"), SLICE(""), 3, NULL);
		break;
	}
}

static void
note(const struct imap_client_event *ev, struct buf *out)
{
	(void)buf_putf(out, "%d %u %u %zu %d;", (int)ev->type, ev->uid, ev->flags, ev->item_count, ev->error.code);
	(void)buf_put_slice(out, ev->code);
	(void)buf_put_slice(out, ev->name);
	for (size_t i = 0; i < ev->item_count; i++) {
		(void)buf_put_slice(out, ev->items[i].name);
		(void)buf_put_slice(out, ev->items[i].value);
	}
	for (size_t i = 0; i < ev->number_count; i++)
		(void)buf_putf(out, " %u", ev->numbers[i]);
}

static void
run(struct slice in, size_t step, struct buf *out)
{
	struct imap_client_options options = { .tls = true };
	struct imap_client_event ev = { 0 };
	struct imap_client *m;
	unsigned turn = 0;

	if (imap_client_new(&options, &m, NULL) != 0)
		return;
	for (;;) {
		size_t n = imap_client_ops.feed(m, slice_sub(in, 0, step), 0);

		in = slice_from(in, n);
		imap_client_next(m, &ev);
		/* Pieces of a body may be cut anywhere. */
		if (ev.type == IMAP_CLIENT_DATA)
			(void)buf_put_slice(out, ev.data);
		else if (ev.type != IMAP_CLIENT_NONE)
			note(&ev, out);
		if (ev.type == IMAP_CLIENT_READY || ev.type == IMAP_CLIENT_DONE)
			command(m, turn++);
		if (ev.type == IMAP_CLIENT_SEND)
			(void)imap_client_put(m, SLICE("abc"));
		imap_client_ops.sent(m, imap_client_ops.output(m).len);
		if (ev.type == IMAP_CLIENT_CLOSED || (ev.type == IMAP_CLIENT_NONE && n == 0 && in.len == 0))
			break;
	}
	imap_client_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, pieces;

	buf_init(&whole, 64u << 20);
	buf_init(&pieces, 64u << 20);
	run(slice_of(data, size), SIZE_MAX, &whole);
	run(slice_of(data, size), 1, &pieces);
	if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)))
		abort();
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
