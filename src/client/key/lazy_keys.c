/* SPDX-License-Identifier: ISC */
#include "client/key/lazy_keys.h"

#include "base/mem.h"

static int
add_own(struct lazy_keys *l, const struct trust_entry *entry, struct error *e)
{
	struct pgp_cert **items = mem_realloc(l->own.items, (l->own.count + 1) * sizeof(struct pgp_cert *));
	int rc;

	if (items == NULL)
		return error_nomem(e);
	l->own.items = items;
	rc = trust_store_load(l->keyring->certs, &entry->fingerprint, &items[l->own.count], e);
	if (rc == 0)
		l->own.count++;
	return rc;
}

struct adding {
	struct lazy_keys *keys;
	struct error *error;
};

/* Loading reads other rows than the walk: the entry stays. */
static int
add_if_here(void *ctx, const struct trust_entry *entry)
{
	const struct adding *a = ctx;

	return keyring_has_secret(a->keys->keyring, &entry->fingerprint) ? add_own(a->keys, entry, a->error) : 0;
}

int
lazy_keys_init(struct lazy_keys *l, struct keyring *k, const struct common *c, struct error *e)
{
	const struct trust_list own = { .own = true };

	*l = (struct lazy_keys){ .keyring = k, .common = c };
	return trust_store_list(k->certs, &own, add_if_here, &(struct adding){ l, e }, e);
}

void
lazy_keys_done(struct lazy_keys *l)
{
	pgp_certs_done(&l->own);
	agent_client_close(l->agent);
	l->agent = NULL;
}

/* The certificate of ours that the key stands in. */
static const struct pgp_cert *
own_cert_of(const struct lazy_keys *l, const struct pgp_key *key)
{
	for (size_t i = 0; i < l->own.count; i++) {
		if (pgp_cert_find_key(l->own.items[i], &key->fingerprint) != NULL)
			return l->own.items[i];
	}
	return NULL;
}

int
lazy_keys_agent(struct lazy_keys *l, struct error *e)
{
	return l->agent != NULL ? 0 : agent_client_open(true, &l->agent, e);
}

/* Sees to it that the agent is there and holds the key. */
static int
make_ready(struct lazy_keys *l, const struct pgp_key *key, struct error *e)
{
	const struct pgp_cert *cert = own_cert_of(l, key);
	int rc;

	if (cert == NULL)
		return error_set(e, ERR_NO_KEY, "the secret key is not here");
	if (l->refused != 0)
		return error_set(e, l->refused, "your key was not unlocked");
	rc = lazy_keys_agent(l, e);
	if (rc == 0 && !agent_client_holds(l->agent, &key->fingerprint))
		rc = keyring_unlock(l->keyring, l->common, l->agent, &cert->primary->fingerprint, e);
	l->refused = rc;
	return rc;
}

static int
lazy_sign(void *ctx, const struct pgp_key *key, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	struct lazy_keys *l = ctx;
	struct pgp_keyring_ops ops;
	int rc = make_ready(l, key, e);

	if (rc != 0)
		return rc;
	ops = agent_keyring(l->agent);
	return ops.ops->sign(ops.ctx, key, hash, digest, out, e);
}

static int
lazy_open(void *ctx, const struct pgp_key *key, const struct pgp_pkesk_fields *pkesk, uint8_t *cipher_out,
    struct secret *session_key_out, struct error *e)
{
	struct lazy_keys *l = ctx;
	struct pgp_keyring_ops ops;
	int rc = make_ready(l, key, e);

	if (rc != 0)
		return rc;
	ops = agent_keyring(l->agent);
	return ops.ops->open(ops.ctx, key, pkesk, cipher_out, session_key_out, e);
}

static bool
lazy_holds(void *ctx, const struct pgp_key *key)
{
	return own_cert_of(ctx, key) != NULL;
}

struct pgp_keyring_ops
lazy_keys_ops(struct lazy_keys *l)
{
	static const struct pgp_keyops ops = { .sign = lazy_sign, .open = lazy_open, .holds = lazy_holds };

	return (struct pgp_keyring_ops){ .ops = &ops, .ctx = l };
}
