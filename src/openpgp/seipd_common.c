/* SPDX-License-Identifier: ISC */
#include "openpgp/seipd_common.h"

#include <string.h>

#include "crypto/kdf.h"
#include "openpgp/algorithm.h"

int
mdc_begin(struct mdc *m, struct pgp_hasher helper, struct error *e)
{
	*m = (struct mdc){ .helper = helper };
	return helper.ops != NULL ? helper.ops->begin(helper.ctx, HASH_SHA1, e) : hash_new(HASH_SHA1, &m->own, e);
}

void
mdc_update(struct mdc *m, struct slice data)
{
	if (m->own == NULL)
		m->helper.ops->update(m->helper.ctx, data);
	else
		hash_update(m->own, data);
}

void
mdc_settle(struct mdc *m, unsigned left)
{
	if (m->own == NULL && m->helper.ops != NULL)
		m->helper.ops->settle(m->helper.ctx, left);
}

int
mdc_finish(struct mdc *m, uint8_t out[SEIPD_SHA1], struct error *e)
{
	return m->own == NULL ? m->helper.ops->finish(m->helper.ctx, out, e) : hash_finish(m->own, out, e);
}

void
mdc_done(struct mdc *m)
{
	mdc_settle(m, 0);
	hash_free(m->own);
	*m = (struct mdc){ 0 };
}

/* Section 5.13.2: HKDF gives the message key and the nonce's fixed part; its info is the additional data. */
int
chunks_init(
    struct chunks *c, enum cipher_way way, const struct pgp_seipd_head *head, struct slice session_key, struct error *e)
{
	uint8_t okm[CIPHER_KEY_MAX + AEAD_NONCE_MAX];
	enum cipher_id cipher;
	enum aead_id mode;
	size_t key_size, fixed;
	int rc;

	*c = (struct chunks){ .info = { 0xc0 | PGP_SEIPD, 2, head->cipher, head->aead, head->chunk_code } };
	if (!pgp_cipher_of(head->cipher, &cipher) || !pgp_aead_of(head->aead, &mode) ||
	    head->chunk_code > PGP_CHUNK_CODE_MAX)
		return error_set(e, ERR_UNSUPPORTED, "there is no cipher %u with AEAD mode %u and chunks of 2^%u here",
		    head->cipher, head->aead, head->chunk_code + 6u);
	c->chunk = (size_t)1 << (head->chunk_code + 6);
	c->nonce_size = aead_nonce_size(mode);
	key_size = cipher_key_size(cipher);
	fixed = c->nonce_size - 8;
	rc = kdf_hkdf(HASH_SHA256, session_key, slice_of(head->salt, SEIPD2_SALT), slice_of(c->info, sizeof c->info),
	    okm, key_size + fixed, e);
	if (rc == 0) {
		memcpy(c->nonce, okm + key_size, fixed);
		rc = aead_new(mode, cipher, way, slice_of(okm, key_size), &c->aead, e);
	}
	secret_wipe(okm, sizeof okm);
	return rc;
}

void
chunks_done(struct chunks *c)
{
	aead_free(c->aead);
	c->aead = NULL;
}

static void
put_u64(uint8_t *out, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static struct slice
next_nonce(struct chunks *c)
{
	put_u64(c->nonce + c->nonce_size - 8, c->index++);
	return slice_of(c->nonce, c->nonce_size);
}

int
chunks_seal(struct chunks *c, const uint8_t *in, size_t len, uint8_t *out, struct error *e)
{
	c->total += len;
	return aead_seal(c->aead, next_nonce(c), slice_of(c->info, sizeof c->info), in, len, out, out + len, e);
}

int
chunks_open(struct chunks *c, const uint8_t *in, size_t len, uint8_t *out, struct error *e)
{
	c->total += len;
	return aead_open(c->aead, next_nonce(c), slice_of(c->info, sizeof c->info), in, len, out, in + len, e);
}

/* The tag over nothing, with the octets in all behind the additional data. */
static struct slice
last_data(const struct chunks *c, uint8_t data[sizeof c->info + 8])
{
	memcpy(data, c->info, sizeof c->info);
	put_u64(data + sizeof c->info, c->total);
	return slice_of(data, sizeof c->info + 8);
}

int
chunks_seal_last(struct chunks *c, uint8_t tag[AEAD_TAG], struct error *e)
{
	uint8_t data[sizeof c->info + 8];

	return aead_seal(c->aead, next_nonce(c), last_data(c, data), NULL, 0, NULL, tag, e);
}

int
chunks_open_last(struct chunks *c, const uint8_t tag[AEAD_TAG], struct error *e)
{
	uint8_t data[sizeof c->info + 8];

	return aead_open(c->aead, next_nonce(c), last_data(c, data), NULL, 0, NULL, tag, e);
}
