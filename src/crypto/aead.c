/* SPDX-License-Identifier: ISC */
#include "crypto/aead.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/aead_eax.h"
#include "crypto/cipher_table.h"
#include "crypto/fail.h"
#include "crypto/secret.h"

struct aead {
	enum aead_id id;
	enum cipher_way way;
	size_t nonce;        /* octets */
	EVP_CIPHER_CTX *ctx; /* OCB, GCM */
	struct eax *eax;     /* EAX, which libcrypto does not have */
};

static const struct aead_row {
	const char *name;
	size_t nonce;
} rows[AEAD_COUNT] = {
	[AEAD_EAX] = { "EAX", 16 },
	[AEAD_OCB] = { "OCB", 15 },
	[AEAD_GCM] = { "GCM", 12 },
};

size_t
aead_nonce_size(enum aead_id id)
{
	return rows[id].nonce;
}

const char *
aead_name(enum aead_id id)
{
	return rows[id].name;
}

/* libcrypto wants the mode, then the lengths, then the key: setting a length afterwards would forget the key. */
static int
setup(struct aead *a, enum cipher_id cipher, struct slice key, struct error *e)
{
	const struct cipher_row *row = cipher_row(cipher);
	const EVP_CIPHER *mode = a->id == AEAD_OCB ? row->ocb() : row->gcm();
	int enc = a->way == CIPHER_ENCRYPT;

	a->ctx = EVP_CIPHER_CTX_new();
	if (a->ctx == NULL)
		return error_nomem(e);
	if (EVP_CipherInit_ex(a->ctx, mode, NULL, NULL, NULL, enc) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)a->nonce, NULL) != 1 ||
	    (a->id == AEAD_OCB && EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, NULL) != 1) ||
	    EVP_CipherInit_ex(a->ctx, NULL, NULL, key.data, NULL, enc) != 1)
		return crypto_fail(e, "an AEAD context");
	return 0;
}

static int
make(enum aead_id id, size_t nonce, enum cipher_id cipher, enum cipher_way way, struct slice key, struct aead **out,
    struct error *e)
{
	struct aead *a;
	int rc;

	if (key.len != cipher_key_size(cipher))
		return error_set(e, ERR_USAGE, "%s takes a key of %zu octets, not %zu", cipher_name(cipher),
		    cipher_key_size(cipher), key.len);
	if (cipher_row(cipher)->ocb == NULL)
		return error_set(e, ERR_UNSUPPORTED, "%s is not used with %s here", cipher_name(cipher), rows[id].name);
	a = mem_alloc(sizeof *a);
	if (a == NULL)
		return error_nomem(e);
	a->id = id;
	a->nonce = nonce;
	a->way = way;
	rc = id == AEAD_EAX ? eax_new(cipher, key, &a->eax, e) : setup(a, cipher, key, e);
	if (rc != 0) {
		aead_free(a);
		return rc;
	}
	*out = a;
	return 0;
}

int
aead_new(
    enum aead_id id, enum cipher_id cipher, enum cipher_way way, struct slice key, struct aead **out, struct error *e)
{
	return make(id, rows[id].nonce, cipher, way, key, out, e);
}

int
aead_new_with_nonce(enum aead_id id, size_t nonce_size, enum cipher_id cipher, enum cipher_way way, struct slice key,
    struct aead **out, struct error *e)
{
	if (id == AEAD_EAX || nonce_size == 0 || nonce_size > 15)
		return error_set(e, ERR_USAGE, "%s takes no nonce of %zu octets", rows[id].name, nonce_size);
	return make(id, nonce_size, cipher, way, key, out, e);
}

static int
start(struct aead *a, struct slice nonce, struct slice ad, size_t len, struct error *e)
{
	int n;

	if (nonce.len != a->nonce || len > INT_MAX || ad.len > INT_MAX)
		return error_set(
		    e, ERR_USAGE, "%s takes a nonce of %zu octets, not %zu", rows[a->id].name, a->nonce, nonce.len);
	if (EVP_CipherInit_ex(a->ctx, NULL, NULL, NULL, nonce.data, -1) != 1 ||
	    (ad.len > 0 && EVP_CipherUpdate(a->ctx, NULL, &n, ad.data, (int)ad.len) != 1))
		return crypto_fail(e, "an AEAD message");
	return 0;
}

int
aead_seal(struct aead *a, struct slice nonce, struct slice ad, const uint8_t *in, size_t len, uint8_t *out,
    uint8_t *tag, struct error *e)
{
	int rc, n = 0, last = 0;
	uint8_t none[AEAD_TAG];

	if (a->id == AEAD_EAX)
		return eax_seal(a->eax, nonce, ad, in, len, out, tag, e);
	rc = start(a, nonce, ad, len, e);
	if (rc != 0)
		return rc;
	if ((len > 0 && EVP_EncryptUpdate(a->ctx, out, &n, in, (int)len) != 1) ||
	    EVP_EncryptFinal_ex(a->ctx, len > 0 ? out + n : none, &last) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, tag) != 1 || (size_t)n + (size_t)last != len)
		return crypto_fail(e, "AEAD ciphertext");
	return 0;
}

int
aead_open(struct aead *a, struct slice nonce, struct slice ad, const uint8_t *in, size_t len, uint8_t *out,
    const uint8_t *tag, struct error *e)
{
	int rc, n = 0, last = 0;
	uint8_t none[AEAD_TAG], want[AEAD_TAG];

	memcpy(want, tag, AEAD_TAG);
	if (a->id == AEAD_EAX)
		return eax_open(a->eax, nonce, ad, in, len, out, want, e);
	rc = start(a, nonce, ad, len, e);
	if (rc != 0)
		return rc;
	if (EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, want) != 1 ||
	    (len > 0 && EVP_DecryptUpdate(a->ctx, out, &n, in, (int)len) != 1))
		return crypto_fail(e, "AEAD plaintext");
	if (EVP_DecryptFinal_ex(a->ctx, len > 0 ? out + n : none, &last) == 1 && (size_t)n + (size_t)last == len)
		return 0;
	if (len > 0)
		secret_wipe(out, len);
	return crypto_refuse(
	    e, ERR_INTEGRITY, "the authentication tag does not match: the data was changed, or this is not its key");
}

void
aead_free(struct aead *a)
{
	if (a == NULL)
		return;
	EVP_CIPHER_CTX_free(a->ctx);
	eax_free(a->eax);
	mem_free(a);
}
