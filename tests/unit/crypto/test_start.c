/* SPDX-License-Identifier: ISC */
/* After crypto_start_alone() everything of crypto/ is there, though libcrypto makes only a part of what it has. */
#include "unit.h"

#include <openssl/evp.h>

#include "base/buf.h"
#include "crypto/aead.h"
#include "crypto/agree.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "crypto/keywrap.h"
#include "crypto/sign.h"
#include "crypto/start.h"

static const uint8_t key[32] = { 1, 2, 3 };

static void
test_everything_of_ours(void **state)
{
	uint8_t out[64], tag[AEAD_TAG];
	struct error e = { 0 };

	(void)state;
	for (int id = 0; id < HASH_COUNT; id++)
		assert_ok(hash_once((enum hash_id)id, SLICE("walnut"), out, &unit_error));
	for (int id = 0; id < CIPHER_COUNT; id++) {
		struct slice k = slice_of(key, cipher_key_size((enum cipher_id)id));
		int rc = cipher_cfb_once((enum cipher_id)id, CIPHER_ENCRYPT, k, SLICE_EMPTY, SLICE("walnut"), out, &e);

		/* CAST5 and Blowfish come from another provider, which may not be installed. */
		if (rc != 0)
			assert_false(cipher_available((enum cipher_id)id));
	}
	for (int mode = 0; mode < AEAD_COUNT; mode++) {
		struct aead *a = NULL;
		uint8_t nonce[AEAD_NONCE_MAX] = { 0 };

		assert_ok(
		    aead_new((enum aead_id)mode, CIPHER_AES256, CIPHER_ENCRYPT, slice_of(key, 32), &a, &unit_error));
		assert_ok(aead_seal(a, slice_of(nonce, aead_nonce_size((enum aead_id)mode)), SLICE_EMPTY, key, 32, out,
		    tag, &unit_error));
		aead_free(a);
	}
}

static void
test_keys(void **state)
{
	struct secret s SECRET_OWNED = SECRET_EMPTY, t SECRET_OWNED = SECRET_EMPTY;
	uint8_t public[SIGN_PUBLIC_MAX], signature[SIGN_SIGNATURE_MAX];

	(void)state;
	assert_ok(sign_generate(SIGN_ED448, &s, public, &unit_error));
	assert_ok(sign_make(SIGN_ED448, secret_slice(&s), SLICE("walnut"), signature, &unit_error));
	assert_ok(
	    sign_verify(SIGN_ED448, slice_of(public, 57), SLICE("walnut"), slice_of(signature, 114), &unit_error));
	assert_ok(agree_generate(AGREE_X448, &t, public, &unit_error));
}

/* And nothing else: or it would cost what it is to spare. */
static void
test_nothing_else(void **state)
{
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, "ARIA-256-CBC", NULL);

	(void)state;
	assert_null(c);
	c = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	assert_non_null(c);
	EVP_CIPHER_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(test_everything_of_ours), UNIT_TEST(test_keys),
		UNIT_TEST(test_nothing_else) };

	crypto_start_alone();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
