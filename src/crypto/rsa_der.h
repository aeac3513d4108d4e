/* SPDX-License-Identifier: ISC */
/*
 * An RSA public key as DER: RSAPublicKey (RFC 8017 appendix A.1.1), or a
 * SubjectPublicKeyInfo that holds one (RFC 5280 section 4.1.2.7, RFC 3279
 * section 2.3.1). Read strictly, without libcrypto: a key record comes from
 * anybody.
 */
#ifndef CRYPTO_RSA_DER_H
#define CRYPTO_RSA_DER_H

#include "base/error.h"
#include "crypto/rsa.h"

/* The numbers are slices of der, without leading zeros. ERR_SYNTAX; ERR_UNSUPPORTED: a key, but not RSA's. */
int rsa_der_parse(struct slice der, struct rsa_public *out, struct error *e);

#endif
