/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "openpgp/key/algorithm.h"
#include "openpgp/message/seipd_common.h"

#define PART_CODE 20u /* parts of partial length: 1 MiB */
#define PART ((size_t)1 << PART_CODE)
#define MARGIN 8u /* room for a header in front of what is written, so that one write takes both */

struct pgp_seipd_writer {
	struct pgp_sink out;
	bool parts;    /* a part of partial length went out */
	size_t len;    /* octets of body that wait in text */
	uint8_t *text; /* MARGIN, then body: up to PART, and for version 2 one chunk and its tag more */
	/* version 1 */
	struct cipher *cfb;
	struct mdc mdc;
	/* version 2 */
	struct chunks chunks;
	uint8_t *open; /* an unfinished chunk */
	size_t open_len;
};

static uint8_t *
body_end(struct pgp_seipd_writer *w)
{
	return w->text + MARGIN + w->len;
}

/* Writes the first PART octets of the body as a part of partial length. */
static int
flush_part(struct pgp_seipd_writer *w, struct error *e)
{
	size_t head = 0;
	int rc;

	w->text[MARGIN - 1] = 224 | PART_CODE;
	if (!w->parts)
		w->text[MARGIN - 2] = 0xc0 | PGP_SEIPD;
	head = w->parts ? 1 : 2;
	rc = pgp_sink_write(w->out, slice_of(w->text + MARGIN - head, head + PART), e);
	w->parts = true;
	w->len -= PART;
	memmove(w->text + MARGIN, w->text + MARGIN + PART, w->len);
	return rc;
}

/* The rest, with its length: the whole packet when it was short. */
static int
flush_end(struct pgp_seipd_writer *w, struct error *e)
{
	uint8_t header[PGP_HEADER_MAX];
	size_t n;

	if (w->len >= PART) {
		int rc = flush_part(w, e);

		if (rc != 0)
			return rc;
	}
	n = w->parts ? pgp_length_put(header, (uint32_t)w->len) : pgp_header_put(header, PGP_SEIPD, (uint32_t)w->len);
	memcpy(w->text + MARGIN - n, header, n);
	return pgp_sink_write(w->out, slice_of(w->text + MARGIN - n, n + w->len), e);
}

/* ---- version 1 ---- */

static int
encrypt1(struct pgp_seipd_writer *w, struct slice plain, struct error *e)
{
	int rc = 0;

	while (plain.len > 0 && rc == 0) {
		size_t n = size_min(plain.len, PART - w->len);

		rc = cipher_step(w->cfb, plain.data, body_end(w), n, e);
		w->len += n;
		plain = slice_from(plain, n);
		if (rc == 0 && w->len == PART)
			rc = flush_part(w, e);
	}
	return rc;
}

static int
put1(struct pgp_seipd_writer *w, struct slice plain, struct error *e)
{
	int rc;

	mdc_update(&w->mdc, plain);
	rc = encrypt1(w, plain, e);
	mdc_settle(&w->mdc, 0); /* plain is the caller's */
	return rc;
}

static int
end1(struct pgp_seipd_writer *w, struct error *e)
{
	uint8_t mdc[SEIPD_MDC] = { 0xc0 | PGP_MDC, SEIPD_SHA1 };
	int rc;

	mdc_update(&w->mdc, slice_of(mdc, 2));
	rc = mdc_finish(&w->mdc, mdc + 2, e);
	return rc == 0 ? encrypt1(w, slice_of(mdc, sizeof mdc), e) : rc;
}

static int
begin1(struct pgp_seipd_writer *w, const struct pgp_session *session, struct pgp_hasher hasher, struct error *e)
{
	uint8_t prefix[SEIPD_PREFIX_MAX];
	enum cipher_id cipher;
	size_t block;
	int rc;

	if (!pgp_cipher_of(session->cipher, &cipher))
		return error_set(e, ERR_UNSUPPORTED, "there is no cipher %u here", session->cipher);
	block = cipher_block_size(cipher);
	rc = cipher_cfb_new(cipher, CIPHER_ENCRYPT, secret_slice(&session->key), SLICE_EMPTY, &w->cfb, e);
	if (rc == 0)
		rc = mdc_begin(&w->mdc, hasher, e);
	if (rc == 0)
		rc = random_bytes(prefix, block, e);
	if (rc != 0)
		return rc;
	memcpy(prefix + block, prefix + block - 2, 2);
	*body_end(w) = 1;
	w->len++;
	return put1(w, slice_of(prefix, block + 2), e);
}

/* ---- version 2 ---- */

static int
seal(struct pgp_seipd_writer *w, const uint8_t *in, size_t len, struct error *e)
{
	int rc = chunks_seal(&w->chunks, in, len, body_end(w), e);

	w->len += len + AEAD_TAG;
	while (rc == 0 && w->len >= PART)
		rc = flush_part(w, e);
	return rc;
}

static int
put2(struct pgp_seipd_writer *w, struct slice plain, struct error *e)
{
	size_t chunk = w->chunks.chunk;
	int rc = 0;

	while (plain.len > 0 && rc == 0) {
		size_t n;

		if (w->open_len == 0 && plain.len >= chunk) { /* straight from the caller's memory */
			rc = seal(w, plain.data, chunk, e);
			plain = slice_from(plain, chunk);
			continue;
		}
		n = size_min(plain.len, chunk - w->open_len);
		memcpy(w->open + w->open_len, plain.data, n);
		w->open_len += n;
		plain = slice_from(plain, n);
		if (w->open_len == chunk) {
			rc = seal(w, w->open, chunk, e);
			w->open_len = 0;
		}
	}
	return rc;
}

static int
end2(struct pgp_seipd_writer *w, struct error *e)
{
	int rc = w->open_len > 0 ? seal(w, w->open, w->open_len, e) : 0;

	if (rc == 0)
		rc = chunks_seal_last(&w->chunks, body_end(w), e);
	w->len += AEAD_TAG;
	return rc;
}

static int
begin2(struct pgp_seipd_writer *w, const struct pgp_session *session, uint8_t aead, uint8_t chunk_code, struct error *e)
{
	struct pgp_seipd_head head = {
		.container = PGP_CONTAINER_SEIPD2, .cipher = session->cipher, .aead = aead, .chunk_code = chunk_code
	};
	uint8_t fields[] = { 2, head.cipher, head.aead, head.chunk_code };
	int rc = random_bytes(head.salt, sizeof head.salt, e);

	if (rc == 0)
		rc = chunks_init(&w->chunks, CIPHER_ENCRYPT, &head, secret_slice(&session->key), e);
	if (rc != 0)
		return rc;
	w->open = mem_alloc(w->chunks.chunk);
	if (w->open == NULL)
		return error_nomem(e);
	memcpy(body_end(w), fields, sizeof fields);
	memcpy(body_end(w) + sizeof fields, head.salt, sizeof head.salt);
	w->len += SEIPD2_HEAD;
	return 0;
}

/* ---- */

int
pgp_seipd_writer_new(const struct pgp_session *session, uint8_t aead, uint8_t chunk_code, struct pgp_hasher hasher,
    struct pgp_sink out, struct pgp_seipd_writer **writer_out, struct error *e)
{
	struct pgp_seipd_writer *w = mem_alloc(sizeof *w);
	size_t room = MARGIN + PART + SEIPD2_HEAD + 2 * AEAD_TAG;
	int rc;

	if (w == NULL)
		return error_nomem(e);
	w->out = out;
	if (aead != 0 && chunk_code <= PGP_CHUNK_CODE_MAX)
		room += (size_t)1 << (chunk_code + 6);
	w->text = mem_alloc(room);
	if (w->text == NULL)
		rc = error_nomem(e);
	else
		rc = aead == 0 ? begin1(w, session, hasher, e) : begin2(w, session, aead, chunk_code, e);
	if (rc != 0) {
		pgp_seipd_writer_free(w);
		return rc;
	}
	*writer_out = w;
	return 0;
}

int
pgp_seipd_writer_put(struct pgp_seipd_writer *w, struct slice plain, struct error *e)
{
	return w->cfb != NULL ? put1(w, plain, e) : put2(w, plain, e);
}

int
pgp_seipd_writer_end(struct pgp_seipd_writer *w, struct error *e)
{
	int rc = w->cfb != NULL ? end1(w, e) : end2(w, e);

	return rc == 0 ? flush_end(w, e) : rc;
}

void
pgp_seipd_writer_free(struct pgp_seipd_writer *w)
{
	if (w == NULL)
		return;
	mdc_done(&w->mdc);
	cipher_free(w->cfb);
	if (w->open != NULL)
		secret_wipe(w->open, w->chunks.chunk);
	chunks_done(&w->chunks);
	mem_free(w->open);
	mem_free(w->text);
	mem_free(w);
}
