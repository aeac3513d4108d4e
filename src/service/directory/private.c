/* SPDX-License-Identifier: ISC */
#include "service/directory/private.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

#define NONCE 12u
#define KEY 32u

unsigned
directory_bucket_digits(uint64_t entries)
{
	unsigned digits = 0;

	while (digits < DIRECTORY_BUCKET_DIGITS_MAX && entries >> (4 * (digits + 1)) >= DIRECTORY_BUCKET_LEAST)
		digits++;
	return digits;
}

static int
digit_value(uint8_t c)
{
	uint8_t d = ascii_lower(c);

	if (d >= '0' && d <= '9')
		return d - '0';
	return d >= 'a' && d <= 'f' ? d - 'a' + 10 : -1;
}

int
directory_bucket_range(struct slice hex, unsigned digits, struct directory_bucket_range *out, struct error *e)
{
	uint64_t first = 0, behind;

	*out = (struct directory_bucket_range){ .octet_count = (DIRECTORY_BUCKET_DIGITS_MAX + 1) / 2 };
	for (size_t i = 0; i < hex.len && hex.len == digits; i++) {
		if (digit_value(hex.data[i]) < 0)
			return error_set(e, ERR_SYNTAX, "a bucket is named by hex digits");
		first = first << 4 | (uint64_t)digit_value(hex.data[i]);
	}
	if (hex.len != digits)
		return error_set(
		    e, ERR_SYNTAX, "buckets are named by %u hex digits now: ask for the parameters", digits);
	behind = (first + 1) << 4 * (DIRECTORY_BUCKET_DIGITS_MAX - digits);
	first <<= 4 * (DIRECTORY_BUCKET_DIGITS_MAX - digits);
	out->to_the_end = behind >> 32 != 0;
	for (size_t i = 0; i < out->octet_count; i++) {
		out->from[i] = (uint8_t)(first >> (24 - 8 * i));
		out->upto[i] = (uint8_t)(behind >> (24 - 8 * i));
	}
	return 0;
}

/* The certificate with its length in front, filled up: how many octets it has is not to be seen. */
static int
put_filled(struct slice certificate, struct buf *out, struct error *e)
{
	static const uint8_t zeros[DIRECTORY_BUCKET_STEP];
	size_t len = 4 + certificate.len, over = len % DIRECTORY_BUCKET_STEP;

	(void)buf_put_u32(out, (uint32_t)certificate.len);
	(void)buf_put_slice(out, certificate);
	if (over != 0)
		(void)buf_put(out, zeros, DIRECTORY_BUCKET_STEP - over);
	return out->err == 0 ? 0 : error_set(e, out->err, "the bucket is too large");
}

static int
put_head(struct slice name, size_t len, struct buf *out, struct error *e)
{
	uint8_t whole[DIRECTORY_BUCKET_NAME] = { 0 };

	memcpy(whole, name.data, size_min(name.len, sizeof whole));
	(void)buf_put(out, whole, sizeof whole);
	(void)buf_put_u32(out, (uint32_t)len);
	return out->err == 0 ? 0 : error_set(e, out->err, "the bucket is too large");
}

static int
seal(struct slice name, struct slice folded, struct slice plain, uint8_t *out, struct error *e)
{
	uint8_t key[KEY];
	struct aead *a = NULL;
	int rc = kdf_hkdf(HASH_SHA256, folded, name, SLICE("letterlock private address key"), key, sizeof key, e);

	if (rc == 0)
		rc = random_bytes(out, NONCE, e);
	if (rc == 0)
		rc = aead_new(AEAD_GCM, CIPHER_AES256, CIPHER_ENCRYPT, slice_of(key, sizeof key), &a, e);
	if (rc == 0)
		rc = aead_seal(a, slice_of(out, NONCE), SLICE_EMPTY, plain.data, plain.len, out + NONCE,
		    out + NONCE + plain.len, e);
	aead_free(a);
	return rc;
}

int
directory_bucket_put_sealed(
    struct slice name, struct slice address, struct slice certificate, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf folded = { 0 }, plain = { 0 };
	size_t len;
	uint8_t *room;
	int rc;

	buf_init(&folded, 1024);
	buf_init(&plain, certificate.len + 2 * DIRECTORY_BUCKET_STEP);
	for (size_t i = 0; i < address.len; i++)
		(void)buf_put_u8(&folded, ascii_lower(address.data[i]));
	if (folded.err != 0)
		return error_set(e, folded.err, "an address is too long");
	rc = put_filled(certificate, &plain, e);
	if (rc != 0)
		return rc;
	len = NONCE + plain.len + AEAD_TAG;
	rc = put_head(name, len, out, e);
	if (rc != 0)
		return rc;
	room = buf_reserve(out, len);
	if (room == NULL)
		return error_set(e, out->err, "the bucket is too large");
	rc = seal(name, buf_slice(&folded), buf_slice(&plain), room, e);
	if (rc == 0)
		buf_commit(out, len);
	return rc;
}

int
directory_bucket_put_bare(struct slice name, struct slice certificate, struct buf *out, struct error *e)
{
	size_t len = 4 + certificate.len;
	int rc =
	    put_head(name, (len + DIRECTORY_BUCKET_STEP - 1) / DIRECTORY_BUCKET_STEP * DIRECTORY_BUCKET_STEP, out, e);

	return rc != 0 ? rc : put_filled(certificate, out, e);
}
