/* SPDX-License-Identifier: ISC */
/*
 * Signatures over curves that are named by an OID: ECDSA (RFC 9580 sections
 * 5.2.3.2, 5.5.5.4) and EdDSALegacy (5.2.3.3, 5.5.5.5), which LibrePGP also
 * has over Ed448.
 */
#include <string.h>

#include "crypto/ec.h"
#include "crypto/sign.h"
#include "openpgp/key/curve.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/key/pk_internal.h"

static void
put_oid(const struct pgp_curve_row *row, struct buf *out)
{
	(void)buf_put_u8(out, row->oid_len);
	(void)buf_put(out, row->oid, row->oid_len);
}

/* ---- ECDSA ---- */

static bool
ecdsa_well_formed(const struct pgp_key *key)
{
	return pgp_curve_is_ec(key->curve) && key->public[0].len == ec_point_size(pgp_curve_ec(key->curve));
}

static bool
secret_number(struct slice secret, struct slice *scalar)
{
	static const struct pgp_pk_layout layout = { "m", { 0 } };
	struct slice f[PGP_PK_FIELDS_MAX];

	if (!pgp_pk_split(&layout, secret, f))
		return false;
	*scalar = f[0];
	return true;
}

static int
ecdsa_verify(const struct pgp_key *key, uint8_t hash, struct slice digest, const struct slice *fields, struct error *e)
{
	(void)hash;
	return ec_verify(pgp_curve_ec(key->curve), key->public[0], digest, fields[0], fields[1], e);
}

static int
ecdsa_sign(
    const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	enum ec_curve curve = pgp_curve_ec(key->curve);
	uint8_t r[EC_SIZE_MAX], s[EC_SIZE_MAX];
	struct slice scalar;
	int rc;

	(void)hash;
	if (!secret_number(secret, &scalar))
		return error_set(e, ERR_SYNTAX, "malformed ECDSA secret");
	rc = ec_sign(curve, scalar, key->public[0], digest, r, s, e);
	if (rc != 0)
		return rc;
	(void)pgp_mpi_write(out, slice_of(r, ec_size(curve)));
	(void)pgp_mpi_write(out, slice_of(s, ec_size(curve)));
	return 0;
}

static int
ecdsa_generate(const struct pgp_key_spec *spec, struct buf *public_out, struct secret *secret_out, struct error *e)
{
	uint8_t id = spec->curve == PGP_CURVE_NONE ? PGP_CURVE_P256 : spec->curve, point[EC_POINT_MAX];
	struct secret scalar SECRET_OWNED = SECRET_EMPTY;
	int rc;

	if (!pgp_curve_is_ec(id))
		return error_set(e, ERR_USAGE, "ECDSA keys are over NIST's or Brainpool's curves");
	rc = ec_generate(pgp_curve_ec(id), &scalar, point, e);
	if (rc != 0)
		return rc;
	put_oid(pgp_curve_find(id), public_out);
	(void)pgp_mpi_write(public_out, slice_of(point, ec_point_size(pgp_curve_ec(id))));
	return pgp_mpi_secret(secret_slice(&scalar), secret_out, e);
}

static int
ecdsa_matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	uint8_t point[EC_POINT_MAX];
	struct slice scalar;
	int rc;

	if (!secret_number(secret, &scalar))
		return error_set(e, ERR_SYNTAX, "malformed ECDSA secret");
	rc = ec_public(pgp_curve_ec(key->curve), scalar, point, e);
	if (rc == 0 && !slice_eq(key->public[0], slice_of(point, ec_point_size(pgp_curve_ec(key->curve)))))
		rc = error_set(e, ERR_INTEGRITY, "the secret is another key's");
	return rc;
}

const struct pgp_pk pgp_pk_ecdsa = {
	.id = PGP_ECDSA,
	.versions = PGP_PK_V4_UP,
	.public_key = { "om" },
	.secret_key = { "m" },
	.signature = { "mm" },
	.well_formed = ecdsa_well_formed,
	.generate = ecdsa_generate,
	.matches = ecdsa_matches,
	.verify = ecdsa_verify,
	.sign = ecdsa_sign,
};

/* ---- EdDSALegacy ---- */

static enum sign_id
eddsa_id(const struct pgp_key *key)
{
	return key->curve == PGP_CURVE_ED448_LIBRE ? SIGN_ED448 : SIGN_ED25519;
}

/* The old OIDs must not be accepted in v6 (section 9.2): the row leaves that version out. */
static bool
eddsa_well_formed(const struct pgp_key *key)
{
	if (key->curve != PGP_CURVE_ED25519_LEGACY && key->curve != PGP_CURVE_ED448_LIBRE)
		return false;
	return pgp_native_point(key->public[0], key -> curve, sign_key_size(eddsa_id(key))).len != 0;
}

/* R and S lose leading zero octets as MPIs: put them back. */
static int
eddsa_verify(const struct pgp_key *key, uint8_t hash, struct slice digest, const struct slice *fields, struct error *e)
{
	enum sign_id id = eddsa_id(key);
	size_t half = sign_signature_size(id) / 2;
	uint8_t signature[SIGN_SIGNATURE_MAX];
	struct slice point = pgp_native_point(key->public[0], key -> curve, sign_key_size(id));

	(void)hash;
	if (!pgp_mpi_octets(fields[0], signature, half) || !pgp_mpi_octets(fields[1], signature + half, half))
		return error_set(e, ERR_SIGNATURE, "malformed EdDSALegacy signature");
	return sign_verify(id, point, digest, slice_of(signature, 2 * half), e);
}

static int
eddsa_sign(
    const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	enum sign_id id = eddsa_id(key);
	size_t half = sign_signature_size(id) / 2;
	uint8_t signature[SIGN_SIGNATURE_MAX];
	int rc = sign_make(id, secret, digest, signature, e);

	(void)hash;
	if (rc != 0)
		return rc;
	(void)pgp_mpi_write(out, slice_of(signature, half));
	(void)pgp_mpi_write(out, slice_of(signature + half, half));
	return 0;
}

static int
eddsa_generate(const struct pgp_key_spec *spec, struct buf *public_out, struct secret *secret_out, struct error *e)
{
	uint8_t point[1 + SIGN_PUBLIC_MAX] = { 0x40 };
	int rc;

	if (spec->curve != PGP_CURVE_NONE && spec->curve != PGP_CURVE_ED25519_LEGACY)
		return error_set(e, ERR_USAGE, "EdDSALegacy keys are over Ed25519Legacy");
	rc = sign_generate(SIGN_ED25519, secret_out, point + 1, e);
	if (rc != 0)
		return rc;
	put_oid(pgp_curve_find(PGP_CURVE_ED25519_LEGACY), public_out);
	(void)pgp_mpi_write(public_out, slice_of(point, 1 + sign_key_size(SIGN_ED25519)));
	return 0;
}

static int
eddsa_unpack(const struct pgp_key *key, struct secret *s, struct error *e)
{
	return pgp_native_unpack(s, key->curve, sign_key_size(eddsa_id(key)), e);
}

static int
eddsa_pack(const struct pgp_key *key, struct slice secret, struct buf *out)
{
	(void)key;
	return pgp_mpi_write(out, secret);
}

static int
eddsa_matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	enum sign_id id = eddsa_id(key);
	uint8_t point[SIGN_PUBLIC_MAX];
	int rc = sign_public(id, secret, point, e);
	struct slice want = pgp_native_point(key->public[0], key -> curve, sign_key_size(id));

	if (rc == 0 && !slice_eq(want, slice_of(point, sign_key_size(id))))
		rc = error_set(e, ERR_INTEGRITY, "the secret is another key's");
	return rc;
}

const struct pgp_pk pgp_pk_eddsa_legacy = {
	.id = PGP_EDDSA_LEGACY,
	.versions = PGP_PK_V4 | PGP_PK_V5,
	.public_key = { "om" },
	.secret_key = { "m" },
	.signature = { "mm" },
	.well_formed = eddsa_well_formed,
	.generate = eddsa_generate,
	.unpack = eddsa_unpack,
	.pack = eddsa_pack,
	.matches = eddsa_matches,
	.verify = eddsa_verify,
	.sign = eddsa_sign,
};
