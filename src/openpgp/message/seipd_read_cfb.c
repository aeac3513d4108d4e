/* SPDX-License-Identifier: ISC */
/* SEIPDv1 (RFC 9580 section 5.13.1), and packet type 9 (5.7), which is the same without proof. */
#include <string.h>

#include "crypto/compare.h"
#include "openpgp/key/algorithm.h"
#include "openpgp/message/seipd_read.h"

/* Fills a buffer behind the octets held from the last one. n_out: octets decrypted now, 0 at the end. */
static int
decrypt(struct pgp_seipd_reader *r, uint8_t *at, size_t room, size_t *n_out, struct error *e)
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
finish(struct pgp_seipd_reader *r, struct error *e)
{
	uint8_t digest[SEIPD_SHA1];
	int rc;

	mdc_settle(&r->mdc, 0);
	mdc_update(&r->mdc, slice_of(r->held, 2));
	rc = mdc_finish(&r->mdc, digest, e);
	if (rc != 0)
		return rc;
	if (r->held[0] != (0xc0 | PGP_MDC) || r->held[1] != SEIPD_SHA1 ||
	    !compare_equal(slice_of(digest, SEIPD_SHA1), slice_of(r->held + 2, SEIPD_SHA1)))
		return seipd_changed(e);
	r->over = true;
	return 0;
}

/* Packet type 9: all is plaintext, and its end proves nothing. */
static int
next_bare(struct pgp_seipd_reader *r, struct slice *piece_out, struct error *e)
{
	uint8_t *buf = r->plain[0];
	size_t n, before = r->held_len;
	int rc;

	memcpy(buf, r->held, before);
	r->held_len = 0;
	rc = decrypt(r, buf + before, SEIPD_CFB_PIECE, &n, e);
	if (rc != 0)
		return rc == ERR_TRUNCATED ? seipd_changed(e) : rc;
	*piece_out = slice_of(buf, before + n);
	r->over = piece_out->len == 0;
	return 0;
}

int
seipd_cfb_next(struct pgp_seipd_reader *r, struct slice *piece_out, struct error *e)
{
	uint8_t *buf = r->plain[r->turn++ % 2];
	size_t n;
	int rc;

	if (r->bare)
		return next_bare(r, piece_out, e);
	mdc_settle(&r->mdc, 1); /* the hasher may still have the other buffer */
	memcpy(buf, r->held, SEIPD_MDC);
	rc = decrypt(r, buf + SEIPD_MDC, SEIPD_CFB_PIECE, &n, e);
	if (rc != 0)
		return rc == ERR_TRUNCATED ? seipd_changed(e) : rc;
	memcpy(r->held, buf + n, SEIPD_MDC);
	if (n == 0)
		return finish(r, e);
	*piece_out = slice_of(buf, n);
	mdc_update(&r->mdc, *piece_out);
	return 0;
}

/*
 * The head holds as many octets as the longest prefix has: for ciphers with short blocks the last of them are
 * plaintext already. rest_out: how many octets that were, now in r->held.
 */
static int
open_prefix(
    struct pgp_seipd_reader *r, const struct pgp_seipd_head *head, size_t block, size_t *rest_out, struct error *e)
{
	uint8_t plain[SEIPD_PREFIX_MAX];
	size_t prefix = block + 2;
	int rc = cipher_step(r->cfb, head->prefix, plain, sizeof plain, e);

	if (rc != 0)
		return rc;
	mdc_update(&r->mdc, slice_of(plain, prefix));
	mdc_settle(&r->mdc, 0);
	*rest_out = sizeof plain - prefix;
	memcpy(r->held, plain + prefix, *rest_out);
	return 0;
}

/* Section 5.7: behind the prefix CFB begins anew, with the last block of what stood there. */
static int
begin_bare(struct pgp_seipd_reader *r, const struct pgp_seipd_head *head, const struct pgp_session *session,
    enum cipher_id cipher, struct error *e)
{
	size_t block = cipher_block_size(cipher);
	int rc = cipher_cfb_new(
	    cipher, CIPHER_DECRYPT, secret_slice(&session->key), slice_of(head->prefix + 2, block), &r->cfb, e);

	if (rc != 0)
		return rc;
	r->bare = true;
	r->held_len = sizeof head->prefix - (block + 2);
	return cipher_step(r->cfb, head->prefix + block + 2, r->held, r->held_len, e);
}

int
seipd_cfb_begin(struct pgp_seipd_reader *r, const struct pgp_seipd_head *head, const struct pgp_session *session,
    struct pgp_hasher hasher, struct error *e)
{
	enum cipher_id cipher;
	size_t n, rest;
	int rc;

	if (!pgp_cipher_of(session->cipher, &cipher) || cipher_key_size(cipher) != session->key.len)
		return seipd_changed(e);
	if (head->container == PGP_CONTAINER_SED)
		return begin_bare(r, head, session, cipher, e);
	rc = cipher_cfb_new(cipher, CIPHER_DECRYPT, secret_slice(&session->key), SLICE_EMPTY, &r->cfb, e);
	if (rc == 0)
		rc = mdc_begin(&r->mdc, hasher, e);
	if (rc == 0)
		rc = open_prefix(r, head, cipher_block_size(cipher), &rest, e);
	if (rc != 0)
		return rc;
	rc = decrypt(r, r->held + rest, sizeof r->held - rest, &n, e);
	if (rc == ERR_TRUNCATED || (rc == 0 && n < sizeof r->held - rest))
		return seipd_changed(e);
	return rc;
}
