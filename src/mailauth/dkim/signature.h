/* SPDX-License-Identifier: ISC */
/*
 * Inside dkim/: one DKIM-Signature field taken apart (RFC 6376 sections 3.5 and
 * 6.1.1), and for ARC, whose ARC-Message-Signature is nearly the same.
 */
#ifndef MAILAUTH_DKIM_SIGNATURE_H
#define MAILAUTH_DKIM_SIGNATURE_H

#include "mailauth/dkim/canon.h"
#include "mailauth/dkim/key.h"
#include "mailauth/dkim/tags.h"

struct dkim_parsed {
	struct slice field; /* whole */
	struct mailauth_tags tags;
	enum dkim_algorithm algorithm;
	enum dkim_canon header_canon, body_canon;
	struct slice domain, selector, names; /* d=, s=, h= */
	uint64_t length;                      /* l=, or DKIM_BODY_WHOLE */
	bool timed, expiring;                 /* there is t=, x= */
	uint64_t made, expires;
	struct buf identity;  /* i=, or "@" and d= */
	struct buf signature; /* b=, octets */
	struct buf body_hash; /* bh=, octets */
	struct buf text;      /* b= without white space */
};

struct dkim_parse_rules {
	const char *version; /* what v= must say; NULL: it is passed over (ARC, RFC 8617 section 4.1.2) */
	bool identity;       /* i= is an address (DKIM); otherwise it is left alone */
};

/*
 * ERR_SYNTAX: it is not what it should be; ERR_POLICY: it is, and cannot be of
 * worth (From is not signed, i= is not below d=). ERR_LIMIT, ERR_NOMEM. What
 * was read before the fault stands in out, which is done with
 * dkim_parsed_done() in any case.
 */
int dkim_parse(struct slice field, const struct dkim_parse_rules *rules, struct dkim_parsed *out, struct error *e);
void dkim_parsed_done(struct dkim_parsed *p);

/* "example.org": labels of letters, digits, '-' and '_', or UTF-8, at least min of them. */
bool dkim_domain_valid(struct slice domain, size_t min);

#endif
