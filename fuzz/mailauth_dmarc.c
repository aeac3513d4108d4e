/* SPDX-License-Identifier: ISC */
/*
 * Lines: the author, SPF's domain, DKIM's, and what DNS answers, one record an answer, "!": nobody answers, empty:
 * no such name. The questions are bounded and could be asked; what passes has an aligned domain, and only what fails a policy.
 */
#include <stdlib.h>

#include "mailauth/dmarc/destination.h"
#include "mailauth/dmarc/dmarc.h"
#include "mailauth/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice
next_answer(struct slice *rest, struct mailauth_answer *answer, struct slice *record)
{
	*record = slice_split(*rest, '\n', rest);
	*answer = (struct mailauth_answer){ .found = MAILAUTH_NO_NAME };
	if (slice_eq_str(*record, "!"))
		answer->found = MAILAUTH_FAILED;
	else if (record->len > 0)
		*answer = (struct mailauth_answer){ .found = MAILAUTH_FOUND, .records = record, .record_count = 1 };
	return *record;
}

static void
check_question(const struct mailauth_question *question, size_t *count)
{
	if (!mailauth_name_can_be(question->name) || ++*count > MAILAUTH_DMARC_QUESTIONS_MAX)
		abort();
}

static void
check_verdict(const struct dmarc_verdict *v)
{
	if (v->result == DMARC_PASS && !v->spf_aligned && !v->dkim_aligned)
		abort();
	if (v->result != DMARC_FAIL && v->policy != DMARC_POLICY_NONE)
		abort();
	if (v->policy > v->published || v->reason[0] == '\0')
		abort();
	if (v->record != NULL && !mailauth_name_below(v->author, v->domain))
		abort();
}

static void
run_destination(struct slice domain, const struct dmarc_uris *uris, struct slice answers)
{
	struct mailauth_question question;
	struct mailauth_answer answer;
	struct dmarc_destination *d;
	struct slice record;
	size_t count = 0;

	if (dmarc_destination_new(domain, uris, &d, NULL) != 0)
		return;
	while (dmarc_destination_next(d, &question) == DMARC_DESTINATION_LOOKUP) {
		check_question(&question, &count);
		(void)next_answer(&answers, &answer, &record);
		dmarc_destination_answer(d, &answer);
	}
	for (size_t i = 0; i < dmarc_destination_count(d); i++)
		if (slice_find(dmarc_destination_address(d, i), '@') == SIZE_MAX)
			abort();
	dmarc_destination_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice answers, rest = slice_of(data, size), record, author = slice_split(rest, '\n', &rest);
	struct dmarc_authors authors = { .count = 1, .fields = 1, .domains = { author } };
	struct dmarc_identifier spf = { .domain = slice_split(rest, '\n', &rest), .pass = true };
	struct dmarc_identifier dkim = { .domain = slice_split(rest, '\n', &answers), .pass = true };
	struct dmarc_config config = { .authors = &authors, .spf = spf, .dkim = &dkim, .dkim_count = 1 };
	struct mailauth_question question;
	struct mailauth_answer answer;
	struct dmarc *m;
	size_t count = 0;

	rest = answers;
	if (dmarc_new(&config, &m, NULL) != 0)
		return 0;
	while (dmarc_next(m, &question) == DMARC_LOOKUP) {
		check_question(&question, &count);
		(void)next_answer(&rest, &answer, &record);
		dmarc_answer(m, &answer);
	}
	check_verdict(dmarc_verdict(m));
	if (dmarc_verdict(m)->record != NULL)
		run_destination(dmarc_verdict(m)->domain, &dmarc_verdict(m)->record->rua, rest);
	dmarc_free(m);
	return 0;
}
