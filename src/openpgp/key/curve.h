/* SPDX-License-Identifier: ISC */
/*
 * Elliptic curves that a key names by an OID (RFC 9580 section 9.2), and what
 * goes with each: ECDH's parameters (section 11.5.1), the digest that ECDSA
 * needs (section 5.2.3.2). LibrePGP's shorter OIDs of the 25519 curves mean the
 * same curves.
 */
#ifndef OPENPGP_CURVE_H
#define OPENPGP_CURVE_H

#include <stdbool.h>

#include "base/slice.h"
#include "crypto/ec.h"
#include "openpgp/ids.h"

struct pgp_curve_row {
	uint8_t id; /* enum pgp_curve */
	uint16_t bits;
	uint8_t digest_min; /* octets of a digest that is signed with it; 0: nothing is */
	uint8_t kdf_hash, kdf_cipher;
	uint8_t oid_len;
	uint8_t oid[10];
	const char *name;
};

/* NULL for PGP_CURVE_NONE, PGP_CURVE_UNKNOWN and other numbers. */
const struct pgp_curve_row *pgp_curve_find(uint8_t id);
/* PGP_CURVE_UNKNOWN when we do not have it. */
uint8_t pgp_curve_of_oid(struct slice oid);
/* NIST's and Brainpool's: curves of crypto/ec.h. */
bool pgp_curve_is_ec(uint8_t id);
enum ec_curve pgp_curve_ec(uint8_t id);
/* "NIST P-256"; "unknown". */
const char *pgp_curve_name(uint8_t id);

#endif
