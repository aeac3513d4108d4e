/* SPDX-License-Identifier: ISC */
#include "openpgp_helpers.h"

#include "service/directory/dane.h"

static const struct {
	const char *address, *label;
	bool as_written;
	int rc;
	const char *name;
} names[] = {
	/* RFC 7929 section 3, RFC 8162 section 3. */
	{ "hugh@example.com", DANE_OPENPGPKEY, false, 0,
	    "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._openpgpkey.example.com" },
	{ "HUGH@example.com", DANE_SMIMEA, false, 0,
	    "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com" },
	{ "\"hugh\"@example.com", DANE_SMIMEA, true, 0,
	    "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com" },
	{ "\"h\\ugh\"@Example.COM", DANE_SMIMEA, true, 0,
	    "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com" },
	{ "hugh", DANE_SMIMEA, false, ERR_SYNTAX, NULL },
	{ "@example.com", DANE_SMIMEA, false, ERR_SYNTAX, NULL },
	{ "hugh@", DANE_SMIMEA, false, ERR_SYNTAX, NULL },
};

static void
names_of_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		BUF_OWNED struct buf out = { 0 };
		int rc;

		buf_init(&out, DANE_NAME_MAX);
		rc = dane_name(slice_str(names[i].address), names[i].label, names[i].as_written, &out, &unit_error);
		assert_int_equal(rc, names[i].rc);
		if (rc == 0 && !slice_ieq_str(buf_slice(&out), names[i].name))
			fail_msg("%s: %.*s", names[i].address, (int)out.len, (const char *)out.data);
	}
	assert_true(dane_is_folded(SLICE("Hugh@example.com")));
	assert_false(dane_is_folded(SLICE("hugh@EXAMPLE.com")));
}

static void
what_of_a_certificate(void **state)
{
	BUF_OWNED struct buf public = { 0 }, out = { 0 };
	struct fixture f;
	struct pgp_cert *cert;
	size_t used;

	(void)state;
	fixture_new(&f, 4, 1700000000, false);
	buf_init(&public, 1 << 16);
	buf_init(&out, DANE_RDATA_MAX);
	assert_int_equal(pgp_cert_write_public(f.cert, &public), 0);
	assert_ok(dane_openpgpkey(buf_slice(&public), SLICE("alice@example.org"), 1700000100, &out, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&out), &cert, &used, &unit_error));
	assert_int_equal(used, out.len);
	assert_true(slice_eq_str(cert->components[1].packet.body, "Alice <alice@example.org>"));
	pgp_cert_free(cert);
	assert_int_not_equal(dane_openpgpkey(SLICE("x"), SLICE("alice@example.org"), 1, &out, &unit_error), 0);
	fixture_done(&f);
}

static const struct {
	const char *pem, *address;
	int rc;
} smime[] = {
	/* The octets need only look like a certificate that names the address: 0x30, and a@b.c within. */
	{ "x\n-----BEGIN CERTIFICATE-----\r\nMAVh\nQGIuYw==\n-----END CERTIFICATE-----\ny", "A@b.c", 0 },
	{ "-----BEGIN CERTIFICATE-----\nMAVhQGIuYw==\n-----END CERTIFICATE-----", "x@b.c", ERR_SYNTAX },
	{ "-----BEGIN CERTIFICATE-----\nMAVhQGIuYw==\n", "a@b.c", ERR_SYNTAX },
	{ "-----BEGIN CERTIFICATE-----\nMAVhQGIuY\n-----END CERTIFICATE-----", "a@b.c", ERR_TRUNCATED },
	{ "-----BEGIN PRIVATE KEY-----\nMAVhQGIuYw==\n-----END PRIVATE KEY-----", "a@b.c", ERR_SYNTAX },
	{ "", "a@b.c", ERR_SYNTAX },
};

static void
smime_certificates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof smime / sizeof smime[0]; i++) {
		BUF_OWNED struct buf out = { 0 };
		int rc;

		buf_init(&out, DANE_RDATA_MAX);
		rc = dane_smimea(slice_str(smime[i].pem), slice_str(smime[i].address), &out, &unit_error);
		assert_true((rc == 0) == (smime[i].rc == 0));
		if (rc == 0)
			assert_memory_equal(out.data,
			    "\3\0\0\x30\x05"
			    "a@b.c",
			    10);
	}
}

UNIT_MAIN(UNIT_TEST(names_of_records), UNIT_TEST(what_of_a_certificate), UNIT_TEST(smime_certificates))
