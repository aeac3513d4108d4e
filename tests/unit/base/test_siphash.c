/* SPDX-License-Identifier: ISC */
#include "base/siphash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "unit.h"

/* The example of the paper's appendix A. */
static void
paper(void **state)
{
	uint8_t key[SIPHASH_KEY_SIZE], in[15];

	(void)state;
	for (uint8_t i = 0; i < sizeof key; i++)
		key[i] = i;
	for (uint8_t i = 0; i < sizeof in; i++)
		in[i] = i;
	assert_true(siphash(key, slice_of(in, sizeof in)) == 0xa129ca6149be45e5u);
}

static void
same_as_libcrypto(void **state)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	uint8_t key[SIPHASH_KEY_SIZE], in[100], out[8];

	(void)state;
	assert_non_null(mac);
	for (size_t len = 0; len < sizeof in; len++) {
		EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
		size_t size = sizeof out;
		uint64_t want = 0;
		OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
			OSSL_PARAM_construct_end() };

		for (size_t i = 0; i < sizeof key; i++)
			key[i] = (uint8_t)(len * 31 + i * 7);
		in[len] = (uint8_t)(len * 151 + 200);
		assert_int_equal(EVP_MAC_init(ctx, key, sizeof key, params), 1);
		assert_int_equal(EVP_MAC_update(ctx, in, len), 1);
		assert_int_equal(EVP_MAC_final(ctx, out, &size, sizeof out), 1);
		for (size_t i = 0; i < sizeof out; i++)
			want |= (uint64_t)out[i] << 8 * i;
		assert_true(siphash(key, slice_of(in, len)) == want);
		EVP_MAC_CTX_free(ctx);
	}
	EVP_MAC_free(mac);
}

UNIT_MAIN(UNIT_TEST(paper), UNIT_TEST(same_as_libcrypto))
