/* SPDX-License-Identifier: ISC */
/* Making signature packets. */
#include <string.h>

#include "base/utf8.h"
#include "crypto/random.h"
#include "openpgp/frame/packet.h"
#include "openpgp/key/pk.h"
#include "openpgp/sig/sig_internal.h"

int
pgp_subpacket_put(struct buf *out, uint8_t type, bool critical, struct slice body)
{
	uint8_t length[PGP_HEADER_MAX];

	(void)buf_put(out, length, pgp_length_put(length, (uint32_t)body.len + 1));
	(void)buf_put_u8(out, (uint8_t)(type | (critical ? 0x80 : 0)));
	return buf_put_slice(out, body);
}

static bool
notation_named_well(struct slice name)
{
	size_t at = slice_find(name, '@');

	return at != 0 && at != SIZE_MAX && at + 1 < name.len && slice_find(slice_from(name, at + 1), '@') == SIZE_MAX;
}

int
pgp_notation_put(struct buf *out, const struct pgp_notation *n, struct error *e)
{
	struct buf body BUF_OWNED = { 0 };

	if (n->name.len > UINT16_MAX || n->value.len > UINT16_MAX)
		return error_set(e, ERR_USAGE, "a notation is too long");
	if (!notation_named_well(n->name) || !utf8_valid(n->name))
		return error_set(e, ERR_USAGE, "a notation is named like tag@example.org");
	if (n->readable && !utf8_valid(n->value))
		return error_set(e, ERR_USAGE, "the value of a readable notation is not UTF-8");
	buf_init(&body, 8 + 2 * UINT16_MAX);
	(void)buf_put_u32(&body, n->readable ? 0x80000000u : 0);
	(void)buf_put_u16(&body, (uint16_t)n->name.len);
	(void)buf_put_u16(&body, (uint16_t)n->value.len);
	(void)buf_put_slice(&body, n->name);
	(void)buf_put_slice(&body, n->value);
	if (body.err != 0 || pgp_subpacket_put(out, PGP_SUB_NOTATION, n->critical, buf_slice(&body)) != 0)
		return error_set(e, body.err != 0 ? body.err : out->err, "no room for a notation");
	return 0;
}

static void
put_number(struct buf *out, uint8_t type, bool critical, uint32_t v)
{
	const uint8_t body[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	(void)pgp_subpacket_put(out, type, critical, slice_of(body, 4));
}

static void
put_areas(const struct pgp_sig_spec *spec, const struct pgp_key *key, struct buf *hashed, struct buf *unhashed)
{
	uint8_t fpr[1 + PGP_FINGERPRINT_MAX], id[8];

	fpr[0] = key->version;
	memcpy(fpr + 1, key->fingerprint.bytes, key->fingerprint.len);
	put_number(hashed, PGP_SUB_CREATED, true, spec->created);
	(void)pgp_subpacket_put(hashed, PGP_SUB_ISSUER_FINGERPRINT, false, slice_of(fpr, 1u + key->fingerprint.len));
	(void)buf_put_slice(hashed, spec->extra_hashed);
	if (key->version == 4) {
		for (size_t i = 0; i < 8; i++)
			id[i] = (uint8_t)(key->key_id >> (56 - 8 * i));
		(void)pgp_subpacket_put(unhashed, PGP_SUB_ISSUER, false, slice_of(id, 8));
	}
	(void)buf_put_slice(unhashed, spec->extra_unhashed);
}

static void
put_area(struct buf *out, uint8_t version, const struct buf *area)
{
	if (version == 6)
		(void)buf_put_u32(out, (uint32_t)area->len);
	else
		(void)buf_put_u16(out, (uint16_t)area->len);
	(void)buf_put_slice(out, buf_slice(area));
}

static int
put_prefix(
    const struct pgp_sig_spec *spec, uint8_t hash, const struct pgp_key *key, const struct buf *hashed, struct buf *out)
{
	(void)buf_put_u8(out, key->version);
	(void)buf_put_u8(out, spec->type);
	(void)buf_put_u8(out, key->algorithm);
	(void)buf_put_u8(out, hash);
	put_area(out, key->version, hashed);
	return out->err;
}

int
pgp_sig_hash_for(const struct pgp_key *key, uint8_t asked, uint8_t *hash_out, struct error *e)
{
	static const uint8_t gone[] = { PGP_MD5, PGP_SHA1, PGP_RIPEMD160 };
	uint8_t hash = asked != 0 ? asked : PGP_SHA512;

	if (pgp_hash_size(hash) == 0)
		return error_set(e, ERR_UNSUPPORTED, "unknown hash algorithm %u", hash);
	if (memchr(gone, hash, sizeof gone) != NULL)
		return error_set(e, ERR_POLICY, "nothing is signed with %s any more", pgp_hash_name(hash));
	/* 32 for RSA, too, which takes any: nobody needs the short one. */
	if (pgp_hash_size(hash) < 32 || pgp_hash_size(hash) < pgp_key_digest_min(key))
		return error_set(e, ERR_POLICY, "%s is too short for this key", pgp_hash_name(hash));
	*hash_out = hash;
	return 0;
}

static uint8_t
hash_of(const struct pgp_sig_spec *spec)
{
	return spec->hash != 0 ? spec->hash : PGP_SHA512;
}

static int
sign_and_put(const struct pgp_sig_spec *spec, const struct pgp_hash *h, const struct pgp_key *key,
    struct pgp_keyring_ops keys, struct buf *hashed, struct buf *unhashed, struct buf *out, struct error *e)
{
	uint8_t digest[PGP_DIGEST_MAX], hash = hash_of(spec);
	size_t from = out->len;
	int rc;

	put_areas(spec, key, hashed, unhashed);
	if (hashed->err == ERR_NOMEM || unhashed->err == ERR_NOMEM)
		return error_nomem(e);
	if (hashed->err != 0 || unhashed->err != 0 ||
	    (key->version == 4 && (hashed->len > 0xffff || unhashed->len > 0xffff)))
		return error_set(e, ERR_LIMIT, "too many subpackets for one signature");
	if (put_prefix(spec, hash, key, hashed, out) != 0)
		return error_set(e, out->err, "no room for a signature");
	rc = pgp_hash_finish(h, key->version, slice_from(buf_slice(out), from), digest, e);
	if (rc != 0)
		return rc;
	put_area(out, key->version, unhashed);
	(void)buf_put(out, digest, 2);
	if (key->version == 6) {
		(void)buf_put_u8(out, (uint8_t)spec->salt.len);
		(void)buf_put_slice(out, spec->salt);
	}
	rc = keys.ops->sign(keys.ctx, key, hash, slice_of(digest, pgp_hash_size(hash)), out, e);
	/* A signer that appends to out need not say why that failed. */
	return out->err != 0 ? error_set(e, out->err, "no room for a signature") : rc;
}

int
pgp_sig_make(const struct pgp_sig_spec *spec, const struct pgp_hash *h, const struct pgp_key *key,
    struct pgp_keyring_ops keys, struct buf *out, struct error *e)
{
	struct buf hashed BUF_OWNED = { 0 }, unhashed BUF_OWNED = { 0 };
	size_t from = out->len;
	int rc;

	buf_init(&hashed, PGP_SIG_BODY_MAX / 2);
	buf_init(&unhashed, PGP_SIG_BODY_MAX / 2);
	if (key->version != 4 && key->version != 6)
		return error_set(e, ERR_UNSUPPORTED, "keys of version %u do not sign", key->version);
	if (!pgp_hash_is(h, hash_of(spec), spec->type, spec->salt))
		return error_set(e, ERR_ORDER, "the hash was not begun for this signature");
	rc = sign_and_put(spec, h, key, keys, &hashed, &unhashed, out, e);
	if (rc != 0)
		buf_truncate(out, from);
	return rc;
}

int
pgp_sig_make_target(const struct pgp_sig_spec *spec, const struct pgp_sig_target *target, const struct pgp_key *key,
    struct pgp_keyring_ops keys, struct buf *out, struct error *e)
{
	struct pgp_hash *h PGP_HASH_OWNED = NULL;
	struct pgp_sig_spec full = *spec;
	uint8_t salt[PGP_SALT_MAX];
	int rc = 0;

	full.hash = hash_of(spec);
	full.salt = SLICE_EMPTY;
	if (key->version == 6) {
		full.salt = slice_of(salt, pgp_hash_salt_size(full.hash));
		rc = random_bytes(salt, full.salt.len, e);
	}
	if (rc == 0)
		rc = pgp_hash_new(&h, full.hash, full.type, full.salt, e);
	if (rc == 0)
		rc = pgp_hash_target(h, full.type, key->version, target, e);
	return rc != 0 ? rc : pgp_sig_make(&full, h, key, keys, out, e);
}
