/* SPDX-License-Identifier: ISC */
/* The secret part of a key packet: unlocked and written (RFC 9580 sections 3.7.2.1 and 5.5.3). */
#include <string.h>

#include "base/reader.h"
#include "crypto/compare.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "openpgp/algorithm.h"
#include "openpgp/pk.h"
#include "openpgp/s2k.h"

#define USAGE_AEAD 253u
#define USAGE_CFB 254u
#define USAGE_MALLEABLE 255u
#define SHA1_OCTETS 20u

struct protection {
	uint8_t usage, cipher, aead;
	struct pgp_s2k s2k;
	struct slice iv;
	struct slice data; /* encrypted */
};

static uint16_t
checksum(struct slice s)
{
	uint16_t sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum = (uint16_t)(sum + s.data[i]);
	return sum;
}

/* ---- reading ---- */

static int
parse_protection(const struct pgp_key *k, struct protection *p, struct error *e)
{
	struct reader r = reader_of(k->secret_part);
	enum aead_id aead = AEAD_OCB;
	size_t iv = CIPHER_BLOCK;
	int rc;

	p->usage = reader_get_u8(&r);
	if (p->usage < USAGE_AEAD || (p->usage == USAGE_MALLEABLE && k->version == 6))
		return error_set(e, ERR_UNSUPPORTED, "the secret key is protected in an old way that is not read");
	if (k->version == 6)
		(void)reader_get_u8(&r); /* length of the parameters */
	p->cipher = reader_get_u8(&r);
	if (p->usage == USAGE_AEAD)
		p->aead = reader_get_u8(&r);
	if (k->version == 6)
		(void)reader_get_u8(&r); /* length of the S2K specifier */
	rc = pgp_s2k_parse(&r, &p->s2k, e);
	if (rc != 0)
		return rc;
	if (p->s2k.type == PGP_S2K_GNU)
		return error_set(e, ERR_NO_KEY, "the secret of key %016llX is kept elsewhere (a stub)",
		    (unsigned long long)k->key_id);
	if (p->usage == USAGE_AEAD) {
		if (!pgp_aead_of(p->aead, &aead))
			return error_set(e, ERR_UNSUPPORTED, "the secret key's AEAD mode %u is unknown", p->aead);
		iv = aead_nonce_size(aead);
	} else if (p->s2k.type == PGP_S2K_ARGON2)
		return error_set(e, ERR_SYNTAX, "Argon2 must not protect a secret key without AEAD");
	p->iv = reader_get(&r, iv);
	p->data = reader_rest(&r);
	return r.err != 0 ? error_set(e, ERR_TRUNCATED, "the secret key packet is cut short") : 0;
}

/* Section 5.5.3: the passphrase's key goes through HKDF, so that it differs by packet type and algorithm. */
static int
aead_key(const struct pgp_key *k, uint8_t type, uint8_t cipher, uint8_t aead, struct slice from, uint8_t *out,
    size_t len, struct error *e)
{
	const uint8_t info[4] = { (uint8_t)(0xc0 | type), k->version, cipher, aead };

	return kdf_hkdf(HASH_SHA256, from, SLICE_EMPTY, slice_of(info, sizeof info), out, len, e);
}

/* Associated data: the packet type and the public part. */
static int
put_ad(const struct pgp_key *k, uint8_t type, struct buf *out)
{
	(void)buf_put_u8(out, (uint8_t)(0xc0 | type));
	return buf_put_slice(out, k->public_body);
}

static uint8_t
secret_type(const struct pgp_key *k)
{
	return k->subkey ? PGP_SECRET_SUBKEY : PGP_SECRET_KEY;
}

static int
open_aead(const struct pgp_key *k, const struct protection *p, struct slice key, enum cipher_id cipher,
    struct secret *out, struct error *e)
{
	enum aead_id id = AEAD_OCB;
	uint8_t kek[CIPHER_KEY_MAX];
	struct buf ad BUF_OWNED = { 0 };
	struct aead *a = NULL;
	size_t len;
	int rc;

	buf_init(&ad, PGP_KEY_BODY_MAX);
	(void)pgp_aead_of(p->aead, &id);
	if (p->data.len < AEAD_TAG)
		return error_set(e, ERR_TRUNCATED, "the secret key packet is cut short");
	len = p->data.len - AEAD_TAG;
	rc = aead_key(k, secret_type(k), p->cipher, p->aead, key, kek, key.len, e);
	if (rc == 0 && put_ad(k, secret_type(k), &ad) != 0)
		rc = error_nomem(e);
	if (rc == 0)
		rc = secret_new(out, len, e);
	if (rc == 0)
		rc = aead_new(id, cipher, CIPHER_DECRYPT, slice_of(kek, key.len), &a, e);
	if (rc == 0)
		rc = aead_open(a, p->iv, buf_slice(&ad), p->data.data, len, out->data, p->data.data + len, e);
	aead_free(a);
	secret_wipe(kek, sizeof kek);
	return rc == ERR_INTEGRITY ? error_set(e, ERR_PASSWORD, "wrong passphrase, or a changed key") : rc;
}

static int
open_cfb(const struct protection *p, struct slice key, enum cipher_id cipher, struct secret *out, struct error *e)
{
	size_t tail = p->usage == USAGE_CFB ? SHA1_OCTETS : 2;
	uint8_t digest[HASH_SIZE_MAX];
	struct slice text;
	bool good;
	int rc;

	if (p->data.len < tail)
		return error_set(e, ERR_TRUNCATED, "the secret key packet is cut short");
	rc = secret_new(out, p->data.len, e);
	if (rc == 0)
		rc = cipher_cfb_once(cipher, CIPHER_DECRYPT, key, p->iv, p->data, out->data, e);
	if (rc != 0)
		return rc;
	text = slice_sub(secret_slice(out), 0, out->len - tail);
	if (tail == SHA1_OCTETS) {
		rc = hash_once(HASH_SHA1, text, digest, e);
		good = rc == 0 && compare_equal(slice_of(digest, tail), slice_from(secret_slice(out), text.len));
	} else
		good = checksum(text) == (out->data[text.len] << 8 | out->data[text.len + 1]);
	if (rc == 0 && !good)
		rc = error_set(e, ERR_PASSWORD, "wrong passphrase");
	if (rc == 0)
		secret_cut(out, text.len);
	return rc;
}

static int
open_locked(const struct pgp_key *k, struct slice passphrase, struct secret *out, struct error *e)
{
	struct protection p = { 0 };
	struct secret key SECRET_OWNED = SECRET_EMPTY;
	enum cipher_id cipher;
	int rc = parse_protection(k, &p, e);

	if (rc != 0)
		return rc;
	if (!pgp_cipher_of(p.cipher, &cipher))
		return error_set(e, ERR_UNSUPPORTED, "the secret key's cipher %u is not supported", p.cipher);
	rc = pgp_s2k_derive(&p.s2k, passphrase, cipher_key_size(cipher), &key, e);
	if (rc != 0)
		return rc;
	if (p.usage == USAGE_AEAD)
		return open_aead(k, &p, secret_slice(&key), cipher, out, e);
	return open_cfb(&p, secret_slice(&key), cipher, out, e);
}

static int
open_plain(const struct pgp_key *k, struct secret *out, struct error *e)
{
	struct slice text = slice_from(k->secret_part, 1);

	if (k->version != 6) {
		if (text.len < 2)
			return error_set(e, ERR_TRUNCATED, "the secret key packet is cut short");
		text = slice_sub(text, 0, text.len - 2);
		if (checksum(text) != (text.data[text.len] << 8 | text.data[text.len + 1]))
			return error_set(e, ERR_INTEGRITY, "the secret key's checksum is wrong");
	}
	return secret_copy(out, text, e);
}

/* ---- from the wire, and does it belong to the public part? ---- */

/* What came out must be the algorithm's fields and nothing else (section 5.5.3). */
static int
unpack(const struct pgp_pk *pk, const struct pgp_key *k, struct secret *s, struct error *e)
{
	struct slice fields[PGP_PK_FIELDS_MAX];

	if (!pgp_pk_split(&pk->secret_key, secret_slice(s), fields))
		return error_set(e, ERR_SYNTAX, "malformed secret key of %s", pgp_algorithm_name(k->algorithm));
	return pk->unpack == NULL ? 0 : pk->unpack(k, s, e);
}

static int
check_matches(const struct pgp_pk *pk, const struct pgp_key *k, struct slice secret, struct error *e)
{
	int rc = pk->matches(k, secret, e);

	if (rc == 0 || rc == ERR_NOMEM || rc == ERR_UNSUPPORTED)
		return rc;
	return error_set(e, ERR_INTEGRITY, "the secret does not belong to key %016llX: the key was changed",
	    (unsigned long long)k->key_id);
}

int
pgp_key_unlock(const struct pgp_key *k, struct slice passphrase, struct secret *out, struct error *e)
{
	struct secret s SECRET_OWNED = SECRET_EMPTY;
	const struct pgp_pk *pk = pgp_pk_of(k);
	int rc;

	if (!k->secret)
		return error_set(e, ERR_NO_KEY, "this is a public key");
	if (pk == NULL || pk->matches == NULL)
		return pgp_pk_refuse(k, "unlocking a secret key", e);
	rc = k->s2k_usage == 0 ? open_plain(k, &s, e) : open_locked(k, passphrase, &s, e);
	if (rc == 0)
		rc = unpack(pk, k, &s, e);
	if (rc == 0)
		rc = check_matches(pk, k, secret_slice(&s), e);
	if (rc == 0)
		*out = secret_take(&s);
	return rc;
}

/* ---- writing ---- */

static int
put_secret(const struct pgp_key *k, struct slice secret, struct buf *out)
{
	const struct pgp_pk *pk = pgp_pk_of(k);

	return pk != NULL && pk->pack != NULL ? pk->pack(k, secret, out) : buf_put_slice(out, secret);
}

/* Usage, counts, cipher, mode, S2K, IV. */
static int
put_parameters(const struct pgp_key *k, const struct protection *p, struct buf *out)
{
	bool aead = p->usage == USAGE_AEAD, v6 = k->version == 6;
	struct buf s2k BUF_OWNED = { 0 };

	buf_init(&s2k, PGP_S2K_SIZE_MAX);
	(void)pgp_s2k_write(&p->s2k, &s2k);
	(void)buf_put_u8(out, p->usage);
	if (v6)
		(void)buf_put_u8(out, (uint8_t)((aead ? 3u : 2u) + s2k.len + p->iv.len));
	(void)buf_put_u8(out, p->cipher);
	if (aead)
		(void)buf_put_u8(out, p->aead);
	if (v6)
		(void)buf_put_u8(out, (uint8_t)s2k.len);
	(void)buf_put_slice(out, buf_slice(&s2k));
	return buf_put_slice(out, p->iv);
}

static int
seal_aead(const struct pgp_key *k, uint8_t type, const struct protection *p, struct slice key, struct slice text,
    struct buf *out, struct error *e)
{
	uint8_t kek[CIPHER_KEY_MAX];
	struct buf ad BUF_OWNED = { 0 };
	struct aead *a = NULL;
	uint8_t *room = buf_reserve(out, text.len + AEAD_TAG);
	int rc;

	buf_init(&ad, PGP_KEY_BODY_MAX);
	if (room == NULL || put_ad(k, type, &ad) != 0)
		return error_nomem(e);
	rc = aead_key(k, type, p->cipher, p->aead, key, kek, key.len, e);
	if (rc == 0)
		rc = aead_new(AEAD_OCB, CIPHER_AES256, CIPHER_ENCRYPT, slice_of(kek, key.len), &a, e);
	if (rc == 0)
		rc = aead_seal(a, p->iv, buf_slice(&ad), text.data, text.len, room, room + text.len, e);
	if (rc == 0)
		buf_commit(out, text.len + AEAD_TAG);
	aead_free(a);
	secret_wipe(kek, sizeof kek);
	return rc;
}

static int
seal_cfb(const struct protection *p, struct slice key, struct buf *text, struct buf *out, struct error *e)
{
	uint8_t digest[HASH_SIZE_MAX], *room;
	int rc = hash_once(HASH_SHA1, buf_slice(text), digest, e);

	if (rc != 0)
		return rc;
	(void)buf_put(text, digest, SHA1_OCTETS);
	room = buf_reserve(out, text->len);
	if (text->err != 0 || room == NULL)
		return error_nomem(e);
	rc = cipher_cfb_once(CIPHER_AES256, CIPHER_ENCRYPT, key, p->iv, buf_slice(text), room, e);
	if (rc == 0)
		buf_commit(out, text->len);
	return rc;
}

static int
seal(const struct pgp_key *k, uint8_t type, enum pgp_protection how, struct slice passphrase, struct buf *text,
    struct buf *out, struct error *e)
{
	bool aead = how == PGP_PROTECT_AEAD;
	struct protection p = { .usage = aead ? USAGE_AEAD : USAGE_CFB, .cipher = PGP_AES256, .aead = PGP_OCB };
	struct secret key SECRET_OWNED = SECRET_EMPTY;
	uint8_t iv[CIPHER_BLOCK];
	int rc = aead ? pgp_s2k_make_argon2(&p.s2k, e) : pgp_s2k_make_iterated(&p.s2k, e);

	p.iv = slice_of(iv, aead ? aead_nonce_size(AEAD_OCB) : CIPHER_BLOCK);
	if (rc == 0)
		rc = random_bytes(iv, p.iv.len, e);
	if (rc == 0)
		rc = pgp_s2k_derive(&p.s2k, passphrase, cipher_key_size(CIPHER_AES256), &key, e);
	if (rc == 0)
		rc = put_parameters(k, &p, out);
	if (rc != 0)
		return rc;
	if (aead)
		return seal_aead(k, type, &p, secret_slice(&key), buf_slice(text), out, e);
	return seal_cfb(&p, secret_slice(&key), text, out, e);
}

int
pgp_key_write_secret(const struct pgp_key *k, uint8_t type, struct slice secret, enum pgp_protection protection,
    struct slice passphrase, struct buf *out, struct error *e)
{
	struct buf text;
	int rc = 0;

	buf_init(&text, PGP_KEY_BODY_MAX);
	(void)put_secret(k, secret, &text);
	(void)buf_put_slice(out, k->public_body);
	if (protection == PGP_PROTECT_NONE) {
		(void)buf_put_u8(out, 0);
		(void)buf_put_slice(out, buf_slice(&text));
		if (k->version != 6)
			(void)buf_put_u16(out, checksum(buf_slice(&text)));
	} else
		rc = seal(k, type, protection, passphrase, &text, out, e);
	if (rc == 0 && (text.err != 0 || out->err != 0))
		rc = error_set(e, text.err != 0 ? text.err : out->err, "no room for a secret key");
	buf_wipe_done(&text);
	return rc;
}
