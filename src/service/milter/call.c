/* SPDX-License-Identifier: ISC */
/*
 * The asking end: one conversation about one message. At most one question of
 * it is under way; what the message has meanwhile waits here.
 */
#include <stdatomic.h>

#include "base/arena.h"
#include "base/mem.h"
#include "net/conn.h"
#include "service/milter/filter.h"

#define WAITING_HIGH (256u << 10)               /* octets of a body that wait before no more is read */
#define WAITING_MAX (WAITING_HIGH + (1u << 20)) /* what may come at once behind that */
#define SAID_BUDGET (1u << 20)

enum asked { ASKED_NOTHING, ASKED_BEGIN, ASKED_BODY, ASKED_END };

struct filter_call {
	atomic_uint owners; /* who made it, and the question under way */
	struct port *port;
	struct conn *wake;
	struct buf waiting; /* of the body */
	enum asked asked;
	bool ended, enough, over;
	uint64_t handle;
	/* Written by the answering thread before `answered` is set. */
	atomic_bool answered;
	struct error error;
	struct arena arena;
	struct filter_said said;
	bool has_said;
	uint64_t given;
	bool given_enough;
};

static void
ignore(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)e;
}

static void
disown(struct filter_call *c)
{
	if (atomic_fetch_sub(&c->owners, 1) != 1)
		return;
	/* It began when nobody was here any more. */
	if (c->given != 0 && c->handle == 0)
		(void)filter_abort_submit(c->port, &(struct filter_handle){ c->given }, ignore, NULL, NULL);
	buf_done(&c->waiting);
	arena_done(&c->arena);
	mem_free(c);
}

static void
copy_said(struct filter_call *c, const struct filter_said *in)
{
	struct milter_edit *edits = arena_array(&c->arena, in->edit_count + 1, sizeof *edits);

	c->said = *in;
	c->said.reply = arena_copy(&c->arena, in->reply);
	c->said.reason = arena_copy(&c->arena, in->reason);
	for (size_t i = 0; edits != NULL && i < in->edit_count; i++) {
		edits[i] = in->edits[i];
		edits[i].name = arena_copy(&c->arena, in->edits[i].name);
		edits[i].value = arena_copy(&c->arena, in->edits[i].value);
	}
	c->said.edits = edits;
	c->has_said = c->arena.err == 0;
	if (!c->has_said)
		(void)error_nomem(&c->error);
}

static void
on_reply(void *ctx, const void *reply, const struct error *e)
{
	struct filter_call *c = ctx;
	struct conn *wake = c->wake;

	if (reply == NULL)
		c->error = *e;
	else if (c->asked == ASKED_BEGIN)
		c->given = ((const struct filter_handle *)reply)->handle;
	else if (c->asked == ASKED_BODY)
		c->given_enough = ((const struct filter_taken *)reply)->enough;
	else
		copy_said(c, reply);
	atomic_store(&c->answered, true);
	disown(c);
	if (wake != NULL) {
		conn_wake(wake);
		conn_release(wake);
	}
}

static void
ask(struct filter_call *c, enum asked what, uint16_t method, const void *request)
{
	c->asked = what;
	atomic_store(&c->answered, false);
	(void)atomic_fetch_add(&c->owners, 1);
	if (c->wake != NULL)
		conn_hold(c->wake);
	if (port_submit(c->port, method, request, on_reply, c, &c->error) == 0)
		return;
	atomic_store(&c->answered, true);
	(void)atomic_fetch_sub(&c->owners, 1);
	if (c->wake != NULL)
		conn_release(c->wake);
}

int
filter_call_new(
    struct port *port, const struct filter_begin *in, struct conn *wake, struct filter_call **out, struct error *e)
{
	struct filter_call *c = mem_alloc(sizeof *c);

	if (c == NULL)
		return error_nomem(e);
	atomic_init(&c->owners, 1);
	c->port = port;
	c->wake = wake;
	buf_init(&c->waiting, WAITING_MAX);
	arena_init(&c->arena, SAID_BUDGET);
	ask(c, ASKED_BEGIN, FILTER_METHOD_begin, in);
	*out = c;
	return 0;
}

void
filter_call_free(struct filter_call *c)
{
	if (c == NULL)
		return;
	if (c->handle != 0 && !c->over)
		(void)filter_abort_submit(c->port, &(struct filter_handle){ c->handle }, ignore, NULL, NULL);
	disown(c);
}

void
filter_call_body(struct filter_call *c, struct slice piece)
{
	if (!c->enough && !c->over)
		(void)buf_put_slice(&c->waiting, piece);
}

bool
filter_call_is_full(const struct filter_call *c)
{
	return c->waiting.len > WAITING_HIGH && !c->over;
}

void
filter_call_end(struct filter_call *c)
{
	c->ended = true;
}

static void
take_answer(struct filter_call *c)
{
	enum asked was = c->asked;

	c->asked = ASKED_NOTHING;
	if (was == ASKED_BEGIN)
		c->handle = c->given;
	else if (was == ASKED_BODY)
		c->enough = c->given_enough;
	if (c->waiting.err != 0 && c->error.code == 0)
		(void)error_set(&c->error, c->waiting.err, "there is no room for what a milter is to be told");
	c->over = was == ASKED_END || c->error.code != 0;
	if (c->enough || c->over)
		buf_done(&c->waiting);
}

static void
ask_next(struct filter_call *c)
{
	if (c->waiting.len > 0 && (c->ended || c->waiting.len >= FILTER_PIECE_MAX)) {
		struct slice piece = slice_sub(buf_slice(&c->waiting), 0, FILTER_PIECE_MAX);

		ask(c, ASKED_BODY, FILTER_METHOD_body, &(struct filter_body){ c->handle, piece });
		buf_consume(&c->waiting, piece.len); /* it is encoded */
	} else if (c->ended) {
		ask(c, ASKED_END, FILTER_METHOD_end, &(struct filter_handle){ c->handle });
	}
}

bool
filter_call_step(struct filter_call *c)
{
	while (!c->over) {
		if (c->asked != ASKED_NOTHING) {
			if (!atomic_load(&c->answered))
				return false;
			take_answer(c);
			continue;
		}
		ask_next(c);
		if (c->asked == ASKED_NOTHING)
			return false;
	}
	return true;
}

const struct filter_said *
filter_call_said(const struct filter_call *c, struct error *e)
{
	if (c->has_said)
		return &c->said;
	if (e != NULL)
		*e = c->error;
	return NULL;
}
