/* SPDX-License-Identifier: ISC */
/* What a signature is over, as a hash (RFC 9580 section 5.2.4). */
#include "openpgp/sig.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "openpgp/sig_internal.h"

struct pgp_hash {
	struct hash *state;
	uint8_t hash;
	uint8_t type;
	bool last_was_cr;
	size_t salt_len;
	uint8_t salt[PGP_SALT_MAX];
};

static const struct {
	uint8_t openpgp;
	enum hash_id id;
} hash_ids[] = {
	{ PGP_MD5, HASH_MD5 },
	{ PGP_SHA1, HASH_SHA1 },
	{ PGP_RIPEMD160, HASH_RIPEMD160 },
	{ PGP_SHA224, HASH_SHA224 },
	{ PGP_SHA256, HASH_SHA256 },
	{ PGP_SHA384, HASH_SHA384 },
	{ PGP_SHA512, HASH_SHA512 },
	{ PGP_SHA3_256, HASH_SHA3_256 },
	{ PGP_SHA3_512, HASH_SHA3_512 },
};

int
pgp_hash_crypto_id(uint8_t hash, enum hash_id *out, struct error *e)
{
	for (size_t i = 0; i < sizeof hash_ids / sizeof hash_ids[0]; i++) {
		if (hash_ids[i].openpgp == hash) {
			*out = hash_ids[i].id;
			return 0;
		}
	}
	return error_set(e, ERR_UNSUPPORTED, "unknown hash algorithm %u", hash);
}

int
pgp_hash_new(struct pgp_hash **out, uint8_t hash, uint8_t type, struct slice salt, struct error *e)
{
	enum hash_id id;
	struct pgp_hash *h;
	int rc = pgp_hash_crypto_id(hash, &id, e);

	if (rc != 0)
		return rc;
	if (salt.len > PGP_SALT_MAX)
		return error_set(e, ERR_SYNTAX, "the signature's salt is too long");
	h = mem_alloc(sizeof *h);
	if (h == NULL)
		return error_nomem(e);
	rc = hash_new(id, &h->state, e);
	if (rc != 0) {
		mem_free(h);
		return rc;
	}
	h->hash = hash;
	h->type = type;
	h->salt_len = salt.len;
	if (salt.len > 0)
		memcpy(h->salt, salt.data, salt.len);
	hash_update(h->state, salt);
	*out = h;
	return 0;
}

void
pgp_hash_free(struct pgp_hash *h)
{
	if (h == NULL)
		return;
	hash_free(h->state);
	mem_free(h);
}

void
pgp_hash_free_pointer(struct pgp_hash **h)
{
	pgp_hash_free(*h);
}

/* Every LF that has no CR before it gets one. */
static void
feed_text(struct pgp_hash *h, struct slice data)
{
	while (data.len > 0) {
		const uint8_t *lf = memchr(data.data, '\n', data.len);
		size_t n = lf == NULL ? data.len : (size_t)(lf - data.data);
		bool cr = n == 0 ? h->last_was_cr : data.data[n - 1] == '\r';

		hash_update(h->state, slice_sub(data, 0, n));
		h->last_was_cr = cr;
		if (lf == NULL)
			return;
		hash_update(h->state, cr ? SLICE("\n") : SLICE("\r\n"));
		h->last_was_cr = false;
		data = slice_from(data, n + 1);
	}
}

int
pgp_hash_feed(struct pgp_hash *h, struct slice data, struct error *e)
{
	(void)e; /* libcrypto's failures are kept in the state and told at the end */
	if (h->type == PGP_SIG_TEXT)
		feed_text(h, data);
	else
		hash_update(h->state, data);
	return 0;
}

bool
pgp_hash_is(const struct pgp_hash *h, uint8_t hash, uint8_t type, struct slice salt)
{
	return h->hash == hash && (h->type == PGP_SIG_TEXT) == (type == PGP_SIG_TEXT) &&
	    slice_eq(salt, slice_of(h->salt, h->salt_len));
}

int
pgp_hash_finish(
    const struct pgp_hash *h, uint8_t version, struct slice prefix, uint8_t digest[PGP_DIGEST_MAX], struct error *e)
{
	size_t len = prefix.len;
	const uint8_t trailer[6] = { version, 0xff, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
		(uint8_t)len };
	struct hash *copy HASH_OWNED = NULL;
	int rc = hash_copy(h->state, &copy, e);

	if (rc != 0)
		return rc;
	hash_update(copy, prefix);
	if (version > 3)
		hash_update(copy, slice_of(trailer, sizeof trailer));
	return hash_finish(copy, digest, e);
}

int
pgp_hash_key(struct pgp_hash *h, const struct pgp_key *key, uint8_t sig_version, struct error *e)
{
	size_t len = key->public_body.len;
	const uint8_t v6[5] = { 0x9b, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len };
	const uint8_t v4[3] = { 0x99, (uint8_t)(len >> 8), (uint8_t)len };

	(void)e;
	hash_update(h->state, sig_version == 6 ? slice_of(v6, sizeof v6) : slice_of(v4, sizeof v4));
	hash_update(h->state, key->public_body);
	return 0;
}

int
pgp_hash_user_id(struct pgp_hash *h, uint8_t packet_type, struct slice body, struct error *e)
{
	size_t len = body.len;
	const uint8_t head[5] = { packet_type == PGP_USER_ID ? 0xb4 : 0xd1, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
		(uint8_t)(len >> 8), (uint8_t)len };

	(void)e;
	hash_update(h->state, slice_of(head, sizeof head));
	hash_update(h->state, body);
	return 0;
}

static bool
type_is(uint8_t type, const uint8_t *list, size_t count)
{
	return memchr(list, type, count) != NULL;
}

int
pgp_hash_target(struct pgp_hash *h, uint8_t type, uint8_t version, const struct pgp_sig_target *t, struct error *e)
{
	static const uint8_t over_user[] = { PGP_SIG_CERT_GENERIC, PGP_SIG_CERT_PERSONA, PGP_SIG_CERT_CASUAL,
		PGP_SIG_CERT_POSITIVE, PGP_SIG_CERT_REVOCATION };
	static const uint8_t over_subkey[] = { PGP_SIG_SUBKEY_BINDING, PGP_SIG_PRIMARY_BINDING,
		PGP_SIG_SUBKEY_REVOCATION };
	bool user = type_is(type, over_user, sizeof over_user);
	bool subkey = type_is(type, over_subkey, sizeof over_subkey);

	if (!user && !subkey && type != PGP_SIG_DIRECT_KEY && type != PGP_SIG_KEY_REVOCATION)
		return error_set(e, ERR_SYNTAX, "a %s is not over a key or user ID", pgp_sig_type_name(type));
	if ((user && t->user_type == 0) || (subkey && t->subkey == NULL))
		return error_set(e, ERR_SYNTAX, "a %s does not belong here", pgp_sig_type_name(type));
	(void)pgp_hash_key(h, t->primary, version, e);
	if (subkey)
		(void)pgp_hash_key(h, t->subkey, version, e);
	if (user)
		(void)pgp_hash_user_id(h, t->user_type, t->user, e);
	return 0;
}
