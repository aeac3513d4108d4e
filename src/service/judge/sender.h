/* SPDX-License-Identifier: ISC */
/* SPF of one identity, as judge.c drives it (mailauth/spf/spf.h). */
#ifndef SERVICE_JUDGE_SENDER_H
#define SERVICE_JUDGE_SENDER_H

#include "base/error.h"
#include "mailauth/lookup.h"

struct sender;

struct sender_in {
	struct slice address; /* of the client */
	struct slice hello;
	struct slice from; /* of the envelope */
	bool helo;         /* the identity is HELO's, else MAIL FROM's */
	struct slice hostname;
	uint64_t now;
};

struct sender_found {
	const char *word; /* "pass" and so on */
	struct slice reason;
	struct slice domain; /* that was asked; empty: there was none */
	bool pass, fail, temporary;
};

int sender_new(const struct sender_in *in, struct sender **out, struct error *e);
bool sender_next(struct sender *s, struct mailauth_question *question_out);
void sender_answer(struct sender *s, const struct mailauth_answer *answer);
/* After sender_next() was false. Lives as long as s. */
struct sender_found sender_found(const struct sender *s);
void sender_free(struct sender *s); /* NULL is permitted */

#endif
