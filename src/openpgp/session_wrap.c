/* SPDX-License-Identifier: ISC */
/* Session keys wrapped for public keys: X25519 (section 5.1.6), ECDH (11.5), RSA (5.1.3). */
#include <string.h>

#include "crypto/agree.h"
#include "crypto/compare.h"
#include "crypto/kdf.h"
#include "crypto/keywrap.h"
#include "crypto/random.h"
#include "crypto/rsa.h"
#include "openpgp/algorithm.h"
#include "openpgp/mpi.h"
#include "openpgp/packet.h"
#include "openpgp/session.h"

#define POINT 32u /* octets of a Curve25519 point */
#define BODY_MAX (64u + RSA_OCTETS_MAX)

static uint16_t
checksum(struct slice key)
{
	unsigned sum = 0;

	for (size_t i = 0; i < key.len; i++)
		sum += key.data[i];
	return (uint16_t)sum;
}

int
pgp_session_split(uint8_t version, struct slice m, uint8_t *cipher_out, struct secret *key_out, struct error *e)
{
	struct reader r = reader_of(m);
	uint8_t cipher = version == 3 ? reader_get_u8(&r) : 0;
	size_t len = reader_left(&r) < 2 ? 0 : reader_left(&r) - 2;
	struct slice key = reader_get(&r, len);
	uint16_t sum = reader_get_u16(&r);

	if (r.err != 0 || sum != checksum(key) || (version == 3 && pgp_cipher_key_size(cipher) != len) ||
	    (version != 3 && len != 16 && len != 24 && len != 32))
		return error_set(e, ERR_INTEGRITY, "the encrypted session key is not for this key");
	*cipher_out = cipher;
	return secret_copy(key_out, key, e);
}

/* The inverse: [cipher] key checksum. */
static int
join(uint8_t version, const struct pgp_session *s, size_t room, struct secret *out, struct error *e)
{
	size_t head = version == 3, len = head + s->key.len + 2;
	uint16_t sum = checksum(secret_slice(&s->key));
	int rc = secret_new(out, len > room ? len : room, e);

	if (rc != 0)
		return rc;
	if (head == 1)
		out->data[0] = s->cipher;
	memcpy(out->data + head, s->key.data, s->key.len);
	out->data[len - 2] = (uint8_t)(sum >> 8);
	out->data[len - 1] = (uint8_t)sum;
	for (size_t i = len; i < out->len; i++) /* PKCS#5 padding to the room */
		out->data[i] = (uint8_t)(out->len - len);
	return 0;
}

/* ---- X25519 ---- */

static int
x25519_kek(
    struct slice ephemeral, struct slice recipient, const struct secret *shared, uint8_t kek[16], struct error *e)
{
	uint8_t ikm[3 * POINT];
	int rc;

	memcpy(ikm, ephemeral.data, POINT);
	memcpy(ikm + POINT, recipient.data, POINT);
	memcpy(ikm + 2 * POINT, shared->data, POINT);
	rc = kdf_hkdf(HASH_SHA256, slice_of(ikm, sizeof ikm), SLICE_EMPTY, SLICE("OpenPGP X25519"), kek, 16, e);
	secret_wipe(ikm, sizeof ikm);
	return rc;
}

static int
write_x25519(uint8_t version, const struct pgp_key *key, const struct pgp_session *s, struct buf *body, struct error *e)
{
	SECRET_OWNED struct secret secret = SECRET_EMPTY, shared = SECRET_EMPTY;
	uint8_t ephemeral[POINT], kek[16];
	int rc = agree_generate(AGREE_X25519, &secret, ephemeral, e);

	if (rc == 0)
		rc = agree_derive(AGREE_X25519, secret_slice(&secret), pgp_key_native(key), &shared, e);
	if (rc == 0)
		rc = x25519_kek(slice_of(ephemeral, POINT), pgp_key_native(key), &shared, kek, e);
	if (rc != 0)
		return rc;
	(void)buf_put(body, ephemeral, POINT);
	(void)buf_put_u8(body, (uint8_t)((version == 3) + s->key.len + KEYWRAP_EXTRA));
	if (version == 3)
		(void)buf_put_u8(body, s->cipher);
	rc = keywrap_wrap(slice_of(kek, sizeof kek), secret_slice(&s->key), body, e);
	secret_wipe(kek, sizeof kek);
	return rc;
}

int
pgp_session_open_x25519(const struct pgp_pkesk_fields *pkesk, struct slice public_key, struct slice scalar,
    uint8_t *cipher_out, struct secret *key_out, struct error *e)
{
	SECRET_OWNED struct secret shared = SECRET_EMPTY;
	struct reader r = reader_of(pkesk->fields);
	struct slice ephemeral = reader_get(&r, POINT);
	struct reader rest = reader_of(reader_get(&r, reader_get_u8(&r)));
	uint8_t kek[16], cipher = pkesk->version == 3 ? reader_get_u8(&rest) : 0;
	struct slice wrapped = reader_rest(&rest);
	int rc;

	if (r.err != 0 || rest.err != 0 || reader_left(&r) != 0 || public_key.len != POINT)
		return error_set(e, ERR_SYNTAX, "an encrypted session key for X25519 is malformed");
	if (pkesk->version == 3 && pgp_cipher_key_size(cipher) + KEYWRAP_EXTRA != wrapped.len)
		return error_set(e, ERR_SYNTAX, "an encrypted session key does not fit its cipher %u", cipher);
	rc = agree_derive(AGREE_X25519, scalar, ephemeral, &shared, e);
	if (rc == 0)
		rc = x25519_kek(ephemeral, public_key, &shared, kek, e);
	if (rc == 0)
		rc = keywrap_unwrap(slice_of(kek, sizeof kek), wrapped, key_out, e);
	secret_wipe(kek, sizeof kek);
	if (rc == 0)
		*cipher_out = cipher;
	return rc;
}

/* ---- ECDH over Curve25519Legacy ---- */

static int
ecdh_kek(const struct pgp_key *key, const struct secret *shared, uint8_t *kek, size_t *kek_len, struct error *e)
{
	BUF_OWNED struct buf in = { 0 };
	uint8_t digest[HASH_SIZE_MAX];
	enum hash_id hash;
	int rc;

	*kek_len = pgp_cipher_key_size(key->kdf_cipher);
	if (!pgp_hash_of(key->kdf_hash, &hash) || *kek_len == 0 || hash_size(hash) < *kek_len || hash == HASH_SHA1)
		return error_set(e, ERR_UNSUPPORTED, "the key asks for a key derivation (%u, %u) that we do not have",
		    key->kdf_hash, key->kdf_cipher);
	buf_init(&in, 256);
	(void)buf_put_u32(&in, 1);
	(void)buf_put(&in, shared->data, shared->len);
	(void)buf_put_u8(&in, (uint8_t)key->oid.len);
	(void)buf_put_slice(&in, key->oid);
	(void)buf_put_u8(&in, PGP_ECDH);
	(void)buf_put_slice(&in, key->kdf);
	(void)buf_put_str(&in, "Anonymous Sender    ");
	(void)buf_put(&in, key->fingerprint.bytes, key->fingerprint.len);
	if (in.err != 0)
		return error_set(e, in.err, "there is no room for a key derivation");
	rc = hash_once(hash, buf_slice(&in), digest, e);
	if (rc == 0)
		memcpy(kek, digest, *kek_len);
	secret_wipe(digest, sizeof digest);
	secret_wipe(in.data, in.len);
	return rc;
}

static int
write_ecdh(uint8_t version, const struct pgp_key *key, const struct pgp_session *s, struct buf *body, struct error *e)
{
	SECRET_OWNED struct secret secret = SECRET_EMPTY, shared = SECRET_EMPTY, m = SECRET_EMPTY;
	uint8_t point[1 + POINT] = { 0x40 }, kek[CIPHER_KEY_MAX];
	size_t kek_len;
	int rc = agree_generate(AGREE_X25519, &secret, point + 1, e);

	if (rc == 0)
		rc = agree_derive(AGREE_X25519, secret_slice(&secret), pgp_key_native(key), &shared, e);
	if (rc == 0)
		rc = ecdh_kek(key, &shared, kek, &kek_len, e);
	if (rc == 0)
		rc = join(version, s, 40, &m, e); /* always 40 octets: hides the cipher, as section 11.5 permits */
	if (rc != 0)
		return rc;
	(void)pgp_mpi_write(body, slice_of(point, sizeof point));
	(void)buf_put_u8(body, (uint8_t)(m.len + KEYWRAP_EXTRA));
	rc = keywrap_wrap(slice_of(kek, kek_len), secret_slice(&m), body, e);
	secret_wipe(kek, sizeof kek);
	return rc;
}

/* PKCS#5 as OpenPGP uses it: up to the whole length, since the padding may hide the size. The key wrap has proved it. */
static bool
unpad(struct secret *m)
{
	uint8_t n = m->data[m->len - 1];

	if (n == 0 || n >= m->len)
		return false;
	for (size_t i = m->len - n; i < m->len; i++) {
		if (m->data[i] != n)
			return false;
	}
	secret_cut(m, m->len - n);
	return true;
}

int
pgp_session_open_ecdh(const struct pgp_pkesk_fields *pkesk, const struct pgp_key *key, struct slice scalar,
    uint8_t *cipher_out, struct secret *key_out, struct error *e)
{
	SECRET_OWNED struct secret shared = SECRET_EMPTY, m = SECRET_EMPTY;
	struct reader r = reader_of(pkesk->fields);
	struct slice point = pgp_mpi_take(&r);
	struct slice wrapped = reader_get(&r, reader_get_u8(&r));
	uint8_t kek[CIPHER_KEY_MAX];
	size_t kek_len;
	int rc;

	if (r.err != 0 || reader_left(&r) != 0 || point.len != 1 + POINT || point.data[0] != 0x40)
		return error_set(e, ERR_SYNTAX, "an encrypted session key for ECDH is malformed");
	rc = agree_derive(AGREE_X25519, scalar, slice_from(point, 1), &shared, e);
	if (rc == 0)
		rc = ecdh_kek(key, &shared, kek, &kek_len, e);
	if (rc == 0)
		rc = keywrap_unwrap(slice_of(kek, kek_len), wrapped, &m, e);
	secret_wipe(kek, sizeof kek);
	if (rc != 0)
		return rc;
	if (!unpad(&m))
		return error_set(e, ERR_INTEGRITY, "the encrypted session key is not for this key");
	return pgp_session_split(pkesk->version, secret_slice(&m), cipher_out, key_out, e);
}

/* ---- RSA ---- */

static int
write_rsa(uint8_t version, const struct pgp_key *key, const struct pgp_session *s, struct buf *body, struct error *e)
{
	struct rsa_public public_key = { key->public[0], key -> public[1] };
	SECRET_OWNED struct secret m = SECRET_EMPTY;
	BUF_OWNED struct buf text = { 0 };
	int rc = join(version, s, 0, &m, e);

	buf_init(&text, RSA_OCTETS_MAX);
	if (rc == 0)
		rc = rsa_encrypt(&public_key, secret_slice(&m), &text, e);
	if (rc == 0)
		(void)pgp_mpi_write(body, buf_slice(&text));
	return rc;
}

static const struct writer_row {
	uint8_t algorithm;
	int (*write)(
	    uint8_t version, const struct pgp_key *key, const struct pgp_session *s, struct buf *body, struct error *e);
} writers[] = {
	{ PGP_X25519, write_x25519 },
	{ PGP_ECDH, write_ecdh },
	{ PGP_RSA, write_rsa },
	{ PGP_RSA_ENCRYPT, write_rsa },
};

static void
put_recipient(uint8_t version, const struct pgp_key *key, struct buf *body)
{
	(void)buf_put_u8(body, version);
	if (version == 3) {
		(void)buf_put_u64(body, key->key_id);
	} else {
		(void)buf_put_u8(body, (uint8_t)(1 + key->fingerprint.len));
		(void)buf_put_u8(body, key->version);
		(void)buf_put(body, key->fingerprint.bytes, key->fingerprint.len);
	}
	(void)buf_put_u8(body, key->algorithm);
}

int
pgp_pkesk_write(
    uint8_t version, const struct pgp_key *key, const struct pgp_session *session, struct buf *out, struct error *e)
{
	const struct writer_row *row = NULL;
	BUF_OWNED struct buf body = { 0 };
	int rc;

	for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
		if (writers[i].algorithm == key->algorithm)
			row = &writers[i];
	}
	if (row == NULL || !pgp_key_can_encrypt(key) || pgp_cipher_key_size(session->cipher) != session->key.len ||
	    (key->algorithm == PGP_ECDH && key->curve != PGP_CURVE_25519_LEGACY))
		return error_set(e, ERR_UNSUPPORTED, "this key's algorithm cannot be encrypted to here");
	buf_init(&body, BODY_MAX);
	put_recipient(version, key, &body);
	rc = row->write(version, key, session, &body, e);
	if (rc == 0 && (body.err != 0 || pgp_packet_write(out, PGP_PKESK, buf_slice(&body)) != 0))
		rc = error_set(e, body.err != 0 ? body.err : out->err, "there is no room for an encrypted session key");
	return rc;
}
