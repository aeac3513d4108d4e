/* SPDX-License-Identifier: ISC */
/*
 * Counted messages become DMARC reports: one for each policy that was seen on
 * the day, as a report has only one (RFC 9990 section 3.1). No address of a
 * recipient was counted, so none is told.
 */
#include <stdlib.h>

#include "base/date.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "service/judge/tally.h"
#include "service/report/internal.h"

struct policy {
	struct tally as; /* of the first row: only what was published counts */
	struct dmarc_row *rows;
	size_t count, room;
};

struct dmarc_gather {
	struct arena arena;
	uint64_t day;
	struct slice domain;
	struct policy policies[REPORT_DMARC_POLICIES_MAX];
	size_t policy_count;
};

static int
begin(uint64_t day, struct slice domain, void **out, struct error *e)
{
	struct dmarc_gather *g = mem_alloc(sizeof *g);

	if (g == NULL)
		return error_nomem(e);
	g->day = day;
	arena_init(&g->arena, REPORT_ARENA);
	g->domain = arena_copy(&g->arena, domain);
	*out = g;
	return 0;
}

static void
done(void *gather)
{
	struct dmarc_gather *g = gather;

	arena_done(&g->arena);
	mem_free(g);
}

static size_t
count_reports(const void *gather)
{
	return ((const struct dmarc_gather *)gather)->policy_count;
}

/* ---- rows ---- */

static bool
is_same_policy(const struct tally *a, const struct tally *b)
{
	return a->p == b->p && a->has_sp == b->has_sp && a->sp == b->sp && a->has_np == b->has_np && a->np == b->np &&
	    a->strict_dkim == b->strict_dkim && a->strict_spf == b->strict_spf && a->testing == b->testing;
}

/* NULL: there are too many. */
static struct policy *
policy_of(struct dmarc_gather *g, const struct tally *t)
{
	for (size_t i = 0; i < g->policy_count; i++)
		if (is_same_policy(&g->policies[i].as, t))
			return &g->policies[i];
	if (g->policy_count == REPORT_DMARC_POLICIES_MAX)
		return NULL;
	g->policies[g->policy_count].as = *t;
	return &g->policies[g->policy_count++];
}

static struct dmarc_row *
next_row(struct dmarc_gather *g, struct policy *p)
{
	if (p->count == p->room) {
		size_t room = p->room == 0 ? 16 : 2 * p->room;
		struct dmarc_row *grown = arena_array(&g->arena, room, sizeof *grown);

		if (grown == NULL)
			return NULL;
		for (size_t i = 0; i < p->count; i++)
			grown[i] = p->rows[i];
		p->rows = grown;
		p->room = room;
	}
	return &p->rows[p->count];
}

/* A result that it had no cause to have is not told: "none" without a domain. */
static bool
fill(struct dmarc_gather *g, const struct tally *t, uint64_t count, struct dmarc_row *row)
{
	struct dmarc_auth_result *signatures = arena_array(&g->arena, t->signature_count + 1, sizeof *signatures);
	struct dmarc_reason *reason = arena_array(&g->arena, 1, sizeof *reason);

	if (signatures == NULL || reason == NULL)
		return false;
	for (size_t i = 0; i < t->signature_count; i++)
		signatures[i] = (struct dmarc_auth_result){ .domain = t->signatures[i].domain,
			.selector = t->signatures[i].selector,
			.result = t->signatures[i].result };
	*reason = (struct dmarc_reason){ .type = t->reason, .comment = t->comment };
	*row = (struct dmarc_row){ .source = t->source,
		.count = count,
		.disposition = (enum dmarc_disposition)t->disposition,
		.dkim = t->dkim,
		.spf = t->spf,
		.header_from = t->header_from,
		.envelope_from = t->envelope_from,
		.null_sender = t->null_sender,
		.reasons = reason,
		.reason_count = t->reason.len > 0 ? 1 : 0,
		.dkim_results = signatures,
		.dkim_count = t->signature_count,
		.has_spf = t->sender.domain.len > 0,
		.spf_result = { .domain = t->sender.domain, .result = t->sender.result } };
	return true;
}

static int
add(void *gather, struct slice octets, uint64_t count, struct error *e)
{
	struct dmarc_gather *g = gather;
	struct dmarc_row *row = NULL;
	struct policy *p = NULL;
	struct tally t;
	struct slice copy = arena_copy(&g->arena, octets);

	/* A row of another program's making, or from no address that can be told, is left out. */
	if (g->arena.err == 0 && tally_read(copy, &g->arena, &t, NULL) == 0 && dmarc_report_is_address(t.source))
		p = policy_of(g, &t);
	if (p != NULL)
		row = next_row(g, p);
	if (row != NULL && fill(g, &t, count, row))
		p->count++;
	return g->arena.err != 0 ? error_set(e, g->arena.err, "no room for a report") : 0;
}

/* ---- the report ---- */

/* Those with the most messages first: when some must go, these stay. */
static int
most_first(const void *a, const void *b)
{
	const struct dmarc_row *x = a, *y = b;

	return x->count > y->count ? -1 : x->count < y->count;
}

static int
make(struct dmarc_gather *g, size_t i, unsigned cut, struct slice submitter, struct dmarc_report *out, struct error *e)
{
	/* The same day's report has the same name, sent twice or not. */
	static const uint8_t key[SIPHASH_KEY_SIZE] = { 0 };
	const struct policy *p = &g->policies[i];
	size_t count = p->count >> cut; /* each time half of them: some always fit */

	if (count == 0)
		count = 1;
	qsort(p->rows, p->count, sizeof *p->rows, most_first);
	*out = (struct dmarc_report){ .organization = submitter,
		.email = arena_printf(&g->arena, "postmaster@%.*s", (int)submitter.len, (const char *)submitter.data),
		.id = arena_printf(&g->arena, "dmarc.%llu.%zu.%016llx@%.*s", (unsigned long long)g->day, i,
		    (unsigned long long)siphash(key, g->domain), (int)submitter.len, (const char *)submitter.data),
		.generator = SLICE("Letterlock " LETTERLOCK_VERSION),
		.begin = g->day * DATE_DAY,
		.end = g->day * DATE_DAY + DATE_DAY - 1,
		.domain = g->domain,
		.p = (enum dmarc_policy)p->as.p,
		.sp = (enum dmarc_policy)p->as.sp,
		.np = (enum dmarc_policy)p->as.np,
		.has_sp = p->as.has_sp,
		.has_np = p->as.has_np,
		.strict_dkim = p->as.strict_dkim,
		.strict_spf = p->as.strict_spf,
		.testing = p->as.testing,
		.rows = p->rows,
		.count = count };
	if (count < p->count)
		out->error =
		    arena_printf(&g->arena, "%zu rows with the fewest messages are left out", p->count - count);
	return g->arena.err != 0 ? error_set(e, g->arena.err, "no room for a report") : 0;
}

static void
put_people(const struct dmarc_report *r, struct buf *out)
{
	struct dmarc_summary sum;

	dmarc_report_summary(r, &sum);
	(void)buf_put_str(out, "This is a DMARC aggregate report from\r\n");
	(void)buf_put_slice(out, r->organization);
	(void)buf_put_str(out, "\r\nabout mail in the name of\r\n");
	(void)buf_put_slice(out, r->domain);
	(void)buf_putf(out, "\r\n\r\n    passed DMARC: %llu\r\n    failed:       %llu\r\n\r\n",
	    (unsigned long long)sum.passed, (unsigned long long)(sum.messages - sum.passed));
}

static int
compose(void *gather, size_t i, unsigned cut, struct report_letter *out, struct error *e)
{
	struct dmarc_report r;
	int rc = make(gather, i, cut, out->submitter, &r, e);

	if (rc == 0)
		rc = dmarc_report_write(&r, &out->document, e);
	if (rc == 0)
		rc = dmarc_report_subject(&r, out->submitter, &out->subject, e);
	if (rc == 0)
		rc = dmarc_report_file(&r, out->submitter, (unsigned)i, &out->file, e);
	if (rc != 0)
		return rc;
	(void)buf_put_slice(&out->contact, r.email);
	(void)buf_put_slice(&out->id, r.id);
	put_people(&r, &out->people);
	out->type = "application/gzip";
	out->container = "multipart/mixed";
	return 0;
}

const struct report_kind report_dmarc = { .name = "dmarc",
	.begin = begin,
	.add = add,
	.count = count_reports,
	.compose = compose,
	.ask = report_ask_dmarc,
	.done = done };
