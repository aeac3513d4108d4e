/* SPDX-License-Identifier: ISC */
/* From OpenPGP's numbers (ids.h) to crypto's algorithms. false or 0: we do not have it. */
#ifndef OPENPGP_ALGORITHM_H
#define OPENPGP_ALGORITHM_H

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "openpgp/ids.h"

bool pgp_hash_of(uint8_t number, enum hash_id *out);
bool pgp_cipher_of(uint8_t number, enum cipher_id *out); /* the AES ones */
bool pgp_aead_of(uint8_t number, enum aead_id *out);

/* Octets of a session key of this cipher; 0 when unknown. */
size_t pgp_cipher_key_size(uint8_t number);
/* "AES-256"; "unknown". */
const char *pgp_cipher_name(uint8_t number);
const char *pgp_aead_name(uint8_t number);

#endif
