/* SPDX-License-Identifier: ISC */
/*
 * Block ciphers in cipher feedback mode as OpenPGP uses it (RFC 9580 section
 * 12.9: full-block feedback, no resynchronization), for streams of any length.
 * AES (FIPS 197) is what is used; the others are here to read what is old
 * (which of them is acceptable is the caller's policy). CAST5 and Blowfish are
 * in libcrypto's legacy provider, which is loaded when one of them is first
 * asked for, into a library context of its own: nothing else finds it.
 *
 * CFB has no integrity of its own: the caller proves that elsewhere before it
 * lets plaintext out.
 *
 * libcrypto's own CFB is serial both ways. Decryption here is one ECB call over
 * the shifted ciphertext and an XOR; encryption is CBC, which has the faster
 * code: with K the key stream, K[i+1] = E(P[i] ^ K[i]) is CBC over the
 * plaintext.
 */
#ifndef CRYPTO_CIPHER_H
#define CRYPTO_CIPHER_H

#include "base/error.h"
#include "base/slice.h"

enum cipher_id {
	CIPHER_AES128,
	CIPHER_AES192,
	CIPHER_AES256,
	CIPHER_CAMELLIA128,
	CIPHER_CAMELLIA192,
	CIPHER_CAMELLIA256,
	CIPHER_3DES,
	CIPHER_CAST5,
	CIPHER_BLOWFISH,
	CIPHER_COUNT
};

#define CIPHER_BLOCK 16u     /* octets of a block of AES and Camellia */
#define CIPHER_BLOCK_MAX 16u /* of any */
#define CIPHER_KEY_MAX 32u

size_t cipher_key_size(enum cipher_id id);   /* octets: 16, 24, 32 */
size_t cipher_block_size(enum cipher_id id); /* octets: 16; 3DES, CAST5, Blowfish 8 */
/* Whether this libcrypto has it: loads the legacy provider when it must. */
bool cipher_available(enum cipher_id id);
const char *cipher_name(enum cipher_id id);

struct cipher;

enum cipher_way { CIPHER_ENCRYPT, CIPHER_DECRYPT };

/*
 * iv: cipher_block_size() octets, or empty for zeros. ERR_USAGE for a wrong key
 * or IV length, ERR_UNSUPPORTED when this libcrypto does not have the cipher,
 * ERR_NOMEM, ERR_CRYPTO.
 */
int cipher_cfb_new(
    enum cipher_id id, enum cipher_way way, struct slice key, struct slice iv, struct cipher **out, struct error *e);
/* Any number of octets, cut anywhere. in and out may be the same, or apart; not overlapping otherwise. ERR_CRYPTO. */
int cipher_step(struct cipher *c, const uint8_t *in, uint8_t *out, size_t len, struct error *e);
void cipher_free(struct cipher *c); /* NULL is permitted; wipes */

/* The whole of a short text in one call, into out (in.len octets). */
int cipher_cfb_once(enum cipher_id id, enum cipher_way way, struct slice key, struct slice iv, struct slice in,
    uint8_t *out, struct error *e);

#endif
