/* SPDX-License-Identifier: ISC */
/*
 * After crypto_start_few() everything of crypto/ is there, though libcrypto makes only a part of what it has. Each test is a
 * process of its own that ends at once, for libcrypto cannot tidy up what it has then; so the build with sanitizers does
 * not start that way (crypto/start.c), and this is where it is looked at.
 */
#include "unit.h"

#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "crypto/aead.h"
#include "crypto/agree.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "crypto/start_few.h"

static const uint8_t key[32] = { 1, 2, 3 };

static bool
hashes_and_ciphers(void)
{
	uint8_t out[64], tag[AEAD_TAG];

	for (int id = 0; id < HASH_COUNT; id++)
		if (hash_once((enum hash_id)id, SLICE("walnut"), out, NULL) != 0)
			return false;
	for (int id = 0; id < CIPHER_COUNT; id++) {
		struct slice k = slice_of(key, cipher_key_size((enum cipher_id)id));

		/* CAST5 and Blowfish come from another provider, which may not be installed. */
		if (cipher_cfb_once((enum cipher_id)id, CIPHER_ENCRYPT, k, SLICE_EMPTY, SLICE("walnut"), out, NULL) !=
			0 &&
		    cipher_available((enum cipher_id)id))
			return false;
	}
	for (int mode = 0; mode < AEAD_COUNT; mode++) {
		struct aead *a = NULL;
		uint8_t nonce[AEAD_NONCE_MAX] = { 0 };
		struct slice n = slice_of(nonce, aead_nonce_size((enum aead_id)mode));

		if (aead_new((enum aead_id)mode, CIPHER_AES256, CIPHER_ENCRYPT, slice_of(key, 32), &a, NULL) != 0 ||
		    aead_seal(a, n, SLICE_EMPTY, key, 32, out, tag, NULL) != 0)
			return false;
	}
	return true;
}

static bool
keys(void)
{
	struct secret s = SECRET_EMPTY, t = SECRET_EMPTY;
	uint8_t public[SIGN_PUBLIC_MAX], signature[SIGN_SIGNATURE_MAX];

	return sign_generate(SIGN_ED448, &s, public, NULL) == 0 &&
	    sign_make(SIGN_ED448, secret_slice(&s), SLICE("walnut"), signature, NULL) == 0 &&
	    sign_verify(SIGN_ED448, slice_of(public, 57), SLICE("walnut"), slice_of(signature, 114), NULL) == 0 &&
	    agree_generate(AGREE_X448, &t, public, NULL) == 0;
}

/* And nothing else, or it would cost what it is to spare; newer libcryptos are left alone. */
static bool
nothing_else(void)
{
	if (OPENSSL_version_major() != 3 || OPENSSL_version_minor() != 0)
		return true;
	return EVP_CIPHER_fetch(NULL, "ARIA-256-CBC", NULL) == NULL &&
	    EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL) != NULL;
}

static void
in_a_process(bool (*holds)(void))
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		crypto_start_few();
		_exit(holds() ? 0 : 1);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	assert_int_equal(status, 0);
}

static void
test_everything_of_ours(void **state)
{
	(void)state;
	in_a_process(hashes_and_ciphers);
	in_a_process(keys);
}

static void
test_nothing_else(void **state)
{
	(void)state;
	in_a_process(nothing_else);
}

UNIT_MAIN(UNIT_TEST(test_everything_of_ours), UNIT_TEST(test_nothing_else))
