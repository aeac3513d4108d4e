/* SPDX-License-Identifier: ISC */
#include "crypto/kdf.h"

#include <limits.h>
#include <string.h>

#include <argon2.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "crypto/fail.h"
#include "crypto/hash_table.h"
#include "crypto/hmac.h"

/*
 * RFC 5869 section 2 written out over HMAC: the calls are few, and libcrypto's own
 * provider interface wants more lines than the algorithm has.
 */
int
kdf_hkdf(
    enum hash_id id, struct slice key, struct slice salt, struct slice info, uint8_t *out, size_t len, struct error *e)
{
	static const uint8_t zeros[HASH_SIZE_MAX];
	uint8_t prk[HASH_SIZE_MAX], block[HASH_SIZE_MAX], in[HASH_SIZE_MAX + 256 + 1];
	size_t size = hash_size(id), have = 0, n;
	uint8_t counter = 0;
	int rc;

	if (len > 255 * size || info.len > 256)
		return error_set(e, ERR_USAGE, "HKDF gives at most 255 digests, with an info of 256 octets at most");
	rc = hmac_once(id, salt.len == 0 ? slice_of(zeros, size) : salt, key, prk, e);
	while (rc == 0 && len > 0) {
		memcpy(in, block, have);
		if (info.len > 0)
			memcpy(in + have, info.data, info.len);
		in[have + info.len] = ++counter;
		rc = hmac_once(id, slice_of(prk, size), slice_of(in, have + info.len + 1), block, e);
		if (rc != 0)
			break;
		have = size;
		n = size_min(len, size);
		memcpy(out, block, n);
		out += n;
		len -= n;
	}
	secret_wipe(prk, sizeof prk);
	secret_wipe(block, sizeof block);
	secret_wipe(in, sizeof in);
	return rc;
}

/* Argon2 reads all over its memory: on large pages that takes a fifth less time. libargon2 wipes it before it is freed. */
static int
large_memory(uint8_t **memory, size_t size)
{
	*memory = mem_alloc_large(size);
	return *memory == NULL ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
}

static void
large_memory_free(uint8_t *memory, size_t size)
{
	(void)size;
	mem_free(memory);
}

int
kdf_argon2id(
    const struct kdf_argon2 *cost, struct slice password, struct slice salt, uint8_t *out, size_t len, struct error *e)
{
	int rc;

	if (cost->passes == 0 || cost->lanes == 0 || cost->memory_kib < 8 * (uint64_t)cost->lanes || salt.len < 8 ||
	    len < 4)
		return error_set(e, ERR_USAGE,
		    "Argon2 with %u passes, %u lanes, %u KiB and a salt of %zu octets does not exist", cost->passes,
		    cost->lanes, cost->memory_kib, salt.len);
	if (cost->memory_kib > KDF_ARGON2_MEMORY_MAX_KIB || cost->passes > KDF_ARGON2_PASSES_MAX ||
	    cost->lanes > KDF_ARGON2_LANES_MAX || (uint64_t)cost->passes * cost->memory_kib > KDF_ARGON2_WORK_MAX ||
	    password.len > UINT32_MAX)
		return error_set(e, ERR_LIMIT,
		    "Argon2 with %u passes over %u KiB costs more than we spend on one password", cost->passes,
		    cost->memory_kib);
	{
		/* The call takes non-const pointers only because it can clear what they point at; the flags say that it does not. */
		argon2_context ctx = {
			.out = out,
			.outlen = (uint32_t)len,
			.pwd = (uint8_t *)(uintptr_t)password.data,
			.pwdlen = (uint32_t)password.len,
			.salt = (uint8_t *)(uintptr_t)salt.data,
			.saltlen = (uint32_t)salt.len,
			.secret = (uint8_t *)(uintptr_t)cost->secret.data,
			.secretlen = (uint32_t)cost->secret.len,
			.ad = (uint8_t *)(uintptr_t)cost->ad.data,
			.adlen = (uint32_t)cost->ad.len,
			.t_cost = cost->passes,
			.m_cost = cost->memory_kib,
			.lanes = cost->lanes,
			.threads = 1,
			.version = ARGON2_VERSION_13,
			.allocate_cbk = large_memory,
			.free_cbk = large_memory_free,
			.flags = ARGON2_DEFAULT_FLAGS,
		};
		rc = argon2id_ctx(&ctx);
	}
	if (rc == ARGON2_MEMORY_ALLOCATION_ERROR)
		return error_set(e, ERR_NOMEM, "there is no memory for Argon2 with %u KiB", cost->memory_kib);
	if (rc != ARGON2_OK)
		return error_set(e, ERR_CRYPTO, "Argon2 failed: %s", argon2_error_message(rc));
	return 0;
}

int
kdf_pbkdf2(enum hash_id id, struct slice password, struct slice salt, uint32_t iterations, uint8_t *out, size_t len,
    struct error *e)
{
	if (iterations == 0 || len == 0)
		return error_set(e, ERR_USAGE, "PBKDF2 of no iterations or no octets does not exist");
	if (iterations > KDF_PBKDF2_ITERATIONS_MAX || password.len > INT_MAX || salt.len > INT_MAX || len > INT_MAX)
		return error_set(
		    e, ERR_LIMIT, "PBKDF2 with %u iterations costs more than we spend on one password", iterations);
	if (PKCS5_PBKDF2_HMAC(password.len == 0 ? "" : (const char *)password.data, (int)password.len, salt.data,
		(int)salt.len, (int)iterations, hash_md(id), (int)len, out) != 1)
		return crypto_fail(e, "PBKDF2");
	return 0;
}
