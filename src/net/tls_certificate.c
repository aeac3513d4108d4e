/* SPDX-License-Identifier: ISC */
#include "net/tls.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S 86400
#define TEN_YEARS_S (3652L * DAY_S)

static int
failed(struct error *e)
{
	ERR_clear_error();
	return error_set(e, ERR_CRYPTO, "libcrypto makes no self-signed certificate");
}

static bool
add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = extension != NULL && X509_add_ext(x, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

/* Built without libcrypto's configuration syntax: a host name cannot smuggle in another name. */
static bool
add_host_names(X509 *x, const char *const *names, size_t name_count)
{
	GENERAL_NAMES *list = GENERAL_NAMES_new();
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < name_count; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		ok = name != NULL && text != NULL && ASN1_STRING_set(text, names[i], -1) == 1;
		if (ok) {
			GENERAL_NAME_set0_value(name, GEN_DNS, text);
			text = NULL;
			ok = sk_GENERAL_NAME_push(list, name) > 0;
			name = ok ? NULL : name;
		}
		ASN1_IA5STRING_free(text);
		GENERAL_NAME_free(name);
	}
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(list);
	return ok;
}

static bool
set_serial(X509 *x)
{
	BIGNUM *number = BN_new();
	bool ok = number != NULL && BN_rand(number, 120, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;

	BN_free(number);
	return ok;
}

static bool
fill(X509 *x, EVP_PKEY *key, const char *const *names, size_t name_count, uint64_t now)
{
	X509_NAME *subject = X509_get_subject_name(x);
	time_t start = (time_t)now - DAY_S;
	size_t length = strlen(names[0]);
	/* X.520 ub-common-name is 64 octets; the name that is checked is in the extension. */
	int common = length > 64 ? 64 : (int)length;

	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)names[0], common, -1, 0) ==
	    1 &&
	    X509_set_issuer_name(x, subject) == 1 && ASN1_TIME_set(X509_getm_notBefore(x), start) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x), start + TEN_YEARS_S) != NULL && X509_set_pubkey(x, key) == 1 &&
	    add_host_names(x, names, name_count) && add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
	    add_extension(x, NID_subject_key_identifier, "hash") && X509_sign(x, key, EVP_sha256()) > 0;
}

static int
put_pem(BIO *bio, struct buf *out)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	return len <= 0 ? ERR_CRYPTO : buf_put(out, text, (size_t)len);
}

static int
write_both(X509 *x, EVP_PKEY *key, struct buf *certificate_out, struct buf *key_out)
{
	BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_secmem());
	int rc = ERR_CRYPTO;

	if (a != NULL && b != NULL && PEM_write_bio_X509(a, x) == 1 &&
	    PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1 && put_pem(a, certificate_out) == 0)
		rc = put_pem(b, key_out);
	BIO_free(a);
	BIO_free(b);
	return rc;
}

int
tls_self_signed(const char *const *names, size_t name_count, uint64_t now, struct buf *certificate_out,
    struct buf *key_out, struct error *e)
{
	EVP_PKEY *key;
	X509 *x;
	int rc = ERR_CRYPTO;

	if (name_count == 0)
		return error_set(e, ERR_USAGE, "a certificate needs a host name");
	key = EVP_EC_gen("P-256");
	x = X509_new();
	if (key != NULL && x != NULL && fill(x, key, names, name_count, now))
		rc = write_both(x, key, certificate_out, key_out);
	EVP_PKEY_free(key);
	X509_free(x);
	return rc == 0 ? 0 : failed(e);
}

static X509 *
read_certificate(struct slice pem)
{
	BIO *bio = pem.len > INT32_MAX ? NULL : BIO_new_mem_buf(pem.data, (int)pem.len);
	X509 *x = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	ERR_clear_error();
	return x;
}

int
tls_certificate_covers(struct slice pem, const char *name, bool *covers_out, struct error *e)
{
	X509 *x = read_certificate(pem);

	if (x == NULL)
		return error_set(e, ERR_SYNTAX, "this is not a PEM certificate");
	/* As our own client asks it (tls.c): a name in the subject does not count. */
	*covers_out = X509_check_host(x, name, 0,
			  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	X509_free(x);
	return 0;
}

int
tls_certificate_is_own(struct slice pem, bool *own_out, struct error *e)
{
	X509 *x = read_certificate(pem);

	if (x == NULL)
		return error_set(e, ERR_SYNTAX, "this is not a PEM certificate");
	*own_out = X509_self_signed(x, 0) == 1;
	X509_free(x);
	ERR_clear_error();
	return 0;
}

int
tls_certificate_pin(struct slice pem, uint8_t pin_out[TLS_PIN_SIZE], struct error *e)
{
	X509 *x = read_certificate(pem);
	unsigned char *der = NULL;
	unsigned int n = TLS_PIN_SIZE;
	int len = x == NULL ? 0 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, pin_out, &n, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	X509_free(x);
	ERR_clear_error();
	return ok ? 0 : error_set(e, ERR_SYNTAX, "this is not a PEM certificate");
}

/* ---- TLSA ---- */

#define CHAIN_MAX 16u /* certificates of ours that are looked at */

/* The octets that a record's selector means: SPKI, or all of it. Freed with OPENSSL_free(). */
static int
selected(X509 *x, uint8_t selector, unsigned char **der)
{
	return selector == TLSA_SPKI ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), der) : i2d_X509(x, der);
}

static bool
is_usable(struct slice r)
{
	size_t wanted = r.len < 3 || r.data[2] == TLSA_FULL ? 0 : r.data[2] == TLSA_SHA256 ? 32 : 64;

	return r.len > 3 && (r.data[0] == TLSA_DANE_TA || r.data[0] == TLSA_DANE_EE) && r.data[1] <= TLSA_SPKI &&
	    r.data[2] <= TLSA_SHA512 && (wanted == 0 || r.len == 3 + wanted);
}

static bool
is_record_of(struct slice r, X509 *x)
{
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	int len = selected(x, r.data[1], &der);
	bool same = false;

	if (len > 0 && r.data[2] == TLSA_FULL)
		same = slice_eq(slice_from(r, 3), slice_of(der, (size_t)len));
	else if (len > 0 &&
	    EVP_Digest(der, (size_t)len, digest, &n, r.data[2] == TLSA_SHA256 ? EVP_sha256() : EVP_sha512(), NULL) == 1)
		same = slice_eq(slice_from(r, 3), slice_of(digest, n));
	OPENSSL_free(der);
	return same;
}

int
tls_chain_tlsa(struct slice pem, const struct slice *records, size_t record_count, enum tls_tlsa *out, struct error *e)
{
	BIO *bio = pem.len > INT32_MAX ? NULL : BIO_new_mem_buf(pem.data, (int)pem.len);
	size_t depth = 0, usable = 0;
	X509 *x;

	*out = TLS_TLSA_UNUSABLE;
	for (size_t i = 0; i < record_count; i++)
		usable += is_usable(records[i]);
	for (; depth < CHAIN_MAX && bio != NULL && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; depth++) {
		for (size_t i = 0; i < record_count; i++)
			if (is_usable(records[i]) && (depth == 0 || records[i].data[0] == TLSA_DANE_TA) &&
			    is_record_of(records[i], x))
				*out = TLS_TLSA_MATCHES;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (usable > 0 && *out != TLS_TLSA_MATCHES)
		*out = TLS_TLSA_FAILS;
	return depth > 0 ? 0 : error_set(e, ERR_SYNTAX, "this is not a PEM certificate");
}

void
tls_pin_text(const uint8_t pin[TLS_PIN_SIZE], char text_out[TLS_PIN_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < TLS_PIN_SIZE; i++) {
		text_out[2 * i] = digits[pin[i] >> 4];
		text_out[2 * i + 1] = digits[pin[i] & 15];
	}
	text_out[TLS_PIN_TEXT - 1] = '\0';
}

static int
hex_value(uint8_t c)
{
	uint8_t d = ascii_lower(c);

	if (d >= '0' && d <= '9')
		return d - '0';
	return d >= 'a' && d <= 'f' ? d - 'a' + 10 : -1;
}

static bool
parse_hex(struct slice text, uint8_t pin[TLS_PIN_SIZE])
{
	size_t digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		int v = hex_value(text.data[i]);

		if (v < 0 && (text.data[i] == ':' || text.data[i] == ' '))
			continue;
		if (v < 0 || digits == 2 * TLS_PIN_SIZE)
			return false;
		pin[digits / 2] = (uint8_t)(digits % 2 == 0 ? v << 4 : pin[digits / 2] | v);
		digits++;
	}
	return digits == 2 * TLS_PIN_SIZE;
}

static bool
parse_base64(struct slice text, uint8_t pin[TLS_PIN_SIZE])
{
	uint8_t octets[48];

	/* 32 octets are 43 digits and one padding character. */
	if (text.len != 44 || text.data[43] != '=' || text.data[42] == '=' ||
	    EVP_DecodeBlock(octets, text.data, 44) != 33)
		return false;
	memcpy(pin, octets, TLS_PIN_SIZE);
	return true;
}

int
tls_pin_parse(struct slice text, uint8_t pin_out[TLS_PIN_SIZE], struct error *e)
{
	const struct slice prefix = SLICE("sha256//");
	uint8_t pin[TLS_PIN_SIZE];
	bool ok;

	text = slice_trim(text);
	if (slice_starts(text, prefix))
		ok = parse_base64(slice_from(text, prefix.len), pin);
	else
		ok = parse_hex(text, pin);
	if (!ok)
		return error_set(e, ERR_SYNTAX, "a pin is 64 hex digits, or sha256// and 44 base64 characters");
	memcpy(pin_out, pin, TLS_PIN_SIZE);
	return 0;
}

int
tls_certificate_ends(struct slice pem, uint64_t *unix_out, struct error *e)
{
	X509 *x = read_certificate(pem);
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds, ok = x != NULL && epoch != NULL;

	ok = ok && ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(x)) == 1 && days >= 0 && seconds >= 0;
	if (ok)
		*unix_out = (uint64_t)days * 86400 + (uint64_t)seconds;
	ASN1_TIME_free(epoch);
	X509_free(x);
	ERR_clear_error();
	return ok ? 0 : error_set(e, ERR_SYNTAX, "this is not a PEM certificate with an end");
}
