/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/hex.h"
#include "openpgp/ids.h"
#include "openpgp/key/digest_info.h"

/* RFC 8017 section 9.2, note 1; SHA-3's OIDs as NIST registered them. */
static void
heads_are_those_of_the_standard(void **state)
{
	static const struct {
		uint8_t hash;
		size_t size;
		const char *head;
	} rows[] = { { PGP_SHA224, 28, "302D300D06096086480165030402040500041C" },
		{ PGP_SHA256, 32, "3031300D060960864801650304020105000420" },
		{ PGP_SHA384, 48, "3041300D060960864801650304020205000430" },
		{ PGP_SHA512, 64, "3051300D060960864801650304020305000440" },
		{ PGP_SHA3_256, 32, "3031300D060960864801650304020805000420" },
		{ PGP_SHA3_512, 64, "3051300D060960864801650304020A05000440" } };
	uint8_t digest[64];

	(void)state;
	memset(digest, 7, sizeof digest);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf out = { .max = 200 }, hex = { .max = 400 };

		assert_ok(pgp_digest_info_put(&out, rows[i].hash, slice_of(digest, rows[i].size), &unit_error));
		assert_int_equal(out.len, 19 + rows[i].size);
		(void)hex_write_upper(&hex, slice_sub(buf_slice(&out), 0, 19));
		assert_slice(buf_slice(&hex), rows[i].head);
		assert_memory_equal(out.data + 19, digest, rows[i].size);
		assert_int_equal(
		    pgp_digest_info_put(&out, rows[i].hash, slice_of(digest, rows[i].size - 1), &unit_error),
		    ERR_USAGE);
	}
}

static void
old_hashes_are_refused(void **state)
{
	BUF_OWNED struct buf out = { .max = 200 };
	uint8_t digest[20] = { 0 };

	(void)state;
	assert_int_equal(
	    pgp_digest_info_put(&out, PGP_SHA1, slice_of(digest, sizeof digest), &unit_error), ERR_UNSUPPORTED);
	assert_int_equal(out.len, 0);
}

UNIT_MAIN(UNIT_TEST(heads_are_those_of_the_standard), UNIT_TEST(old_hashes_are_refused))
