/* SPDX-License-Identifier: ISC */
/* Signing with a secret in hand, and secrets held in memory. */
#include "openpgp/key/keyops.h"

#include "base/mem.h"
#include "crypto/secret.h"
#include "openpgp/key/pk.h"

int
pgp_secret_sign(
    const struct pgp_key *key, struct slice secret, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	const struct pgp_pk *pk = pgp_pk_of(key);

	if (pk == NULL || pk->sign == NULL)
		return pgp_pk_refuse(key, "signing with a key", e);
	if (digest.len < pgp_key_digest_min(key))
		return error_set(e, ERR_UNSUPPORTED, "a digest of %zu octets is too short for this key: it needs %zu",
		    digest.len, pgp_key_digest_min(key));
	return pk->sign(key, secret, hash, digest, out, e);
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
