/* SPDX-License-Identifier: ISC */
/* SEIPDv2 (RFC 9580 section 5.13.2) and LibrePGP's packet type 20: chunks, each with its tag, and a last tag. */
#include <string.h>

#include "openpgp/key/algorithm.h"
#include "openpgp/message/seipd_read.h"

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
		r->tail = *piece;
	}
	*piece = slice_of(r->text, r->text_len);
	return 0;
}

/*
 * Drops the front. The rest goes back to the packet, so that the next chunk can be opened where it is; only when it came in
 * more pieces than the last one it is moved down in our own buffer.
 */
static void
drop(struct pgp_seipd_reader *r, struct slice piece, size_t n)
{
	size_t rest = piece.len - n;

	if (piece.data == r->text && rest > 0 && rest <= r->tail.len) {
		r->text_len = 0;
		piece = r->tail;
	}
	if (piece.data == r->text) {
		r->text_len = rest;
		memmove(r->text, r->text + n, rest);
		return;
	}
	pgp_packets_unget(r->packet, piece, rest);
}

static int
finish(struct pgp_seipd_reader *r, struct slice text, struct error *e)
{
	int rc = chunks_open_last(&r->chunks, text.data + text.len - AEAD_TAG, e);

	if (rc == 0)
		r->over = true;
	return rc == ERR_INTEGRITY ? seipd_changed(e) : rc;
}

int
seipd_chunks_next(struct pgp_seipd_reader *r, struct slice *piece_out, struct error *e)
{
	struct slice text;
	size_t len;
	int rc = gather(r, &text, e);

	if (rc != 0)
		return rc == ERR_TRUNCATED ? seipd_changed(e) : rc;
	if (text.len < AEAD_TAG)
		return seipd_changed(e);
	if (text.len == AEAD_TAG)
		return finish(r, text, e);
	if (text.len < 2 * AEAD_TAG + 1)
		return seipd_changed(e);
	len = size_min(r->chunks.chunk, text.len - 2 * AEAD_TAG);
	rc = chunks_open(&r->chunks, text.data, len, r->plain[0], e);
	if (rc != 0)
		return rc == ERR_INTEGRITY ? seipd_changed(e) : rc;
	drop(r, text, len + AEAD_TAG);
	*piece_out = slice_of(r->plain[0], len);
	return 0;
}

int
seipd_chunks_begin(
    struct pgp_seipd_reader *r, const struct pgp_seipd_head *head, const struct pgp_session *session, struct error *e)
{
	if (pgp_cipher_key_size(head->cipher) != session->key.len)
		return seipd_changed(e);
	return chunks_init(&r->chunks, CIPHER_DECRYPT, head, secret_slice(&session->key), e);
}

int
pgp_seipd_reader_try(struct pgp_seipd_reader *r, const struct pgp_seipd_head *head, const struct pgp_session *session,
    bool *opens_out, struct error *e)
{
	struct slice text;
	size_t len;
	int rc = gather(r, &text, e);

	*opens_out = false;
	if (rc != 0)
		return rc == ERR_TRUNCATED ? 0 : rc;
	chunks_done(&r->chunks);
	rc = seipd_chunks_begin(r, head, session, e);
	if (rc == 0 && text.len > 2 * AEAD_TAG) {
		len = size_min(r->chunks.chunk, text.len - 2 * AEAD_TAG);
		*opens_out = chunks_open(&r->chunks, text.data, len, r->plain[0], NULL) == 0;
		chunks_rewind(&r->chunks);
	}
	drop(r, text, 0);
	return rc;
}
