/* SPDX-License-Identifier: ISC */
#include "openpgp/key/algorithm.h"

static const struct {
	uint8_t number;
	enum hash_id id;
} hashes[] = {
	{ PGP_MD5, HASH_MD5 },
	{ PGP_SHA1, HASH_SHA1 },
	{ PGP_RIPEMD160, HASH_RIPEMD160 },
	{ PGP_SHA256, HASH_SHA256 },
	{ PGP_SHA384, HASH_SHA384 },
	{ PGP_SHA512, HASH_SHA512 },
	{ PGP_SHA224, HASH_SHA224 },
	{ PGP_SHA3_256, HASH_SHA3_256 },
	{ PGP_SHA3_512, HASH_SHA3_512 },
};

static const struct {
	uint8_t number;
	enum cipher_id id;
	const char *name;
} ciphers[] = {
	{ PGP_AES128, CIPHER_AES128, "AES-128" },
	{ PGP_AES192, CIPHER_AES192, "AES-192" },
	{ PGP_AES256, CIPHER_AES256, "AES-256" },
	{ PGP_TRIPLEDES, CIPHER_3DES, "3DES" },
	{ PGP_CAST5, CIPHER_CAST5, "CAST5" },
	{ PGP_BLOWFISH, CIPHER_BLOWFISH, "Blowfish" },
	{ PGP_CAMELLIA128, CIPHER_CAMELLIA128, "Camellia-128" },
	{ PGP_CAMELLIA192, CIPHER_CAMELLIA192, "Camellia-192" },
	{ PGP_CAMELLIA256, CIPHER_CAMELLIA256, "Camellia-256" },
	/* Known by name only: libcrypto has neither. */
	{ PGP_IDEA, CIPHER_COUNT, "IDEA" },
	{ PGP_TWOFISH, CIPHER_COUNT, "Twofish" },
};

static const struct {
	uint8_t number;
	enum aead_id id;
	const char *name;
} aeads[] = {
	{ PGP_EAX, AEAD_EAX, "EAX" },
	{ PGP_OCB, AEAD_OCB, "OCB" },
	{ PGP_GCM, AEAD_GCM, "GCM" },
};

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

bool
pgp_hash_of(uint8_t number, enum hash_id *out)
{
	for (size_t i = 0; i < COUNT(hashes); i++) {
		if (hashes[i].number == number) {
			*out = hashes[i].id;
			return true;
		}
	}
	return false;
}

bool
pgp_cipher_of(uint8_t number, enum cipher_id *out)
{
	for (size_t i = 0; i < COUNT(ciphers); i++) {
		if (ciphers[i].number == number && ciphers[i].id != CIPHER_COUNT) {
			*out = ciphers[i].id;
			return true;
		}
	}
	return false;
}

bool
pgp_aead_of(uint8_t number, enum aead_id *out)
{
	for (size_t i = 0; i < COUNT(aeads); i++) {
		if (aeads[i].number == number) {
			*out = aeads[i].id;
			return true;
		}
	}
	return false;
}

size_t
pgp_cipher_key_size(uint8_t number)
{
	enum cipher_id id;

	return pgp_cipher_of(number, &id) ? cipher_key_size(id) : 0;
}

int
pgp_cipher_find(uint8_t number, enum cipher_id *out, struct error *e)
{
	enum cipher_id id;

	if (!pgp_cipher_of(number, &id))
		return error_set(
		    e, ERR_UNSUPPORTED, "the cipher %s (%u) is not supported", pgp_cipher_name(number), number);
	if (!cipher_available(id))
		return error_set(e, ERR_UNSUPPORTED,
		    "the cipher %s needs libcrypto's legacy provider, which is not on this machine",
		    pgp_cipher_name(number));
	*out = id;
	return 0;
}

const char *
pgp_cipher_name(uint8_t number)
{
	for (size_t i = 0; i < COUNT(ciphers); i++) {
		if (ciphers[i].number == number)
			return ciphers[i].name;
	}
	return "unknown";
}

const char *
pgp_aead_name(uint8_t number)
{
	for (size_t i = 0; i < COUNT(aeads); i++) {
		if (aeads[i].number == number)
			return aeads[i].name;
	}
	return "unknown";
}
