/* SPDX-License-Identifier: ISC */
/* The text of a message: asked of mail in pieces, the first one before the server agrees to it. */
#include "service/relay/internal.h"

#include "base/mem.h"
#include "os/clock.h"

struct piece_question {
	struct link *link;
	uint64_t transaction;
};

static void
fail(struct link *l, uint32_t result, const char *text)
{
	struct relay_reason why;

	relay_reason_set(&why, result, "4.3.0", "%s", text);
	link_fail(l, &why);
}

static void
came(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	struct piece_question *q = ctx;
	struct link *l = q->link;
	const struct queue_body_data *in = reply;
	bool ours = q->transaction == l->transaction && l->job != NULL && !l->closed;

	(void)a;
	mem_free(q);
	if (ours) {
		l->asking = false;
		l->since = clock_ms();
		if (in == NULL)
			fail(l, e->code == ERR_NOT_FOUND ? QUEUE_RETURNED : QUEUE_DEFERRED, e->text);
		else if (in->data.len == 0)
			fail(l, QUEUE_DEFERRED, "the message is shorter in the queue than it is said to be");
		else if (buf_put_slice(&l->piece, in->data) != 0)
			fail(l, QUEUE_DEFERRED, "no memory for the text");
		conn_wake(l->conn);
	}
	link_answered(l);
}

static void
ask(struct link *l)
{
	const struct queue_entry *entry = l->job->entry;
	const struct queue_body in = { .queue = entry->queue,
		.lease = entry->lease,
		.offset = l->text_at,
		.length = (uint32_t)size_min(RELAY_PIECE, (size_t)(entry->size - l->text_at)) };
	struct piece_question *q = mem_alloc(sizeof *q);
	struct error e;

	buf_clear(&l->piece);
	l->piece_at = 0;
	if (q == NULL) {
		fail(l, QUEUE_DEFERRED, "no memory for the text");
		return;
	}
	*q = (struct piece_question){ .link = l, .transaction = l->transaction };
	l->questions++;
	l->asking = true;
	if (relay_ask(l->relay, l->relay->queue, relay_method(&queue_interface, QUEUE_METHOD_body), &in, came, q, &e) ==
	    0)
		return;
	l->questions--;
	l->asking = false;
	mem_free(q);
	fail(l, QUEUE_DEFERRED, e.text);
}

void
link_text_prepare(struct link *l)
{
	l->transaction++;
	l->text_at = 0;
	l->wants_text = false;
	if (l->job->entry->size > 0)
		ask(l);
}

void
link_text_begin(struct link *l)
{
	l->wants_text = true;
}

void
link_text_end(struct link *l)
{
	l->transaction++;
	l->wants_text = l->asking = false;
	buf_done(&l->piece);
}

bool
link_text_run(struct link *l)
{
	while (l->wants_text && !l->closed) {
		size_t took;

		if (l->piece_at < l->piece.len) {
			took = smtp_client_put(l->m, slice_from(buf_slice(&l->piece), l->piece_at));
			l->piece_at += took;
			l->text_at += took;
			if (took == 0)
				return false;
		} else if (l->text_at >= l->job->entry->size) {
			smtp_client_end(l->m);
			l->wants_text = false;
			return true;
		} else if (l->asking) {
			return false;
		} else {
			ask(l);
		}
	}
	return false;
}
