/* SPDX-License-Identifier: ISC */
/* Signature packets (RFC 9580 section 5.2): every subpacket, what is believed, and the old versions. */
#include "unit.h"

#include "base/hex.h"
#include "crypto/hash.h"
#include "openpgp_helpers.h"

#define NOW 1700000000u

/* ---- subpackets ---- */

/* A version 4 body of a binary signature by RSA with SHA2-512 around these areas, in hexadecimal. */
static void
body_of(struct buf *out, const char *hashed, const char *unhashed)
{
	struct buf h BUF_OWNED = { 0 }, u BUF_OWNED = { 0 };

	buf_init(&h, 1 << 20);
	buf_init(&u, 1 << 20);
	buf_init(out, 1 << 20);
	assert_ok(hex_parse_loose(slice_str(hashed), &h, &unit_error));
	assert_ok(hex_parse_loose(slice_str(unhashed), &u, &unit_error));
	(void)buf_put(out, "\x04\x00\x01\x0a", 4);
	(void)buf_put_u16(out, (uint16_t)h.len);
	(void)buf_put_slice(out, buf_slice(&h));
	(void)buf_put_u16(out, (uint16_t)u.len);
	(void)buf_put_slice(out, buf_slice(&u));
	(void)buf_put(out, "\xab\xcd\x00\x01\x01", 5);
}

#define MADE "05 02 65 53 f1 00 " /* signature creation time 1700000000 */

static void
areas(void **state)
{
	static const struct {
		const char *name, *hashed, *unhashed, *invalid;
	} rows[] = {
		{ "only the time", MADE, "", NULL },
		{ "critical time", "05 82 65 53 f1 00", "", NULL },
		{ "no time", "", "", "it does not say when it was made" },
		{ "the time unhashed", "", MADE, "it does not say when it was made" },
		{ "short time", "04 02 65 53 f1", "", "a subpacket has a wrong length" },
		{ "long time", "06 02 65 53 f1 00 00", "", "a subpacket has a wrong length" },
		{ "lengths in two octets", "ff 00 00 00 05 02 65 53 f1 00", "", NULL },
		{ "no length", MADE "00", "", "its subpackets are malformed" },
		{ "cut", MADE "05 09 00", "", "its subpackets are malformed" },
		{ "cut in a length", MADE "ff 00 00", "", "its subpackets are malformed" },
		{ "cut unhashed", MADE, "05 09 00", NULL },
		{ "unknown", MADE "02 6e 00", "", NULL },
		{ "unknown critical", MADE "02 ee 00", "", "it has an unknown critical subpacket" },
		{ "unknown critical unhashed", MADE, "02 ee 00", NULL },
		{ "reserved critical", MADE "02 81 00", "", "it has an unknown critical subpacket" },
		{ "notation", MADE "0c 14 80 00 00 00 00 01 00 02 61 62 63", "", NULL },
		{ "critical notation", MADE "0c 94 80 00 00 00 00 01 00 02 61 62 63", "",
		    "it has an unknown critical notation" },
		{ "critical notation that is known", MADE "0d 94 80 00 00 00 00 03 00 01 61 40 62 63", "", NULL },
		{ "critical notation unhashed", MADE, "0c 94 80 00 00 00 00 01 00 02 61 62 63", NULL },
		{ "notation longer than it is", MADE "0c 14 80 00 00 00 00 01 00 03 61 62 63", "",
		    "a subpacket is malformed" },
		{ "notation shorter than it is", MADE "0c 14 80 00 00 00 00 01 00 01 61 62 63", "",
		    "a subpacket is malformed" },
		{ "empty notation", MADE "09 14 00 00 00 00 00 00 00 00", "", NULL },
		{ "short notation", MADE "08 14 00 00 00 00 00 00 00", "", "a subpacket has a wrong length" },
		{ "regex", MADE "03 06 61 00", "", NULL },
		{ "regex without its zero", MADE "03 06 61 62", "", NULL },
		{ "critical regex without its zero", MADE "03 86 61 62", "", "a subpacket is malformed" },
		{ "trust of one octet", MADE "02 05 01", "", "a subpacket has a wrong length" },
		{ "issuer fingerprint of version 4", MADE "16 21 04 0102030405060708090a0b0c0d0e0f1011121314", "",
		    NULL },
		{ "issuer fingerprint of version 6",
		    MADE "22 21 06 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", "",
		    "its issuer's version is not its own" },
		{ "the same unhashed", MADE,
		    "22 21 06 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", NULL },
		{ "target of a wrong length", MADE "04 1f 01 02 00", "", "a subpacket is malformed" },
		{ "attested digests in parts", MADE "03 25 00 00", "", "a subpacket is malformed" },
		{ "exportable of no octet", MADE "01 04", "", "a subpacket has a wrong length" },
		{ "reason without code", MADE "01 1d", "", "a subpacket has a wrong length" },
	};
	const struct slice known = SLICE("a@b");

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf body;
		struct pgp_sig s;

		body_of(&body, rows[i].hashed, rows[i].unhashed);
		assert_ok(pgp_sig_parse_knowing(buf_slice(&body), &known, 1, &s, &unit_error));
		if (!slice_eq(slice_str(s.invalid), slice_str(rows[i].invalid)))
			fail_msg("%s: %s", rows[i].name, s.invalid == NULL ? "valid" : s.invalid);
		buf_done(&body);
	}
}

/* Everything that a subpacket can say, twice where the last must count; the same unhashed says nothing. */
#define ALL \
	MADE "05 03 00 00 0e 10 05 03 00 00 0e 11" \
	     "02 04 01 02 04 00" \
	     "03 05 01 3c 03 05 02 78" \
	     "02 07 01 02 07 00" \
	     "05 09 00 00 00 01 05 09 00 00 00 02" \
	     "02 0b 07 03 0b 09 07" \
	     "03 15 0a 08" \
	     "03 16 02 01" \
	     "02 17 80" \
	     "04 18 66 3a 2f" \
	     "02 19 01" \
	     "04 1a 68 3a 2f" \
	     "03 1b 03 04" \
	     "04 1c 41 6c 69" \
	     "05 1d 02 6f 68 21" \
	     "02 1e 09" \
	     "17 1f 11 02 0102030405060708090a0b0c0d0e0f1011121314" \
	     "02 26 00" \
	     "05 27 09 02 07 02"

static void
values(void **state)
{
	struct buf body, none;
	struct pgp_sig s, u;

	(void)state;
	body_of(&body, ALL, "");
	body_of(&none, MADE, ALL);
	assert_ok(pgp_sig_parse(buf_slice(&body), &s, &unit_error));
	assert_null(s.invalid);
	assert_int_equal(s.created, NOW);
	assert_int_equal(s.expires, 3601);
	assert_false(s.exportable);
	assert_true(s.has_trust && s.trust_depth == 2 && s.trust_amount == 120);
	assert_false(s.revocable);
	assert_true(s.has_key_expires && s.key_expires == 2);
	assert_slice(s.preferred_ciphers, "\x09\x07");
	assert_slice(s.preferred_hashes, "\x0a\x08");
	assert_slice(s.preferred_compression, "\x02\x01");
	assert_int_equal(s.keyserver_preferences, PGP_KEYSERVER_NO_MODIFY);
	assert_slice(s.preferred_keyserver, "f:/");
	assert_true(s.primary_user_id);
	assert_slice(s.policy_uri, "h:/");
	assert_true(s.has_key_flags && s.key_flags == 0x0403);
	assert_slice(s.signer_user_id, "Ali");
	assert_true(s.has_reason && s.reason == PGP_REASON_COMPROMISED);
	assert_slice(s.reason_text, "oh!");
	assert_true(s.has_features && s.features == (PGP_FEATURE_SEIPD1 | PGP_FEATURE_SEIPD2));
	assert_true(s.has_target && s.target_algorithm == PGP_DSA && s.target_hash == PGP_SHA1);
	assert_int_equal(s.target_digest.len, 20);
	assert_int_equal(s.key_block.len, 1);
	assert_int_equal(s.preferred_aead.len, 4);
	assert_ok(pgp_sig_parse(buf_slice(&none), &u, &unit_error));
	assert_null(u.invalid);
	assert_true(u.expires == 0 && u.exportable && u.revocable && !u.has_trust && !u.has_key_expires &&
	    u.preferred_ciphers.len == 0 && u.preferred_hashes.len == 0 && u.preferred_compression.len == 0 &&
	    u.keyserver_preferences == 0 && u.preferred_keyserver.len == 0 && !u.primary_user_id &&
	    u.policy_uri.len == 0 && !u.has_key_flags && u.signer_user_id.len == 0 && !u.has_reason &&
	    !u.has_features && !u.has_target && u.key_block.data == NULL && u.preferred_aead.len == 0);
	buf_done(&body);
	buf_done(&none);
}

static void
what_repeats(void **state)
{
	struct pgp_fingerprint f;
	struct pgp_notation n;
	struct slice regex;
	struct buf body;
	struct pgp_sig s;
	uint8_t algorithm;
	bool sensitive;

	(void)state;
	body_of(&body,
	    MADE "0d 14 80 00 00 00 00 03 00 01 61 40 62 63"
		 "0c 14 00 00 00 00 00 03 00 00 64 40 65"
		 "03 06 61 00 02 06 62 04 06 62 63 00"
		 "16 23 04 0102030405060708090a0b0c0d0e0f1011121314"
		 "22 23 06 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
		 "16 23 05 0102030405060708090a0b0c0d0e0f1011121314"
		 "17 0c c0 11 0102030405060708090a0b0c0d0e0f1011121314"
		 "17 0c 00 11 0202030405060708090a0b0c0d0e0f1011121314"
		 "17 0c 80 01 0302030405060708090a0b0c0d0e0f1011121314",
	    "0d 14 80 00 00 00 00 03 00 01 78 40 78 78 16 23 04 ff02030405060708090a0b0c0d0e0f1011121314");
	assert_ok(pgp_sig_parse(buf_slice(&body), &s, &unit_error));
	assert_null(s.invalid);
	assert_int_equal(s.notation_count, 2);
	assert_true(pgp_sig_notation(&s, 0, &n) && n.readable && !n.critical);
	assert_slice(n.name, "a@b");
	assert_slice(n.value, "c");
	assert_true(pgp_sig_notation(&s, 1, &n) && !n.readable && n.value.len == 0);
	assert_slice(n.name, "d@e");
	assert_false(pgp_sig_notation(&s, 2, &n));
	/* The one without its zero is passed over. */
	assert_int_equal(s.regex_count, 2);
	assert_true(pgp_sig_regex(&s, 1, &regex));
	assert_slice(regex, "bc");
	assert_false(pgp_sig_regex(&s, 2, &regex));
	/* The one whose length does not fit its version likewise. */
	assert_int_equal(s.recipient_count, 2);
	assert_true(pgp_sig_recipient(&s, 0, &f) && f.len == 20);
	assert_true(pgp_sig_recipient(&s, 1, &f) && f.len == 32);
	assert_false(pgp_sig_recipient(&s, 2, &f));
	/* And the one without the class bit. */
	assert_int_equal(s.revoker_count, 2);
	assert_true(pgp_sig_revoker(&s, 0, &f, &algorithm, &sensitive) && sensitive && algorithm == PGP_DSA);
	assert_true(pgp_sig_revoker(&s, 1, &f, &algorithm, &sensitive) && !sensitive && f.bytes[0] == 3);
	assert_false(pgp_sig_revoker(&s, 2, &f, &algorithm, &sensitive));
	buf_done(&body);
}

/* Only primary key bindings are taken out, from either area, and nothing out of them. */
static void
embedded(void **state)
{
	struct buf body;
	struct slice back;
	struct pgp_sig s, in;

	(void)state;
	body_of(&body,
	    MADE "0e 20 04 00 01 0a 00 00 00 00 ab cd 00 01 01"
		 "16 20 04 19 01 0a 00 08 07 20 04 19 01 0a 00 00 00 00 ab cd 00 01 01",
	    "0e 20 04 19 01 08 00 00 00 00 ab cd 00 01 01 0e 20 04 18 01 08 00 00 00 00 ab cd 00 01 01");
	assert_ok(pgp_sig_parse(buf_slice(&body), &s, &unit_error));
	assert_null(s.invalid);
	assert_int_equal(s.embedded_count, 2);
	assert_true(pgp_sig_embedded(&s, 0, &back) && slice_eq(back, s.embedded));
	assert_ok(pgp_sig_parse(back, &in, &unit_error));
	assert_int_equal(in.hash, PGP_SHA512);
	assert_true(pgp_sig_embedded(&s, 1, &back));
	assert_ok(pgp_sig_parse(back, &in, &unit_error));
	assert_int_equal(in.hash, PGP_SHA256);
	assert_false(pgp_sig_embedded(&s, 2, &back));
	buf_done(&body);
}

/* Every length form gives the same, and none may reach out of the area. */
static void
lengths(void **state)
{
	static const size_t sizes[] = { 0, 1, 190, 191, 192, 193, 8382, 8383, 8384, 16319, 16320, 16321, 60000 };
	struct buf area BUF_OWNED = { 0 }, value BUF_OWNED = { 0 };
	struct pgp_subpacket p;
	size_t at = 0;

	(void)state;
	buf_init(&area, 1 << 20);
	buf_init(&value, 1 << 20);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		buf_clear(&value);
		while (value.len < sizes[i])
			(void)buf_put_u8(&value, (uint8_t)i);
		(void)pgp_subpacket_put(&area, 100, i % 2 == 1, buf_slice(&value));
	}
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_true(pgp_subpacket_next(buf_slice(&area), &at, &p));
		assert_int_equal(p.type, 100);
		assert_int_equal(p.critical, i % 2 == 1);
		assert_int_equal(p.body.len, sizes[i]);
		assert_true(p.body.len == 0 || (p.body.data[0] == i && p.body.data[p.body.len - 1] == i));
	}
	assert_int_equal(at, area.len);
	assert_false(pgp_subpacket_next(buf_slice(&area), &at, &p));
}

#define FAKE "0910eeeeeeeeeeeeeeee 0910eeeeeeeeeeeeeeee 0910eeeeeeeeeeeeeeee 0910eeeeeeeeeeeeeeee "

/* Several issuers: any of them may be the one (section 5.2.3.9). */
static void
issuers(void **state)
{
	static const struct {
		const char *hashed, *unhashed;
		bool may;
	} rows[] = {
		{ MADE, "", true },
		{ MADE, "09 10 0102030405060708", true },
		{ MADE, "09 10 0000000000000000", true },
		{ MADE, "09 10 1102030405060708", false },
		{ MADE "09 10 1102030405060708", "09 10 0102030405060708", true },
		{ MADE, "09 10 1102030405060708 09 10 0102030405060708 09 10 1202030405060708", true },
		{ MADE "16 21 04 ffffffffffffffffffffffffffffffffffffffff", "", false },
		{ MADE "16 21 04 ffffffffffffffffffffffffffffffffffffffff", "09 10 0102030405060708", true },
		{ MADE "16 21 04 ffffffffffffffffffffffffffffffffffffffff", "09 10 0000000000000000", false },
		{ MADE,
		    "16 21 04 ffffffffffffffffffffffffffffffffffffffff 16 21 04 "
		    "aaaaaaaaaaaaaaaaaaaaaaaa0102030405060708",
		    true },
		/* As many as are looked at in one area, and one more. */
		{ MADE, FAKE FAKE FAKE "09 10 0102030405060708", true },
		{ MADE, FAKE FAKE FAKE FAKE "09 10 0102030405060708", false },
	};
	struct pgp_key key = { .version = 4, .key_id = 0x0102030405060708, .fingerprint.len = 20 };

	(void)state;
	memset(key.fingerprint.bytes, 0xaa, 12);
	memcpy(key.fingerprint.bytes + 12, "\1\2\3\4\5\6\7\x08", 8);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf body;
		struct pgp_sig s;

		body_of(&body, rows[i].hashed, rows[i].unhashed);
		assert_ok(pgp_sig_parse(buf_slice(&body), &s, &unit_error));
		if (pgp_sig_may_be_from(&s, &key) != rows[i].may)
			fail_msg("row %zu", i);
		buf_done(&body);
	}
}

/* ---- frames ---- */

static void
frames(void **state)
{
	static const struct {
		const char *name, *hex;
		int rc;
		const char *invalid;
	} rows[] = {
		{ "nothing", "", ERR_TRUNCATED, NULL },
		{ "version 0", "00 00", ERR_UNSUPPORTED, NULL },
		{ "version 1", "01 05 00", ERR_UNSUPPORTED, NULL },
		{ "version 7", "07 00 01 0a", ERR_UNSUPPORTED, NULL },
		{ "version 3", "03 05 00 6553f100 0102030405060708 01 02 abcd 000101", 0, NULL },
		{ "version 3 of a wrong length", "03 06 00 6553f100 0102030405060708 01 02 abcd 000101", ERR_SYNTAX,
		    NULL },
		{ "version 3, cut", "03 05 00 6553f100 01020304", ERR_TRUNCATED, NULL },
		{ "version 3 with ECDSA", "03 05 00 6553f100 0102030405060708 13 08 abcd 000101", 0,
		    "a signature of version 3 is never of this algorithm" },
		{ "version 3 with Ed25519", "03 05 00 6553f100 0102030405060708 1b 08 abcd 000101", 0,
		    "a signature of version 3 is never of this algorithm" },
		{ "version 3, standalone", "03 05 02 6553f100 0102030405060708 01 08 abcd 000101", 0,
		    "a standalone signature is never of version 3" },
		{ "version 3 of type 255", "03 05 ff 6553f100 0102030405060708 01 08 abcd 000101", 0,
		    "its type is reserved" },
		{ "version 4 of type 255", "04 ff 01 0a 0006 0502 6553f100 0000 abcd 000101", 0,
		    "its type is reserved" },
		{ "version 5", "05 00 01 0a 0006 0502 6553f100 0000 abcd 000101", 0, NULL },
		{ "version 6 without salt", "06 00 1b 0a 00000006 0502 6553f100 00000000 abcd 00", 0,
		    "its salt has a wrong length for its hash" },
		{ "version 6 with a salt of 16 for SHA2-512",
		    "06 00 1b 0a 00000006 0502 6553f100 00000000 abcd 10 00112233445566778899aabbccddeeff", 0,
		    "its salt has a wrong length for its hash" },
		{ "version 6 with a salt of 16 for SHA2-256",
		    "06 00 1b 08 00000006 0502 6553f100 00000000 abcd 10 00112233445566778899aabbccddeeff", 0, NULL },
		{ "version 6 with SHA-1", "06 00 1b 02 00000006 0502 6553f100 00000000 abcd 00", 0,
		    "its salt has a wrong length for its hash" },
		{ "an area longer than the packet", "04 00 01 0a 0007 0502 6553f100", ERR_TRUNCATED, NULL },
		{ "an area of four GiB", "06 00 1b 0a ffffffff 0502 6553f100", ERR_TRUNCATED, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_sig s;
		struct buf b;
		int rc;

		buf_init(&b, 1 << 10);
		assert_ok(hex_parse_loose(slice_str(rows[i].hex), &b, &unit_error));
		rc = pgp_sig_parse(buf_slice(&b), &s, NULL);
		if (rc != rows[i].rc || (rc == 0 && !slice_eq(slice_str(s.invalid), slice_str(rows[i].invalid))))
			fail_msg("%s: %d %s", rows[i].name, rc, rc == 0 && s.invalid != NULL ? s.invalid : "");
		buf_done(&b);
	}
}

/* ---- a signature over a signature (section 5.2.4) ---- */

static void
confirmed(void **state)
{
	static const char *const unhashed[] = { "", "09 10 0102030405060708" };
	static const char over[] = "\x88\x00\x00\x00\x13\x04\x00\x01\x0a\x00\x06\x05\x02\x65\x53\xf1\x00\x00\x00\xab"
				   "\xcd\x00\x01\x01";
	uint8_t want[64], got[64];

	(void)state;
	assert_ok(hash_once(HASH_SHA512, slice_of(over, sizeof over - 1), want, &unit_error));
	for (size_t i = 0; i < 2; i++) {
		struct pgp_hash *h;
		struct buf body;
		struct pgp_sig s;

		body_of(&body, MADE, unhashed[i]);
		assert_ok(pgp_sig_parse(buf_slice(&body), &s, &unit_error));
		assert_ok(pgp_hash_new(&h, PGP_SHA512, PGP_SIG_CONFIRMATION, SLICE_EMPTY, &unit_error));
		assert_ok(pgp_hash_sig(h, &s, &unit_error));
		/* Version 3 with nothing of its own: the bare hash. */
		assert_ok(pgp_hash_finish(h, 3, SLICE_EMPTY, got, &unit_error));
		assert_memory_equal(got, want, sizeof want);
		s.version = 5;
		assert_int_equal(pgp_hash_sig(h, &s, NULL), ERR_UNSUPPORTED);
		pgp_hash_free(h);
		buf_done(&body);
	}
}

UNIT_MAIN(UNIT_TEST(areas), UNIT_TEST(values), UNIT_TEST(what_repeats), UNIT_TEST(embedded), UNIT_TEST(lengths),
    UNIT_TEST(issuers), UNIT_TEST(frames), UNIT_TEST(confirmed))
