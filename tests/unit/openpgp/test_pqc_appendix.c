/* SPDX-License-Identifier: ISC */
/*
 * The appendix of RFC 9980: keys, messages, signatures, key shares. With a
 * libcrypto that has no ML-KEM the RFC's own shares stand for it, so that all
 * the rest is tested there, too.
 */
#include "unit.h"

#include <stdio.h>

#include "base/hex.h"
#include "crypto/keywrap.h"
#include "openpgp/frame/armor.h"
#include "openpgp/message/decrypt.h"

#include "pqc_kit.h"

#define PLAIN_MAX (1u << 20)

static bool
document(struct buf *out)
{
	const char *folder = getenv("LETTERLOCK_TESTDATA");
	char path[512];
	FILE *f;
	size_t n;

	if (folder == NULL) {
		print_message("# skipped: LETTERLOCK_TESTDATA is not set\n");
		return false;
	}
	(void)snprintf(path, sizeof path, "%s/standards/rfc9980.txt", folder);
	f = fopen(path, "r");
	assert_non_null(f);
	buf_init(out, 4u << 20);
	assert_non_null(buf_reserve(out, 1u << 20));
	n = fread(buf_reserve(out, 1u << 20), 1, 1u << 20, f);
	buf_commit(out, n);
	(void)fclose(f);
	return true;
}

/* What stands behind a heading of the appendix; the table of contents has it too. */
static struct slice
section(const struct buf *text, const char *heading)
{
	struct slice s = buf_slice(text);
	size_t at;

	for (int i = 0; i < 2; i++) {
		at = slice_search(s, slice_str(heading));
		assert_int_not_equal(at, SIZE_MAX);
		s = slice_from(s, at + 1);
	}
	return s;
}

static void
armored(const struct buf *text, const char *heading, struct buf *out)
{
	struct slice s = section(text, heading);
	enum pgp_armor_kind kind;
	size_t at = 0;

	buf_init(out, 1u << 18);
	assert_int_equal(pgp_armor_parse(s, &at, &kind, out, &unit_error), 1);
}

/* The digits behind these words. */
static void
hex_value(const struct buf *text, const char *heading, const char *words, struct buf *out)
{
	struct slice s = section(text, heading);
	BUF_OWNED struct buf digits = { 0 };
	size_t at = slice_search(s, slice_str(words));

	assert_int_not_equal(at, SIZE_MAX);
	s = slice_from(s, at + strlen(words));
	s = slice_sub(s, 0, slice_find(s, '.'));
	buf_init(&digits, 256);
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] > ' ')
			(void)buf_put_u8(&digits, s.data[i]);
	buf_init(out, 256);
	assert_ok(hex_parse_loose(buf_slice(&digits), out, &unit_error));
}

static const struct sample {
	const char *secret, *public, *message, *signature;
	uint8_t signer; /* algorithm of the primary key */
} samples[] = {
	{ "A.1.1.  Transferable Secret", "A.1.2.  Transferable Public", "A.1.3.  Encrypted and", NULL, PGP_ED25519 },
	{ "A.2.1.  Transferable Secret", "A.2.2.  Transferable Public", "A.2.3.  Encrypted and", NULL, PGP_ED25519 },
	{ "A.2.1.  Transferable Secret", "A.2.2.  Transferable Public", "A.2.4.  Encrypted and", NULL, PGP_ED25519 },
	{ "A.3.1.  Transferable Secret", "A.3.2.  Transferable Public", "A.3.3.  Encrypted and", "A.3.4.  Detached",
	    PGP_MLDSA65_ED25519 },
	{ "A.4.1.  Transferable Secret", "A.4.2.  Transferable Public", "A.4.3.  Encrypted and", "A.4.4.  Detached",
	    PGP_MLDSA87_ED448 },
	{ "A.5.1.  Transferable Secret", "A.5.2.  Transferable Public", "A.5.3.  Encrypted and", NULL,
	    PGP_SLHDSA_128S },
};
#define SAMPLES (sizeof samples / sizeof samples[0])

/* Key shares to wrapping key to session key to text: all but ML-KEM itself, which the standard's shares stand for. */
static void
combiner(const struct buf *text, const struct sample *s)
{
	BUF_OWNED struct buf cert = { 0 }, message = { 0 };
	BUF_OWNED struct buf mlkem = { 0 }, ecdh = { 0 }, kek = { 0 }, want = { 0 };
	SECRET_OWNED struct secret session = SECRET_EMPTY;
	struct slice fields[PGP_PK_FIELDS_MAX];
	struct pgp_pqc_shares shares = { 0 };
	uint8_t got[PGP_PQC_KEK];
	struct pgp_certs certs = { 0 };
	const struct pgp_key *key;
	struct pgp_pkesk pkesk;

	armored(text, s->public, &cert);
	armored(text, s->message, &message);
	hex_value(text, s->message, "mlkemKeyShare input to multiKeyCombine is", &mlkem);
	hex_value(text, s->message, "ecdhKeyShare input to multiKeyCombine is", &ecdh);
	hex_value(text, s->message, "output of multiKeyCombine is", &kek);
	hex_value(text, s->message, "session key is", &want);
	assert_ok(pgp_certs_parse(buf_slice(&cert), &certs, &unit_error));
	key = pgp_cert_key(certs.items[0], 1);
	assert_true(key->understood);
	assert_ok(pgp_pkesk_parse(first_packet(buf_slice(&message), PGP_PKESK).body, &pkesk, &unit_error));
	assert_true(pgp_pkesk_may_be_for(&pkesk, key));
	assert_true(pgp_pk_split(&pgp_pk_find(key->algorithm)->pkesk, pkesk.fields, fields));
	shares.mlkem_share = buf_slice(&mlkem);
	shares.ecdh_share = buf_slice(&ecdh);
	shares.ecdh_ciphertext = fields[0];
	shares.ecdh_public = key->public[0];
	assert_ok(pgp_pqc_combine(key->algorithm, &shares, got, &unit_error));
	assert_slices(slice_of(got, sizeof got), buf_slice(&kek));
	assert_ok(keywrap_unwrap(
	    slice_of(got, sizeof got), slice_from(fields[2], pkesk.version == 3), &session, &unit_error));
	assert_slices(secret_slice(&session), buf_slice(&want));
	pgp_certs_done(&certs);
}

static void
combiner_of_the_appendix(void **state)
{
	BUF_OWNED struct buf text = { 0 };

	(void)state;
	if (!document(&text))
		return;
	for (size_t i = 0; i < SAMPLES; i++)
		combiner(&text, &samples[i]);
}

/* The message opens with the session key that the standard tells; its signature is judged where that can be. */
static void
opens_with_session_key(const struct buf *text, const struct sample *s)
{
	BUF_OWNED struct buf cert = { 0 }, message = { 0 };
	BUF_OWNED struct buf key = { 0 }, out = { 0 };
	struct pgp_policy policy = pgp_policy_default(NOW);
	struct pgp_session session = { PGP_AES256, SECRET_EMPTY };
	struct pgp_decrypt_spec spec = { .sessions = &session, .session_count = 1 };
	struct pgp_decrypt_result result = { 0 };
	struct slice in;
	struct pgp_certs certs = { 0 };

	armored(text, s->public, &cert);
	armored(text, s->message, &message);
	in = buf_slice(&message);
	hex_value(text, s->message, "session key is", &key);
	assert_ok(pgp_certs_parse(buf_slice(&cert), &certs, &unit_error));
	assert_ok(pgp_verifier_new(&spec.verifier, &certs, &policy, &unit_error));
	assert_ok(secret_copy(&session.key, buf_slice(&key), &unit_error));
	buf_init(&out, PLAIN_MAX);
	assert_ok(pgp_decrypt(pgp_source_slice(&in), &spec, pgp_plain_buf(&out), &result, &unit_error));
	assert_slice(buf_slice(&out), "Testing\n");
	assert_ok(pgp_verifier_finish(spec.verifier, &unit_error));
	assert_int_equal(pgp_verifier_count(spec.verifier), 1);
	if (pgp_pqc_available(s->signer, NULL) == 0)
		assert_int_equal(pgp_verifier_verdict(spec.verifier, 0)->kind, PGP_VERDICT_GOOD);
	else
		assert_int_not_equal(pgp_verifier_verdict(spec.verifier, 0)->kind, PGP_VERDICT_GOOD);
	pgp_verifier_free(spec.verifier);
	pgp_session_done(&result.session);
	pgp_session_done(&session);
	pgp_certs_done(&certs);
}

static void
messages_of_the_appendix_by_session_key(void **state)
{
	BUF_OWNED struct buf text = { 0 };

	(void)state;
	if (!document(&text))
		return;
	for (size_t i = 0; i < SAMPLES; i++)
		opens_with_session_key(&text, &samples[i]);
}

static void
opens_with_secret_key(const struct buf *text, const struct sample *s)
{
	BUF_OWNED struct buf secret = { 0 }, message = { 0 }, out = { 0 };
	SECRET_OWNED struct secret unlocked = SECRET_EMPTY;
	struct pgp_decrypt_spec spec = { .key_count = 1 };
	struct pgp_decrypt_result result = { 0 };
	struct pgp_memory_keys *memory;
	struct slice in;
	struct pgp_certs certs = { 0 };
	const struct pgp_key *key;

	armored(text, s->secret, &secret);
	armored(text, s->message, &message);
	in = buf_slice(&message);
	assert_ok(pgp_certs_parse(buf_slice(&secret), &certs, &unit_error));
	key = pgp_cert_key(certs.items[0], 1);
	if (pgp_pqc_available(key->algorithm, &unit_error) != 0) {
		assert_says_what_is_needed(&unit_error, key->algorithm);
		assert_int_equal(pgp_key_unlock(key, SLICE_EMPTY, &unlocked, &unit_error), ERR_UNSUPPORTED);
		assert_says_what_is_needed(&unit_error, key->algorithm);
		pgp_certs_done(&certs);
		return;
	}
	assert_ok(pgp_key_unlock(key, SLICE_EMPTY, &unlocked, &unit_error));
	assert_ok(pgp_memory_keys_new(&memory, &unit_error));
	assert_ok(pgp_memory_keys_add(memory, key, secret_slice(&unlocked), &unit_error));
	spec.keys = &key;
	spec.keyring = pgp_memory_keys_ops(memory);
	buf_init(&out, PLAIN_MAX);
	assert_ok(pgp_decrypt(pgp_source_slice(&in), &spec, pgp_plain_buf(&out), &result, &unit_error));
	assert_slice(buf_slice(&out), "Testing\n");
	assert_ptr_equal(result.key, key);
	pgp_session_done(&result.session);
	pgp_memory_keys_free(memory);
	pgp_certs_done(&certs);
}

static void
messages_of_the_appendix_by_secret_key(void **state)
{
	BUF_OWNED struct buf text = { 0 };

	(void)state;
	if (!document(&text))
		return;
	for (size_t i = 0; i < SAMPLES; i++)
		opens_with_secret_key(&text, &samples[i]);
}

static void
detached(const struct buf *text, const struct sample *s)
{
	BUF_OWNED struct buf cert = { 0 }, signature = { 0 };
	struct fixture f = { 0 };
	enum pgp_verdict_kind kind;

	armored(text, s->public, &cert);
	armored(text, s->signature, &signature);
	assert_ok(pgp_certs_parse(buf_slice(&cert), &f.certs, &unit_error));
	kind = fixture_verify(&f, buf_slice(&signature), SLICE("Testing\n"), NOW);
	if (pgp_pqc_available(s->signer, NULL) == 0) {
		assert_int_equal(kind, PGP_VERDICT_GOOD);
		assert_int_equal(fixture_verify(&f, buf_slice(&signature), SLICE("testing\n"), NOW), PGP_VERDICT_BAD);
		/* The last octet is the ML-DSA half's, the first EdDSA one stands before it: each of them decides. */
		signature.data[signature.len - 1] ^= 1;
		assert_int_equal(fixture_verify(&f, buf_slice(&signature), SLICE("Testing\n"), NOW), PGP_VERDICT_BAD);
		signature.data[signature.len - 1] ^= 1;
		signature.data[signature.len - (s->signer == PGP_MLDSA87_ED448 ? 4627 : 3309) - 1] ^= 1;
		assert_int_equal(fixture_verify(&f, buf_slice(&signature), SLICE("Testing\n"), NOW), PGP_VERDICT_BAD);
	} else
		assert_int_not_equal(kind, PGP_VERDICT_GOOD);
	pgp_certs_done(&f.certs);
}

static void
detached_signatures_of_the_appendix(void **state)
{
	BUF_OWNED struct buf text = { 0 };

	(void)state;
	if (!document(&text))
		return;
	detached(&text, &samples[3]);
	detached(&text, &samples[4]);
}

/* Parsed and named by the right fingerprints whether or not it can be used; the secret key's certificate is the public one. */
static void
certificate(const struct buf *text, const struct sample *s)
{
	BUF_OWNED struct buf secret = { 0 }, public = { 0 }, out = { 0 };
	BUF_OWNED struct buf primary = { 0 }, subkey = { 0 };
	struct pgp_certs certs = { 0 };
	const struct pgp_key *k;

	armored(text, s->secret, &secret);
	armored(text, s->public, &public);
	hex_value(text, s->secret, "primary key has the fingerprint", &primary);
	hex_value(text, s->secret, "subkey has the fingerprint", &subkey);
	buf_init(&out, 1u << 18);
	assert_ok(pgp_certs_parse(buf_slice(&secret), &certs, &unit_error));
	k = certs.items[0]->primary;
	assert_int_equal(k->algorithm, s->signer);
	assert_slices(slice_of(k->fingerprint.bytes, k->fingerprint.len), buf_slice(&primary));
	k = pgp_cert_key(certs.items[0], 1);
	assert_non_null(k);
	assert_slices(slice_of(k->fingerprint.bytes, k->fingerprint.len), buf_slice(&subkey));
	assert_int_equal(pgp_key_can_encrypt(k), pgp_pqc_available(k->algorithm, NULL) == 0);
	assert_ok(pgp_cert_write_public(certs.items[0], &out));
	assert_slices(buf_slice(&out), buf_slice(&public));
	pgp_certs_done(&certs);
}

static void
certificates_of_the_appendix(void **state)
{
	BUF_OWNED struct buf text = { 0 };

	(void)state;
	if (!document(&text))
		return;
	for (size_t i = 0; i < SAMPLES; i++)
		certificate(&text, &samples[i]);
}

UNIT_MAIN(UNIT_TEST(certificates_of_the_appendix), UNIT_TEST(combiner_of_the_appendix),
    UNIT_TEST(messages_of_the_appendix_by_session_key), UNIT_TEST(messages_of_the_appendix_by_secret_key),
    UNIT_TEST(detached_signatures_of_the_appendix))
