/* SPDX-License-Identifier: ISC */
/*
 * Adds a set to the Authenticated Received Chain (RFC 8617 section 5.1) of a
 * message that is sent on. Who has the secret key may be elsewhere: this shows
 * which octets are to be signed, twice, and takes the signatures.
 *
 *   arc_seal_new(&params, header, body_hash, &s, e)
 *   arc_seal_octets(s)                            to the key: the message signature
 *   arc_seal_signature(s, signature, e)
 *   arc_seal_octets(s)                            to the key: the seal
 *   arc_seal_signature(s, signature, e)
 *   arc_seal_fields(s)                            to the front of the header
 *
 * The message signature is relaxed/relaxed, of the whole body and of the fields
 * that a DKIM signature covers, those of DKIM with them.
 */
#ifndef MAILAUTH_ARC_SEAL_H
#define MAILAUTH_ARC_SEAL_H

#include "mailauth/arc/verify.h"
#include "mailauth/dkim/canon.h"
#include "mailauth/dkim/key.h"
#include "mailauth/results/results.h"

struct arc_seal_params {
	enum dkim_algorithm algorithm; /* not DKIM_RSA_SHA1 */
	struct slice domain;           /* A-labels */
	struct slice selector;
	uint64_t now;                       /* unix seconds */
	const struct arc_verdict *chain;    /* what arc_verify_... said of this message as it came in */
	const struct auth_results *results; /* all that we found out; the instance in it is not heeded */
};

struct arc_seal;

/*
 * header: as it goes out, all other changes made. body_hash: DKIM_BODY_HASH_SIZE
 * octets of the relaxed body. ERR_POLICY: no set may be added to this chain
 * (may_be_sealed); ERR_SYNTAX: domain or selector are none, or the header has no
 * From or cannot be seen; ERR_USAGE: of the results; ERR_LIMIT, ERR_NOMEM.
 */
int arc_seal_new(const struct arc_seal_params *params, struct slice header, const uint8_t *body_hash,
    struct arc_seal **out, struct error *e);
/* What is to be signed next; empty when both are. Lives until the signature is given. */
struct slice arc_seal_octets(const struct arc_seal *s);
/* ERR_ORDER: both are given; ERR_LIMIT, ERR_NOMEM. */
int arc_seal_signature(struct arc_seal *s, struct slice signature, struct error *e);
/* Seal, message signature and results with their CR LF; empty before both are signed. */
struct slice arc_seal_fields(const struct arc_seal *s);
void arc_seal_free(struct arc_seal *s); /* NULL is permitted */

/*
 * Of such octets, the field at their end: whose it claims to be. Who signs asks
 * this, so that nothing but ARC's signatures is signed, and only by the key that
 * they name. ERR_SYNTAX: it is not exactly as it is written here.
 */
struct arc_seal_claim {
	enum dkim_algorithm algorithm;
	struct slice domain, selector; /* of the octets */
	uint64_t made;                 /* t= */
	unsigned instance;
	bool seal; /* or a message signature */
};
int arc_seal_claim(struct slice octets, struct arc_seal_claim *out, struct error *e);

#endif
