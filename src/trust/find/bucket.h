/* SPDX-License-Identifier: ISC */
/*
 * Private look-ups (doc/private-lookup.md): the server is asked for a bucket
 * of at least so many entries, of which it cannot tell which one was meant, and
 * who fetches one can open only the entries whose address he knows already.
 *
 * A bucket: "LLB1", then entries in order of name: 32 octets of name, a length
 * (32 bits, most significant first), so many octets. By address the name is a
 * hash of the address, the octets a nonce and ciphertext; by fingerprint the
 * name is that, filled up with zeros, the octets bare. Inside, the length of a
 * certificate, the certificate, zeros.
 */
#ifndef TRUST_FIND_BUCKET_H
#define TRUST_FIND_BUCKET_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "openpgp/key/key.h"

#define FIND_BUCKET_NAME 32u
#define FIND_BUCKET_DIGITS_MAX 8u
#define FIND_BUCKET_MAX (8u << 20)     /* octets of one */
#define FIND_BUCKET_ENTRIES_MAX 10000u /* of one */

/* The name of a folded address: FIND_BUCKET_NAME octets. */
int find_bucket_address_name(struct slice folded, uint8_t out[FIND_BUCKET_NAME], struct error *e);
void find_bucket_fingerprint_name(const struct pgp_fingerprint *f, uint8_t out[FIND_BUCKET_NAME]);
/* Appends the first digits of a name, as the path has them. */
void find_bucket_put_digits(const uint8_t name[FIND_BUCKET_NAME], unsigned digits, struct buf *out);

/* "{"digits":N,"least":M}". ERR_SYNTAX for anything else, or more digits than there may be. */
int find_bucket_parameters(struct slice json, unsigned *digits_out, unsigned *least_out, struct error *e);

struct find_bucket {
	struct slice rest;
	size_t count; /* entries so far */
};
/* ERR_SYNTAX when it does not begin as one. b points into in. */
int find_bucket_begin(struct slice in, struct find_bucket *b, struct error *e);
/* 1 an entry, 0 no more; ERR_SYNTAX, ERR_LIMIT. */
int find_bucket_next(struct find_bucket *b, struct slice *name_out, struct slice *octets_out, struct error *e);

/* Appends the certificate of an entry by address. ERR_INTEGRITY when it is not that address's; ERR_SYNTAX. */
int find_bucket_open(struct slice folded, struct slice name, struct slice octets, struct buf *out, struct error *e);
/* The certificate of a bare entry. ERR_SYNTAX. */
int find_bucket_bare(struct slice octets, struct slice *out, struct error *e);

#endif
