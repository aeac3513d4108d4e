/* SPDX-License-Identifier: ISC */
#include "crypto/hash.h"

#include <openssl/evp.h>

#include "base/mem.h"
#include "crypto/fail.h"
#include "crypto/hash_table.h"

struct hash {
	EVP_MD_CTX *ctx;
	enum hash_id id;
	bool failed;
};

static const struct hash_row {
	const char *name;
	size_t size;
	const EVP_MD *(*md)(void);
} rows[HASH_COUNT] = {
	[HASH_MD5] = { "MD5", 16, EVP_md5 },
	[HASH_SHA1] = { "SHA1", 20, EVP_sha1 },
	[HASH_RIPEMD160] = { "RIPEMD160", 20, EVP_ripemd160 },
	[HASH_SHA224] = { "SHA224", 28, EVP_sha224 },
	[HASH_SHA256] = { "SHA256", 32, EVP_sha256 },
	[HASH_SHA384] = { "SHA384", 48, EVP_sha384 },
	[HASH_SHA512] = { "SHA512", 64, EVP_sha512 },
	[HASH_SHA3_256] = { "SHA3-256", 32, EVP_sha3_256 },
	[HASH_SHA3_512] = { "SHA3-512", 64, EVP_sha3_512 },
};

size_t
hash_size(enum hash_id id)
{
	return rows[id].size;
}

const char *
hash_name(enum hash_id id)
{
	return rows[id].name;
}

const EVP_MD *
hash_md(enum hash_id id)
{
	return rows[id].md();
}

static int
hash_alloc(enum hash_id id, struct hash **out, struct error *e)
{
	struct hash *h = mem_alloc(sizeof *h);

	if (h == NULL)
		return error_nomem(e);
	h->id = id;
	h->ctx = EVP_MD_CTX_new();
	if (h->ctx == NULL) {
		mem_free(h);
		return error_nomem(e);
	}
	*out = h;
	return 0;
}

int
hash_new(enum hash_id id, struct hash **out, struct error *e)
{
	struct hash *h = NULL;
	int rc = hash_alloc(id, &h, e);

	if (rc != 0)
		return rc;
	if (EVP_DigestInit_ex(h->ctx, hash_md(id), NULL) != 1) {
		hash_free(h);
		(void)crypto_fail(NULL, "");
		return error_set(e, ERR_UNSUPPORTED, "the hash function %s is not in this libcrypto", hash_name(id));
	}
	*out = h;
	return 0;
}

enum hash_id
hash_id(const struct hash *h)
{
	return h->id;
}

void
hash_update(struct hash *h, struct slice in)
{
	if (in.len > 0 && EVP_DigestUpdate(h->ctx, in.data, in.len) != 1)
		h->failed = true;
}

int
hash_copy(const struct hash *h, struct hash **out, struct error *e)
{
	struct hash *copy = NULL;
	int rc = hash_alloc(h->id, &copy, e);

	if (rc != 0)
		return rc;
	copy->failed = h->failed;
	if (EVP_MD_CTX_copy_ex(copy->ctx, h->ctx) != 1) {
		hash_free(copy);
		return crypto_fail(e, "a copy of a hash context");
	}
	*out = copy;
	return 0;
}

int
hash_finish(struct hash *h, uint8_t *out, struct error *e)
{
	if (h->failed || EVP_DigestFinal_ex(h->ctx, out, NULL) != 1)
		return crypto_fail(e, "a digest");
	return 0;
}

void
hash_free(struct hash *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	mem_free(h);
}

void
hash_free_pointer(struct hash **h)
{
	hash_free(*h);
	*h = NULL;
}

int
hash_once(enum hash_id id, struct slice in, uint8_t *out, struct error *e)
{
	if (EVP_Digest(in.len == 0 ? "" : (const void *)in.data, in.len, out, NULL, hash_md(id), NULL) != 1)
		return crypto_fail(e, "a digest");
	return 0;
}
