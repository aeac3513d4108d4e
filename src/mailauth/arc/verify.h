/* SPDX-License-Identifier: ISC */
/*
 * The Authenticated Received Chain (RFC 8617): what those through whose hands
 * a message went say about where it was from when they got it, and whether
 * nobody has changed their words since. Whether they are believed is for others.
 *
 * Each of them adds a set of three fields with the same number i=: what it found
 * out (ARC-Authentication-Results), a signature of the message as it sent it
 * (ARC-Message-Signature), and a seal of all sets so far (ARC-Seal).
 *
 *   arc_verify_new(&config, header, &v, e);
 *   arc_verify_body(v, piece);                    as often as there is some
 *   while (arc_verify_next(v, &question) == ARC_VERIFY_LOOKUP)
 *           arc_verify_answer(v, &answer);
 *   arc_verify_verdict(v)
 *
 * The newest message signature has to hold, and all seals. Older message
 * signatures are looked at, newest first, up to the first that does not hold:
 * that tells who changed the message. A key that several name is asked for once.
 */
#ifndef MAILAUTH_ARC_VERIFY_H
#define MAILAUTH_ARC_VERIFY_H

#include "base/error.h"
#include "base/slice.h"
#include "mailauth/limits.h"
#include "mailauth/lookup.h"

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL };
/* "none", "pass", "fail" */
const char *arc_result_name(enum arc_result r);

struct arc_verdict {
	enum arc_result result;
	char reason[ERROR_TEXT_MAX]; /* a sentence; of pass too */
	size_t count;                /* of sets; 0 when the chain has no order that could be followed */
	/* Of pass: the oldest set whose message signature still holds with all newer ones; 0: all do (section 5.2). */
	size_t oldest_pass;
	size_t failed;      /* the set that broke the chain, 0: none, or no one of them */
	bool temporary;     /* fail, because DNS did not answer: section 5.2.1 makes it a failure nevertheless */
	bool may_be_sealed; /* no newest seal says cv=fail already, and there is room for one more set (section 5.1) */
};

/* One set, numbered from 1. Slices live as long as the machine; believed only of a chain that passed. */
struct arc_set {
	struct slice results;        /* the value of ARC-Authentication-Results (auth_results_parse(..., true, ...)) */
	struct slice seal_domain;    /* d= of the seal: who it is by */
	struct slice seal_selector;  /* s= */
	enum arc_result chain;       /* cv= */
	uint64_t made;               /* t= of the seal, unix seconds; 0: not said */
	struct slice message_domain; /* d= of the message signature */
	struct slice message_selector;
	bool message_holds; /* the message signature, if it was looked at */
};

struct arc_verify_config {
	uint64_t now;  /* unix seconds; against x= */
	bool borrowed; /* the header lives as long as the machine, and is not copied */
};

struct arc_verify;

enum arc_verify_what { ARC_VERIFY_DONE, ARC_VERIFY_LOOKUP };

/* header: the whole block with the empty line, copied unless it is borrowed. ERR_NOMEM, ERR_CRYPTO; what is wrong in it stands in the verdict. */
int
arc_verify_new(const struct arc_verify_config *config, struct slice header, struct arc_verify **out, struct error *e);
void arc_verify_body(struct arc_verify *v, struct slice piece);
/* The first call ends the body. */
enum arc_verify_what arc_verify_next(struct arc_verify *v, struct mailauth_question *question_out);
void arc_verify_answer(struct arc_verify *v, const struct mailauth_answer *answer);
/* After ARC_VERIFY_DONE: */
const struct arc_verdict *arc_verify_verdict(const struct arc_verify *v);
const struct arc_set *arc_verify_set(const struct arc_verify *v, size_t instance); /* 1 ... verdict->count; else NULL */
void arc_verify_free(struct arc_verify *v);                                        /* NULL is permitted */

#endif
