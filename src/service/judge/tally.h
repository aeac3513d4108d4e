/* SPDX-License-Identifier: ISC */
/*
 * What is counted of a judged message for DMARC's aggregate reports (RFC 9990):
 * a row without its count. The store counts octets that are alike as one, by
 * day and policy domain (STORE_TALLY_DMARC).
 */
#ifndef SERVICE_JUDGE_TALLY_H
#define SERVICE_JUDGE_TALLY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define TALLY_DKIM_MAX 8u        /* MAILAUTH_DKIM_SIGNATURES_MAX */
#define TALLY_TEXT_MAX 255u      /* octets of a domain, an address, a selector */
#define TALLY_ROW_MAX (8u << 10) /* octets of it all: STORE_TALLY_MAX */

struct tally_auth {
	struct slice domain, selector, result;
};

struct tally {
	struct slice source;
	uint32_t disposition; /* enum dmarc_disposition */
	bool dkim, spf;       /* aligned */
	struct slice header_from;
	struct slice envelope_from; /* its domain */
	bool null_sender;
	struct slice reason, comment; /* why it was not as the policy says; empty: it was */
	const struct tally_auth *signatures;
	size_t signature_count;
	struct tally_auth sender; /* SPF; without selector */
	/* the policy as it was published */
	uint32_t p, sp, np;
	bool has_sp, has_np, strict_dkim, strict_spf, testing;
};

/* ERR_LIMIT: a text is longer than it may be; ERR_NOMEM. */
int tally_write(const struct tally *t, struct buf *out, struct error *e);
/* Texts live in the arena. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
int tally_read(struct slice in, struct arena *a, struct tally *out, struct error *e);

struct judge;

/*
 * The row of the message's author number i, and the domain at which the policy
 * for it is. False: there is none, or nobody wants reports on it. Only when the
 * verdict is there; texts live as long as j.
 */
bool judge_tally(const struct judge *j, size_t i, struct tally *out, struct slice *domain_out, struct arena *a);

#endif
