/* SPDX-License-Identifier: ISC */
/*
 * ECDH (RFC 9580 sections 5.1.5, 5.5.5.6, 11.5) over NIST's and Brainpool's
 * curves and Curve25519Legacy, and over X448 as LibrePGP has it.
 */
#include <string.h>

#include "crypto/agree.h"
#include "crypto/compare.h"
#include "crypto/ec.h"
#include "crypto/keywrap.h"
#include "openpgp/key/algorithm.h"
#include "openpgp/key/curve.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/key/pk_internal.h"

#define POINT_MAX EC_POINT_MAX
#define KEK_MAX 32u
#define ROOM 40u /* octets that every session key is padded to: hides the cipher, as section 11.5 permits */

/* ---- the two kinds of curves ---- */

static bool
is_native(uint8_t curve)
{
	return curve == PGP_CURVE_25519_LEGACY || curve == PGP_CURVE_448_LIBRE;
}

static enum agree_id
agree_of(uint8_t curve)
{
	return curve == PGP_CURVE_448_LIBRE ? AGREE_X448 : AGREE_X25519;
}

static struct slice
native(const struct pgp_key *key, struct slice point)
{
	return pgp_native_point(point, key->curve, agree_key_size(agree_of(key->curve)));
}

static int
scalar_of(const struct pgp_key *key, struct slice secret, struct slice *out, struct error *e)
{
	static const struct pgp_pk_layout layout = { "m", { 0 } };
	struct slice f[PGP_PK_FIELDS_MAX];

	if (is_native(key->curve)) {
		*out = secret;
		return 0;
	}
	if (!pgp_pk_split(&layout, secret, f))
		return error_set(e, ERR_SYNTAX, "malformed ECDH secret");
	*out = f[0];
	return 0;
}

static int
agree(const struct pgp_key *key, struct slice scalar, struct slice point, struct secret *shared, struct error *e)
{
	if (is_native(key->curve))
		return agree_derive(agree_of(key->curve), scalar, native(key, point), shared, e);
	return ec_derive(pgp_curve_ec(key->curve), scalar, point, shared, e);
}

/* A new pair on the curve: its point in wire form. */
static int
make_pair(uint8_t curve, struct secret *scalar, uint8_t point[POINT_MAX], size_t *len, struct error *e)
{
	if (!is_native(curve)) {
		*len = ec_point_size(pgp_curve_ec(curve));
		return ec_generate(pgp_curve_ec(curve), scalar, point, e);
	}
	point[0] = 0x40;
	*len = 1 + agree_key_size(agree_of(curve));
	return agree_generate(agree_of(curve), scalar, point + 1, e);
}

/* ---- key derivation, section 11.4 ---- */

/* What the KDF's parameters may be: a hash as strong as SHA2-256, and AES. */
static bool
kdf_usable(uint8_t number, uint8_t cipher, enum hash_id *hash)
{
	return pgp_hash_of(number, hash) && hash_size(*hash) >= 32 && cipher >= PGP_AES128 && cipher <= PGP_AES256;
}

static void
put_kdf_input(const struct pgp_key *key, const struct secret *shared, struct buf *in)
{
	(void)buf_put_u32(in, 1);
	(void)buf_put(in, shared->data, shared->len);
	(void)buf_put_u8(in, (uint8_t)key->oid.len);
	(void)buf_put_slice(in, key->oid);
	(void)buf_put_u8(in, PGP_ECDH);
	(void)buf_put_slice(in, key->kdf);
	(void)buf_put_str(in, "Anonymous Sender    ");
	/* LibrePGP takes the first 20 octets of a v5 fingerprint. */
	(void)buf_put(in, key->fingerprint.bytes, key->version == 5 ? 20 : key->fingerprint.len);
}

static int
derive_kek(const struct pgp_key *key, const struct secret *shared, uint8_t kek[KEK_MAX], size_t *len, struct error *e)
{
	uint8_t digest[HASH_SIZE_MAX];
	enum hash_id hash;
	struct buf in;
	int rc;

	*len = pgp_cipher_key_size(key->kdf_cipher);
	if (!kdf_usable(key->kdf_hash, key->kdf_cipher, &hash))
		return error_set(e, ERR_UNSUPPORTED, "the key asks for a key derivation (%u, %u) that we do not have",
		    key->kdf_hash, key->kdf_cipher);
	buf_init(&in, 256);
	put_kdf_input(key, shared, &in);
	rc = in.err != 0 ? error_set(e, in.err, "there is no room for a key derivation")
			 : hash_once(hash, buf_slice(&in), digest, e);
	if (rc == 0)
		memcpy(kek, digest, *len);
	secret_wipe(digest, sizeof digest);
	buf_wipe_done(&in);
	return rc;
}

/* ---- keys ---- */

static bool
kdf_fits(const struct pgp_key *key)
{
	const struct pgp_curve_row *row = pgp_curve_find(key->curve);
	enum hash_id hash;

	if (!kdf_usable(key->kdf_hash, key->kdf_cipher, &hash))
		return false;
	/* Section 11.5.1: v6 keys have these and no others. */
	return key->version != 6 || (key->kdf_hash == row->kdf_hash && key->kdf_cipher == row->kdf_cipher);
}

static bool
well_formed(const struct pgp_key *key)
{
	if (is_native(key->curve)) {
		/* The old OIDs must not be accepted in v6 (section 9.2). */
		return key->version != 6 && native(key, key->public[0]).len != 0 && kdf_fits(key);
	}
	return pgp_curve_is_ec(key->curve) && key->public[0].len == ec_point_size(pgp_curve_ec(key->curve)) &&
	    kdf_fits(key);
}

static int
generate(const struct pgp_key_spec *spec, struct buf *public_out, struct secret *secret_out, struct error *e)
{
	uint8_t id = spec->curve == PGP_CURVE_NONE ? PGP_CURVE_25519_LEGACY : spec->curve, point[POINT_MAX];
	const struct pgp_curve_row *row = pgp_curve_find(id);
	struct secret scalar SECRET_OWNED = SECRET_EMPTY;
	size_t len;
	int rc;

	if (!pgp_curve_is_ec(id) && (id != PGP_CURVE_25519_LEGACY || spec->version == 6))
		return error_set(
		    e, ERR_USAGE, "ECDH keys of version %u are not over %s", spec->version, pgp_curve_name(id));
	rc = make_pair(id, &scalar, point, &len, e);
	if (rc != 0)
		return rc;
	(void)buf_put_u8(public_out, row->oid_len);
	(void)buf_put(public_out, row->oid, row->oid_len);
	(void)pgp_mpi_write(public_out, slice_of(point, len));
	(void)buf_put_u8(public_out, 3);
	(void)buf_put_u8(public_out, 1);
	(void)buf_put_u8(public_out, row->kdf_hash);
	(void)buf_put_u8(public_out, row->kdf_cipher);
	if (is_native(id)) {
		*secret_out = secret_take(&scalar);
		return 0;
	}
	return pgp_mpi_secret(secret_slice(&scalar), secret_out, e);
}

static void
reverse(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t t = p[i];

		p[i] = p[len - 1 - i];
		p[len - 1 - i] = t;
	}
}

static bool
is_scalar_of(const struct pgp_key *key, const struct secret *s)
{
	uint8_t point[AGREE_KEY_MAX];
	enum agree_id id = agree_of(key->curve);

	return agree_public(id, secret_slice(s), point, NULL) == 0 &&
	    slice_eq(native(key, key->public[0]), slice_of(point, agree_key_size(id)));
}

/*
 * Curve25519Legacy's scalar is big-endian on the wire (section 5.5.5.6.1.1);
 * some old programs left it little-endian, as LibrePGP leaves X448's. What fits
 * the public key is right; when neither does, matches() says so.
 */
static int
unpack(const struct pgp_key *key, struct secret *s, struct error *e)
{
	int rc;

	if (!is_native(key->curve))
		return 0;
	rc = pgp_native_unpack(s, key->curve, agree_key_size(agree_of(key->curve)), e);
	if (rc != 0 || key->curve == PGP_CURVE_448_LIBRE)
		return rc;
	reverse(s->data, s->len);
	if (!is_scalar_of(key, s)) {
		reverse(s->data, s->len);
		if (!is_scalar_of(key, s))
			reverse(s->data, s->len);
	}
	return 0;
}

static int
pack(const struct pgp_key *key, struct slice secret, struct buf *out)
{
	uint8_t big[AGREE_KEY_MAX];
	int rc;

	if (key->curve != PGP_CURVE_25519_LEGACY)
		return is_native(key->curve) ? pgp_mpi_write(out, secret) : buf_put_slice(out, secret);
	memcpy(big, secret.data, secret.len);
	reverse(big, secret.len);
	rc = pgp_mpi_write(out, slice_of(big, secret.len));
	secret_wipe(big, sizeof big);
	return rc;
}

static int
matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	uint8_t point[POINT_MAX];
	struct slice scalar = SLICE_EMPTY, want = key->public[0];
	size_t len;
	int rc = scalar_of(key, secret, &scalar, e);

	if (rc != 0)
		return rc;
	if (is_native(key->curve)) {
		want = native(key, want);
		len = agree_key_size(agree_of(key->curve));
		rc = agree_public(agree_of(key->curve), scalar, point, e);
	} else {
		len = ec_point_size(pgp_curve_ec(key->curve));
		rc = ec_public(pgp_curve_ec(key->curve), scalar, point, e);
	}
	if (rc == 0 && !slice_eq(want, slice_of(point, len)))
		rc = error_set(e, ERR_INTEGRITY, "the secret is another key's");
	return rc;
}

/* ---- session keys ---- */

static int
wrap(uint8_t version, const struct pgp_key *key, const struct pgp_session *session, struct buf *out, struct error *e)
{
	SECRET_OWNED struct secret scalar = SECRET_EMPTY, shared = SECRET_EMPTY, m = SECRET_EMPTY;
	uint8_t point[POINT_MAX], kek[KEK_MAX];
	size_t len, kek_len;
	int rc = make_pair(key->curve, &scalar, point, &len, e);

	if (rc == 0)
		rc = agree(key, secret_slice(&scalar), key->public[0], &shared, e);
	if (rc == 0)
		rc = pgp_session_join(version, session, ROOM, &m, e);
	if (rc == 0)
		rc = derive_kek(key, &shared, kek, &kek_len, e);
	if (rc != 0)
		return rc;
	(void)pgp_mpi_write(out, slice_of(point, len));
	(void)buf_put_u8(out, (uint8_t)(m.len + KEYWRAP_EXTRA));
	rc = keywrap_wrap(slice_of(kek, kek_len), secret_slice(&m), out, e);
	secret_wipe(kek, sizeof kek);
	return rc;
}

/* PKCS#5 as OpenPGP uses it: up to the whole length, since the padding may hide the size. The key wrap has proved it. */
static bool
unpad(struct secret *m)
{
	uint8_t n = m->data[m->len - 1];

	if (n == 0 || n >= m->len)
		return false;
	for (size_t i = m->len - n; i < m->len; i++) {
		if (m->data[i] != n)
			return false;
	}
	secret_cut(m, m->len - n);
	return true;
}

static int
open_agreed(uint8_t version, const struct pgp_key *key, const struct secret *shared, struct slice wrapped,
    uint8_t *cipher_out, struct secret *key_out, struct error *e)
{
	SECRET_OWNED struct secret m = SECRET_EMPTY;
	uint8_t kek[KEK_MAX];
	size_t kek_len;
	int rc = derive_kek(key, shared, kek, &kek_len, e);

	if (rc != 0)
		return rc;
	rc = keywrap_unwrap(slice_of(kek, kek_len), wrapped, &m, e);
	secret_wipe(kek, sizeof kek);
	if (rc == 0 && !unpad(&m))
		rc = error_set(e, ERR_INTEGRITY, "the encrypted session key is not for this key");
	return rc != 0 ? rc : pgp_session_split(version, secret_slice(&m), cipher_out, key_out, e);
}

static int
unwrap(uint8_t version, const struct pgp_key *key, struct slice secret, const struct slice *fields, uint8_t *cipher_out,
    struct secret *key_out, struct error *e)
{
	SECRET_OWNED struct secret shared = SECRET_EMPTY;
	struct slice scalar = SLICE_EMPTY;
	int rc = scalar_of(key, secret, &scalar, e);

	if (rc == 0)
		rc = agree(key, scalar, fields[0], &shared, e);
	return rc == 0 ? open_agreed(version, key, &shared, fields[1], cipher_out, key_out, e) : rc;
}

int
pgp_ecdh_open_agreed(uint8_t version, const struct pgp_key *key, struct slice agreed, struct slice wrapped,
    uint8_t *cipher_out, struct secret *key_out, struct error *e)
{
	SECRET_OWNED struct secret shared = SECRET_EMPTY;
	int rc = secret_copy(&shared, agreed, e);

	return rc == 0 ? open_agreed(version, key, &shared, wrapped, cipher_out, key_out, e) : rc;
}

const struct pgp_pk pgp_pk_ecdh = {
	.id = PGP_ECDH,
	.versions = PGP_PK_V4_UP,
	.public_key = { "omk" },
	.secret_key = { "m" },
	.pkesk = { "mc" },
	.well_formed = well_formed,
	.generate = generate,
	.unpack = unpack,
	.pack = pack,
	.matches = matches,
	.wrap = wrap,
	.unwrap = unwrap,
};
