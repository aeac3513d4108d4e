/* SPDX-License-Identifier: ISC */
/*
 * The vectors of RFC 8032 (Ed25519, Ed448), 7748 (X25519, X448), 7253 (OCB)
 * and 9106 (Argon2id), read from the RFCs' own text in the folder of
 * LETTERLOCK_TESTDATA when the test runs.
 */
#include <stdio.h>

#include "unit.h"

#include "base/buf.h"
#include "base/hex.h"
#include "crypto/aead.h"
#include "crypto/agree.h"
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

UNIT_MAIN(UNIT_TEST(rfc_8032), UNIT_TEST(rfc_7748), UNIT_TEST(rfc_7253), UNIT_TEST(rfc_9106))
