/* SPDX-License-Identifier: ISC */
/*
 * What the machines of this floor ask of DNS. They ask one question at a time
 * and are given the answer; who asks DNS, and whether it is cached, they do not
 * know:
 *
 *   while ((what = X_next(m, &question)) == X_LOOKUP) {
 *       ... look question.name up ...
 *       X_answer(m, &answer);
 *   }
 *
 * A question lives until its answer is given; an answer is borrowed during
 * the call. Records come as the texts and octets that they stand for, so that
 * nothing here reads RDATA.
 */
#ifndef MAILAUTH_LOOKUP_H
#define MAILAUTH_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum mailauth_rr {
	MAILAUTH_A = 1,     /* 4 octets each */
	MAILAUTH_AAAA = 28, /* 16 octets each */
	MAILAUTH_MX = 15,   /* the exchanges' names, the most preferred first; "." of a null MX (RFC 7505) */
	MAILAUTH_TXT = 16,  /* the strings of a record, one behind the other, nothing between them */
	MAILAUTH_PTR = 12,  /* names */
};

enum mailauth_found {
	MAILAUTH_FOUND,   /* with at least one record */
	MAILAUTH_NONE,    /* the name is there, without such records */
	MAILAUTH_NO_NAME, /* NXDOMAIN */
	MAILAUTH_FAILED,  /* nobody knows: no server answered, SERVFAIL, bogus. May be otherwise later */
};

struct mailauth_question {
	enum mailauth_rr type;
	struct slice name; /* A-labels, without the last dot; at most MAILAUTH_NAME_MAX octets */
};

struct mailauth_answer {
	enum mailauth_found found;
	bool secure; /* DNSSEC says so, of "none" too */
	const struct slice *records;
	size_t record_count; /* who answers gives at most MAILAUTH_RECORDS_MAX, and says MAILAUTH_FAILED of more */
};

#endif
