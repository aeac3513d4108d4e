/* SPDX-License-Identifier: ISC */
/*
 * Hash functions: FIPS 180-4 (SHA-1, SHA-2), FIPS 202 (SHA-3), and RIPEMD-160
 * and MD5, which are here only to read what is old (and MD5 only for
 * identifiers). Which of them is acceptable for what is decided by the caller's
 * policy.
 *
 * A context takes any number of pieces, can be copied at any point (a signature
 * over "the same up to here, and then different trailers") and is finished once.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/error.h"
#include "base/slice.h"

enum hash_id {
	HASH_MD5,
	HASH_SHA1,
	HASH_RIPEMD160,
	HASH_SHA224,
	HASH_SHA256,
	HASH_SHA384,
	HASH_SHA512,
	HASH_SHA3_256,
	HASH_SHA3_512,
	HASH_COUNT,
};

#define HASH_SIZE_MAX 64u

/* Octets of the digest: 16 to 64. */
size_t hash_size(enum hash_id id);
/* "SHA256" and so on, as in OpenPGP's text names (RFC 9580 table 23). */
const char *hash_name(enum hash_id id);

struct hash;

/* ERR_NOMEM; ERR_UNSUPPORTED when this libcrypto does not have it. */
int hash_new(enum hash_id id, struct hash **out, struct error *e);
enum hash_id hash_id(const struct hash *h);
/* Failures are kept and told by hash_finish(). */
void hash_update(struct hash *h, struct slice in);
/* A second context in the same state. ERR_NOMEM, ERR_CRYPTO. */
int hash_copy(const struct hash *h, struct hash **out, struct error *e);
/* Writes hash_size() octets. The context takes nothing more; free it. ERR_CRYPTO. */
int hash_finish(struct hash *h, uint8_t *out, struct error *e);
void hash_free(struct hash *h); /* NULL is permitted */

void hash_free_pointer(struct hash **h);
#define HASH_OWNED __attribute__((cleanup(hash_free_pointer)))

/* The digest of one piece: hash_size() octets to out. */
int hash_once(enum hash_id id, struct slice in, uint8_t *out, struct error *e);

#endif
