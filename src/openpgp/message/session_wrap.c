/* SPDX-License-Identifier: ISC */
/* Session keys wrapped for public keys: the packet, and what the algorithms (pk.h) share of its contents. */
#include <string.h>

#include "crypto/keywrap.h"
#include "crypto/rsa.h"
#include "openpgp/key/algorithm.h"
#include "openpgp/frame/packet.h"
#include "openpgp/key/pk_internal.h"
#include "openpgp/message/session.h"

#define BODY_MAX (256u + RSA_OCTETS_MAX) /* RSA has the longest values; ML-KEM-1024 with X448 some 1700 octets */

static uint16_t
checksum(struct slice key)
{
	unsigned sum = 0;

	for (size_t i = 0; i < key.len; i++)
		sum += key.data[i];
	return (uint16_t)sum;
}

/* Of IDEA and Twofish too, which nothing here decrypts: so that the message is refused by its cipher's name. */
static size_t
key_size(uint8_t cipher)
{
	if (cipher == PGP_IDEA)
		return 16;
	return cipher == PGP_TWOFISH ? 32 : pgp_cipher_key_size(cipher);
}

int
pgp_session_split(uint8_t version, struct slice m, uint8_t *cipher_out, struct secret *key_out, struct error *e)
{
	struct reader r = reader_of(m);
	uint8_t cipher = version == 3 ? reader_get_u8(&r) : 0;
	size_t len = reader_left(&r) < 2 ? 0 : reader_left(&r) - 2;
	struct slice key = reader_get(&r, len);
	uint16_t sum = reader_get_u16(&r);

	if (r.err != 0 || sum != checksum(key) || (version == 3 && key_size(cipher) != len) ||
	    (version != 3 && len != 16 && len != 24 && len != 32))
		return error_set(e, ERR_INTEGRITY, "the encrypted session key is not for this key");
	*cipher_out = cipher;
	return secret_copy(key_out, key, e);
}

void
pgp_session_lengths(uint8_t version, size_t lengths[PGP_SESSION_LENGTHS])
{
	size_t head = version == 3 ? 3 : 2; /* cipher, checksum */

	for (size_t i = 0; i < PGP_SESSION_LENGTHS; i++)
		lengths[i] = 16 + 8 * i + head;
}

int
pgp_session_split_blind(
    uint8_t version, const struct secret *m, uint8_t *cipher_out, struct secret *key_out, struct error *e)
{
	int rc = pgp_session_split(version, secret_slice(m), cipher_out, key_out, e);

	if (rc != ERR_INTEGRITY)
		return rc;
	*cipher_out = version == 3 ? PGP_AES256 : 0;
	return secret_random(key_out, 32, e);
}

int
pgp_session_join(uint8_t version, const struct pgp_session *s, size_t room, struct secret *out, struct error *e)
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
	for (size_t i = len; i < out->len; i++)
		out->data[i] = (uint8_t)(out->len - len);
	return 0;
}

static bool
is_aes(uint8_t cipher)
{
	return cipher >= PGP_AES128 && cipher <= PGP_AES256;
}

int
pgp_session_wrap_clear(
    uint8_t version, const struct pgp_session *session, struct slice kek, struct buf *out, struct error *e)
{
	if (version == 3 && !is_aes(session->cipher))
		return error_set(e, ERR_UNSUPPORTED, "a key of this kind takes messages in AES only, not in %s",
		    pgp_cipher_name(session->cipher));
	(void)buf_put_u8(out, (uint8_t)((version == 3) + session->key.len + KEYWRAP_EXTRA));
	if (version == 3)
		(void)buf_put_u8(out, session->cipher);
	return keywrap_wrap(kek, secret_slice(&session->key), out, e);
}

int
pgp_session_unwrap_clear(uint8_t version, struct slice counted, struct slice kek, uint8_t *cipher_out,
    struct secret *key_out, struct error *e)
{
	struct reader r = reader_of(counted);
	uint8_t cipher = version == 3 ? reader_get_u8(&r) : 0;
	struct slice wrapped = reader_rest(&r);
	int rc;

	if (version == 3 && (!is_aes(cipher) || pgp_cipher_key_size(cipher) + KEYWRAP_EXTRA != wrapped.len))
		return error_set(e, ERR_SYNTAX, "an encrypted session key does not fit its cipher %u", cipher);
	rc = keywrap_unwrap(kek, wrapped, key_out, e);
	if (rc == 0)
		*cipher_out = cipher;
	return rc;
}

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
	const struct pgp_pk *pk = pgp_pk_of(key);
	BUF_OWNED struct buf body = { 0 };
	int rc;

	if (pk == NULL || !pgp_key_can_encrypt(key))
		return pgp_pk_refuse(key, "encryption to a key", e);
	if (session->key.len == 0 || pgp_cipher_key_size(session->cipher) != session->key.len)
		return error_set(e, ERR_UNSUPPORTED, "a session key of %zu octets does not fit the cipher %s",
		    session->key.len, pgp_cipher_name(session->cipher));
	buf_init(&body, BODY_MAX);
	put_recipient(version, key, &body);
	rc = pk->wrap(version, key, session, &body, e);
	if (rc == 0 && (body.err != 0 || pgp_packet_write(out, PGP_PKESK, buf_slice(&body)) != 0))
		rc = error_set(e, body.err != 0 ? body.err : out->err, "there is no room for an encrypted session key");
	return rc;
}
