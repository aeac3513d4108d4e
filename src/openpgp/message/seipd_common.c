/* SPDX-License-Identifier: ISC */
#include "openpgp/message/seipd_common.h"

#include <string.h>

#include "crypto/kdf.h"
#include "openpgp/key/algorithm.h"

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
static int
derive(struct chunks *c, enum cipher_way way, const struct pgp_seipd_head *head, struct slice session_key,
    enum cipher_id cipher, enum aead_id mode, struct error *e)
{
	uint8_t okm[CIPHER_KEY_MAX + AEAD_NONCE_MAX];
	size_t key_size = cipher_key_size(cipher), fixed = c->nonce_size - 8;
	int rc = kdf_hkdf(HASH_SHA256, session_key, slice_of(head->salt, SEIPD2_SALT),
	    slice_of(c->info, sizeof c->info), okm, key_size + fixed, e);

	if (rc == 0) {
		memcpy(c->nonce, okm + key_size, fixed);
		rc = aead_new(mode, cipher, way, slice_of(okm, key_size), &c->aead, e);
	}
	secret_wipe(okm, sizeof okm);
	return rc;
}

int
chunks_init(
    struct chunks *c, enum cipher_way way, const struct pgp_seipd_head *head, struct slice session_key, struct error *e)
{
	bool libre = head->container == PGP_CONTAINER_LIBRE;
	uint8_t type = libre ? PGP_AEAD_LIBRE : PGP_SEIPD;
	enum cipher_id cipher;
	enum aead_id mode;

	*c = (struct chunks){ .libre = libre,
		.info = { 0xc0 | type, libre ? 1 : 2, head->cipher, head->aead, head->chunk_code } };
	if (!pgp_cipher_of(head->cipher, &cipher) || cipher_block_size(cipher) != AEAD_BLOCK ||
	    !pgp_aead_of(head->aead, &mode) || head->chunk_code > PGP_CHUNK_CODE_MAX)
		return error_set(e, ERR_UNSUPPORTED, "there is no cipher %u with AEAD mode %u and chunks of 2^%u here",
		    head->cipher, head->aead, head->chunk_code + 6u);
	c->chunk = (size_t)1 << (head->chunk_code + 6);
	c->nonce_size = aead_nonce_size(mode);
	if (!libre)
		return derive(c, way, head, session_key, cipher, mode, e);
	memcpy(c->nonce, head->salt, c->nonce_size);
	return aead_new(mode, cipher, way, session_key, &c->aead, e);
}

void
chunks_done(struct chunks *c)
{
	aead_free(c->aead);
	c->aead = NULL;
}

void
chunks_rewind(struct chunks *c)
{
	c->index = 0;
	c->total = 0;
}

static void
put_u64(uint8_t *out, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* What goes with one call of the mode. */
struct call {
	uint8_t nonce[AEAD_NONCE_MAX];
	uint8_t data[sizeof((struct chunks *)NULL)->info + 16];
	size_t data_len;
};

/* The next chunk; with last the tag over nothing, with the octets in all behind the additional data. */
static void
next_call(struct chunks *c, bool last, struct call *out)
{
	uint8_t index[8];

	put_u64(index, c->index++);
	memcpy(out->nonce, c->nonce, c->nonce_size);
	for (size_t i = 0; i < 8; i++)
		out->nonce[c->nonce_size - 8 + i] ^= index[i];
	memcpy(out->data, c->info, sizeof c->info);
	out->data_len = sizeof c->info;
	if (c->libre) {
		memcpy(out->data + out->data_len, index, 8);
		out->data_len += 8;
	}
	if (last) {
		put_u64(out->data + out->data_len, c->total);
		out->data_len += 8;
	}
}

int
chunks_seal(struct chunks *c, const uint8_t *in, size_t len, uint8_t *out, struct error *e)
{
	struct call call;

	next_call(c, false, &call);
	c->total += len;
	return aead_seal(c->aead, slice_of(call.nonce, c->nonce_size), slice_of(call.data, call.data_len), in, len, out,
	    out + len, e);
}

int
chunks_open(struct chunks *c, const uint8_t *in, size_t len, uint8_t *out, struct error *e)
{
	struct call call;

	next_call(c, false, &call);
	c->total += len;
	return aead_open(c->aead, slice_of(call.nonce, c->nonce_size), slice_of(call.data, call.data_len), in, len, out,
	    in + len, e);
}

int
chunks_seal_last(struct chunks *c, uint8_t tag[AEAD_TAG], struct error *e)
{
	struct call call;

	next_call(c, true, &call);
	return aead_seal(
	    c->aead, slice_of(call.nonce, c->nonce_size), slice_of(call.data, call.data_len), NULL, 0, NULL, tag, e);
}

int
chunks_open_last(struct chunks *c, const uint8_t tag[AEAD_TAG], struct error *e)
{
	struct call call;

	next_call(c, true, &call);
	return aead_open(
	    c->aead, slice_of(call.nonce, c->nonce_size), slice_of(call.data, call.data_len), NULL, 0, NULL, tag, e);
}
