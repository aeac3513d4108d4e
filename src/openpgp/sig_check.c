/* SPDX-License-Identifier: ISC */
/* Is it this key's signature: the arithmetic, and what the RFC forbids. */
#include <string.h>

#include "base/reader.h"
#include "crypto/ecdsa.h"
#include "crypto/rsa.h"
#include "crypto/sign.h"
#include "openpgp/mpi.h"
#include "openpgp/sig_internal.h"

/* R and S of an EdDSALegacy signature lose leading zero octets as MPIs: put them back. */
static bool
legacy_signature(struct slice material, uint8_t out[64])
{
	struct reader in = reader_of(material);
	struct slice r = pgp_mpi_take(&in), s = pgp_mpi_take(&in);

	return in.err == 0 && reader_left(&in) == 0 && pgp_mpi_octets(r, out, 32) && pgp_mpi_octets(s, out + 32, 32);
}

static int
check_eddsa(const struct pgp_sig *s, const struct pgp_key *key, struct slice digest, struct error *e)
{
	bool big = key->algorithm == PGP_ED448;
	uint8_t legacy[64];
	struct slice signature = s->material;

	if (digest.len < (big ? 64u : 32u))
		return error_set(e, ERR_POLICY, "a digest of %zu octets is too short for this key", digest.len);
	if (key->algorithm == PGP_EDDSA_LEGACY) {
		if (!legacy_signature(s->material, legacy))
			return error_set(e, ERR_SIGNATURE, "malformed EdDSALegacy signature");
		signature = slice_of(legacy, sizeof legacy);
	}
	if (big)
		return sign_verify(SIGN_ED448, key->public[0], digest, signature, e);
	return sign_verify(SIGN_ED25519, pgp_key_native(key), digest, signature, e);
}

static int
check_ecdsa(const struct pgp_sig *s, const struct pgp_key *key, struct slice digest, struct error *e)
{
	static const size_t digest_min[] = { 32, 48, 64 };
	struct reader in = reader_of(s->material);
	struct slice r = pgp_mpi_take(&in), t = pgp_mpi_take(&in);
	unsigned n = key->curve - (unsigned)PGP_CURVE_P256;

	if (digest.len < digest_min[n])
		return error_set(e, ERR_POLICY, "a digest of %zu octets is too short for this curve", digest.len);
	if (in.err != 0 || reader_left(&in) != 0)
		return error_set(e, ERR_SIGNATURE, "malformed ECDSA signature");
	return ecdsa_verify((enum ecdsa_curve)n, key->public[0], digest, r, t, e);
}

static int
check_rsa(const struct pgp_sig *s, const struct pgp_key *key, struct slice digest, struct error *e)
{
	struct rsa_public public = { key->public[0], key -> public[1] };
	struct reader in = reader_of(s->material);
	struct slice value = pgp_mpi_take(&in);
	enum hash_id id;
	int rc = pgp_hash_crypto_id(s->hash, &id, e);

	if (rc != 0)
		return rc;
	if (in.err != 0 || reader_left(&in) != 0)
		return error_set(e, ERR_SIGNATURE, "malformed RSA signature");
	return rsa_verify(&public, id, digest, value, e);
}

static bool
algorithm_fits(const struct pgp_sig *s, const struct pgp_key *key)
{
	bool rsa = (s->algorithm == PGP_RSA || s->algorithm == PGP_RSA_SIGN) &&
	    (key->algorithm == PGP_RSA || key->algorithm == PGP_RSA_SIGN);

	return rsa || s->algorithm == key->algorithm;
}

/* What has to hold before any arithmetic (sections 5.2.3 and 5.2.5). */
static int
check_form(const struct pgp_sig *s, const struct pgp_hash *h, const struct pgp_key *key, struct error *e)
{
	if (s->invalid != NULL)
		return error_set(e, ERR_POLICY, "the signature is invalid: %s", s->invalid);
	if ((s->version == 6) != (key->version == 6))
		return error_set(e, ERR_POLICY, "a version %u signature by a version %u key", s->version, key->version);
	if (!pgp_key_can_verify(key))
		return error_set(e, ERR_UNSUPPORTED, "%s signatures of this kind are not supported",
		    pgp_algorithm_name(key->algorithm));
	if (!algorithm_fits(s, key))
		return error_set(e, ERR_SIGNATURE, "a signature of another algorithm than the key's");
	if (!pgp_hash_is(h, s->hash, s->type, s->salt))
		return error_set(e, ERR_SIGNATURE, "the signature does not belong to what was announced");
	return 0;
}

int
pgp_sig_check(const struct pgp_sig *s, const struct pgp_hash *h, const struct pgp_key *key, struct error *e)
{
	uint8_t digest[PGP_DIGEST_MAX];
	struct slice d;
	int rc = check_form(s, h, key, e);

	if (rc != 0)
		return rc;
	rc = pgp_hash_finish(h, s->version, s->prefix, digest, e);
	if (rc != 0)
		return rc;
	d = slice_of(digest, pgp_hash_size(s->hash));
	if (s->version == 6 && memcmp(digest, s->left16, 2) != 0)
		rc = error_set(e, ERR_SIGNATURE, "the signature's digest prefix is wrong");
	else if (key->algorithm == PGP_RSA || key->algorithm == PGP_RSA_SIGN)
		rc = check_rsa(s, key, d, e);
	else if (key->algorithm == PGP_ECDSA)
		rc = check_ecdsa(s, key, d, e);
	else
		rc = check_eddsa(s, key, d, e);
	/* Whatever is malformed about it, it is not this key's signature. */
	return rc == ERR_SYNTAX ? ERR_SIGNATURE : rc;
}

int
pgp_sig_check_target(
    const struct pgp_sig *s, const struct pgp_sig_target *target, const struct pgp_key *key, struct error *e)
{
	struct pgp_hash *h PGP_HASH_OWNED = NULL;
	int rc;

	if (s->invalid != NULL)
		return error_set(e, ERR_POLICY, "the signature is invalid: %s", s->invalid);
	rc = pgp_hash_new(&h, s->hash, s->type, s->salt, e);
	if (rc == 0)
		rc = pgp_hash_target(h, s->type, s->version, target, e);
	return rc != 0 ? rc : pgp_sig_check(s, h, key, e);
}
