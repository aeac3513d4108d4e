/* SPDX-License-Identifier: ISC */
/*
 * Makes DKIM-Signature fields (RFC 6376 section 5, RFC 8463), relaxed/relaxed,
 * of the whole body. Who has the secret key may be elsewhere: this shows which
 * octets are to be signed and takes the signature.
 *
 *   dkim_sign_octets(&params, header, body_hash, &octets)    to the key
 *   dkim_sign_field(octets, signature, &field)               to the front of the header
 *
 * Signed are the fields of RFC 6376 section 5.4.1 that are there, every one of
 * them, and those of MIME and of what we act on (TLS-Required, Autocrypt). From,
 * Subject, Date, To and Cc are named once more than they are there, so that
 * nobody can add another one.
 */
#ifndef MAILAUTH_DKIM_SIGN_H
#define MAILAUTH_DKIM_SIGN_H

#include "mailauth/dkim/canon.h"
#include "mailauth/dkim/key.h"

struct dkim_sign {
	enum dkim_algorithm algorithm; /* not DKIM_RSA_SHA1 */
	struct slice domain;           /* A-labels */
	struct slice selector;
	uint64_t now;     /* unix seconds */
	uint64_t expires; /* unix seconds; 0: never */
};

#define DKIM_SIGN_FIELD_MAX (8u << 10) /* octets of a field */

/*
 * Appends what is to be signed: the fields, then the signature's own without
 * signature. body_hash: DKIM_BODY_HASH_SIZE octets of the relaxed body
 * (dkim_body_hash()). ERR_SYNTAX: domain or selector are none, or the header
 * has no From, or no header can be seen in it; ERR_LIMIT, ERR_NOMEM.
 */
int dkim_sign_octets(
    const struct dkim_sign *s, struct slice header, const uint8_t *body_hash, struct buf *octets_out, struct error *e);

/*
 * Of such octets, the field at their end: whose it claims to be. Who signs asks
 * this, so that nothing but a DKIM signature is signed, and only by the key
 * that it names. ERR_SYNTAX: it is not exactly as dkim_sign_octets() writes it.
 */
struct dkim_sign_claim {
	enum dkim_algorithm algorithm;
	struct slice domain, selector; /* of the octets */
	uint64_t made;                 /* t= */
};
int dkim_sign_claim(struct slice octets, struct dkim_sign_claim *out, struct error *e);

/* Appends the whole field, folded, with its CR LF. octets: as above. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
int dkim_sign_field(struct slice octets, struct slice signature, struct buf *field_out, struct error *e);

#endif
