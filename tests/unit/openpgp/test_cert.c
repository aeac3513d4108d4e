/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/mem.h"
#include "openpgp/sig/data_sig.h"
#include "openpgp/cert/generate.h"
#include "openpgp/frame/packet.h"

#include "crypto/secret.h"
#include "openpgp/frame/armor.h"
#include "openpgp_helpers.h"

#define NOW 1700000000u

static void
generated_keys_stand(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version = (uint8_t)(version + 2)) {
		for (int apart = 0; apart < 2; apart++) {
			struct pgp_policy policy = pgp_policy_default(NOW + 10);
			struct pgp_cert_judgement j;
			const struct pgp_key *keys[4];
			struct fixture f;

			fixture_new(&f, version, NOW, apart != 0);
			assert_ok(pgp_cert_judge(f.cert, &policy, NOW + 10, &j, &unit_error));
			assert_string_equal(j.components[0].reason, "");
			assert_int_equal(j.standing, PGP_STANDING_GOOD);
			for (size_t i = 0; i < j.count; i++)
				assert_int_equal(j.components[i].standing, PGP_STANDING_GOOD);
			assert_int_equal(
			    j.features, version == 6 ? PGP_FEATURE_SEIPD1 | PGP_FEATURE_SEIPD2 : PGP_FEATURE_SEIPD1);
			assert_int_equal(pgp_judged_keys_for(&j, &policy, PGP_FLAG_SIGN, keys, 4, NULL), 1);
			assert_true(keys[0]->subkey == (apart != 0));
			assert_int_equal(pgp_judged_keys_for(&j, &policy, PGP_FLAG_ENCRYPT, keys, 4, NULL), 1);
			assert_true(keys[0]->subkey);
			assert_int_equal(j.components[j.primary_user_id].component->packet.type, PGP_USER_ID);
			pgp_cert_judgement_done(&j);
			fixture_done(&f);
		}
	}
}

static void
signed_data_verifies_and_changed_data_does_not(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version = (uint8_t)(version + 2)) {
		struct fixture f;
		struct buf sig;

		fixture_new(&f, version, NOW, version == 6);
		buf_init(&sig, 1 << 16);
		fixture_sign(&f, PGP_SIG_BINARY, SLICE("hello"), NOW + 1, &sig);
		assert_int_equal(fixture_verify(&f, buf_slice(&sig), SLICE("hello"), NOW + 2), PGP_VERDICT_GOOD);
		assert_int_equal(fixture_verify(&f, buf_slice(&sig), SLICE("hellO"), NOW + 2), PGP_VERDICT_BAD);
		buf_clear(&sig);
		fixture_sign(&f, PGP_SIG_TEXT, SLICE("a\nb\r\nc\n"), NOW + 1, &sig);
		assert_int_equal(
		    fixture_verify(&f, buf_slice(&sig), SLICE("a\r\nb\nc\r\n"), NOW + 2), PGP_VERDICT_GOOD);
		/* From the future, and before the key was made. */
		assert_int_equal(
		    fixture_verify(&f, buf_slice(&sig), SLICE("a\nb\nc\n"), NOW - 10000), PGP_VERDICT_INVALID);
		buf_clear(&sig);
		fixture_sign(&f, PGP_SIG_BINARY, SLICE("hello"), NOW - 100, &sig);
		assert_int_equal(fixture_verify(&f, buf_slice(&sig), SLICE("hello"), NOW + 2), PGP_VERDICT_INVALID);
		buf_done(&sig);
		fixture_done(&f);
	}
}

static void
certificate_is_written_back_byte_for_byte(void **state)
{
	struct buf with, out;
	struct pgp_cert *c;
	struct fixture f;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	buf_init(&with, 1 << 20);
	buf_init(&out, 1 << 20);
	(void)buf_put_slice(&with, f.cert->raw);
	/* A user attribute, a packet of a type that nobody knows, and a subkey of an algorithm that nobody has. */
	(void)pgp_packet_write(&with, PGP_USER_ATTRIBUTE, SLICE("\x01x"));
	(void)pgp_packet_write(&with, 50, SLICE("unknown"));
	(void)pgp_packet_write(&with, PGP_PUBLIC_SUBKEY, SLICE("\x04\x01\x02\x03\x04\x63zzzz"));
	(void)pgp_packet_write(&with, PGP_PUBLIC_SUBKEY, SLICE("\x09nobody"));
	assert_ok(pgp_cert_parse(buf_slice(&with), &c, NULL, &unit_error));
	assert_int_equal(c->component_count, f.cert->component_count + 4);
	assert_ok(pgp_cert_write(c, &out));
	assert_slices(buf_slice(&out), buf_slice(&with));
	pgp_cert_free(c);
	buf_done(&with);
	buf_done(&out);
	fixture_done(&f);
}

/* Section 10: a critical packet that is unknown or belongs elsewhere spoils the certificate, and no other. */
static void
strangers_spoil_a_certificate(void **state)
{
	static const struct {
		uint8_t type;
		int expected;
	} rows[] = {
		{ PGP_LITERAL, ERR_SYNTAX },
		{ PGP_PKESK, ERR_SYNTAX },
		{ PGP_SEIPD, ERR_SYNTAX },
		{ 16, ERR_SYNTAX },
		{ 22, ERR_UNSUPPORTED },
		{ 39, ERR_UNSUPPORTED },
		{ 40, 0 },
		{ 63, 0 },
		{ PGP_TRUST, 0 },
		{ PGP_MARKER, 0 },
		{ PGP_PADDING, 0 },
	};
	struct fixture f;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_certs certs = { 0 };
		struct pgp_cert *c = NULL;
		size_t used = 0;
		struct buf b;

		buf_init(&b, 1 << 20);
		(void)buf_put_slice(&b, f.cert->raw);
		(void)pgp_packet_write(&b, rows[i].type, SLICE("PGP"));
		assert_int_equal(pgp_cert_parse(buf_slice(&b), &c, &used, &unit_error), rows[i].expected);
		assert_int_equal(used, b.len);
		pgp_cert_free(c);
		(void)buf_put_slice(&b, f.cert->raw);
		if (rows[i].expected != ERR_SYNTAX) {
			assert_ok(pgp_certs_parse(buf_slice(&b), &certs, &unit_error));
			assert_int_equal(certs.count, rows[i].expected == 0 ? 2 : 1);
		} else
			assert_int_equal(pgp_certs_parse(buf_slice(&b), &certs, &unit_error), ERR_SYNTAX);
		pgp_certs_done(&certs);
		buf_done(&b);
	}
	fixture_done(&f);
}

/* Handed over or looked at, binary or armored, alone or with others: the same certificates. */
static void
certificates_are_taken_over(void **state)
{
	(void)state;
	for (int copies = 0; copies <= 2; copies++)
		for (int armored = 0; armored < 2; armored++) {
			struct pgp_certs taken = { 0 }, parsed = { 0 };
			struct fixture f;
			struct buf b, text;
			int rc;

			fixture_new(&f, 4, NOW, false);
			buf_init(&b, 1 << 20);
			buf_init(&text, 1 << 20);
			for (int i = 0; i < copies; i++)
				(void)buf_put_slice(&b, f.cert->raw);
			if (armored != 0) {
				assert_ok(
				    pgp_armor_write(PGP_ARMOR_PRIVATE_KEY, true, buf_slice(&b), &text, &unit_error));
				buf_done(&b);
				b = text;
				buf_init(&text, 1 << 20);
			}
			rc = pgp_certs_parse(buf_slice(&b), &parsed, &unit_error);
			assert_int_equal(rc == 0, copies > 0);
			assert_int_equal(pgp_certs_take(&b, &taken, &unit_error), rc);
			assert_int_equal(b.len, 0);
			assert_int_equal(taken.count, copies);
			assert_int_equal(parsed.count, copies);
			for (size_t i = 0; i < taken.count; i++) {
				assert_slices(taken.items[i]->raw, f.cert->raw);
				assert_slices(parsed.items[i]->raw, f.cert->raw);
			}
			pgp_certs_done(&taken);
			pgp_certs_done(&parsed);
			buf_done(&b);
			buf_done(&text);
			fixture_done(&f);
		}
}

static void
public_part_has_no_secret(void **state)
{
	struct pgp_cert *c;
	struct fixture f;
	struct buf out;

	(void)state;
	fixture_new(&f, 6, NOW, true);
	buf_init(&out, 1 << 20);
	assert_ok(pgp_cert_write_public(f.cert, &out));
	assert_ok(pgp_cert_parse(buf_slice(&out), &c, NULL, &unit_error));
	assert_false(c->secret);
	assert_true(pgp_fingerprint_eq(&c->primary->fingerprint, &f.cert->primary->fingerprint));
	for (size_t i = 0; pgp_cert_key(c, i) != NULL; i++)
		assert_false(pgp_cert_key(c, i)->secret);
	pgp_cert_free(c);
	buf_done(&out);
	fixture_done(&f);
}

static void
passphrase_opens_and_a_wrong_one_does_not(void **state)
{
	static const struct {
		uint8_t version;
		enum pgp_protection how;
	} rows[] = { { 4, PGP_PROTECT_CFB }, { 4, PGP_PROTECT_AEAD }, { 6, PGP_PROTECT_AEAD } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct secret s = SECRET_EMPTY;
		struct pgp_cert *c;
		struct fixture f;
		struct buf out;

		fixture_new(&f, rows[i].version, NOW, false);
		buf_init(&out, 1 << 20);
		assert_ok(pgp_cert_protect(f.cert, SLICE_EMPTY, rows[i].how, SLICE("open"), &out, &unit_error));
		assert_ok(pgp_cert_parse(buf_slice(&out), &c, NULL, &unit_error));
		assert_true(pgp_key_locked(c->primary));
		assert_int_equal(pgp_key_unlock(c->primary, SLICE("no"), &s, NULL), ERR_PASSWORD);
		for (size_t k = 0; pgp_cert_key(c, k) != NULL; k++) {
			assert_ok(pgp_key_unlock(pgp_cert_key(c, k), SLICE("open"), &s, &unit_error));
			secret_done(&s);
		}
		pgp_cert_free(c);
		buf_done(&out);
		fixture_done(&f);
	}
}

/* OpenPGP and S/MIME 9, key overwriting: the public part must belong to the secret. */
static void
changed_public_part_is_refused_at_unlock(void **state)
{
	struct secret s = SECRET_EMPTY;
	struct fixture f, g;
	struct pgp_key k;
	struct buf body;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	fixture_new(&g, 4, NOW, false);
	buf_init(&body, 1 << 16);
	(void)buf_put_slice(&body, g.cert->primary->public_body);
	(void)buf_put_slice(&body, f.cert->primary->secret_part);
	assert_ok(pgp_key_parse(buf_slice(&body), PGP_SECRET_KEY, &k, &unit_error));
	assert_int_equal(pgp_key_unlock(&k, SLICE_EMPTY, &s, NULL), ERR_INTEGRITY);
	buf_done(&body);
	fixture_done(&f);
	fixture_done(&g);
}

static void
every_allocation_may_fail_while_parsing(void **state)
{
	struct fixture f;
	int rc = ERR_NOMEM;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	for (long n = 0; rc != 0 && n < 10000; n++) {
		struct pgp_certs certs = { 0 };

		mem_fail_after(n);
		rc = pgp_certs_parse(f.cert->raw, &certs, NULL);
		mem_fail_after(-1);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		pgp_certs_done(&certs);
	}
	assert_int_equal(rc, 0);
	rc = ERR_NOMEM;
	for (long n = 0; rc != 0 && n < 10000; n++) {
		struct pgp_policy policy = pgp_policy_default(NOW);
		struct pgp_cert_judgement j;

		mem_fail_after(n);
		rc = pgp_cert_judge(f.cert, &policy, NOW, &j, NULL);
		mem_fail_after(-1);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		if (rc != 0)
			continue;
		assert_int_equal(j.standing, PGP_STANDING_GOOD);
		pgp_cert_judgement_done(&j);
	}
	assert_int_equal(rc, 0);
	fixture_done(&f);
}

/* Secrets that are malformed, under a public part that is not, end in an error and nothing else. */
static void
malformed_rsa_secrets_are_refused(void **state)
{
	static const char *const secrets[] = { "", "\x01", "\x01\x01\x01\x01\x01\x01", "\xff\xff\x01" };
	struct pgp_key k;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		struct secret s = SECRET_EMPTY;
		uint16_t sum = 0;

		buf_init(&b, 1 << 12);
		(void)buf_put_u8(&b, 4);
		(void)buf_put_u32(&b, NOW);
		(void)buf_put_u8(&b, PGP_RSA);
		(void)buf_put_u16(&b, 2048);
		for (int n = 0; n < 256; n++)
			(void)buf_put_u8(&b, 0xc5);
		(void)buf_put_u16(&b, 17);
		(void)buf_put(&b, "\x01\x00\x01", 3);
		(void)buf_put_u8(&b, 0); /* no protection */
		(void)buf_put_str(&b, secrets[i]);
		for (const char *c = secrets[i]; *c != '\0'; c++)
			sum = (uint16_t)(sum + (uint8_t)*c);
		(void)buf_put_u16(&b, sum);
		assert_ok(pgp_key_parse(buf_slice(&b), PGP_SECRET_KEY, &k, &unit_error));
		assert_true(k.understood);
		assert_int_equal(pgp_key_unlock(&k, SLICE_EMPTY, &s, &unit_error), ERR_SYNTAX);
		assert_int_equal(
		    pgp_secret_sign(&k, slice_str(secrets[i]), PGP_SHA256, SLICE("x"), &b, &unit_error), ERR_SYNTAX);
		buf_done(&b);
	}
}

static void
address_of_user_id(void **state)
{
	static const struct {
		const char *user_id, *address;
	} rows[] = {
		{ "Alice <alice@example.org>", "alice@example.org" },
		{ "bob@example.org", "bob@example.org" },
		{ "<carol@example.org>", "carol@example.org" },
		{ "evil@example.org <dave@example.org>", "dave@example.org" },
		{ "dave@example.org (not)", "" },
		{ "Nobody", "" },
		{ "", "" },
		{ ">", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_slice(pgp_user_id_address(slice_str(rows[i].user_id)), rows[i].address);
}

UNIT_MAIN(UNIT_TEST(generated_keys_stand), UNIT_TEST(signed_data_verifies_and_changed_data_does_not),
    UNIT_TEST(certificate_is_written_back_byte_for_byte), UNIT_TEST(strangers_spoil_a_certificate),
    UNIT_TEST(certificates_are_taken_over), UNIT_TEST(public_part_has_no_secret),
    UNIT_TEST(passphrase_opens_and_a_wrong_one_does_not), UNIT_TEST(changed_public_part_is_refused_at_unlock),
    UNIT_TEST(every_allocation_may_fail_while_parsing), UNIT_TEST(malformed_rsa_secrets_are_refused),
    UNIT_TEST(address_of_user_id))
