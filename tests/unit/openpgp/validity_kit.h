/* SPDX-License-Identifier: ISC */
/*
 * Certificates put together step by step, with every octet of every signature
 * under control: what generate.h makes is always in order, and these tests are
 * about what is not.
 *
 * A step puts a packet of the fixture's key or makes a signature over what was
 * put last. Times are seconds after T1, when all keys were made.
 */
#ifndef TESTS_OPENPGP_VALIDITY_KIT_H
#define TESTS_OPENPGP_VALIDITY_KIT_H

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/core_names.h>

#include "crypto/random.h"
#include "openpgp_helpers.h"

#define T1 1600000000u
#define DAY 86400
#define MONTH (28 * DAY)

enum what { STEPS_END, PUT_PRIMARY, PUT_USER, PUT_USER2, PUT_SUBKEY, PUT_CRYPT, PUT_MARKER, PUT_UNKNOWN, MAKE };

/* Where the issuer stands. */
enum issuer {
	ISSUER_BOTH, /* fingerprint hashed, key ID unhashed: as everybody does */
	ISSUER_FPR_UNHASHED,
	ISSUER_ID_UNHASHED,
	ISSUER_ID_HASHED,
	ISSUER_ID_FAKE_V6, /* a true ID, and a fingerprint of a version that is not the signature's */
	ISSUER_ID_THEN_FAKE,
	ISSUER_FAKE_THEN_ID,
	ISSUER_FAKE,
	ISSUER_NONE
};

enum odd { ODD_NONE, ODD_UNKNOWN, ODD_CRITICAL, ODD_NOTATION, ODD_CRITICAL_NOTATION };

#define GIVEN(x) (0x100 | (x)) /* a subpacket that is there with this value; 0 is one that is not */

struct own_sig {
	uint8_t type;
	uint8_t hash; /* 0: SHA2-256 */
	int32_t at;
	uint32_t expires;
	bool no_time, time_unhashed;
	enum issuer issuer;
	enum odd odd, odd_unhashed;
	bool by_other; /* by the wrong one of primary key and subkey */
	bool bad;      /* the arithmetic does not come out */
	bool bad_digest;
};

struct step {
	enum what what;
	struct own_sig sig;
	int flags, flags2; /* GIVEN() */
	int reason;        /* GIVEN() */
	int key_expires;   /* GIVEN() * DAY; use KEY_DAYS() */
	bool primary_user;
	bool with_back, back_hashed, fake_back_first, fake_back_last;
	struct own_sig back;
	const struct pgp_fingerprint *revoker;
};
#define KEY_DAYS(n) (0x100000 | (n))

struct kit {
	struct fixture f;
	struct buf out; /* the certificate */
	const struct pgp_key *primary, *signer, *crypt;
	struct pgp_sig_target target; /* of what was put last */
};

static inline struct pgp_keyring_ops
kit_keys(const struct kit *k)
{
	return pgp_memory_keys_ops(k->f.memory);
}

static inline void
kit_take(struct kit *k)
{
	buf_init(&k->out, 64 << 20);
	k->primary = pgp_cert_key(k->f.cert, 0);
	k->signer = pgp_cert_key(k->f.cert, 1);
	k->crypt = pgp_cert_key(k->f.cert, 2);
	k->target = (struct pgp_sig_target){ .primary = k->primary };
}

static inline void __attribute__((unused)) kit_new(struct kit *k, uint8_t version)
{
	fixture_new(&k->f, version, T1, true);
	kit_take(k);
}

static inline void __attribute__((unused)) kit_done(struct kit *k)
{
	buf_done(&k->out);
	fixture_done(&k->f);
}

static inline void
kit_number(struct buf *area, uint8_t type, bool critical, uint32_t v)
{
	const uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	(void)pgp_subpacket_put(area, type, critical, slice_of(b, 4));
}

static inline void
kit_issuer_id(struct buf *area, uint64_t id)
{
	uint8_t b[8];

	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(id >> (56 - 8 * i));
	(void)pgp_subpacket_put(area, PGP_SUB_ISSUER, false, slice_of(b, 8));
}

static inline void
kit_issuer_fpr(struct buf *area, const struct pgp_key *key)
{
	uint8_t b[1 + PGP_FINGERPRINT_MAX];

	b[0] = key->version;
	memcpy(b + 1, key->fingerprint.bytes, key->fingerprint.len);
	(void)pgp_subpacket_put(area, PGP_SUB_ISSUER_FINGERPRINT, false, slice_of(b, 1u + key->fingerprint.len));
}

static inline void
kit_put_issuer(enum issuer how, const struct pgp_key *key, struct buf *hashed, struct buf *unhashed)
{
	static const uint8_t fake_v6[33] = { 6, 0xaa, 0xaa, 0xaa };
	const uint64_t fake = 0xaaaabbbbccccddddull;

	if (how == ISSUER_BOTH)
		kit_issuer_fpr(hashed, key);
	if (how == ISSUER_FPR_UNHASHED)
		kit_issuer_fpr(unhashed, key);
	if (how == ISSUER_FAKE_THEN_ID || how == ISSUER_FAKE)
		kit_issuer_id(unhashed, fake);
	if (how == ISSUER_ID_HASHED)
		kit_issuer_id(hashed, key->key_id);
	else if (how != ISSUER_FPR_UNHASHED && how != ISSUER_FAKE && how != ISSUER_NONE && key->version == 4)
		kit_issuer_id(unhashed, key->key_id);
	if (how == ISSUER_ID_THEN_FAKE)
		kit_issuer_id(unhashed, fake);
	if (how == ISSUER_ID_FAKE_V6)
		(void)pgp_subpacket_put(unhashed, PGP_SUB_ISSUER_FINGERPRINT, false, slice_of(fake_v6, sizeof fake_v6));
}

static inline void
kit_put_odd(enum odd odd, struct buf *area)
{
	static const uint8_t notation[] = { 0x80, 0, 0, 0, 0, 13, 0, 5, 'o', 'd', 'd', '@', 'e', 'x', 'a', 'm', 'p',
		'l', 'e', '.', 'x', 'v', 'a', 'l', 'u', 'e' };

	if (odd == ODD_UNKNOWN || odd == ODD_CRITICAL)
		(void)pgp_subpacket_put(area, 127, odd == ODD_CRITICAL, SLICE("value"));
	if (odd == ODD_NOTATION || odd == ODD_CRITICAL_NOTATION)
		(void)pgp_subpacket_put(
		    area, PGP_SUB_NOTATION, odd == ODD_CRITICAL_NOTATION, slice_of(notation, sizeof notation));
}

static inline void
kit_put_area(struct buf *out, uint8_t version, const struct buf *area)
{
	if (version == 6)
		(void)buf_put_u32(out, (uint32_t)area->len);
	else
		(void)buf_put_u16(out, (uint16_t)area->len);
	(void)buf_put_slice(out, buf_slice(area));
}

static inline void
kit_hash(struct pgp_hash *h, uint8_t type, const struct pgp_key *key, const struct pgp_sig_target *t, struct slice data)
{
	if (type == PGP_SIG_BINARY || type == PGP_SIG_TEXT) {
		assert_ok(pgp_hash_feed(h, data, &unit_error));
		return;
	}
	assert_ok(pgp_hash_key(h, t->primary, key->version, &unit_error));
	if (type == PGP_SIG_SUBKEY_BINDING || type == PGP_SIG_PRIMARY_BINDING || type == PGP_SIG_SUBKEY_REVOCATION)
		assert_ok(pgp_hash_key(h, t->subkey, key->version, &unit_error));
	if (t->user_type != 0 && type != PGP_SIG_DIRECT_KEY && type != PGP_SIG_KEY_REVOCATION)
		assert_ok(pgp_hash_user_id(h, t->user_type, t->user, key->version, &unit_error));
}

/* Appends a signature packet's body by key. hashed and unhashed: further subpackets. */
static inline void
kit_sign(const struct own_sig *s, const struct pgp_sig_target *t, struct slice data, const struct pgp_key *key,
    struct pgp_keyring_ops keys, struct slice more_hashed, struct slice more_unhashed, struct buf *out)
{
	uint8_t hash = s->hash != 0 ? s->hash : PGP_SHA256, digest[PGP_DIGEST_MAX], salt[PGP_SALT_MAX];
	struct slice used = key->version == 6 ? slice_of(salt, pgp_hash_salt_size(hash)) : SLICE_EMPTY;
	struct buf hashed, unhashed;
	struct pgp_hash *h;
	size_t from = out->len;

	buf_init(&hashed, 1 << 20);
	buf_init(&unhashed, 1 << 20);
	if (!s->no_time)
		kit_number(
		    s->time_unhashed ? &unhashed : &hashed, PGP_SUB_CREATED, true, (uint32_t)((int64_t)T1 + s->at));
	if (s->expires != 0)
		kit_number(&hashed, PGP_SUB_SIG_EXPIRES, true, s->expires);
	kit_put_issuer(s->issuer, key, &hashed, &unhashed);
	kit_put_odd(s->odd, &hashed);
	kit_put_odd(s->odd_unhashed, &unhashed);
	(void)buf_put_slice(&hashed, more_hashed);
	(void)buf_put_slice(&unhashed, more_unhashed);
	assert_ok(random_bytes(salt, sizeof salt, &unit_error));
	assert_ok(pgp_hash_new(&h, hash, s->type, used, &unit_error));
	kit_hash(h, s->type, key, t, data);
	(void)buf_put_u8(out, key->version);
	(void)buf_put_u8(out, s->type);
	(void)buf_put_u8(out, key->algorithm);
	(void)buf_put_u8(out, hash);
	kit_put_area(out, key->version, &hashed);
	assert_ok(pgp_hash_finish(h, key->version, slice_from(buf_slice(out), from), digest, &unit_error));
	kit_put_area(out, key->version, &unhashed);
	(void)buf_put_u8(out, digest[0] ^ (s->bad_digest ? 1 : 0));
	(void)buf_put_u8(out, digest[1]);
	if (key->version == 6) {
		(void)buf_put_u8(out, (uint8_t)used.len);
		(void)buf_put_slice(out, used);
	}
	digest[9] ^= s->bad ? 1 : 0;
	assert_ok(keys.ops->sign(keys.ctx, key, hash, slice_of(digest, pgp_hash_size(hash)), out, &unit_error));
	pgp_hash_free(h);
	buf_done(&hashed);
	buf_done(&unhashed);
}

static inline void
kit_embed(struct kit *k, const struct step *s, bool fake, struct buf *area)
{
	struct own_sig back = s->back;
	const struct pgp_key *by = (fake || back.by_other) ? k->primary : k->target.subkey;
	struct buf body;

	buf_init(&body, 1 << 16);
	back.type = back.type != 0 ? back.type : PGP_SIG_PRIMARY_BINDING;
	kit_sign(&back, &k->target, SLICE_EMPTY, by, kit_keys(k), SLICE_EMPTY, SLICE_EMPTY, &body);
	(void)pgp_subpacket_put(area, PGP_SUB_EMBEDDED, false, buf_slice(&body));
	buf_done(&body);
}

static inline void
kit_octet(struct buf *area, uint8_t type, bool critical, int given)
{
	const uint8_t v = (uint8_t)given;

	if (given != 0)
		(void)pgp_subpacket_put(area, type, critical, slice_of(&v, 1));
}

static inline void
kit_properties(struct kit *k, const struct step *s, struct buf *hashed, struct buf *unhashed)
{
	kit_octet(hashed, PGP_SUB_KEY_FLAGS, true, s->flags);
	kit_octet(hashed, PGP_SUB_KEY_FLAGS, true, s->flags2);
	kit_octet(hashed, PGP_SUB_REVOCATION_REASON, false, s->reason);
	kit_octet(hashed, PGP_SUB_PRIMARY_USER_ID, false, s->primary_user ? GIVEN(1) : 0);
	if (s->key_expires != 0)
		kit_number(hashed, PGP_SUB_KEY_EXPIRES, true, (uint32_t)(s->key_expires & 0xfffff) * DAY);
	if (s->revoker != NULL) {
		uint8_t b[22] = { 0x80, PGP_EDDSA_LEGACY };

		memcpy(b + 2, s->revoker->bytes, 20);
		(void)pgp_subpacket_put(hashed, PGP_SUB_REVOCATION_KEY, false, slice_of(b, sizeof b));
	}
	if (s->fake_back_first)
		kit_embed(k, s, true, unhashed);
	if (s->with_back)
		kit_embed(k, s, false, s->back_hashed ? hashed : unhashed);
	if (s->fake_back_last)
		kit_embed(k, s, true, unhashed);
}

static inline void
kit_make(struct kit *k, const struct step *s)
{
	struct buf hashed, unhashed, body;

	buf_init(&hashed, 1 << 16);
	buf_init(&unhashed, 1 << 16);
	buf_init(&body, 1 << 16);
	kit_properties(k, s, &hashed, &unhashed);
	kit_sign(&s->sig, &k->target, SLICE_EMPTY, s->sig.by_other ? k->signer : k->primary, kit_keys(k),
	    buf_slice(&hashed), buf_slice(&unhashed), &body);
	(void)pgp_packet_write(&k->out, PGP_SIGNATURE, buf_slice(&body));
	buf_done(&hashed);
	buf_done(&unhashed);
	buf_done(&body);
}

#define KIT_USER "Alice <alice@example.org>"
#define KIT_USER2 "Alice at work <alice@work.example>"

static inline void
kit_put_key(struct kit *k, const struct pgp_key *key, uint8_t type)
{
	(void)pgp_packet_write(&k->out, type, key->public_body);
	k->target = (struct pgp_sig_target){ .primary = k->primary, .subkey = type == PGP_PUBLIC_SUBKEY ? key : NULL };
}

static inline void
kit_put_user(struct kit *k, const char *user)
{
	(void)pgp_packet_write(&k->out, PGP_USER_ID, slice_str(user));
	k->target = (struct pgp_sig_target){ .primary = k->primary, .user_type = PGP_USER_ID, .user = slice_str(user) };
}

static inline void __attribute__((unused)) kit_step(struct kit *k, const struct step *s)
{
	if (s->what == PUT_PRIMARY)
		kit_put_key(k, k->primary, PGP_PUBLIC_KEY);
	else if (s->what == PUT_SUBKEY)
		kit_put_key(k, k->signer, PGP_PUBLIC_SUBKEY);
	else if (s->what == PUT_CRYPT)
		kit_put_key(k, k->crypt, PGP_PUBLIC_SUBKEY);
	else if (s->what == PUT_USER || s->what == PUT_USER2)
		kit_put_user(k, s->what == PUT_USER ? KIT_USER : KIT_USER2);
	else if (s->what == PUT_MARKER)
		(void)pgp_packet_write(&k->out, PGP_MARKER, SLICE("PGP"));
	else if (s->what == PUT_UNKNOWN)
		(void)pgp_packet_write(&k->out, 59, SLICE("what may this be"));
	else if (s->what == MAKE)
		kit_make(k, s);
}

static inline void __attribute__((unused)) kit_steps(struct kit *k, const struct step *steps)
{
	buf_clear(&k->out);
	for (; steps->what != STEPS_END; steps++)
		kit_step(k, steps);
}

/* The verdict on data signed by key so, under the certificate and others (may be empty). */
static inline struct pgp_verdict __attribute__((unused)) kit_verdict_among(struct kit *k, const struct pgp_key *key,
    const struct own_sig *sig, struct slice others, const struct pgp_policy *policy)
{
	struct pgp_certs certs = { 0 };
	struct pgp_verdict v;
	struct pgp_hash *h;
	struct pgp_sig s;
	struct buf body;

	buf_init(&body, 1 << 16);
	kit_sign(sig, NULL, SLICE("data"), key, kit_keys(k), SLICE_EMPTY, SLICE_EMPTY, &body);
	assert_ok(pgp_certs_parse(buf_slice(&k->out), &certs, &unit_error));
	if (others.len > 0)
		assert_ok(pgp_certs_parse(others, &certs, &unit_error));
	assert_ok(pgp_sig_parse(buf_slice(&body), &s, &unit_error));
	assert_ok(pgp_hash_new(&h, s.hash, s.type, s.salt, &unit_error));
	assert_ok(pgp_hash_feed(h, SLICE("data"), &unit_error));
	assert_ok(pgp_verify_data(&s, h, &certs, policy, &v, &unit_error));
	pgp_hash_free(h);
	pgp_certs_done(&certs);
	buf_done(&body);
	return v;
}

static inline struct pgp_verdict __attribute__((unused))
kit_verdict(struct kit *k, const struct pgp_key *key, int32_t at, int32_t now)
{
	struct own_sig sig = { .at = at };
	struct pgp_policy policy = pgp_policy_default((uint64_t)((int64_t)T1 + now));

	return kit_verdict_among(k, key, &sig, SLICE_EMPTY, &policy);
}

/* ---- RSA, for what the curves do not permit: SHA-1, short keys ---- */

static inline void
kit_mpi(const EVP_PKEY *key, const char *name, struct buf *out)
{
	BIGNUM *n = NULL;
	uint8_t bytes[512];

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &n), 1);
	(void)buf_put_u16(out, (uint16_t)BN_num_bits(n));
	(void)buf_put(out, bytes, (size_t)BN_bn2bin(n, bytes));
	BN_clear_free(n);
}

/* u = p^-1 mod q: OpenPGP's order of the primes is the other way round than PKCS#1's coefficient. */
static inline void
kit_rsa_packet(uint8_t type, int bits, struct buf *out)
{
	EVP_PKEY *key = EVP_RSA_gen((unsigned)bits);
	struct buf body;
	size_t secret;
	unsigned sum = 0;

	assert_non_null(key);
	buf_init(&body, 1 << 16);
	(void)buf_put_u8(&body, 4);
	(void)buf_put_u32(&body, T1);
	(void)buf_put_u8(&body, PGP_RSA);
	kit_mpi(key, OSSL_PKEY_PARAM_RSA_N, &body);
	kit_mpi(key, OSSL_PKEY_PARAM_RSA_E, &body);
	(void)buf_put_u8(&body, 0);
	secret = body.len;
	kit_mpi(key, OSSL_PKEY_PARAM_RSA_D, &body);
	/* qInv is q^-1 mod p: so p and q change places. */
	kit_mpi(key, OSSL_PKEY_PARAM_RSA_FACTOR2, &body);
	kit_mpi(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &body);
	kit_mpi(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &body);
	for (size_t i = secret; i < body.len; i++)
		sum += body.data[i];
	(void)buf_put_u16(&body, (uint16_t)sum);
	(void)pgp_packet_write(out, type, buf_slice(&body));
	buf_wipe_done(&body);
	EVP_PKEY_free(key);
}

/* Primary and signing subkey of RSA. */
static inline void __attribute__((unused)) kit_new_rsa(struct kit *k, int bits)
{
	struct buf key;

	buf_init(&key, 1 << 16);
	kit_rsa_packet(PGP_SECRET_KEY, bits, &key);
	kit_rsa_packet(PGP_SECRET_SUBKEY, bits, &key);
	fixture_from(&k->f, buf_slice(&key));
	kit_take(k);
	buf_wipe_done(&key);
}

#endif
