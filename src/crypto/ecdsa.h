/* SPDX-License-Identifier: ISC */
/* ECDSA over NIST's curves (FIPS 186-5), for certificates of others. Points are 04 || x || y; numbers big-endian. */
#ifndef CRYPTO_ECDSA_H
#define CRYPTO_ECDSA_H

#include "base/error.h"
#include "base/slice.h"

enum ecdsa_curve { ECDSA_P256, ECDSA_P384, ECDSA_P521, ECDSA_CURVE_COUNT };

/* digest: of any length, cut to the curve's as the standard says. ERR_SIGNATURE, ERR_SYNTAX for a point off the curve. */
int ecdsa_verify(
    enum ecdsa_curve curve, struct slice point, struct slice digest, struct slice r, struct slice s, struct error *e);

#endif
