/* SPDX-License-Identifier: ISC */
/* Any bytes as a report: what was read is written so that it reads the same. As a record: where reports go is plain text. */
#include <stdlib.h>

#include "mailauth/policy/tlsrpt.h"

static void
same_text(struct slice a, struct slice b)
{
	if (!slice_eq(a, b))
		abort();
}

static void
same_policy(const struct tlsrpt_policy *a, const struct tlsrpt_policy *b)
{
	same_text(a->type, b->type);
	same_text(a->domain, b->domain);
	if (a->successful != b->successful || a->failed != b->failed || a->failure_count != b->failure_count ||
	    a->string_count != b->string_count || a->mx_count != b->mx_count)
		abort();
	for (size_t i = 0; i < a->string_count; i++)
		same_text(a->strings[i], b->strings[i]);
	for (size_t i = 0; i < a->mx_count; i++)
		same_text(a->mx[i], b->mx[i]);
	for (size_t i = 0; i < a->failure_count; i++) {
		same_text(a->failures[i].result, b->failures[i].result);
		same_text(a->failures[i].mx_name, b->failures[i].mx_name);
		same_text(a->failures[i].reason, b->failures[i].reason);
		if (a->failures[i].count != b->failures[i].count)
			abort();
	}
}

static void
write_and_read(const struct tlsrpt_report *r)
{
	struct tlsrpt_report again;
	struct arena a;
	struct buf b;

	buf_init(&b, 64u << 20);
	arena_init(&a, TLSRPT_ARENA);
	if (tlsrpt_report_write(r, &b, NULL) != 0)
		abort();
	/* Escapes may make it longer than a report may be. */
	if (b.len <= TLSRPT_REPORT_MAX) {
		if (tlsrpt_report_read(buf_slice(&b), &a, &again, NULL) != 0 || again.policy_count != r->policy_count ||
		    again.begin != r->begin || again.end != r->end)
			abort();
		same_text(again.organization, r->organization);
		same_text(again.id, r->id);
		for (size_t i = 0; i < r->policy_count; i++)
			same_policy(&again.policies[i], &r->policies[i]);
	}
	arena_done(&a);
	buf_done(&b);
}

static void
check_record(struct slice text)
{
	struct tlsrpt_record record;

	if (!tlsrpt_record_find(&text, 1, &record))
		return;
	if (record.count > TLSRPT_URIS_MAX)
		abort();
	for (size_t i = 0; i < record.count; i++)
		for (size_t k = 0; k < record.uris[i].text.len; k++)
			if (record.uris[i].text.data[k] <= 0x20 || record.uris[i].text.data[k] >= 0x7f)
				abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tlsrpt_report r;
	struct tlsrpt_summary sum;
	struct arena a;

	check_record(slice_of(data, size));
	arena_init(&a, TLSRPT_ARENA);
	if (tlsrpt_report_read(slice_of(data, size), &a, &r, NULL) == 0) {
		tlsrpt_report_summary(&r, &sum);
		write_and_read(&r);
	}
	arena_done(&a);
	return 0;
}
