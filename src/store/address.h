/* SPDX-License-Identifier: ISC */
/*
 * What addresses are the same: those with one key. Pure; for those who have to know it without asking the store.
 */
#ifndef STORE_ADDRESS_H
#define STORE_ADDRESS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "store/limits.h"

#define STORE_ADDRESS_KEY_ROOM (STORE_ADDRESS_MAX * 4u) /* octets of a key under way: normalising may lengthen */

/*
 * Appends the key of an address: ASCII letters made small, the domain in A-labels, a local part in Unicode's form C. Text
 * of ASCII has one, whatever it is. ERR_SYNTAX for what cannot be UTF-8 or a domain; ERR_LIMIT, ERR_NOMEM.
 */
int store_address_key(struct slice address, struct buf *out, struct error *e);

/*
 * Under which name a verified address stands in the directory's buckets: SHA-256 of "letterlock private address", an octet
 * of zero and the address with its ASCII letters made small. out: 32 octets.
 */
#define STORE_ADDRESS_NAME_SIZE 32u
int store_address_name(struct slice address, uint8_t *out, struct error *e);

#endif
