/* SPDX-License-Identifier: ISC */
/* The standard policy's rules by use, and what a person may change about them. */
#include "unit.h"

#include "openpgp/judge/policy.h"

#define BEFORE 1700000000u /* SHA-1 still binds */
#define AFTER 1800000000u  /* and no longer does */

enum { DATA = 1, SELF = 2, REVOKE = 4, BACK = 8, ENCRYPT = 16, DECRYPT = 32, SIGNED = 15, ALL = 63 };

/* The uses that are accepted, as a set. */
static unsigned
accepted(const struct pgp_policy *p, int (*ask)(const struct pgp_policy *, uint8_t, enum pgp_use, struct error *),
    uint8_t number)
{
	unsigned uses = 0;

	for (unsigned use = 0; use < PGP_USES; use++) {
		struct error e = { 0 };
		int rc = ask(p, number, (enum pgp_use)use, &e);

		if (rc == 0)
			uses |= PGP_USE_BIT(use);
		else if (rc != ERR_UNSUPPORTED && (rc != ERR_POLICY || strstr(e.text, "(rule ") == NULL))
			fail_msg("number %u, use %u: %d %s", number, use, rc, e.text);
	}
	return uses;
}

static void
hashes(void **state)
{
	static const struct {
		uint8_t hash;
		unsigned before, after, archive;
	} rows[] = {
		{ PGP_MD5, 0, 0, 0 },
		{ PGP_SHA1, SELF | REVOKE | BACK | DECRYPT, REVOKE | BACK | DECRYPT, SIGNED | DECRYPT },
		{ PGP_RIPEMD160, REVOKE | BACK | DECRYPT, REVOKE | BACK | DECRYPT, SIGNED | DECRYPT },
		{ PGP_SHA224, ALL, ALL, ALL },
		{ PGP_SHA256, ALL, ALL, ALL },
		{ PGP_SHA384, ALL, ALL, ALL },
		{ PGP_SHA512, ALL, ALL, ALL },
		{ PGP_SHA3_256, ALL, ALL, ALL },
		{ PGP_SHA3_512, ALL, ALL, ALL },
		{ 4, 0, 0, 0 },
		{ 15, 0, 0, 0 },
		{ 110, 0, 0, 0 },
	};
	struct pgp_policy before = pgp_policy_default(BEFORE), after = pgp_policy_default(AFTER);
	struct pgp_policy archive = pgp_policy_archive(AFTER);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(accepted(&before, pgp_policy_hash, rows[i].hash), rows[i].before);
		assert_int_equal(accepted(&after, pgp_policy_hash, rows[i].hash), rows[i].after);
		assert_int_equal(accepted(&archive, pgp_policy_hash, rows[i].hash), rows[i].archive);
	}
}

static void
ciphers(void **state)
{
	static const struct {
		uint8_t cipher;
		unsigned standard, archive;
	} rows[] = { { PGP_PLAINTEXT, 0, 0 }, { PGP_IDEA, 0, 0 }, { PGP_TRIPLEDES, 0, DECRYPT },
		{ PGP_CAST5, 0, DECRYPT }, { PGP_BLOWFISH, 0, DECRYPT },
		{ PGP_AES128, ENCRYPT | DECRYPT, ENCRYPT | DECRYPT },
		{ PGP_AES256, ENCRYPT | DECRYPT, ENCRYPT | DECRYPT }, { PGP_TWOFISH, 0, 0 },
		{ PGP_CAMELLIA256, ENCRYPT | DECRYPT, ENCRYPT | DECRYPT }, { 99, 0, 0 } };
	struct pgp_policy standard = pgp_policy_default(AFTER), archive = pgp_policy_archive(AFTER);
	struct error e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(accepted(&standard, pgp_policy_cipher, rows[i].cipher), rows[i].standard);
		assert_int_equal(accepted(&archive, pgp_policy_cipher, rows[i].cipher), rows[i].archive);
	}
	assert_int_equal(pgp_policy_cipher(&standard, PGP_TWOFISH, PGP_USE_DECRYPT, &e), ERR_POLICY);
	assert_string_equal(e.text, "Twofish is not accepted for decrypting (rule twofish)");
	assert_int_equal(pgp_policy_cipher(&standard, 99, PGP_USE_DECRYPT, &e), ERR_UNSUPPORTED);
	assert_string_equal(e.text, "cipher 99 is not known");
}

static void
containers(void **state)
{
	static const struct {
		uint8_t type, version;
		unsigned uses;
	} rows[] = { { PGP_SED, 0, 0 }, { PGP_SEIPD, 1, ENCRYPT | DECRYPT }, { PGP_SEIPD, 2, ENCRYPT | DECRYPT },
		{ PGP_AEAD_LIBRE, 1, DECRYPT }, { PGP_SEIPD, 3, 0 }, { PGP_SEIPD, 7, 0 }, { PGP_LITERAL, 0, 0 } };
	struct pgp_policy p = pgp_policy_default(AFTER), archive = pgp_policy_archive(AFTER);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (unsigned use = 0; use < PGP_USES; use++) {
			int rc =
			    pgp_policy_container(&p, rows[i].type, rows[i].version, (enum pgp_use)use, &unit_error);

			assert_int_equal(rc == 0, (rows[i].uses & PGP_USE_BIT(use)) != 0);
		}
	/* Data that anybody may have changed is not for archives either: it asks for its own name. */
	assert_int_equal(pgp_policy_container(&archive, PGP_SED, 0, PGP_USE_DECRYPT, NULL), ERR_POLICY);
	assert_ok(pgp_policy_override(&archive, SLICE("no-mdc:decrypt"), &unit_error));
	assert_ok(pgp_policy_container(&archive, PGP_SED, 0, PGP_USE_DECRYPT, &unit_error));
	assert_int_equal(pgp_policy_container(&archive, PGP_SED, 0, PGP_USE_ENCRYPT, NULL), ERR_POLICY);
}

/* A key of so many bits. */
static struct pgp_key
key_of(uint8_t version, uint8_t algorithm, size_t bits, uint8_t octets[2048])
{
	struct pgp_key k = { .version = version, .algorithm = algorithm, .understood = true };

	memset(octets, 0xff, 2048);
	if (bits != 0) {
		octets[0] = (uint8_t)(0xff >> (7 - (bits - 1) % 8));
		k.public[0] = slice_of(octets, (bits + 7) / 8);
	}
	if (bits == 0)
		k.curve = PGP_CURVE_P256;
	k.kdf_hash = PGP_SHA256;
	k.kdf_cipher = PGP_AES128;
	return k;
}

static void
keys(void **state)
{
	static const struct {
		uint8_t version, algorithm;
		size_t bits;
		unsigned standard, archive;
	} rows[] = {
		{ 4, PGP_RSA, 4096, ALL, ALL },
		{ 4, PGP_RSA, 2048, ALL, ALL },
		{ 4, PGP_RSA_SIGN, 2048, ALL, ALL },
		{ 4, PGP_RSA, 2047, ALL, ALL },
		{ 4, PGP_RSA, 2046, REVOKE | DECRYPT, SIGNED | DECRYPT },
		{ 4, PGP_RSA_ENCRYPT, 1024, REVOKE | DECRYPT, SIGNED | DECRYPT },
		{ 4, PGP_RSA, 1023, REVOKE | DECRYPT, REVOKE | DECRYPT },
		{ 4, PGP_DSA, 2048, REVOKE, SIGNED },
		{ 4, PGP_ELGAMAL, 2048, DECRYPT, DECRYPT },
		{ 4, PGP_ECDSA, 0, ALL, ALL },
		{ 4, PGP_ECDH, 0, ALL, ALL },
		{ 6, PGP_ED25519, 0, ALL, ALL },
		{ 6, PGP_X448, 0, ALL, ALL },
		{ 5, PGP_EDDSA_LEGACY, 0, ALL & ~(unsigned)ENCRYPT, ALL & ~(unsigned)ENCRYPT },
		{ 3, PGP_RSA, 2048, DECRYPT, DECRYPT },
		{ 2, PGP_RSA, 2048, DECRYPT, DECRYPT },
		{ 7, PGP_RSA, 2048, 0, 0 },
		{ 4, 99, 0, 0, 0 },
	};
	struct pgp_policy standard = pgp_policy_default(AFTER), archive = pgp_policy_archive(AFTER);
	uint8_t octets[2048];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct pgp_key k = key_of(rows[i].version, rows[i].algorithm, rows[i].bits, octets);

		for (unsigned use = 0; use < PGP_USES; use++) {
			int s = pgp_policy_key(&standard, &k, (enum pgp_use)use, &unit_error);
			int a = pgp_policy_key(&archive, &k, (enum pgp_use)use, NULL);

			if ((s == 0) != ((rows[i].standard & PGP_USE_BIT(use)) != 0) ||
			    (a == 0) != ((rows[i].archive & PGP_USE_BIT(use)) != 0))
				fail_msg("row %zu, use %u: %d %d %s", i, use, s, a, unit_error.text);
		}
	}
}

/* Sections 9.5 and 11.5: what an ECDH key derives its keys with. */
static void
ecdh_parameters(void **state)
{
	static const uint8_t hash_list[] = { PGP_MD5, PGP_SHA1, PGP_RIPEMD160, PGP_SHA256, PGP_SHA384, PGP_SHA512,
		PGP_SHA224, 0 };
	static const uint8_t cipher_list[] = { PGP_IDEA, PGP_TRIPLEDES, PGP_CAST5, PGP_BLOWFISH, PGP_AES128, PGP_AES192,
		PGP_AES256, PGP_TWOFISH, PGP_CAMELLIA128, 0 };
	struct pgp_policy p = pgp_policy_default(AFTER);
	uint8_t octets[2048];

	(void)state;
	for (size_t h = 0; h < sizeof hash_list; h++)
		for (size_t c = 0; c < sizeof cipher_list; c++) {
			struct pgp_key k = key_of(4, PGP_ECDH, 0, octets);
			bool good = h >= 3 && h < 7 && ((c >= 4 && c < 7) || c == 8);

			k.kdf_hash = hash_list[h];
			k.kdf_cipher = cipher_list[c];
			assert_int_equal(pgp_policy_key(&p, &k, PGP_USE_ENCRYPT, NULL) == 0, good);
			/* A subkey that is never encrypted to spoils nothing else. */
			assert_ok(pgp_policy_key(&p, &k, PGP_USE_SELF, &unit_error));
		}
}

static void
signature_versions(void **state)
{
	struct pgp_policy standard = pgp_policy_default(AFTER), archive = pgp_policy_archive(AFTER);

	(void)state;
	for (uint8_t version = 0; version < 8; version++) {
		assert_int_equal(
		    accepted(&standard, pgp_policy_sig_version, version), version >= 4 && version <= 6 ? SIGNED : 0);
		assert_int_equal(
		    accepted(&archive, pgp_policy_sig_version, version), version >= 2 && version <= 6 ? SIGNED : 0);
	}
}

static void
overrides(void **state)
{
	static const struct {
		const char *text;
		unsigned sha1; /* what comes of SHA-1 then */
		bool bad;
	} rows[] = {
		{ "", REVOKE | BACK | DECRYPT, false },
		{ "sha1", ALL, false },
		{ "sha1:data", DATA | REVOKE | BACK | DECRYPT, false },
		{ "dsa,  sha1:self ,rsa1024", SELF | REVOKE | BACK | DECRYPT, false },
		{ "sha1=never", 0, false },
		{ "sha1:back=never", REVOKE | DECRYPT, false },
		{ "sha1=never sha1:data=always", DATA, false },
		{ "sha1:data=2020-01-01", REVOKE | BACK | DECRYPT, false },
		{ "sha1:data=2037-01-01", DATA | REVOKE | BACK | DECRYPT, false },
		{ "sha1:data=2037-01-01T10:00:00Z", DATA | REVOKE | BACK | DECRYPT, false },
		{ "archive", SIGNED | DECRYPT, false },
		{ "sha1,nonsense", REVOKE | BACK | DECRYPT, true },
		{ "sha1:nonsense", REVOKE | BACK | DECRYPT, true },
		{ "sha1=nonsense", REVOKE | BACK | DECRYPT, true },
		{ "sha1:", REVOKE | BACK | DECRYPT, true },
		{ "SHA1", REVOKE | BACK | DECRYPT, true },
		{ "sha1,idea", REVOKE | BACK | DECRYPT, true },
		{ "twofish=never sha1", ALL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_policy p = pgp_policy_default(AFTER);
		struct error e = { 0 };
		int rc = pgp_policy_override(&p, slice_str(rows[i].text), &e);

		if (rc != (rows[i].bad ? ERR_USAGE : 0) || accepted(&p, pgp_policy_hash, PGP_SHA1) != rows[i].sha1)
			fail_msg("%s: %d %s", rows[i].text, rc, e.text);
		assert_int_equal(e.code, rc);
	}
}

/* Every name can be overridden but those of what we do not have, and every subject and name is there. */
static void
every_rule(void **state)
{
	const struct pgp_policy_rule *r;
	size_t n = 0;

	(void)state;
	for (; (r = pgp_policy_rule(n)) != NULL; n++) {
		struct pgp_policy p = pgp_policy_default(AFTER);
		int rc = pgp_policy_set(&p, slice_str(r->name), PGP_USES_ALL, PGP_ALWAYS, &unit_error);

		assert_int_equal(rc, r->missing ? ERR_UNSUPPORTED : 0);
		assert_true(r->name[0] != 0 && r->subject[0] != 0);
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(r->name, pgp_policy_rule(i)->name);
	}
	assert_true(n > 40);
}

UNIT_MAIN(UNIT_TEST(hashes), UNIT_TEST(ciphers), UNIT_TEST(containers), UNIT_TEST(keys), UNIT_TEST(ecdh_parameters),
    UNIT_TEST(signature_versions), UNIT_TEST(overrides), UNIT_TEST(every_rule))
