/* SPDX-License-Identifier: ISC */
/*
 * Inside service/report/.
 *
 *   report.c     the thread: what was counted, domain by domain, and its letters
 *   tls.c        counted sessions become TLS reports (RFC 8460)
 *   dmarc.c      counted messages become DMARC reports (RFC 9990)
 *   asking.c     who wants which, in DNS
 *   letter.c     a report as a message
 */
#ifndef SERVICE_REPORT_INTERNAL_H
#define SERVICE_REPORT_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "mailauth/dmarc/report.h"
#include "mailauth/policy/tlsrpt.h"
#include "service/report/report.h"
#include "store/types.h"

#define REPORT_POLICIES_MAX 64u      /* of one report: a domain changes its policy a few times a day at most */
#define REPORT_DETAILS_MAX 2000u     /* rows of failures in one; the sums are of all */
#define REPORT_DMARC_POLICIES_MAX 8u /* of one domain and day: each is a report of its own */
#define REPORT_ARENA (48u << 20)     /* STORE_TALLY_ROWS_MAX rows with their policies: most share one */
#define REPORT_LETTER_MAX (1u << 20) /* STORE_INLINE_MAX */
#define REPORT_CUTS_MAX 8u           /* times that a report which is too long for a letter is made shorter */
#define REPORT_ADDRESSES_MAX 10u     /* TLSRPT_URIS_MAX, MAILAUTH_DMARC_URIS_MAX */

/* ---- what was counted ---- */

/* A report about to be written as a letter. */
struct report_letter {
	struct slice submitter, domain;
	const struct slice *to; /* addresses */
	size_t to_count;
	uint64_t now;
	/* What is said of it: */
	struct buf contact; /* an address */
	struct buf id;      /* for Message-ID */
	struct buf subject;
	struct buf file;   /* the name of what is attached, without ".gz" */
	struct buf fields; /* more of them, with their CR LF */
	struct buf people; /* what a person reads, lines with CR LF */
	struct buf document;
	const char *type;      /* of what is attached */
	const char *container; /* of the message, without its boundary */
	size_t rows;           /* in the document */
};

void report_letter_init(struct report_letter *l);
void report_letter_done(struct report_letter *l);
/* Appends it, Return-Path in front. ERR_LIMIT: longer than REPORT_LETTER_MAX. */
int report_letter_write(const struct report_letter *l, struct buf *out, struct error *e);
/* Appends the document by gzip. ERR_LIMIT. */
int report_pack(struct slice document, struct buf *out, struct error *e);
#define REPORT_LETTER_SKIP (sizeof "Return-Path: <>\r\n" - 1)

/* Sessions with one domain's servers on one day. */
struct tls_gather {
	struct arena arena;
	uint64_t day;
	struct slice domain;
	struct tlsrpt_policy policies[REPORT_POLICIES_MAX];
	size_t policy_count;
	struct tlsrpt_failure *failures; /* of all policies; REPORT_DETAILS_MAX */
	uint8_t *owners;                 /* which policy each is of */
	size_t failure_count;
};

/* ERR_NOMEM. */
int tls_gather_begin(struct tls_gather *g, uint64_t day, struct slice domain, struct error *e);
int tls_gather_add(struct tls_gather *g, struct slice row, uint64_t count, struct error *e);
/* The report over it, which borrows until the next one. details: with failures, or sums only. ERR_NOMEM. */
int tls_gather_report(
    struct tls_gather *g, struct slice submitter, bool details, struct tlsrpt_report *out, struct error *e);
void tls_gather_done(struct tls_gather *g);

/* Whom reports go to. */
struct report_where {
	struct slice to[REPORT_ADDRESSES_MAX]; /* letters */
	size_t to_count;
	struct slice urls[REPORT_ADDRESSES_MAX]; /* https */
	size_t url_count;
};

/* One of each kind of counts (store/types.h). */
struct report_kind {
	const char *name; /* for the log */
	uint32_t flags;   /* of the letter: enum queue_flag */
	/* ERR_NOMEM. */
	int (*begin)(uint64_t day, struct slice domain, void **out, struct error *e);
	/* A row that cannot be read is left out. ERR_NOMEM, ERR_LIMIT. */
	int (*add)(void *gather, struct slice row, uint64_t count, struct error *e);
	/* How many reports they make. */
	size_t (*count)(const void *gather);
	/*
	 * Fills out for report i. cut: how often it was too long for a letter already (ERR_LIMIT).
	 * ERR_USAGE: the submitter cannot be named in it.
	 */
	int (*compose)(void *gather, size_t i, unsigned cut, struct report_letter *out, struct error *e);
	/*
	 * Whom they go to, copied to the arena: 1; 0: the domain wants none; or negative: nobody can say now. Nobody can be
	 * reached when there are neither addresses nor URLs.
	 */
	int (*ask)(
	    struct port *resolver, struct slice domain, struct arena *a, struct report_where *out, struct error *e);
	void (*done)(void *gather);
};
extern const struct report_kind report_tls, report_dmarc;

/* ---- asking.c ---- */

int
report_ask_tls(struct port *resolver, struct slice domain, struct arena *a, struct report_where *out, struct error *e);
int report_ask_dmarc(
    struct port *resolver, struct slice domain, struct arena *a, struct report_where *out, struct error *e);

#endif
