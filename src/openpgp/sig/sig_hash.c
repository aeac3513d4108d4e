/* SPDX-License-Identifier: ISC */
/* What a signature is over, as a hash (RFC 9580 section 5.2.4). */
#include "openpgp/sig/sig.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "openpgp/sig/sig_internal.h"
#include "openpgp/frame/text.h"

#define TEXT_BLOCK 8192u

struct pgp_hash {
	struct hash *state;
	uint8_t hash;
	uint8_t type;
	struct pgp_text text;
	uint8_t salt[PGP_SALT_MAX];
	size_t salt_len;
	uint8_t literal[2 + UINT8_MAX + 4]; /* a literal packet's head, as version 5 hashes it */
	size_t literal_len;                 /* 6: zeros, for detached signatures */
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
	h->literal_len = 6;
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

/* In blocks: a call to libcrypto for each line would cost more than its hashing. */
static void
feed_text(struct pgp_hash *h, struct slice data)
{
	uint8_t block[TEXT_BLOCK];

	while (data.len > 0) {
		size_t n = pgp_text_convert(&h->text, &data, block, sizeof block);

		hash_update(h->state, slice_of(block, n));
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

void
pgp_hash_literal(struct pgp_hash *h, uint8_t format, struct slice name, uint32_t date)
{
	const uint8_t octets[4] = { (uint8_t)(date >> 24), (uint8_t)(date >> 16), (uint8_t)(date >> 8), (uint8_t)date };

	name = slice_sub(name, 0, UINT8_MAX);
	h->literal[0] = format;
	h->literal[1] = (uint8_t)name.len;
	if (name.len > 0)
		memcpy(h->literal + 2, name.data, name.len);
	memcpy(h->literal + 2 + name.len, octets, sizeof octets);
	h->literal_len = 2 + name.len + sizeof octets;
}

/* What version 5 has between the packet's own octets and the trailer, and a length of eight octets in that. */
static void
finish_v5(const struct pgp_hash *h, struct hash *state, struct slice prefix)
{
	size_t len = prefix.len;
	const uint8_t trailer[10] = { 5, 0xff, 0, 0, 0, 0, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
		(uint8_t)(len >> 8), (uint8_t)len };
	uint8_t type = prefix.data[1];

	if (type == PGP_SIG_BINARY || type == PGP_SIG_TEXT)
		hash_update(state, slice_of(h->literal, h->literal_len));
	hash_update(state, slice_of(trailer, sizeof trailer));
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
	if (version == 5)
		finish_v5(h, copy, prefix);
	else if (version > 3)
		hash_update(copy, slice_of(trailer, sizeof trailer));
	return hash_finish(copy, digest, e);
}

/* One octet of a legacy packet header, then a length of two octets (0x99) or four. */
static void
put_head(struct pgp_hash *h, uint8_t octet, size_t len)
{
	const uint8_t head[5] = { octet, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
		(uint8_t)len };
	const uint8_t old[3] = { octet, (uint8_t)(len >> 8), (uint8_t)len };

	hash_update(h->state, octet == 0x99 ? slice_of(old, sizeof old) : slice_of(head, sizeof head));
}

int
pgp_hash_key(struct pgp_hash *h, const struct pgp_key *key, uint8_t sig_version, struct error *e)
{
	(void)e;
	/* LibrePGP goes by the key's version, RFC 9580 by the signature's. */
	put_head(h, sig_version == 6 ? 0x9b : key->version == 5 ? 0x9a : 0x99, key->public_body.len);
	hash_update(h->state, key->public_body);
	return 0;
}

int
pgp_hash_user_id(struct pgp_hash *h, uint8_t packet_type, struct slice body, uint8_t sig_version, struct error *e)
{
	(void)e;
	if (sig_version > 3)
		put_head(h, packet_type == PGP_USER_ID ? 0xb4 : 0xd1, body.len);
	hash_update(h->state, body);
	return 0;
}

int
pgp_hash_sig(struct pgp_hash *h, const struct pgp_sig *s, struct error *e)
{
	static const uint8_t none[4] = { 0 };
	size_t count = s->version == 6 ? 4 : 2;
	/* From the first octet behind the unhashed area to the end: digest prefix, salt, values. */
	struct slice rest = slice_from(s->body, s->prefix.len + count + s->unhashed.len);

	if (s->version != 4 && s->version != 6)
		return error_set(e, ERR_UNSUPPORTED, "a signature over a signature of version %u", s->version);
	put_head(h, 0x88, s->prefix.len + count + rest.len);
	hash_update(h->state, s->prefix);
	hash_update(h->state, slice_of(none, count));
	hash_update(h->state, rest);
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
		PGP_SIG_CERT_POSITIVE, PGP_SIG_ATTESTATION, PGP_SIG_CERT_REVOCATION };
	static const uint8_t over_subkey[] = { PGP_SIG_SUBKEY_BINDING, PGP_SIG_PRIMARY_BINDING,
		PGP_SIG_SUBKEY_REVOCATION };
	bool user = type_is(type, over_user, sizeof over_user);
	bool subkey = type_is(type, over_subkey, sizeof over_subkey);

	if (!user && !subkey && type != PGP_SIG_DIRECT_KEY && type != PGP_SIG_KEY_REVOCATION)
		return error_set(e, ERR_SYNTAX, "a %s is not over a key or user ID", pgp_sig_type_name(type));
	if ((user && t->user_type == 0) || (subkey && t->subkey == NULL))
		return error_set(e, ERR_SYNTAX, "a %s does not belong here", pgp_sig_type_name(type));
	/* It is hashed for every signature over it. */
	if (user && t->user.len > PGP_USER_BODY_MAX)
		return error_set(e, ERR_LIMIT, "a user ID of %zu octets", t->user.len);
	(void)pgp_hash_key(h, t->primary, version, e);
	if (subkey)
		(void)pgp_hash_key(h, t->subkey, version, e);
	if (user)
		(void)pgp_hash_user_id(h, t->user_type, t->user, version, e);
	return 0;
}
