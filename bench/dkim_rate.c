/* SPDX-License-Identifier: ISC */
/*
 * How much processor time DKIM takes for a message, beside that of its primitives alone in libcrypto: SHA-256 of the
 * same octets, and the signature's own operation. A secret key is loaded already; a public one is made of its numbers
 * each time, as every message brings another, and that in libcrypto's quickest way.
 *
 *   bench_dkim_rate sign|verify rsa|ed25519 OCTETS SECONDS
 *
 * One line: messages a second of processor time, ours and the primitives'. They alternate every few messages, so that both
 * meet the same machine. Signing is hashing the body, writing what is signed, the key's own check of it, the signature and
 * the field; verifying is all from the message's octets and the key's record to the verdict.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/pem_secret.h"
#include "mailauth/dkim/sign.h"
#include "mailauth/dkim/verify.h"
#include "os/clock.h"

#define NOW 1700000000u
#define AT_ONCE 20

static struct pem_secret *key;
static bool ed25519;
static struct buf message, header, body, record;

static void
fail(const char *what)
{
	(void)fprintf(stderr, "bench_dkim_rate: %s\n", what);
	exit(1);
}

/* ---- the message: as people write, text in lines; each with single spaces ---- */

static void
make_message(size_t octets)
{
	static const char *const words[] = { "this", "letter", "says", "nothing", "of", "importance", "to", "anybody" };
	uint32_t random = 1;

	buf_init(&header, 1 << 16);
	buf_init(&body, 64u << 20);
	buf_init(&message, 64u << 20);
	(void)buf_put_str(&header,
	    "From: Alice Liddell <alice@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: A letter of some "
	    "length\r\n"
	    "Date: Fri, 27 Nov 2026 10:00:00 +0000\r\nMessage-ID: <20261127100000.1@example.org>\r\nMIME-Version: "
	    "1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nUser-Agent: x\r\n\r\n");
	while (header.len + body.len < octets) {
		for (unsigned i = 0; i < 10; i++) {
			random = random * 1664525u + 1013904223u;
			(void)buf_putf(&body, "%s%s", i > 0 ? " " : "", words[random >> 29]);
		}
		(void)buf_put_str(&body, "\r\n");
	}
}

/* ---- ours ---- */

static void
sign(struct buf *field_out)
{
	const struct dkim_sign s = { .algorithm = ed25519 ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256,
		.domain = SLICE("example.org"),
		.selector = SLICE("s"),
		.now = NOW };
	BUF_OWNED struct buf octets = { 0 }, signature = { 0 };
	struct dkim_sign_claim claim;
	uint8_t digest[HASH_SIZE_MAX];
	struct dkim_body *b;

	buf_init(&octets, MAILAUTH_DKIM_SIGNED_MAX);
	buf_init(&signature, 1024);
	if (dkim_body_new(DKIM_RELAXED, &b, NULL) != 0)
		fail("no memory");
	dkim_body_put(b, buf_slice(&body));
	if (dkim_body_end(b, NULL) != 0 ||
	    dkim_sign_octets(&s, buf_slice(&header), dkim_body_hash(b, DKIM_BODY_WHOLE), &octets, NULL) != 0 ||
	    dkim_sign_claim(buf_slice(&octets), &claim, NULL) != 0 ||
	    hash_once(HASH_SHA256, buf_slice(&octets), digest, NULL) != 0 ||
	    pem_secret_sign(key, slice_of(digest, 32), &signature, NULL) != 0 ||
	    dkim_sign_field(buf_slice(&octets), buf_slice(&signature), field_out, NULL) != 0)
		fail("a message could not be signed");
	dkim_body_free(b);
}

static void
verify(void)
{
	const struct dkim_verify_config config = { .now = NOW };
	struct slice text = buf_slice(&record);
	const struct mailauth_answer answer = { .found = MAILAUTH_FOUND, .records = &text, .record_count = 1 };
	struct mailauth_question question;
	struct dkim_verify *v;
	size_t end = mime_header_length(buf_slice(&message));

	if (dkim_verify_new(&config, slice_sub(buf_slice(&message), 0, end), &v, NULL) != 0)
		fail("no memory");
	dkim_verify_body(v, slice_from(buf_slice(&message), end));
	while (dkim_verify_next(v, &question) == DKIM_VERIFY_LOOKUP)
		dkim_verify_answer(v, &answer);
	if (dkim_verify_best(v) != DKIM_PASS)
		fail("a message could not be verified");
	dkim_verify_free(v);
}

/* ---- the primitives ---- */

static EVP_PKEY *raw;
static BIGNUM *raw_n, *raw_e;
static uint8_t raw_public[32];
static uint8_t raw_signature[1024];
static size_t raw_len;

static EVP_PKEY *
load_public(void)
{
	OSSL_PARAM_BLD *b;
	OSSL_PARAM *params;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *made = NULL;

	if (ed25519)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw_public, sizeof raw_public);
	b = OSSL_PARAM_BLD_new();
	if (b == NULL || OSSL_PARAM_BLD_push_BN(b, "n", raw_n) != 1 || OSSL_PARAM_BLD_push_BN(b, "e", raw_e) != 1)
		fail("libcrypto");
	params = OSSL_PARAM_BLD_to_param(b);
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params) != 1)
		fail("libcrypto");
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	return made;
}

static EVP_PKEY_CTX *
rsa_context(EVP_PKEY *with, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(with, NULL);

	if (ctx == NULL || init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)
		fail("libcrypto");
	return ctx;
}

static void
digests(uint8_t out[32])
{
	uint8_t one[32];

	if (EVP_Digest(body.data, body.len, one, NULL, EVP_sha256(), NULL) != 1 ||
	    EVP_Digest(header.data, header.len, out, NULL, EVP_sha256(), NULL) != 1)
		fail("libcrypto");
}

static void
primitives_sign(void)
{
	uint8_t digest[32];

	digests(digest);
	raw_len = sizeof raw_signature;
	if (ed25519) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, raw) != 1 ||
		    EVP_DigestSign(ctx, raw_signature, &raw_len, digest, 32) != 1)
			fail("libcrypto");
		EVP_MD_CTX_free(ctx);
	} else {
		EVP_PKEY_CTX *ctx = rsa_context(raw, EVP_PKEY_sign_init);

		if (EVP_PKEY_sign(ctx, raw_signature, &raw_len, digest, 32) != 1)
			fail("libcrypto");
		EVP_PKEY_CTX_free(ctx);
	}
}

static void
primitives_verify(void)
{
	EVP_PKEY *with = load_public();
	uint8_t digest[32];

	digests(digest);
	if (ed25519) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, with) != 1 ||
		    EVP_DigestVerify(ctx, raw_signature, raw_len, digest, 32) != 1)
			fail("libcrypto");
		EVP_MD_CTX_free(ctx);
	} else {
		EVP_PKEY_CTX *ctx = rsa_context(with, EVP_PKEY_verify_init);

		if (EVP_PKEY_verify(ctx, raw_signature, raw_len, digest, 32) != 1)
			fail("libcrypto");
		EVP_PKEY_CTX_free(ctx);
	}
	EVP_PKEY_free(with);
}

/* ---- */

static void
make_keys(void)
{
	BUF_OWNED struct buf public = { 0 };

	buf_init(&public, 2048);
	buf_init(&record, 4096);
	if (pem_secret_generate(ed25519 ? PEM_PUBLIC_ED25519 : PEM_PUBLIC_RSA, 2048, &key, NULL) != 0 ||
	    pem_secret_public(key, &public, NULL) != 0 || dkim_key_write(ed25519, buf_slice(&public), &record) != 0)
		fail("no key could be made");
	raw = ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_RSA_gen(2048);
	if (raw == NULL ||
	    (ed25519 ? EVP_PKEY_get_raw_public_key(raw, raw_public, &(size_t){ sizeof raw_public }) != 1
		     : EVP_PKEY_get_bn_param(raw, "n", &raw_n) != 1 || EVP_PKEY_get_bn_param(raw, "e", &raw_e) != 1))
		fail("libcrypto");
}

static void
ours(bool signing)
{
	BUF_OWNED struct buf field = { 0 };

	buf_init(&field, DKIM_SIGN_FIELD_MAX);
	if (signing)
		sign(&field);
	else
		verify();
}

static void
primitives(bool signing)
{
	if (signing)
		primitives_sign();
	else
		primitives_verify();
}

int
main(int argc, char **argv)
{
	int64_t spent[2] = { 0, 0 }, end;
	unsigned long count = 0;
	bool signing;

	if (argc != 5) {
		(void)fprintf(stderr, "usage: bench_dkim_rate sign|verify rsa|ed25519 OCTETS SECONDS\n");
		return 2;
	}
	signing = strcmp(argv[1], "sign") == 0;
	ed25519 = strcmp(argv[2], "ed25519") == 0;
	make_message(strtoull(argv[3], NULL, 10));
	make_keys();
	sign(&message);
	(void)buf_put_slice(&message, buf_slice(&header));
	(void)buf_put_slice(&message, buf_slice(&body));
	primitives_sign();
	end = clock_ns() + (int64_t)(strtod(argv[4], NULL) * 1e9);
	for (; clock_ns() < end; count += AT_ONCE) {
		int64_t begin = clock_thread_ns(), middle;

		for (int i = 0; i < AT_ONCE; i++)
			ours(signing);
		middle = clock_thread_ns();
		for (int i = 0; i < AT_ONCE; i++)
			primitives(signing);
		spent[0] += middle - begin;
		spent[1] += clock_thread_ns() - middle;
	}
	(void)printf("%.1f %.1f\n", (double)count * 1e9 / (double)spent[0], (double)count * 1e9 / (double)spent[1]);
	return 0;
}
