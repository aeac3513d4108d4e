/* SPDX-License-Identifier: ISC */
/* What DMARC says of mail in the domain's name, found as receivers find it: by RFC 9989's tree walk. */
#include "client/audit/lookup.h"
#include "mailauth/dmarc/destination.h"
#include "mailauth/dmarc/dmarc.h"

#define ADDRESSES_TEXT 900u

static void
judge_policy(struct audit *a, const struct dmarc_verdict *v)
{
	const struct dmarc_record *r = v->record;
	bool stops = v->published != DMARC_POLICY_NONE && !r->testing;

	if (r->broken_policy || !r->has_policy)
		audit_find(a, CHECK_DMARC, AUDIT_WEAK, SLICE_EMPTY, "%s",
		    r->has_policy ? "sp= or np= cannot be understood" : "p= is missing or cannot be understood");
	audit_find(a, CHECK_DMARC_POLICY, stops ? AUDIT_GOOD : AUDIT_WEAK, SLICE_EMPTY,
	    "for mail that fails it asks for %s (%s=)%s", dmarc_policy_name(v->published),
	    v->tag == NULL ? "p" : v->tag, r->testing ? ", but only as a test (t=y)" : "");
}

/* Addresses elsewhere have to agree (RFC 9990 section 4), or the reports are not sent. */
static void
judge_reports(struct audit *a, const struct dmarc_verdict *v)
{
	BUF_OWNED struct buf text = { .max = ADDRESSES_TEXT };
	struct dmarc_destination *d = NULL;
	struct mailauth_question q;
	struct mailauth_answer answer;
	size_t n;

	if (v->record->rua.seen == 0) {
		audit_find(a, CHECK_DMARC_REPORTS, AUDIT_NOTE, SLICE_EMPTY, "no reports are asked for");
		return;
	}
	if (dmarc_destination_new(v->domain, &v->record->rua, &d, NULL) != 0)
		return;
	while (dmarc_destination_next(d, &q) == DMARC_DESTINATION_LOOKUP) {
		audit_answer(a, &q, &answer);
		dmarc_destination_answer(d, &answer);
	}
	n = dmarc_destination_count(d);
	for (size_t i = 0; i < n; i++)
		(void)buf_putf(&text, "%s%.*s", i > 0 ? ", " : "", AUDIT_S(dmarc_destination_address(d, i)));
	if (n >= v->record->rua.count && n > 0)
		audit_find(
		    a, CHECK_DMARC_REPORTS, AUDIT_GOOD, SLICE_EMPTY, "they go to %.*s", AUDIT_S(buf_slice(&text)));
	else if (dmarc_destination_temporary(d))
		audit_find(a, CHECK_DMARC_REPORTS, AUDIT_UNKNOWN, SLICE_EMPTY,
		    "whether the addresses agree could not be asked");
	else
		audit_find(a, CHECK_DMARC_REPORTS, AUDIT_WEAK, SLICE_EMPTY,
		    "of %zu addresses %zu can be used: others are in domains that did not agree, or no mailto:",
		    v->record->rua.seen, n);
	dmarc_destination_free(d);
}

static void
judge(struct audit *a, const struct dmarc_verdict *v)
{
	if (v->result == DMARC_TEMPERROR) {
		audit_find(a, CHECK_DMARC, AUDIT_UNKNOWN, SLICE_EMPTY, "%s", v->reason);
		return;
	}
	if (v->record == NULL) {
		audit_find(
		    a, CHECK_DMARC, AUDIT_WEAK, SLICE_EMPTY, "there is no record: everybody may write as the domain");
		return;
	}
	audit_find(a, CHECK_DMARC, AUDIT_GOOD, SLICE_EMPTY, "the record of %.*s%s", AUDIT_S(v->domain),
	    v->secure ? ", by DNSSEC" : "");
	judge_policy(a, v);
	judge_reports(a, v);
}

void
audit_dmarc(struct audit *a)
{
	struct dmarc_authors authors = { .domains = { a->settings->domain }, .count = 1, .fields = 1 };
	/* A letter of theirs for which nothing passed: what would be done with it? */
	const struct dmarc_config config = { .authors = &authors };
	struct mailauth_question q;
	struct mailauth_answer answer;
	struct dmarc *m = NULL;

	audit_progress(a, "Asking DNS for the DMARC of", a->settings->domain);
	if (dmarc_new(&config, &m, NULL) != 0)
		return;
	while (dmarc_next(m, &q) == DMARC_LOOKUP) {
		audit_answer(a, &q, &answer);
		dmarc_answer(m, &answer);
	}
	judge(a, dmarc_verdict(m));
	dmarc_free(m);
}
