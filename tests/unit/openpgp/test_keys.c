/* SPDX-License-Identifier: ISC */
/* Every kind of key that is made here: it signs, encrypts, is written and opened again; and what must be refused. */
#include "unit.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "openpgp/key/curve.h"
#include "openpgp/key/key_make.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/frame/packet.h"
#include "openpgp/key/pk.h"
#include "openpgp/message/session.h"

#define NOW 1790000000u

static const struct kind {
	uint8_t version, algorithm, curve;
	unsigned bits; /* as pgp_key_bits() says it */
} kinds[] = {
	{ 4, PGP_EDDSA_LEGACY, PGP_CURVE_NONE, 255 },
	{ 4, PGP_ECDH, PGP_CURVE_NONE, 255 },
	{ 4, PGP_ED25519, PGP_CURVE_NONE, 255 },
	{ 6, PGP_ED25519, PGP_CURVE_NONE, 255 },
	{ 4, PGP_X25519, PGP_CURVE_NONE, 255 },
	{ 6, PGP_X25519, PGP_CURVE_NONE, 255 },
	{ 4, PGP_ED448, PGP_CURVE_NONE, 448 },
	{ 6, PGP_ED448, PGP_CURVE_NONE, 448 },
	{ 4, PGP_X448, PGP_CURVE_NONE, 448 },
	{ 6, PGP_X448, PGP_CURVE_NONE, 448 },
	{ 4, PGP_ECDSA, PGP_CURVE_NONE, 256 },
	{ 6, PGP_ECDSA, PGP_CURVE_P256, 256 },
	{ 4, PGP_ECDSA, PGP_CURVE_P384, 384 },
	{ 6, PGP_ECDSA, PGP_CURVE_P521, 521 },
	{ 6, PGP_ECDSA, PGP_CURVE_BRAINPOOL256, 256 },
	{ 4, PGP_ECDSA, PGP_CURVE_BRAINPOOL384, 384 },
	{ 6, PGP_ECDSA, PGP_CURVE_BRAINPOOL512, 512 },
	{ 4, PGP_ECDH, PGP_CURVE_P256, 256 },
	{ 6, PGP_ECDH, PGP_CURVE_P256, 256 },
	{ 4, PGP_ECDH, PGP_CURVE_P384, 384 },
	{ 6, PGP_ECDH, PGP_CURVE_P521, 521 },
	{ 4, PGP_ECDH, PGP_CURVE_BRAINPOOL256, 256 },
	{ 6, PGP_ECDH, PGP_CURVE_BRAINPOOL384, 384 },
	{ 4, PGP_ECDH, PGP_CURVE_BRAINPOOL512, 512 },
	{ 4, PGP_RSA, PGP_CURVE_NONE, 3072 },
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* Made once: a new RSA key takes its time. */
static struct pgp_fresh_key keys[KINDS];

static void
make_all(void)
{
	for (size_t i = 0; i < KINDS; i++) {
		struct pgp_key_spec spec = { .version = kinds[i].version,
			.algorithm = kinds[i].algorithm,
			.curve = kinds[i].curve,
			.subkey = i % 2 == 1,
			.created = NOW };

		if (keys[i].body.len == 0)
			assert_ok(pgp_key_make(&spec, &keys[i], &unit_error));
	}
}

static void
every_kind_is_made(void **state)
{
	(void)state;
	make_all();
	for (size_t i = 0; i < KINDS; i++) {
		const struct pgp_key *k = &keys[i].key;

		assert_true(k->understood);
		assert_int_equal(k->version, kinds[i].version);
		assert_int_equal(k->created, NOW);
		assert_int_equal(k->subkey, i % 2 == 1);
		assert_int_equal(pgp_key_bits(k), kinds[i].bits);
		assert_int_equal(k->fingerprint.len, k->version == 6 ? 32 : 20);
		assert_int_equal(pgp_key_can_sign(k), pgp_key_can_verify(k));
		assert_int_equal(pgp_key_can_encrypt(k), pgp_key_can_decrypt(k));
		/* RSA does both, the others one of them. */
		assert_int_equal(pgp_key_can_sign(k) && pgp_key_can_encrypt(k), k->algorithm == PGP_RSA);
		assert_true(pgp_key_can_sign(k) || pgp_key_can_encrypt(k));
	}
}

/* ---- signatures ---- */

static int
verify(const struct pgp_key *k, struct slice digest, struct slice material)
{
	struct slice fields[PGP_PK_FIELDS_MAX];
	const struct pgp_pk *pk = pgp_pk_of(k);

	if (!pgp_pk_split(&pk->signature, material, fields))
		return ERR_SYNTAX;
	return pk->verify(k, PGP_SHA512, digest, fields, NULL);
}

static void
what_a_key_signs_only_it_verifies(void **state)
{
	uint8_t digest[64];
	struct buf material;

	(void)state;
	make_all();
	buf_init(&material, 1 << 12);
	assert_ok(random_bytes(digest, sizeof digest, &unit_error));
	for (size_t i = 0; i < KINDS; i++) {
		const struct pgp_key *k = &keys[i].key;

		if (!pgp_key_can_sign(k))
			continue;
		buf_clear(&material);
		assert_ok(pgp_secret_sign(
		    k, secret_slice(&keys[i].secret), PGP_SHA512, slice_of(digest, 64), &material, &unit_error));
		assert_int_equal(verify(k, slice_of(digest, 64), buf_slice(&material)), 0);
		digest[5] ^= 1;
		assert_int_equal(verify(k, slice_of(digest, 64), buf_slice(&material)), ERR_SIGNATURE);
		digest[5] ^= 1;
		for (size_t at = 0; at < material.len; at += 7) {
			assert_true(verify(k, slice_of(digest, 64), slice_of(material.data, at)) < 0);
			material.data[at] ^= 0x40;
			assert_true(verify(k, slice_of(digest, 64), buf_slice(&material)) < 0);
			material.data[at] ^= 0x40;
		}
		(void)buf_put_u8(&material, 0);
		assert_true(verify(k, slice_of(digest, 64), buf_slice(&material)) < 0);
		/* Too short a digest for the key is not signed. */
		if (pgp_key_digest_min(k) > 0)
			assert_int_equal(pgp_secret_sign(k, secret_slice(&keys[i].secret), PGP_SHA512,
					     slice_of(digest, pgp_key_digest_min(k) - 1), &material, NULL),
			    ERR_UNSUPPORTED);
	}
	buf_done(&material);
}

/* Zero, and more than the order: RFC 9580 leaves that to the algorithm, which says no. */
static void
numbers_out_of_range_are_no_signature(void **state)
{
	static const uint8_t digest[64] = { 1 };
	struct buf material;

	(void)state;
	make_all();
	buf_init(&material, 1 << 12);
	for (size_t i = 0; i < KINDS; i++) {
		const struct pgp_key *k = &keys[i].key;
		uint8_t high[66];

		if (k->algorithm != PGP_ECDSA)
			continue;
		memset(high, 0xff, sizeof high);
		for (int n = 0; n < 3; n++) {
			size_t size = ec_size(pgp_curve_ec(k->curve)) + (n == 2);

			buf_clear(&material);
			(void)pgp_mpi_write(
			    &material, n == 0 ? SLICE_EMPTY : slice_of(high, size_min(size, sizeof high)));
			(void)pgp_mpi_write(
			    &material, n == 0 ? SLICE_EMPTY : slice_of(high, size_min(size, sizeof high)));
			assert_true(verify(k, slice_of(digest, 64), buf_slice(&material)) < 0);
		}
	}
	buf_done(&material);
}

/* ---- session keys ---- */

static int
open_with(const struct pgp_fresh_key *f, struct slice packet, struct pgp_session *out)
{
	struct pgp_memory_keys *memory;
	struct pgp_packet p;
	struct pgp_pkesk pkesk;
	size_t at = 0;
	int rc;

	assert_int_equal(pgp_packet_next(packet, &at, &p, &unit_error), 1);
	assert_ok(pgp_pkesk_parse(p.body, &pkesk, &unit_error));
	rc = pgp_memory_keys_new(&memory, NULL);
	if (rc != 0)
		return rc;
	rc = pgp_memory_keys_add(memory, &f->key, secret_slice(&f->secret), NULL);
	if (rc == 0)
		rc = pgp_pkesk_open(&pkesk, &f->key, pgp_memory_keys_ops(memory), out, NULL);
	pgp_memory_keys_free(memory);
	return rc;
}

static bool
is_aes_only(const struct pgp_key *k)
{
	return k->algorithm == PGP_X25519 || k->algorithm == PGP_X448;
}

static void
wrap_and_open(size_t i, uint8_t version, uint8_t cipher, struct buf *packet)
{
	struct pgp_session made = { 0 }, got = { 0 };

	assert_ok(pgp_session_new(cipher, &made, &unit_error));
	buf_clear(packet);
	if (version == 3 && is_aes_only(&keys[i].key) && cipher != PGP_AES128 && cipher != PGP_AES256) {
		assert_int_equal(pgp_pkesk_write(version, &keys[i].key, &made, packet, NULL), ERR_UNSUPPORTED);
	} else {
		assert_ok(pgp_pkesk_write(version, &keys[i].key, &made, packet, &unit_error));
		assert_int_equal(open_with(&keys[i], buf_slice(packet), &got), 0);
		assert_slices(secret_slice(&got.key), secret_slice(&made.key));
		assert_int_equal(got.cipher, version == 3 ? cipher : 0);
	}
	pgp_session_done(&made);
	pgp_session_done(&got);
}

static void
what_is_wrapped_for_a_key_opens_with_it(void **state)
{
	static const uint8_t ciphers[] = { PGP_AES128, PGP_AES256, PGP_TRIPLEDES, PGP_CAST5, PGP_CAMELLIA192 };
	struct buf packet;

	(void)state;
	make_all();
	buf_init(&packet, 1 << 13);
	for (size_t i = 0; i < KINDS; i++) {
		if (!pgp_key_can_encrypt(&keys[i].key))
			continue;
		for (size_t n = 0; n < sizeof ciphers; n++) {
			wrap_and_open(i, 3, ciphers[n], &packet);
			wrap_and_open(i, 6, ciphers[n], &packet);
		}
	}
	buf_done(&packet);
}

/*
 * Changed at every place, a wrapped key does not come out. RSA gives another
 * one instead (section 13.5), which is as good as none.
 */
static void
a_changed_session_key_packet_is_noticed(void **state)
{
	struct pgp_session made = { 0 };
	struct buf packet;

	(void)state;
	make_all();
	buf_init(&packet, 1 << 13);
	assert_ok(pgp_session_new(PGP_AES256, &made, &unit_error));
	for (size_t i = 0; i < KINDS; i++) {
		if (!pgp_key_can_encrypt(&keys[i].key))
			continue;
		buf_clear(&packet);
		assert_ok(pgp_pkesk_write(3, &keys[i].key, &made, &packet, &unit_error));
		/* Behind the header, version, key ID and algorithm. */
		for (size_t at = 13; at < packet.len; at += 3) {
			struct pgp_session got = { 0 };
			int rc;

			packet.data[at] ^= 0x80;
			rc = open_with(&keys[i], buf_slice(&packet), &got);
			if (rc == 0 && slice_eq(secret_slice(&got.key), secret_slice(&made.key)) &&
			    got.cipher == PGP_AES256)
				/* The top bit of X25519's point does not count (RFC 7748), nor does what an MPI miscounts. */
				assert_true(at < 48);
			else if (rc != 0)
				assert_true(rc == ERR_INTEGRITY || rc == ERR_UNSUPPORTED);
			pgp_session_done(&got);
			packet.data[at] ^= 0x80;
		}
	}
	pgp_session_done(&made);
	buf_done(&packet);
}

/* Points that would agree on something everybody knows, or on part of the secret. */
static void
bad_points_are_refused(void **state)
{
	struct buf fields;

	(void)state;
	make_all();
	buf_init(&fields, 1 << 12);
	for (size_t i = 0; i < KINDS; i++) {
		const struct pgp_key *k = &keys[i].key;
		static const uint8_t zero[160];
		uint8_t point[133];
		struct pgp_pkesk_fields pkesk = { .version = 3, .algorithm = k->algorithm };
		struct secret got = SECRET_EMPTY;
		uint8_t cipher;

		if (!pgp_key_can_encrypt(k) || k->algorithm == PGP_RSA)
			continue;
		buf_clear(&fields);
		if (k->algorithm == PGP_ECDH) {
			/* The recipient's own point with its last octet changed, or native zeros. */
			memcpy(point, k->public[0].data, k->public[0].len);
			if (point[0] == 0x40)
				memset(point + 1, 0, 32);
			else
				point[k->public[0].len - 1] ^= 1;
			(void)pgp_mpi_write(&fields, slice_of(point, k->public[0].len));
			(void)buf_put_u8(&fields, 48);
			(void)buf_put(&fields, zero, 48);
		} else {
			(void)buf_put(&fields, zero, k->public[0].len);
			(void)buf_put_u8(&fields, 41);
			(void)buf_put_u8(&fields, PGP_AES256);
			(void)buf_put(&fields, zero, 40);
		}
		pkesk.fields = buf_slice(&fields);
		assert_int_equal(pgp_secret_open(k, secret_slice(&keys[i].secret), &pkesk, &cipher, &got, &unit_error),
		    ERR_INTEGRITY);
		assert_null(strstr(unit_error.text, "does not open with this key"));
	}
	buf_done(&fields);
}

/* Infinity, compressed points and the other curve's are no public keys either. */
static void
malformed_points_are_not_understood(void **state)
{
	static const uint8_t heads[] = { 0x00, 0x02, 0x03, 0x06, 0x40 };
	struct buf body;
	struct pgp_key k;

	(void)state;
	make_all();
	buf_init(&body, 1 << 12);
	for (size_t i = 0; i < KINDS; i++) {
		size_t at;

		if (keys[i].key.algorithm != PGP_ECDH || keys[i].key.public[0].data[0] != 4)
			continue;
		at = (size_t)(keys[i].key.public[0].data - keys[i].body.data);
		for (size_t n = 0; n < sizeof heads; n++) {
			struct pgp_session made = { 0 };
			struct buf packet;

			buf_clear(&body);
			buf_init(&packet, 1 << 12);
			(void)buf_put_slice(&body, buf_slice(&keys[i].body));
			body.data[at] = heads[n];
			assert_ok(pgp_session_new(PGP_AES256, &made, &unit_error));
			assert_ok(pgp_key_parse(buf_slice(&body), PGP_PUBLIC_SUBKEY, &k, &unit_error));
			assert_true(pgp_pkesk_write(3, &k, &made, &packet, NULL) < 0);
			pgp_session_done(&made);
			buf_done(&packet);
		}
	}
	buf_done(&body);
}

/* ---- written and opened again ---- */

static void
write_and_unlock(const struct pgp_fresh_key *f, enum pgp_protection how)
{
	uint8_t type = f->key.subkey ? PGP_SECRET_SUBKEY : PGP_SECRET_KEY;
	struct slice pass = SLICE("correct horse");
	struct secret got = SECRET_EMPTY;
	struct pgp_key k;
	struct buf body;

	buf_init(&body, PGP_KEY_BODY_MAX);
	assert_ok(pgp_key_write_secret(&f->key, type, secret_slice(&f->secret), how, pass, &body, &unit_error));
	assert_ok(pgp_key_parse(buf_slice(&body), type, &k, &unit_error));
	assert_true(pgp_fingerprint_eq(&k.fingerprint, &f->key.fingerprint));
	assert_ok(pgp_key_unlock(&k, pass, &got, &unit_error));
	assert_slices(secret_slice(&got), secret_slice(&f->secret));
	secret_done(&got);
	if (how != PGP_PROTECT_NONE)
		assert_int_equal(pgp_key_unlock(&k, SLICE("wrong horse"), &got, NULL), ERR_PASSWORD);
	buf_wipe_done(&body);
}

static void
every_kind_is_written_and_opened_again(void **state)
{
	(void)state;
	make_all();
	for (size_t i = 0; i < KINDS; i++) {
		write_and_unlock(&keys[i], PGP_PROTECT_NONE);
		write_and_unlock(&keys[i], PGP_PROTECT_CFB);
	}
	write_and_unlock(&keys[0], PGP_PROTECT_AEAD);
	write_and_unlock(&keys[3], PGP_PROTECT_AEAD);
	write_and_unlock(&keys[KINDS - 1], PGP_PROTECT_AEAD);
}

/* The secret of one key under the public part of another of the same kind: key overwriting. */
static void
a_secret_under_another_public_part_is_refused(void **state)
{
	(void)state;
	make_all();
	for (size_t i = 0; i < KINDS - 1; i++) { /* RSA's other numbers: test_cert.c changes each octet */
		struct pgp_key_spec spec = { .version = kinds[i].version,
			.algorithm = kinds[i].algorithm,
			.curve = kinds[i].curve,
			.created = NOW };
		struct pgp_fresh_key other;
		struct secret got = SECRET_EMPTY;
		struct pgp_key k;
		struct buf body;

		buf_init(&body, PGP_KEY_BODY_MAX);
		assert_ok(pgp_key_make(&spec, &other, &unit_error));
		assert_ok(pgp_key_write_secret(&keys[i].key, PGP_SECRET_KEY, secret_slice(&other.secret),
		    PGP_PROTECT_NONE, SLICE_EMPTY, &body, &unit_error));
		assert_ok(pgp_key_parse(buf_slice(&body), PGP_SECRET_KEY, &k, &unit_error));
		assert_int_equal(pgp_key_unlock(&k, SLICE_EMPTY, &got, NULL), ERR_INTEGRITY);
		pgp_fresh_key_done(&other);
		buf_wipe_done(&body);
	}
}

/* ---- ECDH's parameters ---- */

/* Section 11.5.1: v4 keys may have others than the table's, as long as we have them and they are strong enough. */
static void
other_key_derivations_work(void **state)
{
	static const struct {
		uint8_t hash, cipher;
		bool good;
	} rows[] = { { PGP_SHA256, PGP_AES256, true }, { PGP_SHA512, PGP_AES128, true },
		{ PGP_SHA384, PGP_AES192, true }, { PGP_SHA3_256, PGP_AES256, true }, { PGP_SHA1, PGP_AES128, false },
		{ PGP_SHA224, PGP_AES128, false }, { PGP_SHA256, PGP_TRIPLEDES, false },
		{ PGP_SHA256, PGP_CAMELLIA128, false }, { 99, PGP_AES128, false }, { PGP_SHA256, 99, false } };
	struct buf packet;

	(void)state;
	make_all();
	buf_init(&packet, 1 << 12);
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].version != 4 || kinds[i].algorithm != PGP_ECDH)
			continue;
		for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
			struct pgp_session made = { 0 }, got = { 0 };
			struct pgp_fresh_key f = { 0 };

			buf_init(&f.body, PGP_KEY_BODY_MAX);
			(void)buf_put_slice(&f.body, buf_slice(&keys[i].body));
			f.body.data[f.body.len - 2] = rows[n].hash;
			f.body.data[f.body.len - 1] = rows[n].cipher;
			assert_ok(pgp_key_parse(buf_slice(&f.body), PGP_PUBLIC_SUBKEY, &f.key, &unit_error));
			assert_int_equal(pgp_key_can_encrypt(&f.key), rows[n].good);
			assert_ok(secret_copy(&f.secret, secret_slice(&keys[i].secret), &unit_error));
			if (rows[n].good) {
				buf_clear(&packet);
				assert_ok(pgp_session_new(PGP_AES192, &made, &unit_error));
				assert_ok(pgp_pkesk_write(3, &f.key, &made, &packet, &unit_error));
				assert_int_equal(open_with(&f, buf_slice(&packet), &got), 0);
				assert_slices(secret_slice(&got.key), secret_slice(&made.key));
			}
			pgp_session_done(&made);
			pgp_session_done(&got);
			pgp_fresh_key_done(&f);
		}
	}
	buf_done(&packet);
}

/* ---- memory ---- */

/* Everything that is done with one kind of key. 0 or the first failure. */
static int
whole_life(size_t i)
{
	struct pgp_key_spec spec = {
		.version = kinds[i].version, .algorithm = kinds[i].algorithm, .curve = kinds[i].curve, .created = NOW
	};
	static const uint8_t digest[64] = { 7 };
	struct pgp_session made = { 0 }, got = { 0 };
	struct secret secret = SECRET_EMPTY;
	struct pgp_fresh_key f = { 0 };
	struct buf body, out;
	struct pgp_key k;
	int rc;

	buf_init(&body, PGP_KEY_BODY_MAX);
	buf_init(&out, PGP_KEY_BODY_MAX);
	rc = pgp_key_make(&spec, &f, NULL);
	if (rc == 0)
		rc = pgp_key_write_secret(
		    &f.key, PGP_SECRET_KEY, secret_slice(&f.secret), PGP_PROTECT_NONE, SLICE_EMPTY, &body, NULL);
	if (rc == 0)
		rc = pgp_key_parse(buf_slice(&body), PGP_SECRET_KEY, &k, NULL);
	if (rc == 0)
		rc = pgp_key_unlock(&k, SLICE_EMPTY, &secret, NULL);
	if (rc == 0 && pgp_key_can_sign(&k))
		rc = pgp_secret_sign(&k, secret_slice(&secret), PGP_SHA512, slice_of(digest, 64), &out, NULL);
	if (rc == 0 && pgp_key_can_encrypt(&k)) {
		rc = pgp_session_new(PGP_AES256, &made, NULL);
		if (rc == 0)
			rc = pgp_pkesk_write(6, &k, &made, &out, NULL);
		if (rc == 0)
			rc = open_with(&f, buf_slice(&out), &got);
	}
	if (rc == 0 && out.err != 0)
		rc = out.err;
	pgp_session_done(&made);
	pgp_session_done(&got);
	secret_done(&secret);
	pgp_fresh_key_done(&f);
	buf_wipe_done(&body);
	buf_done(&out);
	return rc;
}

static void
every_allocation_may_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		int rc = ERR_NOMEM;

		if (kinds[i].algorithm == PGP_RSA)
			continue; /* making one takes its time */
		for (long n = 0; rc != 0; n++) {
			assert_true(n < 200);
			mem_fail_after(n);
			rc = whole_life(i);
			mem_fail_after(-1);
			if (rc != 0)
				assert_int_equal(rc, ERR_NOMEM);
		}
	}
}

/* ---- what is not made ---- */

static void
what_must_not_be_made_is_refused(void **state)
{
	static const struct pgp_key_spec rows[] = {
		{ .version = 6, .algorithm = PGP_EDDSA_LEGACY },
		{ .version = 6, .algorithm = PGP_ECDH },
		{ .version = 6, .algorithm = PGP_ECDH, .curve = PGP_CURVE_25519_LEGACY },
		{ .version = 4, .algorithm = PGP_ECDH, .curve = PGP_CURVE_ED25519_LEGACY },
		{ .version = 4, .algorithm = PGP_ECDH, .curve = PGP_CURVE_448_LIBRE },
		{ .version = 4, .algorithm = PGP_ECDSA, .curve = PGP_CURVE_25519_LEGACY },
		{ .version = 4, .algorithm = PGP_EDDSA_LEGACY, .curve = PGP_CURVE_ED448_LIBRE },
		{ .version = 4, .algorithm = PGP_DSA },
		{ .version = 4, .algorithm = PGP_ELGAMAL },
		{ .version = 4, .algorithm = PGP_RSA_SIGN },
		{ .version = 4, .algorithm = PGP_RSA_ENCRYPT },
		{ .version = 4, .algorithm = PGP_RSA, .bits = 2048 },
		{ .version = 4, .algorithm = PGP_RSA, .bits = 20000 },
		{ .version = 3, .algorithm = PGP_RSA },
		{ .version = 5, .algorithm = PGP_EDDSA_LEGACY },
		{ .version = 4, .algorithm = 99 },
	};
	struct pgp_fresh_key f;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(pgp_key_make(&rows[i], &f, &unit_error), ERR_USAGE);
}

/* Section 9.2: v6 keys under the old OIDs, and v6 ECDH keys with other parameters (11.5.1), are no keys. */
static void
version_6_refuses_old_forms(void **state)
{
	struct pgp_key k;
	struct buf body;

	(void)state;
	make_all();
	buf_init(&body, 1 << 12);
	for (size_t i = 0; i < KINDS; i++) {
		size_t head = 6;
		bool old =
		    kinds[i].algorithm == PGP_EDDSA_LEGACY || (kinds[i].algorithm == PGP_ECDH && kinds[i].bits == 255);

		if (kinds[i].version != 4 || (!old && kinds[i].algorithm != PGP_ECDH))
			continue;
		buf_clear(&body);
		(void)buf_put_u8(&body, 6);
		(void)buf_put(&body, keys[i].body.data + 1, head - 1);
		(void)buf_put_u32(&body, (uint32_t)(keys[i].body.len - head));
		(void)buf_put(&body, keys[i].body.data + head, keys[i].body.len - head);
		assert_ok(pgp_key_parse(buf_slice(&body), PGP_PUBLIC_KEY, &k, &unit_error));
		assert_int_equal(k.understood, !old);
		if (old)
			continue;
		body.data[body.len - 1] = body.data[body.len - 1] == PGP_AES128 ? PGP_AES256 : PGP_AES128;
		assert_ok(pgp_key_parse(buf_slice(&body), PGP_PUBLIC_KEY, &k, &unit_error));
		assert_false(k.understood);
	}
	buf_done(&body);
}

static void
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		pgp_fresh_key_done(&keys[i]);
}

UNIT_MAIN(UNIT_TEST(every_kind_is_made), UNIT_TEST(what_a_key_signs_only_it_verifies),
    UNIT_TEST(numbers_out_of_range_are_no_signature), UNIT_TEST(what_is_wrapped_for_a_key_opens_with_it),
    UNIT_TEST(a_changed_session_key_packet_is_noticed), UNIT_TEST(bad_points_are_refused),
    UNIT_TEST(malformed_points_are_not_understood), UNIT_TEST(every_kind_is_written_and_opened_again),
    UNIT_TEST(a_secret_under_another_public_part_is_refused), UNIT_TEST(what_must_not_be_made_is_refused),
    UNIT_TEST(version_6_refuses_old_forms), UNIT_TEST(other_key_derivations_work), UNIT_TEST(every_allocation_may_fail),
    UNIT_TEST(tear_down))
