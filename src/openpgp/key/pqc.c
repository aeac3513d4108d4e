/* SPDX-License-Identifier: ISC */
/* The pairs of RFC 9980: encryption (section 4.2), signatures (5.2), and the rows of the table. */
#include "openpgp/key/pqc.h"

#include <string.h>

#include "crypto/agree.h"
#include "crypto/hash.h"
#include "crypto/mldsa.h"
#include "crypto/mlkem.h"
#include "crypto/sign.h"
#include "openpgp/key/pk_internal.h"

/* ---- encryption: ML-KEM and ECDH ---- */

struct kem {
	enum agree_id ecdh;
	enum mlkem_id mlkem;
};

static struct kem
kem_of(const struct pgp_key *key)
{
	if (key->algorithm == PGP_MLKEM1024_X448)
		return (struct kem){ AGREE_X448, MLKEM_1024 };
	return (struct kem){ AGREE_X25519, MLKEM_768 };
}

int
pgp_pqc_combine(uint8_t algorithm, const struct pgp_pqc_shares *in, uint8_t kek_out[PGP_PQC_KEK], struct error *e)
{
	static const char domain[] = "OpenPGPCompositeKDFv1";
	const uint8_t length = sizeof domain - 1;
	struct hash *h;
	int rc = hash_new(HASH_SHA3_256, &h, e);

	if (rc != 0)
		return rc;
	hash_update(h, in->mlkem_share);
	hash_update(h, in->ecdh_share);
	hash_update(h, in->ecdh_ciphertext);
	hash_update(h, in->ecdh_public);
	hash_update(h, slice_of(&algorithm, 1));
	hash_update(h, slice_of(domain, length));
	hash_update(h, slice_of(&length, 1));
	rc = hash_finish(h, kek_out, e);
	hash_free(h);
	return rc;
}

static int
kem_generate(const struct pgp_key_spec *spec, struct buf *public_out, struct secret *secret_out, struct error *e)
{
	struct kem k = kem_of(&(struct pgp_key){ .algorithm = spec->algorithm });
	SECRET_OWNED struct secret scalar = SECRET_EMPTY, seed = SECRET_EMPTY;
	uint8_t ecdh[AGREE_KEY_MAX], mlkem[MLKEM_PUBLIC_MAX];
	int rc;

	if (spec->version == 4 && !spec->subkey)
		return error_set(
		    e, ERR_USAGE, "%s is for subkeys only in a key of version 4", pgp_algorithm_name(spec->algorithm));
	rc = mlkem_generate(k.mlkem, &seed, mlkem, e);
	if (rc == 0)
		rc = agree_generate(k.ecdh, &scalar, ecdh, e);
	if (rc == 0)
		rc = secret_new(secret_out, scalar.len + seed.len, e);
	if (rc != 0)
		return rc;
	memcpy(secret_out->data, scalar.data, scalar.len);
	memcpy(secret_out->data + scalar.len, seed.data, seed.len);
	(void)buf_put(public_out, ecdh, agree_key_size(k.ecdh));
	(void)buf_put(public_out, mlkem, mlkem_public_size(k.mlkem));
	if (public_out->err == 0)
		return 0;
	secret_done(secret_out);
	return error_set(e, public_out->err, "there is no room for a new key");
}

static int
kem_matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	struct kem k = kem_of(key);
	size_t n = agree_key_size(k.ecdh);
	uint8_t ecdh[AGREE_KEY_MAX], mlkem[MLKEM_PUBLIC_MAX];
	int rc = agree_public(k.ecdh, slice_sub(secret, 0, n), ecdh, e);

	if (rc == 0)
		rc = mlkem_public(k.mlkem, slice_from(secret, n), mlkem, e);
	if (rc == 0 &&
	    (!slice_eq(key->public[0], slice_of(ecdh, n)) ||
		!slice_eq(key->public[1], slice_of(mlkem, mlkem_public_size(k.mlkem)))))
		rc = error_set(e, ERR_INTEGRITY, "the secret does not belong to this key");
	return rc;
}

/* What an encapsulation gives: both ciphertexts and the key that wraps the session key. */
struct encapsulated {
	uint8_t ecdh[AGREE_KEY_MAX], mlkem[MLKEM_CIPHERTEXT_MAX];
	uint8_t kek[PGP_PQC_KEK];
};

static int
encapsulate(const struct pgp_key *key, struct kem k, struct encapsulated *out, struct error *e)
{
	SECRET_OWNED struct secret ephemeral = SECRET_EMPTY, ecdh = SECRET_EMPTY, mlkem = SECRET_EMPTY;
	struct pgp_pqc_shares shares = { .ecdh_ciphertext = slice_of(out->ecdh, agree_key_size(k.ecdh)),
		.ecdh_public = key->public[0] };
	int rc = mlkem_encapsulate(k.mlkem, key->public[1], out -> mlkem, &mlkem, e);

	if (rc == 0)
		rc = agree_generate(k.ecdh, &ephemeral, out->ecdh, e);
	if (rc == 0)
		rc = agree_derive(k.ecdh, secret_slice(&ephemeral), key->public[0], &ecdh, e);
	if (rc != 0)
		return rc;
	shares.mlkem_share = secret_slice(&mlkem);
	shares.ecdh_share = secret_slice(&ecdh);
	return pgp_pqc_combine(key->algorithm, &shares, out->kek, e);
}

static int
kem_wrap(
    uint8_t version, const struct pgp_key *key, const struct pgp_session *session, struct buf *out, struct error *e)
{
	struct kem k = kem_of(key);
	struct encapsulated made;
	int rc = encapsulate(key, k, &made, e);

	if (rc == 0) {
		(void)buf_put(out, made.ecdh, agree_key_size(k.ecdh));
		(void)buf_put(out, made.mlkem, mlkem_ciphertext_size(k.mlkem));
		rc = pgp_session_wrap_clear(version, session, slice_of(made.kek, sizeof made.kek), out, e);
	}
	secret_wipe(made.kek, sizeof made.kek);
	return rc;
}

static int
decapsulate(const struct pgp_key *key, struct slice secret, const struct slice *fields, uint8_t kek[PGP_PQC_KEK],
    struct error *e)
{
	struct kem k = kem_of(key);
	size_t n = agree_key_size(k.ecdh);
	SECRET_OWNED struct secret ecdh = SECRET_EMPTY, mlkem = SECRET_EMPTY;
	struct pgp_pqc_shares shares = { .ecdh_ciphertext = fields[0], .ecdh_public = key->public[0] };
	int rc = agree_derive(k.ecdh, slice_sub(secret, 0, n), fields[0], &ecdh, e);

	if (rc == 0)
		rc = mlkem_decapsulate(k.mlkem, slice_from(secret, n), fields[1], &mlkem, e);
	if (rc != 0)
		return rc;
	shares.mlkem_share = secret_slice(&mlkem);
	shares.ecdh_share = secret_slice(&ecdh);
	return pgp_pqc_combine(key->algorithm, &shares, kek, e);
}

static int
kem_unwrap(uint8_t version, const struct pgp_key *key, struct slice secret, const struct slice *fields,
    uint8_t *cipher_out, struct secret *key_out, struct error *e)
{
	uint8_t kek[PGP_PQC_KEK];
	int rc = decapsulate(key, secret, fields, kek, e);

	if (rc == 0)
		rc = pgp_session_unwrap_clear(version, fields[2], slice_of(kek, sizeof kek), cipher_out, key_out, e);
	secret_wipe(kek, sizeof kek);
	return rc;
}

/* ---- signatures: ML-DSA and EdDSA, each over the digest ---- */

struct pair {
	enum sign_id eddsa;
	enum mldsa_id mldsa;
};

static struct pair
pair_of(uint8_t algorithm)
{
	if (algorithm == PGP_MLDSA87_ED448)
		return (struct pair){ SIGN_ED448, MLDSA_87 };
	return (struct pair){ SIGN_ED25519, MLDSA_65 };
}

static int
pair_generate(const struct pgp_key_spec *spec, struct buf *public_out, struct secret *secret_out, struct error *e)
{
	struct pair p = pair_of(spec->algorithm);
	SECRET_OWNED struct secret old = SECRET_EMPTY, seed = SECRET_EMPTY;
	uint8_t eddsa[SIGN_PUBLIC_MAX], mldsa[MLDSA_PUBLIC_MAX];
	int rc = mldsa_generate(p.mldsa, &seed, mldsa, e);

	if (rc == 0)
		rc = sign_generate(p.eddsa, &old, eddsa, e);
	if (rc == 0)
		rc = secret_new(secret_out, old.len + seed.len, e);
	if (rc != 0)
		return rc;
	memcpy(secret_out->data, old.data, old.len);
	memcpy(secret_out->data + old.len, seed.data, seed.len);
	(void)buf_put(public_out, eddsa, sign_key_size(p.eddsa));
	(void)buf_put(public_out, mldsa, mldsa_public_size(p.mldsa));
	if (public_out->err == 0)
		return 0;
	secret_done(secret_out);
	return error_set(e, public_out->err, "there is no room for a new key");
}

static int
pair_matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	struct pair p = pair_of(key->algorithm);
	size_t n = sign_key_size(p.eddsa);
	uint8_t eddsa[SIGN_PUBLIC_MAX], mldsa[MLDSA_PUBLIC_MAX];
	int rc = sign_public(p.eddsa, slice_sub(secret, 0, n), eddsa, e);

	if (rc == 0)
		rc = mldsa_public(p.mldsa, slice_from(secret, n), mldsa, e);
	if (rc == 0 &&
	    (!slice_eq(key->public[0], slice_of(eddsa, n)) ||
		!slice_eq(key->public[1], slice_of(mldsa, mldsa_public_size(p.mldsa)))))
		rc = error_set(e, ERR_INTEGRITY, "the secret does not belong to this key");
	return rc;
}

/* Both must be right (section 3.2). */
static int
pair_verify(const struct pgp_key *key, uint8_t hash, struct slice digest, const struct slice *fields, struct error *e)
{
	struct pair p = pair_of(key->algorithm);
	int rc = sign_verify(p.eddsa, key->public[0], digest, fields[0], e);

	(void)hash;
	return rc != 0 ? rc : mldsa_verify(p.mldsa, key->public[1], digest, fields[1], e);
}

static int
pair_sign(
    const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	struct pair p = pair_of(key->algorithm);
	size_t n = sign_key_size(p.eddsa);
	uint8_t eddsa[SIGN_SIGNATURE_MAX], mldsa[MLDSA_SIGNATURE_MAX];
	int rc = sign_make(p.eddsa, slice_sub(secret, 0, n), digest, eddsa, e);

	(void)hash;
	if (rc == 0)
		rc = mldsa_sign(p.mldsa, slice_from(secret, n), digest, mldsa, e);
	if (rc != 0)
		return rc;
	(void)buf_put(out, eddsa, sign_signature_size(p.eddsa));
	if (buf_put(out, mldsa, mldsa_signature_size(p.mldsa)) != 0)
		return error_set(e, out->err, "there is no room for a signature");
	return 0;
}

/* ---- rules ---- */

bool
pgp_pqc_is(uint8_t algorithm)
{
	return algorithm >= PGP_POST_QUANTUM_MIN && algorithm <= PGP_POST_QUANTUM_MAX;
}

int
pgp_pqc_available(uint8_t algorithm, struct error *e)
{
	int rc;

	if (!pgp_pqc_is(algorithm))
		return 0;
	if (pgp_pqc_decrypts(algorithm))
		rc = mlkem_available(kem_of(&(struct pgp_key){ .algorithm = algorithm }).mlkem, e);
	else if (algorithm == PGP_MLDSA65_ED25519 || algorithm == PGP_MLDSA87_ED448)
		rc = mldsa_available(pair_of(algorithm).mldsa, e);
	else
		return error_set(e, ERR_UNSUPPORTED, "%s is not supported", pgp_algorithm_name(algorithm));
	if (rc == ERR_UNSUPPORTED)
		(void)error_context(e, "%s cannot be used", pgp_algorithm_name(algorithm));
	return rc;
}

bool
pgp_pqc_refuses_binding(const struct pgp_key *subkey, uint8_t hash)
{
	return pgp_pqc_is(subkey->algorithm) && (hash == PGP_MD5 || hash == PGP_SHA1 || hash == PGP_RIPEMD160);
}

size_t
pgp_pqc_prefer(const struct pgp_key **keys, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (pgp_pqc_is(keys[i]->algorithm))
			keys[n++] = keys[i];
	}
	return n == 0 ? count : n;
}

/* ---- rows ---- */

static bool
has_mldsa65(void)
{
	return mldsa_available(MLDSA_65, NULL) == 0;
}

static bool
has_mldsa87(void)
{
	return mldsa_available(MLDSA_87, NULL) == 0;
}

static bool
has_mlkem768(void)
{
	return mlkem_available(MLKEM_768, NULL) == 0;
}

static bool
has_mlkem1024(void)
{
	return mlkem_available(MLKEM_1024, NULL) == 0;
}

/* Section 3.5: in version 4 for subkeys only. */
static bool
fits_version(const struct pgp_key *key)
{
	return key->version == 6 || key->subkey;
}

#define DIGEST_MIN 32u /* sections 5.3.1 and 9.4: of 256 bits at least */

const struct pgp_pk pgp_pk_mldsa65_ed25519 = {
	.id = PGP_MLDSA65_ED25519,
	.versions = PGP_PK_V6,
	.digest_min = DIGEST_MIN,
	.bits = 255,
	.public_key = { "12", { 32, 1952 } },
	.secret_key = { "12", { 32, MLDSA_SEED } },
	.signature = { "12", { 64, 3309 } },
	.available = has_mldsa65,
	.generate = pair_generate,
	.matches = pair_matches,
	.verify = pair_verify,
	.sign = pair_sign,
};

const struct pgp_pk pgp_pk_mldsa87_ed448 = {
	.id = PGP_MLDSA87_ED448,
	.versions = PGP_PK_V6,
	.digest_min = DIGEST_MIN,
	.bits = 448,
	.public_key = { "12", { 57, 2592 } },
	.secret_key = { "12", { 57, MLDSA_SEED } },
	.signature = { "12", { 114, 4627 } },
	.available = has_mldsa87,
	.generate = pair_generate,
	.matches = pair_matches,
	.verify = pair_verify,
	.sign = pair_sign,
};

const struct pgp_pk pgp_pk_mlkem768_x25519 = {
	.id = PGP_MLKEM768_X25519,
	.versions = PGP_PK_V4 | PGP_PK_V6,
	.bits = 255,
	.public_key = { "12", { 32, 1184 } },
	.secret_key = { "12", { 32, MLKEM_SEED } },
	.pkesk = { "12c", { 32, 1088 } },
	.available = has_mlkem768,
	.well_formed = fits_version,
	.generate = kem_generate,
	.matches = kem_matches,
	.wrap = kem_wrap,
	.unwrap = kem_unwrap,
};

const struct pgp_pk pgp_pk_mlkem1024_x448 = {
	.id = PGP_MLKEM1024_X448,
	.versions = PGP_PK_V6,
	.bits = 448,
	.public_key = { "12", { 56, 1568 } },
	.secret_key = { "12", { 56, MLKEM_SEED } },
	.pkesk = { "12c", { 56, 1568 } },
	.available = has_mlkem1024,
	.well_formed = fits_version,
	.generate = kem_generate,
	.matches = kem_matches,
	.wrap = kem_wrap,
	.unwrap = kem_unwrap,
};
