/* SPDX-License-Identifier: ISC */
#include "openpgp/encrypt.h"

#include <string.h>

#include "base/mem.h"
#include "openpgp/armor.h"

#define PART_MIN 512u /* the first part of partial length has at least so many octets */
#define PART_CODE_MAX 30u
#define LITERAL_HEAD 6u         /* format, no file name, no date */
#define PACKETS_MAX (64u << 20) /* octets of session key packets, of signatures */

struct pgp_encryptor {
	struct pgp_encrypt_spec spec;
	struct pgp_session session;
	struct pgp_sink out; /* what the message goes to: armor or the caller's sink */
	struct pgp_armor_writer armor;
	bool armored; /* the armor writer is in use */
	struct pgp_seipd_writer *seipd;
	uint64_t fed;
	bool partial;            /* the literal packet is in parts */
	bool begun;              /* its first part went out */
	uint8_t small[PART_MIN]; /* octets of the literal body that wait for a part */
	size_t small_len;
};

/* Octets of the inner message: into the container, or out. */
static int
put(struct pgp_encryptor *enc, struct slice s, struct error *e)
{
	if (s.len == 0)
		return 0;
	return enc->seipd != NULL ? pgp_seipd_writer_put(enc->seipd, s, e) : pgp_sink_write(enc->out, s, e);
}

static int
put_buf(struct pgp_encryptor *enc, struct buf *b, struct error *e)
{
	int rc = b->err != 0 ? error_set(e, b->err, "there is no room for the message's packets")
			     : put(enc, buf_slice(b), e);

	buf_done(b);
	return rc;
}

static int
write_session_keys(struct pgp_encryptor *enc, struct error *e)
{
	const struct pgp_encrypt_spec *spec = &enc->spec;
	bool two = spec->container == PGP_CONTAINER_SEIPD2;
	struct buf packets;
	int rc = 0;

	buf_init(&packets, PACKETS_MAX);
	for (size_t i = 0; rc == 0 && i < spec->recipient_count; i++)
		rc = pgp_pkesk_write(two ? 6 : 3, spec->recipients[i], &enc->session, &packets, e);
	for (size_t i = 0; rc == 0 && i < spec->passphrase_count; i++)
		rc = pgp_skesk_write(two ? 6 : 4, spec->passphrases[i], &enc->session, &packets, e);
	if (rc != 0) {
		buf_done(&packets);
		return rc;
	}
	return put_buf(enc, &packets, e);
}

static int
write_literal_head(struct pgp_encryptor *enc, struct error *e)
{
	uint8_t head[PGP_HEADER_MAX + LITERAL_HEAD] = { 0 };
	size_t n = 0;

	enc->partial = enc->spec.length > UINT32_MAX - LITERAL_HEAD;
	if (enc->partial) {
		enc->small[0] = enc->spec.text ? 'u' : 'b';
		memset(enc->small + 1, 0, LITERAL_HEAD - 1);
		enc->small_len = LITERAL_HEAD;
		return 0;
	}
	n = pgp_header_put(head, PGP_LITERAL, (uint32_t)(enc->spec.length + LITERAL_HEAD));
	head[n] = enc->spec.text ? 'u' : 'b';
	return put(enc, slice_of(head, n + LITERAL_HEAD), e);
}

static int
begin(struct pgp_encryptor *enc, struct error *e)
{
	const struct pgp_encrypt_spec *spec = &enc->spec;
	bool two = spec->container == PGP_CONTAINER_SEIPD2;
	struct buf packets;
	int rc = 0;

	if (spec->armor) {
		/* Whatever may hold a version 6 signature or SEIPDv2 goes without checksum (section 6.1). */
		rc = pgp_armor_writer_init(
		    &enc->armor, PGP_ARMOR_MESSAGE, spec->container == PGP_CONTAINER_SEIPD1, enc->out, e);
		enc->armored = true;
		enc->out = pgp_armor_writer_sink(&enc->armor);
	}
	if (rc == 0 && spec->container != PGP_CONTAINER_NONE) {
		rc = pgp_session_new(spec->cipher, &enc->session, e);
		if (rc == 0)
			rc = write_session_keys(enc, e);
		if (rc == 0)
			rc = pgp_seipd_writer_new(&enc->session, two ? spec->aead : 0, spec->chunk_code, spec->hasher,
			    enc->out, &enc->seipd, e);
	}
	if (rc == 0 && spec->maker != NULL) {
		buf_init(&packets, PACKETS_MAX);
		rc = pgp_maker_one_pass(spec->maker, &packets, e);
		if (rc == 0)
			rc = put_buf(enc, &packets, e);
		buf_done(&packets);
	}
	return rc == 0 ? write_literal_head(enc, e) : rc;
}

int
pgp_encryptor_new(
    const struct pgp_encrypt_spec *spec, struct pgp_sink out, struct pgp_encryptor **enc_out, struct error *e)
{
	struct pgp_encryptor *enc;
	int rc;

	if (spec->container != PGP_CONTAINER_NONE && spec->recipient_count + spec->passphrase_count == 0)
		return error_set(e, ERR_USAGE, "nobody could read the message: give a certificate or a passphrase");
	enc = mem_alloc(sizeof *enc);
	if (enc == NULL)
		return error_nomem(e);
	enc->spec = *spec;
	enc->spec.cipher = spec->cipher == 0 ? (uint8_t)PGP_AES256 : spec->cipher;
	enc->spec.aead = spec->aead == 0 ? (uint8_t)PGP_OCB : spec->aead;
	enc->spec.chunk_code = spec->chunk_code == 0 ? (uint8_t)PGP_CHUNK_CODE : spec->chunk_code;
	enc->out = out;
	rc = begin(enc, e);
	if (rc != 0) {
		pgp_encryptor_free(enc);
		return rc;
	}
	*enc_out = enc;
	return 0;
}

/* ---- the literal body in parts of partial length ---- */

static int
put_part(struct pgp_encryptor *enc, struct slice s, unsigned code, struct error *e)
{
	uint8_t head[2] = { 0xc0 | PGP_LITERAL, (uint8_t)(224 | code) };
	int rc = put(enc, enc->begun ? slice_of(head + 1, 1) : slice_of(head, 2), e);

	enc->begun = true;
	return rc == 0 ? put(enc, s, e) : rc;
}

/* All whole parts of the largest powers of two; less than PART_MIN octets stay in small. */
static int
feed_parts(struct pgp_encryptor *enc, struct slice data, struct error *e)
{
	int rc = 0;

	if (enc->small_len > 0) {
		size_t n = size_min(data.len, PART_MIN - enc->small_len);

		memcpy(enc->small + enc->small_len, data.data, n);
		enc->small_len += n;
		data = slice_from(data, n);
		if (enc->small_len < PART_MIN)
			return 0;
		enc->small_len = 0;
		rc = put_part(enc, slice_of(enc->small, PART_MIN), 9, e);
	}
	while (rc == 0 && data.len >= PART_MIN) {
		unsigned code = PART_CODE_MAX;

		while ((size_t)1 << code > data.len)
			code--;
		rc = put_part(enc, slice_sub(data, 0, (size_t)1 << code), code, e);
		data = slice_from(data, (size_t)1 << code);
	}
	if (rc == 0 && data.len > 0) {
		memcpy(enc->small, data.data, data.len);
		enc->small_len = data.len;
	}
	return rc;
}

static int
end_parts(struct pgp_encryptor *enc, struct error *e)
{
	uint8_t head[PGP_HEADER_MAX];
	size_t n = enc->begun ? pgp_length_put(head, (uint32_t)enc->small_len)
			      : pgp_header_put(head, PGP_LITERAL, (uint32_t)enc->small_len);
	int rc = put(enc, slice_of(head, n), e);

	return rc == 0 ? put(enc, slice_of(enc->small, enc->small_len), e) : rc;
}

/* ---- */

int
pgp_encryptor_feed(struct pgp_encryptor *enc, struct slice data, struct error *e)
{
	int rc = 0;

	if (data.len == 0)
		return 0;
	if (data.len > enc->spec.length - enc->fed)
		return error_set(e, ERR_USAGE, "there is more data than was announced");
	enc->fed += data.len;
	if (enc->spec.maker != NULL)
		rc = pgp_maker_feed(enc->spec.maker, data, e);
	if (rc != 0)
		return rc;
	return enc->partial ? feed_parts(enc, data, e) : put(enc, data, e);
}

int
pgp_encryptor_finish(struct pgp_encryptor *enc, struct error *e)
{
	struct buf packets;
	int rc = 0;

	if (enc->spec.length != PGP_LENGTH_UNKNOWN && enc->fed != enc->spec.length)
		return error_set(e, ERR_USAGE, "there is less data than was announced");
	if (enc->partial)
		rc = end_parts(enc, e);
	if (rc == 0 && enc->spec.maker != NULL) {
		buf_init(&packets, PACKETS_MAX);
		rc = pgp_maker_finish(enc->spec.maker, true, &packets, e);
		if (rc == 0)
			rc = put_buf(enc, &packets, e);
		buf_done(&packets);
	}
	if (rc == 0 && enc->seipd != NULL)
		rc = pgp_seipd_writer_end(enc->seipd, e);
	if (rc == 0 && enc->armored)
		rc = pgp_armor_writer_end(&enc->armor, e);
	return rc;
}

void
pgp_encryptor_free(struct pgp_encryptor *enc)
{
	if (enc == NULL)
		return;
	pgp_seipd_writer_free(enc->seipd);
	if (enc->armored)
		pgp_armor_writer_done(&enc->armor);
	pgp_session_done(&enc->session);
	secret_wipe(enc->small, sizeof enc->small);
	mem_free(enc);
}

const struct pgp_session *
pgp_encryptor_session(const struct pgp_encryptor *enc)
{
	return &enc->session;
}

int
pgp_encrypt(const struct pgp_encrypt_spec *spec, struct slice data, struct buf *out, struct error *e)
{
	struct pgp_encrypt_spec known = *spec;
	struct pgp_encryptor *enc;
	int rc;

	known.length = data.len;
	rc = pgp_encryptor_new(&known, pgp_sink_buf(out), &enc, e);
	if (rc != 0)
		return rc;
	rc = pgp_encryptor_feed(enc, data, e);
	if (rc == 0)
		rc = pgp_encryptor_finish(enc, e);
	pgp_encryptor_free(enc);
	return rc;
}
