/* SPDX-License-Identifier: ISC */
/*
 * RFC 9580 appendix A, every value that stands there, read from the standard's
 * text: keys, signatures, messages, and what comes in between (hashed octets,
 * derived keys, nonces). Not here: passphrases through Argon2 with its 2 GiB
 * (tests/interop/test_rfc9580_samples.py), and the dumps with remarks, which
 * repeat the octets of the plain ones.
 */
#include "unit.h"

#include <stdio.h>

#include "base/hex.h"
#include "crypto/aead.h"
#include "crypto/agree.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/keywrap.h"
#include "crypto/sign.h"
#include "openpgp/frame/armor.h"

#include "openpgp_message.h"

static const char hello[] = "Hello, world!";
static const char grocery[] = "What we need from the grocery store:\n\n- tofu\n- vegetables\n- noodles\n";

/* ---- the standard's text ---- */

static bool
standard(struct buf *out)
{
	const char *folder = getenv("LETTERLOCK_TESTDATA");
	char path[512];
	FILE *f;

	/* cmocka's own skip() says "not ok" in TAP. */
	if (folder == NULL) {
		print_message("# skipped: LETTERLOCK_TESTDATA is not set\n");
		return false;
	}
	(void)snprintf(path, sizeof path, "%s/standards/rfc9580.txt", folder);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s is not there", path);
	buf_init(out, 2u << 20);
	buf_commit(out, fread(buf_reserve(out, 1u << 20), 1, 1u << 20, f));
	(void)fclose(f);
	return true;
}

/* What stands behind this section's heading; the table of contents has it too, but not at a line's start. */
static struct slice
section(const struct buf *text, const char *number)
{
	struct slice all = buf_slice(text);
	char heading[16];
	size_t at;

	(void)snprintf(heading, sizeof heading, "\n%s.  ", number);
	at = slice_search(all, slice_str(heading));
	if (at == SIZE_MAX)
		fail_msg("no section %s", number);
	return slice_from(all, at + strlen(heading));
}

static void
armored(const struct buf *text, const char *number, struct buf *out)
{
	enum pgp_armor_kind kind;
	size_t at = 0;

	buf_init(out, 1 << 16);
	assert_int_equal(pgp_armor_parse(section(text, number), &at, &kind, out, &unit_error), 1);
}

/* A line of a dump without its offset. */
static struct slice
without_offset(struct slice line)
{
	return slice_starts(line, SLICE("0x")) ? slice_trim(slice_from(line, 6)) : line;
}

/*
 * The octets that follow these words: behind them in the line, or the lines up
 * to an empty one, in whatever way they are spaced.
 */
static void
octets(const struct buf *text, const char *number, const char *words, struct buf *out)
{
	struct slice s = section(text, number);
	size_t at = slice_search(s, slice_str(words));

	if (at == SIZE_MAX)
		fail_msg("%s: no \"%s\"", number, words);
	buf_init(out, 1 << 12);
	s = slice_from(s, at + strlen(words));
	while (s.len > 0) {
		struct slice line = slice_trim(slice_split(s, '\n', &s));

		if (line.len == 0 && out->len > 0)
			break;
		if (line.len > 0 && hex_parse_loose(without_offset(line), out, &unit_error) != 0)
			fail_msg("%s, \"%s\": %s", number, words, unit_error.text);
	}
	assert_true(out->len > 0);
}

static void
expect(const struct buf *text, const char *number, const char *words, struct slice got)
{
	struct buf want BUF_OWNED = { 0 };

	octets(text, number, words, &want);
	if (!slice_eq(got, buf_slice(&want)))
		fail_msg("%s, \"%s\": %zu octets that are others than the %zu of the standard", number, words, got.len,
		    want.len);
}

/* A dump without remarks, as it stands first in its section. */
static void
dump(const struct buf *text, const char *number, struct buf *out)
{
	octets(text, number, strcmp(number, "A.11.3") == 0 ? "series of octets, is:" : "series of octets:", out);
}

static struct slice
first_packet(const struct buf *packets, struct pgp_packet *p)
{
	size_t at = 0;

	assert_int_equal(pgp_packet_next(buf_slice(packets), &at, p, &unit_error), 1);
	return p->body;
}

/* ---- A.1, A.2: version 4 ---- */

static void
a1_version_4_key(void **state)
{
	struct buf text BUF_OWNED = { 0 }, packet BUF_OWNED = { 0 }, secret BUF_OWNED = { 0 };
	struct slice print, q;
	struct pgp_fingerprint want;
	struct pgp_packet p;
	struct pgp_key k;
	uint8_t public[SIGN_PUBLIC_MAX];

	(void)state;
	if (!standard(&text))
		return;
	armored(&text, "A.1", &packet);
	(void)first_packet(&packet, &p);
	assert_int_equal(p.header.type, PGP_PUBLIC_KEY);
	{
		/* The same packet with the header in the old form. */
		struct buf old BUF_OWNED = { 0 };
		struct pgp_packet o;

		octets(&text, "A.1", "The entire Public Key packet is thus:", &old);
		assert_slices(first_packet(&old, &o), p.body);
		assert_int_equal(o.header.type, p.header.type);
	}
	assert_ok(pgp_key_parse(p.body, PGP_PUBLIC_KEY, &k, &unit_error));
	print = section(&text, "A.1");
	print = slice_from(print, slice_search(print, SLICE("Key is:")) + 7);
	print = slice_trim(print);
	print = slice_trim(slice_sub(print, 0, slice_find(print, '\n')));
	assert_ok(pgp_fingerprint_parse(print, &want, &unit_error));
	assert_true(pgp_fingerprint_eq(&k.fingerprint, &want));
	assert_int_equal(k.key_id, 0x8cfde12197965a9a);
	assert_int_equal(k.created, 1408458507); /* 2014-08-19 14:28:27 */
	assert_int_equal(pgp_key_bits(&k), 255);
	expect(&text, "A.1", "\n   oid: ", k.oid);
	q = k.public[0];
	expect(&text, "A.1", "\n   q: ", q);
	octets(&text, "A.1", "\n   D: ", &secret);
	assert_ok(sign_public(SIGN_ED25519, buf_slice(&secret), public, &unit_error));
	assert_slices(slice_of(public, 32), slice_from(q, 1));
}

static void
a2_version_4_signature(void **state)
{
	struct buf text BUF_OWNED = { 0 }, key BUF_OWNED = { 0 }, packet BUF_OWNED = { 0 }, old BUF_OWNED = { 0 };
	struct buf m BUF_OWNED = { 0 }, secret BUF_OWNED = { 0 };
	uint8_t digest[PGP_DIGEST_MAX], made[SIGN_SIGNATURE_MAX];
	struct pgp_packet p, o;
	struct pgp_hash *h;
	struct pgp_key k;
	struct pgp_sig s;

	(void)state;
	if (!standard(&text))
		return;
	armored(&text, "A.1", &key);
	assert_ok(pgp_key_parse(first_packet(&key, &p), PGP_PUBLIC_KEY, &k, &unit_error));
	armored(&text, "A.2", &packet);
	octets(&text, "A.2", "The entire Signature packet is thus:", &old);
	assert_slices(first_packet(&old, &o), first_packet(&packet, &p));
	assert_ok(pgp_sig_parse(p.body, &s, &unit_error));
	assert_int_equal(s.created, 1442406293); /* 2015-09-16 12:24:53 */
	assert_true(pgp_sig_may_be_from(&s, &k));
	/* What goes into the hash, and what comes out of it, of the hash alone and as the engine makes it. */
	octets(&text, "A.2", "\n   m: ", &m);
	assert_ok(hash_once(HASH_SHA256, buf_slice(&m), digest, &unit_error));
	expect(&text, "A.2", "\n   d: ", slice_of(digest, 32));
	assert_ok(pgp_hash_new(&h, s.hash, s.type, s.salt, &unit_error));
	assert_ok(pgp_hash_feed(h, SLICE("OpenPGP"), &unit_error));
	assert_ok(pgp_hash_finish(h, 4, s.prefix, digest, &unit_error));
	expect(&text, "A.2", "\n   d: ", slice_of(digest, 32));
	octets(&text, "A.1", "\n   D: ", &secret);
	assert_ok(sign_make(SIGN_ED25519, buf_slice(&secret), slice_of(digest, 32), made, &unit_error));
	expect(&text, "A.2", "\n   r: ", slice_of(made, 32));
	expect(&text, "A.2", "\n   s: ", slice_of(made + 32, 32));
	assert_ok(pgp_sig_check(&s, h, &k, &unit_error));
	/* One bit changed in each octet: no longer good, but for unhashed hints, the digest's prefix and bit counts. */
	for (size_t i = 0; i < old.len - 2; i++) {
		bool matters = i < 14 || (i >= 28 && i != 60 && i != 61);

		old.data[2 + i] ^= 1;
		if (pgp_sig_parse(slice_from(buf_slice(&old), 2), &s, NULL) == 0 &&
		    pgp_sig_check(&s, h, &k, NULL) == 0 && matters)
			fail_msg("octet %zu changed, and still good", i);
		old.data[2 + i] ^= 1;
	}
	pgp_hash_free(h);
}

/* ---- A.3 to A.5: one version 6 key ---- */

static struct pgp_sig
self_signature(const struct pgp_cert *c, size_t component)
{
	struct pgp_sig s;

	assert_int_equal(c->components[component].part_count, 1);
	assert_ok(pgp_sig_parse(c->components[component].parts[0].body, &s, &unit_error));
	return s;
}

/* The stream of A.3.1 has the digest that the engine makes of the same keys, and the signature is over it. */
static void
hashed_as(const struct buf *text, const char *words, const struct pgp_cert *c, size_t component)
{
	struct pgp_sig s = self_signature(c, component);
	uint8_t own[PGP_DIGEST_MAX], digest[PGP_DIGEST_MAX];
	struct buf stream BUF_OWNED = { 0 };
	struct pgp_hash *h;

	octets(text, "A.3.1", words, &stream);
	assert_ok(hash_once(HASH_SHA512, buf_slice(&stream), digest, &unit_error));
	assert_ok(pgp_hash_new(&h, s.hash, s.type, s.salt, &unit_error));
	assert_ok(pgp_hash_key(h, c->primary, 6, &unit_error));
	if (component > 0)
		assert_ok(pgp_hash_key(h, c->components[component].key, 6, &unit_error));
	assert_ok(pgp_hash_finish(h, 6, s.prefix, own, &unit_error));
	assert_slices(slice_of(own, 64), slice_of(digest, 64));
	assert_ok(sign_verify(SIGN_ED25519, c->primary->public[0], slice_of(digest, 64), s.material, &unit_error));
	assert_ok(pgp_sig_check(&s, h, c->primary, &unit_error));
	pgp_hash_free(h);
}

static void
a3_version_6_certificate(void **state)
{
	struct buf text BUF_OWNED = { 0 }, in BUF_OWNED = { 0 };
	struct pgp_policy policy = pgp_policy_default(NOW);
	struct pgp_cert_judgement j;
	const struct pgp_key *for_writing;
	struct pgp_certs certs = { 0 };
	struct pgp_cert *c;

	(void)state;
	if (!standard(&text))
		return;
	armored(&text, "A.3", &in);
	assert_ok(pgp_certs_parse(buf_slice(&in), &certs, &unit_error));
	c = certs.items[0];
	assert_int_equal(c->component_count, 2);
	expect(&text, "A.3", "The primary key has the following fingerprint:",
	    slice_of(c->primary->fingerprint.bytes, c->primary->fingerprint.len));
	expect(&text, "A.3",
	    "The subkey has the following fingerprint:", slice_of(c->components[1].key->fingerprint.bytes, 32));
	hashed_as(&text,
	    "Direct Key self-signature in the certificate in Appendix A.3 is\n   made over the following "
	    "sequence of data:",
	    c, 0);
	hashed_as(
	    &text, "Subkey Binding signature in Appendix A.3 is made over the\n   following sequence of data:", c, 1);
	assert_ok(pgp_cert_judge(c, &policy, NOW, &j, &unit_error));
	assert_int_equal(j.standing, PGP_STANDING_GOOD);
	assert_int_equal(j.components[0].flags, PGP_FLAG_CERTIFY | PGP_FLAG_SIGN);
	assert_int_equal(pgp_judged_keys_for(&j, &policy, PGP_FLAG_ENCRYPT, &for_writing, 1, &unit_error), 1);
	assert_ptr_equal(for_writing, c->components[1].key);
	pgp_cert_judgement_done(&j);
	pgp_certs_done(&certs);
}

static void
a4_version_6_secret_key(void **state)
{
	struct buf text BUF_OWNED = { 0 }, in BUF_OWNED = { 0 }, cert BUF_OWNED = { 0 };
	struct fixture f, public;

	(void)state;
	if (!standard(&text))
		return;
	armored(&text, "A.4", &in);
	armored(&text, "A.3", &cert);
	fixture_from(
	    &f, buf_slice(&in)); /* which unlocks, and so proves that secret and public parts belong together */
	public = (struct fixture){ 0 };
	assert_ok(pgp_certs_parse(buf_slice(&cert), &public.certs, &unit_error));
	for (size_t i = 0; i < 2; i++) {
		assert_true(f.cert->components[i].key->secret);
		assert_slices(
		    f.cert->components[i].key->public_body, public.certs.items[0]->components[i].key->public_body);
		assert_slices(f.cert->components[i].parts[0].raw, public.certs.items[0]->components[i].parts[0].raw);
	}
	pgp_certs_done(&public.certs);
	fixture_done(&f);
}

/* The key under the lock: S2K usage 253, AES-256 with OCB, the nonce, the secret with its tag (sections 3.7.2.1, 5.5.3). */
static void
unlock_by_hand(const struct buf *text, const char *number, const struct pgp_key *locked, const struct pgp_key *clear)
{
	/* Usage, its length, cipher, mode, the S2K's length; then the S2K. */
	struct slice part = locked->secret_part, nonce, sealed;
	uint8_t kek[32], secret[64],
	    info[4] = { (uint8_t)(0xc0 | (locked->subkey ? PGP_SECRET_SUBKEY : PGP_SECRET_KEY)), 6, PGP_AES256,
		    PGP_OCB };
	struct buf s2k BUF_OWNED = { 0 }, ad BUF_OWNED = { 0 };
	size_t s2k_size = part.data[4];
	struct aead *a;

	assert_int_equal(part.data[0], 253);
	assert_int_equal(part.data[2], PGP_AES256);
	assert_int_equal(part.data[3], PGP_OCB);
	assert_int_equal(part.data[5], PGP_S2K_ARGON2);
	nonce = slice_sub(part, 5 + s2k_size, aead_nonce_size(AEAD_OCB));
	sealed = slice_from(part, 5 + s2k_size + nonce.len);
	octets(text, number,
	    locked->subkey ? "The S2K-derived key material for the subkey is:"
			   : "The S2K-derived material for the primary key is:",
	    &s2k);
	assert_ok(kdf_hkdf(HASH_SHA256, buf_slice(&s2k), SLICE_EMPTY, slice_of(info, 4), kek, 32, &unit_error));
	expect(text, number,
	    locked->subkey ? "encryption of the subkey\n   is:" : "encryption of the primary\n   key is:",
	    slice_of(kek, 32));
	octets(text, number,
	    locked->subkey ? "additional data for AEAD for the subkey is:"
			   : "additional data for AEAD for the primary key is:",
	    &ad);
	/* Section 5.5.3: the packet type, then the public part. */
	assert_int_equal(ad.data[0], info[0]);
	assert_slices(slice_from(buf_slice(&ad), 1), locked->public_body);
	assert_int_equal(sealed.len, 32 + AEAD_TAG);
	assert_ok(aead_new(AEAD_OCB, CIPHER_AES256, CIPHER_DECRYPT, slice_of(kek, 32), &a, &unit_error));
	assert_ok(aead_open(a, nonce, buf_slice(&ad), sealed.data, 32, secret, sealed.data + 32, &unit_error));
	assert_slices(slice_of(secret, 32), slice_from(clear->secret_part, 1));
	aead_free(a);
}

static void
a5_locked_version_6_key(void **state)
{
	struct buf text BUF_OWNED = { 0 }, locked BUF_OWNED = { 0 }, clear BUF_OWNED = { 0 };
	struct pgp_certs certs = { 0 };

	(void)state;
	if (!standard(&text))
		return;
	armored(&text, "A.5", &locked);
	armored(&text, "A.4", &clear);
	assert_ok(pgp_certs_parse(buf_slice(&locked), &certs, &unit_error));
	assert_ok(pgp_certs_parse(buf_slice(&clear), &certs, &unit_error));
	unlock_by_hand(&text, "A.5.1", pgp_cert_key(certs.items[0], 0), pgp_cert_key(certs.items[1], 0));
	unlock_by_hand(&text, "A.5.2", pgp_cert_key(certs.items[0], 1), pgp_cert_key(certs.items[1], 1));
	pgp_certs_done(&certs);
}

/* ---- A.6, A.7: signed messages ---- */

static void
a6_cleartext_signature(void **state)
{
	struct buf text BUF_OWNED = { 0 }, cert BUF_OWNED = { 0 }, stream BUF_OWNED = { 0 }, packet BUF_OWNED = { 0 };
	struct slice at;
	uint8_t digest[PGP_DIGEST_MAX];
	enum pgp_armor_kind kind;
	struct pgp_certs certs = { 0 };
	struct pgp_packet p;
	struct pgp_hash *h;
	struct pgp_sig s;
	size_t begin = 0;

	(void)state;
	if (!standard(&text))
		return;
	armored(&text, "A.3", &cert);
	assert_ok(pgp_certs_parse(buf_slice(&cert), &certs, &unit_error));
	at = section(&text, "A.6");
	at = slice_from(at, slice_search(at, SLICE("-----BEGIN PGP SIGNATURE")) - 3);
	buf_init(&packet, 1 << 12);
	assert_int_equal(pgp_armor_parse(at, &begin, &kind, &packet, &unit_error), 1);
	assert_ok(pgp_sig_parse(first_packet(&packet, &p), &s, &unit_error));
	octets(&text, "A.6", "The signature is made over the following data:", &stream);
	assert_ok(hash_once(HASH_SHA512, buf_slice(&stream), digest, &unit_error));
	expect(&text, "A.6", "SHA2-512 hash digest over this data is:", slice_of(digest, 64));
	/* The last line end in front of the signature is not part of the text (section 7.1); the one before it is. */
	assert_ok(pgp_hash_new(&h, s.hash, s.type, s.salt, &unit_error));
	assert_ok(pgp_hash_feed(h, slice_str(grocery), &unit_error));
	assert_ok(pgp_hash_finish(h, 6, s.prefix, digest, &unit_error));
	expect(&text, "A.6", "SHA2-512 hash digest over this data is:", slice_of(digest, 64));
	assert_ok(pgp_sig_check(&s, h, certs.items[0]->primary, &unit_error));
	pgp_hash_free(h);
	pgp_certs_done(&certs);
}

static void
a7_inline_signature(void **state)
{
	struct buf text BUF_OWNED = { 0 }, cert BUF_OWNED = { 0 }, message BUF_OWNED = { 0 };
	struct pgp_policy policy = pgp_policy_default(NOW);
	struct pgp_certs certs = { 0 };
	struct reader_of r;
	struct taker t;

	(void)state;
	if (!standard(&text))
		return;
	armored(&text, "A.3", &cert);
	armored(&text, "A.7", &message);
	assert_ok(pgp_certs_parse(buf_slice(&cert), &certs, &unit_error));
	for (int changed = 0; changed < 2; changed++) {
		reader_for(&r, NULL);
		r.spec.unencrypted = true;
		assert_ok(pgp_verifier_new(&r.spec.verifier, &certs, &policy, &unit_error));
		assert_ok(read_message(&r.spec, buf_slice(&message), 7, &t, &unit_error));
		assert_ok(pgp_verifier_finish(r.spec.verifier, &unit_error));
		if (changed == 0)
			assert_slice(buf_slice(&t.out), grocery);
		assert_int_equal(pgp_verifier_count(r.spec.verifier), 1);
		assert_int_equal(pgp_verifier_good(r.spec.verifier), changed == 0);
		assert_int_equal(
		    pgp_verifier_verdict(r.spec.verifier, 0)->created, 1670947683); /* 2022-12-13T16:08:03Z */
		pgp_verifier_free(r.spec.verifier);
		taker_done(&t);
		if (!changed)
			message.data[slice_search(buf_slice(&message), SLICE("tofu"))] = 'T';
	}
	pgp_certs_done(&certs);
}

/* ---- A.8 to A.11: AEAD ---- */

static const struct {
	const char *esk, *derive, *container, *data, *whole;
	enum aead_id aead;
} rows[] = {
	{ "A.8.1", "A.8.2", "A.8.3", "A.8.4", "A.8.5", AEAD_OCB },
	{ "A.9.1", "A.9.2", "A.9.3", "A.9.4", "A.9.5", AEAD_EAX },
	{ "A.10.1", "A.10.2", "A.10.3", "A.10.4", "A.10.5", AEAD_OCB },
	{ "A.11.1", "A.11.2", "A.11.3", "A.11.4", "A.11.5", AEAD_GCM },
};

static struct aead *
aes128(enum aead_id id, struct slice key)
{
	struct aead *a;

	assert_ok(aead_new(id, CIPHER_AES128, CIPHER_DECRYPT, key, &a, &unit_error));
	return a;
}

/* The container step by step: session key, HKDF, one chunk, the last tag (section 5.13.2). */
static void
container_by_hand(const struct buf *text, size_t n, struct slice session_key)
{
	struct buf packet BUF_OWNED = { 0 }, info BUF_OWNED = { 0 }, nonce BUF_OWNED = { 0 }, ad BUF_OWNED = { 0 };
	struct buf last_nonce BUF_OWNED = { 0 }, last_ad BUF_OWNED = { 0 };
	size_t fixed = aead_nonce_size(rows[n].aead) - 8;
	struct slice sealed, body;
	struct pgp_packet p;
	uint8_t okm[32], plain[64];
	struct aead *a;

	dump(text, rows[n].container, &packet);
	body = first_packet(&packet, &p);
	assert_int_equal(p.header.type, PGP_SEIPD);
	octets(text, rows[n].data, "HKDF info:", &info);
	assert_int_equal(info.data[0], 0xc0 | PGP_SEIPD);
	assert_slices(slice_from(buf_slice(&info), 1), slice_sub(body, 0, 4));
	assert_ok(
	    kdf_hkdf(HASH_SHA256, session_key, slice_sub(body, 4, 32), buf_slice(&info), okm, 16 + fixed, &unit_error));
	expect(text, rows[n].data, "HKDF output:", slice_of(okm, 16 + fixed));
	expect(text, rows[n].data, "Message key:", slice_of(okm, 16));
	expect(text, rows[n].data, "Initialization vector:", slice_of(okm + 16, fixed));
	octets(text, rows[n].data, "\n   Nonce:", &nonce);
	octets(text, rows[n].data, "Additional authenticated data:", &ad);
	octets(text, rows[n].data, "Final nonce:", &last_nonce);
	octets(text, rows[n].data, "Final additional authenticated data:", &last_ad);
	sealed = slice_from(body, 36);
	a = aes128(rows[n].aead, slice_of(okm, 16));
	assert_int_equal(sealed.len, 37 + 2 * AEAD_TAG);
	if (n == 0)
		expect(text, rows[n].data, "Encrypted data chunk:", slice_sub(sealed, 0, 37 + AEAD_TAG));
	assert_ok(
	    aead_open(a, buf_slice(&nonce), buf_slice(&ad), sealed.data, 37, plain, sealed.data + 37, &unit_error));
	expect(text, rows[n].data, "string contents Hello, world!:", slice_of(plain, 21));
	expect(text, rows[n].data, "Padding packet:", slice_of(plain + 21, 16));
	assert_ok(aead_open(
	    a, buf_slice(&last_nonce), buf_slice(&last_ad), NULL, 0, plain, sealed.data + 37 + AEAD_TAG, &unit_error));
	aead_free(a);
}

static void
read_it(const struct pgp_decrypt_spec *spec, struct slice message)
{
	struct taker t;

	assert_ok(read_message(spec, message, 1000, &t, &unit_error));
	assert_slice(buf_slice(&t.out), hello);
	taker_done(&t);
}

/* Session key packet and container make up the whole message. */
static void
put_together(const struct buf *text, size_t n, const struct pgp_decrypt_spec *spec)
{
	struct buf esk BUF_OWNED = { 0 }, container BUF_OWNED = { 0 }, whole BUF_OWNED = { 0 };

	dump(text, rows[n].esk, &esk);
	dump(text, rows[n].container, &container);
	armored(text, rows[n].whole, &whole);
	assert_ok(buf_put_slice(&esk, buf_slice(&container)));
	assert_slices(buf_slice(&esk), buf_slice(&whole));
	read_it(spec, buf_slice(&whole));
}

static void
a8_x25519(void **state)
{
	struct buf text BUF_OWNED = { 0 }, in BUF_OWNED = { 0 }, esk BUF_OWNED = { 0 }, ephemeral BUF_OWNED = { 0 };
	struct buf ikm BUF_OWNED = { 0 }, secret BUF_OWNED = { 0 }, ours BUF_OWNED = { 0 };
	struct secret shared = SECRET_EMPTY, key = SECRET_EMPTY;
	struct pgp_session session = { 0 };
	struct pgp_pkesk pkesk;
	struct pgp_packet p;
	struct fixture f;
	struct reader_of r;
	uint8_t point[AGREE_KEY_MAX], kek[16];
	const struct pgp_key *sub;

	(void)state;
	if (!standard(&text))
		return;
	armored(&text, "A.4", &in);
	fixture_from(&f, buf_slice(&in));
	reader_for(&r, &f);
	sub = encryption_key(&f);
	dump(&text, "A.8.1", &esk);
	assert_ok(pgp_pkesk_parse(first_packet(&esk, &p), &pkesk, &unit_error));
	assert_true(pgp_fingerprint_eq(&pkesk.fingerprint, &sub->fingerprint));
	octets(&text, "A.8.2", "Ephemeral key:", &ephemeral);
	assert_slices(slice_sub(pkesk.fields, 0, 32), buf_slice(&ephemeral));
	octets(&text, "A.8.2", "which is never placed on the wire:", &secret);
	assert_ok(agree_public(AGREE_X25519, buf_slice(&secret), point, &unit_error));
	assert_slices(slice_of(point, 32), buf_slice(&ephemeral));
	expect(&text, "A.8.2", "from the target certificate (see Appendix A.3):", sub->public[0]);
	octets(&text, "A.8.2", "Appendix A.4):", &ours);
	assert_slices(slice_from(sub->secret_part, 1), buf_slice(&ours));
	/* Both sides come to the same point. */
	assert_ok(agree_derive(AGREE_X25519, buf_slice(&secret), sub->public[0], &shared, &unit_error));
	expect(&text, "A.8.2", "Shared point:", secret_slice(&shared));
	secret_done(&shared);
	assert_ok(agree_derive(AGREE_X25519, buf_slice(&ours), buf_slice(&ephemeral), &shared, &unit_error));
	expect(&text, "A.8.2", "Shared point:", secret_slice(&shared));
	/* Section 5.1.6 */
	buf_init(&ikm, 96);
	(void)buf_put_slice(&ikm, buf_slice(&ephemeral));
	(void)buf_put_slice(&ikm, sub->public[0]);
	(void)buf_put_slice(&ikm, secret_slice(&shared));
	assert_ok(kdf_hkdf(HASH_SHA256, buf_slice(&ikm), SLICE_EMPTY, SLICE("OpenPGP X25519"), kek, 16, &unit_error));
	expect(&text, "A.8.2", "HKDF output:", slice_of(kek, 16));
	assert_ok(keywrap_unwrap(slice_of(kek, 16), slice_from(pkesk.fields, 33), &key, &unit_error));
	expect(&text, "A.8.2", "Decrypted session key:", secret_slice(&key));
	assert_ok(pgp_pkesk_open(&pkesk, sub, pgp_memory_keys_ops(f.memory), &session, &unit_error));
	assert_slices(secret_slice(&session.key), secret_slice(&key));
	container_by_hand(&text, 0, secret_slice(&key));
	put_together(&text, 0, &r.spec);
	pgp_session_done(&session);
	secret_done(&shared);
	secret_done(&key);
	fixture_done(&f);
}

static void
passphrase_by_hand(const struct buf *text, size_t n)
{
	struct buf packet BUF_OWNED = { 0 }, info BUF_OWNED = { 0 }, nonce BUF_OWNED = { 0 }, ad BUF_OWNED = { 0 };
	struct secret derived = SECRET_EMPTY;
	struct pgp_session session = { 0 };
	uint8_t kek[16], key[16];
	struct pgp_packet p;
	struct pgp_skesk s;
	struct aead *a;

	dump(text, rows[n].esk, &packet);
	assert_ok(pgp_skesk_parse(first_packet(&packet, &p), &s, &unit_error));
	assert_ok(pgp_s2k_derive(&s.s2k, SLICE("password"), 16, &derived, &unit_error));
	expect(text, rows[n].derive, "The derived key is:", secret_slice(&derived));
	octets(text, rows[n].derive, "HKDF info:", &info);
	assert_ok(kdf_hkdf(HASH_SHA256, secret_slice(&derived), SLICE_EMPTY, buf_slice(&info), kek, 16, &unit_error));
	expect(text, rows[n].derive, "HKDF output:", slice_of(kek, 16));
	octets(text, rows[n].derive, "Authenticated Data:", &ad);
	octets(text, rows[n].derive, "Nonce:", &nonce);
	assert_slices(s.iv, buf_slice(&nonce));
	assert_int_equal(s.key.len, 16 + AEAD_TAG);
	a = aes128(rows[n].aead, slice_of(kek, 16));
	assert_ok(aead_open(a, buf_slice(&nonce), buf_slice(&ad), s.key.data, 16, key, s.key.data + 16, &unit_error));
	expect(text, rows[n].derive, "Decrypted session key:", slice_of(key, 16));
	assert_ok(pgp_skesk_open(&s, SLICE("password"), &session, &unit_error));
	assert_slices(secret_slice(&session.key), slice_of(key, 16));
	container_by_hand(text, n, slice_of(key, 16));
	pgp_session_done(&session);
	secret_done(&derived);
	aead_free(a);
}

static void
a9_to_a11_passphrases(void **state)
{
	static const struct slice pass = { (const uint8_t *)"password", 8 };
	struct buf text BUF_OWNED = { 0 };
	struct reader_of r;

	(void)state;
	if (!standard(&text))
		return;
	reader_for(&r, NULL);
	r.spec.passphrases = &pass;
	for (size_t n = 1; n < sizeof rows / sizeof rows[0]; n++) {
		passphrase_by_hand(&text, n);
		put_together(&text, n, &r.spec);
	}
}

/* ---- A.12 ---- */

/* The session key as the comments tell it, in one line or two: upper-case digits between dots. */
static void
told_session_key(const struct buf *text, const char *number, struct buf *out)
{
	struct slice s = section(text, number), words = SLICE("Session key: ");
	size_t end = slice_search(s, SLICE("-----END")), at;

	buf_init(out, 128);
	for (s = slice_sub(s, 0, end); (at = slice_search(s, words)) != SIZE_MAX;) {
		struct slice line;

		line = slice_split(slice_from(s, at + words.len), '\n', &s);
		for (size_t i = 0; i < line.len; i++)
			if (line.data[i] != '.')
				(void)buf_put_u8(out, line.data[i]);
	}
}

static void
a12_argon2_by_session_key(void **state)
{
	static const struct {
		const char *number;
		uint8_t cipher;
	} messages[] = { { "A.12.1", PGP_AES128 }, { "A.12.2", PGP_AES192 }, { "A.12.3", PGP_AES256 } };
	struct buf text BUF_OWNED = { 0 };

	(void)state;
	if (!standard(&text))
		return;
	for (size_t i = 0; i < 3; i++) {
		struct buf whole BUF_OWNED = { 0 }, told BUF_OWNED = { 0 }, key BUF_OWNED = { 0 };
		struct pgp_session session = { messages[i].cipher, SECRET_EMPTY };
		struct pgp_packet p;
		struct pgp_skesk s;
		struct reader_of r;

		armored(&text, messages[i].number, &whole);
		assert_ok(pgp_skesk_parse(first_packet(&whole, &p), &s, &unit_error));
		assert_int_equal(s.cipher, messages[i].cipher);
		assert_int_equal(s.s2k.type, PGP_S2K_ARGON2);
		assert_int_equal(s.s2k.passes, 1);
		assert_int_equal(s.s2k.lanes, 4);
		assert_int_equal(s.s2k.memory_code, 21);
		told_session_key(&text, messages[i].number, &told);
		buf_init(&key, 64);
		assert_ok(hex_parse(buf_slice(&told), &key, &unit_error));
		assert_ok(secret_copy(&session.key, buf_slice(&key), &unit_error));
		reader_for(&r, NULL);
		r.spec.sessions = &session;
		r.spec.session_count = 1;
		read_it(&r.spec, buf_slice(&whole));
		pgp_session_done(&session);
	}
}

UNIT_MAIN(UNIT_TEST(a1_version_4_key), UNIT_TEST(a2_version_4_signature), UNIT_TEST(a3_version_6_certificate),
    UNIT_TEST(a4_version_6_secret_key), UNIT_TEST(a5_locked_version_6_key), UNIT_TEST(a6_cleartext_signature),
    UNIT_TEST(a7_inline_signature), UNIT_TEST(a8_x25519), UNIT_TEST(a9_to_a11_passphrases),
    UNIT_TEST(a12_argon2_by_session_key))
