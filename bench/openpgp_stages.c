/* SPDX-License-Identifier: ISC */
/*
 * libcrypto's own rates for the stages of an OpenPGP operation: how many CPU
 * seconds N MiB (argv[1]) cost in each, in blocks that stay in the cache, the
 * best of three. Prints one JSON object; the bench's limits are sums of these.
 * cfb_* are the fastest ways that we know (crypto/cipher.h), the evp_* ones
 * what libcrypto's own CFB costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/base64.h"
#include "base/crc.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

#define BLOCK (64u << 10)
#define ROUNDS 3

static uint8_t in[BLOCK], out[BLOCK + 64];
static const uint8_t key[32] = { 1, 2, 3 };

static double
cpu_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
check(int rc)
{
	if (rc != 0) {
		(void)fprintf(stderr, "openpgp_stages: a stage failed\n");
		exit(1);
	}
}

static void
stage_cfb(size_t blocks, enum cipher_way way)
{
	struct cipher *c;

	check(cipher_cfb_new(CIPHER_AES256, way, slice_of(key, 32), SLICE_EMPTY, &c, NULL));
	for (size_t i = 0; i < blocks; i++)
		check(cipher_step(c, in, out, BLOCK, NULL));
	cipher_free(c);
}

static void
cfb_encrypt(size_t blocks)
{
	stage_cfb(blocks, CIPHER_ENCRYPT);
}

static void
cfb_decrypt(size_t blocks)
{
	stage_cfb(blocks, CIPHER_DECRYPT);
}

static void
stage_evp(size_t blocks, int enc)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	check(EVP_CipherInit_ex(ctx, EVP_aes_256_cfb128(), NULL, key, key, enc) != 1);
	for (size_t i = 0; i < blocks; i++)
		check(EVP_CipherUpdate(ctx, out, &n, in, BLOCK) != 1);
	EVP_CIPHER_CTX_free(ctx);
}

static void
evp_cfb_encrypt(size_t blocks)
{
	stage_evp(blocks, 1);
}

static void
evp_cfb_decrypt(size_t blocks)
{
	stage_evp(blocks, 0);
}

static void
stage_aead(size_t blocks, enum aead_id id)
{
	uint8_t nonce[AEAD_NONCE_MAX] = { 0 }, tag[AEAD_TAG];
	struct aead *a;

	check(aead_new(id, CIPHER_AES256, CIPHER_ENCRYPT, slice_of(key, 32), &a, NULL));
	for (size_t i = 0; i < blocks; i++) {
		nonce[0] = (uint8_t)i;
		nonce[1] = (uint8_t)(i >> 8);
		check(aead_seal(a, slice_of(nonce, aead_nonce_size(id)), SLICE_EMPTY, in, BLOCK, out, tag, NULL));
	}
	aead_free(a);
}

static void
ocb(size_t blocks)
{
	stage_aead(blocks, AEAD_OCB);
}

static void
gcm(size_t blocks)
{
	stage_aead(blocks, AEAD_GCM);
}

static void
stage_hash(size_t blocks, enum hash_id id)
{
	struct hash *h;

	check(hash_new(id, &h, NULL));
	for (size_t i = 0; i < blocks; i++)
		hash_update(h, slice_of(in, BLOCK));
	check(hash_finish(h, out, NULL));
	hash_free(h);
}

static void
sha1(size_t blocks)
{
	stage_hash(blocks, HASH_SHA1);
}

static void
sha256(size_t blocks)
{
	stage_hash(blocks, HASH_SHA256);
}

static void
sha512(size_t blocks)
{
	stage_hash(blocks, HASH_SHA512);
}

static void
armor(size_t blocks)
{
	struct base64_encoder encoder;
	uint32_t crc = CRC24_INIT;
	struct buf text;

	buf_init(&text, 4 * BLOCK);
	base64_encoder_init(&encoder, BASE64_LINE_ARMOR, "\n");
	for (size_t i = 0; i < blocks; i++) {
		crc = crc24(crc, slice_of(in, BLOCK));
		check(base64_encoder_put(&encoder, slice_of(in, BLOCK), &text));
		buf_clear(&text);
	}
	out[0] = (uint8_t)crc;
	buf_done(&text);
}

static void
dearmor(size_t blocks)
{
	struct base64_encoder encoder;
	struct base64_decoder decoder;
	uint32_t crc = CRC24_INIT;
	struct buf text, octets;

	buf_init(&text, 4 * BLOCK);
	buf_init(&octets, 4 * BLOCK);
	base64_encoder_init(&encoder, BASE64_LINE_ARMOR, "\n");
	check(base64_encoder_put(&encoder, slice_of(in, BLOCK / 48 * 48), &text));
	base64_decoder_init(&decoder, BASE64_LINES);
	for (size_t i = 0; i < blocks; i++) {
		buf_clear(&octets);
		check(base64_decoder_feed(&decoder, buf_slice(&text), &octets) != text.len);
		crc = crc24(crc, buf_slice(&octets));
	}
	out[0] = (uint8_t)crc;
	buf_done(&text);
	buf_done(&octets);
}

static const struct {
	const char *name;
	void (*run)(size_t blocks);
} stages[] = {
	{ "cfb_encrypt_aes256", cfb_encrypt },
	{ "cfb_decrypt_aes256", cfb_decrypt },
	{ "evp_cfb_encrypt_aes256", evp_cfb_encrypt },
	{ "evp_cfb_decrypt_aes256", evp_cfb_decrypt },
	{ "ocb_aes256", ocb },
	{ "gcm_aes256", gcm },
	{ "sha1", sha1 },
	{ "sha256", sha256 },
	{ "sha512", sha512 },
	{ "armor_encode", armor },
	{ "armor_decode", dearmor },
};

int
main(int argc, char **argv)
{
	size_t mib = argc == 2 ? strtoul(argv[1], NULL, 10) : 256;

	printf("{");
	for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
		double best = 1e9;

		for (int round = 0; round < ROUNDS; round++) {
			double start = cpu_now(), took;

			stages[i].run(mib * 16);
			took = cpu_now() - start;
			best = took < best ? took : best;
		}
		printf("%s\"%s\": %.4f", i == 0 ? "" : ", ", stages[i].name, best);
	}
	printf("}\n");
	return 0;
}
