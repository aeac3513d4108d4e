/* SPDX-License-Identifier: ISC */
#include "crypto/secret.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/region.h"
#include "crypto/random.h"

#define HEAP_BLOCK_MIN 32 /* octets of the smallest piece of the secure heap */

void
secret_heap_init(size_t size)
{
	if (!CRYPTO_secure_malloc_initialized())
		(void)CRYPTO_secure_malloc_init(size, HEAP_BLOCK_MIN);
}

/* ---- all of libcrypto in one region ---- */

static struct region *within;

static void *
take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return region_alloc(within, size);
}

static void *
take_again(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return region_realloc(within, p, size);
}

static void
give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	region_free(within, p);
}

int
secret_within(struct region *r, struct error *e)
{
	within = r;
	if (CRYPTO_set_mem_functions(take, take_again, give_back) == 1)
		return 0;
	return error_set(e, ERR_ORDER, "libcrypto has begun already: its memory cannot be moved any more");
}

/* More than any call of libcrypto takes; under AddressSanitizer its frames are several times as large. */
#define STACK_WIPED (192u * 1024u)

#if defined(__has_attribute)
#if __has_attribute(zero_call_used_regs)
#define LOSES_REGISTERS __attribute__((zero_call_used_regs("all")))
#endif
#endif
#ifndef LOSES_REGISTERS
#define LOSES_REGISTERS
#endif

__attribute__((noinline)) LOSES_REGISTERS void
secret_wipe_stack(void)
{
	uint8_t below[STACK_WIPED];

	OPENSSL_cleanse(below, sizeof below);
}

int
secret_new(struct secret *s, size_t len, struct error *e)
{
	*s = SECRET_EMPTY;
	s->data = OPENSSL_secure_zalloc(len == 0 ? 1 : len);
	if (s->data == NULL)
		return error_nomem(e);
	s->len = len;
	return 0;
}

int
secret_copy(struct secret *s, struct slice from, struct error *e)
{
	int rc = secret_new(s, from.len, e);

	if (rc == 0 && from.len > 0)
		memcpy(s->data, from.data, from.len);
	return rc;
}

int
secret_random(struct secret *s, size_t len, struct error *e)
{
	int rc = secret_new(s, len, e);

	if (rc == 0 && (rc = random_bytes(s->data, len, e)) != 0)
		secret_done(s);
	return rc;
}

struct secret
secret_take(struct secret *from)
{
	struct secret s = *from;

	*from = SECRET_EMPTY;
	return s;
}

void
secret_cut(struct secret *s, size_t len)
{
	if (len >= s->len)
		return;
	OPENSSL_cleanse(s->data + len, s->len - len);
	s->len = len;
}

void
secret_done(struct secret *s)
{
	if (s == NULL || s->data == NULL)
		return;
	OPENSSL_cleanse(s->data, s->len);
	OPENSSL_secure_free(s->data);
	*s = SECRET_EMPTY;
}

void
secret_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}
