/* SPDX-License-Identifier: ISC */
/* Where others tell what failed (RFC 8460 section 3): one TXT record with addresses. */
#include "client/audit/audit.h"

#include "mailauth/policy/tlsrpt.h"

#define VERSION "v=TLSRPTv1"

/* The addresses, as reporters read them, commas between. */
static struct slice
join(struct audit *a, const struct tlsrpt_record *record)
{
	struct buf text BUF_OWNED = { 0 };

	buf_init(&text, DNS_RECORDS_OCTETS);
	for (size_t i = 0; i < record->count; i++) {
		(void)buf_put_str(&text, i > 0 ? ", " : "");
		(void)buf_put_slice(&text, record->uris[i].text);
	}
	return arena_copy(&a->arena, buf_slice(&text));
}

static void
judge(struct audit *a, struct slice text)
{
	struct tlsrpt_record record;
	struct slice to;

	if (!tlsrpt_record_find(&text, 1, &record)) {
		audit_find(a, CHECK_TLSRPT, AUDIT_WEAK, SLICE_EMPTY, "it is malformed, which is as good as none: %.*s",
		    AUDIT_S(text));
		return;
	}
	to = join(a, &record);
	if (record.count == 0)
		audit_find(a, CHECK_TLSRPT, AUDIT_WEAK, SLICE_EMPTY,
		    "it has no address that reports can be sent to: %.*s", AUDIT_S(text));
	else
		audit_find(a, CHECK_TLSRPT, AUDIT_GOOD, SLICE_EMPTY, "they go to %.*s", AUDIT_S(to));
}

void
audit_tlsrpt(struct audit *a)
{
	struct dns_answer answer = { 0 };
	struct slice record = SLICE_EMPTY;
	struct error e;
	enum audit_asked asked = audit_ask(a, "_smtp._tls.", a->settings->domain, DNS_TXT, &answer, &e);
	size_t count = asked == ASKED_FOUND ? audit_records(a, &answer, VERSION, &record) : 0;

	if (a->state.null_mx)
		return;
	if (asked == ASKED_FAILED || asked == ASKED_BOGUS) {
		audit_find(
		    a, CHECK_TLSRPT, asked == ASKED_BOGUS ? AUDIT_BAD : AUDIT_UNKNOWN, SLICE_EMPTY, "%s", e.text);
		return;
	}
	if (count == 0)
		audit_find(a, CHECK_TLSRPT, AUDIT_NOTE, SLICE_EMPTY, "there is no record");
	else if (count > 1)
		audit_find(
		    a, CHECK_TLSRPT, AUDIT_WEAK, SLICE_EMPTY, "there are %zu records, which is as good as none", count);
	else
		judge(a, record);
}
