/* SPDX-License-Identifier: ISC */
/* exp= (RFC 7208 section 6.2): whatever is wrong with it, it is as if there were none. */
#include "mailauth/spf/machine.h"

void
spf_explain(struct spf *s)
{
	const struct frame *f = &s->frames[0];

	s->state = SPF_FINISHED;
	if (!f->record.has_explanation)
		return;
	if (spf_name_needs_ptr(s, f->record.explanation.spec))
		spf_ptr_begin(s, SPF_EXPLAIN);
	else if (spf_name_expand(s, f, f->record.explanation.spec, &s->asked))
		spf_question(s, SPF_ASK_EXPLANATION, MAILAUTH_TXT);
}

void
spf_explain_answer(struct spf *s, const struct mailauth_answer *answer)
{
	s->state = SPF_FINISHED;
	if (answer->found != MAILAUTH_FOUND || answer->record_count != 1 ||
	    spf_macro_check(answer->records[0], SPF_MACRO_TEXT, NULL) != 0 ||
	    buf_put_slice(&s->explanation_spec, answer->records[0]) != 0)
		return;
	s->state = SPF_WRITE_EXPLANATION;
}

/* The macros may have brought anything: a local part is the stranger's. */
static void
make_harmless(struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] < ' ' || text->data[i] > '~')
			text->data[i] = '?';
	if (text->len > MAILAUTH_SPF_EXPLANATION_MAX) {
		buf_truncate(text, MAILAUTH_SPF_EXPLANATION_MAX - 3);
		(void)buf_put_str(text, "...");
	}
}

void
spf_explain_write(struct spf *s)
{
	struct slice spec = buf_slice(&s->explanation_spec);
	struct spf_macro_values values;

	if (spf_name_needs_ptr(s, spec)) {
		spf_ptr_begin(s, SPF_WRITE_EXPLANATION);
		return;
	}
	s->state = SPF_FINISHED;
	values = spf_values(s, &s->frames[0]);
	if (spf_macro_expand(spec, &values, &s->explanation) != 0)
		return;
	make_harmless(&s->explanation);
	s->outcome.explanation = buf_slice(&s->explanation);
}
