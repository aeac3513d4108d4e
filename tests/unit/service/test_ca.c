/* SPDX-License-Identifier: ISC */
/* A domain's CA: what it certifies, what it refuses, and what is found of it in a certificate. */
#include "openpgp_helpers.h"

#include "service/keys/keys.h"

#define NOW 1700000000u

static void
make_ca(struct ca *ca, const char *domain)
{
	BUF_OWNED struct buf secret = { 0 };

	buf_init(&secret, CA_KEY_MAX);
	assert_ok(ca_new(slice_str(domain), NOW, &secret, &unit_error));
	assert_ok(ca_open(buf_slice(&secret), slice_str(domain), ca, &unit_error));
}

static struct pgp_cert *
member(struct buf *octets, const char *user_id)
{
	struct slice user = slice_str(user_id);
	BUF_OWNED struct buf secret = { 0 };
	struct pgp_cert *whole, *public;
	size_t used;

	buf_init(&secret, 1 << 16);
	buf_init(octets, 1 << 16);
	assert_ok(pgp_generate(
	    &(struct pgp_generate_spec){ .version = 4, .user_ids = &user, .user_id_count = 1, .created = NOW }, &secret,
	    &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&secret), &whole, &used, &unit_error));
	assert_int_equal(pgp_cert_write_public(whole, octets), 0);
	pgp_cert_free(whole);
	assert_ok(pgp_cert_parse(buf_slice(octets), &public, &used, &unit_error));
	return public;
}

static const char alice[] = "Alice <alice@example.org>";

static void
certifies_and_renews(void **state)
{
	struct buf octets, first, second;
	struct pgp_cert *target, *certified, *again;
	uint64_t until;
	struct ca ca;
	size_t used;

	(void)state;
	make_ca(&ca, "example.org");
	assert_true(slice_eq_str(ca.domain, "example.org"));
	target = member(&octets, alice);
	buf_init(&first, 1 << 16);
	buf_init(&second, 1 << 16);
	assert_ok(ca_certified_until(ca.certs.items[0], target, slice_str(alice), NOW, &until, &unit_error));
	assert_int_equal(until, 0);
	assert_ok(ca_certify(&ca, target, slice_str(alice), CA_HOW_MAIL, NOW + 10, &first, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&first), &certified, &used, &unit_error));
	assert_ok(ca_certified_until(ca.certs.items[0], certified, slice_str(alice), NOW + 20, &until, &unit_error));
	assert_int_equal(until, NOW + 10 + CA_CERTIFY_SECONDS);
	/* Over: it does not count any more. */
	assert_ok(ca_certified_until(
	    ca.certs.items[0], certified, slice_str(alice), NOW + 20 + CA_CERTIFY_SECONDS, &until, &unit_error));
	assert_int_equal(until, 0);
	/* The next one takes the place of the first. */
	assert_ok(ca_certify(&ca, certified, slice_str(alice), CA_HOW_ACCOUNT, NOW + 1000, &second, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&second), &again, &used, &unit_error));
	assert_int_equal(again->components[1].part_count, certified->components[1].part_count);
	assert_ok(ca_certified_until(ca.certs.items[0], again, slice_str(alice), NOW + 1001, &until, &unit_error));
	assert_int_equal(until, NOW + 1000 + CA_CERTIFY_SECONDS);
	pgp_cert_free(again);
	pgp_cert_free(certified);
	pgp_cert_free(target);
	buf_done(&octets);
	buf_done(&first);
	buf_done(&second);
	ca_close(&ca);
}

static void
says_how_and_until_when(void **state)
{
	struct buf octets, out;
	struct pgp_cert *target, *certified;
	struct pgp_notation notation;
	struct pgp_sig sig;
	struct ca ca;
	size_t used;

	(void)state;
	make_ca(&ca, "example.org");
	target = member(&octets, alice);
	buf_init(&out, 1 << 16);
	assert_ok(ca_certify(&ca, target, slice_str(alice), CA_HOW_ACCOUNT, NOW, &out, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&out), &certified, &used, &unit_error));
	assert_ok(pgp_sig_parse(certified->components[1].parts[1].body, &sig, &unit_error));
	assert_int_equal(sig.type, PGP_SIG_CERT_GENERIC);
	assert_true(sig.exportable && sig.expires == CA_CERTIFY_SECONDS && !sig.has_trust);
	assert_true(pgp_sig_notation(&sig, 0, &notation));
	assert_true(slice_eq_str(notation.name, "address-verified@example.org"));
	assert_true(slice_eq_str(notation.value, "account"));
	pgp_cert_free(certified);
	pgp_cert_free(target);
	buf_done(&octets);
	buf_done(&out);
	ca_close(&ca);
}

static void
refuses_what_it_is_not_for(void **state)
{
	static const struct {
		const char *has, *asked;
		uint32_t how;
		int rc;
	} rows[] = {
		{ "Eve <eve@example.com>", "Eve <eve@example.com>", CA_HOW_MAIL, ERR_DENIED },
		{ "Eve <eve@sub.example.org>", "Eve <eve@sub.example.org>", CA_HOW_MAIL, ERR_DENIED },
		{ "Eve <eve@notexample.org>", "Eve <eve@notexample.org>", CA_HOW_MAIL, ERR_DENIED },
		{ "alice@example.org <eve@example.com>", "alice@example.org <eve@example.com>", CA_HOW_MAIL,
		    ERR_DENIED },
		{ "nobody", "nobody", CA_HOW_MAIL, ERR_DENIED },
		{ alice, "Alice <bob@example.org>", CA_HOW_MAIL, ERR_NOT_FOUND },
		{ alice, alice, 0, ERR_SYNTAX },
		{ alice, alice, CA_HOW_LAST + 1, ERR_SYNTAX },
		{ "ALICE <alice@EXAMPLE.ORG>", "ALICE <alice@EXAMPLE.ORG>", CA_HOW_MAIL, 0 },
	};
	struct ca ca;

	(void)state;
	make_ca(&ca, "example.org");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf octets, out;
		struct pgp_cert *target = member(&octets, rows[i].has);

		buf_init(&out, 1 << 16);
		assert_int_equal(
		    ca_certify(&ca, target, slice_str(rows[i].asked), rows[i].how, NOW, &out, &unit_error), rows[i].rc);
		assert_true(rows[i].rc == 0 || out.len == 0);
		pgp_cert_free(target);
		buf_done(&octets);
		buf_done(&out);
	}
	assert_int_equal(ca_certify(&ca, ca.certs.items[0], SLICE("example.org key directory <openpgp-ca@example.org>"),
			     CA_HOW_MAIL, NOW, NULL, &unit_error),
	    ERR_DENIED);
	ca_close(&ca);
}

static void
a_key_is_its_own_domains(void **state)
{
	BUF_OWNED struct buf secret = { 0 };
	struct ca ca;

	(void)state;
	buf_init(&secret, CA_KEY_MAX);
	assert_ok(ca_new(SLICE("example.org"), NOW, &secret, &unit_error));
	assert_int_equal(ca_open(buf_slice(&secret), SLICE("example.com"), &ca, &unit_error), ERR_SYNTAX);
	ca_close(&ca);
	assert_int_equal(ca_open(SLICE("x"), SLICE("example.org"), &ca, &unit_error), ERR_SYNTAX);
	ca_close(&ca);
	assert_true(keys_file_is(SLICE("ca-example.org.pgp")));
	assert_false(keys_file_is(SLICE("ca-.pgp")));
	assert_false(keys_file_is(SLICE("ca-example.org.pgp.tmp")));
	assert_false(keys_file_is(SLICE("example.org.pgp")));
}

/* Through the messages; keys that are given anew replace all before. */
static void
the_set_of_keys(void **state)
{
	BUF_OWNED struct buf secret = { 0 };
	struct keys_nothing nothing = { 0 };
	struct keys_certified certified;
	struct keys_list list;
	ARENA_OWNED struct arena a = { 0 };
	struct buf octets;
	struct pgp_cert *target = member(&octets, alice);
	struct keys_certify ask = {
		.ca = SLICE("Example.ORG"), .certificate = target->raw, .user_id = slice_str(alice), .how = CA_HOW_MAIL
	};
	struct port *port;
	struct keys *k;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&secret, CA_KEY_MAX);
	assert_ok(ca_new(SLICE("example.org"), NOW, &secret, &unit_error));
	assert_ok(keys_new(&k, &unit_error));
	assert_ok(port_open_local(keys_service(k), &port, &unit_error));
	assert_int_equal(keys_ask_certify(port, &ask, &a, &certified, &unit_error), ERR_NOT_FOUND);
	assert_int_equal(keys_take(k, SLICE("ca-example.org.pgp"), buf_slice(&secret), &unit_error), ERR_ORDER);
	assert_int_equal(keys_ask_list(port, &nothing, &a, &list, &unit_error), ERR_CLOSED); /* not "there are none" */
	keys_begin(k);
	assert_ok(keys_take(k, SLICE("ca-example.org.pgp"), buf_slice(&secret), &unit_error));
	assert_int_equal(keys_take(k, SLICE("ca-example.com.pgp"), buf_slice(&secret), &unit_error), ERR_SYNTAX);
	assert_int_equal(keys_count(k), 0);
	keys_end(k);
	assert_int_equal(keys_count(k), 1);
	assert_ok(keys_ask_list(port, &nothing, &a, &list, &unit_error));
	assert_int_equal(list.key_count, 1);
	assert_true(slice_eq_str(list.keys[0].name, "example.org"));
	assert_int_equal(slice_search(list.keys[0].certificate, buf_slice(&secret)), SIZE_MAX);
	assert_ok(keys_ask_certify(port, &ask, &a, &certified, &unit_error));
	assert_true(certified.certificate.len > target->raw.len);
	keys_begin(k);
	keys_end(k);
	assert_int_equal(keys_ask_certify(port, &ask, &a, &certified, &unit_error), ERR_NOT_FOUND);
	port_close(port);
	keys_free(k);
	pgp_cert_free(target);
	buf_done(&octets);
}

UNIT_MAIN(UNIT_TEST(certifies_and_renews), UNIT_TEST(says_how_and_until_when), UNIT_TEST(refuses_what_it_is_not_for),
    UNIT_TEST(a_key_is_its_own_domains), UNIT_TEST(the_set_of_keys))
