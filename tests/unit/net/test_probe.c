/* SPDX-License-Identifier: ISC */
/* ClientHellos of our own, against libssl's server; and what servers may answer, octet by octet. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/hex.h"
#include "net/probe_hello.h"
#include "net/tls.h"
#include "unit.h"

static const uint8_t random_octets[32] = { 1, 2, 3 };

/* ---- what libssl makes of it ---- */

struct server {
	SSL_CTX *ctx;
	SSL *ssl;
};

static void
server_open(struct server *s, int low, int high, const char *ciphers)
{
	static const char *const names[] = { "localhost" };
	struct buf certificate, key;
	BIO *a, *b;
	X509 *x;
	EVP_PKEY *k;

	buf_init(&certificate, 1 << 16);
	buf_init(&key, 1 << 16);
	assert_ok(tls_self_signed(names, 1, 1795770000, &certificate, &key, &unit_error));
	a = BIO_new_mem_buf(certificate.data, (int)certificate.len);
	b = BIO_new_mem_buf(key.data, (int)key.len);
	x = PEM_read_bio_X509(a, NULL, NULL, NULL);
	k = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	s->ctx = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(s->ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, k), 1);
	assert_int_equal(SSL_CTX_set_cipher_list(s->ctx, ciphers), 1);
	assert_int_equal(SSL_CTX_set_min_proto_version(s->ctx, low), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(s->ctx, high), 1);
	s->ssl = SSL_new(s->ctx);
	SSL_set_bio(s->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(s->ssl);
	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(a);
	BIO_free(b);
	buf_done(&certificate);
	buf_wipe_done(&key);
}

static struct probe_answer
ask(struct server *s, uint16_t version, const uint16_t *suites, size_t count)
{
	const struct probe_hello hello = {
		.version = version, .suites = suites, .suite_count = count, .name = "localhost", .random = random_octets
	};
	struct probe_answer answer = { .what = PROBE_MORE };
	uint8_t octets[16384];
	struct buf out;
	int n;

	buf_init(&out, 4096);
	assert_int_equal(probe_hello_write(&hello, &out), 0);
	assert_int_equal(BIO_write(SSL_get_rbio(s->ssl), out.data, (int)out.len), (int)out.len);
	(void)SSL_do_handshake(s->ssl);
	n = BIO_read(SSL_get_wbio(s->ssl), octets, sizeof octets);
	assert_true(n > 0);
	assert_ok(probe_answer_read(slice_of(octets, (size_t)n), &answer, &unit_error));
	buf_done(&out);
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	ERR_clear_error();
	return answer;
}

static const struct {
	const char *name;
	int low, high;
	const char *ciphers;
	uint16_t asked;
	enum probe_answer_what what;
	uint16_t version;
} talks[] = {
	{ "TLS 1.3, by a request for a share", TLS1_2_VERSION, TLS1_3_VERSION, "DEFAULT", PROBE_TLS_1_3, PROBE_AGREED,
	    PROBE_TLS_1_3 },
	{ "TLS 1.2", TLS1_2_VERSION, TLS1_3_VERSION, "DEFAULT", PROBE_TLS_1_2, PROBE_AGREED, PROBE_TLS_1_2 },
	{ "TLS 1.1 is too old", TLS1_2_VERSION, TLS1_3_VERSION, "DEFAULT", PROBE_TLS_1_1, PROBE_REFUSED, 0 },
	{ "TLS 1.0 of an old server", TLS1_VERSION, TLS1_VERSION, "ALL:@SECLEVEL=0", PROBE_TLS_1_0, PROBE_AGREED,
	    PROBE_TLS_1_0 },
	{ "which has nothing newer", TLS1_VERSION, TLS1_VERSION, "ALL:@SECLEVEL=0", PROBE_TLS_1_2, PROBE_AGREED,
	    PROBE_TLS_1_0 },
	{ "TLS 1.3 alone", TLS1_3_VERSION, TLS1_3_VERSION, "DEFAULT", PROBE_TLS_1_2, PROBE_REFUSED, 0 },
	{ "SSL 3.0 is not there", TLS1_VERSION, TLS1_3_VERSION, "ALL:@SECLEVEL=0", PROBE_SSL_3_0, PROBE_REFUSED, 0 },
};

static void
libssl_understands_it(void **state)
{
	uint16_t suites[PROBE_SUITES_MAX];
	size_t n = probe_suites(0, suites, PROBE_SUITES_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++) {
		struct server s;
		struct probe_answer answer;

		print_message("# %s\n", talks[i].name);
		server_open(&s, talks[i].low, talks[i].high, talks[i].ciphers);
		answer = ask(&s, talks[i].asked, suites, n);
		assert_int_equal(answer.what, talks[i].what);
		assert_int_equal(answer.version, talks[i].version);
		if (answer.what == PROBE_AGREED)
			assert_int_equal(probe_suite_faults(answer.suite), 0);
	}
}

static void
it_chooses_from_what_is_offered(void **state)
{
	uint16_t suites[PROBE_SUITES_MAX];
	size_t n = probe_suites(PROBE_NULL, suites, PROBE_SUITES_MAX);
	struct probe_answer answer;
	struct server s;

	(void)state;
	server_open(&s, TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0");
	answer = ask(&s, PROBE_TLS_1_2, suites, n);
	assert_int_equal(answer.what, PROBE_AGREED);
	assert_int_equal(answer.suite, 0xc006);
	assert_int_equal(probe_suite_faults(answer.suite), PROBE_NULL);
	server_open(&s, TLS1_2_VERSION, TLS1_2_VERSION, "DEFAULT");
	assert_int_equal(ask(&s, PROBE_TLS_1_2, suites, n).what, PROBE_REFUSED);
}

/* ---- the table ---- */

/* By the registry as libssl has it: the same octets, the same name. */
static void
suites_have_their_names(void **state)
{
	uint16_t suites[PROBE_SUITES_MAX];
	char text[PROBE_SUITE_TEXT];
	size_t n = probe_suites(0, suites, PROBE_SUITES_MAX), known = 0;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);

	(void)state;
	n += probe_suites(0xff, suites + n, PROBE_SUITES_MAX - n);
	assert_true(n > 40);
	for (size_t i = 0; i < n; i++) {
		const uint8_t id[2] = { (uint8_t)(suites[i] >> 8), (uint8_t)suites[i] };
		const SSL_CIPHER *c = SSL_CIPHER_find(ssl, id);
		bool forward = c != NULL && SSL_CIPHER_get_kx_nid(c) != NID_kx_rsa;

		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(suites[i], suites[k]);
		if (c == NULL)
			continue; /* libssl has it no longer */
		known++;
		assert_string_equal(probe_suite_name(suites[i], text), SSL_CIPHER_standard_name(c) + 4);
		assert_int_equal((probe_suite_faults(suites[i]) & PROBE_STATIC) == 0, forward);
		assert_int_equal(
		    (probe_suite_faults(suites[i]) & PROBE_NULL) != 0, SSL_CIPHER_get_cipher_nid(c) == NID_undef);
		assert_int_equal((probe_suite_faults(suites[i]) & PROBE_ANONYMOUS) != 0,
		    SSL_CIPHER_get_auth_nid(c) == NID_auth_null);
	}
	assert_true(known > 30);
	assert_string_equal(probe_suite_name(0x1234, text), "0x1234");
	assert_int_equal(probe_suite_faults(0x1234), 0);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

/* ---- answers ---- */

#define HELLO "020000280303" R32 "00c02f000000"
#define R32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *name, *hex;
	int rc;
	enum probe_answer_what what;
	uint16_t version, suite;
} answers[] = {
	{ "nothing yet", "", 0, PROBE_MORE, 0, 0 },
	{ "half a head", "1603", 0, PROBE_MORE, 0, 0 },
	{ "a hello", "160303002c" HELLO, 0, PROBE_AGREED, 0x0303, 0xc02f },
	{ "without extensions", "160303002a020000260303" R32 "00002f00", 0, PROBE_AGREED, 0x0303, 0x002f },
	{ "in two records",
	    "160303000102"
	    "160303002b"
	    "0000280303" R32 "00c02f000000",
	    0, PROBE_AGREED, 0x0303, 0xc02f },
	{ "its version in an extension",
	    "1603030032"
	    "0200002e0303" R32 "00130100"
	    "0006002b00020304",
	    0, PROBE_AGREED, 0x0304, 0x1301 },
	{ "an alert", "15030300020228", 0, PROBE_REFUSED, 0, 0 },
	{ "an empty alert", "1503030000", 0, PROBE_REFUSED, 0, 0 },
	{ "clear text", "353030206e6f0d0a", 0, PROBE_CLEAR, 0, 0 },
	{ "another record",
	    "1603030000"
	    "1703030000",
	    ERR_SYNTAX, PROBE_MORE, 0, 0 },
	{ "no version of TLS", "160403002c" HELLO, ERR_SYNTAX, PROBE_MORE, 0, 0 },
	{ "too long a record", "160303ffff", ERR_SYNTAX, PROBE_MORE, 0, 0 },
	{ "too long a hello", "160303000402ffffff", ERR_SYNTAX, PROBE_MORE, 0, 0 },
	{ "a certificate first", "16030300040b000000", ERR_SYNTAX, PROBE_MORE, 0, 0 },
	{ "a hello that is cut", "16030300080200000403030000", ERR_SYNTAX, PROBE_MORE, 0, 0 },
	{ "a version that is none", "160303002c0200002803ff" R32 "00c02f000000", ERR_SYNTAX, PROBE_MORE, 0, 0 },
};

static void
answers_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct probe_answer a;
		struct buf octets;
		int rc;

		buf_init(&octets, 1024);
		print_message("# %s\n", answers[i].name);
		assert_ok(hex_parse(slice_str(answers[i].hex), &octets, &unit_error));
		rc = probe_answer_read(buf_slice(&octets), &a, &unit_error);
		assert_int_equal(rc, answers[i].rc);
		if (rc == 0) {
			assert_int_equal(a.what, answers[i].what);
			assert_int_equal(a.version, answers[i].version);
			assert_int_equal(a.suite, answers[i].suite);
		}
		/* Before its last octet none of these is more than begun. */
		for (size_t n = 0; n < octets.len && answers[i].what == PROBE_AGREED; n++) {
			assert_ok(probe_answer_read(slice_sub(buf_slice(&octets), 0, n), &a, &unit_error));
			assert_int_equal(a.what, PROBE_MORE);
		}
		buf_done(&octets);
	}
}

UNIT_MAIN(UNIT_TEST(libssl_understands_it), UNIT_TEST(it_chooses_from_what_is_offered),
    UNIT_TEST(suites_have_their_names), UNIT_TEST(answers_are_read))
