/* SPDX-License-Identifier: ISC */
/*
 * TLS reports (RFC 8460): how many sessions with a domain's mail servers were
 * encrypted as the domain asks in a day, and why others were not. A TXT record
 * at _smtp._tls.DOMAIN says where they are wanted; a report is a JSON document.
 * gzip, and the message around it, are for others.
 *
 * Written is what section 4.4 says. Read is that, and what reporters write
 * beside it: members that are left out, "mx-host" as a text or a list, members
 * and result types that are not known. A report is a stranger's word: what is in
 * it is bounded, and numbers that are none make it no report.
 */
#ifndef MAILAUTH_POLICY_TLSRPT_H
#define MAILAUTH_POLICY_TLSRPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mailauth/limits.h"

/* ---- the record ---- */

enum tlsrpt_scheme { TLSRPT_MAILTO, TLSRPT_HTTPS };

struct tlsrpt_uri {
	enum tlsrpt_scheme scheme;
	struct slice text; /* the whole URI */
};

struct tlsrpt_record {
	struct tlsrpt_uri uris[TLSRPT_URIS_MAX]; /* in their order, slices of the record */
	size_t count; /* those that can be sent to; 0: others are there, or none is well-formed */
};

/*
 * Out of the TXT records at _smtp._tls (section 3). false: no reports are
 * wanted, as there is no such record, or more than one, or it is malformed.
 */
bool tlsrpt_record_find(const struct slice *records, size_t count, struct tlsrpt_record *out);

/* ---- the report ---- */

enum tlsrpt_policy_type { TLSRPT_NO_POLICY, TLSRPT_TLSA, TLSRPT_STS };
/* "no-policy-found", "tlsa", "sts" */
const char *tlsrpt_policy_text(enum tlsrpt_policy_type type);

enum tlsrpt_result { /* section 4.3 */
	TLSRPT_SUCCESS,
	TLSRPT_STARTTLS_NOT_SUPPORTED,
	TLSRPT_HOST_MISMATCH,
	TLSRPT_EXPIRED,
	TLSRPT_NOT_TRUSTED,
	TLSRPT_VALIDATION_FAILURE,
	TLSRPT_TLSA_INVALID,
	TLSRPT_DNSSEC_INVALID,
	TLSRPT_DANE_REQUIRED,
	TLSRPT_STS_FETCH_ERROR,
	TLSRPT_STS_INVALID,
	TLSRPT_STS_WEBPKI_INVALID,
};
#define TLSRPT_RESULT_LAST TLSRPT_STS_WEBPKI_INVALID
/* "starttls-not-supported" and so on; "successful" for TLSRPT_SUCCESS, which stands in no report. */
const char *tlsrpt_result_text(enum tlsrpt_result result);

/* Empty texts are not said. */
struct tlsrpt_failure {
	struct slice result; /* one of tlsrpt_result_text(), or what the reporter calls it */
	struct slice sending_ip;
	struct slice mx_name, mx_hello, mx_ip; /* of the receiving server */
	struct slice information;              /* a URI */
	struct slice reason;                   /* failure-reason-code */
	uint64_t count;                        /* of sessions; at most TLSRPT_COUNT_MAX */
};

struct tlsrpt_policy {
	struct slice type; /* one of tlsrpt_policy_text(), or what the reporter calls it */
	struct slice domain;
	const struct slice *strings; /* the policy as it was published: TLSA records, or lines of MTA-STS */
	size_t string_count;
	const struct slice *mx; /* patterns of MTA-STS */
	size_t mx_count;
	uint64_t successful, failed; /* sessions; at most TLSRPT_COUNT_MAX */
	const struct tlsrpt_failure *failures;
	size_t failure_count;
};

struct tlsrpt_report {
	struct slice organization; /* who reports */
	struct slice contact;      /* an address */
	struct slice id;
	int64_t begin, end; /* unix seconds */
	const struct tlsrpt_policy *policies;
	size_t policy_count;
};

/* Appends the document. ERR_NOMEM, or out's sticky error. */
int tlsrpt_report_write(const struct tlsrpt_report *r, struct buf *out, struct error *e);

/*
 * Reads one. Everything lives in the arena. ERR_SYNTAX: it is no report;
 * ERR_LIMIT: over TLSRPT_REPORT_MAX octets, TLSRPT_POLICIES_MAX policies, or
 * TLSRPT_FAILURES_MAX kinds of failure, or the arena's budget (TLSRPT_ARENA is
 * enough for any); ERR_NOMEM. Texts over TLSRPT_TEXT_MAX are cut.
 */
int tlsrpt_report_read(struct slice document, struct arena *a, struct tlsrpt_report *out, struct error *e);

/* What a person wants to know first. */
struct tlsrpt_summary {
	uint64_t successful, failed; /* sessions, of all policies */
	size_t kinds;                /* of failure: rows */
};
void tlsrpt_report_summary(const struct tlsrpt_report *r, struct tlsrpt_summary *out);

/*
 * What section 5 calls the file and the Subject, appended:
 * "SUBMITTER!DOMAIN!BEGIN!END.json" (the caller appends ".gz") and
 * "Report Domain: D Submitter: S Report-ID: <ID>". ERR_USAGE: the submitter or
 * domain can be none, or id is not letters, digits, '.', '-', '_' and one '@'.
 */
int tlsrpt_report_file(
    const struct tlsrpt_report *r, struct slice submitter, struct slice domain, struct buf *out, struct error *e);
int tlsrpt_report_subject(
    const struct tlsrpt_report *r, struct slice submitter, struct slice domain, struct buf *out, struct error *e);

#endif
