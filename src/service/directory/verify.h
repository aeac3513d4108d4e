/* SPDX-License-Identifier: ISC */
/*
 * Verifying addresses by mail. Web asks, mail carries out: it makes the token,
 * keeps its hash, encrypts the letter to the very certificate that is to be
 * verified and puts it into the inbox of the address. So who opens the letter
 * has both the mailbox and the secret key, and the process that parses what
 * strangers upload never sees a token before its owner brings it.
 *
 *   request    a letter for one address of one certificate. VERIFY: the link publishes; MANAGE: the link unpublishes.
 *              PUT: without a fingerprint, a letter for each of the newest VERIFY_LETTERS_MAX certificates that have the
 *              address. The verdict says nothing of whether anybody has the address here, and comes before the letter is
 *              written, so that the time says nothing either
 *   look       what a token is for; it stays. For the page that asks "really?": mail scanners follow every link
 *   confirm    takes a VERIFY or PUT token, and publishes that address of that certificate
 *   unpublish  takes a MANAGE token, and unpublishes those addresses of that certificate; none named: all
 *
 * A token has VERIFY_TOKEN_DIGITS hex digits (160 bits), is good for
 * VERIFY_TOKEN_S seconds and once, and an address is sent one an hour at most;
 * MANAGE: one an hour for each certificate that serves the address, whatever
 * else was sent.
 * ERR_NOT_FOUND: it is none, not any more, or of another kind: nobody learns
 * which. Letters to other servers wait in the queue no longer than their token is good.
 */
#ifndef SERVICE_DIRECTORY_VERIFY_H
#define SERVICE_DIRECTORY_VERIFY_H

#include "os/port.h"
#include "store/types.h"

#define VERIFY_TOKEN_S 3600u     /* a letter that was not read in an hour is asked for again */
#define VERIFY_PAUSE_S 3600u     /* between two letters to one address */
#define VERIFY_TOKEN_DIGITS 40u  /* 160 bits: nobody guesses one */
#define VERIFY_LETTERS_MAX 3u    /* of one request without a fingerprint */
#define VERIFY_WAITING_MAX 256u  /* requests that may wait for mail's one thread for them */
#define VERIFY_ADDRESSES_MAX 32u /* of one unpublishing: as many as a certificate has */

enum verify_verdict {
	VERIFY_SENT = 1,      /* or nobody has the address here, or its certificate is not known: the same answer */
	VERIFY_ELSEWHERE = 2, /* not a domain of ours, and nothing is sent on here */
	VERIFY_NO_KEY = 3, /* no letter can be encrypted to that certificate: it expired, was revoked, or only signs */
	VERIFY_PAUSE = 4,  /* the address was sent one in the last hour */
};

/* A sentence for each. */
const char *verify_verdict_text(uint32_t verdict);

struct verify_request {
	struct slice fingerprint; /* of the primary key */
	struct slice address;
	uint32_t kind; /* enum store_token_kind */
};

struct verify_answer {
	uint32_t verdict;
};

struct verify_token {
	struct slice token; /* as it was in the letter: hex digits */
	uint32_t kind;
	const struct slice *addresses; /* unpublish */
	size_t address_count;
};

struct verify_subject {
	struct slice fingerprint;
	struct slice address; /* that the letter went to */
};

#define VERIFY_METHODS(X) \
	X(request, 1, verify_request, verify_answer) \
	X(look, 2, verify_token, verify_subject) \
	X(confirm, 3, verify_token, verify_subject) \
	X(unpublish, 4, verify_token, verify_subject)

#define VERIFY_METHOD_NUMBER(name, number, request, reply) VERIFY_METHOD_##name = (number),
enum verify_method { VERIFY_METHODS(VERIFY_METHOD_NUMBER) };
#undef VERIFY_METHOD_NUMBER

extern const struct port_interface verify_interface;

#define VERIFY_CALL(name, number, request, reply) \
	static inline int verify_##name( \
	    struct port *p, const struct request *in, struct arena *a, struct reply *out, struct error *e) \
	{ \
		return port_call(p, (number), in, a, out, e); \
	} \
	static inline int verify_##name##_submit( \
	    struct port *p, const struct request *in, port_done_fn *done, void *ctx, struct error *e) \
	{ \
		return port_submit(p, (number), in, done, ctx, e); \
	}
VERIFY_METHODS(VERIFY_CALL)
#undef VERIFY_CALL

/* ---- mail's end ---- */

struct verifier;

struct verifier_options {
	struct port *store, *ask; /* the caller's; must outlive it */
	struct queue *queue;      /* likewise, for letters to other servers; NULL: VERIFY_ELSEWHERE */
	struct slice hostname;    /* in links and in From; copied */
	uint16_t https;           /* the port of links */
};

int verifier_new(const struct verifier_options *options, struct verifier **out, struct error *e);
const struct port_service *verifier_service(struct verifier *v);
/* Ports to it must be closed. Finishes what waits. NULL is permitted. */
void verifier_free(struct verifier *v);

/* ---- the letter (verify_letter.c); pure ---- */

struct verify_letter {
	struct slice certificate; /* binary, with all that is held */
	struct slice fingerprint, address, token, hostname;
	uint32_t kind;
	uint16_t https;
	uint64_t now;
	uint8_t random[16];
};

/*
 * Appends the letter, encrypted, with all header fields. ERR_NO_KEY when
 * nothing can be encrypted to the certificate, ERR_USAGE for an address that
 * cannot stand in a header.
 */
int verify_letter_write(const struct verify_letter *l, struct buf *out, struct error *e);
#define VERIFY_LETTER_SKIP 17u /* octets of its first field, Return-Path, which is for mailboxes alone */
/* Whether the certificate can be encrypted to now: ERR_NO_KEY. */
int verify_letter_possible(struct slice certificate, uint64_t now, struct error *e);

#endif
