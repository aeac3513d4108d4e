/* SPDX-License-Identifier: ISC */
#include "openpgp/message/encrypt.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "openpgp/key/algorithm.h"
#include "openpgp/frame/armor.h"
#include "openpgp/frame/deflate_sink.h"
#include "openpgp/cert/parts.h"
#include "openpgp/frame/text.h"

#define LITERAL_HEAD 6u          /* format, no file name, no date */
#define PACKETS_MAX (64u << 20)  /* octets of session key packets, of signatures */
#define PADDING_MAX (1u << 30)   /* octets of one padding packet: more of them follow when that is too few */
#define PADDING_STEP (64u << 10) /* random octets made at a time */
#define TEXT_BLOCK 16384u        /* octets of text converted at a time */
#define LONG_HEADER_MIN 6u       /* a header with a length of five octets is allowed for any length */

struct pgp_encryptor {
	struct pgp_encrypt_spec spec;
	struct pgp_session session;
	struct pgp_sink out; /* what the message goes to: armor or the caller's sink */
	struct pgp_armor_writer armor;
	bool armored; /* the armor writer is in use */
	struct pgp_seipd_writer *seipd;
	uint64_t inner;               /* octets that went into the container */
	struct deflate_sink *deflate; /* NULL: not compressed */
	uint64_t fed;
	struct pgp_text text;
	bool partial; /* the literal packet is in parts */
	struct pgp_parts literal;
	int failed; /* the first error, which stays: what is held in buffers is in no order any more */
};

/* Octets of the inner message: into the container, or out. */
static int
put_inner(void *ctx, struct slice s, struct error *e)
{
	struct pgp_encryptor *enc = ctx;

	enc->inner += s.len;
	return enc->seipd != NULL ? pgp_seipd_writer_put(enc->seipd, s, e) : pgp_sink_write(enc->out, s, e);
}

/* Octets of the signed message, compressed on the way if so. */
static int
put(void *ctx, struct slice s, struct error *e)
{
	struct pgp_encryptor *enc = ctx;

	if (s.len == 0)
		return 0;
	return enc->deflate != NULL ? deflate_sink_put(enc->deflate, s, e) : put_inner(enc, s, e);
}

static int
put_buf(struct pgp_encryptor *enc, const struct buf *b, struct error *e)
{
	return b->err != 0 ? error_set(e, b->err, "there is no room for the message's packets")
			   : put(enc, buf_slice(b), e);
}

static int
write_session_keys(struct pgp_encryptor *enc, struct error *e)
{
	const struct pgp_encrypt_spec *spec = &enc->spec;
	bool two = spec->container == PGP_CONTAINER_SEIPD2;
	BUF_OWNED struct buf packets = { 0 };
	int rc = 0;

	buf_init(&packets, PACKETS_MAX);
	for (size_t i = 0; rc == 0 && i < spec->recipient_count; i++)
		rc = (spec->hide_recipients ? pgp_pkesk_write_hidden : pgp_pkesk_write)(
		    two ? 6 : 3, spec->recipients[i], &enc->session, &packets, e);
	for (size_t i = 0; rc == 0 && i < spec->passphrase_count; i++)
		rc = pgp_skesk_write(two ? 6 : 4, spec->passphrases[i], &enc->session, &packets, e);
	if (rc == 0 && packets.err != 0)
		rc = error_set(e, packets.err, "there is no room for the message's packets");
	return rc == 0 ? pgp_sink_write(enc->out, buf_slice(&packets), e) : rc;
}

static int
write_literal_head(struct pgp_encryptor *enc, struct error *e)
{
	uint8_t head[PGP_HEADER_MAX + LITERAL_HEAD] = { 0 };
	size_t n = 0;

	enc->partial = enc->spec.length > UINT32_MAX - LITERAL_HEAD;
	if (!enc->partial)
		n = pgp_header_put(head, PGP_LITERAL, (uint32_t)(enc->spec.length + LITERAL_HEAD));
	head[n] = enc->spec.text ? 'u' : 'b';
	if (!enc->partial)
		return put(enc, slice_of(head, n + LITERAL_HEAD), e);
	pgp_parts_init(&enc->literal, PGP_LITERAL, (struct pgp_sink){ put, enc });
	return pgp_parts_put(&enc->literal, slice_of(head, LITERAL_HEAD), e);
}

/*
 * gpg 2.2 misreads armor without a checksum; section 6.1 forbids one where SEIPDv2 or version 6 signatures are the
 * message. Inside SEIPDv1 a signature's version is not to be seen.
 */
static bool
wants_checksum(enum pgp_container container, struct slice one_pass)
{
	struct pgp_packet p;
	size_t at = 0;

	while (container == PGP_CONTAINER_NONE && pgp_packet_next(one_pass, &at, &p, NULL) == 1) {
		if (p.body.len > 0 && p.body.data[0] == 6)
			return false;
	}
	return container != PGP_CONTAINER_SEIPD2;
}

static int
begin_container(struct pgp_encryptor *enc, struct error *e)
{
	const struct pgp_encrypt_spec *spec = &enc->spec;
	uint8_t aead = spec->container == PGP_CONTAINER_SEIPD2 ? spec->aead : 0;
	int rc = pgp_session_new(spec->cipher, &enc->session, e);

	if (rc == 0)
		rc = write_session_keys(enc, e);
	if (rc == 0)
		rc =
		    pgp_seipd_writer_new(&enc->session, aead, spec->chunk_code, spec->hasher, enc->out, &enc->seipd, e);
	return rc;
}

static int
begin(struct pgp_encryptor *enc, struct error *e)
{
	const struct pgp_encrypt_spec *spec = &enc->spec;
	BUF_OWNED struct buf one_pass = { 0 };
	int rc = 0;

	buf_init(&one_pass, PACKETS_MAX);
	if (spec->maker != NULL)
		rc = pgp_maker_one_pass(spec->maker, &one_pass, e);
	if (rc == 0 && spec->armor) {
		rc = pgp_armor_writer_init(
		    &enc->armor, PGP_ARMOR_MESSAGE, wants_checksum(spec->container, buf_slice(&one_pass)), enc->out, e);
		enc->armored = true;
		enc->out = pgp_armor_writer_sink(&enc->armor);
	}
	if (rc == 0 && spec->container != PGP_CONTAINER_NONE)
		rc = begin_container(enc, e);
	if (rc == 0 && spec->compression != PGP_UNCOMPRESSED)
		rc = deflate_sink_new(spec->compression, (struct pgp_sink){ put_inner, enc }, &enc->deflate, e);
	if (rc == 0)
		rc = put_buf(enc, &one_pass, e);
	return rc == 0 ? write_literal_head(enc, e) : rc;
}

/* Ciphers with blocks of eight octets are only read (RFC 9580 section 9.3), whatever somebody asks for. */
static int
check_cipher(uint8_t number, struct error *e)
{
	enum cipher_id cipher;
	int rc = number == 0 ? 0 : pgp_cipher_find(number, &cipher, e);

	if (number == 0 || rc != 0)
		return rc;
	return cipher_block_size(cipher) == CIPHER_BLOCK
	    ? 0
	    : error_set(e, ERR_UNSUPPORTED, "the cipher %s is only read, never written", pgp_cipher_name(number));
}

static int
check_spec(const struct pgp_encrypt_spec *spec, struct error *e)
{
	if (spec->container > PGP_CONTAINER_SEIPD2)
		return error_set(e, ERR_USAGE, "this kind of encrypted container is read only");
	if (spec->container != PGP_CONTAINER_NONE && spec->recipient_count + spec->passphrase_count == 0)
		return error_set(e, ERR_USAGE, "nobody could read the message: give a certificate or a passphrase");
	if (spec->padding != PGP_PAD_NONE && spec->container != PGP_CONTAINER_SEIPD2)
		return error_set(e, ERR_USAGE, "only a message of SEIPD version 2 can be padded");
	return check_cipher(spec->cipher, e);
}

int
pgp_encryptor_new(
    const struct pgp_encrypt_spec *spec, struct pgp_sink out, struct pgp_encryptor **enc_out, struct error *e)
{
	struct pgp_encryptor *enc;
	int rc = check_spec(spec, e);

	if (rc != 0)
		return rc;
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

static int
feed(struct pgp_encryptor *enc, struct slice data, struct error *e)
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
	return enc->partial ? pgp_parts_put(&enc->literal, data, e) : put(enc, data, e);
}

static int
over(const struct pgp_encryptor *enc, struct error *e)
{
	return error_set(e, enc->failed, "the message has ended with an error");
}

int
pgp_encryptor_feed(struct pgp_encryptor *enc, struct slice data, struct error *e)
{
	uint8_t block[TEXT_BLOCK];
	int rc = 0;

	if (enc->failed != 0)
		return over(enc, e);
	if (!enc->spec.text)
		return enc->failed = feed(enc, data, e);
	/* GnuPG hashes a text signature's literal data as it stands: it must have its line ends already. */
	while (rc == 0 && data.len > 0) {
		size_t n = pgp_text_convert(&enc->text, &data, block, sizeof block);

		rc = feed(enc, slice_of(block, n), e);
	}
	return enc->failed = rc;
}

/* ---- padding ---- */

/* The smallest length of Padme's that is not below len. */
static uint64_t
padme(uint64_t len)
{
	unsigned exponent, size_bits = 0;
	uint64_t mask;

	if (len < 2)
		return len;
	exponent = 63u - (unsigned)__builtin_clzll(len);
	for (unsigned i = exponent; i != 0; i >>= 1)
		size_bits++;
	mask = exponent > size_bits ? ((uint64_t)1 << (exponent - size_bits)) - 1 : 0;
	return (len + mask) & ~mask;
}

/* One packet of exactly len octets with its header, 2 at least. */
static int
put_padding(struct pgp_encryptor *enc, size_t len, struct error *e)
{
	size_t head_len = len < LONG_HEADER_MIN ? 2 : LONG_HEADER_MIN, left = len - head_len;
	uint8_t head[LONG_HEADER_MIN] = { 0xc0 | PGP_PADDING, 255 };
	MEM_OWNED uint8_t *random = mem_alloc(size_min(left, PADDING_STEP));
	int rc;

	if (random == NULL)
		return error_nomem(e);
	if (head_len == 2)
		head[1] = (uint8_t)left;
	for (unsigned i = 2; i < head_len; i++)
		head[i] = (uint8_t)(left >> (40 - 8 * i));
	rc = put_inner(enc, slice_of(head, head_len), e);
	while (rc == 0 && left > 0) {
		size_t n = size_min(left, PADDING_STEP);

		rc = random_bytes(random, n, e);
		if (rc == 0)
			rc = put_inner(enc, slice_of(random, n), e);
		left -= n;
	}
	return rc;
}

static int
pad(struct pgp_encryptor *enc, struct error *e)
{
	uint64_t want = padme(enc->inner), gap;
	int rc = 0;

	if (want == enc->inner + 1) /* no packet is one octet long */
		want = padme(enc->inner + 2);
	while (rc == 0 && (gap = want - enc->inner) > 0) {
		if (gap > PADDING_MAX)
			gap = PADDING_MAX;
		if (want - enc->inner - gap == 1)
			gap -= LONG_HEADER_MIN;
		rc = put_padding(enc, (size_t)gap, e);
	}
	return rc;
}

/* ---- */

static int
end_inner(struct pgp_encryptor *enc, struct error *e)
{
	BUF_OWNED struct buf packets = { 0 };
	int rc = enc->partial ? pgp_parts_end(&enc->literal, e) : 0;

	buf_init(&packets, PACKETS_MAX);
	if (rc == 0 && enc->spec.maker != NULL)
		rc = pgp_maker_finish(enc->spec.maker, true, &packets, e);
	if (rc == 0)
		rc = put_buf(enc, &packets, e);
	if (rc == 0 && enc->deflate != NULL)
		rc = deflate_sink_end(enc->deflate, e);
	if (rc == 0 && enc->spec.padding == PGP_PAD_PADME)
		rc = pad(enc, e);
	return rc;
}

int
pgp_encryptor_finish(struct pgp_encryptor *enc, struct error *e)
{
	int rc;

	if (enc->failed != 0)
		return over(enc, e);
	if (enc->spec.length != PGP_LENGTH_UNKNOWN && enc->fed != enc->spec.length)
		return error_set(e, ERR_USAGE, "there is less data than was announced");
	rc = end_inner(enc, e);
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
	deflate_sink_free(enc->deflate);
	pgp_seipd_writer_free(enc->seipd);
	if (enc->armored)
		pgp_armor_writer_done(&enc->armor);
	pgp_session_done(&enc->session);
	pgp_parts_done(&enc->literal);
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

	known.length = known.text ? PGP_LENGTH_UNKNOWN : data.len;
	rc = pgp_encryptor_new(&known, pgp_sink_buf(out), &enc, e);
	if (rc != 0)
		return rc;
	rc = pgp_encryptor_feed(enc, data, e);
	if (rc == 0)
		rc = pgp_encryptor_finish(enc, e);
	pgp_encryptor_free(enc);
	return rc;
}
