/* SPDX-License-Identifier: ISC */
/* Signatures over data: what makers say, what verifiers believe, and forms of messages (RFC 9580 sections 5.2, 5.4, 10.3). */
#include "unit.h"

#include "crypto/hash.h"
#include "openpgp/frame/armor.h"
#include "openpgp_helpers.h"

#define NOW 1700000000u
#define DATA SLICE("the data\n")

static struct pgp_signer
signer_of(const struct fixture *f)
{
	return (struct pgp_signer){ fixture_signer(f), pgp_memory_keys_ops(f->memory) };
}

static void
make(const struct pgp_maker_spec *spec, struct slice data, struct buf *one_pass, struct buf *sigs)
{
	struct pgp_maker *m;

	assert_ok(pgp_maker_new(&m, spec, &unit_error));
	if (one_pass != NULL)
		assert_ok(pgp_maker_one_pass(m, one_pass, &unit_error));
	assert_ok(pgp_maker_feed(m, data, &unit_error));
	assert_ok(pgp_maker_finish(m, one_pass != NULL, sigs, &unit_error));
	pgp_maker_free(m);
}

static struct pgp_verifier *
verifier_of(const struct pgp_certs *certs, const struct pgp_policy *policy)
{
	struct pgp_verifier *v;

	assert_ok(pgp_verifier_new(&v, certs, policy, &unit_error));
	return v;
}

/* ---- what a signature says besides ---- */

static const struct pgp_notation notations[] = {
	{ { (const uint8_t *)"one@example.org", 15 }, { (const uint8_t *)"f\xc3\xbcr", 4 }, true, false },
	{ { (const uint8_t *)"two@example.org", 15 }, { (const uint8_t *)"\x00\xff", 2 }, false, true },
};

static void
check_says(const struct pgp_verifier *v, const struct fixture *f, uint8_t version)
{
	const struct pgp_verdict *verdict = pgp_verifier_verdict(v, 0);
	const struct pgp_sig *s = pgp_verifier_sig(v, 0);
	struct pgp_fingerprint other = f->cert->primary->fingerprint;
	struct pgp_notation n;
	struct pgp_subpacket p;
	size_t at = 0;

	assert_int_equal(verdict->kind, PGP_VERDICT_GOOD);
	assert_int_equal(verdict->code, 0);
	assert_slice(verdict->signer_user_id, "Alice <alice@example.org>");
	assert_int_equal(s->version, version);
	assert_int_equal(s->expires, 3600);
	assert_slice(s->policy_uri, "https://example.org/policy");
	assert_int_equal(s->notation_count, 2);
	assert_true(pgp_sig_notation(s, 0, &n) && n.readable && !n.critical);
	assert_slice(n.value, "f\xc3\xbcr");
	assert_true(pgp_sig_notation(s, 1, &n) && !n.readable && n.critical && n.value.len == 2);
	assert_true(verdict->recipients_named);
	assert_true(pgp_verifier_names(v, 0, &other));
	other.bytes[0] ^= 1;
	assert_false(pgp_verifier_names(v, 0, &other));
	while (pgp_subpacket_next(s->hashed, &at, &p))
		if (p.type == PGP_SUB_INTENDED_RECIPIENT)
			assert_false(p.critical); /* see data_maker.c */
}

static void
says(void **state)
{
	static const uint8_t versions[] = { 4, 6 };
	struct pgp_policy policy = pgp_policy_default(NOW + 1), later = pgp_policy_default(NOW + 3600);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture f;
		struct pgp_signer signer;
		struct pgp_maker_spec spec = { .signers = &signer,
			.signer_count = 1,
			.created = NOW,
			.expires = 3600,
			.notations = notations,
			.notation_count = 2,
			.policy_uri = SLICE("https://example.org/policy"),
			.signer_user_id = SLICE("Alice <alice@example.org>"),
			.recipient_count = 1 };
		struct buf sig BUF_OWNED = { 0 };
		struct pgp_verifier *v;

		fixture_new(&f, versions[i], NOW, true);
		signer = signer_of(&f);
		spec.recipients = &f.cert->primary->fingerprint;
		buf_init(&sig, 1 << 16);
		make(&spec, DATA, NULL, &sig);
		/* The second notation is critical: who does not know it must not believe the signature. */
		for (size_t known = 0; known < 3; known++) {
			v = verifier_of(&f.certs, known == 2 ? &later : &policy);
			if (known > 0)
				pgp_verifier_know(v, &notations[1].name, 1);
			assert_ok(pgp_verifier_expect_all(v, buf_slice(&sig), &unit_error));
			assert_ok(pgp_verifier_feed(v, DATA, &unit_error));
			assert_ok(pgp_verifier_finish(v, &unit_error));
			if (known == 1) {
				check_says(v, &f, versions[i]);
			} else {
				assert_int_equal(pgp_verifier_verdict(v, 0)->kind, PGP_VERDICT_INVALID);
				assert_int_equal(
				    pgp_verifier_verdict(v, 0)->code, known == 0 ? ERR_SYNTAX : ERR_POLICY);
			}
			pgp_verifier_free(v);
		}
		fixture_done(&f);
	}
}

/* A name that the certificate does not have is said by nobody. */
static void
claimed_names(void **state)
{
	static const char *const claims[] = { "Bob <bob@example.org>", "Alice <alice@example.org> ",
		"alice@example.org" };
	struct pgp_policy policy = pgp_policy_default(NOW + 1);
	struct fixture f;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
		struct pgp_signer signer = signer_of(&f);
		struct pgp_maker_spec spec = {
			.signers = &signer, .signer_count = 1, .created = NOW, .signer_user_id = slice_str(claims[i])
		};
		struct pgp_verifier *v = verifier_of(&f.certs, &policy);
		struct buf sig BUF_OWNED = { 0 };

		buf_init(&sig, 1 << 16);
		make(&spec, DATA, NULL, &sig);
		assert_ok(pgp_verifier_expect_all(v, buf_slice(&sig), &unit_error));
		assert_ok(pgp_verifier_feed(v, DATA, &unit_error));
		assert_ok(pgp_verifier_finish(v, &unit_error));
		assert_int_equal(pgp_verifier_good(v), 1);
		assert_int_equal(pgp_verifier_verdict(v, 0)->signer_user_id.len, 0);
		assert_slice(pgp_verifier_sig(v, 0)->signer_user_id, claims[i]);
		pgp_verifier_free(v);
	}
	fixture_done(&f);
}

static void
what_is_not_made(void **state)
{
	static const struct {
		const char *name, *value;
		bool readable;
	} bad[] = {
		{ "", "x", true },
		{ "ietf-name", "x", true },
		{ "@example.org", "x", true },
		{ "tag@", "x", true },
		{ "a@b@c", "x", true },
		{ "t\xff@b", "x", true },
		{ "tag@example.org", "\xff", true },
	};
	static const struct {
		uint8_t hash;
		int rc;
	} hashes[] = { { PGP_MD5, ERR_POLICY }, { PGP_SHA1, ERR_POLICY }, { PGP_RIPEMD160, ERR_POLICY },
		{ PGP_SHA224, ERR_POLICY }, { 99, ERR_UNSUPPORTED }, { PGP_SHA256, 0 }, { PGP_SHA384, 0 },
		{ PGP_SHA512, 0 }, { PGP_SHA3_256, 0 }, { PGP_SHA3_512, 0 } };
	struct fixture f;
	struct pgp_signer signer;
	struct pgp_notation n = { SLICE_EMPTY, SLICE_EMPTY, false, false };
	struct pgp_maker_spec spec = { .signers = &signer, .signer_count = 1, .created = NOW };
	struct pgp_maker *m;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	signer = signer_of(&f);
	spec.notations = &n;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		spec.notation_count = 1;
		n = (struct pgp_notation){ slice_str(bad[i].name), slice_str(bad[i].value), bad[i].readable, false };
		assert_int_equal(pgp_maker_new(&m, &spec, NULL), ERR_USAGE);
	}
	spec.notation_count = 0;
	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
		spec.hash = hashes[i].hash;
		assert_int_equal(pgp_maker_new(&m, &spec, NULL), hashes[i].rc);
		if (hashes[i].rc != 0)
			continue;
		assert_int_equal(pgp_maker_hash(m), hashes[i].hash);
		pgp_maker_free(m);
	}
	spec.hash = 0;
	spec.type = PGP_SIG_STANDALONE;
	assert_int_equal(pgp_maker_new(&m, &spec, NULL), ERR_USAGE);
	spec.signer_count = 0;
	assert_int_equal(pgp_maker_new(&m, &spec, NULL), ERR_USAGE);
	fixture_done(&f);
}

/* ---- text, whatever the pieces ---- */

static void
text_in_pieces(void **state)
{
	static const char *const same[] = { "a\nb\n\nc\r\n\n", "a\r\nb\n\r\nc\r\n\r\n", "a\r\nb\r\n\r\nc\r\n\r\n" };
	static const char *const others[] = { "a\nb\n\nc\r\r\n\n", "a\rb\n\nc\n\n", "a\nb\n\nc\n", "a \nb\n\nc\n\n" };
	struct pgp_policy policy = pgp_policy_default(NOW + 1);
	struct buf sig BUF_OWNED = { 0 };
	struct fixture f;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	buf_init(&sig, 1 << 16);
	fixture_sign(&f, PGP_SIG_TEXT, slice_str(same[0]), NOW, &sig);
	for (size_t i = 0; i < 7; i++) {
		struct slice text = slice_str(i < 3 ? same[i] : others[i - 3]);

		for (size_t cut = 0; cut <= text.len; cut++) {
			struct pgp_verifier *v = verifier_of(&f.certs, &policy);

			assert_ok(pgp_verifier_expect_all(v, buf_slice(&sig), &unit_error));
			assert_ok(pgp_verifier_feed(v, slice_sub(text, 0, cut), &unit_error));
			assert_ok(pgp_verifier_feed(v, slice_from(text, cut), &unit_error));
			assert_ok(pgp_verifier_finish(v, &unit_error));
			assert_int_equal(pgp_verifier_good(v), i < 3);
			pgp_verifier_free(v);
		}
	}
	fixture_done(&f);
}

/* ---- forms of a message ---- */

static void
take_body(struct slice packets, size_t n, struct slice *out)
{
	struct pgp_packet p;
	size_t at = 0;

	for (size_t i = 0; i <= n; i++)
		assert_int_equal(pgp_packet_next(packets, &at, &p, &unit_error), 1);
	*out = p.body;
}

/* Two signers: the first signature belongs to the last one-pass packet (section 5.4). */
static void
one_pass_pairs(void **state)
{
	static const struct {
		const char *name;
		uint8_t first, second; /* which of the signatures, 9 none */
		size_t good;
		int rc;
	} rows[] = {
		{ "in order", 0, 1, 2, 0 },
		{ "swapped", 1, 0, 0, 0 },
		{ "the first twice", 0, 0, 1, 0 },
		{ "one is missing", 0, 9, 1, ERR_SYNTAX },
		{ "both are missing", 9, 9, 0, ERR_SYNTAX },
	};
	struct pgp_policy policy = pgp_policy_default(NOW + 1);
	struct pgp_signer signers[2];
	struct pgp_maker_spec spec = { .signers = signers, .signer_count = 2, .created = NOW };
	struct buf ops BUF_OWNED = { 0 }, sigs BUF_OWNED = { 0 };
	struct slice op[2], sig[2];
	struct fixture f[2];

	(void)state;
	buf_init(&ops, 1 << 16);
	buf_init(&sigs, 1 << 16);
	for (size_t i = 0; i < 2; i++) {
		fixture_new(&f[i], i == 0 ? 4 : 6, NOW, i == 0);
		signers[i] = signer_of(&f[i]);
	}
	make(&spec, DATA, &ops, &sigs);
	for (size_t i = 0; i < 2; i++) {
		take_body(buf_slice(&ops), i, &op[i]);
		take_body(buf_slice(&sigs), i, &sig[i]);
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_cert *both[2] = { f[0].cert, f[1].cert };
		const struct pgp_certs certs = { both, 2 };
		struct pgp_verifier *v = verifier_of(&certs, &policy);

		assert_ok(pgp_verifier_one_pass(v, op[0], &unit_error));
		assert_ok(pgp_verifier_one_pass(v, op[1], &unit_error));
		assert_ok(pgp_verifier_feed(v, DATA, &unit_error));
		assert_int_equal(pgp_verifier_one_pass(v, op[1], NULL), ERR_ORDER);
		if (rows[i].first < 2)
			assert_ok(pgp_verifier_signature(v, sig[rows[i].first], &unit_error));
		if (rows[i].second < 2)
			assert_ok(pgp_verifier_signature(v, sig[rows[i].second], &unit_error));
		if (rows[i].second < 2)
			assert_int_equal(pgp_verifier_signature(v, sig[0], NULL), ERR_SYNTAX);
		assert_int_equal(pgp_verifier_finish(v, NULL), rows[i].rc);
		if (pgp_verifier_good(v) != rows[i].good || pgp_verifier_count(v) != 2)
			fail_msg("%s: %zu good", rows[i].name, pgp_verifier_good(v));
		pgp_verifier_free(v);
	}
	fixture_done(&f[0]);
	fixture_done(&f[1]);
}

/* The one-pass packet says something else than the signature: the pair is not good, whatever the signature is worth. */
static void
one_pass_lies(void **state)
{
	static const struct {
		const char *name;
		uint8_t version;
		size_t at;
		uint8_t to;
		bool good;
	} rows[] = {
		{ "as made, 4", 4, 0, 3, true },
		{ "version 4", 4, 0, 4, false },
		{ "version 6 without a salt", 4, 0, 6, false },
		{ "type", 4, 1, PGP_SIG_TEXT, false },
		{ "type of a certification", 4, 1, PGP_SIG_CERT_GENERIC, false },
		{ "hash", 4, 2, PGP_SHA256, false },
		{ "unknown hash", 4, 2, 99, false },
		{ "another key ID", 4, 4, 0xff, true }, /* no more than a hint */
		{ "not the last", 4, 12, 0, true },
		{ "as made, 6", 6, 0, 6, true },
		{ "version 3", 6, 0, 3, false },
		{ "salt", 6, 5, 0, false },
		{ "salt of another length", 6, 4, 16, false },
	};
	struct pgp_policy policy = pgp_policy_default(NOW + 1);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf ops BUF_OWNED = { 0 }, sigs BUF_OWNED = { 0 };
		struct pgp_maker_spec spec = { .signer_count = 1, .created = NOW };
		struct pgp_verifier *v;
		struct pgp_signer signer;
		struct slice op, sig;
		struct fixture f;
		uint8_t *octets;

		buf_init(&ops, 1 << 16);
		buf_init(&sigs, 1 << 16);
		fixture_new(&f, rows[i].version, NOW, false);
		signer = signer_of(&f);
		spec.signers = &signer;
		make(&spec, DATA, &ops, &sigs);
		take_body(buf_slice(&ops), 0, &op);
		take_body(buf_slice(&sigs), 0, &sig);
		octets = ops.data + (op.data - ops.data);
		octets[rows[i].at] =
		    octets[rows[i].at] == rows[i].to && !rows[i].good ? (uint8_t)~rows[i].to : rows[i].to;
		v = verifier_of(&f.certs, &policy);
		assert_ok(pgp_verifier_one_pass(v, op, &unit_error));
		assert_ok(pgp_verifier_feed(v, DATA, &unit_error));
		assert_ok(pgp_verifier_signature(v, sig, &unit_error));
		assert_ok(pgp_verifier_finish(v, &unit_error));
		if (pgp_verifier_good(v) != rows[i].good)
			fail_msg("%s: %s", rows[i].name, pgp_verifier_verdict(v, 0)->reason);
		pgp_verifier_free(v);
		fixture_done(&f);
	}
}

/* ---- types that are over something else ---- */

static void
other_types(void **state)
{
	static const uint8_t types[] = { PGP_SIG_STANDALONE, PGP_SIG_CERT_GENERIC, PGP_SIG_CERT_POSITIVE,
		PGP_SIG_ATTESTATION, PGP_SIG_SUBKEY_BINDING, PGP_SIG_PRIMARY_BINDING, PGP_SIG_DIRECT_KEY,
		PGP_SIG_KEY_REVOCATION, PGP_SIG_SUBKEY_REVOCATION, PGP_SIG_CERT_REVOCATION, PGP_SIG_TIMESTAMP,
		PGP_SIG_CONFIRMATION, PGP_SIG_RESERVED, 0x77 };
	struct fixture f;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	for (size_t i = 0; i < sizeof types; i++) {
		struct pgp_sig_spec spec = { .type = types[i], .hash = PGP_SHA512, .created = NOW };
		struct buf body BUF_OWNED = { 0 }, packet BUF_OWNED = { 0 };
		struct pgp_hash *h;

		buf_init(&body, 1 << 16);
		buf_init(&packet, 1 << 16);
		assert_ok(pgp_hash_new(&h, PGP_SHA512, types[i], SLICE_EMPTY, &unit_error));
		assert_ok(pgp_hash_feed(h, DATA, &unit_error));
		assert_ok(
		    pgp_sig_make(&spec, h, fixture_signer(&f), pgp_memory_keys_ops(f.memory), &body, &unit_error));
		(void)pgp_packet_write(&packet, PGP_SIGNATURE, buf_slice(&body));
		assert_int_equal(fixture_verify(&f, buf_slice(&packet), DATA, NOW + 1), PGP_VERDICT_INVALID);
		pgp_hash_free(h);
	}
	fixture_done(&f);
}

/* ---- versions 3 and 5, put together here octet by octet ---- */

static void
digest_of(struct slice data, struct slice trailer, uint8_t out[64])
{
	struct hash *h;

	assert_ok(hash_new(HASH_SHA512, &h, &unit_error));
	hash_update(h, data);
	hash_update(h, trailer);
	assert_ok(hash_finish(h, out, &unit_error));
	hash_free(h);
}

static void
version_3(void **state)
{
	struct slice user = SLICE("Old <old@example.org>");
	struct pgp_generate_spec spec = { .version = 4,
		.family = PGP_FAMILY_RSA3072,
		.user_ids = &user,
		.user_id_count = 1,
		.created = NOW,
		.sign_only = true };
	struct pgp_policy policy = pgp_policy_default(NOW + 1), archive = pgp_policy_archive(NOW + 1);
	struct buf key BUF_OWNED = { 0 }, sig BUF_OWNED = { 0 };
	struct pgp_keyring_ops ops;
	struct fixture f;
	uint8_t digest[64];

	(void)state;
	buf_init(&key, 1 << 16);
	buf_init(&sig, 1 << 16);
	assert_ok(pgp_generate(&spec, &key, &unit_error));
	fixture_from(&f, buf_slice(&key));
	ops = pgp_memory_keys_ops(f.memory);
	/* Section 5.2.2: version, five octets of type and time, issuer, algorithms, digest's left, values. */
	(void)buf_put(&sig, "\x03\x05\x00\x65\x53\xf1\x00", 7);
	digest_of(DATA, slice_of(sig.data + 2, 5), digest);
	(void)buf_put_u64(&sig, f.cert->primary->key_id);
	(void)buf_put_u8(&sig, PGP_RSA);
	(void)buf_put_u8(&sig, PGP_SHA512);
	(void)buf_put(&sig, digest, 2);
	assert_ok(ops.ops->sign(ops.ctx, f.cert->primary, PGP_SHA512, slice_of(digest, 64), &sig, &unit_error));
	for (size_t i = 0; i < 3; i++) {
		struct pgp_verifier *v = verifier_of(&f.certs, i == 0 ? &policy : &archive);
		const struct pgp_verdict *verdict;

		assert_ok(pgp_verifier_expect(v, buf_slice(&sig), &unit_error));
		assert_ok(pgp_verifier_feed(v, i == 2 ? SLICE("other data") : DATA, &unit_error));
		assert_ok(pgp_verifier_finish(v, &unit_error));
		verdict = pgp_verifier_verdict(v, 0);
		assert_int_equal(verdict->kind,
		    i == 0       ? PGP_VERDICT_INVALID
			: i == 1 ? PGP_VERDICT_GOOD
				 : PGP_VERDICT_BAD);
		/* Refused by name. */
		if (i == 0)
			assert_non_null(strstr(verdict->reason, "v3-signatures"));
		pgp_verifier_free(v);
	}
	fixture_done(&f);
}

/* The same EdDSALegacy key as one of version 5: a length before the material (LibrePGP). */
static void
key_of_version_5(const struct pgp_key *v4, struct buf *body, struct pgp_key *out)
{
	struct slice material = slice_from(v4->public_body, 6);

	buf_init(body, 1 << 10);
	(void)buf_put_u8(body, 5);
	(void)buf_put_slice(body, slice_sub(v4->public_body, 1, 5));
	(void)buf_put_u32(body, (uint32_t)material.len);
	(void)buf_put_slice(body, material);
	assert_ok(pgp_key_parse(buf_slice(body), PGP_PUBLIC_KEY, out, &unit_error));
}

static void
version_5(void **state)
{
	/* What is hashed behind the packet's own 12 octets, for literal data and for what is detached. */
	static const char literal[] = "b\x03"
				      "a.b\x65\x53\xf1\x00\x05\xff\x00\x00\x00\x00\x00\x00\x00\x0c";
	static const char detached[] = "\0\0\0\0\0\0\x05\xff\x00\x00\x00\x00\x00\x00\x00\x0c";
	struct pgp_keyring_ops ops;
	struct fixture f;
	struct buf body;
	struct pgp_key key;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	ops = pgp_memory_keys_ops(f.memory);
	key_of_version_5(fixture_signer(&f), &body, &key);
	for (size_t i = 0; i < 2; i++) {
		struct slice tail =
		    i == 0 ? slice_of(literal, sizeof literal - 1) : slice_of(detached, sizeof detached - 1);
		struct buf sig BUF_OWNED = { 0 }, hashed BUF_OWNED = { 0 };
		struct pgp_hash *h;
		struct pgp_sig s;
		uint8_t digest[64];

		buf_init(&sig, 1 << 10);
		buf_init(&hashed, 1 << 10);
		(void)buf_put(&sig, "\x05\x00\x16\x0a\x00\x06\x05\x02\x65\x53\xf1\x00", 12);
		(void)buf_put_slice(&hashed, buf_slice(&sig));
		(void)buf_put_slice(&hashed, tail);
		digest_of(DATA, buf_slice(&hashed), digest);
		(void)buf_put_u16(&sig, 0);
		(void)buf_put(&sig, digest, 2);
		assert_ok(
		    ops.ops->sign(ops.ctx, fixture_signer(&f), PGP_SHA512, slice_of(digest, 64), &sig, &unit_error));
		assert_ok(pgp_sig_parse(buf_slice(&sig), &s, &unit_error));
		assert_ok(pgp_hash_new(&h, s.hash, s.type, s.salt, &unit_error));
		assert_ok(pgp_hash_feed(h, DATA, &unit_error));
		if (i == 0)
			assert_int_equal(pgp_sig_check(&s, h, &key, NULL), ERR_SIGNATURE);
		if (i == 0)
			pgp_hash_literal(h, 'b', SLICE("a.b"), NOW);
		assert_ok(pgp_sig_check(&s, h, &key, &unit_error));
		/* Not with a key of another version, though it is the same point. */
		assert_int_equal(pgp_sig_check(&s, h, fixture_signer(&f), NULL), ERR_POLICY);
		pgp_hash_literal(h, 'b', SLICE("a.c"), NOW);
		assert_int_equal(pgp_sig_check(&s, h, &key, NULL), ERR_SIGNATURE);
		pgp_hash_free(h);
	}
	buf_done(&body);
	fixture_done(&f);
}

/* ---- files of detached signatures ---- */

static void
signature_files(void **state)
{
	static const char unknown[] = "\xc2\x03\x63\x00\x00" /* a signature of version 99 */
				      "\xca\x03PGP"          /* a marker */
				      "\xd5\x02\x11\x22"     /* padding */
				      "\xfc\x01\x00";        /* a private packet */
	struct pgp_policy policy = pgp_policy_default(NOW + 1);
	struct buf sig BUF_OWNED = { 0 }, file BUF_OWNED = { 0 };
	struct fixture f;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	buf_init(&sig, 1 << 16);
	buf_init(&file, 1 << 16);
	fixture_sign(&f, PGP_SIG_BINARY, DATA, NOW, &sig);
	for (size_t i = 0; i < 8; i++) {
		static const struct {
			int rc;
			size_t count, good;
		} want[] = { { 0, 1, 1 }, { 0, 2, 1 }, { 0, 2, 2 }, { 0, 2, 2 }, { ERR_SYNTAX, 0, 0 },
			{ ERR_SYNTAX, 0, 0 }, { ERR_TRUNCATED, 0, 0 }, { ERR_SYNTAX, 0, 0 } };
		struct pgp_verifier *v = verifier_of(&f.certs, &policy);

		buf_clear(&file);
		if (i == 1)
			(void)buf_put(&file, unknown, sizeof unknown - 1);
		if (i == 3) {
			(void)buf_put_str(&file, "some words\n");
			assert_ok(pgp_armor_write(PGP_ARMOR_SIGNATURE, true, buf_slice(&sig), &file, &unit_error));
			(void)buf_put_str(&file, "\n");
			assert_ok(pgp_armor_write(PGP_ARMOR_SIGNATURE, false, buf_slice(&sig), &file, &unit_error));
		} else if (i != 5) {
			(void)buf_put_slice(&file, buf_slice(&sig));
		}
		if (i == 2)
			(void)buf_put_slice(&file, buf_slice(&sig));
		if (i == 4)
			(void)buf_put(&file,
			    "\xcb\x06"
			    "b\0\0\0\0\0",
			    8); /* literal data: a signed message */
		if (i == 6)
			buf_truncate(&file, file.len - 1);
		if (i == 7) {
			buf_clear(&file);
			(void)buf_put_str(&file, "-----BEGIN PGP SIGNED MESSAGE-----\n\nthe data\n");
			assert_ok(pgp_armor_write(PGP_ARMOR_SIGNATURE, false, buf_slice(&sig), &file, &unit_error));
		}
		assert_int_equal(pgp_verifier_expect_all(v, buf_slice(&file), NULL), want[i].rc);
		if (want[i].rc == 0) {
			assert_ok(pgp_verifier_feed(v, DATA, &unit_error));
			assert_ok(pgp_verifier_finish(v, &unit_error));
			assert_int_equal(pgp_verifier_count(v), want[i].count);
			assert_int_equal(pgp_verifier_good(v), want[i].good);
		}
		pgp_verifier_free(v);
	}
	fixture_done(&f);
}

UNIT_MAIN(UNIT_TEST(says), UNIT_TEST(claimed_names), UNIT_TEST(what_is_not_made), UNIT_TEST(text_in_pieces),
    UNIT_TEST(one_pass_pairs), UNIT_TEST(one_pass_lies), UNIT_TEST(other_types), UNIT_TEST(version_3),
    UNIT_TEST(version_5), UNIT_TEST(signature_files))
