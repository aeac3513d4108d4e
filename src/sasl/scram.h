/* SPDX-License-Identifier: ISC */
/*
 * SCRAM-SHA-256's verifiers (RFC 5802 section 3, RFC 7677). A verifier does
 * not say the password, and who has it cannot sign in; but he can try
 * passwords as quickly as PBKDF2 lets him (no memory is needed, unlike
 * Argon2id's), and can play the server. So it is for passwords that are random:
 * with 100 random bits even SCRAM_ITERATIONS_MIN is out of reach. For a
 * password that a person chose, SCRAM_ITERATIONS_CHOSEN makes guessing slower,
 * at that cost to each client that signs in; the server itself computes no
 * PBKDF2 when somebody signs in, whatever the count.
 *
 * As text (RFC 5803, and RFC 3112 for what is around it):
 *
 *   SCRAM-SHA-256$4096:base64(salt)$base64(StoredKey):base64(ServerKey)
 *
 * Several passwords for one account. A server says salt and count before it
 * knows which of them the client has, so all of an account's verifiers have
 * the same salt and the same count: make the first with an empty salt, which
 * draws one, and every further one with the first one's salt and count, even
 * if the first is revoked meanwhile. The client's proof is then tried against
 * each, always SCRAM_VERIFIERS_MAX times.
 */
#ifndef SASL_SCRAM_H
#define SASL_SCRAM_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "sasl/limits.h"

#define SCRAM_KEY_SIZE 32u
#define SCRAM_SALT_SIZE 16u             /* octets of a salt that we draw */
#define SCRAM_ITERATIONS_RANDOM 4096u   /* for random passwords */
#define SCRAM_ITERATIONS_CHOSEN 600000u /* for passwords of people: a tenth of a second for a client, or more */
#define SCRAM_VERIFIER_TEXT_MAX 320u    /* characters */

struct scram_verifier {
	uint32_t iterations;
	uint8_t salt_len;
	uint8_t salt[SCRAM_SALT_MAX];
	uint8_t stored_key[SCRAM_KEY_SIZE];
	uint8_t server_key[SCRAM_KEY_SIZE];
};

/*
 * From a password, which is prepared by SASLprep (RFC 4013) as a client does.
 * salt: of the account's other verifiers; empty: SCRAM_SALT_SIZE fresh random
 * octets. Takes as long as a client: some milliseconds to tenths of a second.
 * ERR_SYNTAX (the password is not UTF-8), ERR_POLICY (has characters that
 * SASLprep forbids, or nothing is left), ERR_USAGE (count, salt or password out
 * of bounds), ERR_CRYPTO, ERR_NOMEM. Wipe it after use.
 */
int scram_verifier_make(struct slice password, struct slice salt, uint32_t iterations,
    struct scram_verifier *verifier_out, struct error *e);

/* Appends the text. Returns out's sticky error. */
int scram_verifier_write(const struct scram_verifier *v, struct buf *out);
/* ERR_SYNTAX; ERR_UNSUPPORTED (another scheme); ERR_LIMIT (iterations or salt out of bounds). */
int scram_verifier_parse(struct slice text, struct scram_verifier *verifier_out, struct error *e);

/* True when text begins with the scheme; nothing else is looked at. */
bool scram_verifier_is(struct slice text);

static inline struct slice
scram_verifier_salt(const struct scram_verifier *v)
{
	return slice_of(v->salt, v->salt_len);
}

#endif
