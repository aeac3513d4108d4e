/* SPDX-License-Identifier: ISC */
/* A message's machines, each with one question under way at most; what comes of them is verdict.c. */
#include "service/judge/internal.h"

#include "base/machine.h"
#include "base/mem.h"
#include "mime/lax.h"

#define ARENA_BUDGET (1u << 20) /* a header, the authors' domains, and the results */

/* ---- lanes ---- */

static bool
next_sender(void *m, struct mailauth_question *q)
{
	return sender_next(m, q);
}

static void
answer_sender(void *m, const struct mailauth_answer *a)
{
	sender_answer(m, a);
}

static void
free_sender(void *m)
{
	sender_free(m);
}

static bool
next_dkim(void *m, struct mailauth_question *q)
{
	return dkim_verify_next(m, q) == DKIM_VERIFY_LOOKUP;
}

static void
answer_dkim(void *m, const struct mailauth_answer *a)
{
	dkim_verify_answer(m, a);
}

static void
free_dkim(void *m)
{
	dkim_verify_free(m);
}

static bool
next_arc(void *m, struct mailauth_question *q)
{
	return arc_verify_next(m, q) == ARC_VERIFY_LOOKUP;
}

static void
answer_arc(void *m, const struct mailauth_answer *a)
{
	arc_verify_answer(m, a);
}

static void
free_arc(void *m)
{
	arc_verify_free(m);
}

static bool
next_dmarc(void *m, struct mailauth_question *q)
{
	return dmarc_next(m, q) == DMARC_LOOKUP;
}

static void
answer_dmarc(void *m, const struct mailauth_answer *a)
{
	dmarc_answer(m, a);
}

static void
free_dmarc(void *m)
{
	dmarc_free(m);
}

static const struct lane_ops {
	bool (*next)(void *m, struct mailauth_question *q);
	void (*answer)(void *m, const struct mailauth_answer *a);
	void (*free)(void *m);
} ops[LANE_COUNT] = {
	[LANE_HELO] = { next_sender, answer_sender, free_sender },
	[LANE_FROM] = { next_sender, answer_sender, free_sender },
	[LANE_DKIM] = { next_dkim, answer_dkim, free_dkim },
	[LANE_ARC] = { next_arc, answer_arc, free_arc },
	[LANE_DMARC] = { next_dmarc, answer_dmarc, free_dmarc },
};

/* Nobody knows: for questions that come too late, or are too many. */
static const struct mailauth_answer unknown = { .found = MAILAUTH_FAILED };

/* For what there was no time or no look-up left: who asks much has made that so. */
static void
answer_spent(struct lane *l, enum lane_kind kind)
{
	l->cut = true;
	ops[kind].answer(l->machine, &unknown);
}

static int64_t
until(const struct judge *j, enum lane_kind kind)
{
	if (!j->ended)
		return MACHINE_NEVER;
	return kind == LANE_DMARC ? j->until_ms : j->until_ms - JUDGE_POLICY_MS;
}

/* Counts a look-up; false: there are none left. */
static bool
may_ask(struct judge *j, enum lane_kind kind)
{
	unsigned *count = kind == LANE_DMARC ? &j->policy_lookups : &j->lookups;

	if (*count >= (kind == LANE_DMARC ? JUDGE_POLICY_LOOKUPS_MAX : JUDGE_LOOKUPS_MAX))
		return false;
	++*count;
	return true;
}

/* True: it has no more questions. */
static bool
lane_step(struct judge *j, enum lane_kind kind, int64_t now_ms)
{
	struct lane *l = &j->lanes[kind];
	struct mailauth_question q;

	while (!l->done && l->machine != NULL) {
		bool late = now_ms >= until(j, kind);

		if (l->under_way != NULL) {
			const struct mailauth_answer *a = lookup_answered(l->under_way);

			if (a == NULL && !late)
				return false;
			l->cut = l->cut || (a != NULL && lookup_was_turned_away(l->under_way));
			ops[kind].answer(l->machine, a == NULL ? &unknown : a);
			lookup_release(l->under_way);
			l->under_way = NULL;
		} else if (!ops[kind].next(l->machine, &q)) {
			l->done = true;
		} else if (late || !may_ask(j, kind)) {
			answer_spent(l, kind);
		} else {
			l->under_way = lookup_ask(j->resolver, &q, j->wake);
			if (l->under_way == NULL)
				ops[kind].answer(l->machine, &unknown);
		}
	}
	return true;
}

/* ---- life ---- */

static int
begin_sender(struct judge *j, enum lane_kind kind, const struct judge_in *in, struct error *e)
{
	const struct sender_in who = { .address = in->address,
		.hello = in->hello,
		.from = in->from,
		.helo = kind == LANE_HELO,
		.hostname = in->hostname,
		.now = in->now };
	struct sender *s = NULL;
	int rc = sender_new(&who, &s, e);

	j->lanes[kind].machine = s;
	return rc;
}

int
judge_new(const struct judge_in *in, struct judge **out, struct error *e)
{
	struct judge *j = mem_alloc(sizeof *j);
	int rc;

	if (j == NULL)
		return error_nomem(e);
	arena_init(&j->arena, ARENA_BUDGET);
	j->resolver = in->resolver;
	j->wake = in->wake;
	j->policy = in->policy;
	j->name = in->name;
	j->hostname = arena_copy(&j->arena, in->hostname);
	j->address = arena_copy(&j->arena, in->address);
	j->from = arena_copy(&j->arena, in->from);
	j->now = in->now;
	rc = j->arena.err != 0 ? error_nomem(e) : begin_sender(j, LANE_HELO, in, e);
	if (rc == 0 && in->goes_on)
		rc = dkim_body_new(DKIM_RELAXED, &j->body, e);
	/* The null sender's identity is made of HELO's: it is asked for once. */
	if (rc == 0 && in->from.len > 0)
		rc = begin_sender(j, LANE_FROM, in, e);
	if (rc != 0) {
		judge_free(j);
		return rc;
	}
	*out = j;
	return 0;
}

void
judge_free(struct judge *j)
{
	if (j == NULL)
		return;
	for (enum lane_kind i = 0; i < LANE_COUNT; i++) {
		lookup_release(j->lanes[i].under_way);
		if (j->lanes[i].machine != NULL)
			ops[i].free(j->lanes[i].machine);
	}
	dkim_body_free(j->body);
	arena_done(&j->arena);
	mem_free(j);
}

/* ---- the message ---- */

static bool
says_list(struct slice block)
{
	bool listed = false;
	struct slice value;

	while (block.len > 0 && !listed) {
		struct slice field = mime_lax_take(&block);

		listed = mime_lax_named(field, "List-Id", &value) || mime_lax_named(field, "List-Post", &value);
	}
	return listed;
}

/* A machine that cannot be made is as one that found nothing: results say so, and memory is somebody else's worry. */
void
judge_header(struct judge *j, struct slice block)
{
	const struct dkim_verify_config dkim = { .now = j->now, .borrowed = true };
	const struct arc_verify_config arc = { .now = j->now, .borrowed = true };
	struct dkim_verify *signatures = NULL;
	struct arc_verify *chain = NULL;

	if (j->headed)
		return;
	j->headed = true;
	block = arena_copy(&j->arena, block); /* one for all machines */
	j->listed = says_list(block);
	(void)dmarc_authors(block, &j->arena, &j->authors, NULL);
	if (dkim_verify_new(&dkim, block, &signatures, NULL) == 0)
		j->lanes[LANE_DKIM].machine = signatures;
	if (arc_verify_new(&arc, block, &chain, NULL) == 0)
		j->lanes[LANE_ARC].machine = chain;
}

void
judge_body(struct judge *j, struct slice piece)
{
	if (j->ended)
		return;
	if (j->lanes[LANE_DKIM].machine != NULL)
		dkim_verify_body(j->lanes[LANE_DKIM].machine, piece);
	if (j->lanes[LANE_ARC].machine != NULL)
		arc_verify_body(j->lanes[LANE_ARC].machine, piece);
	if (j->body != NULL)
		dkim_body_put(j->body, piece);
}

void
judge_end(struct judge *j, int64_t now_ms)
{
	judge_header(j, SLICE_EMPTY);
	if (j->ended)
		return;
	if (j->body != NULL && dkim_body_end(j->body, NULL) == 0)
		j->verdict.body_hash = slice_of(dkim_body_hash(j->body, DKIM_BODY_WHOLE), DKIM_BODY_HASH_SIZE);
	j->ended = true;
	j->until_ms = now_ms + JUDGE_MS;
}

struct sender_found
judge_from(const struct judge *j)
{
	return sender_found(judge_sender(j, j->from.len > 0 ? LANE_FROM : LANE_HELO));
}

/* When SPF and DKIM have said what they can. What was not asked for might be anything: that speaks for nobody. */
static void
begin_dmarc(struct judge *j)
{
	bool spf_cut = j->lanes[j->from.len > 0 ? LANE_FROM : LANE_HELO].cut;
	struct dmarc_identifier dkim[MAILAUTH_DKIM_SIGNATURES_MAX];
	struct sender_found from = judge_from(j);
	struct dmarc_config config = { .authors = &j->authors, .dkim = dkim };
	const struct dkim_verify *v = j->lanes[LANE_DKIM].machine;
	struct dmarc *m = NULL;

	config.spf = (struct dmarc_identifier){
		.domain = from.domain, .pass = from.pass, .temporary = from.temporary && !spf_cut
	};
	for (size_t i = 0; v != NULL && i < dkim_verify_count(v) && i < MAILAUTH_DKIM_SIGNATURES_MAX; i++) {
		const struct dkim_signature *s = dkim_verify_result(v, i);

		dkim[config.dkim_count++] = (struct dmarc_identifier){ .domain = s->domain,
			.pass = s->result == DKIM_PASS,
			.temporary = s->result == DKIM_TEMPERROR && !j->lanes[LANE_DKIM].cut };
	}
	if (dmarc_new(&config, &m, NULL) == 0)
		j->lanes[LANE_DMARC].machine = m;
	j->lanes[LANE_DMARC].done = m == NULL;
}

bool
judge_step(struct judge *j, int64_t now_ms)
{
	bool helo, from, dkim, arc;

	if (j->over)
		return true;
	helo = lane_step(j, LANE_HELO, now_ms);
	from = lane_step(j, LANE_FROM, now_ms);
	if (!j->ended)
		return false;
	dkim = lane_step(j, LANE_DKIM, now_ms);
	arc = lane_step(j, LANE_ARC, now_ms);
	if (!helo || !from || !dkim)
		return false;
	if (j->lanes[LANE_DMARC].machine == NULL && !j->lanes[LANE_DMARC].done)
		begin_dmarc(j);
	if (!lane_step(j, LANE_DMARC, now_ms) || !arc)
		return false;
	judge_conclude(j);
	j->over = true;
	return true;
}

int64_t
judge_deadline(const struct judge *j)
{
	bool policy = j->lanes[LANE_DMARC].machine != NULL || j->lanes[LANE_DMARC].done;

	return j->over ? MACHINE_NEVER : until(j, policy ? LANE_DMARC : LANE_DKIM);
}

const struct judge_verdict *
judge_verdict(const struct judge *j)
{
	return &j->verdict;
}
