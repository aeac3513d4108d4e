/* SPDX-License-Identifier: ISC */
/* Key derivation: HKDF (RFC 5869) from strong keys, Argon2id (RFC 9106) and, for what asks for it, PBKDF2 from passwords. */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "crypto/hash.h"
#include "crypto/secret.h"

/* Writes len octets (at most 255 digests). salt and info may be empty. ERR_USAGE, ERR_CRYPTO. */
int kdf_hkdf(
    enum hash_id id, struct slice key, struct slice salt, struct slice info, uint8_t *out, size_t len, struct error *e);

/* Hard bounds of what a message or a file may make us spend; a caller may ask for lower ones. */
#define KDF_ARGON2_MEMORY_MAX_KIB (2u << 20) /* 2 GiB, RFC 9106's first recommendation */
#define KDF_ARGON2_PASSES_MAX 64u
#define KDF_ARGON2_LANES_MAX 64u
#define KDF_ARGON2_WORK_MAX (8u << 20) /* passes times KiB: some eight seconds */

struct kdf_argon2 {
	uint32_t memory_kib; /* at least 8 a lane */
	uint32_t passes;     /* at least 1 */
	uint32_t lanes;      /* 1 to KDF_ARGON2_LANES_MAX; computed one after the other: no threads here */
	struct slice secret; /* RFC 9106's further inputs, empty when not used */
	struct slice ad;
};

/*
 * Argon2id version 0x13, checked against the bounds before any memory is
 * taken. salt: at least 8 octets; len: at least 4. ERR_LIMIT over a bound,
 * ERR_USAGE, ERR_NOMEM.
 */
int kdf_argon2id(
    const struct kdf_argon2 *cost, struct slice password, struct slice salt, uint8_t *out, size_t len, struct error *e);

#define KDF_PBKDF2_ITERATIONS_MAX 10000000u /* some seconds */

/*
 * PBKDF2 (RFC 8018 section 5.2) over HMAC with that hash. It needs no memory,
 * so a guesser computes it cheaply: only where a standard wants it. len: at
 * least 1 octet. ERR_LIMIT over a bound, ERR_USAGE, ERR_CRYPTO, ERR_NOMEM.
 */
int kdf_pbkdf2(enum hash_id id, struct slice password, struct slice salt, uint32_t iterations, uint8_t *out, size_t len,
    struct error *e);

#endif
