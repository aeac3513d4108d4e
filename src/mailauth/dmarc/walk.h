/* SPDX-License-Identifier: ISC */
/*
 * Inside dmarc: questions that were asked and their answers, and the tree walk
 * (RFC 9989 section 4.10) over them.
 *
 * What is evaluated is plain code that is run again from its beginning with each
 * answer: where one is missing it notes the question and stops. Names are few,
 * so that is cheap, and there is no state to get wrong.
 */
#ifndef MAILAUTH_DMARC_WALK_H
#define MAILAUTH_DMARC_WALK_H

#include "mailauth/dmarc/record.h"
#include "mailauth/lookup.h"

struct dmarc_asked {
	enum mailauth_rr type;
	char name_octets[MAILAUTH_NAME_MAX];
	struct slice name;
	bool answered;
	enum mailauth_found found;
	bool secure;
	size_t records;             /* DMARC records among them */
	struct buf text;            /* of the first one, or of the first one with rua= */
	struct dmarc_record record; /* its parts */
};

struct dmarc_asking {
	struct dmarc_asked *asked[MAILAUTH_DMARC_QUESTIONS_MAX];
	size_t count;
	struct dmarc_asked *open; /* the question that waits for its answer */
	int err;                  /* ERR_NOMEM */
};

/*
 * The answer about prefix (may be empty), then name. NULL: it is asked now. A
 * name that cannot be in DNS is answered with MAILAUTH_NO_NAME, and one
 * beyond MAILAUTH_DMARC_QUESTIONS_MAX, or without memory, with MAILAUTH_FAILED.
 */
const struct dmarc_asked *
dmarc_ask(struct dmarc_asking *a, enum mailauth_rr type, struct slice prefix, struct slice name);
void dmarc_asking_answer(struct dmarc_asking *a, const struct mailauth_answer *answer);
void dmarc_asking_done(struct dmarc_asking *a);

/* The only DMARC record there; several are none (section 4.10, step 2). */
const struct dmarc_record *dmarc_asked_record(const struct dmarc_asked *asked);

enum dmarc_walked { DMARC_WALK_WAITS, DMARC_WALK_FAILED, DMARC_WALK_DONE };

struct dmarc_walk {
	struct slice organization; /* of the name that was given */
	/* The record at the organization, or that of the public suffix above it (section 4.10.1). NULL: none. */
	const struct dmarc_asked *policy;
	struct slice policy_domain;
};

/* domain: A-labels; slices of it are given back. */
enum dmarc_walked dmarc_walk(struct dmarc_asking *a, struct slice domain, struct dmarc_walk *out);

#endif
