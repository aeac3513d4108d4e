/* SPDX-License-Identifier: ISC */
/*
 * ElGamal and DSA (RFC 9580 sections 5.1.4, 5.2.3.2, 5.5.5.2, 5.5.5.3): what
 * old mail needs, and no more. Nothing is encrypted or signed with them (12.5,
 * 12.6), so their rows lack that.
 */
#include "crypto/dsa.h"
#include "crypto/elgamal.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/key/pk_internal.h"

static bool
secret_number(struct slice secret, struct slice *x)
{
	struct slice f[PGP_PK_FIELDS_MAX];
	static const struct pgp_pk_layout layout = { "m", { 0 } };

	if (!pgp_pk_split(&layout, secret, f))
		return false;
	*x = f[0];
	return true;
}

/* ---- ElGamal: p, g, y ---- */

static int
elgamal_matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	struct slice x;

	if (!secret_number(secret, &x))
		return error_set(e, ERR_SYNTAX, "malformed ElGamal secret");
	return dsa_matches(key->public[0], key -> public[1], key -> public[2], x, e);
}

static int
elgamal_unwrap(uint8_t version, const struct pgp_key *key, struct slice secret, const struct slice *fields,
    uint8_t *cipher_out, struct secret *key_out, struct error *e)
{
	struct elgamal_secret s = { .p = key->public[0], .g = key->public[1], .y = key->public[2] };
	size_t lengths[PGP_SESSION_LENGTHS];
	SECRET_OWNED struct secret m = SECRET_EMPTY;
	int rc;

	if (!secret_number(secret, &s.x))
		return error_set(e, ERR_SYNTAX, "malformed ElGamal secret");
	pgp_session_lengths(version, lengths);
	rc = elgamal_decrypt(&s, fields[0], fields[1], lengths, PGP_SESSION_LENGTHS, &m, e);
	return rc != 0 ? rc : pgp_session_split_blind(version, &m, cipher_out, key_out, e);
}

const struct pgp_pk pgp_pk_elgamal = {
	.id = PGP_ELGAMAL,
	.versions = PGP_PK_V4_UP,
	.public_key = { "mmm" },
	.secret_key = { "m" },
	.pkesk = { "mm" },
	.matches = elgamal_matches,
	.unwrap = elgamal_unwrap,
};

/* ---- DSA: p, q, g, y ---- */

static int
dsa_secret_matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	struct slice x;

	if (!secret_number(secret, &x))
		return error_set(e, ERR_SYNTAX, "malformed DSA secret");
	return dsa_matches(key->public[0], key -> public[2], key -> public[3], x, e);
}

static int
verify(const struct pgp_key *key, uint8_t hash, struct slice digest, const struct slice *fields, struct error *e)
{
	struct dsa_public public_key = { key->public[0], key -> public[1], key -> public[2], key -> public[3] };

	(void)hash;
	return dsa_verify(&public_key, digest, fields[0], fields[1], e);
}

const struct pgp_pk pgp_pk_dsa = {
	.id = PGP_DSA,
	.versions = PGP_PK_V4_UP,
	.public_key = { "mmmm" },
	.secret_key = { "m" },
	.signature = { "mm" },
	.matches = dsa_secret_matches,
	.verify = verify,
};
