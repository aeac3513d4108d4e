/* SPDX-License-Identifier: ISC */
/* The seal on what strangers wrote and we send on (RFC 8617): what we found out about it stays known behind us. */
#include "base/mem.h"
#include "mailauth/dkim/canon.h"
#include "os/log.h"
#include "service/queue/internal.h"

#define RESULTS_BUDGET (256u << 10) /* a field of ASK_RESULTS_MAX, taken apart */

struct sealing {
	struct buf domain; /* for the log */
	sign_done_fn *done;
	void *ctx;
};

static void
end(struct sealing *s, struct slice fields, const struct error *e)
{
	if (e != NULL)
		log_event(
		    LOG_LEVEL_WARNING, "queue.unsealed", log_slice("domain", buf_slice(&s->domain)), log_error(e));
	s->done(s->ctx, fields, e);
	buf_done(&s->domain);
	mem_free(s);
}

static void
seal_made(void *ctx, struct slice fields, const struct error *e)
{
	end(ctx, fields, e);
}

/* The header as it goes out: whole here, as is all that was asked of mx. */
static struct slice
header_of(const struct queue_letter *in)
{
	struct slice front = in->content.handle != 0 ? in->content.front : in->content.data;

	front = slice_sub(front, 0, in->content.header_size);
	return slice_from(front, size_min(in->skip, front.len));
}

static int
begin(struct queue *q, const struct queue_letter *in, struct slice domain, struct sealing *s, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct auth_results results = { 0 };
	const struct arc_verdict chain = { .result = (enum arc_result)in->seal.chain,
		.count = in->seal.sets,
		.may_be_sealed = in->seal.may_be_sealed };
	const struct sign_sealed what = { .domain = domain,
		.header = header_of(in),
		.body_hash = in->seal.body_hash.data,
		.chain = &chain,
		.results = &results };
	size_t colon = slice_find(in->seal.results, ':');
	int rc;

	if (in->seal.body_hash.len != DKIM_BODY_HASH_SIZE || colon == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "what was found out about the message is not known");
	arena_init(&a, RESULTS_BUDGET);
	rc = auth_results_parse(slice_from(in->seal.results, colon + 1), false, &a, &results, e);
	return rc != 0 ? rc : q->seal(q->sign_ctx, &what, seal_made, s, e);
}

void
queue_seal(struct queue *q, const struct queue_letter *in, struct slice domain, sign_done_fn *done, void *ctx)
{
	struct sealing *s = mem_alloc(sizeof *s);
	struct error e;

	if (s == NULL || q->seal == NULL) {
		mem_free(s);
		done(ctx, SLICE_EMPTY, NULL);
		return;
	}
	s->done = done;
	s->ctx = ctx;
	buf_init(&s->domain, STORE_DOMAIN_MAX);
	(void)buf_put_slice(&s->domain, domain);
	if (begin(q, in, domain, s, &e) != 0)
		end(s, SLICE_EMPTY, &e);
}
