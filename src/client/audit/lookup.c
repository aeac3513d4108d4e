/* SPDX-License-Identifier: ISC */
#include "client/audit/lookup.h"

#include "mailauth/limits.h"

#define MX_HEAD 2u

/* As lookup.h wants it: texts and octets instead of RDATA. */
static struct slice
plain(struct audit *a, enum mailauth_rr type, struct slice rdata)
{
	BUF_OWNED struct buf name = { .max = DNS_TEXT_MAX };

	switch (type) {
	case MAILAUTH_TXT:
		return audit_text(a, rdata);
	case MAILAUTH_MX:
		rdata = slice_from(rdata, MX_HEAD);
		break;
	case MAILAUTH_PTR:
		break;
	case MAILAUTH_A:
	case MAILAUTH_AAAA:
		return rdata;
	}
	return dns_name_text(rdata, &name, NULL) == 0 ? arena_copy(&a->arena, buf_slice(&name)) : SLICE_EMPTY;
}

void
audit_answer(struct audit *a, const struct mailauth_question *q, struct mailauth_answer *out)
{
	struct dns_answer answer;
	struct slice *records;

	*out = (struct mailauth_answer){ .found = MAILAUTH_FAILED };
	switch (audit_ask(a, "", q->name, (enum dns_type)q->type, &answer, NULL)) {
	case ASKED_NO_NAME:
		out->found = MAILAUTH_NO_NAME;
		break;
	case ASKED_NONE:
		out->found = MAILAUTH_NONE;
		break;
	case ASKED_BOGUS:
	case ASKED_FAILED:
		return;
	case ASKED_FOUND:
		records = arena_array(&a->arena, answer.record_count, sizeof *records);
		if (records == NULL || answer.record_count > MAILAUTH_RECORDS_MAX)
			return;
		for (size_t i = 0; i < answer.record_count; i++)
			records[i] = plain(a, q->type, answer.records[i]);
		out->found = MAILAUTH_FOUND;
		out->records = records;
		out->record_count = answer.record_count;
		break;
	}
	out->secure = answer.security == DNS_SECURE;
}
