/* SPDX-License-Identifier: ISC */
/*
 * ECDSA (FIPS 186-5) and Diffie-Hellman over NIST's and Brainpool's curves
 * (SP 800-186, RFC 5639). Points are 04 || x || y (SEC 1, uncompressed);
 * scalars and signature values are big-endian, with or without leading zeros
 * when they come in, ec_size() octets when they go out.
 *
 * A point that is not on its curve, or is infinity, is refused; all these
 * curves have cofactor 1, so that there is no small subgroup.
 */
#ifndef CRYPTO_EC_H
#define CRYPTO_EC_H

#include "crypto/secret.h"

enum ec_curve { EC_P256, EC_P384, EC_P521, EC_BRAINPOOL256, EC_BRAINPOOL384, EC_BRAINPOOL512, EC_CURVE_COUNT };

#define EC_SIZE_MAX 66u
#define EC_POINT_MAX (1u + 2u * EC_SIZE_MAX)

size_t ec_size(enum ec_curve curve);       /* octets of a coordinate and of a scalar */
size_t ec_point_size(enum ec_curve curve); /* octets of a point */

/* A new key: *scalar_out is made, ec_point_size() octets go to point_out. ERR_NOMEM, ERR_CRYPTO. */
int ec_generate(enum ec_curve curve, struct secret *scalar_out, uint8_t *point_out, struct error *e);
/* The point that belongs to a scalar. ERR_SYNTAX when it is zero or not below the order. */
int ec_public(enum ec_curve curve, struct slice scalar, uint8_t *point_out, struct error *e);
/* x of the common point, ec_size() octets. ERR_SYNTAX for a wrong scalar or point. */
int ec_derive(enum ec_curve curve, struct slice scalar, struct slice point, struct secret *x_out, struct error *e);

/* digest: of any length, cut to the curve's as the standard says. ERR_SIGNATURE, ERR_SYNTAX for a point off the curve. */
int ec_verify(
    enum ec_curve curve, struct slice point, struct slice digest, struct slice r, struct slice s, struct error *e);
/*
 * Writes ec_size() octets each. The nonce is made of the key, the digest and
 * random octets. point: the public key; what was signed is checked with it.
 */
int ec_sign(enum ec_curve curve, struct slice scalar, struct slice point, struct slice digest, uint8_t *r_out,
    uint8_t *s_out, struct error *e);

#endif
