/* SPDX-License-Identifier: ISC */
/*
 * For crypto's own files: keys of libcrypto that are fetched by name at run
 * time and whose secret is a seed (ML-KEM, ML-DSA). Nothing here asks which
 * version of libcrypto's headers it was built with: OpenSSL 3.0 answers "not
 * here", 3.5 and later have them, and one program serves both.
 */
#ifndef CRYPTO_SEEDED_H
#define CRYPTO_SEEDED_H

#include <openssl/evp.h>

#include "crypto/secret.h"

struct seeded_row {
	const char *name; /* libcrypto's, the standard's too */
	size_t seed, public;
};

/* 0, or ERR_UNSUPPORTED with a sentence that names the algorithm and what is needed; ERR_NOMEM. */
int seeded_available(const struct seeded_row *row, struct error *e);
/* The caller frees *out. All of these: as seeded_available(); ERR_SYNTAX for wrong lengths and for no such key. */
int seeded_load(const struct seeded_row *row, struct slice seed, EVP_PKEY **out, struct error *e);
int seeded_load_public(const struct seeded_row *row, struct slice public_key, EVP_PKEY **out, struct error *e);
/* Writes row->public octets. */
int seeded_public(const struct seeded_row *row, struct slice seed, uint8_t *public_out, struct error *e);
int seeded_generate(const struct seeded_row *row, struct secret *seed_out, uint8_t *public_out, struct error *e);

#endif
