/* SPDX-License-Identifier: ISC */
/*
 * DMARC (RFC 9989): whether the domain that a message shows as its author's is
 * one that SPF or DKIM vouch for, and what the domain's owner wants done if not.
 *
 *   dmarc_new(&config, &m, e);
 *   while (dmarc_next(m, &question) == DMARC_LOOKUP)
 *           dmarc_answer(m, &answer);
 *   dmarc_verdict(m)
 *
 * The organizational domain, by which domains are the same person's, is found
 * by the tree walk of section 4.10, not by a list of public suffixes. A walk has
 * eight questions at most; a name is asked for once, and what needs no walk
 * (identical domains, strict alignment, domains that cannot be related) has none.
 *
 * A message with several authors is judged for each; the strictest policy of
 * those that fail holds (section 11.5).
 */
#ifndef MAILAUTH_DMARC_DMARC_H
#define MAILAUTH_DMARC_DMARC_H

#include "mailauth/dmarc/author.h"
#include "mailauth/dmarc/record.h"
#include "mailauth/lookup.h"

enum dmarc_result { /* RFC 9989 section 9.2 */
	DMARC_NONE, /* no policy is published */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR, /* DNS did not answer */
	DMARC_PERMERROR, /* the message has no author that could be judged, or several of whom not all are known */
};
/* "none", "pass" and so on. */
const char *dmarc_result_name(enum dmarc_result r);

/* A domain that SPF or a DKIM signature vouch for, or might have. */
struct dmarc_identifier {
	struct slice domain; /* SPF: of MAIL FROM, never of HELO alone; DKIM: d= */
	bool pass;
	bool temporary; /* not pass, only because DNS did not answer */
};

struct dmarc_config {
	const struct dmarc_authors *authors; /* copied */
	struct dmarc_identifier spf;
	const struct dmarc_identifier *dkim; /* copied, at most MAILAUTH_DKIM_SIGNATURES_MAX: more are passed over */
	size_t dkim_count;
};

struct dmarc_verdict {
	enum dmarc_result result;
	char reason[ERROR_TEXT_MAX]; /* a sentence; of pass too */
	struct slice author;         /* the domain that it is about; empty when there is none */
	enum dmarc_policy policy; /* what the owner wants done with this message: none unless it fails; t=y is heeded */
	enum dmarc_policy published; /* the same of every message that fails, without t=y */
	const char *tag;             /* where it was taken from: "p", "sp", "np"; NULL without record */
	bool testing;                /* t=y */
	bool spf_aligned;            /* SPF passed, for a domain that is the author's */
	bool dkim_aligned;
	size_t dkim; /* which of the config's identifiers, when dkim_aligned */
	/* Without record, empty and NULL: */
	struct slice domain;               /* at which the record is: the policy domain */
	struct slice organization;         /* the author's organizational domain, if it had to be found */
	const struct dmarc_record *record; /* lives as long as the machine */
	bool secure;                       /* DNSSEC protects the record */
};

enum dmarc_what { DMARC_DONE, DMARC_LOOKUP };

struct dmarc;

int dmarc_new(const struct dmarc_config *config, struct dmarc **out, struct error *e); /* ERR_NOMEM */
enum dmarc_what dmarc_next(struct dmarc *m, struct mailauth_question *question_out);
void dmarc_answer(struct dmarc *m, const struct mailauth_answer *answer);
/* After DMARC_DONE: of the message. Lives as long as the machine. */
const struct dmarc_verdict *dmarc_verdict(const struct dmarc *m);
/* Of each author: what is counted for reports. */
size_t dmarc_verdict_count(const struct dmarc *m);
const struct dmarc_verdict *dmarc_verdict_at(const struct dmarc *m, size_t i);
void dmarc_free(struct dmarc *m); /* NULL is permitted */

#endif
