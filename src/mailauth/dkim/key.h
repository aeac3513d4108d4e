/* SPDX-License-Identifier: ISC */
/*
 * A key in DNS: the TXT record at SELECTOR._domainkey.DOMAIN (RFC 6376 section
 * 3.6, RFC 8463 section 4.2, RFC 8553), and signatures checked by it. ARC uses
 * the same keys.
 */
#ifndef MAILAUTH_DKIM_KEY_H
#define MAILAUTH_DKIM_KEY_H

#include "base/buf.h"
#include "base/error.h"
#include "crypto/rsa.h"
#include "mailauth/limits.h"

enum dkim_algorithm {
	DKIM_RSA_SHA256,
	DKIM_ED25519_SHA256,
	DKIM_RSA_SHA1, /* historic (RFC 8301): known, so that a reason can be told; never right */
};

/* "rsa-sha256" and so on. */
const char *dkim_algorithm_name(enum dkim_algorithm a);
/* As in a=, any case; false for others. */
bool dkim_algorithm_of(struct slice text, enum dkim_algorithm *out);

struct dkim_key {
	bool ed25519;      /* k=ed25519; otherwise k=rsa */
	bool revoked;      /* p= is empty: there is no key here */
	bool sha256;       /* h= permits it */
	bool email;        /* s= permits it */
	bool testing;      /* t=y: a failure is to be taken as no signature */
	bool strict;       /* t=s: i= must be of d= itself, not below */
	struct buf octets; /* of p=, which the following point into: */
	struct rsa_public rsa;
	struct slice public_key; /* Ed25519: 32 octets */
};

/*
 * Takes the record apart. RSA keys come as RSAPublicKey or, as everyone writes
 * them, SubjectPublicKeyInfo. ERR_SYNTAX, ERR_LIMIT; ERR_UNSUPPORTED: a version
 * or kind of key that is not ours to read; ERR_NOMEM. Done with dkim_key_done()
 * also after errors.
 */
int dkim_key_parse(struct slice record, struct dkim_key *out, struct error *e);
void dkim_key_done(struct dkim_key *k);
/* Bits of the modulus; 256 for Ed25519. */
size_t dkim_key_bits(const struct dkim_key *k);

/*
 * Whether this key made this signature over these octets (dkim_canon_...).
 * ERR_SIGNATURE: no; ERR_UNSUPPORTED: the key is not of that algorithm;
 * ERR_POLICY: the algorithm or the key is too weak or too large, whatever the
 * signature is worth; ERR_SYNTAX: it can be no signature.
 */
int dkim_key_verify(
    const struct dkim_key *k, enum dkim_algorithm a, struct slice octets, struct slice signature, struct error *e);

/* The record's text: "v=DKIM1; k=rsa; p=...". public_key: SubjectPublicKeyInfo, or 32 octets for Ed25519. */
int dkim_key_write(bool ed25519, struct slice public_key, struct buf *out);
/* "SELECTOR._domainkey.DOMAIN". Returns out's error. */
int dkim_key_name(struct slice selector, struct slice domain, struct buf *out);

#endif
