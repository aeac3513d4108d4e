/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/mem.h"
#include "crypto/compare.h"
#include "openpgp/algorithm.h"
#include "openpgp/seipd_common.h"

#define BLOCK (256u << 10) /* octets decrypted for one piece of version 1 */

struct pgp_seipd_reader {
	struct pgp_packets *packet;
	bool over;         /* the end was reached and proven */
	int failed;        /* the error that ended it: told again to whoever asks again */
	uint8_t *plain[2]; /* version 1 alternates, so that a helper may still hash the one; version 2 uses the first */
	size_t plain_size; /* octets of each */
	/* version 1 */
	struct cipher *cfb;
	struct mdc mdc;
	unsigned turn;
	uint8_t held[SEIPD_MDC]; /* the last octets seen: they may be the MDC */
	/* version 2 */
	struct chunks chunks;
	uint8_t *text; /* ciphertext that waits for the rest of its chunk */
	size_t text_len;
	bool ended; /* the body is read to its end */
};

int
pgp_seipd_head_read(struct pgp_packets *packet, struct pgp_seipd_head *out, struct error *e)
{
	struct pgp_seipd_head h = { 0 };
	enum cipher_id cipher;
	enum aead_id aead;
	uint8_t fields[3];
	int rc = pgp_packets_get(packet, &h.version, 1, e);

	if (rc != 0)
		return rc;
	if (h.version != 1 && h.version != 2)
		return error_set(e, ERR_UNSUPPORTED, "an encrypted container of version %u is not known", h.version);
	rc = h.version == 1 ? pgp_packets_get(packet, h.prefix, sizeof h.prefix, e)
			    : pgp_packets_get(packet, fields, sizeof fields, e);
	if (rc == 0 && h.version == 2) {
		h.cipher = fields[0];
		h.aead = fields[1];
		h.chunk_code = fields[2];
		rc = pgp_packets_get(packet, h.salt, sizeof h.salt, e);
		if (rc == 0 &&
		    (!pgp_cipher_of(h.cipher, &cipher) || !pgp_aead_of(h.aead, &aead) ||
			h.chunk_code > PGP_CHUNK_CODE_MAX))
			rc = error_set(e, ERR_UNSUPPORTED,
			    "the message is encrypted with cipher %u in AEAD mode %u with chunk size %u, which we do "
			    "not have",
			    h.cipher, h.aead, h.chunk_code);
	}
	if (rc == 0)
		*out = h;
	return rc;
}

bool
pgp_seipd_quick_check(const struct pgp_seipd_head *head, const struct pgp_session *session)
{
	uint8_t plain[SEIPD_PREFIX];
	enum cipher_id cipher;

	if (!pgp_cipher_of(session->cipher, &cipher) ||
	    cipher_cfb_once(cipher, CIPHER_DECRYPT, secret_slice(&session->key), SLICE_EMPTY,
		slice_of(head->prefix, sizeof head->prefix), plain, NULL) != 0)
		return false;
	return compare_equal(slice_of(plain + CIPHER_BLOCK - 2, 2), slice_of(plain + CIPHER_BLOCK, 2));
}

static int
changed(struct error *e)
{
	return error_set(e, ERR_INTEGRITY, "the message was changed or cut on its way, or this is not its key");
}

/* ---- version 1 ---- */

/* Fills a buffer behind the octets held from the last one. n_out: octets decrypted now, 0 at the end. */
static int
decrypt1(struct pgp_seipd_reader *r, uint8_t *at, size_t room, size_t *n_out, struct error *e)
{
	struct slice piece;
	size_t n = 0;
	int rc;

	while (n < room) {
		rc = pgp_packets_body(r->packet, &piece, e);
		if (rc != 0)
			return rc;
		if (piece.len == 0)
			break;
		if (piece.len > room - n) {
			pgp_packets_unget(r->packet, piece, piece.len - (room - n));
			piece.len = room - n;
		}
		rc = cipher_step(r->cfb, piece.data, at + n, piece.len, e);
		if (rc != 0)
			return rc;
		n += piece.len;
	}
	*n_out = n;
	return 0;
}

static int
finish1(struct pgp_seipd_reader *r, struct error *e)
{
	uint8_t digest[SEIPD_SHA1];
	int rc;

	mdc_update(&r->mdc, slice_of(r->held, 2));
	rc = mdc_finish(&r->mdc, digest, e);
	if (rc != 0)
		return rc;
	if (r->held[0] != (0xc0 | PGP_MDC) || r->held[1] != SEIPD_SHA1 ||
	    !compare_equal(slice_of(digest, SEIPD_SHA1), slice_of(r->held + 2, SEIPD_SHA1)))
		return changed(e);
	r->over = true;
	return 0;
}

static int
next1(struct pgp_seipd_reader *r, struct slice *piece_out, struct error *e)
{
	uint8_t *buf = r->plain[r->turn++ % 2];
	size_t n;
	int rc;

	mdc_settle(&r->mdc, 1); /* the hasher may still have the other buffer */
	memcpy(buf, r->held, SEIPD_MDC);
	rc = decrypt1(r, buf + SEIPD_MDC, BLOCK, &n, e);
	if (rc != 0)
		return rc == ERR_TRUNCATED ? changed(e) : rc;
	memcpy(r->held, buf + n, SEIPD_MDC);
	if (n == 0) {
		mdc_settle(&r->mdc, 0);
		return finish1(r, e);
	}
	*piece_out = slice_of(buf, n);
	mdc_update(&r->mdc, *piece_out);
	return 0;
}

/* Decrypts the prefix, which is hashed and not given out, and the first octets to hold back. */
static int
begin1(struct pgp_seipd_reader *r, const struct pgp_seipd_head *head, const struct pgp_session *session,
    struct pgp_hasher hasher, struct error *e)
{
	uint8_t prefix[SEIPD_PREFIX];
	enum cipher_id cipher;
	size_t n;
	int rc;

	if (!pgp_cipher_of(session->cipher, &cipher) || cipher_key_size(cipher) != session->key.len)
		return changed(e);
	rc = cipher_cfb_new(cipher, CIPHER_DECRYPT, secret_slice(&session->key), SLICE_EMPTY, &r->cfb, e);
	if (rc == 0)
		rc = mdc_begin(&r->mdc, hasher, e);
	if (rc == 0)
		rc = cipher_step(r->cfb, head->prefix, prefix, sizeof prefix, e);
	if (rc != 0)
		return rc;
	mdc_update(&r->mdc, slice_of(prefix, sizeof prefix));
	mdc_settle(&r->mdc, 0);
	rc = decrypt1(r, r->held, sizeof r->held, &n, e);
	if (rc == ERR_TRUNCATED || (rc == 0 && n < sizeof r->held))
		return changed(e);
	return rc;
}

/* ---- version 2 ---- */

/* Gathers octets until a whole chunk, its tag and the last tag behind it are there, or the body ends. */
static int
gather(struct pgp_seipd_reader *r, struct slice *piece, struct error *e)
{
	size_t want = r->chunks.chunk + 2 * AEAD_TAG;
	int rc;

	while (!r->ended && r->text_len < want) {
		rc = pgp_packets_body(r->packet, piece, e);
		if (rc != 0)
			return rc;
		r->ended = piece->len == 0;
		if (r->text_len == 0 && piece->len >= want)
			return 0; /* can be opened where it is */
		if (piece->len > want - r->text_len) {
			pgp_packets_unget(r->packet, *piece, piece->len - (want - r->text_len));
			piece->len = want - r->text_len;
		}
		if (piece->len > 0)
			memcpy(r->text + r->text_len, piece->data, piece->len);
		r->text_len += piece->len;
	}
	*piece = slice_of(r->text, r->text_len);
	return 0;
}

/* Drops the front: given back to the packet, or moved down in our own buffer. */
static void
drop(struct pgp_seipd_reader *r, struct slice piece, size_t n)
{
	size_t rest = piece.len - n;

	if (piece.data == r->text) {
		r->text_len = rest;
		memmove(r->text, r->text + n, rest);
		return;
	}
	pgp_packets_unget(r->packet, piece, rest);
}

static int
finish2(struct pgp_seipd_reader *r, struct slice text, struct error *e)
{
	int rc = chunks_open_last(&r->chunks, text.data + text.len - AEAD_TAG, e);

	if (rc == 0)
		r->over = true;
	return rc == ERR_INTEGRITY ? changed(e) : rc;
}

static int
next2(struct pgp_seipd_reader *r, struct slice *piece_out, struct error *e)
{
	struct slice text;
	size_t len;
	int rc = gather(r, &text, e);

	if (rc != 0)
		return rc == ERR_TRUNCATED ? changed(e) : rc;
	if (text.len < AEAD_TAG)
		return changed(e);
	if (text.len == AEAD_TAG)
		return finish2(r, text, e);
	if (text.len < 2 * AEAD_TAG + 1)
		return changed(e);
	len = size_min(r->chunks.chunk, text.len - 2 * AEAD_TAG);
	rc = chunks_open(&r->chunks, text.data, len, r->plain[0], e);
	if (rc != 0)
		return rc == ERR_INTEGRITY ? changed(e) : rc;
	drop(r, text, len + AEAD_TAG);
	*piece_out = slice_of(r->plain[0], len);
	return 0;
}

static int
begin2(
    struct pgp_seipd_reader *r, const struct pgp_seipd_head *head, const struct pgp_session *session, struct error *e)
{
	if (pgp_cipher_key_size(head->cipher) != session->key.len)
		return changed(e);
	return chunks_init(&r->chunks, CIPHER_DECRYPT, head, secret_slice(&session->key), e);
}

/* ---- */

static int
alloc_buffers(struct pgp_seipd_reader *r, struct error *e)
{
	bool two = r->cfb == NULL;

	r->plain_size = two ? r->chunks.chunk : BLOCK + SEIPD_MDC;
	r->plain[0] = mem_alloc(r->plain_size);
	if (two)
		r->text = mem_alloc(r->chunks.chunk + 2 * AEAD_TAG);
	else
		r->plain[1] = mem_alloc(r->plain_size);
	return r->plain[0] == NULL || (two ? r->text : r->plain[1]) == NULL ? error_nomem(e) : 0;
}

int
pgp_seipd_reader_new(struct pgp_packets *packet, const struct pgp_seipd_head *head, const struct pgp_session *session,
    struct pgp_hasher hasher, struct pgp_seipd_reader **out, struct error *e)
{
	struct pgp_seipd_reader *r = mem_alloc(sizeof *r);
	int rc;

	if (r == NULL)
		return error_nomem(e);
	r->packet = packet;
	rc = head->version == 1 ? begin1(r, head, session, hasher, e) : begin2(r, head, session, e);
	if (rc == 0)
		rc = alloc_buffers(r, e);
	if (rc != 0) {
		pgp_seipd_reader_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

static int
reader_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct pgp_seipd_reader *r = ctx;
	int rc;

	*piece_out = SLICE_EMPTY;
	if (r->over)
		return 0;
	if (r->failed != 0)
		return error_set(e, r->failed, "the message was changed or cut on its way, or this is not its key");
	rc = r->cfb != NULL ? next1(r, piece_out, e) : next2(r, piece_out, e);
	r->failed = rc;
	return rc;
}

struct pgp_source
pgp_seipd_reader_source(struct pgp_seipd_reader *r)
{
	return (struct pgp_source){ reader_next, r };
}

void
pgp_seipd_reader_free(struct pgp_seipd_reader *r)
{
	if (r == NULL)
		return;
	mdc_done(&r->mdc);
	cipher_free(r->cfb);
	chunks_done(&r->chunks);
	for (int i = 0; i < 2; i++) {
		if (r->plain[i] != NULL)
			secret_wipe(r->plain[i], r->plain_size);
		mem_free(r->plain[i]);
	}
	mem_free(r->text);
	secret_wipe(r, sizeof *r);
	mem_free(r);
}
