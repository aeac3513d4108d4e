/* SPDX-License-Identifier: ISC */
/*
 * Aggregate reports (RFC 9990): how much mail in a domain's name a receiver saw
 * in a day, from where, and what it thought of it. The XML document; gzip, and
 * the message around it, are for others.
 *
 * Written is what RFC 9990's schema says, in namespace dmarc-2.0. Read is that,
 * and what reporters wrote by RFC 7489 (without a namespace or with theirs, in
 * any order, with elements left out). A report is a stranger's word: what is in
 * it is bounded, and numbers that are none make it no report.
 */
#ifndef MAILAUTH_DMARC_REPORT_H
#define MAILAUTH_DMARC_REPORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "mailauth/dmarc/record.h"

enum dmarc_disposition { /* what was done with the messages */
	DMARC_DISPOSITION_NONE,
	DMARC_DISPOSITION_PASS,
	DMARC_DISPOSITION_QUARANTINE,
	DMARC_DISPOSITION_REJECT,
};
/* "none" and so on. */
const char *dmarc_disposition_name(enum dmarc_disposition d);

struct dmarc_reason {      /* why it was not what the policy says */
	struct slice type; /* "local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder" */
	struct slice comment;
};

struct dmarc_auth_result {
	struct slice domain;
	struct slice selector; /* DKIM */
	struct slice result;   /* RFC 8601's words */
	struct slice comment;  /* human_result; empty: none */
};

struct dmarc_row {
	struct slice source; /* the address, as text */
	uint64_t count;      /* of messages */
	enum dmarc_disposition disposition;
	bool dkim, spf; /* passed with alignment */
	struct slice header_from;
	struct slice envelope_from; /* its domain */
	bool null_sender;           /* envelope_from is there and empty */
	struct slice envelope_to;   /* empty: not said */
	const struct dmarc_reason *reasons;
	size_t reason_count;
	const struct dmarc_auth_result *dkim_results;
	size_t dkim_count;
	bool has_spf;
	struct dmarc_auth_result spf_result;
};

struct dmarc_report {
	struct slice organization; /* who reports */
	struct slice email;
	struct slice contact; /* empty: not said, as of the next ones */
	struct slice id;
	struct slice error;
	struct slice generator;
	uint64_t begin, end; /* unix seconds */
	/* The policy as it was published: */
	struct slice domain;
	enum dmarc_policy p, sp, np;
	bool has_sp, has_np;
	bool strict_dkim, strict_spf;
	bool testing;
	struct slice failure; /* fo=; empty: not said */
	const struct dmarc_row *rows;
	size_t count;
};

/* Whether it is written with an address's characters: what may stand in a row. */
bool dmarc_report_is_address(struct slice s);

/*
 * Appends the document. Texts may hold anything; words and addresses that the
 * schema does not know are ERR_USAGE, as is a report without rows; out's error.
 */
int dmarc_report_write(const struct dmarc_report *r, struct buf *out, struct error *e);

/*
 * Reads one. Everything lives in the arena. ERR_SYNTAX: it is no report;
 * ERR_LIMIT: over MAILAUTH_REPORT_MAX octets or MAILAUTH_REPORT_ROWS_MAX rows,
 * or the arena's budget (MAILAUTH_REPORT_ARENA is enough for any); ERR_POLICY: it
 * has a document type; ERR_NOMEM. Texts over MAILAUTH_REPORT_TEXT_MAX are cut.
 */
int dmarc_report_read(struct slice document, struct arena *a, struct dmarc_report *out, struct error *e);

/* What a person wants to know first. */
struct dmarc_summary {
	uint64_t messages;
	uint64_t passed;                             /* DKIM or SPF aligned */
	uint64_t dkim_only, spf_only, both, neither; /* aligned */
	uint64_t quarantined, rejected;
	size_t sources; /* rows of other addresses than the row before: reporters put those of one together */
};
void dmarc_report_summary(const struct dmarc_report *r, struct dmarc_summary *out);

/*
 * Appends "RECEIVER!DOMAIN!BEGIN!END.xml" (section 3.5.2), with a number behind END when it is not 0: of several reports of one
 * day. The caller appends ".gz". ERR_USAGE: not such names.
 */
int dmarc_report_file(
    const struct dmarc_report *r, struct slice receiver, unsigned number, struct buf *out, struct error *e);
/* Appends the Subject's value: "Report Domain: D Submitter: R Report-ID: <ID>". ERR_USAGE. */
int dmarc_report_subject(const struct dmarc_report *r, struct slice receiver, struct buf *out, struct error *e);

#endif
