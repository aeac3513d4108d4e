/* SPDX-License-Identifier: ISC */
/*
 * Password verifiers: Argon2id (RFC 9106) in the PHC string form
 *   $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH     (base64 without padding)
 * of the password as RFC 4013 prepares it, or of its octets where it cannot.
 * Making and checking takes AUTH_MEMORY_KIB of memory and tens of milliseconds
 * of one core: never on a loop or a worker. Checking takes the verifier's own
 * cost, which is bounded; a new cost applies when the password is set again.
 */
#ifndef SERVICE_SIGNIN_AUTH_H
#define SERVICE_SIGNIN_AUTH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define AUTH_MEMORY_KIB 19456u /* with 2 passes and 1 lane: OWASP's recommendation */
#define AUTH_PASSES 2u
#define AUTH_LANES 1u
#define AUTH_SALT_SIZE 16u
#define AUTH_HASH_SIZE 32u
#define AUTH_MEMORY_KIB_MAX (1u << 20) /* what a verifier may ask of us at most */
#define AUTH_PASSES_MAX 16u
#define AUTH_LANES_MAX 16u

/*
 * Appends a verifier for a password, with a fresh salt. ERR_USAGE: empty,
 * over SERVICE_PASSWORD_MAX, or with a NUL in it (SASL cannot carry that);
 * ERR_NOMEM, ERR_CRYPTO.
 */
int auth_verifier_make(struct slice password, struct buf *out, struct error *e);

/*
 * 0 when the password is right, ERR_PASSWORD when not; ERR_SYNTAX for a
 * verifier that is none, ERR_LIMIT for one that asks too much. The hash is
 * compared in constant time. An empty verifier is never right, and costs the
 * same as one that this program makes: so callers pass it for an account that
 * does not exist.
 */
int auth_verifier_check(struct slice verifier, struct slice password, struct error *e);

/*
 * Appends a SCRAM-SHA-256 verifier (sasl/scram.h). like: another one of the
 * account, which has the salt and count that all of them must have; empty, or
 * what is none: a new salt. chosen: people choose passwords that have such
 * verifiers here (scram_main_password), so more is computed. ERR_USAGE (also
 * for what SCRAM cannot carry: not UTF-8, or characters that RFC 4013 forbids),
 * ERR_NOMEM, ERR_CRYPTO.
 */
int auth_scram_make(struct slice password, struct slice like, bool chosen, struct buf *out, struct error *e);

#define AUTH_SCRAM_CHOSEN \
	100000u /* iterations: of a client's time some 50 ms, and of ours for an app password in clear */
/* The count of accounts whose first verifier is made now. */
uint32_t auth_scram_iterations(bool chosen);

#endif
