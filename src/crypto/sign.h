/* SPDX-License-Identifier: ISC */
/*
 * Signatures by keys that are plain octet strings: Ed25519 and Ed448 (RFC
 * 8032), which sign the message itself. RSA and ECDSA, whose keys are numbers
 * and which sign a digest, are in rsa.h, ec.h and dsa.h.
 *
 *            secret   public   signature   octets
 *   Ed25519  32       32       64
 *   Ed448    57       57       114
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "crypto/secret.h"

enum sign_id { SIGN_ED25519, SIGN_ED448, SIGN_COUNT };

#define SIGN_PUBLIC_MAX 57u
#define SIGN_SIGNATURE_MAX 114u

size_t sign_key_size(enum sign_id id); /* of the secret and of the public key */
size_t sign_signature_size(enum sign_id id);

/* A new key: *secret_out is made, sign_key_size() octets go to public_out. ERR_NOMEM, ERR_CRYPTO. */
int sign_generate(enum sign_id id, struct secret *secret_out, uint8_t *public_out, struct error *e);
/* The public key that belongs to a secret one. ERR_SYNTAX for a wrong length, ERR_CRYPTO. */
int sign_public(enum sign_id id, struct slice secret, uint8_t *public_out, struct error *e);
/* Writes sign_signature_size() octets. */
int sign_make(enum sign_id id, struct slice secret, struct slice message, uint8_t *signature_out, struct error *e);
/* 0 when the signature is right; ERR_SIGNATURE when it is not, ERR_SYNTAX for wrong lengths or no such point. */
int
sign_verify(enum sign_id id, struct slice public_key, struct slice message, struct slice signature, struct error *e);

#endif
