/* SPDX-License-Identifier: ISC */
/* RFC 9580 appendix A.1 and A.2: the one version 4 key and signature of the RFC, by their published octets. */
#include "unit.h"

#include "base/hex.h"
#include "crypto/secret.h"
#include "openpgp/sig/sig.h"

static void
get(struct buf *out, const char *hex)
{
	buf_init(out, 1 << 10);
	assert_ok(hex_parse_loose(slice_str(hex), out, &unit_error));
}

static void
version_4_key_and_signature(void **state)
{
	struct pgp_fingerprint want;
	struct pgp_hash *h;
	struct pgp_key k;
	struct pgp_sig s;
	struct buf key, sig;

	(void)state;
	get(&key,
	    "0453f35f0b16092b06010401da470f010107403f098994bdd916ed4053197934e4a87c80733a1280d62f8010992e43ee3b2406");
	get(&sig,
	    "040016080006050255f95f95000a09108cfde12197965a9af6220"
	    "0ff56f90cca98e2102637bd983fdb16c131dfd27ed82bf4dde5606e0d756aed33660100"
	    "d09c4fa11527f038e0f57f2201d82f2ea2c9033265fa6ceb489e854bae61b404");
	assert_ok(pgp_key_parse(buf_slice(&key), PGP_PUBLIC_KEY, &k, &unit_error));
	assert_ok(
	    pgp_fingerprint_parse(SLICE("C959 BDBA FA32 A2F8 9A15  3B67 8CFD E121 9796 5A9A"), &want, &unit_error));
	assert_true(pgp_fingerprint_eq(&k.fingerprint, &want));
	assert_int_equal(k.key_id, 0x8cfde12197965a9a);
	assert_int_equal(pgp_key_bits(&k), 255);
	assert_ok(pgp_sig_parse(buf_slice(&sig), &s, &unit_error));
	assert_int_equal(s.created, 1442406293);
	assert_true(pgp_sig_may_be_from(&s, &k));
	assert_ok(pgp_hash_new(&h, s.hash, s.type, s.salt, &unit_error));
	assert_ok(pgp_hash_feed(h, SLICE("OpenPGP"), &unit_error));
	assert_ok(pgp_sig_check(&s, h, &k, &unit_error));
	/* One bit changed in each octet: no longer good, but for unhashed hints, the digest's prefix and bit counts. */
	for (size_t i = 0; i < sig.len; i++) {
		bool matters = i < 14 || (i >= 28 && i != 60 && i != 61);

		sig.data[i] ^= 1;
		if (pgp_sig_parse(buf_slice(&sig), &s, NULL) == 0 && pgp_sig_check(&s, h, &k, NULL) == 0 && matters)
			fail_msg("octet %zu changed, and still good", i);
		sig.data[i] ^= 1;
	}
	pgp_hash_free(h);
	buf_done(&key);
	buf_done(&sig);
}

UNIT_MAIN(UNIT_TEST(version_4_key_and_signature))
