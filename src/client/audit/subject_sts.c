/* SPDX-License-Identifier: ISC */
/* MTA-STS (RFC 8461): the record, the policy behind it, and whether the servers can keep what it promises. */
#include "client/audit/audit.h"
#include "mailauth/policy/sts.h"

#define POLICY_MAX (64u << 10) /* RFC 8461 section 3.3 */
#define HTTP_OK 200u
#define DAY_S 86400u
#define AGE_GOOD_S (7u * DAY_S)

/* "v=STSv1" records; more than one is none (section 3.1). */
static bool
find_record(struct audit *a)
{
	struct slice records[DNS_RECORDS_MAX], id;
	struct dns_answer answer = { 0 };
	struct error e;
	enum audit_asked asked = audit_ask(a, "_mta-sts.", a->settings->domain, DNS_TXT, &answer, &e);
	size_t n = size_min(answer.record_count, DNS_RECORDS_MAX);

	if (asked == ASKED_FAILED || asked == ASKED_BOGUS) {
		audit_find(a, CHECK_STS, asked == ASKED_BOGUS ? AUDIT_BAD : AUDIT_UNKNOWN, SLICE_EMPTY, "%s", e.text);
		return false;
	}
	for (size_t i = 0; asked == ASKED_FOUND && i < n; i++)
		records[i] = audit_text(a, answer.records[i]);
	if (asked != ASKED_FOUND || n == 0) {
		audit_find(a, CHECK_STS, AUDIT_NOTE, SLICE_EMPTY, "there is no record");
		return false;
	}
	if (!sts_record_id(records, n, &id)) {
		audit_find(a, CHECK_STS, AUDIT_WEAK, SLICE_EMPTY,
		    "the TXT record at _mta-sts is malformed, or there are several");
		return false;
	}
	audit_find(a, CHECK_STS, AUDIT_GOOD, SLICE_EMPTY, "there is a record, with the id %.*s", AUDIT_S(id));
	return true;
}

static bool
fetch_policy(struct audit *a, struct sts_policy *policy)
{
	struct slice host = arena_printf(&a->arena, "mta-sts.%.*s", AUDIT_S(a->settings->domain));
	BUF_OWNED struct buf body = { .max = POLICY_MAX };
	unsigned status = 0;
	struct error e;
	int rc = audit_get(a, host, "/.well-known/mta-sts.txt", &body, &status, &e);

	if (rc == 0 && status != HTTP_OK)
		rc = error_set(&e, ERR_NOT_FOUND, "the server answers with HTTP status %u", status);
	if (rc == 0)
		rc = sts_policy_parse(arena_copy(&a->arena, buf_slice(&body)), policy, &e);
	if (rc != 0)
		audit_find(a, CHECK_STS_POLICY, AUDIT_WEAK, SLICE_EMPTY, "%s", e.text);
	else
		audit_find(a, CHECK_STS_POLICY, AUDIT_GOOD, SLICE_EMPTY, "%zu pattern%s", policy->mx_count,
		    policy->mx_count == 1 ? "" : "s");
	return rc == 0;
}

/* A server that the policy does not name, or whose certificate is not good, is passed over by who enforces it. */
static bool
judge_host(struct audit *a, const struct sts_policy *p, const struct audit_host *h)
{
	enum audit_result wrong = p->mode == STS_ENFORCE ? AUDIT_BAD : AUDIT_WEAK;
	struct slice who = slice_str(h->name);
	bool good = sts_policy_names(p, who);

	audit_find(a, CHECK_STS_HOSTS, good ? AUDIT_GOOD : wrong, who, "%s",
	    good ? "the policy names it" : "the policy does not name it");
	for (size_t i = 0; i < h->look_count; i++) {
		const struct audit_look *look = &h->looks[i];
		bool fits = look->tls && look->seen.chain_good && look->seen.covers_name;

		if (look->failed.code != 0)
			continue;
		if (!fits)
			audit_find(a, CHECK_STS_CERT, wrong, who, "%s",
			    !look->tls                   ? "there is no TLS"
				: !look->seen.chain_good ? look->seen.chain_reason
							 : "its certificate is for another name");
		good &= fits;
	}
	return good;
}

static void
judge_age(struct audit *a, const struct sts_policy *p)
{
	audit_find(a, CHECK_STS_AGE,
	    p->max_age >= AGE_GOOD_S  ? AUDIT_GOOD
		: p->max_age >= DAY_S ? AUDIT_NOTE
				      : AUDIT_WEAK,
	    SLICE_EMPTY, "for %u %s", p->max_age >= 2 * DAY_S ? p->max_age / DAY_S : p->max_age,
	    p->max_age >= 2 * DAY_S ? "days" : "seconds");
}

void
audit_sts(struct audit *a)
{
	struct sts_policy policy;
	bool all = a->host_count > 0;

	if (a->state.null_mx || !find_record(a) || !fetch_policy(a, &policy))
		return;
	a->state.sts_found = policy.mode != STS_NONE;
	audit_find(a, CHECK_STS_MODE, policy.mode == STS_ENFORCE ? AUDIT_GOOD : AUDIT_NOTE, SLICE_EMPTY,
	    "the mode is %s", sts_mode_text(policy.mode));
	if (policy.mode == STS_NONE)
		return;
	judge_age(a, &policy);
	for (size_t i = 0; i < a->host_count; i++)
		all &= judge_host(a, &policy, &a->hosts[i]);
	a->state.sts_enforced = policy.mode == STS_ENFORCE && all;
}
