/* SPDX-License-Identifier: ISC */
#include "crypto/aead_eax.h"

#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/cipher_table.h"
#include "crypto/compare.h"
#include "crypto/fail.h"
#include "crypto/secret.h"

struct eax {
	EVP_CIPHER_CTX *ctr;
	EVP_MAC_CTX *mac;
	size_t key_size;
	uint8_t key[CIPHER_KEY_MAX];
};

static int
setup(struct eax *x, enum cipher_id cipher, struct error *e)
{
	static const char *const names[CIPHER_COUNT] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC" };
	char name[16];
	EVP_MAC *cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	OSSL_PARAM params[2];

	(void)memcpy(name, names[cipher], strlen(names[cipher]) + 1);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0);
	params[1] = OSSL_PARAM_construct_end();
	x->mac = cmac == NULL ? NULL : EVP_MAC_CTX_new(cmac);
	EVP_MAC_free(cmac);
	x->ctr = EVP_CIPHER_CTX_new();
	if (x->mac == NULL || x->ctr == NULL ||
	    EVP_EncryptInit_ex(x->ctr, cipher_row(cipher)->ctr(), NULL, x->key, NULL) != 1 ||
	    EVP_MAC_init(x->mac, x->key, x->key_size, params) != 1)
		return crypto_fail(e, "an EAX context");
	return 0;
}

int
eax_new(enum cipher_id cipher, struct slice key, struct eax **out, struct error *e)
{
	struct eax *x = mem_alloc(sizeof *x);
	int rc;

	if (x == NULL)
		return error_nomem(e);
	x->key_size = key.len;
	memcpy(x->key, key.data, key.len);
	rc = setup(x, cipher, e);
	if (rc != 0)
		eax_free(x);
	else
		*out = x;
	return rc;
}

/* OMAC with the tweak as a first block of 15 zeros and the number. */
static int
omac(struct eax *x, uint8_t tweak, struct slice in, uint8_t out[AEAD_TAG], struct error *e)
{
	uint8_t block[CIPHER_BLOCK] = { [CIPHER_BLOCK - 1] = tweak };
	size_t n;

	if (EVP_MAC_init(x->mac, x->key, x->key_size, NULL) != 1 || EVP_MAC_update(x->mac, block, sizeof block) != 1 ||
	    (in.len > 0 && EVP_MAC_update(x->mac, in.data, in.len) != 1) ||
	    EVP_MAC_final(x->mac, out, &n, AEAD_TAG) != 1 || n != AEAD_TAG)
		return crypto_fail(e, "an EAX tag");
	return 0;
}

static int
counter(struct eax *x, const uint8_t *iv, const uint8_t *in, size_t len, uint8_t *out, struct error *e)
{
	int n = 0;

	if (len > INT_MAX || EVP_EncryptInit_ex(x->ctr, NULL, NULL, NULL, iv) != 1 ||
	    (len > 0 && EVP_EncryptUpdate(x->ctr, out, &n, in, (int)len) != 1))
		return crypto_fail(e, "EAX text");
	return 0;
}

/* The nonce's mac, which is the first counter too, and the tag over a ciphertext. */
static int
tag_of(struct eax *x, const uint8_t iv[AEAD_TAG], struct slice ad, struct slice text, uint8_t tag[AEAD_TAG],
    struct error *e)
{
	uint8_t h[AEAD_TAG], c[AEAD_TAG];
	int rc = omac(x, 1, ad, h, e);

	if (rc == 0)
		rc = omac(x, 2, text, c, e);
	for (size_t i = 0; rc == 0 && i < AEAD_TAG; i++)
		tag[i] = (uint8_t)(iv[i] ^ h[i] ^ c[i]);
	return rc;
}

int
eax_seal(struct eax *x, struct slice nonce, struct slice ad, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag,
    struct error *e)
{
	uint8_t iv[AEAD_TAG];
	int rc = omac(x, 0, nonce, iv, e);

	if (rc == 0)
		rc = counter(x, iv, in, len, out, e);
	if (rc == 0)
		rc = tag_of(x, iv, ad, slice_of(out, len), tag, e);
	return rc;
}

int
eax_open(struct eax *x, struct slice nonce, struct slice ad, const uint8_t *in, size_t len, uint8_t *out,
    const uint8_t *tag, struct error *e)
{
	uint8_t iv[AEAD_TAG], want[AEAD_TAG];
	int rc = omac(x, 0, nonce, iv, e);

	if (rc == 0)
		rc = tag_of(x, iv, ad, slice_of(in, len), want, e);
	if (rc != 0)
		return rc;
	if (!compare_equal(slice_of(want, AEAD_TAG), slice_of(tag, AEAD_TAG)))
		return error_set(e, ERR_INTEGRITY,
		    "the authentication tag does not match: the data was changed, or this is not its key");
	return counter(x, iv, in, len, out, e);
}

void
eax_free(struct eax *x)
{
	if (x == NULL)
		return;
	EVP_CIPHER_CTX_free(x->ctr);
	EVP_MAC_CTX_free(x->mac);
	secret_wipe(x, sizeof *x);
	mem_free(x);
}
