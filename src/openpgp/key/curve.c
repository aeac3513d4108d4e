/* SPDX-License-Identifier: ISC */
#include "openpgp/key/curve.h"

static const struct pgp_curve_row rows[] = {
	{ PGP_CURVE_P256, 256, 32, PGP_SHA256, PGP_AES128, 8, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 },
	    "NIST P-256" },
	{ PGP_CURVE_P384, 384, 48, PGP_SHA384, PGP_AES192, 5, { 0x2b, 0x81, 0x04, 0x00, 0x22 }, "NIST P-384" },
	{ PGP_CURVE_P521, 521, 64, PGP_SHA512, PGP_AES256, 5, { 0x2b, 0x81, 0x04, 0x00, 0x23 }, "NIST P-521" },
	{ PGP_CURVE_BRAINPOOL256, 256, 32, PGP_SHA256, PGP_AES128, 9,
	    { 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07 }, "brainpoolP256r1" },
	{ PGP_CURVE_BRAINPOOL384, 384, 48, PGP_SHA384, PGP_AES192, 9,
	    { 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b }, "brainpoolP384r1" },
	{ PGP_CURVE_BRAINPOOL512, 512, 64, PGP_SHA512, PGP_AES256, 9,
	    { 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d }, "brainpoolP512r1" },
	{ PGP_CURVE_ED25519_LEGACY, 255, 32, 0, 0, 9, { 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01 },
	    "Ed25519Legacy" },
	{ PGP_CURVE_25519_LEGACY, 255, 0, PGP_SHA256, PGP_AES128, 10,
	    { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01 }, "Curve25519Legacy" },
	{ PGP_CURVE_ED25519_LEGACY, 255, 32, 0, 0, 3, { 0x2b, 0x65, 0x70 }, "Ed25519Legacy" },
	{ PGP_CURVE_25519_LEGACY, 255, 0, PGP_SHA256, PGP_AES128, 3, { 0x2b, 0x65, 0x6e }, "Curve25519Legacy" },
	{ PGP_CURVE_ED448_LIBRE, 448, 64, 0, 0, 3, { 0x2b, 0x65, 0x71 }, "Ed448" },
	{ PGP_CURVE_448_LIBRE, 448, 0, PGP_SHA512, PGP_AES256, 3, { 0x2b, 0x65, 0x6f }, "X448" },
};

#define COUNT (sizeof rows / sizeof rows[0])

const struct pgp_curve_row *
pgp_curve_find(uint8_t id)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (rows[i].id == id)
			return &rows[i];
	}
	return NULL;
}

uint8_t
pgp_curve_of_oid(struct slice oid)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (slice_eq(oid, slice_of(rows[i].oid, rows[i].oid_len)))
			return rows[i].id;
	}
	return PGP_CURVE_UNKNOWN;
}

bool
pgp_curve_is_ec(uint8_t id)
{
	return id >= PGP_CURVE_P256 && id <= PGP_CURVE_BRAINPOOL512;
}

enum ec_curve
pgp_curve_ec(uint8_t id)
{
	_Static_assert((int)PGP_CURVE_BRAINPOOL512 - (int)PGP_CURVE_P256 == (int)EC_BRAINPOOL512, "the same order");
	return (enum ec_curve)(id - PGP_CURVE_P256);
}

const char *
pgp_curve_name(uint8_t id)
{
	const struct pgp_curve_row *row = pgp_curve_find(id);

	return row == NULL ? "unknown" : row->name;
}
