/* SPDX-License-Identifier: ISC */
#include "crypto/cipher.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/cipher_legacy.h"
#include "crypto/cipher_table.h"
#include "crypto/fail.h"
#include "crypto/secret.h"

#define BATCH 8192u /* octets a libcrypto call; stays in the first-level cache with input and output */

struct cipher {
	EVP_CIPHER_CTX *ctx; /* CBC to encrypt, ECB to decrypt */
	enum cipher_way way;
	size_t size;                      /* octets of a block */
	size_t used;                      /* octets of stream that are used up; size: a new block is needed */
	uint8_t stream[CIPHER_BLOCK_MAX]; /* key stream of the open block */
	uint8_t block[CIPHER_BLOCK_MAX];  /* the open block: plaintext when encrypting, else ciphertext */
	uint8_t batch[BATCH + CIPHER_BLOCK_MAX];
};

static const struct cipher_row rows[CIPHER_COUNT] = {
	[CIPHER_AES128] = { "AES128", 16, 16, EVP_aes_128_ecb, EVP_aes_128_cbc, EVP_aes_128_ctr, EVP_aes_128_ocb,
	    EVP_aes_128_gcm, EVP_aes_128_wrap },
	[CIPHER_AES192] = { "AES192", 24, 16, EVP_aes_192_ecb, EVP_aes_192_cbc, EVP_aes_192_ctr, EVP_aes_192_ocb,
	    EVP_aes_192_gcm, EVP_aes_192_wrap },
	[CIPHER_AES256] = { "AES256", 32, 16, EVP_aes_256_ecb, EVP_aes_256_cbc, EVP_aes_256_ctr, EVP_aes_256_ocb,
	    EVP_aes_256_gcm, EVP_aes_256_wrap },
	[CIPHER_CAMELLIA128] = { "Camellia128", 16, 16, EVP_camellia_128_ecb, EVP_camellia_128_cbc },
	[CIPHER_CAMELLIA192] = { "Camellia192", 24, 16, EVP_camellia_192_ecb, EVP_camellia_192_cbc },
	[CIPHER_CAMELLIA256] = { "Camellia256", 32, 16, EVP_camellia_256_ecb, EVP_camellia_256_cbc },
	[CIPHER_3DES] = { "3DES", 24, 8, EVP_des_ede3_ecb, EVP_des_ede3_cbc },
	[CIPHER_CAST5] = { "CAST5", 16, 8, cipher_cast5_ecb, cipher_cast5_cbc },
	[CIPHER_BLOWFISH] = { "Blowfish", 16, 8, cipher_blowfish_ecb, cipher_blowfish_cbc },
};

const struct cipher_row *
cipher_row(enum cipher_id id)
{
	return &rows[id];
}

size_t
cipher_key_size(enum cipher_id id)
{
	return rows[id].key_size;
}

size_t
cipher_block_size(enum cipher_id id)
{
	return rows[id].block_size;
}

bool
cipher_available(enum cipher_id id)
{
	return rows[id].ecb() != NULL;
}

const char *
cipher_name(enum cipher_id id)
{
	return rows[id].name;
}

static int
setup(struct cipher *c, const EVP_CIPHER *mode, struct slice key, struct slice iv, struct error *e)
{
	static const uint8_t zero[CIPHER_BLOCK_MAX];

	if (iv.len != 0)
		memcpy(c->block, iv.data, iv.len);
	c->ctx = EVP_CIPHER_CTX_new();
	if (c->ctx == NULL || EVP_EncryptInit_ex(c->ctx, mode, NULL, key.data, zero) != 1 ||
	    EVP_CIPHER_CTX_set_padding(c->ctx, 0) != 1)
		return crypto_fail(e, "a cipher context");
	return 0;
}

int
cipher_cfb_new(
    enum cipher_id id, enum cipher_way way, struct slice key, struct slice iv, struct cipher **out, struct error *e)
{
	const struct cipher_row *row = &rows[id];
	const EVP_CIPHER *mode = way == CIPHER_ENCRYPT ? row->cbc() : row->ecb();
	struct cipher *c;
	int rc;

	if (key.len != row->key_size || (iv.len != 0 && iv.len != row->block_size))
		return error_set(e, ERR_USAGE, "%s takes a key of %zu octets and an IV of %zu, not %zu and %zu",
		    row->name, row->key_size, row->block_size, key.len, iv.len);
	if (mode == NULL)
		return crypto_unsupported(e, row->name);
	c = mem_alloc(sizeof *c);
	if (c == NULL)
		return error_nomem(e);
	c->way = way;
	c->size = c->used = row->block_size;
	rc = setup(c, mode, key, iv, e);
	if (rc != 0)
		cipher_free(c);
	else
		*out = c;
	return rc;
}

/* out = a ^ b; any of the three may be the same. */
static void
xor_into(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		uint64_t x, y;

		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		x ^= y;
		memcpy(out + i, &x, 8);
	}
	for (; i < len; i++)
		out[i] = (uint8_t)(a[i] ^ b[i]);
}

static int
run(struct cipher *c, const uint8_t *in, uint8_t *out, size_t len, struct error *e)
{
	int n = 0;

	if (EVP_EncryptUpdate(c->ctx, out, &n, in, (int)len) != 1 || (size_t)n != len)
		return crypto_fail(e, "a key stream");
	return 0;
}

/*
 * Whole blocks, at most BATCH octets. The batch is what feeds the cipher:
 * the block before, then all but the last of these. For CFB decryption that is
 * ciphertext through ECB; for encryption plaintext through CBC, whose chain is
 * the key stream.
 */
static int
step_blocks(struct cipher *c, const uint8_t *in, uint8_t *out, size_t len, struct error *e)
{
	int rc;

	memcpy(c->batch, c->block, c->size);
	memcpy(c->batch + c->size, in, len); /* its last block is not enciphered now, it is the next c->block */
	memcpy(c->block, in + len - c->size, c->size);
	rc = run(c, c->batch, c->batch, len, e);
	if (rc == 0)
		xor_into(out, in, c->batch, len);
	return rc;
}

/* Octets of a block that is open, or opens one. Returns how many were done, negative on failure. */
static int
step_part(struct cipher *c, const uint8_t *in, uint8_t *out, size_t len, struct error *e)
{
	size_t n;
	int rc;

	if (c->used == c->size) {
		rc = run(c, c->block, c->stream, c->size, e);
		if (rc != 0)
			return rc;
		c->used = 0;
	}
	n = size_min(len, c->size - c->used);
	memcpy(c->block + c->used, in, n);
	xor_into(out, in, c->stream + c->used, n);
	c->used += n;
	return (int)n;
}

int
cipher_step(struct cipher *c, const uint8_t *in, uint8_t *out, size_t len, struct error *e)
{
	size_t at = 0;
	int rc;

	while (at < len) {
		size_t n = size_min(len - at, BATCH);

		if (c->used == c->size && n >= c->size) {
			n -= n % c->size;
			rc = step_blocks(c, in + at, out + at, n, e);
		} else {
			rc = step_part(c, in + at, out + at, n, e);
			n = rc < 0 ? 0 : (size_t)rc;
		}
		if (rc < 0)
			return rc;
		at += n;
	}
	return 0;
}

void
cipher_free(struct cipher *c)
{
	if (c == NULL)
		return;
	EVP_CIPHER_CTX_free(c->ctx);
	secret_wipe(c, sizeof *c);
	mem_free(c);
}

int
cipher_cfb_once(enum cipher_id id, enum cipher_way way, struct slice key, struct slice iv, struct slice in,
    uint8_t *out, struct error *e)
{
	struct cipher *c = NULL;
	int rc = cipher_cfb_new(id, way, key, iv, &c, e);

	if (rc != 0)
		return rc;
	rc = cipher_step(c, in.data, out, in.len, e);
	cipher_free(c);
	return rc;
}
