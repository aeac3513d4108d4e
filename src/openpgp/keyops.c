/* SPDX-License-Identifier: ISC */
/* Signing with a secret in hand, and secrets held in memory. */
#include "openpgp/keyops.h"

#include "base/mem.h"
#include "base/reader.h"
#include "crypto/rsa.h"
#include "crypto/sign.h"
#include "openpgp/mpi.h"
#include "openpgp/sig_internal.h"

static int
sign_octets(enum sign_id id, bool legacy, struct slice secret, struct slice digest, struct buf *out, struct error *e)
{
	uint8_t signature[SIGN_SIGNATURE_MAX];
	size_t len = sign_signature_size(id);
	int rc = sign_make(id, secret, digest, signature, e);

	if (rc != 0)
		return rc;
	if (!legacy)
		return buf_put(out, signature, len);
	(void)pgp_mpi_write(out, slice_of(signature, 32));
	return pgp_mpi_write(out, slice_of(signature + 32, 32));
}

bool
pgp_secret_rsa(const struct pgp_key *key, struct slice secret, struct rsa_secret *out)
{
	struct reader r = reader_of(secret);

	*out = (struct rsa_secret){ .public_key = { key->public[0], key -> public[1] } };
	out->d = pgp_mpi_take(&r);
	out->p = pgp_mpi_take(&r);
	out->q = pgp_mpi_take(&r);
	out->u = pgp_mpi_take(&r);
	return r.err == 0 && reader_left(&r) == 0;
}

static int
sign_rsa(
    const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	struct buf value BUF_OWNED = { 0 };
	struct rsa_secret rsa;
	enum hash_id id;
	int rc = pgp_hash_crypto_id(hash, &id, e);

	if (rc != 0)
		return rc;
	if (!pgp_secret_rsa(key, secret, &rsa))
		return error_set(e, ERR_SYNTAX, "malformed RSA secret");
	buf_init(&value, RSA_OCTETS_MAX);
	rc = rsa_sign(&rsa, id, digest, &value, e);
	return rc != 0 ? rc : pgp_mpi_write(out, buf_slice(&value));
}

int
pgp_secret_sign(
    const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	switch (key->algorithm) {
	case PGP_EDDSA_LEGACY:
		return sign_octets(SIGN_ED25519, true, secret, digest, out, e);
	case PGP_ED25519:
		return sign_octets(SIGN_ED25519, false, secret, digest, out, e);
	case PGP_ED448:
		return sign_octets(SIGN_ED448, false, secret, digest, out, e);
	case PGP_RSA:
	case PGP_RSA_SIGN:
		return sign_rsa(key, secret, hash, digest, out, e);
	default:
		return error_set(
		    e, ERR_UNSUPPORTED, "signing with %s is not supported", pgp_algorithm_name(key->algorithm));
	}
}

/* ---- in memory ---- */

struct held {
	struct pgp_fingerprint fingerprint;
	struct secret secret;
};

struct pgp_memory_keys {
	struct held *items;
	size_t count;
};

int
pgp_memory_keys_new(struct pgp_memory_keys **out, struct error *e)
{
	*out = mem_alloc(sizeof **out);
	return *out == NULL ? error_nomem(e) : 0;
}

void
pgp_memory_keys_free(struct pgp_memory_keys *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->count; i++)
		secret_done(&m->items[i].secret);
	mem_free(m->items);
	mem_free(m);
}

int
pgp_memory_keys_add(struct pgp_memory_keys *m, const struct pgp_key *key, struct slice secret, struct error *e)
{
	struct held *grown = mem_realloc(m->items, (m->count + 1) * sizeof *grown);
	int rc;

	if (grown == NULL)
		return error_nomem(e);
	m->items = grown;
	grown[m->count] = (struct held){ .fingerprint = key->fingerprint };
	rc = secret_copy(&grown[m->count].secret, secret, e);
	if (rc == 0)
		m->count++;
	return rc;
}

static const struct held *
find(const struct pgp_memory_keys *m, const struct pgp_key *key)
{
	for (size_t i = 0; i < m->count; i++)
		if (pgp_fingerprint_eq(&m->items[i].fingerprint, &key->fingerprint))
			return &m->items[i];
	return NULL;
}

static int
no_key(const struct pgp_key *key, struct error *e)
{
	return error_set(e, ERR_NO_KEY, "the secret key %016llX is not here", (unsigned long long)key->key_id);
}

static int
memory_sign(void *ctx, const struct pgp_key *key, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	const struct held *h = find(ctx, key);

	return h == NULL ? no_key(key, e) : pgp_secret_sign(key, secret_slice(&h->secret), hash, digest, out, e);
}

static int
memory_open(void *ctx, const struct pgp_key *key, const struct pgp_pkesk_fields *pkesk, uint8_t *cipher_out,
    struct secret *session_key_out, struct error *e)
{
	const struct held *h = find(ctx, key);

	if (h == NULL)
		return no_key(key, e);
	return pgp_secret_open(key, secret_slice(&h->secret), pkesk, cipher_out, session_key_out, e);
}

static bool
memory_holds(void *ctx, const struct pgp_key *key)
{
	return find(ctx, key) != NULL;
}

struct pgp_keyring_ops
pgp_memory_keys_ops(struct pgp_memory_keys *m)
{
	static const struct pgp_keyops ops = { memory_sign, memory_open, memory_holds };

	return (struct pgp_keyring_ops){ &ops, m };
}
