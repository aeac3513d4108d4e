/* SPDX-License-Identifier: ISC */
/*
 * Autocrypt Level 1's header fields, "Autocrypt" and "Autocrypt-Gossip":
 * a certificate that travels with a mail ("addr=...; prefer-encrypt=mutual;
 * keydata=BASE64"). What follows from them for a peer is trust/peers.h.
 *
 * Read: an attribute that we do not know makes the field invalid, unless its
 * name begins with '_'; keydata is the last one; none comes twice. Over
 * MIME_AUTOCRYPT_MAX octets the field is invalid. Of the fields "Autocrypt"
 * exactly one may be valid, and its address must be that of the one sender: two
 * valid ones are none. What keydata holds is not looked at here.
 *
 * A field of a mail can be forged by whoever sends it: it is evidence, no more.
 */
#ifndef MIME_AUTOCRYPT_H
#define MIME_AUTOCRYPT_H

#include "base/arena.h"
#include "mime/header.h"

#define MIME_AUTOCRYPT_MAX (10u << 10) /* octets of the whole field: name, folding and line ends included */
#define MIME_GOSSIP_MAX 100u           /* gossip fields of one letter that are looked at */

struct mime_autocrypt {
	struct slice addr;    /* local@domain, as written */
	bool mutual;          /* prefer-encrypt=mutual */
	struct slice keydata; /* binary */
};

/* One field's value, folded as it came. Slices live in the arena. ERR_SYNTAX with the rule it breaks; ERR_LIMIT, ERR_NOMEM. */
int mime_autocrypt_parse(struct slice value, struct arena *a, struct mime_autocrypt *out, struct error *e);

/*
 * The one valid field "Autocrypt" of a mail whose From is this address.
 * ERR_NOT_FOUND: there is none. ERR_SYNTAX: there are several. ERR_NOMEM.
 */
int mime_autocrypt_find(
    const struct mime_header *h, struct slice from, struct arena *a, struct mime_autocrypt *out, struct error *e);

/*
 * The valid fields "Autocrypt-Gossip", at most max; the count is returned. Only
 * of the root of an encrypted payload; that the address is one of the letter's
 * recipients is the caller's question.
 */
size_t mime_autocrypt_gossip(const struct mime_header *h, struct arena *a, struct mime_autocrypt *out, size_t max);

/*
 * Appends the field, folded, with its line end. name: "Autocrypt" or
 * "Autocrypt-Gossip". ERR_USAGE for an address that cannot stand in one,
 * ERR_LIMIT when it would be over MIME_AUTOCRYPT_MAX.
 */
int mime_autocrypt_write(const struct mime_autocrypt *x, const char *name, struct buf *out, struct error *e);

#endif
