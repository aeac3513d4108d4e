/* SPDX-License-Identifier: ISC */
/*
 * The vectors of RFC 8032 (Ed25519, Ed448), 7748 (X25519, X448), 7253 (OCB),
 * 9106 (Argon2id) and 6979 (DSA, ECDSA), read from the RFCs' own text in the
 * folder of LETTERLOCK_TESTDATA when the test runs.
 */
#include <stdio.h>

#include "unit.h"

#include "base/buf.h"
#include "base/hex.h"
#include "crypto/aead.h"
#include "crypto/agree.h"
#include "crypto/dsa.h"
#include "crypto/ec.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"

/* ---- the text, line by line ---- */

static FILE *
open_rfc(const char *name)
{
	const char *dir = getenv("LETTERLOCK_TESTDATA");
	char path[4096];
	FILE *f;

	if (dir == NULL) {
		print_message("# skipped: LETTERLOCK_TESTDATA is not set\n");
		return NULL;
	}
	(void)snprintf(path, sizeof path, "%s/standards/%s.txt", dir, name);
	f = fopen(path, "r");
	if (f == NULL)
		print_message("# skipped: there is no %s\n", path);
	return f;
}

/* Without what stands around it. */
static bool
next_line(FILE *f, char *line, size_t size, struct slice *out)
{
	if (fgets(line, (int)size, f) == NULL)
		return false;
	*out = slice_trim(slice_str(line));
	return true;
}

static bool
starts(struct slice s, const char *with)
{
	return slice_starts(s, slice_str(with));
}

/* A line of hexadecimal digits and spaces and nothing else goes to the end of b; others are passed over. */
static void
take_hex(struct buf *b, struct slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (strchr("0123456789abcdefABCDEF ", line.data[i]) == NULL)
			return;
	}
	if (line.len > 0)
		assert_ok(hex_parse_loose(line, b, &unit_error));
}

/* ---- RFC 8032 ---- */

struct record {
	struct buf secret, public_key, message, signature;
	bool other; /* with a context: a form that OpenPGP does not use */
};

static void
record_init(struct record *r)
{
	*r = (struct record){ 0 };
	buf_init(&r->secret, 64);
	buf_init(&r->public_key, 64);
	buf_init(&r->message, 4096);
	buf_init(&r->signature, 128);
}

static bool
record_check(struct record *r, enum sign_id id)
{
	bool full = r->signature.len > 0 && !r->other;
	uint8_t got[SIGN_SIGNATURE_MAX];

	if (full) {
		assert_int_equal(r->signature.len, sign_signature_size(id));
		assert_ok(sign_public(id, buf_slice(&r->secret), got, &unit_error));
		assert_slices(slice_of(got, sign_key_size(id)), buf_slice(&r->public_key));
		assert_ok(sign_make(id, buf_slice(&r->secret), buf_slice(&r->message), got, &unit_error));
		assert_slices(slice_of(got, sign_signature_size(id)), buf_slice(&r->signature));
		assert_ok(sign_verify(
		    id, buf_slice(&r->public_key), buf_slice(&r->message), buf_slice(&r->signature), &unit_error));
		r->signature.data[r->signature.len / 2] ^= 1;
		assert_int_equal(
		    sign_verify(id, buf_slice(&r->public_key), buf_slice(&r->message), buf_slice(&r->signature), NULL),
		    ERR_SIGNATURE);
	}
	buf_done(&r->secret);
	buf_done(&r->public_key);
	buf_done(&r->message);
	buf_done(&r->signature);
	record_init(r);
	return full;
}

static size_t
signatures_of(FILE *f, const char *from, const char *to, enum sign_id id)
{
	struct buf *into = NULL;
	struct record r;
	struct slice s;
	char line[256];
	size_t count = 0;
	bool inside = false;

	record_init(&r);
	while (next_line(f, line, sizeof line, &s)) {
		if (line[0] != ' ' && starts(s, from))
			inside = true;
		else if (line[0] != ' ' && starts(s, to))
			break;
		if (!inside)
			continue;
		if (starts(s, "-----")) {
			count += record_check(&r, id);
			into = NULL;
		} else if (starts(s, "SECRET KEY:"))
			into = &r.secret;
		else if (starts(s, "PUBLIC KEY:"))
			into = &r.public_key;
		else if (starts(s, "MESSAGE"))
			into = &r.message;
		else if (starts(s, "SIGNATURE:"))
			into = &r.signature;
		else if (starts(s, "CONTEXT:")) {
			into = NULL;
			r.other = true;
		} else if (into != NULL)
			take_hex(into, s);
	}
	count += record_check(&r, id);
	return count;
}

static void
rfc_8032(void **state)
{
	FILE *f = open_rfc("rfc8032");

	(void)state;
	if (f == NULL)
		return;
	assert_int_equal(signatures_of(f, "7.1.  Test", "7.2.  Test", SIGN_ED25519), 5);
	assert_true(signatures_of(f, "7.4.  Test", "7.5.  Test", SIGN_ED448) >= 7);
	(void)fclose(f);
}

/* ---- RFC 7748 ---- */

static void
check_agreement(struct buf *v)
{
	enum agree_id id = v[0].len == 32 ? AGREE_X25519 : AGREE_X448;
	struct secret shared;

	assert_ok(agree_derive(id, buf_slice(&v[0]), buf_slice(&v[1]), &shared, &unit_error));
	assert_slices(secret_slice(&shared), buf_slice(&v[2]));
	secret_done(&shared);
}

static void
rfc_7748(void **state)
{
	static const char *const labels[] = { "Input scalar:", "Input u-coordinate:", "Output u-coordinate:" };
	FILE *f = open_rfc("rfc7748");
	struct buf v[3], *into = NULL;
	struct slice s;
	char line[256];
	size_t count = 0;

	(void)state;
	if (f == NULL)
		return;
	for (size_t i = 0; i < 3; i++)
		buf_init(&v[i], 64);
	while (next_line(f, line, sizeof line, &s)) {
		bool label = false;

		for (size_t i = 0; i < 3; i++) {
			if (starts(s, labels[i])) {
				into = &v[i];
				buf_clear(into);
				label = true;
			}
		}
		if (!label && into != NULL && s.len > 0 && s.data[s.len - 1] == ':')
			into = NULL; /* "as a number" */
		else if (!label && into != NULL)
			take_hex(into, s);
		if (into == &v[2] && v[2].len > 0 && v[2].len == v[0].len) {
			check_agreement(v);
			into = NULL;
			count++;
		}
	}
	assert_int_equal(count, 4);
	for (size_t i = 0; i < 3; i++)
		buf_done(&v[i]);
	(void)fclose(f);
}

/* ---- RFC 7253 ---- */

enum { N, A, P, C, FIELDS };

static void
check_ocb(struct slice key, struct buf *v)
{
	uint8_t out[64], tag[AEAD_TAG];
	size_t len = v[P].len;
	struct aead *a;

	assert_int_equal(v[C].len, len + AEAD_TAG);
	assert_ok(aead_new_with_nonce(AEAD_OCB, v[N].len, CIPHER_AES128, CIPHER_ENCRYPT, key, &a, &unit_error));
	assert_ok(aead_seal(
	    a, buf_slice(&v[N]), buf_slice(&v[A]), v[P].len == 0 ? out : v[P].data, len, out, tag, &unit_error));
	assert_slices(slice_of(out, len), slice_sub(buf_slice(&v[C]), 0, len));
	assert_slices(slice_of(tag, AEAD_TAG), slice_from(buf_slice(&v[C]), len));
	aead_free(a);
	assert_ok(aead_new_with_nonce(AEAD_OCB, v[N].len, CIPHER_AES128, CIPHER_DECRYPT, key, &a, &unit_error));
	assert_ok(aead_open(a, buf_slice(&v[N]), buf_slice(&v[A]), v[C].data, len, out, v[C].data + len, &unit_error));
	assert_slices(slice_of(out, len), buf_slice(&v[P]));
	aead_free(a);
}

/* The sixteen tuples under one key; each ends where the next nonce or another key begins. */
static void
rfc_7253(void **state)
{
	static const char *const labels[] = { "N:", "A:", "P:", "C:" };
	FILE *f = open_rfc("rfc7253");
	struct buf key, v[FIELDS], *into = NULL;
	struct slice s;
	char line[256];
	size_t count = 0;

	(void)state;
	if (f == NULL)
		return;
	buf_init(&key, 32);
	for (size_t i = 0; i < FIELDS; i++)
		buf_init(&v[i], 256);
	while (count < 16 && next_line(f, line, sizeof line, &s)) {
		if (starts(s, "K : ") && key.len == 0)
			take_hex(&key, slice_from(s, 4));
		if (key.len == 0)
			continue;
		if (v[C].len > 0 && (starts(s, "N:") || starts(s, "K:") || starts(s, "The following"))) {
			check_ocb(buf_slice(&key), v);
			count++;
		}
		for (size_t i = 0; i < FIELDS; i++) {
			if (starts(s, labels[i])) {
				into = &v[i];
				buf_clear(into);
				take_hex(into, slice_trim(slice_from(s, 2)));
				s = SLICE_EMPTY;
			}
		}
		if (into != NULL)
			take_hex(into, s);
	}
	assert_int_equal(count, 16);
	buf_done(&key);
	for (size_t i = 0; i < FIELDS; i++)
		buf_done(&v[i]);
	(void)fclose(f);
}

/* ---- RFC 9106 ---- */

static void
rfc_9106(void **state)
{
	FILE *f = open_rfc("rfc9106");
	uint8_t password[32], salt[16], secret[8], ad[12], got[32];
	struct kdf_argon2 cost = { .memory_kib = 32, .passes = 3, .lanes = 4 };
	bool inside = false, tag = false;
	struct buf want;
	struct slice s;
	char line[256];

	(void)state;
	if (f == NULL)
		return;
	memset(password, 1, sizeof password);
	memset(salt, 2, sizeof salt);
	memset(secret, 3, sizeof secret);
	memset(ad, 4, sizeof ad);
	cost.secret = slice_of(secret, sizeof secret);
	cost.ad = slice_of(ad, sizeof ad);
	buf_init(&want, 64);
	while (next_line(f, line, sizeof line, &s)) {
		if (starts(s, "Argon2id version number 19"))
			inside = true;
		if (inside && starts(s, "Tag:")) {
			tag = true;
			s = slice_from(s, 4);
		}
		if (tag && want.len < 32)
			take_hex(&want, slice_trim(s));
	}
	assert_int_equal(want.len, 32);
	assert_ok(kdf_argon2id(&cost, slice_of(password, 32), slice_of(salt, 16), got, sizeof got, &unit_error));
	assert_slices(slice_of(got, sizeof got), buf_slice(&want));
	buf_done(&want);
	(void)fclose(f);
}

/* ---- RFC 6979 ---- */

/* "NAME = DIGITS" and lines of more digits; how many digits there are is up to the number. */
enum { NUMBER_P, NUMBER_Q, NUMBER_G, NUMBER_X, NUMBER_Y, NUMBER_UX, NUMBER_UY, NUMBER_R, NUMBER_S, NUMBERS };

struct dsa_text {
	char digits[NUMBERS][2048];
	struct buf value[NUMBERS];
	enum hash_id hash;
	bool sample; /* the message: "sample", else "test" */
	size_t count;
};

static void
number_take(char *digits, size_t size, struct slice s)
{
	size_t len = strlen(digits);

	for (size_t i = 0; i < s.len; i++) {
		if (strchr("0123456789ABCDEF", s.data[i]) == NULL)
			return;
	}
	assert_true(len + s.len < size);
	if (s.len > 0)
		memcpy(digits + len, s.data, s.len);
	digits[len + s.len] = '\0';
}

static struct slice
number_of(struct dsa_text *t, size_t n)
{
	buf_clear(&t->value[n]);
	if (strlen(t->digits[n]) % 2 == 1) {
		char first[3] = { '0', t->digits[n][0], '\0' };

		assert_ok(hex_parse_loose(slice_str(first), &t->value[n], &unit_error));
		assert_ok(hex_parse_loose(slice_str(t->digits[n] + 1), &t->value[n], &unit_error));
	} else
		assert_ok(hex_parse_loose(slice_str(t->digits[n]), &t->value[n], &unit_error));
	return buf_slice(&t->value[n]);
}

static void
check_dsa(struct dsa_text *t, struct slice digest)
{
	struct dsa_public key = { number_of(t, NUMBER_P), number_of(t, NUMBER_Q), number_of(t, NUMBER_G),
		number_of(t, NUMBER_Y) };
	struct slice r = number_of(t, NUMBER_R), s = number_of(t, NUMBER_S);

	assert_ok(dsa_verify(&key, digest, r, s, &unit_error));
	assert_ok(dsa_matches(key.p, key.g, key.y, number_of(t, NUMBER_X), &unit_error));
	assert_int_equal(dsa_matches(key.p, key.g, key.y, r, NULL), ERR_INTEGRITY);
	assert_int_equal(dsa_verify(&key, digest, s, r, NULL), ERR_SIGNATURE);
	assert_int_equal(dsa_verify(&key, digest, r, SLICE_EMPTY, NULL), ERR_SIGNATURE);
	assert_int_equal(dsa_verify(&key, digest, r, key.q, NULL), ERR_SIGNATURE);
	assert_int_equal(dsa_verify(&key, digest, r, key.p, NULL), ERR_SIGNATURE);
	t->value[NUMBER_S].data[3] ^= 1;
	assert_int_equal(dsa_verify(&key, digest, r, s, NULL), ERR_SIGNATURE);
}

static void
check_ecdsa(struct dsa_text *t, enum ec_curve curve, struct slice digest)
{
	struct slice ux = number_of(t, NUMBER_UX), uy = number_of(t, NUMBER_UY), x = number_of(t, NUMBER_X);
	struct slice r = number_of(t, NUMBER_R), s = number_of(t, NUMBER_S);
	uint8_t point[EC_POINT_MAX] = { 4 }, made[EC_POINT_MAX], mine[2][EC_SIZE_MAX];
	size_t size = ec_size(curve);
	struct slice key = slice_of(point, ec_point_size(curve));

	memcpy(point + 1 + size - ux.len, ux.data, ux.len);
	memcpy(point + 1 + 2 * size - uy.len, uy.data, uy.len);
	assert_ok(ec_public(curve, x, made, &unit_error));
	assert_slices(key, slice_of(made, key.len));
	assert_ok(ec_verify(curve, key, digest, r, s, &unit_error));
	assert_int_equal(ec_verify(curve, key, digest, s, r, NULL), ERR_SIGNATURE);
	assert_int_equal(ec_verify(curve, key, digest, r, SLICE_EMPTY, NULL), ERR_SIGNATURE);
	assert_ok(ec_sign(curve, x, key, digest, mine[0], mine[1], &unit_error));
	assert_ok(ec_verify(curve, key, digest, slice_of(mine[0], size), slice_of(mine[1], size), &unit_error));
	t->value[NUMBER_S].data[3] ^= 1;
	assert_int_equal(ec_verify(curve, key, digest, r, s, NULL), ERR_SIGNATURE);
}

/* curve: EC_CURVE_COUNT for DSA. */
static void
signature_check(struct dsa_text *t, enum ec_curve curve)
{
	uint8_t digest[HASH_SIZE_MAX];

	if (t->digits[NUMBER_S][0] == '\0')
		return;
	assert_ok(hash_once(t->hash, t->sample ? SLICE("sample") : SLICE("test"), digest, &unit_error));
	if (curve == EC_CURVE_COUNT)
		check_dsa(t, slice_of(digest, hash_size(t->hash)));
	else
		check_ecdsa(t, curve, slice_of(digest, hash_size(t->hash)));
	t->digits[NUMBER_R][0] = t->digits[NUMBER_S][0] = '\0';
	t->count++;
}

static void
take_title(struct dsa_text *t, struct slice s)
{
	static const struct {
		const char *title;
		enum hash_id id;
	} hashes[] = { { "With SHA-1,", HASH_SHA1 }, { "With SHA-224,", HASH_SHA224 }, { "With SHA-256,", HASH_SHA256 },
		{ "With SHA-384,", HASH_SHA384 }, { "With SHA-512,", HASH_SHA512 } };

	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
		if (starts(s, hashes[i].title))
			t->hash = hashes[i].id;
	}
	t->sample = s.len > 8 && memcmp(s.data + s.len - 9, "\"sample\"", 8) == 0;
}

static size_t
signatures_in(FILE *f, const char *from, const char *to, enum ec_curve curve)
{
	static const char *const names[NUMBERS] = {
		"p = ", "q = ", "g = ", "x = ", "y = ", "Ux = ", "Uy = ", "r = ", "s = "
	};
	static struct dsa_text t;
	bool inside = false;
	char line[256];
	char *into = NULL;
	struct slice s;

	memset(t.digits, 0, sizeof t.digits);
	t.count = 0;
	for (size_t i = 0; i < NUMBERS; i++)
		buf_init(&t.value[i], 1024);
	while (next_line(f, line, sizeof line, &s)) {
		bool name = false;

		if (starts(slice_str(line), from))
			inside = true;
		if (starts(slice_str(line), to))
			break;
		if (!inside)
			continue;
		if (starts(s, "With ")) {
			signature_check(&t, curve);
			take_title(&t, s);
			into = NULL;
		}
		for (size_t i = 0; i < NUMBERS; i++) {
			if (starts(s, names[i])) {
				into = t.digits[i];
				into[0] = '\0';
				number_take(into, sizeof t.digits[i], slice_from(s, strlen(names[i])));
				name = true;
			}
		}
		if (!name && s.len > 2 && s.data[1] == ' ')
			into = NULL; /* "k = ", which is not ours */
		else if (!name && into != NULL)
			number_take(into, sizeof t.digits[0], s);
	}
	signature_check(&t, curve);
	for (size_t i = 0; i < NUMBERS; i++)
		buf_done(&t.value[i]);
	return t.count;
}

static void
rfc_6979(void **state)
{
	static const struct {
		const char *from, *to;
		enum ec_curve curve;
	} rows[] = {
		{ "A.2.1.  DSA", "A.2.2.  DSA", EC_CURVE_COUNT },
		{ "A.2.2.  DSA", "A.2.3.  ECDSA", EC_CURVE_COUNT },
		{ "A.2.5.  ECDSA", "A.2.6.  ECDSA", EC_P256 },
		{ "A.2.6.  ECDSA", "A.2.7.  ECDSA", EC_P384 },
		{ "A.2.7.  ECDSA", "A.2.8.  ECDSA", EC_P521 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		FILE *f = open_rfc("rfc6979");

		if (f == NULL)
			return;
		/* Five hash functions, two messages. */
		assert_int_equal(signatures_in(f, rows[i].from, rows[i].to, rows[i].curve), 10);
		(void)fclose(f);
	}
}

UNIT_MAIN(UNIT_TEST(rfc_6979), UNIT_TEST(rfc_8032), UNIT_TEST(rfc_7748), UNIT_TEST(rfc_7253), UNIT_TEST(rfc_9106))
