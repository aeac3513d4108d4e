/* SPDX-License-Identifier: ISC */
#include "service/judge/sender.h"

#include "base/mem.h"

struct sender {
	struct sender_found found;
};

int
sender_new(const struct sender_in *in, struct sender **out, struct error *e)
{
	struct sender *s = mem_alloc(sizeof *s);

	(void)in;
	if (s == NULL)
		return error_nomem(e);
	s->found = (struct sender_found){ .word = "none" };
	*out = s;
	return 0;
}

bool
sender_next(struct sender *s, struct mailauth_question *question_out)
{
	(void)s;
	(void)question_out;
	return false;
}

void
sender_answer(struct sender *s, const struct mailauth_answer *answer)
{
	(void)s;
	(void)answer;
}

struct sender_found
sender_found(const struct sender *s)
{
	return s->found;
}

void
sender_free(struct sender *s)
{
	mem_free(s);
}
