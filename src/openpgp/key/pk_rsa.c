/* SPDX-License-Identifier: ISC */
/* RSA (RFC 9580 sections 5.1.3, 5.2.3.1, 5.5.5.1, 12.4): three numbers, of which the two of one use are only read. */
#include "crypto/rsa.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/key/pk_internal.h"
#include "openpgp/sig/sig_internal.h"

#define SECRET_FIELDS "mmmm" /* d, p, q, u */

static struct rsa_public
public_of(const struct pgp_key *key)
{
	return (struct rsa_public){ key->public[0], key -> public[1] };
}

static int
secret_of(const struct pgp_key *key, struct slice secret, struct rsa_secret *out, struct error *e)
{
	static const struct pgp_pk_layout layout = { SECRET_FIELDS, { 0 } };
	struct slice f[PGP_PK_FIELDS_MAX];

	if (!pgp_pk_split(&layout, secret, f))
		return error_set(e, ERR_SYNTAX, "malformed RSA secret");
	*out = (struct rsa_secret){ .public_key = public_of(key), .d = f[0], .p = f[1], .q = f[2], .u = f[3] };
	return 0;
}

static int
verify(const struct pgp_key *key, uint8_t hash, struct slice digest, const struct slice *fields, struct error *e)
{
	struct rsa_public public_key = public_of(key);
	enum hash_id id;
	int rc = pgp_hash_crypto_id(hash, &id, e);

	return rc != 0 ? rc : rsa_verify(&public_key, id, digest, fields[0], e);
}

static int
sign(
    const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	struct buf value BUF_OWNED = { 0 };
	struct rsa_secret rsa;
	enum hash_id id;
	int rc = pgp_hash_crypto_id(hash, &id, e);

	if (rc == 0)
		rc = secret_of(key, secret, &rsa, e);
	if (rc != 0)
		return rc;
	buf_init(&value, RSA_OCTETS_MAX);
	rc = rsa_sign(&rsa, id, digest, &value, e);
	return rc != 0 ? rc : pgp_mpi_write(out, buf_slice(&value));
}

/* A signature made with the secret and checked with the public numbers takes all six of them. */
static int
matches(const struct pgp_key *key, struct slice secret, struct error *e)
{
	static const uint8_t digest[32] = { 1 };
	struct buf signature BUF_OWNED = { 0 };
	struct rsa_secret rsa;
	int rc = secret_of(key, secret, &rsa, e);

	if (rc != 0)
		return rc;
	buf_init(&signature, RSA_OCTETS_MAX);
	return rsa_sign(&rsa, HASH_SHA256, slice_of(digest, sizeof digest), &signature, e);
}

static int
wrap(uint8_t version, const struct pgp_key *key, const struct pgp_session *session, struct buf *out, struct error *e)
{
	struct rsa_public public_key = public_of(key);
	SECRET_OWNED struct secret m = SECRET_EMPTY;
	BUF_OWNED struct buf text = { 0 };
	int rc = pgp_session_join(version, session, 0, &m, e);

	buf_init(&text, RSA_OCTETS_MAX);
	if (rc == 0)
		rc = rsa_encrypt(&public_key, secret_slice(&m), &text, e);
	if (rc == 0)
		(void)pgp_mpi_write(out, buf_slice(&text));
	return rc;
}

static int
unwrap(uint8_t version, const struct pgp_key *key, struct slice secret, const struct slice *fields, uint8_t *cipher_out,
    struct secret *key_out, struct error *e)
{
	size_t lengths[PGP_SESSION_LENGTHS];
	SECRET_OWNED struct secret m = SECRET_EMPTY;
	struct rsa_secret rsa;
	int rc = secret_of(key, secret, &rsa, e);

	pgp_session_lengths(version, lengths);
	if (rc == 0)
		rc = rsa_decrypt(&rsa, fields[0], lengths, PGP_SESSION_LENGTHS, &m, e);
	return rc != 0 ? rc : pgp_session_split_blind(version, &m, cipher_out, key_out, e);
}

static int
generate(const struct pgp_key_spec *spec, struct buf *public_out, struct secret *secret_out, struct error *e)
{
	unsigned bits = spec->bits == 0 ? PGP_RSA_BITS_DEFAULT : spec->bits;
	struct rsa_fresh fresh = { 0 };
	struct buf wire;
	int rc;

	if (bits < PGP_RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return error_set(
		    e, ERR_USAGE, "a new RSA key has %u to %u bits, not %u", PGP_RSA_BITS_MIN, RSA_BITS_MAX, bits);
	rc = rsa_generate(bits, &fresh, e);
	if (rc != 0)
		return rc;
	buf_init(&wire, PGP_KEY_BODY_MAX);
	/* At once: growing would leave copies behind. */
	(void)buf_reserve(&wire, 4 * 2 + fresh.d.len + fresh.p.len + fresh.q.len + fresh.u.len);
	(void)pgp_mpi_write(public_out, secret_slice(&fresh.n));
	(void)pgp_mpi_write(public_out, secret_slice(&fresh.e));
	(void)pgp_mpi_write(&wire, secret_slice(&fresh.d));
	(void)pgp_mpi_write(&wire, secret_slice(&fresh.p));
	(void)pgp_mpi_write(&wire, secret_slice(&fresh.q));
	(void)pgp_mpi_write(&wire, secret_slice(&fresh.u));
	rc = wire.err != 0 ? error_nomem(e) : secret_copy(secret_out, buf_slice(&wire), e);
	buf_wipe_done(&wire);
	rsa_fresh_done(&fresh);
	return rc;
}

#define VERSIONS (PGP_PK_V3 | PGP_PK_V4_UP)

const struct pgp_pk pgp_pk_rsa = {
	.id = PGP_RSA,
	.versions = VERSIONS,
	.public_key = { "mm" },
	.secret_key = { SECRET_FIELDS },
	.signature = { "m" },
	.pkesk = { "m" },
	.generate = generate,
	.matches = matches,
	.verify = verify,
	.sign = sign,
	.wrap = wrap,
	.unwrap = unwrap,
};

const struct pgp_pk pgp_pk_rsa_encrypt = {
	.id = PGP_RSA_ENCRYPT,
	.versions = VERSIONS,
	.public_key = { "mm" },
	.secret_key = { SECRET_FIELDS },
	.pkesk = { "m" },
	.matches = matches,
	.wrap = wrap,
	.unwrap = unwrap,
};

const struct pgp_pk pgp_pk_rsa_sign = {
	.id = PGP_RSA_SIGN,
	.versions = VERSIONS,
	.public_key = { "mm" },
	.secret_key = { SECRET_FIELDS },
	.signature = { "m" },
	.matches = matches,
	.verify = verify,
	.sign = sign,
};
