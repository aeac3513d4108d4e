/* SPDX-License-Identifier: ISC */
/*
 * Whether a domain's SPF record permits a client to send in its name (RFC 7208,
 * with RFC 8616 for names and local parts that are not ASCII). A machine that
 * checks one identity; who wants HELO and MAIL FROM checked makes two.
 *
 *   spf_new(&config, &s, e);
 *   while (spf_next(s, &question) == SPF_LOOKUP)
 *           spf_answer(s, &answer);
 *   spf_outcome(s)
 *
 * Bounds: 10 terms that ask DNS, 2 of them in vain, 10 names of an MX or PTR
 * (section 4.6.4), and those of mailauth/limits.h. So there are never more than
 * MAILAUTH_SPF_QUESTIONS_MAX questions; how long they may take is the caller's
 * (20 seconds at least), and "temperror" is what it says then.
 *
 * A name that can be none, out of a macro, is not asked for and does not match
 * (section 4.8 leaves that open).
 */
#ifndef MAILAUTH_SPF_SPF_H
#define MAILAUTH_SPF_SPF_H

#include "base/error.h"
#include "mailauth/limits.h"
#include "mailauth/lookup.h"
#include "mailauth/spf/result.h"

enum spf_identity {
	SPF_MAIL_FROM, /* the envelope's sender; of the null sender postmaster at the name of HELO */
	SPF_HELO,
};

struct spf_config {
	enum spf_identity identity;
	struct slice ip;        /* of the client: 4 or 16 octets; an IPv4 address inside IPv6 counts as IPv4 */
	struct slice helo;      /* as it came */
	struct slice mail_from; /* "local@domain"; empty: the null sender */
	struct slice receiver;  /* our host's name, for explanations; empty: "unknown" */
	uint64_t now;           /* unix seconds, for explanations */
};

struct spf_outcome {
	enum spf_result result;
	struct slice domain; /* that was checked, in A-labels; empty: there was none */
	struct slice local;  /* of the sender that was checked: "postmaster" where it has none */
	struct slice
	    mechanism; /* the term that decided, as the record has it: "include:example.net"; empty: none did */
	struct slice record_domain; /* in whose record it is: not domain after redirect= */
	struct slice explanation;   /* of the domain, when it is SPF_FAIL: printable ASCII, a stranger's; often empty */
	char reason[ERROR_TEXT_MAX]; /* a sentence for people */
	unsigned int lookups;        /* terms that asked DNS, of 10 */
	unsigned int voids;          /* of these in vain, of 2 */
};

struct spf;

enum spf_what { SPF_DONE, SPF_LOOKUP };

/* ERR_USAGE when ip is no address; ERR_NOMEM. Everything is copied. */
int spf_new(const struct spf_config *config, struct spf **out, struct error *e);
/* The same question comes again until it is answered. */
enum spf_what spf_next(struct spf *s, struct mailauth_question *question_out);
void spf_answer(struct spf *s, const struct mailauth_answer *answer);
/* After SPF_DONE; lives as long as s. Before, "temperror", for a caller that has waited long enough. */
const struct spf_outcome *spf_outcome(const struct spf *s);
void spf_free(struct spf *s); /* NULL is permitted */

#endif
