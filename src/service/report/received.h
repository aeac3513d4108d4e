/* SPDX-License-Identifier: ISC */
/*
 * What others report on a domain of ours, summed up: DMARC reports (RFC 9990
 * and what came before it) and TLS reports (RFC 8460), as they come in letters.
 * Each is read by magic, not by what the letter calls it: gzip, zip, XML, JSON.
 *
 *   received_new(domain, &r, e)
 *   received_add(r, letter, e)      for each letter that may be one
 *   received_sums(r)
 *
 * A report is a stranger's word, and anybody may send one: nothing here is
 * believed further than a person believes it who reads it. What is unpacked,
 * and how many different things are told apart, is bounded; the sums are of all.
 */
#ifndef SERVICE_REPORT_RECEIVED_H
#define SERVICE_REPORT_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define RECEIVED_LETTER_MAX (24u << 20) /* octets: MAILAUTH_REPORT_MAX in base64, and some */
#define RECEIVED_SOURCES_MAX 2000u      /* addresses that sent in the domain's name */
#define RECEIVED_REPORTERS_MAX 500u
#define RECEIVED_FAILURES_MAX 200u /* kinds of failure at a server */
#define RECEIVED_REPORTS_MAX 20000u

/* Who sent mail in the domain's name. */
struct received_source {
	struct slice address;
	uint64_t messages;
	uint64_t passed;                /* DMARC: at least one of the next two */
	uint64_t dkim, spf;             /* passed with alignment */
	uint64_t quarantined, rejected; /* what the reporters say they did */
};

struct received_reporter {
	struct slice name;
	uint64_t reports;
	uint64_t messages, passed; /* of DMARC reports */
	uint64_t sessions, failed; /* of TLS reports */
};

/* Sessions that were not as the domain's policy wants them. */
struct received_failure {
	struct slice result; /* RFC 8460 section 4.3's word, or the reporter's own */
	struct slice server; /* of ours; empty: not said */
	uint64_t sessions;
};

struct received_sums {
	uint64_t first, last; /* unix seconds that the reports cover; 0: there is none */
	uint64_t dmarc_reports, tls_reports, unreadable;
	struct received_source all;            /* DMARC, without address */
	uint64_t sessions, failed;             /* TLS: all, and those that failed */
	const struct received_source *sources; /* those with the most that did not pass first */
	size_t source_count;
	struct received_source other_sources;      /* what had no room among them */
	const struct received_reporter *reporters; /* those with the most reports first */
	size_t reporter_count;
	const struct received_failure *failures; /* the most sessions first */
	size_t failure_count;
};

struct received;

/* domain: copied. ERR_NOMEM. */
int received_new(struct slice domain, struct received **out, struct error *e);
/* Whether a letter with this header may be a report. */
bool received_may_be(struct slice header);
/*
 * 1: it is a report on the domain, and counted; 0: it is none, or on another
 * domain, or was counted already; negative: it seems to be one and cannot be
 * read, e says why. ERR_NOMEM; ERR_FULL: RECEIVED_REPORTS_MAX are counted.
 */
int received_add(struct received *r, struct slice letter, struct error *e);
/* Borrowed until the next call. */
const struct received_sums *received_sums(struct received *r);
void received_free(struct received *r); /* NULL is permitted */

#endif
