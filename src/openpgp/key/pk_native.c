/* SPDX-License-Identifier: ISC */
/*
 * X25519, X448, Ed25519, Ed448 in their native forms (RFC 9580 sections 5.1.6,
 * 5.1.7, 5.2.3.4, 5.2.3.5, 5.5.5.7 to 5.5.5.10): fixed octets, no MPIs.
 */
#include "crypto/agree.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "openpgp/key/pk_internal.h"

/* ---- Ed25519, Ed448 ---- */

static enum sign_id
sign_id_of(uint8_t algorithm)
{
	return algorithm == PGP_ED448 ? SIGN_ED448 : SIGN_ED25519;
}

static int
verify(const struct pgp_key *key, uint8_t hash, struct slice digest, const struct slice *fields, struct error *e)
{
	(void)hash;
	return sign_verify(sign_id_of(key->algorithm), key->public[0], digest, fields[0], e);
}

static int
sign(
    const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	enum sign_id id = sign_id_of(key->algorithm);
	uint8_t signature[SIGN_SIGNATURE_MAX];
	int rc = sign_make(id, secret, digest, signature, e);

	(void)hash;
	if (rc == 0)
		(void)buf_put(out, signature, sign_signature_size(id));
	return rc;
}

static int
sign_generate_key(const struct pgp_key_spec *spec, struct buf *public_out, struct secret *secret_out, struct error *e)
{
	enum sign_id id = sign_id_of(spec->algorithm);
	uint8_t public_key[SIGN_PUBLIC_MAX];
	int rc = sign_generate(id, secret_out, public_key, e);

	if (rc == 0)
		(void)buf_put(public_out, public_key, sign_key_size(id));
	return rc;
}

static int
sign_matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	enum sign_id id = sign_id_of(key->algorithm);
	uint8_t public_key[SIGN_PUBLIC_MAX];
	int rc = sign_public(id, secret, public_key, e);

	if (rc == 0 && !slice_eq(key->public[0], slice_of(public_key, sign_key_size(id))))
		rc = error_set(e, ERR_INTEGRITY, "the secret is another key's");
	return rc;
}

const struct pgp_pk pgp_pk_ed25519 = {
	.id = PGP_ED25519,
	.versions = PGP_PK_V4 | PGP_PK_V6,
	.digest_min = 32,
	.bits = 255,
	.public_key = { "1", { 32 } },
	.secret_key = { "1", { 32 } },
	.signature = { "1", { 64 } },
	.generate = sign_generate_key,
	.matches = sign_matches,
	.verify = verify,
	.sign = sign,
};

const struct pgp_pk pgp_pk_ed448 = {
	.id = PGP_ED448,
	.versions = PGP_PK_V4 | PGP_PK_V6,
	.digest_min = 64,
	.bits = 448,
	.public_key = { "1", { 57 } },
	.secret_key = { "1", { 57 } },
	.signature = { "1", { 114 } },
	.generate = sign_generate_key,
	.matches = sign_matches,
	.verify = verify,
	.sign = sign,
};

/* ---- X25519, X448 ---- */

/* Sections 5.1.6 and 5.1.7 differ in this. */
static const struct kem {
	enum agree_id id;
	enum hash_id hash;
	const char *info;
	size_t kek;
} x25519 = { AGREE_X25519, HASH_SHA256, "OpenPGP X25519", 16 }, x448 = { AGREE_X448, HASH_SHA512, "OpenPGP X448", 32 };

#define KEK_MAX 32u

static const struct kem *
kem_of(uint8_t algorithm)
{
	return algorithm == PGP_X448 ? &x448 : &x25519;
}

static int
derive_kek(const struct kem *k, struct slice ephemeral, struct slice recipient, const struct secret *shared,
    uint8_t kek[KEK_MAX], struct error *e)
{
	struct buf ikm;
	int rc;

	buf_init(&ikm, 3 * (size_t)AGREE_KEY_MAX);
	(void)buf_put_slice(&ikm, ephemeral);
	(void)buf_put_slice(&ikm, recipient);
	(void)buf_put_slice(&ikm, secret_slice(shared));
	rc = ikm.err != 0 ? error_nomem(e)
			  : kdf_hkdf(k->hash, buf_slice(&ikm), SLICE_EMPTY, slice_str(k->info), kek, k->kek, e);
	buf_wipe_done(&ikm);
	return rc;
}

static int
wrap(uint8_t version, const struct pgp_key *key, const struct pgp_session *session, struct buf *out, struct error *e)
{
	const struct kem *k = kem_of(key->algorithm);
	SECRET_OWNED struct secret secret = SECRET_EMPTY, shared = SECRET_EMPTY;
	uint8_t ephemeral[AGREE_KEY_MAX], kek[KEK_MAX];
	size_t len = agree_key_size(k->id);
	int rc = agree_generate(k->id, &secret, ephemeral, e);

	if (rc == 0)
		rc = agree_derive(k->id, secret_slice(&secret), key->public[0], &shared, e);
	if (rc == 0)
		rc = derive_kek(k, slice_of(ephemeral, len), key->public[0], &shared, kek, e);
	if (rc != 0)
		return rc;
	(void)buf_put(out, ephemeral, len);
	rc = pgp_session_wrap_clear(version, session, slice_of(kek, k->kek), out, e);
	secret_wipe(kek, sizeof kek);
	return rc;
}

static int
unwrap(uint8_t version, const struct pgp_key *key, struct slice secret, const struct slice *fields, uint8_t *cipher_out,
    struct secret *key_out, struct error *e)
{
	const struct kem *k = kem_of(key->algorithm);
	SECRET_OWNED struct secret shared = SECRET_EMPTY;
	uint8_t kek[KEK_MAX];
	int rc = agree_derive(k->id, secret, fields[0], &shared, e);

	if (rc == 0)
		rc = derive_kek(k, fields[0], key->public[0], &shared, kek, e);
	if (rc != 0)
		return rc;
	rc = pgp_session_unwrap_clear(version, fields[1], slice_of(kek, k->kek), cipher_out, key_out, e);
	secret_wipe(kek, sizeof kek);
	return rc;
}

static int
agree_generate_key(const struct pgp_key_spec *spec, struct buf *public_out, struct secret *secret_out, struct error *e)
{
	enum agree_id id = kem_of(spec->algorithm)->id;
	uint8_t public_key[AGREE_KEY_MAX];
	int rc = agree_generate(id, secret_out, public_key, e);

	if (rc == 0)
		(void)buf_put(public_out, public_key, agree_key_size(id));
	return rc;
}

static int
agree_matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	enum agree_id id = kem_of(key->algorithm)->id;
	uint8_t public_key[AGREE_KEY_MAX];
	int rc = agree_public(id, secret, public_key, e);

	if (rc == 0 && !slice_eq(key->public[0], slice_of(public_key, agree_key_size(id))))
		rc = error_set(e, ERR_INTEGRITY, "the secret is another key's");
	return rc;
}

const struct pgp_pk pgp_pk_x25519 = {
	.id = PGP_X25519,
	.versions = PGP_PK_V4 | PGP_PK_V6,
	.bits = 255,
	.public_key = { "1", { 32 } },
	.secret_key = { "1", { 32 } },
	.pkesk = { "1c", { 32 } },
	.generate = agree_generate_key,
	.matches = agree_matches,
	.wrap = wrap,
	.unwrap = unwrap,
};

const struct pgp_pk pgp_pk_x448 = {
	.id = PGP_X448,
	.versions = PGP_PK_V4 | PGP_PK_V6,
	.bits = 448,
	.public_key = { "1", { 56 } },
	.secret_key = { "1", { 56 } },
	.pkesk = { "1c", { 56 } },
	.generate = agree_generate_key,
	.matches = agree_matches,
	.wrap = wrap,
	.unwrap = unwrap,
};
