/* SPDX-License-Identifier: ISC */
/* SPF (RFC 7208): the record as receivers evaluate it, for an address that nobody has. */
#include "client/audit/lookup.h"
#include "mailauth/spf/spf.h"

#define LOOKUPS_MAX 10u /* RFC 7208 section 4.6.4 */
#define LOOKUPS_MANY 8u

/* 203.0.113.254, of TEST-NET-3 (RFC 5737): what it may, everybody may; and the evaluation goes to the record's end. */
static const uint8_t nobody[4] = { 203, 0, 113, 254 };

static void
judge(struct audit *a, const struct spf_outcome *o)
{
	static const struct {
		enum audit_result result;
		const char *words;
	} ends[SPF_RESULT_COUNT] = {
		[SPF_NEUTRAL] = { AUDIT_WEAK, "it does not say whether others may send" },
		[SPF_PASS] = { AUDIT_BAD, "everybody may send as the domain" },
		[SPF_FAIL] = { AUDIT_GOOD, "others may not (-all)" },
		[SPF_SOFTFAIL] = { AUDIT_GOOD, "others probably may not (~all)" },
	};

	switch (o->result) {
	case SPF_NONE:
		audit_find(a, CHECK_SPF, AUDIT_WEAK, SLICE_EMPTY, "there is no record");
		return;
	case SPF_TEMPERROR:
		audit_find(a, CHECK_SPF, AUDIT_UNKNOWN, SLICE_EMPTY, "%s", o->reason);
		return;
	case SPF_PERMERROR:
		audit_find(a, o->lookups >= LOOKUPS_MAX ? CHECK_SPF_LOOKUPS : CHECK_SPF, AUDIT_BAD, SLICE_EMPTY, "%s",
		    o->reason);
		return;
	case SPF_NEUTRAL:
	case SPF_PASS:
	case SPF_FAIL:
	case SPF_SOFTFAIL:
	case SPF_RESULT_COUNT:
		break;
	}
	audit_find(a, CHECK_SPF_ALL, ends[o->result].result, SLICE_EMPTY, "%s", ends[o->result].words);
	audit_find(a, CHECK_SPF_LOOKUPS, o->lookups > LOOKUPS_MANY ? AUDIT_NOTE : AUDIT_GOOD, SLICE_EMPTY,
	    "%u of at most %u look-ups", o->lookups, LOOKUPS_MAX);
}

static void
show_record(struct audit *a)
{
	struct dns_answer answer;
	struct slice text = SLICE_EMPTY;

	if (audit_ask(a, "", a->settings->domain, DNS_TXT, &answer, NULL) == ASKED_FOUND &&
	    audit_records(a, &answer, "v=spf1", &text) == 1)
		audit_find(a, CHECK_SPF, AUDIT_GOOD, SLICE_EMPTY, "%.*s", AUDIT_S(text));
}

void
audit_spf(struct audit *a)
{
	const struct spf_config config = { .identity = SPF_MAIL_FROM,
		.ip = slice_of(nobody, sizeof nobody),
		.helo = a->settings->domain,
		.mail_from = arena_printf(&a->arena, "postmaster@%.*s", AUDIT_S(a->settings->domain)),
		.now = a->now };
	struct mailauth_question q;
	struct mailauth_answer answer;
	struct spf *s = NULL;

	audit_progress(a, "Asking DNS for the SPF of", a->settings->domain);
	if (spf_new(&config, &s, NULL) != 0)
		return;
	while (spf_next(s, &q) == SPF_LOOKUP) {
		audit_answer(a, &q, &answer);
		spf_answer(s, &answer);
	}
	show_record(a);
	judge(a, spf_outcome(s));
	spf_free(s);
}
