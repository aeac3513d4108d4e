/* SPDX-License-Identifier: ISC */
/*
 * For crypto's own files: taking the encryption padding of PKCS#1 v1.5 (RFC
 * 8017 section 7.2.2; RFC 9580 section 12.1.2) off a decrypted block, for RSA
 * and ElGamal, so that nobody learns from the outside whether it was right.
 */
#ifndef CRYPTO_PKCS1_H
#define CRYPTO_PKCS1_H

#include "crypto/secret.h"

/*
 * block: as many octets as the modulus. lengths: which lengths the message may
 * have, the longest last. One of them comes out whatever the padding says: a
 * wrong padding or another length gives random octets and 0, in the same time
 * as far as we can. ERR_USAGE when the longest does not fit, ERR_NOMEM,
 * ERR_CRYPTO.
 */
int
pkcs1_take(struct slice block, const size_t *lengths, size_t length_count, struct secret *message_out, struct error *e);

#endif
