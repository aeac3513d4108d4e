/* SPDX-License-Identifier: ISC */
#include "crypto/pem_secret.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "crypto/fail.h"

struct pem_secret {
	enum pem_public_kind kind;
	EVP_PKEY *key;
};

static int
keep(EVP_PKEY *key, struct pem_secret **out, struct error *e)
{
	int type = EVP_PKEY_get_base_id(key), bits = EVP_PKEY_get_bits(key);
	struct pem_secret *k;

	if (type != EVP_PKEY_ED25519 &&
	    (type != EVP_PKEY_RSA || bits < (int)PEM_SECRET_RSA_BITS_MIN || bits > (int)PEM_SECRET_RSA_BITS_MAX))
		return error_set(e, ERR_UNSUPPORTED, "secret keys are Ed25519 or RSA of %u to %u bits here",
		    PEM_SECRET_RSA_BITS_MIN, PEM_SECRET_RSA_BITS_MAX);
	k = mem_alloc(sizeof *k);
	if (k == NULL || EVP_PKEY_up_ref(key) != 1) {
		mem_free(k);
		return error_nomem(e);
	}
	k->kind = type == EVP_PKEY_RSA ? PEM_PUBLIC_RSA : PEM_PUBLIC_ED25519;
	k->key = key;
	*out = k;
	return 0;
}

/* A text that is encrypted is none for us: nobody is asked for a passphrase here. */
static int
no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

int
pem_secret_parse(struct slice pem, struct pem_secret **out, struct error *e)
{
	EVP_PKEY *key;
	BIO *in;
	int rc;

	if (pem.len > PEM_SECRET_TEXT_MAX)
		return error_set(e, ERR_LIMIT, "PEM text over %u octets", PEM_SECRET_TEXT_MAX);
	in = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (in == NULL)
		return error_nomem(e);
	key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
	ERR_clear_error();
	rc = key == NULL ? error_set(e, ERR_SYNTAX, "there is no \"BEGIN PRIVATE KEY\" that can be read")
			 : keep(key, out, e);
	EVP_PKEY_free(key);
	BIO_free(in);
	return rc;
}

int
pem_secret_generate(enum pem_public_kind kind, size_t bits, struct pem_secret **out, struct error *e)
{
	EVP_PKEY *key = NULL;
	int rc;

	if (kind == PEM_PUBLIC_RSA && bits >= PEM_SECRET_RSA_BITS_MIN && bits <= PEM_SECRET_RSA_BITS_MAX)
		key = EVP_RSA_gen((unsigned)bits);
	else if (kind == PEM_PUBLIC_ED25519)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		return error_set(e, ERR_UNSUPPORTED, "no key of this kind and size is made here");
	rc = key == NULL ? crypto_fail(e, "a secret key") : keep(key, out, e);
	EVP_PKEY_free(key);
	return rc;
}

int
pem_secret_write(const struct pem_secret *k, struct secret *out, struct error *e)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	long len;
	int rc;

	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, k->key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    (len = BIO_get_mem_data(bio, &text)) <= 0)
		rc = crypto_fail(e, "the text of a secret key");
	else
		rc = secret_copy(out, slice_of(text, (size_t)len), e);
	BIO_free(bio);
	return rc;
}

enum pem_public_kind
pem_secret_kind(const struct pem_secret *k)
{
	return k->kind;
}

size_t
pem_secret_signature_size(const struct pem_secret *k)
{
	return (size_t)EVP_PKEY_get_size(k->key);
}

static int
put_spki(const struct pem_secret *k, struct buf *out, struct error *e)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(k->key, &der);

	if (len <= 0)
		return crypto_fail(e, "a public key");
	(void)buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	return out->err != 0 ? error_set(e, out->err, "there is no room for a public key") : 0;
}

int
pem_secret_public(const struct pem_secret *k, struct buf *out, struct error *e)
{
	uint8_t octets[SIGN_PUBLIC_MAX];
	size_t len = sizeof octets;

	if (k->kind == PEM_PUBLIC_RSA)
		return put_spki(k, out, e);
	if (EVP_PKEY_get_raw_public_key(k->key, octets, &len) != 1)
		return crypto_fail(e, "a public key");
	return buf_put(out, octets, len) != 0 ? error_set(e, out->err, "there is no room for a public key") : 0;
}

/* Checked before it leaves: a fault while signing would give an RSA key's primes away. */
static int
sign_rsa(EVP_PKEY *key, struct slice digest, uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	int good = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_sign(ctx, out, len, digest.data, digest.len) == 1 && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_verify(ctx, out, *len, digest.data, digest.len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

static int
sign_ed25519(EVP_PKEY *key, struct slice digest, uint8_t *out, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int good = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, out, len, digest.data, digest.len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

int
pem_secret_sign(const struct pem_secret *k, struct slice digest, struct buf *signature_out, struct error *e)
{
	uint8_t out[PEM_SECRET_RSA_BITS_MAX / 8];
	size_t len = sizeof out;
	int good;

	if (digest.len != hash_size(HASH_SHA256))
		return error_set(e, ERR_USAGE, "a SHA-256 digest has 32 octets");
	good =
	    k->kind == PEM_PUBLIC_RSA ? sign_rsa(k->key, digest, out, &len) : sign_ed25519(k->key, digest, out, &len);
	if (!good)
		return crypto_fail(e, "a signature");
	return buf_put(signature_out, out, len) != 0
	    ? error_set(e, signature_out->err, "there is no room for a signature")
	    : 0;
}

void
pem_secret_free(struct pem_secret *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->key);
	mem_free(k);
}
