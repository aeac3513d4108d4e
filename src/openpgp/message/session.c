/* SPDX-License-Identifier: ISC */
#include "openpgp/message/session.h"

#include <string.h>

#include "base/reader.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "openpgp/key/algorithm.h"
#include "openpgp/frame/packet.h"

void
pgp_session_done(struct pgp_session *s)
{
	secret_done(&s->key);
	s->cipher = 0;
}

int
pgp_session_new(uint8_t cipher, struct pgp_session *out, struct error *e)
{
	size_t len = pgp_cipher_key_size(cipher);
	struct pgp_session s = { .cipher = cipher };
	int rc;

	if (len == 0)
		return error_set(e, ERR_UNSUPPORTED, "there is no cipher %u here", cipher);
	rc = secret_random(&s.key, len, e);
	if (rc == 0)
		*out = s;
	return rc;
}

/* ---- PKESK ---- */

/* Version 6: size, then key version and fingerprint; size 0 hides the recipient (section 5.1.2). */
static bool
parse_recipient(struct reader *r, struct pgp_pkesk *p)
{
	size_t size = reader_get_u8(r);
	struct reader f = reader_of(reader_get(r, size));
	uint8_t version;
	struct slice bytes;

	if (size == 0) {
		p->anonymous = true;
		return true;
	}
	version = reader_get_u8(&f);
	bytes = reader_rest(&f);
	if (bytes.len > PGP_FINGERPRINT_MAX || (version == 4 && bytes.len != 20) || (version == 6 && bytes.len != 32))
		return false;
	p->fingerprint.len = (uint8_t)bytes.len;
	if (bytes.len > 0)
		memcpy(p->fingerprint.bytes, bytes.data, bytes.len);
	return true;
}

int
pgp_pkesk_parse(struct slice body, struct pgp_pkesk *out, struct error *e)
{
	struct reader r = reader_of(body);
	struct pgp_pkesk p = { .version = reader_get_u8(&r) };

	if (p.version == 3) {
		p.key_id = reader_get_u64(&r);
		p.anonymous = p.key_id == 0;
	} else if (p.version != 6) {
		return error_set(
		    e, ERR_UNSUPPORTED, "a public-key encrypted session key of version %u is not known", p.version);
	} else if (!parse_recipient(&r, &p)) {
		return error_set(e, ERR_SYNTAX, "an encrypted session key names its recipient in a way that cannot be");
	}
	p.algorithm = reader_get_u8(&r);
	p.fields = reader_rest(&r);
	if (r.err != 0)
		return error_set(e, ERR_TRUNCATED, "an encrypted session key is cut short");
	*out = p;
	return 0;
}

bool
pgp_pkesk_may_be_for(const struct pgp_pkesk *p, const struct pgp_key *key)
{
	if (p->algorithm != key->algorithm && !(p->algorithm <= PGP_RSA_ENCRYPT && key->algorithm <= PGP_RSA_ENCRYPT))
		return false;
	if (p->anonymous)
		return true;
	return p->version == 3 ? p->key_id == key->key_id : pgp_fingerprint_eq(&p->fingerprint, &key->fingerprint);
}

/* The recipient's field of a packet that was written is put out: eight zeros, or a size of zero. */
int
pgp_pkesk_write_hidden(
    uint8_t version, const struct pgp_key *key, const struct pgp_session *session, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf packet = { 0 }, body = { 0 };
	struct pgp_packet named;
	struct pgp_pkesk p;
	size_t at = 0;
	int rc;

	buf_init(&packet, PGP_ESK_BODY_MAX + PGP_HEADER_MAX);
	buf_init(&body, PGP_ESK_BODY_MAX);
	rc = pgp_pkesk_write(version, key, session, &packet, e);
	if (rc != 0)
		return rc;
	if (pgp_packet_next(buf_slice(&packet), &at, &named, e) != 1 || pgp_pkesk_parse(named.body, &p, e) != 0)
		return error_set(e, ERR_INTERNAL, "an encrypted session key cannot be read back");
	(void)buf_put_u8(&body, version);
	if (version == 3)
		(void)buf_put_u64(&body, 0);
	else
		(void)buf_put_u8(&body, 0);
	(void)buf_put_u8(&body, p.algorithm);
	(void)buf_put_slice(&body, p.fields);
	if (body.err != 0 || pgp_packet_write(out, PGP_PKESK, buf_slice(&body)) != 0)
		return error_set(
		    e, body.err != 0 ? body.err : out->err, "there is no room for an encrypted session key");
	return 0;
}

int
pgp_pkesk_open(const struct pgp_pkesk *p, const struct pgp_key *key, struct pgp_keyring_ops keys,
    struct pgp_session *out, struct error *e)
{
	struct pgp_pkesk_fields fields = { p->version, p->algorithm, p->fields };
	struct pgp_session s = { 0, SECRET_EMPTY };
	int rc = keys.ops->open(keys.ctx, key, &fields, &s.cipher, &s.key, e);

	if (rc == 0)
		*out = s;
	return rc;
}

/* ---- SKESK ---- */

static int
parse_skesk4(struct reader *r, struct pgp_skesk *s, struct error *e)
{
	int rc;

	s->cipher = reader_get_u8(r);
	rc = pgp_s2k_parse(r, &s->s2k, e);
	if (rc == 0)
		s->key = reader_rest(r);
	return rc;
}

static int
parse_skesk6(struct reader *r, struct pgp_skesk *s, struct error *e)
{
	struct reader fields = reader_of(reader_get(r, reader_get_u8(r)));
	struct reader s2k;
	enum aead_id aead;
	int rc;

	s->cipher = reader_get_u8(&fields);
	s->aead = reader_get_u8(&fields);
	s2k = reader_of(reader_get(&fields, reader_get_u8(&fields)));
	if (r->err != 0 || fields.err != 0)
		return error_set(e, ERR_TRUNCATED, "a passphrase packet is cut short");
	if (!pgp_aead_of(s->aead, &aead))
		return error_set(
		    e, ERR_UNSUPPORTED, "a passphrase packet uses AEAD mode %u, which we do not have", s->aead);
	rc = pgp_s2k_parse(&s2k, &s->s2k, e);
	if (rc != 0)
		return rc;
	s->iv = reader_rest(&fields);
	s->key = reader_rest(r);
	if (reader_left(&s2k) != 0 || s->iv.len != aead_nonce_size(aead) || s->key.len < AEAD_TAG)
		return error_set(e, ERR_SYNTAX, "a passphrase packet has fields of wrong lengths");
	return 0;
}

/* LibrePGP: no counts; how long the S2K and the nonce are, they tell themselves. */
static int
parse_skesk5(struct reader *r, struct pgp_skesk *s, struct error *e)
{
	enum aead_id aead = AEAD_OCB;
	int rc;

	s->cipher = reader_get_u8(r);
	s->aead = reader_get_u8(r);
	if (r->err == 0 && (!pgp_aead_of(s->aead, &aead) || s->aead == PGP_GCM))
		return error_set(
		    e, ERR_UNSUPPORTED, "a passphrase packet uses AEAD mode %u, which we do not have", s->aead);
	rc = pgp_s2k_parse(r, &s->s2k, e);
	if (rc != 0)
		return rc;
	s->iv = reader_get(r, aead_nonce_size(aead));
	s->key = reader_rest(r);
	if (r->err != 0 || s->key.len < AEAD_TAG)
		return error_set(e, ERR_TRUNCATED, "a passphrase packet is cut short");
	return 0;
}

int
pgp_skesk_parse(struct slice body, struct pgp_skesk *out, struct error *e)
{
	struct reader r = reader_of(body);
	struct pgp_skesk s = { .version = reader_get_u8(&r) };
	enum cipher_id cipher;
	int rc;

	switch (s.version) {
	case 4:
		rc = parse_skesk4(&r, &s, e);
		break;
	case 5:
		rc = parse_skesk5(&r, &s, e);
		break;
	case 6:
		rc = parse_skesk6(&r, &s, e);
		break;
	default:
		return error_set(e, ERR_UNSUPPORTED, "a passphrase packet of version %u is not known", s.version);
	}
	if (rc != 0)
		return rc;
	rc = pgp_cipher_find(s.cipher, &cipher, e);
	if (rc != 0)
		return rc;
	*out = s;
	return 0;
}

/*
 * The key that wraps in version 6, section 5.3.2: HKDF over the S2K's key; its info is the additional data too. In
 * version 5 the S2K's key wraps itself.
 */
static int
skesk_kek(const struct pgp_skesk *s, struct slice passphrase, uint8_t info[4], struct secret *kek, struct error *e)
{
	SECRET_OWNED struct secret ikm = SECRET_EMPTY;
	size_t len = pgp_cipher_key_size(s->cipher);
	int rc = pgp_s2k_derive(&s->s2k, passphrase, len, &ikm, e);

	info[0] = 0xc0 | PGP_SKESK;
	info[1] = s->version;
	info[2] = s->cipher;
	info[3] = s->aead;
	if (rc == 0 && s->version == 5) {
		*kek = secret_take(&ikm);
		return 0;
	}
	if (rc == 0)
		rc = secret_new(kek, len, e);
	if (rc == 0)
		rc = kdf_hkdf(HASH_SHA256, secret_slice(&ikm), SLICE_EMPTY, slice_of(info, 4), kek->data, len, e);
	return rc;
}

static int
open_sealed(const struct pgp_skesk *s, struct slice passphrase, struct pgp_session *out, struct error *e)
{
	SECRET_OWNED struct secret kek = SECRET_EMPTY, key = SECRET_EMPTY;
	enum cipher_id cipher = CIPHER_AES128;
	enum aead_id mode = AEAD_OCB;
	struct aead *aead;
	uint8_t info[4];
	size_t len = s->key.len - AEAD_TAG;
	int rc = skesk_kek(s, passphrase, info, &kek, e);

	(void)pgp_cipher_of(s->cipher, &cipher);
	(void)pgp_aead_of(s->aead, &mode);
	if (rc == 0)
		rc = secret_new(&key, len, e);
	if (rc == 0)
		rc = aead_new(mode, cipher, CIPHER_DECRYPT, secret_slice(&kek), &aead, e);
	if (rc != 0)
		return rc;
	rc = aead_open(aead, s->iv, slice_of(info, 4), s->key.data, len, key.data, s->key.data + len, e);
	aead_free(aead);
	if (rc == ERR_INTEGRITY)
		return error_set(e, ERR_PASSWORD, "this passphrase does not open the message");
	if (rc == 0)
		*out = (struct pgp_session){ 0, secret_take(&key) };
	return rc;
}

static int
open_skesk4(const struct pgp_skesk *s, struct slice passphrase, struct pgp_session *out, struct error *e)
{
	SECRET_OWNED struct secret kek = SECRET_EMPTY, m = SECRET_EMPTY;
	enum cipher_id cipher = CIPHER_AES128;
	int rc = pgp_s2k_derive(&s->s2k, passphrase, pgp_cipher_key_size(s->cipher), &kek, e);

	(void)pgp_cipher_of(s->cipher, &cipher);
	if (rc != 0)
		return rc;
	if (s->key.len == 0) {
		*out = (struct pgp_session){ s->cipher, secret_take(&kek) };
		return 0;
	}
	rc = secret_new(&m, s->key.len, e);
	if (rc == 0)
		rc = cipher_cfb_once(cipher, CIPHER_DECRYPT, secret_slice(&kek), SLICE_EMPTY, s->key, m.data, e);
	if (rc != 0)
		return rc;
	if (pgp_cipher_key_size(m.data[0]) != m.len - 1)
		return error_set(e, ERR_PASSWORD, "this passphrase does not open the message");
	*out = (struct pgp_session){ m.data[0], SECRET_EMPTY };
	return secret_copy(&out->key, slice_from(secret_slice(&m), 1), e);
}

int
pgp_skesk_open(const struct pgp_skesk *s, struct slice passphrase, struct pgp_session *out, struct error *e)
{
	return s->version == 4 ? open_skesk4(s, passphrase, out, e) : open_sealed(s, passphrase, out, e);
}

static int
write_skesk4(struct slice passphrase, const struct pgp_session *session, struct buf *body, struct error *e)
{
	SECRET_OWNED struct secret kek = SECRET_EMPTY, m = SECRET_EMPTY;
	enum cipher_id cipher = CIPHER_AES128;
	struct pgp_s2k s2k;
	int rc = pgp_s2k_make_iterated(&s2k, e);

	(void)pgp_cipher_of(session->cipher, &cipher);
	if (rc == 0)
		rc = pgp_s2k_derive(&s2k, passphrase, session->key.len, &kek, e);
	if (rc == 0)
		rc = secret_new(&m, session->key.len + 1, e);
	if (rc != 0)
		return rc;
	m.data[0] = session->cipher;
	memcpy(m.data + 1, session->key.data, session->key.len);
	rc = cipher_cfb_once(cipher, CIPHER_ENCRYPT, secret_slice(&kek), SLICE_EMPTY, secret_slice(&m), m.data, e);
	if (rc != 0)
		return rc;
	(void)buf_put_u8(body, 4);
	(void)buf_put_u8(body, session->cipher);
	(void)pgp_s2k_write(&s2k, body);
	return buf_put_slice(body, secret_slice(&m));
}

static int
write_skesk6(struct slice passphrase, const struct pgp_session *session, struct buf *body, struct error *e)
{
	struct pgp_skesk s = { .version = 6, .cipher = session->cipher, .aead = PGP_OCB };
	SECRET_OWNED struct secret kek = SECRET_EMPTY;
	uint8_t info[4], nonce[AEAD_NONCE_MAX], sealed[CIPHER_KEY_MAX], tag[AEAD_TAG];
	size_t nonce_size = aead_nonce_size(AEAD_OCB);
	enum cipher_id cipher = CIPHER_AES128;
	struct aead *aead;
	int rc = pgp_s2k_make_argon2(&s.s2k, e);

	(void)pgp_cipher_of(session->cipher, &cipher);
	if (rc == 0)
		rc = random_bytes(nonce, nonce_size, e);
	if (rc == 0)
		rc = skesk_kek(&s, passphrase, info, &kek, e);
	if (rc == 0)
		rc = aead_new(AEAD_OCB, cipher, CIPHER_ENCRYPT, secret_slice(&kek), &aead, e);
	if (rc != 0)
		return rc;
	rc = aead_seal(
	    aead, slice_of(nonce, nonce_size), slice_of(info, 4), session->key.data, session->key.len, sealed, tag, e);
	aead_free(aead);
	if (rc != 0)
		return rc;
	(void)buf_put_u8(body, 6);
	(void)buf_put_u8(body, (uint8_t)(3 + PGP_S2K_SIZE_MAX + nonce_size));
	(void)buf_put_u8(body, s.cipher);
	(void)buf_put_u8(body, s.aead);
	(void)buf_put_u8(body, PGP_S2K_SIZE_MAX);
	(void)pgp_s2k_write(&s.s2k, body);
	(void)buf_put(body, nonce, nonce_size);
	(void)buf_put(body, sealed, session->key.len);
	return buf_put(body, tag, sizeof tag);
}

int
pgp_skesk_write(
    uint8_t version, struct slice passphrase, const struct pgp_session *session, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf body = { 0 };
	int rc;

	buf_init(&body, 256);
	if (pgp_cipher_key_size(session->cipher) != session->key.len)
		return error_set(e, ERR_USAGE, "the session key does not fit its cipher");
	rc = version == 4 ? write_skesk4(passphrase, session, &body, e) : write_skesk6(passphrase, session, &body, e);
	if (rc == 0 && (body.err != 0 || pgp_packet_write(out, PGP_SKESK, buf_slice(&body)) != 0))
		rc = error_set(e, ERR_NOMEM, "there is no room for a passphrase packet");
	return rc;
}
