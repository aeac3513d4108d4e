/* SPDX-License-Identifier: ISC */
#include "trust/find/bucket.h"

#include <string.h>

#include "base/json.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

#define NONCE 12u
#define KEY 32u
#define LENGTH 4u
#define MAGIC "LLB1"

int
find_bucket_address_name(struct slice folded, uint8_t out[FIND_BUCKET_NAME], struct error *e)
{
	BUF_OWNED struct buf text = { .max = 1000 };

	(void)buf_put(&text, "letterlock private address", sizeof "letterlock private address"); /* with its zero */
	(void)buf_put_slice(&text, folded);
	return text.err != 0 ? error_set(e, text.err, "this address is too long")
			     : hash_once(HASH_SHA256, buf_slice(&text), out, e);
}

void
find_bucket_fingerprint_name(const struct pgp_fingerprint *f, uint8_t out[FIND_BUCKET_NAME])
{
	memset(out, 0, FIND_BUCKET_NAME);
	memcpy(out, f->bytes, size_min(f->len, FIND_BUCKET_NAME));
}

void
find_bucket_put_digits(const uint8_t name[FIND_BUCKET_NAME], unsigned digits, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = 0; i < digits && i < 2 * FIND_BUCKET_NAME; i++)
		(void)buf_put_u8(out, (uint8_t)hex[i % 2 == 0 ? name[i / 2] >> 4 : name[i / 2] & 15]);
}

int
find_bucket_parameters(struct slice json, unsigned *digits_out, unsigned *least_out, struct error *e)
{
	struct json_value *v = NULL;
	int64_t digits = -1, least = 0;
	int rc = json_value_parse(json, &v, e);

	if (rc != 0)
		return rc;
	(void)json_value_get_i64(json_value_get(v, "digits"), &digits);
	(void)json_value_get_i64(json_value_get(v, "least"), &least);
	json_value_free(v);
	if (digits < 0 || digits > (int64_t)FIND_BUCKET_DIGITS_MAX || least < 1 ||
	    least > (int64_t)FIND_BUCKET_ENTRIES_MAX)
		return error_set(e, ERR_SYNTAX, "the server's parameters of private look-ups cannot be");
	*digits_out = (unsigned)digits;
	*least_out = (unsigned)least;
	return 0;
}

/* ---- a bucket ---- */

static int
broken(struct error *e)
{
	return error_set(e, ERR_SYNTAX, "the server's answer is no bucket of certificates");
}

int
find_bucket_begin(struct slice in, struct find_bucket *b, struct error *e)
{
	*b = (struct find_bucket){ 0 };
	if (!slice_starts(in, SLICE(MAGIC)))
		return broken(e);
	b->rest = slice_from(in, sizeof MAGIC - 1);
	return 0;
}

static uint32_t
number(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int
find_bucket_next(struct find_bucket *b, struct slice *name_out, struct slice *octets_out, struct error *e)
{
	struct slice rest = b->rest;
	uint32_t length;

	if (rest.len == 0)
		return 0;
	if (rest.len < FIND_BUCKET_NAME + LENGTH)
		return broken(e);
	length = number(rest.data + FIND_BUCKET_NAME);
	if (length > rest.len - FIND_BUCKET_NAME - LENGTH)
		return broken(e);
	if (++b->count > FIND_BUCKET_ENTRIES_MAX)
		return error_set(e, ERR_LIMIT, "the server's bucket has too many entries");
	*name_out = slice_sub(rest, 0, FIND_BUCKET_NAME);
	*octets_out = slice_sub(rest, FIND_BUCKET_NAME + LENGTH, length);
	b->rest = slice_from(rest, FIND_BUCKET_NAME + LENGTH + length);
	return 1;
}

int
find_bucket_bare(struct slice octets, struct slice *out, struct error *e)
{
	uint32_t length;

	if (octets.len < LENGTH)
		return broken(e);
	length = number(octets.data);
	if (length == 0 || length > octets.len - LENGTH)
		return broken(e);
	*out = slice_sub(octets, LENGTH, length);
	return 0;
}

static int
decrypt(struct slice folded, struct slice name, struct slice octets, uint8_t *out, struct error *e)
{
	size_t text = octets.len - NONCE - AEAD_TAG;
	uint8_t key[KEY];
	struct aead *a = NULL;
	int rc = kdf_hkdf(HASH_SHA256, folded, name, SLICE("letterlock private address key"), key, sizeof key, e);

	if (rc == 0)
		rc = aead_new(AEAD_GCM, CIPHER_AES256, CIPHER_DECRYPT, slice_of(key, sizeof key), &a, e);
	if (rc == 0)
		rc = aead_open(a, slice_sub(octets, 0, NONCE), SLICE_EMPTY, octets.data + NONCE, text, out,
		    octets.data + NONCE + text, e);
	aead_free(a);
	return rc;
}

int
find_bucket_open(struct slice folded, struct slice name, struct slice octets, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf plain = { .max = FIND_BUCKET_MAX };
	struct slice certificate;
	uint8_t *room;
	int rc;

	if (octets.len < NONCE + AEAD_TAG + LENGTH)
		return broken(e);
	room = buf_reserve(&plain, octets.len - NONCE - AEAD_TAG);
	if (room == NULL)
		return error_set(e, plain.err, "an entry of the server's bucket is too large");
	rc = decrypt(folded, name, octets, room, e);
	buf_commit(&plain, octets.len - NONCE - AEAD_TAG);
	if (rc == 0)
		rc = find_bucket_bare(buf_slice(&plain), &certificate, e);
	if (rc == 0 && buf_put_slice(out, certificate) != 0)
		rc = error_set(e, out->err, "the certificate is too large");
	return rc;
}
