/* SPDX-License-Identifier: ISC */
/*
 * Questions to other processes. Their answers come on threads of the ports and
 * are gone when the function returns; so they are copied, by the codec that brought
 * them, and told on the relay's thread.
 */
#include "service/relay/internal.h"

#include "base/mem.h"

#define ANSWER_MAX (16u << 20) /* octets of an encoded answer: QUEUE_LEASE_MESSAGES_MAX entries, or a piece of text */

struct question {
	struct loop_task task;
	const struct codec_schema *schema;
	relay_answer_fn *answer;
	void *ctx;
	struct loop *loop;
	struct buf encoded;
	struct error error; /* code 0: encoded is the answer */
};

static void
tell(void *ctx)
{
	struct question *q = ctx;
	struct arena a;
	void *reply;

	arena_init(&a, ANSWER_MAX * 2);
	reply = arena_alloc(&a, q->schema->size);
	if (q->error.code == 0 && reply == NULL)
		(void)error_nomem(&q->error);
	if (q->error.code == 0)
		(void)codec_decode(q->schema, buf_slice(&q->encoded), &a, reply, &q->error);
	buf_done(&q->encoded);
	q->answer(q->ctx, q->error.code == 0 ? reply : NULL, &a, &q->error);
	arena_done(&a);
	mem_free(q);
}

/* On a thread of the port's. */
static void
answered(void *ctx, const void *reply, const struct error *e)
{
	struct question *q = ctx;

	if (reply == NULL)
		q->error = *e;
	else
		(void)codec_encode(q->schema, reply, &q->encoded, &q->error);
	q->task = (struct loop_task){ .run = tell, .ctx = q };
	loop_post(q->loop, &q->task);
}

int
relay_ask(struct relay *r, struct port *p, const struct port_method *method, const void *request,
    relay_answer_fn *answer, void *ctx, struct error *e)
{
	struct question *q;
	int rc;

	if (atomic_load(&r->mute))
		return error_set(e, ERR_CLOSED, "this server is being stopped");
	q = mem_alloc(sizeof *q);
	if (q == NULL)
		return error_nomem(e);
	q->schema = method->reply;
	q->answer = answer;
	q->ctx = ctx;
	q->loop = dialer_loop(r->dialer);
	buf_init(&q->encoded, ANSWER_MAX);
	rc = port_submit(p, method->number, request, answered, q, e);
	if (rc != 0)
		mem_free(q);
	return rc;
}

void
relay_ignore(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)a;
	(void)e;
}

const struct port_method *
relay_method(const struct port_interface *interface, uint16_t number)
{
	for (size_t i = 0; i < interface->method_count; i++)
		if (interface->methods[i].number == number)
			return &interface->methods[i];
	return NULL;
}
