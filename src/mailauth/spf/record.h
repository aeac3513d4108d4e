/* SPDX-License-Identifier: ISC */
/*
 * SPF records: "v=spf1 mx include:example.net -all" (RFC 7208 sections 4.5 to
 * 6). spf_record_select() finds a domain's among its texts, spf_record_parse()
 * checks all of it, and spf_term_next() then goes through its terms.
 * spf_record_look() is for the domain's owner: a sentence for each thing that
 * is wrong or unwise. Slices point into the record.
 */
#ifndef MAILAUTH_SPF_RECORD_H
#define MAILAUTH_SPF_RECORD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"
#include "mailauth/limits.h"
#include "mailauth/spf/result.h"

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT,    /* modifiers from here on */
	SPF_EXPLANATION, /* exp= */
	SPF_UNKNOWN,     /* a modifier of a later day: to be passed over */
};

struct spf_term {
	enum spf_kind kind;
	enum spf_result qualifier; /* of a mechanism: what a match comes to */
	struct slice text;         /* the whole term as it stands */
	struct slice spec;         /* domain-spec with its macros; empty: the domain itself */
	uint8_t address[16];       /* SPF_IP4: the first 4 octets; SPF_IP6 */
	unsigned int prefix4;      /* 0 to 32 */
	unsigned int prefix6;      /* 0 to 128 */
};

/* Whether it costs one of the 10 look-ups. */
bool spf_term_asks(const struct spf_term *term);

struct spf_record {
	struct slice terms; /* what follows the version */
	size_t term_count;
	size_t lookups; /* terms of it that ask DNS; what they include comes on top */
	bool has_all, has_redirect, has_explanation;
	struct spf_term redirect, explanation, all; /* when there is one; the first "all" */
};

/* How many of the texts are SPF records; the first of them. *out is only set when there is one. */
size_t spf_record_select(const struct slice *texts, size_t count, struct slice *out);
/* ERR_SYNTAX with the offset into record; ERR_LIMIT over MAILAUTH_SPF_RECORD_MAX octets. */
int spf_record_parse(struct slice record, struct spf_record *out, struct error *e);
/* The next term; begin with *rest the terms of a record that could be parsed. False at the end. */
bool spf_term_next(struct slice *rest, struct spf_term *out);

enum spf_gravity {
	SPF_ADVICE, /* works; could be better */
	SPF_UNSAFE, /* works, and permits what it should not, or protects nothing */
	SPF_BROKEN, /* others come to "permerror" */
};

struct spf_problem {
	enum spf_gravity gravity;
	struct slice term;         /* that it is about; may be empty */
	char text[ERROR_TEXT_MAX]; /* a sentence */
};

struct spf_look {
	size_t record_count;      /* among the texts; without one nothing else is set */
	struct slice text;        /* the first */
	struct spf_record record; /* when parsed */
	bool parsed;
	struct spf_problem problems[MAILAUTH_SPF_PROBLEMS_MAX]; /* the gravest are first; ones beyond are left out */
	size_t problem_count;
};

/* All that can be said of a domain's TXT records without asking further. */
void spf_record_look(const struct slice *texts, size_t count, struct spf_look *out);

#endif
