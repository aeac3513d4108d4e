/* SPDX-License-Identifier: ISC */
/* From OpenPGP's numbers (ids.h) to crypto's algorithms. false or 0: we do not have it. */
#ifndef OPENPGP_ALGORITHM_H
#define OPENPGP_ALGORITHM_H

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "openpgp/ids.h"

bool pgp_hash_of(uint8_t number, enum hash_id *out);
/* All but IDEA and Twofish; CAST5 and Blowfish may still be missing from this libcrypto (cipher_available()). */
bool pgp_cipher_of(uint8_t number, enum cipher_id *out);
bool pgp_aead_of(uint8_t number, enum aead_id *out);

/* The same with a sentence that names it: ERR_UNSUPPORTED when it is unknown, refused, or not in this libcrypto. */
int pgp_cipher_find(uint8_t number, enum cipher_id *out, struct error *e);
/* Octets of a session key of this cipher; 0 when we do not have it. */
size_t pgp_cipher_key_size(uint8_t number);
/* "AES-256"; "unknown". */
const char *pgp_cipher_name(uint8_t number);
const char *pgp_aead_name(uint8_t number);

#endif
