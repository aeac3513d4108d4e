/* SPDX-License-Identifier: ISC */
/*
 * The client's names that lead back to it (RFC 7208 section 5.5), for "ptr" and
 * macro p. They are found once: they are not a matter of the domain.
 */
#include "mailauth/name.h"
#include "mailauth/spf/address.h"
#include "mailauth/spf/machine.h"

static void
set_question(struct spf *s, enum state state, enum mailauth_rr type, struct slice name)
{
	spf_name_set(&s->asked, name);
	spf_question(s, state, type);
}

void
spf_ptr_begin(struct spf *s, enum state after)
{
	BUF_OWNED struct buf name = { .max = MAILAUTH_NAME_MAX };

	s->after_ptr = after;
	s->validated_known = true;
	if (spf_address_put_reverse(&name, spf_ip(s)) == 0)
		set_question(s, SPF_ASK_PTR, MAILAUTH_PTR, buf_slice(&name));
	else
		s->state = after;
}

static void
ask_next(struct spf *s)
{
	if (s->name_at == s->name_count)
		s->state = s->after_ptr;
	else
		set_question(s, SPF_ASK_PTR_ADDRESS, spf_address_rr(s), name_slice(&s->names[s->name_at]));
}

void
spf_ptr_answer(struct spf *s, const struct mailauth_answer *answer)
{
	/* Errors of DNS make nothing here but a name fewer. */
	if (answer->found == MAILAUTH_NONE || answer->found == MAILAUTH_NO_NAME)
		s->ptr_void = true;
	if (s->state == SPF_ASK_PTR) {
		s->name_count = s->name_at = 0;
		if (answer->found == MAILAUTH_FOUND)
			spf_names_take(s, answer);
	} else {
		if (spf_answer_has_client(s, answer, 128))
			s->validated[s->validated_count++] = s->names[s->name_at];
		s->name_at++;
	}
	ask_next(s);
}

bool
spf_ptr_matches(const struct spf *s, struct slice target)
{
	for (size_t i = 0; i < s->validated_count; i++)
		if (mailauth_name_below(name_slice(&s->validated[i]), target))
			return true;
	return false;
}

struct slice
spf_ptr_name(const struct spf *s, struct slice domain)
{
	for (size_t i = 0; i < s->validated_count; i++)
		if (mailauth_name_is(name_slice(&s->validated[i]), domain))
			return name_slice(&s->validated[i]);
	for (size_t i = 0; i < s->validated_count; i++)
		if (mailauth_name_below(name_slice(&s->validated[i]), domain))
			return name_slice(&s->validated[i]);
	return s->validated_count > 0 ? name_slice(&s->validated[0]) : SLICE("unknown");
}
