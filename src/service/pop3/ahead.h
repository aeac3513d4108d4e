/* SPDX-License-Identifier: ISC */
/*
 * Messages that are read before they are asked for. A client that asks for one
 * after another has the next ones read in the same step as the one that it
 * asked for: a change of threads costs more than the reading of a letter. They
 * are sent only while nothing has changed in the mailbox since; else they are
 * dropped, and looked for anew.
 *
 *   pop3_ahead_take(&a, n, machine)    at RETR: true, it is on its way. Otherwise
 *   pop3_ahead_begin(&a, n)            on the loop thread, before n is read
 *   pop3_ahead_fill(&a)                on the worker, behind n
 *
 * Holds at most POP3_AHEAD_OCTETS of messages, dots doubled.
 */
#ifndef SERVICE_POP3_AHEAD_H
#define SERVICE_POP3_AHEAD_H

#include <stdatomic.h>

#include "pop3/server.h"
#include "service/imap/view.h"
#include "service/pop3/retrieve.h"
#include "store/watch.h"

#define POP3_AHEAD_MAX 16u
#define POP3_AHEAD_OCTETS (128u << 10)

struct pop3_ahead {
	const struct pop3_server *machine;
	const struct imap_view *uids;
	struct store_watcher *watcher;
	struct pop3_retrieve retrieve;

	struct {
		uint32_t message;
		struct buf piece; /* its whole answer */
	} ready[POP3_AHEAD_MAX];
	uint32_t first, count;
	uint32_t expected; /* the message that is asked for next, if they are asked for in their order; 0: not known */
	bool wanted;       /* the last one was the expected one */
	atomic_bool changed; /* something in the mailbox did since they were read */
	struct store_watch *watch;
};

/* retrieve: as pop3_retrieve_init() has made it; it is copied. All else must outlive this. */
void pop3_ahead_init(struct pop3_ahead *a, const struct pop3_server *machine, const struct imap_view *uids,
    struct store_watcher *watcher, const struct pop3_retrieve *retrieve);
/* On the loop thread: nothing is told any more. Then, when nothing is in flight, pop3_ahead_done(). */
void pop3_ahead_end(struct pop3_ahead *a);
void pop3_ahead_done(struct pop3_ahead *a);

/* *given_out: false when the machine could not take it. */
bool pop3_ahead_take(struct pop3_ahead *a, uint32_t message, struct pop3_server *machine, bool *given_out);
void pop3_ahead_begin(struct pop3_ahead *a, uint32_t message);
/* Nothing when the message was not the expected one. */
void pop3_ahead_fill(struct pop3_ahead *a);

#endif
