/* SPDX-License-Identifier: ISC */
/*
 * What an mx session does about where a message is from, and about what
 * another program says of it: has it judged (service/judge/judge.h) and shown to
 * the milter, if there is one (service/milter/filter.h), as it comes, waits for
 * both at its end, and makes of it what is kept. Messages of other sessions are
 * not judged.
 */
#ifndef SERVICE_SMTP_JUDGING_H
#define SERVICE_SMTP_JUDGING_H

#include "service/smtp/session_internal.h"

/* At DATA, with a message that is new. ERR_NOMEM, ERR_CRYPTO. */
int judging_begin(struct smtp_session *s, struct error *e);
/* Goes on. True: nothing is waited for. */
bool judging_step(struct smtp_session *s, int64_t now_ms);
/* More of the message than can be shown waits: nothing more is read. */
bool judging_is_full(const struct smtp_session *s);
/* When it is due at the latest, while it is waited for. */
int64_t judging_deadline(const struct smtp_session *s);
/* The message is whole: nothing more comes. */
void judging_end(struct smtp_session *s);
/*
 * The verdict is there: SMTP_REPLY_NONE, and s->message has the results; or why it
 * is refused, with *detail_out, which lives as long as the message.
 */
enum smtp_reply judging_conclude(struct smtp_session *s, struct slice *detail_out);
/* SPF vouches for the sender of the envelope; there is one. */
bool judging_vouches(const struct smtp_session *s);
/* Any thread. */
void judging_drop(struct smtp_session *s);

#endif
