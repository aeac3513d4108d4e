/* SPDX-License-Identifier: ISC */
/* The few words of SMTP that an audit says, over net/probe.h. */
#ifndef CLIENT_AUDIT_TALK_H
#define CLIENT_AUDIT_TALK_H

#include "net/probe.h"
#include "smtp/reply.h"

struct talk {
	struct probe *probe;
	struct smtp_answer_reader reader;
};

/* Connects; talk_end() also after an error. */
int talk_begin(struct talk *t, const struct probe_where *where, struct error *e);
/* Says the words (NULL: nothing, the greeting is read) and reads the whole answer, valid until the next call. */
int talk_ask(struct talk *t, const char *words, struct smtp_answer *out, struct error *e);
/* QUIT, without waiting for its answer, and the end. */
void talk_end(struct talk *t);

/*
 * Whether a line of an answer to EHLO was made unreadable by somebody on the
 * way: "XXXXXXXX", "XXXXXXXA" (Cisco's inspection), "********".
 */
bool talk_is_masked(struct slice line);

#endif
