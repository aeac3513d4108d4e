/* SPDX-License-Identifier: ISC */
/*
 * Whose signatures a message bears, and whether they hold (RFC 6376 section 6,
 * RFC 8301, RFC 8463). A machine: it is made with the header, fed the body,
 * then asks for the keys, and has a result for each signature.
 *
 *   dkim_verify_new(&config, header, &v, e);
 *   dkim_verify_body(v, piece);                   as often as there is some
 *   while (dkim_verify_next(v, &question) == DKIM_VERIFY_LOOKUP)
 *           dkim_verify_answer(v, &answer);
 *   dkim_verify_result(v, 0 ... dkim_verify_count(v) - 1)
 *
 * The first MAILAUTH_DKIM_SIGNATURES_MAX signatures from the top are looked at;
 * of the others only their number is told. The body is hashed at most once for
 * each canonical form, whatever the signatures say; without a signature that
 * needs it, not at all. A key that several signatures name is asked for once.
 *
 * What is "pass" here has signed From, and every From that there is, and the
 * whole body. A signature that holds and says less is "policy".
 */
#ifndef MAILAUTH_DKIM_VERIFY_H
#define MAILAUTH_DKIM_VERIFY_H

#include "mailauth/dkim/key.h"
#include "mailauth/lookup.h"

enum dkim_result { /* RFC 8601 section 2.7.1 */
	DKIM_NONE, /* of a message: there is no signature */
	DKIM_PASS,
	DKIM_FAIL,      /* the signature or the body's hash does not hold */
	DKIM_POLICY,    /* it may hold, but is not worth anything: weak, or only part of the body is signed */
	DKIM_NEUTRAL,   /* it cannot be read */
	DKIM_TEMPERROR, /* DNS did not answer */
	DKIM_PERMERROR, /* no key, or the signature contradicts itself, or it has expired */
};
/* "pass" and so on. */
const char *dkim_result_name(enum dkim_result r);

struct dkim_signature {
	enum dkim_result result;
	char reason[ERROR_TEXT_MAX]; /* a sentence; of pass too */
	/* As far as they could be read; else empty. They live as long as the machine. */
	struct slice domain;    /* d= */
	struct slice selector;  /* s= */
	struct slice identity;  /* i=, decoded; "@DOMAIN" where there is none */
	struct slice algorithm; /* a=, as it came */
	struct slice signature; /* b=, without white space: its first octets are header.b (RFC 6008) */
	size_t key_bits;        /* 0: no key was seen */
	bool testing;           /* the key says t=y (RFC 6376 section 3.6.1) */
	bool secure;            /* DNSSEC protects the key */
	uint64_t made, expires; /* t= and x=, unix seconds; 0: not said */
};

struct dkim_verify_config {
	uint64_t now;            /* unix seconds */
	uint64_t tolerance;      /* seconds by which clocks may differ; 0: DKIM_TOLERANCE_SECONDS */
	struct slice field_name; /* empty: DKIM-Signature */
	bool borrowed;           /* the header lives as long as the machine, and is not copied */
};

#define DKIM_TOLERANCE_SECONDS 300u

struct dkim_verify;

enum dkim_verify_what { DKIM_VERIFY_DONE, DKIM_VERIFY_LOOKUP };

/* header: the whole block with the empty line, copied unless it is borrowed. ERR_NOMEM, ERR_CRYPTO; what is wrong in it stands in the results. */
int dkim_verify_new(
    const struct dkim_verify_config *config, struct slice header, struct dkim_verify **out, struct error *e);
void dkim_verify_body(struct dkim_verify *v, struct slice piece);
/* The first call ends the body. */
enum dkim_verify_what dkim_verify_next(struct dkim_verify *v, struct mailauth_question *question_out);
void dkim_verify_answer(struct dkim_verify *v, const struct mailauth_answer *answer);

/* After DKIM_VERIFY_DONE: */
size_t dkim_verify_count(const struct dkim_verify *v);                                  /* that were looked at */
size_t dkim_verify_seen(const struct dkim_verify *v);                                   /* that there are */
const struct dkim_signature *dkim_verify_result(const struct dkim_verify *v, size_t i); /* in the header's order */
/* The best of them: pass if there is one, then temperror, and so on; none. */
enum dkim_result dkim_verify_best(const struct dkim_verify *v);
void dkim_verify_free(struct dkim_verify *v); /* NULL is permitted */

#endif
