/* SPDX-License-Identifier: ISC */
#include "mailauth/dmarc/dmarc.h"

#include <stdio.h>
#include <string.h>

#include "base/idn.h"
#include "base/mem.h"
#include "mailauth/dmarc/walk.h"
#include "mailauth/name.h"

#define ARENA_MAX (64u << 10) /* for the names: at most 13 of 255 octets */

struct dmarc {
	struct arena arena;
	struct dmarc_asking asking;
	struct dmarc_authors authors;
	struct dmarc_identifier spf;
	struct dmarc_identifier dkim[MAILAUTH_DKIM_SIGNATURES_MAX];
	size_t dkim_count;
	struct dmarc_verdict verdicts[MAILAUTH_DMARC_AUTHORS_MAX];
	struct dmarc_record records[MAILAUTH_DMARC_AUTHORS_MAX]; /* of the verdicts, settled */
	struct dmarc_verdict all;
	bool done;
};

const char *
dmarc_result_name(enum dmarc_result r)
{
	static const char *const names[] = {
		[DMARC_NONE] = "none",
		[DMARC_PASS] = "pass",
		[DMARC_FAIL] = "fail",
		[DMARC_TEMPERROR] = "temperror",
		[DMARC_PERMERROR] = "permerror",
	};

	return names[r];
}

/* ---- one author ---- */

struct judging {
	struct dmarc_asking *asking;
	const struct dmarc *m;
	struct slice author;
	struct dmarc_verdict *v;
	struct dmarc_record *record; /* kept for v */
	bool broken;                 /* there is a record, but no policy in it */
	bool unknown;                /* of something that would have counted, DNS did not tell */
	bool waits;
};

__attribute__((format(printf, 3, 4))) static void
decide(struct dmarc_verdict *v, enum dmarc_result result, const char *format, ...)
{
	struct error text = { 0 };
	va_list args;
	char sentence[ERROR_TEXT_MAX];

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	(void)error_set(&text, ERR_POLICY, "%s", sentence);
	memcpy(v->reason, text.text, sizeof(v->reason));
	v->result = result;
}

/* The record that applies (RFC 9989 section 4.10.1). False: none can be had (yet). */
static enum dmarc_walked
find_record(struct judging *j)
{
	const struct dmarc_asked *policy = dmarc_ask(j->asking, MAILAUTH_TXT, SLICE("_dmarc."), j->author);
	struct dmarc_walk walk = { .policy_domain = j->author };
	enum dmarc_walked what = DMARC_WALK_DONE;

	if (policy == NULL)
		return DMARC_WALK_WAITS;
	if (policy->found == MAILAUTH_FAILED)
		return DMARC_WALK_FAILED;
	if (dmarc_asked_record(policy) == NULL) {
		what = dmarc_walk(j->asking, j->author, &walk);
		policy = walk.policy;
		j->v->organization = walk.organization;
	}
	if (what != DMARC_WALK_DONE || policy == NULL)
		return what;
	*j->record = policy->record;
	j->broken = !dmarc_record_settle(j->record);
	if (!j->broken) {
		j->v->record = j->record;
		j->v->domain = walk.policy_domain;
		j->v->testing = j->record->testing;
		j->v->secure = policy->secure;
	}
	return DMARC_WALK_DONE;
}

/* Which of its policies. Whether the author's domain exists is asked only where that makes a difference. */
static enum dmarc_walked
find_policy(struct judging *j)
{
	const struct dmarc_record *r = j->record;
	const struct dmarc_asked *asked;

	j->v->published = r->p;
	j->v->tag = "p";
	if (mailauth_name_is(j->v->domain, j->author))
		return DMARC_WALK_DONE;
	j->v->published = r->sp;
	j->v->tag = r->has_sp ? "sp" : "p";
	asked = dmarc_ask(j->asking, MAILAUTH_TXT, SLICE("_dmarc."), j->author);
	if (!r->has_np || r->np == r->sp || asked == NULL || asked->found != MAILAUTH_NO_NAME)
		return DMARC_WALK_DONE; /* below a name that exists, no name would be missing (RFC 8020) */
	asked = dmarc_ask(j->asking, MAILAUTH_A, SLICE_EMPTY, j->author);
	if (asked == NULL)
		return DMARC_WALK_WAITS;
	if (asked->found == MAILAUTH_NO_NAME) {
		j->v->published = r->np;
		j->v->tag = "np";
	}
	return asked->found == MAILAUTH_FAILED ? DMARC_WALK_FAILED : DMARC_WALK_DONE;
}

/* ---- alignment (section 4.10.2) ---- */

static bool
waited(struct judging *j, enum dmarc_walked what)
{
	if (what == DMARC_WALK_WAITS)
		j->waits = true;
	if (what == DMARC_WALK_FAILED)
		j->unknown = true;
	return what != DMARC_WALK_DONE;
}

static struct slice
last_label(struct slice name)
{
	size_t labels = mailauth_name_labels(name);

	return labels > 1 ? mailauth_name_above(name, labels - 1) : name;
}

static bool
is_aligned(struct judging *j, struct slice domain, bool strict)
{
	struct dmarc_walk author, other;

	if (mailauth_name_is(domain, j->author))
		return true;
	if (strict || !mailauth_name_can_be(domain) || !mailauth_name_is(last_label(domain), last_label(j->author)))
		return false;
	if (waited(j, dmarc_walk(j->asking, j->author, &author)))
		return false;
	j->v->organization = author.organization;
	if (!mailauth_name_below(domain, author.organization) || waited(j, dmarc_walk(j->asking, domain, &other)))
		return false;
	return mailauth_name_is(author.organization, other.organization);
}

static void
align_dkim(struct judging *j)
{
	const struct dmarc *m = j->m;

	/* Those of the very same domain first: they need no questions, and are the better ones (RFC 9990 section 3.1.3). */
	for (size_t round = 0; round < 2 && !j->v->dkim_aligned && !j->waits; round++)
		for (size_t i = 0; i < m->dkim_count && !j->v->dkim_aligned && !j->waits; i++)
			if (m->dkim[i].pass && is_aligned(j, m->dkim[i].domain, round == 0 || j->record->strict_dkim)) {
				j->v->dkim_aligned = true;
				j->v->dkim = i;
			}
}

/* What might have passed, had DNS answered: then nothing has failed either. */
static bool
might_pass(struct judging *j)
{
	const struct dmarc *m = j->m;
	bool might = m->spf.temporary && is_aligned(j, m->spf.domain, j->record->strict_spf);

	for (size_t i = 0; i < m->dkim_count && !might; i++)
		might = m->dkim[i].temporary && is_aligned(j, m->dkim[i].domain, j->record->strict_dkim);
	return might;
}

/* ---- the verdict ---- */

static enum dmarc_policy
one_below(enum dmarc_policy p)
{
	return p == DMARC_POLICY_REJECT ? DMARC_POLICY_QUARANTINE : DMARC_POLICY_NONE;
}

static void
decide_failure(struct judging *j, bool policy_known)
{
	struct slice author = j->author;
	bool might = might_pass(j);

	if (j->waits)
		return;
	if (might || j->unknown || !policy_known) {
		decide(j->v, DMARC_TEMPERROR, "whether it is from %.*s could not be found out: DNS did not answer",
		    (int)author.len, (const char *)author.data);
		return;
	}
	decide(
	    j->v, DMARC_FAIL, "neither SPF nor a signature vouch for %.*s", (int)author.len, (const char *)author.data);
	j->v->policy = j->v->testing ? one_below(j->v->published) : j->v->published;
}

static void
decide_pass(struct judging *j)
{
	const struct dmarc_identifier *by = j->v->dkim_aligned ? &j->m->dkim[j->v->dkim] : &j->m->spf;

	decide(j->v, DMARC_PASS, "%s of %.*s vouches for %.*s", j->v->dkim_aligned ? "a signature" : "SPF",
	    (int)by->domain.len, (const char *)by->domain.data, (int)j->author.len, (const char *)j->author.data);
}

static void
align(struct judging *j)
{
	enum dmarc_walked what = find_policy(j);

	j->v->spf_aligned = j->m->spf.pass && is_aligned(j, j->m->spf.domain, j->record->strict_spf);
	if (!j->waits)
		align_dkim(j);
	if (what == DMARC_WALK_WAITS)
		j->waits = true;
	if (j->waits)
		return;
	if (j->v->spf_aligned || j->v->dkim_aligned)
		decide_pass(j);
	else
		decide_failure(j, what == DMARC_WALK_DONE);
}

/* False: a question is open. */
static bool
judge(struct dmarc *m, size_t i)
{
	struct dmarc_verdict verdict = { .author = m->authors.domains[i] };
	struct judging j = {
		.asking = &m->asking, .m = m, .author = verdict.author, .v = &verdict, .record = &m->records[i]
	};
	enum dmarc_walked what = find_record(&j);

	if (what == DMARC_WALK_WAITS)
		return false;
	if (what == DMARC_WALK_FAILED)
		decide(&verdict, DMARC_TEMPERROR, "the policy of %.*s could not be found out: DNS did not answer",
		    (int)j.author.len, (const char *)j.author.data);
	else if (verdict.record == NULL)
		decide(&verdict, DMARC_NONE,
		    j.broken ? "the record for %.*s has no policy that can be understood"
			     : "no policy is published for %.*s",
		    (int)j.author.len, (const char *)j.author.data);
	else
		align(&j);
	m->verdicts[i] = verdict;
	return !j.waits;
}

/* ---- all authors (section 11.5) ---- */

/* A failure first, of the strictest policy; then what is not known; a pass only if all pass. */
static unsigned
weight(const struct dmarc_verdict *v)
{
	static const unsigned weights[] = {
		[DMARC_PASS] = 0, [DMARC_NONE] = 1, [DMARC_PERMERROR] = 2, [DMARC_TEMPERROR] = 3, [DMARC_FAIL] = 4
	};

	return weights[v->result] + (v->result == DMARC_FAIL ? (unsigned)v->policy : 0);
}

static void
conclude(struct dmarc *m)
{
	const struct dmarc_authors *a = &m->authors;

	if (a->count == 0) {
		decide(&m->all, DMARC_PERMERROR,
		    a->fields == 0 ? "the message has no From field" : "the From field names no domain");
		return;
	}
	m->all = m->verdicts[0];
	for (size_t i = 1; i < a->count; i++)
		if (weight(&m->verdicts[i]) > weight(&m->all))
			m->all = m->verdicts[i];
	if (m->all.result == DMARC_FAIL || m->all.result == DMARC_TEMPERROR)
		return;
	if (a->fields > 1)
		decide(&m->all, DMARC_PERMERROR, "the message has %zu From fields", a->fields);
	else if (a->more)
		decide(&m->all, DMARC_PERMERROR, "the From field has more than %u domains", MAILAUTH_DMARC_AUTHORS_MAX);
	else if (a->broken && a->count > 1) /* with one domain only, many senders' display names are to blame */
		decide(&m->all, DMARC_PERMERROR, "the From field is not understood");
}

/* ---- the machine ---- */

/* A-labels in small letters; what is no name stays as it is, and aligns with nothing. */
static struct slice
copy_name(struct dmarc *m, struct slice name)
{
	BUF_OWNED struct buf ascii = { .max = IDN_NAME_MAX };

	name = mailauth_name_bare(slice_sub(name, 0, IDN_NAME_MAX));
	if (idn_to_ascii(name, &ascii, NULL) != 0)
		return arena_copy(&m->arena, name);
	return arena_copy(&m->arena, buf_slice(&ascii));
}

int
dmarc_new(const struct dmarc_config *config, struct dmarc **out, struct error *e)
{
	struct dmarc *m = mem_alloc(sizeof(*m));

	if (m == NULL)
		return error_nomem(e);
	arena_init(&m->arena, ARENA_MAX);
	m->authors = *config->authors;
	for (size_t i = 0; i < m->authors.count; i++)
		m->authors.domains[i] = copy_name(m, config->authors->domains[i]);
	m->spf = config->spf;
	m->spf.domain = copy_name(m, config->spf.domain);
	m->dkim_count = size_min(config->dkim_count, MAILAUTH_DKIM_SIGNATURES_MAX);
	for (size_t i = 0; i < m->dkim_count; i++) {
		m->dkim[i] = config->dkim[i];
		m->dkim[i].domain = copy_name(m, config->dkim[i].domain);
	}
	if (m->arena.err != 0) {
		dmarc_free(m);
		return error_nomem(e);
	}
	*out = m;
	return 0;
}

enum dmarc_what
dmarc_next(struct dmarc *m, struct mailauth_question *question_out)
{
	bool waits = false;

	for (size_t i = 0; i < m->authors.count && !waits && !m->done; i++)
		waits = !judge(m, i);
	if (waits && m->asking.open != NULL) {
		*question_out =
		    (struct mailauth_question){ .type = m->asking.open->type, .name = m->asking.open->name };
		return DMARC_LOOKUP;
	}
	if (!m->done)
		conclude(m);
	m->done = true;
	return DMARC_DONE;
}

void
dmarc_answer(struct dmarc *m, const struct mailauth_answer *answer)
{
	dmarc_asking_answer(&m->asking, answer);
}

const struct dmarc_verdict *
dmarc_verdict(const struct dmarc *m)
{
	return &m->all;
}

size_t
dmarc_verdict_count(const struct dmarc *m)
{
	return m->authors.count;
}

const struct dmarc_verdict *
dmarc_verdict_at(const struct dmarc *m, size_t i)
{
	return i < m->authors.count ? &m->verdicts[i] : NULL;
}

void
dmarc_free(struct dmarc *m)
{
	if (m == NULL)
		return;
	dmarc_asking_done(&m->asking);
	arena_done(&m->arena);
	mem_free(m);
}
