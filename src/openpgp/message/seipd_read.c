/* SPDX-License-Identifier: ISC */
/* The encrypted container's head, and its body as a source. */
#include "openpgp/message/seipd_read.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/compare.h"
#include "openpgp/key/algorithm.h"

int
seipd_changed(struct error *e)
{
	return error_set(e, ERR_INTEGRITY, "the message was changed or cut on its way, or this is not its key");
}

/* ---- the head ---- */

static int
get_suite(struct pgp_packets *packet, struct pgp_seipd_head *h, struct error *e)
{
	bool libre = h->container == PGP_CONTAINER_LIBRE;
	enum cipher_id cipher = CIPHER_AES128;
	enum aead_id aead = AEAD_OCB;
	uint8_t fields[3];
	int rc = pgp_packets_get(packet, fields, sizeof fields, e);

	if (rc != 0)
		return rc;
	h->cipher = fields[0];
	h->aead = fields[1];
	h->chunk_code = fields[2];
	rc = pgp_cipher_find(h->cipher, &cipher, e);
	if (rc != 0)
		return rc;
	if (cipher_block_size(cipher) != AEAD_BLOCK || !pgp_aead_of(h->aead, &aead) || (libre && aead == AEAD_GCM))
		return error_set(e, ERR_UNSUPPORTED,
		    "the message is encrypted with %s in AEAD mode %u, which is not known", pgp_cipher_name(h->cipher),
		    h->aead);
	if (h->chunk_code > PGP_CHUNK_CODE_MAX)
		return error_set(
		    e, ERR_UNSUPPORTED, "the message is encrypted in chunks of 2^%u octets", h->chunk_code + 6u);
	return pgp_packets_get(packet, h->salt, libre ? aead_nonce_size(aead) : SEIPD2_SALT, e);
}

static int
get_version(struct pgp_packets *packet, uint8_t type, struct pgp_seipd_head *h, struct error *e)
{
	uint8_t version;
	int rc = pgp_packets_get(packet, &version, 1, e);

	if (rc != 0)
		return rc;
	if (type == PGP_AEAD_LIBRE && version == 1)
		h->container = PGP_CONTAINER_LIBRE;
	else if (type == PGP_SEIPD && (version == 1 || version == 2))
		h->container = version == 1 ? PGP_CONTAINER_SEIPD1 : PGP_CONTAINER_SEIPD2;
	else
		return error_set(e, ERR_UNSUPPORTED, "an encrypted container of version %u is not known", version);
	return 0;
}

int
pgp_seipd_head_read(struct pgp_packets *packet, uint8_t type, struct pgp_seipd_head *out, struct error *e)
{
	struct pgp_seipd_head h = { .container = PGP_CONTAINER_SED };
	int rc = type == PGP_SED ? 0 : get_version(packet, type, &h, e);

	if (rc == 0)
		rc = pgp_seipd_is_cfb(h.container) ? pgp_packets_get(packet, h.prefix, sizeof h.prefix, e)
						   : get_suite(packet, &h, e);
	if (rc == 0)
		*out = h;
	return rc;
}

int
pgp_seipd_quick_check(
    const struct pgp_seipd_head *head, const struct pgp_session *session, bool *right_out, struct error *e)
{
	uint8_t plain[SEIPD_PREFIX_MAX];
	enum cipher_id cipher = CIPHER_AES128;
	size_t block;
	int rc = pgp_cipher_find(session->cipher, &cipher, e);

	if (rc == 0)
		rc = cipher_cfb_once(cipher, CIPHER_DECRYPT, secret_slice(&session->key), SLICE_EMPTY,
		    slice_of(head->prefix, sizeof head->prefix), plain, e);
	if (rc != 0)
		return rc;
	block = cipher_block_size(cipher);
	*right_out = compare_equal(slice_of(plain + block - 2, 2), slice_of(plain + block, 2));
	return 0;
}

/* ---- the body ---- */

static int
alloc_buffers(struct pgp_seipd_reader *r, struct error *e)
{
	bool chunks = r->cfb == NULL;

	r->plain_size = chunks ? r->chunks.chunk : SEIPD_CFB_PIECE + SEIPD_MDC;
	r->plain[0] = mem_alloc(r->plain_size);
	if (chunks)
		r->text = mem_alloc(r->chunks.chunk + 2 * AEAD_TAG);
	else
		r->plain[1] = mem_alloc(r->plain_size);
	return r->plain[0] == NULL || (chunks ? r->text : r->plain[1]) == NULL ? error_nomem(e) : 0;
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
	rc = pgp_seipd_is_cfb(head->container) ? seipd_cfb_begin(r, head, session, hasher, e)
					       : seipd_chunks_begin(r, head, session, e);
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
		return error_set(e, r->failed, "the encrypted message ended with an error");
	rc = r->cfb != NULL ? seipd_cfb_next(r, piece_out, e) : seipd_chunks_next(r, piece_out, e);
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
