/* SPDX-License-Identifier: ISC */
/* Secret keys as PEM, and RSA's public key as DER: both from libcrypto's own writing, whole, cut and flipped. */
#include <string.h>

#include "crypto/pem_secret.h"
#include "crypto/rsa_der.h"
#include "unit.h"

static void
written_and_read(enum pem_public_kind kind)
{
	BUF_OWNED struct buf first = { 0 }, second = { 0 }, signature = { 0 };
	struct pem_secret *k, *again;
	struct secret text;
	uint8_t digest[32] = { 7 };

	buf_init(&first, 2048);
	buf_init(&second, 2048);
	buf_init(&signature, 1024);
	assert_ok(pem_secret_generate(kind, 2048, &k, &unit_error));
	assert_ok(pem_secret_write(k, &text, &unit_error));
	assert_true(slice_starts(secret_slice(&text), SLICE("-----BEGIN PRIVATE KEY-----\n")));
	assert_ok(pem_secret_parse(secret_slice(&text), &again, &unit_error));
	assert_int_equal(pem_secret_kind(again), kind);
	assert_ok(pem_secret_public(k, &first, &unit_error));
	assert_ok(pem_secret_public(again, &second, &unit_error));
	assert_slices(buf_slice(&first), buf_slice(&second));
	assert_ok(pem_secret_sign(again, slice_of(digest, 32), &signature, &unit_error));
	assert_int_equal(signature.len, pem_secret_signature_size(k));
	assert_int_equal(pem_secret_sign(again, slice_of(digest, 31), &signature, &unit_error), ERR_USAGE);
	assert_int_equal(
	    pem_secret_parse(slice_sub(secret_slice(&text), 0, text.len / 2), &again, &unit_error), ERR_SYNTAX);
	if (kind == PEM_PUBLIC_RSA) {
		struct rsa_public public;

		assert_ok(rsa_der_parse(buf_slice(&first), &public, &unit_error));
		assert_ok(rsa_verify(
		    &public, HASH_SHA256, slice_of(digest, 32), slice_sub(buf_slice(&signature), 0, 256), &unit_error));
		for (size_t i = 0; i < 256; i++) {
			signature.data[i] ^= 4;
			assert_int_equal(rsa_verify(&public, HASH_SHA256, slice_of(digest, 32),
					     slice_sub(buf_slice(&signature), 0, 256), &unit_error),
			    ERR_SIGNATURE);
			signature.data[i] ^= 4;
		}
	} else {
		assert_ok(sign_verify(SIGN_ED25519, buf_slice(&first), slice_of(digest, 32),
		    slice_sub(buf_slice(&signature), 0, 64), &unit_error));
	}
	pem_secret_free(k);
	pem_secret_free(again);
	secret_done(&text);
}

static void
secrets(void **state)
{
	struct pem_secret *k;

	(void)state;
	written_and_read(PEM_PUBLIC_RSA);
	written_and_read(PEM_PUBLIC_ED25519);
	assert_int_equal(pem_secret_generate(PEM_PUBLIC_RSA, 1024, &k, &unit_error), ERR_UNSUPPORTED);
	assert_int_equal(pem_secret_generate(PEM_PUBLIC_P256, 0, &k, &unit_error), ERR_UNSUPPORTED);
	assert_int_equal(pem_secret_parse(SLICE(""), &k, &unit_error), ERR_SYNTAX);
	assert_int_equal(pem_secret_parse(SLICE("-----BEGIN PUBLIC KEY-----\n"), &k, &unit_error), ERR_SYNTAX);
}

static void
der(void **state)
{
	static const uint8_t small[] = { 0x30, 0x06, 0x02, 0x01, 0x0b, 0x02, 0x01, 0x03 };
	static const uint8_t negative[] = { 0x30, 0x06, 0x02, 0x01, 0x8b, 0x02, 0x01, 0x03 };
	static const uint8_t padded[] = { 0x30, 0x07, 0x02, 0x02, 0x00, 0x0b, 0x02, 0x01, 0x03 };
	static const uint8_t long_form[] = { 0x30, 0x81, 0x06, 0x02, 0x01, 0x0b, 0x02, 0x01, 0x03 };
	static const uint8_t trailing[] = { 0x30, 0x06, 0x02, 0x01, 0x0b, 0x02, 0x01, 0x03, 0x00 };
	static const uint8_t zero[] = { 0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x03 };
	struct rsa_public public;
	BUF_OWNED struct buf spki = { 0 };
	struct pem_secret *k;

	(void)state;
	assert_ok(rsa_der_parse(slice_of(small, sizeof small), &public, &unit_error));
	assert_int_equal(public.n.len, 1);
	assert_int_equal(public.e.data[0], 3);
	assert_int_equal(rsa_der_parse(slice_of(negative, sizeof negative), &public, &unit_error), ERR_SYNTAX);
	assert_int_equal(rsa_der_parse(slice_of(padded, sizeof padded), &public, &unit_error), ERR_SYNTAX);
	assert_int_equal(rsa_der_parse(slice_of(long_form, sizeof long_form), &public, &unit_error), ERR_SYNTAX);
	assert_int_equal(rsa_der_parse(slice_of(trailing, sizeof trailing), &public, &unit_error), ERR_SYNTAX);
	assert_int_equal(rsa_der_parse(slice_of(zero, sizeof zero), &public, &unit_error), ERR_SYNTAX);
	buf_init(&spki, 2048);
	assert_ok(pem_secret_generate(PEM_PUBLIC_RSA, 2048, &k, &unit_error));
	assert_ok(pem_secret_public(k, &spki, &unit_error));
	assert_ok(rsa_der_parse(buf_slice(&spki), &public, &unit_error));
	assert_int_equal(rsa_bits(&public), 2048);
	for (size_t len = 0; len < spki.len; len++)
		assert_int_not_equal(rsa_der_parse(slice_sub(buf_slice(&spki), 0, len), &public, &unit_error), 0);
	spki.data[9] ^= 1; /* in the algorithm's number */
	assert_int_equal(rsa_der_parse(buf_slice(&spki), &public, &unit_error), ERR_UNSUPPORTED);
	pem_secret_free(k);
}

UNIT_MAIN(UNIT_TEST(secrets), UNIT_TEST(der))
