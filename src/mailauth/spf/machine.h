/* SPDX-License-Identifier: ISC */
/* Inside this room: the machine of spf.h, its records one inside the other, and who does what. */
#ifndef MAILAUTH_SPF_MACHINE_H
#define MAILAUTH_SPF_MACHINE_H

#include "base/arena.h"
#include "base/buf.h"
#include "mailauth/spf/macro.h"
#include "mailauth/spf/record.h"
#include "mailauth/spf/spf.h"

#define FRAMES_MAX (MAILAUTH_SPF_LOOKUPS_MAX + 1u) /* each include costs a look-up */
#define NAME_SPACE (MAILAUTH_NAME_MAX + 1u)

struct name {
	uint8_t octets[NAME_SPACE];
	size_t len;
};

static inline struct slice
name_slice(const struct name *n)
{
	return slice_of(n->octets, n->len);
}

/* check_host() of one domain: the first, or that of an include. */
struct frame {
	struct name domain;
	struct buf text; /* its record */
	struct spf_record record;
	struct slice rest;    /* terms yet to come */
	struct spf_term term; /* that is being looked at */
	bool has_term;
	bool counted, void_counted; /* term is */
	bool redirected;            /* to domain: it must have a record */
};

enum state {
	SPF_STEP,    /* nothing is asked: go on */
	SPF_EXPLAIN, /* the result is there and is fail: on with exp= */
	SPF_WRITE_EXPLANATION,
	SPF_FINISHED,
	/* What was asked. */
	SPF_ASK_RECORD,
	SPF_ASK_ADDRESS,
	SPF_ASK_EXISTS,
	SPF_ASK_MX,
	SPF_ASK_MX_ADDRESS,
	SPF_ASK_PTR,
	SPF_ASK_PTR_ADDRESS,
	SPF_ASK_EXPLANATION,
};

struct spf {
	struct arena arena; /* what was passed in */
	uint8_t ip[16];
	size_t ip_len;
	struct slice helo, sender, sender_domain, receiver;
	uint64_t now;
	bool local_ascii;

	enum state state, after_ptr;
	enum mailauth_rr ask;
	struct name asked; /* the name of the question */
	struct frame frames[FRAMES_MAX];
	size_t depth; /* frames that there are */

	struct name names[MAILAUTH_SPF_NAMES_MAX]; /* of the MX at hand, or the client's PTR */
	size_t name_count, name_at;
	struct name validated[MAILAUTH_SPF_NAMES_MAX]; /* the client's names that lead back to it */
	size_t validated_count;
	bool validated_known;
	bool ptr_void; /* to know them something was asked in vain: each term that needs them has, then */

	struct buf explanation_spec; /* the text that was found, before its macros */
	struct buf explanation;
	struct spf_outcome outcome;
};

static inline struct frame *
spf_top(struct spf *s)
{
	return &s->frames[s->depth - 1];
}

static inline struct slice
spf_ip(const struct spf *s)
{
	return slice_of(s->ip, s->ip_len);
}

static inline enum mailauth_rr
spf_address_rr(const struct spf *s)
{
	return s->ip_len == 4 ? MAILAUTH_A : MAILAUTH_AAAA;
}

/* names.c */
/* Labels of 1 to 63 octets, two at least, 253 in all, and nothing that a question cannot have. strict: what a host has. */
bool spf_name_valid(struct slice name, bool strict);
void spf_name_set(struct name *n, struct slice from);
/* What spec comes to for this frame; without one, its domain. False: it can be no name, and matches nothing. */
bool spf_name_expand(struct spf *s, const struct frame *f, struct slice spec, struct name *out);
/* The values of macros for this frame. */
struct spf_macro_values spf_values(const struct spf *s, const struct frame *f);
/* Whether the client's names must be known before spec is expanded, and are not. */
bool spf_name_needs_ptr(const struct spf *s, struct slice spec);
/* The first names of an answer that can be ones, and how many there were. */
void spf_names_take(struct spf *s, const struct mailauth_answer *answer);

/* ptr.c */
/* Asks for the client's names; then goes on in state after. */
void spf_ptr_begin(struct spf *s, enum state after);
void spf_ptr_answer(struct spf *s, const struct mailauth_answer *answer);
bool spf_ptr_matches(const struct spf *s, struct slice target);
/* What macro p comes to. */
struct slice spf_ptr_name(const struct spf *s, struct slice domain);

/* evaluate.c */
void spf_step(struct spf *s);
/* For SPF_ASK_ADDRESS to SPF_ASK_MX_ADDRESS. */
void spf_term_answer(struct spf *s, const struct mailauth_answer *answer);
void spf_record_answer(struct spf *s, const struct mailauth_answer *answer);
/* This term asked in vain. False: once too often, and the machine has finished. */
bool spf_void(struct spf *s);

/* explain.c */
void spf_explain(struct spf *s);
void spf_explain_write(struct spf *s);
void spf_explain_answer(struct spf *s, const struct mailauth_answer *answer);

/* spf.c */
void spf_question(struct spf *s, enum state state, enum mailauth_rr type);
/* The result of all: an error, with its sentence. */
void spf_fail_with(struct spf *s, enum spf_result r, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The result of all: as the records say; then exp= if it is fail. */
void spf_finish(struct spf *s, enum spf_result r);
/* Whether one of the addresses of an answer is the client's. */
bool spf_answer_has_client(const struct spf *s, const struct mailauth_answer *answer, unsigned int bits);

#endif
