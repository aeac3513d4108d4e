/* SPDX-License-Identifier: ISC */
/*
 * Daily reports to other domains. What was counted until a day's end (store
 * tallies) is looked at some time after it, on a thread of its own: a domain
 * that asks for reports in DNS gets one as a letter, others' counts are
 * forgotten. Where DNS cannot say, or a letter cannot be kept now, the counts
 * stay and it is tried again; the store keeps them for STORE_TALLY_DAYS_MAX days.
 *
 * TLS reports (RFC 8460) go to mailto addresses, signed with DKIM by our
 * hostname, or the first of our domains that has a key: without one none are
 * sent, as nobody may believe them (section 3). Each has TLS-Required: No, so that it arrives where TLS is
 * what is broken, and so that it is not counted itself. https addresses have them by POST,
 * without a signature, from our hostname.
 *
 * DMARC reports (RFC 9990) go to those addresses of the record at _dmarc that
 * are of the domain's own organization or say that they want them. They are
 * signed likewise, so that they pass DMARC themselves.
 */
#ifndef SERVICE_REPORT_REPORT_H
#define SERVICE_REPORT_REPORT_H

#include "base/error.h"
#include "os/port.h"
#include "service/queue/queue.h"

struct reporter;

struct reporter_options {
	struct port *store, *resolver; /* stay the caller's */
	struct queue *queue;
	struct slice hostname; /* copied */
	/* As queue_options; a domain without key: no fields. NULL: nothing is sent. */
	int (*sign)(void *ctx, struct slice domain, struct slice message, struct buf *fields_out, struct error *e);
	void *sign_ctx;
	bool tls;   /* TLS reports are sent; otherwise their counts are forgotten */
	bool dmarc; /* likewise DMARC reports */
};

/* ERR_NOMEM; ERR_USAGE: a hostname that can be none. */
int reporter_new(const struct reporter_options *options, struct reporter **out, struct error *e);
int reporter_start(struct reporter *r, struct error *e);
/* The resolver can be asked, for the first time or again: what could not be said is asked now. Any thread. */
void reporter_wake(struct reporter *r);
/* Nothing is begun any more. Before the ports are closed, which answers what is under way. NULL is permitted. */
void reporter_stop(struct reporter *r);
/* Behind that; waits for the thread. NULL is permitted. */
void reporter_free(struct reporter *r);

/*
 * Days before this one (since 1970) are to be reported at that time: a day is
 * over for a hostname some time after midnight, another one for each, so that
 * not the whole world sends at once.
 */
uint64_t reporter_before(struct slice hostname, uint64_t unix_seconds);

#endif
