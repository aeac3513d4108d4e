/* SPDX-License-Identifier: ISC */
/* The secret part of a key packet, written: in the clear, or protected as section 5.5.3 says. */
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "openpgp/key/key_secret.h"
#include "openpgp/key/pk.h"

#define SECRET_MORE 64u /* a number's length and what is put behind the numbers */

static int
put_secret(const struct pgp_key *k, struct slice secret, struct buf *out)
{
	const struct pgp_pk *pk = pgp_pk_of(k);

	return pk != NULL && pk->pack != NULL ? pk->pack(k, secret, out) : buf_put_slice(out, secret);
}

/* Usage, counts, cipher, mode, S2K, IV. */
static int
put_parameters(const struct pgp_key *k, const struct key_protection *p, struct buf *out)
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
seal_aead(const struct pgp_key *k, uint8_t type, const struct key_protection *p, struct slice key, struct slice text,
    struct buf *out, struct error *e)
{
	uint8_t kek[CIPHER_KEY_MAX];
	struct buf ad BUF_OWNED = { 0 };
	struct aead *a = NULL;
	uint8_t *room = buf_reserve(out, text.len + AEAD_TAG);
	int rc;

	buf_init(&ad, PGP_KEY_BODY_MAX);
	if (room == NULL || key_put_ad(k, type, &ad) != 0)
		return error_nomem(e);
	rc = key_aead_kek(k, type, p, key, kek, key.len, e);
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
seal_cfb(const struct key_protection *p, struct slice key, struct buf *text, struct buf *out, struct error *e)
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
	struct key_protection p = { .usage = aead ? USAGE_AEAD : USAGE_CFB, .cipher = PGP_AES256, .aead = PGP_OCB };
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

	if (k->version != 4 && k->version != 6)
		return error_set(e, ERR_UNSUPPORTED, "a secret key of version %u is not written", k->version);
	buf_init(&text, PGP_KEY_BODY_MAX);
	(void)buf_reserve(&text, secret.len + SECRET_MORE); /* growing would leave copies behind */
	(void)put_secret(k, secret, &text);
	(void)buf_put_slice(out, k->public_body);
	if (protection == PGP_PROTECT_NONE) {
		(void)buf_put_u8(out, 0);
		(void)buf_put_slice(out, buf_slice(&text));
		if (k->version != 6)
			(void)buf_put_u16(out, key_checksum(buf_slice(&text)));
	} else
		rc = seal(k, type, protection, passphrase, &text, out, e);
	if (rc == 0 && (text.err != 0 || out->err != 0))
		rc = error_set(e, text.err != 0 ? text.err : out->err, "no room for a secret key");
	buf_wipe_done(&text);
	return rc;
}
