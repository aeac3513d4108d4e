/* SPDX-License-Identifier: ISC */
/* Inside service/report/. */
#ifndef SERVICE_REPORT_INTERNAL_H
#define SERVICE_REPORT_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "mailauth/policy/tlsrpt.h"
#include "service/report/report.h"

#define REPORT_POLICIES_MAX 64u      /* of one report: a domain changes its policy a few times a day at most */
#define REPORT_DETAILS_MAX 2000u     /* rows of failures in one; the sums are of all */
#define REPORT_ARENA (48u << 20)     /* STORE_TALLY_ROWS_MAX rows with their policies: most share one */
#define REPORT_LETTER_MAX (1u << 20) /* STORE_INLINE_MAX */

/* Rows of one domain and day. */
struct tls_gather {
	struct arena arena;
	uint64_t day;
	struct slice domain;
	struct tlsrpt_policy policies[REPORT_POLICIES_MAX];
	size_t policy_count;
	struct tlsrpt_failure *failures; /* of all policies; REPORT_DETAILS_MAX */
	uint8_t *owners;                 /* which policy each is of */
	size_t failure_count;
	bool open; /* there is a domain */
};

/* ERR_NOMEM. */
int tls_gather_begin(struct tls_gather *g, uint64_t day, struct slice domain, struct error *e);
/* A row that cannot be read is left out. ERR_NOMEM, ERR_LIMIT. */
int tls_gather_add(struct tls_gather *g, struct slice row, uint64_t count, struct error *e);
/* The report over it, which borrows until the next one. details: with failures, or sums only. ERR_NOMEM. */
int tls_gather_report(
    struct tls_gather *g, struct slice submitter, bool details, struct tlsrpt_report *out, struct error *e);
void tls_gather_done(struct tls_gather *g);

#define REPORT_LETTER_SKIP (sizeof "Return-Path: <>\r\n" - 1)

struct report_letter {
	const struct tlsrpt_report *report;
	struct slice submitter, domain;
	const struct slice *to; /* addresses */
	size_t to_count;
	uint64_t now;
};

/* Appends it, Return-Path in front. ERR_LIMIT: longer than REPORT_LETTER_MAX. */
int report_letter_write(const struct report_letter *l, struct buf *out, struct error *e);

#endif
