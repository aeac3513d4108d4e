/* SPDX-License-Identifier: ISC */
/* Inside sasl/: SCRAM's computations (RFC 5802 section 3) with SHA-256. All keys are SCRAM_KEY_SIZE octets. */
#ifndef SASL_SCRAM_KEYS_H
#define SASL_SCRAM_KEYS_H

#include "crypto/hash.h"
#include "sasl/scram.h"

#define SCRAM_HASH HASH_SHA256

struct scram_keys {
	uint8_t client_key[SCRAM_KEY_SIZE];
	uint8_t stored_key[SCRAM_KEY_SIZE];
	uint8_t server_key[SCRAM_KEY_SIZE];
};

/* From a prepared password. ERR_CRYPTO, ERR_NOMEM. Wipe them. */
int scram_keys_make(
    struct slice password, struct slice salt, uint32_t iterations, struct scram_keys *keys_out, struct error *e);
/* HMAC. ERR_CRYPTO, ERR_NOMEM. */
int scram_signature(
    const uint8_t key[SCRAM_KEY_SIZE], struct slice auth_message, uint8_t out[SCRAM_KEY_SIZE], struct error *e);
void scram_xor(uint8_t into[SCRAM_KEY_SIZE], const uint8_t with[SCRAM_KEY_SIZE]);

#endif
