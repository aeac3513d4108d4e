/* SPDX-License-Identifier: ISC */
/* Counted TLS sessions become a report: one policy for each that was published, with its sums and kinds of failure. */
#include "base/date.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "service/policy/tally.h"
#include "service/queue/queue.h"
#include "service/report/internal.h"

_Static_assert(REPORT_POLICIES_MAX <= UINT8_MAX && REPORT_POLICIES_MAX <= TLSRPT_POLICIES_MAX &&
	REPORT_DETAILS_MAX <= TLSRPT_FAILURES_MAX,
    "who reads as we do takes it");

int
tls_gather_begin(struct tls_gather *g, uint64_t day, struct slice domain, struct error *e)
{
	*g = (struct tls_gather){ .day = day };
	arena_init(&g->arena, REPORT_ARENA);
	g->domain = arena_copy(&g->arena, domain);
	g->failures = arena_array(&g->arena, REPORT_DETAILS_MAX, sizeof *g->failures);
	g->owners = arena_array(&g->arena, REPORT_DETAILS_MAX, sizeof *g->owners);
	return g->arena.err != 0 ? error_set(e, g->arena.err, "no room for a report") : 0;
}

void
tls_gather_done(struct tls_gather *g)
{
	arena_done(&g->arena);
}

static bool
is_of(const struct tlsrpt_policy *p, const struct tls_tally *t)
{
	if (!slice_eq_str(p->type, tlsrpt_policy_text((enum tlsrpt_policy_type)t->type)) ||
	    p->string_count != t->line_count)
		return false;
	for (size_t i = 0; i < t->line_count; i++)
		if (!slice_eq(p->strings[i], t->lines[i].text))
			return false;
	return true;
}

static void
take_lines(struct tls_gather *g, struct tlsrpt_policy *p, const struct tls_tally *t)
{
	const struct slice mark = SLICE("mx:");
	struct slice *strings = arena_array(&g->arena, t->line_count + 1, sizeof *strings);
	struct slice *mx = arena_array(&g->arena, t->line_count + 1, sizeof *mx);

	for (size_t i = 0; strings != NULL && mx != NULL && i < t->line_count; i++) {
		strings[p->string_count++] = t->lines[i].text;
		if (t->type == TLSRPT_STS && slice_starts(t->lines[i].text, mark))
			mx[p->mx_count++] = slice_trim(slice_from(t->lines[i].text, mark.len));
	}
	p->strings = strings;
	p->mx = mx;
}

/* The row's policy, perhaps a new one; NULL: there are too many. */
static struct tlsrpt_policy *
policy_of(struct tls_gather *g, const struct tls_tally *t)
{
	struct tlsrpt_policy *p;

	for (size_t i = 0; i < g->policy_count; i++)
		if (is_of(&g->policies[i], t))
			return &g->policies[i];
	if (g->policy_count == REPORT_POLICIES_MAX)
		return NULL;
	p = &g->policies[g->policy_count++];
	*p = (struct tlsrpt_policy){ .type = slice_str(tlsrpt_policy_text((enum tlsrpt_policy_type)t->type)),
		.domain = g->domain };
	take_lines(g, p, t);
	return p;
}

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return b > TLSRPT_COUNT_MAX - a ? TLSRPT_COUNT_MAX : a + b;
}

int
tls_gather_add(struct tls_gather *g, struct slice row, uint64_t count, struct error *e)
{
	struct tls_tally t;
	struct tlsrpt_policy *p;
	struct slice copy = arena_copy(&g->arena, row);
	int rc = g->arena.err != 0 ? g->arena.err : tls_tally_read(copy, &g->arena, &t, e);

	if (rc != 0 && g->arena.err == 0)
		return 0; /* a row of another program's making */
	p = rc == 0 ? policy_of(g, &t) : NULL;
	if (g->arena.err != 0)
		return error_set(e, g->arena.err, "no room for a report");
	if (p == NULL)
		return 0;
	if (t.result == TLSRPT_SUCCESS) {
		p->successful = sum(p->successful, count);
		return 0;
	}
	p->failed = sum(p->failed, count);
	if (g->failure_count == REPORT_DETAILS_MAX)
		return 0;
	g->owners[g->failure_count] = (uint8_t)(p - g->policies);
	g->failures[g->failure_count++] =
	    (struct tlsrpt_failure){ .result = slice_str(tlsrpt_result_text((enum tlsrpt_result)t.result)),
		    .sending_ip = t.sending_ip,
		    .mx_name = t.mx_name,
		    .mx_ip = t.mx_ip,
		    .reason = t.reason,
		    .count = sum(0, count) };
	return 0;
}

static void
give_failures(
    const struct tls_gather *g, size_t policy, struct tlsrpt_failure *all, size_t *at, struct tlsrpt_policy *p)
{
	p->failures = all + *at;
	p->failure_count = 0;
	for (size_t i = 0; i < g->failure_count; i++)
		if (g->owners[i] == policy) {
			all[(*at)++] = g->failures[i];
			p->failure_count++;
		}
}

int
tls_gather_report(
    struct tls_gather *g, struct slice submitter, bool details, struct tlsrpt_report *out, struct error *e)
{
	static const uint8_t key[SIPHASH_KEY_SIZE] = {
		0
	}; /* the same day's report has the same name, sent twice or not */
	struct tlsrpt_failure *all = arena_array(&g->arena, g->failure_count + 1, sizeof *all);
	size_t at = 0;

	*out = (struct tlsrpt_report){ .organization = submitter,
		.contact = arena_printf(&g->arena, "postmaster@%.*s", (int)submitter.len, (const char *)submitter.data),
		.id = arena_printf(&g->arena, "tls.%llu.%016llx@%.*s", (unsigned long long)g->day,
		    (unsigned long long)siphash(key, g->domain), (int)submitter.len, (const char *)submitter.data),
		.begin = (int64_t)g->day * DATE_DAY,
		.end = (int64_t)g->day * DATE_DAY + DATE_DAY - 1,
		.policies = g->policies,
		.policy_count = g->policy_count };
	if (all == NULL || g->arena.err != 0)
		return error_set(e, g->arena.err, "no room for a report");
	for (size_t i = 0; i < g->policy_count; i++) {
		g->policies[i].failure_count = 0;
		if (details)
			give_failures(g, i, all, &at, &g->policies[i]);
	}
	return 0;
}

/* ---- as a letter ---- */

static void
put_people(const struct tlsrpt_report *r, const struct report_letter *l, struct buf *out)
{
	struct tlsrpt_summary sum;

	tlsrpt_report_summary(r, &sum);
	(void)buf_put_str(out, "This is an aggregate TLS report from\r\n");
	(void)buf_put_slice(out, l->submitter);
	(void)buf_put_str(out, "\r\nabout sessions with the mail servers of\r\n");
	(void)buf_put_slice(out, l->domain);
	(void)buf_putf(out,
	    "\r\n\r\n    encrypted as that domain asks: %llu\r\n    failed:                        %llu\r\n\r\n",
	    (unsigned long long)sum.successful, (unsigned long long)sum.failed);
}

/* With all failures, or with the sums alone when that is too long. */
static int
compose(void *gather, size_t i, unsigned cut, struct report_letter *out, struct error *e)
{
	struct tlsrpt_report r;
	int rc = cut > 1 ? error_set(e, ERR_LIMIT, "a report is too long for a letter")
			 : tls_gather_report(gather, out->submitter, cut == 0, &r, e);

	(void)i;
	if (rc == 0)
		rc = tlsrpt_report_write(&r, &out->document, e);
	if (rc == 0)
		rc = tlsrpt_report_subject(&r, out->submitter, out->domain, &out->subject, e);
	if (rc == 0)
		rc = tlsrpt_report_file(&r, out->submitter, out->domain, &out->file, e);
	if (rc != 0)
		return rc;
	(void)buf_put_slice(&out->contact, r.contact);
	(void)buf_put_slice(&out->id, r.id);
	(void)buf_put_str(&out->fields, "TLS-Report-Domain: ");
	(void)buf_put_slice(&out->fields, out->domain);
	(void)buf_put_str(&out->fields, "\r\nTLS-Report-Submitter: ");
	(void)buf_put_slice(&out->fields, out->submitter);
	/* It is to arrive where TLS is what is broken (RFC 8460 section 3, RFC 8689 section 5). */
	(void)buf_put_str(&out->fields, "\r\nTLS-Required: No\r\n");
	put_people(&r, out, &out->people);
	out->type = "application/tlsrpt+gzip";
	out->container = "multipart/report; report-type=\"tlsrpt\"";
	return 0;
}

static int
begin(uint64_t day, struct slice domain, void **out, struct error *e)
{
	struct tls_gather *g = mem_alloc(sizeof *g);
	int rc = g == NULL ? error_nomem(e) : tls_gather_begin(g, day, domain, e);

	if (rc != 0 && g != NULL)
		tls_gather_done(g);
	if (rc != 0)
		mem_free(g);
	else
		*out = g;
	return rc;
}

static int
add(void *gather, struct slice row, uint64_t count, struct error *e)
{
	return tls_gather_add(gather, row, count, e);
}

static size_t
count_reports(const void *gather)
{
	return ((const struct tls_gather *)gather)->policy_count > 0 ? 1 : 0;
}

static void
done(void *gather)
{
	tls_gather_done(gather);
	mem_free(gather);
}

const struct report_kind report_tls = { .name = "tls",
	.flags = QUEUE_TLS_OPTIONAL,
	.begin = begin,
	.add = add,
	.count = count_reports,
	.compose = compose,
	.ask = report_ask_tls,
	.done = done };
