/* SPDX-License-Identifier: ISC */
/*
 * RFC 9980: its rules, fresh keys, and what a libcrypto without ML-KEM and
 * ML-DSA says. Each test runs with both kinds of libcrypto.
 */
#include "unit.h"

#include "base/mem.h"
#include "openpgp/message/negotiate.h"
#include "openpgp/sig/sig.h"

#include "pqc_kit.h"

/* ---- rules ---- */

/* A public key packet's body of this algorithm with octets that may stand in any key; extra: too many or too few. */
static void
public_body(uint8_t version, uint8_t algorithm, int extra, struct buf *b)
{
	static const struct {
		uint8_t algorithm;
		int octets;
	} sizes[] = { { PGP_MLDSA65_ED25519, 32 + 1952 }, { PGP_MLDSA87_ED448, 57 + 2592 }, { PGP_SLHDSA_128S, 32 },
		{ PGP_SLHDSA_128F, 32 }, { PGP_SLHDSA_256S, 64 }, { PGP_MLKEM768_X25519, 32 + 1184 },
		{ PGP_MLKEM1024_X448, 56 + 1568 } };
	int octets = 40;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		octets = sizes[i].algorithm == algorithm ? sizes[i].octets : octets;
	octets += extra;
	buf_init(b, 1u << 16);
	(void)buf_put_u8(b, version);
	(void)buf_put_u32(b, NOW - 1000);
	(void)buf_put_u8(b, algorithm);
	if (version == 6)
		(void)buf_put_u32(b, (uint32_t)octets);
	(void)buf_put_u8(b, 9); /* X25519's base point */
	for (int i = 1; i < octets; i++)
		(void)buf_put_u8(b, 0);
	assert_int_equal(b->err, 0);
}

static void
versions_that_each_may_have(void **state)
{
	static const struct {
		uint8_t version, algorithm, type;
		bool understood;
	} rows[] = {
		{ 6, PGP_MLDSA65_ED25519, PGP_PUBLIC_KEY, true },
		{ 6, PGP_MLDSA65_ED25519, PGP_PUBLIC_SUBKEY, true },
		{ 6, PGP_MLDSA87_ED448, PGP_PUBLIC_KEY, true },
		{ 6, PGP_MLKEM768_X25519, PGP_PUBLIC_SUBKEY, true },
		{ 6, PGP_MLKEM1024_X448, PGP_PUBLIC_SUBKEY, true },
		{ 4, PGP_MLKEM768_X25519, PGP_PUBLIC_SUBKEY, true },
		{ 4, PGP_MLKEM768_X25519, PGP_PUBLIC_KEY, false },
		{ 4, PGP_MLKEM1024_X448, PGP_PUBLIC_SUBKEY, false },
		{ 4, PGP_MLDSA65_ED25519, PGP_PUBLIC_KEY, false },
		{ 4, PGP_MLDSA65_ED25519, PGP_PUBLIC_SUBKEY, false },
		{ 4, PGP_MLDSA87_ED448, PGP_PUBLIC_SUBKEY, false },
		{ 6, PGP_SLHDSA_128S, PGP_PUBLIC_KEY, false },
		{ 6, 99, PGP_PUBLIC_SUBKEY, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf body = { 0 };
		struct pgp_key key;

		public_body(rows[i].version, rows[i].algorithm, 0, &body);
		assert_ok(pgp_key_parse(buf_slice(&body), rows[i].type, &key, &unit_error));
		if (key.understood != rows[i].understood)
			fail_msg("version %u algorithm %u", rows[i].version, rows[i].algorithm);
	}
}

static void
wrong_lengths_are_no_keys(void **state)
{
	static const uint8_t all[] = { PGP_MLDSA65_ED25519, PGP_MLDSA87_ED448, PGP_MLKEM768_X25519,
		PGP_MLKEM1024_X448 };

	(void)state;
	for (size_t i = 0; i < sizeof all; i++) {
		BUF_OWNED struct buf shorter = { 0 }, longer = { 0 };
		struct pgp_key key;

		public_body(6, all[i], -1, &shorter);
		public_body(6, all[i], 1, &longer);
		assert_true(pgp_key_parse(buf_slice(&shorter), PGP_PUBLIC_SUBKEY, &key, NULL) < 0);
		assert_true(pgp_key_parse(buf_slice(&longer), PGP_PUBLIC_SUBKEY, &key, NULL) < 0);
	}
}

/* A certificate with one more subkey, bound to encrypt. */
static void
add_subkey(struct fixture *f, const struct buf *body, uint8_t hash, struct pgp_certs *out, struct buf *bytes)
{
	static const uint8_t flags = PGP_FLAG_ENCRYPT;
	struct buf sub, sig;
	struct pgp_key key;
	struct pgp_sig_target target = { .primary = f->cert->primary, .subkey = &key };
	struct pgp_sig_spec spec = { .type = PGP_SIG_SUBKEY_BINDING, .created = NOW - 1000, .hash = hash };

	buf_init(&sub, 64);
	buf_init(&sig, 1u << 16);
	assert_ok(pgp_key_parse(buf_slice(body), PGP_PUBLIC_SUBKEY, &key, &unit_error));
	(void)pgp_subpacket_put(&sub, PGP_SUB_KEY_FLAGS, true, slice_of(&flags, 1));
	spec.extra_hashed = buf_slice(&sub);
	assert_ok(
	    pgp_sig_make_target(&spec, &target, f->cert->primary, pgp_memory_keys_ops(f->memory), &sig, &unit_error));
	buf_init(bytes, 1u << 18);
	assert_ok(pgp_cert_write_public(f->cert, bytes));
	assert_int_equal(pgp_packet_write(bytes, PGP_PUBLIC_SUBKEY, buf_slice(body)), 0);
	assert_int_equal(pgp_packet_write(bytes, PGP_SIGNATURE, buf_slice(&sig)), 0);
	assert_ok(pgp_certs_parse(buf_slice(bytes), out, &unit_error));
	buf_done(&sub);
	buf_done(&sig);
}

/* "Mock PQC subkey": whatever the further subkey is, the certificate can be encrypted to. */
static void
a_strange_subkey_spoils_nothing(void **state)
{
	static const uint8_t all[] = { PGP_MLDSA65_ED25519, PGP_SLHDSA_128S, PGP_MLKEM768_X25519, PGP_MLKEM1024_X448,
		99, 255 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof all; i++) {
		uint8_t version = i % 2 == 0 ? 4 : 6, algorithm = all[i / 2];
		BUF_OWNED struct buf body = { 0 }, bytes = { 0 }, again = { 0 };
		struct pgp_policy policy = pgp_policy_default(NOW);
		const struct pgp_key *keys[4];
		struct pgp_cert_judgement j;
		struct pgp_certs certs = { 0 };
		struct fixture f;
		bool usable;
		size_t n;

		public_body(version, algorithm, 0, &body);
		fixture_new(&f, version, NOW - 1000, false);
		add_subkey(&f, &body, 0, &certs, &bytes);
		usable = algorithm == PGP_MLKEM768_X25519 || (version == 6 && algorithm == PGP_MLKEM1024_X448);
		usable = usable && pgp_pqc_available(algorithm, NULL) == 0;
		assert_ok(pgp_cert_judge(certs.items[0], &policy, NOW, &j, &unit_error));
		n = pgp_judged_keys_for(&j, &policy, PGP_FLAG_ENCRYPT, keys, 4, &unit_error);
		/* A message is as secret as its weakest session key packet: beside a usable pair nothing else is taken. */
		assert_int_equal(n, 1);
		assert_int_equal(pgp_pqc_is(keys[0]->algorithm), usable);
		pgp_cert_judgement_done(&j);
		buf_init(&again, 1u << 18);
		assert_ok(pgp_cert_write(certs.items[0], &again));
		assert_slices(buf_slice(&again), buf_slice(&bytes));
		pgp_certs_done(&certs);
		fixture_done(&f);
	}
}

/* An RSA key of version 4, which may sign with SHA-1: 25519 must not (RFC 9580 section 5.2.3.4). */
static void
fixture_rsa(struct fixture *f)
{
	struct pgp_key_spec spec = { .version = 4, .algorithm = PGP_RSA, .created = NOW - 1000 };
	struct pgp_sig_spec sig = { .type = PGP_SIG_CERT_POSITIVE, .created = NOW - 1000 };
	struct pgp_sig_target target = { .user_type = PGP_USER_ID, .user = SLICE("Alice <alice@example.org>") };
	static const uint8_t flags = PGP_FLAG_CERTIFY | PGP_FLAG_SIGN;
	BUF_OWNED struct buf body = { 0 }, out = { 0 }, sub = { 0 };
	struct pgp_fresh_key k = { 0 };
	struct pgp_memory_keys *memory;

	buf_init(&body, 1u << 16);
	buf_init(&out, 1u << 16);
	buf_init(&sub, 64);
	assert_ok(pgp_key_make(&spec, &k, &unit_error));
	assert_ok(pgp_memory_keys_new(&memory, &unit_error));
	assert_ok(pgp_memory_keys_add(memory, &k.key, secret_slice(&k.secret), &unit_error));
	target.primary = &k.key;
	assert_ok(pgp_key_write_secret(
	    &k.key, PGP_SECRET_KEY, secret_slice(&k.secret), PGP_PROTECT_NONE, SLICE_EMPTY, &body, &unit_error));
	(void)pgp_packet_write(&out, PGP_SECRET_KEY, buf_slice(&body));
	(void)pgp_packet_write(&out, PGP_USER_ID, target.user);
	(void)pgp_subpacket_put(&sub, PGP_SUB_KEY_FLAGS, true, slice_of(&flags, 1));
	sig.extra_hashed = buf_slice(&sub);
	buf_clear(&body);
	assert_ok(pgp_sig_make_target(&sig, &target, &k.key, pgp_memory_keys_ops(memory), &body, &unit_error));
	(void)pgp_packet_write(&out, PGP_SIGNATURE, buf_slice(&body));
	fixture_from(f, buf_slice(&out));
	pgp_memory_keys_free(memory);
	pgp_fresh_key_done(&k);
}

/* Section 7.2, also at a time when SHA-1 still binds an older kind of subkey. */
static void
no_binding_by_old_hashes(void **state)
{
	static const struct {
		uint8_t algorithm, hash;
		bool good;
	} rows[] = {
		{ PGP_MLKEM768_X25519, PGP_SHA1, false },
		{ PGP_MLKEM768_X25519, PGP_SHA256, true },
		{ PGP_X25519, PGP_SHA1, true },
	};

	struct fixture f;

	(void)state;
	fixture_rsa(&f);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf body = { 0 };
		BUF_OWNED struct buf bytes = { 0 };
		struct pgp_policy policy = pgp_policy_default(NOW - 500);
		const struct pgp_component_judgement *c;
		struct pgp_cert_judgement j;
		struct pgp_certs certs = { 0 };

		public_body(4, rows[i].algorithm, rows[i].algorithm == PGP_X25519 ? -8 : 0, &body);
		assert_ok(pgp_policy_set(&policy, SLICE("sha1"), PGP_USES_ALL, PGP_ALWAYS, &unit_error));
		add_subkey(&f, &body, rows[i].hash, &certs, &bytes);
		assert_ok(pgp_cert_judge(certs.items[0], &policy, policy.now, &j, &unit_error));
		c = pgp_judged_key(&j, pgp_cert_key(certs.items[0], 1));
		if ((c->standing == PGP_STANDING_GOOD) != rows[i].good)
			fail_msg("row %zu: %s", i, c->reason);
		pgp_cert_judgement_done(&j);
		pgp_certs_done(&certs);
	}
	fixture_done(&f);
}

/* Section 7.1: who has such a key has AES-256, whatever his preferences say. */
static void
aes256_goes_without_saying(void **state)
{
	static const uint8_t only_128[] = { PGP_AES128 }, only_128_gcm[] = { PGP_AES128, PGP_GCM };

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool pair = i % 2 == 0, v2 = i < 2;
		struct pgp_key key = { .version = 6, .algorithm = pair ? PGP_MLKEM768_X25519 : PGP_X25519 };
		struct pgp_component component = { .kind = PGP_COMPONENT_SUBKEY, .key = &key };
		struct pgp_component_judgement one = { .component = &component, .standing = PGP_STANDING_GOOD };
		struct pgp_cert_judgement j = { .components = &one,
			.count = 1,
			.features = PGP_FEATURE_SEIPD1 | (v2 ? PGP_FEATURE_SEIPD2 : 0),
			.preferred_ciphers = slice_of(only_128, 1),
			.preferred_aead = slice_of(only_128_gcm, 2) };
		enum pgp_container container;
		struct pgp_negotiation n;
		uint8_t cipher, aead;

		pgp_negotiation_begin(&n, &(struct pgp_negotiation_wishes){ 0 });
		pgp_negotiation_add(&n, &j);
		pgp_negotiation_end(&n, &container, &cipher, &aead);
		assert_int_equal(container, v2 ? PGP_CONTAINER_SEIPD2 : PGP_CONTAINER_SEIPD1);
		assert_int_equal(cipher, pair ? PGP_AES256 : PGP_AES128);
		assert_int_equal(aead, v2 ? PGP_OCB : 0);
	}
}

/* ---- with fresh keys ---- */

/* false where libcrypto lacks it: then the refusal is looked at. */
static bool
fresh(uint8_t version, uint8_t algorithm, struct pgp_fresh_key *out)
{
	struct pgp_key_spec spec = {
		.version = version, .algorithm = algorithm, .subkey = true, .created = NOW - 1000
	};
	int rc = pgp_key_make(&spec, out, &unit_error);

	if (pgp_pqc_available(algorithm, NULL) == 0) {
		assert_int_equal(rc, 0);
		return true;
	}
	assert_int_equal(rc, ERR_UNSUPPORTED);
	assert_says_what_is_needed(&unit_error, algorithm);
	return false;
}

static void
each_flip_is_noticed(const struct pgp_fresh_key *k, struct pgp_keyring_ops keys, struct slice packet)
{
	struct pgp_packet p = first_packet(packet, PGP_PKESK);
	BUF_OWNED struct buf body = { 0 };
	struct pgp_pkesk pkesk;

	buf_init(&body, PGP_ESK_BODY_MAX);
	(void)buf_put_slice(&body, p.body);
	assert_ok(pgp_pkesk_parse(p.body, &pkesk, &unit_error));
	for (size_t at = body.len - pkesk.fields.len; at < body.len; at += at < body.len - 48 ? 41 : 1) {
		struct pgp_session got = { 0, SECRET_EMPTY };
		struct error e = { 0 };
		int rc;

		/* X25519 ignores the highest bit of its points (RFC 7748 section 5): the lowest one. */
		body.data[at] ^= 1;
		assert_ok(pgp_pkesk_parse(buf_slice(&body), &pkesk, &unit_error));
		rc = pgp_pkesk_open(&pkesk, &k->key, keys, &got, &e);
		if (rc != ERR_INTEGRITY)
			fail_msg("octet %zu: %d %s", at, rc, e.text);
		body.data[at] ^= 1;
	}
}

static void
session_key_there_and_back(uint8_t version, uint8_t algorithm, uint8_t pkesk_version, uint8_t cipher)
{
	PGP_SESSION_OWNED struct pgp_session session = { 0, SECRET_EMPTY }, got = { 0, SECRET_EMPTY };
	BUF_OWNED struct buf out = { 0 };
	struct pgp_memory_keys *memory;
	struct pgp_fresh_key k = { 0 };
	struct pgp_pkesk pkesk;

	if (!fresh(version, algorithm, &k))
		return;
	assert_ok(pgp_memory_keys_new(&memory, &unit_error));
	assert_ok(pgp_memory_keys_add(memory, &k.key, secret_slice(&k.secret), &unit_error));
	assert_ok(pgp_session_new(cipher, &session, &unit_error));
	buf_init(&out, 1u << 16);
	assert_ok(pgp_pkesk_write(pkesk_version, &k.key, &session, &out, &unit_error));
	assert_ok(pgp_pkesk_parse(first_packet(buf_slice(&out), PGP_PKESK).body, &pkesk, &unit_error));
	assert_ok(pgp_pkesk_open(&pkesk, &k.key, pgp_memory_keys_ops(memory), &got, &unit_error));
	assert_slices(secret_slice(&got.key), secret_slice(&session.key));
	assert_int_equal(got.cipher, pkesk_version == 3 ? cipher : 0);
	each_flip_is_noticed(&k, pgp_memory_keys_ops(memory), buf_slice(&out));
	pgp_memory_keys_free(memory);
	pgp_fresh_key_done(&k);
}

static void
session_keys_there_and_back(void **state)
{
	static const uint8_t ciphers[] = { PGP_AES128, PGP_AES192, PGP_AES256 };

	(void)state;
	for (size_t i = 0; i < sizeof ciphers; i++) {
		session_key_there_and_back(4, PGP_MLKEM768_X25519, 3, ciphers[i]);
		session_key_there_and_back(4, PGP_MLKEM768_X25519, 6, ciphers[i]);
		session_key_there_and_back(6, PGP_MLKEM768_X25519, 3, ciphers[i]);
		session_key_there_and_back(6, PGP_MLKEM768_X25519, 6, ciphers[i]);
		session_key_there_and_back(6, PGP_MLKEM1024_X448, 3, ciphers[i]);
		session_key_there_and_back(6, PGP_MLKEM1024_X448, 6, ciphers[i]);
	}
}

/* Signs whatever the digest's length: for what a verifier must reject. */
static int
sign_anything(void *ctx, const struct pgp_key *key, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	const struct pgp_fresh_key *k = ctx;

	return pgp_pk_of(key)->sign(key, secret_slice(&k->secret), hash, digest, out, e);
}

static int
sign_and_check(struct pgp_fresh_key *k, uint8_t hash)
{
	static const struct pgp_keyops ops = { .sign = sign_anything };
	struct pgp_sig_spec spec = { .type = PGP_SIG_SUBKEY_BINDING, .created = NOW, .hash = hash };
	struct pgp_sig_target target = { .primary = &k->key, .subkey = &k->key };
	BUF_OWNED struct buf out = { 0 };
	struct pgp_sig sig;

	buf_init(&out, PGP_SIG_BODY_MAX);
	assert_ok(pgp_sig_make_target(&spec, &target, &k->key, (struct pgp_keyring_ops){ &ops, k }, &out, &unit_error));
	assert_ok(pgp_sig_parse(buf_slice(&out), &sig, &unit_error));
	return pgp_sig_check_target(&sig, &target, &k->key, &unit_error);
}

static void
signatures_and_their_hashes(void **state)
{
	static const uint8_t algorithms[] = { PGP_MLDSA65_ED25519, PGP_MLDSA87_ED448 };
	static const uint8_t good[] = { PGP_SHA256, PGP_SHA384, PGP_SHA512, PGP_SHA3_256, PGP_SHA3_512 };
	struct buf none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof algorithms; i++) {
		struct pgp_fresh_key k = { 0 };

		if (!fresh(6, algorithms[i], &k))
			continue;
		for (size_t n = 0; n < sizeof good; n++)
			assert_ok(sign_and_check(&k, good[n]));
		/* Section 5.3.1: of less than 256 bits it must be rejected. */
		assert_int_equal(sign_and_check(&k, PGP_SHA224), ERR_POLICY);
		assert_int_equal(pgp_secret_sign(&k.key, secret_slice(&k.secret), PGP_SHA224,
				     slice_of(k.key.fingerprint.bytes, 28), &none, NULL),
		    ERR_UNSUPPORTED);
		pgp_fresh_key_done(&k);
	}
}

/* A secret whose public half was exchanged in its packet does not unlock: each of the two is compared. */
static void
exchanged_public_halves_do_not_unlock(void **state)
{
	static const uint8_t all[] = { PGP_MLDSA65_ED25519, PGP_MLDSA87_ED448, PGP_MLKEM768_X25519,
		PGP_MLKEM1024_X448 };

	(void)state;
	for (size_t i = 0; i < sizeof all; i++) {
		SECRET_OWNED struct secret got = SECRET_EMPTY;
		BUF_OWNED struct buf body = { 0 };
		struct pgp_fresh_key k = { 0 };
		struct pgp_key key;

		if (!fresh(6, all[i], &k))
			continue;
		buf_init(&body, 1u << 16);
		assert_ok(pgp_key_write_secret(&k.key, PGP_SECRET_SUBKEY, secret_slice(&k.secret), PGP_PROTECT_NONE,
		    SLICE_EMPTY, &body, &unit_error));
		assert_ok(pgp_key_parse(buf_slice(&body), PGP_SECRET_SUBKEY, &key, &unit_error));
		assert_ok(pgp_key_unlock(&key, SLICE_EMPTY, &got, &unit_error));
		assert_slices(secret_slice(&got), secret_slice(&k.secret));
		for (size_t n = 0; n < 2; n++) {
			size_t at = (size_t)(key.public[n].data - body.data);

			secret_done(&got);
			body.data[at] ^= 1;
			assert_int_equal(pgp_key_unlock(&key, SLICE_EMPTY, &got, &unit_error), ERR_INTEGRITY);
			body.data[at] ^= 1;
		}
		pgp_fresh_key_done(&k);
	}
}

/* A whole key by generate.h: what it decrypts with; or the refusal. */
static void
generated(const struct pgp_generate_spec *spec, uint8_t encrypts, uint8_t pair)
{
	struct pgp_policy policy = pgp_policy_default(NOW);
	BUF_OWNED struct buf out = { 0 };
	const struct pgp_key *keys[4];
	struct pgp_cert_judgement j;
	struct fixture f;
	int rc;

	buf_init(&out, 1u << 18);
	rc = pgp_generate(spec, &out, &unit_error);
	if (pgp_pqc_available(pair, NULL) != 0) {
		assert_int_equal(rc, ERR_UNSUPPORTED);
		assert_says_what_is_needed(&unit_error, pair);
		assert_int_equal(out.len, 0);
		return;
	}
	assert_int_equal(rc, 0);
	fixture_from(&f, buf_slice(&out));
	assert_ok(pgp_cert_judge(f.cert, &policy, NOW, &j, &unit_error));
	assert_int_equal(j.standing, PGP_STANDING_GOOD);
	assert_int_equal(pgp_judged_keys_for(&j, &policy, PGP_FLAG_ENCRYPT, keys, 4, &unit_error), 1);
	assert_int_equal(keys[0]->algorithm, encrypts);
	pgp_cert_judgement_done(&j);
	fixture_done(&f);
}

static void
keys_are_generated(void **state)
{
	static const struct pgp_subkey_spec both[] = { { .flags = PGP_FLAG_ENCRYPT, .family = PGP_FAMILY_25519 },
		{ .flags = PGP_FLAG_ENCRYPT, .family = PGP_FAMILY_MLKEM768_25519 } };
	struct slice user = SLICE("Alice <alice@example.org>");
	struct pgp_generate_spec spec = { .version = 6,
		.family = PGP_FAMILY_MLKEM768_25519,
		.user_ids = &user,
		.user_id_count = 1,
		.created = NOW - 1000,
		.sign_apart = true };

	(void)state;
	generated(&spec, PGP_MLKEM768_X25519, PGP_MLDSA65_ED25519);
	spec.family = PGP_FAMILY_MLKEM1024_448;
	generated(&spec, PGP_MLKEM1024_X448, PGP_MLDSA87_ED448);
	/* Version 4 with a subkey of either kind: who does not know the new one encrypts to the other. */
	spec.version = 4;
	spec.family = PGP_FAMILY_25519;
	spec.sign_apart = false;
	spec.subkeys = both;
	spec.subkey_count = 2;
	generated(&spec, PGP_MLKEM768_X25519, PGP_MLKEM768_X25519);
}

/* One of everything with a key; what fails must be for want of memory. */
static int
work(const struct pgp_fresh_key *k, struct error *e)
{
	PGP_SESSION_OWNED struct pgp_session session = { 0, SECRET_EMPTY }, got = { 0, SECRET_EMPTY };
	BUF_OWNED struct buf out = { 0 }, body = { 0 };
	SECRET_OWNED struct secret secret = SECRET_EMPTY;
	const uint8_t digest[32] = { 1 };
	struct pgp_pkesk pkesk;
	struct pgp_packet p;
	struct pgp_key key;
	size_t at = 0;
	int rc;

	buf_init(&out, 1u << 16);
	buf_init(&body, 1u << 16);
	rc = pgp_key_write_secret(
	    &k->key, PGP_SECRET_SUBKEY, secret_slice(&k->secret), PGP_PROTECT_NONE, SLICE_EMPTY, &body, e);
	if (rc == 0)
		rc = pgp_key_parse(buf_slice(&body), PGP_SECRET_SUBKEY, &key, e);
	if (rc == 0)
		rc = pgp_key_unlock(&key, SLICE_EMPTY, &secret, e);
	if (rc != 0 || !pgp_pqc_decrypts(key.algorithm))
		return rc != 0
		    ? rc
		    : pgp_secret_sign(&key, secret_slice(&secret), PGP_SHA256, slice_of(digest, 32), &out, e);
	rc = pgp_session_new(PGP_AES256, &session, e);
	if (rc == 0)
		rc = pgp_pkesk_write(6, &key, &session, &out, e);
	if (rc == 0 && (rc = pgp_packet_next(buf_slice(&out), &at, &p, e)) == 1)
		rc = pgp_pkesk_parse(p.body, &pkesk, e);
	if (rc == 0) {
		const struct pgp_pkesk_fields fields = { 6, pkesk.algorithm, pkesk.fields };

		rc = pgp_secret_open(&key, secret_slice(&secret), &fields, &got.cipher, &got.key, e);
	}
	return rc;
}

static void
without_memory(void **state)
{
	static const uint8_t all[] = { PGP_MLDSA65_ED25519, PGP_MLDSA87_ED448, PGP_MLKEM768_X25519,
		PGP_MLKEM1024_X448 };

	(void)state;
	for (size_t i = 0; i < sizeof all; i++) {
		struct pgp_fresh_key k = { 0 };
		struct error e = { 0 };
		int rc = ERR_NOMEM;

		if (!fresh(6, all[i], &k))
			continue;
		for (long n = 0; rc != 0; n++) {
			mem_fail_after(n);
			rc = work(&k, &e);
			mem_fail_after(-1);
			if (rc != 0 && rc != ERR_NOMEM)
				fail_msg("allocation %ld: %d %s", n, rc, e.text);
		}
		pgp_fresh_key_done(&k);
	}
}

static void
what_is_not_here_says_so(void **state)
{
	BUF_OWNED struct buf body = { 0 }, out = { 0 };
	PGP_SESSION_OWNED struct pgp_session session = { 0, SECRET_EMPTY };
	struct pgp_key key;

	public_body(6, PGP_MLKEM1024_X448, 0, &body);
	(void)state;
	assert_int_equal(pgp_pqc_available(PGP_SLHDSA_256S, &unit_error), ERR_UNSUPPORTED);
	assert_string_equal(unit_error.text, "SLH-DSA-SHAKE-256s is not supported");
	assert_int_equal(pgp_pqc_available(PGP_RSA, &unit_error), 0);
	assert_int_equal(pgp_pqc_available(PGP_ED448, &unit_error), 0);
	if (pgp_pqc_available(PGP_MLKEM1024_X448, NULL) == 0)
		return;
	buf_init(&out, 1u << 16);
	assert_ok(pgp_key_parse(buf_slice(&body), PGP_PUBLIC_SUBKEY, &key, &unit_error));
	assert_ok(pgp_session_new(PGP_AES256, &session, &unit_error));
	assert_int_equal(pgp_pkesk_write(6, &key, &session, &out, &unit_error), ERR_UNSUPPORTED);
	assert_says_what_is_needed(&unit_error, PGP_MLKEM1024_X448);
}

UNIT_MAIN(UNIT_TEST(versions_that_each_may_have), UNIT_TEST(wrong_lengths_are_no_keys),
    UNIT_TEST(a_strange_subkey_spoils_nothing), UNIT_TEST(no_binding_by_old_hashes),
    UNIT_TEST(aes256_goes_without_saying), UNIT_TEST(session_keys_there_and_back),
    UNIT_TEST(signatures_and_their_hashes), UNIT_TEST(exchanged_public_halves_do_not_unlock),
    UNIT_TEST(keys_are_generated), UNIT_TEST(without_memory), UNIT_TEST(what_is_not_here_says_so))
