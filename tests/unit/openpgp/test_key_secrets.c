/* SPDX-License-Identifier: ISC */
/*
 * Secret keys as old and other programs keep them: locked with a bare cipher
 * number, a 16-bit checksum, old ciphers; versions 3 and 5; stubs; numbers with
 * odd bit counts. What is locked here is locked by this file, step by step as
 * RFC 9580 sections 3.7.2.1 and 5.5.3 say, or by gpg 2.4 (tests/data/libre).
 */
#include <stdio.h>

#include "unit.h"

#include "crypto/agree.h"
#include "crypto/kdf.h"
#include "openpgp/key/algorithm.h"
#include "openpgp/cert/cert.h"
#include "openpgp/key/key_make.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/frame/packet.h"
#include "openpgp/key/s2k.h"
#include "openpgp/message/session.h"
#include "openpgp/sig/sig.h"

#define NOW 1790000000u
#define PASS SLICE("correct horse")

/* A key of version 4 whose secret is in the clear, in parts: the public body, the secret's wire form. */
struct parts {
	struct pgp_fresh_key fresh;
	struct buf body; /* the whole packet */
	struct slice wire;
};

static void
parts_make(struct parts *p, uint8_t algorithm)
{
	struct pgp_key_spec spec = { .version = 4, .algorithm = algorithm, .created = NOW };

	assert_ok(pgp_key_make(&spec, &p->fresh, &unit_error));
	buf_init(&p->body, PGP_KEY_BODY_MAX);
	assert_ok(pgp_key_write_secret(&p->fresh.key, PGP_SECRET_KEY, secret_slice(&p->fresh.secret), PGP_PROTECT_NONE,
	    SLICE_EMPTY, &p->body, &unit_error));
	/* Between the usage octet and the checksum. */
	p->wire = slice_sub(buf_slice(&p->body), p->fresh.body.len + 1, p->body.len - p->fresh.body.len - 1 - 2);
}

static void
parts_done(struct parts *p)
{
	pgp_fresh_key_done(&p->fresh);
	buf_wipe_done(&p->body);
}

static uint16_t
checksum(struct slice s)
{
	uint16_t sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum = (uint16_t)(sum + s.data[i]);
	return sum;
}

static void
expect(const struct buf *body, struct slice pass, int want, const struct parts *p)
{
	struct secret got = SECRET_EMPTY;
	struct pgp_key k;
	int rc;

	assert_ok(pgp_key_parse(buf_slice(body), PGP_SECRET_KEY, &k, &unit_error));
	rc = pgp_key_unlock(&k, pass, &got, &unit_error);
	if (rc != want)
		fail_msg("%d (%s), not %d", rc, unit_error.text, want);
	if (rc == 0 && p != NULL)
		assert_slices(secret_slice(&got), secret_slice(&p->fresh.secret));
	secret_done(&got);
}

/* ---- old ways of locking ---- */

/* usage 255 with this cipher and an S2K, or, when usage is the cipher's own number, MD5 of the passphrase. */
static void
lock_with_checksum(const struct parts *p, uint8_t usage, uint8_t cipher, struct buf *body)
{
	struct pgp_s2k s2k = { .type = usage == 255 ? PGP_S2K_SALTED : PGP_S2K_SIMPLE,
		.hash = usage == 255 ? PGP_SHA1 : PGP_MD5,
		.salt = "01234567" };
	static const uint8_t iv[CIPHER_BLOCK_MAX] = { 9, 8, 7, 6, 5, 4, 3, 2, 1 };
	struct secret key = SECRET_EMPTY;
	struct buf text;
	enum cipher_id id;
	uint8_t *room;

	assert_true(pgp_cipher_of(cipher, &id));
	buf_init(&text, PGP_KEY_BODY_MAX);
	(void)buf_put_slice(&text, p->wire);
	(void)buf_put_u16(&text, checksum(p->wire));
	assert_ok(pgp_s2k_derive(&s2k, PASS, cipher_key_size(id), &key, &unit_error));
	buf_clear(body);
	(void)buf_put_slice(body, buf_slice(&p->fresh.body));
	(void)buf_put_u8(body, usage);
	if (usage == 255) {
		(void)buf_put_u8(body, cipher);
		(void)pgp_s2k_write(&s2k, body);
	}
	(void)buf_put(body, iv, cipher_block_size(id));
	room = buf_reserve(body, text.len);
	assert_non_null(room);
	assert_ok(cipher_cfb_once(id, CIPHER_ENCRYPT, secret_slice(&key), slice_of(iv, cipher_block_size(id)),
	    buf_slice(&text), room, &unit_error));
	buf_commit(body, text.len);
	secret_done(&key);
	buf_wipe_done(&text);
}

static void
old_ways_of_locking_are_opened(void **state)
{
	static const uint8_t ciphers[] = { PGP_TRIPLEDES, PGP_CAST5, PGP_BLOWFISH, PGP_AES128, PGP_AES192, PGP_AES256,
		PGP_CAMELLIA128, PGP_CAMELLIA192, PGP_CAMELLIA256 };
	struct parts p;
	struct buf body;

	(void)state;
	parts_make(&p, PGP_RSA);
	buf_init(&body, PGP_KEY_BODY_MAX);
	for (size_t i = 0; i < sizeof ciphers; i++) {
		lock_with_checksum(&p, 255, ciphers[i], &body);
		expect(&body, PASS, 0, &p);
		expect(&body, SLICE("wrong"), ERR_PASSWORD, NULL);
		lock_with_checksum(&p, ciphers[i], ciphers[i], &body);
		expect(&body, PASS, 0, &p);
		expect(&body, SLICE("wrong"), ERR_PASSWORD, NULL);
		/* Cut anywhere: never opened. */
		for (size_t len = p.fresh.body.len + 1; len < body.len; len += 61) {
			struct secret got = SECRET_EMPTY;
			struct pgp_key k;

			assert_ok(pgp_key_parse(slice_of(body.data, len), PGP_SECRET_KEY, &k, &unit_error));
			assert_true(pgp_key_unlock(&k, PASS, &got, NULL) < 0);
		}
	}
	buf_done(&body);
	parts_done(&p);
}

static void
ciphers_that_nobody_has_are_refused_by_name(void **state)
{
	static const struct {
		uint8_t number;
		const char *name;
	} rows[] = { { PGP_IDEA, "IDEA" }, { PGP_TWOFISH, "Twofish" } };
	struct parts p;
	struct buf body;

	(void)state;
	parts_make(&p, PGP_EDDSA_LEGACY);
	buf_init(&body, PGP_KEY_BODY_MAX);
	for (size_t i = 0; i < 2; i++) {
		for (int old = 0; old < 2; old++) {
			lock_with_checksum(&p, 255, PGP_AES128, &body);
			body.data[p.fresh.body.len + (old == 0)] = rows[i].number;
			expect(&body, PASS, ERR_UNSUPPORTED, NULL);
			assert_non_null(strstr(unit_error.text, rows[i].name));
		}
	}
	buf_done(&body);
	parts_done(&p);
}

/* Section 3.7.2.1: only the newer rows of its table in version 6. */
static void
version_6_is_not_locked_in_old_ways(void **state)
{
	struct pgp_key_spec spec = { .version = 6, .algorithm = PGP_ED25519, .created = NOW };
	static const uint8_t usages[] = { 255, PGP_AES256, PGP_CAST5, 100 };
	struct pgp_fresh_key fresh;
	struct buf body;

	(void)state;
	assert_ok(pgp_key_make(&spec, &fresh, &unit_error));
	buf_init(&body, PGP_KEY_BODY_MAX);
	assert_ok(pgp_key_write_secret(
	    &fresh.key, PGP_SECRET_KEY, secret_slice(&fresh.secret), PGP_PROTECT_CFB, PASS, &body, &unit_error));
	expect(&body, PASS, 0, NULL);
	for (size_t i = 0; i < sizeof usages; i++) {
		body.data[fresh.body.len] = usages[i];
		expect(&body, PASS, ERR_UNSUPPORTED, NULL);
	}
	body.data[fresh.body.len] = 254;
	/* Its two counts must be right. */
	body.data[fresh.body.len + 1]++;
	expect(&body, PASS, ERR_SYNTAX, NULL);
	body.data[fresh.body.len + 1]--;
	body.data[fresh.body.len + 3]++;
	expect(&body, PASS, ERR_SYNTAX, NULL);
	buf_wipe_done(&body);
	pgp_fresh_key_done(&fresh);
}

/* ---- stubs ---- */

static void
stubs_say_where_the_secret_is(void **state)
{
	static const struct {
		const char *tail, *word;
		size_t len;
	} rows[] = {
		{ "\xff\x00\x65\x00GNU\x01", "elsewhere", 8 },
		{ "\xff\x00\x65\x00GNU\x02\x10\xd2\x76\x00\x01\x24\x01\x02\x00\x00\x05\x00\x00\x12\x34\x00\x00",
		    "smart card", 25 },
		{ "\xfe\x07\x65\x02GNU\x01", "elsewhere", 8 },
	};
	struct parts p;
	struct buf body;

	(void)state;
	parts_make(&p, PGP_EDDSA_LEGACY);
	buf_init(&body, PGP_KEY_BODY_MAX);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_clear(&body);
		(void)buf_put_slice(&body, buf_slice(&p.fresh.body));
		(void)buf_put(&body, rows[i].tail, rows[i].len);
		expect(&body, PASS, ERR_NO_KEY, NULL);
		assert_non_null(strstr(unit_error.text, rows[i].word));
	}
	buf_done(&body);
	parts_done(&p);
}

/* ---- numbers as old programs wrote them ---- */

static void
put_plain(const struct parts *p, struct slice mpi, unsigned bits, struct buf *body)
{
	size_t from;

	buf_clear(body);
	(void)buf_put_slice(body, buf_slice(&p->fresh.body));
	(void)buf_put_u8(body, 0);
	from = body->len;
	(void)buf_put_u16(body, (uint16_t)bits);
	(void)buf_put_slice(body, mpi);
	(void)buf_put_u16(body, checksum(slice_from(buf_slice(body), from)));
}

/* A seed whose first octet is zero may stand there with it, or without, or with a count that is too large. */
static void
odd_bit_counts_of_ed25519_are_read(void **state)
{
	struct parts p;
	struct buf body;

	(void)state;
	buf_init(&body, PGP_KEY_BODY_MAX);
	do {
		parts_make(&p, PGP_EDDSA_LEGACY);
		if (p.fresh.secret.data[0] != 0)
			parts_done(&p);
	} while (p.fresh.secret.data == NULL);
	put_plain(&p, secret_slice(&p.fresh.secret), 256, &body);
	expect(&body, PASS, 0, &p);
	put_plain(&p, secret_slice(&p.fresh.secret), 249, &body);
	expect(&body, PASS, 0, &p);
	put_plain(&p, slice_from(secret_slice(&p.fresh.secret), 1), 248, &body);
	expect(&body, PASS, 0, &p);
	put_plain(&p, slice_from(secret_slice(&p.fresh.secret), 1), 242, &body);
	expect(&body, PASS, 0, &p);
	put_plain(&p, slice_from(secret_slice(&p.fresh.secret), 2), 240, &body);
	expect(&body, PASS, ERR_INTEGRITY, NULL);
	buf_done(&body);
	parts_done(&p);
}

/* Section 5.5.5.6.1.1 wants it big-endian and clamped; there are keys that are neither. */
static void
curve25519_scalars_of_every_kind_are_read(void **state)
{
	uint8_t big[32], point[32];
	struct secret s;
	struct parts p;
	struct buf body;

	(void)state;
	parts_make(&p, PGP_ECDH);
	buf_init(&body, PGP_KEY_BODY_MAX);
	/* The three low bits and the two high ones do not change the point. */
	assert_ok(secret_copy(&s, secret_slice(&p.fresh.secret), &unit_error));
	s.data[0] |= 5;
	s.data[31] = (uint8_t)((s.data[31] | 0x80) & ~0x40u);
	assert_ok(agree_public(AGREE_X25519, secret_slice(&s), point, &unit_error));
	assert_slices(slice_from(p.fresh.key.public[0], 1), slice_of(point, 32));
	for (size_t i = 0; i < 32; i++)
		big[i] = s.data[31 - i];
	put_plain(&p, slice_of(big, 32), 256, &body);
	expect(&body, PASS, 0, NULL);
	put_plain(&p, secret_slice(&p.fresh.secret), 256, &body); /* little-endian */
	expect(&body, PASS, 0, &p);
	big[7] ^= 1;
	put_plain(&p, slice_of(big, 32), 256, &body);
	expect(&body, PASS, ERR_INTEGRITY, NULL);
	secret_done(&s);
	buf_done(&body);
	parts_done(&p);
}

/* ---- version 3 ---- */

/* The public part of an RSA key of version 4 as one of version 3. */
static void
put_v3_public(const struct parts *p, struct buf *body)
{
	buf_clear(body);
	(void)buf_put_u8(body, 3);
	(void)buf_put(body, p->fresh.body.data + 1, 4);
	(void)buf_put_u16(body, 30); /* days */
	(void)buf_put(body, p->fresh.body.data + 5, p->fresh.body.len - 5);
}

/* Section 5.5.3: counts and checksum in the clear, CFB anew at each number. */
static void
lock_v3(const struct parts *p, uint8_t cipher, struct buf *body)
{
	struct pgp_s2k s2k = { .type = PGP_S2K_SIMPLE, .hash = PGP_MD5 };
	struct reader r = reader_of(p->wire);
	struct secret key = SECRET_EMPTY;
	uint8_t last[CIPHER_BLOCK_MAX] = "an IV of ours";
	enum cipher_id id;
	size_t block;

	assert_true(pgp_cipher_of(cipher, &id));
	block = cipher_block_size(id);
	assert_ok(pgp_s2k_derive(&s2k, PASS, cipher_key_size(id), &key, &unit_error));
	put_v3_public(p, body);
	(void)buf_put_u8(body, cipher);
	(void)buf_put(body, last, block);
	while (reader_left(&r) > 0) {
		size_t from = r.at;
		struct slice mpi = pgp_mpi_take(&r);
		uint8_t *room;

		(void)buf_put(body, p->wire.data + from, 2);
		room = buf_reserve(body, mpi.len);
		assert_non_null(room);
		assert_ok(cipher_cfb_once(
		    id, CIPHER_ENCRYPT, secret_slice(&key), slice_of(last, block), mpi, room, &unit_error));
		buf_commit(body, mpi.len);
		memcpy(last, body->data + body->len - block, block);
	}
	(void)buf_put_u16(body, checksum(p->wire));
	secret_done(&key);
}

static void
version_3_is_read(void **state)
{
	static const uint8_t ciphers[] = { PGP_TRIPLEDES, PGP_CAST5, PGP_AES256 };
	struct pgp_key k;
	struct parts p;
	struct buf body, values;
	uint8_t digest[HASH_SIZE_MAX];

	(void)state;
	parts_make(&p, PGP_RSA);
	buf_init(&body, PGP_KEY_BODY_MAX);
	buf_init(&values, PGP_KEY_BODY_MAX);
	put_v3_public(&p, &body);
	assert_ok(pgp_key_parse(buf_slice(&body), PGP_PUBLIC_KEY, &k, &unit_error));
	assert_true(k.understood);
	assert_int_equal(k.valid_days, 30);
	assert_int_equal(pgp_key_bits(&k), 3072);
	/* Section 5.5.4.1. */
	(void)buf_put_slice(&values, k.public[0]);
	(void)buf_put_slice(&values, k.public[1]);
	assert_ok(hash_once(HASH_MD5, buf_slice(&values), digest, &unit_error));
	assert_slices(slice_of(k.fingerprint.bytes, k.fingerprint.len), slice_of(digest, 16));
	for (size_t i = 0; i < 8; i++)
		assert_int_equal((uint8_t)(k.key_id >> (56 - 8 * i)), k.public[0].data[k.public[0].len - 8 + i]);
	/* It verifies and decrypts; nothing new is made with it. */
	assert_true(pgp_key_can_verify(&k) && pgp_key_can_decrypt(&k));
	assert_false(pgp_key_can_sign(&k) || pgp_key_can_encrypt(&k));
	(void)buf_put_u8(&body, 0);
	(void)buf_put_slice(&body, p.wire);
	(void)buf_put_u16(&body, checksum(p.wire));
	expect(&body, PASS, 0, &p);
	for (size_t i = 0; i < sizeof ciphers; i++) {
		lock_v3(&p, ciphers[i], &body);
		expect(&body, PASS, 0, &p);
		expect(&body, SLICE("wrong"), ERR_PASSWORD, NULL);
		body.data[body.len - 40] ^= 1;
		expect(&body, PASS, ERR_PASSWORD, NULL);
	}
	assert_int_equal(pgp_key_write_secret(&k, PGP_SECRET_KEY, secret_slice(&p.fresh.secret), PGP_PROTECT_NONE,
			     SLICE_EMPTY, &values, NULL),
	    ERR_UNSUPPORTED);
	buf_done(&values);
	buf_done(&body);
	parts_done(&p);
}

/* Section 5.2.2: a signature of version 3 by hand, over the text, its type and its time. */
static void
version_3_verifies_and_decrypts(void **state)
{
	static const uint8_t head[] = { 3, 5, PGP_SIG_BINARY, 0x6a, 0xb1, 0x3b, 0x80 };
	struct pgp_session made = { 0 };
	struct secret got = SECRET_EMPTY;
	struct buf body, text, sig, packet;
	uint8_t digest[HASH_SIZE_MAX], cipher;
	struct pgp_hash *h = NULL;
	struct pgp_packet pkt;
	struct pgp_pkesk pkesk;
	struct pgp_key k;
	struct pgp_sig s;
	struct parts p;
	size_t at = 0;

	(void)state;
	parts_make(&p, PGP_RSA);
	buf_init(&body, PGP_KEY_BODY_MAX);
	buf_init(&text, 100);
	buf_init(&sig, 4096);
	buf_init(&packet, 4096);
	put_v3_public(&p, &body);
	assert_ok(pgp_key_parse(buf_slice(&body), PGP_PUBLIC_KEY, &k, &unit_error));
	(void)buf_put_str(&text, "old mail");
	(void)buf_put(&text, head + 2, 5);
	assert_ok(hash_once(HASH_SHA256, buf_slice(&text), digest, &unit_error));
	(void)buf_put(&sig, head, sizeof head);
	(void)buf_put_u64(&sig, k.key_id);
	(void)buf_put_u8(&sig, PGP_RSA);
	(void)buf_put_u8(&sig, PGP_SHA256);
	(void)buf_put(&sig, digest, 2);
	assert_ok(
	    pgp_secret_sign(&k, secret_slice(&p.fresh.secret), PGP_SHA256, slice_of(digest, 32), &sig, &unit_error));
	assert_ok(pgp_sig_parse(buf_slice(&sig), &s, &unit_error));
	assert_true(pgp_sig_may_be_from(&s, &k));
	assert_ok(pgp_hash_new(&h, s.hash, s.type, s.salt, &unit_error));
	assert_ok(pgp_hash_feed(h, SLICE("old mail"), &unit_error));
	assert_ok(pgp_sig_check(&s, h, &k, &unit_error));
	sig.data[4] ^= 1; /* another time */
	assert_ok(pgp_sig_parse(buf_slice(&sig), &s, &unit_error));
	assert_int_equal(pgp_sig_check(&s, h, &k, NULL), ERR_SIGNATURE);
	pgp_hash_free(h);
	/* Wrapped for its twin of version 4: the numbers are the same. */
	assert_ok(pgp_session_new(PGP_TRIPLEDES, &made, &unit_error));
	assert_int_equal(pgp_pkesk_write(3, &k, &made, &packet, NULL), ERR_UNSUPPORTED);
	assert_ok(pgp_pkesk_write(3, &p.fresh.key, &made, &packet, &unit_error));
	assert_int_equal(pgp_packet_next(buf_slice(&packet), &at, &pkt, &unit_error), 1);
	assert_ok(pgp_pkesk_parse(pkt.body, &pkesk, &unit_error));
	{
		struct pgp_pkesk_fields fields = { 3, pkesk.algorithm, pkesk.fields };

		assert_ok(pgp_secret_open(&k, secret_slice(&p.fresh.secret), &fields, &cipher, &got, &unit_error));
	}
	assert_int_equal(cipher, PGP_TRIPLEDES);
	assert_slices(secret_slice(&got), secret_slice(&made.key));
	secret_done(&got);
	pgp_session_done(&made);
	buf_done(&body);
	buf_done(&text);
	buf_done(&sig);
	buf_done(&packet);
	parts_done(&p);
}

/* ---- version 5, by gpg 2.4 ---- */

static void
read_sample(const char *name, struct buf *out)
{
	const char *file = strstr(__FILE__, "unit/openpgp/");
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof path, "%.*sdata/libre/%s", (int)(file - __FILE__), __FILE__, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	buf_init(out, 1 << 16);
	buf_commit(out, fread(buf_reserve(out, 1 << 14), 1, 1 << 14, f));
	(void)fclose(f);
}

static void
version_5_of_gpg_is_read(void **state)
{
	static const struct {
		const char *name, *fingerprint, *pass;
		uint8_t curves[2];
	} rows[] = {
		{ "ed448.key", "D218CF06DDDD631EE1BFFF821B189FECD738B6F29B8A3DDD463F9A7337974E5D", "",
		    { PGP_CURVE_ED448_LIBRE, PGP_CURVE_448_LIBRE } },
		{ "v5.key", "2E7EEB8A9B2B7BBCE7A36D85EBF5D34222D2C0770D06BAF20C9B6140324BC072", "",
		    { PGP_CURVE_ED25519_LEGACY, PGP_CURVE_25519_LEGACY } },
		{ "v5rsa.key", "7777C81B8180495C5500AACD179CD852984CD5728FD8DDEDF5DD7E15F3E44A35", "secret",
		    { PGP_CURVE_NONE, PGP_CURVE_P384 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_fingerprint want;
		struct pgp_certs certs;
		struct buf file;

		read_sample(rows[i].name, &file);
		assert_ok(pgp_certs_parse(buf_slice(&file), &certs, &unit_error));
		assert_int_equal(certs.count, 1);
		assert_ok(pgp_fingerprint_parse(slice_str(rows[i].fingerprint), &want, &unit_error));
		assert_true(pgp_fingerprint_eq(&certs.items[0]->primary->fingerprint, &want));
		for (size_t n = 0; n < 2; n++) {
			const struct pgp_key *k = pgp_cert_key(certs.items[0], n);
			struct secret got = SECRET_EMPTY;

			assert_non_null(k);
			assert_int_equal(k->version, 5);
			assert_int_equal(k->curve, rows[i].curves[n]);
			assert_true(k->understood);
			assert_ok(pgp_key_unlock(k, slice_str(rows[i].pass), &got, &unit_error));
			secret_done(&got);
			if (rows[i].pass[0] != '\0')
				assert_int_equal(pgp_key_unlock(k, SLICE("wrong"), &got, NULL), ERR_PASSWORD);
			assert_false(pgp_key_can_sign(k) || pgp_key_can_encrypt(k));
			assert_int_equal(pgp_key_can_decrypt(k), n == 1 || k->algorithm == PGP_RSA);
		}
		pgp_certs_done(&certs);
		buf_wipe_done(&file);
	}
}

UNIT_MAIN(UNIT_TEST(old_ways_of_locking_are_opened), UNIT_TEST(ciphers_that_nobody_has_are_refused_by_name),
    UNIT_TEST(version_6_is_not_locked_in_old_ways), UNIT_TEST(stubs_say_where_the_secret_is),
    UNIT_TEST(odd_bit_counts_of_ed25519_are_read), UNIT_TEST(curve25519_scalars_of_every_kind_are_read),
    UNIT_TEST(version_3_is_read), UNIT_TEST(version_3_verifies_and_decrypts), UNIT_TEST(version_5_of_gpg_is_read))
