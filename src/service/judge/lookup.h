/* SPDX-License-Identifier: ISC */
/*
 * A question of mailauth's machines (mailauth/lookup.h), asked of the resolver
 * and answered in their terms: records as the texts and octets that they stand
 * for. What is bogus, comes too late or is too much is an answer that nobody
 * knows (MAILAUTH_FAILED), never one that there is nothing.
 */
#ifndef SERVICE_JUDGE_LOOKUP_H
#define SERVICE_JUDGE_LOOKUP_H

#include "mailauth/lookup.h"
#include "net/dns.h"
#include "os/port.h"

struct conn;

/* What an answer of DNS says; e: why there is none (answer NULL). Texts and octets live in the arena. */
struct mailauth_answer lookup_read(enum mailauth_rr type, const struct dns_answer *answer, struct arena *a);

struct lookup;

/*
 * Asks. wake: a connection that is woken when there is an answer; NULL: nobody
 * is. One that cannot even be asked (no resolver, none reachable) is answered
 * at once. NULL: no memory.
 */
struct lookup *lookup_ask(struct port *resolver, const struct mailauth_question *question, struct conn *wake);
/* The answer, or NULL: not yet. Lives until the release. */
const struct mailauth_answer *lookup_answered(const struct lookup *l);
/* Of an answered one: DNS did not come to see it, for the resolver is not there or has more to do than it may. */
bool lookup_was_turned_away(const struct lookup *l);
/* At any time; NULL is permitted. */
void lookup_release(struct lookup *l);

#endif
